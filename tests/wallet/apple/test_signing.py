"""Certificates are refused with words that help, and what a good one signs verifies elsewhere."""

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chains
import cms
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from wallet.apple.cms_template import CmsTemplate
from wallet.apple.signing import Signer, find_signers
from wallet.errors import CertificateProblem

PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER
PKCS8 = serialization.PrivateFormat.PKCS8
OPEN = serialization.NoEncryption()


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return chains.signer(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chains.root_file(tmp_path_factory.mktemp("root"))


def refused(folder: Path, *, now: dt.datetime = chains.NOW, **wanted: str) -> CertificateProblem:
    with pytest.raises(CertificateProblem) as caught:
        Signer.load(folder, now, **wanted)
    return caught.value


def test_a_signer_knows_what_its_certificate_says(signer: Signer) -> None:
    assert (signer.pass_type, signer.team) == (chains.PASS_TYPE, chains.TEAM)
    assert not signer.nfc
    assert signer.not_after == chains.day(395)
    assert signer.days_left(chains.NOW) == 395
    assert signer.days_left(chains.day(396)) == -1
    assert len(bytes.fromhex(signer.fingerprint)) == 32


def test_a_signer_does_not_print_its_key(signer: Signer) -> None:
    assert "key" not in repr(signer).lower()


def test_a_certificate_for_nfc_says_so(tmp_path: Path) -> None:
    assert chains.signer(tmp_path, chains.leaf(nfc=True)).nfc


def test_the_intermediate_may_be_what_ends_first(tmp_path: Path) -> None:
    assert chains.signer(tmp_path, chains.leaf(last_day=500)).not_after == chains.day(400)


@pytest.mark.parametrize(
    "manifest",
    [
        b'{"pass.json":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}',
        b'{\n  "pass.json": "da39a3ee5e6b4b0d3255bfef95601890afd80709",\n  "icon.png": "00"\n}\n',
        b'{\r\n  "pass.json": "da39a3ee5e6b4b0d3255bfef95601890afd80709"\r\n}',
        b"",
        '{"ключ":"値 🎁"}'.encode(),
    ],
    ids=["one line", "line feeds", "carriage returns", "empty", "not ASCII"],
)
def test_openssl_verifies_what_was_signed(
    manifest: bytes, signer: Signer, root: Path, tmp_path: Path
) -> None:
    assert cms.verifies(signer.sign(manifest), manifest, root, tmp_path)


def test_a_changed_manifest_does_not_verify(signer: Signer, root: Path, tmp_path: Path) -> None:
    signature = signer.sign(b'{"pass.json":"00"}')
    assert not cms.verifies(signature, b'{"pass.json":"01"}', root, tmp_path)
    assert not cms.verifies(signature, b'{"pass.json":"00"}\n', root, tmp_path)


def test_the_signature_carries_the_leaf_and_the_intermediate(signer: Signer) -> None:
    carried = pkcs7.load_der_pkcs7_certificates(signer.sign(b"{}"))
    expected = [chains.leaf().certificate, chains.authority().intermediate.certificate]
    assert len(carried) == 2
    assert set(carried) == set(expected)


def test_the_signature_has_a_signing_time_and_stands_apart(signer: Signer) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    text = cms.printed(signer.sign(b"{}"))
    found = re.search(r"signingTime.*?UTCTIME:(\w{3}\s+\d+ [\d:]{8} \d{4}) GMT", text, re.DOTALL)
    assert found is not None
    signed = dt.datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=dt.UTC)
    assert before <= signed <= dt.datetime.now(dt.UTC)
    assert "eContent: <ABSENT>" in text
    assert "algorithm: sha256" in text
    assert "algorithm: sha1" not in text
    assert "messageDigest" in text


