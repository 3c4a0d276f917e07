"""Receipts that were paid, as they are kept: with their lines as they were priced. Rows are never
changed, but for whose they are when a person is erased.

They are kept for years, so the month stands in the key of a receipt and of its lines, and on
PostgreSQL each month is a partition (`months`). What a receipt is recognised by for ever stands in
a small table of its own (`ReceiptKey`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Date,
    Index,
    Select,
    String,
    UniqueConstraint,
    and_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.catalogue.goods import GoodsKind
from ledger.database.tables import (
    Base,
    Identifier,
    Instant,
    JsonDocument,
    OptionalDocument,
    placed,
)
from ledger.errors import UnknownReceipt
from ledger.languages import Texts
from ledger.money import WHOLE
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from ledger.promotions.arithmetic import half_up
from ledger.promotions.paying import StoredPaid
from ledger.promotions.pieces import parted
from ledger.promotions.quotes import (
    BoughtReward,
    EnteredCode,
    LineReason,
    PointsReason,
    PromisedPresent,
    PromotionOutcome,
    Quote,
    QuoteLine,
)
from ledger.promotions.rewards.registry import Present
from ledger.sales import published

LONGEST_KEY = 300

ConflictCode = Literal["points", "rewards", "gift_cards", "card", "clock"]
LAST_SIGNS = 4  # of the number of a gift card, which are kept


class ReceiptKey(Base):
    """What a receipt is recognised by: the till's own id, or store, till, business day and number.
    `digest`: of what was sent, so that the same may come again."""

    __tablename__ = "ledger_receipt_key"
    __table_args__ = (UniqueConstraint("programme_id", "key"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Identifier)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    digest: Mapped[str] = mapped_column(String(64))
    month: Mapped[date] = mapped_column(Date)


class SoldReceipt(Base):
    """A receipt that was paid, in the smallest pieces of its currency and unit. `facts`: what
    promotions were told of who buys, as numbers. `outcome`: what a quote says beside money and
    lines, as `told` writes it. `spent_posting`, `earned_postings`: of the book, by public ids."""

    __tablename__ = "ledger_receipt"
    __table_args__ = (
        Index("ix_ledger_receipt_member", "programme_id", "member_id", "at"),
        Index("ix_ledger_receipt_at", "programme_id", "at"),
        {"postgresql_partition_by": "RANGE (month)"},
    )

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    store: Mapped[str | None] = mapped_column(String(40))
    till: Mapped[str | None] = mapped_column(String(40))
    shift: Mapped[str | None] = mapped_column(String(100))
    number: Mapped[str | None] = mapped_column(String(100))
    cashier: Mapped[str | None] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)
    day: Mapped[date] = mapped_column(Date)
    member_id: Mapped[int | None] = mapped_column(Identifier)
    currency: Mapped[str] = mapped_column(String(3))
    full: Mapped[int]
    given: Mapped[int]
    discount: Mapped[int]
    points_paid: Mapped[int]
    total: Mapped[int]
    due: Mapped[int]
    earned: Mapped[int]
    spent: Mapped[int]
    spent_posting: Mapped[str | None] = mapped_column(String(36))
    earned_postings: Mapped[list[str]] = mapped_column(JsonDocument)
    rules: Mapped[int]
    facts: Mapped[dict[str, int]] = mapped_column(JsonDocument)
    outcome: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    payments: Mapped[list[Any] | None] = mapped_column(OptionalDocument)
    confirmed_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def earned_by_member(self) -> int:
        """How many points were given for it. Of nobody who was known `earned` is what it would have
        earned."""
        return self.earned if self.earned_postings else 0


class SoldLine(Base):
    """A line of a receipt that was paid, as the catalogue completed it and promotions priced it.
    `quantity`: in thousandths. `reasons`: as `LineReason` has them."""

    __tablename__ = "ledger_receipt_line"
    __table_args__ = ({"postgresql_partition_by": "RANGE (month)"},)

    programme_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    receipt_id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[str] = mapped_column(String(40))
    sku: Mapped[str] = mapped_column(String(100))
    kind: Mapped[GoodsKind] = mapped_column(String(12))
    categories: Mapped[list[str]] = mapped_column(JsonDocument)
    brand: Mapped[str | None] = mapped_column(String(100))
    model: Mapped[str | None] = mapped_column(String(100))
    seller: Mapped[str | None] = mapped_column(String(100))
    quantity: Mapped[int]
    price: Mapped[int]
    full: Mapped[int]
    given: Mapped[int]
    discount: Mapped[int]
    points: Mapped[int]
    total: Mapped[int]
    reasons: Mapped[list[Any]] = mapped_column(JsonDocument)


@dataclass(frozen=True, slots=True)
class ReceiptConflict:
    """What could not be as the till told it. `points`, `rewards`, `gift_cards`: less was there than
    was to pay or to be bought; `card`: it is not valid any more, so the receipt is nobody's;
    `clock`: the time cannot be, so the server's stands. `facts`: numbers for a sentence."""

    code: ConflictCode
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PurchaseOnRecord:
    """A receipt on record, and the quote that it was paid by. `is_repeated`: it came before, and
    nothing was done now."""

    receipt: SoldReceipt
    lines: Sequence[SoldLine]
    quote: Quote
    conflicts: Sequence[ReceiptConflict]
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class TakenFromCard:
    """What was taken from a gift card, by a posting with this public id."""

    paid: StoredPaid
    posting: str


