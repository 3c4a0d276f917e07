"""Campaigns: one message to many, at one time.

draft -> scheduled -> running -> done, with paused and cancelled beside. When a campaign begins to
run its recipients are frozen: a row for each member of the audience, made in bounded steps, each
under the campaign's own lock, so that two workers cannot do it twice. Then these members are told,
in bounded steps. Once the call that cancels a campaign has returned, no more members are told."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import ForeignKey, Index, String, func, or_, select, text, true, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.engine import wake_after_commit
from ledger.database.tables import EPOCH, Base, Identifier, Instant, JsonDocument
from ledger.errors import DateOutOfRange, DatesOutOfOrder, UnknownOffer
from ledger.limits import LATEST
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import consents, members
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.segments import documents, membership, named, scope
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.delivery.refresh import MakeDue
from wallet.delivery.waves import LOOK_EVERY, LookAtLag, fetches_are_late
from wallet.errors import (
    CampaignBegun,
    CampaignNotReady,
    ConsentNeeded,
    NoMessageField,
    OfferForOne,
    UnknownCampaign,
)
from wallet.outreach import audience, deliveries, gifts, hours, messages, recipients, wording
from wallet.outreach.deliveries import CAMPAIGN, Delivery, DeliveryState, NotTold, Occasion
from wallet.outreach.gifts import MessageGift
from wallet.outreach.hours import Span
from wallet.outreach.messages import Message
from wallet.outreach.recipients import Candidate, ConsentRule
from wallet.passes import coupons, showing, templates
from wallet.passes.content import Facts, announces_messages
from wallet.passes.coupons import CouponIssuer

PUMP = "messages"
CLOCKS_DIFFER = timedelta(minutes=1)  # by so much a start may seem to be past
BATCH = 200
FROZEN_AT_ONCE = 500
LONGEST_NAME = 100  # characters
MOST_HELD_OUT = 90  # per cent
MOST_CAPPED, MOST_CAP_DAYS = 100, 365  # messages, in so many days

CampaignState = Literal["draft", "scheduled", "running", "paused", "done", "cancelled"]
CampaignPurpose = Literal["advertising", "service"]
CHANGEABLE: tuple[CampaignState, ...] = ("draft", "scheduled", "paused")
# What can be changed of a campaign that has begun, for those who are told from then on.
CHANGES_ON_THE_WAY = ("name", "texts", "quiet", "cap")
# Why no member is told at present: its start is still to come, it is quiet, the offer of its coupon
# is not on the cards yet, phones are behind with what they were told, or somebody paused it.
WaitsFor = Literal["start", "quiet_hours", "coupon", "pace", "paused"]

# When no member is told of advertising unless the campaign says otherwise. Built-in messages of a
# day keep to the same hours.
NIGHT = ("21:00", "10:00")

PLACES = (*wording.PERSONAL, "gift")


class Campaign(Base):
    """A campaign's row. `after_id`: the last member that freezing has come to; `last_id`: the
    member at which it ends. `counted_from` and `counted_done`: since when, and from how many on,
    the pace is measured. `not_before`: when its next step may be."""

    __tablename__ = "outreach_campaign"
    __table_args__ = (
        Index(
            "ix_outreach_campaign_open",
            "state",
            "not_before",
            postgresql_where=text("state IN ('scheduled', 'running')"),
            sqlite_where=text("state IN ('scheduled', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    audience: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    texts: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    quiet_from: Mapped[str | None] = mapped_column(String(5))
    quiet_until: Mapped[str | None] = mapped_column(String(5))
    cap_messages: Mapped[int | None]
    cap_days: Mapped[int | None]
    holdout_percent: Mapped[int] = mapped_column(default=0)
    purpose: Mapped[str] = mapped_column(String(12), server_default="advertising")
    consent: Mapped[str] = mapped_column(String(12))
    gift: Mapped[int | None]
    gift_live_days: Mapped[int | None]
    gift_expires_at: Mapped[datetime | None] = mapped_column(Instant)
    # The public id of the offer of which those who are told get a coupon.
    coupon: Mapped[str | None] = mapped_column(String(36))
    state: Mapped[str] = mapped_column(String(10))
    starts_at: Mapped[datetime | None] = mapped_column(Instant)
    not_before: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    frozen_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    after_id: Mapped[int] = mapped_column(default=0)
    last_id: Mapped[int] = mapped_column(default=0)
    recipients: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    counted_from: Mapped[datetime | None] = mapped_column(Instant)
    counted_done: Mapped[int] = mapped_column(default=0)
    ends_about: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def quiet(self) -> Span | None:
        """The hours of the programme's clock in which no member is told; None if there are none."""
        if self.quiet_from is None or self.quiet_until is None:
            return None
        return Span.read(self.quiet_from, self.quiet_until)

    @property
    def present(self) -> MessageGift | None:
        """What comes with the message."""
        return MessageGift.of(self.gift, self.gift_live_days, self.gift_expires_at)


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a campaign tells no member at present, and when it goes on; None: when it is resumed."""

    waits_for: WaitsFor
    until: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """What a campaign is made of. `quiet`: hours in which no member is told; `cap`: at most so many
    messages in so many days, this one included. `consent`: see `recipients.ConsentRule`. `purpose`:
    `service` is for what is no advertising, such as "the shop is closed today". `gift`: points that
    come with the message, for those who are told; or `coupon`, the public id of an offer of which
    they get a coupon. `at`: when it is meant to go; it goes when it is started."""

    name: str
    texts: dict[str, str]
    audience: dict[str, Any] = field(default_factory=lambda: documents.stored(documents.EVERYONE))
    quiet: tuple[str, str] | None = NIGHT
    cap: tuple[int, int] | None = None
    holdout_percent: int = 0
    consent: ConsentRule = "given"
    purpose: CampaignPurpose = "advertising"
    gift: MessageGift | None = None
    coupon: str | None = None
    at: datetime | None = None


def create(session: Session, programme: Programme, draft: CampaignDraft, now: datetime) -> Campaign:
    """Make a campaign: a draft. Raises `ConsentNeeded`, `UnknownSegment`, what `require_coupon`
    raises, and what `wording.check` does."""
    named.hold(session, programme.id, draft.audience)
    require_coupon(session, programme, draft)
    campaign = Campaign(
        public_id=str(uuid7()),
        programme_id=programme.id,
        state="draft",
        not_before=EPOCH,
        created_at=now,
        after_id=0,
        last_id=0,
        recipients=0,
        done=0,
        counted_done=0,
        **_columns(draft, programme),
    )
    session.add(campaign)
    session.flush()
    return campaign


def usual(purpose: CampaignPurpose) -> dict[str, Any]:
    """What a campaign for this has where nobody says otherwise, by the names of `CampaignDraft`."""
    return {"quiet": None, "consent": "any"} if purpose == "service" else {}


def change(session: Session, public_id: str, changes: dict[str, Any], now: datetime) -> Campaign:
    """Change a draft, or a campaign that is planned or paused; `changes` by the names of
    `CampaignDraft`. Of one that has begun the recipients are written down, and some have read it:
    `CHANGES_ON_THE_WAY` alone can change. Who plans it for another moment names one that is to
    come. Raises `UnknownCampaign`, `CampaignNotReady`, `CampaignBegun`, `ConsentNeeded`,
    `UnknownSegment`, what `require_coupon` raises, what `wording.check` does, and of a planned one
    what `start` raises for its moment and its gift."""
    campaign = _locked(session, public_id)
    _require(campaign, *CHANGEABLE)
    programme = programmes.by_id(session, campaign.programme_id)
    before = _draft(campaign)
    draft = replace(before, **changes)
    if campaign.started_at is not None:
        _require_on_the_way(before, draft)
    elif campaign.state != "draft" and draft.at is None:
        draft = replace(draft, at=before.at)  # it is planned, whatever else changes
    named.hold(session, programme.id, draft.audience)
    require_coupon(session, programme, draft)
    starts_at = campaign.starts_at
    for name, value in _columns(draft, programme).items():
        setattr(campaign, name, value)
    if campaign.started_at is not None:
        campaign.starts_at = starts_at
    elif campaign.state != "draft":
        _plan_anew(session, campaign, programme, starts_at, now)
    session.flush()
    return campaign


def _require_on_the_way(before: CampaignDraft, wanted: CampaignDraft) -> None:
    """Raises `CampaignBegun` if more would change than can while it runs."""
    as_before = {name: getattr(before, name) for name in (*CHANGES_ON_THE_WAY, "at")}
    if replace(wanted, **as_before) != before:
        raise CampaignBegun


def _plan_anew(
    session: Session,
    campaign: Campaign,
    programme: Programme,
    before: datetime | None,
    now: datetime,
) -> None:
    """A campaign that has not begun keeps its moment, or gets another one that is to come."""
    moment = campaign.starts_at or now
    if moment != before:
        _require_in_time(moment, programme, now)
        campaign.not_before = max(moment, now)
        wake_after_commit(session, PUMP)
    _require_gift(session, campaign, max(moment, now), "at")


def that_wait_for(session: Session, programme_id: int, segment: str) -> Sequence[str]:
    """The names of campaigns that are for a saved segment and have not begun."""
    waiting = (Campaign.started_at.is_(None), Campaign.state != "cancelled")
    query = select(Campaign.name).where(Campaign.programme_id == programme_id, *waiting)
    return session.scalars(query.where(named.means(Campaign.audience, segment))).all()


def that_gather(session: Session, programme_id: int) -> Sequence[Campaign]:
    """Campaigns that have not gathered all of their recipients: drafts, and those that begin."""
    waiting = (Campaign.frozen_at.is_(None), Campaign.state.not_in(("cancelled", "done")))
    query = select(Campaign).where(Campaign.programme_id == programme_id, *waiting)
    return session.scalars(query.order_by(Campaign.id)).all()


def by_public_id(session: Session, public_id: str) -> Campaign:
    """The campaign of this id. Raises `UnknownCampaign`."""
    campaign = session.scalar(select(Campaign).where(Campaign.public_id == public_id))
    if campaign is None:
        raise UnknownCampaign
    return campaign


def programme_of(session: Session, public_id: str) -> int:
    """The programme of the campaign of this id. Raises `UnknownCampaign`."""
    return by_public_id(session, public_id).programme_id


def listed(
    session: Session, programme_id: int, before_id: int | None, limit: int
) -> Sequence[Campaign]:
    """Campaigns of a programme, newest first; with `before_id`, those older than that one."""
    query = select(Campaign).where(Campaign.programme_id == programme_id)
    if before_id is not None:
        query = query.where(Campaign.id < before_id)
    return session.scalars(query.order_by(Campaign.id.desc()).limit(limit)).all()


def between(
    session: Session, programme_id: int, since: datetime, until: datetime, limit: int
) -> Sequence[Campaign]:
    """Campaigns of a programme that began in this time, are to begin in it, or are meant to, the
    earliest first; those are left out that were cancelled before they began."""
    begins = func.coalesce(Campaign.started_at, Campaign.starts_at)
    return session.scalars(
        select(Campaign)
        .where(
            Campaign.programme_id == programme_id,
            begins >= since,
            begins < until,
            or_(Campaign.state != "cancelled", Campaign.started_at.is_not(None)),
        )
        .order_by(begins, Campaign.id)
        .limit(limit)
    ).all()


def open_until(session: Session, programme_id: int, until: datetime) -> Sequence[Campaign]:
    """Campaigns of a programme that tell members now or are to begin before this moment, the
    earliest first."""
    return session.scalars(
        select(Campaign)
        .where(
            Campaign.programme_id == programme_id,
            Campaign.state.in_(("scheduled", "running")),
            Campaign.starts_at < until,
        )
        .order_by(Campaign.starts_at, Campaign.id)
    ).all()


def begins(campaign: Campaign, programme: Programme) -> datetime | None:
    """When its first member is told, as far as its own terms say: after the quiet hours that it
    begins in. None for a draft that says no time."""
    moment = campaign.started_at or campaign.starts_at
    return None if moment is None else _end_of_quiet(campaign, programme, moment) or moment


def start(session: Session, public_id: str, at: datetime | None, now: datetime) -> Campaign:
    """Let a draft run: now, or when the clock of the programme's wall shows `at` (which has no
    zone). Raises `UnknownCampaign`, `CampaignNotReady`, `NoMessageField`, `DateOutOfRange`,
    `OfferOver` for a coupon that nobody could use by then, and `DatesOutOfOrder` for a gift that
    would have run out, and for a coupon that is not to be had yet."""
    campaign = _locked(session, public_id)
    _require(campaign, "draft")
    programme = programmes.by_id(session, campaign.programme_id)
    design = templates.design(templates.current(session, programme.id))
    if not announces_messages(design):
        raise NoMessageField(programme.code)
    moment = now if at is None else hours.off_wall(at, programme.timezone)
    _require_in_time(moment, programme, now)
    _require_gift(session, campaign, max(moment, now), "now" if at is None else "at")
    campaign.starts_at = campaign.not_before = max(moment, now)
    campaign.state = "scheduled" if moment > now else "running"
    wake_after_commit(session, PUMP)
    session.flush()
    return campaign


def _require_in_time(moment: datetime, programme: Programme, now: datetime) -> None:
    """Raises `DateOutOfRange` for a start that is past: a slip of the pen would tell everybody at
    once. Who wants that starts it without a moment."""
    if not now - CLOCKS_DIFFER <= moment < LATEST:
        taken = (hours.on_wall(one, programme.timezone) for one in (now, LATEST))
        raise DateOutOfRange("at", *(one.isoformat(timespec="minutes") for one in taken))


def _require_gift(session: Session, campaign: Campaign, moment: datetime, said: str) -> None:
    """Raises `OfferOver` and `DatesOutOfOrder` if what comes with the campaign could not be had at
    this moment, which the request calls `said`. The offer of a coupon stays as it is until the
    transaction ends."""
    if campaign.gift_expires_at is not None and campaign.gift_expires_at <= moment:
        raise DatesOutOfOrder(said, "gift.expires_at")
    if campaign.coupon is None:
        return
    offer = offers.hold(session, campaign.coupon)
    offers.require_open(offer, moment)
    if offer.starts_at > moment:
        raise DatesOutOfOrder("gift.coupon", said)


def pause(session: Session, public_id: str) -> Campaign:
    """Tell no more members until it is resumed; messages that were told stay on the cards. Raises
    `UnknownCampaign`, `CampaignNotReady`."""
    campaign = _locked(session, public_id)
    _require(campaign, "scheduled", "running")
    campaign.state, campaign.ends_about = "paused", None
    session.flush()
    return campaign


def resume(session: Session, public_id: str, now: datetime) -> Campaign:
    """Let a paused campaign go on, not before its start. Raises `UnknownCampaign`,
    `CampaignNotReady`."""
    campaign = _locked(session, public_id)
    _require(campaign, "paused")
    waits = campaign.starts_at is not None and campaign.starts_at > now
    campaign.state = "scheduled" if waits else "running"
    campaign.counted_from = None
    wake_after_commit(session, PUMP)
    session.flush()
    return campaign


def cancel(session: Session, public_id: str, now: datetime) -> Campaign:
    """End a campaign for good; cancelling again changes nothing. Raises `UnknownCampaign`,
    `CampaignNotReady` if it is done."""
    campaign = _locked(session, public_id)
    if campaign.state == "cancelled":
        return campaign
    _require(campaign, "draft", "scheduled", "running", "paused")
    campaign.state, campaign.finished_at, campaign.ends_about = "cancelled", now, None
    session.flush()
    return campaign


def halt(session: Session) -> None:
    """After a backup was restored: pause all campaigns that would run. Which members they told
    since the backup was made is not known, so an operator looks and resumes or cancels each."""
    session.execute(
        update(Campaign)
        .where(Campaign.state.in_(("scheduled", "running")))
        .values(state="paused", ends_about=None)
    )


def rest(session: Session, campaign: Campaign, programme: Programme, now: datetime) -> Rest | None:
    """Why a campaign that is to tell members tells none at this moment; None if it does, or if it
    is not started or over."""
    if campaign.state == "paused":
        return Rest("paused", None)
    if campaign.state == "scheduled" and campaign.not_before > now:
        return Rest("start", campaign.not_before)
    if campaign.state not in ("scheduled", "running"):
        return None
    if (until := _end_of_quiet(campaign, programme, now)) is not None:
        return Rest("quiet_hours", until)
    if campaign.coupon is not None and campaign.frozen_at is not None:
        offer = offers.by_public_id(session, campaign.coupon)
        if _is_to_come(offer, now):
            return Rest("coupon", max(offer.starts_at, campaign.not_before))
    return Rest("pace", campaign.not_before) if campaign.not_before > now else None


def is_held_out(campaign_id: str, member_id: str, percent: int) -> bool:
    """Whether the member is in the campaign's hold-out group. Drawn from both public ids, so the
    answer never changes, and each campaign draws anew."""
    drawn = hashlib.sha256(f"{campaign_id}:{member_id}".encode()).digest()
    return int.from_bytes(drawn[:8]) % 10_000 < percent * 100


def step(
    session: Session,
    make_due: Sequence[MakeDue],
    look: LookAtLag,
    now: datetime,
    limit: int = BATCH,
    issuer: CouponIssuer | None = None,
) -> bool:
    """One bounded piece of work at the open campaign that waited longest; False if there is none.
    No member is told while pushes pile up or phones fetch their cards late, as `look` finds: if all
    phones asked at once, their requests would time out, and members at a till would wait with
    them. Campaigns that bring coupons wait for whoever has an `issuer`."""
    can_issue = true() if issuer is not None else Campaign.coupon.is_(None)
    campaign = session.scalar(
        select(Campaign)
        .where(Campaign.state.in_(("scheduled", "running")), Campaign.not_before <= now, can_issue)
        .order_by(Campaign.not_before, Campaign.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if campaign is None:
        return False
    programme = programmes.by_id(session, campaign.programme_id)
    if campaign.started_at is None:
        campaign.state, campaign.started_at = "running", now
        campaign.last_id = _newest_member(session, programme.id)
        named.hold(session, programme.id, campaign.audience)
        meant = named.meaning(session, programme.id, campaign.audience)
        campaign.audience = documents.stored(meant)
    elif campaign.frozen_at is None:
        _freeze(session, campaign, programme, now, min(limit * 5, FROZEN_AT_ONCE))
    elif (silent_until := _end_of_quiet(campaign, programme, now)) is not None:
        campaign.counted_from = campaign.ends_about = None
        campaign.not_before = silent_until
    elif _must_rest(look(session, now)):
        campaign.not_before = now + LOOK_EVERY
    else:
        _tell(session, campaign, programme, make_due, now, limit, issuer)
    if campaign.not_before <= now:
        campaign.not_before = now  # behind the others that are open
    session.flush()
    return True


def preview(
    session: Session,
    programme: Programme,
    draft: CampaignDraft,
    member: Member | None,
    now: datetime,
) -> tuple[int, int, str | None]:
    """How many are meant, how many of them have a card in a phone, and what this member would
    read."""
    check_texts(draft, programme)
    in_scope = scope.in_main_unit(session, programme, now)
    all_, reached = audience.size(
        session, named.meaning(session, programme.id, draft.audience), in_scope
    )
    if member is None:
        return all_, reached, None
    facts = showing.facts(session, programme, [member.id], now)[member.id]
    return all_, reached, text_for(session, programme, draft, facts)


def text_for(session: Session, programme: Programme, draft: CampaignDraft, facts: Facts) -> str:
    """What a member would read of whom these facts are true. A gift is on their card by then."""
    if draft.gift is not None:
        facts = replace(facts, points=facts.points + draft.gift.points)
    about = {"gift": gifts.amount(session, programme, draft.gift)}
    return messages.text_for(programme, draft.texts, facts, about)


def drafted(campaign: Campaign) -> CampaignDraft:
    """What the campaign was made of, in the form that `create` takes."""
    return _draft(campaign)


def _freeze(
    session: Session, campaign: Campaign, programme: Programme, now: datetime, limit: int
) -> None:
    """Deliveries for the next members of the audience, as it was at the moment of the start."""
    in_scope = scope.in_main_unit(session, programme, campaign.started_at or now)
    wanted = membership.condition(documents.read(campaign.audience), in_scope)
    meant = membership.page(session, wanted, campaign.after_id, campaign.last_id, limit)
    occasions = [
        Occasion(one.id, CAMPAIGN, f"campaign:{campaign.id}", campaign.id) for one in meant
    ]
    deliveries.note_all(session, programme.id, occasions, now)
    campaign.recipients += len(meant)
    if len(meant) == limit:
        campaign.after_id = meant[-1].id
        return
    campaign.frozen_at = now
    campaign.done = _count(session, campaign, "held_out")  # by releases that drew them here


def _tell(
    session: Session,
    campaign: Campaign,
    programme: Programme,
    make_due: Sequence[MakeDue],
    now: datetime,
    limit: int,
    issuer: CouponIssuer | None,
) -> None:
    """Send the message to the next members who wait for it, with the gift that goes with it: points
    or a coupon and words together, or neither. Lock order: the offer of the coupon, its members,
    deliveries, balances, passes. While the offer is held nobody withdraws it: who is told has a
    coupon that was good when they were."""
    offer = None if campaign.coupon is None else offers.hold(session, campaign.coupon)
    if offer is not None and _is_to_come(offer, now):
        campaign.not_before = max(offer.starts_at, now + LOOK_EVERY)
        return
    held = members.lock(session, _next(session, campaign, limit)) if offer is not None else []
    waiting = _waiting(session, campaign, limit)
    if not waiting:
        _finish(campaign, now)
        return
    if offer is not None:  # of whom somebody was erased since, the next one has their place
        waiting = {id_: member_id for id_, member_id in waiting.items() if member_id in held}
    gift = campaign.present
    people = gifts.lock(session, programme, waiting.values()) if gift is not None else {}
    candidates = recipients.lock(session, list(waiting.values()))
    chosen, ended = _choose(session, campaign, waiting, candidates, now)
    if gift is not None:
        of = {delivery_id: one.member_id for delivery_id, one in chosen.items()}
        given = gifts.give(session, programme, gift, people, of, campaign.name, now)
        ended["refused"] = [delivery_id for delivery_id in chosen if delivery_id not in given]
        chosen = {id_: one for id_, one in chosen.items() if id_ in given}
    if offer is not None and issuer is not None:
        if offer.is_shown(now):
            _give_coupons(session, programme, offer, chosen, issuer, now)
        else:
            ended["no_coupon"], chosen = list(chosen), {}
    deliveries.end(session, ended)
    readers = recipients.read(session, programme, chosen.values(), now)
    about = {"gift": gifts.amount(session, programme, gift)}
    batch = [
        Message(
            readers[candidate.member_id],
            [delivery_id],
            campaign.texts,
            about,
            states_balance=gift is not None,
        )
        for delivery_id, candidate in chosen.items()
    ]
    messages.tell(session, programme, batch, make_due, now)
    _measure(campaign, len(waiting), now)


def _is_to_come(offer: Offer, now: datetime) -> bool:
    """Whether the offer will be on the cards: it has not begun, or its audience is being written
    down."""
    is_over = offer.withdrawn_at is not None or offer.ends_at <= now
    return not is_over and not offer.is_shown(now)


def _give_coupons(
    session: Session,
    programme: Programme,
    offer: Offer,
    chosen: Mapping[int, Candidate],
    issuer: CouponIssuer,
    now: datetime,
) -> None:
    """A coupon for each of these members (by delivery) who has none; who has one is told all the
    same."""
    ids = [one.member_id for one in chosen.values()]
    made = coupons.give(session, programme, offer, ids, issuer, now)
    came = {id_: made[one.member_id] for id_, one in chosen.items() if one.member_id in made}
    deliveries.came_with_coupons(session, came)


def _next(session: Session, campaign: Campaign, limit: int) -> Sequence[int]:
    """The members who wait, as far as one step goes. The campaign is locked, so that nobody is
    added to them; who is erased meanwhile does not wait any more."""
    return session.scalars(
        select(Delivery.member_id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == "waiting")
        .order_by(Delivery.id)
        .limit(limit)
    ).all()


def _waiting(session: Session, campaign: Campaign, limit: int) -> dict[int, int]:
    """The next members who wait, by delivery; the deliveries are locked."""
    rows = session.execute(
        select(Delivery.id, Delivery.member_id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == "waiting")
        .order_by(Delivery.id)
        .limit(limit)
        .with_for_update()
    )
    return {row.id: row.member_id for row in rows}


def _finish(campaign: Campaign, now: datetime) -> None:
    campaign.state, campaign.finished_at, campaign.ends_about = "done", now, None
    campaign.done = campaign.recipients  # members who were erased meanwhile are not told


def _choose(
    session: Session,
    campaign: Campaign,
    waiting: Mapping[int, int],
    candidates: Mapping[int, Candidate],
    now: datetime,
) -> tuple[dict[int, Candidate], dict[NotTold, list[int]]]:
    """The members who get the message, by delivery, and the other deliveries, by the reason against
    them. Held out are those alone who would get it: so both groups are alike but for the
    message."""
    member_ids = list(waiting.values())
    counts = _recent_messages(session, campaign, member_ids, now)
    agreed = consents.agreed_to_news(session, member_ids)
    held_out = _held_out(session, campaign, member_ids)
    chosen: dict[int, Candidate] = {}
    ended: dict[NotTold, list[int]] = {}
    for delivery_id, member_id in waiting.items():
        candidate = candidates.get(member_id)
        reason = _reason_against(
            campaign,
            candidate,
            agreed=agreed.get(member_id),
            recent_messages=counts.get(member_id, 0),
        )
        if candidate is None or reason is not None:
            ended.setdefault(reason or "gone", []).append(delivery_id)
        elif member_id in held_out:
            ended.setdefault("held_out", []).append(delivery_id)
        else:
            chosen[delivery_id] = candidate
    return chosen, ended


def _held_out(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> set[int]:
    """Those of these members who are in the campaign's hold-out group."""
    if not campaign.holdout_percent:
        return set()
    return {
        one.id
        for one in members.by_ids(session, member_ids)
        if is_held_out(campaign.public_id, one.public_id, campaign.holdout_percent)
    }


