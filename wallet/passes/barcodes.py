"""Barcodes as drawings: what a till's scanner reads off a page or a poster."""

import io
import re

import segno
import zxingcpp

from wallet.passes.content import Symbology

FORMATS = {
    "aztec": zxingcpp.BarcodeFormat.Aztec,
    "codabar": zxingcpp.BarcodeFormat.Codabar,
    "code128": zxingcpp.BarcodeFormat.Code128,
    "code39": zxingcpp.BarcodeFormat.Code39,
    "ean13": zxingcpp.BarcodeFormat.EAN13,
    "itf": zxingcpp.BarcodeFormat.ITF,
    "pdf417": zxingcpp.BarcodeFormat.PDF417,
}
# Modules of white that each standard wants around its code, beyond what the writer leaves.
QUIET_ZONE = {
    "aztec": 2,
    "codabar": 2,
    "code128": 2,
    "code39": 2,
    "ean13": 2,
    "itf": 2,
    "pdf417": 2,
    "qr": 4,
}

SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')
OUTLINE = re.compile(r'<path d="([^"]+)"')


def svg(symbology: Symbology, text: str) -> str:
    """The code as an SVG without a size of its own. It is dark on white whatever the colours around
    it, since many scanners cannot read light on dark."""
    if symbology == "qr":
        drawing = io.BytesIO()
        segno.make_qr(text, error="m").save(
            drawing,
            kind="svg",
            xmldecl=False,
            nl=False,
            border=QUIET_ZONE["qr"],
            dark="#000",
            light="#fff",
            omitsize=True,
            svgclass="qr",
            lineclass=None,
        )
        return drawing.getvalue().decode()
    if symbology == "codabar":
        text = f"A{text}A"  # start and stop characters, which scanners do not send
    drawn = zxingcpp.create_barcode(text, FORMATS[symbology]).to_svg()
    size, outline = SIZE.search(drawn), OUTLINE.search(drawn)
    if size is None or outline is None:
        raise AssertionError("the barcode writer draws in another way now")
    margin = QUIET_ZONE[symbology]
    width, height = (int(length) + 2 * margin for length in size.groups())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{symbology}"'
        f' viewBox="0 0 {width} {height}"><path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/>'
        f'<path transform="translate({margin} {margin})" d="{outline[1]}"/></svg>'
    )
