"""The record of changes: who changed what, when, and what it was before; in one programme, or in
all."""

from collections.abc import Generator, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from flask import Blueprint, g, request, stream_with_context
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.database.tables import EPOCH, MICROSECOND
from wallet.access import change_chain, change_words
from wallet.access.change_chain import ChangeChain
from wallet.access.changes import LONGEST_NAME, ChangeFilter, ThingKind
from wallet.access.exports import ExportOrder
from wallet.access.files import AT_ONCE, ExportRun, ExportSource, ListItem, Pages, TableRow
from wallet.console import change_lines, listing, pages
from wallet.console.change_lines import ChangeLine
from wallet.console.errors import error_page
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "settings"  # the entry of the menu
CHANGES, EXPORTS = "changes:read", "exports:read"
FILTERS = ("kind", "of", "by", "since", "until")  # in addresses
KINDS: tuple[ThingKind, ...] = get_args(ThingKind)
FIRST_YEAR, LAST_YEAR = 2000, 2999

routes = Blueprint("changes", __name__)


@routes.get("/changes")
@needs(CHANGES)
def of_all() -> Response | str:
    """What was changed in all programmes, and beside them; who sees one alone is led there."""
    if pages.may_everywhere(CHANGES):
        return _page(None)
    for one in pages.seen_programmes():
        if pages.person().may(CHANGES, one.id):
            return pages.go("console.changes.show", programme=one.code)
    return pages.go("console.home.begin")


@routes.get(f"{IN_PROGRAMME}/changes")
@needs(CHANGES)
def show() -> str:
    """What was changed in this programme."""
    return _page(pages.programme().id)


@routes.get(f"{IN_PROGRAMME}/changes.csv")
@needs(EXPORTS)
def table() -> Response:
    """The lines that fit as a table. Who took it stands in the record of exports."""
    if not pages.may(CHANGES):
        return error_page(403, pages.frame(HERE))
    house, here, wanted = current_installation(), pages.programme(), _wanted(pages.programme().id)
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    people = pages.may(change_lines.PERSONAL)
    order = ExportOrder(here.id, "changes", "csv", people, asked, pages.author())
    run = ExportRun(
        house.database, house.clock, order, ExportSource(_items(wanted), _columns(), _row)
    )
    pieces = stream_with_context(run.pieces())
    answer = Response(pieces, mimetype="text/csv")
    answer.call_on_close(run.end)
    answer.headers["Content-Disposition"] = f'attachment; filename="{here.code}-changes.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _columns() -> Sequence[str]:
    return (_("Moment"), _("By whom"), _("What was changed"), _("Fields"), _("Number"))


def _items(wanted: ChangeFilter) -> Pages:
    """The lines in words, page by page, newest first."""

    def read(session: Session) -> Generator[list[ListItem], None, None]:
        before: tuple[datetime, int] | None = None
        while found := change_lines.lines(session, wanted, before, AT_ONCE):
            yield [{"line": one} for one in found]
            before = found[-1].at, found[-1].id

    return read


def _row(item: ListItem) -> Iterator[TableRow]:
    line: ChangeLine = item["line"]
    fields = "; ".join(f"{one.name}: {one.before} → {one.after}" for one in line.fields)
    yield (line.at, line.author, line.sentence, fields, line.number)


def _page(programme_id: int | None) -> str:
    wanted = _wanted(programme_id)
    with current_installation().database.reading() as session:
        found = change_lines.lines(session, wanted, _place(), listing.ROWS + 1)
        chain = change_chain.state(session)
        return pages.show(
            "console/staff/changes.html",
            HERE,
            page=listing.page(found, _at),
            chosen=_chosen(wanted),
            kinds=[(one, change_words.thing(one, language.current())) for one in KINDS],
            state=_state(chain),
            is_of_all=programme_id is None,
            may_see_all=pages.may_everywhere(CHANGES),
            file_url=_file_url(),
            by_url=lambda name: listing.this_url(by=name, after=None),
        )


def _file_url() -> str | None:
    """Where the same lines are a file; None where there is none."""
    if g.programme is None or not pages.may(EXPORTS):
        return None
    asked = {name: request.args[name] for name in FILTERS if request.args.get(name)}
    return pages.url("console.changes.table", **asked)


def _wanted(programme_id: int | None) -> ChangeFilter:
    """The filter that stands in the address; what cannot be read there does not count."""
    asked = request.args.get("kind")
    since, until = _day("since"), _day("until")
    zone = ZoneInfo(pages.zone())
    return ChangeFilter(
        programme_id=programme_id,
        kind=next((one for one in KINDS if one == asked), None),
        of=_text("of"),
        by=_text("by"),
        since=None if since is None else datetime.combine(since, time(), zone),
        until=None if until is None else datetime.combine(until + timedelta(1), time(), zone),
    )


def _text(name: str) -> str | None:
    typed = request.args.get(name, "").strip()
    return typed if typed and len(typed) <= LONGEST_NAME and typed.isprintable() else None


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _chosen(wanted: ChangeFilter) -> Sequence[tuple[str, str]]:
    """What is chosen, in words, each with the address without it."""
    tongue = language.current()
    chips = []
    if wanted.kind is not None:
        chips.append((change_words.thing(wanted.kind, tongue), "kind"))
    if wanted.of is not None:
        chips.append((change_lines.short(wanted.of), "of"))
    if wanted.by is not None:
        chips.append((_("by %(name)s", name=wanted.by), "by"))
    for name, sentence in (("since", _("from %(day)s")), ("until", _("until %(day)s"))):
        day = _day(name)
        if day is not None:
            chips.append((sentence % {"day": words.day_in(tongue, day)}, name))
    return [(said, listing.this_url(**{name: None, listing.AFTER: None})) for said, name in chips]


def _place() -> tuple[datetime, int] | None:
    """Behind which line the page begins."""
    place = listing.after(2)
    if place is None:
        return None
    try:
        return EPOCH + place[0] * MICROSECOND, place[1]
    except OverflowError:  # somebody has changed the address
        return None


def _at(line: ChangeLine) -> tuple[int, int]:
    return (line.at - EPOCH) // MICROSECOND, line.id


def _state(chain: ChangeChain | None) -> tuple[str, str, str]:
    """Whether the record is whole, as far as it was checked: a sentence, its look, and what was
    found, which is English, as in the terminal."""
    if chain is None or chain.checked_at is None:
        return _("The record is checked every night; that has not happened yet."), "none", ""
    moment = change_lines.moment(chain.checked_at)
    if chain.fault is not None:
        sentence = _(
            "Checked %(moment)s: something was changed or removed behind Kopilka's back.",
            moment=moment,
        )
        return sentence, "bad", chain.fault
    return _("Checked %(moment)s: the record is whole.", moment=moment), "good", ""
