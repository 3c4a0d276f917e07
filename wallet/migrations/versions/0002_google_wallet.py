"""Google Wallet"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "google_budget",
        sa.Column("issuer", sa.String(length=40), nullable=False),
        sa.Column("second", Instant(), nullable=False),
        sa.Column("taken", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_google_budget")),
    )
    op.create_table(
        "google_due",
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("generation", Identifier, nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("last_reason", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("pass_id", name=op.f("pk_google_due")),
    )
    with op.batch_alter_table("google_due", schema=None) as batch_op:
        batch_op.create_index("ix_google_due_due", ["due_at", "lease_until"], unique=False)

    op.create_table(
        "google_nonce",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_google_nonce")),
    )
    with op.batch_alter_table("google_nonce", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_google_nonce_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "google_class",
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("class_id", sa.String(length=120), nullable=False),
        sa.Column("template_id", Identifier, nullable=True),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_google_class_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["wallet_template.id"], name=op.f("fk_google_class_template_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_google_class")),
    )
    op.create_table(
        "google_object",
        sa.Column("pass_id", Identifier, nullable=False),
        sa.Column("object_id", sa.String(length=120), nullable=False),
        sa.Column("template_id", Identifier, nullable=True),
        sa.Column("version", Identifier, nullable=True),
        sa.Column("points", Identifier, nullable=True),
        sa.Column("saved", sa.Boolean(), nullable=True),
        sa.Column("heard_at", Instant(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pass_id"], ["wallet_pass.id"], name=op.f("fk_google_object_pass_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["wallet_template.id"], name=op.f("fk_google_object_template_id")
        ),
        sa.PrimaryKeyConstraint("pass_id", name=op.f("pk_google_object")),
        sa.UniqueConstraint("object_id", name=op.f("uq_google_object_object_id")),
    )


def downgrade() -> None:
    op.drop_table("google_object")
    op.drop_table("google_class")
    with op.batch_alter_table("google_nonce", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_google_nonce_expires_at"))

    op.drop_table("google_nonce")
    with op.batch_alter_table("google_due", schema=None) as batch_op:
        batch_op.drop_index("ix_google_due_due")

    op.drop_table("google_due")
    op.drop_table("google_budget")
