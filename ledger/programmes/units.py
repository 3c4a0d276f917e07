"""Units: what a programme counts, such as points, stamps, or money of a cashback or a gift card.
Amounts are integers in the smallest piece, and amounts of two units are never added."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    String,
    UniqueConstraint,
    bindparam,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled, Question
from ledger.database.tables import Base, Identifier, detached, insert_or
from ledger.errors import (
    NotMoney,
    Refusal,
    TermsRefused,
    UnitExists,
    UnknownUnit,
    WrongCurrency,
)
from ledger.limits import NEVER
from ledger.money import Amount, Money, currencies

UnitKind = Literal["points", "stamps", "money"]

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
CURRENCY = re.compile(r"[A-Z]{3}")
MOST_SCALE = 6  # decimal places
MOST_LIVE_DAYS = 36_500
POINTS = "points"


class Unit(Base):
    """One thing that a programme counts. `scale` is the number of decimal places of one unit: 2
    where the smallest piece is a kopeck. `live_days` is how long its points live; null: for ever.
    `main`: the one that is meant if a call names none. Nothing of a row is ever changed but
    `live_days`, and that for points that come afterwards."""

    __tablename__ = "ledger_unit"
    __table_args__ = (
        UniqueConstraint("programme_id", "code"),
        CheckConstraint(f"scale >= 0 AND scale <= {MOST_SCALE}", name="scale"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    code: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(10))
    scale: Mapped[int]
    currency: Mapped[str | None] = mapped_column(String(3))
    live_days: Mapped[int | None]
    main: Mapped[bool] = mapped_column(Boolean)

    def points(self, amount: Amount) -> int:
        """The amount in whole pieces, as the book counts it. Raises `NotMoney`, `WrongCurrency`,
        `TooManyDecimals`, `AmountTooLarge`."""
        if isinstance(amount, int):
            return amount
        if self.currency is None:
            raise NotMoney(self.code)
        if amount.currency != self.currency:
            raise WrongCurrency(amount.currency, self.currency)
        return amount.points(self.scale)

    def money(self, points: int) -> Money | None:
        """The money that so many pieces are; None if the unit is not money."""
        return None if self.currency is None else Money.of(points, self.scale, self.currency)

    def amount(self, points: int) -> Amount:
        """What people are told of so many pieces: money if the unit is money, else the number."""
        return self.money(points) or points

    @contextmanager
    def errors_in_money(self) -> Iterator[None]:
        """Refusals that are raised in this block count pieces of this unit; if the unit is money,
        the amounts in money are added to them."""
        try:
            yield
        except Refusal as refusal:
            self.add_money(refusal)
            raise

    def add_money(self, refusal: Refusal) -> None:
        """Add the amounts in money to a refusal that counts pieces of this unit; nothing if it is
        not money."""
        if self.currency is not None:
            refusal.add_money(self.money)

    def expiry(self, activates_at: datetime, timezone: str) -> datetime:
        """When points that become active at `activates_at` run out by the unit's terms: at the end
        of a calendar day in the programme's zone. `NEVER` if they live for ever."""
        if self.live_days is None:
            return NEVER
        return end_of_days(activates_at, self.live_days, timezone)


def end_of_days(begin: datetime, days: int, timezone: str) -> datetime:
    """The end of the calendar day that is so many days after `begin`, in this zone."""
    zone = ZoneInfo(timezone)
    last_day = (begin.astimezone(zone) + timedelta(days=days)).date()
    midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
    return midnight.astimezone(NEVER.tzinfo)


@dataclass(frozen=True, slots=True)
class UnitTerms:
    """What a new unit is made of. `scale` is the number of decimal places: 2 where the smallest
    piece is a kopeck. Only money has a currency (ISO 4217)."""

    code: str = POINTS
    kind: UnitKind = "points"
    scale: int = 0
    currency: str | None = None
    live_days: int | None = None


