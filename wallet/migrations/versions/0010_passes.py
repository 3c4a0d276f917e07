"""Passes: whether they count"""

import sqlalchemy as sa
from alembic import op

from ledger.database import Instant

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "wallet_pass",
        sa.Column("state", sa.String(length=10), nullable=False, server_default="active"),
    )
    op.add_column("wallet_pass", sa.Column("ends_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("wallet_pass", "ends_at")
    op.drop_column("wallet_pass", "state")
