"""Where events may be sent: to addresses of the public internet by https, and into networks that
the operator has named. Pure.

A receiver's address is written by whoever has a key of the API, and we are the ones who call it. So
it must not lead to what only we can reach: this machine, its neighbours, the metadata service of a
cloud. A name proves nothing, since what it leads to can change at any moment. Therefore the check
that counts is `Allowed.may_connect`, which is asked for each connection with the very address that
is connected to; `Allowed.objection` is asked when an address is entered, for an early answer."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

from ledger.words import N_

LONGEST_URL = 1000  # characters
FIRST_FREE_PORT = 1024
PORTS = {"https": 443, "http": 80}

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# Python calls some of these global. Each may lead inwards: addresses of IPv4 inside of IPv6
# (mapped, compatible, NAT64, 6to4, Teredo), and blocks with a meaning of their own.
NEVER: Sequence[Network] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/3",
            "::/96",
            "::ffff:0:0/96",
            "::ffff:0:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
# Names that stand for something inside, whoever answers for them.
INWARD_ENDINGS = ("localhost", "local", "internal", "lan", "home", "intranet", "corp")


@dataclass(frozen=True, slots=True)
class Allowed:
    """`networks`: those inside, named by the operator, that may be called, also by plain http."""

    networks: tuple[Network, ...] = ()

    def may_connect(self, scheme: str, address: str) -> bool:
        """Whether a connection to this numeric address may be made. Plain http goes only to the
        operator's own networks."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if self._is_named(found):
            return True
        return scheme == "https" and is_public(found)

    def objection(self, url: str) -> str | None:
        """Why events cannot be sent to this address, as a sentence of the catalogue; None if
        nothing speaks against it as far as can be seen from the address itself."""
        parts = _parts(url)
        if parts is None or parts.scheme not in PORTS or not parts.hostname:
            if self.networks:
                return N_("the address must begin with https:// or http:// and name a host.")
            return N_("the address must begin with https:// and name a host.")
        if parts.username is not None or parts.password is not None:
            return N_("the address must not hold a name or a password.")
        if parts.fragment:
            return N_("the address must not have a part after #.")
        port = parts.port or PORTS[parts.scheme]
        if port != PORTS[parts.scheme] and port < FIRST_FREE_PORT:
            return N_("the port must be the usual one, or 1024 or higher.")
        if parts.scheme == "http" and not self.networks:
            return N_("the address must begin with https://.")
        if not self._may_be_meant(parts.scheme, parts.hostname):
            return N_("the address leads into an internal network.")
        return None

    def _may_be_meant(self, scheme: str, host: str) -> bool:
        numeric = _as_number(host)
        if numeric is not None:
            return self.may_connect(scheme, numeric)
        if self.networks:
            return True
        ending = host.rstrip(".").rpartition(".")[2].lower()
        return "." in host.rstrip(".") and ending not in INWARD_ENDINGS

    def _is_named(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Whether the address is one host of the public internet."""
    return address.is_global and not any(address in network for network in NEVER)


def _parts(url: str) -> SplitResult | None:
    # What urllib and libcurl might read differently is not read at all.
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        return None
    if any(sign in url for sign in ' \\"<>^`{|}'):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # which urllib reads only now
    except ValueError:
        return None
    return parts


def _as_number(host: str) -> str | None:
    """The address that a host is, if it is a number in any spelling: `127.1`, `0x7f000001`, `::1`.
    None for a name."""
    try:
        found = socket.getaddrinfo(host.rstrip("."), None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(found[0][4][0])
