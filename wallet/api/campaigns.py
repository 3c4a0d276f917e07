"""Campaigns: one message to many members, at one time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from ledger.book import purchases
from ledger.errors import (
    DateOutOfRange,
    DatesOutOfOrder,
    OfferOver,
    UnknownMember,
    UnknownOffer,
    UnknownProgramme,
    UnknownSegment,
)
from ledger.programmes import programmes, units
from ledger.programmes.units import Unit
from ledger.segments import named
from wallet.access.changes import Author
from wallet.api import idempotent, lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import author, needs
from wallet.api.bodies.amounts import MoneyOut
from wallet.api.bodies.campaigns import (
    CAMPAIGN,
    CANCELLED,
    CHANGED,
    PAUSED,
    SCHEDULED,
    AverageDifference,
    CampaignChange,
    CampaignIn,
    CampaignOut,
    CampaignPart,
    CampaignSearch,
    CampaignsOut,
    ConclusionOut,
    CostOut,
    CouponsOut,
    EffectOut,
    GiftIn,
    GiftOut,
    GroupOut,
    InCurrencyOut,
    PreviewIn,
    PreviewOut,
    ProgressOut,
    ResultsIn,
    ResultsOut,
    ShareDifference,
    SpentOut,
    StartIn,
)
from wallet.api.calls import optional_body, refuses
from wallet.api.refusals import MEMBER, MONEY, TEXTS
from wallet.errors import (
    CampaignBegun,
    CampaignNotReady,
    ConsentNeeded,
    NoMessageField,
    OfferForOne,
    UnknownCampaign,
)
from wallet.installation import current_installation
from wallet.outreach import campaign_deeds, campaigns, comparison, effect, results
from wallet.outreach.campaigns import Campaign, CampaignDraft, CampaignPurpose
from wallet.outreach.comparison import Conclusion, Group, Spending
from wallet.outreach.effect import InCurrency, Sales
from wallet.outreach.gifts import MessageGift

routes = APIBlueprint("campaigns", __name__, tag="Campaigns")

# Of a coupon that comes with the message.
COUPON = (UnknownOffer, OfferForOne)


@routes.post("/campaigns")
@routes.doc(operation_id="createCampaign")
@needs("campaigns:write")
@refuses(UnknownProgramme, UnknownSegment, ConsentNeeded, *COUPON, *TEXTS, *MONEY)
@routes.input(CampaignIn)
@routes.output(CampaignOut, status_code=201, example=CAMPAIGN)
@idempotent.keyed(required=False)
def create(json_data: CampaignIn, key: str | None) -> Response:
    """Make a draft of a campaign: no member is told before it is started."""

    def effect(session: Session, now: datetime) -> CampaignOut:
        programme = lookup.programme(session, json_data.programme)
        unit = units.named(session, programme.id, None)
        draft = CampaignDraft(**{**_usual(json_data), **_parts(json_data, unit)})
        campaign = campaign_deeds.make(session, programme, draft, author(session), now)
        return _campaign_out(session, campaign)

    return idempotent.created(json_data, effect, key)


@routes.get("/campaigns")
@routes.doc(operation_id="listCampaigns")
@needs("campaigns:read")
@refuses(UnknownProgramme)
@routes.input(CampaignSearch, location="query")
@routes.output(CampaignsOut)
def find(query_data: CampaignSearch) -> CampaignsOut:
    """The campaigns of a programme, newest first."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        programme = lookup.programme(session, query_data.programme)
        page = place.page(campaigns.listed(session, programme.id, place.position, place.most))
        return CampaignsOut(
            items=[_campaign_out(session, campaign) for campaign in page.rows],
            next_cursor=page.next_cursor,
        )


@routes.get("/campaigns/<campaign_id>")
@routes.doc(operation_id="getCampaign")
@needs("campaigns:read")
@refuses(UnknownCampaign)
@routes.output(CampaignOut)
def read(campaign_id: str) -> CampaignOut:
    """A campaign, how far it is, and when it will be done."""
    with current_installation().database.reading() as session:
        return _campaign_out(session, lookup.campaign(session, campaign_id))


@routes.patch("/campaigns/<campaign_id>")
@routes.doc(operation_id="updateCampaign")
@needs("campaigns:write")
@refuses(
    UnknownCampaign,
    UnknownSegment,
    CampaignNotReady,
    CampaignBegun,
    ConsentNeeded,
    *COUPON,
    OfferOver,
    DatesOutOfOrder,
    *TEXTS,
    *MONEY,
)
@routes.input(CampaignChange)
@routes.output(CampaignOut, example=CHANGED)
def change(campaign_id: str, json_data: CampaignChange) -> CampaignOut:
    """Change a draft, or a campaign that is planned or paused. What is not named stays as it is.

    Of one that has begun the name, the texts, the quiet hours and the cap can change, for those who
    are told from then on."""

    def changed(session: Session, campaign: Campaign, by: Author, now: datetime) -> Campaign:
        unit = units.named(session, campaign.programme_id, None)
        return campaign_deeds.change(session, campaign, _parts(json_data, unit), by, now)

    return _do(campaign_id, changed)


