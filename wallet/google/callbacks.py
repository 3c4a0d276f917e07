"""What Google tells us: a person saved a card, or removed it.

Messages are signed with ECv2SigningOnly (Google Wallet, "Use callbacks"; the scheme is that of
Google Pay, "Payment data cryptography for merchants"): a root key of Google signs an intermediate
key, and that one signs the message. Delivery is not guaranteed: messages come twice, late or
never."""

import base64
import binascii
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

import requests
import structlog
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import strict_json
from ledger.database.tables import EPOCH, Base, Instant, insert_or
from ledger.errors import Invalid
from ledger.strict_json import JsonMalformed
from wallet.google import mirror
from wallet.google.client import LOOPBACK

# Constants of the scheme, never taken from a message.
SENDER = "GooglePayPasses"
PROTOCOL = "ECv2SigningOnly"
MOST_SIGNATURES = 8

MILLISECOND = timedelta(milliseconds=1)
# The last millisecond since 1970 that we accept: year 9999 ends soon after, and Python's dates too.
LAST_MS = 253_000_000_000_000
# A forged message makes us look for new keys, and anybody can send one: Google is not asked for
# keys more often than this.
ASK_EVERY = timedelta(minutes=1)
KEEP_AT_MOST = timedelta(days=1)
KEYS_LIMIT_S = 3.0  # for Google's answer with the keys

SAVED = {"save": True, "del": False}

FetchKeys = Callable[[], bytes]
SignedText = Annotated[str, Field(max_length=20_000)]
Encoded = Annotated[str, Field(max_length=1000)]

log = structlog.get_logger()


class CallbackRefused(Invalid):
    """A message that Google would not send us now. `problem` is the stable word for the reason."""

    code = "callback_refused"

    def __init__(self, problem: str) -> None:
        self.problem = problem


class _CallbackDocument(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    @classmethod
    def read(cls, text: bytes | str) -> Self:
        """Raises `JsonMalformed`, pydantic's ValidationError."""
        return cls.model_validate(strict_json.read(text))


class _IntermediateKey(_CallbackDocument):
    signedKey: SignedText
    signatures: Annotated[list[Encoded], Field(max_length=MOST_SIGNATURES)]


class _Envelope(_CallbackDocument):
    signature: Encoded
    protocolVersion: str
    intermediateSigningKey: _IntermediateKey
    signedMessage: SignedText


class _SignedKey(_CallbackDocument):
    keyValue: Encoded
    keyExpiration: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]


class _Message(_CallbackDocument):
    classId: str
    objectId: str
    eventType: str
    expTimeMillis: Annotated[int, Field(strict=False, ge=0, le=LAST_MS)]
    nonce: Annotated[str, Field(min_length=1)]


class _RootKey(_CallbackDocument):
    keyValue: str
    protocolVersion: str
    keyExpiration: str | None = None


class _RootKeys(_CallbackDocument):
    keys: list[_RootKey]


class Nonce(Base):
    """A message that was heard, so that it is not heard again. It is kept until the message has
    expired anyway. A nonce may have any length, so its SHA-256 is stored."""

    __tablename__ = "google_nonce"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class CallbackEvent:
    """A message that is genuine and meant for us. `kind` is `save`, `del`, or a new word of
    Google's."""

    object_id: str
    kind: str
    expires_at: datetime
    nonce: str


class RootKeys:
    """Google's root keys. They are fetched when they are first needed and kept until one of them
    expires, but at most for a day. Safe to share between threads."""

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._keys: Sequence[str] = ()
        self._kept_until = self._asked_at = EPOCH

    def now(self, now: datetime, *, fresh: bool = False) -> Sequence[str]:
        """The keys that are known and not expired. With `fresh`, since none of the known ones
        fitted, Google is asked again, though not more than once a minute."""
        with self._lock:
            if (fresh or now >= self._kept_until) and now >= self._asked_at + ASK_EVERY:
                self._asked_at = now
                self._ask(now)
            # Expired keys are not used, even if Google does not answer.
            return self._keys if now < self._kept_until else ()

    def _ask(self, now: datetime) -> None:
        try:
            found = _RootKeys.read(self._fetch()).keys
        except (requests.RequestException, ValidationError, JsonMalformed) as error:
            log.warning("google_root_keys_not_fetched", error=type(error).__name__)
            return
        ours = [
            (key.keyValue, _moment(key.keyExpiration))
            for key in found
            if key.protocolVersion == PROTOCOL
        ]
        valid = [(value, expires_at) for value, expires_at in ours if expires_at > now]
        self._keys = [value for value, _ in valid]
        self._kept_until = min([now + KEEP_AT_MOST, *(expires_at for _, expires_at in valid)])


