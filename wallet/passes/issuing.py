"""Issuing cards: each member gets one, once. From then on it only gets new versions."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.points import welcoming
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.configuration.keyring import KeyRing
from wallet.passes import issued, renewal, showing, templates, versioning
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
    may_ask = design.enrolment is not None and programme.keeps_personal
    asking = _unknown_people(session, member_ids) if may_ask else set()
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


def issue_again(
    session: Session, lost: Sequence[Pass], keys: KeyRing, now: datetime
) -> Sequence[Pass]:
    """A new pass in the place of each of these locked ones, which are lost: void for good, and what
    they were is what the new ones are. A used coupon is used again; a card that was void is good,
    since its number is new."""
    fresh = [_like(pass_, keys, now) for pass_ in lost]
    for pass_ in lost:
        pass_.lost_at = now
        if pass_.enrolment == ASKS:
            pass_.enrolment = None  # the new one asks; nobody answers for the lost one any more
    session.flush()
    for programme_id in sorted({pass_.programme_id for pass_ in fresh}):
        programme = programmes.by_id(session, programme_id)
        theirs = [pass_ for pass_ in fresh if pass_.programme_id == programme_id]
        facts = showing.facts(session, programme, [pass_.member_id for pass_ in theirs], now)
        for pass_, template_id, content in versioning.rendered(
            session, programme, theirs, facts, now
        ):
            pass_.template_id, pass_.content = template_id, issued.stored_content(content)
    session.add_all(fresh)
    session.flush()
    return fresh


def _like(pass_: Pass, keys: KeyRing, now: datetime) -> Pass:
    is_void_card = pass_.offer_id is None and pass_.state == "void"
    return Pass(
        serial=secrets.token_hex(16),
        pass_type=pass_.pass_type,
        programme_id=pass_.programme_id,
        member_id=pass_.member_id,
        offer_id=pass_.offer_id,
        key_id=keys.first.id,
        template_id=pass_.template_id,
        version=1,
        tag=0,
        last_modified=int(now.timestamp()),
        content={},
        created_at=now,
        state="active" if is_void_card else pass_.state,
        ends_at=pass_.ends_at,
        used_at=pass_.used_at,
        used_by_kind=pass_.used_by_kind,
        used_by=pass_.used_by,
        enrolment=pass_.enrolment,
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
    unconfirmed: bool = False,
) -> Pass:
    """A person joins the programme, is welcomed, and gets a card. Raises `PersonalDataNotKept`,
    `ExternalIdTaken`, `PhoneTaken`, `EmailTaken`; for `checked` and `unconfirmed` see
    `enrolment.join`."""
    joined = enrolment.join(
        session, programme, profile, now, checked=checked, unconfirmed=unconfirmed
    )
    welcoming.welcome(session, joined.member, now)
    return issue(session, joined.member, pass_type, keys, now)


def _unknown_people(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Those of these members of whom neither a name nor a phone number or address is known."""
    nothing = (Person.name.is_(None), Person.phone.is_(None), Person.email.is_(None))
    return set(
        session.scalars(select(Person.member_id).where(Person.member_id.in_(member_ids), *nothing))
    )
