"""The page of one member: what is known of them, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from flask import Blueprint, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.book.drafts import PostingKind
from ledger.book.statements import Filter, LotLine
from ledger.people import cards, consents, doubles, members, persons
from ledger.people.cards import CardStatus
from ledger.people.consents import Consent
from ledger.people.doubles import LikelyDouble
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes.programmes import Programme
from ledger.programmes.units import Unit
from wallet.access import adjustments
from wallet.access.adjustments import Adjustment
from wallet.console import choices, listing, moments, pages
from wallet.console.members import coupon_words, people, story
from wallet.console.members.coupon_words import CouponLine
from wallet.console.members.people import PERSONAL
from wallet.console.members.story import StoryLine, Teller
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import results
from wallet.outreach.posters import joined, posters
from wallet.outreach.results import CardState
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.passes import barcodes, issued, symbologies, templates
from wallet.passes.issued import Pass
from wallet.passes.templates import Template
from wallet.people import timeline
from wallet.people.timeline import NEWS, NewsKind, StoryFilter

routes = Blueprint("member", __name__)

HERE = "members"
STORY_LINES = 30
MOST_LOTS = 12


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
    doubles: Sequence[tuple[str, str, str, str]]
    waiting: Sequence[Adjustment]
    coupons: Sequence[CouponLine]


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
        poster = joined.of_member(session, member.id)
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
        finds_cards=programme.keeps_personal,
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
        since=moments.day(member.created_at, programme.timezone, now),
        poster=None if poster is None else posters.written(poster, language.current()),
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
            at_least=people.bound(asked.get("at_least", ""), unit),
            at_most=people.bound(asked.get("at_most", ""), unit),
        ),
    )


def _record(
    session: Session, programme: Programme, member: Member, now: datetime, *, sees_people: bool
) -> MemberRecord:
    profile = persons.profile_of(session, member.id) if sees_people else Profile()
    card = cards.newest(session, [member.id])[member.id]
    standing = statements.all_balances(session, member, now)
    unit, main = standing[0]
    lots = statements.lot_lines(session, main.account_id, None, MOST_LOTS)
    account_facts = [
        (_spent_when(cards.state(card, now)), people.points(unit, main.available)),
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
        coupon_words.of_members(
            session, coupon_words.person(session, member), programme.timezone, now
        )
        if pages.may(coupon_words.READ)
        else [],
    )


def _spent_when(state: CardStatus) -> str:
    """What holds of the points of somebody whose newest card is in this state."""
    if state == "active":
        return _("Can be spent")
    if state == "blocked":
        return _("Can be spent once the card is unblocked")
    return _("Can be spent with a valid card")


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
        (_("Language"), choices.language_name(profile.locale) if profile.locale else None),
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
    return pages.url("console.member.show", member_id=member.public_id)


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


def _doubles(session: Session, member: Member) -> Sequence[tuple[str, str, str, str]]:
    """Who may be the same person: the name, why it seems so, their page, and the page where they
    are merged."""
    return [_double(session, one, member) for one in doubles.of(session, member)]


def _double(session: Session, one: LikelyDouble, member: Member) -> tuple[str, str, str, str]:
    reasons = {
        "phone": _("same phone"),
        "email": _("same e-mail"),
        "name_and_birthday": _("same name and birthday"),
    }
    card = cards.newest_of(session, one.member.id).number
    into = pages.url(
        "console.member_acts.merge", member_id=one.member.public_id, into=member.public_id
    )
    because = ", ".join(reasons[reason] for reason in one.because)
    return people.called(one.name, card), because, _url(one.member), into
