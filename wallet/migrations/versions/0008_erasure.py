"""Erasure"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_member", sa.Column("erased_at", Instant(), nullable=True))
    op.create_index(
        "ix_ledger_member_erased_at",
        "ledger_member",
        ["erased_at"],
        postgresql_where=sa.text("erased_at IS NOT NULL"),
        sqlite_where=sa.text("erased_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_member_erased_at", "ledger_member")
    op.drop_column("ledger_member", "erased_at")