def told(
    quote: Quote, conflicts: Sequence[ReceiptConflict], taken: Sequence[TakenFromCard]
) -> dict[str, Any]:
    """What a quote says beside money and lines, as plain data. Promotions that gave nothing are
    left out, and of the number of a gift card all but the end."""
    return {
        "promotions": [
            [one.promotion, one.version, one.amount]
            for one in quote.promotions
            if one.outcome == "applied"
        ],
        "points": [[one.promotion, one.points] for one in quote.points_reasons],
        "presents": [[one.present.sku, one.present.units, one.promotion] for one in quote.presents],
        "codes": [[one.code, one.state, one.promotion] for one in quote.codes],
        "bought": [[one.promotion, one.times, one.points] for one in quote.bought],
        "stored": [
            [
                f"…{one.paid.card[-LAST_SIGNS:]}",
                one.paid.member_id,
                one.paid.unit_id,
                one.paid.amount,
                one.paid.left,
                one.posting,
            ]
            for one in taken
        ],
        "paid_by_points": quote.paid_by_points,
        "rounding": quote.rounding,
        "conflicts": [[one.code, dict(one.facts)] for one in conflicts],
    }


def purchase(
    row: SoldReceipt, lines: Sequence[SoldLine], *, is_repeated: bool = False
) -> PurchaseOnRecord:
    """The receipt with its quote, read from what is kept."""
    outcome = row.outcome
    quote = Quote(
        rules=row.rules,
        currency=row.currency,
        lines=[_line(line) for line in lines],
        full=row.full,
        given=row.given,
        discount=row.discount,
        points_paid=row.points_paid,
        total=row.total,
        due=row.due,
        earned=row.earned,
        spent=row.spent,
        most=row.spent,
        points_reasons=[PointsReason(*one) for one in outcome["points"]],
        presents=[
            PromisedPresent(Present(sku, units), promotion)
            for sku, units, promotion in outcome["presents"]
        ],
        codes=[EnteredCode(*one) for one in outcome["codes"]],
        promotions=[
            PromotionOutcome(code, version, "applied", amount)
            for code, version, amount in outcome["promotions"]
        ],
        lanes=[],
        rounding=outcome["rounding"],
        bought=[BoughtReward(*one) for one in outcome["bought"]],
        paid_by_points=outcome["paid_by_points"],
        stored=[StoredPaid(*one[:-1]) for one in outcome["stored"]],
    )
    conflicts = [ReceiptConflict(*one) for one in outcome["conflicts"]]
    return PurchaseOnRecord(row, lines, quote, conflicts, is_repeated)


