"""How far the record of changes was checked, who changed what, and when keys were last used"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

CHAIN = "wallet_change_chain"


def upgrade() -> None:
    # Nothing of an older record counts as checked: the next night walks all of it.
    op.add_column(CHAIN, sa.Column("checked", Identifier, nullable=False, server_default="0"))
    op.add_column(CHAIN, sa.Column("checked_at", Instant(), nullable=True))
    op.add_column(CHAIN, sa.Column("walked_at", Instant(), nullable=True))
    op.add_column(CHAIN, sa.Column("fault", sa.String(500), nullable=True))
    op.create_index("ix_wallet_change_author", "wallet_change", ["author_name", "at", "id"])
    op.add_column("wallet_api_key", sa.Column("used_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("wallet_api_key", "used_at")
    op.drop_index("ix_wallet_change_author", table_name="wallet_change")
    for name in ("fault", "walked_at", "checked_at", "checked"):
        op.drop_column(CHAIN, name)
