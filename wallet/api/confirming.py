"""Receipts that were paid: confirmed for whichever door they come in by, and written out."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.database import idempotency
from ledger.errors import CardBlocked, CardExpired, CardVoid, MemberErased
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.units import Unit
from ledger.promotions import wording
from ledger.promotions.wording import Purse
from ledger.sales import purchases, quoting, receipts, records
from ledger.sales.purchases import Payer, Ticket
from ledger.sales.records import PurchaseOnRecord, ReceiptConflict
from wallet.api import pricing
from wallet.api.amounts import balance_out
from wallet.api.bodies.amounts import BalanceOut
from wallet.api.bodies.receipts import (
    BookedPointsOut,
    ConflictOut,
    ReceiptOut,
    ReceiptPaid,
)
from wallet.api.pricing import QuoteFor
from wallet.api.written_quotes import WrittenQuote
from wallet.errors import CodeOutdated, CodeUsed

# A sale that was paid is never refused for a card that was valid once: it is nobody's then.
CARD_GONE = (CardBlocked, CardVoid, CardExpired, MemberErased, CodeOutdated, CodeUsed)


def confirm(session: Session, receipt: ReceiptPaid, asked: QuoteFor) -> ReceiptOut:
    """Put a receipt that was paid on record. Raises what `purchases.confirm` raises,
    `ReceiptRefused` for one without a name, and what `pricing.member_of` raises but for cards that
    are not valid any more."""
    programme, told = asked.programme, receipt.told
    day = quoting.business_day(session, programme, told, asked.now)
    key = receipts.key_of(told, receipt.id, receipt.number, day)
    digest = idempotency.digest(receipt.as_sent).hex()
    done = purchases.confirm(
        session,
        programme,
        told,
        Ticket(key, digest, **receipt.ticket_facts),
        lambda: _payer(session, receipt, asked),
        asked.now,
    )
    (written,) = written_out(session, [done], asked)
    return written


def _payer(session: Session, receipt: ReceiptPaid, asked: QuoteFor) -> Payer:
    """Who paid. Points that need a code to be spent are not spent."""
    try:
        member = pricing.member_of(session, receipt, asked)
    except CARD_GONE:
        return Payer(None, [ReceiptConflict("card", {})])
    if member is None:
        return Payer()
    buyer = pricing.buyer_of(receipt, member, asked.programme)
    if pricing.spends_by_code(receipt, asked.programme):
        buyer = buyer.who_only_earns()
    return Payer(buyer)


def written_out(
    session: Session, purchased: Sequence[PurchaseOnRecord], asked: QuoteFor
) -> list[ReceiptOut]:
    """These receipts of one programme as they are on record, with the balances of now."""
    names = records.names(session, asked.programme, purchased)
    owners = _members(session, purchased)
    unit = units.named(session, asked.programme.id, None)
    balances = _balances(session, list(owners.values()), unit, asked)
    purse = Purse(unit.kind, unit.scale, unit.currency, None)
    return [
        _written_out(
            one,
            asked,
            WrittenQuote(one.quote, asked.reader_of(one.quote.currency, names), purse),
            owners,
            balances,
        )
        for one in purchased
    ]


def _members(session: Session, purchased: Sequence[PurchaseOnRecord]) -> dict[int, Member]:
    ids = {one.receipt.member_id for one in purchased} - {None}
    if not ids:
        return {}
    return {one.id: one for one in session.scalars(select(Member).where(Member.id.in_(ids)))}


def _balances(
    session: Session, owners: Sequence[Member], unit: Unit, asked: QuoteFor
) -> dict[int, BalanceOut]:
    if not owners:
        return {}
    found = statements.main_balances(session, asked.programme.id, owners, asked.now)
    return {member_id: balance_out(balance, unit) for member_id, balance in found.items()}


def _written_out(
    one: PurchaseOnRecord,
    asked: QuoteFor,
    written: WrittenQuote,
    owners: dict[int, Member],
    balances: dict[int, BalanceOut],
) -> ReceiptOut:
    row = one.receipt
    owner = None if row.member_id is None else owners[row.member_id]
    return ReceiptOut(
        id=row.key,
        programme=asked.programme.code,
        state="confirmed",
        store=row.store,
        till=row.till,
        shift=row.shift,
        number=row.number,
        cashier=row.cashier,
        member=None if owner is None else owner.public_id,
        at=row.at,
        quote=written.quote_out(),
        points=BookedPointsOut(earned=row.earned_by_member, spent=row.spent),
        balance=None if owner is None else balances[owner.id],
        conflicts=[
            ConflictOut(
                code=found.code, detail=wording.conflict(found.code, found.facts, written.reader)
            )
            for found in one.conflicts
        ],
    )
