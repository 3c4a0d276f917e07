"""What is done with offers, whoever does it: each deed with its line in the record of changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ledger.offers import offers
from ledger.offers.offers import Offer, OfferDraft
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.passes import plain


def publish(
    session: Session,
    programme: Programme,
    member_id: int | None,
    draft: OfferDraft,
    by: Author,
    now: datetime,
) -> Offer:
    """Publish an offer, see `offers.publish`, which says what it raises; `PlaceholderNotFilled` if
    it has places that nobody fills in."""
    plain.check(draft.titles)
    plain.check(draft.texts)
    offer = offers.publish(session, programme.id, member_id, draft, now)
    changes.note(session, by, "offer.made", of(offer), now, {}, changes.facts(offer))
    return offer


def change(
    session: Session, offer: Offer, wanted: Mapping[str, Any], by: Author, now: datetime
) -> Offer:
    """Change an offer, see `offers.change`, which says what it raises; `PlaceholderNotFilled` if
    its new words have places that nobody fills in."""
    before = changes.held(session, offer)
    for said in ("titles", "texts"):
        was = getattr(offer, said)
        plain.check(
            {tag: text for tag, text in wanted.get(said, was).items() if was.get(tag) != text}
        )
    changed = offers.change(session, offer.public_id, wanted, now)
    after = changes.reread(session, changed)
    changes.note(session, by, "offer.changed", of(changed), now, before, after)
    return changed


def withdraw(session: Session, offer: Offer, by: Author, now: datetime) -> Offer:
    """Take an offer off all cards, see `offers.withdraw`."""
    before = changes.held(session, offer)
    gone = offers.withdraw(session, offer.public_id, now)
    after = changes.reread(session, gone)
    changes.note(session, by, "offer.withdrawn", of(gone), now, before, after)
    return gone


def of(offer: Offer) -> ChangedThing:
    """The offer as the record of changes names it."""
    return ChangedThing("offer", offer.public_id, offer.programme_id, offer.member_id)
