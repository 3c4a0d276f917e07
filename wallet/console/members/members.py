"""Members: the list with its filters, and the page of one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, get_args

from flask import Blueprint, current_app, redirect, request
from markupsafe import Markup
from pydantic import ValidationError
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import words
from ledger.book import roster, statements
from ledger.book.drafts import PostingKind
from ledger.book.roster import ListedMember, RosterFilter, SiftedPage
from ledger.book.statements import Filter, LotLine
from ledger.database.tables import EPOCH, MICROSECOND
from ledger.people import cards, consents, doubles, members, persons
from ledger.people.consents import Consent
from ledger.people.doubles import LikelyDouble
from ledger.people.members import Member, MemberState
from ledger.people.persons import Profile
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from ledger.segments import documents, membership, named
from ledger.segments.named import SavedSegment
from ledger.segments.registry import Segment
from ledger.segments.scope import Scope
from wallet.access import adjustments
from wallet.access.adjustments import Adjustment
from wallet.access.staff_sessions import SeenProgramme
from wallet.console import listing, moments, pages
from wallet.console.forms import FormEntries
from wallet.console.listing import ROWS, ListPage
from wallet.console.members import conditions, people, story
from wallet.console.members.conditions import ConditionKind, Reading
from wallet.console.members.people import LAST, PERSONAL
from wallet.console.members.story import StoryLine, Teller
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.shell import ConsoleLink
from wallet.installation import current_installation
from wallet.outreach import results
from wallet.outreach.results import CardState
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _
from wallet.passes import barcodes, issued, symbologies, templates
from wallet.passes.issued import Pass
from wallet.passes.templates import Template
from wallet.people import timeline
from wallet.people.timeline import NEWS, NewsKind, StoryFilter

routes = Blueprint("members", __name__)

HERE = "members"
COUNTED = 10_000  # members; more of them are told of about
ABOUT = "kopilka about"  # of the application: how many, where there are more
ABOUT_LASTS = timedelta(minutes=1)
STORY_LINES = 30
STATES: tuple[MemberState, ...] = get_args(MemberState)


# --- The list -----------------------------------------------------------------------------------


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
    # What a list says need not be of one moment, so most of it is asked without a transaction.
    fetch = house.database.fetch
    with house.database.reading() as session:
        wanted = asked(session, programme.id)
        found = _rows(session, programme, wanted, now, people=sees_people)
        count = _count_in_state(session, programme.id, wanted.state, now) if wanted.is_plain else ""
    segments = named.names(fetch, programme.id)
    waits = adjustments.number_waiting(fetch, programme.id, now)
    unit = found.unit
    reading = Reading(unit, programme.zone)
    page = listing.page(found.members, lambda row: _numbers(row.place), ROWS)
    if page.next_url is None and found.following is not None:
        page = replace(page, next_url=_behind(found.following))
    return pages.show(
        "console/members/list.html",
        HERE,
        entries=entries,
        problems=entries.problems,
        page=page,
        rows=_shown(page, unit, programme.zone, now),
        unit=unit,
        sees_people=sees_people,
        looks_on=found.following is not None,
        looked=language.number(roster.MOST_LOOKED),
        wanted=wanted,
        count=count,
        views=_tabs(segments, wanted),
        chosen=_chosen(wanted, reading),
        sentence=conditions.sentence(wanted.tree, reading),
        tree="" if wanted.is_plain else conditions.written(wanted.tree),
        kinds=conditions.kinds(unit),
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
    values = _values(entries, kind, unit)
    if entries.fit:
        try:
            added = documents.read(kind.document(values))
            tree = conditions.of_parts([*conditions.parts(wanted.tree), added])
        except ValidationError:
            entries.refuse("form", _("This condition does not fit. Check its values."))
        else:
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


def _rows(
    session: Session,
    programme: SeenProgramme,
    wanted: AskedMembers,
    now: datetime,
    *,
    people: bool,
) -> SiftedPage:
    place = listing.after(2)
    is_moment = place is not None and place[0] <= LAST
    after = (EPOCH + place[0] * MICROSECOND, place[1]) if place and is_moment else None
    if wanted.is_plain:
        which = RosterFilter(programme.code, wanted.state, newest_first=not wanted.oldest_first)
        page = roster.page(
            current_installation().database.fetch, which, after, ROWS + 1, now, people=people
        )
        return SiftedPage(page.unit, page.members, None)
    unit = units.named(session, programme.id, None)
    return roster.sifted(
        session,
        programme.id,
        programme.code,
        _condition(wanted, programme.id, unit, now),
        after,
        ROWS + 1,
        now,
        people=people,
        newest_first=not wanted.oldest_first,
    )


def _behind(place: roster.RosterPlace) -> str:
    """The address of this list behind a place."""
    return listing.this_url(after="-".join(map(str, _numbers(place))))


def _numbers(place: roster.RosterPlace) -> tuple[int, int]:
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
        fetch = current_installation().database.fetch
        found = roster.counted_in_state(fetch, programme_id, state, COUNTED)
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


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member in a list, in words."""

    url: str
    name: str
    phone: str
    card: str
    balance: str
    joined: str
    state: MemberState
    card_state: str


