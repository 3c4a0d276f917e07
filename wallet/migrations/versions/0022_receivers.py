"""Receivers outside are told what happens"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import EPOCH, Identifier, Instant, JsonDocument

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_listening",
        sa.Column("id", Identifier, nullable=False, autoincrement=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("last_event", Identifier, nullable=False),
        sa.Column("fetched_until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_listening")),
    )
    listening = sa.table(
        "wallet_listening",
        sa.column("id"),
        sa.column("is_on", sa.Boolean()),
        sa.column("last_event"),
        sa.column("fetched_until", Instant()),
    )
    op.bulk_insert(listening, [{"id": 1, "is_on": False, "last_event": 0, "fetched_until": EPOCH}])
    op.create_table(
        "wallet_happening",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("about", JsonDocument, nullable=False),
        sa.Column("happened_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_happening")),
    )
    op.create_table(
        "wallet_event",
        sa.Column("id", Identifier, nullable=False, autoincrement=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("programme_id", Identifier, nullable=True),
        sa.Column("member_id", Identifier, nullable=True),
        sa.Column("receiver_id", Identifier, nullable=True),
        sa.Column("data", JsonDocument, nullable=False),
        sa.Column("happened_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_event")),
    )
    op.create_index("ix_wallet_event_member_id", "wallet_event", ["member_id"])
    op.create_table(
        "wallet_event_postings",
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("number", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_wallet_event_postings")),
    )
    op.create_table(
        "wallet_receiver",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("url", sa.String(1000), nullable=False),
        sa.Column("programme_id", Identifier, nullable=True),
        sa.Column("types", JsonDocument, nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_because", sa.String(20), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("position", Identifier, nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("paused_until", Instant(), nullable=False),
        sa.Column("failures", Identifier, nullable=False),
        sa.Column("failing_since", Instant(), nullable=True),
        sa.Column("succeeded_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_receiver_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_receiver")),
        sa.UniqueConstraint("name", name=op.f("uq_wallet_receiver_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_wallet_receiver_public_id")),
    )
    op.create_table(
        "wallet_receiver_secret",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("receiver_id", Identifier, nullable=False),
        sa.Column("sealed", sa.String(300), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["wallet_receiver.id"],
            name=op.f("fk_wallet_receiver_secret_receiver_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_receiver_secret")),
    )
    op.create_index(
        "ix_wallet_receiver_secret_receiver_id", "wallet_receiver_secret", ["receiver_id"]
    )
    op.create_table(
        "wallet_event_undelivered",
        sa.Column("receiver_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("event_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("attempts", Identifier, nullable=False),
        sa.Column("given_up_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint(
            "receiver_id", "event_id", name=op.f("pk_wallet_event_undelivered")
        ),
    )
    op.create_index(
        "ix_wallet_event_undelivered_due", "wallet_event_undelivered", ["receiver_id", "due_at"]
    )
    op.create_table(
        "wallet_event_attempt",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("receiver_id", Identifier, nullable=False),
        sa.Column("event_id", Identifier, nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("took_ms", Identifier, nullable=False),
        sa.Column("status", Identifier, nullable=True),
        sa.Column("problem", sa.String(40), nullable=True),
        sa.Column("answer", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_event_attempt")),
    )
    op.create_index(
        "ix_wallet_event_attempt_receiver", "wallet_event_attempt", ["receiver_id", "id"]
    )
    # An erasure finds what was answered about a member.
    op.create_index("ix_wallet_event_attempt_event_id", "wallet_event_attempt", ["event_id"])
    # Fetches since the last look.
    op.create_index("ix_apple_fetch_fetched_at", "apple_fetch", ["fetched_at"])


def downgrade() -> None:
    op.drop_index("ix_apple_fetch_fetched_at", "apple_fetch")
    for name in (
        "wallet_event_attempt",
        "wallet_event_undelivered",
        "wallet_receiver_secret",
        "wallet_receiver",
        "wallet_event_postings",
        "wallet_event",
        "wallet_happening",
        "wallet_listening",
    ):
        op.drop_table(name)
