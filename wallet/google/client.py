"""Google's REST API: one call, one reply.

Paths and verbs: Google Wallet API v1. Meaning of errors: its "Error codes", and what public threads
add to them: a notification quota that is used up answers 403, not 429."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
import requests
import structlog
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request

from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.google.account import ServiceAccount

ResourceKind = Literal[
    "loyaltyClass",
    "loyaltyObject",
    "offerClass",
    "offerObject",
    "giftCardClass",
    "giftCardObject",
    "genericClass",
    "genericObject",
]

CONNECT_LIMIT_S = 3.0
ANSWER_LIMIT_S = 10.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
UNREACHABLE = "unreachable"  # how a reason begins if there was no answer
LONGEST_TEXT = 300  # characters of Google's words that are kept
# A server in trouble may ask for a pause of any length; we do not wait longer than this.
LONGEST_PAUSE = timedelta(hours=1)

TOO_FAST = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
NOTICES_USED_UP = "quotaExceeded"

log = structlog.get_logger()


class ReplyVerdict(enum.Enum):
    """What an answer means for our next step; `WAIT` says how long to wait before it."""

    TAKEN = "taken"
    MISSING = "missing"
    EXISTS = "exists"
    NO_MORE_NOTICES = "no_more_notices"
    WRONG = "wrong"
    TOO_FAST = "too_fast"
    PASSING = "passing"
    UNREACHABLE = "unreachable"
    OPERATOR_NEEDED = "mend"


WAIT = {
    ReplyVerdict.NO_MORE_NOTICES: timedelta(hours=1),
    ReplyVerdict.TOO_FAST: timedelta(seconds=2),
    ReplyVerdict.PASSING: timedelta(seconds=5),
    ReplyVerdict.UNREACHABLE: timedelta(seconds=15),
    ReplyVerdict.OPERATOR_NEEDED: timedelta(minutes=10),
}
# These would happen to every other card as well, so no card is tried for a while.
FOR_ALL = frozenset({ReplyVerdict.TOO_FAST, ReplyVerdict.UNREACHABLE, ReplyVerdict.OPERATOR_NEEDED})
# After these Google has done what it was asked for, or may have.
MAYBE_DONE = frozenset({ReplyVerdict.TAKEN, ReplyVerdict.PASSING, ReplyVerdict.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to one call. `outcome` is what to do about it, `found` is what was read."""

    outcome: Outcome
    meaning: ReplyVerdict | None = None
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> bool:
        """There is no such class or object."""
        return self.meaning is ReplyVerdict.MISSING

    @property
    def exists(self) -> bool:
        """The class or object was inserted before, perhaps by a call whose answer was lost."""
        return self.meaning is ReplyVerdict.EXISTS

    @property
    def no_more_notices(self) -> bool:
        """Google would accept the same call without a notification."""
        return self.meaning is ReplyVerdict.NO_MORE_NOTICES

    @property
    def undone(self) -> bool:
        """Whether Google has certainly changed nothing."""
        return self.meaning not in MAYBE_DONE


class Google:
    """Google's API for one account. Safe to share between threads. The first call fetches the
    access token; it is fetched again when it expires or Google says that it did."""

    def __init__(self, api_url: str, account: ServiceAccount) -> None:
        self._base = f"{api_url.rstrip('/')}/walletobjects/v1"
        refreshing = requests.Session()
        self._session = AuthorizedSession(  # type: ignore[no-untyped-call]
            account.credentials,
            max_refresh_attempts=1,
            auth_request=Request(refreshing),
        )
        if urlsplit(api_url).hostname in LOOPBACK:
            # A proxy of the environment leads to the outside, not back to this machine.
            refreshing.trust_env = self._session.trust_env = False

    def insert(
        self, kind: ResourceKind, body: Mapping[str, object], now: datetime, limit_s: float
    ) -> Reply:
        """Insert a class or an object. `limit_s` is the time for the whole call."""
        return self._call("POST", kind, body, now, limit_s)

    def patch(
        self,
        kind: ResourceKind,
        id_: str,
        body: Mapping[str, object],
        now: datetime,
        limit_s: float,
    ) -> Reply:
        """Change a class or an object: its parts are merged with those of the body, lists are
        replaced."""
        return self._call("PATCH", f"{kind}/{id_}", body, now, limit_s)

    def add_message(
        self,
        kind: ResourceKind,
        id_: str,
        message: Mapping[str, object],
        now: datetime,
        limit_s: float,
    ) -> Reply:
        """Add a message to a class or an object. It must not be repeated blindly: each call adds a
        message."""
        return self._call("POST", f"{kind}/{id_}/addMessage", {"message": message}, now, limit_s)

    def get(
        self, kind: ResourceKind, id_: str, names: Iterable[str], now: datetime, limit_s: float
    ) -> Reply:
        """Read these fields of a class or an object into `found`."""
        return self._call("GET", f"{kind}/{id_}?fields={','.join(names)}", None, now, limit_s)

    def close(self) -> None:
        """Close the connections. The object must not be used afterwards."""
        self._session.close()  # type: ignore[no-untyped-call]

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        now: datetime,
        limit_s: float,
    ) -> Reply:
        try:
            response = self._session.request(  # type: ignore[no-untyped-call]
                method,
                f"{self._base}/{path}",
                data=None if body is None else orjson.dumps(body),
                headers={"Content-Type": "application/json"},
                timeout=(min(CONNECT_LIMIT_S, limit_s), limit_s),
                max_allowed_time=limit_s,
                allow_redirects=False,
            )
        except (requests.RequestException, GoogleAuthError) as error:
            meaning, reason = _of_failure(error)
            return _reply(meaning, reason, now)
        meaning, reason = _of_answer(response)
        if method == "GET" and meaning is ReplyVerdict.TAKEN:
            return _found(response, now)
        return _reply(meaning, reason, now, _retry_after(response, now))


