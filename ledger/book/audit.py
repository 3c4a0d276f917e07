"""What must hold in the book at every moment, each rule as a query that finds what breaks it.

The queries read one state of the database and lock nothing, so they run on a live system."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.database.tables import dialect_of

MOST_EXAMPLES = 5  # ids that are named for each rule

RULES = {
    "the entries of a posting sum to zero": """
        SELECT posting_id FROM ledger_entry GROUP BY posting_id HAVING sum(amount) <> 0""",
    "a posting stays within one programme and one unit": """
        SELECT e.posting_id FROM ledger_entry e
        JOIN ledger_account a ON a.id = e.account_id
        JOIN ledger_posting p ON p.id = e.posting_id
        GROUP BY e.posting_id, p.programme_id
        HAVING min(a.unit_id) <> max(a.unit_id)
            OR min(a.programme_id) <> p.programme_id OR max(a.programme_id) <> p.programme_id""",
    "an entry has an account": """
        SELECT e.posting_id FROM ledger_entry e
        LEFT JOIN ledger_account a ON a.id = e.account_id WHERE a.id IS NULL""",
    "an entry has a posting": """
        SELECT e.posting_id FROM ledger_entry e
        LEFT JOIN ledger_posting p ON p.id = e.posting_id WHERE p.id IS NULL""",
    "a posting has entries": """
        SELECT p.id FROM ledger_posting p
        WHERE NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.posting_id = p.id)""",
    "a member account has a balance": """
        SELECT a.id FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
        WHERE a.kind = 'member' AND b.account_id IS NULL""",
    "a balance equals its entries": """
        SELECT b.account_id FROM ledger_balance b
        LEFT JOIN (SELECT account_id, sum(amount) AS amount FROM ledger_entry
                   GROUP BY account_id) e ON e.account_id = b.account_id
        WHERE coalesce(e.amount, 0) <> b.available + b.pending + b.held""",
    "a balance equals its lots": """
        SELECT b.account_id FROM ledger_balance b
        LEFT JOIN ledger_lot l ON l.account_id = b.account_id AND l.remaining > 0
        GROUP BY b.account_id, b.available, b.pending, b.held
        HAVING coalesce(sum(CASE WHEN l.active THEN l.remaining - l.held ELSE 0 END), 0)
               <> b.available
            OR coalesce(sum(CASE WHEN l.active THEN 0 ELSE l.remaining END), 0) <> b.pending
            OR coalesce(sum(l.held), 0) <> b.held""",
    "a balance is not negative and stays exact in JSON": """
        SELECT account_id FROM ledger_balance
        WHERE available < 0 OR pending < 0 OR held < 0 OR debt < 0
            OR available + pending + held > 9007199254740991""",
    "a debt equals its entries": """
        SELECT b.account_id FROM ledger_balance b
        JOIN ledger_account a ON a.id = b.account_id
        LEFT JOIN ledger_account d
            ON d.unit_id = a.unit_id AND d.member_id = a.member_id AND d.kind = 'debt'
        LEFT JOIN ledger_entry e ON e.account_id = d.id
        GROUP BY b.account_id, b.debt HAVING coalesce(sum(e.amount), 0) <> -b.debt""",
    "nobody owes points and has them": """
        SELECT account_id FROM ledger_balance WHERE debt > 0 AND available > 0""",
    "the last balance of a statement is the balance": """
        SELECT b.account_id FROM ledger_balance b
        JOIN ledger_entry e ON e.account_id = b.account_id AND e.balance_after IS NOT NULL
        WHERE e.posting_id = (
            SELECT max(l.posting_id) FROM ledger_entry l
            WHERE l.account_id = b.account_id AND l.balance_after IS NOT NULL)
        AND e.balance_after <> b.available + b.pending + b.held""",
    "what left a lot is on record": """
        SELECT l.id FROM ledger_lot l LEFT JOIN ledger_lot_move m ON m.lot_id = l.id
        GROUP BY l.id, l.amount, l.remaining
        HAVING l.amount - l.remaining <> coalesce(sum(m.amount), 0)""",
    "a lot holds what its holds say": """
        SELECT l.id FROM ledger_lot l
        LEFT JOIN (SELECT hl.lot_id, hl.amount FROM ledger_hold_lot hl
                   JOIN ledger_hold h ON h.id = hl.hold_id WHERE h.state = 'open') o
            ON o.lot_id = l.id
        GROUP BY l.id, l.held HAVING coalesce(sum(o.amount), 0) <> l.held""",
    "a balance holds what its holds say": """
        SELECT b.account_id FROM ledger_balance b
        LEFT JOIN ledger_hold h ON h.account_id = b.account_id AND h.state = 'open'
        GROUP BY b.account_id, b.held HAVING coalesce(sum(h.amount), 0) <> b.held""",
    "a hold is captured once and at most in full": """
        SELECT h.id FROM ledger_hold h LEFT JOIN ledger_posting p ON p.public_id = h.posting_id
        WHERE h.captured > h.amount OR (h.state = 'captured') <> (p.id IS NOT NULL)""",
    "no more is undone than was done": """
        SELECT o.id FROM ledger_posting o JOIN ledger_posting r ON r.reverses_id = o.id
        GROUP BY o.id HAVING sum(r.undoes) > (
            SELECT sum(e.amount) FROM ledger_entry e WHERE e.posting_id = o.id AND e.amount > 0)""",
    "a member uses one account at a time": """
        SELECT b.account_id FROM ledger_balance b
        JOIN ledger_account a ON a.id = b.account_id
        JOIN ledger_member m ON m.id = a.member_id
        WHERE b.closed <> (m.household_id IS NOT NULL)""",
    "nothing is left on an account that nobody uses": """
        SELECT account_id FROM ledger_balance
        WHERE closed AND (available > 0 OR pending > 0 OR held > 0 OR debt > 0)""",
    "whom a member was merged into is not merged themselves": """
        SELECT m.id FROM ledger_member m JOIN ledger_member t ON t.id = m.merged_into_id
        WHERE t.merged_into_id IS NOT NULL""",
    "a merged member uses the account of whom they were merged into": """
        SELECT m.id FROM ledger_member m JOIN ledger_member t ON t.id = m.merged_into_id
        WHERE coalesce(m.household_id, m.id) <> coalesce(t.household_id, t.id)""",
    "the head of a household uses their own account": """
        SELECT m.id FROM ledger_member m JOIN ledger_member h ON h.id = m.household_id
        WHERE h.household_id IS NOT NULL""",
    "an account is looked at when its lots are due": """
        SELECT b.account_id FROM ledger_balance b
        JOIN ledger_lot l ON l.account_id = b.account_id AND l.remaining > l.held
        WHERE b.next_change_at > CASE WHEN l.active THEN l.expires_at ELSE l.activates_at END""",
    "a purchase has a posting of its programme": """
        SELECT u.posting_id FROM ledger_purchase u
        LEFT JOIN ledger_posting p ON p.id = u.posting_id
        WHERE p.id IS NULL OR p.programme_id <> u.programme_id""",
    "a purchase is undone with its posting, and no more is taken back than was paid": """
        SELECT u.posting_id FROM ledger_purchase u
        JOIN ledger_posting r ON r.reverses_id = u.posting_id
        LEFT JOIN ledger_purchase b
            ON b.programme_id = u.programme_id AND b.posting_id = r.id
        GROUP BY u.posting_id, u.amount, u.stands
        HAVING u.amount + coalesce(sum(b.amount), 0) < 0 OR u.stands = (sum(r.undoes) = (
            SELECT sum(e.amount) FROM ledger_entry e
            WHERE e.posting_id = u.posting_id AND e.amount > 0))""",
    "what is summed up of an own account is what was sealed of it": """
        SELECT a.id FROM ledger_account a
        LEFT JOIN (SELECT account_id, sum(amount) AS amount, sum(count) AS count
                   FROM ledger_rollup GROUP BY account_id) r ON r.account_id = a.id
        LEFT JOIN (SELECT e.account_id, sum(e.amount) AS amount, count(*) AS count
                   FROM ledger_entry e JOIN ledger_seal s ON s.posting_id = e.posting_id
                   WHERE e.balance_after IS NULL GROUP BY e.account_id) t ON t.account_id = a.id
        WHERE a.member_id = 0 AND (coalesce(r.amount, 0) <> coalesce(t.amount, 0)
            OR coalesce(r.count, 0) <> coalesce(t.count, 0))""",
    # Of receipts, which stand beside the book.
    "a receipt costs what its lines cost": """
        SELECT r.id FROM ledger_receipt r
        LEFT JOIN (SELECT programme_id, month, receipt_id, sum("full") AS "full",
                       sum(discount) AS discount, sum(total) AS total,
                       sum("full" - given - discount - points - total) AS lost
                   FROM ledger_receipt_line GROUP BY programme_id, month, receipt_id) l
            ON l.programme_id = r.programme_id AND l.month = r.month AND l.receipt_id = r.id
        WHERE coalesce(l."full", 0) <> r."full" OR coalesce(l.discount, 0) <> r.discount
            OR coalesce(l.total, 0) <> r.total OR coalesce(l.lost, 0) <> 0""",
    "a counter of a promotion equals its uses": """
        SELECT c.programme_id FROM ledger_promotion_counter c
        LEFT JOIN ledger_promotion_use u ON u.programme_id = c.programme_id
            AND u.promotion = c.promotion AND u.scope = c.scope
        GROUP BY c.programme_id, c.promotion, c.scope, c.uses, c.money, c.points
        HAVING c.uses <> count(u.receipt_id) OR c.money <> coalesce(sum(u.money), 0)
            OR c.points <> coalesce(sum(u.points), 0)""",
    "a use of a promotion has a counter": """
        SELECT u.receipt_id FROM ledger_promotion_use u
        LEFT JOIN ledger_promotion_counter c ON c.programme_id = u.programme_id
            AND c.promotion = u.promotion AND c.scope = u.scope
        WHERE c.scope IS NULL""",
}


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that was checked, and ids of some rows that break it. No ids: the rule holds."""

    rule: str
    examples: tuple[int, ...]


def check(session: Session) -> list[Breach]:
    """The rules that the book breaks. Empty if the book is sound."""
    return [found for found in judged(session) if found.examples]


def judged(session: Session) -> Iterator[Breach]:
    """Check rule after rule; also those that hold are told, without examples."""
    if dialect_of(session) == "postgresql":
        # Each rule reads whole tables. If they have grown much since they were last analysed (an
        # import of a million rows), PostgreSQL would look up row by row and not end in hours.
        session.execute(text("SET LOCAL enable_nestloop = off"))
    for rule, query in RULES.items():
        found = session.scalars(text(f"{query} LIMIT {MOST_EXAMPLES}")).all()
        yield Breach(rule, tuple(found))
