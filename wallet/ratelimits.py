"""How often one caller may ask, by group of addresses: a key of the API, elsewhere an address.

Counted in the broker's Redis where there is one, else in each process. When counting fails, the
request goes through: a limit protects the service and must not be what brings it down."""

import hashlib
import threading
import time

import structlog
from flask import Flask, Request, Response, request
from limits import RateLimitItem, parse
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from wallet.settings import Settings

# The first that fits counts. What is not here (health, pictures, styles) is not limited.
GROUPS = {
    "/apple/v1/log": "log",
    "/api/v1/": "api",
    "/webhooks/": "webhooks",
    "/apple/": "apple",
    "/google/": "google",
    "/ledger/": "ledger",
    "/codes/": "ledger",
    "/join/": "join",
    "/card/": "card",
}

FEWEST_CLEARED = 10_000

log = structlog.get_logger()


class RateLimits:
    """The limits of one installation."""

    def __init__(self, settings: Settings) -> None:
        url = settings.broker_url
        counts = storage_from_string(url) if url.startswith("redis") else ProcessCounts()
        self._limiter = FixedWindowRateLimiter(counts)
        self._limits = {name: parse(limit) for name, limit in settings.rate_limits.items()}

    def add_to(self, app: Flask) -> None:
        app.before_request(self._check)
        app.after_request(self._count_guesses)

    def _check(self) -> Response | None:
        group = next((name for path, name in GROUPS.items() if request.path.startswith(path)), "")
        limit = self._limits.get(group)
        if limit is None or (group == "join" and request.method != "POST"):
            return None
        caller = _caller(request, group)
        if not self._may(limit, group, caller):
            raise TooManyRequests(retry_after=self._wait_s(limit, group, caller))
        guesses = self._limits["guess"]
        if group == "api" and not self._may(guesses, "guess", _address(request), only_ask=True):
            raise TooManyRequests(retry_after=self._wait_s(guesses, "guess", _address(request)))
        return None

    def _count_guesses(self, response: Response) -> Response:
        """A key that nobody has must not open a fresh count of its own."""
        if response.status_code == 401 and request.path.startswith("/api/v1/"):
            self._may(self._limits["guess"], "guess", _address(request))
        return response

    def _may(self, limit: RateLimitItem, *who: str, only_ask: bool = False) -> bool:
        try:
            return (self._limiter.test if only_ask else self._limiter.hit)(limit, *who)
        except Exception as error:
            log.warning("rate_not_counted", error=type(error).__name__)
            return True

    def _wait_s(self, limit: RateLimitItem, *who: str) -> int:
        ends_at = self._limiter.get_window_stats(limit, *who).reset_time
        return max(1, round(ends_at - time.time()))


class ProcessCounts(Storage):
    """Counts of this process alone. The library's own start a thread after nearly every request to
    clear away what is over, which cost more than the rest of the counting."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[int, float]] = {}  # hits, and the end of the window
        self._clear_at = FEWEST_CLEARED
        self._turn = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._turn:
            hits, ends_at = self._windows.get(key, (0, 0.0))
            if ends_at <= now:
                hits, ends_at = 0, now + expiry
                if len(self._windows) >= self._clear_at:
                    self._clear_away(now)
            self._windows[key] = hits + amount, ends_at
        return hits + amount

    def get(self, key: str) -> int:
        hits, ends_at = self._windows.get(key, (0, 0.0))
        return hits if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._turn:
            number = len(self._windows)
            self._windows.clear()
        return number

    def clear(self, key: str) -> None:
        with self._turn:
            self._windows.pop(key, None)

    def _clear_away(self, now: float) -> None:
        """Windows that are over, each time that twice as many stand here as were left."""
        self._windows = {key: one for key, one in self._windows.items() if one[1] > now}
        self._clear_at = max(FEWEST_CLEARED, 2 * len(self._windows))


def _caller(asked: Request, group: str) -> str:
    """At the API a key: many shops may stand behind one address. Never kept as it is."""
    key = asked.headers.get("Authorization", "")
    if group == "api" and key.startswith("Bearer "):
        return hashlib.sha256(key.encode()).hexdigest()[:32]
    return _address(asked)


def _address(asked: Request) -> str:
    return asked.remote_addr or "unknown"
