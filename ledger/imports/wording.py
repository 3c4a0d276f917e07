"""What is wrong with a row, in words. Codes never change once published. Pure."""

from collections.abc import Mapping
from typing import Any

from ledger import words
from ledger.errors import Refusal, WithReason
from ledger.languages import Language

CONTEXT = "import"
ANSWER = "answer"
REFUSED = "refused"  # among the facts of a problem: how the sentence of a refusal is made
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
    if REFUSED in facts:
        return _refused(code, facts, facts[REFUSED], language)
    number = facts[PLURAL[code]] if code in PLURAL else None
    told = {
        name: fact[language] if isinstance(fact, dict) else fact for name, fact in facts.items()
    }
    return words.catalogue("ledger").sentence(language, code, told, CONTEXT, number)


def kept(refusal: Refusal) -> dict[str, Any]:
    """The facts of a refusal as JSON can hold them, and what it takes to say them later in any
    language."""
    if isinstance(refusal, WithReason):
        return {**refusal.in_reason, REFUSED: {"reason": refusal.told}}
    tags = {name: _listed(getattr(refusal, name)) for name in refusal.tongues}
    how = {"plural": refusal.plural, "tongues": list(tags)}
    return {**refusal.facts(), **tags, REFUSED: how}


def _listed(tags: Any) -> list[str]:
    return [tags] if isinstance(tags, str) else list(tags)


def _refused(
    code: str, facts: Mapping[str, Any], how: Mapping[str, Any], language: Language
) -> str:
    catalogue = words.catalogue("ledger")
    if "reason" in how:
        told = catalogue.sentence(language, how["reason"], facts)
        return told[:1].upper() + told[1:]
    tongues = {name: words.tongues_in(language, facts[name]) for name in how["tongues"]}
    number = facts[how["plural"]] if how["plural"] else None
    return catalogue.sentence(language, code, {**facts, **tongues}, words.REFUSAL, number)


def yes_or_no(answer: bool, language: Language) -> str:  # noqa: FBT001 - it is the answer
    """The answer in a column of consents."""
    return words.catalogue("ledger").text(language, "yes" if answer else "no", ANSWER)


def note(code: str, facts: Mapping[str, Any], language: Language) -> str:
    """What there is to say of a file as a whole. `code` is one of `NOTES`."""
    return sentence(code, facts, language)
