"""What is done at a shop's counter, by whom and where; PINs"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, OptionalDocument

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

DEED, LIMITS, SESSION, EMPLOYEE = (
    "wallet_counter_deed",
    "wallet_counter_limits",
    "wallet_staff_session",
    "wallet_employee",
)
LOOKED_AT = "odd IS NOT NULL OR state = 'refused'"


def upgrade() -> None:
    op.add_column(EMPLOYEE, sa.Column("counter_name", sa.String(40), nullable=True))
    op.add_column(EMPLOYEE, sa.Column("pin", sa.String(43), nullable=True))
    op.add_column(SESSION, sa.Column("store", sa.String(40), nullable=True))
    op.add_column(SESSION, sa.Column("till", sa.String(40), nullable=True))
    op.add_column(
        SESSION, sa.Column("counter", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        LIMITS,
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("purchases", Identifier, nullable=True),
        sa.Column("same_cashier", Identifier, nullable=True),
        sa.Column("amount", Identifier, nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_wallet_counter_limits_amount")),
        sa.CheckConstraint("purchases > 0", name=op.f("ck_wallet_counter_limits_purchases")),
        sa.CheckConstraint("same_cashier > 0", name=op.f("ck_wallet_counter_limits_same_cashier")),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_counter_limits_programme_id_ledger_programme"),
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_wallet_counter_limits")),
    )
    op.create_table(
        DEED,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("employee_id", Identifier, nullable=False),
        sa.Column("store", sa.String(40), nullable=True),
        sa.Column("till", sa.String(40), nullable=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("named_by", sa.String(5), nullable=True),
        sa.Column("happened_at", Instant(), nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.Column("offline", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("total", Identifier, nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("spent", Identifier, server_default="0", nullable=False),
        sa.Column("earned", Identifier, server_default="0", nullable=False),
        sa.Column("spent_posting", sa.String(36), nullable=True),
        sa.Column("earned_posting", sa.String(36), nullable=True),
        sa.Column("serial", sa.String(32), nullable=True),
        sa.Column("refusal", sa.String(60), nullable=True),
        sa.Column("odd", OptionalDocument, nullable=True),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by_id", Identifier, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{DEED}_{column}_{table}")
            )
            for column, table in (
                ("programme_id", "ledger_programme"),
                ("employee_id", "wallet_employee"),
                ("member_id", "ledger_member"),
                ("undone_by_id", "wallet_employee"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_counter_deed")),
        sa.UniqueConstraint("public_id", name=op.f("uq_wallet_counter_deed_public_id")),
        sa.UniqueConstraint(
            "programme_id", "key", name=op.f("uq_wallet_counter_deed_programme_id_key")
        ),
    )
    op.create_index("ix_wallet_counter_deed_listed", DEED, ["programme_id", "id"])
    op.create_index("ix_wallet_counter_deed_employee", DEED, ["employee_id", "id"])
    op.create_index("ix_wallet_counter_deed_member", DEED, ["member_id", "happened_at"])
    op.create_index(
        "ix_wallet_counter_deed_odd",
        DEED,
        ["programme_id", "id"],
        postgresql_where=sa.text(LOOKED_AT),
        sqlite_where=sa.text(LOOKED_AT),
    )


def downgrade() -> None:
    # What cashiers did stays in the book, as postings; who did it is not known there any more.
    op.drop_table(DEED)
    op.drop_table(LIMITS)
    # A session at the counter may do little: without the mark it would open all that its owner may.
    op.execute(sa.text("DELETE FROM wallet_staff_session WHERE counter"))
    for column in ("counter", "till", "store"):
        op.drop_column(SESSION, column)
    for column in ("pin", "counter_name"):
        op.drop_column(EMPLOYEE, column)
