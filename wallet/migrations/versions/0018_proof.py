"""What Apple says of push tokens is remembered, and who is at work"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

DEVICE = "apple_device"
DOUBTED = "ix_apple_device_doubted"
IS_DOUBTED = sa.text("doubted_at IS NOT NULL")


def upgrade() -> None:
    # Of the devices that are there it is not known whether Apple ever accepted a push for them: the
    # next push tells.
    op.add_column(DEVICE, sa.Column("accepted_at", Instant, nullable=True))
    op.add_column(DEVICE, sa.Column("doubted_at", Instant, nullable=True))
    op.create_index(
        DOUBTED,
        DEVICE,
        ["pass_type", "doubted_at"],
        postgresql_where=IS_DOUBTED,
        sqlite_where=IS_DOUBTED,
    )
    op.create_table(
        "apple_topic",
        sa.Column("pass_type", sa.String(155), nullable=False),
        sa.Column("accepted_at", Instant, nullable=True),
        sa.Column("doubted_at", Instant, nullable=True),
        sa.Column("fault", sa.String(100), nullable=True),
        sa.Column("fault_since", Instant, nullable=True),
        sa.PrimaryKeyConstraint("pass_type", name="pk_apple_topic"),
    )
    op.create_table(
        "wallet_heartbeat",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_wallet_heartbeat"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Each device is changed once, when Apple first accepts a push for it: with room on its page
        # no index has to hear of that.
        op.execute(f"ALTER TABLE {DEVICE} SET (fillfactor = 70)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {DEVICE} RESET (fillfactor)")
    op.drop_table("wallet_heartbeat")
    op.drop_table("apple_topic")
    op.drop_index(DOUBTED, DEVICE)
    op.drop_column(DEVICE, "doubted_at")
    op.drop_column(DEVICE, "accepted_at")
