"""`wallet phone --wallet google`: the life of a card that `story` tells, in an Android phone."""

import contextlib
import statistics
import time
from collections.abc import Sequence

from ledger.languages import Language
from wallet.configuration.settings import DEMO, Settings
from wallet.google.reading import AndroidCard, balance
from wallet.sandbox import drawing, words
from wallet.sandbox.android import AndroidChange, VirtualAndroid
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.shop import Customer, Shop
from wallet.sandbox.telling import Say, StoryWish, Telling, whole_ms
from wallet.sandbox.troubles import SandboxTrouble

NEWS_S = 20.0  # for the card to change after the till did something
WATCH_S = 20.0  # that one question for news may wait


class AndroidStory:
    """One Android phone, one till, and what happens between them."""

    def __init__(self, settings: Settings, wish: StoryWish, say: Say) -> None:
        self._wish = wish
        self._language: Language = wish.language
        journal = Journal()
        self._telling = Telling(self._language, say, journal)
        self._shop = Shop(wish.url, settings.api_key, journal)
        self._phone = VirtualAndroid.of(settings, wish.language, journal)

    def whole(self) -> None:
        telling = self._telling
        telling.say("google_title")
        telling.say("google_real_phones")
        telling.step("join", programme=DEMO)
        with telling.exchanges():
            name = words.said("story.customer", self._language)
            customer = self._shop.join(DEMO, name, self._language)
        if customer.google is None:
            raise SandboxTrouble("google_not_set_up")
        card = self._add(customer.google)
        delays = [self._accrue(customer)]
        if self._wish.repeat > 1:
            telling.step("more", times=self._wish.repeat - 1, points=self._wish.points)
            delays += [self._accrue_again(customer, n) for n in range(2, self._wish.repeat + 1)]
            median = whole_ms(statistics.median(delays))
            telling.say("google_median", times=len(delays), ms=median)
        self._offer(customer)
        telling.step("remove")
        with telling.exchanges():
            self._phone.remove(card.id)
        telling.echo("")
        telling.say("done")

    def follow(self, address: str) -> None:
        """Add the card at `address` and tell every change of it, until Ctrl-C."""
        self._telling.say("google_real_phones")
        self._add(address)
        self._telling.echo("")
        self._telling.say("watch")
        try:
            self._watch()
        except KeyboardInterrupt:
            self.leave()
            self._telling.echo("")
            self._telling.say("removed")

    def leave(self) -> None:
        """Remove what is still in the phone, if the stand-in is there to hear of it."""
        with contextlib.suppress(SandboxTrouble):
            for card in self._phone.cards:
                self._phone.remove(card.id)

    def _add(self, address: str) -> AndroidCard:
        self._telling.step("add")
        with self._telling.exchanges():
            card = self._phone.add(address)
        self._telling.echo(drawing.draw_android(card, self._language))
        return card

    def _watch(self) -> None:
        for changes in self._telling.heard(lambda: self._phone.hear(WATCH_S)):
            self._tell(changes)

    def _accrue(self, customer: Customer) -> float:
        """The first accrual, told in full. Returns the milliseconds from the till's answer to the
        card's change."""
        self._telling.step("accrue", points=self._wish.points)
        with self._telling.exchanges():
            delay, changes = self._accrue_and_wait(customer)
        self._telling.say("google_latency", ms=whole_ms(delay))
        self._tell(changes)
        return delay

    def _accrue_again(self, customer: Customer, number: int) -> float:
        delay, changes = self._accrue_and_wait(customer)
        self._telling.skip()
        shown = changes[-1].fields(self._language)[0].after
        self._telling.say("one_of", number=number, ms=whole_ms(delay), shown=shown)
        return delay

    def _accrue_and_wait(self, customer: Customer) -> tuple[float, list[AndroidChange]]:
        reason = words.said("story.reason", self._language)
        done = self._shop.accrue(customer.card, self._wish.points, reason)
        points = balance({"int": done.points}, self._language)
        changes = self._wait_until(points)
        return 1000 * (changes[-1].at - done.at).total_seconds(), changes

    def _offer(self, customer: Customer) -> None:
        self._telling.step("offer")
        title = words.said("offer.1", self._language)
        with self._telling.exchanges():
            self._shop.offer(customer, title, words.said("offer.1.text", self._language))
            changes = self._wait_until(title)
        self._tell(changes)

    def _wait_until(self, shown: str) -> list[AndroidChange]:
        """Hear news until a card shows this."""
        deadline = time.monotonic() + NEWS_S
        changes: list[AndroidChange] = []
        while (left := deadline - time.monotonic()) > 0:
            changes += self._phone.hear(left)
            if any(shown in line for line in self._now_shown(changes)):
                return changes
        raise SandboxTrouble("no_google_news", seconds=round(NEWS_S))

    def _now_shown(self, changes: Sequence[AndroidChange]) -> list[str]:
        return [field.after for change in changes for field in change.fields(self._language)]

    def _tell(self, changes: Sequence[AndroidChange]) -> None:
        for change in changes:
            message = change.message(self._language)
            if message is None:
                self._telling.say("google_silent")
            else:
                title = words.said("story.lock_screen", self._language)
                programme = change.after.programme(self._language)
                self._telling.echo(f"{title}: {programme} · {message}")
            for field in change.fields(self._language):
                before, after = map(drawing.in_one_line, (field.before, field.after))
                self._telling.echo(f"  {field.label}: {before} → {after}")
            self._telling.echo(drawing.draw_android(change.after, self._language))
