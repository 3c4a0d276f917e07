"""How often one caller may ask, by group of addresses: a key of the API, elsewhere an address.

Counted in the broker's Redis where there is one, else in each process. When counting fails, the
request goes through: a limit protects the service and must not be what brings it down."""

import hashlib
import time

import structlog
from flask import Flask, Request, Response, request
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
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

log = structlog.get_logger()


class RateLimits:
    """The limits of one installation."""

    def __init__(self, settings: Settings) -> None:
        url = settings.broker_url if settings.broker_url.startswith("redis") else "memory://"
        self._limiter = FixedWindowRateLimiter(storage_from_string(url))
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


def _caller(asked: Request, group: str) -> str:
    """At the API a key: many shops may stand behind one address. Never kept as it is."""
    key = asked.headers.get("Authorization", "")
    if group == "api" and key.startswith("Bearer "):
        return hashlib.sha256(key.encode()).hexdigest()[:32]
    return _address(asked)


def _address(asked: Request) -> str:
    return asked.remote_addr or "unknown"
