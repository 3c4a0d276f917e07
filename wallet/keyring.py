"""The key ring: what authentication tokens and links that leave the house are derived from.

A pass's token is written into every later version of it and must never change for a serial number
(Apple, PassKit Web Service), so it is derived, not stored. Old keys stay in the ring for as long as
passes name them; new passes use the first."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Key:
    """`id` names the key without telling anything of it."""

    id: str
    secret: bytes

    def derive(self, purpose: str, *parts: str) -> str:
        """43 URL-safe characters that only holders of the key can make for these parts."""
        message = b"\x1f".join(part.encode() for part in (purpose, *parts))
        digest = hmac.new(self.secret, message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature (RFC 8032), by which key of the ring, and what anybody needs to check
    it; both in Base64."""

    key_id: str
    public_key: str
    value: str


class KeyRing:
    """Several keys, the first for everything new."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._keys = {key.id: key for key in map(_key, secrets)}
        self.first = next(iter(self._keys.values()))
        self.roots = RootKeys(list(self._keys.values()))
        self._box = MultiFernet([Fernet(_box_key(key)) for key in self._keys.values()])

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def key(self, key_id: str) -> Key:
        """Raises KeyError when the operator took away a key that passes still name."""
        return self._keys[key_id]

    def seal(self, secret: str) -> str:
        """A secret as it may lie in the database: unreadable without the ring."""
        return self._box.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        return self._box.decrypt(sealed.encode()).decode()

    def sign(self, purpose: str, message: bytes) -> Signature:
        """A signature that others can check, who cannot make one. Each purpose has its own key."""
        key = _signing_key(self.first, purpose)
        return Signature(self.first.id, _public(key), _base64(key.sign(message)))

    def is_signed(self, purpose: str, message: bytes, key_id: str, value: str) -> bool:
        """Whether a key of this ring made the signature."""
        key = self._keys.get(key_id)
        if key is None:
            return False
        try:
            public = _signing_key(key, purpose).public_key()
            public.verify(base64.b64decode(value, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def public_key(self, purpose: str, key_id: str) -> str | None:
        """What checks the signatures of this key; None if the ring has no such key."""
        key = self._keys.get(key_id)
        return None if key is None else _public(_signing_key(key, purpose))

    def card_token(self, serial: str) -> str:
        """What stands behind `/card/`: the serial number and the proof that we made the link."""
        return f"{serial}.{_short(self.first, serial)}"

    def serial_of(self, card_token: str) -> str | None:
        """The serial number of a card link that any key of the ring made; otherwise None."""
        serial, _, proof = card_token.partition(".")
        made = [
            hmac.compare_digest(_short(key, serial).encode(), proof.encode())
            for key in self._keys.values()
        ]
        return serial if any(made) else None


class RootKeys:
    """The Ed25519 keys that the ledger's daily roots are signed with, one for each key of the ring.
    They are named by their public halves, so that whoever has one of those knows its name."""

    def __init__(self, ring: Sequence[Key]) -> None:
        private = [Ed25519PrivateKey.from_private_bytes(_seed(key)) for key in ring]
        self._keys = {_name(one.public_key().public_bytes_raw()): one for one in private}
        self.key = next(iter(self._keys))

    def sign(self, message: bytes) -> bytes:
        return self._keys[self.key].sign(message)

    def is_good(self, key: str, message: bytes, signature: bytes) -> bool:
        known = self._keys.get(key)
        if known is None:
            return False
        try:
            known.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def public(self) -> list[dict[str, str]]:
        """The public halves, the one in use first: raw in hexadecimal, and as PEM for openssl."""
        return [
            {
                "id": name,
                "algorithm": "Ed25519",
                "public_key": key.public_key().public_bytes_raw().hex(),
                "pem": key.public_key()
                .public_bytes(
                    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
                )
                .decode(),
            }
            for name, key in self._keys.items()
        ]


def _key(secret: str) -> Key:
    raw = secret.encode()
    return Key(hashlib.sha256(b"key id\x1f" + raw).hexdigest()[:8], raw)


def _box_key(key: Key) -> bytes:
    return (key.derive("sealed secrets") + "=").encode()


def _seed(key: Key) -> bytes:
    return base64.urlsafe_b64decode(key.derive("ledger roots") + "=")


def _name(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:16]


def _signing_key(key: Key, purpose: str) -> Ed25519PrivateKey:
    seed = base64.urlsafe_b64decode(key.derive("signatures", purpose) + "=")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _public(key: Ed25519PrivateKey) -> str:
    return _base64(key.public_key().public_bytes_raw())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _short(key: Key, serial: str) -> str:
    return key.derive("card link", serial)[:22]  # 132 bits, and short enough for an SMS
