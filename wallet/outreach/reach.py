"""How far a message would come if it were sent now: how many members are meant, who of them would
be told and in which wallet, and who would not, and why. One statement asks it of all of them, by
the rules by which `campaigns` decides for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select, true
from sqlalchemy.orm import Session

from ledger.people.cards import Card
from ledger.people.consents import Consent
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes.programmes import Programme
from ledger.segments import membership, named, scope
from ledger.segments.kinds.agreed import Agreed
from ledger.segments.scope import Scope
from wallet.google import alerts
from wallet.google.alerts import Alert
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.deliveries import ANSWERS, Delivery
from wallet.outreach.in_phone import InPhone
from wallet.outreach.recipients import ConsentRule
from wallet.outreach.terms import MessageTerms
from wallet.passes.issued import Pass

ASKED_BY_PAGE = "page"  # joined there: an empty box is an answer


@dataclass(frozen=True, slots=True)
class Reach:
    """Members of an audience. `meant`: all of them. The next ones add up to them: `no_consent` (of
    whom `never_asked` could still agree), `no_card` (in any phone, or it is blocked), `capped`, and
    `told`, of whom `apple` and `google` say how many have it in that wallet, and some have both.
    `silent`: those of `google` alone whose three alerts of the day are spent: the words come to
    their card without a sound. A hold-out is not taken off `told`."""

    meant: int
    no_consent: int
    never_asked: int
    no_card: int
    capped: int
    told: int
    apple: int
    google: int
    silent: int

    def held_out(self, percent: int) -> int:
        """About how many of those who would be told a hold-out of so many per cent takes out."""
        return round(self.told * percent / 100)


def of(session: Session, programme: Programme, draft: CampaignDraft, now: datetime) -> Reach:
    """How far this draft would come. Raises `UnknownSegment`."""
    in_scope = scope.in_main_unit(session, programme, now)
    tree = named.meaning(session, programme.id, draft.audience)
    may, has, fits = _rules(draft, in_scope, now)
    told = and_(may, has, fits)
    apple = InPhone(kind="card", wallet="apple").condition(in_scope)
    google = InPhone(kind="card", wallet="google").condition(in_scope)
    counted = {
        "no_consent": not_(may),
        "never_asked": and_(not_(may), ~_was_asked()),
        "no_card": and_(may, not_(has)),
        "capped": and_(may, has, not_(fits)),
        "told": told,
        "apple": and_(told, apple),
        "google": and_(told, google),
        "silent": and_(told, google, not_(apple), _alerts_are_spent(now)),
    }
    columns = [func.coalesce(func.sum(case((one, 1), else_=0)), 0) for one in counted.values()]
    row = session.execute(
        select(func.count(), *columns)
        .select_from(Member)
        .where(membership.condition(tree, in_scope))
    ).one()
    return Reach(int(row[0]), **dict(zip(counted, map(int, row[1:]), strict=True)))


def tongues(
    session: Session, programme: Programme, draft: CampaignDraft, now: datetime
) -> dict[str, int]:
    """How many of those who would be told read which language, as far as theirs is known. Raises
    `UnknownSegment`."""
    rows = session.execute(
        select(Person.locale, func.count())
        .select_from(Member)
        .join(Person, Person.member_id == Member.id)
        .where(told(session, programme, draft, now), Person.locale.is_not(None))
        .group_by(Person.locale)
    )
    return {str(row[0]): row[1] for row in rows}


def some(
    session: Session, programme: Programme, draft: CampaignDraft, number: int, now: datetime
) -> Sequence[Member]:
    """A few members who would be told, of each wallet if there are, those who joined last first;
    where nobody would be told, members of the audience. Raises `UnknownSegment`."""
    in_scope = scope.in_main_unit(session, programme, now)
    tree = named.meaning(session, programme.id, draft.audience)
    meant = membership.condition(tree, in_scope)
    told = and_(*_rules(draft, in_scope, now))
    apple, google = (
        InPhone(kind="card", wallet=wallet).condition(in_scope) for wallet in ("apple", "google")
    )
    everybody = true()
    found: dict[int, Member] = {}
    for wanted, most in (
        (and_(told, apple), number - 1),
        (and_(told, google), number),
        (told, number),
        (everybody, number),
    ):
        if len(found) >= most or (found and wanted is everybody):
            continue
        query = select(Member).where(meant, wanted, Member.id.not_in(list(found)))
        rows = session.scalars(query.order_by(Member.id.desc()).limit(most - len(found)))
        found |= {one.id: one for one in rows}
    return list(found.values())


def told(
    session: Session, programme: Programme, draft: CampaignDraft, now: datetime
) -> ColumnElement[bool]:
    """A condition on `Member`: this draft is for them, and they would be told. Raises
    `UnknownSegment`."""
    in_scope = scope.in_main_unit(session, programme, now)
    tree = named.meaning(session, programme.id, draft.audience)
    return and_(membership.condition(tree, in_scope), *_rules(draft, in_scope, now))


def told_of_day(wanted: MessageTerms, in_scope: Scope) -> ColumnElement[bool]:
    """The same for members whose day it is, by the rules of `rounds`. What comes with points comes
    to a card that is in no phone as well."""
    may = _agrees(cast(ConsentRule, wanted.consent), in_scope)
    return and_(may, ~_is_blocked() if wanted.present is not None else _has_card(in_scope))


def _rules(
    draft: CampaignDraft, in_scope: Scope, now: datetime
) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    """Conditions on members who are meant: they may be told, they have a card, and had not enough
    messages."""
    return _agrees(draft.consent, in_scope), _has_card(in_scope), _is_under_cap(draft, now)


def _agrees(rule: ConsentRule, in_scope: Scope) -> ColumnElement[bool]:
    """What `recipients.may_be_told` asks of one member."""
    if rule == "any":
        return true()
    agreed = Agreed(kind="consent").condition(in_scope)
    return agreed if rule == "given" else or_(agreed, ~_was_asked())


def _was_asked() -> ColumnElement[bool]:
    """The member once said whether they want news: `consents.agreed_to_news` knows an answer. Who
    is not confirmed has not."""
    asked = exists(
        select(Consent.id)
        .where(
            Consent.member_id == Member.id,
            or_(Consent.purpose == "marketing", Consent.source == ASKED_BY_PAGE),
        )
        .correlate(Member)
    )
    return or_(Member.unconfirmed, asked)


def _has_card(in_scope: Scope) -> ColumnElement[bool]:
    """Their card is in a phone, and not blocked."""
    return and_(InPhone(kind="card").condition(in_scope), ~_is_blocked())


def _is_blocked() -> ColumnElement[bool]:
    return exists(
        select(Card.id)
        .where(Card.member_id == Member.id, Card.blocked_for == "blocked")
        .correlate(Member)
    )


def _is_under_cap(draft: CampaignDraft, now: datetime) -> ColumnElement[bool]:
    if draft.cap is None:
        return true()
    most, days = draft.cap
    recent = (
        select(func.count())
        .where(
            Delivery.member_id == Member.id,
            Delivery.told_at > now - timedelta(days=days),
            Delivery.kind.not_in(ANSWERS),
        )
        .correlate(Member)
        .scalar_subquery()
    )
    return recent < most


def _alerts_are_spent(now: datetime) -> ColumnElement[bool]:
    used = (
        select(func.count())
        .select_from(Alert)
        .join(Pass, Pass.id == Alert.pass_id)
        .where(
            Pass.member_id == Member.id,
            Pass.offer_id.is_(None),
            Alert.asked_at > now - alerts.SPAN,
        )
        .correlate(Member)
        .scalar_subquery()
    )
    return used >= alerts.MOST
