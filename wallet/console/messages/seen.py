"""What members will see of a message, and how far it would come, beside its form and before it is
sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import orjson
from flask import current_app
from sqlalchemy.orm import Session

from wallet.console import pages
from wallet.console.members import people
from wallet.console.messages import told
from wallet.console.messages.told import CampaignReading
from wallet.outreach import previews, reach
from wallet.outreach.campaigns import CampaignDraft
from wallet.outreach.previews import SeenMessage
from wallet.outreach.reach import Reach
from wallet.pages.language import counted

SEEN = 3  # members whose card is shown
MANY = 10_000  # members; how far a message comes among more of them is counted once a minute
REACH, REACH_LASTS = "kopilka reach", timedelta(minutes=1)  # of the application
ON_LOCK_SCREEN = 110  # signs, about: a lock screen shows the first of a message


@dataclass(frozen=True, slots=True)
class PreviewCard:
    """What one member will see. `who` is how they are called; `signs`: how long the text is."""

    who: str
    seen: SeenMessage
    signs: int
    is_long: bool


@dataclass(frozen=True, slots=True)
class CountedReach:
    """How far a draft would come, and how many of those who would be told read which language."""

    reach: Reach
    readers: Mapping[str, int]


def how_far(session: Session, draft: CampaignDraft, reading: CampaignReading) -> CountedReach:
    """How far the draft would come. What is said of many thousands is good for a minute: somebody
    types, and to count them anew at each word would cost more than all the rest."""
    kept = current_app.extensions.setdefault(REACH, {})
    key = orjson.dumps([reading.programme.id, draft.audience, draft.consent, draft.cap])
    if (known := kept.get(key)) is not None and reading.now - known[1] < REACH_LASTS:
        return cast(CountedReach, known[0])
    found = CountedReach(
        reach.of(session, reading.programme, draft, reading.now),
        reach.tongues(session, reading.programme, draft, reading.now),
    )
    if found.reach.meant > MANY:
        for old in [one for one, (_, at) in kept.items() if reading.now - at >= REACH_LASTS]:
            kept.pop(old, None)
        kept[key] = found, reading.now
    return found


def shown(session: Session, draft: CampaignDraft, reading: CampaignReading) -> dict[str, Any]:
    """What the preview shows of a draft. Raises what `wording.check` raises, `UnknownSegment`."""
    counted_ = how_far(session, draft, reading)
    found = counted_.reach
    strangers = told.in_another_language(draft, counted_.readers, reading.programme)
    return {
        "cards": cards(session, draft, reading),
        "found": found,
        "sure": found.told - found.held_out(draft.holdout_percent),
        "held": found.held_out(draft.holdout_percent),
        "strangers": strangers,
        "lines": told.left_out(found),
        "never_asked": found.never_asked if draft.consent == "given" else 0,
        "cost": _cost(session, draft, found.told - found.held_out(draft.holdout_percent), reading),
        "on_lock_screen": ON_LOCK_SCREEN,
    }


def _cost(session: Session, draft: CampaignDraft, told_: int, reading: CampaignReading) -> str:
    """What comes with the message costs at most so much, if so many are told."""
    if draft.coupon is not None:
        return counted("%(count)s coupon", "%(count)s coupons", told_)
    if draft.gift is None or not draft.gift.points:  # how many was not typed yet
        return ""
    return told.cost(session, draft.gift, told_, reading)


def cards(
    session: Session, draft: CampaignDraft, reading: CampaignReading
) -> Sequence[PreviewCard]:
    members = reach.some(session, reading.programme, draft, SEEN, reading.now)
    return faces(session, previews.of(session, reading.programme, draft, members, reading.now))


def faces(session: Session, seen: Sequence[SeenMessage]) -> Sequence[PreviewCard]:
    """What a few members see of a message, as the page shows it to this reader."""
    shown = seen if pages.may(people.PERSONAL) else [_unnamed(one) for one in seen]
    return [
        PreviewCard(
            people.name_of(session, one.member), one, len(one.text), len(one.text) > ON_LOCK_SCREEN
        )
        for one in shown
    ]


def _unnamed(seen: SeenMessage) -> SeenMessage:
    """The same for who may not see what people are called."""
    if not seen.name:
        return seen

    def without(notice: previews.SeenNotice | None) -> previews.SeenNotice | None:
        return None if notice is None else replace(notice, text=notice.text.replace(seen.name, "…"))

    return replace(
        seen,
        text=seen.text.replace(seen.name, "…"),
        lock_screen=without(seen.lock_screen),
        card=without(seen.card),
        google=without(seen.google),
    )
