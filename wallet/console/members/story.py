"""The story of a member in words: a line for each of its news."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from markupsafe import Markup

from ledger import words
from ledger.book.statements import StatementLine
from ledger.people.consents import Consent
from ledger.points.adjusting import PROMOTION
from ledger.programmes.units import Unit
from wallet.access.adjustments import Adjustment
from wallet.access.changes import ListedChange
from wallet.console import moments
from wallet.console.members import people
from wallet.outreach import results
from wallet.outreach.results import MessageResult
from wallet.pages import language
from wallet.pages.language import gettext as _
from wallet.people.timeline import (
    NEWS,
    UNDONE_BY_HAND,
    NewsKind,
    StoryFact,
    StoryItem,
    TimelinePlace,
)

BadgeState = Literal["good", "wait", "bad", "info", "none"]

LEDGER = words.catalogue("ledger")


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line: what happened, what is to be said of it (each a phrase of its own), when, and how
    it ended, as a badge. `icon` is a symbol of the sprite; `posting` the id of one;
    `can_be_undone`: by its kind."""

    icon: str
    title: str
    details: Sequence[str]
    at: Markup
    badge: str = ""
    badge_state: BadgeState = "none"
    tone: str = ""
    posting: str = ""
    can_be_undone: bool = False


@dataclass(frozen=True, slots=True)
class Teller:
    """For whom it is told: who may see what is known of people, by which clock, in which unit."""

    unit: Unit
    timezone: str
    now: datetime
    sees_people: bool

    def line(self, item: StoryItem) -> StoryLine:
        """One item in words."""
        tell: Mapping[NewsKind, Callable[[StoryItem], StoryLine]] = {
            "posting": self._posting,
            "message": self._message,
            "fetch": self._fetch,
            "change": self._change,
            "fact": self._fact,
        }
        return tell[item.kind](item)

    def _at(self, at: datetime) -> Markup:
        return moments.element(at, self.timezone, self.now)

    def _posting(self, item: StoryItem) -> StoryLine:
        line = cast(StatementLine, item.about)
        by_hand = line.promotion == PROMOTION
        kind = _("by hand") if by_hand else LEDGER.text(_tongue(), line.kind, "kind of posting")
        balance = people.points(self.unit, line.balance_after)
        details = [
            _("balance %(points)s", points=balance),
            line.reason or "",
            "" if line.purchase is None else _paid(line),
            "" if line.store is None else _("store %(store)s", store=line.store),
            "" if line.receipt is None else _("receipt %(number)s", number=line.receipt),
            "" if line.promotion is None or by_hand else line.promotion,
            "" if line.card is None else _("card %(number)s", number=people.grouped(line.card)),
            *_made_by(item.by),
        ]
        return StoryLine(
            "plus" if line.points > 0 else "coins",
            f"{people.signed(self.unit, line.points)} · {kind}",
            [one for one in details if one],
            self._at(item.at),
            tone="k-plus" if line.points > 0 else "k-minus",
            posting=line.id,
            can_be_undone=line.kind in UNDONE_BY_HAND,
        )

    def _message(self, item: StoryItem) -> StoryLine:
        told = cast(MessageResult, item.about)
        name = _KINDS_OF_MESSAGES.get(told.delivery.kind, lambda: _("Message"))()
        if told.campaign is not None:
            name = _("Message “%(name)s”", name=told.campaign.name)
        details = [results.in_words(why)[_tongue()] for why in told.why]
        if self.sees_people and told.delivery.text:
            details.insert(0, told.delivery.text)
        badge, state = _arrival(told)
        return StoryLine("send", name, details, self._at(item.at), badge, state)

    def _fetch(self, item: StoryItem) -> StoryLine:
        version = str(item.about.version)
        title = _("A phone fetched the card, version %(number)s", number=version)
        return StoryLine("device-mobile", title, [], self._at(item.at))

    def _change(self, item: StoryItem) -> StoryLine:
        listed = cast(ListedChange, item.about)
        change = listed.change
        personal = listed.personal if self.sees_people else None
        fields = {**change.fields, **(personal or {})}
        said = _CHANGES.get(change.code, lambda: change.code)()
        details = [*_differences(fields), _author(change.author_kind, change.author_name)]
        return StoryLine("user-circle", said, details, self._at(item.at))

    def _fact(self, item: StoryItem) -> StoryLine:
        about = cast(StoryFact, item.about)
        icon, title = _FACTS[about.kind](about.about)
        details = [_SOURCES[about.about.source]()] if about.kind == "consent" else []
        return StoryLine(icon, title, details, self._at(item.at))


def written(place: TimelinePlace) -> str:
    """Where a story goes on, as an address holds it."""
    return ".".join(f"{kind}-{at}-{id_}" for kind, (at, id_) in sorted(place.items()))


def read(text: str) -> TimelinePlace:
    """The same, read; the beginning for an address that somebody has changed."""
    found: dict[NewsKind, tuple[int, int]] = {}
    for part in filter(None, text.split(".")):
        kind, *numbers = part.split("-")
        fits = kind in NEWS and len(numbers) == 2
        if not fits or not all(one.isascii() and one.isdigit() for one in numbers):
            return {}
        at, id_ = map(int, numbers)
        if max(at, id_) >= 2**63 or at > people.LAST:
            return {}
        found[cast(NewsKind, kind)] = at, id_
    return found


