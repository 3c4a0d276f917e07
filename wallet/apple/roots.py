"""Apple's own root certificates, and by them who issued a certificate. Names prove nothing: anybody
can make an authority that bears Apple's. What the roots signed is Apple's.

The roots lie in roots.pem as Apple publishes them at https://www.apple.com/certificateauthority/,
and their fingerprints stand here. The intermediates (WWDR) are not listed: each that a root signed
is Apple's, those to come among them."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

# Apple itself; our sandbox; somebody whom no phone knows.
IssuedBy = Literal["Apple", "the sandbox", "somebody unknown"]

# The organisation in every certificate that the sandbox makes.
SANDBOX_ISSUER_MARK = "Kopilka Sandbox"

FILE = Path(__file__).with_name("roots.pem")
# SHA-256 of Apple Root CA, Apple Root CA - G2 and Apple Root CA - G3.
FINGERPRINTS = (
    "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024",
    "c2b9b042dd57830e7d117dac55ac8ae19407d38e41d88f3215bc3a890444a050",
    "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
)


@functools.cache
def roots() -> Sequence[x509.Certificate]:
    """Apple's roots. Raises `RuntimeError` if the file is not the one that belongs here."""
    found = x509.load_pem_x509_certificates(FILE.read_bytes())
    if tuple(one.fingerprint(hashes.SHA256()).hex() for one in found) != FINGERPRINTS:
        raise RuntimeError(f"{FILE} does not hold Apple's roots.")
    return found


def issuer_of(leaf: x509.Certificate, intermediate: x509.Certificate) -> IssuedBy:
    """Who issued a pass certificate. `intermediate` is known to have signed it."""
    if _may_issue(intermediate) and any(_signed(root, intermediate) for root in roots()):
        return "Apple"
    named = leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if any(one.value == SANDBOX_ISSUER_MARK for one in named):
        return "the sandbox"
    return "somebody unknown"


def _may_issue(certificate: x509.Certificate) -> bool:
    """Whether it is an authority: Apple signs many certificates that are none."""
    try:
        limits = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False
    return limits.value.ca


def _signed(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    # Among them: other names, and a key of another kind.
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
    return True
