"""Taking a backup of a running service: one file, all of it from one moment."""

import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.settings import LedgerSettings
from wallet import __version__
from wallet.backups import manifest, postgres
from wallet.backups.encryption import Encrypting
from wallet.backups.manifest import DATABASE, NAME, SECRETS, BackupRefused, Manifest
from wallet.configuration.keyring import Key, KeyRing
from wallet.configuration.settings import Settings

KEYS_FILE = f"{SECRETS}keys.env"


def take(
    database: Database, settings: Settings, target: Path, now: datetime, *, with_secrets: bool
) -> Manifest:
    """Write the backup to `target`, which must not exist, encrypted with the first key of the ring;
    until it is complete it has another name. Raises `BackupRefused`."""
    if target.exists():
        raise BackupRefused("file_exists", f"{target} exists already.")
    if not target.parent.is_dir():
        raise BackupRefused(
            "folder_missing",
            f"There is no folder {target.parent}. Make it first, or mount what it should be on.",
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    # Where the database may lie as well: only what is encrypted comes near the backup's place.
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=settings.data) as name:
        folder = Path(name)
        copy = folder / DATABASE
        tool = None
        if not database.is_sqlite:
            server = postgres.server_version(database.engine)
            tool = postgres.require("pg_dump", server, "the server")
        with _copied(database, copy) as session:
            members, passes = manifest.counts(session)
            parts = [(DATABASE, copy), *(_secrets(settings, folder) if with_secrets else ())]
            made = Manifest(
                made_at=now,
                version=__version__,
                kind="sqlite" if database.is_sqlite else "postgresql",
                tool=tool,
                revision=_revision(session),
                members=members,
                passes=passes,
                keys=tuple(manifest.keys(session)),
                book=manifest.book(session),
                parts=tuple(manifest.part(name, path) for name, path in parts),
            )
        _pack(made, parts, target, KeyRing(settings.secret_keys).first)
    return made


def _pack(made: Manifest, parts: Sequence[tuple[str, Path]], target: Path, key: Key) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("xb") as file:
            with (
                Encrypting(file, key) as encrypting,
                zipfile.ZipFile(encrypting, "w", zipfile.ZIP_DEFLATED) as archive,
            ):
                archive.writestr(NAME, made.model_dump_json(indent=2))
                for name, path in parts:
                    archive.write(path, name)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _copied(database: Database, copy: Path) -> Iterator[Session]:
    """Copy the database to `copy`, and give a session that reads the copied state."""
    if not database.is_sqlite:
        engine = database.engine.execution_options(begin="BEGIN ISOLATION LEVEL REPEATABLE READ")
        with engine.connect() as connection:
            snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
            postgres.dump(database.engine, snapshot, copy)
            with Session(connection) as session:
                yield session
        return
    with (
        closing(sqlite3.connect(database.engine.url.database or "")) as source,
        closing(sqlite3.connect(copy)) as destination,
    ):
        source.backup(destination)  # in one step: the copy is of one moment
        destination.execute("PRAGMA journal_mode = DELETE")
    copied = Database(LedgerSettings(f"sqlite:///{copy}"))
    try:
        if (damage := copied.damage()) is not None:
            raise BackupRefused(
                "database_damaged",
                f"The database's file is damaged ({damage}). Keep the backups that you have, and"
                " restore the newest good one.",
            )
        with copied.reading() as session:
            yield session
    finally:
        copied.close()  # the last connection to close removes the journal


def _revision(session: Session) -> str:
    context = MigrationContext.configure(session.connection())
    found = context.get_current_revision()
    if found is None:
        raise BackupRefused("no_schema", "The database is empty: there is nothing to back up.")
    return found


def _secrets(settings: Settings, folder: Path) -> Sequence[tuple[str, Path]]:
    """The key ring, Apple's certificates with their keys, and Google's key file."""
    ring = folder / "keys.env"
    ring.write_text(f"WALLET_SECRET_KEY={','.join(settings.secret_keys)}\n")
    found = [(KEYS_FILE, ring)]
    if settings.apple_certs is not None:
        for path in sorted(settings.apple_certs.rglob("*")):
            if path.is_file():
                name = f"{SECRETS}certs/{path.relative_to(settings.apple_certs)}"
                found.append((name, path))
    if settings.google is not None and settings.google.credentials.exists():
        found.append((f"{SECRETS}google.json", settings.google.credentials))
    return [one for one in found if manifest.PART_NAME.fullmatch(one[0])]
