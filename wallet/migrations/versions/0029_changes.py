"""The record of changes: append-only, chained, what is known of people apart"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument
from wallet.migrations import append_only

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

WAITING = "number IS NULL"


def upgrade() -> None:
    op.create_table(
        "wallet_change",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author_kind", sa.String(12), nullable=False),
        sa.Column("author_name", sa.String(254), nullable=False),
        sa.Column("programme_id", Identifier, nullable=True),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("of_kind", sa.String(12), nullable=False),
        sa.Column("of_id", sa.String(254), nullable=False),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("fields", JsonDocument, nullable=False),
        sa.Column("personal_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("number", Identifier, nullable=True),
        sa.Column("hash", sa.LargeBinary(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_wallet_change_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_change")),
        sa.UniqueConstraint("number", name=op.f("uq_wallet_change_number")),
    )
    op.create_index("ix_wallet_change_listed", "wallet_change", ["at", "id"])
    op.create_index("ix_wallet_change_programme", "wallet_change", ["programme_id", "at", "id"])
    op.create_index("ix_wallet_change_kind", "wallet_change", ["of_kind", "at", "id"])
    op.create_index("ix_wallet_change_of", "wallet_change", ["of_id", "at", "id"])
    op.create_index(
        "ix_wallet_change_waiting",
        "wallet_change",
        ["id"],
        postgresql_where=sa.text(WAITING),
        sqlite_where=sa.text(WAITING),
    )
    op.create_table(
        "wallet_change_personal",
        sa.Column("change_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("fields", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"], ["wallet_change.id"], name=op.f("fk_wallet_change_personal_change_id")
        ),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_wallet_change_personal")),
    )
    op.create_index("ix_wallet_change_personal_member_id", "wallet_change_personal", ["member_id"])
    op.create_table(
        "wallet_change_chain",
        sa.Column("id", Identifier, nullable=False, autoincrement=False),
        sa.Column("number", Identifier, nullable=False),
        sa.Column("head", sa.LargeBinary(32), nullable=False),
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_change_chain")),
    )
    append_only.guard_changes(op.get_bind())


def downgrade() -> None:
    append_only.lift_changes(op.get_bind())
    for name in ("wallet_change_chain", "wallet_change_personal", "wallet_change"):
        op.drop_table(name)
