"""Files of imports wait in the database until a pump reads them; consents come with files"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("decimal", sa.String(5), nullable=True),
        sa.Column("facts", JsonDocument, nullable=False, server_default="{}"),
        sa.Column("refusal", JsonDocument, nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("attempts", Identifier, nullable=False, server_default="0"),
        sa.Column("rows_in_file", Identifier, nullable=True),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("ledger_import", column)
    op.create_table(
        "ledger_import_file",
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("number", Identifier, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f("fk_ledger_import_file_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_ledger_import_file")),
    )
    op.create_table(
        "ledger_import_erased",
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f("fk_ledger_import_erased_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "mark", name=op.f("pk_ledger_import_erased")),
    )
    op.add_column("ledger_consent", sa.Column("origin", sa.String(100), nullable=True))


def downgrade() -> None:
    op.drop_column("ledger_consent", "origin")
    for name in ("erased", "file"):
        op.drop_table(f"ledger_import_{name}")
    # The release before reads a file while it is sent, and knows no file that waits or was refused.
    import_ = sa.table("ledger_import", sa.column("id"), sa.column("state"))
    unknown = sa.select(import_.c.id).where(import_.c.state.in_(("reading", "refused")))
    for name in ("part", "problem"):
        theirs = sa.table(f"ledger_import_{name}", sa.column("import_id"))
        op.execute(sa.delete(theirs).where(theirs.c.import_id.in_(unknown)))
    op.execute(sa.delete(import_).where(import_.c.state.in_(("reading", "refused"))))
    for column in reversed(_columns()):
        op.drop_column("ledger_import", column.name)
