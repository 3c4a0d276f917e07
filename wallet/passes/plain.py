"""Texts that are the same for everybody: announcements, and what a shop is called. Nothing is
filled into them, so a place for it would be read as it is written. Pure."""

import re

from ledger.languages import Texts
from wallet.errors import PlaceholderNotFilled

# A place to be filled, or what is left of one: from its braces to the end of it, or of the word.
BRACES = re.compile(r"\{\{[^{}]*\}{0,2}|\}\}")
LONGEST_QUOTE = 40  # characters of a place that are said again


def check(texts: Texts) -> None:
    """Raises `PlaceholderNotFilled`."""
    for language, text in texts.items():
        if (written := place_in(text)) is not None:
            raise PlaceholderNotFilled(language, written)


def place_in(text: str) -> str | None:
    """The first that would be a place to be filled, as it is written; None if there is none."""
    found = BRACES.search(text)
    if found is None:
        return None
    written = found[0]
    return written if len(written) <= LONGEST_QUOTE else written[: LONGEST_QUOTE - 1] + "…"
