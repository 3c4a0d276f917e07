"""The page of one campaign: how far it is, how its course is changed, and what came of it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from wallet.access.changes import Author
from wallet.console import doing, listing, pages, sheets
from wallet.console.choices import language_name
from wallet.console.messages import brought, figures, outcome, told
from wallet.console.messages.told import HERE, READ, WRITE, CampaignReading, here
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.sheets import SheetRows
from wallet.installation import current_installation
from wallet.outreach import campaign_deeds, campaigns, results
from wallet.outreach.campaigns import Campaign
from wallet.pages import language
from wallet.pages.language import gettext as _

STILL_ARRIVING = timedelta(minutes=1)  # after a campaign, phones fetch it
PAGE, PROGRESS = "console/messages/campaign.html", "console/messages/progress.html"
OF_CAMPAIGN = f"{IN_PROGRAMME}/messages/<campaign_id>"
OPEN = ("scheduled", "running", "paused")
DAYS = (7, 30, 90)  # for so long purchases are looked at

CampaignTurn = Literal["pause", "resume", "cancel"]

routes = Blueprint("campaign", __name__)

_TURNS: Mapping[str, Callable[[Session, Campaign, Author, datetime], Campaign]] = {
    "pause": campaign_deeds.pause,
    "resume": campaign_deeds.resume,
    "cancel": campaign_deeds.cancel,
}


@routes.get(OF_CAMPAIGN)
@needs(READ)
def show(campaign_id: str) -> str:
    """How far a campaign is, and what came of it; a draft as it would be sent."""
    house = current_installation()
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        reading = CampaignReading.begin(session, house.clock())
        given = {**_progress(session, campaign, reading), **_about(session, campaign, reading)}
        if campaign.started_at is not None:
            given |= outcome.of(session, campaign, reading)
            given |= brought.of(session, campaign, _days(), reading)
        others = campaigns.listed(session, reading.programme.id, None, 50)
    return pages.show(
        PAGE,
        HERE,
        campaign=campaign,
        days=_days(),
        periods=DAYS,
        is_fresh=campaign.finished_at is not None
        and "told_row" in given
        and given["told_row"].count > 0
        and house.clock() - campaign.finished_at < STILL_ARRIVING,
        others=[one for one in others if one.started_at is not None and one.id != campaign.id],
        **given,
    )


@routes.get(f"{OF_CAMPAIGN}/progress")
@needs(READ)
def progress(campaign_id: str) -> Response:
    """How far it is, for a page that is open. Once it is over, the page is shown anew."""
    house = current_installation()
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        reading = CampaignReading.begin(session, house.clock())
        part = render_template(
            PROGRESS, campaign=campaign, may=pages.may, **_progress(session, campaign, reading)
        )
    answer = make_response(part)
    if campaign.state not in OPEN:
        answer.headers["HX-Refresh"] = "true"
    return answer


@routes.post(f"{OF_CAMPAIGN}/<any(pause,resume,cancel):turn>")
@needs(WRITE)
def steer(campaign_id: str, turn: CampaignTurn) -> Response:
    """Pause it, let it go on, or end it. One that came to its end meanwhile says so."""
    said = {
        "pause": _("Paused. Nobody is told until it goes on."),
        "resume": _("It goes on."),
        "cancel": _("The campaign is cancelled."),
    }[turn]

    def work(session: Session) -> None:
        now = current_installation().clock()
        _TURNS[turn](session, here(session, campaign_id), pages.author(), now)

    doing.told(work, said)
    return pages.go("console.campaign.show", campaign_id=campaign_id)


@routes.get(f"{OF_CAMPAIGN}/cancel")
@needs(WRITE)
def ask(campaign_id: str) -> str:
    """What it means to cancel it, in numbers."""
    with current_installation().database.reading() as session:
        campaign = here(session, campaign_id)
    if campaign.state not in ("draft", *OPEN):
        pages.not_there(HERE)
    if campaign.started_at is None:
        sentence = _("Nobody was told yet, and nobody will be. It cannot be started again.")
    else:
        sentence = _(
            "Got it: %(done)s. The message stays on their cards. Will not get it: %(left)s. It"
            " cannot be started again.",
            done=language.number(campaign.done),
            left=language.number(max(0, campaign.recipients - campaign.done)),
        )
    return pages.show("console/messages/cancel.html", HERE, campaign=campaign, sentence=sentence)


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in map(str, DAYS) else 30


def _progress(session: Session, campaign: Campaign, reading: CampaignReading) -> dict[str, Any]:
    rest = campaigns.rest(session, campaign, reading.programme, reading.now)
    said, look = told.state(campaign)
    total = campaign.recipients if campaign.frozen_at is not None else 0
    return {
        "state": said,
        "look": look,
        "waits": told.waiting(rest, reading),
        "planned": _planned(campaign, reading),
        "left": told.time_left(campaign, reading.now),
        "percent": min(100, campaign.done * 100 // total) if total else None,
        "done": _(
            "%(done)s of %(total)s",
            done=language.number(campaign.done),
            total=language.number(total),
        )
        if total
        else "",
        "is_open": campaign.state in OPEN,
        "may_change": campaign.state in campaigns.CHANGEABLE,
    }


def _planned(campaign: Campaign, reading: CampaignReading) -> str:
    """When a paused campaign was meant to begin, if that is to come; empty for others, which say
    when they go on."""
    at = campaign.starts_at
    if campaign.state != "paused" or at is None or at <= reading.now:
        return ""
    return _("It was to begin %(moment)s.", moment=reading.at(at))


def _about(session: Session, campaign: Campaign, reading: CampaignReading) -> dict[str, Any]:
    """What the campaign is, as facts with names."""
    draft = campaigns.drafted(campaign)
    allowed = {
        "given": _("advertising, to those who agreed to messages"),
        "not_refused": _("advertising, also to those who were never asked"),
        "any": _("service, to everybody"),
    }
    facts = [
        (_("For"), told.whom(draft.audience, reading)),
        (_("Purpose"), allowed[draft.consent]),
        (_("Gift"), "" if draft.gift is None else told.gift(draft.gift, reading)),
        (_("Coupon"), "" if draft.coupon is None else told.coupon(session, draft.coupon, reading)),
        (_("Quiet hours"), _("none") if draft.quiet is None else "–".join(draft.quiet)),
        (
            _("At most"),
            "" if draft.cap is None else told.limit(draft.cap),
        ),
        (
            _("Control group"),
            f"{draft.holdout_percent} %" if draft.holdout_percent else "",
        ),
        (_("Written"), reading.at(campaign.created_at)),
        (_("Meant for"), "" if draft.at is None else reading.at(draft.at)),
        (_("Begun"), "" if campaign.started_at is None else reading.at(campaign.started_at)),
        (_("Ended"), "" if campaign.finished_at is None else reading.at(campaign.finished_at)),
    ]
    texts = [(tag, language_name(tag), text) for tag, text in draft.texts.items()]
    return {"facts": facts, "texts": texts}


# --- Who stands behind a number -----------------------------------------------------------------


@routes.get(f"{OF_CAMPAIGN}/members")
@needs(READ)
def members(campaign_id: str) -> str:
    """The members whom a number of the results counts, each with the reason in words."""
    house, after = current_installation(), listing.after()
    of = request.args.get("of", "told")
    if not results.is_outcome(of):
        pages.not_there(HERE)
    with house.database.reading() as session:
        campaign = here(session, campaign_id)
        reading = CampaignReading.begin(session, house.clock())
        found = results.of_outcome(
            session, campaign, of, after[0] if after else 0, listing.ROWS + 1, reading.now
        )
        page = listing.page(found, lambda one: (one.delivery.id,))
        rows = outcome.members(session, page.rows, reading)
    return pages.show(
        "console/messages/reached.html",
        HERE,
        campaign=campaign,
        page=page,
        rows=rows,
        heading=outcome.heading(of),
    )


@routes.get(f"{OF_CAMPAIGN}/results.csv")
@needs(READ)
def table(campaign_id: str) -> Response:
    """The figures of a campaign as a file; nobody's name is in it. Who took it stands in the record
    of exports."""
    with current_installation().database.reading() as session:
        name = here(session, campaign_id).name

    def rows(session: Session) -> SheetRows:
        reading = CampaignReading.begin(session, current_installation().clock())
        return figures.as_rows(session, here(session, campaign_id), _days(), reading)

    asked = {"campaign": name, "days": _days()}
    return sheets.taken("results", f"campaign-{campaign_id}.csv", asked, rows)


@routes.get(f"{OF_CAMPAIGN}/compare")
@needs(READ)
def compare(campaign_id: str) -> Response | str:
    """Two campaigns side by side; to the first alone, where nobody has chosen the second."""
    house = current_installation()
    with house.database.reading() as session:
        reading = CampaignReading.begin(session, house.clock())
        both = [here(session, campaign_id), here(session, request.args.get("with", campaign_id))]
        if any(one.started_at is None for one in both):
            return pages.go("console.campaign.show", campaign_id=campaign_id)
        heading, *rows = figures.side_by_side(session, both, _days(), reading)
    return pages.show(
        "console/messages/compare.html",
        HERE,
        both=both,
        heading=heading,
        rows=rows,
        days=_days(),
        periods=DAYS,
    )


@routes.get(f"{OF_CAMPAIGN}/compare.csv")
@needs(READ)
def compared(campaign_id: str) -> Response:
    """The same as a file. Who took it stands in the record of exports."""
    with current_installation().database.reading() as session:
        both = [here(session, campaign_id), here(session, request.args.get("with", campaign_id))]
        if any(one.started_at is None for one in both):
            return pages.go("console.campaign.show", campaign_id=campaign_id)

    def rows(session: Session) -> SheetRows:
        reading = CampaignReading.begin(session, current_installation().clock())
        again = [here(session, one.public_id) for one in both]
        return figures.side_by_side(session, again, _days(), reading)

    asked = {"campaign": both[0].name, "with": both[1].name, "days": _days()}
    return sheets.taken("results", f"compare-{campaign_id}.csv", asked, rows)
