"""Imports: a file is sent and checked, then applied by a pump."""

import tempfile
from typing import BinaryIO

from apiflask import APIBlueprint
from flask import request
from sqlalchemy.orm import Session

from ledger import programmes, units
from ledger.imports import store, wording
from ledger.imports.store import Import, ImportProblem, Order
from ledger.imports.wording import Language
from ledger.programmes import Programme
from wallet import importing
from wallet.api import paging
from wallet.api.amounts import in_money
from wallet.api.auth import needs
from wallet.api.bodies import (
    ApplyIn,
    ImportFileOut,
    ImportIn,
    ImportOut,
    ImportRowOut,
    ImportRowsIn,
    ImportRowsOut,
    LeftAsideOut,
)
from wallet.installation import here
from wallet.problems import refuse

IN_MEMORY = 1 << 20
CHUNK = 1 << 16

routes = APIBlueprint("imports", __name__, tag="Imports")


@routes.post("/imports")
@needs("imports:write")
@routes.input(ImportIn, location="query")
@routes.output(ImportOut, status_code=201)
def add(query_data: ImportIn) -> ImportOut:
    """Send a file, CSV or XLSX, as the body. It is checked; nothing is applied yet."""
    if request.mimetype.startswith("multipart/"):
        refuse(415, "not_a_file", "Send the file itself as the body, without a form around it.")
    order = Order(query_data.programme, query_data.kind, query_data.unit, query_data.reason)
    request.max_content_length = here().settings.import_bytes
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        while data := request.stream.read(CHUNK):
            file.write(data)
        import_ = importing.read(here().import_desk, _as_binary(file), order)
    with here().database.reading() as session:
        return _described(session, import_)


def _as_binary(file: object) -> BinaryIO:
    """A spooled file is one in all but its declared type."""
    return file  # type: ignore[return-value]


@routes.post("/imports/<import_id>/apply")
@needs("imports:write")
@routes.input(ApplyIn)
@routes.output(ImportOut, status_code=202)
def apply(import_id: str, json_data: ApplyIn) -> ImportOut:
    """Apply a checked file. It goes on by itself; ask for the import to see how far it is."""
    import_ = importing.start(here().import_desk, import_id, skip_bad=json_data.skip_bad)
    with here().database.reading() as session:
        return _described(session, import_)


@routes.get("/imports/<import_id>")
@needs("imports:write")
@routes.output(ImportOut)
def read(import_id: str) -> ImportOut:
    """How far an import is; once it is done, its signed statement."""
    with here().database.reading() as session:
        return _described(session, store.find(session, import_id))


@routes.get("/imports/<import_id>/rows")
@needs("imports:write")
@routes.input(ImportRowsIn, location="query")
@routes.output(ImportRowsOut)
def rows(import_id: str, query_data: ImportRowsIn) -> ImportRowsOut:
    """Rows that cannot be, or were not, applied, and why."""
    after = paging.from_cursor(query_data.cursor) or 0
    with here().database.reading() as session:
        import_ = store.find(session, import_id)
        found = list(store.problems(session, import_.id, after, query_data.limit + 1))
        page = found[: query_data.limit]
        language = query_data.lang or _language(programmes.by_id(session, import_.programme_id))
        return ImportRowsOut(
            items=[_problem(import_, one, language) for one in page],
            next_cursor=paging.to_cursor(page[-1].id) if len(found) > len(page) else None,
        )


def _problem(import_: Import, one: ImportProblem, language: Language) -> ImportRowOut:
    return ImportRowOut(
        row=one.row,
        field=one.field,
        column=None if one.field is None else import_.titles.get(one.field),
        code=one.code,
        message=wording.sentence(one.code, one.facts, language),
    )


def _language(programme: Programme) -> Language:
    return "ru" if programme.locale == "ru" else "en"


def _described(session: Session, import_: Import) -> ImportOut:
    programme = programmes.by_id(session, import_.programme_id)
    language = _language(programme)
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
        left_aside=[
            LeftAsideOut(**one, message=wording.sentence(one["code"], one, language))
            for one in import_.left_aside
        ],
        applied=import_.applied,
        left_out=import_.left_out,
        joined=import_.joined,
        points_applied=import_.points_applied,
        created_at=import_.created_at,
        started_at=import_.started_at,
        finished_at=import_.finished_at,
        proof=importing.statement(here().import_desk, import_),
        **in_money(
            unit,
            points_in_file=import_.points_in_file,
            points_good=import_.points_good,
            points_applied=import_.points_applied,
        ),
    )
