"""Imports: a file is sent, read by a pump, and applied by it when somebody says so."""

import tempfile
import threading
import time
from collections.abc import Mapping
from typing import BinaryIO, cast

from apiflask import APIBlueprint
from flask import abort, request
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from ledger import languages
from ledger.errors import (
    FileRefused,
    ImportHasBadRows,
    ImportNotReady,
    ImportRepeated,
    ImportReplaced,
    UnknownImport,
    UnknownProgramme,
    UnknownUnit,
)
from ledger.imports import previews, registry, steps, store, things, wording
from ledger.imports.registry import ImportKindCode
from ledger.imports.store import Import, ImportProblem, ImportRequest
from ledger.languages import Language
from ledger.programmes import programmes, units
from wallet.access.rights import may
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import PERSONAL, author, caller, needs, sees_people
from wallet.api.bodies.imports import (
    APPLYING,
    FILE,
    READING,
    WITHDRAWN,
    ApplyIn,
    ImportAsked,
    ImportFileOut,
    ImportIn,
    ImportOut,
    ImportReadIn,
    ImportRefusalOut,
    ImportRowOut,
    ImportRowsIn,
    ImportRowsOut,
    ImportsOut,
    LeftAsideOut,
    SampleFieldOut,
    SampleRowOut,
    ThingsOut,
)
from wallet.api.bodies.paging import PageInProgramme
from wallet.api.calls import answers_codes, optional_body, prefers, refuses, shows_more, takes
from wallet.api.refusals import of_fields
from wallet.errors import ScopeMissing
from wallet.installation import current_installation
from wallet.people import importing
from wallet.problems import problem, refuse

MOST_IN_MEMORY_BYTES = 1 << 20  # a larger file goes to the disk
MOST_PARSED_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
PART = "file"  # of a form
WAIT = "wait"  # the preference of RFC 7240
LONGEST_WAIT_S = 30
# Whoever waits has a thread of the web server. Others need them more: no more than these wait.
MOST_WAITING = 2
MOST_GONE = 100  # codes of what is gone that are told

_waiting = threading.BoundedSemaphore(MOST_WAITING)

routes = APIBlueprint("imports", __name__, tag="Imports")


@routes.post("/imports")
@routes.doc(operation_id="createImport")
@needs("imports:write")
@refuses(
    UnknownProgramme,
    UnknownUnit,
    FileRefused,
    ImportRepeated,
    ImportReplaced,
    ImportNotReady,
)
@answers_codes("given_twice", "file_missing")
@takes(FILE)
@prefers(
    f"`wait=20` waits until the file is read, for so many seconds, {LONGEST_WAIT_S} at most;"
    " the header Preference-Applied says whether it did (RFC 7240)."
)
@routes.input(ImportAsked, location="query")
@routes.output(ImportOut, status_code=201, example=READING)
def add(query_data: ImportAsked) -> tuple[ImportOut, int, dict[str, str]]:
    """Send a file, CSV or XLSX, to be checked; nothing is applied yet.

    The file is the body of the request, or `file` in a form. It is read by a worker: the answer has
    the state `reading`; ask for the import until it is `checked`, or `refused`."""
    request.max_content_length = current_installation().settings.import_bytes
    # The parser of forms takes as much of a file at a time as other forms may have in all.
    request.max_form_memory_size = MOST_PARSED_BYTES
    desk = current_installation().import_desk
    if request.mimetype == "multipart/form-data":
        order, file = _order(query_data, request.form), _sent_in_form()
        import_ = importing.receive(desk, _as_binary(file.stream), order)
    else:
        order = _order(query_data, {})
        with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY_BYTES) as body:
            while data := request.stream.read(CHUNK_BYTES):
                body.write(data)
            import_ = importing.receive(desk, _as_binary(body), order)
    import_, headers = _as_preferred(import_)
    with current_installation().database.reading() as session:
        return _import_out(session, import_), 201, headers


def _as_preferred(import_: Import) -> tuple[Import, dict[str, str]]:
    """The import when it is read, if the caller prefers to wait for that and may; and the headers
    that say so. Raises `UnknownImport` if it was withdrawn meanwhile."""
    wait_s = min(_preferred_wait(), LONGEST_WAIT_S)
    if not wait_s or current_installation().settings.web_threads <= MOST_WAITING:
        return import_, {}
    if not _waiting.acquire(blocking=False):
        return import_, {}
    try:
        until = time.monotonic() + wait_s
        import_ = importing.settled(current_installation().import_desk, import_, until)
    finally:
        _waiting.release()
    return import_, {"Preference-Applied": f"{WAIT}={wait_s}"}


