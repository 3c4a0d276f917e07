"""What is wrong with a row, in words. Codes never change once published. Pure."""

from collections.abc import Mapping
from typing import Any

from ledger import words
from ledger.languages import Language

CONTEXT = "import"
LEFT_ASIDE = ("unknown_column", "homeless_column")
# Code -> the fact that decides the plural form of its sentence.
PLURAL: Mapping[str, str] = {
    "too_long": "most",
    "insufficient_points": "available",
    "card": "longest",
}


def sentence(code: str, facts: Mapping[str, Any], language: Language) -> str:
    """Why a row, or a column, is not imported. `code` is that of a `RowProblem` or one of
    `LEFT_ASIDE`."""
    number = facts[PLURAL[code]] if code in PLURAL else None
    return words.catalogue("ledger").sentence(language, code, facts, CONTEXT, number)
