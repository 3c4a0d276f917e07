"""A programme has languages in which texts are written for its members"""

import json

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import JsonDocument

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Until now texts could be in these, whatever the programme's own language was.
BEFORE = ("ru", "en")
# Designs could be in any language: what cards say now is not to become a mistake.
DESIGNS = """
SELECT programme_id, design FROM wallet_template
WHERE id IN (SELECT max(id) FROM wallet_template GROUP BY programme_id, purpose)
ORDER BY id"""


def upgrade() -> None:
    op.add_column(
        "ledger_programme",
        sa.Column("languages", JsonDocument, nullable=False, server_default="[]"),
    )
    connection = op.get_bind()
    spoken = {
        row.id: list(dict.fromkeys([row.locale, *BEFORE]))
        for row in connection.execute(sa.text("SELECT id, locale FROM ledger_programme"))
    }
    for row in connection.execute(sa.text(DESIGNS)):
        design = json.loads(row.design) if isinstance(row.design, str) else row.design
        theirs = spoken[row.programme_id]
        theirs += [one for one in design["languages"] if one not in theirs]
    programme = sa.table("ledger_programme", sa.column("id"), sa.column("languages", JsonDocument))
    for programme_id, theirs in spoken.items():
        connection.execute(
            sa.update(programme).where(programme.c.id == programme_id).values(languages=theirs)
        )


def downgrade() -> None:
    op.drop_column("ledger_programme", "languages")
