"""A receipt that was paid is confirmed: priced under the lock of whoever buys, its points booked,
what it uses of promotions counted, and put on record, in one transaction.

The order of locks is: the key of the receipt, the account of the member, the counters of
promotions. So the same receipt that comes twice at once waits for itself, and two receipts of one
member are never both the first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import postings
from ledger.database import outbox
from ledger.database.tables import insert_or
from ledger.errors import (
    CardBlocked,
    CardExpired,
    CardVoid,
    DateOutOfRange,
    InsufficientPoints,
    ReceiptDiffers,
)
from ledger.events import ReceiptConfirmed
from ledger.money import Money, decimals
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.points import accruals, causes, redemptions, resolving
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.redemptions import Spend
from ledger.points.resolving import Target
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.promotions.paying import StoredPaid
from ledger.promotions.quotes import Quote
from ledger.sales import limits, quoting, records
from ledger.sales.limits import Overtaken, UseOfPromotion, Whose
from ledger.sales.quoting import Buyer, Priced
from ledger.sales.receipts import CardToPay, TillReceipt
from ledger.sales.records import (
    PurchaseOnRecord,
    ReceiptConflict,
    ReceiptKey,
    SoldLine,
    SoldReceipt,
    TakenFromCard,
)

LONGEST_RECEIPT = 100  # signs of what a posting calls its receipt


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a receipt is called, and by whom it was rung up. `key`: by what it is recognised for
    ever; `digest`: of all that was sent. `payments`: as they were told. `sellers`: by line."""

    key: str
    digest: str
    shift: str | None = None
    number: str | None = None
    cashier: str | None = None
    payments: Sequence[Mapping[str, Any]] = ()
    sellers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who paid; None: nobody who is known. `conflicts`: why it is not who the till said."""

    buyer: Buyer | None = None
    conflicts: Sequence[ReceiptConflict] = ()


def confirm(
    session: Session,
    programme: Programme,
    receipt: TillReceipt,
    ticket: Ticket,
    find_payer: Callable[[], Payer],
    now: datetime,
) -> PurchaseOnRecord:
    """Put a receipt that was paid on record; the same again does nothing and answers the same, and
    nobody is looked for. What cannot be as it was told is booked as it can, and stands in the
    conflicts. Raises `ReceiptDiffers`, `Overtaken` where somebody was quicker (then all of it is
    tried again), `BalanceTooLarge`, and what `find_payer` and `quoting.quote` raise."""
    receipt, wrong_clock = _in_time(receipt, now)
    asked = receipt
    month = records.month_of(receipt.at or now)
    key_id = _claim(session, programme.id, ticket, month)
    if key_id is None:
        return _again(session, programme, ticket)
    payer = _locked(session, find_payer(), now)
    buyer = payer.buyer
    receipt = replace(receipt, gift_cards=_valid(session, programme, receipt.gift_cards, now))
    priced = quoting.quote(session, programme, receipt, buyer, now)
    conflicts = [*wrong_clock, *payer.conflicts, *_short(asked, priced.quote)]
    row = _row(programme, key_id, receipt, ticket, priced, now)
    row.month = month
    if buyer is not None:
        _book(session, buyer.member, row, priced, now)
    stored = _take_stored(session, row, priced.quote.stored, now)
    row.outcome = records.told(priced.quote, conflicts, stored)
    lines = list(_lines(row, ticket, priced))
    session.add(row)
    session.flush()
    session.add_all(lines)
    session.flush()
    confirmed = ReceiptConfirmed(row.member_id, programme.id, row.id, month.isoformat())
    outbox.append(session, [confirmed], now)
    limits.use(session, programme.id, key_id, month, _uses(priced), _whose(priced, buyer))
    return records.purchase(row, lines)


def _in_time(receipt: TillReceipt, now: datetime) -> tuple[TillReceipt, list[ReceiptConflict]]:
    """The receipt at a time that can be: of one that cannot, the clock of the till is wrong."""
    try:
        causes.check_clock(receipt.at, now)
    except DateOutOfRange:
        return replace(receipt, at=now), [ReceiptConflict("clock", {})]
    return receipt, []


def _claim(session: Session, programme_id: int, ticket: Ticket, month: date) -> int | None:
    """Take the key; None if it was taken. Whoever sends the same at once waits here."""
    claimed: int | None = session.execute(
        insert_or(session, ReceiptKey)
        .values(programme_id=programme_id, key=ticket.key, digest=ticket.digest, month=month)
        .on_conflict_do_nothing()
        .returning(ReceiptKey.id)
    ).scalar_one_or_none()
    return claimed


def _again(session: Session, programme: Programme, ticket: Ticket) -> PurchaseOnRecord:
    known = session.scalar(
        select(ReceiptKey.digest).where(
            ReceiptKey.programme_id == programme.id, ReceiptKey.key == ticket.key
        )
    )
    if known != ticket.digest:
        raise ReceiptDiffers(ticket.key)
    return replace(records.of_key(session, programme, ticket.key), is_repeated=True)


def _locked(session: Session, payer: Payer, now: datetime) -> Payer:
    """Whoever pays, with their account locked: what promotions ask about them cannot change any
    more. It is the member who stands for them, if they were merged meanwhile, and nobody, if they
    were erased."""
    if payer.buyer is None:
        return payer

    def lock(target: Target) -> Member:
        postings.lock_open(session, [target.holder.account_id])
        return target.member

    owner = resolving.with_target(session, payer.buyer.member, None, lock, now)
    member = members.resolve_merged(session, members.reread(session, owner))
    if member.erased_at is not None:
        return Payer(None, [*payer.conflicts, ReceiptConflict("card", {})])
    return replace(payer, buyer=replace(payer.buyer, member=member))


def _valid(
    session: Session, programme: Programme, cards_to_pay: Sequence[CardToPay], now: datetime
) -> list[CardToPay]:
    """Those of the gift cards that can still pay. Raises `UnknownCard`."""
    found = []
    for one in cards_to_pay:
        try:
            cards.owner(session, one.card, now, programme.id)
        except (CardBlocked, CardVoid, CardExpired):
            continue
        found.append(one)
    return found


def _short(asked: TillReceipt, quote: Quote) -> Iterator[ReceiptConflict]:
    """Where less was there than was to pay."""
    on_rewards = sum(one.points for one in quote.bought)
    if isinstance(asked.pays, int) and quote.spent - on_rewards < asked.pays:
        facts = {"asked": asked.pays, "spent": quote.spent - on_rewards}
        yield ReceiptConflict("points", facts)
    wished = sum(asked.rewards.values())
    bought = sum(one.times for one in quote.bought if one.promotion in asked.rewards)
    if bought < wished:
        yield ReceiptConflict("rewards", {"asked": wished, "bought": bought})
    places = decimals(quote.currency)
    to_pay = sum(
        one.amount.points(places) for one in asked.gift_cards if isinstance(one.amount, Money)
    )
    paid = sum(one.amount for one in quote.stored)
    if paid < to_pay:
        amounts = {"asked": to_pay, "paid": paid}
        facts_ = {
            name: asdict(Money.of(pieces, places, quote.currency))
            for name, pieces in amounts.items()
        }
        yield ReceiptConflict("gift_cards", facts_)


def _whose(priced: Priced, buyer: Buyer | None) -> Whose:
    member_id = None if buyer is None else buyer.member.id
    return Whose(member_id, priced.sale.clock.day, priced.codes, priced.unit.scale)


def _row(
    programme: Programme,
    key_id: int,
    receipt: TillReceipt,
    ticket: Ticket,
    priced: Priced,
    now: datetime,
) -> SoldReceipt:
    quote = priced.quote
    return SoldReceipt(
        programme_id=programme.id,
        id=key_id,
        key=ticket.key,
        store=receipt.store,
        till=receipt.till,
        shift=ticket.shift,
        number=ticket.number,
        cashier=ticket.cashier,
        at=priced.sale.clock.moment,
        day=priced.sale.clock.day,
        currency=quote.currency,
        full=quote.full,
        given=quote.given,
        discount=quote.discount,
        points_paid=quote.points_paid,
        total=quote.total,
        due=quote.due,
        earned=quote.earned,
        spent=quote.spent,
        earned_postings=[],
        rules=quote.rules,
        facts=dict(priced.sale.facts),
        payments=[dict(one) for one in ticket.payments] or None,
        confirmed_at=now,
    )


def _book(
    session: Session, member: Member, row: SoldReceipt, priced: Priced, now: datetime
) -> None:
    """Spend and give the points of the receipt. What was paid in money, on gift cards too,
    stands with the first points
    that were earned, or else with those that were spent: it is one purchase."""
    quote = priced.quote
    row.member_id = member.id
    cause = Cause(receipt=_name(row), occurred_at=row.at, store=row.store)
    paid = quote.due + sum(one.amount for one in quote.stored)
    purchase = replace(cause, purchase=Money.of(paid, decimals(row.currency), row.currency))
    grants = _grants(priced)
    if quote.spent:
        spend = Spend(quote.spent, cause if grants else purchase)
        row.spent_posting = redemptions.redeem(session, member, spend, now).posting_id
    for dates, points in grants.items():
        why = cause if row.earned_postings else purchase
        given = accruals.grant(session, member, Grant(points, why, *dates), now)
        row.earned_postings = [*row.earned_postings, given.posting_id]


def _name(row: SoldReceipt) -> str:
    """What postings call the receipt: as people do, if they can."""
    return (row.number or row.key)[:LONGEST_RECEIPT]


def _take_stored(
    session: Session, row: SoldReceipt, stored: Sequence[StoredPaid], now: datetime
) -> list[TakenFromCard]:
    """Take from gift cards what they pay. Raises `Overtaken` where somebody else was quicker."""
    taken = []
    places = decimals(row.currency)
    for one in stored:
        if not one.amount:
            continue
        unit = units.by_id(session, one.unit_id)
        cause = Cause(receipt=_name(row), occurred_at=row.at, store=row.store)
        spend = Spend(one.amount // 10 ** (places - unit.scale), cause, unit.code)
        owner = members.by_id(session, one.member_id)
        try:
            posting = redemptions.redeem(session, owner, spend, now).posting_id
        except InsufficientPoints:
            raise Overtaken from None
        taken.append(TakenFromCard(one, posting))
    return taken


Dates = tuple[datetime | None, datetime | None]


def _grants(priced: Priced) -> dict[Dates, int]:
    """Points by when they become active and run out; those of the base programme first."""
    found: dict[Dates, int] = {}
    for one in priced.quote.points_reasons:
        dates = priced.dates(one.promotion)
        found[dates] = found.get(dates, 0) + one.points
    return found


def _lines(row: SoldReceipt, ticket: Ticket, priced: Priced) -> Iterable[SoldLine]:
    lines = zip(priced.sale.basket.lines, priced.quote.lines, strict=True)
    for position, (told, line) in enumerate(lines):
        yield SoldLine(
            programme_id=row.programme_id,
            month=row.month,
            receipt_id=row.id,
            position=position,
            line=told.id,
            sku=told.sku,
            kind=told.kind,
            categories=list(told.categories),
            brand=told.brand,
            model=told.model,
            seller=ticket.sellers.get(told.id),
            quantity=told.quantity,
            price=told.price,
            full=line.full,
            given=line.given,
            discount=line.discount,
            points=line.points,
            total=line.total,
            reasons=[
                [one.code, one.promotion, one.amount, dict(one.facts)] for one in line.reasons
            ],
        )


def _uses(priced: Priced) -> list[UseOfPromotion]:
    quote = priced.quote
    return [
        UseOfPromotion(priced.promotions[one.promotion], one.amount, _points(quote, one.promotion))
        for one in quote.promotions
        if one.outcome == "applied"
    ]


def _points(quote: Quote, promotion: str) -> int:
    return sum(one.points for one in quote.points_reasons if one.promotion == promotion)