def _line(line: SoldLine) -> QuoteLine:
    asked = line.full - line.given
    return QuoteLine(
        id=line.line,
        full=line.full,
        given=line.given,
        discount=line.discount,
        points=line.points,
        total=line.total,
        percent=half_up(line.discount * WHOLE, asked) if asked else 0,
        pieces=parted(line.quantity, line.total),
        reasons=[LineReason(*one) for one in line.reasons],
    )


def of_key(session: Session, programme: Programme, key: str) -> PurchaseOnRecord:
    """The receipt with this key. Raises `UnknownReceipt`."""
    known = session.scalar(
        select(ReceiptKey).where(ReceiptKey.programme_id == programme.id, ReceiptKey.key == key)
    )
    row = None if known is None else session.get(SoldReceipt, (programme.id, known.month, known.id))
    if row is None:
        raise UnknownReceipt(key)
    (found,) = with_lines(session, [row])
    return found


def with_lines(session: Session, rows: Sequence[SoldReceipt]) -> list[PurchaseOnRecord]:
    """These receipts with their lines, in their order."""
    keys = [(row.programme_id, row.month, row.id) for row in rows]
    lines = session.scalars(
        select(SoldLine)
        .where(tuple_(SoldLine.programme_id, SoldLine.month, SoldLine.receipt_id).in_(keys))
        .order_by(SoldLine.receipt_id, SoldLine.position)
    )
    by_receipt: dict[int, list[SoldLine]] = {row.id: [] for row in rows}
    for line in lines:
        by_receipt[line.receipt_id].append(line)
    return [purchase(row, by_receipt[row.id]) for row in rows]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which receipts are looked for; None: whatever it is. `since` and `until`: when they were
    paid, the first included, the second not."""

    member: Member | None = None
    store: str | None = None
    till: str | None = None
    shift: str | None = None
    number: str | None = None
    cashier: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def listed(
    session: Session,
    programme: Programme,
    sought: Sought,
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[SoldReceipt]:
    """Receipts, the newest first, from behind `after`."""
    row = SoldReceipt
    query = select(row).where(row.programme_id == programme.id, *_wanted(sought))
    if sought.member is not None:
        query = query.where(row.member_id.in_(members_of(sought.member)))
    if after is not None:
        query = query.where(tuple_(row.at, row.id) < placed(*after))
    return session.scalars(query.order_by(row.at.desc(), row.id.desc()).limit(limit)).all()


def _wanted(sought: Sought) -> Sequence[ColumnElement[bool]]:
    row = SoldReceipt
    same = ("store", "till", "shift", "number", "cashier")
    wanted = [
        getattr(row, name) == asked for name in same if (asked := getattr(sought, name)) is not None
    ]
    if sought.since is not None:
        wanted += [row.at >= sought.since, row.month >= month_of(sought.since)]
    if sought.until is not None:
        wanted += [row.at < sought.until, row.month <= month_of(sought.until)]
    return wanted


def members_of(member: Member) -> Select[int]:
    """The member and all who were merged into them, whose receipts are theirs."""
    return select(Member.id).where((Member.id == member.id) | (Member.merged_into_id == member.id))


def month_of(moment: datetime) -> date:
    """The month under which a receipt of this moment is kept."""
    return moment.astimezone(UTC).date().replace(day=1)


def pointless(member: Member) -> ColumnElement[bool]:
    """Receipts of this member that moved no points, so the book knows nothing of them."""
    row = SoldReceipt
    return and_(
        row.programme_id == member.programme_id,
        row.member_id.in_(members_of(member)),
        row.earned == 0,
        row.spent == 0,
    )


def names(
    session: Session, programme: Programme, purchases: Sequence[PurchaseOnRecord]
) -> dict[str, str | Texts]:
    """What the promotions are called that gave something, by code, in their versions of then."""
    wanted = {
        (one.promotion, one.version) for purchase in purchases for one in purchase.quote.promotions
    }
    return published.names(session, programme.id, wanted) if wanted else {}


def forget(session: Session, member_ids: Collection[int]) -> None:
    """Receipts of these members stay, as nobody's."""
    session.execute(
        update(SoldReceipt)
        .where(SoldReceipt.member_id.in_(member_ids))
        .values(member_id=None)
        .execution_options(synchronize_session=False)
    )