def test_threads_may_share_a_signer(signer: Signer, root: Path, tmp_path: Path) -> None:
    manifests = [b'{"pass.json":"%040d"}' % number for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        signatures = list(pool.map(signer.sign, manifests))
    for manifest, signature in zip(manifests[::8], signatures[::8], strict=True):
        assert cms.verifies(signature, manifest, root, tmp_path)


def test_a_loaded_signer_does_without_the_builder(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pkcs7, "PKCS7SignatureBuilder")
    assert len(pkcs7.load_der_pkcs7_certificates(signer.sign(b"{}"))) == 2


def test_without_a_stencil_the_builder_signs(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CmsTemplate, "cut", lambda _key, _build: None)
    manifest = b'{\n  "pass.json": "00"\n}'
    signature = chains.signer(tmp_path / "folder").sign(manifest)
    assert cms.verifies(signature, manifest, root, tmp_path)
    assert len(pkcs7.load_der_pkcs7_certificates(signature)) == 2


# --- faults, each with the words that a person will look for

EC_KEY = ec.generate_private_key(ec.SECP256R1())
SHORT_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _write(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def _key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else OPEN
    return key.private_bytes(PEM, PKCS8, lock)


FAULTS = {
    "no certificate": (lambda: _remove("pass.pem"), "missing_file", "pass.pem is missing"),
    "no key": (lambda: _remove("pass.key"), "missing_file", "pass.key is missing"),
    "no intermediate": (lambda: _remove("wwdr.pem"), "missing_file", "wwdr.pem is missing"),
    "certificate as Apple sends it": (
        lambda: _write("pass.pem", chains.leaf().certificate.public_bytes(DER)),
        "not_pem",
        "openssl x509 -inform der",
    ),
    "key in the certificate's place": (
        lambda: _write("pass.pem", chains.leaf().key_pem()),
        "not_pem",
        "BEGIN CERTIFICATE",
    ),
    "certificate in the key's place": (
        lambda: _write("pass.key", chains.leaf().certificate_pem()),
        "not_pem",
        "BEGIN PRIVATE KEY",
    ),
    "empty key": (lambda: _write("pass.key", b""), "not_pem", "openssl pkcs12"),
    "cut off intermediate": (
        lambda: _write("wwdr.pem", chains.authority().intermediate.certificate_pem()[:200]),
        "not_pem",
        "wwdr.pem",
    ),
    "key with a password": (
        lambda: _write("pass.key", _key(chains.leaf().key, b"secret")),
        "encrypted_key",
        "openssl pkey",
    ),
    "elliptic key": (lambda: _write("pass.key", _key(EC_KEY)), "unsupported_key", "RSA"),
    "elliptic certificate": (
        lambda: _write(
            "pass.pem", chains.odd_leaf(chains.usual_names(), key=EC_KEY).public_bytes(PEM)
        ),
        "unsupported_key",
        "RSA",
    ),
    "short key": (
        lambda: _write("pass.key", _key(SHORT_KEY)),
        "weak_key",
        "1024 bits",
    ),
    "another request's key": (
        lambda: _write("pass.key", chains.authority().root.key_pem()),
        "key_mismatch",
        "is not the key of",
    ),
    "certificate without a pass type": (
        lambda: _write(
            "pass.pem", chains.odd_leaf([(NameOID.COMMON_NAME, "Apple Push")]).public_bytes(PEM)
        ),
        "not_a_pass_certificate",
        "CN=Apple Push",
    ),
    "certificate of an app": (
        lambda: _write(
            "pass.pem", chains.odd_leaf(chains.usual_names("com.example.app")).public_bytes(PEM)
        ),
        "not_a_pass_certificate",
        "Pass Type IDs",
    ),
    "name and extension disagree": (
        lambda: _write(
            "pass.pem",
            chains.odd_leaf(chains.usual_names(), extension="pass.example.other").public_bytes(PEM),
        ),
        "wrong_pass_type",
        "pass.example.other",
    ),
    "another intermediate": (
        lambda: _write("wwdr.pem", chains.stranger().intermediate.certificate_pem()),
        "wrong_issuer",
        "G4",
    ),
    "an intermediate of the same name": (
        lambda: _write("wwdr.pem", chains.namesake().intermediate.certificate_pem()),
        "wrong_issuer",
        "https://www.apple.com/certificateauthority/",
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_folder_is_refused_in_words(
    fault: tuple[Callable[[], Callable[[Path], None]], str, str], tmp_path: Path
) -> None:
    spoil, problem, words = fault
    spoil()(chains.lay(tmp_path))
    refusal = refused(tmp_path)
    assert refusal.problem == problem
    assert words in str(refusal)
    # Whoever reads it knows where to look.
    assert str(tmp_path) in str(refusal)
    assert refusal.facts() == {"problem": problem}


def test_a_certificate_of_another_pass_type_is_refused(tmp_path: Path) -> None:
    refusal = refused(chains.lay(tmp_path), pass_type="pass.example.other")
    assert refusal.problem == "wrong_pass_type"
    assert chains.PASS_TYPE in str(refusal)
    assert "pass.example.other" in str(refusal)


def test_a_certificate_of_another_team_is_refused(tmp_path: Path) -> None:
    refusal = refused(chains.lay(tmp_path), pass_type=chains.PASS_TYPE, team="ANOTHER001")
    assert refusal.problem == "wrong_team"
    assert chains.TEAM in str(refusal)
    assert "ANOTHER001" in str(refusal)


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    refusal = refused(chains.lay(tmp_path, chains.leaf(first_day=-20, last_day=-2)))
    assert refusal.problem == "expired"
    assert f"expired on {chains.day(-2).date()}" in str(refusal)
    assert "Create a new certificate" in str(refusal)


def test_a_certificate_of_the_future_is_refused(tmp_path: Path) -> None:
    refusal = refused(chains.lay(tmp_path, chains.leaf(first_day=2)))
    assert refusal.problem == "not_yet_valid"
    assert f"valid only from {chains.day(2).date()}" in str(refusal)


def test_an_intermediate_out_of_its_time_is_refused(tmp_path: Path) -> None:
    folder = chains.lay(tmp_path, chains.leaf(first_day=-100, last_day=500))
    assert refused(folder, now=chains.day(450)).problem == "wwdr_expired"
    assert refused(folder, now=chains.day(-60)).problem == "wwdr_not_yet_valid"


def test_a_signer_that_outlives_its_certificate_notices(signer: Signer) -> None:
    signer.check(chains.day(395))
    with pytest.raises(CertificateProblem) as caught:
        signer.check(chains.day(395) + dt.timedelta(seconds=1))
    assert caught.value.problem == "expired"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    chains.lay(tmp_path)
    (tmp_path / "pass.key").unlink()
    (tmp_path / "pass.key").mkdir()
    assert refused(tmp_path).problem == "unreadable_file"


def test_text_around_the_pem_does_no_harm(tmp_path: Path) -> None:
    chains.lay(tmp_path)
    for name in ("pass.pem", "pass.key", "wwdr.pem"):
        path = tmp_path / name
        path.write_bytes(b"Bag Attributes\n    friendlyName: cards\n" + path.read_bytes())
    assert Signer.load(tmp_path, chains.NOW).pass_type == chains.PASS_TYPE


def test_a_certificate_without_the_extension_goes_by_its_name(tmp_path: Path) -> None:
    chains.lay(tmp_path)
    bare = chains.odd_leaf(chains.usual_names())
    (tmp_path / "pass.pem").write_bytes(bare.public_bytes(PEM))
    assert Signer.load(tmp_path, chains.NOW).pass_type == chains.PASS_TYPE


# --- several pass types


def test_one_folder_is_found_by_itself(tmp_path: Path) -> None:
    assert list(find_signers(chains.lay(tmp_path), chains.NOW)) == [chains.PASS_TYPE]


def test_a_folder_per_pass_type_is_found(tmp_path: Path) -> None:
    chains.lay(tmp_path / chains.PASS_TYPE)
    chains.lay(tmp_path / "second", chains.leaf("pass.example.second"))
    (tmp_path / "old").mkdir()
    (tmp_path / "root.pem").write_bytes(b"beside them")
    found = find_signers(tmp_path, chains.NOW)
    assert set(found) == {chains.PASS_TYPE, "pass.example.second"}
    assert all(pass_type == signer.pass_type for pass_type, signer in found.items())


def test_one_bad_folder_refuses_all(tmp_path: Path) -> None:
    chains.lay(tmp_path / "first")
    chains.lay(tmp_path / "second", chains.leaf("pass.example.second"))
    (tmp_path / "second" / "pass.key").unlink()
    with pytest.raises(CertificateProblem) as caught:
        find_signers(tmp_path, chains.NOW)
    assert str(tmp_path / "second" / "pass.key") in str(caught.value)


def test_a_folder_named_after_a_pass_type_holds_that_one(tmp_path: Path) -> None:
    chains.lay(tmp_path / "pass.example.other")
    with pytest.raises(CertificateProblem) as caught:
        find_signers(tmp_path, chains.NOW)
    assert caught.value.problem == "wrong_pass_type"


def test_the_same_certificate_twice_is_refused(tmp_path: Path) -> None:
    chains.lay(tmp_path / "new")
    chains.lay(tmp_path / "old")
    with pytest.raises(CertificateProblem) as caught:
        find_signers(tmp_path, chains.NOW)
    assert caught.value.problem == "duplicate_certificate"


def test_one_pass_type_is_of_one_team(tmp_path: Path) -> None:
    chains.lay(tmp_path / "ours")
    chains.lay(tmp_path / "theirs", chains.leaf(team="ANOTHER001"))
    with pytest.raises(CertificateProblem) as caught:
        find_signers(tmp_path, chains.NOW)
    assert caught.value.problem == "wrong_team"


@pytest.mark.parametrize(("name", "problem"), [("absent", "missing_folder"), ("", "missing_file")])
def test_no_certificates_at_all_are_refused(name: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(CertificateProblem) as caught:
        find_signers(tmp_path / name, chains.NOW)
    assert caught.value.problem == problem
    assert "wwdr.pem" in str(caught.value)
