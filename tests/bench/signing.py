"""How much of a changed card's cost is the signature itself, which cannot be made cheaper.

Limit: one raw RSA-2048 signature (PKCS#1 v1.5, SHA-256) with the key loaded. Measured against it:
ready content -> pass.json, manifest, signature and the zip, through the public functions, with a
template of nine pictures. Both in CPU time of this process and in turns, so that neighbours on the
machine slow both alike."""

import datetime as dt
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from wallet.apple import bundle
from wallet.apple.signing import KEY_FILE, Signer
from wallet.passes.content import Content, Design, FieldDesign, FieldValue
from wallet.sandbox import certificates

ROUNDS = 21
PER_ROUND = 60
PICTURE_BYTES = {
    "icon": (1_500, 4_000, 7_500),
    "logo": (2_000, 5_500, 11_500),
    "strip": (12_000, 36_000, 70_000),
}

DESIGN = Design(
    organization="Coffee House",
    description={"en": "Loyalty card", "ru": "Карта лояльности"},
    languages=("en", "ru"),
    logo_text="Coffee House",
    fields=(
        FieldDesign(
            "points",
            "header",
            {"en": "Points", "ru": "Баллы"},
            "points",
            {"en": "You now have %@ points", "ru": "Теперь у вас баллов: %@"},
        ),
        FieldDesign("name", "secondary", {"en": "Name", "ru": "Имя"}, "name"),
        FieldDesign(
            "offer",
            "secondary",
            {"en": "Offer", "ru": "Предложение"},
            "offer",
            {"en": "%@", "ru": "%@"},
        ),
        FieldDesign("offers", "back", {"en": "Offers", "ru": "Предложения"}, "offers"),
        FieldDesign("card", "back", {"en": "Card number", "ru": "Номер карты"}, "card"),
    ),
)


def measure() -> dict[str, float]:
    """`signing_ratio`: passes per CPU second to raw signatures per CPU second, median of the
    rounds; `signing_passes_per_cpu_s`; `signing_us_over_rsa`: microseconds a pass costs besides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates.ensure_chain(folder, dt.datetime.now(dt.UTC))
        place = folder / certificates.SANDBOX_PASS_TYPE
        signer = Signer.load(place, dt.datetime.now(dt.UTC))
        key = serialization.load_pem_private_key((place / KEY_FILE).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    face, archive = bundle.PassTemplate.prepare(DESIGN), bundle.Archive.prepare(_files())
    cards = [_card(number) for number in range(PER_ROUND)]
    manifest = archive.manifest(bundle.render(face, *cards[0]))
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()

    def raw() -> None:
        for _ in cards:
            key.sign(manifest, pkcs1, sha256)

    def passes() -> None:
        for identity, content in cards:
            archive.assemble(bundle.seal(archive, bundle.render(face, identity, content), signer))

    raw(), passes()
    # The limit stands on both sides of what is measured: a clock that drifts drifts for both.
    rounds = [(_cpu(raw), _cpu(passes), _cpu(raw)) for _ in range(ROUNDS)]
    limits = [(before + after) / 2 for before, _, after in rounds]
    costs = [cost for _, cost, _ in rounds]
    pairs = list(zip(limits, costs, strict=True))
    return {
        "signing_ratio": statistics.median(limit / cost for limit, cost in pairs),
        "signing_passes_per_cpu_s": statistics.median(1 / cost for cost in costs),
        "signing_us_over_rsa": statistics.median((cost - limit) * 1e6 for limit, cost in pairs),
    }


def _cpu(work: Callable[[], None]) -> float:
    """CPU seconds for one of the pieces of `work`."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) / PER_ROUND


def _files() -> dict[str, bytes]:
    noise = random.Random(20)  # noqa: S311 - stands in for pictures, which do not shrink
    return {
        **bundle.strings(DESIGN),
        **{
            f"{kind}{scale}.png": noise.randbytes(size)
            for kind, sizes in PICTURE_BYTES.items()
            for scale, size in zip(("", "@2x", "@3x"), sizes, strict=True)
        },
    }


def _card(number: int) -> tuple[bundle.Identity, Content]:
    identity = bundle.Identity(
        pass_type=certificates.SANDBOX_PASS_TYPE,
        team=certificates.SANDBOX_TEAM,
        serial=f"{number:032x}",
        token=f"token-{number:032x}",
        web_service_url="https://cards.example/apple",
    )
    offers = "Second cup free\nEvery Tuesday, from 9 to 12.\nuntil 2027-01-31\n\n" * 10
    content = Content(
        barcode=f"4{number:011}",
        card_number=f"4{number:011}",
        values=(
            FieldValue("points", 1000 + number),
            FieldValue("name", f"Анна Смирнова {number}"),
            FieldValue("offer", "Second cup free"),
            FieldValue("offers", offers),
            FieldValue("card", f"4{number:011}"),
        ),
    )
    return identity, content


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:28} {figure:10.3f}\n")
