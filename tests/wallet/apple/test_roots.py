"""Who issued a certificate: Apple is who Apple's own roots stand behind, whatever others call
themselves."""

import re
from pathlib import Path

import chains
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from wallet.apple import applying, roots
from wallet.apple.signing import Signer
from wallet.errors import CertificateProblem
from wallet.sandbox.certificates import Authority, Issued

WWDR = x509.load_pem_x509_certificate(Path(__file__).with_name("wwdr_g4.pem").read_bytes())


def signer(folder: Path, authority: Authority) -> Signer:
    return Signer.load(chains.lay(folder, chains.leaf(issuer=authority), authority), chains.NOW)


@pytest.fixture(scope="module")
def imitation() -> Authority:
    """Apple's own names, letter by letter, in an authority that is not Apple's."""
    own = chains.authority()

    def renamed(one: Issued, like: x509.Certificate, key: rsa.RSAPrivateKey) -> Issued:
        builder = x509.CertificateBuilder(like.issuer, like.subject, one.key.public_key())
        builder = builder.serial_number(like.serial_number)
        builder = builder.not_valid_before(chains.day(-30)).not_valid_after(chains.day(400))
        for extension in like.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        return Issued(builder.sign(key, hashes.SHA256()), one.key)

    root = renamed(own.root, roots.roots()[0], own.root.key)
    return Authority(root, renamed(own.intermediate, WWDR, own.root.key))


def test_apples_roots_are_those_that_apple_publishes() -> None:
    names = [re.search(r"CN=([^,]+)", one.subject.rfc4514_string())[1] for one in roots.roots()]
    assert names == ["Apple Root CA", "Apple Root CA - G2", "Apple Root CA - G3"]


def test_apples_intermediate_is_apples() -> None:
    leaf = chains.leaf().certificate
    assert roots.issuer_of(leaf, WWDR) == "Apple"


def test_who_only_bears_apples_name_is_not_apple(imitation: Authority, tmp_path: Path) -> None:
    assert imitation.intermediate.certificate.subject == WWDR.subject
    found = signer(tmp_path, imitation)
    assert found.issued_by == "somebody unknown"
    with pytest.raises(CertificateProblem, match="is not Apple's") as refused:
        found.require_known_issuer()
    assert refused.value.problem == "not_apples"
    assert "CN=Apple Worldwide Developer Relations" in str(refused.value)


def test_the_sandbox_is_called_the_sandbox(tmp_path: Path) -> None:
    found = signer(tmp_path, chains.authority())
    assert found.issued_by == "the sandbox"
    found.require_known_issuer()


def test_a_certificate_that_may_issue_none_is_no_authority(monkeypatch, tmp_path: Path) -> None:
    """Apple signs certificates for everybody: what one of them signs is not Apple's."""
    own = chains.authority()
    monkeypatch.setattr(roots, "roots", lambda: [own.intermediate.certificate])
    below = chains.leaf()  # the intermediate signed it, and it is no authority
    assert roots.issuer_of(chains.leaf().certificate, below.certificate) == "the sandbox"


def test_what_is_not_apples_is_not_imported(imitation: Authority, tmp_path: Path) -> None:
    leaf = chains.leaf(issuer=imitation)
    folder = chains.lay(tmp_path / "own", leaf, imitation)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(CertificateProblem, match="is not Apple's"):
        applying.accept(folder, folder / "pass.pem", folder / "wwdr.pem", chains.NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_that_is_not_apples_roots_is_noticed(monkeypatch, tmp_path: Path) -> None:
    other = tmp_path / "roots.pem"
    other.write_bytes(chains.authority().root.certificate_pem())
    monkeypatch.setattr(roots, "FILE", other)
    with pytest.raises(RuntimeError, match="does not hold Apple's roots"):
        roots.roots.__wrapped__()