def _reason_against(
    campaign: Campaign,
    candidate: Candidate | None,
    *,
    agreed: bool | None,
    recent_messages: int,
) -> NotTold | None:
    """Why a member does not get the message; None if they get it. `agreed` is None if they were
    never asked whether they want news."""
    if candidate is None:
        return "gone"
    if not recipients.may_be_told(cast(ConsentRule, campaign.consent), agreed=agreed):
        return "no_consent"
    if not candidate.in_phone:
        return "no_card"
    if campaign.cap_messages is not None and recent_messages >= campaign.cap_messages:
        return "capped"
    return None


def _recent_messages(
    session: Session, campaign: Campaign, member_ids: Sequence[int], now: datetime
) -> dict[int, int]:
    """How many messages each got in the days of the cap. Their passes are locked, so that no other
    transaction writes them a message meanwhile."""
    if campaign.cap_days is None:
        return {}
    return deliveries.told_since(session, member_ids, now - timedelta(days=campaign.cap_days))


def _measure(campaign: Campaign, done: int, now: datetime) -> None:
    """Note how far it is, and when it will be over at this pace."""
    if campaign.counted_from is None:
        campaign.counted_from, campaign.counted_done = now, campaign.done
    campaign.done += done
    took, covered = now - campaign.counted_from, campaign.done - campaign.counted_done
    left = campaign.recipients - campaign.done
    campaign.ends_about = now + took * (left / covered) if covered else None


