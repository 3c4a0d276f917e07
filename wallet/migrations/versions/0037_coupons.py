"""Coupons: when each was used and who took it, lists of them; a coupon as the gift of a campaign"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

OF_OFFER = "ix_wallet_pass_of_offer"
COUPONS = sa.text("offer_id IS NOT NULL AND lost_at IS NULL")


def upgrade() -> None:
    op.add_column("wallet_pass", sa.Column("used_at", Instant(), nullable=True))
    op.add_column("wallet_pass", sa.Column("used_by_kind", sa.String(12), nullable=True))
    op.add_column("wallet_pass", sa.Column("used_by", sa.String(254), nullable=True))
    op.create_index(
        OF_OFFER,
        "wallet_pass",
        ["offer_id", "id"],
        postgresql_where=COUPONS,
        sqlite_where=COUPONS,
    )
    op.add_column("outreach_campaign", sa.Column("coupon", sa.String(36), nullable=True))
    op.add_column("outreach_delivery", sa.Column("coupon_id", Identifier, nullable=True))


def downgrade() -> None:
    # The release before knows of no coupons in campaigns, and would send the words without them.
    op.execute(
        "UPDATE outreach_campaign SET state = 'cancelled', ends_about = NULL"
        " WHERE coupon IS NOT NULL AND state IN ('draft', 'scheduled', 'running', 'paused')"
    )
    # It has no word for this reason: the member is as little told as one who is gone.
    op.execute("UPDATE outreach_delivery SET state = 'gone' WHERE state = 'no_coupon'")
    op.drop_column("outreach_delivery", "coupon_id")
    op.drop_column("outreach_campaign", "coupon")
    op.drop_index(OF_OFFER, table_name="wallet_pass")
    op.drop_column("wallet_pass", "used_by")
    op.drop_column("wallet_pass", "used_by_kind")
    op.drop_column("wallet_pass", "used_at")
