"""Restoring a backup into an empty database, so that phones go on as if nothing had happened.

Phones know tags and dates that were given out after the backup was made. So every pass becomes the
newest once more, with a tag and a date beyond all that can have been given out."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy import inspect, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from ledger.book import audit
from ledger.database.engine import Database
from ledger.people import members
from ledger.settings import LedgerSettings
from wallet import migrations, presence
from wallet.access import admission
from wallet.apple import devices
from wallet.backups import encryption, manifest, moving, postgres
from wallet.backups.manifest import (
    CHUNK_BYTES,
    DATABASE,
    LARGEST_BYTES,
    NAME,
    SECRETS,
    BackupPart,
    BackupRefused,
    Manifest,
)
from wallet.backups.taking import KEYS_FILE
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import Settings
from wallet.google import mirror
from wallet.outreach import campaigns
from wallet.passes import versioning
from wallet.passes.issued import Pass
from wallet.people import erasure
from wallet.receivers import log as receiver_log
from wallet.receivers import receivers

PASSES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `returned`: how many people are back who were erased after the backup was
    made, as far as the list in the data folder says. `resting`: receivers that were switched off
    for it. `secrets`: the files that were put back."""

    manifest: Manifest
    returned: int
    resting: tuple[str, ...]
    secrets: tuple[Path, ...]


def restore(settings: Settings, source: Path, now: datetime) -> Restored:
    """Restore the backup at `source` to where the settings point. Raises `BackupRefused`; then
    nothing was restored."""
    settings.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.data) as name:
        folder = Path(name)
        with _opened(_plain(settings, source, folder)) as archive:
            made = _manifest(archive)
            _require_fit(settings, made)
            for part in made.parts:
                _unpack(archive, part, folder / part.name)
        returned, resting = _restore_database(settings, made, folder / DATABASE, now)
        secrets = _restore_secrets(settings, made, folder)
    return Restored(made, returned, resting, secrets)


def decrypt(settings: Settings, source: Path, target: Path) -> None:
    """Write the backup at `source` to `target` as a plain ZIP file. Raises `BackupRefused`."""
    if target.exists():
        raise BackupRefused("file_exists", f"{target} exists already.")
    if not encryption.is_encrypted(source):
        raise BackupRefused("unreadable", f"{source} is not encrypted.")
    encryption.decrypt(source, KeyRing(settings.secret_keys), target)


def _plain(settings: Settings, source: Path, folder: Path) -> Path:
    """The backup as a ZIP file. Those of earlier releases are one as they are."""
    if not encryption.is_encrypted(source):
        return source
    plain = folder / "backup.zip"
    encryption.decrypt(source, KeyRing(settings.secret_keys), plain)
    return plain


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise BackupRefused(
            "unreadable", f"{source} is no backup of ours, or not a whole backup."
        ) from error
    except (EOFError, OSError) as error:
        raise BackupRefused("unreadable", f"{source} is not a whole backup: {error}.") from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        if archive.getinfo(NAME).file_size > LARGEST_BYTES:
            raise BackupRefused("unreadable", "The backup's manifest is too large.")
        return Manifest.model_validate_json(archive.read(NAME))
    except (KeyError, ValidationError) as error:
        raise BackupRefused(
            "unreadable", "This is no backup of ours, or one of a newer release."
        ) from error


def _require_fit(settings: Settings, made: Manifest) -> None:
    """Refuse what can be known to fail before anything is changed."""
    if not migrations.is_known(made.revision):
        raise BackupRefused(
            "newer_release",
            f"The backup is of release {made.version} with the schema {made.revision}, which this"
            " release does not know. Restore it with that release.",
        )
    kind = "sqlite" if settings.ledger.database_url.startswith("sqlite") else "postgresql"
    if kind != made.kind and made.kind != "sqlite":
        raise BackupRefused(
            "other_database",
            f"The backup is one of {made.kind}, and WALLET_DATABASE_URL names {kind}.",
        )
    ring = KeyRing(settings.secret_keys)
    missing = [key for key in made.keys if key not in ring]
    if missing:
        where = (
            f" It is in the backup: `wallet restore --decrypt-to X.zip FILE`, {KEYS_FILE} in that."
            if KEYS_FILE in {part.name for part in made.parts}
            else ""
        )
        raise BackupRefused(
            "key_missing",
            f"Cards in phones carry tokens of the key {', '.join(missing)}, which is not in"
            f" WALLET_SECRET_KEY; without it they would never update again.{where}",
        )


