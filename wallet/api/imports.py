"""Imports: a file is sent and checked, then applied by a pump."""

import tempfile
from collections.abc import Mapping
from typing import BinaryIO

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
from ledger.imports import store, wording
from ledger.imports.store import Import, ImportProblem, ImportRequest
from ledger.languages import Language
from ledger.programmes import programmes, units
from wallet import importing
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import needs
from wallet.api.bodies.imports import (
    APPLYING,
    FILE,
    ApplyIn,
    ImportAsked,
    ImportFileOut,
    ImportIn,
    ImportOut,
    ImportRowOut,
    ImportRowsIn,
    ImportRowsOut,
    ImportsOut,
    LeftAsideOut,
)
from wallet.api.bodies.paging import PageInProgramme
from wallet.api.calls import refuses, takes
from wallet.api.refusals import of_fields
from wallet.installation import current_installation
from wallet.problems import problem, refuse

MOST_IN_MEMORY_BYTES = 1 << 20  # a larger file goes to the disk
CHUNK_BYTES = 1 << 16
PART = "file"  # of a form

routes = APIBlueprint("imports", __name__, tag="Imports")


@routes.post("/imports")
@needs("imports:write")
@refuses(
    UnknownProgramme,
    UnknownUnit,
    FileRefused,
    ImportRepeated,
    ImportReplaced,
    ImportNotReady,
)
@takes(FILE)
@routes.input(ImportAsked, location="query")
@routes.output(ImportOut, status_code=201)
def add(query_data: ImportAsked) -> ImportOut:
    """Send a file, CSV or XLSX, to be checked; nothing is applied yet.

    The file is the body of the request, or `file` in a form."""
    request.max_content_length = current_installation().settings.import_bytes
    if request.mimetype == "multipart/form-data":
        order, file = _order(query_data, request.form), _sent_in_form()
        import_ = importing.read(current_installation().import_desk, _as_binary(file.stream), order)
    else:
        order = _order(query_data, {})
        with tempfile.SpooledTemporaryFile(MOST_IN_MEMORY_BYTES) as body:
            while data := request.stream.read(CHUNK_BYTES):
                body.write(data)
            import_ = importing.read(current_installation().import_desk, _as_binary(body), order)
    with current_installation().database.reading() as session:
        return _import_out(session, import_)


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
        lookup.programme(session, wanted.programme)
    return ImportRequest(wanted.programme, wanted.kind, wanted.unit, wanted.reason)


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
@needs("imports:write")
@refuses(UnknownImport, ImportNotReady, ImportHasBadRows)
@routes.input(ApplyIn)
@routes.output(ImportOut, status_code=202, example=APPLYING)
def apply(import_id: str, json_data: ApplyIn) -> ImportOut:
    """Apply a checked file. It goes on by itself; ask for the import to see how far it is."""
    with current_installation().database.reading() as session:
        lookup.require_import(session, import_id)
    import_ = importing.start(
        current_installation().import_desk, import_id, skip_bad=json_data.skip_bad
    )
    with current_installation().database.reading() as session:
        return _import_out(session, import_)


@routes.get("/imports/<import_id>")
@needs("imports:write")
@refuses(UnknownImport)
@routes.output(ImportOut)
def read(import_id: str) -> ImportOut:
    """How far an import is; once it is done, its signed statement."""
    with current_installation().database.reading() as session:
        return _import_out(session, lookup.import_(session, import_id))


@routes.get("/imports/<import_id>/rows")
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
        programme = programmes.by_id(session, import_.programme_id)
        wanted = languages.accepted(request.accept_languages)
        language = languages.ours(query_data.lang, *wanted, *programme.languages)
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


def _import_out(session: Session, import_: Import) -> ImportOut:
    programme = programmes.by_id(session, import_.programme_id)
    language = languages.ours(*programme.languages)
    unit = units.by_id(session, import_.unit_id)
    return ImportOut(
        id=import_.public_id,
        programme=programme.code,
        kind=import_.kind,
        unit=unit.code,
        state=import_.state,
        file=ImportFileOut(sha256=import_.digest, bytes=import_.size, format=import_.format),
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
