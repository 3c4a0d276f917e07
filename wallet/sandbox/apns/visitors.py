"""Who is at the other end of a connection: a certificate, or a provider token with each push.

The rules are those of Apple's "Establishing a token-based connection to APNs"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.sandbox.apns.pushes import Push, PushAnswer

ALGORITHM = "ES256"
LONGEST_LIFE = timedelta(hours=1)  # of a provider token
SHORTEST_USE = timedelta(minutes=20)  # of a token, before another may take its place
CLOCKS_DIFFER = timedelta(minutes=1)  # at the most

MISSING = PushAnswer(403, "MissingProviderToken")
INVALID = PushAnswer(403, "InvalidProviderToken")
EXPIRED = PushAnswer(403, "ExpiredProviderToken")
UNRELATED = PushAnswer(403, "UnrelatedKeyIdInToken")
TOO_MANY = PushAnswer(429, "TooManyProviderTokenUpdates")


@dataclass(frozen=True, slots=True)
class TeamKey:
    """What Apple keeps of a team's .p8 key: its name and its public half. `topics`: those it may
    push to, None for all of the team's."""

    key_id: str
    team: str
    public: ec.EllipticCurvePublicKey
    topics: frozenset[str] | None = None


class Visitor:
    """One connected client. A certificate stands for its topic, and tokens do not count then;
    without a certificate each push brings a token."""

    def __init__(
        self,
        certified_topic: str | None,
        keys: Mapping[str, TeamKey],
        clock: Callable[[], datetime],
    ) -> None:
        self._certified_topic = certified_topic
        self._keys = keys
        self._clock = clock
        self._token = ""
        self._key: TeamKey | None = None
        self._issued_at = self._since = datetime.min.replace(tzinfo=UTC)

    @property
    def is_known(self) -> bool:
        return self._certified_topic is not None or self._key is not None

    def objection(self, push: Push) -> PushAnswer | None:
        """Why Apple would not let this visitor push to this topic."""
        if self._certified_topic is None and (wrong := self._look_at_token(push)):
            return wrong
        topic = push.headers.get("apns-topic", self._certified_topic)
        if not topic:
            return PushAnswer(400, "MissingTopic" if topic is None else "BadTopic")
        return None if self._may_push_to(topic) else PushAnswer(400, "TopicDisallowed")

    def _may_push_to(self, topic: str) -> bool:
        if self._certified_topic is not None:
            return topic == self._certified_topic
        return self._key is not None and (self._key.topics is None or topic in self._key.topics)

    def _look_at_token(self, push: Push) -> PushAnswer | None:
        scheme, _, token = push.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return MISSING
        now = self._clock()
        if token != self._token:
            return self._take(token, now)
        return EXPIRED if now - self._issued_at > LONGEST_LIFE else None

    def _take(self, token: str, now: datetime) -> PushAnswer | None:
        """Use another token from now on, if it is good and the last was used for long enough."""
        read = self._read(token)
        if read is None or read[1] > now + CLOCKS_DIFFER:
            return INVALID
        key, issued_at = read
        if self._key is not None and key.key_id != self._key.key_id:
            return UNRELATED
        if now - issued_at > LONGEST_LIFE:
            return EXPIRED
        if self._token and now - self._since < SHORTEST_USE:
            return TOO_MANY
        self._token, self._key, self._issued_at, self._since = token, key, issued_at, now
        return None

    def _read(self, token: str) -> tuple[TeamKey, datetime] | None:
        """Whose key signed the token, and when; None if no key that we know did."""
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                issuer=key.team,
                # Times are judged by our own clock.
                options={"require": ["iss", "iat"], "verify_iat": False},
            )
            return key, datetime.fromtimestamp(claims["iat"], UTC)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError, OSError):
            return None
