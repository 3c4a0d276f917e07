"""Cards are blocked, void or expired; passes are lost, links renewed; keys are of a programme"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Until now a number was refused for one reason alone.
REPLACED = "UPDATE ledger_card SET blocked_for = 'replaced' WHERE blocked_at IS NOT NULL"

# A decision about a card is from now on one about the number that it shows, the member's newest.
# The passes of members who were erased are void for good, and their numbers are gone.
DECIDED = """
UPDATE ledger_card SET {column} = {value} WHERE blocked_at IS NULL AND id IN (
  SELECT max(c.id) FROM ledger_card c
  JOIN ledger_member m ON m.id = c.member_id
  JOIN wallet_pass p ON p.member_id = c.member_id AND p.offer_id IS NULL
  WHERE m.erased_at IS NULL AND {condition} GROUP BY c.member_id)"""
VOID = DECIDED.format(column="void_at", value=":now", condition="p.state = 'void'")
ENDS = DECIDED.format(
    column="expires_at",
    value="(SELECT max(p.ends_at) FROM wallet_pass p"
    " WHERE p.member_id = ledger_card.member_id AND p.offer_id IS NULL)",
    condition="p.ends_at IS NOT NULL",
)
BEFORE = ("offer_id IS NULL", "offer_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("ledger_card", sa.Column("blocked_for", sa.String(10), nullable=True))
    op.add_column("ledger_card", sa.Column("void_at", Instant(), nullable=True))
    op.add_column("ledger_card", sa.Column("expires_at", Instant(), nullable=True))
    connection = op.get_bind()
    connection.execute(sa.text(REPLACED))
    now = sa.bindparam("now", datetime.now(UTC), type_=Instant())
    connection.execute(sa.text(VOID).bindparams(now))
    connection.execute(sa.text(ENDS))
    op.add_column("wallet_pass", sa.Column("lost_at", Instant(), nullable=True))
    op.add_column(
        "wallet_pass",
        sa.Column("link_generation", Identifier, nullable=False, server_default="0"),
    )
    _index_passes(*(f"{condition} AND lost_at IS NULL" for condition in BEFORE))
    with op.batch_alter_table("wallet_api_key") as batch_op:
        batch_op.add_column(sa.Column("programme_id", Identifier, nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_wallet_api_key_programme_id"), "ledger_programme", ["programme_id"], ["id"]
        )


def downgrade() -> None:
    """Keys of one programme go, since the release before would let them into all. So do passes that
    were lost: it has no place for them."""
    op.execute("DELETE FROM wallet_api_key WHERE programme_id IS NOT NULL")
    with op.batch_alter_table("wallet_api_key") as batch_op:
        batch_op.drop_constraint(op.f("fk_wallet_api_key_programme_id"), type_="foreignkey")
        batch_op.drop_column("programme_id")
    lost = "(SELECT id FROM wallet_pass WHERE lost_at IS NOT NULL)"
    for table in (
        "apple_registration",
        "apple_push",
        "apple_sealed_pass",
        "apple_fetch",
        "apple_incident",
        "google_due",
        "google_alert",
        "google_message",
        "google_object",
    ):
        op.execute(f"DELETE FROM {table} WHERE pass_id IN {lost}")  # noqa: S608
    op.execute("DELETE FROM wallet_pass WHERE lost_at IS NOT NULL")
    _index_passes(*BEFORE)
    op.drop_column("wallet_pass", "link_generation")
    op.drop_column("wallet_pass", "lost_at")
    op.drop_column("ledger_card", "expires_at")
    op.drop_column("ledger_card", "void_at")
    op.drop_column("ledger_card", "blocked_for")


def _index_passes(of_cards: str, of_offers: str) -> None:
    """A member has one card of each pass type and one coupon of each offer, among these."""
    for name, column, condition in (
        ("ux_wallet_pass_card", "pass_type", of_cards),
        ("ux_wallet_pass_offer", "offer_id", of_offers),
    ):
        op.drop_index(name, "wallet_pass")
        where = sa.text(condition)
        op.create_index(
            name,
            "wallet_pass",
            ["member_id", column],
            unique=True,
            postgresql_where=where,
            sqlite_where=where,
        )
