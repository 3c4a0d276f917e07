"""Pass Type ID certificates: read once, checked with understandable refusals, and used to sign.

The rules are those of Apple's "Building a Pass" (Wallet Passes) and of the archived "Wallet
Developer Guide". The form of a real certificate was read from public sample passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from wallet.apple import roots
from wallet.apple.cms_template import CmsTemplate
from wallet.apple.roots import IssuedBy
from wallet.errors import CertificateProblem

CERTIFICATE_FILE = "pass.pem"
KEY_FILE = "pass.key"
ISSUER_FILE = "wwdr.pem"

PASS_TYPE_EXTENSION = x509.ObjectIdentifier("1.2.840.113635.100.6.1.16")

# Apple asks for RSA of 2048 bits, and no pass signed with anything else is known to us.
SMALLEST_KEY_BITS = 2048

# Path of a file, time of its change (nanoseconds), size (bytes) and inode number.
FileState = tuple[str, int, int, int]
FolderState = frozenset[FileState]

SHA256 = hashes.SHA256()
SIGNATURE_OPTIONS = (
    pkcs7.PKCS7Options.DetachedSignature,
    # Without Binary the builder signs a manifest with line feeds as if they were CRLF.
    pkcs7.PKCS7Options.Binary,
    # The capabilities of a mail reader (S/MIME) are of no use to a phone.
    pkcs7.PKCS7Options.NoCapabilities,
)


# Days left -> what to say. Apple's portal takes minutes, but the people who must be asked may take
# weeks.
REMINDERS = (
    (1, "renew it today: tomorrow no card can be added or updated"),
    (7, "renew it this week"),
    (14, "renew it soon"),
    (30, "renew it this month"),
)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """What is needed to sign, and the files from which it was read: refusals name them."""

    certificate_file: Path
    key_file: Path
    issuer_file: Path
    leaf: x509.Certificate
    key: rsa.RSAPrivateKey
    issuer: x509.Certificate

    @classmethod
    def read(
        cls,
        certificate_file: Path,
        key_file: Path,
        issuer_file: Path,
        certificate_of: Callable[[Path], x509.Certificate] | None = None,
    ) -> "CertificateFiles":
        """Read the three files. `certificate_of` reads certificates in other forms than PEM. Raises
        `CertificateProblem`, also if key and certificate do not belong together."""
        certificate_of = certificate_of or _certificate
        leaf, key = certificate_of(certificate_file), _private_key(key_file)
        issuer = certificate_of(issuer_file)
        if _public_bytes(leaf, certificate_file) != _encoded(key.public_key()):
            raise CertificateProblem(
                "key_mismatch",
                f"{key_file} is not the key of {certificate_file}. The certificate works only with "
                "the key that its request was made with: find that key, or make a new request and "
                "a new certificate.",
            )
        return cls(certificate_file, key_file, issuer_file, leaf, key, issuer)


@dataclass(frozen=True, slots=True)
class Signer:
    """One pass type's certificate and key, ready to sign. Safe to share between threads.

    `not_after` is the end of the pass certificate or of Apple's intermediate, whichever is earlier.
    `nfc`: Apple issued the certificate for passes with NFC. `fingerprint` is the SHA-256 of the
    pass certificate, in hex; a renewed certificate has another one."""

    folder: Path
    pass_type: str
    team: str
    nfc: bool
    issued_by: IssuedBy
    not_before: datetime
    not_after: datetime
    fingerprint: str
    _papers: CertificateFiles = field(repr=False)
    _write: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def load(
        cls,
        folder: Path,
        now: datetime | None,
        pass_type: str | None = None,
        team: str | None = None,
    ) -> "Signer":
        """The signer in `folder`. Raises `CertificateProblem`, whose words say what to do. Without
        `now` the certificate need not be valid at present.

        If `pass_type` or `team` is given, the certificate must have been issued for it."""
        papers = CertificateFiles.read(
            folder / CERTIFICATE_FILE, folder / KEY_FILE, folder / ISSUER_FILE
        )
        return cls.of(papers, now, pass_type, team)

    @classmethod
    def of(
        cls,
        papers: CertificateFiles,
        now: datetime | None,
        pass_type: str | None = None,
        team: str | None = None,
    ) -> "Signer":
        """The signer of files that were read already, with the same checks as `load`. Raises
        `CertificateProblem`."""
        leaf, issuer = papers.leaf, papers.issuer
        found_type, found_team = _names(leaf, papers.certificate_file)
        if pass_type is not None and found_type != pass_type:
            raise CertificateProblem(
                "wrong_pass_type",
                f"{papers.certificate_file} was issued for the pass type {found_type}, but "
                f"{pass_type} is wanted. Put the certificate of {pass_type} there.",
            )
        if team is not None and found_team != team:
            raise CertificateProblem(
                "wrong_team",
                f"{papers.certificate_file} belongs to the team {found_team}, but {team} is "
                "wanted. Create the certificate while signed in to that team.",
            )
        _require_issuer(papers)
        signer = cls(
            folder=papers.certificate_file.parent,
            pass_type=found_type,
            team=found_team,
            nfc="with NFC" in (_one(leaf.subject, NameOID.COMMON_NAME) or ""),
            issued_by=roots.issuer_of(leaf, issuer),
            not_before=leaf.not_valid_before_utc,
            not_after=min(leaf.not_valid_after_utc, issuer.not_valid_after_utc),
            fingerprint=leaf.fingerprint(SHA256).hex(),
            _papers=papers,
            _write=_writer(leaf, papers.key, issuer),
        )
        if now is not None:
            signer.check(now)
        return signer

    def check(self, now: datetime) -> None:
        """Raises `CertificateProblem` if a certificate is not valid at `now`: passes that it signs
        would not install.

        `load` asks this once; a process that lives for months asks again before it signs."""
        leaf, issuer = self._papers.leaf, self._papers.issuer
        leaf_file, issuer_file = self._papers.certificate_file, self._papers.issuer_file
        if now < leaf.not_valid_before_utc:
            raise CertificateProblem(
                "not_yet_valid",
                f"{leaf_file} is valid only from {_day(leaf.not_valid_before_utc)} on. Check the "
                "clock of this machine, or wait until then.",
            )
        if now > leaf.not_valid_after_utc:
            raise CertificateProblem(
                "expired",
                f"{leaf_file} expired on {_day(leaf.not_valid_after_utc)}. Create a new "
                f"certificate for {self.pass_type} in Apple's developer portal and replace "
                f"{CERTIFICATE_FILE} and {KEY_FILE}. Cards that are in phones stay and can then "
                "be updated again.",
            )
        if now < issuer.not_valid_before_utc:
            raise CertificateProblem(
                "wwdr_not_yet_valid",
                f"{issuer_file} is valid only from {_day(issuer.not_valid_before_utc)} on. "
                "Check the clock of this machine.",
            )
        if now > issuer.not_valid_after_utc:
            raise CertificateProblem(
                "wwdr_expired",
                f"{issuer_file} (Apple's intermediate certificate) expired on "
                f"{_day(issuer.not_valid_after_utc)}. Create a new pass certificate in Apple's "
                "developer portal and download the intermediate that issued it from "
                "https://www.apple.com/certificateauthority/.",
            )

    def require_known_issuer(self) -> None:
        """Raises `CertificateProblem` unless Apple issued the certificate, or our sandbox: whatever
        its issuer is called, phones would refuse its passes."""
        if self.issued_by == "somebody unknown":
            raise CertificateProblem(
                "not_apples",
                f"{self._papers.certificate_file} is not Apple's: {self._papers.issuer_file}, which"
                f" calls itself {self._papers.issuer.subject.rfc4514_string()}, was signed by none"
                " of Apple's roots, and phones refuse passes behind it. Create a certificate for"
                f" {self.pass_type} in Apple's developer portal, and download the intermediate"
                " that issued it from https://www.apple.com/certificateauthority/.",
            )

    def is_valid(self, now: datetime) -> bool:
        """Whether both certificates are valid at `now`."""
        try:
            self.check(now)
        except CertificateProblem:
            return False
        return True

    def days_left(self, now: datetime) -> int:
        """Whole days until `not_after`; negative when it is past."""
        return (self.not_after - now).days

    def reminder(self, now: datetime) -> str | None:
        """What the operator should do about the days that are left; None while there are more than
        30."""
        days = self.days_left(now)
        return next((words for limit, words in REMINDERS if days <= limit), None)

    def in_pem(self) -> tuple[bytes, bytes]:
        """Certificate and key in PEM as they were read, for TLS."""
        pem = serialization.Encoding.PEM
        return self._papers.leaf.public_bytes(pem), self._papers.key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, manifest: bytes) -> bytes:
        """The file `signature`: detached CMS in DER over exactly these bytes, with both
        certificates.

        Phones demand a signing time; it is read from the clock of this machine."""
        return self._write(manifest)


def find_signers(root: Path, now: datetime) -> dict[str, Signer]:
    """Pass type -> the signer to use: of several the newest that is valid at `now`. Raises
    `CertificateProblem`, also if none of a pass type is valid."""
    found = {}
    for pass_type, signers in find_all_signers(root).items():
        found[pass_type] = next((one for one in signers if one.is_valid(now)), signers[0])
        found[pass_type].check(now)
    return found


def find_all_signers(root: Path) -> dict[str, list[Signer]]:
    """Pass type -> its signers, valid or not, the newest first. `root` is a certificate folder,
    holds one folder per certificate, or both. Folders with none of the three files are passed over.

    Raises `CertificateProblem` if a single folder cannot be used: it is better not to start than to
    fail at the cards of one programme."""
    if not root.is_dir():
        raise CertificateProblem(
            "missing_folder",
            f"There is no folder {root}. It should hold {CERTIFICATE_FILE}, {KEY_FILE} "
            f"and {ISSUER_FILE}, or a folder with these files for each pass type.",
        )
    folders = [root, *(folder for folder in sorted(root.iterdir()) if folder.is_dir())]
    signers: dict[str, list[Signer]] = {}
    for folder in filter(_holds_any, folders):
        # A folder with the name of a pass type must hold a certificate of that pass type.
        promised = folder.name if folder.name.startswith("pass.") and folder != root else None
        signer = Signer.load(folder, None, pass_type=promised)
        _require_successor(signer, signers.setdefault(signer.pass_type, []), root)
        signers[signer.pass_type].append(signer)
    if not signers:
        raise CertificateProblem(
            "missing_file",
            f"No certificate was found in {root}. It should hold {CERTIFICATE_FILE}, {KEY_FILE} "
            f"and {ISSUER_FILE}, or a folder with these files for each pass type.",
        )
    return {
        pass_type: sorted(ones, key=lambda one: one.not_before, reverse=True)
        for pass_type, ones in signers.items()
    }


def look_at(root: Path) -> FolderState:
    """The state of a folder of certificates; two states are equal if no file in it has changed."""
    folders = [root, *(one for one in _inside(root) if one.is_dir())]
    names = (CERTIFICATE_FILE, KEY_FILE, ISSUER_FILE)
    return frozenset(
        seen for folder in folders for name in names if (seen := _state_of(folder / name))
    )


def _inside(root: Path) -> list[Path]:
    try:
        return sorted(root.iterdir())
    except OSError:  # the folder itself is away
        return []


def _state_of(path: Path) -> FileState | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return str(path), state.st_mtime_ns, state.st_size, state.st_ino


def _require_successor(signer: Signer, others: Sequence[Signer], root: Path) -> None:
    """Several certificates of one pass type must be an old one and its successor, of the same team.
    Raises `CertificateProblem`."""
    for other in others:
        if other.fingerprint == signer.fingerprint:
            raise CertificateProblem(
                "duplicate_certificate",
                f"{other.folder} and {signer.folder} hold the same certificate of "
                f"{signer.pass_type}. Move one of them out of {root}.",
            )
        if other.team != signer.team:
            raise CertificateProblem(
                "wrong_team",
                f"{other.folder} and {signer.folder} hold certificates of {signer.pass_type} for "
                f"two teams, {other.team} and {signer.team}. Keep that of the team whose cards "
                "they are.",
            )


def _writer(
    leaf: x509.Certificate, key: rsa.RSAPrivateKey, issuer: x509.Certificate
) -> Callable[[bytes], bytes]:
    """What writes signatures: a template if it proves to give the same bytes as the builder, or
    else the builder."""

    def build(manifest: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
        builder = builder.add_signer(leaf, key, SHA256)
        # Last: set_data and add_signer silently drop the certificates added before them.
        builder = builder.add_certificate(issuer)
        return builder.sign(serialization.Encoding.DER, SIGNATURE_OPTIONS)

    template = CmsTemplate.cut(key, build)
    return build if template is None else template.sign


def _holds_any(folder: Path) -> bool:
    return any((folder / name).exists() for name in (CERTIFICATE_FILE, KEY_FILE, ISSUER_FILE))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CertificateProblem(
            "missing_file",
            f"{path} is missing. A certificate folder holds {CERTIFICATE_FILE}, {KEY_FILE} and "
            f"{ISSUER_FILE}.",
        ) from None
    except OSError as error:
        raise CertificateProblem(
            "unreadable_file",
            f"{path} cannot be read ({error.strerror}). Check its owner and permissions.",
        ) from error


def _certificate(path: Path) -> x509.Certificate:
    data = _bytes_of(path)
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError as error:
        raise CertificateProblem(
            "not_pem",
            f"{path} is not a certificate in PEM form (a text that says BEGIN CERTIFICATE). A .cer "
            "file from Apple becomes one with: "
            f"openssl x509 -inform der -in FILE.cer -out {path.name}",
        ) from error


def _private_key(path: Path) -> rsa.RSAPrivateKey:
    data = _bytes_of(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        raise CertificateProblem(
            "encrypted_key",
            f"{path} is protected by a password, and the service has nobody to ask for it. "
            f"Remove it with: openssl pkey -in {path.name} -out plain.key, then use plain.key as "
            f"{path.name} and let only the service read it.",
        ) from error
    except ValueError as error:
        raise CertificateProblem(
            "not_pem",
            f"{path} is not a private key in PEM form (a text that says BEGIN PRIVATE KEY). A .p12 "
            f"file becomes one with: openssl pkcs12 -in FILE.p12 -nocerts -nodes -out {path.name}",
        ) from error
    except UnsupportedAlgorithm as error:
        raise _unsupported_key(path) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unsupported_key(path)
    if key.key_size < SMALLEST_KEY_BITS:
        raise CertificateProblem(
            "weak_key",
            f"{path} is an RSA key of {key.key_size} bits; Apple's pass certificates need "
            f"{SMALLEST_KEY_BITS}. Make a new key and a new certificate request.",
        )
    return key


def _unsupported_key(path: Path) -> CertificateProblem:
    return CertificateProblem(
        "unsupported_key",
        f"{path} is not an RSA key, and passes are signed with RSA. (The .p8 file for push "
        "notifications is another thing.) Use the key that the certificate was requested with.",
    )


def _encoded(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _public_bytes(certificate: x509.Certificate, path: Path) -> bytes:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:
        raise _unsupported_key(path) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise _unsupported_key(path)
    return _encoded(key)


def _names(leaf: x509.Certificate, path: Path) -> tuple[str, str]:
    """Pass type and team, from UID and OU in the subject of the certificate. Raises
    `CertificateProblem`."""
    pass_type = _one(leaf.subject, NameOID.USER_ID)
    team = _one(leaf.subject, NameOID.ORGANIZATIONAL_UNIT_NAME)
    if pass_type is None or not pass_type.startswith("pass.") or team is None:
        raise CertificateProblem(
            "not_a_pass_certificate",
            f"{path} is not a Pass Type ID certificate but one of another kind, for "
            f"{leaf.subject.rfc4514_string()}. Create one under Identifiers, Pass Type IDs, in "
            "Apple's developer portal.",
        )
    repeated = _pass_type_extension(leaf, path)
    if repeated is not None and repeated != pass_type:
        raise CertificateProblem(
            "wrong_pass_type",
            f"{path} contradicts itself: its name says {pass_type}, its extension {repeated}. "
            "Download the certificate from Apple again.",
        )
    return pass_type, team


def _pass_type_extension(leaf: x509.Certificate, path: Path) -> str | None:
    """The pass type in the extension where Apple repeats it; None if a test chain has no such
    extension."""
    try:
        value = leaf.extensions.get_extension_for_oid(PASS_TYPE_EXTENSION).value.public_bytes()
    except x509.ExtensionNotFound:
        return None
    except (ValueError, x509.DuplicateExtension) as error:
        raise CertificateProblem(
            "not_pem", f"{path} is damaged: {error}. Download the certificate from Apple again."
        ) from error
    # A DER string: tag, length in one byte (from 128 on in two), text.
    return value[2 if value[1:2] < b"\x80" else 3 :].decode("utf-8", "replace")


def _require_issuer(papers: CertificateFiles) -> None:
    """The leaf must name the issuer and bear its signature, which proves more than equal key
    identifiers. Raises `CertificateProblem`.

    Apple has several intermediates with nearly the same name (G2 to G6), and phones only say that
    the certificate does not fit."""
    leaf, issuer = papers.leaf, papers.issuer
    try:
        leaf.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise CertificateProblem(
            "wrong_issuer",
            f"{papers.certificate_file} was not issued by {papers.issuer_file}. It names its "
            f"issuer as {leaf.issuer.rfc4514_string()}; the file there is "
            f"{issuer.subject.rfc4514_string()}. Download the fitting one (today: Worldwide "
            "Developer Relations - G4) from https://www.apple.com/certificateauthority/.",
        ) from error


def _one(name: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    values = name.get_attributes_for_oid(kind)
    if len(values) != 1:
        return None
    value = values[0].value
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
