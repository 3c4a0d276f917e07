"""What every test would make again and what is the same each time: parsed keys, compiled routes,
templates and statements, the description of the API. A plugin of pytest; it keeps them for as long
as the process lives.

Nothing can get from one test into the next this way: keys and compiled code are never changed, and
each is kept under everything that it was made from."""

import functools
import gc
import json
import sys
from collections.abc import Callable, Iterator
from types import CodeType, MethodType
from typing import Any

import pytest
from apiflask import APIFlask
from cryptography.hazmat.primitives import serialization
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Dialect, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from wallet.google import account
from wallet.installation import current_installation

MOST_STATEMENTS = 3000

# jsonschema would get a parser ready for each part of an address in letters of all alphabets, which
# takes seconds, for formats that no schema here names: `iri` and `iri-reference`.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


# All that is imported and collected stays to the end. The garbage collector need not walk through
# it again and again to find that out.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _keys() -> Iterator[None]:
    """Reading an RSA key includes checking it, which takes as long as several requests. A key that
    cannot be read is not kept: it fails each time."""
    load = functools.cache(serialization.load_pem_private_key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serialization, "load_pem_private_key", load)
        patch.setattr(account, "load_pem_private_key", load)
        yield


# What werkzeug works out of the text of a route.
PARSED = ("_parts", "_trace", "_converters", "_build", "_build_unknown")


@pytest.fixture(scope="session", autouse=True)
def _routes() -> Iterator[None]:
    """Each application has more than a hundred routes, and werkzeug parses each and writes two
    functions for it. All that depends only on how the route is written, if there are no defaults
    among its parts."""
    parse: Callable[[Rule], None] = Rule.compile
    parsed: dict[object, tuple[dict[str, Any], frozenset[str]]] = {}

    def parsed_once(rule: Rule) -> None:
        if rule.defaults or rule.map.host_matching:
            parse(rule)
            return
        key = (rule.rule, rule.subdomain, rule.merge_slashes, *rule.map.converters.items())
        if key not in parsed:
            parse(rule)
            kept = {name: getattr(rule, name) for name in PARSED}
            parsed[key] = (kept, frozenset(rule.arguments))
        kept, arguments = parsed[key]
        for name, value in kept.items():
            setattr(rule, name, MethodType(value.__func__, rule) if callable(value) else value)
        rule.arguments.update(arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", parsed_once)
        yield


class _Templates(BytecodeCache):
    """The code of each template, by its name and its source."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _templates() -> Iterator[None]:
    """Each application has an environment of its own for its templates, and to compile a page of
    the console takes as long as ten requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": _Templates()})
        yield


@pytest.fixture(scope="session", autouse=True)
def _contract() -> Iterator[None]:
    """To describe the API takes a second. The description depends on the routes, on the public
    address and on the rate limits; each application gets a copy of its own."""
    describe: Callable[..., Any] = APIFlask._get_spec
    described: dict[object, str] = {}

    def described_once(app: APIFlask, *how: Any, **more: Any) -> Any:
        settings = current_installation().settings
        routes = sorted(map(str, app.url_map.iter_rules()))
        key = (settings.public_url, str(settings.rate_limits), *routes)
        if key not in described:
            described[key] = json.dumps(describe(app, *how, **more))
        return json.loads(described[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(APIFlask, "_get_spec", described_once)
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
