"""Links by which a second card becomes one with the first"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

TABLE = "wallet_code_request"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("joined_id", Identifier, nullable=True))
    op.create_index(op.f("ix_wallet_code_request_joined_id"), TABLE, ["joined_id"])


def downgrade() -> None:
    # The release before knows no links: it would send a code in their place.
    request = sa.table(TABLE, sa.column("purpose"))
    op.execute(sa.delete(request).where(request.c.purpose == "join"))
    op.drop_index(op.f("ix_wallet_code_request_joined_id"), TABLE)
    op.drop_column(TABLE, "joined_id")
