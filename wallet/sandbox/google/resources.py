"""Classes and objects as Google keeps them: what may be written, what is read, who is told.

A field that PATCH writes empty is deleted; a list is replaced whole; PUT replaces everything. With
tens of thousands of resources the oldest are forgotten."""

import base64
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.sandbox.google.refusals import GoogleRefusal, Violation, invalid
from wallet.sandbox.google.schema import MOST, JsonBody, check_names, check_whole, normal

MOST_KEPT = 20_000
MOST_LINKED = 50  # further ones are dropped, and no error tells of it
KEPT_NOTICES = 20
NOTICES = 3  # notifications of one kind about a card, in NOTICE_SPAN
NOTICE_SPAN = timedelta(hours=24)
MOST_ON_A_PAGE = 1000

ID = re.compile(r"([0-9]{5,20})\.([A-Za-z0-9._-]{1,200})")
OUTPUTS = ("hasUsers", "hasLinkedDevice", "classReference", "review", "kind", "version")
# A change of these may be told; Google names them and "others".
TOLD = {
    "LoyaltyObject": "loyaltyPoints",
    "LoyaltyClass": "rewardsTier",
    "GiftCardObject": "balance",
}


@dataclass(frozen=True, slots=True)
class StoredKind:
    """One of Google's kinds of resources. `path` stands in addresses, `listed` in tokens; objects
    are of a class of the kind `of`."""

    path: str
    shape: str
    called: str
    listed: str
    of: "StoredKind | None" = None


def _two(path: str, shape: str) -> tuple[StoredKind, StoredKind]:
    class_ = StoredKind(f"{path}Class", f"{shape}Class", "Wallet Object Class", f"{path}Classes")
    return class_, StoredKind(
        f"{path}Object", f"{shape}Object", "Wallet Object", f"{path}Objects", class_
    )


CLASS, OBJECT = _two("loyalty", "Loyalty")
OFFER_CLASS, OFFER = _two("offer", "Offer")
GIFT_CARD_CLASS, GIFT_CARD = _two("giftCard", "GiftCard")
GENERIC_CLASS, GENERIC = _two("generic", "Generic")
OBJECTS = (OBJECT, OFFER, GIFT_CARD, GENERIC)
KINDS = {kind.path: kind for one in OBJECTS for kind in (one.of, one) if kind is not None}
# A class that says nothing about a review is not reviewed.
REVIEWED = (CLASS, OFFER_CLASS, GIFT_CARD_CLASS)
# As a token names them, classes first: objects need theirs.
LISTED = {
    kind.listed: kind for kind in sorted(KINDS.values(), key=lambda kind: kind.of is not None)
}


@dataclass(frozen=True, slots=True)
class SentNotice:
    """What Google told the owner of a phone: a message, or that `field` changed."""

    number: int
    at: datetime
    header: str
    body: str
    field: str = ""
    localized_header: JsonBody | None = None
    localized_body: JsonBody | None = None


