"""API keys can end, badges are kept, and programmes can be shown to everybody"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("wallet_api_key", sa.Column("expires_at", Instant(), nullable=True))
    op.add_column(
        "ledger_programme",
        sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table(
        "wallet_badge",
        sa.Column("wallet", sa.String(10), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("media_type", sa.String(20), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(16), nullable=False),
        sa.Column("width", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("height", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("wallet", "language", name=op.f("pk_wallet_badge")),
    )


def downgrade() -> None:
    op.drop_table("wallet_badge")
    op.drop_column("ledger_programme", "listed")
    # A release that knows no end would go on accepting them for good.
    op.execute("DELETE FROM wallet_api_key WHERE expires_at IS NOT NULL")
    op.drop_column("wallet_api_key", "expires_at")
