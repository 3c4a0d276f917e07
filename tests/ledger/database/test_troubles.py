"""Troubles of databases, told apart by what the databases themselves say."""

import errno
import sqlite3
from pathlib import Path

import pytest
from servers import Postgres, free_port
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from ledger.database import troubles
from ledger.database.troubles import Trouble

NOT_CREATED = "There is no such database: create it first, for instance by `createdb NAME`."


def _error(url: str, statement: str = "SELECT 1") -> DBAPIError:
    engine = create_engine(url)
    try:
        with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
    return caught.value


def test_why_no_connection_came_about_is_said_apart(postgres: Postgres) -> None:
    nowhere = f"postgresql+psycopg://us@127.0.0.1:{free_port()}/kopilka"
    for url, sentence in (
        (postgres.url("nobody_made_it"), NOT_CREATED),
        (
            postgres.url("postgres").replace("postgres@", "nobody_knows_me@"),
            "The server knows no such user.",
        ),
        (nowhere, "Nothing listens there: does the server run?"),
        (
            "postgresql+psycopg:///kopilka?host=/nowhere",
            "There is no socket of a server on this machine: does the server run?",
        ),
        ("postgresql+psycopg://us@no.such.host.invalid/x", "Its host name is not known."),
    ):
        error = _error(url)
        assert troubles.why(error) == sentence
        assert troubles.found_in(error) is Trouble.UNAVAILABLE


def test_a_wrong_password_is_told_from_a_wrong_address() -> None:
    said = (
        'connection failed: FATAL:  password authentication failed for user "us"\n'
        'connection to server at "10.0.0.1", port 5432 failed'
    )
    error = OperationalError(None, None, Exception(said))
    assert troubles.why(error) == "The user name or the password is not right."


def test_what_only_this_statement_did_wrong_is_no_trouble(
    postgres: Postgres, tmp_path: Path
) -> None:
    for url in (postgres.url("postgres"), f"sqlite:///{tmp_path / 'x.db'}"):
        assert troubles.found_in(_error(url, "SELECT nothing FROM nowhere")) is None
    assert troubles.found_in(IntegrityError("", None, sqlite3.IntegrityError())) is None
    assert troubles.found_in(ValueError()) is None
    assert troubles.found_in(FileNotFoundError(errno.ENOENT, "")) is None


def test_a_file_without_room_and_a_disk_without_room_are_the_same_trouble(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("PRAGMA max_page_count = 2"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text("CREATE TABLE a AS SELECT zeroblob(100000)"))
    engine.dispose()
    assert troubles.found_in(caught.value) is Trouble.STORAGE_FULL
    assert troubles.why(caught.value) == "There is no room left on its disk."
    assert troubles.found_in(OSError(errno.ENOSPC, "")) is Trouble.STORAGE_FULL
    unreadable = f"sqlite:///{tmp_path / 'missing' / 'x.db'}"
    assert troubles.found_in(_error(unreadable)) is Trouble.UNAVAILABLE


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        ("53100", Trouble.STORAGE_FULL),
        ("57P03", Trouble.UNAVAILABLE),
        ("53300", Trouble.UNAVAILABLE),
        ("25006", Trouble.UNAVAILABLE),
        ("08006", Trouble.UNAVAILABLE),
        ("23505", None),
    ],
)
def test_postgresql_says_by_its_code_what_troubles_it(
    postgres: Postgres, state: str, trouble: Trouble | None
) -> None:
    raised = f"DO $$ BEGIN RAISE 'trouble' USING ERRCODE = '{state}'; END $$"
    assert troubles.found_in(_error(postgres.url("postgres"), raised)) is trouble
