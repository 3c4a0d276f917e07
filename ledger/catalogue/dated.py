"""Prices and floors as they are kept: rows that hold from a moment on. What has held is never
changed: "was" and "now", and the lowest price of thirty days, are read from here. Who writes holds
the programme (`programmes.hold`)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from ledger.catalogue import timelines
from ledger.catalogue.timelines import Held
from ledger.database.tables import Base, Identifier, Instant, batched, insert_or
from ledger.errors import PriceIsHistory, Refusal, WrongCurrency
from ledger.money import Money, decimals
from ledger.programmes import base_terms, units
from ledger.programmes.stores import LONGEST_GROUP

EVERYWHERE = ""  # stands for a group: the price of all stores that have none of their own


class ProductPrice(Base):
    """What a product costs from `since` on, in the smallest pieces of its currency: in stores of
    this `group`, or everywhere. Null: from then on it has no price there."""

    __tablename__ = "ledger_product_price"
    __table_args__ = (
        UniqueConstraint("product_id", "group", "since"),
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_ledger_product_price_listed", "programme_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("ledger_product.id"))
    group: Mapped[str] = mapped_column(String(LONGEST_GROUP))
    since: Mapped[datetime] = mapped_column(Instant)
    amount: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    said_at: Mapped[datetime] = mapped_column(Instant)


class PriceFloor(Base):
    """Below which price nothing sells a product, or what lies in a category, from `since` on. Null:
    from then on it has no floor of its own."""

    __tablename__ = "ledger_price_floor"
    __table_args__ = (
        UniqueConstraint("product_id", "since"),
        UniqueConstraint("category_id", "since"),
        CheckConstraint("(product_id IS NULL) <> (category_id IS NULL)", name="of_one"),
        CheckConstraint("amount >= 0", name="amount"),
        Index("ix_ledger_price_floor_listed", "programme_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_product.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_category.id"))
    since: Mapped[datetime] = mapped_column(Instant)
    amount: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    said_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Line:
    """Whose amounts follow each other in time: the prices of a product in one group of stores, or
    the floors of a product or a category."""

    kind: Literal["price", "product_floor", "category_floor"]
    of_id: int
    group: str = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Said:
    """An amount as it is wanted, from `since` on; without that, at once. `until`: from then on what
    would hold without it."""

    line: Line
    held: Held
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of it: from `since` on it holds, and `before` held there; `since` is None if it
    had been said already."""

    since: datetime | None
    before: Held | None


@dataclass(frozen=True, slots=True)
class Tender:
    """In which money the programme sells, and how amounts of it are counted. Until it is known any
    currency will do, and is the one from then on."""

    currency: str | None

    def held(self, price: Money | None) -> Held:
        """The price as it is kept; None: no price. Raises `WrongCurrency`, `TooManyDecimals`,
        `AmountTooLarge`."""
        if price is None:
            return Held(None, self.currency or "")
        if self.currency is not None and price.currency != self.currency:
            raise WrongCurrency(price.currency, self.currency)
        return Held(price.points(decimals(price.currency)), price.currency)

    def after(self, price: Money | None) -> "Tender":
        """The same, once this price is known."""
        return self if price is None or self.currency else Tender(price.currency)


def tender(session: Session, programme_id: int) -> Tender:
    """In which money the programme sells: by its base programme, by its main unit where that is
    money; else by any price that it has."""
    base = base_terms.of(session, programme_id)
    own = units.named(session, programme_id, None).currency if base is None else base.currency
    if own is not None:
        return Tender(own)
    of_any = select(ProductPrice.currency).where(
        ProductPrice.programme_id == programme_id, ProductPrice.currency != ""
    )
    return Tender(session.scalar(of_any.limit(1)))


def say(
    session: Session, programme_id: int, said: Sequence[Said], now: datetime
) -> list[Noted | Refusal]:
    """Note these amounts, in this order, each with an outcome of its own: what came of it, or
    `PriceIsHistory`. What is said already is not said again."""
    known = _known(session, said, now)
    outcomes: list[Noted | Refusal] = []
    written: dict[tuple[Line, datetime], Held] = {}
    for one in said:
        rows = known[one.line]
        before = _held_at(rows, one.since or now)
        try:
            since = timelines.begins(rows, one.since, one.held, now)
        except PriceIsHistory as refusal:
            outcomes.append(refusal)
            continue
        changed = {} if since is None else {since: one.held}
        if one.until is not None:
            changed |= _ended(rows, one, one.until, now)
        for moment, held in changed.items():
            rows[moment] = written[one.line, moment] = held
        outcomes.append(Noted(since or min(changed, default=None), before))
    _write(session, programme_id, written, now)
    return outcomes


