"""Who joined by the code of a poster, and where it hung"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

JOINED, COUNTED = "wallet_joined_by_poster", "ix_wallet_joined_by_poster_counted"


def upgrade() -> None:
    op.create_table(
        JOINED,
        sa.Column("member_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("store_id", Identifier, nullable=True),
        sa.Column("till_id", Identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f(f"fk_{JOINED}_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f(f"fk_{JOINED}_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["ledger_store.id"], name=op.f(f"fk_{JOINED}_store_id")
        ),
        sa.ForeignKeyConstraint(["till_id"], ["ledger_till.id"], name=op.f(f"fk_{JOINED}_till_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f(f"pk_{JOINED}")),
    )
    op.create_index(COUNTED, JOINED, ["programme_id", "store_id", "till_id"])


def downgrade() -> None:
    op.drop_index(COUNTED, JOINED)
    op.drop_table(JOINED)
