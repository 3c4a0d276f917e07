"""What is wrong with a row, in words. Codes never change once published. Pure."""

from collections.abc import Mapping
from typing import Any

from ledger import words
from ledger.languages import Language

CONTEXT = "import"
ANSWER = "answer"
LEFT_ASIDE = ("unknown_column", "homeless_column", "unclear_consent")
# What a preview says of the file as a whole.
NOTES = ("sheet_read", "hidden_rows", "ambiguous_numbers")
# Code -> the fact that decides the plural form of its sentence.
PLURAL: Mapping[str, str] = {
    "too_long": "most",
    "insufficient_points": "available",
    "card": "longest",
    "hidden_rows": "rows",
    "ambiguous_numbers": "numbers",
}


def sentence(code: str, facts: Mapping[str, Any], language: Language) -> str:
    """Why a row, or a column, is not imported. `code` is that of a `RowProblem` or one of
    `LEFT_ASIDE`."""
    number = facts[PLURAL[code]] if code in PLURAL else None
    return words.catalogue("ledger").sentence(language, code, facts, CONTEXT, number)


def yes_or_no(answer: bool, language: Language) -> str:  # noqa: FBT001 - it is the answer
    """The answer in a column of consents."""
    return words.catalogue("ledger").text(language, "yes" if answer else "no", ANSWER)


def note(code: str, facts: Mapping[str, Any], language: Language) -> str:
    """What there is to say of a file as a whole. `code` is one of `NOTES`."""
    return sentence(code, facts, language)