def _shown(page: ListPage[ListedMember], unit: Unit, zone: str, now: datetime) -> list[MemberRow]:
    base = pages.url("console.members.listed")
    return [row_of(one, unit, zone, base, now) for one in page.rows]


def row_of(one: ListedMember, unit: Unit, timezone: str, base: str, now: datetime) -> MemberRow:
    """A member of a list in words; `base` is the address of the list."""
    known = one.person
    name, phone = (None, None) if known is None else (known.name, known.phone)
    return MemberRow(
        f"{base}/{one.id}",
        people.called(name, one.card),
        people.phone(phone),
        people.grouped(one.card),
        language.amount(unit, one.balance.available - one.balance.debt).replace("-", "−"),
        moments.day(one.place[0], timezone, now),
        one.state,
        one.card_state,
    )


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
    return next((one for one in conditions.kinds(unit) if one.name == name), None)


def _values(entries: FormEntries, kind: ConditionKind, unit: Unit) -> dict[str, Any]:
    """What was typed for a condition, by the names of its fields."""
    values: dict[str, Any] = {}
    for name in kind.fields:
        if name == "number":
            values[name] = people.typed_amount(entries, name, unit)
        elif name == "days":
            values[name] = entries.whole(name)
            if values[name] is not None and not 1 <= values[name] <= conditions.MOST_DAYS:
                most = words.number_in(language.current(), conditions.MOST_DAYS)
                entries.refuse(name, _("From 1 to %(most)s days.", most=most))
        elif name == "store":
            values[name] = entries.text(name, required=False, most=100) or None
        elif name == "amount":
            values[name] = entries.text(name, most=20).replace(",", ".").replace(" ", "")
        else:
            values[name] = entries.choice(name, ("any", "apple", "google"))
    return values


# --- One member ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """All that the page of a member shows beside their story."""

    member: Member
    title: str
    profile: Profile
    card: str
    card_state: str
    blocked_for: str | None
    unit: Unit
    balances: Sequence[tuple[str, str]]
    available: int
    debt: int
    lots: Sequence[tuple[str, str]]
    consents: Sequence[tuple[str, str, Markup]]
    in_phones: CardState
    barcode: Markup | None
    household: Sequence[tuple[str, str]]
    merged_into: tuple[str, str] | None
    doubles: Sequence[tuple[str, str, str]]
    waiting: Sequence[Adjustment]


