"""Commands for members."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from ledger.book import balances
from ledger.contacts import PhoneNumber, Unfit, phone_number
from ledger.errors import UnknownMember
from ledger.people import cards, members, persons, rereading
from ledger.people.members import Member
from ledger.people.persons import Person, Search
from ledger.people.rereading import Reread
from ledger.programmes import programmes, units
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.apple import devices
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import Records, author, on_database, open_records
from wallet.cli.installation import at_work
from wallet.google import mirror
from wallet.installation import Installation
from wallet.passes import issued
from wallet.people import erasure, lost_cards

REREAD_AT_ONCE = 500
MOST_LISTED = 1000

CardTreatment = Callable[[Session, Member, Installation, datetime], Member]


@click.group("members")
def members_group() -> None:
    """People with a card."""


@members_group.command("list")
@click.option("--programme", required=True, metavar="CODE")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_LISTED),
    default=MOST_ROWS_SHOWN,
    show_default=True,
    help="The most that are shown.",
)
@click.option("--before", metavar="ID", help="Those who joined before this member.")
@on_database
def list_members(programme: str, limit: int, before: str | None) -> None:
    """The members of a programme, the newest first: ID, state, since when."""
    records = open_records()
    with records.database.reading() as session:
        programme_id = programmes.by_code(session, programme).id
        after = before and members.by_public_id(session, before, include_erased=True).id
        found = members.in_programme(session, programme_id, after or None, limit + 1)
        for member in found[:limit]:
            click.echo(_line(session, member, records.clock()))
    if not found:
        earlier = (
            "who joined before" if before else f"yet. They join at {_join(records, programme)}"
        )
        click.echo(f"None {earlier}.")
    if len(found) > limit:
        click.echo(f"There are more: add --before {found[limit - 1].public_id}")


@members_group.command("find")
@click.option("--card", metavar="NUMBER")
@click.option("--phone", metavar="NUMBER", help="As people write it in a programme's country.")
@click.option("--email", metavar="ADDRESS")
@click.option("--external-id", metavar="ID", help="What another system calls the member.")
@on_database
def find_members(
    card: str | None, phone: str | None, email: str | None, external_id: str | None
) -> None:
    """Who has this card, phone number, address or id of another system: ID, state, since when."""
    if sum(one is not None for one in (card, phone, email, external_id)) != 1:
        raise click.UsageError("Give one of --card, --phone, --email and --external-id.")
    records = open_records()
    with records.database.reading() as session:
        wanted = Search(card, _numbers(session, phone), email, external_id)
        found = persons.search(session, wanted, 0, MOST_ROWS_SHOWN)
        for member in found:
            programme = programmes.by_id(session, member.programme_id).code
            click.echo(f"{_line(session, member, records.clock())}, {programme}")
    if not found:
        click.echo("Nobody.")


@members_group.command("show")
@click.argument("member_id", metavar="ID")
@click.option(
    "--personal", is_flag=True, help="Also what is known of the person, and the link to the card."
)
@on_database
def show_member(member_id: str, *, personal: bool) -> None:
    """All about the member ID: card, balances, phones. Personal data only if asked for."""
    records = open_records()
    with records.database.reading() as session:
        member, now = members.by_public_id(session, member_id, include_erased=True), records.clock()
        click.echo(_line(session, member, now))
        click.echo(f"programme: {programmes.by_id(session, member.programme_id).code}")
        if member.erased_at is not None:
            return
        counted = units.of_programme(session, member.programme_id)
        standing = balances.of_members(
            session, [unit.id for unit in counted], [member.holder_id], now
        )
        for unit in counted:
            if (balance := standing.get((member.holder_id, unit.id))) is not None:
                owes = f", owes {unit.amount(balance.debt)}" if balance.debt else ""
                click.echo(
                    f"{unit.code}: {unit.amount(balance.available)}, later"
                    f" {unit.amount(balance.pending)}, held {unit.amount(balance.held)}{owes}"
                )
        if member.merged_into_id is not None:
            return
        card = issued.card_of(session, member.id)
        saved = {True: "yes", False: "no", None: "never heard"}[mirror.is_saved(session, card.id)]
        click.echo(f"Apple devices with the card: {devices.number_with(session, card.id)}")
        click.echo(f"saved at Google: {saved}")
        if personal:
            _say_person(records, session, member)


def _say_person(records: Records, session: Session, member: Member) -> None:
    known = persons.profile_of(session, member.id)
    for what, value in (
        ("name", known.name),
        ("phone", known.phone),
        ("e-mail", known.email),
        ("birthday", known.birthday),
        ("language", known.locale),
        ("external id", known.external_id),
    ):
        click.echo(f"{what}: {'not known' if value is None else value}")
    token = records.keys.link_token(issued.card_of(session, member.id).link)
    click.echo(f"card: {records.settings.public_url}/card/{token}")


@members_group.command("lost")
@click.argument("member_id", metavar="ID")
@on_database
def replace_lost_card(member_id: str) -> None:
    """The phone of the member ID is lost: refuse number, link and pass for good, and give new ones.

    Points, offers and coupons stay. Prints the new link, which is for the member alone: make sure
    that it is they who ask."""

    def lose(session: Session, member: Member, house: Installation, now: datetime) -> Member:
        return lost_cards.replace(session, member, house.keys, house.make_due, now)

    house, person = _remedied(member_id, "card.lost", lose)
    with house.database.reading() as session:
        click.echo(f"{person}: what was in the lost phone is refused from now on.")
        member = members.by_public_id(session, person)
        click.echo(house.card_link(issued.card_of(session, member.id)))
    house.database.close()


@members_group.command("block")
@click.argument("member_id", metavar="ID")
@on_database
def block_card(member_id: str) -> None:
    """Refuse card, link and pass of the member ID until `wallet members unblock`."""

    def block(session: Session, member: Member, house: Installation, now: datetime) -> Member:
        return lost_cards.block(session, member, house.make_due, now)

    house, person = _remedied(member_id, "card.blocked", block)
    click.echo(f"{person}: blocked until `wallet members unblock {person}`.")
    house.database.close()


@members_group.command("unblock")
@click.argument("member_id", metavar="ID")
@on_database
def unblock_card(member_id: str) -> None:
    """The owner has come: make what was blocked good again. What was lost stays refused."""

    def unblock(session: Session, member: Member, house: Installation, now: datetime) -> Member:
        return lost_cards.unblock(session, member, house.make_due, now)

    house, person = _remedied(member_id, "card.unblocked", unblock)
    click.echo(f"{person}: not blocked any more.")
    house.database.close()


def _remedied(member_id: str, code: str, remedy: CardTreatment) -> tuple[Installation, str]:
    """Carry out what is to be done with a card; the installation, and who stands for the person.
    `code` is that of the change, in the record of them."""
    house = at_work()

    def work(session: Session) -> str:
        member, now = members.by_public_id(session, member_id), house.clock()
        person = remedy(session, member, house, now).public_id
        changes.note(session, author(), code, _changed(member), now)
        return person

    return house, house.database.run(work)


def _changed(member: Member) -> ChangedThing:
    return ChangedThing("member", member.public_id, member.programme_id, member.id)


def _line(session: Session, member: Member, now: datetime) -> str:
    if member.erased_at is not None:
        return f"{member.public_id}: erased {member.erased_at:%F}"
    if member.merged_into_id is not None:
        head = members.resolve_merged(session, member).public_id
        return f"{member.public_id}: merged into {head}, since {member.created_at:%F}"
    card = cards.newest_of(session, member.id)
    return (
        f"{member.public_id}: card {card.number} {cards.state(card, now)},"
        f" since {member.created_at:%F}{', not confirmed' if member.unconfirmed else ''}"
    )


def _join(records: Records, programme: str) -> str:
    return f"{records.settings.public_url}/join/{programme}"


def _numbers(session: Session, written: str | None) -> tuple[PhoneNumber, ...]:
    """All that a number may mean in the countries of the programmes."""
    if written is None:
        return ()
    found = set()
    for country in programmes.countries(session) or [programmes.COUNTRY]:
        try:
            found.add(phone_number(written, country))
        except Unfit as unfit:
            wrong = unfit
    if not found:
        raise click.BadParameter(str(wrong), param_hint="--phone")
    return tuple(found)


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
                by=author(),
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
                done = mend and _mend(session, reread, records.clock())
                said, mended = said + 1, mended + done
                click.echo(f"{reread.member.public_id}: {_in_words(reread, mended=done)}")
    click.echo(f"{said} are not as they would be stored today; {mended} were mended.")


def _mend(session: Session, reread: Reread, now: datetime) -> bool:
    person = session.get(Person, reread.member.id)
    before = changes.held(session, person)
    done = rereading.mend(session, reread, now)
    if done and person is not None:
        after = changes.reread(session, person)
        of = _changed(reread.member)
        changes.note(session, author(), "member.changed", of, now, before, after)
    return done


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
        found = members.all_erased(session)
        for member in found:
            click.echo(erasure.line(member.public_id, member.erased_at))
    if not found:  # not in the list, which programs read
        click.echo("Nobody was erased.", err=True)
