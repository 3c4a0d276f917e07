"""Data as earlier releases wrote it: `load` puts it into a database of that release, so that
migrations are tried on data that really existed."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, DateTime, MetaData, Table, insert, text

from ledger.database.engine import Database
from ledger.database.tables import EPOCH, MICROSECOND

FOLDER = Path(__file__).parent.parent / "flows" / "releases"


def load(database: Database, revision: str) -> None:
    """Fill a database whose schema is at `revision`."""
    metadata = MetaData()
    metadata.reflect(database.engine)
    rows = json.loads((FOLDER / f"{revision}.json").read_text())
    with database.transaction() as session:
        for table in metadata.sorted_tables:
            if table.name in rows:
                values = [_row(table, row) for row in rows[table.name]]
                session.execute(insert(table), values)
                if not database.is_sqlite and "id" in table.c:
                    last = max(row["id"] for row in rows[table.name])
                    sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)")
                    session.execute(sequence, {"name": table.name, "last": last})


def _row(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(table.c[name].type, value) for name, value in row.items()}


def _value(kind: object, value: Any) -> Any:
    """The files hold values as SQLite does: moments as microseconds, documents as text."""
    if value is None:
        return None
    if isinstance(kind, DateTime):
        moment: datetime = EPOCH + value * MICROSECOND
        return moment
    if isinstance(kind, Boolean):
        return bool(value)
    if isinstance(kind, JSON) and isinstance(value, str):
        return json.loads(value)
    return value
