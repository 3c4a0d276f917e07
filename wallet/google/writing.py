"""Bringing one card at Google up to date: its class first, then its object, with as few calls as
possible. The answer to a call may be lost, so each call can be repeated: an insert becomes a patch
if the thing is there already, and a patch becomes an insert if it is not."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.offers import offers
from ledger.offers.offers import Offer
from ledger.people import persons
from ledger.programmes import programmes
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.google import alerts, budget, client, messages, mirror, objects, pictures
from wallet.google.client import ANSWER_LIMIT_S, Google, Reply
from wallet.google.mirror import ClassRevision, Copy, Due, GoogleClass, GoogleObject
from wallet.google.objects import GoogleBody, Pictures
from wallet.passes import issued, renewal, showing, templates
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
NEW_FOR = timedelta(days=1)  # an offer that began before is no news any more
MOST_CALLS = 4  # of inserts and patches in turn, before `NEITHER`
CALLS_FOR_A_MESSAGE = 2  # the card, then the message
BUSY_CLASS_WAIT = timedelta(seconds=1)  # until the other worker has written the class
CONTRADICTION_WAIT = timedelta(minutes=1)  # after Google said that a thing is there and is not

# Reasons of our own: neither the card nor Google is in trouble, other writes only came first.
NO_BUDGET = "no_budget"
CLASS_BUSY = "class_busy"
OUT_OF_TIME = "out_of_time"
# Google refuses to insert it, since it exists, and to patch it, since it does not.
NEITHER = "neither_inserted_nor_patched"
# Our own word as well: there is nothing to write.
CARD_GONE = "card_gone"

log = structlog.get_logger()


@dataclass(slots=True)
class WriteBudget:
    """The limits of one write: every call is over by `until`, the end of the lease. `reserved`
    calls of it were taken from the budget of requests in advance."""

    clock: Clock
    until: datetime
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class WriteResult:
    """How a write ended. `copy` is what Google has if it accepted the card."""

    outcome: Outcome
    copy: Copy | None = None


@dataclass(frozen=True, slots=True)
class CardToWrite:
    """A card as it is stored at this moment, and what was written of it before. `is_known`: Google
    has the object in some version. `points_before`: the balance that was written last, None if that
    is unknown."""

    programme_id: int
    class_id: str
    offer_id: int | None
    offer_revision: int
    design: Design
    content: Content
    copy: Copy
    is_known: bool
    points_before: int | None
    message: GoogleBody | None  # news or a new offer of the card, not confirmed by Google
    message_asked: bool  # Google was asked to add it, and its answer was lost
    same_design: bool
    pictures: Pictures
    linked: Sequence[str]  # objects of the member's valid coupons, as far as Google has them
    totp_secret: bytes = field(repr=False)

    @property
    def wanted_class(self) -> ClassRevision:
        """What its class must have been written from, at the least."""
        return ClassRevision(self.copy.template_id, self.offer_revision)

    @property
    def message_id(self) -> str:
        """The id of `message`; empty if there is none."""
        return str(self.message["id"]) if self.message is not None else ""

    @property
    def body(self) -> GoogleBody:
        """The object as it is to be at Google, ready to be inserted."""
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
        """The id of the pass's object at Google."""
        return objects.object_id(self._issuer, pass_.serial)

    def class_id(self, session: Session, pass_: Pass) -> str:
        """The id of the class: the programme's for cards, the offer's own for coupons."""
        if pass_.offer_id is not None:
            offer = session.get_one(Offer, pass_.offer_id)
            return objects.class_id(self._issuer, offer.public_id)
        return objects.class_id(self._issuer, programmes.by_id(session, pass_.programme_id).code)

    def kind(self, session: Session, pass_: Pass) -> PassKind:
        """The kind of the design that the pass's stored version was rendered from."""
        return templates.design(session.get_one(Template, pass_.template_id)).kind

    def write(self, due: Due, errand: WriteBudget) -> WriteResult:
        """Write the newest stored version of a card, with its class if that is due."""
        with self._database.reading() as session:
            card = self._card(session, due.pass_id, errand.clock())
        if card is None:
            return WriteResult(Rejected(CARD_GONE))
        trouble = self._ensure_class(card, errand)
        if trouble is None:
            trouble = self._write_object(card, errand)
        return WriteResult(trouble, card.copy)

    def in_whole(
        self, session: Session, pass_: Pass, now: datetime
    ) -> tuple[Sequence[GoogleBody], GoogleBody | None] | None:
        """What Google would need to show the card although it has not got it: the object, in full
        and in its essentials, and the class if Google does not have that. None for a card whose
        code changes by itself: its secret must be in no link."""
        card = self._card(session, pass_.id, now)
        if card is None or card.content.rotating:
            return None
        body = replace(card, linked=()).body
        if not mirror.class_is_due(session, card.class_id, card.wanted_class):
            return (body, objects.essentials(body)), None
        return (body, objects.essentials(body)), self._newest_class(session, card)[2]

    def last_written(self, session: Session, pass_id: int, now: datetime) -> GoogleBody | None:
        """The object as Google should have it; None if a newer version is yet to be written."""
        card, known = self._card(session, pass_id, now), session.get(GoogleObject, pass_id)
        if card is None or known is None or known.version != card.copy.version:
            return None
        if mirror.is_due(session, pass_id):
            return None
        return card.body

    def kind_of(self, session: Session, pass_id: int) -> PassKind:
        """The kind of the design that the stored version of this pass was rendered from."""
        return self.kind(session, session.get_one(Pass, pass_id))

    def _card(self, session: Session, pass_id: int, now: datetime) -> CardToWrite | None:
        pass_ = session.get(Pass, pass_id)
        if pass_ is None:
            return None
        design = templates.design(session.get_one(Template, pass_.template_id))
        content = issued.content(pass_)
        id_, before = self.object_id(pass_), session.get(GoogleObject, pass_id)
        is_known = before is not None and before.object_id == id_ and before.version is not None
        message, message_asked = self._message(session, pass_, design, content, now)
        return CardToWrite(
            programme_id=pass_.programme_id,
            class_id=self.class_id(session, pass_),
            offer_id=pass_.offer_id,
            offer_revision=_revision(session, pass_.offer_id),
            design=design,
            content=content,
            copy=Copy(
                pass_id, id_, pass_.template_id, pass_.version, objects.points(design, content)
            ),
            is_known=is_known,
            points_before=before.points if before is not None and is_known else None,
            message=message,
            message_asked=message_asked,
            same_design=before is not None and before.template_id == pass_.template_id,
            pictures=self._pictures(pass_.template_id),
            linked=self._linked(session, pass_, now),
            totp_secret=renewal.totp_secret(self._keys.key(pass_.key_id), content.card_number)
            if content.rotating
            else b"",
        )

    def _message(
        self, session: Session, pass_: Pass, design: Design, content: Content, now: datetime
    ) -> tuple[GoogleBody | None, bool]:
        """What Google is to be given with this write, and whether it was asked before: the message
        that the card shows, else an offer that has just begun. None if Google has both."""
        for found in (
            objects.message(design, content),
            self._new_offer(session, pass_, design, content, now),
        ):
            asked = messages.known(session, pass_.id, str(found["id"])) if found else None
            if found is not None and (asked is None or asked.accepted_at is None):
                return found, asked is not None
        return None, False

    def _new_offer(
        self, session: Session, pass_: Pass, design: Design, content: Content, now: datetime
    ) -> GoogleBody | None:
        """An offer that began within a day, if the card shows it as its newest."""
        if pass_.offer_id is not None or not objects.announces_offers(design):
            return None
        shown = offers.shown(session, pass_.programme_id, [pass_.member_id], now)[pass_.member_id]
        if not shown or shown[0].starts_at <= now - NEW_FOR:
            return None
        programme = programmes.by_id(session, pass_.programme_id)
        locale = persons.profile_of(session, pass_.member_id).locale
        newest = showing.offer_shown(shown[0], programme, locale)
        return objects.offer_message(f"o-{shown[0].public_id}", newest, design, content)

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
        # A person who adds the card only now finds the text on it: the message is not news to them.
        self._begin_message(card, errand, aloud=False)
        self._message_taken(card, errand)
        return outcome

    def _write_body(
        self, card: CardToWrite, errand: WriteBudget, message: GoogleBody | None = None
    ) -> Outcome:
        """Write the object itself. If a message is to follow, the object is written without an
        alert, since one change is told once; and it is cleared of the message before, since Google
        keeps ten at most."""
        reply = self._send_body(card, errand, message)
        if card.linked and _is_refused(reply):
            # Perhaps a linked coupon is gone at Google. The card matters more than its links.
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
        kind = OBJECTS[card.design.kind]

        def send(patch: GoogleBody) -> Reply:
            return self._upsert(kind, id_, body, patch, errand, is_known=card.is_known)

        silent_patch = objects.quiet(patch)
        reply, aloud = self._with_alert(
            card,
            errand,
            aloud=partial(send, patch),
            silent=partial(send, silent_patch),
            is_wanted=objects.NOTIFY in patch,
        )
        if reply.missing:
            # Neither object nor class is there: Google has lost the class, or never kept it.
            outcome = self._write_class(card, errand)
            if isinstance(outcome, Deferred | Rejected):
                return Reply(outcome)
            newest = patch if aloud else silent_patch
            reply = self._upsert(kind, id_, body, newest, errand, is_known=False)
        return reply

    def _with_alert(
        self,
        card: CardToWrite,
        errand: WriteBudget,
        *,
        aloud: Callable[[], Reply],
        silent: Callable[[], Reply],
        is_wanted: bool = True,
    ) -> tuple[Reply, bool]:
        """Make a change with an alert (`aloud`) if it is wanted and one is left, or else without
        (`silent`). If Google says that none is left, the change is made again without. Returns the
        last reply, and whether that change was made aloud."""
        may_alert = is_wanted and self._may_alert(card, errand)
        reply = aloud() if may_alert else silent()
        if may_alert and reply.undone:
            self._give_alert_back(card)
        if reply.no_more_notices:
            # Google's own count decides, and by that no alert was left.
            self._note_silence(card, errand)
            return silent(), False
        return reply, may_alert

    def _begin_message(self, card: CardToWrite, errand: WriteBudget, *, aloud: bool) -> None:
        with self._database.transaction() as session:
            messages.begin(session, card.copy.pass_id, card.message_id, errand.clock(), aloud=aloud)

    def _look_for_message(self, card: CardToWrite, errand: WriteBudget) -> Outcome | None:
        """Look whether a call whose answer was lost has added the message; if so, only the object
        is written. None if it has not: then the message is still to be added."""
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
        if any(one.get("id") == card.message_id for one in reply.found.get("messages", ())):
            self._message_taken(card, errand)
            return self._write_body(card, errand)
        return None

    def _add_message(self, card: CardToWrite, errand: WriteBudget) -> Outcome:
        """Add the message, with an alert if one is left."""
        reply, _ = self._with_alert(
            card,
            errand,
            aloud=partial(self._note_and_add, card, errand, aloud=True),
            silent=partial(self._note_and_add, card, errand, aloud=False),
        )
        if isinstance(reply.outcome, Sent):
            self._message_taken(card, errand)
        elif reply.undone:
            with self._database.transaction() as session:
                messages.undo(session, card.copy.pass_id, card.message_id)
        return _settled(reply, errand.clock())

    def _note_and_add(self, card: CardToWrite, errand: WriteBudget, *, aloud: bool) -> Reply:
        """Note the message, then ask Google to add it: see `messages`."""
        self._begin_message(card, errand, aloud=aloud)
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
            messages.taken(session, card.copy.pass_id, card.message_id, errand.clock())

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
        """Write the class if it is older than the card's design. None if the class is fit for the
        card."""
        with self._database.reading() as session:
            is_due = mirror.class_is_due(session, card.class_id, card.wanted_class)
        outcome = self._write_class(card, errand) if is_due else None
        return outcome if isinstance(outcome, Deferred | Rejected) else None

    def _write_class(self, card: CardToWrite, errand: WriteBudget) -> Outcome:
        """Write the class from the programme's current design and from the offer as it is now,
        unless another worker is writing it."""
        now = errand.clock()
        with self._database.transaction() as session:
            ours = mirror.lease_class(session, card.programme_id, card.class_id, now, self._lease)
        if ours is None:
            return Deferred(now + BUSY_CLASS_WAIT, CLASS_BUSY)
        written = None
        try:
            with self._database.reading() as session:
                kind, revision, body = self._newest_class(session, card)
                known = session.get_one(GoogleClass, card.class_id)
            reply = self._upsert(
                CLASSES[kind],
                card.class_id,
                body,
                objects.class_patch(body),
                WriteBudget(errand.clock, min(errand.until, ours)),
                is_known=known.template_id is not None,
            )
            outcome = _settled(reply, errand.clock())
            if not isinstance(outcome, Deferred | Rejected):
                written = revision
            return outcome
        finally:
            with self._database.transaction() as session:
                mirror.release_class(session, card.class_id, ours, written)

    def _newest_class(
        self, session: Session, card: CardToWrite
    ) -> tuple[PassKind, ClassRevision, GoogleBody]:
        """The class as it is to be: its kind, what it is made from, its body."""
        purpose = templates.purpose_of(card.design)
        template = templates.current(session, card.programme_id, purpose)
        names = templates.image_names(session, template.id)
        revision = ClassRevision(template.id, _revision(session, card.offer_id))
        body = self._class_body(card.class_id, template, names, _offer(session, card))
        return templates.design(template).kind, revision, body

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
        """Insert or patch, whichever works. `missing` in the reply means that not even an insert
        worked, so that the class is missing."""
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
        return Reply(Deferred(errand.clock() + CONTRADICTION_WAIT, NEITHER))

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
        """Make one call within the lease and the budget."""
        now = errand.clock()
        left_s = (errand.until - now).total_seconds()
        if left_s <= 0:
            # From here on another worker may write the object.
            return Reply(Deferred(now, OUT_OF_TIME))
        if not errand.reserved and not self._reserve(errand, 1):
            return Reply(Deferred(budget.next_second(now), NO_BUDGET))
        errand.reserved -= 1
        return call(now, min(left_s, ANSWER_LIMIT_S))

    def _reserve(self, errand: WriteBudget, calls: int) -> bool:
        """Take all calls of a write from the budget, or none. If several workers took them one by
        one, many writes would stop in the middle, and the budget would be spent on beginnings."""
        with self._database.transaction() as session:
            granted = budget.take(session, self._issuer, errand.clock(), number=calls)
        errand.reserved += calls * granted
        return granted


def _offer(session: Session, card: CardToWrite) -> OfferShown | None:
    if card.offer_id is None:
        return None
    programme = programmes.by_id(session, card.programme_id)
    return showing.offer_shown(session.get_one(Offer, card.offer_id), programme)


def _revision(session: Session, offer_id: int | None) -> int:
    """Which wording of the offer is the newest; 0 for a card, which is of no offer."""
    return 0 if offer_id is None else session.get_one(Offer, offer_id).revision


def _is_refused(reply: Reply) -> bool:
    """Whether Google objects to the body. Other failures pass with time."""
    outcome = reply.outcome
    return isinstance(outcome, Rejected) or (
        isinstance(outcome, Deferred) and outcome.reason == NEITHER
    )


def _settled(reply: Reply, now: datetime) -> Outcome:
    """The outcome of a reply. A contradiction (missing, or existing, after all attempts) is tried
    again later, since Google objects to nothing in the body."""
    if isinstance(reply.outcome, Rejected) and (reply.missing or reply.exists):
        return Deferred(now + CONTRADICTION_WAIT, reply.outcome.reason)
    return reply.outcome
