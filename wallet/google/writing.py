"""Bringing Google up to date with one card: its class first, then its object, by as few calls as it
takes. A call may be lost on its way back, so each can be repeated: what is there already is changed
instead of inserted, what is not there is inserted instead of changed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.offers import Offer
from ledger.programmes import programmes
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.google import alerts, budget, client, messages, mirror, objects, pictures
from wallet.google.client import ANSWER_LIMIT_S, Google, Reply
from wallet.google.mirror import Copy, Due, GoogleClass, GoogleObject
from wallet.google.objects import GoogleBody, Pictures
from wallet.passes import issued, renewal, templates
from wallet.passes.content import Content, Design, OfferShown, PassKind
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

CLASSES: Mapping[PassKind, client.ResourceKind] = {
    "loyalty": "loyaltyClass",
    "offer": "offerClass",
    "gift_card": "giftCardClass",
    "generic": "genericClass",
}
OBJECTS: Mapping[PassKind, client.ResourceKind] = {
    "loyalty": "loyaltyObject",
    "offer": "offerObject",
    "gift_card": "giftCardObject",
    "generic": "genericObject",
}
MOST_CALLS = 4
CALLS_FOR_A_MESSAGE = 2  # the card, then the message
SOON = timedelta(seconds=1)
LATER = timedelta(minutes=1)

# Reasons that are ours and say nothing against the card or Google: only others were first.
NO_BUDGET = "no_budget"
CLASS_BUSY = "class_busy"
OUT_OF_TIME = "out_of_time"
# It is there and it is not there.
NEITHER = "neither_inserted_nor_patched"

log = structlog.get_logger()


@dataclass(slots=True)
class WriteBudget:
    """A write on its way: every call is over by `until`, when the lease is. So many calls of it
    were taken out of the budget ahead."""

    clock: Clock
    until: datetime
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class WriteResult:
    """How it ended; `copy` is what Google has if it took the card."""

    outcome: Outcome
    copy: Copy | None = None


@dataclass(frozen=True, slots=True)
class CardToWrite:
    """A card as it is stored at this moment, and what was written of it before."""

    programme_id: int
    class_id: str
    offer_id: int | None
    design: Design
    content: Content
    copy: Copy
    is_known: bool
    points_before: int | None
    message: GoogleBody | None  # that the card shows and Google may not have
    message_asked: bool  # Google was asked to take it, and nobody heard the answer
    same_design: bool
    pictures: Pictures
    linked: Sequence[str]  # the member's coupons that count, as far as Google has them
    totp_secret: bytes = field(repr=False)

    @property
    def body(self) -> GoogleBody:
        return objects.object_body(
            self.copy.object_id,
            self.class_id,
            self.design,
            self.content,
            self.pictures,
            self.totp_secret,
            self.linked,
        )


class Writer:
    """Writes cards for one issuer. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        google: Google,
        keys: KeyRing,
        issuer: str,
        public_url: str,
        lease: timedelta,
    ) -> None:
        self._database = database
        self._google = google
        self._keys = keys
        self._issuer = issuer
        self._public_url = public_url
        self._lease = lease

    def object_id(self, pass_: Pass) -> str:
        return objects.object_id(self._issuer, pass_.serial)

    def class_id(self, session: Session, pass_: Pass) -> str:
        """The programme's for its cards, the offer's own for coupons."""
        if pass_.offer_id is not None:
            offer = session.get_one(Offer, pass_.offer_id)
            return objects.class_id(self._issuer, offer.public_id)
        return objects.class_id(self._issuer, programmes.by_id(session, pass_.programme_id).code)

    def kind(self, session: Session, pass_: Pass) -> PassKind:
        return templates.design(session.get_one(Template, pass_.template_id)).kind

    def write(self, due: Due, errand: WriteBudget) -> WriteResult:
        """Write the newest stored version."""
        with self._database.reading() as session:
            card = self._card(session, due.pass_id, errand.clock())
        if card is None:
            return WriteResult(Rejected("card_gone"))
        trouble = self._ensure_class(card, errand)
        if trouble is None:
            trouble = self._write_object(card, errand)
        return WriteResult(trouble, card.copy)

    def last_written(self, session: Session, pass_id: int, now: datetime) -> GoogleBody | None:
        """The object as Google should have it; None if a newer version of it is yet to be
        written."""
        card, known = self._card(session, pass_id, now), session.get(GoogleObject, pass_id)
        if card is None or known is None or known.version != card.copy.version:
            return None
        if mirror.is_due(session, pass_id):
            return None
        return card.body

    def kind_of(self, session: Session, pass_id: int) -> PassKind:
        return self.kind(session, session.get_one(Pass, pass_id))

    def _card(self, session: Session, pass_id: int, now: datetime) -> CardToWrite | None:
        pass_ = session.get(Pass, pass_id)
        if pass_ is None:
            return None
        design = templates.design(session.get_one(Template, pass_.template_id))
        content = issued.content(pass_)
        id_, before = self.object_id(pass_), session.get(GoogleObject, pass_id)
        is_known = before is not None and before.object_id == id_ and before.version is not None
        message = objects.message(design, content)
        asked = messages.known(session, pass_id, content.message) if message else None
        if asked is not None and asked.accepted_at is not None:
            message = None
        return CardToWrite(
            programme_id=pass_.programme_id,
            class_id=self.class_id(session, pass_),
            offer_id=pass_.offer_id,
            design=design,
            content=content,
            copy=Copy(
                pass_id, id_, pass_.template_id, pass_.version, objects.points(design, content)
            ),
            is_known=is_known,
            points_before=before.points if before is not None and is_known else None,
            message=message,
            message_asked=asked is not None,
            same_design=before is not None and before.template_id == pass_.template_id,
            pictures=self._pictures(pass_.template_id),
            linked=self._linked(session, pass_, now),
            totp_secret=renewal.totp_secret(self._keys.key(pass_.key_id), content.card_number)
            if content.rotating
            else b"",
        )

    def _linked(self, session: Session, pass_: Pass, now: datetime) -> Sequence[str]:
        if pass_.offer_id is not None:
            return ()
        coupons = issued.coupons_of(session, pass_.member_id).values()
        good = [coupon.id for coupon in coupons if issued.counts(coupon, now)]
        return mirror.known_ids(session, good, self._issuer) if good else ()

    def _write_object(self, card: CardToWrite, errand: WriteBudget) -> Outcome:
        if card.message is None:
            return self._write_body(card, errand)
        if card.is_known and not self._reserve(errand, CALLS_FOR_A_MESSAGE + card.message_asked):
            return Deferred(budget.next_second(errand.clock()), NO_BUDGET)
        if card.is_known and card.message_asked:
            outcome = self._look_for_message(card, errand)
            if outcome is not None:
                return outcome
        outcome = self._write_body(card, errand, card.message)
        if not isinstance(outcome, Sent):
            return outcome
        if card.is_known:
            return self._add_message(card, errand)
        # Whoever adds the card only now finds the text on it: it is no news any more.
        self._begin_message(card, errand, aloud=False)
        self._message_taken(card, errand)
        return outcome

    def _write_body(
        self, card: CardToWrite, errand: WriteBudget, message: GoogleBody | None = None
    ) -> Outcome:
        """The object itself. With a message that is to follow it is written in silence, for one
        change is told once, and cleared of the message before: Google keeps ten and no more."""
        reply = self._send_body(card, errand, message)
        if card.linked and _is_refused(reply):
            # A link that leads nowhere is not worth a card that does not change any more.
            log.warning("google_links_refused", pass_id=card.copy.pass_id)
            reply = self._send_body(replace(card, linked=()), errand, message)
        return _settled(reply, errand.clock())

    def _send_body(
        self, card: CardToWrite, errand: WriteBudget, message: GoogleBody | None
    ) -> Reply:
        id_ = card.copy.object_id
        body = card.body
        patch = objects.object_patch(
            body, card.design, card.content, card.points_before, same_design=card.same_design
        )
        if message is not None:
            written = [{**message, "messageType": objects.SILENT}]
            body = {**body, "messages": written}
            patch = objects.quiet({**patch, "messages": [] if card.is_known else written})
        aloud = objects.NOTIFY in patch and self._may_alert(card, errand)
        if not aloud:
            patch = objects.quiet(patch)
        kind = OBJECTS[card.design.kind]
        reply = self._upsert(kind, id_, body, patch, errand, is_known=card.is_known)
        if aloud and reply.undone:
            self._give_alert_back(card)
        if reply.no_more_notices:
            # By Google's count, which is the one that counts, there was none left.
            self._note_silence(card, errand)
            patch = objects.quiet(patch)
            reply = self._upsert(kind, id_, body, patch, errand, is_known=card.is_known)
        if reply.missing:
            # Neither object nor class: Google has forgotten the class, or never kept it.
            outcome = self._write_class(card, errand)
            if isinstance(outcome, Deferred | Rejected):
                return Reply(outcome)
            reply = self._upsert(kind, id_, body, patch, errand, is_known=False)
        return reply

    def _begin_message(self, card: CardToWrite, errand: WriteBudget, *, aloud: bool) -> None:
        with self._database.transaction() as session:
            id_ = card.content.message
            messages.begin(session, card.copy.pass_id, id_, errand.clock(), aloud=aloud)

    def _look_for_message(self, card: CardToWrite, errand: WriteBudget) -> Outcome | None:
        """Whether a call whose answer never came has done its work. None if it has not: then the
        message is still to be given."""
        reply = self._ask(
            errand,
            lambda now, limit_s: self._google.get(
                OBJECTS[card.design.kind], card.copy.object_id, ("messages",), now, limit_s
            ),
        )
        if reply.missing:
            return None
        if not isinstance(reply.outcome, Sent):
            return _settled(reply, errand.clock())
        if any(one.get("id") == card.content.message for one in reply.found.get("messages", ())):
            self._message_taken(card, errand)
            return self._write_body(card, errand)
        return None

    def _add_message(self, card: CardToWrite, errand: WriteBudget) -> Outcome:
        """Give the message to Google, with an alert if one is left."""
        aloud = self._may_alert(card, errand)
        self._begin_message(card, errand, aloud=aloud)
        reply = self._message(card, errand, aloud=aloud)
        if aloud and reply.undone:
            self._give_alert_back(card)
        if reply.no_more_notices:
            # By Google's count, which is the one that counts, there was none left.
            self._note_silence(card, errand)
            self._begin_message(card, errand, aloud=False)
            reply = self._message(card, errand, aloud=False)
        if isinstance(reply.outcome, Sent):
            self._message_taken(card, errand)
        elif reply.undone:
            with self._database.transaction() as session:
                messages.undo(session, card.copy.pass_id, card.content.message)
        return _settled(reply, errand.clock())

    def _message(self, card: CardToWrite, errand: WriteBudget, *, aloud: bool) -> Reply:
        kind = objects.ALOUD if aloud else objects.SILENT
        message = {**(card.message or {}), "messageType": kind}
        return self._ask(
            errand,
            lambda now, limit_s: self._google.add_message(
                OBJECTS[card.design.kind], card.copy.object_id, message, now, limit_s
            ),
        )

    def _message_taken(self, card: CardToWrite, errand: WriteBudget) -> None:
        with self._database.transaction() as session:
            messages.taken(session, card.copy.pass_id, card.content.message, errand.clock())

    def _may_alert(self, card: CardToWrite, errand: WriteBudget) -> bool:
        with self._database.transaction() as session:
            copy = card.copy
            return alerts.take(session, copy.pass_id, copy.version, errand.clock())

    def _give_alert_back(self, card: CardToWrite) -> None:
        with self._database.transaction() as session:
            alerts.give_back(session, card.copy.pass_id, card.copy.version)

    def _note_silence(self, card: CardToWrite, errand: WriteBudget) -> None:
        with self._database.transaction() as session:
            alerts.silenced(session, card.copy.pass_id, errand.clock())

    def _ensure_class(self, card: CardToWrite, errand: WriteBudget) -> Outcome | None:
        """None when the class is fit for this card."""
        with self._database.reading() as session:
            is_due = mirror.class_is_due(session, card.class_id, card.copy.template_id)
        outcome = self._write_class(card, errand) if is_due else None
        return outcome if isinstance(outcome, Deferred | Rejected) else None

    def _write_class(self, card: CardToWrite, errand: WriteBudget) -> Outcome:
        """Write the class from the programme's current design, unless somebody else is at it."""
        now = errand.clock()
        with self._database.transaction() as session:
            ours = mirror.lease_class(session, card.programme_id, card.class_id, now, self._lease)
        if ours is None:
            return Deferred(now + SOON, CLASS_BUSY)
        template_id = None
        try:
            with self._database.reading() as session:
                purpose = templates.purpose_of(card.design)
                template = templates.current(session, card.programme_id, purpose)
                names = templates.image_names(session, template.id)
                known = session.get_one(GoogleClass, card.class_id)
                offer = _offer(session, card)
            body = self._class_body(card.class_id, template, names, offer)
            reply = self._upsert(
                CLASSES[templates.design(template).kind],
                card.class_id,
                body,
                objects.class_patch(body),
                WriteBudget(errand.clock, min(errand.until, ours)),
                is_known=known.template_id is not None,
            )
            outcome = _settled(reply, errand.clock())
            if not isinstance(outcome, Deferred | Rejected):
                template_id = template.id
            return outcome
        finally:
            with self._database.transaction() as session:
                mirror.release_class(session, card.class_id, ours, template_id)

    def _class_body(
        self,
        class_id: str,
        template: Template,
        names: Collection[str],
        offer: OfferShown | None,
    ) -> GoogleBody:
        return objects.class_body(
            class_id,
            templates.design(template),
            self._pictures(template.id, names),
            f"{self._public_url}/google/callback",
            offer,
        )

    def _pictures(self, template_id: int, names: Collection[str] = ()) -> Pictures:
        folder = f"{self._public_url}/google/designs/{template_id}"
        return Pictures(
            logo=f"{folder}/logo.png",
            hero=f"{folder}/hero.png",
            poster=f"{folder}/poster.png" if pictures.has_poster(names) else None,
        )

    def _upsert(
        self,
        kind: client.ResourceKind,
        id_: str,
        body: GoogleBody,
        patch: Mapping[str, object],
        errand: WriteBudget,
        *,
        is_known: bool,
    ) -> Reply:
        """Insert or patch, whichever it takes. `missing` in the reply: not even an insert worked,
        so what is missing is the class."""
        inserting = not is_known
        for _ in range(MOST_CALLS):
            reply = self._call(
                kind, None if inserting else id_, body if inserting else patch, errand
            )
            if reply.exists and inserting:
                inserting = False
            elif reply.missing and not inserting:
                inserting = True
            else:
                return reply
        return Reply(Deferred(errand.clock() + LATER, NEITHER))

    def _call(
        self,
        kind: client.ResourceKind,
        id_: str | None,
        body: Mapping[str, object],
        errand: WriteBudget,
    ) -> Reply:
        if id_ is None:
            return self._ask(errand, partial(self._google.insert, kind, body))
        return self._ask(errand, partial(self._google.patch, kind, id_, body))

    def _ask(self, errand: WriteBudget, call: Callable[[datetime, float], Reply]) -> Reply:
        """One call within the lease and the budget."""
        now = errand.clock()
        left_s = (errand.until - now).total_seconds()
        if left_s <= 0:
            # From here on the object may be another's to write.
            return Reply(Deferred(now, OUT_OF_TIME))
        if not errand.reserved and not self._reserve(errand, 1):
            return Reply(Deferred(budget.next_second(now), NO_BUDGET))
        errand.reserved -= 1
        return call(now, min(left_s, ANSWER_LIMIT_S))

    def _reserve(self, errand: WriteBudget, calls: int) -> bool:
        """All calls of an errand or none: where several processes write, one that stops in the
        middle has asked in vain, and the budget goes on beginnings."""
        with self._database.transaction() as session:
            granted = budget.take(session, self._issuer, errand.clock(), number=calls)
        errand.reserved += calls * granted
        return granted


def _offer(session: Session, card: CardToWrite) -> OfferShown | None:
    if card.offer_id is None:
        return None
    offer = session.get_one(Offer, card.offer_id)
    return OfferShown(offer.title, offer.text)


def _is_refused(reply: Reply) -> bool:
    """Whether Google has something against the body, as opposed to the moment."""
    outcome = reply.outcome
    return isinstance(outcome, Rejected) or (
        isinstance(outcome, Deferred) and outcome.reason == NEITHER
    )


def _settled(reply: Reply, now: datetime) -> Outcome:
    """What could not be brought about although Google said nothing against it is tried again."""
    if isinstance(reply.outcome, Rejected) and (reply.missing or reply.exists):
        return Deferred(now + LATER, reply.outcome.reason)
    return reply.outcome
