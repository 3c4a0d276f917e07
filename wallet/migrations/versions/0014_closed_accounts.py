"""Accounts that their owner does not use are closed; lots know where their points were first"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Who was erased left their household, and all who had been merged into them with them.
MERGED = """
UPDATE ledger_member SET household_id = merged_into_id
WHERE merged_into_id IS NOT NULL AND household_id IS NULL"""
CLOSED = """
UPDATE ledger_balance SET closed = true WHERE account_id IN (
  SELECT a.id FROM ledger_account a JOIN ledger_member m ON m.id = a.member_id
  WHERE m.household_id IS NOT NULL AND a.kind = 'member')"""

# A merge wrote the new lots in the order in which it took the old ones. Of those that were moved
# several times the first is meant: one step after another, until nothing is left to do.
FIRST_STEP = """
WITH taken AS (
  SELECT m.posting_id, m.lot_id,
         row_number() OVER (PARTITION BY m.posting_id ORDER BY m.line, m.lot_id) AS place
  FROM ledger_lot_move m JOIN ledger_posting p ON p.id = m.posting_id WHERE p.kind = 'merge'
), made AS (
  SELECT l.posting_id, l.id,
         row_number() OVER (PARTITION BY l.posting_id ORDER BY l.id) AS place
  FROM ledger_lot l JOIN ledger_posting p ON p.id = l.posting_id WHERE p.kind = 'merge'
), pair AS (
  SELECT made.id, taken.lot_id FROM made
  JOIN taken ON taken.posting_id = made.posting_id AND taken.place = made.place
)
UPDATE ledger_lot SET origin_id = (SELECT lot_id FROM pair WHERE pair.id = ledger_lot.id)
WHERE id IN (SELECT id FROM pair)"""
NEXT_STEP = """
UPDATE ledger_lot SET origin_id = (
  SELECT o.origin_id FROM ledger_lot o WHERE o.id = ledger_lot.origin_id)
WHERE origin_id IN (SELECT id FROM ledger_lot WHERE origin_id IS NOT NULL)"""


def upgrade() -> None:
    op.add_column(
        "ledger_balance",
        sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("ledger_lot", sa.Column("origin_id", Identifier, nullable=True))
    connection = op.get_bind()
    connection.execute(sa.text(MERGED))
    connection.execute(sa.text(CLOSED))
    connection.execute(sa.text(FIRST_STEP))
    while connection.execute(sa.text(NEXT_STEP)).rowcount:
        pass
    op.create_index(
        "ix_ledger_lot_origin",
        "ledger_lot",
        ["origin_id"],
        postgresql_where=sa.text("origin_id IS NOT NULL"),
        sqlite_where=sa.text("origin_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_lot_origin", "ledger_lot")
    op.drop_column("ledger_lot", "origin_id")
    op.drop_column("ledger_balance", "closed")
