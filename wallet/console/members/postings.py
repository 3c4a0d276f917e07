"""The entries of a programme, one by one: the rows behind the figures of the first page, with
filters, and as a file."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from flask import Blueprint, request, stream_with_context
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.book import daybook
from ledger.book.daybook import DaybookEntry, DaybookPlace, DaybookPosting
from ledger.book.drafts import PostingKind
from ledger.book.statements import Filter
from ledger.database.tables import EPOCH, MICROSECOND
from ledger.people import cards
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.points.adjusting import PROMOTION
from ledger.programmes import stores, units
from ledger.programmes.units import Unit
from wallet.access import files
from wallet.access.exports import ExportOrder
from wallet.access.files import ExportRun, ExportSource, ListItem, TableRow
from wallet.console import listing, moments, pages
from wallet.console.errors import error_page
from wallet.console.listing import ROWS
from wallet.console.members import people, story
from wallet.console.members.people import LAST, PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

routes = Blueprint("postings", __name__)

HERE = "members"
EXPORTS = "exports:read"
PAGE = "console/members/postings.html"
# Beside the kinds of postings: purchases of any kind, and what people gave and took by hand.
PURCHASES, BY_HAND = "purchases", "by_hand"
FILTERS = ("kind", "store", "receipt", "since", "until", "at_least")  # in addresses
MOST_STORES = 200  # offered by name
FIRST_YEAR, LAST_YEAR = 2000, 2999


@dataclass(frozen=True, slots=True)
class AskedPostings:
    """Which postings the address asks for."""

    filter: Filter
    bought: bool


@dataclass(frozen=True, slots=True)
class PostingRow:
    """What a posting did to one member, in words. The member has no address if there is none."""

    member: str
    url: str
    at: Markup
    what: str
    points: str
    paid: str
    store: str
    note: str


@routes.get(f"{IN_PROGRAMME}/entries")
@needs("members:read")
def listed() -> str:
    """The entries of the programme that fit, newest first by when they happened."""
    house = current_installation()
    now = house.clock()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        counted = {unit.id: unit for unit in units.of_programme(session, programme.id)}
        main = units.named(session, programme.id, None)
        wanted = _asked(main, programme.timezone)
        found = daybook.page(
            session, programme.id, wanted.filter, None, _behind(), ROWS + 1, bought=wanted.bought
        )
        page = listing.page(found, lambda row: _numbers(row.occurred_at, row.posting_id), ROWS)
        names = _names(session, page.rows)
        rows = [
            _row(posting, entry, counted[entry.unit_id], names, programme.timezone, now)
            for posting in page.rows
            for entry in posting.entries
        ]
        known = stores.listed(session, programme.id, 0, MOST_STORES)
    return pages.show(
        PAGE,
        HERE,
        page=page,
        rows=rows,
        kinds=_kinds(),
        stores=[(one.code, one.name) for one in known],
        chosen=_chosen(main, {one.code: one.name for one in known}),
        unit=main,
        file_url=_file_url(),
    )


@routes.get(f"{IN_PROGRAMME}/entries.csv")
@needs(EXPORTS)
def table() -> Response:
    """The same entries as a table, oldest first. Who took it stands in the record of exports."""
    if not pages.may("members:read"):
        return error_page(403, pages.frame(HERE))
    house, sees_people = current_installation(), pages.may(PERSONAL)
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        counted = {unit.id: unit for unit in units.of_programme(session, programme.id)}
        main = units.named(session, programme.id, None)
        wanted = _asked(main, programme.timezone)
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    order = ExportOrder(programme.id, "postings", "csv", sees_people, asked, pages.author())
    source = _source(programme.id, wanted, counted, people=sees_people)
    run = ExportRun(house.database, house.clock, order, source)
    pieces = stream_with_context(run.pieces())
    answer = Response(pieces, mimetype="text/csv")
    answer.call_on_close(run.end)
    answer.headers["Content-Disposition"] = f'attachment; filename="{programme.code}-entries.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _asked(unit: Unit, zone: str) -> AskedPostings:
    kind, since, until = request.args.get("kind", ""), _day("since"), _day("until")
    return AskedPostings(
        Filter(
            kind=kind if kind in get_args(PostingKind) else None,
            store=_text("store"),
            receipt=_text("receipt"),
            promotion=PROMOTION if kind == BY_HAND else None,
            since=None if since is None else _midnight(since, zone),
            until=None if until is None else _midnight(until + timedelta(1), zone),
            at_least=people.bound(request.args.get("at_least", ""), unit),
        ),
        kind == PURCHASES,
    )


def _text(name: str) -> str | None:
    typed = request.args.get(name, "").strip()
    return typed if typed and len(typed) <= 100 and typed.isprintable() else None


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _behind() -> DaybookPlace | None:
    place = listing.after(2)
    if place is None or place[0] > LAST:
        return None
    return EPOCH + place[0] * MICROSECOND, place[1]


def _numbers(at: datetime, posting_id: int) -> tuple[int, int]:
    return (at - EPOCH) // MICROSECOND, posting_id


def _names(session: Session, found: Sequence[DaybookPosting]) -> Mapping[str, str]:
    """How the members of these postings are called, by their public ids."""
    ids = {entry.member for posting in found for entry in posting.entries}
    known = session.execute(
        select(Member.id, Member.public_id, Person.name)
        .outerjoin(Person, Person.member_id == Member.id)
        .where(Member.public_id.in_(ids))
    ).all()
    sees_people = pages.may(PERSONAL)
    newest = cards.newest(session, [one.id for one in known])
    return {
        one.public_id: people.called(one.name if sees_people else None, newest[one.id].number)
        for one in known
        if one.id in newest
    }


def _row(
    posting: DaybookPosting,
    entry: DaybookEntry,
    unit: Unit,
    names: Mapping[str, str],
    zone: str,
    now: datetime,
) -> PostingRow:
    name, paid = names.get(entry.member), posting.purchase
    notes = [
        "" if posting.receipt is None else _("receipt %(number)s", number=posting.receipt),
        posting.reason or "" if pages.may(PERSONAL) else "",
    ]
    return PostingRow(
        name or _("erased"),
        "" if name is None else pages.url("console.member.show", member_id=entry.member),
        moments.element(posting.occurred_at, zone, now),
        _what(posting, entry),
        people.signed(unit, entry.points),
        "" if paid is None else paid.written(language.current()),
        posting.store or "",
        " · ".join(filter(None, notes)),
    )


def _what(posting: DaybookPosting, entry: DaybookEntry) -> str:
    if entry.account == "debt":
        return _("points owed")
    return _("by hand") if posting.promotion == PROMOTION else _said_kind(posting.kind)


def _said_kind(kind: str) -> str:
    return dict(_kinds()).get(kind, "")


def _kinds() -> list[tuple[str, str]]:
    """What entries are told apart by, in words."""
    tongue = language.current()
    kinds = [
        (kind, story.LEDGER.text(tongue, kind, "kind of posting")) for kind in get_args(PostingKind)
    ]
    return [(PURCHASES, _("purchases")), *kinds, (BY_HAND, _("by hand"))]


def _chosen(unit: Unit, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is chosen, in words, each with the address without it."""
    asked, tongue = request.args, language.current()
    since, until = _day("since"), _day("until")
    chips = [(_said_kind(asked.get("kind", "")), ["kind"])]
    if (store := _text("store")) is not None:
        chips.append((names.get(store, store), ["store"]))
    if (receipt := _text("receipt")) is not None:
        chips.append((_("receipt %(number)s", number=receipt), ["receipt"]))
    if since is not None and since == until:
        chips.append((words.day_in(tongue, since), ["since", "until"]))
    else:
        if since is not None:
            chips.append((_("from %(day)s", day=words.day_in(tongue, since)), ["since"]))
        if until is not None:
            chips.append((_("until %(day)s", day=words.day_in(tongue, until)), ["until"]))
    if (least := people.bound(asked.get("at_least", ""), unit)) is not None:
        chips.append((_("at least %(points)s", points=people.points(unit, least)), ["at_least"]))
    return [
        (said, listing.this_url(**dict.fromkeys([*names_of_it, listing.AFTER])))
        for said, names_of_it in chips
        if said
    ]


