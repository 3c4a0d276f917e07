"""Imports"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_import",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("unit_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", Identifier, nullable=False),
        sa.Column("format", sa.String(length=4), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("titles", JsonDocument, nullable=False),
        sa.Column("left_aside", JsonDocument, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("skip_bad", sa.Boolean(), nullable=False),
        sa.Column("rows", Identifier, nullable=False),
        sa.Column("bad", Identifier, nullable=False),
        sa.Column("new_members", Identifier, nullable=False),
        sa.Column("found_members", Identifier, nullable=False),
        sa.Column("points_in_file", Identifier, nullable=False),
        sa.Column("points_good", Identifier, nullable=False),
        sa.Column("applied", Identifier, nullable=False),
        sa.Column("left_out", Identifier, nullable=False),
        sa.Column("joined", Identifier, nullable=False),
        sa.Column("postings", Identifier, nullable=False),
        sa.Column("points_applied", Identifier, nullable=False),
        sa.Column("points_posted", Identifier, nullable=False),
        sa.Column("balances_moved", Identifier, nullable=False),
        sa.Column("rows_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("signed_by", sa.String(length=8), nullable=True),
        sa.Column("signature", sa.String(length=128), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_import_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["ledger_unit.id"], name=op.f("fk_ledger_import_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_import")),
        sa.UniqueConstraint(
            "programme_id", "kind", "digest", name=op.f("uq_ledger_import_programme_id_kind_digest")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_import_public_id")),
    )
    op.create_index(
        "ix_ledger_import_open",
        "ledger_import",
        ["state", "id"],
        postgresql_where=sa.text("state <> 'done'"),
        sqlite_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "ledger_import_part",
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("first_row", Identifier, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f("fk_ledger_import_part_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "first_row", name=op.f("pk_ledger_import_part")),
    )
    op.create_table(
        "ledger_import_problem",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("row", Identifier, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=True),
        sa.Column("facts", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f("fk_ledger_import_problem_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_import_problem")),
    )
    op.create_index(
        op.f("ix_ledger_import_problem_import_id"), "ledger_import_problem", ["import_id"]
    )
    op.create_table(
        "ledger_import_row",
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("row", Identifier, autoincrement=False, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("posting_id", sa.String(length=36), nullable=True),
        sa.Column("points", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f("fk_ledger_import_row_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_ledger_import_row")),
    )


def downgrade() -> None:
    for name in ("row", "problem", "part"):
        op.drop_table(f"ledger_import_{name}")
    op.drop_table("ledger_import")
