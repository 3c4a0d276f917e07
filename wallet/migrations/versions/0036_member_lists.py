"""Lists of members that were made of files"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_member_list",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("size", Identifier, nullable=False),
        sa.Column("left_out", Identifier, nullable=False),
        sa.Column("made_by", sa.String(254), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_ledger_member_list_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_member_list")),
        sa.UniqueConstraint(
            "programme_id", "name", name=op.f("uq_ledger_member_list_programme_id_name")
        ),
    )
    op.create_table(
        "ledger_member_list_entry",
        sa.Column("list_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("member_id", Identifier, nullable=False, autoincrement=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["ledger_member_list.id"], name=op.f("fk_ledger_member_list_entry_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_member_list_entry_member_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "member_id", name=op.f("pk_ledger_member_list_entry")),
    )
    op.create_index(
        op.f("ix_ledger_member_list_entry_member_id"), "ledger_member_list_entry", ["member_id"]
    )


def downgrade() -> None:
    op.drop_table("ledger_member_list_entry")
    op.drop_table("ledger_member_list")
