"""A device with passkeys, as a browser drives it: it makes keys and signs (WebAuthn, level 2)."""

import hashlib
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass
class Authenticator:
    """One device, on a page of `origin`. `counts`: it tells how often it has signed."""

    origin: str
    verifies: bool = True
    counts: bool = True
    signed: int = 0
    keys: dict[bytes, tuple[ec.EllipticCurvePrivateKey, str, bytes]] = field(default_factory=dict)

    def make(self, options: dict[str, Any]) -> str:
        """What `navigator.credentials.create` gives for these options, as JSON."""
        key, id_ = ec.generate_private_key(ec.SECP256R1()), os.urandom(32)
        self.keys[id_] = (key, options["rp"]["id"], read(options["user"]["id"]))
        numbers = key.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        about = self._about(options["rp"]["id"], WITH_KEY)
        about += bytes(16) + struct.pack(">H", len(id_)) + id_ + public
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": about})
        said = self._said("webauthn.create", options["challenge"])
        return self._answer(id_, clientDataJSON=said, attestationObject=attestation)

    def sign(self, options: dict[str, Any], id_: bytes | None = None) -> str:
        """What `navigator.credentials.get` gives for these options, as JSON."""
        id_ = id_ or next(iter(self.keys))
        key, rp_id, user = self.keys[id_]
        about = self._about(rp_id)
        said = self._said("webauthn.get", options["challenge"])
        signature = key.sign(about + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            id_, clientDataJSON=said, authenticatorData=about, signature=signature, userHandle=user
        )

    def _about(self, rp_id: str, flags: int = 0) -> bytes:
        self.signed += 1 if self.counts else 0
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", flags, self.signed)

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, id_: bytes, **response: bytes) -> str:
        return json.dumps(
            {
                "id": written(id_),
                "rawId": written(id_),
                "type": "public-key",
                "response": {name: written(value) for name, value in response.items()},
            }
        )
