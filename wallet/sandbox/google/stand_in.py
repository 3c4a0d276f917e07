"""Google Wallet for one issuer, in this process: who may call, what is kept, who is told."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from wallet.sandbox.google.account import Doorkeeper, SandboxAccount, save_claims
from wallet.sandbox.google.callbacks import (
    ODDITIES,
    CallbackKind,
    CallbackSigner,
    CardEvent,
    Oddity,
    Postman,
)
from wallet.sandbox.google.faults import Faults
from wallet.sandbox.google.refusals import GoogleRefusal
from wallet.sandbox.google.resources import LISTED, OBJECTS, Resources, StoredKind
from wallet.sandbox.google.schema import JsonBody

RATE_PER_S = 20
HANG_S = 30.0  # that a request waits whose answer is lost; callers give up sooner


@dataclass(frozen=True, slots=True)
class GoogleStats:
    """Counts since the start. `refused`: answers of 400 and above; `parts`: calls inside
    batches."""

    requests: int = 0
    parts: int = 0
    refused: int = 0


class GoogleStandIn:
    """Google Wallet for one issuer. Tokens, quotas and callbacks go by `clock`; requests a second
    are counted by the machine's clock. Callbacks go to `callback_url` besides the class's own
    address."""

    def __init__(
        self,
        issuer: str,
        account: SandboxAccount,
        clock: Callable[[], datetime],
        *,
        callback_url: str | None = None,
        rate_per_s: int = RATE_PER_S,
    ) -> None:
        self.account = account
        self.clock = clock
        self.resources = Resources(issuer, clock)
        self.doorkeeper = Doorkeeper(account)
        self.faults = Faults()
        self.seal = CallbackSigner(issuer)
        self.postman = Postman(self.seal, clock, callback_url)
        self.rate_per_s = rate_per_s
        # Whether calls inside a batch count towards the rate is not published.
        self.parts_count = False
        # How long a request hangs whose answer is lost; callers give up sooner.
        self.hang_s = HANG_S
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._stats = GoogleStats()
        self._closed = threading.Event()

    def save(self, token: str) -> list[str]:
        """A person saves what a link holds: resources that are new are made, known ones stay as
        they are. Returns the ids of the objects."""
        payload = self._made(token)
        ids = [str(one.get("id")) for kind in OBJECTS for one in payload.get(kind.listed, [])]
        if not ids:
            raise GoogleRefusal(400, "invalid", "Invalid JWT: there is no object to save.")
        for id_ in ids:
            self._hold(id_, "save")
        return ids

    def remove(self, object_id: str) -> None:
        """A person takes the card out of their wallet."""
        self._hold(object_id, "del")

    def insert_token(self, token: str) -> JsonBody:
        """What `jwt.insert` does: keep the classes and objects of a token, so that the link can be
        short."""
        payload = self._made(token)
        return {
            name: [self.resources.get(kind, str(one["id"])) for one in payload.get(name, [])]
            for name, kind in LISTED.items()
            if payload.get(name)
        }

    def callbacks(self, *odd: Oddity) -> None:
        """Make callbacks odd in these ways from now on; with none, they are as they should be."""
        if unknown := set(odd) - set(ODDITIES):
            raise ValueError(f"no such oddity: {', '.join(sorted(unknown))}")
        self.postman.odd = frozenset(odd)

    def count(self, *, parts: int = 0) -> None:
        """Count a request. Raises a refusal with 429 if it is one too many in this second."""
        with self._lock:
            stats, weight = self._stats, 1 + (parts if self.parts_count else 0)
            self._stats = GoogleStats(stats.requests + 1, stats.parts + parts, stats.refused)
            now = time.monotonic()
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if len(self._recent) + weight > self.rate_per_s:
                raise GoogleRefusal(
                    429, "rateLimitExceeded", "Quota exceeded for quota metric 'Requests'."
                )
            self._recent.extend([now] * weight)

    def count_refusal(self) -> None:
        with self._lock:
            stats = self._stats
            self._stats = GoogleStats(stats.requests, stats.parts, stats.refused + 1)

    @property
    def stats(self) -> GoogleStats:
        return self._stats

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    def hang(self) -> None:
        """Keep a request waiting, at most until the stand-in closes."""
        self._closed.wait(self.hang_s)

    def close(self) -> None:
        self._closed.set()
        self.postman.close()

    def _made(self, token: str) -> dict[str, list[JsonBody]]:
        payload = save_claims(self.account, token, self.clock())
        for name, kind in LISTED.items():
            for one in payload.get(name, []):
                self._insert_if_new(kind, one)
        return payload

    def _insert_if_new(self, kind: StoredKind, body: JsonBody) -> None:
        try:
            self.resources.get(kind, str(body.get("id")))
        except GoogleRefusal as refusal:
            # A skinny one names what must be there already.
            if refusal.status != 404 or set(body) <= {"id", "classId"}:
                raise
            self.resources.insert(kind, body)

    def _hold(self, object_id: str, event: CallbackKind) -> None:
        if self.resources.hold(object_id, is_held=event == "save"):
            card = self.resources.card(object_id)
            options = card.class_.get("callbackOptions", {})
            happening = CardEvent(event, card.class_["id"], object_id)
            self.postman.post(happening, options.get("url"))
