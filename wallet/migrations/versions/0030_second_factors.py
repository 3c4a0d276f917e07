"""Second factors, passkeys and letters of the staff; where somebody is signed in, and since when"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = (
    "wallet_letter",
    "wallet_passkey_challenge",
    "wallet_passkey",
    "wallet_recovery_code",
    "wallet_second_factor",
)


def _of_sessions() -> list[sa.Column[Any]]:
    """Sessions that were begun before go on; what was not noted then is not known."""
    return [
        sa.Column("strong", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("proved_at", Instant(), nullable=True),
        sa.Column("browser", sa.String(200), nullable=False, server_default=""),
        sa.Column("origin", sa.String(45), nullable=False, server_default=""),
    ]


def upgrade() -> None:
    op.add_column("wallet_employee", sa.Column("language", sa.String(10), nullable=True))
    for column in _of_sessions():
        op.add_column("wallet_staff_session", column)
    op.create_table(
        "wallet_second_factor",
        sa.Column("employee_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("sealed", sa.String(300), nullable=False),
        sa.Column("last_step", Identifier, nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        _of_employee("wallet_second_factor"),
        sa.PrimaryKeyConstraint("employee_id", name=op.f("pk_wallet_second_factor")),
    )
    op.create_table(
        "wallet_recovery_code",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("employee_id", Identifier, nullable=False),
        sa.Column("hash", sa.String(43), nullable=False),
        _of_employee("wallet_recovery_code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_recovery_code")),
    )
    op.create_table(
        "wallet_passkey",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("employee_id", Identifier, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", Identifier, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        _of_employee("wallet_passkey"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_wallet_passkey_credential_id")),
    )
    op.create_table(
        "wallet_passkey_challenge",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("employee_id", Identifier, nullable=True),
        sa.Column("expires_at", Instant(), nullable=False),
        _of_employee("wallet_passkey_challenge"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_wallet_passkey_challenge")),
    )
    op.create_table(
        "wallet_letter",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("sealed", sa.String(300), nullable=True),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("generation", Identifier, nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("last_reason", sa.String(100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_letter")),
    )
    for table in ("wallet_recovery_code", "wallet_passkey", "wallet_passkey_challenge"):
        op.create_index(f"ix_{table}_employee_id", table, ["employee_id"])
    op.create_index(
        "ix_wallet_passkey_challenge_expires_at", "wallet_passkey_challenge", ["expires_at"]
    )
    op.create_index("ix_wallet_letter_due", "wallet_letter", ["due_at"])
    op.create_index("ix_wallet_letter_email", "wallet_letter", ["email"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    with op.batch_alter_table("wallet_staff_session") as sessions:
        for column in _of_sessions():
            sessions.drop_column(column.name)
    with op.batch_alter_table("wallet_employee") as employees:
        employees.drop_column("language")


def _of_employee(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["employee_id"], ["wallet_employee.id"], name=op.f(f"fk_{table}_employee_id")
    )
