"""The search of the bar: what is found, in groups; as one types, and as a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request

from ledger.book import roster
from ledger.people import finding
from ledger.people.finding import FoundBy
from wallet.console import moments, pages, shell
from wallet.console.members import members as list_of
from wallet.console.members.people import PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.settings import search as settings_search
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.sentences import CATALOGUE

routes = Blueprint("search", __name__)

TYPED = 6  # results of a group while one types
FOUND = 25  # of a page


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Something that was found: its name, what tells it from others, and where it is."""

    words: str
    details: Sequence[str]
    url: str
    icon: str


@dataclass(frozen=True, slots=True)
class ResultGroup:
    """Results of one kind, under a heading."""

    heading: str
    results: Sequence[SearchResult]


@routes.get(f"{IN_PROGRAMME}/search")
@needs(None)
def show() -> str:
    """What is found by the words of the address."""
    asked = request.args.get("q", "").strip()
    if request.headers.get("HX-Request") == "true":
        groups = _groups(asked, TYPED)
        return pages.show("console/home/search_results.html", "", groups=groups, asked=asked)
    groups = _groups(asked, FOUND)
    return pages.show("console/home/search.html", "", groups=groups, asked=asked)


def _groups(asked: str, most: int) -> list[ResultGroup]:
    """A group for each kind of thing that the reader may see and that fits."""
    if not asked:
        return []
    groups = [_members(asked, most)] if pages.may("members:read") else []
    groups.append(_settings(asked))
    return [one for one in groups if one.results]


def _settings(asked: str) -> ResultGroup:
    """Settings, by what people call them; those of the reader's rights alone."""
    links = settings_search.found(asked, pages.may, pages.programme().code)
    heading = CATALOGUE.text(language.current(), "Settings", shell.CONTEXT)
    return ResultGroup(heading, [SearchResult(one.words, [], one.url, one.icon) for one in links])


def _members(asked: str, most: int) -> ResultGroup:
    house = current_installation()
    now, sees_people = house.clock(), pages.may(PERSONAL)
    fetch, programme = house.database.fetch, pages.programme()
    found = finding.find(fetch, programme.id, programme.country, asked, most, people=sees_people)
    if not found:
        return ResultGroup("", [])
    ids = [one.member_id for one in found]
    page = roster.known(fetch, programme.code, ids, now, people=sees_people)
    rows = {one.place[1]: one for one in page.members}
    base, days = pages.url("console.members.listed"), moments.DaysInWords(programme.zone, now)
    results = []
    for one in found:
        row = rows.get(one.member_id)
        if row is None:
            continue
        shown = list_of.row_of(row, page.unit, base, days)
        details = [shown.phone, shown.card, _by(one.by)]
        results.append(
            SearchResult(shown.name, [each for each in details if each], shown.url, "user")
        )
    return ResultGroup(CATALOGUE.text(language.current(), "Members", shell.CONTEXT), results)


def _by(found_by: FoundBy) -> str:
    """Why somebody is among the results, where that is not plain to see."""
    return {
        "external_id": _("by the number in another system"),
        "email": _("by e-mail"),
    }.get(found_by, "")
