"""Passes: whether they count, passes of offers, passes that ask whose they are"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OF_CARDS = sa.text("offer_id IS NULL")
OF_OFFERS = sa.text("offer_id IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "wallet_template",
        sa.Column("purpose", sa.String(length=10), nullable=False, server_default="card"),
    )
    with op.batch_alter_table("wallet_pass") as batch_op:
        batch_op.add_column(
            sa.Column("state", sa.String(length=10), nullable=False, server_default="active")
        )
        batch_op.add_column(sa.Column("ends_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("offer_id", Identifier, nullable=True))
        batch_op.add_column(sa.Column("enrolment", sa.String(length=64), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_wallet_pass_offer_id"), "ledger_offer", ["offer_id"], ["id"]
        )
        batch_op.drop_constraint(op.f("uq_wallet_pass_member_id_pass_type"), type_="unique")
    op.create_index(
        "ux_wallet_pass_card",
        "wallet_pass",
        ["member_id", "pass_type"],
        unique=True,
        postgresql_where=OF_CARDS,
        sqlite_where=OF_CARDS,
    )
    op.create_index(
        "ux_wallet_pass_offer",
        "wallet_pass",
        ["member_id", "offer_id"],
        unique=True,
        postgresql_where=OF_OFFERS,
        sqlite_where=OF_OFFERS,
    )
    _key_classes_by("class_id")


def downgrade() -> None:
    """Coupons go: the release before has no place for them."""
    op.execute(
        "DELETE FROM google_class WHERE class_id NOT IN (SELECT c.class_id FROM google_class c"
        " JOIN ledger_programme p ON p.id = c.programme_id"
        " WHERE c.class_id LIKE '%.' || p.code)"
    )
    op.execute(
        "DELETE FROM google_class WHERE class_id NOT IN"
        " (SELECT max(class_id) FROM google_class GROUP BY programme_id)"
    )
    _key_classes_by("programme_id")
    coupons = "(SELECT id FROM wallet_pass WHERE offer_id IS NOT NULL)"
    for table in (
        "apple_registration",
        "apple_push",
        "apple_sealed_pass",
        "google_due",
        "google_alert",
        "google_object",
    ):
        op.execute(f"DELETE FROM {table} WHERE pass_id IN {coupons}")  # noqa: S608
    op.execute("DELETE FROM wallet_pass WHERE offer_id IS NOT NULL")
    offers = "(SELECT id FROM wallet_template WHERE purpose = 'offer')"
    op.execute(f"DELETE FROM wallet_template_image WHERE template_id IN {offers}")  # noqa: S608
    op.execute("DELETE FROM wallet_template WHERE purpose = 'offer'")
    op.drop_index("ux_wallet_pass_offer", "wallet_pass")
    op.drop_index("ux_wallet_pass_card", "wallet_pass")
    with op.batch_alter_table("wallet_pass") as batch_op:
        batch_op.create_unique_constraint(
            op.f("uq_wallet_pass_member_id_pass_type"), ["member_id", "pass_type"]
        )
        batch_op.drop_constraint(op.f("fk_wallet_pass_offer_id"), type_="foreignkey")
        batch_op.drop_column("enrolment")
        batch_op.drop_column("offer_id")
        batch_op.drop_column("ends_at")
        batch_op.drop_column("state")
    op.drop_column("wallet_template", "purpose")


def _key_classes_by(key: str) -> None:
    """A class of a programme was its only one; now an offer has one of its own. The table is small:
    it is written anew."""
    columns = "class_id, programme_id, template_id, lease_until"
    op.execute(f"CREATE TABLE google_class_before AS SELECT {columns} FROM google_class")  # noqa: S608
    op.drop_table("google_class")
    op.create_table(
        "google_class",
        sa.Column("class_id", sa.String(length=120), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("template_id", Identifier, nullable=True),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_google_class_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["wallet_template.id"], name=op.f("fk_google_class_template_id")
        ),
        sa.PrimaryKeyConstraint(key, name=op.f("pk_google_class")),
    )
    op.execute(f"INSERT INTO google_class ({columns}) SELECT {columns} FROM google_class_before")  # noqa: S608
    op.drop_table("google_class_before")
