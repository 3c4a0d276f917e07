"""What became of messages, read from what the service writes anyway: versions of passes and the
fetches of phones, pushes that wait, what Google accepted. Nothing is counted twice or kept twice.

A version that a phone fetched proves that the text is in the phone, not that the member read it.
Google reports neither: there, accepted is all that is known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    String,
    case,
    cast,
    exists,
    func,
    select,
)
from sqlalchemy.orm import Session, aliased

from ledger.languages import LANGUAGES, Language
from ledger.offers.offers import Offer
from wallet import sentences
from wallet.apple.arrivals import Fetch, Incident
from wallet.apple.devices import PushRow, Registration
from wallet.google import alerts
from wallet.google.messages import GoogleMessage
from wallet.google.mirror import DueRow, GoogleObject
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import Delivery, NotTold
from wallet.passes import issued, templates
from wallet.passes.content import announces_messages
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

NEVER_AFTER = timedelta(days=7)  # a card that was not fetched by then counts as never fetched
CONTEXT = "result"  # in which the catalogue has each `Why` in words

# Of a message in an iPhone, and at Google.
OnApple = Literal[
    "queued",
    "accepted",
    "fetched",
    "replaced",
    "removed",
    "device_gone",
    "refused",
    "never_fetched",
]
OnGoogle = Literal["queued", "accepted", "accepted_silently", "removed", "refused"]
# Of a coupon that came with the words.
OfCoupon = Literal["given", "had", "used"]
# Why it was not shown, or may not have been.
Why = Literal[
    "no_card",
    "held_out",
    "no_consent",
    "capped",
    "gone",
    "no_field",
    "refused",
    "no_coupon",
    "no_change_message",
    "same_text",
    "replaced",
    "allowance_spent",
    "device_gone",
    "card_removed",
    "not_fetched",
    "notifications_unknown",
]
NOT_TOLD: tuple[NotTold, ...] = get_args(NotTold)
BECAUSE_APPLE: dict[str, Why] = {
    "fetched": "notifications_unknown",
    "replaced": "replaced",
    "removed": "card_removed",
    "device_gone": "device_gone",
    "accepted": "not_fetched",
    "never_fetched": "not_fetched",
}
BECAUSE_GOOGLE: dict[str, Why] = {
    "accepted": "notifications_unknown",
    "accepted_silently": "allowance_spent",
    "removed": "card_removed",
}


@dataclass(frozen=True, slots=True)
class MessageResult:
    """One message to one member. `apple` and `google` are None if the card was not in that wallet
    at the time."""

    delivery: Delivery
    campaign: Campaign | None
    apple: OnApple | None
    fetched_at: datetime | None
    google: OnGoogle | None
    accepted_at: datetime | None
    why: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class CardState:
    """What is known of a member's card in phones. `alerts_left`: how many of the three
    notifications in 24 hours that Google allows are left; None if the card is not at Google."""

    version: int
    phones: int
    last_fetch_at: datetime | None
    fetched_version: int | None
    pushes_waiting: int
    google_saved: bool | None
    google_version: int | None
    google_problem: str | None
    alerts_left: int | None


@dataclass(frozen=True, slots=True)
class CouponCounts:
    """How many members were given a coupon with the words, how many had one before, and how many of
    the coupons that were given were used."""

    given: int
    had: int
    used: int


def in_words(why: Why) -> dict[Language, str]:
    """What the code means, in each language."""
    return {language: sentences.CATALOGUE.text(language, why, CONTEXT) for language in LANGUAGES}


def funnel(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    """How many members of the audience got how far, by the names of the API's `ResultsOut`. Each
    member is counted once by what became of the delivery, and once in each wallet that had the
    card."""
    states = _counted(session, Delivery.state, Delivery.campaign_id == campaign.id)
    record = _Record(now)
    theirs = (Delivery.campaign_id == campaign.id, Delivery.state == "told")
    apple = _counted(session, record.apple, *theirs, Delivery.on_apple)
    google = _counted(session, record.google, *theirs, Delivery.on_google)
    return {
        "audience": sum(states.values()),
        **{name: states[name] for name in (*NOT_TOLD, "waiting", "told")},
        "apple": {name: apple[name] for name in get_args(OnApple)},
        "google": {name: google[name] for name in get_args(OnGoogle)},
    }


def of_coupons(session: Session, campaign: Campaign) -> CouponCounts:
    """What became of the coupons that came with a campaign."""
    counts = {one: func.count().filter(*_of_coupon(campaign, one)) for one in get_args(OfCoupon)}
    theirs = select(*counts.values()).where(
        Delivery.campaign_id == campaign.id, Delivery.state == "told"
    )
    return CouponCounts(*session.execute(theirs).one())


def _of_coupon(campaign: Campaign, what: str) -> tuple[ColumnElement[bool], ...]:
    """Of those who were told: who was given a coupon, who had one before, who used what they were
    given. A coupon that was lost with a phone goes on in the one that took its place."""
    if what == "had":
        return (Delivery.coupon_id.is_(None),)
    if what == "given":
        return (Delivery.coupon_id.is_not(None),)
    used = (
        select(Pass.id)
        .join(Offer, Offer.id == Pass.offer_id)
        .where(
            Pass.member_id == Delivery.member_id,
            Offer.public_id == campaign.coupon,
            Pass.lost_at.is_(None),
            Pass.state == "used",
        )
    )
    return (Delivery.coupon_id.is_not(None), exists(used.correlate(Delivery)))


def told(session: Session, campaign_ids: Sequence[int]) -> dict[int, int]:
    """How many members each of these campaigns told; those that told nobody are left out."""
    rows = session.execute(
        select(Delivery.campaign_id, func.count())
        .where(Delivery.campaign_id.in_(campaign_ids), Delivery.state == "told")
        .group_by(Delivery.campaign_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def is_outcome(outcome: str) -> bool:
    """Whether members of a campaign can stand under this: a state of deliveries, or with `apple.`
    or `google.` in front what became of it in that wallet, with `coupon.` of the coupon."""
    wallet, _dot, state = outcome.rpartition(".")
    known: Sequence[str] = {
        "": (*NOT_TOLD, "waiting", "told"),
        "apple": get_args(OnApple),
        "google": get_args(OnGoogle),
        "coupon": get_args(OfCoupon),
    }.get(wallet, ())
    return state in known


def of_outcome(
    session: Session,
    campaign: Campaign,
    outcome: str,
    after_id: int,
    limit: int,
    now: datetime,
) -> list[MessageResult]:
    """The members whom the funnel counts under an outcome, see `is_outcome`, with what is known of
    the message to each: those behind delivery `after_id`."""
    wallet, _dot, state = outcome.rpartition(".")
    query = select(Delivery).where(Delivery.campaign_id == campaign.id, Delivery.id > after_id)
    record = _Record(now)
    match wallet:
        case "apple":
            query = query.where(Delivery.state == "told", Delivery.on_apple, record.apple == state)
        case "google":
            on_google = Delivery.on_google
            query = query.where(Delivery.state == "told", on_google, record.google == state)
        case "coupon":
            query = query.where(Delivery.state == "told", *_of_coupon(campaign, state))
        case _:
            query = query.where(Delivery.state == state)
    return prove(session, session.scalars(query.order_by(Delivery.id).limit(limit)).all(), now)


def of_member(
    session: Session, member_id: int, before_id: int | None, limit: int, now: datetime
) -> list[MessageResult]:
    """Messages to a member with what is known of them, newest first; with `before_id`, those older
    than that one."""
    query = select(Delivery).where(Delivery.member_id == member_id)
    if before_id is not None:
        query = query.where(Delivery.id < before_id)
    return prove(
        session, session.scalars(query.order_by(Delivery.id.desc()).limit(limit)).all(), now
    )


def card(session: Session, member_id: int, now: datetime) -> CardState:
    """What is known of the member's own card at Apple and at Google."""
    pass_ = issued.card_of(session, member_id)
    last = session.execute(
        select(func.max(Fetch.fetched_at), func.max(Fetch.version)).where(Fetch.pass_id == pass_.id)
    ).one()
    google = session.get(GoogleObject, pass_.id)
    return CardState(
        version=pass_.version,
        phones=_count(session, Registration, pass_.id),
        last_fetch_at=last[0],
        fetched_version=last[1],
        pushes_waiting=_count(session, PushRow, pass_.id),
        google_saved=google.saved if google is not None else None,
        google_version=google.version if google is not None else None,
        google_problem=google.problem if google is not None else None,
        alerts_left=(
            max(0, alerts.MOST - alerts.used(session, pass_.id, now))
            if google is not None
            else None
        ),
    )


