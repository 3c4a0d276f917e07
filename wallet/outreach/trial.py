"""A message to one member, to see how it looks in the phone: what people of the staff send
themselves before they write to anybody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from wallet.delivery.refresh import MakeDue
from wallet.errors import NoMessageField
from wallet.google import alerts
from wallet.outreach import deliveries, gifts, messages, recipients, wording
from wallet.outreach.deliveries import Occasion
from wallet.outreach.gifts import MessageGift
from wallet.outreach.messages import Message
from wallet.passes import templates
from wallet.passes.content import announces_messages

KIND = "trial"


@dataclass(frozen=True, slots=True)
class SentTrial:
    """Where a message went. `repeats`: the card said the same words before, and an iPhone announces
    only what changed. `alerts`: Google has an alert left for this card; without one the words come
    without a sound."""

    on_apple: bool
    on_google: bool
    repeats: bool
    alerts: bool


def send(
    session: Session,
    programme: Programme,
    member: Member,
    texts: dict[str, str],
    make_due: Sequence[MakeDue],
    now: datetime,
    gift: MessageGift | None = None,
) -> SentTrial | None:
    """Write a message on the card of this member, as a campaign does; None if they have no card
    that shows it, or it is blocked. Its words may speak of a `gift`, which is not given. Raises
    `NoMessageField`, and what `wording.check` raises."""
    places = wording.with_gift((*wording.PERSONAL, wording.GIFT), has_gift=gift is not None)
    wording.check(texts, places, programme.languages)
    design = templates.design(templates.current(session, programme.id))
    if not announces_messages(design):
        raise NoMessageField(programme.code)
    occasion = Occasion(member.id, KIND, f"{KIND}:{uuid7()}")
    noted = deliveries.note(session, programme.id, [occasion], now)
    delivery_id = noted[member.id, occasion.occasion]
    candidates = recipients.lock(session, [member.id])
    if member.id not in candidates:
        deliveries.end(session, {"gone": [delivery_id]})
        return None
    readers = recipients.read(session, programme, candidates.values(), now)
    about = {wording.GIFT: gifts.amount(session, programme, gift)}
    candidate, facts = candidates[member.id], readers[member.id].facts
    repeats = facts.message is not None and facts.message.text == messages.text_for(
        programme, texts, facts, about
    )
    alerts_left = alerts.MOST - alerts.used(session, candidate.pass_.id, now)
    message = Message(readers[member.id], [delivery_id], texts, about)
    messages.tell(session, programme, [message], make_due, now)
    return SentTrial(candidate.on_apple, candidate.on_google, repeats, alerts_left > 0)