def _found(response: requests.Response, now: datetime) -> Reply:
    try:
        found = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        # A machine between us and Google has answered; the next time Google may.
        return _reply(ReplyVerdict.PASSING, "not JSON", now)
    return Reply(Sent(), ReplyVerdict.TAKEN, found)


def _reply(
    meaning: ReplyVerdict, reason: str, now: datetime, asked_for: timedelta | None = None
) -> Reply:
    if meaning is ReplyVerdict.OPERATOR_NEEDED or meaning is ReplyVerdict.WRONG:
        log.error("google_fault", meaning=meaning.value, reason=reason)
    elif meaning in WAIT:
        log.warning("google_trouble", meaning=meaning.value, reason=reason)
    match meaning:
        case ReplyVerdict.TAKEN:
            return Reply(Sent(), meaning)
        case ReplyVerdict.WRONG | ReplyVerdict.MISSING | ReplyVerdict.EXISTS:
            return Reply(Rejected(reason), meaning)
    until = now + (asked_for or WAIT[meaning])
    return Reply(Deferred(until, reason, pause=meaning in FOR_ALL), meaning)


def is_down(reason: str) -> bool:
    """Whether a call was deferred for this reason because Google's API is not to be had. Others are
    our own trouble, such as a key that Google does not accept."""
    return reason.startswith((UNREACHABLE, "408", "5"))


def _of_failure(error: Exception) -> tuple[ReplyVerdict, str]:
    """What a call without an answer means. After a time limit Google may have done it all the same:
    every call of ours can be repeated."""
    if isinstance(error, RefreshError) and not error.retryable:
        # The key was deleted, or the account, or the machine's clock is wrong.
        return ReplyVerdict.OPERATOR_NEEDED, f"no_token: {error}"[:LONGEST_TEXT]
    if isinstance(error, requests.RequestException | TransportError | RefreshError):
        return ReplyVerdict.UNREACHABLE, f"{UNREACHABLE}: {type(error).__name__}"
    return ReplyVerdict.OPERATOR_NEEDED, f"unusable: {error}"[:LONGEST_TEXT]


def _of_answer(response: requests.Response) -> tuple[ReplyVerdict, str]:
    status = response.status_code
    if 200 <= status < 300:
        return ReplyVerdict.TAKEN, ""
    reason, text = _error(response)
    said = f"{status} {reason} {text}".strip()[:LONGEST_TEXT]
    if status == 404:
        return ReplyVerdict.MISSING, said
    if status == 409:
        return ReplyVerdict.EXISTS, said
    if status == 429 or (status == 403 and reason in TOO_FAST):
        return ReplyVerdict.TOO_FAST, said
    if status == 403 and reason == NOTICES_USED_UP:
        return ReplyVerdict.NO_MORE_NOTICES, said
    if status in (401, 403):
        # Mostly the account was not invited in the Wallet console, under Users. Nothing is lost
        # meanwhile.
        return ReplyVerdict.OPERATOR_NEEDED, said
    if status >= 500 or status == 408:
        return ReplyVerdict.PASSING, said
    return ReplyVerdict.WRONG, said


def _error(response: requests.Response) -> tuple[str, str]:
    """Google's reason and text; both are empty if a machine between us and Google has answered."""
    try:
        error = orjson.loads(response.content)["error"]
        errors = error.get("errors") or [{}]
        return str(errors[0].get("reason", "")), str(error.get("message", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, IndexError):
        return "", ""


def _retry_after(response: requests.Response, now: datetime) -> timedelta | None:
    """How long the server asks us to wait (RFC 9110: seconds, or a date); None if it does not."""
    value = response.headers.get("Retry-After", "")
    try:
        wait = timedelta(seconds=int(value))
    except (ValueError, OverflowError):
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(wait, LONGEST_PAUSE) if wait > timedelta() else None
