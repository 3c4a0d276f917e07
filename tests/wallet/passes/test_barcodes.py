"""Barcodes, drawn by a browser and read by programs of others."""

import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import zxingcpp
from pdf417decoder import PDF417Decoder
from PIL import Image

from ledger.members import new_card_number
from wallet.passes import barcodes
from wallet.passes.content import Symbology

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
}


@pytest.mark.parametrize("symbology", get_args(Symbology))
def test_every_symbology_is_read_off_the_screen(photographed, symbology: Symbology) -> None:
    number = new_card_number()
    picture = photographed(symbology, number)
    for read in READERS[symbology]:
        assert read(picture) == number


def test_the_card_shows_its_code_in_the_symbology_asked_for(client, join) -> None:
    member = join()
    path = member["links"]["card"].removeprefix("http://127.0.0.1:8080")
    for symbology in get_args(Symbology):
        answer = client.get(f"{path}/barcode.svg?symbology={symbology}")
        assert answer.mimetype == "image/svg+xml"
        assert answer.text == barcodes.svg(symbology, member["card"]["barcode"])
    assert client.get(f"{path}/barcode.svg").text == barcodes.svg("qr", member["card"]["barcode"])
    assert client.get(f"{path}/barcode.svg?symbology=maze").status_code == 404
    assert client.get("/card/wrong/barcode.svg").status_code == 404
