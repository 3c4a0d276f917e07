"""The book"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant
from wallet.migrations import append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_hold",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.Column("captured", Identifier, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("receipt", sa.String(length=100), nullable=True),
        sa.Column("store", sa.String(length=100), nullable=True),
        sa.Column("promotion", sa.String(length=100), nullable=True),
        sa.Column("card_id", Identifier, nullable=True),
        sa.Column("posting_id", sa.String(length=36), nullable=True),
        sa.Column("placed_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_hold_amount")),
        sa.CheckConstraint(
            "captured >= 0 AND captured <= amount", name=op.f("ck_ledger_hold_captured")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_hold")),
        sa.UniqueConstraint("public_id", name=op.f("uq_ledger_hold_public_id")),
    )
    with op.batch_alter_table("ledger_hold", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_hold_account", ["account_id", "id"], unique=False)
        batch_op.create_index(
            "ix_ledger_hold_open",
            ["expires_at"],
            unique=False,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "ledger_hold_lot",
        sa.Column("hold_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("lot_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("hold_id", "lot_id", name=op.f("pk_ledger_hold_lot")),
    )
    op.create_table(
        "ledger_unit",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("scale", Identifier, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("live_days", Identifier, nullable=True),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.CheckConstraint("scale >= 0 AND scale <= 6", name=op.f("ck_ledger_unit_scale")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_unit_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_unit")),
        sa.UniqueConstraint("programme_id", "code", name=op.f("uq_ledger_unit_programme_id_code")),
    )
    _units_of_programmes()
    _accounts_by_unit()
    integer = _integer()
    for column in (
        f"ledger_balance ADD COLUMN debt {integer} DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_ledger_balance_debt CHECK (debt >= 0 AND debt <= 9007199254740991)",
        f"ledger_lot ADD COLUMN held {integer} DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_ledger_lot_held CHECK (held >= 0 AND held <= remaining)",
        "ledger_programme DROP COLUMN points_live_days",
    ):
        op.execute(f"ALTER TABLE {column}")
    op.add_column(
        "ledger_programme", sa.Column("grace_days", Identifier, server_default="0", nullable=False)
    )
    op.add_column(
        "ledger_programme",
        sa.Column("overdrawn", sa.String(length=10), server_default="debt", nullable=False),
    )
    op.add_column(
        "ledger_lot_move", sa.Column("line", Identifier, server_default="0", nullable=False)
    )
    op.add_column("ledger_card", sa.Column("blocked_at", Instant(), nullable=True))
    op.create_index(op.f("ix_ledger_lot_posting_id"), "ledger_lot", ["posting_id"])
    for name in ("household_id", "merged_into_id"):
        op.add_column("ledger_member", sa.Column(name, Identifier, nullable=True))
        op.create_index(op.f(f"ix_ledger_member_{name}"), "ledger_member", [name])
    op.add_column("ledger_posting", sa.Column("store", sa.String(length=100), nullable=True))
    op.add_column("ledger_posting", sa.Column("promotion", sa.String(length=100), nullable=True))
    for name in ("card_id", "reverses_id", "undoes"):
        op.add_column("ledger_posting", sa.Column(name, Identifier, nullable=True))
    op.create_index(
        "ix_ledger_posting_reverses",
        "ledger_posting",
        ["reverses_id"],
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
    )
    with op.batch_alter_table("ledger_entry") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_ledger_entry_posting_id"), type_="foreignkey")
    append_only.guard(op.get_bind())


def _units_of_programmes() -> None:
    """Every programme counted points; now they are a unit, with the life that its points had."""
    op.execute(
        "INSERT INTO ledger_unit (programme_id, code, kind, scale, live_days, main)"
        " SELECT id, 'points', 'points', 0, points_live_days, true FROM ledger_programme"
    )


def _accounts_by_unit() -> None:
    op.add_column("ledger_account", sa.Column("unit_id", Identifier, nullable=True))
    op.execute(
        "UPDATE ledger_account SET unit_id = (SELECT u.id FROM ledger_unit u"
        " WHERE u.programme_id = ledger_account.programme_id)"
    )
    with op.batch_alter_table("ledger_account") as batch_op:
        batch_op.alter_column("unit_id", existing_type=Identifier, nullable=False)
        batch_op.drop_constraint(
            batch_op.f("uq_ledger_account_programme_id_kind_member_id"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_ledger_account_unit_id_member_id_kind"),
            ["unit_id", "member_id", "kind"],
        )


def _integer() -> str:
    return "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"


def downgrade() -> None:
    append_only.lift(op.get_bind())
    with op.batch_alter_table("ledger_entry") as batch_op:
        batch_op.create_foreign_key(
            batch_op.f("fk_ledger_entry_posting_id"), "ledger_posting", ["posting_id"], ["id"]
        )
    op.drop_index("ix_ledger_posting_reverses", "ledger_posting")
    for name in ("undoes", "reverses_id", "card_id", "promotion", "store"):
        op.drop_column("ledger_posting", name)
    for name in ("merged_into_id", "household_id"):
        op.drop_index(op.f(f"ix_ledger_member_{name}"), "ledger_member")
        op.drop_column("ledger_member", name)
    op.drop_index(op.f("ix_ledger_lot_posting_id"), "ledger_lot")
    op.drop_column("ledger_lot_move", "line")
    op.execute("ALTER TABLE ledger_lot DROP COLUMN held")
    op.execute("ALTER TABLE ledger_balance DROP COLUMN debt")
    op.drop_column("ledger_card", "blocked_at")
    op.drop_column("ledger_programme", "overdrawn")
    op.drop_column("ledger_programme", "grace_days")
    op.add_column("ledger_programme", sa.Column("points_live_days", Identifier, nullable=True))
    op.execute(
        "UPDATE ledger_programme SET points_live_days = (SELECT u.live_days FROM ledger_unit u"
        " WHERE u.programme_id = ledger_programme.id AND u.main)"
    )
    with op.batch_alter_table("ledger_account") as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_ledger_account_unit_id_member_id_kind"), type_="unique"
        )
        batch_op.drop_column("unit_id")
        batch_op.create_unique_constraint(
            batch_op.f("uq_ledger_account_programme_id_kind_member_id"),
            ["programme_id", "kind", "member_id"],
        )
    op.drop_table("ledger_unit")
    op.drop_table("ledger_hold_lot")
    op.drop_table("ledger_hold")
