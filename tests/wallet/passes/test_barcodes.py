"""Barcodes, drawn by a browser and read by programs of others."""

import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import zxingcpp
from pdf417decoder import PDF417Decoder
from PIL import Image
from sqlalchemy import select

from ledger.people.cards import new_card_number
from wallet.passes import barcodes, codes, issued, symbologies
from wallet.passes.content import Symbology
from wallet.passes.issued import Pass

PAGE = '<body style="margin:0;width:760px;background:#ccc">{code}</body>'


@pytest.fixture
def photographed(tmp_path: Path):
    """The code as Chromium shows it."""
    chromium = shutil.which("chromium")
    assert chromium, "this test needs Chromium (Debian: apt-get install chromium)"

    def taken(symbology: Symbology, text: str) -> Path:
        page, picture = tmp_path / "code.html", tmp_path / "code.png"
        page.write_text(PAGE.format(code=barcodes.svg(symbology, text)))
        command = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=800,900",
            f"--screenshot={picture}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return picture

    return taken


def read_by_zbar(picture: Path) -> str:
    assert shutil.which("zbarimg"), "this test needs zbarimg (Debian: apt-get install zbar-tools)"
    command = ["zbarimg", "--quiet", "--raw", picture]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read_by_pdf417decoder(picture: Path) -> str:
    decoder = PDF417Decoder(Image.open(picture).convert("RGB"))
    assert decoder.decode() == 1
    return decoder.barcode_data_index_to_string(0)


def read_by_zxing(picture: Path) -> str:
    return zxingcpp.read_barcodes(Image.open(picture))[0].text


READERS = {
    "qr": [read_by_zbar, read_by_zxing],
    "code128": [read_by_zbar, read_by_zxing],
    "pdf417": [read_by_pdf417decoder, read_by_zxing],
    "aztec": [read_by_zxing],
    "code39": [read_by_zbar, read_by_zxing],
    "codabar": [read_by_zbar],
    "ean13": [read_by_zbar, read_by_zxing],
    "itf": [read_by_zbar, read_by_zxing],
}
AN_EAN = "4006381333931"


@pytest.mark.parametrize("symbology", get_args(Symbology))
def test_every_symbology_is_read_off_the_screen(photographed, symbology: Symbology) -> None:
    number = AN_EAN if symbology == "ean13" else new_card_number()
    assert symbologies.carries(symbology, number)
    picture = photographed(symbology, number)
    for read in READERS[symbology]:
        # zbar shows Codabar's guards; a till's scanner leaves them out.
        assert read(picture).strip("A") == number


@pytest.mark.parametrize(
    ("symbology", "text", "fits"),
    [
        ("ean13", AN_EAN, True),
        ("ean13", "4006381333932", False),  # the check digit
        ("ean13", "4600000012345678", False),
        ("itf", "46000", False),
        ("itf", "460001", True),
        ("code39", "CARD-1", True),
        ("code39", "card-1", False),
        ("codabar", "4600-1", True),
        ("codabar", "A1", False),
        ("code128", "Карта", False),
        ("qr", "Карта", True),
    ],
)
def test_what_a_barcode_can_say(symbology: Symbology, text: str, *, fits: bool) -> None:
    assert symbologies.carries(symbology, text) is fits


@pytest.mark.parametrize("symbology", codes.CARRIERS)
def test_a_signed_code_is_read_off_the_card_and_the_till_takes_it(
    photographed, api, client, join, house, symbology: Symbology
) -> None:
    assert api.call("PATCH", "programmes/demo/card-code", {"kind": "ed25519"}).status_code == 200
    member = join(name="Анна")
    path = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
    with house.installation.database.reading() as session:
        text = issued.content(session.scalars(select(Pass)).one()).barcode
    shown = client.get(f"{path}/barcode.svg?symbology={symbology}").text
    assert shown == barcodes.svg(symbology, text)
    picture = photographed(symbology, text)
    for read in READERS[symbology]:
        assert read(picture) == text
    assert api.post("scans", {"barcode": read(picture)}).get_json()["name"] == "Анна"
    assert client.get(f"{path}/barcode.svg?symbology=code128").status_code == 404


def test_the_card_shows_its_code_in_the_symbology_asked_for(client, join) -> None:
    member = join()
    path = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
    for symbology in set(get_args(Symbology)) - {"ean13"}:
        answer = client.get(f"{path}/barcode.svg?symbology={symbology}")
        assert answer.mimetype == "image/svg+xml"
        assert answer.text == barcodes.svg(symbology, member["card"]["barcode"])
    assert client.get(f"{path}/barcode.svg").text == barcodes.svg("qr", member["card"]["barcode"])
    # The number is none of an EAN-13, which no reader would take.
    assert client.get(f"{path}/barcode.svg?symbology=ean13").status_code == 404
    assert client.get(f"{path}/barcode.svg?symbology=maze").status_code == 404
    assert client.get("/card/wrong/barcode.svg").status_code == 404
