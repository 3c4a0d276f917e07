"""The command that makes a poster as a file."""

from pathlib import Path
from typing import get_args

import click

from ledger.programmes import programmes, stores
from wallet.cli.database import on_database
from wallet.cli.installation import at_work
from wallet.outreach.posters import drawn, layout, posters
from wallet.outreach.posters.joined import PosterPlace
from wallet.outreach.posters.layout import PosterFormat


@click.command("poster")
@click.argument("programme")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(PosterFormat)),
    default="a4",
    show_default=True,
    help="tent: A4 folded in two, for a table.",
)
@click.option("--language", help="One of the programme's; its first unless you say another.")
@click.option("--store", help="The code of the store where it will hang.")
@click.option("--till", help="The code of a till in that store.")
@on_database
def poster(
    programme: str,
    file: Path,
    form: PosterFormat,
    language: str | None,
    store: str | None,
    till: str | None,
) -> None:
    """Write the poster of PROGRAMME into FILE: a PDF, or an SVG if its name ends in .svg. Its code
    leads to the form for joining; who joins by it is counted for the store and the till."""
    if till is not None and store is None:
        raise click.UsageError("--till needs --store: a till's code is one within its store.")
    installation = at_work()
    with installation.database.reading() as session:
        row = programmes.by_code(session, programme)
        if language is not None and language not in row.languages:
            raise click.UsageError(f"This programme speaks {', '.join(row.languages)}.")
        place = PosterPlace()
        if store is not None:
            found = stores.store_named(session, row.id, store)
            at = None if till is None else stores.till_named(session, row.id, till, store)
            place = PosterPlace(found, at)
        tongue = language or row.languages[0]
        public_url = installation.settings.public_url
        made = posters.poster(session, row, tongue, place, public_url)
    if lacking := posters.missing(made):
        raise click.ClickException(f"The font has no letters such as {lacking[:5]}.")
    sheet = layout.laid_out(made, form)
    if file.suffix.lower() == ".svg":
        file.write_text(drawn.svg(sheet, made.name))
    else:
        file.write_bytes(drawn.pdf(sheet, made.name, tongue, installation.clock()))
    click.echo(f"{file}: written. Its code leads to {made.address}")
