"""Which barcodes can carry which text, and in which order a card offers them. Pure.

Sets of characters: ISO/IEC 15417 (Code 128), 16388 (Code 39), 15420 (EAN), 16390 (Interleaved 2 of
5); Codabar by ANSI/AIM BC3."""

import re
from collections.abc import Mapping

from wallet.passes.content import Design, Symbology

# Any camera can read these, and any wallet can draw them.
TWO_DIMENSIONAL: tuple[Symbology, ...] = ("qr", "pdf417", "aztec")

# Barcodes of bars alone carry at most 32 characters, as many as a card number has: with more they
# would be wider than a phone.
CARRIES: Mapping[Symbology, re.Pattern[str]] = {
    "qr": re.compile(r".+", re.DOTALL),
    "pdf417": re.compile(r".+", re.DOTALL),
    "aztec": re.compile(r".+", re.DOTALL),
    "code128": re.compile(r"[\x20-\x7e]{1,32}"),
    "code39": re.compile(r"[0-9A-Z .$/+%-]{1,32}"),
    "codabar": re.compile(r"[0-9$:/.+-]{1,32}"),
    "ean13": re.compile(r"[0-9]{13}"),
    "itf": re.compile(r"(?:[0-9]{2}){1,16}"),
}


def carries(symbology: Symbology, text: str) -> bool:
    """Whether the barcode can carry `text`. EAN-13 ends in a check digit, and no phone draws a
    wrong one."""
    if CARRIES[symbology].fullmatch(text) is None:
        return False
    return symbology != "ean13" or _is_ean(text)


def offered(design: Design) -> tuple[Symbology, ...]:
    """The design's barcodes, the wanted one first. One that every phone and watch can draw is
    always among them: a device that can draw none of them would show none."""
    wanted = [design.symbology]
    if design.fallback is not None and design.fallback != design.symbology:
        wanted.append(design.fallback)
    if not any(one in TWO_DIMENSIONAL for one in wanted):
        wanted.append("qr")
    return tuple(wanted)


def drawn(design: Design, text: str) -> Symbology:
    """The first of the design's barcodes that can carry `text`."""
    return next((one for one in offered(design) if carries(one, text)), "qr")


def _is_ean(digits: str) -> bool:
    odd, even = sum(map(int, digits[0:12:2])), sum(map(int, digits[1:12:2]))
    return (odd + 3 * even + int(digits[12])) % 10 == 0
