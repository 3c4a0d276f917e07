"""Getting a certificate from Apple: the request that is sent there, and the certificate that comes
back."""

import os
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from wallet.apple.signing import CERTIFICATE_FILE, ISSUER_FILE, KEY_FILE, CertificateFiles, Signer
from wallet.errors import CertificateProblem

REQUEST_FILE = "pass.csr"
KEY_BITS = 2048  # of RSA; Apple refuses other kinds


def request(folder: Path, email: str, name: str) -> Path:
    """Make a new key and a request to upload to Apple, in `folder`. The key never leaves the
    folder. Returns the path of the request.

    Raises `CertificateProblem`, also if there is a key already: a certificate may have been made
    for it."""
    key_file = folder / KEY_FILE
    if key_file.exists():
        raise CertificateProblem(
            "key_exists",
            f"{key_file} is there already. Use its request, or choose another folder.",
        )
    for option, text, longest in (("--email", email, 128), ("--name", name, 64)):
        if not 0 < len(text.strip()) <= longest:
            raise CertificateProblem("bad_name", f"{option}: from 1 to {longest} characters.")
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, email),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    signed = (
        x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(key_file, pem)
    _write(folder / REQUEST_FILE, signed.public_bytes(serialization.Encoding.PEM))
    return folder / REQUEST_FILE


def accept(folder: Path, answer: Path, issuer: Path, now: datetime) -> Signer:
    """Put Apple's certificate and the intermediate that issued it beside the key, in PEM. Raises
    `CertificateProblem` if the three do not belong together, or if they are not Apple's; then
    nothing is changed."""
    if not (folder / KEY_FILE).exists():
        raise CertificateProblem(
            "missing_file",
            f"{folder / KEY_FILE} is missing: the certificate works only with the key that its"
            " request was made with.",
        )
    papers = CertificateFiles.read(answer, folder / KEY_FILE, issuer, _certificate)
    Signer.of(papers, now).require_known_issuer()
    _write(folder / CERTIFICATE_FILE, papers.leaf.public_bytes(serialization.Encoding.PEM))
    _write(folder / ISSUER_FILE, papers.issuer.public_bytes(serialization.Encoding.PEM))
    return Signer.load(folder, now)


def _certificate(path: Path) -> x509.Certificate:
    """A certificate as Apple sends it (DER) or as other programs write it (PEM)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CertificateProblem(
            "unreadable_file", f"{path} cannot be read ({error.strerror})."
        ) from error
    for load in (x509.load_der_x509_certificate, x509.load_pem_x509_certificate):
        try:
            return load(data)
        except ValueError:
            continue
    raise CertificateProblem("not_a_certificate", f"{path} is not a certificate.")


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, as a whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
