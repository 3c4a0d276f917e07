"""Identifiers and push tokens of devices are encrypted

What was readable must not stay in the file: SQLite overwrites it (`secure_delete`), and PostgreSQL
writes the table anew when the types change, without the rows as they were before."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op

from wallet import migrations
from wallet.apple.device_secrets import DeviceSecrets

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

AT_ONCE = 1000
COLUMNS = ("library_id", "push_token")

# While their types change on PostgreSQL the encrypted values are text, in hexadecimal.
UPDATE = {
    "postgresql": """
    UPDATE apple_device SET library_id = given.library_id, push_token = given.push_token
    FROM unnest(CAST(:ids AS bigint[]), CAST(:library_ids AS text[]), CAST(:push_tokens AS text[]))
        AS given (id, library_id, push_token)
    WHERE apple_device.id = given.id""",
    "sqlite": """
    UPDATE apple_device SET library_id = :library_id, push_token = :push_token WHERE id = :id""",
}

# What phones had complained of was kept with the identifiers of devices in it.
NAMED = re.compile(r"\b[0-9A-Za-z_-]{32,}\b")

Row = tuple[int, Any, Any]


def upgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    if on_postgresql:
        _change_types("text", "{0}")
    _rewrite(_encrypted, on_postgresql=on_postgresql)
    if on_postgresql:
        _change_types("bytea", "decode({0}, 'hex')")
    else:
        _declare(sa.String(200), sa.LargeBinary())
    _clean_complaints(op.get_bind())


def downgrade() -> None:
    on_postgresql = op.get_context().dialect.name == "postgresql"
    if on_postgresql:
        _change_types("text", "encode({0}, 'hex')")
    _rewrite(_read, on_postgresql=on_postgresql)
    if on_postgresql:
        _change_types("varchar(200)", "{0}")
    else:
        _declare(sa.LargeBinary(), sa.String(200))


def _change_types(to: str, using: str) -> None:
    changes = ", ".join(
        f"ALTER COLUMN {column} TYPE {to} USING {using.format(column)}" for column in COLUMNS
    )
    op.execute(f"ALTER TABLE apple_device {changes}")


def _declare(was: sa.types.TypeEngine[Any], becomes: sa.types.TypeEngine[Any]) -> None:
    """On SQLite, which keeps what it is given whatever the column says: only what it says."""
    with op.batch_alter_table("apple_device") as table:
        for column in COLUMNS:
            table.alter_column(column, existing_type=was, type_=becomes, existing_nullable=False)


def _encrypted(secrets: DeviceSecrets, row: Any) -> tuple[bytes, bytes]:
    return secrets.encrypted(row.library_id, row.push_token, row.pass_type)


def _read(secrets: DeviceSecrets, row: Any) -> tuple[str, str]:
    return secrets.read(_bytes(row.library_id), _bytes(row.push_token), row.pass_type)


def _rewrite(new: Callable[[DeviceSecrets, Any], tuple[Any, Any]], *, on_postgresql: bool) -> None:
    connection = op.get_bind()
    secrets = None
    for rows in _batches(connection):
        secrets = secrets or DeviceSecrets(migrations.key_ring(context.config))
        changed = [(row.id, *new(secrets, row)) for row in rows]
        statement, values = _update(changed, on_postgresql=on_postgresql)
        connection.execute(sa.text(statement), values)


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    wanted = sa.text(
        "SELECT id, library_id, pass_type, push_token FROM apple_device"
        " WHERE id > :after ORDER BY id LIMIT :most"
    )
    after = 0
    while rows := connection.execute(wanted, {"after": after, "most": AT_ONCE}).all():
        yield rows
        after = rows[-1].id


def _update(rows: Sequence[Row], *, on_postgresql: bool) -> tuple[str, Any]:
    if not on_postgresql:
        given = [{"id": id_, "library_id": one, "push_token": two} for id_, one, two in rows]
        return UPDATE["sqlite"], given
    ids, library_ids, push_tokens = zip(*rows, strict=True)
    return UPDATE["postgresql"], {
        "ids": list(ids),
        "library_ids": [_text(value) for value in library_ids],
        "push_tokens": [_text(value) for value in push_tokens],
    }


def _bytes(value: bytes | str) -> bytes:
    return bytes.fromhex(value) if isinstance(value, str) else value


def _text(value: bytes | str) -> str:
    return value.hex() if isinstance(value, bytes) else value


def _clean_complaints(connection: sa.Connection) -> None:
    known = sa.text("SELECT serial FROM wallet_pass WHERE serial = :name")
    for row in connection.execute(sa.text("SELECT id, line FROM apple_complaint")).all():
        line = NAMED.sub(
            lambda found: found[0] if connection.scalar(known, {"name": found[0]}) else "…",
            row.line,
        )
        if line != row.line:
            update = sa.text("UPDATE apple_complaint SET line = :line WHERE id = :id")
            connection.execute(update, {"id": row.id, "line": line})
