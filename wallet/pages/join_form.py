"""What was typed into the form of who joins, and what is wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from ledger.contacts import PhoneNumber, Unfit, phone_example, phone_number
from ledger.fields import Birthday, Email, Name, Phone
from ledger.programmes import asking
from ledger.programmes.asking import ASKED_FIELDS, CONTACTS, Asks
from ledger.programmes.programmes import Programme
from wallet.pages.language import gettext as _

# One box for a phone number or an e-mail: what was typed tells which it is.
CONTACT = "contact"
BOXES = ("consent", "marketing", "another")
NAMES = (CONTACT, *ASKED_FIELDS, *BOXES)

# Field of the form -> what is wrong with it, in words. "form" stands for all of it.
Problems = dict[str, str]


class Entries(BaseModel):
    """What was typed into the form, checked."""

    model_config = ConfigDict(frozen=True)

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form: its name, and whether it may be left empty."""

    name: str
    optional: bool


def shown(asks: Asks, typed: Mapping[str, str]) -> list[FormField]:
    """The fields of the form. One that is not asked any more stays while something is typed into
    it: a form may be older than the programme's terms, and nothing typed is lost."""
    wanted = [one for one in ASKED_FIELDS if asks[one] != "off" or typed.get(one, "").strip()]
    if asking.is_one_box(asks) and not any(typed.get(one, "").strip() for one in CONTACTS):
        others = [one for one in wanted if one not in CONTACTS]
        return [FormField(CONTACT, optional=False), *_fields(asks, others)]
    return _fields(asks, wanted)


def _fields(asks: Asks, names: Sequence[str]) -> list[FormField]:
    return [FormField(name, optional=_may_stay_empty(asks, name)) for name in names]


def _may_stay_empty(asks: Asks, name: str) -> bool:
    """Whether the form can be sent without this field, whatever else is typed. Of the contacts one
    is always needed."""
    if name in CONTACTS and not any(asks[one] == "required" for one in CONTACTS if one != name):
        return False
    return asks[name] != "required"


def understood(typed: Mapping[str, str], programme: Programme) -> tuple[Entries, Problems]:
    """The entries of a form, and what is wrong with it, field by field in the order in which they
    stand."""
    fields, sorted_out = shown(programme.asks, typed), dict(_sorted_out(typed))
    given = {name: sorted_out.get(name) for name in Entries.model_fields}
    entries, problems = Entries(), Problems()
    try:
        entries = Entries.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            name = str(one["loc"][0])
            problems[name] = wrong(name, one["type"], programme.country)
    if entries.phone is not None and number(entries, programme) is None:
        problems["phone"] = wrong("phone", "value_error", programme.country)
    for missing, sentence in _missing(programme.asks, given, fields):
        problems.setdefault(missing, sentence)
    if not typed["consent"]:
        problems["consent"] = _("We cannot make a card without your consent.")
    return entries, _in_order(problems, fields)


def number(entries: Entries, programme: Programme) -> PhoneNumber | None:
    """The phone number that was typed, as it is written in the programme's country; None for none,
    and for what is none."""
    try:
        return None if entries.phone is None else phone_number(entries.phone, programme.country)
    except Unfit:
        return None


def nothing_said(typed: dict[str, str]) -> tuple[Entries, Problems]:
    """The form of a programme that keeps nothing personal. What was typed all the same, into a form
    that was opened before, is not even shown again."""
    said = [name for name in (CONTACT, *ASKED_FIELDS) if typed[name].strip()]
    for name in said:
        typed[name] = ""
    if not said:
        return Entries(), Problems()
    return Entries(), {
        "form": _("We keep nothing about you any more. Press the button again, and the card opens.")
    }


def _sorted_out(typed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What was typed, by what it is: in one box, an address has an at sign, and a number has
    none."""
    contact = typed.get(CONTACT, "").strip()
    if contact:
        yield ("email" if "@" in contact else "phone"), typed[CONTACT]
    for name in ASKED_FIELDS:
        if typed.get(name, "").strip():
            yield name, typed[name]


def _missing(
    asks: Asks, given: Mapping[str, str | None], fields: Sequence[FormField]
) -> Iterator[tuple[str, str]]:
    """The fields that are needed and empty, with what to say there."""
    contacts = [field.name for field in fields if field.name in (CONTACT, *CONTACTS)]
    if all(given[contact] is None for contact in CONTACTS):
        yield contacts[0], needed(contacts[0] if len(contacts) == 1 else CONTACT)
    for name in ASKED_FIELDS:
        if given[name] is None and asks[name] == "required":
            yield name, needed(name)


def needed(name: str) -> str:
    """What to say at a field that must not stay empty."""
    match name:
        case "name":
            return _("Please tell us your name.")
        case "birthday":
            return _("Please tell us your birthday.")
        case "phone":
            return _("Leave your phone number: that is how we find your card if you lose it.")
        case "email":
            return _("Leave your e-mail: that is how we find your card if you lose it.")
    return _("Leave a phone number or an e-mail: that is how we find your card if you lose it.")


def _in_order(problems: Problems, fields: Sequence[FormField]) -> Problems:
    """The problems as their fields stand in the form; what is wrong with a contact stands at the
    box where it was typed."""
    names = [field.name for field in fields]
    if CONTACT in names:
        for contact in CONTACTS:
            if contact in problems:
                problems.setdefault(CONTACT, problems.pop(contact))
    return {name: problems[name] for name in (*names, "consent") if name in problems}


def wrong(name: str, kind: str, country: str) -> str:
    """What is wrong with what was typed into a field, where pydantic says of which `kind` the error
    is. `country` is the programme's."""
    if name == "name" and kind in ("too_long", "string_too_long"):
        return _("That is a very long name. 300 characters are the most we can keep.")
    if name == "name":
        return _("There is an invisible character in the name. Please type it once more.")
    if name == "phone":
        example = phone_example(country)
        return _("This does not look like a phone number. Example: %(number)s", number=example)
    if name == "email":
        return _("This does not look like an e-mail address. Example: name@example.com")
    return _("This date does not look right. It should be in the past, after 1900.")
