"""Looking for what is left of a person: in every row of every table, in files and in logs, in every
form that such data takes here."""

import base64
import contextlib
import functools
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, Table, TextClause, exists, literal, select, text

from ledger.database.engine import Database
from ledger.sales import months

ZIP = b"PK\x03\x04"
ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
GZIP = b"\x1f\x8b"


@functools.lru_cache(maxsize=256)
def ways(text: str) -> dict[str, bytes]:
    """The forms in which a text may be written: name of the form -> bytes."""
    utf8 = text.encode()
    found = {
        "UTF-8": utf8,
        "JSON": json.dumps(text)[1:-1].encode(),
        "UTF-16 LE": text.encode("utf-16-le"),
        "UTF-16 BE": text.encode("utf-16-be"),
        "address": quote(text, safe="").encode(),
        "form": quote_plus(text).encode(),
        "hex": utf8.hex().encode(),
        "JSON in hex": json.dumps(text)[1:-1].encode().hex().encode(),
    }
    # In the middle of a Base64 text, three bytes become four signs: a text looks different at each
    # of the three places where it may begin.
    for shift in range(3):
        whole = base64.b64encode(b"\x00" * shift + utf8)
        found[f"Base64, {shift}"] = whole[(0, 2, 3)[shift] : len(whole) - 4]
    return {name: value for name, value in found.items() if len(value) >= 4}


def traces(data: bytes, texts: Iterable[str], depth: int = 3) -> list[str]:
    """Which of the texts are in these bytes, and in which form; archives are looked into, `depth`
    levels down."""
    found = _as_it_is(data, texts)
    if depth:
        for inner in _unpacked(data):
            found += [f"{one}, packed" for one in traces(inner, texts, depth - 1)]
    return found


def _as_it_is(data: bytes, texts: Iterable[str]) -> list[str]:
    return [f"{text} ({way})" for text in texts for way, form in ways(text).items() if form in data]


def in_tables(database: Database, texts: Iterable[str]) -> list[str]:
    """Traces in any row of any table of the database, whether or not a model knows the table."""
    found = []
    schema = _schema(database.engine)
    with database.reading() as session:
        filled = session.execute(schema.filled).one()
        for table, has_rows in zip(schema.tables, filled, strict=True):
            if has_rows:
                rows = session.execute(select(table)).all()
                columns = zip(table.columns.keys(), zip(*rows, strict=True), strict=True)
                for column, values in columns:
                    found += [
                        f"{table.name}.{column}: {one}"
                        for one in _in_values([_bytes(value) for value in values], texts)
                    ]
    return found


def _in_values(values: list[bytes], texts: Iterable[str]) -> list[str]:
    """Traces in any of the values. What is in none of them is in all of them together neither, and
    that is found out much sooner."""
    suspects = values if _as_it_is(b"\0".join(values), texts) else filter(_is_packed, values)
    return [one for value in suspects for one in traces(value, texts)]


@dataclass(frozen=True)
class _Schema:
    tables: list[Table]
    filled: TextClause  # of each of them, whether it has rows


_described: dict[tuple[str, str | None], _Schema] = {}


def _schema(engine: Engine) -> _Schema:
    """The tables as the database itself describes them; kept for each revision, since asking takes
    longer than looking through them."""
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        key = (engine.dialect.name, revision)
        if key not in _described:
            metadata = MetaData()
            # A partition has the rows of its table, and new ones come.
            metadata.reflect(connection, only=lambda name, _: not months.is_one(name))
            tables = list(metadata.tables.values())
            rows = [exists(select(literal(1)).select_from(one)) for one in tables]
            asked = select(*rows).compile(engine, compile_kwargs={"literal_binds": True})
            _described[key] = _Schema(tables, text(str(asked)))
        return _described[key]


def in_files(folder: Path, texts: Iterable[str]) -> list[str]:
    return [
        f"{path}: {one}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for one in traces(path.read_bytes(), texts)
    ]


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False).encode()
    return str(value).encode()


def _is_packed(data: bytes) -> bool:
    return ZIP in data or data.startswith((*ZLIB, GZIP))


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What is compressed in the data, wherever it begins."""
    if ZIP in data:
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    yield archive.read(member)
    if data.startswith((*ZLIB, GZIP)):
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(data, wbits=47)