def quiet_until(draft: CampaignDraft, programme: Programme, moment: datetime) -> datetime | None:
    """When the quiet hours of a draft are over that it is at this moment; None if members may be
    told then."""
    if draft.quiet is None:
        return None
    return hours.end_of(Span.read(*draft.quiet), moment, programme.timezone)


def _end_of_quiet(campaign: Campaign, programme: Programme, now: datetime) -> datetime | None:
    """When the quiet hours that it is now are over; None if members may be told."""
    return quiet_until(_draft(campaign), programme, now)


def _must_rest(lag: Lag) -> bool:
    return lag.pushes_due >= MOST_COUNTED or fetches_are_late(lag)


def _newest_member(session: Session, programme_id: int) -> int:
    newest = select(func.max(Member.id)).where(Member.programme_id == programme_id)
    return session.scalar(newest) or 0


def _count(session: Session, campaign: Campaign, state: DeliveryState) -> int:
    counted = select(func.count()).where(
        Delivery.campaign_id == campaign.id, Delivery.state == state
    )
    return session.scalars(counted).one()


def _locked(session: Session, public_id: str) -> Campaign:
    """The campaign, locked: none of its steps is under way. Raises `UnknownCampaign`."""
    campaign = by_public_id(session, public_id)
    session.refresh(campaign, with_for_update=True)
    return campaign