def prove(session: Session, rows: Sequence[Delivery], now: datetime) -> list[MessageResult]:
    """What is known of these deliveries, in the same order."""
    record = _Record(now)
    query = select(
        Delivery.id, record.apple, record.fetched_at, record.google, record.accepted_at
    ).where(Delivery.id.in_([row.id for row in rows]), Delivery.state == "told")
    known = {row[0]: row[1:] for row in session.execute(query)}
    announced = _announced(session, [row.pass_id for row in rows if row.pass_id is not None])
    campaigns = {
        one.id: one
        for one in session.scalars(
            select(Campaign).where(Campaign.id.in_({r.campaign_id for r in rows} - {None}))
        )
    }
    proofs = []
    for row in rows:
        apple, fetched_at, google, accepted_at = known.get(row.id, (None,) * 4)
        apple, google = apple if row.on_apple else None, google if row.on_google else None
        proofs.append(
            MessageResult(
                row,
                campaigns.get(row.campaign_id or 0),
                apple,
                fetched_at if apple == "fetched" else None,
                google,
                accepted_at,
                _why(row, apple, google, announced),
            )
        )
    return proofs


class _Record:
    """What is on record of a delivery that was told, as SQL over `Delivery`: the same rule for one
    member and for a million."""

    def __init__(self, now: datetime) -> None:
        later = aliased(Delivery)
        fetched = _in(Fetch, Fetch.version >= Delivery.version)
        version = select(func.min(Fetch.version)).where(*fetched).scalar_subquery()
        followed_by = (
            select(func.min(later.version))
            .where(
                later.member_id == Delivery.member_id,
                later.version > Delivery.version,
                later.told_at.is_not(None),
            )
            .correlate(Delivery)
            .scalar_subquery()
        )
        self.fetched_at = select(func.min(Fetch.fetched_at)).where(*fetched).scalar_subquery()
        self.apple = case(
            (followed_by <= version, "replaced"),
            (version.is_not(None), "fetched"),
            (~_exists(Registration) & _happened("device_gone"), "device_gone"),
            (~_exists(Registration), "removed"),
            (_exists(PushRow), "queued"),
            (_happened("push_refused"), "refused"),
            (Delivery.told_at <= now - NEVER_AFTER, "never_fetched"),
            else_="accepted",
        )
        message = _in(GoogleMessage, GoogleMessage.message == cast(Delivery.id, String))
        self.accepted_at = select(GoogleMessage.accepted_at).where(*message).scalar_subquery()
        aloud = exists(select(GoogleMessage.pass_id).where(*message, GoogleMessage.aloud))
        removed = _exists(
            GoogleObject,
            GoogleObject.saved.is_(False),
            func.coalesce(GoogleObject.heard_at, Delivery.told_at) >= Delivery.told_at,
        )
        refused = _exists(GoogleObject, GoogleObject.problem.is_not(None))
        self.google = case(
            (self.accepted_at.is_not(None) & aloud, "accepted"),
            (self.accepted_at.is_not(None), "accepted_silently"),
            (~_exists(GoogleObject) | removed, "removed"),
            (
                ~_exists(DueRow) & refused,
                "refused",
            ),
            else_="queued",
        )


