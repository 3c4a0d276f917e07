"""A virtual Android phone: its owner saves cards in Google Wallet, and Google hands each over again
when it changes. A real phone is reached by Google's own channels; this one asks the stand-in."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import structlog

from ledger.languages import ENGLISH, Language
from wallet.configuration.settings import Settings
from wallet.google import reading
from wallet.google.reading import AndroidCard, CardLine, CardPart
from wallet.sandbox.exchanges import ExchangeCaller, Journal, ServiceAnswer
from wallet.sandbox.google.server import SAVE_PATH
from wallet.sandbox.passbook import FieldChange
from wallet.sandbox.troubles import NoAnswer, SandboxTrouble

AGENT = "Mozilla/5.0 (Linux; Android 16; Kopilka virtual phone)"
FETCHER = "Kopilka sandbox, in place of Google"
MOST_CARDS = 20
MOST_STEPS = 4  # from a card's page to the save link
KEPT_CHANGES = 20
KEPT_PICTURES = 20
MOST_PICTURE_BYTES = 5_000_000
LISTEN_S = 1.0  # that one question for news may wait
GRACE_S = 5.0  # for the answer, after the wait is over
GAP_S = 1.0  # between tries, while the stand-in cannot be asked

log = structlog.get_logger()


def card_changes(
    before: AndroidCard, after: AndroidCard, language: Language
) -> tuple[FieldChange, ...]:
    """The lines whose values differ, in the order of the newer card."""
    old, new = before.lines(language), after.lines(language)
    found = []
    for key in (*new, *(key for key in old if key not in new)):
        was, now = old.get(key), new.get(key)
        values = (was.value if was else "", now.value if now else "")
        if values[0] != values[1]:
            label = (now or was or CardLine(key, "", "")).label
            found.append(FieldChange(label, *values))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notice: of a message, or of a field that changed."""

    number: int
    field: str
    header: str
    body: str
    localized_header: CardPart | None = None
    localized_body: CardPart | None = None


@dataclass(frozen=True, slots=True)
class AndroidChange:
    """A card that was replaced, and what Google told its owner about it."""

    number: int
    at: datetime
    before: AndroidCard
    after: AndroidCard
    notice: Notification | None

    def message(self, language: Language) -> str | None:
        """What the notification said; None if the card changed in silence. Google words it, and
        does not publish how: here it is a field with its value, or the message."""
        if self.notice is None:
            return None
        line = self.after.lines(language).get(self.notice.field)
        header = reading.spoken(self.notice.localized_header, language) or self.notice.header
        body = reading.spoken(self.notice.localized_body, language) or self.notice.body
        parts = (line.label, line.value) if line else (header, body)
        return ": ".join(part for part in parts if part)

    def fields(self, language: Language) -> tuple[FieldChange, ...]:
        return card_changes(self.before, self.after, language)


@dataclass(frozen=True, slots=True)
class _Handed:
    """A card as the stand-in hands it over, with its notices, the newest last."""

    card: AndroidCard
    is_held: bool
    notices: tuple[Notification, ...]

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "_Handed":
        notices = tuple(
            Notification(
                int(one["number"]),
                str(one["field"]),
                str(one["header"]),
                str(one["body"]),
                one.get("localizedHeader"),
                one.get("localizedBody"),
            )
            for one in found["notices"]
        )
        card = AndroidCard(str(found["id"]), found["class"], found["object"])
        return cls(card, bool(found["held"]), notices)

    @property
    def last_notice(self) -> int:
        return self.notices[-1].number if self.notices else 0


