"""The table of days"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Cards that are in wallets already came to them once: when, as far as it is known. Of those that
# were removed nothing is left. Like tallies of this release they are added up by the pump.
CARDS = """
    INSERT INTO ledger_day_tally (programme_id, figure, of, at, amount)
    SELECT p.programme_id, 'card_added', 'apple', min(r.created_at), 1
    FROM apple_registration r JOIN wallet_pass p ON p.id = r.pass_id
    WHERE p.offer_id IS NULL
    GROUP BY r.pass_id, p.programme_id
    UNION ALL
    SELECT p.programme_id, 'card_added', 'google', o.created_at, 1
    FROM google_object o JOIN wallet_pass p ON p.id = o.pass_id
    WHERE o.saved AND p.offer_id IS NULL"""


def upgrade() -> None:
    op.create_table(
        "ledger_day",
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", Identifier, nullable=False, autoincrement=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("of", sa.String(40), nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint(
            "programme_id", "day", "hour", "figure", "of", name=op.f("pk_ledger_day")
        ),
    )
    op.create_table(
        "ledger_day_sum",
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("of", sa.String(40), nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "figure", "of", name=op.f("pk_ledger_day_sum")),
    )
    place = op.create_table(
        "ledger_day_place",
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("place", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("source", "programme_id", name=op.f("pk_ledger_day_place")),
    )
    op.create_table(
        "ledger_day_counted",
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("quarter", Identifier, nullable=False, autoincrement=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint(
            "source", "programme_id", "quarter", name=op.f("pk_ledger_day_counted")
        ),
    )
    op.create_table(
        "ledger_day_tally",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("figure", sa.String(20), nullable=False),
        sa.Column("of", sa.String(40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("amount", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_day_tally")),
    )
    op.bulk_insert(place, [{"source": "turn", "programme_id": 0, "place": 0}])
    op.execute(CARDS)


def downgrade() -> None:
    for name in ("_tally", "_counted", "_place", "_sum", ""):
        op.drop_table(f"ledger_day{name}")
