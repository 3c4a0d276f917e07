"""People of the staff, their roles, links and sessions"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_employee",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_employee")),
        sa.UniqueConstraint("email", name=op.f("uq_wallet_employee_email")),
    )
    op.create_table(
        "wallet_employee_role",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("employee_id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=True),
        sa.Column("role", sa.String(20), nullable=False),
        _of_employee("wallet_employee_role"),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_employee_role_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_employee_role")),
    )
    op.create_table(
        "wallet_staff_link",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("employee_id", Identifier, nullable=True),
        sa.Column("expires_at", Instant(), nullable=False),
        _of_employee("wallet_staff_link"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_wallet_staff_link")),
    )
    op.create_table(
        "wallet_staff_session",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("employee_id", Identifier, nullable=False),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        _of_employee("wallet_staff_session"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_wallet_staff_session")),
    )
    op.create_table(
        "wallet_sign_in_failure",
        sa.Column("who", sa.String(43), nullable=False),
        sa.Column("failures", Identifier, nullable=False),
        sa.Column("failed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_wallet_sign_in_failure")),
    )
    for table in ("wallet_employee_role", "wallet_staff_link", "wallet_staff_session"):
        op.create_index(f"ix_{table}_employee_id", table, ["employee_id"])
    op.create_index("ix_wallet_staff_session_began_at", "wallet_staff_session", ["began_at"])
    op.create_index("ix_wallet_sign_in_failure_failed_at", "wallet_sign_in_failure", ["failed_at"])


def downgrade() -> None:
    for table in (
        "wallet_sign_in_failure",
        "wallet_staff_session",
        "wallet_staff_link",
        "wallet_employee_role",
        "wallet_employee",
    ):
        op.drop_table(table)


def _of_employee(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["employee_id"], ["wallet_employee.id"], name=op.f(f"fk_{table}_employee_id")
    )
