"""Thousands of accruals and redemptions in one call, each with a key and an outcome of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from ledger.book import accounts, batches
from ledger.book.accounts import AccountClosed, Holder
from ledger.book.batches import Credit, Debit, Deed, Made
from ledger.book.drafts import NewLot
from ledger.database import idempotency
from ledger.database.idempotency import StoredAnswer
from ledger.errors import IdempotencyConflict, Refusal
from ledger.events import PointsAccrued, PointsRedeemed
from ledger.people.members import Member
from ledger.points import causes, resolving
from ledger.points.accruals import Grant, term
from ledger.points.redemptions import Spend
from ledger.points.resolving import Resolved, Whom
from ledger.programmes import base_terms, programmes, units
from ledger.programmes.earning import Rates
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class Item:
    """One accrual or redemption of a batch. `key` is an idempotency key; `digest` is that of what
    the item says, and tells a repetition from another wish under the same key."""

    key: str
    digest: bytes
    whom: Whom
    wish: Grant | Spend


@dataclass(frozen=True, slots=True)
class PostedItem:
    """An item that was just posted: so many points of a unit, for this member."""

    item: Item
    member: Member
    points: int
    unit: Unit
    made: Made


ToAnswer = Callable[[PostedItem], StoredAnswer]


def post(
    session: Session, scope: str, items: Sequence[Item], to_answer: ToAnswer, now: datetime
) -> list[StoredAnswer | Refusal]:
    """Carry out the items in their order. Outcomes are in the order of the items.

    An item whose key was answered before gets that answer again. `to_answer` makes the answer to a
    new item, which is stored in the same transaction. A refused item leaves no trace, so that its
    key may succeed later."""
    first = {item.key: item for item in reversed(items)}
    before = idempotency.claim_keys(
        session, scope, {key: item.digest for key, item in first.items()}, now
    )
    fresh = [item for item in items if first[item.key] is item and item.key not in before]
    outcomes: dict[str, StoredAnswer | Refusal] = dict(before)
    outcomes |= _carry_out(session, fresh, to_answer, now)
    made = {
        item.key: outcome
        for item in fresh
        if isinstance(outcome := outcomes[item.key], StoredAnswer)
    }
    idempotency.store_answers(session, scope, made)
    idempotency.release_keys(session, scope, [item.key for item in fresh if item.key not in made])
    return [
        outcomes[item.key] if item.digest == first[item.key].digest else IdempotencyConflict()
        for item in items
    ]


def _carry_out(
    session: Session, items: Sequence[Item], to_answer: ToAnswer, now: datetime
) -> dict[str, StoredAnswer | Refusal]:
    while True:
        try:
            return _carry_out_now(session, items, to_answer, now)
        except AccountClosed:  # a member was merged or joined a household: look them up again
            continue


def _carry_out_now(
    session: Session, items: Sequence[Item], to_answer: ToAnswer, now: datetime
) -> dict[str, StoredAnswer | Refusal]:
    lookup = _Lookup(session, items, now)
    outcomes: dict[str, StoredAnswer | Refusal] = {}
    deeds: list[tuple[Item, Deed]] = []
    for item in items:
        try:
            deeds.append((item, lookup.deed(item, now)))
        except Refusal as refusal:
            outcomes[item.key] = refusal
    made = batches.post(session, [deed for _, deed in deeds], now)
    for (item, deed), outcome in zip(deeds, made, strict=True):
        unit = lookup.unit(item)
        if isinstance(outcome, Made):
            member = lookup.resolved(item).member
            outcomes[item.key] = to_answer(PostedItem(item, member, deed.points, unit, outcome))
        else:
            unit.add_money(outcome)
            outcomes[item.key] = outcome
    return outcomes


class _Lookup:
    """The members, units and accounts that the items mean, looked up for all items at once."""

    def __init__(self, session: Session, items: Sequence[Item], now: datetime) -> None:
        self._session = session
        self._resolved = resolving.resolve_all(session, {item.whom for item in items}, now)
        self._programmes: dict[int, Programme] = {}
        self._units: dict[tuple[int, str | None], Unit] = {}
        self._holders: dict[tuple[int, int], Holder] = {}
        self._rates: dict[int, Rates | None] = {}

        holders: dict[tuple[int, str | None], set[int]] = {}
        for item in items:
            resolved = self._resolved[item.whom]
            if isinstance(resolved, Resolved):
                place = resolved.member.programme_id, item.wish.unit
                holders.setdefault(place, set()).add(resolved.member.holder_id)
        for (programme_id, code), theirs in holders.items():
            self._programmes[programme_id] = programmes.by_id(session, programme_id)
            unit = units.find(session, programme_id, code)
            if unit is not None:
                self._units[programme_id, code] = unit
                for holder in accounts.holders(session, programme_id, unit.id, theirs):
                    self._holders[unit.id, holder.member_id] = holder

    def resolved(self, item: Item) -> Resolved:
        """The member whom the item means. Raises what `resolving.resolve` raises."""
        resolved = self._resolved[item.whom]
        if isinstance(resolved, Refusal):
            raise resolved
        return resolved

    def unit(self, item: Item) -> Unit:
        """The unit of the item. Raises `UnknownUnit`, and what `resolved` raises."""
        programme_id, code = self.resolved(item).member.programme_id, item.wish.unit
        unit = self._units.get((programme_id, code))
        return unit or units.named(self._session, programme_id, code)

    def deed(self, item: Item, now: datetime) -> Deed:
        """What the item does in the book. Raises what `accruals.grant` and `redemptions.redeem`
        raise, but for refusals that depend on the balance."""
        resolved, wish = self.resolved(item), item.wish
        programme = self._programmes[resolved.member.programme_id]
        unit = self.unit(item)
        holder_id = resolved.member.holder_id
        holder = self._holders[unit.id, holder_id]
        cause = wish.cause.with_card(resolved.card_id)
        if isinstance(wish, Grant):
            points = wish.pieces(unit, partial(self._rates_of, unit))
            parcel = NewLot(points, term(programme.timezone, unit, wish, now))
            wanted = causes.header("accrual", programme.id, cause, now, unit=unit)
            return Credit(holder, wanted, parcel, PointsAccrued(holder_id))
        wish.require_allowed(resolved.member)
        wanted = causes.header("redemption", programme.id, cause, now, unit=unit)
        return Debit(holder, wanted, unit.points(wish.points), PointsRedeemed(holder_id))

    def _rates_of(self, unit: Unit) -> Rates | None:
        if unit.id not in self._rates:
            self._rates[unit.id] = base_terms.rates(self._session, unit)
        return self._rates[unit.id]
