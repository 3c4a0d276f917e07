"""The history of the schema, on both databases."""

import uuid
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from processes import processes
from sqlalchemy import bindparam, insert, inspect, select, text

from ledger import accruals, members, programmes
from ledger.accruals import Grant
from ledger.database import Database, Instant
from ledger.errors import PhoneTaken
from ledger.members import Member, Person, Profile
from ledger.programmes import Terms
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.google.copies import GoogleClass, GoogleObject
from wallet.passes import issuing
from wallet.sandbox import demo
from wallet.settings import DEMO


@pytest.fixture
def empty(request, tmp_path):
    """A database with nothing in it, of the kind that `database_url` has."""
    kind = request.node.callspec.params["database_url"]
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server = request.getfixturevalue("postgres")
        name = f"empty_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        url = server.url(name)
    database = Database(LedgerSettings(url))
    yield database
    database.close()


def test_from_nothing_to_today_and_back(empty: Database, database_url: str) -> None:
    assert not migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    assert migrations.is_current(empty.engine)
    migrations.upgrade(empty.engine)
    migrations.downgrade(empty.engine, "base")
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}


def test_a_card_of_the_first_release_is_there_after_an_upgrade(
    empty: Database, database_url: str
) -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine)
    with empty.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        profile = Profile(name="Анна")
        pass_ = issuing.join(session, programme, profile, "pass.sandbox.loyalty", "key", now)
        accruals.grant(session, session.get_one(Member, pass_.member_id), Grant(120), now)
    migrations.downgrade(empty.engine, "0001")  # what such a card was in the first release
    before = everything(empty)
    migrations.upgrade(empty.engine)
    after = everything(empty)
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[name]] if rows else []
        assert kept == rows, name
    assert {name for name in after if name not in before} == {
        "google_alert",
        "google_budget",
        "google_class",
        "google_due",
        "google_nonce",
        "google_object",
        "ledger_consent",
        "ledger_consent_text",
        "ledger_programme_text",
    }
    migrations.downgrade(empty.engine, "0001")
    assert everything(empty) == before


def test_a_card_at_google_is_read_again_and_its_class_written_anew(
    empty: Database, database_url: str
) -> None:
    """What 0003 makes of an installation that was at Google before it."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    migrations.upgrade(empty.engine)
    with empty.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        pass_ = issuing.join(session, programme, Profile(), "pass.sandbox.loyalty", "key", now)
    migrations.downgrade(empty.engine, "0002")
    with empty.transaction() as session:
        session.execute(
            text(
                "INSERT INTO google_object (pass_id, object_id, version, saved, created_at)"
                " VALUES (:id, '33.a', 1, :saved, :now)"
            ).bindparams(bindparam("now", type_=Instant())),
            {"id": pass_.id, "saved": True, "now": now},
        )
        session.execute(
            text(
                "INSERT INTO google_class (programme_id, class_id, template_id, lease_until)"
                " VALUES (:id, '33.demo', :template, :now)"
            ).bindparams(bindparam("now", type_=Instant())),
            {"id": programme.id, "template": pass_.template_id, "now": now},
        )
    before = everything(empty)
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        known = session.scalars(select(GoogleObject)).one()
        assert (known.object_id, known.version, known.saved) == ("33.a", 1, True)
        assert known.check_at == known.created_at == now
        assert session.scalars(select(GoogleClass.template_id)).one() is None
    migrations.downgrade(empty.engine, "0002")
    assert everything(empty)["google_object"] == before["google_object"]


def test_members_who_shared_a_phone_number_go_on_and_nobody_joins_them(
    empty: Database, database_url: str
) -> None:
    """What 0004 makes of members of the releases before it."""
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    anna, double, abroad, nameless = "+79991234567", "+79991234567", "+79991234567", None
    migrations.upgrade(empty.engine, "0003")
    with empty.transaction() as session:
        for code in ("demo", "tea"):
            programmes.create(session, Terms(code, code), now)
        for number, (programme_id, phone) in enumerate(
            [(1, anna), (1, double), (2, abroad), (1, nameless), (1, nameless)], start=1
        ):
            session.execute(
                insert(Member).values(
                    public_id=str(number), programme_id=programme_id, created_at=now
                )
            )
            session.execute(
                text(
                    "INSERT INTO ledger_person (member_id, programme_id, phone, email)"
                    " VALUES (:number, :programme, :phone, :email)"
                ),
                {"number": number, "programme": programme_id, "phone": phone, "email": "a@b.c"},
            )
    migrations.upgrade(empty.engine)
    with empty.reading() as session:
        people = session.scalars(select(Person).order_by(Person.member_id)).all()
        assert [one.phone for one in people] == [anna, double, abroad, nameless, nameless]
        assert [one.phone_shared for one in people] == [False, True, False, False, False]
        assert [one.email_shared for one in people] == [False, True, False, True, True]
    with pytest.raises(PhoneTaken), empty.transaction() as session:
        members.add(session, 1, Profile(phone=anna), now)
    with empty.transaction() as session:
        first, second = session.get_one(Member, 1), session.get_one(Member, 2)
        members.change(session, first, {"phone": "+79990000000"}, now)
        assert not session.get_one(Person, second.id, populate_existing=True).phone_shared
    migrations.downgrade(empty.engine, "0003")
    with empty.reading() as session:
        query = text("SELECT phone FROM ledger_person ORDER BY member_id")
        assert session.scalars(query).all() == ["+79990000000", double, abroad, None, None]


def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    """The rows of all tables."""
    names = set(inspect(database.engine).get_table_names()) - {"alembic_version"}
    with database.reading() as session:
        return {
            name: sorted(
                map(dict, session.execute(text(f"SELECT * FROM {name}")).mappings()),  # noqa: S608
                key=repr,
            )
            for name in names
        }


def test_the_schema_is_what_the_models_say(empty: Database, database_url: str) -> None:
    migrations.upgrade(empty.engine)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, migrations.METADATA) == []


def test_machines_may_migrate_at_once(empty: Database, environment, tmp_path) -> None:
    url = empty.engine.url.render_as_string(hide_password=False)
    with processes({**environment, "WALLET_DATABASE_URL": url}, tmp_path) as service:
        started = [service.start("migrate") for _ in range(4)]
        assert [one.wait(60) for one in started] == [0] * 4, service.log_of("migrate")
    assert migrations.is_current(empty.engine)
