"""Whether the signature of a pass holds: detached CMS (RFC 5652) under a given root.

This reader is the phone's own and uses nothing of `wallet.apple`, so what the service signs is
verified by independent code."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from wallet.sandbox.troubles import PassRefused

# Object identifiers as DER writes them.
CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
SIGNING_TIME = bytes.fromhex("2a864886f70d010905")
DIGESTS: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("2b0e03021a"): hashes.SHA1(),  # noqa: S303 - phones take it, so this one does
}
SET = b"\x31"


@dataclass(frozen=True, slots=True)
class Signature:
    """For which pass type and team the signer's certificate was issued."""

    pass_type: str
    team: str


@dataclass(frozen=True, slots=True)
class Element:
    """One value of DER: its content, and all of it."""

    content: bytes
    whole: bytes

    def parts(self) -> list["Element"]:
        return _elements(self.content)


def verify(signature: bytes, manifest: bytes, root: x509.Certificate, now: datetime) -> Signature:
    """Who signed exactly this manifest; raises `PassRefused`."""
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(signature)
        signed_data = _elements(signature)[0].parts()[1].parts()[0].parts()
        (_content_type,) = signed_data[2].parts()  # detached: the manifest itself is not in it
        (signer,) = signed_data[-1].parts()
        _, identity, algorithm, attributes, _, value = signer.parts()[:6]
        issuer, serial = identity.parts()
        digest = DIGESTS[algorithm.parts()[0].content]
        signed = {part.parts()[0].content: part.parts()[1].parts() for part in attributes.parts()}
        said_digest = signed[MESSAGE_DIGEST][0].content
    except (IndexError, KeyError, ValueError) as error:
        raise PassRefused("signature_unreadable") from error
    if SIGNING_TIME not in signed or CONTENT_TYPE not in signed:
        raise PassRefused("signature_without_time")
    if said_digest != hashlib.new(digest.name, manifest, usedforsecurity=False).digest():
        raise PassRefused("signature_of_another_manifest")
    number = int.from_bytes(serial.content, "big", signed=True)
    for leaf in certificates:
        if leaf.serial_number == number and leaf.issuer.public_bytes() == issuer.whole:
            break
    else:
        raise PassRefused("unknown_signer")
    key = leaf.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise PassRefused("unknown_signer")
    try:
        # What is signed is the set of attributes with the tag of a set (RFC 5652, 5.4).
        key.verify(value.content, SET + attributes.whole[1:], padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise PassRefused("signature_forged") from error
    _require_chain(leaf, certificates, root, now)
    return Signature(_one(leaf, NameOID.USER_ID), _one(leaf, NameOID.ORGANIZATIONAL_UNIT_NAME))


def _require_chain(
    leaf: x509.Certificate, others: list[x509.Certificate], root: x509.Certificate, now: datetime
) -> None:
    """Require the chain of Apple's passes: leaf, one intermediate that came with the signature,
    root."""
    for intermediate in others:
        try:
            leaf.verify_directly_issued_by(intermediate)
            intermediate.verify_directly_issued_by(root)
            limits = intermediate.extensions.get_extension_for_class(x509.BasicConstraints)
        except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
            continue
        if not limits.value.ca:
            continue
        for one in (leaf, intermediate, root):
            if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
                raise PassRefused("certificate_expired")
        return
    raise PassRefused("unknown_signer")


def _one(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> str:
    names = certificate.subject.get_attributes_for_oid(kind)
    return str(names[0].value) if names else ""


def _elements(data: bytes) -> list[Element]:
    found, at = [], 0
    while at < len(data):
        length, start = data[at + 1], at + 2
        if length > 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        end = start + length
        if end > len(data):
            raise ValueError("a value of DER is cut off")
        found.append(Element(data[start:end], data[at:end]))
        at = end
    return found