@routes.get(f"{IN_PROGRAMME}/members/<member_id>")
@needs("members:read")
def show(member_id: str) -> str:
    """One member: what is known of them, and what happened."""
    house = current_installation()
    now, sees_people = house.clock(), pages.may(PERSONAL)
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        member = people.named(session, member_id)
        if member.erased_at is not None:
            at = moments.element(member.erased_at, programme.timezone, now)
            return pages.show("console/members/erased.html", HERE, member=member, at=at)
        record = _record(session, programme, member, now, sees_people=sees_people)
        wanted = _story_filter(record.unit)
        told = timeline.page(
            session,
            member,
            record.unit,
            wanted,
            story.read(request.args.get("after", "")),
            STORY_LINES,
            now,
        )
        teller = Teller(record.unit, programme.timezone, now, sees_people)
        lines: list[StoryLine] = [teller.line(one) for one in told.news]
    return pages.show(
        "console/members/record.html",
        HERE,
        record=record,
        member=member,
        sees_people=sees_people,
        lines=lines,
        undone={one.about.reverses for one in told.news if one.kind == "posting"},
        PERSONAL=PERSONAL,
        contact=_contact(record.profile),
        in_phones=_in_phones(record.in_phones),
        phone_facts=_phone_facts(record.in_phones, programme.timezone, now),
        kinds_of_news=_kinds_of_news(),
        operations=[("", _("all")), *_operations()],
        points=people.points,
        signed=people.signed,
        earlier=None
        if told.following is None
        else listing.this_url(after=story.written(told.following)),
        is_later="after" in request.args,
        joined=moments.day(member.created_at, programme.timezone, now),
        filtered=wanted != StoryFilter(),
    )


def _story_filter(unit: Unit) -> StoryFilter:
    """Which news the address asks for."""
    asked = request.args
    kinds = frozenset(one for one in asked.getlist("news") if one in NEWS)
    card = asked.get("card") or None
    return StoryFilter(
        kinds,
        Filter(
            kind=asked.get("operation") or None,
            store=asked.get("store") or None,
            promotion=asked.get("promotion") or None,
            receipt=asked.get("receipt") or None,
            card=None if card is None else cards.normalise(card),
            at_least=_bound("at_least", unit),
            at_most=_bound("at_most", unit),
        ),
    )


def _bound(name: str, unit: Unit) -> int | None:
    typed = request.args.get(name, "").replace(" ", "").replace("\u00a0", "")
    if not typed.isascii() or not typed.isdigit() or len(typed) > 15:
        return None
    scaled: int = int(typed) * 10**unit.scale
    return scaled


def _record(
    session: Session, programme: Programme, member: Member, now: datetime, *, sees_people: bool
) -> MemberRecord:
    profile = persons.profile_of(session, member.id) if sees_people else Profile()
    card = cards.newest(session, [member.id])[member.id]
    standing = statements.all_balances(session, member, now)
    unit, main = standing[0]
    lots = statements.lot_lines(session, main.account_id, None, MOST_LOTS)
    account_facts = [
        (_("Can be spent"), people.points(unit, main.available)),
        (_("Not active yet"), people.points(unit, main.pending) if main.pending else ""),
        (_("Set aside"), people.points(unit, main.held) if main.held else ""),
        (_("Owed"), people.points(unit, main.debt) if main.debt else ""),
        *((other.code, people.points(other, balance.available)) for other, balance in standing[1:]),
    ]
    pass_ = issued.card_of(session, member.id)
    content = issued.content(pass_)
    withheld = card.withheld or not content.barcode or not sees_people
    into = members.by_ids(session, [member.merged_into_id]) if member.merged_into_id else []
    return MemberRecord(
        member,
        people.called(profile.name, card.number),
        profile,
        people.grouped(card.number),
        cards.state(card, now),
        card.blocked_for,
        unit,
        account_facts,
        main.available,
        main.debt,
        [_lot(one, unit, programme.timezone, now) for one in lots],
        [_agreed(one, programme.timezone, now) for one in _held_consents(session, member)],
        results.card(session, member.id, now),
        None if withheld else _drawn(session, pass_),
        _household(session, member, sees_people=sees_people),
        next(((_name(session, one, sees_people=sees_people), _url(one)) for one in into), None),
        _doubles(session, member) if sees_people and member.merged_into_id is None else [],
        [
            one
            for one in adjustments.of_member(session, member.id)
            if one.state_at(now) == "waiting"
        ],
    )


MOST_LOTS = 12


def _lot(lot: LotLine, unit: Unit, timezone: str, now: datetime) -> tuple[str, str]:
    """Points with their dates in words."""
    count = people.points(unit, lot.left)
    if lot.state(now) == "pending":
        day = moments.day(lot.activates_at, timezone, now)
        return count, _("from %(day)s on", day=day)
    if lot.expires_at.year >= 9999:
        return count, _("without end")
    return count, _("until %(day)s", day=moments.last_day(lot.expires_at, timezone))


