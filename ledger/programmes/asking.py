"""What the form of a programme asks of somebody who joins. Pure."""

from collections.abc import Mapping
from typing import Literal, get_args

from ledger.errors import TermsRefused

AskedField = Literal["phone", "email", "name", "birthday"]
ASKED_FIELDS: tuple[str, ...] = get_args(AskedField)
CONTACTS = ("phone", "email")

# off: the form does not ask, though a member may say it later. optional: it may be left empty;
# but of phone and e-mail one is always needed, or nobody would find a lost card.
Asking = Literal["off", "optional", "required"]
ASKING: tuple[str, ...] = get_args(Asking)

Asks = Mapping[str, str]  # by field, how it is asked

# One contact is enough to begin with: each further question costs members.
USUAL_ASKS: Asks = {"phone": "optional", "email": "optional", "name": "off", "birthday": "off"}


def changed(asks: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What is asked after this change, which need not name every field. Raises `TermsRefused`."""
    for field, asking in wanted.items():
        if field not in ASKED_FIELDS:
            raise TermsRefused("asks", "of {known}.", known=", ".join(ASKED_FIELDS))
        if asking not in ASKING:
            raise TermsRefused("asks", "each is one of {known}.", known=", ".join(ASKING))
    after = {**USUAL_ASKS, **asks, **wanted}
    if all(after[contact] == "off" for contact in CONTACTS):
        raise TermsRefused("asks", "by a phone number or an e-mail a lost card is found: ask one.")
    return {field: after[field] for field in ASKED_FIELDS}


def is_one_box(asks: Asks) -> bool:
    """Whether phone and e-mail are asked in one box, where either may be typed."""
    return all(asks[contact] == "optional" for contact in CONTACTS)
