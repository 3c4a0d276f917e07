"""A template is used only where it writes exactly what the library's builder writes."""

from collections.abc import Callable

import chains
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from wallet.apple.cms_template import CmsTemplate

DETACHED = (pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary)
PLAIN = (*DETACHED, pkcs7.PKCS7Options.NoCapabilities)


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return chains.leaf().key


def built(*options: pkcs7.PKCS7Options) -> Callable[[bytes], bytes]:
    def build(manifest: bytes) -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
        builder = builder.add_signer(chains.leaf().certificate, chains.leaf().key, hashes.SHA256())
        return builder.sign(serialization.Encoding.DER, options)

    return build


def same(template: CmsTemplate, build: Callable[[bytes], bytes], manifest: bytes) -> bool:
    # A second may end between the two, not three times in a row.
    return any(template.sign(manifest) == build(manifest) for _ in range(3))


@pytest.mark.parametrize("manifest", [b"", b"{}", b"a\nb\r\n", bytes(range(256)) * 50])
def test_a_stencil_writes_what_the_builder_writes(manifest: bytes, key: rsa.RSAPrivateKey) -> None:
    template = CmsTemplate.cut(key, built(*PLAIN))
    assert template is not None
    assert same(template, built(*PLAIN), manifest)


@pytest.mark.parametrize(
    "options",
    [(*DETACHED, pkcs7.PKCS7Options.NoAttributes), (pkcs7.PKCS7Options.Binary,)],
    ids=["nothing but the RSA value", "the manifest inside"],
)
def test_another_structure_gets_no_template(
    options: tuple[pkcs7.PKCS7Options, ...], key: rsa.RSAPrivateKey
) -> None:
    assert CmsTemplate.cut(key, built(*options)) is None


def test_a_builder_that_never_repeats_itself_gets_no_template(key: rsa.RSAPrivateKey) -> None:
    counted = iter(range(100))

    def build(manifest: bytes) -> bytes:
        whole = built(*PLAIN)(manifest)
        return bytes([next(counted)]) + whole

    assert CmsTemplate.cut(key, build) is None


def test_anothers_key_gets_no_template() -> None:
    assert CmsTemplate.cut(chains.authority().root.key, built(*PLAIN)) is None


def test_a_build_of_anything_else_gets_no_template(key: rsa.RSAPrivateKey) -> None:
    assert CmsTemplate.cut(key, lambda _manifest: b"") is None
    assert CmsTemplate.cut(key, lambda manifest: manifest * 200) is None


def test_a_stencil_does_not_print_its_key(key: rsa.RSAPrivateKey) -> None:
    assert repr(CmsTemplate.cut(key, built(*PLAIN))) == "CmsTemplate()"
