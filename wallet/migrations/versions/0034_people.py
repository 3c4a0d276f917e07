"""Members in the console: words by which they are found, segments with names, points by hand"""

import sqlalchemy as sa
from alembic import op

from ledger.database.tables import Identifier, Instant, JsonDocument
from ledger.people import search_words

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

WAITING = "state = 'waiting'"
AT_ONCE = 1_000  # people whose words are written together


def upgrade() -> None:
    word = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")
    op.create_table(
        "ledger_search_word",
        sa.Column("member_id", Identifier, nullable=False, autoincrement=False),
        sa.Column("word", word, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_ledger_search_word_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "word", name=op.f("pk_ledger_search_word")),
    )
    _write_words(op.get_bind())
    op.create_index(
        "ix_ledger_search_word_found", "ledger_search_word", ["programme_id", "word", "member_id"]
    )
    op.create_table(
        "ledger_segment",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("tree", JsonDocument, nullable=False),
        sa.Column("revision", Identifier, nullable=False),
        sa.Column("made_by", sa.String(254), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["ledger_programme.id"], name=op.f("fk_ledger_segment_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_segment")),
        sa.UniqueConstraint(
            "programme_id", "name", name=op.f("uq_ledger_segment_programme_id_name")
        ),
    )
    op.create_table(
        "wallet_adjustment",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("public_id", sa.String(36), nullable=False),
        sa.Column("programme_id", Identifier, nullable=False),
        sa.Column("member_id", Identifier, nullable=False),
        sa.Column("points", Identifier, nullable=False),
        sa.Column("reason", sa.String(300), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.String(254), nullable=False),
        sa.Column("asked_by_id", Identifier, nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.String(254), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("answer", sa.String(300), nullable=True),
        sa.Column("posting", sa.String(36), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["ledger_programme.id"],
            name=op.f("fk_wallet_adjustment_programme_id"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["ledger_member.id"], name=op.f("fk_wallet_adjustment_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["wallet_employee.id"], name=op.f("fk_wallet_adjustment_asked_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wallet_adjustment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_wallet_adjustment_public_id")),
    )
    op.create_index(
        "ix_wallet_adjustment_waiting",
        "wallet_adjustment",
        ["programme_id", "id"],
        postgresql_where=sa.text(WAITING),
        sqlite_where=sa.text(WAITING),
    )
    op.create_index("ix_wallet_adjustment_listed", "wallet_adjustment", ["programme_id", "id"])
    op.create_index("ix_wallet_adjustment_member", "wallet_adjustment", ["member_id", "id"])
    op.create_index("ix_wallet_adjustment_posting", "wallet_adjustment", ["posting"])
    op.add_column("ledger_programme", sa.Column("adjust_limit", Identifier, nullable=True))


def downgrade() -> None:
    op.drop_column("ledger_programme", "adjust_limit")
    for name in ("wallet_adjustment", "ledger_segment", "ledger_search_word"):
        op.drop_table(name)


def _write_words(connection: sa.Connection) -> None:
    """The words of everybody who is known, as `search_words` makes them today."""
    person = sa.table(
        "ledger_person",
        *(sa.column(name) for name in ("member_id", "programme_id", "name", "phone", "email")),
    )
    words = sa.table(
        "ledger_search_word",
        *(sa.column(name) for name in ("member_id", "word", "programme_id")),
    )
    query = sa.select(person).order_by(person.c.member_id).limit(AT_ONCE)
    after = -1
    while people := connection.execute(query.where(person.c.member_id > after)).all():
        rows = [
            {"member_id": one.member_id, "word": word, "programme_id": one.programme_id}
            for one in people
            for word in sorted(search_words.words_of(one))
        ]
        if rows:
            connection.execute(words.insert(), rows)
        after = people[-1].member_id
