"""Small tables as files, made whole: each is noted in the record of exports before it leaves."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from flask import make_response
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.imports import cells
from wallet.access import exports
from wallet.access.exports import ExportKind, ExportOrder
from wallet.access.files import DELIMITER, MARK
from wallet.console import pages
from wallet.installation import current_installation

SheetRows = Sequence[Sequence[str]]

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def taken(
    what: ExportKind,
    filename: str,
    filters: Mapping[str, Any],
    rows_of: Callable[[Session], SheetRows],
) -> Response:
    """The table of the page's programme as a CSV; its first row names the columns. Nothing known of
    people is in it."""
    house = current_installation()
    with house.database.transaction() as session:
        programme = pages.programme_row(session)
        order = ExportOrder(
            programme.id, what, "csv", personal=False, filters=filters, by=pages.author()
        )
        begun = exports.begin(session, order, house.clock())
        heading, *rows = rows_of(session)
        exports.end(session, begun.id, len(rows), house.clock(), complete=True)
        export_id = begun.public_id
    target = io.StringIO(MARK)
    target.seek(0, io.SEEK_END)
    writer = csv.writer(target, delimiter=DELIMITER)
    writer.writerows([_cell(one) for one in row] for row in (heading, *rows))
    answer = make_response(target.getvalue())
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f"attachment; filename={quote(filename)}"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Export-Id"] = export_id
    return answer


def _cell(text: str) -> str:
    """A number below zero is no formula."""
    return text if _NUMBER.fullmatch(text) else cells.harmless(text)