def _unpack(archive: zipfile.ZipFile, part: BackupPart, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(part.name) as packed, target.open("wb") as file:
            while chunk := packed.read(CHUNK_BYTES):
                size += len(chunk)
                if size > part.size:
                    break
                digest.update(chunk)
                file.write(chunk)
    except KeyError as error:
        raise BackupRefused("damaged", f"The backup lacks its part {part.name}.") from error
    if size != part.size or digest.hexdigest() != part.sha256:
        raise BackupRefused("damaged", f"The part {part.name} of the backup is damaged.")


def _restore_database(
    settings: Settings, made: Manifest, copy: Path, now: datetime
) -> tuple[int, tuple[str, ...]]:
    database, ring = Database(settings.ledger), KeyRing(settings.secret_keys)
    if not database.is_sqlite:
        try:
            _require_empty(database)
            if made.kind == "sqlite":
                return _grow(database, made, copy, settings.data, ring, now)
            postgres.require("pg_restore", made.tool or 0, "the backup")
            postgres.load(database.engine, copy)
            return _bring_to_life(database, made, settings.data, ring, now)
        finally:
            database.close()
    target = Path(database.engine.url.database or "")
    if target.exists():
        _require_empty(database)
    database.close()
    # The file is moved to its place only when all is well with it.
    restored = Database(LedgerSettings(f"sqlite:///{copy}"))
    try:
        done = _bring_to_life(restored, made, settings.data, ring, now)
    finally:
        restored.close()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for rest in ("-wal", "-shm"):
        Path(f"{target}{rest}").unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    beside = target.with_name(f".{target.name}.restoring")
    shutil.move(copy, beside)  # perhaps from another disk
    beside.replace(target)
    return done


def _grow(
    database: Database, made: Manifest, copy: Path, data: Path, ring: KeyRing, now: datetime
) -> tuple[int, tuple[str, ...]]:
    """Out of SQLite into this database on PostgreSQL, in one transaction: it is empty until
    everything is there and alive. Returns as `_bring_to_life` does."""
    source = Database(LedgerSettings(f"sqlite:///{copy}"))
    try:
        _require_same_book(source, made)
        _upgrade(source, ring)
        with source.reading() as reading, database.transaction() as writing:
            moving.move(reading, writing, ring)
            _require_book(writing, made)
            _require_sound(writing)
            return _enliven(writing, data, now)
    except DatabaseError as error:
        if not isinstance(error.orig, sqlite3.DatabaseError):
            raise
        raise BackupRefused(
            "damaged", f"The database in the backup is damaged: {error.orig}."
        ) from error
    finally:
        source.close()


def _require_empty(database: Database) -> None:
    if inspect(database.engine).get_table_names():
        raise BackupRefused(
            "not_empty",
            "The database at WALLET_DATABASE_URL has tables in it. Restore into an empty one: what"
            " is there is never overwritten.",
        )


def _bring_to_life(
    database: Database, made: Manifest, data: Path, ring: KeyRing, now: datetime
) -> tuple[int, tuple[str, ...]]:
    """Check the book, upgrade the schema, check the book again, and make every pass newer than all
    that phones know. Returns how many erased people are back, and which receivers are off."""
    _require_same_book(database, made)
    _upgrade(database, ring)
    _require_same_book(database, made)
    with database.transaction() as session:
        return _enliven(session, data, now)


def _upgrade(database: Database, ring: KeyRing) -> None:
    try:
        migrations.upgrade(database.engine, keys=ring)
    except CommandError as error:
        raise BackupRefused("not_upgraded", f"The schema cannot be upgraded: {error}.") from error


def _enliven(session: Session, data: Path, now: datetime) -> tuple[int, tuple[str, ...]]:
    """Make every pass newer than all that phones know, and let nobody else be told until the
    operator says so. Returns as `_bring_to_life` does."""
    versioning.leap(session, now)
    mirror.mistrust(session)
    devices.PUSHES.end_leases(session)
    campaigns.halt(session)
    receiver_log.leap(session, now)
    receivers.rest(session)
    presence.forget(session)
    admission.close_all(session)
    after = 0
    while True:
        pass_ids = session.scalars(
            select(Pass.id).where(Pass.id > after).order_by(Pass.id).limit(PASSES_AT_ONCE)
        ).all()
        if not pass_ids:
            break
        devices.make_due(session, pass_ids, now)
        mirror.make_due(session, pass_ids, now)
        after = pass_ids[-1]
    gone = {member.public_id for member in members.all_erased(session)}
    list_ = data / erasure.ERASED_FILE
    listed = erasure.listed(list_.read_text()) if list_.exists() else []
    back = [id_ for id_ in listed if id_ not in gone]
    return len(members.existing_ids(session, back)), tuple(receivers.resting(session))


def _require_same_book(database: Database, made: Manifest) -> None:
    with database.reading() as session:
        _require_book(session, made)
    if migrations.is_current(database.engine):
        with database.reading() as session:
            _require_sound(session)


def _require_book(session: Session, made: Manifest) -> None:
    if manifest.book(session) != made.book:
        raise BackupRefused(
            "other_book", "The book in the backup is not the one its manifest tells of."
        )


def _require_sound(session: Session) -> None:
    breaches = audit.check(session)
    if breaches:
        raise BackupRefused("broken_book", f"The book is not sound: {breaches[0].rule}.")


def _restore_secrets(settings: Settings, made: Manifest, folder: Path) -> tuple[Path, ...]:
    """Put back certificates and key files where there are none; a file that is there stays."""
    written = []
    for part in made.parts:
        target = _place(settings, part.name)
        if target is None or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / part.name, target)
        target.chmod(0o600)
        written.append(target)
    return tuple(written)


def _place(settings: Settings, name: str) -> Path | None:
    certificates = f"{SECRETS}certs/"
    if name.startswith(certificates) and settings.apple_certs is not None:
        return settings.apple_certs / name.removeprefix(certificates)
    if name == f"{SECRETS}google.json" and settings.google is not None:
        return settings.google.credentials
    return None
