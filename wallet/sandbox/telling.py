"""How the stories of the terminal are told: steps, sentences, and exchanges between phone, till and
service."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from ledger.languages import ENGLISH, Language
from wallet.sandbox import words
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.troubles import SandboxTrouble

Say = Callable[[str], None]
NewsItem = TypeVar("NewsItem")
Wallet = Literal["apple", "google"]
WALLETS: tuple[Wallet, ...] = ("apple", "google")

TRY_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class StoryWish:
    """What the reader asked for on the command line."""

    url: str
    language: Language = ENGLISH
    card: str | None = None
    points: int = 100
    repeat: int = 1
    wallet: Wallet = "apple"


class Telling:
    """Says things in one language, line by line."""

    def __init__(self, language: Language, echo: Say, journal: Journal) -> None:
        self.echo = echo
        self._language: Language = language
        self._journal = journal
        self._told = 0
        self._steps = 0

    def step(self, name: str, **facts: object) -> None:
        self._steps += 1
        self.echo(f"\n{self._steps}. {words.said(f'story.{name}', self._language, **facts)}")

    def say(self, name: str, **facts: object) -> None:
        self.echo(words.said(f"story.{name}", self._language, **facts))

    @contextlib.contextmanager
    def exchanges(self) -> Iterator[None]:
        """Tell the exchanges of this block, even if it ends badly."""
        try:
            yield
        finally:
            unit = words.said("ms", self._language)
            for exchange in self._journal.after(self._told):
                status = "—" if exchange.status is None else str(exchange.status)
                ms = "" if exchange.ms is None else f"{exchange.ms:.0f} {unit}"
                sentence = exchange.sentence(self._language)
                self.echo(f"  {exchange.method:6} {status:>3} {ms:>8}  {sentence}")
                self.echo(f"  {'':19}  {exchange.path}")
            self.skip()

    def heard(self, hear: Callable[[], NewsItem]) -> Iterator[NewsItem]:
        """What `hear` brings, again and again, until interrupted. While a server restarts it waits,
        and says so once."""
        said = ""
        while True:
            try:
                with self.exchanges():
                    news = hear()
                said = ""
            except SandboxTrouble as trouble:
                sentence = trouble.sentence(self._language)
                if sentence != said:
                    self.echo(sentence)
                said = sentence
                time.sleep(TRY_AGAIN_S)
            else:
                yield news

    def skip(self) -> None:
        """Leave out the exchanges up to now."""
        exchanges = self._journal.after(0)
        self._told = exchanges[-1].number if exchanges else 0


def whole_ms(ms: float) -> int:
    """The time in whole milliseconds; zero for a push that came before the answer."""
    return max(0, round(ms))
