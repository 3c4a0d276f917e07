"""Receipts that were paid, as receivers are told of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ledger import words
from ledger.money import Money, decimals
from ledger.people.members import Member
from ledger.promotions.arithmetic import quantity_text
from ledger.sales import records
from ledger.sales.records import PurchaseOnRecord, SoldReceipt

# The key of a receipt: programme, month, id.
ReceiptPlace = tuple[int, date, int]


def place_of(about: Mapping[str, Any]) -> ReceiptPlace:
    """Where the receipt of a note stands."""
    return about["programme"], date.fromisoformat(about["month"]), about["receipt"]


def told(session: Session, places: Sequence[ReceiptPlace]) -> dict[ReceiptPlace, dict[str, Any]]:
    """These receipts with their lines, as data."""
    if not places:
        return {}
    row = SoldReceipt
    rows = session.scalars(
        select(row).where(tuple_(row.programme_id, row.month, row.id).in_(places))
    ).all()
    owners = select(Member.id, Member.public_id).where(
        Member.id.in_({one.member_id for one in rows} - {None})
    )
    members = {one.id: one.public_id for one in session.execute(owners)}
    return {
        (one.receipt.programme_id, one.receipt.month, one.receipt.id): _told(one, members)
        for one in records.with_lines(session, rows)
    }


def _told(one: PurchaseOnRecord, members: Mapping[int, str]) -> dict[str, Any]:
    row = one.receipt
    places = decimals(row.currency)

    def money(pieces: int) -> dict[str, str]:
        written = Money.of(pieces, places, row.currency)
        return {"amount": written.amount, "currency": written.currency}

    return {
        "member": None if row.member_id is None else members[row.member_id],
        "id": row.key,
        "store": row.store,
        "till": row.till,
        "shift": row.shift,
        "number": row.number,
        "cashier": row.cashier,
        "at": words.timestamp(row.at),
        "list": money(row.full),
        "given": money(row.given),
        "discount": money(row.discount),
        "total": money(row.total),
        "due": money(row.due),
        "points": {"earned": row.earned_by_member, "spent": row.spent},
        "lines": [
            {
                "id": line.line,
                "sku": line.sku,
                "quantity": quantity_text(line.quantity),
                "seller": line.seller,
                "list": money(line.full),
                "given": money(line.given),
                "discount": money(line.discount),
                "points": money(line.points),
                "total": money(line.total),
            }
            for line in one.lines
        ],
        "promotions": [
            {
                "promotion": given.promotion,
                "version": given.version,
                "amount": money(given.amount),
            }
            for given in one.quote.promotions
        ],
    }
