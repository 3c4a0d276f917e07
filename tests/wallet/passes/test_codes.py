"""Codes as text: one way to write each, and nothing but that is read."""

import random
import re

import pytest

from wallet.configuration.keyring import KeyRing
from wallet.passes import codes, renewal
from wallet.passes.codes import RotatingCode, SignedCode

KEYS = KeyRing(("a-secret-of-many-characters-for-codes",))
CARDS = ("4242424242424242", "1234", "9" * 32, "OLD-77/a", "!~!~", "~" * 32, "0007")
# RFC 6238, appendix B: time and value of SHA-1 with this secret.
RFC_SECRET = b"12345678901234567890"
RFC_VALUES = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


def minted(kind: codes.CodeKind, card: str, generation: int = 1, programme: str = "demo") -> str:
    return codes.mint(kind, programme, card, generation, renewal._signer(KEYS, kind, programme))


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("generation", [1, 10, 999_999_999])
def test_what_is_minted_is_read(kind: codes.CodeKind, card: str, generation: int) -> None:
    text = minted(kind, card, generation)
    assert re.fullmatch("[0-9]{33,300}", text)
    read = codes.read(text)
    assert isinstance(read, SignedCode)
    assert (read.kind, read.card, read.generation) == (kind, card, generation)
    assert renewal._is_genuine(KEYS, read, "demo")
    assert not renewal._is_genuine(KEYS, read, "tea")
    assert not renewal._is_genuine(KeyRing(("another secret of somebody",)), read, "demo")


def test_how_long_they_are() -> None:
    """A QR code of 25 and one of 37 modules: docs/codes.md says so."""
    assert len(minted("hmac", CARDS[0])) == 62
    assert len(minted("ed25519", CARDS[0])) == 178


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
def test_no_other_text_is_the_same_code(kind: codes.CodeKind) -> None:
    """A digit changed, lost, doubled or swapped: never read as genuine."""
    text = minted(kind, CARDS[0], 12)
    chance = random.Random(7)  # noqa: S311 - the same every time
    others = {text[:at] + text[at + 1 :] for at in range(len(text))}
    others |= {text[:at] + text[at] + text[at:] for at in range(len(text))}
    for _ in range(300):
        at = chance.randrange(len(text))
        others.add(text[:at] + str((int(text[at]) + chance.randrange(1, 10)) % 10) + text[at + 1 :])
    for other in others - {text}:
        read = codes.read(other)
        assert not isinstance(read, SignedCode) or not renewal._is_genuine(KEYS, read, "demo"), (
            other
        )


def test_a_number_is_written_in_one_way() -> None:
    """Digits as digits, no zero before a generation, no number beyond what its bytes hold."""
    as_signs = "961" + "54" + "16171819" + "11" + "0" * 39
    assert codes.read("961" + "04" + "1234" + "11" + "0" * 39) is not None
    assert codes.read(as_signs) is None
    assert codes.read("961" + "04" + "1234" + "201" + "0" * 39) is None
    assert codes.read("961" + "04" + "1234" + "0" + "0" * 39) is None
    assert codes.read("961" + "04" + "1234" + "11" + "9" * 39) is None
    assert codes.read("961" + "54" + "94161718" + "11" + "0" * 39) is None


def test_other_texts_are_no_codes() -> None:
    for text in ("", "4242424242424242", "9" * 32, "961", "961x" + "0" * 60, "٩٦١" + "0" * 60):
        assert codes.read(text) is None
    assert not codes.is_code("961" + "0" * 29)  # a card number may be as long as that


@pytest.mark.parametrize("serial", ["0" * 32, "f" * 32, "00c0ffee" * 4])
@pytest.mark.parametrize("card", [*CARDS, "964" + "0" * 29])
def test_a_coupon_says_which_and_whose(serial: str, card: str) -> None:
    for text in (card, *(minted(kind, card) for kind in ("hmac", "ed25519"))):
        assert codes.parted(codes.of_coupon(serial, text)) == (serial, text)
        # Without the coupon it is the card's.
        assert codes.parted(text) == (None, text)


def test_what_is_no_coupon_is_left_as_it_is() -> None:
    for text in ("", "964", "964" + "0" * 39, "964" + "9" * 39 + "1234", "964" + "٠" * 39 + "1234"):
        assert codes.parted(text) == (None, text)


@pytest.mark.parametrize("seconds", RFC_VALUES)
def test_values_are_those_of_the_rfc(seconds: int) -> None:
    assert codes.totp(RFC_SECRET, seconds // codes.PERIOD_S) == RFC_VALUES[seconds]


@pytest.mark.parametrize("card", CARDS)
def test_a_filled_pattern_is_read(card: str) -> None:
    pattern = codes.rotating_pattern(card)
    text = pattern.replace("{totp_timestamp_seconds}", "1111111109")
    text = text.replace("{totp_value_0}", "07081804")
    assert re.fullmatch("[0-9]{33,300}", text)
    read = codes.read(text)
    assert read == RotatingCode(card, 1111111109, "07081804")
    assert codes.step_of(RFC_SECRET, read) == 1111111109 // 30
    assert codes.step_of(b"another secret.....!", read) is None
    assert codes.read(text + "0") is None


def test_the_second_may_be_that_of_the_period_or_of_the_drawing() -> None:
    step = 1111111109 // 30
    for seconds in (step * 30, step * 30 + 29, step * 30 - 1):
        assert codes.step_of(RFC_SECRET, RotatingCode("1234", seconds, "07081804")) == step
    assert codes.step_of(RFC_SECRET, RotatingCode("1234", step * 30 - 31, "07081804")) is None
