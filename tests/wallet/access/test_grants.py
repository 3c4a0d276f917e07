"""Keys that people of the staff make: nobody gives a key more than they have."""

import sqlite3
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from ledger.database.engine import Database
from ledger.programmes import programmes
from wallet.access import apikeys, grants
from wallet.access.apikeys import KnownKeys, NotRecognised
from wallet.access.changes import Author, RecordedChange
from wallet.access.grants import Doer, KeyTerms
from wallet.access.rights import ALL, Actor, may_give
from wallet.access.roles import EVERY_RIGHT, GROUPS, RIGHTS_OF, ROLES, allows
from wallet.errors import ApiKeyRefused, BeyondOwnRights, UnknownApiKey

BY = Author("employee", "anna@example.com")
DEMO, CLUB = 1, 2


def doer(*held: tuple[str, int | None]) -> Doer:
    """Somebody with these roles. No person of the database: their rights are what is said here."""
    return Doer(BY, tuple(Actor("x", RIGHTS_OF[role], where) for role, where in held))


def recognised(installation, key: str, now: datetime) -> Actor | NotRecognised:
    known = KnownKeys(installation.database, "the key of the environment")
    return known.recognise(key, now, only_reads=False)


class TestGiving:
    def test_rights_of_several_roles_add_up_where_they_count(self) -> None:
        both = doer(("viewer", None), ("cashier", DEMO)).actors
        assert may_give(both, {"members:read", "points:write"}, DEMO)
        assert not may_give(both, {"points:write"}, CLUB)
        assert not may_give(both, {"points:write"}, None)
        assert may_give(both, {"members:read"}, None)

    def test_everything_is_given_by_those_alone_who_have_everything(self) -> None:
        assert may_give(doer(("administrator", DEMO)).actors, {ALL}, DEMO)
        assert not may_give(doer(("administrator", DEMO)).actors, {ALL}, None)
        assert not may_give(doer(("manager", None)).actors, {ALL}, DEMO)

    def test_every_right_has_its_place_among_the_groups(self) -> None:
        placed = [right for group in GROUPS.values() for right in group]
        assert sorted(placed) == sorted(EVERY_RIGHT)

    def test_a_role_has_no_right_that_there_is_not(self) -> None:
        assert {right for role in ROLES for right in RIGHTS_OF[role]} <= {*EVERY_RIGHT, ALL}
        assert all(allows("administrator", right) for right in EVERY_RIGHT)


class TestKeys:
    @pytest.fixture(autouse=True)
    def club(self, installation, clock) -> None:
        with installation.database.transaction() as session:
            made = programmes.create(session, programmes.Terms("club", "Club"), clock())
            assert made.id == CLUB

    @pytest.fixture
    def issue(self, installation, clock):
        def issue(by: Doer, name: str, *scopes: str, programme: int | None = DEMO, **more) -> str:
            with installation.database.transaction() as session:
                terms = KeyTerms(name, scopes, programme, **more)
                return grants.issue_key(session, by, terms, clock())

        return issue

    def test_one_is_made_and_noted_and_works(self, issue, installation, clock) -> None:
        manager = doer(("manager", DEMO))
        key = issue(manager, "crm", "members:read", "points:write")
        known = recognised(installation, key, clock())
        assert (known.rights, known.programme_id) == ({"members:read", "points:write"}, DEMO)
        with installation.database.reading() as session:
            (line,) = session.scalars(select(RecordedChange)).all()
        assert (line.code, line.author_name, line.of_id) == ("key.added", BY.name, "crm")
        assert key not in str(vars(line))

    @pytest.mark.parametrize(
        ("scopes", "programme"),
        [
            (["*"], DEMO),
            (["members:read"], None),
            (["members:read"], CLUB),
        ],
    )
    def test_none_has_more_than_who_makes_it(self, issue, scopes, programme) -> None:
        with pytest.raises(BeyondOwnRights):
            issue(doer(("manager", DEMO)), "crm", *scopes, programme=programme)

    def test_who_may_not_make_keys_makes_none(self, issue) -> None:
        with pytest.raises(BeyondOwnRights):
            issue(doer(("marketer", None)), "crm", "members:read")

    def test_what_does_not_fit_is_refused_as_by_the_command(self, issue, clock) -> None:
        manager = doer(("manager", DEMO))
        issue(manager, "crm", "members:read")
        for name, scopes, more in (
            ("crm", ["members:read"], {}),
            ("", ["members:read"], {}),
            ("till", [], {}),
            ("till", ["members:read"], {"expires_at": clock() - timedelta(1)}),
        ):
            with pytest.raises(ApiKeyRefused):
                issue(manager, name, *scopes, **more)

    def test_one_sees_and_ends_keys_of_ones_own_programmes(
        self, issue, installation, clock
    ) -> None:
        head, anna = doer(("administrator", None)), doer(("manager", DEMO))
        issue(head, "demo", "members:read")
        issue(head, "club", "members:read", programme=CLUB)
        issue(head, "all", "members:read", programme=None)
        with installation.database.transaction() as session:
            assert [one.name for one in grants.keys_of(session, head.actors)] == [
                "all",
                "club",
                "demo",
            ]
            (mine,) = grants.keys_of(session, anna.actors)
            assert mine.name == "demo"
            for name in ("club", "all"):
                id_ = apikeys.named(session, name).id
                with pytest.raises(UnknownApiKey):
                    grants.key_of(session, anna.actors, id_)
                with pytest.raises(UnknownApiKey):
                    grants.revoke_key(session, anna, name, clock())
            grants.revoke_key(session, anna, "demo", clock())
            assert not apikeys.named(session, "demo").is_live(clock())

    def test_when_it_was_last_used_is_known_to_the_hour(self, issue, installation, house) -> None:
        key = issue(doer(("manager", DEMO)), "crm", "members:read")
        used = []
        for minutes in (0, 59, 2):
            house.clock.advance(minutes=minutes)
            assert recognised(installation, key, house.clock())
            with installation.database.reading() as session:
                used.append(apikeys.named(session, "crm").used_at)
        assert used[0] == used[1] == used[2] - timedelta(minutes=61)

    def test_a_database_that_takes_nothing_refuses_no_key(
        self, issue, installation, clock, monkeypatch
    ) -> None:
        key = issue(doer(("manager", DEMO)), "crm", "members:read")

        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL

        def transaction(_database):
            raise OperationalError("UPDATE", {}, full)

        monkeypatch.setattr(Database, "transaction", transaction)
        assert recognised(installation, key, clock())
