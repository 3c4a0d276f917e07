"""The key ring: keys that the tokens in passes and the links to cards are derived from.

A pass's token is written into every later version of it and must never change for a serial number
(Apple, PassKit Web Service), so it is derived, not stored. Old keys stay in the ring for as long as
passes name them; new passes use the first."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

SHORTEST_KEY = 16  # characters

LinkPurpose = Literal["card", "coupon"]
GENERATION = re.compile(r"0|[1-9][0-9]{0,8}")

# What is proved of a link: that we made it, or that the browser is one in which its owner joined.
LINK, BROWSER = "link", "browser"

KEY_ID_BYTES = 4
SIV_BYTES = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the ring. `id` names it and reveals nothing of it."""

    id: str
    secret: bytes

    def derive(self, purpose: str, *parts: str) -> str:
        """43 URL-safe characters that only holders of the key can make for these parts."""
        secret = self.secret_for(purpose, *parts)
        return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()

    def secret_for(self, *purpose: str) -> bytes:
        """32 bytes that only holders of the key can make for this purpose: a key of their own."""
        message = b"\x1f".join(part.encode() for part in purpose)
        return hmac.new(self.secret, message, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class CardLink:
    """An address that a person keeps: of which pass, what it opens, and how often it was renewed
    before. `card` opens the member's page with all that is on it, `coupon` the coupon alone. A link
    does not run out: it is renewed where it may be in wrong hands."""

    serial: str
    purpose: LinkPurpose = "card"
    generation: int = 0


class KeyRing:
    """Several keys, the first for everything new."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._keys = {key.id: key for key in map(_key, secrets)}
        self.first = next(iter(self._keys.values()))
        # The names are made from the public halves, so that anybody with a public half can work out
        # its name.
        self.roots = SigningKeys(
            {_name(one): one for one in (_signing_key(key, "ledger roots") for key in self)}
        )
        self._box = MultiFernet([Fernet(_box_key(key)) for key in self._keys.values()])

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def key(self, key_id: str) -> Key:
        """The key of this id. Raises KeyError if the operator took away a key that passes still
        name."""
        return self._keys[key_id]

    def seal(self, secret: str) -> str:
        """A secret as it may lie in the database: unreadable without the ring."""
        return self._box.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """What `seal` was given. Raises cryptography's InvalidToken if no key of the ring sealed
        it."""
        return self._box.decrypt(sealed.encode()).decode()

    def can_unseal(self, sealed: str) -> bool:
        """Whether a key of the ring sealed it."""
        try:
            self.unseal(sealed)
        except InvalidToken:
            return False
        return True

    def cipher(self, column: str) -> "ColumnCipher":
        """The encryption of a column of the database, with keys of its own."""
        return ColumnCipher(column, self)

    def signing(self, *purpose: str) -> "SigningKeys":
        """Keys for signatures that others can check and cannot make. Each purpose has keys of its
        own, under the ids of the ring's keys."""
        return SigningKeys({key.id: _signing_key(key, "signatures", *purpose) for key in self})

    def link_token(self, link: CardLink) -> str:
        """What follows `/card/` in an address: what the link says, and the proof that we made
        it."""
        return f"{_said(link)}.{_proof(self.first, link, LINK)}"

    def link_of(self, token: str) -> CardLink | None:
        """The link that any key of the ring made; otherwise None."""
        return self._proved(token, LINK)

    def browser_token(self, link: CardLink) -> str:
        """By what a browser is recognised in which somebody joined: it is no link, and opens
        nothing by itself."""
        return f"{_said(link)}.{_proof(self.first, link, BROWSER)}"

    def link_of_browser(self, token: str) -> CardLink | None:
        """The link of which any key of the ring made this `browser_token`; otherwise None."""
        return self._proved(token, BROWSER)

    def _proved(self, token: str, of: str) -> CardLink | None:
        said, _, proof = token.partition(".")
        for link in _meant(said):
            made = [
                hmac.compare_digest(_proof(key, link, of).encode(), proof.encode()) for key in self
            ]
            if any(made):
                return link
        return None


class SigningKeys:
    """Ed25519 keys (RFC 8032) of one purpose by their names. `key` is the name of the first, which
    signs everything new."""

    def __init__(self, keys: Mapping[str, Ed25519PrivateKey]) -> None:
        self._keys = keys
        self.key = next(iter(keys))

    def sign(self, message: bytes) -> bytes:
        """The signature by the first key: 64 bytes."""
        return self._keys[self.key].sign(message)

    def is_good(self, key: str, message: bytes, signature: bytes) -> bool:
        """Whether the key of this name signed the message; False if the ring has no such key."""
        known = self._keys.get(key)
        if known is None:
            return False
        try:
            known.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def public_half(self, key: str) -> bytes | None:
        """The 32 bytes that check the signatures of this key; None if the ring has no such key."""
        known = self._keys.get(key)
        return None if known is None else known.public_key().public_bytes_raw()

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


class Undecipherable(Exception):
    """A value that was encrypted by a key that the ring does not have, or was changed, or stands in
    the place of another."""


class ColumnCipher:
    """How the values of one column are encrypted: by AES-SIV (RFC 5297), in front of it the id of
    the key.

    Under one key a value has one encrypted form, so values are found and compared as they lie in
    the database, by its indexes, and nothing need be read for it. `of` is what a value belongs to:
    the same value of something else has another form, and none can be put in another's place."""

    def __init__(self, column: str, ring: Iterable[Key]) -> None:
        self._ciphers = {
            bytes.fromhex(key.id): AESSIV(
                key.secret_for("column", column, "S2V") + key.secret_for("column", column, "CTR")
            )
            for key in ring
        }
        self._first = next(iter(self._ciphers))

    def encrypt(self, value: str, *of: bytes) -> bytes:
        """The value as it is to lie in the database, by the first key of the ring."""
        return self._first + self._ciphers[self._first].encrypt(value.encode(), list(of))

    def forms(self, value: str, *of: bytes) -> list[bytes]:
        """As what the value may lie in the database: by each key of the ring, the first one
        first."""
        plain, belongs_to = value.encode(), list(of)
        return [
            key_id + cipher.encrypt(plain, belongs_to) for key_id, cipher in self._ciphers.items()
        ]

    def decrypt(self, encrypted: bytes, *of: bytes) -> str:
        """What `encrypt` was given. Raises `Undecipherable`."""
        cipher = self._ciphers.get(encrypted[:KEY_ID_BYTES])
        if cipher is None:
            raise Undecipherable
        try:
            return cipher.decrypt(encrypted[KEY_ID_BYTES:], list(of)).decode()
        except InvalidTag as error:
            raise Undecipherable from error

    def older(self) -> list[tuple[bytes, bytes]]:
        """For each key but the first the bounds between which, in the order of bytes, the values
        lie that it encrypted."""
        others = [key_id for key_id in self._ciphers if key_id != self._first]
        return [(key_id, key_id + b"\xff" * SIV_BYTES) for key_id in others]


def _key(secret: str) -> Key:
    raw = secret.encode()
    return Key(hashlib.sha256(b"key id\x1f" + raw).hexdigest()[:8], raw)


def _box_key(key: Key) -> bytes:
    return (key.derive("sealed secrets") + "=").encode()


def _signing_key(key: Key, *purpose: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.secret_for(*purpose))


def _name(key: Ed25519PrivateKey) -> str:
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]


def _said(link: CardLink) -> str:
    """The first link of a card says its serial number and nothing more, as all did once."""
    if link.purpose == "card" and link.generation == 0:
        return link.serial
    return f"{link.serial}-{link.generation}"


def _meant(said: str) -> list[CardLink]:
    """The links that this can stand for; the proof tells which."""
    serial, dash, count = said.partition("-")
    if not dash:
        return [CardLink(serial)]
    if not GENERATION.fullmatch(count):
        return []
    links = [CardLink(serial, purpose, int(count)) for purpose in get_args(LinkPurpose)]
    return [link for link in links if _said(link) == said]


def _proof(key: Key, link: CardLink, of: str) -> str:
    said = _said(link).split("-")
    return key.derive(f"{link.purpose} {of}", *said)[:22]  # 132 bits, and short enough for an SMS
