"""What every test would make again and what is the same each time: parsed keys, compiled routes and
statements. A plugin of pytest; it keeps them for as long as the process lives.

Nothing can get from one test into the next this way: keys and compiled code are never changed, and
each is kept under everything that it was made from."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import Dialect, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from wallet.google import account

MOST_STATEMENTS = 3000


@pytest.fixture(scope="session", autouse=True)
def _keys() -> Iterator[None]:
    """Reading an RSA key includes checking it, which takes as long as several requests. A key that
    cannot be read is not kept: it fails each time."""
    load = functools.cache(serialization.load_pem_private_key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "load_pem_private_key", load)
        patch.setattr(account, "load_pem_private_key", load)
        yield


@pytest.fixture(scope="session", autouse=True)
def _routes() -> Iterator[None]:
    """Each application has ninety routes, and werkzeug writes two functions for each. They depend
    only on the route's parts, if there are no defaults among them."""
    write: Callable[..., Any] = Rule._compile_builder
    written: dict[object, Any] = {}

    def written_once(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002
        if rule.defaults:
            return write(rule, append_unknown)
        key = (*rule._trace, append_unknown)
        if key not in written:
            written[key] = write(rule, append_unknown)
        return written[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", written_once)
        yield


class _Alike(Dialect):
    """A dialect that is the same for all engines of its kind, so that a statement which was
    compiled for one is compiled for all."""

    supports_statement_cache = True
    statements: LRUCache[Any, Any]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._json_deserializer is self._json_deserializer

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=cls.statements)


class SQLite(_Alike, SQLiteDialect_pysqlite):
    supports_statement_cache = True
    statements = LRUCache(MOST_STATEMENTS)


class PostgreSQL(_Alike, PGDialect_psycopg):
    supports_statement_cache = True
    statements = LRUCache(MOST_STATEMENTS)


registry.register("sqlite", __name__, "SQLite")
registry.register("postgresql.psycopg", __name__, "PostgreSQL")
