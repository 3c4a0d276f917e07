"""Reward enrolment: a pass that asks its owner, once, who they are (Apple, "Rewards Enrollment",
and the archived "Wallet Developer Guide", Personalized Passes).

The pass is issued to an unknown person and asks until it was answered. Nobody has checked what a
person enters on the phone. So it is treated like the form on the web: the answer does not tell
whether others are members."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy.orm import Session

from ledger import contacts
from ledger.contacts import Unfit
from ledger.people import consents, members, persons
from ledger.people.consents import Decision
from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet.errors import AnswerUnfit
from wallet.passes import issued, templates
from wallet.passes.content import Design
from wallet.passes.issued import ASKS, Pass
from wallet.passes.parts import Asked, Enrolment
from wallet.passes.templates import Template

FILE = "personalization.json"
LOGO = "personalizationLogo"  # what a design calls enrolment.png
ASKED_FOR: Mapping[Asked, str] = {
    "name": "PKPassPersonalizationFieldName",
    "phone": "PKPassPersonalizationFieldPhoneNumber",
    "email": "PKPassPersonalizationFieldEmailAddress",
}
T = TypeVar("T")

LONGEST_TOKEN = 2000
LONGEST_ANSWER = 300

# Renders the cards anew and makes them due at the providers: (session, pass ids, now).
Renew = Callable[[Session, Sequence[int], datetime], int]


def files(design: Design, images: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that a pass which asks has in addition: path in the bundle -> bytes. Empty if the
    design does not ask."""
    enrolment = design.enrolment
    if enrolment is None:
        return {}
    default = design.languages[0]
    sheet: dict[str, object] = {
        "requiredPersonalizationFields": [ASKED_FOR[one] for one in enrolment.asks],
        "description": enrolment.text[default],
    }
    if terms := enrolment.terms.get(default):
        sheet["termsAndConditions"] = terms
    logos = {
        name.replace("enrolment", LOGO, 1): data
        for name, data in images.items()
        if name.startswith("enrolment")
    }
    return {FILE: orjson.dumps(sheet), **logos}


def answer(
    session: Session,
    pass_: Pass,
    token: str,
    info: Mapping[str, Any],
    renew: Renew,
    now: datetime,
) -> bool:
    """Note who the owner is. `token` identifies the answer: True if it is taken, also if the same
    answer came before; False if the pass does not ask (any more). Raises `AnswerUnfit`, and
    `PersonalDataNotKept` for a programme that keeps nothing personal."""
    (locked,) = issued.lock(session, [pass_.id])
    answered = hashlib.sha256(token.encode()).hexdigest()
    if locked.enrolment == answered:
        return True
    # A pass that is lost or blocked may be in wrong hands. What it shows says so, under this lock.
    if locked.enrolment != ASKS or not issued.content(locked).asks:
        return False
    design = templates.design(session.get_one(Template, locked.template_id))
    if design.enrolment is None:
        return False
    member = members.by_id(session, locked.member_id)
    home = programmes.by_id(session, member.programme_id).country
    profile = _profile(
        design.enrolment, info, contacts.country_or(info.get("ISOCountryCode"), home)
    )
    persons.introduce(session, member, profile, now)
    if terms := design.enrolment.terms.get(design.languages[0]):
        version = consents.keep_text(session, terms, now)
        agreed = Decision("personal_data", given=True, text_version=version)
        consents.record(session, member, [agreed], "pass", now)
    locked.enrolment = answered
    session.flush()
    renew(session, [locked.id], now)
    return True


def _profile(enrolment: Enrolment, info: Mapping[str, Any], country: str) -> Profile:
    """Of what the phone sends only that which was asked for."""
    return Profile(
        name=_read(_name(info), "fullName", _readable_name) if "name" in enrolment.asks else None,
        email=_read(info.get("emailAddress"), "emailAddress", contacts.email_address)
        if "email" in enrolment.asks
        else None,
        phone=_read(
            info.get("phoneNumber"),
            "phoneNumber",
            lambda text: contacts.phone_number(text, country),
        )
        if "phone" in enrolment.asks
        else None,
    )


def _name(info: Mapping[str, Any]) -> object:
    """The full name as the person writes it; some phones send its parts alone."""
    parts = (info.get("givenName"), info.get("familyName"))
    return info.get("fullName") or " ".join(part for part in parts if isinstance(part, str))


def _readable_name(text: str) -> str:
    return contacts.not_empty(contacts.readable(text))


def _read(value: object, name: str, form: Callable[[str], T]) -> T:
    if not isinstance(value, str) or len(value) > LONGEST_ANSWER:
        raise AnswerUnfit(name, Unfit("short_text"))
    try:
        return form(value)
    except Unfit as error:
        raise AnswerUnfit(name, error) from None
