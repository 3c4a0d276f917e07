"""The list of members with its filters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, get_args

from flask import Blueprint, current_app, redirect, request
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.book import roster
from ledger.book.roster import ListedMember, RosterFilter, RosterPlace
from ledger.database.compiled import within
from ledger.database.tables import EPOCH, MICROSECOND
from ledger.people import finding, members
from ledger.people.members import Member, MemberState
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.segments import documents, membership, named
from ledger.segments.named import SavedSegment
from ledger.segments.registry import Segment
from ledger.segments.scope import Scope
from wallet.access import adjustments
from wallet.console import listing, moments, pages, shell
from wallet.console.forms import FormEntries
from wallet.console.listing import ROWS, ListPage
from wallet.console.members import conditions, conditions_form, people
from wallet.console.members.conditions import ConditionKind, Reading
from wallet.console.members.people import LAST, PERSONAL
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.shell import ConsoleLink
from wallet.installation import current_installation
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _

routes = Blueprint("members", __name__)

HERE = "members"
PICKS = "pick"  # in addresses: members are ticked
COUNTED = 10_000  # members; more of them are told of about
ABOUT = "kopilka about"  # of the application: how many, where there are more
ABOUT_LASTS = timedelta(minutes=1)
STATES: tuple[MemberState, ...] = get_args(MemberState)


@dataclass(frozen=True, slots=True)
class AskedMembers:
    """Which members a page of the list is about: in which state, by which tree, which is that of a
    saved segment or goes out from one. `oldest_first`: in the order in which they joined."""

    state: MemberState
    tree: Segment
    segment: SavedSegment | None
    oldest_first: bool

    @property
    def is_plain(self) -> bool:
        """Whether no conditions are chosen."""
        return not conditions.parts(self.tree)

    @property
    def is_changed(self) -> bool:
        """Whether the tree is another than the segment's."""
        return self.segment is None or documents.stored(self.tree) != self.segment.tree


@routes.get(f"{IN_PROGRAMME}/members")
@needs("members:read")
def listed() -> str:
    """The members of the programme, those who joined last first, with filters."""
    return _list(FormEntries())


def _list(entries: FormEntries, adding: ConditionKind | None = None, **given: Any) -> str:
    house, programme = current_installation(), pages.programme()
    now, sees_people = house.clock(), pages.may(PERSONAL)
    beside = (named.names(programme.id), adjustments.number_waiting(programme.id, now))
    with house.database.glancing() as session:
        wanted = asked(session, programme.id)
        # What a list says need not be of one moment: most of it is asked together.
        if wanted.is_plain:
            plain = roster.asked(_filter(wanted), _after(), ROWS + 1, now, people=sees_people)
            page_, segments, waits = house.database.answers(plain, *beside)
            unit, found, following = page_.unit, page_.members, None
            count = _count_in_state(session, programme.id, wanted.state, now)
        else:
            edge = roster.first_edge(programme.id, _after(), newest_first=not wanted.oldest_first)
            unit, edge, *said = house.database.answers(units.main(programme.id), edge, *beside)
            segments, waits = said
            found, following = _sifted(session, unit, wanted, edge, now, people=sees_people)
            count = ""
    reading = Reading(unit, programme.zone)
    picks = PICKS in request.args and wanted.state == "active"
    page = listing.page(found, lambda row: _numbers(row.place), ROWS)
    if page.next_url is None and following is not None:
        page = replace(page, next_url=_behind(following))
    return pages.show(
        "console/members/list.html",
        HERE,
        entries=entries,
        problems=entries.problems,
        page=page,
        rows=_shown(page, unit, now, people=sees_people, ticks=picks),
        picks=picks,
        unit=unit,
        sees_people=sees_people,
        looks_on=following is not None,
        looked=language.number(roster.MOST_LOOKED),
        wanted=wanted,
        count=count,
        views=_tabs(segments, wanted),
        chosen=_chosen(wanted, reading),
        sentence=conditions.sentence(wanted.tree, reading),
        tree="" if wanted.is_plain else conditions.written(wanted.tree),
        kinds=tuple((one.name, one.words) for one in conditions.kinds(unit)),
        adding=adding or _adding(unit),
        waits=waits,
        waiting=counted(
            "%(count)s request for points waits for approval",
            "%(count)s requests for points wait for approval",
            waits,
        ),
        **given,
    )


