"""What can be wrong with a database that is nobody's mistake: no room is left, or it is away. Both
pass, and what was asked for can be asked for again."""

import errno
import re
import sqlite3
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Trouble(StrEnum):
    """Its values are the codes that callers are given."""

    STORAGE_FULL = "storage_full"
    UNAVAILABLE = "database_unavailable"


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# SQLite finds no room for a page, or for what stands beside the file.
SQLITE_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
SQLITE_AWAY = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}
)
POSTGRES_NO_ROOM = "53100"
# The server stops, starts, was replaced by a copy that takes no writes, or has too many visitors.
POSTGRES_AWAY = frozenset({"57P01", "57P02", "57P03", "53300", "25006"})

# How PostgreSQL and its client say why no connection came about: there is no code for it.
UNCONNECTED = (
    (
        re.compile(r'database "[^"]*" does not exist'),
        "There is no such database: create it first, for instance by `createdb NAME`.",
    ),
    (
        re.compile(r"password authentication failed|no password supplied|[Pp]eer authentication"),
        "The user name or the password is not right.",
    ),
    (re.compile(r'role "[^"]*" does not exist'), "The server knows no such user."),
    (re.compile(r"Connection refused"), "Nothing listens there: does the server run?"),
    (
        re.compile(r"No such file or directory"),
        "There is no socket of a server on this machine: does the server run?",
    ),
    (
        re.compile(r"resolve host|Name or service not known|nodename nor servname"),
        "Its host name is not known.",
    ),
    (re.compile(r"timeout expired|timed out"), "The server does not answer in time."),
    (re.compile(r"starting up|shutting down"), "The server starts or stops just now."),
    (re.compile(r"too many clients|too many connections"), "The server has too many connections."),
)


def found_in(error: BaseException) -> Trouble | None:
    """The trouble behind an exception; None if it is a mistake of ours."""
    if isinstance(error, OSError):
        return Trouble.STORAGE_FULL if error.errno in NO_ROOM else None
    if isinstance(error, PoolTimeout):
        return Trouble.UNAVAILABLE
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _in_sqlite(getattr(error.orig, "sqlite_errorcode", 0))
    state = getattr(error.orig, "sqlstate", None)
    if state == POSTGRES_NO_ROOM:
        return Trouble.STORAGE_FULL
    is_lost = isinstance(error, OperationalError | InterfaceError) and (
        error.connection_invalidated or error.statement is None
    )
    away = is_lost or state in POSTGRES_AWAY or str(state).startswith("08")
    return Trouble.UNAVAILABLE if away else None


def _in_sqlite(code: int) -> Trouble | None:
    primary = code & 0xFF  # the rest says where in SQLite
    if {code, primary} & SQLITE_NO_ROOM:
        return Trouble.STORAGE_FULL
    return Trouble.UNAVAILABLE if primary in SQLITE_AWAY else None


def why(error: DBAPIError) -> str:
    """Why the database did not do what it was asked to, in a sentence for operators. It quotes
    neither statements nor rows."""
    said = str(error.orig)
    for pattern, sentence in UNCONNECTED:
        if pattern.search(said):
            return sentence
    if found_in(error) is Trouble.STORAGE_FULL:
        return "There is no room left on its disk."
    if isinstance(error.orig, sqlite3.Error):
        return f"SQLite says: {said}."
    return (
        f"Look at WALLET_DATABASE_URL, and whether the server runs ({type(error.orig).__name__})."
    )
