"""Consents, words of programmes, one phone number and one address a member, withdrawn offers"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Until now several members could have one phone number or one address. The first of them keeps it;
# the others are marked, and only what comes from now on is refused.
MARK_LATER_ONES = """
UPDATE ledger_person SET {contact}_shared = true WHERE EXISTS (
  SELECT 1 FROM ledger_person AS earlier
  WHERE earlier.programme_id = ledger_person.programme_id
    AND earlier.{contact} = ledger_person.{contact}
    AND earlier.member_id < ledger_person.member_id
)
"""


def upgrade() -> None:
    op.create_table(
        "ledger_consent_text",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_ledger_consent_text")),
    )
    op.create_table(
        "ledger_programme_text",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_ledger_programme_text_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_programme_text")),
    )
    with op.batch_alter_table("ledger_programme_text", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_programme_text_newest", ["programme_id", "kind"], unique=False
        )

    op.create_table(
        "ledger_consent",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(length=100), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("happened_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_consent_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_consent")),
    )
    with op.batch_alter_table("ledger_consent", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_consent_newest", ["member_id", "purpose", "happened_at"], unique=False
        )

    with op.batch_alter_table("ledger_offer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", Instant(), nullable=True))

    with op.batch_alter_table("ledger_person", schema=None) as batch_op:
        for contact in ("phone", "email"):
            batch_op.add_column(
                sa.Column(
                    f"{contact}_shared", sa.Boolean(), server_default=sa.false(), nullable=False
                )
            )
    for contact in ("phone", "email"):
        op.execute(MARK_LATER_ONES.format(contact=contact))
        op.create_index(
            f"uq_ledger_person_{contact}",
            "ledger_person",
            ["programme_id", contact],
            unique=True,
            sqlite_where=sa.text(f"NOT {contact}_shared"),
            postgresql_where=sa.text(f"NOT {contact}_shared"),
        )


def downgrade() -> None:
    op.drop_index("uq_ledger_person_phone", "ledger_person")
    op.drop_index("uq_ledger_person_email", "ledger_person")
    with op.batch_alter_table("ledger_person", schema=None) as batch_op:
        batch_op.drop_column("email_shared")
        batch_op.drop_column("phone_shared")

    with op.batch_alter_table("ledger_offer", schema=None) as batch_op:
        batch_op.drop_column("withdrawn_at")

    with op.batch_alter_table("ledger_consent", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_consent_newest")

    op.drop_table("ledger_consent")
    with op.batch_alter_table("ledger_programme_text", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_programme_text_newest")

    op.drop_table("ledger_programme_text")
    op.drop_table("ledger_consent_text")
