"""Members who are not confirmed, and how one spends without a card"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

MEMBER, PROGRAMME, CODE = "ledger_member", "ledger_programme", "wallet_code_request"


def upgrade() -> None:
    op.add_column(
        MEMBER, sa.Column("unconfirmed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        PROGRAMME,
        sa.Column("spend_by_phone", sa.String(10), nullable=False, server_default="code"),
    )
    op.add_column(CODE, sa.Column("purpose", sa.String(5), nullable=False, server_default="card"))
    op.add_column(CODE, sa.Column("points", Identifier, nullable=True))


def downgrade() -> None:
    # Who was not confirmed may spend then: the release before knows no difference.
    # A code to spend would open a card there.
    code = sa.table(CODE, sa.column("purpose"))
    op.execute(sa.delete(code).where(code.c.purpose != "card"))
    op.drop_column(CODE, "points")
    op.drop_column(CODE, "purpose")
    op.drop_column(PROGRAMME, "spend_by_phone")
    op.drop_column(MEMBER, "unconfirmed")
