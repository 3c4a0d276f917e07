"""Offers are in several languages, for an audience, and can be changed; gifts come with every
message; a programme may keep nothing personal"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

AT_ONCE = 1000  # rows rewritten by one statement


def _of_offers() -> list[sa.Column[Any]]:
    return [
        sa.Column("revision", Identifier, nullable=False, server_default="1"),
        sa.Column("audience", JsonDocument, nullable=True),
        sa.Column("begun_at", Instant(), nullable=True),
        sa.Column("after_id", Identifier, nullable=False, server_default="0"),
        sa.Column("last_id", Identifier, nullable=False, server_default="0"),
        sa.Column("frozen_at", Instant(), nullable=True),
    ]


def _of_gifts() -> dict[str, list[sa.Column[Any]]]:
    return {
        "outreach_campaign": [
            sa.Column("gift", Identifier, nullable=True),
            sa.Column("gift_live_days", Identifier, nullable=True),
            sa.Column("gift_expires_at", Instant(), nullable=True),
        ],
        "outreach_message_terms": [sa.Column("gift_live_days", Identifier, nullable=True)],
        "outreach_delivery": [sa.Column("gift_posting_id", Identifier, nullable=True)],
    }


def upgrade() -> None:
    for name in ("titles", "texts"):
        column = sa.Column(name, JsonDocument, nullable=False, server_default="{}")
        op.add_column("ledger_offer", column)
    for column in _of_offers():
        op.add_column("ledger_offer", column)
    _rewrite(_by_language)
    with op.batch_alter_table("ledger_offer") as offer:
        offer.drop_column("title")
        offer.drop_column("text")
        offer.alter_column("titles", existing_type=JsonDocument, server_default=None)
    op.create_table(
        "ledger_offer_member",
        sa.Column("offer_id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["ledger_offer.id"], name=op.f("fk_ledger_offer_member_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_offer_member_member_id")
        ),
        sa.PrimaryKeyConstraint("offer_id", "member_id", name=op.f("pk_ledger_offer_member")),
    )
    op.create_index("ix_ledger_offer_member_member_id", "ledger_offer_member", ["member_id"])
    with op.batch_alter_table("wallet_wave") as wave:
        wave.add_column(sa.Column("offer_id", Identifier, nullable=True))
        wave.create_foreign_key("fk_wallet_wave_offer_id", "ledger_offer", ["offer_id"], ["id"])
    op.add_column(
        "google_class",
        sa.Column("offer_revision", Identifier, nullable=False, server_default="0"),
    )
    for table, columns in _of_gifts().items():
        for column in columns:
            op.add_column(table, column)
    op.add_column(
        "ledger_programme",
        sa.Column("keeps_personal", sa.Boolean(), nullable=False, server_default=sa.true()),
    )


def downgrade() -> None:
    op.drop_column("ledger_programme", "keeps_personal")
    for table, columns in _of_gifts().items():
        for column in columns:
            op.drop_column(table, column.name)
    op.drop_column("google_class", "offer_revision")
    # The release before knows no wave over an audience: what it did not reach keeps what it shows.
    op.execute("DELETE FROM wallet_wave WHERE offer_id IS NOT NULL")
    with op.batch_alter_table("wallet_wave") as wave:
        wave.drop_constraint("fk_wallet_wave_offer_id", type_="foreignkey")
        wave.drop_column("offer_id")
    op.drop_table("ledger_offer_member")
    for name, length in (("title", 100), ("text", 2000)):
        column = sa.Column(name, sa.String(length), nullable=False, server_default="")
        op.add_column("ledger_offer", column)
    _rewrite(_in_one_language)
    # The release before would show to all what was for an audience.
    op.execute(
        "UPDATE ledger_offer SET withdrawn_at = created_at"
        " WHERE audience IS NOT NULL AND withdrawn_at IS NULL"
    )
    with op.batch_alter_table("ledger_offer") as offer:
        for name in ("titles", "texts", *(column.name for column in reversed(_of_offers()))):
            offer.drop_column(name)
        offer.alter_column("title", existing_type=sa.String(100), server_default=None)
        offer.alter_column("text", existing_type=sa.String(2000), server_default=None)


def _rewrite(written: Any) -> None:
    """Write each offer anew, a bounded number at a time; `written` makes its new columns from the
    row and the programme's own language."""
    connection = op.get_bind()
    offers, programmes = sa.MetaData(), sa.MetaData()
    offer = sa.Table("ledger_offer", offers, autoload_with=connection, resolve_fks=False)
    programme = sa.Table("ledger_programme", programmes, autoload_with=connection)
    locales = dict(connection.execute(sa.select(programme.c.id, programme.c.locale)).all())
    last = 0
    while True:
        rows = connection.execute(
            sa.select(offer).where(offer.c.id > last).order_by(offer.c.id).limit(AT_ONCE)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        changed = [{"the_id": row.id, **written(row, locales[row.programme_id])} for row in rows]
        names = [name for name in changed[0] if name != "the_id"]
        connection.execute(
            sa.update(offer)
            .where(offer.c.id == sa.bindparam("the_id"))
            .values(
                {name: sa.bindparam(f"new_{name}", type_=offer.c[name].type) for name in names}
            ),
            [
                {"the_id": one["the_id"], **{f"new_{name}": one[name] for name in names}}
                for one in changed
            ],
        )


def _by_language(row: Any, locale: str) -> dict[str, Any]:
    texts = {locale: row.text} if row.text else {}
    return {"titles": {locale: row.title}, "texts": texts}


def _in_one_language(row: Any, locale: str) -> dict[str, Any]:
    """The programme's own language, else any."""
    titles, texts = _document(row.titles), _document(row.texts)
    language = locale if locale in titles else next(iter(titles), locale)
    text = texts.get(language) or next(iter(texts.values()), "")
    return {"title": titles.get(language, "")[:100], "text": text[:2000]}


def _document(stored: Any) -> dict[str, str]:
    """SQLite's driver knows no documents: there they are read as text."""
    found: dict[str, str] = json.loads(stored) if isinstance(stored, str) else stored
    return found