class VirtualAndroid:
    """An Android phone with several cards, and what changed about them. Safe to share between
    threads: operations go one after another, readers never wait for them."""

    def __init__(
        self, stand_in_url: str, language: Language = ENGLISH, journal: Journal | None = None
    ) -> None:
        self.language = language
        self.journal = journal or Journal()
        self._stand_in = stand_in_url
        self._caller = ExchangeCaller("android", AGENT, self.journal)
        # Pictures are fetched by Google itself, and reach phones through it.
        self._fetcher = ExchangeCaller("google", FETCHER, self.journal)
        self._busy = threading.RLock()
        # Replaced, never changed in place: a reader keeps the state it began with.
        self._handed: Mapping[str, _Handed] = {}
        self._changes: tuple[AndroidChange, ...] = ()
        self._revision = -1
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._drawn: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, language: Language, journal: Journal) -> "VirtualAndroid":
        return cls(f"http://127.0.0.1:{settings.sandbox.google}", language, journal)

    @property
    def cards(self) -> list[AndroidCard]:
        """In the order in which they were added."""
        return [handed.card for handed in self._handed.values()]

    @property
    def changes(self) -> tuple[AndroidChange, ...]:
        """The newest last."""
        return self._changes

    def carried(self, id_: str) -> AndroidCard | None:
        found = self._handed.get(id_)
        return found.card if found else None

    def add(self, address: str) -> AndroidCard:
        """Save the card behind a link: a save link, what leads to one, or a card's page. Raises
        `SandboxTrouble`; `google_not_set_up` where the service offers no card for Google."""
        with self._busy:
            if len(self._handed) >= MOST_CARDS:
                raise SandboxTrouble("too_many_cards", most=MOST_CARDS)
            ids = self._save(address)
            _, found = self._news(ids, -1, 0.0)
            for handed in found:
                self._handed = {**self._handed, handed.card.id: handed}
            self.journal.touch()
            if ids[-1] not in self._handed:
                raise SandboxTrouble("google_refused", status=404)
            return self._handed[ids[-1]].card

    def remove(self, id_: str) -> None:
        """Take the card out of the owner's wallet. Fine if it is not there."""
        with self._busy:
            if id_ not in self._handed:
                return
            self._drop(id_)
            address = f"{self._stand_in}/phone/remove"
            self._caller.ask("POST", address, "drop", body={"id": id_})

    def hear(self, wait_s: float) -> tuple[AndroidChange, ...]:
        """What changed; returns as soon as something did, or when the wait is over. Raises
        `SandboxTrouble` if the stand-in cannot be asked."""
        ids = list(self._handed)
        revision, found = self._news(ids, self._revision, wait_s)
        with self._busy:
            if self._handed.keys() <= set(ids):
                # News about a card that was added meanwhile may have been missed up to here.
                self._revision = revision
            changes = [self._take(handed) for handed in found]
        return tuple(change for change in changes if change is not None)

    def listen(self, stop: threading.Event) -> None:
        """Hear news until told to stop, and go on through every kind of trouble. A card that is
        added during a wait is asked about from the next round on."""
        while not stop.is_set():
            try:
                if self._handed:
                    self.hear(LISTEN_S)
                else:
                    stop.wait(GAP_S / 5)
                self._redraw(datetime.now(UTC))
            except SandboxTrouble as trouble:
                log.debug("google_stand_in_unheard", problem=trouble.problem)
                stop.wait(GAP_S)

    def picture(self, id_: str, name: str) -> bytes | None:
        """The logo or the banner, fetched as Google does it from the address that the class
        names."""
        handed = self._handed.get(id_)
        address = handed.card.picture(name) if handed else ""
        if urlsplit(address).scheme not in ("http", "https"):
            return None
        with self._busy:
            if address not in self._pictures:
                try:
                    answer = self._fetcher.ask("GET", address, "picture")
                except NoAnswer:
                    return None
                is_picture = answer.status == 200 and answer.media_type == "image/png"
                if not is_picture or len(answer.content) > MOST_PICTURE_BYTES:
                    return None
                self._pictures[address] = answer.content
                if len(self._pictures) > KEPT_PICTURES:
                    self._pictures.popitem(last=False)
            return self._pictures[address]

    def _save(self, address: str) -> list[str]:
        for _ in range(MOST_STEPS):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise SandboxTrouble("not_a_link")
            if address.startswith(self._stand_in + SAVE_PATH):
                return self._save_at_stand_in(address)
            if SAVE_PATH in parts.path:
                raise SandboxTrouble("real_google")
            answer = self._caller.ask(
                "GET", address, "follow", headers={"Accept-Language": self.language}
            )
            address = urljoin(address, _next_step(answer))
        raise SandboxTrouble("google_refused", status=answer.status)

    def _save_at_stand_in(self, address: str) -> list[str]:
        answer = self._caller.ask("GET", address, "save", headers={"Accept": "application/json"})
        if answer.status != 200:
            raise SandboxTrouble("google_refused", status=answer.status)
        return [str(id_) for id_ in answer.json()["objectIds"]]

    def _news(self, ids: list[str], after: int, wait_s: float) -> tuple[int, list[_Handed]]:
        query = f"ids={quote(','.join(ids), safe=',')}&after={after}&wait={wait_s}"
        address = f"{self._stand_in}/phone/news?{query}"
        try:
            answer = self._caller.ask("GET", address, None, answer_timeout_s=wait_s + GRACE_S)
            news = answer.json()
            return int(news["revision"]), [_Handed.read(one) for one in news["cards"]]
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            raise SandboxTrouble("no_google_stand_in", address=self._stand_in) from error

    def _take(self, new: _Handed) -> AndroidChange | None:
        """Put a card in the old one's place. A card that was removed elsewhere is removed here
        too."""
        old = self._handed.get(new.card.id)
        if old is None:
            return None
        if not new.is_held:
            self._drop(new.card.id)
            return None
        self._handed = {**self._handed, new.card.id: new}
        if new == old:
            return None
        fresh = [notice for notice in new.notices if notice.number > old.last_notice]
        number = self._changes[-1].number + 1 if self._changes else 1
        now = datetime.now(UTC)
        notice = fresh[-1] if fresh else None
        change = AndroidChange(number, now, old.card, new.card, notice)
        self._changes = (*self._changes, change)[-KEPT_CHANGES:]
        self.journal.record("google", "GET", "/phone/news", 200, None, "sync")
        return change

    def _redraw(self, now: datetime) -> None:
        """Have readers draw the card again when a code that rotates has changed."""
        periods = [(card.id, card.rotates_every_s) for card in self.cards]
        drawn = frozenset(
            f"{id_} {int(now.timestamp()) // period_s}" for id_, period_s in periods if period_s
        )
        if drawn != self._drawn:
            self._drawn = drawn
            self.journal.touch()

    def _drop(self, id_: str) -> None:
        self._handed = {key: one for key, one in self._handed.items() if key != id_}
        self.journal.touch()


def _next_step(answer: ServiceAnswer) -> str:
    """Where a link leads: to the target of a redirect, or to the page's own link to Google
    Wallet."""
    if 300 <= answer.status < 400 and "Location" in answer.headers:
        return answer.headers["Location"]
    if answer.status == 404:
        raise SandboxTrouble("google_not_set_up")
    if answer.status != 200:
        raise SandboxTrouble("google_refused", status=answer.status)
    finder = _GoogleLinkFinder()
    finder.feed(answer.content.decode("utf-8", "replace"))
    if answer.media_type != "text/html" or finder.found is None:
        raise SandboxTrouble("google_not_set_up")
    return finder.found


class _GoogleLinkFinder(HTMLParser):
    """The first link of a page that ends as a card's link to Google does."""

    found: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or ""
        path = urlsplit(href).path
        if tag == "a" and self.found is None and (path.endswith("/google") or SAVE_PATH in path):
            self.found = href