def _require(campaign: Campaign, *states: CampaignState) -> None:
    if campaign.state not in states:
        raise CampaignNotReady(campaign.state)


def _columns(draft: CampaignDraft, programme: Programme) -> dict[str, Any]:
    """The draft as columns of the row. Raises `ConsentNeeded`, and what `wording.check` raises."""
    if draft.purpose == "advertising" and draft.consent == "any":
        raise ConsentNeeded
    check_texts(draft, programme)
    quiet_from, quiet_until = draft.quiet or (None, None)
    cap_messages, cap_days = draft.cap or (None, None)
    return {
        "name": draft.name,
        "audience": draft.audience,
        "texts": draft.texts,
        "quiet_from": quiet_from,
        "quiet_until": quiet_until,
        "cap_messages": cap_messages,
        "cap_days": cap_days,
        "holdout_percent": draft.holdout_percent,
        "consent": draft.consent,
        "purpose": draft.purpose,
        "gift": draft.gift.points if draft.gift is not None else None,
        "gift_live_days": draft.gift.live_days if draft.gift is not None else None,
        "gift_expires_at": draft.gift.expires_at if draft.gift is not None else None,
        "coupon": draft.coupon,
        "starts_at": draft.at,
    }


def require_coupon(session: Session, programme: Programme, draft: CampaignDraft) -> None:
    """Raises `UnknownOffer` if the programme has no offer of which the draft brings a coupon, and
    `OfferForOne` if that is for one member alone."""
    if draft.coupon is None:
        return
    offer = offers.by_public_id(session, draft.coupon)
    if offer.programme_id != programme.id:
        raise UnknownOffer
    if offer.member_id is not None:
        raise OfferForOne


def check_texts(draft: CampaignDraft, programme: Programme) -> None:
    """Raises what `wording.check` raises."""
    places = wording.with_gift(PLACES, has_gift=draft.gift is not None)
    wording.check(draft.texts, places, programme.languages)


def _draft(campaign: Campaign) -> CampaignDraft:
    quiet = (campaign.quiet_from, campaign.quiet_until)
    cap = (campaign.cap_messages, campaign.cap_days)
    return CampaignDraft(
        campaign.name,
        campaign.texts,
        campaign.audience,
        None if None in quiet else (str(quiet[0]), str(quiet[1])),
        None if None in cap else (int(cap[0] or 0), int(cap[1] or 0)),
        campaign.holdout_percent,
        cast(ConsentRule, campaign.consent),
        cast(CampaignPurpose, campaign.purpose),
        campaign.present,
        campaign.coupon,
        campaign.starts_at if campaign.started_at is None else None,
    )