def _preferred_wait() -> int:
    """For how many seconds the caller prefers to wait; 0 for none, and for what is no number."""
    for preference in ",".join(request.headers.getlist("Prefer")).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == WAIT and seconds.isascii() and seconds.isdigit():
            return int(seconds[:6])
    return 0


def _order(asked: ImportAsked, form: Mapping[str, str]) -> ImportRequest:
    """What the query and the form say together. 422 `given_twice` for a field in both. Raises
    `UnknownProgramme`."""
    in_address = asked.model_dump(exclude_none=True)
    twice = sorted(in_address.keys() & form.keys())
    if twice:
        refuse(422, "given_twice", {"field": twice[0]})
    try:
        wanted = ImportIn.model_validate({**in_address, **form})
    except ValidationError as error:
        abort(problem(*of_fields(error)))
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, wanted.programme)
        _require_right(wanted.kind, programme.id)
    return ImportRequest(wanted.programme, wanted.kind, wanted.unit, wanted.reason, wanted.decimal)


def _require_right(kind: str, programme_id: int) -> None:
    """Raises `ScopeMissing` for files of what the caller may not change here."""
    scope = importing.right_for(kind)
    if scope is not None and not may(caller(), scope, programme_id):
        raise ScopeMissing(scope)


def _sent_in_form() -> FileStorage:
    """The file in a form. 422 `file_missing` if there is none, or more than one."""
    sent = list(request.files.items(multi=True))
    if [name for name, _ in sent] != [PART]:
        refuse(422, "file_missing")
    return sent[0][1]


def _as_binary(file: object) -> BinaryIO:
    """A spooled file can do everything that a `BinaryIO` can; only its declared type does not say
    so."""
    return file  # type: ignore[return-value]


@routes.get("/imports")
@routes.doc(operation_id="listImports")
@needs("imports:write")
@refuses(UnknownProgramme)
@routes.input(PageInProgramme, location="query")
@routes.output(ImportsOut)
def find(query_data: PageInProgramme) -> ImportsOut:
    """Imports, newest first: what each found, and how far it is."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme_id = lookup.programme_id(session, query_data.programme)
        page = place.page(store.listed(session, programme_id, place.position, place.most))
        return ImportsOut(
            items=[_import_out(session, import_) for import_ in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.post("/imports/<import_id>/apply")
@routes.doc(operation_id="applyImport")
@needs("imports:write")
@refuses(UnknownImport, ImportNotReady, ImportHasBadRows)
@optional_body
@routes.input(ApplyIn)
@routes.output(ImportOut, status_code=202, example=APPLYING)
def apply(import_id: str, json_data: ApplyIn) -> ImportOut:
    """Apply a checked file. It goes on by itself; ask for the import to see how far it is."""
    with current_installation().database.reading() as session:
        lookup.require_import(session, import_id)
        found = lookup.import_(session, import_id)
        _require_right(found.kind, found.programme_id)
        by = author(session)
    import_ = importing.start(
        current_installation().import_desk,
        import_id,
        by,
        skip_bad=json_data.skip_bad,
        archive_gone=json_data.archive_gone,
    )
    with current_installation().database.reading() as session:
        return _import_out(session, import_)


@routes.get("/imports/<import_id>")
@routes.doc(operation_id="getImport")
@needs("imports:write")
@shows_more(PERSONAL)
@refuses(UnknownImport)
@routes.input(ImportReadIn, location="query")
@routes.output(ImportOut)
def read(import_id: str, query_data: ImportReadIn) -> ImportOut:
    """How far an import is; once it is done, its signed statement."""
    with current_installation().database.reading() as session:
        return _import_out(session, lookup.import_(session, import_id), query_data.lang)


@routes.delete("/imports/<import_id>")
@routes.doc(operation_id="withdrawImport")
@needs("imports:write")
@refuses(UnknownImport, ImportNotReady)
@routes.output(ImportOut, example=WITHDRAWN)
def withdraw(import_id: str) -> ImportOut:
    """Withdraw an import that was not applied: all that was kept of its file is deleted at once.

    One that is being applied, or was, cannot be withdrawn."""
    with current_installation().database.reading() as session:
        lookup.import_(session, import_id)
        by = author(session)
    import_ = importing.withdraw(current_installation().import_desk, import_id, by)
    with current_installation().database.reading() as session:
        import_.state = "withdrawn"
        return _import_out(session, import_)


@routes.get("/imports/<import_id>/rows")
@routes.doc(operation_id="listImportRows")
@needs("imports:write")
@refuses(UnknownImport)
@routes.input(ImportRowsIn, location="query")
@routes.output(ImportRowsOut)
def rows(import_id: str, query_data: ImportRowsIn) -> ImportRowsOut:
    """Rows that cannot be applied, or were not, and why."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        import_ = lookup.import_(session, import_id)
        page = place.page(store.problems(session, import_.id, place.position or 0, place.most))
        language = _language(session, import_, query_data.lang)
        return ImportRowsOut(
            items=[_row_out(import_, problem, language) for problem in page.rows],
            next_cursor=page.next_cursor,
        )


