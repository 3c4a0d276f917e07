"""Signatures from a template: the bytes that the library's builder writes, with the parts that
change exchanged.

Two signatures of one signer differ only in the time, the digest and the RSA value, and each of
these has a fixed length. The builder writes everything anew each time, also the certificates, which
costs more than all other work on a pass (except RSA). Structure: RFC 5652, SignedData and
SignerInfo."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SHA256 = hashes.SHA256()
PKCS1 = padding.PKCS1v15()

# The attributes in the order DER puts them: type of the content, time, digest of the manifest.
CONTENT_TYPE = bytes.fromhex("3018 0609 2a864886f70d010903")
SIGNING_TIME = bytes.fromhex("301c 0609 2a864886f70d010905 310f 170d")
# The attributes begin with the tag [0] in the message, and with the tag of a SET in what RSA signs.
TAGGED, AS_SET = b"\xa0", b"\x31"
TIME_FORMAT = "%y%m%d%H%M%SZ"
TIME_BYTES = 13
DIGEST_BYTES = 32
TRIES = 3  # signatures that are compared with the builder's before the template is given up


@dataclass(frozen=True, slots=True)
class CmsTemplate:
    """One signer's signature with holes where time, digest and RSA value go."""

    _key: rsa.RSAPrivateKey = field(repr=False)
    _before: bytes = field(repr=False)
    _until_time: bytes = field(repr=False)
    _until_digest: bytes = field(repr=False)
    _after: bytes = field(repr=False)

    @classmethod
    def cut(cls, key: rsa.RSAPrivateKey, build: Callable[[bytes], bytes]) -> "CmsTemplate | None":
        """The template of what `build` signs with `key`; None if it does not give exactly the bytes
        that `build` gives. They can be equal since PKCS #1 v1.5 uses no random numbers."""
        probe = b"probe"
        whole, digest = build(probe), hashlib.sha256(probe).digest()
        start = whole.rfind(CONTENT_TYPE) - 2
        time = whole.find(SIGNING_TIME, start) + len(SIGNING_TIME)
        hole = whole.find(digest, time)
        end = len(whole) - key.key_size // 8
        template = cls(
            key,
            whole[:start],
            whole[start + 1 : time],
            whole[time + TIME_BYTES : hole],
            whole[hole + DIGEST_BYTES : end],
        )
        for number in range(TRIES):
            # More than one try: the clock's second may change between the two signatures.
            manifest = b"another probe %d" % number
            if template.sign(manifest) == build(manifest):
                return template
        return None

    def sign(self, manifest: bytes) -> bytes:
        """The CMS signature of a manifest, in DER. The signing time is the clock's."""
        attributes = b"".join(
            (
                self._until_time,
                datetime.now(UTC).strftime(TIME_FORMAT).encode(),
                self._until_digest,
                hashlib.sha256(manifest).digest(),
            )
        )
        value = self._key.sign(AS_SET + attributes, PKCS1, SHA256)
        return b"".join((self._before, TAGGED, attributes, self._after, value))
