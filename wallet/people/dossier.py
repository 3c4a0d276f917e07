"""All that is known of one person, as one document: to be handed to them when they ask for it. What
would give away a secret of the service, or of somebody else, is not in it: addresses of phones,
links, who of the staff did what."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.book.statements import Filter, StatementLine
from ledger.limits import NEVER
from ledger.offers import offers
from ledger.people import cards, consents, members, persons
from ledger.people.cards import CardFilter
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.units import Unit
from wallet.access import changes
from wallet.access.changes import ChangeFilter
from wallet.apple.arrivals import Fetch
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.outreach import results
from wallet.passes import issued
from wallet.passes.issued import Pass

AT_ONCE = 500  # rows of a table read together
BEYOND_ALL = 1_000_000  # rows of what one person has few of

TAKEN = "member.file_taken"  # how the record of changes calls it that somebody took one
OF_THE_STAFF = frozenset({"asked_by", "adjustment"})  # fields of changes

Section = dict[str, Any]


def of(session: Session, member: Member, now: datetime) -> Section:
    """The document about this person, with all members they ever were; moments are in UTC, dates
    that never come are null. `member` must stand for somebody."""
    person = members.resolve_merged(session, member)
    everyone = [person, *_merged_into(session, person)]
    programme = programmes.by_id(session, person.programme_id)
    standing = statements.all_balances(session, person, now)
    return {
        "made_at": now,
        "programme": {"code": programme.code, "name": programme.name},
        "members": [_member(session, one, now) for one in everyone],
        "points": [
            {
                "unit": {
                    "code": unit.code,
                    "kind": unit.kind,
                    "scale": unit.scale,
                    "currency": unit.currency,
                },
                "available": balance.available,
                "pending": balance.pending,
                "held": balance.held,
                "debt": balance.debt,
                "lots": list(_lots(session, balance.account_id, now)),
                "postings": list(_postings(session, balance.account_id, unit)),
            }
            for unit, balance in standing
        ],
    }


def _merged_into(session: Session, person: Member) -> Sequence[Member]:
    return session.scalars(
        select(Member).where(Member.merged_into_id == person.id).order_by(Member.id)
    ).all()


def _member(session: Session, member: Member, now: datetime) -> Section:
    profile = persons.profile_of(session, member.id)
    names = members.public_ids(session, [member.household_id, member.merged_into_id])
    return {
        "id": member.public_id,
        "state": member.state,
        "joined_at": member.created_at,
        "confirmed": not member.unconfirmed,
        "household": names.get(member.household_id),
        "merged_into": names.get(member.merged_into_id),
        "name": profile.name,
        "phone": profile.phone,
        "email": profile.email,
        "birthday": profile.birthday,
        "locale": profile.locale,
        "external_id": profile.external_id,
        "cards": list(_cards(session, member, now)),
        "consents": [
            {
                "purpose": one.purpose,
                "given": one.given,
                "text_version": one.text_version,
                "source": one.source,
                "origin": one.origin,
                "at": one.happened_at,
            }
            for one in consents.history(session, member.id)
        ],
        "passes": [_pass(session, one) for one in issued.all_of_member(session, member.id)],
        "messages": list(_messages(session, member, now)),
        "offers": [
            {
                "titles": one.titles,
                "texts": one.texts,
                "from": one.starts_at,
                "until": _end(one.ends_at),
            }
            for one in offers.listed(session, member.programme_id, member.id, None, BEYOND_ALL)
            if not one.is_for_all()
        ],
        "changes": list(_changes(session, member)),
    }


def _cards(session: Session, member: Member, now: datetime) -> Iterator[Section]:
    wanted = CardFilter(member.programme_id, member.id)
    for one in cards.listed(session, wanted, None, BEYOND_ALL, now):
        yield {
            "number": one.card.number,
            "state": cards.state(one.card, now),
            "blocked_for": one.card.blocked_for,
            "issued_at": one.card.created_at,
            "blocked_at": one.card.blocked_at,
            "expires_at": one.card.expires_at,
        }


def _pass(session: Session, pass_: Pass) -> Section:
    phones = session.scalars(
        select(Registration.created_at)
        .where(Registration.pass_id == pass_.id)
        .order_by(Registration.created_at)
    ).all()
    fetched = session.scalar(select(func.max(Fetch.fetched_at)).where(Fetch.pass_id == pass_.id))
    google = session.get(GoogleObject, pass_.id)
    return {
        "kind": "card" if pass_.offer_id is None else "coupon",
        "state": pass_.state,
        "issued_at": pass_.created_at,
        "phones_since": list(phones),
        "last_fetched_at": fetched,
        "at_google": None if google is None else google.saved,
    }


def _messages(session: Session, member: Member, now: datetime) -> Iterator[Section]:
    before: int | None = None
    while told := results.of_member(session, member.id, before, AT_ONCE, now):
        for one in told:
            yield {
                "kind": one.delivery.kind,
                "text": one.delivery.text,
                "state": one.delivery.state,
                "told_at": one.delivery.told_at,
                "fetched_at": one.fetched_at,
            }
        before = told[-1].delivery.id


def _changes(session: Session, member: Member) -> Iterator[Section]:
    wanted = ChangeFilter(kind="member", of=member.public_id)
    for one in changes.listed(session, wanted, None, BEYOND_ALL):
        yield {
            "at": one.change.at,
            "what": one.change.code,
            "fields": {
                name: both
                for name, both in {**one.change.fields, **(one.personal or {})}.items()
                if name not in OF_THE_STAFF
            },
        }


def _lots(session: Session, account_id: int, now: datetime) -> Iterator[Section]:
    for lot in statements.lot_lines(session, account_id, None, BEYOND_ALL):
        yield {
            "left": lot.left,
            "state": lot.state(now),
            "active_from": lot.activates_at,
            "until": _end(lot.expires_at),
        }


def _postings(session: Session, account_id: int, unit: Unit) -> Iterator[Section]:
    before: int | None = None
    while lines := statements.statement(session, account_id, Filter(), before, AT_ONCE):
        yield from (_posting(one, unit) for one in lines)
        before = lines[-1].posting_id


def _posting(line: StatementLine, unit: Unit) -> Section:
    money = unit.money(line.points)
    return {
        "id": line.id,
        "kind": line.kind,
        "points": line.points,
        "money": None if money is None else str(money),
        "balance_after": line.balance_after,
        "reason": line.reason,
        "receipt": line.receipt,
        "store": line.store,
        "promotion": line.promotion,
        "card": line.card,
        "paid": None if line.purchase is None else str(line.purchase),
        "occurred_at": line.occurred_at,
        "posted_at": line.posted_at,
    }


def _end(moment: datetime) -> datetime | None:
    return None if moment == NEVER else moment
