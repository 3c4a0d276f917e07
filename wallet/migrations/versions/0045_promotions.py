"""Promotions: drafts, versions, where they are on, and what holds for all of them"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument, OptionalDocument

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

PROMOTION, VERSION = "ledger_promotion", "ledger_promotion_version"
STAGE, TERMS = "ledger_promotion_stage", "ledger_promotion_terms"


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        PROMOTION,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("draft", JsonDocument, nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        _refers(PROMOTION, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_promotion")),
        sa.UniqueConstraint(
            "programme_id", "code", name=op.f("uq_ledger_promotion_programme_id_code")
        ),
    )
    op.create_table(
        VERSION,
        sa.Column("promotion_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("number", Identifier, autoincrement=False, nullable=False),
        sa.Column("rules", JsonDocument, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        _refers(VERSION, "promotion_id", PROMOTION),
        sa.PrimaryKeyConstraint("promotion_id", "number", name=op.f("pk_ledger_promotion_version")),
    )
    op.create_table(
        STAGE,
        sa.Column("id", Identifier, nullable=False),
        sa.Column("promotion_id", Identifier, nullable=False),
        sa.Column("version", Identifier, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("stores", OptionalDocument, nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("decided_by_kind", sa.String(12), nullable=False),
        sa.Column("decided_by", sa.String(254), nullable=False),
        _refers(STAGE, "promotion_id", PROMOTION),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_promotion_stage")),
    )
    op.create_index(op.f("ix_ledger_promotion_stage_promotion_id"), STAGE, ["promotion_id"])
    op.create_table(
        TERMS,
        sa.Column("programme_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("terms", JsonDocument, nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        _refers(TERMS, "programme_id", "ledger_programme"),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_ledger_promotion_terms")),
    )


def downgrade() -> None:
    # The release before knows no promotions: what was written goes with it.
    for table in (TERMS, STAGE, VERSION, PROMOTION):
        op.drop_table(table)
