"""What Google posts after a person saved or removed a card, signed as ECv2SigningOnly.

The keys are made anew at each start; `/gp/m/issuer/keys` answers the root's public half."""

import base64
import json
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import requests
import structlog
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SENDER = "GooglePayPasses"
PROTOCOL = "ECv2SigningOnly"
AGENT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ROOT_LIVES = timedelta(days=1)
INTERMEDIATE_LIVES = timedelta(hours=6)
MESSAGE_LIVES = timedelta(minutes=10)
FOREIGN_ISSUER = "3388000000099999999"
MOST_WAITING = 1000
GAPS_S = (0.5, 2.0, 5.0)  # between tries
TIMEOUT_S = 10.0

CallbackKind = Literal["save", "del"]
Oddity = Literal["duplicate", "late", "expired", "foreign_issuer", "bad_signature", "silence"]
ODDITIES: tuple[Oddity, ...] = get_args(Oddity)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CardEvent:
    """What a person did to a card."""

    event: CallbackKind
    class_id: str
    object_id: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A callback on its way."""

    urls: tuple[str, ...]
    envelope: bytes
    wait_s: float = 0.0


class CallbackSigner:
    """Signs callbacks: a root key signs an intermediate key, which signs the message."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._root = ec.generate_private_key(ec.SECP256R1())
        self._intermediate = ec.generate_private_key(ec.SECP256R1())

    def root_keys(self, now: datetime) -> dict[str, object]:
        """The answer of `/gp/m/issuer/keys`."""
        key = {
            "keyValue": _public(self._root),
            "protocolVersion": PROTOCOL,
            "keyExpiration": str(_millis(now + ROOT_LIVES)),
        }
        return {"keys": [key]}

    def envelope(
        self, happening: CardEvent, now: datetime, odd: frozenset[Oddity] = frozenset()
    ) -> bytes:
        """The body of a callback; oddities spoil it on purpose."""
        lives = -MESSAGE_LIVES if "expired" in odd else MESSAGE_LIVES
        message = {
            "classId": happening.class_id,
            "objectId": happening.object_id,
            "expTimeMillis": _millis(now + lives),
            "eventType": happening.event,
            "nonce": str(uuid.uuid4()),
            "count": 1,
        }
        signed_message = json.dumps(message)
        issuer = FOREIGN_ISSUER if "foreign_issuer" in odd else self._issuer
        expires = str(_millis(now + INTERMEDIATE_LIVES))
        signed_key = json.dumps({"keyValue": _public(self._intermediate), "keyExpiration": expires})
        signature = _sign(self._intermediate, SENDER, issuer, PROTOCOL, signed_message)
        if "bad_signature" in odd:
            signature = _sign(self._root, SENDER, issuer, PROTOCOL, signed_message)
        whole = {
            "signature": signature,
            "intermediateSigningKey": {
                "signedKey": signed_key,
                "signatures": [_sign(self._root, SENDER, PROTOCOL, signed_key)],
            },
            "protocolVersion": PROTOCOL,
            "signedMessage": signed_message,
        }
        return json.dumps(whole).encode()


class Postman:
    """Delivers callbacks in a thread of its own, in order, with a few tries each; then it gives up,
    as Google does. `odd` makes callbacks from then on odd: twice, late, expired, wrongly signed, or
    not sent at all."""

    def __init__(
        self,
        seal: CallbackSigner,
        clock: Callable[[], datetime],
        url: str | None,
        late_s: float = 1.0,
    ) -> None:
        self.odd: frozenset[Oddity] = frozenset()
        self.late_s = late_s
        self.url = url
        self._seal = seal
        self._clock = clock
        self._waiting: deque[Letter] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()
        self._busy = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="google-callbacks", daemon=True)
        self._thread.start()

    def post(self, happening: CardEvent, class_url: str | None) -> None:
        """Send to the class's address, and to the address that the stand-in was given: the sandbox
        speaks plain HTTP, and a class may name only https."""
        urls = tuple(dict.fromkeys(url for url in (class_url, self.url) if url))
        if not urls or "silence" in self.odd:
            return
        envelope = self._seal.envelope(happening, self._clock(), self.odd)
        letter = Letter(urls, envelope, self.late_s if "late" in self.odd else 0.0)
        with self._changed:
            self._waiting.extend([letter, letter] if "duplicate" in self.odd else [letter])
            self._changed.notify_all()

    def settled(self, wait_s: float) -> bool:
        """Wait until no callback is on its way; True as soon as that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, wait_s)

    def close(self) -> None:
        self._closed.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(TIMEOUT_S)

    def _work(self) -> None:
        while not self._closed.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
                if self._closed.is_set():
                    return
                letter = self._waiting.popleft()
                self._busy = True
            self._closed.wait(letter.wait_s)
            for url in letter.urls:
                self._deliver(url, letter.envelope)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _deliver(self, url: str, envelope: bytes) -> None:
        headers = {"Content-Type": "application/json", "User-Agent": AGENT}
        for gap_s in (*GAPS_S, None):
            try:
                with requests.Session() as session:
                    session.trust_env = False
                    answer = session.post(url, envelope, headers=headers, timeout=TIMEOUT_S)
                # A refusal is final; trouble may pass.
                if answer.status_code < 500:
                    return
                log.info("google_callback_failed", status=answer.status_code)
            except requests.RequestException as error:
                log.info("google_callback_failed", error=type(error).__name__)
            if gap_s is None or self._closed.wait(gap_s):
                return


def _sign(key: ec.EllipticCurvePrivateKey, *parts: str) -> str:
    """Over each part behind its length in bytes, four of them, the lowest first."""
    encoded = [part.encode() for part in parts]
    data = b"".join(len(part).to_bytes(4, "little") + part for part in encoded)
    return base64.b64encode(key.sign(data, ec.ECDSA(hashes.SHA256()))).decode()


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