@routes.get(f"{IN_PROGRAMME}/members/count")
@needs("members:read")
def count() -> str:
    """How many members there are with these filters: asked for after the page is there, since it
    may take a while."""
    house = current_installation()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        unit = units.named(session, programme.id, None)
        wanted = asked(session, programme.id)
        return count_in_words(session, wanted, programme, unit, house.clock())


@routes.post(f"{IN_PROGRAMME}/members")
@needs("members:read")
def choose() -> Response | tuple[str, int]:
    """Add a condition to the filters, and lead to the list with it."""
    entries = FormEntries()
    with current_installation().database.reading() as session:
        unit = units.named(session, pages.programme().id, None)
        wanted = asked(session, pages.programme().id)
    kind = next((one for one in conditions.kinds(unit) if one.name == entries["kind"]), None)
    if kind is None:
        return pages.go("console.members.listed")
    tree = conditions_form.added(entries, kind, unit, wanted.tree)
    if tree is not None:
        changed = listing.this_url(tree=conditions.written(tree), add=None, after=None)
        return redirect(changed, 303)
    return _list(entries, kind), 422


def asked(session: Session, programme_id: int) -> AskedMembers:
    """What the address asks for."""
    query = request.args
    state = query.get("state", "active")
    segment = None
    if name := query.get("segment", ""):
        segment = named.find(session, programme_id, name)
    tree = conditions.read(query.get("tree", ""))
    if tree is None:
        tree = documents.EVERYONE if segment is None else segment.meaning
    if state != "active":
        tree = documents.EVERYONE  # conditions are about those who are members today
    return AskedMembers(
        state if state in STATES else "active",
        tree,
        segment,
        query.get("sort") == "oldest",
    )


def _condition(
    wanted: AskedMembers, programme_id: int, unit: Unit, now: datetime
) -> ColumnElement[bool]:
    return membership.condition(wanted.tree, Scope(programme_id, unit.id, now))


def _after() -> RosterPlace | None:
    """Behind which member the page begins."""
    place = listing.after(2)
    is_moment = place is not None and place[0] <= LAST
    return (EPOCH + place[0] * MICROSECOND, place[1]) if place and is_moment else None


def _filter(wanted: AskedMembers) -> RosterFilter:
    code, newest_first = pages.programme().code, not wanted.oldest_first
    return RosterFilter(code, wanted.state, newest_first=newest_first)


def _sifted(
    session: Session,
    unit: Unit,
    wanted: AskedMembers,
    edge: RosterPlace | None,
    now: datetime,
    *,
    people: bool,
) -> tuple[Sequence[ListedMember], RosterPlace | None]:
    """The members who fulfil the conditions, and where to look on."""
    programme = pages.programme()
    page = roster.sifted(
        session,
        programme.id,
        programme.code,
        membership.sieve(wanted.tree, programme.id, unit.id),
        _after(),
        edge,
        ROWS + 1,
        now,
        people=people,
        newest_first=not wanted.oldest_first,
    )
    return page.members, page.following


def _behind(place: RosterPlace) -> str:
    """The address of this list behind a place."""
    return listing.this_url(after="-".join(map(str, _numbers(place))))


def _numbers(place: RosterPlace) -> tuple[int, int]:
    return (place[0] - EPOCH) // MICROSECOND, place[1]


def count_in_words(
    session: Session, wanted: AskedMembers, programme: Programme, unit: Unit, now: datetime
) -> str:
    """How many members are meant: exactly up to `COUNTED`, then about."""
    if wanted.is_plain:
        return _count_in_state(session, programme.id, wanted.state, now)
    condition = _condition(wanted, programme.id, unit, now)
    found = roster.counted(session, condition, COUNTED)
    return _exactly(found) if found <= COUNTED else _about(roster.estimated(session, condition))


def _count_in_state(session: Session, programme_id: int, state: MemberState, now: datetime) -> str:
    """The same for all members in a state. What is said of many thousands is good for a minute: to
    find it anew would cost as much as the list beside it."""
    kept = current_app.extensions.setdefault(ABOUT, {})
    about, found_at = kept.get((programme_id, state), (0, EPOCH))
    if now - found_at >= ABOUT_LASTS:
        counting = roster.counted_in_state(programme_id, state, COUNTED)
        found = counting.answer(current_installation().database.fetch)
        if found <= COUNTED:
            return _exactly(found)
        in_it = (Member.programme_id == programme_id) & members.in_state(state)
        about = roster.estimated(session, in_it)
        kept[programme_id, state] = about, now
    return _about(about)


