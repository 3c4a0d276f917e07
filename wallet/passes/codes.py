"""Contents of a card's barcode that a till can trust.

A code is decimal digits and nothing else. Digits take the least space in QR and PDF417, and they
are the same on every keyboard layout that a scanner types through. docs/codes.md describes the form
byte by byte:

    prefix | card number | generation | signature       signed: for any till, without a network
    prefix | card number | seconds | value | zeros      rotating: drawn by Google Wallet (RFC 6238)
    prefix | coupon | what the card's barcode says      a coupon: which one, and whose

Codes are longer than any card number, so the two cannot be mistaken for each other."""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from wallet.passes.content import Symbology

CodeKind = Literal["plain", "hmac", "ed25519"]

PREFIXES: dict[CodeKind, str] = {"hmac": "961", "ed25519": "962"}
ROTATING = "963"
COUPON = "964"
SERIAL_DIGITS = 39  # enough for 128 bits
SHORTEST = 33  # digits; a card number has at most 32 characters
SIGNATURE_BYTES: dict[CodeKind, int] = {"hmac": 16, "ed25519": 64}
SIGNATURE_DIGITS: dict[CodeKind, int] = {"hmac": 39, "ed25519": 155}
DOMAIN = "kopilka card code"
# A Code 128 would need hundreds of bars, and no phone is that wide.
CARRIERS: tuple[Symbology, ...] = ("qr", "aztec", "pdf417")
# Google Wallet API v1, RotatingBarcode.type: the others are "not supported for rotating barcodes".
ROTATING_CARRIERS: tuple[Symbology, ...] = ("qr", "pdf417")

PERIOD_S = 30  # for so long one value of a rotating code is shown
VALUE_DIGITS = 8
SECONDS_DIGITS = 10
WINDOW = 1  # periods to each side: clocks differ, and a code is scanned after it was drawn

NOT_DIGITS = 50  # added to the length of a card number that has other characters than digits
FIRST_SIGN = 33  # `!`, the first character that a card number may have
MOST_GENERATION_DIGITS = 9

CARD = re.compile(r"[!-~]{4,32}")
DIGITS = re.compile(r"[0-9]+")

SignCode = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SignedCode:
    """A signed code, taken apart; its signature is not checked yet. `text` is the whole code."""

    kind: CodeKind
    card: str
    generation: int
    text: str
    signature: bytes

    def message(self, programme: str) -> bytes:
        """The bytes that the signature must be over, for a card of the programme with this code."""
        return _message(programme, self.text[: -SIGNATURE_DIGITS[self.kind]])


@dataclass(frozen=True, slots=True)
class RotatingCode:
    """A code that Google Wallet drew, taken apart and not checked. `seconds` (since 1970) is the
    moment of drawing that it claims."""

    card: str
    seconds: int
    value: str


def mint(kind: CodeKind, programme: str, card: str, generation: int, sign: SignCode) -> str:
    """The text of a card's code in this generation. Raises ValueError for a generation of more than
    `MOST_GENERATION_DIGITS` digits."""
    count = str(generation)
    if not 0 < len(count) <= MOST_GENERATION_DIGITS:
        raise ValueError("so many generations no card has")
    body = f"{PREFIXES[kind]}{_written(card)}{len(count)}{count}"
    signature = sign(_message(programme, body))
    if len(signature) != SIGNATURE_BYTES[kind]:
        raise ValueError("the signature has another length")
    return body + str(int.from_bytes(signature)).zfill(SIGNATURE_DIGITS[kind])


def is_code(text: str) -> bool:
    """Whether this claims to be a code of ours and is not a card number."""
    return len(text) >= SHORTEST and text.startswith((*PREFIXES.values(), ROTATING))


def read(text: str) -> SignedCode | RotatingCode | None:
    """A code taken apart; None for text that is not written exactly as we write codes."""
    if not is_code(text) or DIGITS.fullmatch(text) is None or not text.isascii():
        return None
    prefix, (card, rest) = text[:3], _card_in(text[3:])
    if card is None:
        return None
    if prefix == ROTATING:
        return _read_rotating(text, card, rest)
    kind = next(kind for kind, one in PREFIXES.items() if one == prefix)
    length = int(rest[:1] or "0")
    count, signature = rest[1 : 1 + length], rest[1 + length :]
    if not 0 < length <= MOST_GENERATION_DIGITS or len(signature) != SIGNATURE_DIGITS[kind]:
        return None
    if count.startswith("0") or int(signature) >= 1 << 8 * SIGNATURE_BYTES[kind]:
        return None
    value = int(signature).to_bytes(SIGNATURE_BYTES[kind])
    return SignedCode(kind, card, int(count), text, value)


