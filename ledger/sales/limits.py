"""How often promotions are given, and for how much: counters of their limits and budgets, and a row
for each use. They belong to the code of a promotion, across its versions.

A counter changes by one conditional update, in the order of the keys, as the last writes of a
transaction. So two receipts that share two budgets never wait for each other crosswise, and none is
given beyond its limit, however many are confirmed at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, Index, String, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, insert_or
from ledger.promotions.goods import in_pieces
from ledger.promotions.promotions import Promotion
from ledger.promotions.stacking import Allowance

LONGEST_SCOPE = 150


class PromotionCounter(Base):
    """What was given of a promotion within a scope: in all, to one member, to one on one day, or
    for one code. `money` and `points` in the smallest pieces."""

    __tablename__ = "ledger_promotion_counter"

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    promotion: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(LONGEST_SCOPE), primary_key=True)
    uses: Mapped[int]
    money: Mapped[int]
    points: Mapped[int]


class PromotionUse(Base):
    """That a receipt used a promotion, in each scope that has a limit. `wallet ledger check` adds
    them up."""

    __tablename__ = "ledger_promotion_use"
    __table_args__ = (Index("ix_ledger_promotion_use", "programme_id", "promotion", "scope"),)

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    receipt_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    promotion: Mapped[str] = mapped_column(String(40), primary_key=True)
    scope: Mapped[str] = mapped_column(String(LONGEST_SCOPE), primary_key=True)
    month: Mapped[date] = mapped_column(Date)
    money: Mapped[int]
    points: Mapped[int]


class Overtaken(Exception):
    """Somebody else used up what this receipt was priced with: a limit, a budget, a gift card. It
    is priced again."""


@dataclass(frozen=True, slots=True)
class CounterBounds:
    """What a counter may come to; None where there is no bound."""

    uses: int | None = None
    money: int | None = None
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Whose:
    """In whose scopes a receipt uses promotions. `day`: the business day. `codes`: as they are
    compared. `scale`: decimal places of a point."""

    member_id: int | None
    day: date
    codes: frozenset[str] = frozenset()
    scale: int = 0


Scopes = Mapping[str, CounterBounds]


def scopes(promotion: Promotion, whose: Whose) -> Scopes:
    """The counters that a use of this promotion changes, and their bounds."""
    rules = promotion.rules
    limits, budget = rules.limits, rules.budget
    found: dict[str, CounterBounds] = {}
    money = None if budget.money is None else in_pieces(budget.money)
    points = None if budget.points is None else budget.points * 10**whose.scale
    if limits.total is not None or money is not None or points is not None:
        found["all"] = CounterBounds(limits.total, money, points)
    if whose.member_id is not None:
        if limits.member is not None:
            found[_scope_of(whose.member_id)] = CounterBounds(limits.member)
        if limits.member_day is not None:
            found[_scope_of(whose.member_id, whose.day)] = CounterBounds(limits.member_day)
    if limits.code is not None:
        for code in sorted(whose.codes & rules.codes):
            found[f"code {code}"] = CounterBounds(limits.code)
    return found


def _scope_of(member_id: int, day: date | None = None) -> str:
    """Uses by one member: in all, or on one day. A space ends the id, so that no id begins as
    another does."""
    return f"member {member_id} {day or ''}"


def left(
    session: Session, programme_id: int, promotions: Iterable[Promotion], whose: Whose
) -> dict[str, Allowance]:
    """How much of each of these promotions is left for this receipt; those without limits are left
    out. One statement for all."""
    wanted = {one.code: found for one in promotions if (found := scopes(one, whose))}
    if not wanted:
        return {}
    keys = [(code, scope) for code, bounds in wanted.items() for scope in bounds]
    rows = session.execute(
        select(PromotionCounter).where(
            PromotionCounter.programme_id == programme_id,
            tuple_(PromotionCounter.promotion, PromotionCounter.scope).in_(keys),
        )
    ).scalars()
    counted = {(row.promotion, row.scope): row for row in rows}
    return {
        code: _allowance((bounds, counted.get((code, scope))) for scope, bounds in found.items())
        for code, found in wanted.items()
    }


def _allowance(counters: Iterable[tuple[CounterBounds, PromotionCounter | None]]) -> Allowance:
    """The least that any of the counters leaves."""
    least = Allowance()
    for bounds, row in counters:
        counted = (0, 0, 0) if row is None else (row.uses, row.money, row.points)
        least = Allowance(
            _less(least.uses, bounds.uses, counted[0]),
            _less(least.money, bounds.money, counted[1]),
            _less(least.points, bounds.points, counted[2]),
        )
    return least


def _less(least: int | None, bound: int | None, counted: int) -> int | None:
    if bound is None:
        return least
    rest = max(0, bound - counted)
    return rest if least is None else min(least, rest)


@dataclass(frozen=True, slots=True)
class UseOfPromotion:
    """That a receipt used a promotion, and how much it gave."""

    promotion: Promotion
    money: int
    points: int


def use(
    session: Session,
    programme_id: int,
    receipt_id: int,
    month: date,
    uses: Iterable[UseOfPromotion],
    whose: Whose,
) -> None:
    """Count these uses. It comes last in its transaction. Raises `Overtaken`."""
    wanted = [
        (one.promotion.code, scope, bounds, one)
        for one in uses
        for scope, bounds in scopes(one.promotion, whose).items()
    ]
    wanted.sort(key=lambda one: one[:2])
    for code, scope, _, one in wanted:
        key = {"programme_id": programme_id, "promotion": code, "scope": scope}
        session.add(
            PromotionUse(
                **key, receipt_id=receipt_id, month=month, money=one.money, points=one.points
            )
        )
    session.flush()
    for code, scope, bounds, one in wanted:
        _count(session, (programme_id, code, scope), bounds, one)


def _count(
    session: Session, key: tuple[int, str, str], bounds: CounterBounds, one: UseOfPromotion
) -> None:
    programme_id, code, scope = key
    row = PromotionCounter
    session.execute(
        insert_or(session, row)
        .values(programme_id=programme_id, promotion=code, scope=scope, uses=0, money=0, points=0)
        .on_conflict_do_nothing()
    )
    after = (
        (row.uses + 1, bounds.uses),
        (row.money + one.money, bounds.money),
        (row.points + one.points, bounds.points),
    )
    counted = session.execute(
        update(row)
        .where(
            row.programme_id == programme_id,
            row.promotion == code,
            row.scope == scope,
            *(sum_ <= bound for sum_, bound in after if bound is not None),
        )
        .values(uses=row.uses + 1, money=row.money + one.money, points=row.points + one.points)
        .returning(row.uses)
        .execution_options(synchronize_session=False)
    )
    if counted.first() is None:
        raise Overtaken


def hand_on(session: Session, programme_id: int, member_id: int, into_id: int) -> None:
    """Two members are one person: what the first has used counts as used by the second. The caller
    has locked the accounts of both, so neither uses anything meanwhile."""
    begin = _scope_of(member_id)
    theirs = PromotionCounter.programme_id == programme_id, PromotionCounter.scope.startswith(begin)
    counters = session.scalars(
        select(PromotionCounter)
        .where(*theirs)
        .order_by(PromotionCounter.promotion, PromotionCounter.scope)
        .with_for_update()
    ).all()
    for counter in counters:
        scope = _scope_of(into_id) + counter.scope.removeprefix(begin)
        session.execute(
            update(PromotionUse)
            .where(
                PromotionUse.programme_id == programme_id,
                PromotionUse.promotion == counter.promotion,
                PromotionUse.scope == counter.scope,
            )
            .values(scope=scope)
            .execution_options(synchronize_session=False)
        )
        _add(session, counter, scope)
        session.delete(counter)
    session.flush()


def _add(session: Session, counter: PromotionCounter, scope: str) -> None:
    sums = {"uses": counter.uses, "money": counter.money, "points": counter.points}
    row = PromotionCounter
    session.execute(
        insert_or(session, row)
        .values(programme_id=counter.programme_id, promotion=counter.promotion, scope=scope, **sums)
        .on_conflict_do_update(
            index_elements=["programme_id", "promotion", "scope"],
            set_={name: getattr(row, name) + number for name, number in sums.items()},
        )
    )
