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

# What pydantic finds wrong -> how the catalogue calls it. Facts are those of pydantic's context.
KINDS: Mapping[str, str] = {
    "missing": "missing",
    "extra_forbidden": "not_known_here",
    "string_type": "text",
    "string_unicode": "text",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "too_short": "too_short",
    "int_type": "whole_number",
    "int_parsing": "whole_number",
    "int_parsing_size": "whole_number",
    "int_from_float": "whole_number",
    "bool_type": "yes_or_no",
    "bool_parsing": "yes_or_no",
    "greater_than_equal": "at_least",
    "less_than_equal": "at_most",
    "literal_error": "one_of",
    "union_tag_invalid": "kind",
    "union_tag_not_found": "kind_missing",
    "date_type": "day",
    "date_parsing": "day",
    "date_from_datetime_parsing": "day",
    "date_from_datetime_inexact": "day",
    "datetime_type": "moment",
    "datetime_parsing": "moment",
    "datetime_object_invalid": "moment",
    "datetime_from_date_parsing": "moment",
    "timezone_aware": "moment",
    "model_type": "object",
    "model_attributes_type": "object",
    "dict_type": "object",
    "mapping_type": "object",
    "dataclass_type": "object",
    "list_type": "list",
    "tuple_type": "list",
    "json_invalid": "json",
}
UNFIT = "unfit"
PYDANTICS = frozenset(get_args(ErrorType))
QUOTED = re.compile("'[^']*'")


def of_code(code: str, facts: Mapping[str, object], language: Language) -> str:
    """The sentence of a refusal that has a code and no class."""
    return CATALOGUE.sentence(language, code, facts, REFUSAL)


def of_text(text: str, language: Language, **facts: object) -> str:
    """An English text of ours in this language, with its places filled with `facts`."""
    return CATALOGUE.sentence(language, text, facts)


def of_field(error: ErrorDetails, language: Language) -> str:
    """What is wrong with a field. It has neither the field's name in front nor a full stop."""
    kind, facts = error["type"], dict(error.get("ctx", {}))
    if isinstance(unfit := facts.get("error"), Unfit):
        return unfit.sentence(language)
    if kind == "literal_error" and (choices := QUOTED.findall(facts["expected"])):
        # pydantic joins what may stand there with an English "or".
        facts["expected"] = lists.format_list(choices, "or", languages.locale(language))
    code = KINDS.get(kind, UNFIT) if kind in PYDANTICS else kind
    return CATALOGUE.sentence(language, code, facts, FIELD)
