"""Seals"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument
from wallet.migrations import append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_seal",
        sa.Column("posting_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("number", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("chain", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note_salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("note_hash", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_ledger_seal")),
        sa.UniqueConstraint(
            "programme_id", "number", name=op.f("uq_ledger_seal_programme_id_number")
        ),
    )
    op.create_table(
        "ledger_chain",
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("number", Identifier, nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("first", Identifier, nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("closes_at", Instant(), nullable=True),
        sa.Column("verified", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_chain_programme_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_ledger_chain")),
    )
    op.create_table(
        "ledger_sealing",
        sa.Column("id", Identifier, autoincrement=False, nullable=False),
        sa.Column("mark", Identifier, nullable=False),
        sa.Column("horizon", Identifier, nullable=False),
        sa.Column("horizon_xid", Identifier, nullable=False),
        sa.Column("seen", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_sealing")),
    )
    op.create_table(
        "ledger_root",
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first", Identifier, nullable=False),
        sa.Column("last", Identifier, nullable=False),
        sa.Column("head", sa.LargeBinary(length=32), nullable=False),
        sa.Column("merkle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.Column("closed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_root_programme_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", "day", name=op.f("pk_ledger_root")),
    )
    op.create_table(
        "ledger_block",
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("first", Identifier, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "first", name=op.f("pk_ledger_block")),
    )
    op.create_table(
        "ledger_rollup",
        sa.Column("account_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.Column("count", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_ledger_rollup")),
    )
    op.create_table(
        "ledger_inspection",
        sa.Column("id", Identifier, autoincrement=False, nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("findings", JsonDocument, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_inspection")),
    )
    # What was posted before is sealed by the first turns, as if it had been posted now.
    op.execute(
        "INSERT INTO ledger_sealing (id, mark, horizon, horizon_xid, seen) VALUES (1, 0, 0, 0, 0)"
    )
    append_only.guard_seals(op.get_bind())


def downgrade() -> None:
    append_only.lift_seals(op.get_bind())
    for table in ("inspection", "rollup", "block", "root", "sealing", "chain", "seal"):
        op.drop_table(f"ledger_{table}")
