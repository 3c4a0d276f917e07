"""What the parts of a design may hold: tables of rules, each with the words for a value that breaks
it.

Limits are those of Apple (Pass, PassFields, Pass.NFC, Pass.Locations) and Google (Class, Object);
where both have one, the stricter. Pure."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.money import currencies
from wallet.passes.parts import Action, App, BackMessage, Beacon, Link, NearField, Place


class Rule(NamedTuple):
    """A test of a value, the words that say what the value must be, and the numbers in their
    places."""

    holds: Callable[[Any], bool]
    words: str
    facts: Mapping[str, int] = MappingProxyType({})


KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
WEB = re.compile(r"https://[^\s/?#]+\.[^\s/?#]+(?:[/?#]\S*)?")
ADDRESS = re.compile(rf"{WEB.pattern}|tel:\+?[0-9-]{{3,20}}|mailto:[^\s@]+@[^\s@]+\.[^\s@]+")
LAUNCH = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
PASS_TYPE = re.compile(r"pass\.[A-Za-z0-9.-]{1,150}")
GROUP = re.compile(r"[A-Za-z0-9._-]{1,64}")
LINKS_IN_ALL: Final = 30
NFC_BYTES = 64  # Apple, Pass.NFC: longer messages are cut off
LONGEST_OCCASION = timedelta(hours=24)
MOST_JSON_BYTES = 4096

MOST_UUIDS = 10
MOST_APPS = 10
# A list of the design -> how many it may have at most.
MOST = {
    "relevant_dates": 20,
    "locations": 10,
    "beacons": 40,
    "featured_actions": 2,
    "links": LINKS_IN_ALL,
    "messages": 10,
}


def within(least: float, most: float) -> Callable[[float], bool]:
    """A test for finite numbers between these two, which are included."""
    return lambda number: math.isfinite(number) and least <= number <= most


def like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """A test for texts that match the pattern as a whole."""
    return lambda text: pattern.fullmatch(text) is not None


def moment(text: str) -> datetime | None:
    """A date with time and zone, as Apple and Google want it; None if the text is not one."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and "T" in text else None


def is_moment(text: str) -> bool:
    """Whether the text is a date with time and zone."""
    return moment(text) is not None


def is_compressed_p256(text: str) -> bool:
    """Whether the text is a P-256 key as Apple takes it: in X.509 form with its point compressed,
    Base64."""
    try:
        der = base64.b64decode(text, validate=True)
        key = load_der_public_key(der)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return False
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return is_p256 and der[-33] in (2, 3) and len(der) == COMPRESSED_BYTES


COMPRESSED_BYTES = 59  # 26 of heading, 33 of point

A_MOMENT = Rule(
    is_moment,
    "is a date with time and zone, for example 2026-12-31T23:59:00+03:00.",
)
A_KEY = Rule(
    like(KEY),
    "a key consists of Latin letters, digits, dots, dashes and underscores.",
)

# Rules for the design itself. A value of None was not given and is not checked.
DESIGN: Mapping[str, Rule] = {
    "max_distance": Rule(within(1, 100_000), "is in metres, from 1 to 100000."),
    "expires": A_MOMENT,
    "pass_type": Rule(
        like(PASS_TYPE),
        "is a pass type identifier such as pass.com.example.coupons.",
    ),
    "grouping": Rule(
        like(GROUP),
        "consists of up to 64 Latin letters, digits, dots, dashes and underscores.",
    ),
    "user_info": Rule(
        lambda data: _is_small(data),
        "may have {most} bytes as JSON: every change of a card sends it again.",
        {"most": MOST_JSON_BYTES},
    ),
}

# Rules for fields.
FIELD: Mapping[str, Rule] = {
    "currency": Rule(
        lambda value: _is_currency(value), "is three capital letters such as RUB (ISO 4217)."
    ),
}