def _file_url() -> str:
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    return pages.url_if_there("console.postings.table", EXPORTS, **asked)


def _source(
    programme_id: int, wanted: AskedPostings, counted: Mapping[int, Unit], *, people: bool
) -> ExportSource:
    def read(session: Session) -> Generator[list[ListItem], None, None]:
        behind: DaybookPlace | None = None
        while found := daybook.page(
            session,
            programme_id,
            wanted.filter,
            None,
            behind,
            files.AT_ONCE,
            oldest_first=True,
            bought=wanted.bought,
        ):
            yield [{"posting": one} for one in found]
            behind = found[-1].occurred_at, found[-1].posting_id

    def rows(item: ListItem) -> Iterator[TableRow]:
        """A row for each member; what was paid stands in the first alone: the column is summed."""
        posting: DaybookPosting = item["posting"]
        paid = posting.purchase
        for entry in posting.entries:
            unit = counted[entry.unit_id]
            yield (
                posting.occurred_at,
                _what(posting, entry),
                entry.member,
                posting.card,
                files.number(unit.money(entry.points), entry.points),
                unit.currency or unit.code,
                None if paid is None else files.number(paid, 0),
                None if paid is None else paid.currency,
                posting.store,
                posting.receipt,
                posting.reason if people else None,
                posting.id,
            )
            paid = None

    columns = (
        _("Moment"),
        _("What it was"),
        _("The member"),
        _("Card"),
        _("Points"),
        _("Counted in"),
        _("Paid"),
        _("Currency"),
        _("Store"),
        _("Receipt"),
        _("Reason"),
        _("Entry"),
    )
    return ExportSource(read, columns, rows)
