"""What is done with campaigns, whoever does it: each deed with its line in the record of
changes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger.offers import offers
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.outreach import campaigns
from wallet.outreach.campaigns import Campaign, CampaignDraft


def make(
    session: Session, programme: Programme, draft: CampaignDraft, by: Author, now: datetime
) -> Campaign:
    """Make a draft, see `campaigns.create`, which says what it raises."""
    campaign = campaigns.create(session, programme, draft, now)
    made = {**changes.facts(campaign), **_coupon(session, campaign)}
    changes.note(session, by, "campaign.made", of(campaign), now, {}, made)
    return campaign


def change(
    session: Session, campaign: Campaign, wanted: dict[str, Any], by: Author, now: datetime
) -> Campaign:
    """Change a campaign that tells nobody at present, see `campaigns.change`, which says what it
    raises."""

    def changed(session: Session, id_: str, now: datetime) -> Campaign:
        return campaigns.change(session, id_, wanted, now)

    return _noted(session, campaign, "campaign.changed", changed, by, now)


def start(
    session: Session, campaign: Campaign, at: datetime | None, by: Author, now: datetime
) -> Campaign:
    """Let a draft run, see `campaigns.start`, which says what it raises."""

    def started(session: Session, id_: str, now: datetime) -> Campaign:
        return campaigns.start(session, id_, at, now)

    return _noted(session, campaign, "campaign.started", started, by, now)


def pause(session: Session, campaign: Campaign, by: Author, now: datetime) -> Campaign:
    """Tell no more members for now, see `campaigns.pause`, which says what it raises."""

    def paused(session: Session, id_: str, _now: datetime) -> Campaign:
        return campaigns.pause(session, id_)

    return _noted(session, campaign, "campaign.paused", paused, by, now)


def resume(session: Session, campaign: Campaign, by: Author, now: datetime) -> Campaign:
    """Let a paused campaign go on, see `campaigns.resume`, which says what it raises."""
    return _noted(session, campaign, "campaign.resumed", campaigns.resume, by, now)


def cancel(session: Session, campaign: Campaign, by: Author, now: datetime) -> Campaign:
    """End a campaign for good, see `campaigns.cancel`, which says what it raises."""
    return _noted(session, campaign, "campaign.cancelled", campaigns.cancel, by, now)


def of(campaign: Campaign) -> ChangedThing:
    """The campaign as the record of changes names it."""
    return ChangedThing("campaign", campaign.public_id, campaign.programme_id)


def _noted(
    session: Session,
    campaign: Campaign,
    code: str,
    deed: Callable[[Session, str, datetime], Campaign],
    by: Author,
    now: datetime,
) -> Campaign:
    before = {**changes.held(session, campaign), **_coupon(session, campaign)}
    done = deed(session, campaign.public_id, now)
    after = {**changes.reread(session, done), **_coupon(session, done)}
    changes.note(session, by, code, of(campaign), now, before, after)
    return done


def _coupon(session: Session, campaign: Campaign) -> dict[str, Any]:
    """The coupon that comes with the campaign as people know it: what its offer is called, by
    language."""
    if campaign.coupon is None:
        return {}
    return {"coupon": dict(offers.by_public_id(session, campaign.coupon).titles)}
