"""Card codes"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_code_terms",
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("numbers", sa.String(10), nullable=False),
        sa.Column("at_google", sa.String(10), nullable=False),
        sa.Column("renew_days", Identifier, nullable=False),
        sa.Column("grace_hours", Identifier, nullable=False),
        sa.Column("converted_to", Identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_code_terms_programme_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_wallet_code_terms")),
    )
    op.create_table(
        "wallet_card_code",
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("generation", Identifier, nullable=False),
        sa.Column("text", sa.String(300), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("renew_at", Instant(), nullable=True),
        sa.Column("previous", sa.String(300), nullable=True),
        sa.Column("previous_until", Instant(), nullable=True),
        sa.Column("previous_used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_wallet_card_code_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_wallet_card_code")),
    )
    op.create_index(op.f("ix_wallet_card_code_renew_at"), "wallet_card_code", ["renew_at"])
    op.create_table(
        "wallet_rotating_use",
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("step", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_wallet_rotating_use_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_wallet_rotating_use")),
    )


def downgrade() -> None:
    op.drop_table("wallet_rotating_use")
    op.drop_table("wallet_card_code")
    op.drop_table("wallet_code_terms")
