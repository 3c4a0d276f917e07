"""Imports from the first byte to the last pass: what drives `ledger.imports`.

The ledger checks and applies rows. Here are the transactions around that, the passes of new
members, and the key that signs the statement."""

import base64
import csv
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TextIO
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.errors import FileRefused, ImportReplaced
from ledger.imports import applying, columns, files, proofs, store, wording
from ledger.imports.checking import Aim, Judged, RowsBefore, judge
from ledger.imports.columns import Layout, LocalForms
from ledger.imports.files import Cell, Table
from ledger.imports.proofs import ProofFinding
from ledger.imports.store import Import, ImportRequest, Row, SourceFile, Tally
from ledger.languages import Language
from ledger.limits import MOST_POINTS
from ledger.programmes import programmes, units
from wallet import sentences
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.passes import issuing

CHUNK_BYTES = 1 << 20
MOST_ATTEMPTS = 5  # at one part of a file
PURPOSE = "imports"  # of the key that signs statements

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
    """What a file would do. `problems`: the first bad rows, each with what is wrong with it."""

    tally: Tally
    layout: Layout
    problems: list[Row]


@dataclass(frozen=True, slots=True)
class _Opened:
    aim: Aim
    table: Table
    source: SourceFile


def look(desk: Desk, file: BinaryIO, order: ImportRequest, shown: int) -> Preview:
    """What a file would do; nothing is written. `shown`: how many bad rows to keep. Raises
    `FileRefused`, `UnknownProgramme`, `UnknownUnit`, `ImportRepeated`, `ImportNotReady`."""
    opened = _open(desk, file, order)
    tally, problems = Tally(), list[Row]()
    with RowsBefore() as seen:
        for part in _parts(desk, opened):
            with desk.database.reading() as session:
                _, bad = _sort(judge(session, opened.aim, part, seen, desk.clock()), tally)
            problems += bad[: shown - len(problems)]
    _require_rows(tally)
    return Preview(tally, opened.source.layout, problems)


def read(desk: Desk, file: BinaryIO, order: ImportRequest) -> Import:
    """Check a file and keep its rows until they are applied. Raises what `look` raises, and
    `ImportReplaced` if the file was sent again meanwhile."""
    opened = _open(desk, file, order)
    aim = opened.aim

    def begin(session: Session) -> Import:
        return store.begin(
            session, aim.programme.id, aim.unit.id, order, opened.source, desk.clock()
        )

    import_id = desk.database.run(begin).id
    tally = Tally()
    try:
        with RowsBefore() as seen:
            for part in _parts(desk, opened):
                tally = _keep_part(desk, import_id, aim, part, seen, tally)
        _require_rows(tally)
    except ImportReplaced:
        raise
    except BaseException:
        desk.database.run(lambda session: store.forget(session, import_id))
        raise
    return desk.database.run(lambda session: store.finish_reading(session, import_id))


def _keep_part(
    desk: Desk, import_id: int, aim: Aim, part: Sequence[Row], seen: RowsBefore, so_far: Tally
) -> Tally:
    def work(session: Session) -> Tally:
        tally = replace(so_far)
        # `seen` knows which row left which mark, so a transaction that is repeated may judge a part
        # again.
        good, bad = _sort(judge(session, aim, part, seen, desk.clock()), tally)
        store.keep(session, import_id, good, bad, tally)
        return tally

    return desk.database.run(work)


def resumable(desk: Desk, file: BinaryIO, order: ImportRequest) -> Import | None:
    """The import of this very file that was begun and is not finished; None if there is none."""
    digest, _ = _digest(file)
    with desk.database.reading() as session:
        programme = programmes.by_code(session, order.programme)
        known = store.known(session, programme.id, order.kind, digest)
        return known if known is not None and known.state == store.APPLYING else None


def start(desk: Desk, public_id: str, *, skip_bad: bool) -> Import:
    """Have a checked import applied by the pump. Raises `UnknownImport`, and what `store.start`
    raises."""

    def work(session: Session) -> Import:
        found = store.find(session, public_id)
        return store.start(session, found.id, desk.clock(), skip_bad=skip_bad)

    return desk.database.run(work)


def forget(desk: Desk, import_: Import) -> None:
    """Drop an import that was checked and is not to be applied after all."""
    desk.database.run(lambda session: store.forget(session, import_.id))