@dataclass(slots=True)
class Kept:
    """A resource. Its body is replaced, never changed in place."""

    body: JsonBody
    revision: int
    has_users: bool = False
    notices: deque[SentNotice] = field(default_factory=lambda: deque(maxlen=KEPT_NOTICES))
    # When it last notified by a message, and by an update: Google counts them apart.
    told: dict[str, deque[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SavedCard:
    """An object with its class, as the phone of the person who saved it has them."""

    id: str
    revision: int
    is_held: bool
    class_: JsonBody
    object_: JsonBody
    notices: tuple[SentNotice, ...]


class Resources:
    """All that one issuer has at Google. Safe to share between threads."""

    def __init__(self, issuer: str, clock: Callable[[], datetime]) -> None:
        self.issuer = issuer
        self._clock = clock
        self._news = threading.Condition(threading.RLock())
        self._kept: dict[str, OrderedDict[str, Kept]] = {
            kind.path: OrderedDict() for kind in KINDS.values()
        }
        self._revision = 0

    # What a client may do

    def insert(self, kind: StoredKind, body: JsonBody) -> JsonBody:
        check_names(kind.shape, body, kind.path)
        self._require_id(body.get("id"))
        with self._news:
            kept = self._kept[kind.path]
            id_ = str(body["id"])
            if id_ in kept:
                raise GoogleRefusal(409, "existingResource", f"{kind.called} {id_} already exists.")
            whole = self._settled(kind, _merged({}, body), None)
            kept[id_] = Kept(whole, self._next())
            if len(kept) > MOST_KEPT:
                kept.popitem(last=False)
            return self._shown(kind, kept[id_])

    def get(self, kind: StoredKind, id_: str) -> JsonBody:
        with self._news:
            return self._shown(kind, self._find(kind, id_))

    def patch(self, kind: StoredKind, id_: str, body: JsonBody) -> JsonBody:
        check_names(kind.shape, body, kind.path)
        with self._news:
            kept = self._find(kind, id_)
            if kind in REVIEWED and body.get("reviewStatus") is None:
                raise _review_refusal("missing")
            changes = {name: value for name, value in body.items() if name not in OUTPUTS}
            return self._replace(kind, id_, kept, _merged(kept.body, changes))

    def put(self, kind: StoredKind, id_: str, body: JsonBody) -> JsonBody:
        check_names(kind.shape, body, kind.path)
        with self._news:
            return self._replace(kind, id_, self._find(kind, id_), _merged({"id": id_}, body))

    def add_message(self, kind: StoredKind, id_: str, request: JsonBody) -> JsonBody:
        """Add a message. Refuses the fourth of a day that would notify, and keeps nothing of it."""
        if not isinstance(request, dict) or set(request) != {"message"}:
            raise invalid(Violation("message", "Required field message is missing."))
        message = request["message"]
        check_names("Message", message, "message")
        with self._news:
            kept = self._find(kind, id_)
            messages = [*kept.body.get("messages", ()), message]
            if len(messages) > MOST["messages"]:
                raise invalid(Violation("messages", "The resource has 10 messages already."))
            notifies = message.get("messageType") == "TEXT_AND_NOTIFY"
            if notifies and not self._may_tell(kept, "message"):
                raise GoogleRefusal(
                    403, "quotaExceeded", "The notification quota of this pass is used up."
                )
            kept.body = {**kept.body, "messages": messages}
            kept.revision = self._next()
            if notifies:
                header, body = _text(message, "header"), _text(message, "body")
                localized = (message.get("localizedHeader"), message.get("localizedBody"))
                self._tell(kind, id_, header, body, localized=localized)
            return {"resource": self._shown(kind, kept)}

    def listed(
        self, kind: StoredKind, parent: str, most: int | None, token: str | None
    ) -> JsonBody:
        """All classes of an issuer, or all objects of a class, a page at a time."""
        with self._news:
            if kind.of is not None:
                self._find(kind.of, parent)
                found = [
                    kept
                    for kept in self._kept[kind.path].values()
                    if kept.body["classId"] == parent
                ]
            elif parent == self.issuer:
                found = list(self._kept[kind.path].values())
            else:
                raise _of_others()
            begin = _place(token) if token else 0
            end = len(found) if most is None else begin + min(most, MOST_ON_A_PAGE)
            page = found[begin:end]
            pagination: JsonBody = {"resultsPerPage": len(page)}
            if end < len(found):
                pagination["nextPageToken"] = base64.urlsafe_b64encode(f"p{end}".encode()).decode()
            return {
                "resources": [self._shown(kind, kept) for kept in page],
                "pagination": pagination,
            }

    # What a person may do

    def hold(self, object_id: str, *, is_held: bool) -> bool:
        """A person saves the card or removes it; False if it was so already."""
        with self._news:
            kept = self._find(self._kind_of(object_id), object_id)
            changed = kept.has_users is not is_held
            if changed:
                kept.has_users = is_held
                kept.revision = self._next()
            return changed

    def card(self, object_id: str) -> SavedCard:
        with self._news:
            kind = self._kind_of(object_id)
            kept = self._find(kind, object_id)
            class_ = self._find(kind.of or CLASS, kept.body["classId"])
            revision = max(kept.revision, class_.revision)
            notices = tuple(kept.notices)
            return SavedCard(object_id, revision, kept.has_users, class_.body, kept.body, notices)

    def news(self, ids: Collection[str], after: int, wait_s: float) -> tuple[int, list[SavedCard]]:
        """Those cards that are newer than a revision, and the revision now; returns as soon as
        there is one, or when the time is up. A phone whose revision is higher than ours knew an
        earlier run of this stand-in."""
        with self._news:
            known = after if after <= self._revision else -1
            self._news.wait_for(lambda: any(self._newer(ids, known)), wait_s)
            return self._revision, list(self._newer(ids, known))

    # To outlive a restart

    def remembered(self) -> JsonBody:
        with self._news:
            return {
                path: [[kept.body, kept.has_users] for kept in ones.values()]
                for path, ones in self._kept.items()
            }

    def recall(self, remembered: JsonBody) -> None:
        with self._news:
            for path, ones in remembered.items():
                for body, has_users in ones:
                    self._kept[path][body["id"]] = Kept(body, self._next(), has_users)

    # The rules

    def _require_id(self, id_: object) -> None:
        match = ID.fullmatch(id_) if isinstance(id_, str) else None
        if match is None:
            raise GoogleRefusal(400, "invalidResource", f"Invalid resource ID: {id_}.")
        if match[1] != self.issuer:
            raise _of_others()

    def _kind_of(self, object_id: str) -> StoredKind:
        """The kind of an object by its id: ids are unique among all objects of an issuer."""
        return next((kind for kind in OBJECTS if object_id in self._kept[kind.path]), OBJECT)

    def _find(self, kind: StoredKind, id_: str) -> Kept:
        self._require_id(id_)
        kept = self._kept[kind.path].get(id_)
        if kept is None:
            reason = "classNotFound" if kind.of is None else "resourceNotFound"
            raise GoogleRefusal(404, reason, f"{kind.called} {id_} not found.")
        return kept

    def _replace(self, kind: StoredKind, id_: str, kept: Kept, body: JsonBody) -> JsonBody:
        if body.get("id") != id_:
            raise GoogleRefusal(400, "invalidResource", "The id in the body is another.")
        asks_to_tell = body.get("notifyPreference") == "NOTIFY_ON_UPDATE"
        whole = self._settled(kind, body, kept.body)
        before, kept.body = kept.body, whole
        if whole != before:
            kept.revision = self._next()
        told = TOLD.get(kind.shape, "")
        has_news = asks_to_tell and _telling(before, told) != _telling(whole, told)
        # The update is made even if the quota is used up: only the notification is left out.
        if has_news and self._may_tell(kept, "update"):
            self._tell(kind, id_, *_update_notice(kind, whole), told)
        return self._shown(kind, kept)

    def _settled(self, kind: StoredKind, body: JsonBody, before: JsonBody | None) -> JsonBody:
        """The whole resource as it is kept. Raises a refusal if it must not be like that."""
        whole = normal(kind.shape, body)
        for name in ("notifyPreference", *OUTPUTS):
            whole.pop(name, None)
        check_whole(kind.shape, whole, kind.path)
        if kind.of is None:
            return _reviewed(whole, before) if kind in REVIEWED else whole
        class_ = self._find(kind.of, whole["classId"])
        if kind.of in REVIEWED and class_.body["reviewStatus"] != "APPROVED":
            raise GoogleRefusal(
                400, "invalid", f"Wallet Object Class {whole['classId']} is not approved."
            )
        self._check_links(whole)
        return whole

    def _check_links(self, whole: JsonBody) -> None:
        for offer in whole.get("linkedOfferIds", ()):
            self._find(OFFER, offer)
        if "linkedObjectIds" not in whole:
            return
        whole["linkedObjectIds"] = whole["linkedObjectIds"][:MOST_LINKED]
        for linked in whole["linkedObjectIds"]:
            if linked == whole["id"]:
                raise GoogleRefusal(400, "invalid", "An object cannot be linked to itself.")
            self._find(self._kind_of(linked), linked)

    def _shown(self, kind: StoredKind, kept: Kept) -> JsonBody:
        if kind.of is None:
            return kept.body
        class_ = self._kept[kind.of.path].get(kept.body["classId"])
        reference = {"classReference": class_.body} if class_ else {}
        return {**kept.body, "hasUsers": kept.has_users, **reference}

    def _may_tell(self, kept: Kept, by: str) -> bool:
        """Whether one more notification fits into the day; if so, it is counted."""
        now = self._clock()
        times = kept.told.setdefault(by, deque(maxlen=NOTICES))
        if len(times) == NOTICES and now - times[0] < NOTICE_SPAN:
            return False
        times.append(now)
        return True

    def _tell(
        self,
        kind: StoredKind,
        id_: str,
        header: str,
        body: str,
        field_: str = "",
        localized: tuple[JsonBody | None, JsonBody | None] = (None, None),
    ) -> None:
        """Give a notice to everyone who holds this object, or any object of this class."""
        ones = kind if kind.of is not None else next(one for one in OBJECTS if one.of is kind)
        held = [
            kept
            for kept in self._kept[ones.path].values()
            if kept.has_users and id_ == kept.body["id" if kind.of is not None else "classId"]
        ]
        number, now = self._next(), self._clock()
        for kept in held:
            kept.notices.append(SentNotice(number, now, header, body, field_, *localized))
            kept.revision = number

    def _newer(self, ids: Collection[str], after: int) -> Iterator[SavedCard]:
        for id_ in ids:
            if id_ in self._kept[self._kind_of(id_).path]:
                card = self.card(id_)
                if card.revision > after:
                    yield card

    def _next(self) -> int:
        self._revision += 1
        self._news.notify_all()
        return self._revision


def _merged(before: JsonBody, changes: JsonBody) -> JsonBody:
    """`changes` merged into `before`: objects by name, lists whole; null deletes."""
    whole = dict(before)
    for name, value in changes.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, dict):
            inner = whole.get(name)
            whole[name] = _merged(inner if isinstance(inner, dict) else {}, value)
        else:
            whole[name] = value
    return whole


def _reviewed(whole: JsonBody, before: JsonBody | None) -> JsonBody:
    """Google approves at once a class that asks for a review; only Google may say APPROVED."""
    status = whole["reviewStatus"]
    if status == "UNDER_REVIEW":
        return {**whole, "reviewStatus": "APPROVED"}
    if status != "DRAFT" or (before and before["reviewStatus"] != "DRAFT"):
        raise _review_refusal(status)
    return whole


def _review_refusal(status: str) -> GoogleRefusal:
    what = f"Invalid review status: {status}. A class is written with UNDER_REVIEW."
    return GoogleRefusal(400, "invalid", what, [Violation("reviewStatus", what)])


def _of_others() -> GoogleRefusal:
    return GoogleRefusal(
        403, "permissionDenied", "The caller does not have permission for this issuer."
    )


def _place(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("p"))
    except ValueError as error:
        raise GoogleRefusal(400, "invalid", "Invalid page token.") from error


def _telling(body: JsonBody, name: str) -> object:
    value = body.get(name)
    return value.get("balance") if isinstance(value, dict) else value


def _text(body: JsonBody, name: str) -> str:
    localized = body.get(f"localized{name.capitalize()}", {}).get("defaultValue", {})
    return str(body.get(name) or localized.get("value", ""))


def _update_notice(kind: StoredKind, whole: JsonBody) -> tuple[str, str]:
    """The field's label and its new value."""
    if kind.of is None:
        return str(whole.get("rewardsTierLabel", "")), str(whole.get("rewardsTier", ""))
    points = whole.get("loyaltyPoints", {})
    balance: dict[str, Any] = points.get("balance") or {"string": ""}
    return _text(points, "label"), str(next(iter(balance.values())))
