"""Where events may be sent, by the address alone."""

import ipaddress

import pytest

from wallet.receivers.addresses import LONGEST_URL, Allowed

OUTSIDE = Allowed()
WITH_LAN = Allowed((ipaddress.ip_network("192.168.1.0/24"),))

INWARD_HOSTS = """
    127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001
    127.127.127.127 0.0.0.0 0 0x0 10.0.0.1 10.255.255.255 167772161 172.16.0.1 172.31.255.255
    192.168.0.1 192.168.1 3232235777 169.254.169.254 2852039166 0xa9fea9fe 169.254.0.1
    100.64.0.1 100.127.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 [::] [::1]
    [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:169.254.169.254] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1]
    [64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::] [2001::1]
    [2001:0:7f00::1] [2001:db8::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fe80::a9fe:a9fe]
    [fec0::1] [ff02::1] [100::1] localhost LOCALHOST localhost. app.localhost
    metadata.google.internal printer.local router.lan nas intranet db.corp"""
INWARD = INWARD_HOSTS.split()


@pytest.mark.parametrize("host", INWARD)
def test_an_address_inside_is_refused(host: str) -> None:
    assert OUTSIDE.objection(f"https://{host}/hook") is not None


@pytest.mark.parametrize("host", ["example.com", "8.8.8.8", "[2606:4700::1111]", "xn--e1afmkfd.ru"])
def test_an_address_outside_is_accepted(host: str) -> None:
    assert OUTSIDE.objection(f"https://{host}/hook?shop=1") is None
    assert OUTSIDE.objection(f"https://{host}:8443/hook") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https:///hook",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com:22/",
        "https://example.com:0x1/",
        "https://example.com:99999/",
        "https://example.com/#part",
        "https://example.com\\@127.0.0.1/",
        "https://exam ple.com/",
        "https://example.com/\r\nHost: inside",
        "https://пример.рф/",
        "https://[::1/",
        "https://example.com/" + "x" * LONGEST_URL,
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    assert OUTSIDE.objection(url) is not None


@pytest.mark.parametrize("host", [host for host in INWARD if host[0] in "0123456789["])
def test_no_connection_is_made_to_an_address_inside(host: str) -> None:
    bare = host.strip("[]")
    assert not OUTSIDE.may_connect("https", bare)
    assert not OUTSIDE.may_connect("http", bare)


def test_only_the_named_network_may_be_called_and_by_plain_http_only_that() -> None:
    assert WITH_LAN.may_connect("http", "192.168.1.5")
    assert WITH_LAN.may_connect("https", "192.168.1.5")
    assert not WITH_LAN.may_connect("https", "192.168.2.5")
    assert not WITH_LAN.may_connect("http", "8.8.8.8")
    assert WITH_LAN.may_connect("https", "8.8.8.8")
    assert not WITH_LAN.may_connect("https", "::ffff:192.168.1.5")
    assert not OUTSIDE.may_connect("https", "not an address")
    assert WITH_LAN.objection("http://192.168.1.5/hs/kopilka") is None
    assert WITH_LAN.objection("http://127.0.0.1/") is not None


def test_it_says_how_an_address_may_begin_here() -> None:
    for allowed, beginnings in ((OUTSIDE, "https:// and"), (WITH_LAN, "https:// or http:// and")):
        said = f"the address must begin with {beginnings} name a host."
        assert allowed.objection("ftp://example.com/") == said