def advance(desk: Desk, import_id: int | None = None) -> bool:
    """Apply one part of this import, or of the oldest that waits; False if there is none."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            return desk.database.run(lambda session: _advance(session, desk, import_id))
        except IntegrityError:  # another transaction took a card number or an external id
            if attempt == MOST_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _advance(session: Session, desk: Desk, import_id: int | None) -> bool:
    now = desk.clock()
    done = applying.step(session, import_id, now)
    if done is None:
        return False
    if done.joined:
        programme = programmes.by_id(session, done.import_.programme_id)
        issuing.issue_all(session, programme, done.joined, desk.pass_type, desk.keys, now)
    if done.is_last:
        proofs.finish(session, done.import_, _signer(desk.keys), now)
        log.info("import_finished", import_id=done.import_.public_id, rows=done.import_.applied)
    return not done.is_last


def work_off(desk: Desk) -> bool:
    """One step of the pump: apply a part, or if there is none, forget checked files that were never
    applied."""
    if advance(desk):
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


def told(preview: Preview, language: Language) -> Iterator[str]:
    """A preview in words, line by line."""
    tally, layout = preview.tally, preview.layout
    yield sentences.of_text(
        "Rows: {rows}; new members: {new}, members who are there: {known}. Rows that cannot be"
        " imported: {bad}.",
        language,
        rows=tally.rows,
        new=tally.new_members,
        known=tally.found_members,
        bad=tally.bad,
    )
    yield sentences.of_text(
        "Points in the file: {points}, of them in good rows: {good}.",
        language,
        points=tally.points_in_file,
        good=tally.points_good,
    )
    if tally.foreign_numbers:
        yield sentences.of_text(
            "Phone numbers without a plus that were read as those of another country: {numbers}.",
            language,
            numbers=tally.foreign_numbers,
        )
    for code, left_aside in (
        ("unknown_column", layout.unknown),
        ("homeless_column", layout.homeless),
    ):
        for column in left_aside:
            yield wording.sentence(code, {"column": column}, language)
    for row in preview.problems:
        for one in row.problems:
            column = f", {layout.titles.get(one.field, one.field)}" if one.field else ""
            place = sentences.of_text("Row {row}", language, row=row.number)
            sentence = wording.sentence(one.code, one.facts, language)
            yield f"{place}{column}: {sentence} [{one.code}]"
    if (more := tally.bad - len(preview.problems)) > 0:
        yield sentences.of_text("… and more rows: {more}.", language, more=more)
    yield sentences.of_text("Nothing was written.", language)


def progress(import_: Import) -> Iterator[str]:
    """How far an import is, in words."""
    yield f"Import {import_.public_id} ({import_.kind}): {import_.state}"
    yield f"{import_.applied} of {import_.rows} rows applied, {import_.left_out} left out"


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


def write_left_out(
    desk: Desk, file: BinaryIO, import_: Import, target: TextIO, language: Language
) -> int:
    """Write the rows of a file that were left out as CSV, each with what is wrong with it, to be
    corrected and imported again. Returns how many there are."""
    table = files.read(file, columns.is_column)
    writer = csv.writer(target, delimiter=";")
    writer.writerow([*map(_written, table.header), sentences.of_text("what is wrong", language)])
    count = 0
    with desk.database.reading() as session:
        wrong = store.wrong_rows(session, import_.id)
        row, problems = next(wrong, (None, ()))
        for number, cells in table.rows:
            if number != row:
                continue
            told = "; ".join(
                " ".join(
                    part
                    for part in (
                        f"{import_.titles.get(one.field, one.field)}:" if one.field else "",
                        wording.sentence(one.code, one.facts, language),
                    )
                    if part
                )
                for one in problems
            )
            padded = [*map(_written, cells), *[""] * (len(table.header) - len(cells))]
            writer.writerow([*padded, told])
            count += 1
            row, problems = next(wrong, (None, ()))
    return count


def _written(cell: Cell) -> str:
    """A cell that a spreadsheet may open: an apostrophe keeps text that begins like a formula from
    being one, and is taken off again when the corrected file is imported."""
    if cell is None or isinstance(cell, files.Formula | files.Unreadable):
        return ""
    text = str(cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _open(desk: Desk, file: BinaryIO, order: ImportRequest) -> _Opened:
    digest, size = _digest(file)
    with desk.database.reading() as session:
        programme = programmes.by_code(session, order.programme)
        unit = units.named(session, programme.id, order.unit)
        earlier = store.known(session, programme.id, order.kind, digest)
    if earlier is not None:
        store.require_new(earlier)
    table = files.read(file, columns.is_column)
    layout = columns.layout(order.kind, table.header)
    return _Opened(
        Aim(programme, unit, order.kind), table, SourceFile(digest, size, table.format, layout)
    )


def _digest(file: BinaryIO) -> tuple[str, int]:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while data := file.read(CHUNK_BYTES):
        digest.update(data)
        size += len(data)
    return digest.hexdigest(), size


def _parts(desk: Desk, opened: _Opened) -> Iterator[list[Row]]:
    aim, layout = opened.aim, opened.source.layout
    today = desk.clock().astimezone(ZoneInfo(aim.programme.timezone)).date()
    local = LocalForms(aim.unit.scale, today, aim.programme.country)
    rows_left = opened.table.rows
    while many := list(itertools.islice(rows_left, store.ROWS_IN_PART)):
        rows = []
        for number, cells in many:
            wish, problems = columns.parse(aim.kind, layout, cells, local)
            is_foreign = wish.phone is not None and columns.is_foreign(
                layout, cells, wish.phone, local.country
            )
            rows.append(Row(number, wish, problems, is_foreign))
        yield rows


def _sort(judged: Sequence[Judged], tally: Tally) -> tuple[list[Row], list[Row]]:
    """Good rows and bad ones, and the count of both."""
    good: list[Row] = []
    bad: list[Row] = []
    for one in judged:
        points = one.row.wish.points or 0
        tally.rows += 1
        tally.points_in_file += points
        if tally.points_in_file > MOST_POINTS:
            raise FileRefused(
                "too_many_points", "In all the file has more than {most} points.", most=MOST_POINTS
            )
        if one.problems:
            tally.bad += 1
            bad.append(Row(one.row.number, one.row.wish, one.problems))
            continue
        tally.points_good += points
        tally.foreign_numbers += one.row.is_foreign
        tally.new_members += one.member is None
        tally.found_members += one.member is not None
        good.append(one.row)
    return good, bad


def _require_rows(tally: Tally) -> None:
    if not tally.rows:
        raise FileRefused("no_rows", "The file has names of columns and no rows.")
