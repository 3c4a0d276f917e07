"""Waves that keep a pace, and can be looked at and stopped"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from uuid_utils.compat import uuid7

from ledger.database.tables import EPOCH, Identifier, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PACE = 250  # what a wave began with in this release; it finds its own


def upgrade() -> None:
    with op.batch_alter_table("wallet_wave") as batch:
        batch.add_column(sa.Column("public_id", sa.String(36), nullable=True))
        for name in ("total", "seen", "changed"):
            batch.add_column(sa.Column(name, Identifier, nullable=False, server_default="0"))
        batch.add_column(sa.Column("pace", Identifier, nullable=False, server_default=str(PACE)))
        batch.add_column(
            sa.Column("state", sa.String(16), nullable=False, server_default="running")
        )
        for name in ("next_at", "looked_at"):
            batch.add_column(sa.Column(name, Instant(), nullable=True))
        for name in ("expected_at", "finished_at"):
            batch.add_column(sa.Column(name, Instant(), nullable=True))
    _describe_those_under_way()
    with op.batch_alter_table("wallet_wave") as batch:
        for name in ("public_id", "next_at", "looked_at"):
            batch.alter_column(name, nullable=False)
        for name in ("total", "seen", "changed", "pace", "state"):
            batch.alter_column(name, server_default=None)
        batch.create_unique_constraint("uq_wallet_wave_public_id", ["public_id"])
    op.create_index("ix_wallet_wave_state", "wallet_wave", ["state", "next_at"])
    op.create_index("ix_apple_sealed_pass_signed_at", "apple_sealed_pass", ["signed_at"])


def _describe_those_under_way() -> None:
    """A wave begun by the release before goes on from where it is."""
    wave = sa.table(
        "wallet_wave",
        sa.column("id"),
        sa.column("programme_id"),
        sa.column("after_id"),
        sa.column("public_id"),
        sa.column("total"),
        sa.column("seen"),
        sa.column("next_at", Instant()),
        sa.column("looked_at", Instant()),
    )
    pass_ = sa.table("wallet_pass", sa.column("id"), sa.column("programme_id"))
    connection = op.get_bind()
    for id_, programme_id, after_id in connection.execute(
        sa.select(wave.c.id, wave.c.programme_id, wave.c.after_id)
    ).all():
        ours = sa.select(sa.func.count()).where(pass_.c.programme_id == programme_id)
        connection.execute(
            wave.update()
            .where(wave.c.id == id_)
            .values(
                public_id=str(UUID(str(uuid7()))),
                total=ours.scalar_subquery(),
                seen=ours.where(pass_.c.id <= after_id).scalar_subquery(),
                next_at=EPOCH,
                looked_at=EPOCH,
            )
        )


def downgrade() -> None:
    op.execute("DELETE FROM wallet_wave WHERE state NOT IN ('running', 'paused')")
    op.drop_index("ix_apple_sealed_pass_signed_at", "apple_sealed_pass")
    op.drop_index("ix_wallet_wave_state", "wallet_wave")
    with op.batch_alter_table("wallet_wave") as batch:
        batch.drop_constraint("uq_wallet_wave_public_id", type_="unique")
        for name in (
            "public_id",
            "total",
            "seen",
            "changed",
            "pace",
            "state",
            "next_at",
            "looked_at",
            "expected_at",
            "finished_at",
        ):
            batch.drop_column(name)
