"""What pages about members share: the member whom an address names, and how they are called."""

import re

from sqlalchemy.orm import Session

from ledger.contacts import international
from ledger.errors import AmountTooLarge, NotFound, TooManyDecimals
from ledger.money import Money
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes.units import Unit
from wallet.console import pages
from wallet.console.forms import FormEntries
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "members"  # the entry of the menu
PERSONAL = "personal:read"
LAST = 253_402_300_799_000_000  # microseconds since 1970, to the end of the year 9999

_OF_RUSSIA = re.compile(r"\+7(\d{3})(\d{3})(\d\d)(\d\d)")
_AMOUNT = re.compile(r"(\d+)(?:[.,](\d+))?")
_SPACES = re.compile(r"[\s\u00a0\u202f]")


def named(session: Session, public_id: str) -> Member:
    """The member of the page's programme whom an address names, erased or not. Ends the request
    with 404 for anybody else."""
    try:
        member = members.by_public_id(session, public_id, include_erased=True)
    except NotFound:
        pages.not_there(HERE)
    if member.programme_id != pages.programme().id:
        pages.not_there(HERE)
    return member


def present(session: Session, public_id: str) -> Member:
    """The same, for what is done with a member: 404 for one who was erased as well."""
    member = named(session, public_id)
    if member.erased_at is not None:
        pages.not_there(HERE)
    return member


def called(name: str | None, card: str) -> str:
    """What a member is called on a page: by name, or else by card."""
    return name or _("Card %(number)s", number=grouped(card))


def grouped(card: str) -> str:
    """A card number in groups of four, as it is printed."""
    if not card.isdigit() or len(card) % 4:
        return card
    return "\u00a0".join(card[at : at + 4] for at in range(0, len(card), 4))


def phone(number: str | None) -> str:
    """A phone number as people read it. A list has dozens of them, and the library that knows all
    of the world takes its time."""
    if number is None:
        return ""
    if found := _OF_RUSSIA.fullmatch(number):
        return "+7 {} {}-{}-{}".format(*found.groups())
    try:
        return international(number)
    except ValueError:
        return number


def points(unit: Unit, count: int) -> str:
    """So many points, with their word; money with its sign."""
    return f"{language.amount(unit, count)} {language.unit_word(unit, count)}".strip()


def signed(unit: Unit, count: int) -> str:
    """The same with a sign in front."""
    return f"{'−' if count < 0 else '+'}{points(unit, abs(count))}"


def typed_amount(entries: FormEntries, name: str, unit: Unit) -> int | None:
    """How many pieces of a unit somebody typed: a whole number, or money with its decimals. None
    for what is neither, which is then among the problems."""
    if unit.currency is None:
        return entries.whole(name)
    typed = _SPACES.sub("", entries.text(name))
    found = _AMOUNT.fullmatch(typed)
    if found is None:
        entries.refuse(name, _("This is not an amount."))
        return None
    whole, decimals = found[1].lstrip("0") or "0", found[2]
    try:
        return unit.points(Money(whole + (f".{decimals}" if decimals else ""), unit.currency))
    except (TooManyDecimals, AmountTooLarge) as refusal:
        entries.refused(refusal, name)
        return None


def bound(typed: str, unit: Unit) -> int | None:
    """A bound that stands in an address, in whole points or money; None for what is none."""
    digits = _SPACES.sub("", typed)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        return None
    scaled: int = int(digits) * 10**unit.scale
    return scaled


def name_of(session: Session, member: Member) -> str:
    """How a member is called by whoever is signed in."""
    name = None
    if pages.may(PERSONAL) and (row := session.get(Person, member.id)) is not None:
        name = row.name
    return called(name, cards.newest_of(session, member.id).number)
