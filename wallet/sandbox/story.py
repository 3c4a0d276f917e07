"""`wallet phone`: a card's whole life in the terminal, from joining to removal, in plain words."""

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from ledger.languages import Language
from wallet.apple.reading import OpenedPass
from wallet.configuration.settings import DEMO, Settings
from wallet.sandbox import drawing, words
from wallet.sandbox.android_story import AndroidStory
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.phone import CardChange, VirtualPhone
from wallet.sandbox.shop import Customer, Shop
from wallet.sandbox.telling import Say, StoryWish, Telling, whole_ms
from wallet.sandbox.troubles import SandboxTrouble

PUSH_S = 20.0  # for the pass to change after the till did something
WATCH_S = 20.0  # that one question for pushes may wait


def tell(settings: Settings, wish: StoryWish, say: Say) -> None:
    """Tell the story, or follow the card that was given. Raises `SandboxTrouble`."""
    if not settings.in_sandbox:
        raise SandboxTrouble("not_in_production")
    story = (AndroidStory if wish.wallet == "google" else Story)(settings, wish, say)
    try:
        if wish.card is not None:
            story.follow(wish.card)
        else:
            story.whole()
    finally:
        story.leave()


class Story:
    """One phone, one till, and what happens between them."""

    def __init__(self, settings: Settings, wish: StoryWish, say: Say) -> None:
        self._wish = wish
        self._language: Language = wish.language
        self._journal = Journal()
        self._telling = Telling(self._language, say, self._journal)
        self._shop = Shop(wish.url, settings.api_key, self._journal)
        self._phone = VirtualPhone.of(settings, wish.language, self._journal)

    def whole(self) -> None:
        self._telling.say("title")
        self._telling.say("real_phones")
        self._telling.step("join", programme=DEMO)
        with self._telling.exchanges():
            name = words.said("story.customer", self._language)
            customer = self._shop.join(DEMO, name, self._language)
        self._telling.step("add")
        with self._telling.exchanges():
            pass_ = self._phone.add(customer.apple)
        self._telling.echo(drawing.draw(pass_, self._language))
        delays = [self._accrue(customer)]
        if self._wish.repeat > 1:
            self._telling.step("more", times=self._wish.repeat - 1, points=self._wish.points)
            delays += [self._accrue_again(customer, n) for n in range(2, self._wish.repeat + 1)]
            median = whole_ms(statistics.median(delays))
            self._telling.say("median", times=len(delays), ms=median)
        self._offer(customer)
        self._pull(pass_.serial)
        self._telling.step("remove")
        with self._telling.exchanges():
            self._phone.remove(pass_.serial)
        self._telling.echo("")
        self._telling.say("done")

    def follow(self, address: str) -> None:
        """Add the card at `address` and tell every change of it, until Ctrl-C."""
        self._telling.say("real_phones")
        self._telling.step("add")
        with self._telling.exchanges():
            pass_ = self._phone.add(address)
        self._telling.echo(drawing.draw(pass_, self._language))
        self._telling.echo("")
        self._telling.say("watch")
        try:
            self._watch()
        except KeyboardInterrupt:
            self.leave()
            self._telling.echo("")
            self._telling.say("removed")

    def leave(self) -> None:
        """Remove what is still in the phone, if the service is there to hear of it."""
        with contextlib.suppress(SandboxTrouble):
            for pass_ in self._phone.passes:
                self._phone.remove(pass_.serial)

    def _watch(self) -> None:
        for push in self._telling.heard(lambda: self._phone.hear(WATCH_S)):
            if push is not None:
                self._tell_changes(push.changes)

    def _accrue(self, customer: Customer) -> float:
        """The first accrual, told in full. Returns the milliseconds from the till's answer to the
        push."""
        points = self._wish.points
        self._telling.step("accrue", points=points)
        with self._telling.exchanges():
            delay, changes = self._accrue_and_wait(customer)
        self._telling.say("latency", ms=whole_ms(delay))
        self._tell_changes(changes)
        return delay

    def _accrue_again(self, customer: Customer, number: int) -> float:
        delay, changes = self._accrue_and_wait(customer)
        self._telling.skip()
        shown = changes[-1].fields(self._language)[0].after
        self._telling.say("one_of", number=number, ms=whole_ms(delay), shown=shown)
        return delay

    def _accrue_and_wait(self, customer: Customer) -> tuple[float, list[CardChange]]:
        reason = words.said("story.reason", self._language)
        done = self._shop.accrue(customer.card, self._wish.points, reason)
        pushed_at, changes = self._wait_until(
            lambda pass_: any(field.value == done.points for field in pass_.fields)
        )
        return 1000 * (pushed_at - done.at).total_seconds(), changes

    def _offer(self, customer: Customer) -> None:
        self._telling.step("offer")
        title = words.said("offer.1", self._language)
        with self._telling.exchanges():
            self._shop.offer(customer, title, words.said("offer.1.text", self._language))
            _, changes = self._wait_until(
                lambda pass_: any(title in str(field.value) for field in pass_.fields)
            )
        self._tell_changes(changes)

    def _pull(self, serial: str) -> None:
        self._telling.step("pull")
        with self._telling.exchanges():
            self._phone.pull(serial)
        if self._journal.after(0)[-1].status != 304:
            raise SandboxTrouble("no_304")
        self._telling.say("no_news")

    def _wait_until(self, shows: Callable[[OpenedPass], bool]) -> tuple[datetime, list[CardChange]]:
        """Hear pushes until a pass shows what it should; returns when the first was accepted, and
        all that changed. Others may change the card meanwhile, so one push may not be enough."""
        deadline = time.monotonic() + PUSH_S
        first: datetime | None = None
        changes: list[CardChange] = []
        while (left := deadline - time.monotonic()) > 0:
            push = self._phone.hear(left)
            if push is None:
                continue
            first = first or push.accepted_at
            changes += push.changes
            if any(shows(change.after) for change in changes):
                return first, changes
        problem = "no_push" if first is None else "push_without_change"
        raise SandboxTrouble(problem, seconds=round(PUSH_S))

    def _tell_changes(self, changes: Sequence[CardChange]) -> None:
        for change in changes:
            self._tell_change(change)

    def _tell_change(self, change: CardChange) -> None:
        language = self._language
        message = change.message(language)
        if message is None:
            self._telling.say("silent")
        else:
            title = words.said("story.lock_screen", language)
            self._telling.echo(f"{title}: {change.after.organization} · {message}")
        for field in change.fields(language):
            before, after = map(drawing.in_one_line, (field.before, field.after))
            self._telling.echo(f"  {field.label}: {before} → {after}")
        self._telling.echo(drawing.draw(change.after, language))
