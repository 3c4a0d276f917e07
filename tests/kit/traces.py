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
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import Engine, MetaData, Table, select

from ledger.database.engine import Database

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
    found = [
        f"{text} ({way})" for text in texts for way, form in ways(text).items() if form in data
    ]
    if depth:
        for inner in _unpacked(data):
            found += [f"{one}, packed" for one in traces(inner, texts, depth - 1)]
    return found


def in_tables(database: Database, texts: Iterable[str]) -> list[str]:
    """Traces in any row of any table of the database, whether or not a model knows the table."""
    found = []
    with database.reading() as session:
        for table in _tables(database.engine):
            for row in session.execute(select(table)).mappings():
                for column, value in row.items():
                    found += [
                        f"{table.name}.{column}: {one}" for one in traces(_bytes(value), texts)
                    ]
    return found


@functools.lru_cache(maxsize=4)
def _tables(engine: Engine) -> list[Table]:
    """The tables as the database itself describes them; kept, since asking takes longer than
    looking through them."""
    tables = MetaData()
    tables.reflect(engine)
    return list(tables.tables.values())


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