def _tongue() -> Any:
    return language.current()


def _paid(line: StatementLine) -> str:
    money = line.purchase
    return "" if money is None else _("paid %(money)s", money=money.written(_tongue()))


def _made_by(row: Adjustment | None) -> list[str]:
    if row is None:
        return []
    by = [row.asked_by]
    if row.decided_by is not None:
        by.append(_("approved by %(name)s", name=row.decided_by))
    return by


def _arrival(told: MessageResult) -> tuple[str, BadgeState]:
    if told.delivery.state == "waiting":
        return _("waits"), "wait"
    if told.delivery.state != "told":
        return _("not sent"), "none"
    if told.apple == "fetched":
        return _("in the phone"), "good"
    if told.google in ("accepted", "accepted_silently"):
        return _("accepted by Google"), "good"
    if told.apple in ("queued", "accepted") or told.google == "queued":
        return _("on its way"), "wait"
    return _("not in the phone"), "bad"


def _author(kind: str, name: str) -> str:
    if kind == "key":
        return _("API key %(name)s", name=name)
    if kind == "environment":
        return _("key of the installation")
    if kind == "source":
        return _("webhooks of %(name)s", name=name)
    return name


def _differences(fields: Mapping[str, Any]) -> list[str]:
    return [
        f"{_FIELDS[name]()}: {_value(name, before)} → {_value(name, after)}"
        if before is not None
        else f"{_FIELDS[name]()}: {_value(name, after)}"
        for name, (before, after) in fields.items()
        if name in _FIELDS
    ]


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "phone":
        return people.phone(str(value))
    if isinstance(value, int):
        return words.number_in(_tongue(), value)
    return str(value)


def _consent(row: Consent) -> tuple[str, str]:
    given = {
        "marketing": (_("Agreed to messages"), _("Took back the consent to messages")),
        "personal_data": (
            _("Agreed to the use of personal data"),
            _("Took back the consent to the use of personal data"),
        ),
    }
    agreed, taken_back = given.get(row.purpose, (row.purpose, row.purpose))
    return ("check", agreed) if row.given else ("ban", taken_back)


_FACTS: Mapping[str, Callable[[Any], tuple[str, str]]] = {
    "joined": lambda _row: ("user-plus", _("Joined the programme")),
    "consent": _consent,
    "card_issued": lambda row: (
        "credit-card",
        _("Got the card %(number)s", number=people.grouped(row.number)),
    ),
    "card_blocked": lambda row: (
        "ban",
        _("The card %(number)s is refused from now on", number=people.grouped(row.number)),
    ),
    "phone_added": lambda _row: ("device-mobile", _("Put the card into Apple Wallet")),
    "google_saved": lambda _row: ("device-mobile", _("Put the card into Google Wallet")),
}
_SOURCES: Mapping[str, Callable[[], str]] = {
    "page": lambda: _("on the page for joining"),
    "api": lambda: _("told by another system"),
    "import": lambda: _("from a file"),
    "pass": lambda: _("on the card"),
    "console": lambda: _("told by the staff"),
}
_KINDS_OF_MESSAGES: Mapping[str, Callable[[], str]] = {
    "accrued": lambda: _("Message: points earned"),
    "spent": lambda: _("Message: points spent"),
    "burning": lambda: _("Message: points are about to expire"),
    "birthday": lambda: _("Message: birthday"),
    "lapsed": lambda: _("Message: we have not seen you for long"),
}
_CHANGES: Mapping[str, Callable[[], str]] = {
    "member.added": lambda: _("Added by the staff or by another system"),
    "member.changed": lambda: _("Details changed"),
    "member.confirmed": lambda: _("Confirmed"),
    "member.merged": lambda: _("Merged into another member"),
    "member.household_joined": lambda: _("Joined a shared account"),
    "member.household_left": lambda: _("Left the shared account"),
    "member.erased": lambda: _("Erased"),
    "member.file_taken": lambda: _("All that is known was taken as a file"),
    "card.blocked": lambda: _("Card blocked"),
    "card.unblocked": lambda: _("Card unblocked"),
    "card.replaced": lambda: _("Another card number given"),
    "card.code_told": lambda: _("A code to find the card was shown to the staff"),
    "card.lost": lambda: _("Phone lost: new card, all kept"),
    "posting.undone": lambda: _("An entry undone"),
    "adjustment.made": lambda: _("Points by hand"),
    "adjustment.asked": lambda: _("Points by hand: approval asked for"),
    "adjustment.approved": lambda: _("Points by hand: approved"),
    "adjustment.declined": lambda: _("Points by hand: declined"),
    "adjustment.withdrawn": lambda: _("Points by hand: request taken back"),
}
_FIELDS: Mapping[str, Callable[[], str]] = {
    "name": lambda: _("Name"),
    "phone": lambda: _("Phone"),
    "email": lambda: _("E-mail"),
    "birthday": lambda: _("Birthday"),
    "locale": lambda: _("Language"),
    "external_id": lambda: _("Number in another system"),
    "marketing": lambda: _("Agrees to messages"),
    "personal_data": lambda: _("Agrees to the use of personal data"),
    "points": lambda: _("Points"),
    "reason": lambda: _("Reason"),
    "answer": lambda: _("Answer"),
    "asked_by": lambda: _("Asked by"),
}
