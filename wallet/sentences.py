"""What the wallet says to people: refusals that have a code and no class, and what is wrong with a
field. The texts stand in the catalogue (`wallet/locale`), since pydantic's own speak of instances
and items."""

import re
from collections.abc import Mapping
from typing import get_args

from babel import lists
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from ledger import languages, words
from ledger.contacts import Unfit
from ledger.languages import Language
from ledger.words import FIELD, REFUSAL

CATALOGUE = words.catalogue("wallet")

# What pydantic finds wrong -> the code that we promise, under which the catalogue has its words.
# Facts are those of pydantic's context.
KINDS: Mapping[str, str] = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_type": "not_text",
    "string_unicode": "not_text",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "too_short": "too_short",
    "int_type": "not_an_integer",
    "int_parsing": "not_an_integer",
    "int_parsing_size": "not_an_integer",
    "int_from_float": "not_an_integer",
    "bool_type": "not_a_boolean",
    "bool_parsing": "not_a_boolean",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "literal_error": "unknown_value",
    "union_tag_invalid": "unknown_kind",
    "union_tag_not_found": "kind_required",
    "date_type": "not_a_day",
    "date_parsing": "not_a_day",
    "date_from_datetime_parsing": "not_a_day",
    "date_from_datetime_inexact": "not_a_day",
    "datetime_type": "not_a_moment",
    "datetime_parsing": "not_a_moment",
    "datetime_object_invalid": "not_a_moment",
    "datetime_from_date_parsing": "not_a_moment",
    "timezone_aware": "not_a_moment",
    "model_type": "not_an_object",
    "model_attributes_type": "not_an_object",
    "dict_type": "not_an_object",
    "mapping_type": "not_an_object",
    "dataclass_type": "not_an_object",
    "list_type": "not_a_list",
    "tuple_type": "not_a_list",
    "json_invalid": "malformed_json",
}
UNFIT = "does_not_fit"
PYDANTICS = frozenset(get_args(ErrorType))
QUOTED = re.compile("'[^']*'")


def of_code(code: str, facts: Mapping[str, object], language: Language) -> str:
    """The sentence of a refusal that has a code and no class."""
    return CATALOGUE.sentence(language, code, facts, REFUSAL)


def of_text(text: str, language: Language, **facts: object) -> str:
    """An English text of ours in this language, with its places filled with `facts`."""
    return CATALOGUE.sentence(language, text, facts)


def code_of_field(error: ErrorDetails) -> str:
    """The stable code of what is wrong with a field: ours, whatever pydantic calls it."""
    kind = error["type"]
    if isinstance(unfit := error.get("ctx", {}).get("error"), Unfit):
        return unfit.code
    return KINDS.get(kind, UNFIT) if kind in PYDANTICS else kind


def of_field(error: ErrorDetails, language: Language) -> str:
    """What is wrong with a field. It has neither the field's name in front nor a full stop."""
    kind, facts = error["type"], dict(error.get("ctx", {}))
    if isinstance(unfit := facts.get("error"), Unfit):
        return unfit.sentence(language)
    if kind == "literal_error" and (choices := QUOTED.findall(facts["expected"])):
        # pydantic joins what may stand there with an English "or".
        facts["expected"] = lists.format_list(choices, "or", languages.locale(language))
    return CATALOGUE.sentence(language, code_of_field(error), facts, FIELD)