def _held_consents(session: Session, member: Member) -> Sequence[Consent]:
    return list(consents.current(session, member.id).values())


def _agreed(one: Consent, timezone: str, now: datetime) -> tuple[str, str, Markup]:
    purposes = {"marketing": _("Messages"), "personal_data": _("Use of personal data")}
    state = _("agreed") if one.given else _("refused")
    return purposes[one.purpose], state, moments.element(one.happened_at, timezone, now)


def _drawn(session: Session, pass_: Pass) -> Markup:
    """The barcode as the card in the phone has it."""
    text = issued.content(pass_).barcode
    design = templates.design(session.get_one(Template, pass_.template_id))
    drawing = barcodes.svg(symbologies.drawn(design, text), text)
    return Markup(drawing)  # noqa: S704 - numbers and paths, made by us


def _contact(profile: Profile) -> list[tuple[str, str | None]]:
    born = profile.birthday
    return [
        (_("Phone"), people.phone(profile.phone)),
        (_("E-mail"), profile.email),
        (_("Birthday"), None if born is None else moments.whole_day(born)),
        (_("Language"), profile.locale),
        (_("Number in another system"), profile.external_id),
    ]


def _in_phones(state: CardState) -> str:
    wallets = []
    if state.phones:
        wallets.append("Apple Wallet")
    if state.google_saved:
        wallets.append("Google Wallet")
    return ", ".join(wallets) or _("none")


def _phone_facts(state: CardState, timezone: str, now: datetime) -> list[tuple[str, Any]]:
    """What is known of the card in phones."""
    last = state.last_fetch_at
    saved = {True: _("saved"), False: _("removed"), None: None}[state.google_saved]
    waits = language.number(state.pushes_waiting) if state.pushes_waiting else None
    return [
        (_("Apple devices"), language.number(state.phones) if state.phones else None),
        (_("Last fetched"), None if last is None else moments.element(last, timezone, now)),
        (_("Updates on their way"), waits),
        ("Google Wallet", saved),
        (_("Google says"), state.google_problem),
    ]


def _kinds_of_news() -> list[tuple[NewsKind, str]]:
    return [
        ("posting", _("Points")),
        ("message", _("Messages")),
        ("fetch", _("Phones")),
        ("change", _("Changes")),
        ("fact", _("Cards and consents")),
    ]


def _operations() -> list[tuple[str, str]]:
    """The kinds of entries in words."""
    tongue = language.current()
    return [
        (kind, story.LEDGER.text(tongue, kind, "kind of posting")) for kind in get_args(PostingKind)
    ]


def _url(member: Member) -> str:
    return pages.url("console.members.show", member_id=member.public_id)


def _name(session: Session, member: Member, *, sees_people: bool) -> str:
    name = persons.profile_of(session, member.id).name if sees_people else None
    return people.called(name, cards.newest_of(session, member.id).number)


def _household(session: Session, member: Member, *, sees_people: bool) -> Sequence[tuple[str, str]]:
    """Others who use the same account, each with their page."""
    together = members.using_accounts_of(session, [member.holder_id])
    return [
        (_name(session, one, sees_people=sees_people), _url(one))
        for one in together[:MOST_LOTS]
        if one.id != member.id and one.state == "active"
    ]


def _doubles(session: Session, member: Member) -> Sequence[tuple[str, str, str]]:
    """Who may be the same person: the name, why it seems so, and the page where they are merged."""
    return [_double(session, one, member) for one in doubles.of(session, member)]


def _double(session: Session, one: LikelyDouble, member: Member) -> tuple[str, str, str]:
    reasons = {
        "phone": _("same phone"),
        "email": _("same e-mail"),
        "name_and_birthday": _("same name and birthday"),
    }
    card = cards.newest_of(session, one.member.id).number
    into = pages.url(
        "console.member_acts.merge", member_id=one.member.public_id, into=member.public_id
    )
    return people.called(one.name, card), ", ".join(reasons[r] for r in one.because), into
