"""Units: what a programme counts. Points, stamps, money of a cashback or a gift card; integers in
the smallest piece, never mixed in one sum."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
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

from ledger.database.compiled import Compiled
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
from ledger.money import Amount, Money

UnitKind = Literal["points", "stamps", "money"]

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
CURRENCY = re.compile(r"[A-Z]{3}")
MOST_SCALE = 6
MOST_LIVE_DAYS = 36_500
POINTS = "points"


class Unit(Base):
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
        """What is meant, as the book counts it. Raises `NotMoney`, `WrongCurrency`,
        `TooManyDecimals`, `AmountTooLarge`."""
        if isinstance(amount, int):
            return amount
        if self.currency is None:
            raise NotMoney(self.code)
        if amount.currency != self.currency:
            raise WrongCurrency(amount.currency, self.currency)
        return amount.points(self.scale)

    def money(self, points: int) -> Money | None:
        """The money that so many points are; None where they are none."""
        return None if self.currency is None else Money.of(points, self.scale, self.currency)

    def amount(self, points: int) -> Amount:
        """As it is told to people: the money, where they are money."""
        return self.money(points) or points

    @contextmanager
    def errors_in_money(self) -> Iterator[None]:
        """What is refused in here counts points of this unit; if they are money, it says so."""
        try:
            yield
        except Refusal as refusal:
            self.add_money(refusal)
            raise

    def add_money(self, refusal: Refusal) -> None:
        if self.currency is not None:
            refusal.add_money(self.money)

    def expiry(self, activates_at: datetime, timezone: str) -> datetime:
        """When points that become active at `activates_at` run out by the unit's terms: at the end
        of a calendar day in the programme's zone. `NEVER` if they live for ever."""
        if self.live_days is None:
            return NEVER
        zone = ZoneInfo(timezone)
        last_day = (activates_at.astimezone(zone) + timedelta(days=self.live_days)).date()
        midnight = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), tzinfo=zone)
        return midnight.astimezone(NEVER.tzinfo)


@dataclass(frozen=True, slots=True)
class UnitTerms:
    """What a new unit is made of. `scale` is the number of decimal places: 2 where the smallest
    piece is a kopeck. Money has a currency (ISO 4217), nothing else has."""

    code: str = POINTS
    kind: UnitKind = "points"
    scale: int = 0
    currency: str | None = None
    live_days: int | None = None


def add(session: Session, programme_id: int, terms: UnitTerms, *, main: bool = False) -> Unit:
    """Raises `TermsRefused`, `UnitExists`. A programme's main unit is what a call means that names
    none."""
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
    if terms.live_days is not None and not 1 <= terms.live_days <= MOST_LIVE_DAYS:
        raise TermsRefused("live_days", "from {least} to {most}.", least=1, most=MOST_LIVE_DAYS)


def of_programme(session: Session, programme_id: int) -> Sequence[Unit]:
    """The main unit first."""
    return session.scalars(
        select(Unit).where(Unit.programme_id == programme_id).order_by(Unit.main.desc(), Unit.id)
    ).all()


def by_id(session: Session, unit_id: int) -> Unit:
    return session.get_one(Unit, unit_id)


# By the parameter `code`, in the programme that the query is about.
MEANT = or_(
    bindparam("code", type_=String).is_(None) & Unit.main,
    Unit.code == bindparam("code"),
)
_FIND = Compiled(
    select(*Unit.__table__.c).where(Unit.programme_id == bindparam("programme"), MEANT)
)


def find(session: Session, programme_id: int, code: str | None) -> Unit | None:
    """The programme's unit with this code, its main one without. To read: no session looks after
    the object."""
    rows = _FIND.execute(session, programme=programme_id, code=code)
    return detached(Unit, rows[0]._asdict()) if rows else None


def named(session: Session, programme_id: int, code: str | None) -> Unit:
    """As `find`. Raises `UnknownUnit`."""
    unit = find(session, programme_id, code)
    if unit is None:
        raise UnknownUnit(code or "")
    return unit
