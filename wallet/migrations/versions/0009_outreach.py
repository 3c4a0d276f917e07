"""Outreach"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "apple_fetch",
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("version", Identifier, autoincrement=False, nullable=False),
        sa.Column("fetched_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("pass_id", "version", name=op.f("pk_apple_fetch")),
    )
    op.create_table(
        "apple_incident",
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=True),
        sa.Column("happened_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("pass_id", "kind", name=op.f("pk_apple_incident")),
    )
    op.create_table(
        "google_message",
        sa.Column("pass_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("aloud", sa.Boolean(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("accepted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("pass_id", "message", name=op.f("pk_google_message")),
    )
    op.create_table(
        "outreach_campaign",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("audience", JsonDocument, nullable=False),
        sa.Column("texts", JsonDocument, nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=True),
        sa.Column("quiet_until", sa.String(length=5), nullable=True),
        sa.Column("cap_messages", Identifier, nullable=True),
        sa.Column("cap_days", Identifier, nullable=True),
        sa.Column("holdout_percent", Identifier, nullable=False),
        sa.Column("consent", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("starts_at", Instant(), nullable=True),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("frozen_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("after_id", Identifier, nullable=False),
        sa.Column("last_id", Identifier, nullable=False),
        sa.Column("recipients", Identifier, nullable=False),
        sa.Column("done", Identifier, nullable=False),
        sa.Column("counted_from", Instant(), nullable=True),
        sa.Column("counted_done", Identifier, nullable=False),
        sa.Column("ends_about", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_outreach_campaign_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_campaign")),
        sa.UniqueConstraint("public_id", name=op.f("uq_outreach_campaign_public_id")),
    )
    op.create_index(
        "ix_outreach_campaign_open",
        "outreach_campaign",
        ["state", "not_before"],
        postgresql_where=sa.text("state IN ('scheduled', 'running')"),
        sqlite_where=sa.text("state IN ('scheduled', 'running')"),
    )
    op.create_index(
        op.f("ix_outreach_campaign_programme_id"), "outreach_campaign", ["programme_id"]
    )

    op.create_table(
        "outreach_message_terms",
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("texts", JsonDocument, nullable=False),
        sa.Column("days", Identifier, nullable=True),
        sa.Column("gift", Identifier, nullable=True),
        sa.Column("from_hour", sa.String(length=5), nullable=False),
        sa.Column("until_hour", sa.String(length=5), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_outreach_message_terms_programme_id"),
        ),
        sa.PrimaryKeyConstraint("programme_id", "kind", name=op.f("pk_outreach_message_terms")),
    )
    op.create_table(
        "outreach_round",
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("after_id", Identifier, nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_outreach_round_programme_id")
        ),
        sa.PrimaryKeyConstraint("programme_id", "kind", "day", name=op.f("pk_outreach_round")),
    )
    op.create_table(
        "outreach_delivery",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("campaign_id", Identifier, nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("occasion", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("posting_id", Identifier, nullable=True),
        sa.Column("pass_id", Identifier, nullable=True),
        sa.Column("version", Identifier, nullable=True),
        sa.Column("on_apple", sa.Boolean(), nullable=False),
        sa.Column("on_google", sa.Boolean(), nullable=False),
        sa.Column("repeats", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_outreach_delivery_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_outreach_delivery_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_delivery")),
        sa.UniqueConstraint(
            "member_id", "occasion", name=op.f("uq_outreach_delivery_member_id_occasion")
        ),
    )
    op.create_index(
        "ix_outreach_delivery_campaign", "outreach_delivery", ["campaign_id", "state", "id"]
    )
    op.create_index("ix_outreach_delivery_posting", "outreach_delivery", ["posting_id"])
    op.create_index(
        "ix_outreach_delivery_told",
        "outreach_delivery",
        ["member_id", "told_at"],
        postgresql_where=sa.text("told_at IS NOT NULL"),
        sqlite_where=sa.text("told_at IS NOT NULL"),
    )

    op.create_table(
        "wallet_news",
        sa.Column("member_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("message", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("points", Identifier, nullable=True),
        sa.Column("told_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_wallet_news_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_wallet_news")),
    )


def downgrade() -> None:
    for name in (
        "wallet_news",
        "outreach_delivery",
        "outreach_round",
        "outreach_message_terms",
        "outreach_campaign",
        "google_message",
        "apple_incident",
        "apple_fetch",
    ):
        op.drop_table(name)