def add(session: Session, programme_id: int, terms: UnitTerms, *, main: bool = False) -> Unit:
    """Add a unit to a programme. `main`: the one that is meant if a call names none. Raises
    `TermsRefused`, `UnitExists`."""
    _check(terms)
    unit_id = session.execute(
        insert_or(session, Unit)
        .values(
            programme_id=programme_id,
            code=terms.code,
            kind=terms.kind,
            scale=terms.scale,
            currency=terms.currency,
            live_days=terms.live_days,
            main=main,
        )
        .on_conflict_do_nothing()
        .returning(Unit.id)
    ).scalar_one_or_none()
    if unit_id is None:
        raise UnitExists(terms.code)
    return session.get_one(Unit, unit_id)


def change_terms(session: Session, programme_id: int, code: str, live_days: int | None) -> Unit:
    """Let points of this unit live so long (None: for ever) from now on. Points that there are keep
    their dates. Postings that are under way may still follow the terms of before. Raises
    `UnknownUnit`, `TermsRefused`."""
    unit = session.scalar(
        select(Unit)
        .where(Unit.programme_id == programme_id, Unit.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if unit is None:
        raise UnknownUnit(code)
    _check_live_days(live_days)
    unit.live_days = live_days
    session.flush()
    return unit


def _check(terms: UnitTerms) -> None:
    if not CODE.fullmatch(terms.code):
        raise TermsRefused("unit", "small Latin letters, digits and dashes, up to 40.")
    if terms.kind not in get_args(UnitKind):
        raise TermsRefused("kind", "one of points, stamps and money.")
    if not 0 <= terms.scale <= MOST_SCALE:
        raise TermsRefused("scale", "from 0 to {most} decimal places.", most=MOST_SCALE)
    if (terms.kind == "money") != (terms.currency is not None):
        raise TermsRefused("currency", "money has one, and nothing else has.")
    if terms.currency is not None and not CURRENCY.fullmatch(terms.currency):
        raise TermsRefused("currency", "three capital letters, such as RUB.")
    if terms.currency is not None and terms.currency not in currencies():
        raise TermsRefused("currency", "one that ISO 4217 knows, such as RUB.")
    _check_live_days(terms.live_days)


def _check_live_days(live_days: int | None) -> None:
    if live_days is not None and not 1 <= live_days <= MOST_LIVE_DAYS:
        raise TermsRefused("live_days", "from {least} to {most}.", least=1, most=MOST_LIVE_DAYS)


def of_programme(session: Session, programme_id: int) -> Sequence[Unit]:
    """The units of a programme, the main one first."""
    return session.scalars(
        select(Unit).where(Unit.programme_id == programme_id).order_by(Unit.main.desc(), Unit.id)
    ).all()


def by_id(session: Session, unit_id: int) -> Unit:
    """The unit with this id, which must exist."""
    return session.get_one(Unit, unit_id)


# The unit with the parameter `code`, or the main one if that is null; for a query that is limited
# to one programme.
MEANT = or_(
    bindparam("code", type_=String).is_(None) & Unit.main,
    Unit.code == bindparam("code"),
)
_FIND = Compiled(
    select(*Unit.__table__.c).where(Unit.programme_id == bindparam("programme"), MEANT)
)


def find(session: Session, programme_id: int, code: str | None) -> Unit | None:
    """The programme's unit with this code; with None, its main unit. None if there is no such unit.
    The object is only to be read: no session tracks it."""
    rows = _FIND.execute(session, programme=programme_id, code=code)
    return detached(Unit, rows[0]._asdict()) if rows else None


def main(programme_id: int) -> Question[Unit]:
    """The main unit of a programme; raises `UnknownUnit` if there is none. The object is only to be
    read."""
    return Question(_FIND, {"programme": programme_id, "code": None}, _main_of)


def _main_of(rows: Sequence[Any]) -> Unit:
    if not rows:
        raise UnknownUnit("")
    return detached(Unit, rows[0]._asdict())


def named(session: Session, programme_id: int, code: str | None) -> Unit:
    """The programme's unit with this code; with None, its main unit. Raises `UnknownUnit`."""
    unit = find(session, programme_id, code)
    if unit is None:
        raise UnknownUnit(code or "")
    return unit
