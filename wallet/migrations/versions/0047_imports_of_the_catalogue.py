"""Imports of goods, prices and stores: files that come again, and what is gone between two"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

IMPORT, PROBLEM, THING = "ledger_import", "ledger_import_problem", "ledger_import_thing"
UNIQUE = "uq_ledger_import_programme_id_kind_digest"
COUNTED = (
    *("new_things", "changed_things", "same_things", "gone_things"),
    *("things_added", "things_changed", "things_archived"),
)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("turn", Identifier, nullable=False, server_default="1"),
        sa.Column("archive_gone", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("previous_id", Identifier, nullable=True),
        *(sa.Column(name, Identifier, nullable=False, server_default="0") for name in COUNTED),
    ]


def upgrade() -> None:
    with op.batch_alter_table(IMPORT) as batch:
        for column in _columns():
            batch.add_column(column)
        batch.drop_constraint(batch.f(UNIQUE), type_="unique")
        batch.create_unique_constraint(
            batch.f(f"{UNIQUE}_turn"), ["programme_id", "kind", "digest", "turn"]
        )
    with op.batch_alter_table(PROBLEM) as batch:
        batch.alter_column("field", existing_type=sa.String(20), type_=sa.String(120))
    op.create_table(
        THING,
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("import_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f(f"fk_{THING}_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ledger_import.id"], name=op.f(f"fk_{THING}_import_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", "kind", "key", name=op.f(f"pk_{THING}")),
    )
    op.create_index(f"ix_{THING}_import", THING, ["import_id", "key"])


def downgrade() -> None:
    op.drop_table(THING)
    # The release before knows members and points alone.
    import_ = sa.table(IMPORT, sa.column("id"), sa.column("kind"))
    unknown = sa.select(import_.c.id).where(import_.c.kind.in_(("products", "prices", "stores")))
    for name in ("problem", "part", "file", "erased"):
        theirs = sa.table(f"{IMPORT}_{name}", sa.column("import_id"))
        op.execute(sa.delete(theirs).where(theirs.c.import_id.in_(unknown)))
    op.execute(sa.delete(import_).where(import_.c.id.in_(unknown)))
    with op.batch_alter_table(PROBLEM) as batch:
        batch.alter_column("field", existing_type=sa.String(120), type_=sa.String(20))
    with op.batch_alter_table(IMPORT) as batch:
        batch.drop_constraint(batch.f(f"{UNIQUE}_turn"), type_="unique")
        batch.create_unique_constraint(batch.f(UNIQUE), ["programme_id", "kind", "digest"])
        for column in reversed(_columns()):
            batch.drop_column(column.name)