def _ended(
    rows: Mapping[datetime, Held], one: Said, until: datetime, now: datetime
) -> dict[datetime, Held]:
    """What is to be noted so that an amount holds from its beginning until this moment, and no
    longer: nothing else begins meanwhile, and then holds what would have held."""
    begins = one.since or now
    meanwhile = {moment: one.held for moment in rows if max(begins, now) < moment < until}
    after = _held_at(rows, until) or Held(None, one.held.currency)
    found = {**meanwhile, until: after}
    return {moment: held for moment, held in found.items() if rows.get(moment) != held}


def _held_at(rows: Mapping[datetime, Held], moment: datetime) -> Held | None:
    latest = max((since for since in rows if since <= moment), default=None)
    return None if latest is None else rows[latest]


def _known(
    session: Session, said: Sequence[Said], now: datetime
) -> dict[Line, dict[datetime, Held]]:
    """Of each of these lines: what is to come, what holds now, and what held from moments on that
    are named."""
    moments = {one.since for one in said if one.since is not None}
    found: dict[Line, dict[datetime, Held]] = defaultdict(dict)
    of_prices = sorted({one.line.of_id for one in said if one.line.kind == "price"})
    later = aliased(ProductPrice)
    newest = (
        select(func.max(later.since))
        .where(
            later.product_id == ProductPrice.product_id,
            later.group == ProductPrice.group,
            later.since <= now,
        )
        .scalar_subquery()
    )
    for ids in batched(of_prices):
        query = select(ProductPrice).where(
            ProductPrice.product_id.in_(ids), _counts(ProductPrice.since, newest, moments, now)
        )
        for price in session.scalars(query.execution_options(populate_existing=True)):
            line = Line("price", price.product_id, price.group)
            found[line][price.since] = Held(price.amount, price.currency)
    of_floors = {one.line for one in said if one.line.kind != "price"}
    if of_floors:
        found.update(_known_floors(session, of_floors))
    return found


def _counts(
    since: InstrumentedAttribute[datetime],
    newest: ColumnElement[datetime],
    moments: Collection[datetime],
    now: datetime,
) -> ColumnElement[bool]:
    return or_(since > now, since == newest, since.in_(sorted(moments)))


def _known_floors(session: Session, lines: Collection[Line]) -> dict[Line, dict[datetime, Held]]:
    """All floors of these lines: there are few of each."""
    found: dict[Line, dict[datetime, Held]] = {line: {} for line in lines}
    for part in batched(sorted(lines, key=lambda line: (line.kind, line.of_id))):
        query = select(PriceFloor).where(
            or_(
                PriceFloor.product_id.in_(_ids(part, "product_floor")),
                PriceFloor.category_id.in_(_ids(part, "category_floor")),
            )
        )
        for floor in session.scalars(query.execution_options(populate_existing=True)):
            found[_line_of(floor)][floor.since] = Held(floor.amount, floor.currency)
    return found


def _ids(lines: Sequence[Line], kind: str) -> list[int]:
    return [line.of_id for line in lines if line.kind == kind]


def _line_of(floor: PriceFloor) -> Line:
    if floor.product_id is not None:
        return Line("product_floor", floor.product_id)
    assert floor.category_id is not None  # noqa: S101 - a constraint of the table
    return Line("category_floor", floor.category_id)


def _write(
    session: Session,
    programme_id: int,
    written: Mapping[tuple[Line, datetime], Held],
    now: datetime,
) -> None:
    """Amounts of the same moment take the place of each other: it is to come, or it is now."""
    prices, product_floors, category_floors = [], [], []
    for (line, since), held in written.items():
        row = {
            "programme_id": programme_id,
            "since": since,
            "amount": held.amount,
            "currency": held.currency,
            "said_at": now,
        }
        if line.kind == "price":
            prices.append({**row, "product_id": line.of_id, "group": line.group})
        elif line.kind == "product_floor":
            product_floors.append({**row, "product_id": line.of_id})
        else:
            category_floors.append({**row, "category_id": line.of_id})
    _upsert(session, ProductPrice, ("product_id", "group", "since"), prices)
    _upsert(session, PriceFloor, ("product_id", "since"), product_floors)
    _upsert(session, PriceFloor, ("category_id", "since"), category_floors)


def _upsert(
    session: Session,
    table: type[ProductPrice | PriceFloor],
    key: tuple[str, ...],
    rows: Sequence[Mapping[str, object]],
) -> None:
    for part in batched(rows):
        insert = insert_or(session, table).values(list(part))
        changed = {name: insert.excluded[name] for name in ("amount", "currency", "said_at")}
        session.execute(insert.on_conflict_do_update(index_elements=list(key), set_=changed))
