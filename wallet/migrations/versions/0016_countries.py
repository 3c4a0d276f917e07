"""A programme has a country: numbers of people are read as people write them there"""

import sqlalchemy as sa
from alembic import op
from babel.core import get_global

from ledger.database.tables import Identifier

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Until now an 8 in front was read as Russians mean it, and everything else as it came.
BEFORE = "RU"


def upgrade() -> None:
    op.add_column(
        "ledger_programme",
        sa.Column("country", sa.String(2), nullable=False, server_default=BEFORE),
    )
    op.add_column(
        "ledger_import",
        sa.Column("foreign_numbers", Identifier, nullable=False, server_default="0"),
    )
    territories = get_global("zone_territories")
    programme = sa.table(
        "ledger_programme", sa.column("id"), sa.column("timezone"), sa.column("country")
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(programme.c.id, programme.c.timezone)).all():
        country = territories.get(row.timezone, BEFORE)
        connection.execute(
            sa.update(programme).where(programme.c.id == row.id).values(country=country)
        )


def downgrade() -> None:
    op.drop_column("ledger_import", "foreign_numbers")
    op.drop_column("ledger_programme", "country")
