"""Issuing cards: each member gets one, once. From then on it only gets new versions."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.configuration.keyring import KeyRing
from wallet.passes import issued, renewal, showing, templates
from wallet.passes.content import Validity, render
from wallet.passes.issued import ASKS, Pass


def issue(session: Session, member: Member, pass_type: str, keys: KeyRing, now: datetime) -> Pass:
    """Issue the member's card, in its first version."""
    programme = programmes.by_id(session, member.programme_id)
    issue_all(session, programme, [member.id], pass_type, keys, now)
    return issued.card_of(session, member.id)


def issue_all(
    session: Session,
    programme: Programme,
    member_ids: Sequence[int],
    pass_type: str,
    keys: KeyRing,
    now: datetime,
) -> None:
    """Issue a card to each of these members of one programme, in its first version. They must not
    have one."""
    renewal.begin(session, programme, member_ids, keys, now)
    template = templates.current(session, programme.id)
    design = templates.design(template)
    facts = showing.facts(session, programme, member_ids, now)
    asking = _unknown_people(session, member_ids) if design.enrolment is not None else set()
    content = {
        member_id: render(design, facts[member_id], Validity(asks=member_id in asking))
        for member_id in member_ids
    }
    session.execute(
        insert(Pass),
        [
            {
                "serial": secrets.token_hex(16),
                "pass_type": design.pass_type or pass_type,
                "programme_id": programme.id,
                "member_id": member_id,
                "key_id": keys.first.id,
                "template_id": template.id,
                "version": 1,
                "tag": 0,
                "last_modified": int(now.timestamp()),
                "content": issued.stored_content(content[member_id]),
                "created_at": now,
                "enrolment": ASKS if member_id in asking else None,
            }
            for member_id in member_ids
        ],
    )


def join(
    session: Session,
    programme: Programme,
    profile: Profile,
    pass_type: str,
    keys: KeyRing,
    now: datetime,
    *,
    checked: bool = True,
) -> Pass:
    """A person joins the programme and gets a card. Raises `ExternalIdTaken`, `PhoneTaken`,
    `EmailTaken`; for `checked` see `enrolment.join`."""
    joined = enrolment.join(session, programme, profile, now, checked=checked)
    return issue(session, joined.member, pass_type, keys, now)


def _unknown_people(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Those of these members of whom neither a name nor a phone number or address is known."""
    nothing = (Person.name.is_(None), Person.phone.is_(None), Person.email.is_(None))
    return set(
        session.scalars(select(Person.member_id).where(Person.member_id.in_(member_ids), *nothing))
    )
