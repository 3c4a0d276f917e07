"""A virtual iPhone: carries passes, hears pushes, asks the web service, and speaks up on its lock
screen, all by Apple's rules ("PassKit Web Service Reference")."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from secrets import token_hex
from urllib.parse import quote, urljoin, urlsplit

import structlog
from cryptography import x509

from ledger.languages import ENGLISH, Language
from wallet.apple.reading import OpenedPass
from wallet.configuration.settings import Settings
from wallet.sandbox import passbook, signature
from wallet.sandbox.exchanges import ExchangeCaller, Journal, ServiceAnswer, shortened
from wallet.sandbox.passbook import MEDIA_TYPE, SEVERAL_MEDIA_TYPE, FieldChange
from wallet.sandbox.troubles import NoAnswer, PassRefused, SandboxTrouble

# A real phone's agent string begins with passd; pages may look for iPhone before they offer a pass.
AGENT = "passd/1.0 (iPhone; Kopilka virtual phone)"
PASSES = (".pkpass", ".pkpasses")
CERTIFICATES = "certs"  # the folder of the sandbox's chain, among its data
MOST_PASSES = 20
KEPT_CHANGES = 20
LISTEN_S = 25.0  # that one question for pushes may wait
GRACE_S = 5.0  # for the answer, after the wait is over

# How long a phone waits before it tries again; then it gives up until the next push.
GAPS_S = (1.0, 4.0, 10.0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Service:
    """A web service where passes of one type ask for news. The phone keeps one tag for each."""

    url: str
    pass_type: str

    def __str__(self) -> str:
        """As it stands at the beginning of a phone's complaints."""
        return f"Web service error for {self.pass_type} ({self.url}):"


@dataclass(frozen=True, slots=True)
class Carried:
    """A pass in the phone, and the Last-Modified with which the web service sent it."""

    pass_: OpenedPass
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class CardChange:
    """A pass that was replaced. `pushed_at`: when Apple took the push, if a push told of the
    change."""

    number: int
    at: datetime
    pushed_at: datetime | None
    before: OpenedPass
    after: OpenedPass

    def fields(self, language: Language) -> tuple[FieldChange, ...]:
        return passbook.changes(self.before, self.after, language)

    def message(self, language: Language) -> str | None:
        """What the lock screen said; None if the pass changed in silence."""
        return passbook.lock_screen(self.before, self.after, language)


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """A push that arrived, and what it led to."""

    accepted_at: datetime
    changes: tuple[CardChange, ...]


