"""What the form of a programme asks of who joins"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import JsonDocument

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

USUAL = '{"phone": "optional", "email": "optional", "name": "off", "birthday": "off"}'


def upgrade() -> None:
    op.add_column(
        "ledger_programme", sa.Column("asks", JsonDocument, nullable=False, server_default=USUAL)
    )


def downgrade() -> None:
    # The release before knows no such texts and no such consents, and would stumble over neither:
    # both are rows of a kind that it does not ask for.
    op.drop_column("ledger_programme", "asks")