def _exactly(found: int) -> str:
    return counted("%(count)s member", "%(count)s members", found)


def _about(found: int) -> str:
    return _("about %(count)s members", count=language.roughly(max(found, COUNTED)))


class MemberRow(NamedTuple):
    """A member in a list, in words."""

    url: str
    name: str
    phone: str
    card: str
    balance: str
    joined: str
    state: MemberState
    card_state: str


def _shown(
    page: ListPage[ListedMember], unit: Unit, now: datetime, *, people: bool, ticks: bool
) -> list[dict[str, object]]:
    """The rows of the table; with `ticks`, a box in each instead of the way to the member."""
    base = pages.url("console.members.listed")
    days = moments.DaysInWords(pages.programme().zone, now)
    return [
        {
            "url": None if ticks else row.url,
            "cells": [
                _tick(row) if ticks else _name_and_state(row),
                *((row.phone, row.card) if people else ()),
                row.joined,
                row.balance,
            ],
        }
        for row in (row_of(one, unit, base, days) for one in page.rows)
    ]


def _tick(row: MemberRow) -> Markup:
    id_ = row.url.rpartition("/")[2]
    box = Markup('<input class="form-check-input" type="checkbox" name="m" value="{}">').format(id_)
    return Markup('<label class="k-check">{}<span>{}</span></label>').format(
        box, _name_and_state(row)
    )


def _name_and_state(row: MemberRow) -> str:
    """Who is a member like others has no state to be told of."""
    if row.state == row.card_state == "active":
        return row.name
    state = shell.drawn("console/members/state.html", state=row.state, card_state=row.card_state)
    return Markup("{} {}").format(row.name, state)


def row_of(one: ListedMember, unit: Unit, base: str, days: moments.DaysInWords) -> MemberRow:
    """A member of a list in words; `base` is the address of the list."""
    known, owned = one.person, unit.amount(one.balance.available - one.balance.debt)
    name, phone = (None, None) if known is None else (known.name, known.phone)
    return MemberRow(
        f"{base}/{one.id}",
        people.called(name, one.card),
        people.phone(phone),
        people.grouped(one.card),
        words.value_in(days.tongue, owned),
        days.word(one.place[0]),
        one.state,
        one.card_state,
    )


def found(
    session: Session, asked: str, most: int, now: datetime, but_id: int | None = None
) -> list[tuple[MemberRow, str]]:
    """Members who may be meant by what was typed so far, each with the public id; without the
    member `but_id`, and without those who are gone."""
    programme, sees_people = pages.programme(), pages.may(PERSONAL)
    fetch = within(session)
    known = finding.find(
        fetch, programme.id, programme.country, asked, most + 1, people=sees_people
    )
    ids = [one.member_id for one in known if one.member_id != but_id][:most]
    page = roster.known(fetch, programme.code, ids, now, people=sees_people)
    base, days = pages.url("console.members.listed"), moments.DaysInWords(programme.zone, now)
    return [
        (row_of(one, page.unit, base, days), one.id)
        for one in page.members
        if one.state == "active"
    ]


def _tabs(segments: Sequence[str], wanted: AskedMembers) -> list[ConsoleLink]:
    """All members, and the saved segments as views of them."""
    shown = None if wanted.segment is None else wanted.segment.name
    everyone = ConsoleLink(_("All"), pages.url("console.members.listed"), is_here=shown is None)
    return [
        everyone,
        *(
            ConsoleLink(
                name, pages.url("console.members.listed", segment=name), is_here=name == shown
            )
            for name in segments
        ),
    ]


def _chosen(wanted: AskedMembers, reading: Reading) -> list[tuple[str, str]]:
    """The filters as chips: their words, and the address without each."""
    if wanted.state != "active":
        said = _("merged into others") if wanted.state == "merged" else _("erased members")
        return [(said, listing.this_url(state=None, after=None))]
    return [
        (
            chip.words,
            listing.this_url(tree=conditions.written(chip.without), after=None, add=None),
        )
        for chip in conditions.chips(wanted.tree, reading)
    ]


def _adding(unit: Unit) -> ConditionKind | None:
    """The condition that is being added, if the address says so."""
    name = request.args.get("add")
    if name is None:
        return None
    return next((one for one in conditions.kinds(unit) if one.name == name), None)