def of_coupon(serial: str, card: str) -> str:
    """The code of a coupon: which pass it is, followed by what its member's card says. A person who
    cannot show the card cannot show the coupon either."""
    return f"{COUPON}{str(int(serial, 16)).zfill(SERIAL_DIGITS)}{card}"


def parted(text: str) -> tuple[str | None, str]:
    """The serial number of a coupon (None if this is not the code of one), and the part that is the
    card's. Whether there is such a coupon, and whether it is this card's, is not checked here."""
    written, card = text[len(COUPON) :][:SERIAL_DIGITS], text[len(COUPON) + SERIAL_DIGITS :]
    if not text.startswith(COUPON) or not card or not written.isascii() or not written.isdigit():
        return None, text
    return (f"{int(written):032x}", card) if int(written) < 1 << 128 else (None, text)


def hmac_of(secret: bytes) -> SignCode:
    """Signs with the first half of an HMAC-SHA-256: 128 bits cannot be guessed at a till."""
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()[:16]


def is_hmac(secret: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is that of this message. The comparison takes the same time for every
    answer."""
    return hmac.compare_digest(hmac_of(secret)(message), signature)


def rotating_pattern(card: str) -> str:
    """Google's `valuePattern` for this card: Google fills in the second of drawing and the value of
    its period."""
    head = ROTATING + _written(card)
    return (
        f"{head}{{totp_timestamp_seconds}}{{totp_value_0}}"
        f"{'0' * _missing(len(head) + SECONDS_DIGITS + VALUE_DIGITS)}"
    )


def step_of(secret: bytes, code: RotatingCode) -> int | None:
    """The period (seconds since 1970 divided by `PERIOD_S`) of which the code has the value; None
    if it is not the value of a period near its second. The second may be that of the drawing or the
    begin of the period: Google does not say which."""
    drawn = code.seconds // PERIOD_S
    for step in (drawn, drawn - 1, drawn + 1):
        if step >= 0 and hmac.compare_digest(totp(secret, step), code.value):
            return step
    return None


def totp(secret: bytes, step: int) -> str:
    """The value of a period by RFC 6238 with SHA-1, the only hash that Google supports."""
    algorithm = SHA1()  # noqa: S303 - HMAC-SHA-1 is not what SHA-1 is broken for
    return HOTP(secret, VALUE_DIGITS, algorithm).generate(step).decode()


def _message(programme: str, body: str) -> bytes:
    return f"{DOMAIN}\n{programme}\n{body}".encode()


def _written(card: str) -> str:
    """A card number after its length. If it has other characters than digits, each is written as
    two digits."""
    if DIGITS.fullmatch(card):
        return f"{len(card):02}{card}"
    return f"{len(card) + NOT_DIGITS}{''.join(f'{ord(sign) - FIRST_SIGN:02}' for sign in card)}"


def _card_in(text: str) -> tuple[str | None, str]:
    """The card number with which the text begins, and what follows it; None if it is not one."""
    length = int(text[:2])
    if length < NOT_DIGITS:
        card, rest = text[2 : 2 + length], text[2 + length :]
    else:
        length -= NOT_DIGITS
        pairs = text[2 : 2 + 2 * length]
        card = "".join(chr(int(pairs[at : at + 2]) + FIRST_SIGN) for at in range(0, len(pairs), 2))
        rest = text[2 + 2 * length :]
    # There is only one way to write a number: the text must be what we would write for it.
    is_one = CARD.fullmatch(card) is not None and text.startswith(_written(card))
    return (card, rest) if is_one else (None, "")


def _read_rotating(text: str, card: str, rest: str) -> RotatingCode | None:
    seconds, value = rest[:SECONDS_DIGITS], rest[SECONDS_DIGITS : SECONDS_DIGITS + VALUE_DIGITS]
    filling = rest[SECONDS_DIGITS + VALUE_DIGITS :]
    if len(value) != VALUE_DIGITS or filling != "0" * _missing(len(text) - len(filling)):
        return None
    return RotatingCode(card, int(seconds), value)


def _missing(length: int) -> int:
    return max(0, SHORTEST - length)