def _row_out(import_: Import, problem: ImportProblem, language: Language) -> ImportRowOut:
    field = problem.field
    return ImportRowOut(
        row=problem.row,
        field=field,
        column=None if field is None else import_.titles.get(field),
        code=problem.code,
        message=wording.sentence(problem.code, problem.facts, language),
    )


def _language(session: Session, import_: Import, asked: Language | None) -> Language:
    programme = programmes.by_id(session, import_.programme_id)
    return languages.ours(
        asked, *languages.accepted(request.accept_languages), *programme.languages
    )


def _import_out(session: Session, import_: Import, asked: Language | None = None) -> ImportOut:
    language = _language(session, import_, asked)
    unit = units.by_id(session, import_.unit_id)
    return ImportOut(
        id=import_.public_id,
        programme=programmes.by_id(session, import_.programme_id).code,
        kind=cast(ImportKindCode, import_.kind),
        unit=unit.code,
        state=import_.state,
        file=_file_out(import_),
        refusal=_refusal_out(import_, language),
        rows=import_.rows,
        bad=import_.bad,
        new_members=import_.new_members,
        found_members=import_.found_members,
        points_in_file=import_.points_in_file,
        points_good=import_.points_good,
        foreign_numbers=import_.foreign_numbers,
        left_aside=[
            LeftAsideOut(**column, message=wording.sentence(column["code"], column, language))
            for column in import_.left_aside
        ],
        sample=_sample(session, import_, language),
        things=_things_out(session, import_),
        applied=import_.applied,
        left_out=import_.left_out,
        joined=import_.joined,
        points_applied=import_.points_applied,
        created_at=import_.created_at,
        started_at=import_.started_at,
        finished_at=import_.finished_at,
        proof=importing.statement(current_installation().import_desk, import_),
        **in_money(
            unit,
            points_in_file=import_.points_in_file,
            points_good=import_.points_good,
            points_applied=import_.points_applied,
        ),
    )


def _things_out(session: Session, import_: Import) -> ThingsOut | None:
    """What became of goods or stores: as the check found it, and once it is applied as it came."""
    if registry.named(import_.kind).concerns == "people":
        return None
    gone = things.gone(session, import_, MOST_GONE) if import_.state == store.DONE else ()
    codes = [code.partition("\t")[0] for code in gone]
    if import_.state in (store.APPLYING, store.DONE):
        changed = import_.things_added + import_.things_changed
        return ThingsOut(
            new=import_.things_added,
            changed=import_.things_changed,
            unchanged=import_.applied - changed,
            gone=import_.gone_things,
            archived=import_.things_archived,
            gone_codes=codes,
        )
    return ThingsOut(
        new=import_.new_things,
        changed=import_.changed_things,
        unchanged=import_.same_things,
        gone=import_.gone_things,
        archived=0,
        gone_codes=codes,
    )


def _file_out(import_: Import) -> ImportFileOut:
    facts = import_.facts or {}
    return ImportFileOut(
        sha256=import_.digest,
        bytes=import_.size,
        format=import_.format,
        rows=import_.rows_in_file,
        encoding=facts.get("encoding"),
        delimiter=facts.get("delimiter"),
        sheet=facts.get("sheet"),
        other_sheets=facts.get("other_sheets"),
        hidden_rows=facts.get("hidden_rows"),
        decimal=facts.get("decimal", import_.decimal),
        ambiguous_numbers=facts.get("ambiguous_numbers", 0),
    )


def _refusal_out(import_: Import, language: Language) -> ImportRefusalOut | None:
    if import_.refusal is None:
        return None
    refusal = store.refusal_of(import_)
    return ImportRefusalOut(
        code=refusal.code, problem=refusal.problem, detail=refusal.sentence(language)
    )


def _sample(session: Session, import_: Import, language: Language) -> list[SampleRowOut]:
    """The first rows that wait; of people, for those who may see what is known of them."""
    kind = registry.named(import_.kind)
    is_shown = kind.concerns != "people" or sees_people()
    if import_.state != store.CHECKED or not is_shown:
        return []
    to = steps.destination(session, import_)
    return [
        SampleRowOut(
            row=row.number,
            fields=[
                SampleFieldOut(field=name, column=import_.titles.get(name, name), text=text)
                for name, text in kind.as_stored(row.wish, to, language).items()
            ],
        )
        for row in store.first_rows(session, import_.id, previews.MOST_SAMPLE, kind.content)
    ]
