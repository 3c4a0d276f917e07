"""Google: alerts counted, cards read again, classes laid out"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "google_alert",
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("version", Identifier, autoincrement=False, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("pass_id", "version", name=op.f("pk_google_alert")),
    )
    with op.batch_alter_table("google_object", schema=None) as batch_op:
        batch_op.add_column(sa.Column("silenced_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("check_at", Instant(), nullable=True))
    # Nobody has read these cards since they were made: they are due, the oldest first.
    op.execute("UPDATE google_object SET check_at = created_at")
    with op.batch_alter_table("google_object", schema=None) as batch_op:
        batch_op.alter_column("check_at", existing_type=Instant(), nullable=False)
        batch_op.create_index("ix_google_object_check_at", ["check_at"], unique=False)
    # Classes have a layout from now on: each is written anew with the next of its cards.
    op.execute("UPDATE google_class SET template_id = NULL")


def downgrade() -> None:
    with op.batch_alter_table("google_object", schema=None) as batch_op:
        batch_op.drop_index("ix_google_object_check_at")
        batch_op.drop_column("check_at")
        batch_op.drop_column("silenced_at")
    op.drop_table("google_alert")
