"""Advertising goes to those who agreed, by day; what exists keeps the terms it was made with"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Until now a campaign that told even those who had refused was one that is no advertising.
CAMPAIGNS = ("UPDATE outreach_campaign SET purpose = 'service' WHERE consent = 'any'",)
# Until now a message to those who were away went to all but those who had refused news.
MESSAGES = ("UPDATE outreach_message_terms SET consent = 'not_refused' WHERE kind = 'lapsed'",)


def upgrade() -> None:
    op.add_column(
        "outreach_campaign",
        sa.Column("purpose", sa.String(12), nullable=False, server_default="advertising"),
    )
    op.add_column(
        "outreach_message_terms",
        sa.Column("consent", sa.String(12), nullable=False, server_default="any"),
    )
    op.add_column(
        "outreach_round",
        sa.Column("from_posting_id", Identifier, nullable=False, server_default="0"),
    )
    for statement in (*CAMPAIGNS, *MESSAGES):
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("outreach_round", "from_posting_id")
    op.drop_column("outreach_message_terms", "consent")
    op.drop_column("outreach_campaign", "purpose")
