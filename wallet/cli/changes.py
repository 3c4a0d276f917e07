"""Commands for the record of changes."""

from datetime import datetime
from typing import get_args

import click

from ledger.programmes import programmes
from wallet.access import changes
from wallet.access.changes import ChangeFilter, ListedChange, ThingKind
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import on_database, open_records

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])
MOST_LISTED = 1000


@click.group("changes")
def changes_group() -> None:
    """Who changed what, and when."""


@changes_group.command("list")
@click.option("--programme", metavar="CODE", help="Only of this one. Default: all.")
@click.option("--kind", type=click.Choice(get_args(ThingKind)), help="Only of such things.")
@click.option("--of", metavar="ID", help="Only of this one, by its code, name or id.")
@click.option("--by", metavar="NAME", help="Only what this key, command or person changed.")
@click.option("--since", type=MOMENT, help="From this moment on, such as 2026-12-31T00:00+03:00.")
@click.option("--until", type=MOMENT, help="Before it, written alike.")
@click.option("--personal", is_flag=True, help="With what the changes say of people.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_LISTED),
    default=MOST_ROWS_SHOWN,
    show_default=True,
    help="The most that are shown.",
)
@on_database
def list_changes(
    programme: str | None,
    kind: ThingKind | None,
    of: str | None,
    by: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    *,
    personal: bool,
) -> None:
    """The changes, newest first: when, who, what, and what it was before."""
    with open_records().database.reading() as session:
        programme_id = None if programme is None else programmes.by_code(session, programme).id
        wanted = ChangeFilter(programme_id, kind, of, by, since, until)
        found = changes.listed(session, wanted, None, limit + 1)
        for row in found[:limit]:
            click.echo(_line(row, personal=personal))
    if not found:
        click.echo("None.")
    if len(found) > limit:
        click.echo("There are more: add --until, or a larger --limit.")


def _line(row: ListedChange, *, personal: bool) -> str:
    change = row.change
    fields = {**change.fields, **((row.personal or {}) if personal else {})}
    said = ", ".join(f"{name}: {before} -> {after}" for name, (before, after) in fields.items())
    by = changes.Author(change.author_kind, change.author_name).said
    line = f"{change.at:%F %T} {by}: {change.code}, {change.of_kind} {change.of_id}"
    return f"{line}; {said}" if said else line
