"""What is known of a member, as a form: read as people write, and told again."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import orjson

from ledger import contacts
from ledger.contacts import Unfit
from ledger.people.consents import Decision, Purpose
from ledger.people.persons import Profile
from ledger.programmes.programmes import Programme
from wallet.access.changes import RecordedFacts
from wallet.console.forms import FormEntries
from wallet.pages import language
from wallet.pages.language import gettext as _

LONGEST_NAME = 300  # characters
LONGEST_EXTERNAL_ID = 100
CONSENTS: Mapping[str, Purpose] = {"marketing": "marketing", "personal_data": "personal_data"}


def profile(entries: FormEntries, programme: Programme) -> dict[str, Any]:
    """What was typed of a person, by the names of `Profile`; None where nothing was. What does not
    fit is among the problems."""
    return {
        "name": _read(entries, "name", contacts.readable, LONGEST_NAME),
        "phone": _read(
            entries, "phone", lambda text: contacts.phone_number(text, programme.country), 60
        ),
        "email": _read(entries, "email", contacts.email_address, 300),
        "birthday": _birthday(entries),
        "locale": entries["locale"] if entries["locale"] in programme.languages else None,
        "external_id": _read(entries, "external_id", contacts.readable, LONGEST_EXTERNAL_ID),
    }


def _read(entries: FormEntries, name: str, read: Callable[[str], Any], most: int) -> Any | None:
    typed = entries.text(name, required=False, most=most)
    if not typed:
        return None
    try:
        return read(typed)
    except Unfit as unfit:
        _refuse(entries, name, unfit)
        return None


def _birthday(entries: FormEntries) -> date | None:
    day = entries.day("birthday", required=False)
    if day is None:
        return None
    try:
        return contacts.past_day(day)
    except Unfit as unfit:
        _refuse(entries, "birthday", unfit)
        return None


def _refuse(entries: FormEntries, name: str, unfit: Unfit) -> None:
    sentence = unfit.sentence(language.current()).rstrip(".")
    entries.refuse(name, f"{sentence[:1].upper()}{sentence[1:]}.")


def decisions(entries: FormEntries, before: Mapping[Purpose, bool]) -> list[Decision]:
    """What was agreed to or taken back, as far as it differs from what holds."""
    return [
        Decision(purpose, entries.ticked(name))
        for name, purpose in CONSENTS.items()
        if entries.ticked(name) != before.get(purpose, False)
    ]


def told(known: Profile) -> dict[str, str]:
    """What is known, as the form shows it."""
    return {
        "name": known.name or "",
        "phone": known.phone or "",
        "email": known.email or "",
        "birthday": "" if known.birthday is None else known.birthday.isoformat(),
        "locale": known.locale or "",
        "external_id": known.external_id or "",
    }


def seen(facts: RecordedFacts) -> str:
    """What stands in a form for what was known when it was opened: two people who save the same
    member are told of each other by it. Nothing can be read from it."""
    plain = orjson.dumps({name: str(facts[name]) for name in sorted(facts)})
    return hashlib.sha256(plain).hexdigest()[:32]


def taken_field(code: str) -> str:
    """At which field a refusal stands that another member has this already."""
    return {
        "phone_taken": "phone",
        "email_taken": "email",
        "external_id_taken": "external_id",
    }.get(code, "form")


def changed_meanwhile(by: str | None) -> str:
    """That somebody else was quicker, and who."""
    if by is None:
        return _("Somebody changed this member meanwhile. Below is what is there now.")
    return _("%(name)s changed this member meanwhile. Below is what is there now.", name=by)
