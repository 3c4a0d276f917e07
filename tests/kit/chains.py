"""Certificate chains for tests, made once for the whole run, since making RSA keys takes long."""

import datetime as dt
import functools
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from wallet.apple import roots
from wallet.apple.signing import PASS_TYPE_EXTENSION, Signer
from wallet.sandbox import certificates
from wallet.sandbox.certificates import Authority, Issued

# openssl judges by the machine's clock, so the chains are built around it.
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
PASS_TYPE = "pass.example.loyalty"  # noqa: S105 - a public name
TEAM = "EXAMPLE001"


def day(number: int) -> dt.datetime:
    """The moment that is so many days from now."""
    return NOW + dt.timedelta(days=number)


@functools.cache
def authority() -> Authority:
    """The authority of most tests: valid from 30 days ago for 430 days."""
    return certificates.new_authority(day(-30), day(400))


@functools.cache
def namesake() -> Authority:
    """Another authority with exactly the same names and other keys."""
    return certificates.new_authority(day(-30), day(400))


@functools.cache
def stranger() -> Authority:
    """An authority of another organisation."""
    with patch.object(certificates, "SANDBOX_ISSUER_MARK", "Example Authority"):
        return certificates.new_authority(day(-30), day(400))


def let_be_apples(monkeypatch: pytest.MonkeyPatch, issuer: Authority) -> None:
    """What `issuer` issues counts as Apple's: its root takes the place of Apple's own."""
    monkeypatch.setattr(roots, "roots", lambda: [issuer.root.certificate])


@functools.cache
def leaf(
    pass_type: str = PASS_TYPE,
    team: str = TEAM,
    first_day: int = -1,
    last_day: int = 395,
    *,
    nfc: bool = False,
    issuer: Authority | None = None,
) -> Issued:
    """A Pass Type ID certificate; the days are counted from now."""
    return (issuer or authority()).issue_pass_certificate(
        pass_type, team, day(first_day), day(last_day), nfc=nfc
    )


def odd_leaf(
    names: Sequence[tuple[x509.ObjectIdentifier, str]],
    *,
    extension: str | None = None,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> x509.Certificate:
    """A certificate of the authority with any subject, and none of the usual extensions."""
    signing = authority().intermediate
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in names]))
        .issuer_name(signing.certificate.subject)
        .public_key((key or leaf().key).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day(-1))
        .not_valid_after(day(30))
    )
    if extension is not None:
        encoded = bytes([0x16, len(extension)]) + extension.encode()
        builder = builder.add_extension(
            x509.UnrecognizedExtension(PASS_TYPE_EXTENSION, encoded), critical=False
        )
    return builder.sign(signing.key, hashes.SHA256())


def usual_names(pass_type: str = PASS_TYPE) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [(NameOID.USER_ID, pass_type), (NameOID.ORGANIZATIONAL_UNIT_NAME, TEAM)]


def lay(folder: Path, issued: Issued | None = None, issuer: Authority | None = None) -> Path:
    """Put a certificate, its key and the intermediate where a signer looks for them."""
    issued, issuer = issued or leaf(), issuer or authority()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pass.pem").write_bytes(issued.certificate_pem())
    (folder / "pass.key").write_bytes(issued.key_pem())
    (folder / "wwdr.pem").write_bytes(issuer.intermediate.certificate_pem())
    return folder


def signer(folder: Path, issued: Issued | None = None) -> Signer:
    return Signer.load(lay(folder, issued), NOW)


def root_file(folder: Path) -> Path:
    path = folder / "root.pem"
    path.write_bytes(authority().root.certificate_pem())
    return path
