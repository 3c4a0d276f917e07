"""The list of campaigns: what is being sent, what was sent, and what came of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint

from wallet.console import listing, pages
from wallet.console.messages import told
from wallet.console.messages.told import HERE, READ, BadgeLook, CampaignReading
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.installation import current_installation
from wallet.outreach import campaigns, results
from wallet.outreach.campaigns import Campaign
from wallet.pages import language

ROWS = 20  # of a page: for each it is counted whom it reached

routes = Blueprint("campaigns", __name__)


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in the list, in words."""

    url: str
    name: str
    state: str
    look: BadgeLook
    whom: str
    told: str
    when: str


@routes.get(f"{IN_PROGRAMME}/messages")
@needs(READ)
def listed() -> str:
    """The campaigns of the programme, newest first."""
    after = listing.after()
    with current_installation().database.reading() as session:
        reading = CampaignReading.begin(session, current_installation().clock())
        found = campaigns.listed(
            session, reading.programme.id, after[0] if after else None, ROWS + 1
        )
        page = listing.page(found, lambda one: (one.id,), ROWS)
        told_of = results.told(session, [one.id for one in page.rows])
        lines = _lines(page.rows, told_of, reading)
    return pages.show(
        "console/messages/campaigns.html",
        HERE,
        lines=lines,
        page=page,
        tabs=told.tabs("campaigns"),
    )


def _lines(
    found: Sequence[Campaign],
    told_of: Mapping[int, int],
    reading: CampaignReading,
) -> list[CampaignLine]:
    base = pages.url("console.campaigns.listed")
    lines = []
    for one in found:
        said, look = told.state(one)
        moment: datetime = one.started_at or one.starts_at or one.created_at
        lines.append(
            CampaignLine(
                f"{base}/{one.public_id}",
                one.name,
                said,
                look,
                told.whom(one.audience, reading),
                "" if one.started_at is None else language.number(told_of.get(one.id, 0)),
                reading.at(moment),
            )
        )
    return lines
