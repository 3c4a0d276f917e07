"""Designs in the console: drafts with their pictures, and designs that are tried on one pass"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_design_draft",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("design", JsonDocument, nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("changed_by", sa.String(254), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_design_draft_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_design_draft")),
        sa.UniqueConstraint(
            "programme_id", "purpose", name=op.f("uq_wallet_design_draft_programme_id_purpose")
        ),
    )
    op.create_table(
        "wallet_design_draft_image",
        sa.Column("draft_id", Identifier, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["wallet_design_draft.id"],
            name=op.f("fk_wallet_design_draft_image_draft_id"),
        ),
        sa.PrimaryKeyConstraint("draft_id", "name", name=op.f("pk_wallet_design_draft_image")),
    )
    op.add_column(
        "wallet_template",
        sa.Column("is_trial", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    with op.batch_alter_table("wallet_pass") as batch:
        batch.add_column(sa.Column("trial_id", Identifier, nullable=True))
        batch.create_foreign_key(
            op.f("fk_wallet_pass_trial_id"), "wallet_template", ["trial_id"], ["id"]
        )


def downgrade() -> None:
    connection = op.get_bind()
    op.execute("UPDATE wallet_pass SET trial_id = NULL WHERE trial_id IS NOT NULL")
    _publish_again(connection)
    with op.batch_alter_table("wallet_pass") as batch:
        batch.drop_constraint(op.f("fk_wallet_pass_trial_id"), type_="foreignkey")
        batch.drop_column("trial_id")
    with op.batch_alter_table("wallet_template") as batch:
        batch.drop_column("is_trial")
    op.drop_table("wallet_design_draft_image")
    op.drop_table("wallet_design_draft")


def _publish_again(connection: sa.Connection) -> None:
    """The release before takes the newest design for the current one, and does not know of designs
    that were only tried: where one of those is the newest, what is published is stored after it."""
    template = sa.table(
        "wallet_template",
        *(sa.column(name) for name in ("id", "programme_id", "design", "created_at")),
        *(sa.column(name) for name in ("purpose", "is_trial")),
    )
    image = sa.table(
        "wallet_template_image", *(sa.column(name) for name in ("template_id", "name", "data"))
    )
    newest = sa.select(
        template.c.programme_id,
        template.c.purpose,
        sa.func.max(template.c.id).filter(template.c.is_trial).label("tried"),
        sa.func.max(template.c.id).filter(sa.not_(template.c.is_trial)).label("published"),
    ).group_by(template.c.programme_id, template.c.purpose)
    for row in connection.execute(newest).all():
        if row.published is None or (row.tried or 0) < row.published:
            continue
        columns = ("programme_id", "design", "created_at", "purpose")
        connection.execute(
            template.insert().from_select(
                [*columns, "is_trial"],
                sa.select(*(template.c[name] for name in columns), template.c.is_trial).where(
                    template.c.id == row.published
                ),
            )
        )
        stored = connection.scalar(sa.select(sa.func.max(template.c.id)))
        connection.execute(
            image.insert().from_select(
                ["template_id", "name", "data"],
                sa.select(sa.literal(stored), image.c.name, image.c.data).where(
                    image.c.template_id == row.published
                ),
            )
        )
