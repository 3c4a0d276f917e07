"""What the sandbox's phone and till ask over HTTP: with time limits, with the time it took, and
kept for people to read."""

import json
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from ledger.languages import Language
from wallet.sandbox import words
from wallet.sandbox.troubles import NoAnswer

KEPT = 200  # exchanges
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 10.0
MOST_REDIRECTS = 3
MOST_ANSWER_BYTES = 11_000_000  # more than any pass may have

# Tokens, device identifiers, serial and card numbers: everything that is too long for a word.
SECRET = re.compile(r"[0-9A-Za-z_-]{20,}|[0-9]{10,}")
SHOWN_OF_A_SECRET = 6  # characters

Who = Literal["phone", "android", "till", "apple", "google"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `purpose`: the word for what the request was for. The path is
    shortened, so that a picture of the screen shows no token. No status means that no answer
    came."""

    number: int
    at: datetime
    who: Who
    method: str
    path: str
    status: int | None
    ms: float | None
    purpose: str

    def sentence(self, language: Language) -> str:
        return words.exchange(self.purpose, self.status, language)


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """`at` is the moment when the answer had arrived."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    at: datetime

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Raises ValueError for what is not JSON."""
        return json.loads(self.content)


class Journal:
    """The newest exchanges, for readers who wait for more. Safe to share between threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=kept)
        self._news = threading.Condition()
        self._numbered = 0
        self.revision = 0

    def record(
        self, who: Who, method: str, url: str, status: int | None, ms: float | None, purpose: str
    ) -> None:
        with self._news:
            self._numbered += 1
            self._exchanges.append(
                Exchange(
                    number=self._numbered,
                    at=datetime.now(UTC),
                    who=who,
                    method=method,
                    path=shortened(url),
                    status=status,
                    ms=ms,
                    purpose=purpose,
                )
            )
            self._bump()

    def touch(self) -> None:
        """Note that something else changed that readers of this journal look at."""
        with self._news:
            self._bump()

    def _bump(self) -> None:
        self.revision += 1
        self._news.notify_all()

    def after(self, number: int) -> list[Exchange]:
        """The exchanges after that number, oldest first."""
        with self._news:
            return [exchange for exchange in self._exchanges if exchange.number > number]

    def wait(self, revision: int, wait_s: float) -> int:
        """The revision; returns as soon as it differs from this one, or when the time is up."""
        with self._news:
            self._news.wait_for(lambda: self.revision != revision, wait_s)
            return self.revision


class ExchangeCaller:
    """Makes requests in the name of a phone or a till."""

    def __init__(self, who: Who, agent: str, journal: Journal) -> None:
        self._who: Who = who
        self._agent = agent
        self._journal = journal

    def ask(
        self,
        method: str,
        url: str,
        purpose: str | None,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        follow_redirects: bool = False,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> ServiceAnswer:
        """The answer, whatever its status. Raises `NoAnswer`. An exchange without a purpose is not
        kept."""
        began = time.perf_counter()
        status = None
        try:
            # A new connection each time: one that is idle between two clicks may be closed at this
            # very moment.
            with requests.Session() as session:
                # No proxy for this machine's own addresses, and no passwords from ~/.netrc.
                session.trust_env = False
                session.max_redirects = MOST_REDIRECTS
                with session.request(
                    method,
                    url,
                    headers={"User-Agent": self._agent, **(headers or {})},
                    json=body,
                    timeout=(CONNECT_TIMEOUT_S, answer_timeout_s),
                    allow_redirects=follow_redirects,
                    stream=True,
                ) as response:
                    content = _read(response, began + answer_timeout_s)
                    answered_at = datetime.now(UTC)
                    status = response.status_code
                    return ServiceAnswer(status, response.headers, content, answered_at)
        except (requests.RequestException, ValueError) as error:
            raise NoAnswer(_where(url)) from error
        finally:
            if purpose is not None:
                ms = 1000 * (time.perf_counter() - began)
                self._journal.record(self._who, method, url, status, ms, purpose)


def shortened(url: str) -> str:
    """Path and query of an address; everything that could be a secret is cut to its beginning."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return SECRET.sub(lambda match: f"{match[0][:SHOWN_OF_A_SECRET]}…", path)


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else url[:100]


def _read(response: requests.Response, deadline: float) -> bytes:
    """The body, cut off where it grows too long, and for no longer than agreed."""
    content = bytearray()
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > MOST_ANSWER_BYTES:
            break
        if time.perf_counter() > deadline:
            raise requests.Timeout
    return bytes(content)
