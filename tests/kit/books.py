"""The book's invariants, as queries of its tables: what must hold after anything at all."""

from sqlalchemy import text
from sqlalchemy.orm import Session

BROKEN = {
    "entries of a posting sum to zero": """
        SELECT posting_id FROM ledger_entry GROUP BY posting_id HAVING sum(amount) <> 0""",
    "a posting has entries": """
        SELECT p.id FROM ledger_posting p LEFT JOIN ledger_entry e ON e.posting_id = p.id
        WHERE e.posting_id IS NULL""",
    "a balance equals its entries": """
        SELECT b.account_id FROM ledger_balance b
        LEFT JOIN ledger_entry e ON e.account_id = b.account_id
        GROUP BY b.account_id, b.available, b.pending, b.held
        HAVING coalesce(sum(e.amount), 0) <> b.available + b.pending + b.held""",
    "lots equal the balance": """
        SELECT b.account_id FROM ledger_balance b
        LEFT JOIN ledger_lot l ON l.account_id = b.account_id
        GROUP BY b.account_id, b.available, b.pending, b.held
        HAVING coalesce(sum(CASE WHEN l.active THEN l.remaining ELSE 0 END), 0) <> b.available
            OR coalesce(sum(CASE WHEN l.active THEN 0 ELSE l.remaining END), 0) <> b.pending""",
    "what left a lot is noted": """
        SELECT l.id FROM ledger_lot l LEFT JOIN ledger_lot_move m ON m.lot_id = l.id
        GROUP BY l.id, l.amount, l.remaining
        HAVING l.amount - l.remaining <> coalesce(sum(m.amount), 0)""",
    "the last balance_after is the balance": """
        SELECT b.account_id FROM ledger_balance b
        JOIN ledger_entry e ON e.account_id = b.account_id
        WHERE e.posting_id = (
            SELECT max(posting_id) FROM ledger_entry l WHERE l.account_id = b.account_id)
        AND e.balance_after <> b.available + b.pending + b.held""",
}


def check_books(session: Session) -> None:
    """Fail with the name of the first invariant that does not hold."""
    for name, query in BROKEN.items():
        found = session.execute(text(query)).all()
        assert not found, f"{name}: not so for {found[:5]}"
