"""The sandbox's own certificates: a chain shaped like Apple's, and one for the push stand-in's TLS.

Shape of the leaf: subject UID = pass type, OU = team, extended key usage clientAuth, Apple's
extension 1.2.840.113635.100.6.1.16 = the pass type (as decoded from public sample passes). Real
phones refuse it."""

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wallet.apple.roots import SANDBOX_ISSUER_MARK
from wallet.apple.signing import PASS_TYPE_EXTENSION

SANDBOX_PASS_TYPE = "pass.sandbox.loyalty"  # noqa: S105 - a public name
SANDBOX_TEAM = "SANDBOX000"

APPLE_PASS_USAGE = x509.ObjectIdentifier("1.2.840.113635.100.4.14")

CERTIFICATE_DAYS = 395
REMAKE_DAYS_BEFORE_EXPIRY = 30


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True, slots=True)
class Authority:
    """A root and the intermediate that stands in for Apple's WWDR certificate."""

    root: Issued
    intermediate: Issued

    def issue_pass_certificate(
        self,
        pass_type: str,
        team: str,
        not_before: dt.datetime,
        not_after: dt.datetime,
        *,
        nfc: bool = False,
    ) -> Issued:
        """A Pass Type ID certificate. The dates and names may be odd: tests need that."""
        kind = "Pass Type ID with NFC" if nfc else "Pass Type ID"
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.USER_ID, pass_type),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{kind}: {pass_type}"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, team),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, SANDBOX_ISSUER_MARK),
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            ]
        )
        encoded = pass_type.encode("ascii")
        key = _new_key()
        builder = (
            _builder(subject, self.intermediate.certificate.subject, key, not_before, not_after)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, APPLE_PASS_USAGE]),
                critical=True,
            )
            .add_extension(
                x509.UnrecognizedExtension(
                    PASS_TYPE_EXTENSION, bytes([0x0C, len(encoded)]) + encoded
                ),
                critical=False,
            )
        )
        return _sign(builder, key, self.intermediate)

    def issue_server_certificate(self, not_before: dt.datetime, not_after: dt.datetime) -> Issued:
        """A TLS certificate for servers of this machine (127.0.0.1, ::1, localhost)."""
        key = _new_key()
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, SANDBOX_ISSUER_MARK),
            ]
        )
        names = x509.SubjectAlternativeName(
            [
                x509.DNSName("localhost"),
                x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                x509.IPAddress(ipaddress.ip_address("::1")),
            ]
        )
        builder = (
            _builder(subject, self.intermediate.certificate.subject, key, not_before, not_after)
            .add_extension(names, critical=False)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return _sign(builder, key, self.intermediate)


def new_authority(not_before: dt.datetime, not_after: dt.datetime) -> Authority:
    root_key, intermediate_key = _new_key(), _new_key()
    root_name = _authority_name(f"{SANDBOX_ISSUER_MARK} Root", "G0")
    root = Issued(
        _builder(root_name, root_name, root_key, not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(root_key, hashes.SHA256()),
        root_key,
    )
    name = _authority_name(f"{SANDBOX_ISSUER_MARK} Worldwide Relations", "G0")
    builder = (
        _builder(name, root_name, intermediate_key, not_before, not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
    )
    return Authority(root, _sign(builder, intermediate_key, root))


def ensure_chain(
    folder: Path,
    now: dt.datetime,
    pass_type: str = SANDBOX_PASS_TYPE,
    team: str = SANDBOX_TEAM,
) -> bool:
    """Make the sandbox chain in `folder` unless a good one is there; True if it was made.

    Files: `<pass type>/pass.pem`, `pass.key` and `wwdr.pem`, laid out as with Apple's, and beside
    them `root.pem`, `server.pem` (leaf and intermediate) and `server.key` for the push stand-in.
    The authority's keys are thrown away: a chain that runs out is made anew."""
    leaf = folder / pass_type / "pass.pem"
    if leaf.exists() and _days_left(leaf, now) > REMAKE_DAYS_BEFORE_EXPIRY:
        return False
    not_before, not_after = now - dt.timedelta(days=1), now + dt.timedelta(days=CERTIFICATE_DAYS)
    authority = new_authority(not_before, not_after)
    # As Apple gives it for NFC: in the sandbox everything can be tried.
    signer = authority.issue_pass_certificate(pass_type, team, not_before, not_after, nfc=True)
    server = authority.issue_server_certificate(not_before, not_after)
    wwdr_pem = authority.intermediate.certificate_pem()
    files = {
        f"{pass_type}/pass.key": signer.key_pem(),
        f"{pass_type}/wwdr.pem": wwdr_pem,
        "root.pem": authority.root.certificate_pem(),
        "server.pem": server.certificate_pem() + wwdr_pem,
        "server.key": server.key_pem(),
        # Last: its presence says that the chain is whole.
        f"{pass_type}/pass.pem": signer.certificate_pem(),
    }
    for name, data in files.items():
        _write_private(folder / name, data)
    return True


def _days_left(path: Path, now: dt.datetime) -> int:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return (certificate.not_valid_after_utc - now).days


def _write_private(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    fresh.replace(path)


def _authority_name(common_name: str, generation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, generation),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, SANDBOX_ISSUER_MARK),
        ]
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    not_before: dt.datetime,
    not_after: dt.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey, issuer: Issued) -> Issued:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    signed = builder.add_extension(identifier, critical=False).sign(issuer.key, hashes.SHA256())
    return Issued(signed, key)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
