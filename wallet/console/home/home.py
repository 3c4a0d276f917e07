"""The console's first pages: where one begins, how today goes in a programme, and who one is in
it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.money import decimals
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.reports import days
from ledger.reports.figures import OF_POINTS, FigureOf
from ledger.words import N_
from wallet.access import roles
from wallet.access.apikeys import SCOPES
from wallet.access.roles import OF_PEOPLE
from wallet.console import pages, sheets
from wallet.console.home import concerns, jobs, readiness
from wallet.console.home.overview import FIGURES, PERIODS, Overview
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.sheets import SheetRows
from wallet.errors import SCOPE
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

routes = Blueprint("home", __name__)

EXPORTS = "exports:read"
SETS_UP = "company:write"
SERVES = "scans:write"
HOME = "programmes:read"
# Figures as the table of days names them.
FIGURE_WORDS: Mapping[str, str] = {
    "issued": N_("points earned"),
    "brought": N_("points brought from another system"),
    "spent": N_("points spent"),
    "expired": N_("points expired"),
    "taken_back": N_("earned points taken back"),
    "given_back": N_("spent points given back"),
    "owed": N_("change of what members hold"),
    "debt": N_("change of what members owe"),
    "purchases": N_("purchases"),
    "paid": N_("paid in purchases"),
    "returned": N_("returned of purchases"),
    "joined": N_("new members"),
    "fetched": N_("cards fetched by phones"),
    "card_added": N_("cards added"),
    "card_removed": N_("cards removed"),
    "push_accepted": N_("updates accepted"),
    "push_failed": N_("updates refused"),
    "push_deferred": N_("updates put off"),
}
WALLET_NAMES = {"apple": "Apple Wallet", "google": "Google Wallet"}
DELIMITER = ";"  # as in other CSVs of ours: what spreadsheets of most of Europe expect
MARK = "\ufeff"  # by which spreadsheets know UTF-8


@routes.get("/")
@needs(None)
def begin() -> Response | str:
    """To the home of the first programme in which they may do anything, or, for whoever sets it up,
    to its first hour; if there is none yet, what their roles allow."""
    for first in pages.seen_programmes():
        if pages.person().may(SETS_UP, first.id):
            with current_installation().database.reading() as session:
                is_unanswered = readiness.is_unanswered(session, first.id)
            if is_unanswered:
                return pages.go("console.first_hour.show", programme=first.code)
        if pages.person().may(SERVES, first.id) and not pages.person().may(HOME, first.id):
            return pages.go("console.counter.show", programme=first.code)
        return pages.go("console.home.show", programme=first.code)
    return _rights()


@routes.get(f"{IN_PROGRAMME}/")
@needs(None)
def show() -> str:
    """How today goes, what needs a hand and what runs, as far as their roles let them see it; if
    that is nothing, what their roles allow."""
    if not pages.may(FIGURES):
        return _rights()
    house = current_installation()
    period = request.args.get("days", "")
    shown = int(period) if period in map(str, PERIODS) else PERIODS[0]
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        overview = Overview(session, programme, house.clock())
        needed = concerns.in_words(session, programme)
        left = readiness.left(session, house, programme, house.clock())
        tiles, charts = overview.tiles(), overview.charts(shown)
    return pages.show(
        "console/home/overview.html",
        "home",
        today=words.day_in(language.current(), overview.today),
        overview=overview,
        tiles=[(tile, _rows_url(tile.name, overview)) for tile in tiles],
        entries_of=_days_of_entries,
        charts=charts,
        period=shown,
        periods=PERIODS,
        concerns=needed,
        left=left,
        jobs=jobs.running_now(),
    )


@routes.get(f"{IN_PROGRAMME}/days.csv")
@needs(EXPORTS)
def table() -> Response:
    """All days as a table: a row for each day and figure. Who took it stands in the record of
    exports."""

    def rows(session: Session) -> SheetRows:
        programme, now = pages.programme_row(session), current_installation().clock()
        heading = (_("Day"), _("Figure"), _("Of what"), _("How much"))
        return [heading, *_all_days(session, programme, now)]

    return sheets.taken("days", f"{pages.programme().code}-days.csv", {}, rows)


def _all_days(
    session: Session, programme: Programme, now: datetime
) -> Sequence[tuple[str, str, str, str]]:
    first = days.first_day(session, programme.id)
    if first is None:
        return []
    last = now.date() + timedelta(days=1)  # in zones to the east it is tomorrow already
    by_day = days.between(session, programme.id, first, last)
    scales = {unit.code: unit.scale for unit in units.of_programme(session, programme.id)}
    return [
        (
            day.isoformat(),
            _(FIGURE_WORDS[counted.figure]),
            WALLET_NAMES.get(counted.of, counted.of),
            _in_whole(counted, amount, scales),
        )
        for day in sorted(by_day)
        for counted, amount in sorted(by_day[day].items())
    ]


def _in_whole(counted: FigureOf, amount: int, scales: Mapping[str, int]) -> str:
    """An amount in roubles rather than in kopecks; how many there were stays as it is."""
    if counted.figure in ("paid", "returned"):
        places = decimals(counted.of)
    else:
        places = scales.get(counted.of, 0) if counted.figure in OF_POINTS else 0
    return str(Decimal(amount).scaleb(-places)) if places else str(amount)


# What the entries are filtered by that a figure counts.
KINDS_OF_ENTRIES = {
    "issued": "accrual",
    "spent": "redemption",
    "expired": "expiry",
    "purchases": "purchases",
}


def _rows_url(figure: str, overview: Overview) -> str:
    """The address of the rows that a figure of today counts; empty if they have no page, or none
    for the reader."""
    tree: dict[str, str | int]
    if figure == "joined":
        tree = {"kind": "joined", "since": overview.midnight.isoformat()}
    elif figure == "owed":
        tree = {"kind": "balance", "at_least": 1}
    elif figure in KINDS_OF_ENTRIES:
        return _days_of_entries(KINDS_OF_ENTRIES[figure])(overview.today)
    else:
        return ""
    return pages.url_if_there("console.members.listed", "members:read", tree=json.dumps(tree))


def _days_of_entries(kind: str = "") -> Callable[[date], str]:
    """The addresses of the entries of each day: a page has hundreds of them."""
    base = pages.url_if_there("console.postings.listed", "members:read")
    of_kind = f"&kind={kind}" if kind else ""
    return lambda day: f"{base}?since={day}&until={day}{of_kind}" if base else ""


def _rights() -> str:
    who, tongue = pages.person(), language.current()
    names = {one.id: one.name for one in pages.seen_programmes()}
    named = [
        (
            CATALOGUE.text(tongue, role, roles.CONTEXT),
            _("in all programmes") if programme_id is None else names[programme_id],
        )
        for role, programme_id in who.roles
    ]
    rights = [
        (CATALOGUE.text(tongue, right, SCOPE), who.may(right)) for right in (*SCOPES, *OF_PEOPLE)
    ]
    return pages.show(
        "console/home/home.html",
        "home",
        roles=named,
        rights=sorted(rights, key=lambda one: not one[1]),  # what one may stands first
    )
