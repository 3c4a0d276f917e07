"""Commands for members."""

from pathlib import Path

import click

from ledger.errors import UnknownMember
from ledger.people import members, rereading
from ledger.people.rereading import Reread
from wallet.cli.database import on_database, open_records
from wallet.cli.installation import at_work
from wallet.people import erasure

REREAD_AT_ONCE = 500


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


@members_group.command("contacts")
@click.option("--mend", is_flag=True, help="Store what is certainly meant; without, only say it.")
@on_database
def reread_contacts(*, mend: bool) -> None:
    """Read all stored phone numbers and e-mail addresses again, by the rules of this release.

    Earlier releases kept Russian numbers without +7 as those of other countries. Says which members
    are concerned, never their numbers. Members who turn out to have the same number are not
    merged: that is for you to decide."""
    records = open_records()
    said = mended = 0
    after: int | None = 0
    while after is not None:
        with records.database.transaction() as session:
            found, after = rereading.page(session, after, REREAD_AT_ONCE)
            for reread in found:
                done = mend and rereading.mend(session, reread, records.clock())
                said, mended = said + 1, mended + done
                click.echo(f"{reread.member.public_id}: {_in_words(reread, mended=done)}")
    click.echo(f"{said} are not as they would be stored today; {mended} were mended.")


def _in_words(reread: Reread, *, mended: bool) -> str:
    if reread.read is None:
        return f"{reread.field} cannot be one; ask the member"
    if reread.taken_by is not None:
        return f"{reread.field} is that of {reread.taken_by}; are they one person?"
    if mended:
        return f"{reread.field} was mended"
    return f"{reread.field} was read in another way; --mend stores what is meant"


@members_group.command("erased")
@on_database
def list_erased() -> None:
    """Everybody who was erased: ID and since when. Keep the list beside the backups."""
    with open_records().database.reading() as session:
        for member in members.all_erased(session):
            click.echo(erasure.line(member.public_id, member.erased_at))