PARTS: Mapping[type, Mapping[str, Rule]] = {
    Place: {
        "latitude": Rule(within(-90, 90), "is in degrees from -90 (south) to 90 (north)."),
        "longitude": Rule(within(-180, 180), "is in degrees from -180 (west) to 180 (east)."),
        "altitude": Rule(within(-500, 10_000), "is in metres, from -500 to 10000."),
    },
    Beacon: {
        "uuid": Rule(like(UUID), "is like 6ba7b810-9dad-11d1-80b4-00c04fd430c8."),
        "major": Rule(within(0, 65_535), "is a whole number from 0 to 65535."),
        "minor": Rule(within(0, 65_535), "is a whole number from 0 to 65535."),
    },
    NearField: {
        "message": Rule(
            lambda text: 0 < len(text.encode()) <= NFC_BYTES,
            "has 1 to {most} bytes; phones cut off what is beyond.",
            {"most": NFC_BYTES},
        ),
        "public_key": Rule(
            is_compressed_p256,
            "is the reader's P-256 key in Base64, its point compressed: openssl ec -in key.pem"
            " -pubout -conv_form compressed -outform DER | base64 -w0",
        ),
    },
    App: {
        "store_ids": Rule(
            lambda ids: all(0 < one < 10**15 for one in ids) and len(ids) <= MOST_APPS,
            "are numbers as they stand in addresses of the App Store after /id, ten at most.",
        ),
        "launch_url": Rule(like(LAUNCH), "is an address your app opens, such as shop://card."),
        "android_package": Rule(like(PACKAGE), "is a package name such as com.example.shop."),
    },
    Action: {
        "identifier": A_KEY,
        "url": Rule(like(WEB), "must begin with https:// and have no spaces."),
    },
    Link: {
        "key": A_KEY,
        "url": Rule(like(ADDRESS), "must begin with https://, tel: or mailto:."),
    },
    BackMessage: {"key": A_KEY},
}


def _is_money(value: object) -> bool:
    """Apple wants the amount as text: as a number it could gain digits on its way."""
    if not isinstance(value, dict) or value.keys() != {"amount", "currencyCode"}:
        return False
    amount, currency = value["amount"], value["currencyCode"]
    if not isinstance(amount, str) or not isinstance(currency, str):
        return False
    return bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", amount) and _is_currency(currency))


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and value in currencies()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


def _are_networks(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= 10
        and all(
            isinstance(one, dict)
            and one.keys() == {"ssid", "password"}
            and all(map(_is_text, one.values()))
            for one in value
        )
    )


MONEY = Rule(_is_money, 'is {{"amount": "12.50", "currencyCode": "EUR"}}, the amount in quotes.')
A_TEXT = Rule(_is_text, "is a text of up to 200 characters.")

# Semantic tags: those of Apple's that make sense on a shop's card.
SEMANTICS: Mapping[str, Rule] = {
    "balance": MONEY,
    "totalPrice": MONEY,
    "membershipProgramName": A_TEXT,
    "membershipProgramNumber": A_TEXT,
    "membershipProgramStatus": A_TEXT,
    "silenceRequested": Rule(lambda value: isinstance(value, bool), "is true or false."),
    "wifiAccess": Rule(
        _are_networks, 'is a list of {{"ssid": "…", "password": "…"}}, ten at most.'
    ),
}


class _Links(HTMLParser):
    """Reads a text and notes whether its only tags are links with a full address."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.is_sound = True
        self.open = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        href = dict(attrs).get("href") or ""
        self.open += 1
        self.is_sound &= tag == "a" and names == ["href"] and self.open == 1
        self.is_sound &= ADDRESS.fullmatch(href) is not None

    def handle_endtag(self, tag: str) -> None:
        self.open -= 1
        self.is_sound &= tag == "a" and self.open == 0

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_sound = False

    def handle_decl(self, decl: str) -> None:
        self.is_sound = False

    def handle_comment(self, data: str) -> None:
        self.is_sound = False

    def handle_data(self, data: str) -> None:
        self.is_sound &= "<" not in data and "&" not in data


def is_linked(text: str) -> bool:
    """Whether a wallet can draw the text: links as `<a href="…">…</a>`, `&` written as `&amp;`, and
    no other tag."""
    reader = _Links()
    reader.feed(text)
    reader.close()
    return reader.is_sound and reader.open == 0


def _is_small(data: object) -> bool:
    try:
        return (
            len(json.dumps(data, ensure_ascii=False, allow_nan=False).encode()) <= MOST_JSON_BYTES
        )
    except (ValueError, UnicodeEncodeError):
        return False
