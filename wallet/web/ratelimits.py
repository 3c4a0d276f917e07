"""How often one caller may ask, by group of addresses. The caller is a key at the API, elsewhere an
address.

Each process counts for itself. Where the broker is Redis, processes also count together in it, but
only once in so many requests (a lump): asking Redis at every request would cost as much as the
answer. So each process may let one lump too many through. If counting fails, the request goes
through: a limit protects the service and must not be what brings it down."""

import hashlib
import threading
import time

import structlog
from flask import Flask, Request, Response, request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage, storage_from_string
from werkzeug.exceptions import TooManyRequests

from wallet.access import networks
from wallet.configuration.settings import Settings
from wallet.problems import of_status

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
    "/find/": "find",
    "/joined/": "find",
    "/card/": "card",
    "/console/sign-in": "door",
    "/console/welcome/": "door",
    "/console/forgotten": "door",
    "/console/me/": "door",
}
ONLY_FORMS = frozenset({"join", "door", "find"})  # to look at one costs nothing


LUMPS = 50  # that make up a limit where processes count together
FEWEST_CLEARED = 10_000  # windows; with fewer there is nothing worth clearing away

log = structlog.get_logger()


class RateLimits:
    """The limits of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._shared = _shared(settings.broker_url)
        self._here = Counts()
        self._spent = Counts()  # callers who have none left, until their window ends
        self._limits = {name: parse(limit) for name, limit in settings.rate_limits.items()}

    def add_to(self, app: Flask) -> None:
        """Refuse requests over a limit with 429 and Retry-After, before their view is called."""
        app.before_request(self._check)
        app.after_request(self._count_guesses)

    def _check(self) -> None:
        asked, path = request, request.path
        group = next((name for start, name in GROUPS.items() if path.startswith(start)), "")
        limit = self._limits.get(group)
        if limit is None or (group in ONLY_FORMS and asked.method != "POST"):
            return
        caller = f"{group}/{_caller(asked, group)}"
        self._require_any_left(caller)
        if not self._count(limit, caller):
            self._require_any_left(caller)

    def _require_any_left(self, who: str) -> None:
        if self._spent.get(who):
            raise TooManyRequests(retry_after=self._wait_s(who))

    def _wait_s(self, who: str) -> int:
        return max(1, round(self._spent.ends_at(who) - time.time()))

    def _count_guesses(self, response: Response) -> Response:
        """Count requests with an unknown key by their address: each guessed key must not open a
        count of its own. Known keys of that address are never refused for it: behind one address
        there may be a system with a revoked key and all the tills of a shop."""
        if response.status_code != 401 or not request.path.startswith("/api/v1/"):
            return response
        guesser = _guesser(request)
        if not self._spent.get(guesser) and self._count(self._limits["guess"], guesser):
            return response
        refused = of_status(429)
        refused.headers["Retry-After"] = str(self._wait_s(guesser))
        return refused

    def _count(self, limit: RateLimitItem, who: str) -> bool:
        """Count a request; False if it is one too many. The last one that fits notes that the
        caller has none left."""
        lasts_s = limit.get_expiry()
        hits = self._here.add(who, lasts_s)
        ends_at = self._here.ends_at(who)
        if self._shared is not None:
            lump = max(1, limit.amount // LUMPS)
            if hits % lump:
                return True
            try:
                hits = self._shared.incr(f"limit/{who}", lasts_s, lump)
                if hits >= limit.amount:
                    ends_at = self._shared.get_expiry(f"limit/{who}")
            except Exception as error:
                log.warning("rate_not_counted", error=type(error).__name__)
                return True
        if hits >= limit.amount:
            self._spent.add(who, ends_at - time.time())
        return hits <= limit.amount


class Counts:
    """Hits of this process, by a name and a window of time."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[int, float]] = {}  # hits, and the end of the window
        self._clear_at = FEWEST_CLEARED
        self._turn = threading.Lock()

    def add(self, name: str, lasts_s: float) -> int:
        """Count a hit, and return how many there are in the window. It begins with its first hit
        and lasts `lasts_s`."""
        now = time.time()
        with self._turn:
            hits, ends_at = self._windows.get(name, (0, 0.0))
            if ends_at <= now:
                hits, ends_at = 0, now + lasts_s
                if len(self._windows) >= self._clear_at:
                    self._clear_away(now)
            self._windows[name] = hits + 1, ends_at
        return hits + 1

    def get(self, name: str) -> int:
        """How many hits the window has; 0 once it is over."""
        hits, ends_at = self._windows.get(name, (0, 0.0))
        return hits if ends_at > time.time() else 0

    def ends_at(self, name: str) -> float:
        """When the window ends, in seconds since 1970; now if there is none."""
        return self._windows.get(name, (0, time.time()))[1]

    def _clear_away(self, now: float) -> None:
        """Drop windows that are over; next when twice as many stand here as are left now."""
        self._windows = {name: one for name, one in self._windows.items() if one[1] > now}
        self._clear_at = max(FEWEST_CLEARED, 2 * len(self._windows))


def _shared(url: str) -> RedisStorage | None:
    storage = storage_from_string(url) if url.startswith("redis") else None
    return storage if isinstance(storage, RedisStorage) else None


def _caller(asked: Request, group: str) -> str:
    """At the API the key, as a hash: many shops may stand behind one address. Elsewhere the
    address."""
    key = asked.headers.get("Authorization", "")
    if group == "api" and key.startswith("Bearer "):
        return hashlib.sha256(key.encode()).hexdigest()[:32]
    return _address(asked)


def _guesser(asked: Request) -> str:
    return f"guess/{_address(asked)}"


def _address(asked: Request) -> str:
    return networks.counted(asked.remote_addr or "unknown")
