"""What was paid in purchases, beside the postings that belong to them; balances told as they are"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PURCHASE = "ledger_purchase"
TOLD = "ledger_told_balance"


def upgrade() -> None:
    op.create_table(
        PURCHASE,
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("posting_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("occurred_at", Instant, nullable=False),
        sa.Column("store", sa.String(100), nullable=True),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "posting_id", name="pk_ledger_purchase"),
    )
    op.create_index("ix_ledger_purchase_bought", PURCHASE, ["account_id", "occurred_at"])
    op.add_column(
        "outreach_message_terms",
        sa.Column("holdout_percent", Identifier, nullable=False, server_default="0"),
    )
    op.create_table(
        TOLD,
        sa.Column("account_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("told_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "source", name="pk_ledger_told_balance"),
    )


def downgrade() -> None:
    op.drop_column("outreach_message_terms", "holdout_percent")
    op.drop_table(TOLD)
    op.drop_table(PURCHASE)
