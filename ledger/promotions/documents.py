"""Promotions as documents of plain data: read, and stored."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.promotions.promotions import PromotionRules
from ledger.words import N_

NOT_INSTALLED = N_("This installation no longer has the kind {kinds}, which the promotion needs.")
UNKNOWN_TAG = "union_tag_invalid"  # pydantic's word for a `kind` that no class has


class KindNotInstalled(Exception):
    """A stored promotion has a kind that this installation does not have any more: the package that
    it came from was removed. The document is whole; with the package it can be read again."""

    code = "kind_not_installed"

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__(f"{self.code}: {', '.join(kinds)}")
        self.kinds = kinds

    def facts(self) -> dict[str, object]:
        """The names of the kinds that are missing."""
        return {"kinds": list(self.kinds)}

    def sentence(self, language: Language = ENGLISH) -> str:
        """What is missing, for people."""
        return words.catalogue("ledger").sentence(language, NOT_INSTALLED, self.facts())


def read(document: object) -> PromotionRules:
    """The promotion of a stored document. Raises `KindNotInstalled`; pydantic's `ValidationError`
    for one that was never right."""
    try:
        return PromotionRules.model_validate(document)
    except ValidationError as error:
        gone = {
            str(one.get("ctx", {}).get("tag"))
            for one in error.errors(include_url=False, include_input=False)
            if one["type"] == UNKNOWN_TAG
        }
        if not gone:
            raise
        raise KindNotInstalled(sorted(gone)) from error


def stored(rules: PromotionRules) -> dict[str, Any]:
    """The promotion as a document of plain data, without fields that were not given."""
    return rules.model_dump(mode="json", by_alias=True, exclude_unset=True)
