"""The rules in the order of a pass's life: each is tried, and what the service did is compared with
it."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal

from wallet.sandbox.conformance.device import ProbeDevice, ProbePass, Pushes
from wallet.sandbox.conformance.rules import CARDS, CHANGE, PUSHES, RULES, ConformanceRule
from wallet.sandbox.exchanges import ServiceAnswer
from wallet.sandbox.passbook import MEDIA_TYPE
from wallet.sandbox.troubles import NoAnswer, SandboxTrouble

Verdict = Literal["holds", "broken", "untried"]

STRANGE_TAGS = ("", "0", "2026-01-01T00:00:00+03:00", "never given", "9" * 40)
WRONG_TOKEN = "0" * 32
CHANGE_TIMEOUT_S = 60.0  # for the command that changes a card


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """`seen`: what the service did where it broke the rule. `missing`: what was not there, so that
    the rule could not be tried."""

    rule: ConformanceRule
    verdict: Verdict
    seen: str = ""
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PassList:
    """What a list of changed passes says, as far as it can be read."""

    status: int
    serials: tuple[str, ...] = ()
    tag: str | None = None

    def __str__(self) -> str:
        if self.status != 200:
            return str(self.status)
        return f"200, {len(self.serials)} serial number(s), tag {self.tag!r}"


@dataclass(slots=True)
class Kit:
    """What the inspection works with. `change` makes the service change the card with this serial
    number. `patience_s`: how many seconds a change may take to show. `tick_s`: after how many
    seconds an HTTP date is another one."""

    cards: Sequence[ProbePass]
    change: Callable[[str], None] | None = None
    pushes: Pushes | None = None
    patience_s: float = 20.0
    tick_s: float = 1.1
    device: ProbeDevice = field(default_factory=ProbeDevice)

    @property
    def has(self) -> set[str]:
        found = {CARDS} if len(self.cards) > 1 else set()
        if self.change is not None:
            found.add(CHANGE)
        if self.pushes is not None:
            found.add(PUSHES)
        return found


def shell_change(command: str) -> Callable[[str], None]:
    """A `change` that runs the shell command, in which {serial} stands for the serial number. It
    raises `SandboxTrouble`."""

    def change(serial: str) -> None:
        line = command.replace("{serial}", serial)
        done = subprocess.run(  # noqa: S602 - the operator's own command, as they typed it
            line, shell=True, capture_output=True, timeout=CHANGE_TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            raise SandboxTrouble("change_failed", status=done.returncode)

    return change


def inspect(kit: Kit) -> Iterator[RuleFinding]:
    """Every rule with its verdict, one by one as they are tried. Raises `SandboxTrouble` if the
    service does not answer at all, or if a change cannot be made."""
    inspection = _Inspection(kit)
    for code, rule in RULES.items():
        missing = rule.needs - kit.has
        if missing:
            yield RuleFinding(rule, "untried", missing=missing)
            continue
        try:
            seen = getattr(inspection, f"see_{code}")()
        except NoAnswer:
            yield RuleFinding(rule, "broken", "no answer")
            continue
        yield RuleFinding(rule, "broken" if seen else "holds", seen or "")


class _Inspection:
    """`see_<rule>` tries one rule. It returns None if the rule holds, otherwise what was seen
    instead."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._device = kit.device
        self._card = kit.cards[0]
        self._tag: str | None = None
        self._dated: str | None = None

    # --- registering ---

    def see_register_needs_token(self) -> str | None:
        wrong = self._device.register(self._card, WRONG_TOKEN)
        none = self._device.register(self._card, signed=False)
        return _unless(wrong.status == 401 and none.status == 401, f"{wrong.status}, {none.status}")

    def see_register_new(self) -> str | None:
        answers = [self._device.register(card).status for card in self._kit.cards]
        return _unless(all(status == 201 for status in answers), _statuses(answers))

    def see_register_again(self) -> str | None:
        status = self._device.register(self._card).status
        return _unless(status == 200, str(status))

    # --- the list ---

    def see_list_is_open(self) -> str | None:
        status = self._device.updated(self._card).status
        return _unless(status not in (401, 403), str(status))

    def see_list_shape(self) -> str | None:
        answer = self._device.updated(self._card)
        listing = _listing(answer)
        self._tag = listing.tag
        if answer.status != 200:
            return str(answer.status)
        return _unless(bool(listing.serials) and listing.tag is not None, _excerpt(answer))

    def see_list_complete(self) -> str | None:
        listing = _listing(self._device.updated(self._card))
        missing = {card.serial for card in self._alike()} - set(listing.serials)
        return _unless(not missing, f"{listing}; {len(missing)} missing")

    def see_list_unchanged(self) -> str | None:
        if self._tag is None:
            return "no tag to ask with"
        answer = self._device.updated(self._card, self._tag)
        return _unless(answer.status == 204, _excerpt(answer))

    def see_list_any_tag(self) -> str | None:
        answers = [self._device.updated(self._card, tag).status for tag in STRANGE_TAGS]
        return _unless(all(status in (200, 204) for status in answers), _statuses(answers))

    def see_list_stranger(self) -> str | None:
        answer = ProbeDevice().updated(self._card)
        return _unless(answer.status in (204, 404), _excerpt(answer))

    # --- fetching ---

    def see_fetch_needs_token(self) -> str | None:
        wrong = self._device.fetch(self._card, token=WRONG_TOKEN)
        none = self._device.fetch(self._card, signed=False)
        return _unless(wrong.status == 401 and none.status == 401, f"{wrong.status}, {none.status}")

    def see_fetch_pass(self) -> str | None:
        answer = self._device.fetch(self._card)
        self._dated = answer.headers.get("Last-Modified")
        if answer.status != 200 or answer.media_type != MEDIA_TYPE:
            return f"{answer.status}, {answer.media_type or 'no Content-Type'}"
        try:
            served = ProbePass.read(answer.content)
        except SandboxTrouble as trouble:
            return str(trouble)
        same = (served.serial, served.pass_type) == (self._card.serial, self._card.pass_type)
        return _unless(same, f"{served.pass_type} {served.serial}")

    def see_fetch_dated(self) -> str | None:
        return _unless(_is_date(self._dated), f"Last-Modified: {self._dated}")

    def see_fetch_date_stays(self) -> str | None:
        self._tick()
        again = self._device.fetch(self._card).headers.get("Last-Modified")
        return _unless(again == self._dated, f"{self._dated}, then {again}")

    def see_fetch_not_modified(self) -> str | None:
        if self._dated is None:
            return "no Last-Modified to ask with"
        status = self._device.fetch(self._card, self._dated).status
        return _unless(status == 304, str(status))

    def see_log_is_open(self) -> str | None:
        status = self._device.complain(self._card, "Kopilka conformance kit: a test line").status
        return _unless(status == 200, str(status))

    # --- changes ---

    def see_change_is_listed(self) -> str | None:
        before = self._tag = _listing(self._device.updated(self._card)).tag
        listing = self._changed([self._card], before)
        if self._card.serial not in listing.serials:
            return str(listing)
        self._tag = listing.tag
        return _unless(listing.tag != before, f"the tag {before!r} again")

    def see_change_is_listed_once(self) -> str | None:
        return self.see_list_unchanged()

    def see_changes_all_listed(self) -> str | None:
        cards = self._alike()
        for number, card in enumerate(cards):
            if number:
                self._tick()
            self._changed([card], self._tag)
        listing = self._listed(self._tag, {card.serial for card in cards})
        missing = {card.serial for card in cards} - set(listing.serials)
        return _unless(not missing, f"{listing}; {len(missing)} missing")

    def see_change_is_fetched(self) -> str | None:
        before = self._device.fetch(self._card)
        self._tick()
        self._changed([self._card], self._now())
        after = self._device.fetch(self._card, before.headers.get("Last-Modified"))
        if after.status != 200:
            return str(after.status)
        return _unless(after.content != before.content, "the same bytes")

    def see_changes_within_a_second(self) -> str | None:
        self._changed([self._card], self._now())
        first = self._device.fetch(self._card)
        self._changed([self._card], self._now())
        second = self._device.fetch(self._card, first.headers.get("Last-Modified"))
        return _unless(second.status == 200, str(second.status))

    # --- pushes ---

    def see_push_arrives(self) -> str | None:
        return _unless(self._is_pushed(self._device.push_token), "none came")

    def see_push_follows_token(self) -> str | None:
        old = self._device.push_token
        self._device.push_token = ProbeDevice().push_token
        self._device.register(self._card)
        heard = self._pushes.count(old)
        if not self._is_pushed(self._device.push_token):
            return "none came to the new token"
        return _unless(self._pushes.count(old) == heard, "the old token was pushed to")

    def see_push_dead_token(self) -> str | None:
        token = self._device.push_token
        self._pushes.kill(token)
        self._is_pushed(token)
        return _unless(not self._is_pushed(token), "it was pushed to again")

    # --- going ---

    def see_unregister_needs_token(self) -> str | None:
        self._device.register(self._card)
        status = self._device.unregister(self._card, signed=False).status
        return _unless(status == 401, str(status))

    def see_unregister(self) -> str | None:
        statuses = [self._device.unregister(card).status for card in self._kit.cards]
        if any(status != 200 for status in statuses):
            return _statuses(statuses)
        listing = _listing(self._device.updated(self._card))
        return _unless(self._card.serial not in listing.serials, str(listing))

    def see_unregister_again(self) -> str | None:
        status = self._device.unregister(self._card).status
        return _unless(status < 500, str(status))

    # --- what the rules have in common ---

    @property
    def _pushes(self) -> Pushes:
        assert self._kit.pushes is not None  # noqa: S101 - a rule that needs it is tried with it
        return self._kit.pushes

    def _tick(self) -> None:
        time.sleep(self._kit.tick_s)

    def _alike(self) -> list[ProbePass]:
        """The cards that are in the same list as the first."""
        where = (self._card.service, self._card.pass_type)
        return [card for card in self._kit.cards if (card.service, card.pass_type) == where]

    def _now(self) -> str | None:
        return _listing(self._device.updated(self._card)).tag

    def _changed(self, cards: Sequence[ProbePass], since: str | None) -> PassList:
        """Change the cards and wait until the list shows them, at most `patience_s`."""
        assert self._kit.change is not None  # noqa: S101 - a rule that needs it is tried with it
        for card in cards:
            self._kit.change(card.serial)
        return self._listed(since, {card.serial for card in cards})

    def _listed(self, since: str | None, wanted: set[str]) -> PassList:
        deadline = time.monotonic() + self._kit.patience_s
        while True:
            listing = _listing(self._device.updated(self._card, since))
            if wanted <= set(listing.serials) or time.monotonic() > deadline:
                return listing
            time.sleep(0.1)

    def _is_pushed(self, token: str) -> bool:
        heard = self._pushes.count(token)
        self._changed([self._card], self._now())
        return self._pushes.come(token, heard)


def _unless(holds: bool, seen: str) -> str | None:  # noqa: FBT001 - reads as a sentence
    return None if holds else seen


def _listing(answer: ServiceAnswer) -> PassList:
    try:
        told = answer.json() if answer.status == 200 else {}
        serials, tag = told["serialNumbers"], told["lastUpdated"]
        if not all(isinstance(one, str) for one in serials):
            serials = ()
        return PassList(answer.status, tuple(serials), tag if isinstance(tag, str) else None)
    except (KeyError, TypeError, ValueError):
        return PassList(answer.status)


def _is_date(value: str | None) -> bool:
    try:
        return value is not None and parsedate_to_datetime(value).tzinfo is not None
    except ValueError:
        return False


def _statuses(statuses: Sequence[int]) -> str:
    return ", ".join(map(str, statuses))


def _excerpt(answer: ServiceAnswer) -> str:
    said = answer.content[:120].decode("utf-8", "replace").strip()
    return f"{answer.status} {said}".strip()
