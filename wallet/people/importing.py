"""Imports from the first byte to the last pass: what drives `ledger.imports`.

The ledger checks and applies rows. Here are the transactions around that, the passes of new
members, and the key that signs the statement."""

import base64
import hashlib
import itertools
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, Any, BinaryIO, cast
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.errors import FileRefused, ImportReplaced, UnknownImport
from ledger.imports import files, forgetting, proofs, reading, registry, steps, store
from ledger.imports.files import Table
from ledger.imports.headers import Layout
from ledger.imports.kind import Destination, ImportKind
from ledger.imports.meanings import DecimalSign, DecimalSigns, LocalForms
from ledger.imports.previews import MOST_SAMPLE
from ledger.imports.proofs import ProofFinding
from ledger.imports.reading import Claim, SourceFile
from ledger.imports.rows_before import RowsBefore
from ledger.imports.store import Import, ImportRequest, Row, Tally
from ledger.programmes import programmes, units
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.passes import issuing

CHUNK_BYTES = 1 << 20
MOST_ATTEMPTS = 5  # at one part of a file
RENEW_S = 10.0  # how often a reader renews its claim
FIRST_LOOK_S, LOOK_S = 0.02, 0.25  # whoever waits for a file looks more and more rarely
PURPOSE = "imports"  # of the key that signs statements
# What it takes beside the right to import files, by what the files are about.
RIGHTS: Mapping[str, str | None] = {
    "people": None,
    "catalogue": "catalogue:write",
    "stores": "stores:write",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """What imports need of an installation."""

    database: Database
    keys: KeyRing
    pass_type: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do. `facts`: how it was understood. `problems`: the first bad rows, each
    with what is wrong with it. `sample`: the first good rows."""

    kind: ImportKind
    to: Destination
    tally: Tally
    layout: Layout
    facts: Mapping[str, Any]
    problems: list[Row]
    sample: list[Row]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that can be read as a table, and how it is understood."""

    kind: ImportKind
    to: Destination
    table: Table
    layout: Layout
    local: LocalForms
    facts: dict[str, Any]
    rows: int


def right_for(kind: str) -> str | None:
    """The right that files of this kind take beside that to import: nobody changes by a file what
    they may not change elsewhere. None: no other."""
    return RIGHTS[registry.named(kind).concerns]


def look(desk: Desk, file: BinaryIO, order: ImportRequest, shown: int) -> Preview:
    """What a file would do; nothing is written. `shown`: how many bad rows to keep. Raises
    `FileRefused`, `UnknownProgramme`, `UnknownUnit`, `ImportRepeated`, `ImportNotReady`."""
    kind, to, _ = _ordered(desk, file, order)
    opened = _open(desk, file, kind, to, order.decimal)
    tally, problems, sample = Tally(), list[Row](), list[Row]()
    with RowsBefore() as seen:
        for part in _parts(opened):
            # What a check writes in order to see whether it can be written is undone by itself.
            with desk.database.transaction() as session:
                good, bad = kind.check(session, to, part, seen, tally, desk.clock())
            problems += bad[: shown - len(problems)]
            sample += good[: MOST_SAMPLE - len(sample)]
    return Preview(kind, to, tally, opened.layout, opened.facts, problems, sample)


def read(desk: Desk, file: BinaryIO, order: ImportRequest) -> Import:
    """Check a file and keep its rows until they are applied. Raises what `look` raises, and
    `ImportReplaced` if the file was sent again meanwhile."""
    sent = receive(desk, file, order)
    read_through(desk, sent.id)
    try:
        read_ = find(desk, sent.public_id)
    except UnknownImport as gone:
        raise ImportReplaced from gone
    if read_.state == store.REFUSED:
        withdraw(desk, read_.public_id)
        raise store.refusal_of(read_)
    return read_


def receive(desk: Desk, file: BinaryIO, order: ImportRequest) -> Import:
    """Keep a file until it is read, which the pump does. Raises `FileRefused` for what can be seen
    at first sight, `UnknownProgramme`, `UnknownUnit`, `ImportRepeated`, `ImportNotReady`, and
    `ImportReplaced` if the same file was sent again meanwhile."""
    format_ = files.format_of(file)
    kind, to, (digest, size) = _ordered(desk, file, order)
    source = SourceFile(digest, size, format_)
    import_id = desk.database.run(
        lambda session: reading.begin(
            session,
            to.programme.id,
            to.unit.id,
            order,
            source,
            desk.clock(),
            comes_again=kind.comes_again,
        )
    ).id
    file.seek(0)
    # Piece by piece: on SQLite nobody else writes meanwhile.
    for number in itertools.count():
        if not (piece := file.read(CHUNK_BYTES)):
            break
        desk.database.run(partial(_keep_piece, desk, import_id, number, piece))
    return desk.database.run(lambda session: reading.let_read(session, import_id))


def _keep_piece(desk: Desk, import_id: int, number: int, piece: bytes, session: Session) -> None:
    reading.keep_piece(session, import_id, number, piece, desk.clock())


def read_through(desk: Desk, import_id: int) -> None:
    """Read this file, or wait until whoever reads it has done so."""
    while not read_one(desk, import_id):
        with desk.database.reading() as session:
            waiting = session.get(Import, import_id)
            if waiting is None or waiting.state != store.READING:
                return
        time.sleep(LOOK_S)


def read_one(desk: Desk, import_id: int | None = None) -> bool:
    """Read this file, or the oldest that waits, from its beginning to its end; False if there is
    none, or somebody else reads it. If it cannot be imported, the import is refused and says
    why."""
    claimed = desk.database.run(lambda session: reading.claim(session, import_id, desk.clock()))
    if claimed is None:
        return False
    try:
        import_ = _read_claimed(desk, claimed)
    except FileRefused as refusal:
        import_ = _refuse(desk, claimed, refusal)
    except ImportReplaced:  # it was withdrawn, or is somebody else's by now
        return True
    if import_ is not None:
        log.info("import_read", import_id=import_.public_id, state=import_.state, rows=import_.rows)
    return True


def _refuse(desk: Desk, claimed: Claim, refusal: FileRefused) -> Import | None:
    try:
        return desk.database.run(lambda session: reading.refuse(session, claimed, refusal))
    except ImportReplaced:
        return None


def _read_claimed(desk: Desk, claimed: Claim) -> Import | None:
    """Raises `FileRefused`, `ImportReplaced`."""
    with desk.database.reading() as session:
        import_ = session.get(Import, claimed.import_id)
        if import_ is None:
            raise ImportReplaced
        to = steps.destination(session, import_)
    if claimed.attempt > reading.MOST_READINGS:
        raise FileRefused(
            "gave_up",
            "Reading the file ended the program {times} times; the log says why.",
            times=reading.MOST_READINGS,
        )
    with tempfile.TemporaryFile() as plain:
        if _taken_down(desk, claimed, plain) != import_.size:  # it was never sent to its end
            desk.database.run(lambda session: reading.give_up(session, claimed))
            return None
        file = cast(BinaryIO, _Renewing(plain, desk, claimed))
        kind = registry.named(import_.kind)
        opened = _open(desk, file, kind, to, import_.decimal)
        desk.database.run(
            lambda session: reading.understood(
                session, claimed, opened.layout, opened.facts, opened.rows
            )
        )
        tally = Tally()
        with RowsBefore() as seen:
            for part in _parts(opened):
                tally = _keep_part(desk, claimed, opened, part, seen, tally)
    return desk.database.run(lambda session: reading.finish(session, claimed))


def _taken_down(desk: Desk, claimed: Claim, target: BinaryIO | IO[bytes]) -> int:
    """Write the file into `target`. Returns its size."""
    size = 0
    for number in itertools.count():
        with desk.database.reading() as session:
            found = reading.pieces(session, claimed.import_id, number)
        if not found:
            return size
        target.write(found[0])
        size += len(found[0])
    raise AssertionError("unreachable")


class _Renewing:
    """A file whose reader keeps its claim for as long as it goes on reading."""

    def __init__(self, file: BinaryIO | IO[bytes], desk: Desk, claimed: Claim) -> None:
        self._file, self._desk, self._claimed = file, desk, claimed
        self._renewed = time.monotonic()
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if time.monotonic() - self._renewed > RENEW_S:
            self._renew()
        return self._file.read(size)

    def _renew(self) -> None:
        self._renewed = time.monotonic()
        now = self._desk.clock()
        # A claim that was lost is noticed by whoever writes. A database that is away for a moment
        # must not look like a file that cannot be read.
        with suppress(DBAPIError):
            self._desk.database.run(lambda session: reading.renew(session, self._claimed, now))


def _keep_part(
    desk: Desk,
    claimed: Claim,
    opened: _Opened,
    part: Sequence[Row],
    seen: RowsBefore,
    so_far: Tally,
) -> Tally:
    def work(session: Session) -> Tally:
        tally = replace(so_far)
        import_ = reading.held(session, claimed)
        names_people = opened.kind.concerns == "people"
        present = forgetting.without_erased(session, import_, part) if names_people else part
        # `seen` knows which row left which mark, so a transaction that is repeated may judge a part
        # again.
        now = desk.clock()
        good, bad = opened.kind.check(session, opened.to, present, seen, tally, now)
        reading.keep(session, claimed, good, bad, tally)
        return tally

    return desk.database.run(work)


def withdraw(desk: Desk, public_id: str, by: Author | None = None) -> Import:
    """Take back an import that was not applied: nothing of its file is left. `by`: whose wish that
    is; None where the file cannot be imported anyway. Raises `UnknownImport`, `ImportNotReady`."""

    def work(session: Session) -> Import:
        withdrawn = store.withdraw(session, store.find(session, public_id).id)
        if by is not None:
            changes.note(session, by, "import.withdrawn", _changed(withdrawn), desk.clock())
        return withdrawn

    return desk.database.run(work)


def _changed(import_: Import) -> ChangedThing:
    return ChangedThing("import", import_.public_id, import_.programme_id)


def settled(desk: Desk, import_: Import, until: float) -> Import:
    """The import as soon as its file is read, or as it stands at the moment `until` of
    `time.monotonic()`. No connection is held meanwhile. Raises `UnknownImport`."""
    pause_s = FIRST_LOOK_S
    while import_.state == store.READING and (left := until - time.monotonic()) > 0:
        time.sleep(min(pause_s, left))
        pause_s = min(2 * pause_s, LOOK_S)
        import_ = find(desk, import_.public_id)
    return import_


def resumable(desk: Desk, file: BinaryIO, order: ImportRequest) -> Import | None:
    """The import of this very file that was begun and is not finished; None if there is none."""
    digest, _ = _digest(file)
    with desk.database.reading() as session:
        programme = programmes.by_code(session, order.programme)
        known = store.known(session, programme.id, order.kind, digest)
        return known if known is not None and known.state == store.APPLYING else None


def start(
    desk: Desk, public_id: str, by: Author, *, skip_bad: bool, archive_gone: bool = False
) -> Import:
    """Have a checked import applied by the pump, see `store.start`, which says what it raises.
    `by`:
    whose wish that is. Raises `UnknownImport`."""

    def work(session: Session) -> Import:
        now = desk.clock()
        id_ = store.find(session, public_id).id
        found = store.locked(session, id_)
        was = None if found is None else found.state
        started = store.start(session, id_, now, skip_bad=skip_bad, archive_gone=archive_gone)
        if was == store.CHECKED:
            asked = {"what": started.kind, "rows": started.rows, "skip_bad": skip_bad}
            if archive_gone:
                asked["archive_gone"] = True
            changes.note(session, by, "import.applied", _changed(started), now, {}, asked)
        return started

    return desk.database.run(work)


def advance(desk: Desk, import_id: int | None = None) -> bool:
    """Apply one part of this import, or of the oldest that waits, or close it with its statement;
    False if there is none."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            return desk.database.run(lambda session: _advance(session, desk, import_id))
        except IntegrityError:  # another transaction took a card number or an external id
            if attempt == MOST_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _advance(session: Session, desk: Desk, import_id: int | None) -> bool:
    now = desk.clock()
    done = steps.step(session, import_id, now)
    if done is None:
        return False
    if done.joined:
        programme = programmes.by_id(session, done.import_.programme_id)
        issuing.issue_all(session, programme, done.joined, desk.pass_type, desk.keys, now)
    if done.is_last:
        proofs.finish(session, done.import_, _signer(desk.keys), now)
        log.info("import_finished", import_id=done.import_.public_id, rows=done.import_.applied)
    return True


def work_off(desk: Desk) -> bool:
    """One step of the pump: apply a part, or if there is none, read a file, or if there is none,
    forget files that were never applied. So no process reads more than one file at a time."""
    if advance(desk) or read_one(desk):
        return True
    desk.database.run(lambda session: store.forget_stale(session, desk.clock()))
    return False


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signer(keys: KeyRing) -> proofs.Sign:
    ours = keys.signing(PURPOSE)

    def sign(message: bytes) -> tuple[str, str]:
        return ours.key, _base64(ours.sign(message))

    return sign


def find(desk: Desk, public_id: str) -> Import:
    """The import of this id. Raises `UnknownImport`."""
    with desk.database.reading() as session:
        return store.find(session, public_id)


def check(desk: Desk, public_id: str) -> list[ProofFinding]:
    """What in the statement of a finished import does not agree with the book. Raises
    `UnknownImport`."""

    def verify(message: bytes, key_id: str, value: str) -> bool:
        try:
            signature = base64.b64decode(value, validate=True)
        except ValueError:
            return False
        return desk.keys.signing(PURPOSE).is_good(key_id, message, signature)

    with desk.database.reading() as session:
        return proofs.check(session, store.find(session, public_id), verify)


def statement(desk: Desk, import_: Import) -> dict[str, Any] | None:
    """The statement with its signature, as it may be handed on; None before the import is
    finished."""
    if import_.statement is None:
        return None
    public = desk.keys.signing(PURPOSE).public_half(import_.signed_by or "")
    return {
        "statement": json.loads(import_.statement),
        "signed_text": import_.statement,
        "signature": {
            "algorithm": "Ed25519",
            "key": import_.signed_by,
            "public_key": None if public is None else _base64(public),
            "value": import_.signature,
        },
    }


def _ordered(
    desk: Desk, file: BinaryIO, order: ImportRequest
) -> tuple[ImportKind, Destination, tuple[str, int]]:
    """The kind of the file, where it goes, its digest and its size. Raises `UnknownProgramme`,
    `UnknownUnit`, `ImportRepeated`, `ImportNotReady`."""
    kind = registry.named(order.kind)
    digest, size = _digest(file)
    with desk.database.reading() as session:
        programme = programmes.by_code(session, order.programme)
        unit = units.named(session, programme.id, order.unit)
        earlier = store.known(session, programme.id, order.kind, digest)
    if earlier is not None:
        store.require_new(earlier, comes_again=kind.comes_again)
    return kind, Destination(programme, unit), (digest, size)


def _open(
    desk: Desk, file: BinaryIO, kind: ImportKind, to: Destination, decimal: DecimalSign | None
) -> _Opened:
    """Look through all of a file before any row is checked: how many rows it has, and which decimal
    sign. Raises `FileRefused`."""
    table = files.read(file, kind.is_column)
    layout = kind.layout(table.header)
    with desk.database.reading() as session:
        scale = kind.decimals(session, to)
    places = [layout.places[name] for name in kind.numbers if name in layout.places]
    signs = DecimalSigns(scale)
    rows = 0
    for _, cells in table.rows():
        rows += 1
        for place in places:
            if place < len(cells):
                signs.see(cells[place])
    if not rows:
        raise FileRefused("no_rows", "The file has names of columns and no rows.")
    sign = decimal or signs.settled
    facts = {
        **table.facts,
        "decimal": sign,
        "ambiguous_numbers": 0 if decimal else signs.ambiguous,
    }
    today = desk.clock().astimezone(ZoneInfo(to.programme.timezone)).date()
    local = LocalForms(scale, today, to.programme.country, sign, table.day_zero)
    return _Opened(kind, to, table, layout, local, facts, rows)


def _digest(file: BinaryIO) -> tuple[str, int]:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while data := file.read(CHUNK_BYTES):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


def _parts(opened: _Opened) -> Iterator[list[Row]]:
    rows_left = opened.table.rows()
    while many := list(itertools.islice(rows_left, store.ROWS_IN_PART)):
        yield [
            opened.kind.row(number, cells, opened.layout, opened.local) for number, cells in many
        ]
