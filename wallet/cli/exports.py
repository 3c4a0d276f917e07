"""Commands that write members and postings into files."""

from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

import click

from ledger import words
from ledger.book.roster import RosterFilter
from ledger.book.statements import Filter
from ledger.programmes import programmes, units
from wallet.access.exports import ExportFormat, ExportKind, ExportOrder
from wallet.access.files import ExportRun, ExportSource
from wallet.api import exporting
from wallet.cli.database import Records, author, on_database, open_records
from wallet.people import listing

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])


@click.group("export")
def export_group() -> None:
    """Members and postings of a programme as files."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--until", type=MOMENT, help="Before it, such as 2026-12-31T00:00+03:00."),
        click.option("--since", type=MOMENT, help="From this moment on, written alike."),
        click.option(
            "--format",
            "format_",
            type=click.Choice(["csv", "ndjson"]),
            default="csv",
            help="For spreadsheets, or for programs.",
        ),
        click.argument("file", type=click.File("wb", lazy=True)),
        click.argument("programme"),
    ):
        command = option(command)
    return command


@export_group.command("members")
@_options
@click.option("--personal", is_flag=True, help="With what is known of people.")
@on_database
def export_members(
    programme: str,
    file: BinaryIO,
    format_: ExportFormat,
    since: datetime | None,
    until: datetime | None,
    *,
    personal: bool,
) -> None:
    """Write the members of PROGRAMME who joined in this time into FILE; - is standard output."""
    records = open_records()
    with records.database.reading() as session:
        found = programmes.by_code(session, programme)
        unit = units.named(session, found.id, None)
    wanted = RosterFilter(found.code, since=since, until=until)
    source = listing.members(wanted, unit, records.clock(), people=personal)
    order = _order(found.id, "members", format_, since, until, personal=personal)
    _write(records, order, source, file)


@export_group.command("postings")
@_options
@on_database
def export_postings(
    programme: str,
    file: BinaryIO,
    format_: ExportFormat,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Write the postings of PROGRAMME of this time into FILE; - is standard output."""
    records = open_records()
    with records.database.reading() as session:
        found = programmes.by_code(session, programme)
        counted = {unit.id: unit for unit in units.of_programme(session, found.id)}
    wanted = Filter(since=since, until=until)
    source = exporting.postings(found.code, found.id, counted, wanted, None)
    order = _order(found.id, "postings", format_, since, until, personal=False)
    _write(records, order, source, file)


def _order(
    programme_id: int,
    what: ExportKind,
    format_: ExportFormat,
    since: datetime | None,
    until: datetime | None,
    *,
    personal: bool,
) -> ExportOrder:
    bounds = {"since": since, "until": until}
    asked = {name: words.timestamp(one) for name, one in bounds.items() if one is not None}
    return ExportOrder(programme_id, what, format_, personal, asked, author())


def _write(records: Records, order: ExportOrder, source: ExportSource, file: BinaryIO) -> None:
    run = ExportRun(records.database, records.clock, order, source)
    try:
        for piece in run.pieces():
            file.write(piece)
    finally:
        run.end()
    click.echo(f"{run.rows} rows written; export {run.id}.", err=True)
