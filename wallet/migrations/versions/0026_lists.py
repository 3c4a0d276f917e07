"""Lists: an index for every filter, cards and holds know their programme, and exports are recorded

With a million members and ten million postings the indexes take minutes to build; nobody writes
meanwhile."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Name, table, columns, and which rows if not all.
INDEXES: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("ix_ledger_member_listed", "ledger_member", ("programme_id", "created_at", "id"), None),
    (
        "ix_ledger_member_active",
        "ledger_member",
        ("programme_id", "created_at", "id"),
        "erased_at IS NULL AND merged_into_id IS NULL",
    ),
    (
        "ix_ledger_member_merged",
        "ledger_member",
        ("programme_id", "created_at", "id"),
        "merged_into_id IS NOT NULL AND erased_at IS NULL",
    ),
    (
        "ix_ledger_member_erased",
        "ledger_member",
        ("programme_id", "created_at", "id"),
        "erased_at IS NOT NULL",
    ),
    ("ix_ledger_card_member", "ledger_card", ("member_id", "id"), None),
    ("ix_ledger_card_listed", "ledger_card", ("programme_id", "created_at", "id"), None),
    *(
        (f"ix_ledger_card_{name}", "ledger_card", ("programme_id", "created_at", "id"), condition)
        for name, condition in (
            ("blocked", "blocked_for IS NOT NULL"),
            ("void", "void_at IS NOT NULL"),
            ("ending", "expires_at IS NOT NULL"),
        )
    ),
    (
        "ix_ledger_card_blocked_for",
        "ledger_card",
        ("programme_id", "blocked_for", "created_at", "id"),
        "blocked_for IS NOT NULL",
    ),
    ("ix_ledger_hold_listed", "ledger_hold", ("programme_id", "placed_at", "id"), None),
    ("ix_ledger_hold_state", "ledger_hold", ("programme_id", "state", "placed_at", "id"), None),
    ("ix_ledger_posting_listed", "ledger_posting", ("programme_id", "occurred_at", "id"), None),
    (
        "ix_ledger_posting_kind",
        "ledger_posting",
        ("programme_id", "kind", "occurred_at", "id"),
        None,
    ),
    *(
        (
            f"ix_ledger_posting_{column}",
            "ledger_posting",
            ("programme_id", column, "occurred_at", "id"),
            f"{column} IS NOT NULL",
        )
        for column in ("store", "promotion", "receipt", "reason")
    ),
    (
        "ix_ledger_posting_card",
        "ledger_posting",
        ("card_id", "occurred_at", "id"),
        "card_id IS NOT NULL",
    ),
    ("ix_ledger_entry_amount", "ledger_entry", ("amount",), "balance_after IS NOT NULL"),
)
# The lists' indexes begin with these columns.
REPLACED = (
    ("ix_ledger_member_programme_id", "ledger_member", ("programme_id",)),
    ("ix_ledger_card_member_id", "ledger_card", ("member_id",)),
)
# Where the programme of a row is known from.
PROGRAMMES = {
    "ledger_card": "SELECT m.programme_id FROM ledger_member m WHERE m.id = ledger_card.member_id",
    "ledger_hold": (
        "SELECT a.programme_id FROM ledger_account a WHERE a.id = ledger_hold.account_id"
    ),
}


def upgrade() -> None:
    for table, programme in PROGRAMMES.items():
        op.add_column(
            table, sa.Column("programme_id", Identifier, nullable=False, server_default="0")
        )
        op.execute(f"UPDATE {table} SET programme_id = ({programme})")  # noqa: S608
        if op.get_context().dialect.name == "postgresql":  # SQLite cannot, and no row lacks it
            op.alter_column(table, "programme_id", server_default=None)
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, list(columns), **_only_where(where))
    for name, table, _ in REPLACED:
        op.drop_index(name, table)
    op.create_table(
        "wallet_export",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("filters", JsonDocument, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("rows", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_wallet_export_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_export")),
        sa.UniqueConstraint("public_id", name=op.f("uq_wallet_export_public_id")),
    )
    op.create_index("ix_wallet_export_listed", "wallet_export", ["programme_id", "id"])


def downgrade() -> None:
    op.drop_table("wallet_export")
    for name, table, columns in REPLACED:
        op.create_index(name, table, list(columns))
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
    for table in PROGRAMMES:
        op.drop_column(table, "programme_id")


def _only_where(condition: str | None) -> dict[str, Any]:
    if condition is None:
        return {}
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}
