"""Commands for members."""

from pathlib import Path

import click

from ledger.errors import UnknownMember
from ledger.people import members
from wallet import erasure
from wallet.cli.database import on_database, open_records
from wallet.cli.installation import at_work


@click.group("members")
def members_group() -> None:
    """People with a card."""


@members_group.command("erase")
@click.argument("member_id", metavar="ID", required=False)
@click.option(
    "--from",
    "listed_in",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Erase everybody in this list (erased.txt, `wallet members erased`): after a restore.",
)
@click.option("--write-off", is_flag=True, help="Take their points out of the book as expired.")
@on_database
def erase_member(member_id: str | None, listed_in: Path | None, *, write_off: bool) -> None:
    """Erase the person behind the member ID for good: there is no way back.

    Their points and postings stay under the ID, which stands for nobody from then on. Safe to
    repeat."""
    if (member_id is None) == (listed_in is None):
        raise click.UsageError("Give an ID, or --from and a list of them.")
    ids = [member_id or ""] if listed_in is None else erasure.listed(listed_in.read_text())
    house = at_work()
    known = 0
    for id_ in ids:
        try:
            erased = erasure.carry_out(
                house.database,
                house.settings.data,
                id_,
                house.make_due,
                house.clock(),
                write_off=write_off,
            )
        except UnknownMember:
            if listed_in is None:
                raise
            continue
        known += 1
        also = f" with {others} merged into it" if (others := len(erased.public_ids) - 1) else ""
        click.echo(f"{erased.id}{also}: erased since {erased.erased_at:%F %T} UTC.")
    if listed_in is not None:
        click.echo(f"{known} of {len(ids)} were here.")
    house.database.close()


@members_group.command("erased")
@on_database
def list_erased() -> None:
    """Everybody who was erased: ID and since when. Keep the list beside the backups."""
    with open_records().database.reading() as session:
        for member in members.all_erased(session):
            click.echo(erasure.line(member.public_id, member.erased_at))