OfAPass = (
    type[Fetch]
    | type[Incident]
    | type[Registration]
    | type[PushRow]
    | type[GoogleObject]
    | type[GoogleMessage]
    | type[DueRow]
)


def _in(table: OfAPass, *conditions: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the rows of the delivery's pass."""
    return (table.pass_id == Delivery.pass_id, *conditions)


def _exists(table: OfAPass, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(select(table.pass_id).where(*_in(table, *conditions)).correlate(Delivery))


def _happened(kind: str) -> ColumnElement[bool]:
    return _exists(Incident, Incident.kind == kind, Incident.happened_at >= Delivery.told_at)


def _counted(
    session: Session, what: SQLColumnExpression[str], *conditions: SQLColumnExpression[bool]
) -> Counter[str]:
    told = select(what.label("what")).where(*conditions).subquery()
    rows = session.execute(select(told.c.what, func.count()).group_by(told.c.what))
    return Counter({row[0]: row[1] for row in rows})


def _why(
    row: Delivery, apple: OnApple | None, google: OnGoogle | None, announced: set[int]
) -> tuple[Why, ...]:
    if row.state in NOT_TOLD:
        return (row.state,)
    found: list[Why | None] = []
    if apple is not None and row.pass_id not in announced:
        found.append("no_change_message")
    said_before = apple == "fetched" and row.repeats
    found.append("same_text" if said_before else BECAUSE_APPLE.get(apple or ""))
    found.append(BECAUSE_GOOGLE.get(google or ""))
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _announced(session: Session, pass_ids: Sequence[int]) -> set[int]:
    """The passes whose design tells phones to speak of a message."""
    rows = session.execute(select(Pass.id, Pass.template_id).where(Pass.id.in_(pass_ids))).all()
    found = session.scalars(
        select(Template).where(Template.id.in_({row.template_id for row in rows}))
    )
    aloud = {one.id for one in found if announces_messages(templates.design(one))}
    return {row.id for row in rows if row.template_id in aloud}


def _count(session: Session, table: type[Registration | PushRow], pass_id: int) -> int:
    counted = select(func.count()).select_from(table).where(table.pass_id == pass_id)
    return session.scalars(counted).one()