def fetch_from(keys_url: str) -> FetchKeys:
    """A function that downloads Google's root keys from this address."""

    def fetch() -> bytes:
        with requests.Session() as session:
            session.trust_env = urlsplit(keys_url).hostname not in LOOPBACK
            answer = session.get(keys_url, timeout=KEYS_LIMIT_S)
            answer.raise_for_status()
            return answer.content

    return fetch


def read(body: bytes, issuer: str, roots: RootKeys, now: datetime) -> CallbackEvent:
    """Check a message and return what it tells. Raises `CallbackRefused`.

    `issuer` is our own, from the settings. The signature covers the id of the issuer: a message
    that Google signed for another issuer does not pass here."""
    try:
        envelope = _Envelope.read(body)
        if envelope.protocolVersion != PROTOCOL:
            raise CallbackRefused("unknown_protocol")
        _check_intermediate(envelope.intermediateSigningKey, roots, now)
        key = _SignedKey.read(envelope.intermediateSigningKey.signedKey)
        if _moment(key.keyExpiration) <= now:
            raise CallbackRefused("key_expired")
        signed = _lengths_and(SENDER, issuer, PROTOCOL, envelope.signedMessage)
        if not _is_signed(key.keyValue, envelope.signature, signed):
            raise CallbackRefused("bad_signature")
        message = _Message.read(envelope.signedMessage)
    except (ValidationError, JsonMalformed) as error:
        raise CallbackRefused("malformed") from error
    expires_at = EPOCH + message.expTimeMillis * MILLISECOND
    if expires_at < now:
        raise CallbackRefused("expired")
    return CallbackEvent(message.objectId, message.eventType, expires_at, message.nonce)


def hear(session: Session, event: CallbackEvent, now: datetime) -> None:
    """Note what the event tells, if it is new and of a known kind.

    A message does not say when something happened, but until when it is valid, which is always the
    same time later. So of two events the one that is valid longer happened later."""
    session.execute(delete(Nonce).where(Nonce.expires_at < now))
    digest = hashlib.sha256(event.nonce.encode()).hexdigest()
    fresh = session.execute(
        insert_or(session, Nonce)
        .values(digest=digest, expires_at=event.expires_at)
        .on_conflict_do_nothing()
        .returning(Nonce.digest)
    ).first()
    saved = SAVED.get(event.kind)
    if fresh is None or saved is None or "\x00" in event.object_id:
        return
    mirror.heard(session, event.object_id, event.expires_at, now, saved=saved)


def _check_intermediate(key: _IntermediateKey, roots: RootKeys, now: datetime) -> None:
    signed = _lengths_and(SENDER, PROTOCOL, key.signedKey)
    for fresh in (False, True):
        if any(
            _is_signed(root, signature, signed)
            for root in roots.now(now, fresh=fresh)
            for signature in key.signatures
        ):
            return
    raise CallbackRefused("bad_key_signature")


def _is_signed(public_key: str, signature: str, signed: bytes) -> bool:
    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(
            key.curve, ec.SECP256R1
        ):
            return False
        key.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError, TypeError):
        return False
    return True


def _lengths_and(*parts: str) -> bytes:
    """Each part after its length in bytes, as four bytes, the lowest first."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "little") + part for part in encoded)


def _moment(milliseconds: str | None) -> datetime:
    """A moment as keys write it, in milliseconds since 1970. A key without one never expires; a
    text that is not a number counts as expired."""
    if milliseconds is None:
        return EPOCH + LAST_MS * MILLISECOND
    if not (milliseconds.isascii() and milliseconds.isdigit()):
        return EPOCH
    return EPOCH + min(int(milliseconds[:18]), LAST_MS) * MILLISECOND