class VirtualPhone:
    """One device library identifier, one push token, several passes.

    Trusts passes whose chain ends at `root`. Hears its pushes at the stand-in's `control_url`. Safe
    to share between threads: operations go one after another, readers never wait for them."""

    def __init__(
        self,
        root: x509.Certificate,
        control_url: str,
        language: Language = ENGLISH,
        journal: Journal | None = None,
    ) -> None:
        self.language = language
        self.journal = journal or Journal()
        self.device_id = token_hex(16)
        self.push_token = token_hex(32)
        self._root = root
        self._control_url = control_url
        self._caller = ExchangeCaller("phone", AGENT, self.journal)
        self._busy = threading.RLock()
        # Replaced, never changed in place: a reader keeps the state it began with.
        self._carried: Mapping[str, Carried] = {}
        self._changes: tuple[CardChange, ...] = ()
        self._tags: dict[Service, str] = {}
        self._pushes_heard = 0

    @classmethod
    def of(cls, settings: Settings, language: Language, journal: Journal) -> "VirtualPhone":
        """A phone of this sandbox: it trusts the sandbox's root and hears the sandbox's pushes."""
        folder = settings.data / CERTIFICATES
        try:
            root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
        except (OSError, ValueError) as error:
            raise SandboxTrouble("no_certificates", folder=folder) from error
        control_url = f"http://127.0.0.1:{settings.sandbox.apns_control}"
        return cls(root, control_url, language, journal)

    @property
    def passes(self) -> list[OpenedPass]:
        """In the order in which they were added."""
        return [carried.pass_ for carried in self._carried.values()]

    @property
    def changes(self) -> tuple[CardChange, ...]:
        """The newest last."""
        return self._changes

    def carried(self, serial: str) -> OpenedPass | None:
        found = self._carried.get(serial)
        return found.pass_ if found else None

    def add(self, source: str | bytes) -> OpenedPass:
        """Take a pass from its address (or the address of its page), or from its bytes; then
        register, and ask at once what has changed meanwhile. Of several passes in one file the
        first is returned. Raises `SandboxTrouble`; a pass that cannot be registered is not kept."""
        with self._busy:
            passes = self._opened(source)
            new = [pass_ for pass_ in passes if pass_.serial not in self._carried]
            if len(self._carried) + len(new) > MOST_PASSES:
                raise SandboxTrouble("too_many_cards", most=MOST_PASSES)
            for pass_ in passes:
                service = _service(pass_)
                if service is not None:
                    self._register(service, pass_)
                self._keep(Carried(pass_))
            for service in dict.fromkeys(map(_service, passes)):
                if service is not None:
                    self._look(service, None)
            return self._carried[passes[0].serial].pass_

    def answer(self, serial: str, info: Mapping[str, str]) -> OpenedPass:
        """Tell the service whose pass it is, have that confirmed, and fetch the pass that knows it
        ("Rewards Enrollment"). Raises `SandboxTrouble`."""
        with self._busy:
            carried = self._carried[serial]
            service = _service(carried.pass_)
            if service is None or carried.pass_.sheet is None:
                raise SandboxTrouble("asks_nothing")
            token = token_hex(32)
            answer = self._caller.ask(
                "POST",
                f"{service.url}/v1/passes/{service.pass_type}/{quote(serial, safe='')}/personalize",
                "personalize",
                body={"personalizationToken": token, "requiredPersonalizationInfo": dict(info)},
            )
            if answer.status != 200:
                raise SandboxTrouble("answer_refused", status=answer.status)
            self._require_signed(service, answer.content, token)
            self._fetch(service, carried, None)
            return self._carried[serial].pass_

    def _require_signed(self, service: Service, signed: bytes, token: str) -> None:
        try:
            seal = signature.verify(signed, token.encode(), self._root, datetime.now(UTC))
        except PassRefused as refusal:
            self._complain(service, f"{service} Personalization token: {refusal}")
            raise SandboxTrouble("answer_unsigned") from refusal
        if seal.pass_type != service.pass_type:
            raise SandboxTrouble("answer_unsigned")

    def remove(self, serial: str) -> None:
        """Throw the pass away and unregister. Fine if it is not there."""
        with self._busy:
            carried = self._carried.get(serial)
            if carried is None:
                return
            self._carried = {key: one for key, one in self._carried.items() if key != serial}
            self.journal.touch()
            service = _service(carried.pass_)
            if service is not None:
                address = self._registration(service, serial)
                headers = _authorization(carried.pass_)
                self._caller.ask("DELETE", address, "unregister", headers=headers)

    def pull(self, serial: str) -> CardChange | None:
        """Ask for this one pass without a push, as its owner does by pulling it down."""
        with self._busy:
            carried = self._carried[serial]
            service = _service(carried.pass_)
            return self._fetch(service, carried, None) if service else None

    def refresh(self, pushed_at: datetime | None = None) -> tuple[CardChange, ...]:
        """Ask every service what has changed, and fetch that. Raises `SandboxTrouble`."""
        with self._busy:
            return tuple(
                change for service in self._services() for change in self._look(service, pushed_at)
            )

    def hear(self, wait_s: float) -> ReceivedPush | None:
        """Wait for a push, at most so many seconds, and do what a phone does then; None if none
        came. Raises `SandboxTrouble`: even then the push counts as heard."""
        accepted_at = self._next_push(wait_s)
        if accepted_at is None:
            return None
        return ReceivedPush(accepted_at, self.refresh(accepted_at))

    def listen(self, stop: threading.Event) -> None:
        """Hear pushes until told to stop, and go on through every kind of trouble."""
        while not stop.is_set():
            try:
                accepted_at = self._next_push(LISTEN_S)
            except SandboxTrouble as trouble:
                log.debug("push_stand_in_unheard", problem=trouble.problem)
                stop.wait(GAPS_S[0])
                continue
            if accepted_at is not None:
                self._refresh_in_the_end(accepted_at, stop)

    def _refresh_in_the_end(self, pushed_at: datetime, stop: threading.Event) -> None:
        for gap_s in (*GAPS_S, None):
            try:
                self.refresh(pushed_at)
                return
            except SandboxTrouble as trouble:
                log.info("refresh_failed", problem=trouble.problem)
            if gap_s is None or stop.wait(gap_s):
                return

    def _next_push(self, wait_s: float) -> datetime | None:
        """When the newest push was accepted; returns as soon as there is one that was not heard
        yet."""
        query = f"after={self._pushes_heard}&wait={wait_s}"
        address = f"{self._control_url}/pushes/{self.push_token}?{query}"
        try:
            answer = self._caller.ask("GET", address, None, answer_timeout_s=wait_s + GRACE_S)
            heard = answer.json()
            count, known = heard["count"], self._pushes_heard
        except (NoAnswer, KeyError, TypeError, ValueError) as error:
            raise SandboxTrouble("no_stand_in", address=self._control_url) from error
        self._pushes_heard = count
        # If the count fell, the stand-in is a new one, and none of its pushes was heard yet.
        if count == known or count == 0:
            return None
        self.journal.record("apple", "POST", f"/3/device/{self.push_token}", 200, None, "push")
        return datetime.fromisoformat(heard["last_at"])

    def _services(self) -> list[Service]:
        found = [_service(carried.pass_) for carried in self._carried.values()]
        return [service for service in dict.fromkeys(found) if service is not None]

    def _opened(self, source: str | bytes) -> tuple[OpenedPass, ...]:
        now = datetime.now(UTC)
        if isinstance(source, bytes):
            return (passbook.open_pass(source, self._root, now),)
        answer = self._download(source)
        if answer.media_type == SEVERAL_MEDIA_TYPE:
            return passbook.open_several(answer.content, self._root, now)
        return (passbook.open_pass(answer.content, self._root, now),)

    def _download(self, address: str) -> ServiceAnswer:
        """What is behind a link: a pass, several, or those that the page there offers to add."""
        for _ in range(2):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.netloc:
                raise SandboxTrouble("not_a_link")
            headers = {
                "Accept": f"{MEDIA_TYPE}, {SEVERAL_MEDIA_TYPE}, text/html;q=0.5",
                "Accept-Language": self.language,
            }
            purpose = "download" if parts.path.endswith(PASSES) else "open"
            answer = self._caller.ask(
                "GET", address, purpose, headers=headers, follow_redirects=True
            )
            if answer.status == 200 and answer.media_type in (MEDIA_TYPE, SEVERAL_MEDIA_TYPE):
                return answer
            link = _pass_link(answer) if answer.status == 200 else None
            if link is None:
                break
            address = urljoin(address, link)
        raise SandboxTrouble("no_pass_there", status=answer.status)

    def _register(self, service: Service, pass_: OpenedPass) -> None:
        address = self._registration(service, pass_.serial)
        body = {"pushToken": self.push_token}
        headers = _authorization(pass_)
        answer = self._caller.ask("POST", address, "register", headers=headers, body=body)
        if answer.status not in (200, 201):
            self._complain(
                service,
                f"{service} Registration of {pass_.serial} was answered with {answer.status}.",
            )
            raise SandboxTrouble("registration_refused", status=answer.status)

    def _look(self, service: Service, pushed_at: datetime | None) -> list[CardChange]:
        """Ask which passes of this service have changed, and fetch them."""
        tag = self._tags.get(service)
        address = f"{service.url}/v1/devices/{self.device_id}/registrations/{service.pass_type}"
        if tag is not None:
            address += f"?passesUpdatedSince={quote(tag, safe='')}"
        answer = self._caller.ask("GET", address, "list")
        if answer.status == 204:
            # If there are several services, the push does not say which of them it is about.
            if pushed_at is not None and len(self._services()) == 1:
                self._complain(
                    service,
                    f"{service} Device received spurious push. Request for passes 'updated since' "
                    f"({tag}) returned no serial numbers.",
                )
            return []
        serials, latest = self._listing(service, answer)
        if tag is not None and latest == tag:
            self._complain(
                service,
                f"{service} Response to 'What changed?' request included {len(serials)} serial "
                f"numbers but the lastUpdated tag ({tag}) remained the same.",
            )
        found = [self._carried[serial] for serial in serials if serial in self._carried]
        changes = [self._fetch(service, carried, pushed_at) for carried in found]
        # Only now: had a fetch failed, the old tag would bring the same list again.
        self._tags[service] = latest
        return [change for change in changes if change is not None]

    def _listing(self, service: Service, answer: ServiceAnswer) -> tuple[list[str], str]:
        try:
            listing = answer.json() if answer.status == 200 else {}
            serials, latest = listing["serialNumbers"], listing["lastUpdated"]
            if not (isinstance(latest, str) and serials and all(map(_is_text, serials))):
                raise ValueError("serial numbers and a tag are strings, and there is at least one")
        except (KeyError, TypeError, ValueError) as error:
            self._complain(
                service,
                f"{service} Response to 'What changed?' request is unusable ({answer.status}).",
            )
            raise SandboxTrouble("web_service", status=answer.status) from error
        return serials, latest

    def _fetch(
        self, service: Service, carried: Carried, pushed_at: datetime | None
    ) -> CardChange | None:
        """Get a pass if it differs from the phone's, and put it in the old one's place."""
        old = carried.pass_
        headers = _authorization(old)
        if carried.last_modified is not None:
            headers["If-Modified-Since"] = carried.last_modified
        address = f"{service.url}/v1/passes/{service.pass_type}/{quote(old.serial, safe='')}"
        answer = self._caller.ask("GET", address, "fetch", headers=headers)
        if answer.status == 304 and carried.last_modified is not None:
            return None
        try:
            new = self._received(answer, old)
        except SandboxTrouble as trouble:
            self._complain(
                service,
                f"Get pass task (pass type {service.pass_type}, serial number {old.serial}, "
                f"if-modified-since {carried.last_modified}; with web service url {service.url}) "
                f"encountered error: {trouble}",
            )
            raise
        self._keep(Carried(new, answer.headers.get("Last-Modified")))
        if new == old:
            return None
        number = self._changes[-1].number + 1 if self._changes else 1
        change = CardChange(number, datetime.now(UTC), pushed_at, old, new)
        self._changes = (*self._changes, change)[-KEPT_CHANGES:]
        self.journal.touch()
        return change

    def _received(self, answer: ServiceAnswer, old: OpenedPass) -> OpenedPass:
        if answer.status != 200 or answer.media_type != MEDIA_TYPE:
            raise SandboxTrouble("web_service", status=answer.status)
        new = passbook.open_pass(answer.content, self._root, datetime.now(UTC))
        if (new.pass_type, new.serial) != (old.pass_type, old.serial):
            raise PassRefused("another_pass")
        # The pictures rarely change and are most of it: the history shares them.
        return replace(new, images=old.images) if new.images == old.images else new

    def _keep(self, carried: Carried) -> None:
        self._carried = {**self._carried, carried.pass_.serial: carried}
        self.journal.touch()

    def _complain(self, service: Service, sentence: str) -> None:
        """Write to the service's log, as phones do. If that fails too, nothing more is done."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
        line = f"[{stamp}] {sentence}"
        try:
            self._caller.ask("POST", f"{service.url}/v1/log", "log", body={"logs": [line]})
        except NoAnswer:
            log.info("complaint_unheard", line=shortened(line))

    def _registration(self, service: Service, serial: str) -> str:
        device = f"{service.url}/v1/devices/{self.device_id}"
        return f"{device}/registrations/{service.pass_type}/{quote(serial, safe='')}"


def _service(pass_: OpenedPass) -> Service | None:
    """The web service of a pass; None for a pass that never changes."""
    url = pass_.web_service_url
    return Service(url, pass_.pass_type) if url else None


def _authorization(pass_: OpenedPass) -> dict[str, str]:
    return {"Authorization": f"ApplePass {pass_.token}"}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _pass_link(answer: ServiceAnswer) -> str | None:
    """The first link to a .pkpass on a page."""
    if answer.media_type != "text/html":
        return None
    finder = _LinkFinder()
    finder.feed(answer.content.decode("utf-8", "replace"))
    return finder.found


class _LinkFinder(HTMLParser):
    found: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") or ""
        if tag == "a" and self.found is None and urlsplit(href).path.endswith(".pkpass"):
            self.found = href
