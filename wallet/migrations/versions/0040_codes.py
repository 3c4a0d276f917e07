"""Codes by which people find their card again"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TABLE = "wallet_code_request"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("address_key", sa.String(43), nullable=False),
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("sealed", sa.String(500), nullable=True),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("nonce", sa.String(43), nullable=False),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("tries", Identifier, nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("generation", Identifier, nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("last_reason", sa.String(100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_code_request")),
        sa.UniqueConstraint(
            "programme_id",
            "address_key",
            name=op.f("uq_wallet_code_request_programme_id_address_key"),
        ),
    )
    op.create_index("ix_wallet_code_request_due", TABLE, ["due_at"])
    op.create_index(op.f("ix_wallet_code_request_member_id"), TABLE, ["member_id"])


def downgrade() -> None:
    # Codes live for ten minutes: who waits for one asks again.
    op.drop_table(TABLE)
