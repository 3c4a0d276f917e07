"""Receipts that were paid, with their lines; limits and budgets of promotions"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument, OptionalDocument

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

KEY, RECEIPT, LINE = "ledger_receipt_key", "ledger_receipt", "ledger_receipt_line"
COUNTER, USE = "ledger_promotion_counter", "ledger_promotion_use"
BY_MONTH = "RANGE (month)"


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, Identifier, autoincrement=False, nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        KEY,
        sa.Column("id", Identifier, nullable=False),
        _number("programme_id"),
        _text("key", 300),
        _text("digest", 64),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_receipt_key")),
        sa.UniqueConstraint(
            "programme_id", "key", name=op.f("uq_ledger_receipt_key_programme_id_key")
        ),
    )
    op.create_table(
        RECEIPT,
        _number("programme_id"),
        sa.Column("month", sa.Date(), nullable=False),
        _number("id"),
        _text("key", 300),
        _text("store", 40, nullable=True),
        _text("till", 40, nullable=True),
        _text("shift", 100, nullable=True),
        _text("number", 100, nullable=True),
        _text("cashier", 100, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        _number("member_id", nullable=True),
        _text("currency", 3),
        *map(_number, ("full", "given", "discount", "points_paid", "total", "due")),
        *map(_number, ("earned", "spent")),
        _text("spent_posting", 36, nullable=True),
        sa.Column("earned_postings", JsonDocument, nullable=False),
        _number("rules"),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.Column("outcome", JsonDocument, nullable=False),
        sa.Column("payments", OptionalDocument, nullable=True),
        sa.Column("confirmed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "month", "id", name=op.f("pk_ledger_receipt")),
        postgresql_partition_by=BY_MONTH,
    )
    op.create_index("ix_ledger_receipt_member", RECEIPT, ["programme_id", "member_id", "at"])
    op.create_index("ix_ledger_receipt_at", RECEIPT, ["programme_id", "at"])
    op.create_table(
        LINE,
        _number("programme_id"),
        sa.Column("month", sa.Date(), nullable=False),
        *map(_number, ("receipt_id", "position")),
        _text("line", 40),
        _text("sku", 100),
        _text("kind", 12),
        sa.Column("categories", JsonDocument, nullable=False),
        _text("brand", 100, nullable=True),
        _text("model", 100, nullable=True),
        _text("seller", 100, nullable=True),
        *map(_number, ("quantity", "price", "full", "given", "discount", "points", "total")),
        sa.Column("reasons", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id", "month", "receipt_id", "position", name=op.f("pk_ledger_receipt_line")
        ),
        postgresql_partition_by=BY_MONTH,
    )
    if op.get_bind().dialect.name == "postgresql":
        # Months get partitions of their own before they begin; this one has all others.
        for table in (RECEIPT, LINE):
            op.execute(f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT")
    op.create_table(
        COUNTER,
        _number("programme_id"),
        _text("promotion", 40),
        _text("scope", 150),
        *map(_number, ("uses", "money", "points")),
        sa.PrimaryKeyConstraint(
            "programme_id", "promotion", "scope", name=op.f("pk_ledger_promotion_counter")
        ),
    )
    op.create_table(
        USE,
        *map(_number, ("programme_id", "receipt_id")),
        _text("promotion", 40),
        _text("scope", 150),
        sa.Column("month", sa.Date(), nullable=False),
        *map(_number, ("money", "points")),
        sa.PrimaryKeyConstraint(
            "programme_id",
            "receipt_id",
            "promotion",
            "scope",
            name=op.f("pk_ledger_promotion_use"),
        ),
    )
    op.create_index("ix_ledger_promotion_use", USE, ["programme_id", "promotion", "scope"])


def downgrade() -> None:
    # The release before knows no receipts, nor events of them; their points stay in the book.
    op.execute("DELETE FROM ledger_outbox WHERE kind = 'ReceiptConfirmed'")
    op.execute("DELETE FROM wallet_happening WHERE type = 'receipt.confirmed'")
    for table in (USE, COUNTER, LINE, RECEIPT, KEY):
        op.drop_table(table)