@routes.post("/campaigns/<campaign_id>/preview")
@routes.doc(operation_id="previewCampaign")
@needs("campaigns:read")
@refuses(UnknownCampaign, *MEMBER)
@optional_body
@routes.input(PreviewIn)
@routes.output(PreviewOut)
def preview(campaign_id: str, json_data: PreviewIn) -> PreviewOut:
    """How many would be told if it started now, and what one member would read."""
    with current_installation().database.reading() as session:
        campaign = lookup.campaign(session, campaign_id)
        programme = programmes.by_id(session, campaign.programme_id)
        member = None
        if json_data.member is not None:
            member = lookup.member(session, json_data.member)
            if member.programme_id != programme.id:
                raise UnknownMember
        all_, reached, text = campaigns.preview(
            session, programme, campaigns.drafted(campaign), member, current_installation().clock()
        )
    return PreviewOut(audience=all_, in_phones=reached, text=text)


@routes.post("/campaigns/<campaign_id>/start")
@routes.doc(operation_id="startCampaign")
@needs("campaigns:write")
@refuses(
    UnknownCampaign, CampaignNotReady, NoMessageField, OfferOver, DateOutOfRange, DatesOutOfOrder
)
@optional_body
@routes.input(StartIn)
@routes.output(CampaignOut, example=SCHEDULED)
def start(campaign_id: str, json_data: StartIn) -> CampaignOut:
    """Start a draft, now or when the clock of the programme shows `at`."""
    return _do(
        campaign_id,
        lambda session, campaign, by, now: campaign_deeds.start(
            session, campaign, json_data.at, by, now
        ),
    )


@routes.post("/campaigns/<campaign_id>/pause")
@routes.doc(operation_id="pauseCampaign")
@needs("campaigns:write")
@refuses(UnknownCampaign, CampaignNotReady)
@routes.output(CampaignOut, example=PAUSED)
def pause(campaign_id: str) -> CampaignOut:
    """Pause a campaign: no more members are told until it is resumed."""
    return _do(campaign_id, campaign_deeds.pause)


@routes.post("/campaigns/<campaign_id>/resume")
@routes.doc(operation_id="resumeCampaign")
@needs("campaigns:write")
@refuses(UnknownCampaign, CampaignNotReady)
@routes.output(CampaignOut)
def resume(campaign_id: str) -> CampaignOut:
    """Let a paused campaign go on."""
    return _do(campaign_id, campaign_deeds.resume)


@routes.post("/campaigns/<campaign_id>/cancel")
@routes.doc(operation_id="cancelCampaign")
@needs("campaigns:write")
@refuses(UnknownCampaign, CampaignNotReady)
@routes.output(CampaignOut, example=CANCELLED)
def cancel(campaign_id: str) -> CampaignOut:
    """End a campaign for good: after this answer no more members are told.

    Doing it again changes nothing."""
    return _do(campaign_id, campaign_deeds.cancel)


@routes.get("/campaigns/<campaign_id>/results")
@routes.doc(operation_id="getCampaignResults")
@needs("campaigns:read")
@refuses(UnknownCampaign)
@routes.input(ResultsIn, location="query")
@routes.output(ResultsOut)
def funnel(campaign_id: str, query_data: ResultsIn) -> ResultsOut:
    """How far the message came, from the audience to the phones that fetched it, what members
    bought afterwards, and what it cost."""
    now = current_installation().clock()
    with current_installation().database.reading() as session:
        campaign = lookup.campaign(session, campaign_id)
        found = effect.of_campaign(session, campaign, query_data.days, now)
        unit = units.named(session, campaign.programme_id, None)
        cost = effect.cost(session, campaign)
        return ResultsOut(
            **results.funnel(session, campaign, now),
            purchases=None if found is None else sales_out(found),
            coupons=None if campaign.coupon is None else _coupons_out(session, campaign),
            cost=CostOut(
                messages=cost.messages, gifts=cost.gifts, **in_money(unit, gifts=cost.gifts)
            ),
        )


def _coupons_out(session: Session, campaign: Campaign) -> CouponsOut:
    found = results.of_coupons(session, campaign)
    return CouponsOut(given=found.given, had=found.had, used=found.used)


def sales_out(found: Sales) -> EffectOut:
    """What members bought, as answers tell it."""
    told, held_out = found.told, found.held_out
    difference = None
    if told.members and held_out.members:
        share = comparison.of_shares(told, held_out)
        difference = ShareDifference(
            percent=_percent(share.found), low=_percent(share.low), high=_percent(share.high)
        )
    return EffectOut(
        since=found.since,
        until=found.until,
        counted=found.counted,
        told=_group_out(told),
        held_out=_group_out(held_out),
        difference=difference,
        conclusion=_conclusion_out(comparison.share_conclusion(told, held_out)),
        money=[_in_currency_out(one) for one in found.money],
    )


def _group_out(group: Group) -> GroupOut:
    return GroupOut(members=group.members, bought=group.buyers, percent=_percent(group.share))


