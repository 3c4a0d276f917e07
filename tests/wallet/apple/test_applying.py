"""Getting a certificate: the request that goes to Apple, and what comes back."""

import datetime as dt
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from wallet.apple import applying
from wallet.errors import CertificateProblem
from wallet.sandbox import certificates
from wallet.sandbox.certificates import Authority

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def apple() -> Authority:
    return certificates.new_authority(NOW - DAY, NOW + 400 * DAY)


@pytest.fixture
def requested(tmp_path: Path) -> Path:
    folder = tmp_path / "pass.com.example.loyalty"
    applying.request(folder, "it@example.com", "Example")
    return folder


def certified(apple: Authority, folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """What Apple would send for the request: its answer in DER, and the intermediate."""
    csr = x509.load_pem_x509_csr((folder / "pass.csr").read_bytes())
    model = apple.issue_pass_certificate(
        "pass.com.example.loyalty", "TEAM123456", NOW - DAY, NOW + 365 * DAY
    ).certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(model.subject)
        .issuer_name(model.issuer)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(model.not_valid_before_utc)
        .not_valid_after(model.not_valid_after_utc)
    )
    for extension in model.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    leaf = builder.sign(apple.intermediate.key, hashes.SHA256())
    answer, issuer = tmp_path / "pass.cer", tmp_path / "AppleWWDRCAG4.cer"
    answer.write_bytes(leaf.public_bytes(serialization.Encoding.DER))
    issuer.write_bytes(apple.intermediate.certificate.public_bytes(serialization.Encoding.DER))
    return answer, issuer


def test_openssl_takes_the_request_and_the_key_is_for_its_owner(requested: Path) -> None:
    check = ["openssl", "req", "-in", requested / "pass.csr", "-noout", "-verify", "-subject"]
    said = subprocess.run(check, capture_output=True, text=True, check=True)
    assert "verify OK" in said.stdout + said.stderr
    assert "it@example.com" in said.stdout
    assert stat.S_IMODE((requested / "pass.key").stat().st_mode) == 0o600


def test_a_key_is_never_replaced(requested: Path) -> None:
    before = (requested / "pass.key").read_bytes()
    with pytest.raises(CertificateProblem) as refusal:
        applying.request(requested, "it@example.com", "Example")
    assert refusal.value.problem == "key_exists"
    assert (requested / "pass.key").read_bytes() == before


def test_what_apple_sends_is_ready_to_sign(apple, requested: Path, tmp_path: Path) -> None:
    signer = applying.accept(requested, *certified(apple, requested, tmp_path), NOW)
    assert (signer.pass_type, signer.team) == ("pass.com.example.loyalty", "TEAM123456")
    assert signer.sign(b"{}")


def test_what_does_not_fit_the_key_changes_nothing(apple, requested: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    applying.request(other, "it@example.com", "Other")
    with pytest.raises(CertificateProblem) as refusal:
        applying.accept(requested, *certified(apple, other, tmp_path), NOW)
    assert refusal.value.problem == "key_mismatch"
    assert str(tmp_path / "pass.cer") in str(refusal.value)
    assert sorted(file.name for file in requested.iterdir()) == ["pass.csr", "pass.key"]


def test_a_refusal_names_the_files_that_were_given(apple, requested: Path, tmp_path: Path) -> None:
    answer, issuer = certified(apple, requested, tmp_path)
    other = certificates.new_authority(NOW - DAY, NOW + 400 * DAY).intermediate.certificate
    issuer.write_bytes(other.public_bytes(serialization.Encoding.DER))
    with pytest.raises(CertificateProblem) as refusal:
        applying.accept(requested, answer, issuer, NOW)
    assert refusal.value.problem == "wrong_issuer"
    assert f"{answer} was not issued by {issuer}." in str(refusal.value)
    with pytest.raises(CertificateProblem) as refusal:
        applying.accept(requested, *certified(apple, requested, tmp_path), NOW + 366 * DAY)
    assert refusal.value.problem == "expired"
    assert str(refusal.value).startswith(f"{answer} expired on ")
    assert sorted(file.name for file in requested.iterdir()) == ["pass.csr", "pass.key"]


def test_what_is_no_certificate_is_refused(apple, requested: Path, tmp_path: Path) -> None:
    answer, issuer = certified(apple, requested, tmp_path)
    issuer.write_text("<html>Please sign in</html>")
    with pytest.raises(CertificateProblem) as refusal:
        applying.accept(requested, answer, issuer, NOW)
    assert refusal.value.problem == "not_a_certificate"


def test_an_answer_without_its_key_is_refused(apple, requested: Path, tmp_path: Path) -> None:
    answer, issuer = certified(apple, requested, tmp_path)
    (requested / "pass.key").unlink()
    with pytest.raises(CertificateProblem) as refusal:
        applying.accept(requested, answer, issuer, NOW)
    assert refusal.value.problem == "missing_file"
