"""The base programme, stores and tills, and what a programme's people said in their first hour"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("trade", sa.String(12), nullable=True),
        sa.Column("called", sa.String(12), server_default="client", nullable=False),
        sa.Column("skipped", JsonDocument, server_default="[]", nullable=False),
    ):
        op.add_column("ledger_programme", column)
    # Programmes that there are have their first hour behind them.
    op.execute("UPDATE ledger_programme SET trade = 'other'")
    op.create_table(
        "ledger_base_programme",
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("back", Identifier, nullable=False),
        sa.Column("payable", Identifier, nullable=False),
        sa.Column("worth", Identifier, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("welcome_gift", Identifier, nullable=True),
        sa.Column("welcome_live_days", Identifier, nullable=True),
        sa.CheckConstraint(
            "back >= 0 AND back <= 10000", name=op.f("ck_ledger_base_programme_back")
        ),
        sa.CheckConstraint(
            "payable >= 0 AND payable <= 10000", name=op.f("ck_ledger_base_programme_payable")
        ),
        sa.CheckConstraint("worth > 0", name=op.f("ck_ledger_base_programme_worth")),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_ledger_base_programme_programme_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_ledger_base_programme")),
    )
    op.create_table(
        "ledger_store",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("group", sa.String(60), nullable=True),
        sa.Column("timezone", sa.String(60), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_store_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_store")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_ledger_store_programme_id_code")),
    )
    op.create_table(
        "ledger_till",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("store_id", Identifier, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_till_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["ledger_store.id"], name=op.f("fk_ledger_till_store_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_till")),
        sa.UniqueConstraint("store_id", "code", name=op.f("uq_ledger_till_store_id_code")),
    )
    op.create_index("ix_ledger_till_programme_id", "ledger_till", ["programme_id"])


def downgrade() -> None:
    for name in ("ledger_till", "ledger_store", "ledger_base_programme"):
        op.drop_table(name)
    for name in ("skipped", "called", "trade"):
        op.drop_column("ledger_programme", name)