def _in_currency_out(one: InCurrency) -> InCurrencyOut:
    def money(pieces: float) -> MoneyOut:
        return MoneyOut.model_validate(purchases.money(round(pieces), one.currency))

    def spent(group: Spending) -> SpentOut:
        return SpentOut(total=money(group.total), average=money(group.average))

    difference = None
    if min(one.told.members, one.held_out.members) > 1:
        found = comparison.of_averages(one.told, one.held_out)
        difference = AverageDifference(
            average=money(found.found), low=money(found.low), high=money(found.high)
        )
    return InCurrencyOut(
        told=spent(one.told),
        held_out=spent(one.held_out),
        difference=difference,
        conclusion=_conclusion_out(comparison.spending_conclusion(one.told, one.held_out)),
    )


def _percent(share: float) -> str:
    """A share as per cent, with two decimals; what is next to nothing has no sign."""
    return f"{round(share * 100, 2) + 0.0:.2f}"


def _conclusion_out(conclusion: Conclusion) -> ConclusionOut:
    return ConclusionOut(code=conclusion, **effect.in_words(conclusion))


def _do(
    campaign_id: str, deed: Callable[[Session, Campaign, Author, datetime], Campaign]
) -> CampaignOut:
    def done(session: Session) -> CampaignOut:
        now = current_installation().clock()
        campaign = lookup.campaign(session, campaign_id)
        return _campaign_out(session, deed(session, campaign, author(session), now))

    return current_installation().database.run(done)


def _usual(body: CampaignPart) -> dict[str, Any]:
    """What a new campaign has where its body names nothing, by the names of `CampaignDraft`."""
    return campaigns.usual(_purpose(body) or "advertising")


def _purpose(body: CampaignPart) -> CampaignPurpose | None:
    """What the campaign is for; None if nothing was said of it. Before there was a word for it,
    `any` was: it is for what is no advertising."""
    if body.purpose is None and body.consent == "any":
        return "service"
    return body.purpose


def _parts(body: CampaignPart, unit: Unit) -> dict[str, Any]:
    """The fields that were sent, by the names of `CampaignDraft`. A gift is of this unit."""
    parts: dict[str, Any] = {}
    given = body.model_fields_set
    if isinstance(body, CampaignIn | CampaignChange):
        texts = body.texts.given() if body.texts is not None else None
        said = {"name": body.name, "texts": texts}
        parts |= {name: value for name, value in said.items() if value is not None}
    if "audience" in given or isinstance(body, CampaignIn):
        parts["audience"] = named.stored(body.audience)
    if "quiet_hours" in given:
        quiet = body.quiet_hours
        parts["quiet"] = None if quiet is None else (quiet.begins, quiet.ends)
    if "cap" in given:
        parts["cap"] = None if body.cap is None else (body.cap.messages, body.cap.days)
    if "holdout_percent" in given:
        parts["holdout_percent"] = body.holdout_percent
    if body.consent is not None:
        parts["consent"] = body.consent
    if (purpose := _purpose(body)) is not None:
        parts["purpose"] = purpose
    if "gift" in given:
        parts |= {"gift": _gift(body.gift, unit), "coupon": body.gift and body.gift.coupon}
    return parts


def _gift(sent: GiftIn | None, unit: Unit) -> MessageGift | None:
    if sent is None or sent.amount is None:
        return None
    return MessageGift(unit.points(sent.amount), sent.live_days, sent.expires_at)


def _gift_out(draft: CampaignDraft, unit: Unit) -> GiftOut | None:
    if draft.coupon is not None:
        return GiftOut(points=None, live_days=None, expires_at=None, coupon=draft.coupon)
    if (gift := draft.gift) is None:
        return None
    return GiftOut(
        points=gift.points,
        live_days=gift.live_days,
        expires_at=gift.expires_at,
        **in_money(unit, points=gift.points),
    )


def _campaign_out(session: Session, campaign: Campaign) -> CampaignOut:
    draft = campaigns.drafted(campaign)
    programme = programmes.by_id(session, campaign.programme_id)
    rest = campaigns.rest(session, campaign, programme, current_installation().clock())
    return CampaignOut(
        id=campaign.public_id,
        programme=programme.code,
        name=campaign.name,
        texts=campaign.texts,
        audience=campaign.audience,
        quiet_hours=dict(zip(("from", "until"), draft.quiet, strict=True)) if draft.quiet else None,
        cap=dict(zip(("messages", "days"), draft.cap, strict=True)) if draft.cap else None,
        holdout_percent=campaign.holdout_percent,
        purpose=draft.purpose,
        consent=draft.consent,
        gift=_gift_out(draft, units.named(session, campaign.programme_id, None)),
        state=campaign.state,
        starts_at=campaign.starts_at,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        created_at=campaign.created_at,
        progress=ProgressOut(
            recipients=campaign.recipients,
            done=campaign.done,
            frozen=campaign.frozen_at is not None,
            ends_about=campaign.ends_about,
            waits_for=None if rest is None else rest.waits_for,
            waits_until=None if rest is None else rest.until,
        ),
    )
