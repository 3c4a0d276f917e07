"""A pass as a small drawing in letters, for the terminal."""

import textwrap
import unicodedata

from ledger.languages import Language
from wallet.apple.reading import OpenedPass, PassField
from wallet.google.reading import AndroidCard

WIDTH = 50  # columns
SYMBOLOGIES = {
    "PKBarcodeFormatQR": "QR",
    "PKBarcodeFormatPDF417": "PDF417",
    "PKBarcodeFormatAztec": "Aztec",
    "PKBarcodeFormatCode128": "Code 128",
    "PKBarcodeFormatCode39": "Code 39",
    "PKBarcodeFormatCodabar": "Codabar",
    "PKBarcodeFormatEAN13": "EAN-13",
    "PKBarcodeFormatI2of5": "Interleaved 2 of 5",
    "QR_CODE": "QR",
    "PDF_417": "PDF417",
    "AZTEC": "Aztec",
    "CODE_128": "Code 128",
    "CODE_39": "Code 39",
    "CODABAR": "Codabar",
    "EAN_13": "EAN-13",
    "ITF_14": "ITF-14",
}


def draw(pass_: OpenedPass, language: Language) -> str:
    """The front in a frame, the back in a line or a few below it."""
    header = _columns(pass_, _group(pass_, "headerFields"), language)
    logo_text = str(pass_.document.get("logoText") or pass_.organization)
    lines = _beside(logo_text, header)
    for group in ("primaryFields", "secondaryFields", "auxiliaryFields"):
        fields = _group(pass_, group)
        if fields:
            lines += ["", *_row(_columns(pass_, fields, language))]
    if pass_.barcode is not None:
        symbology = SYMBOLOGIES.get(pass_.barcode.format, pass_.barcode.format)
        code = f"[{symbology}] {pass_.barcode.caption or pass_.barcode.message}"
        lines += ["", _fit(code, WIDTH).center(WIDTH).rstrip()]
    back = [
        (pass_.label(field, language), pass_.value(field, language))
        for field in _group(pass_, "backFields")
    ]
    return _framed(lines, back)


def draw_android(card: AndroidCard, language: Language) -> str:
    """Google's card: the face in a frame, the details below it."""
    lines = [_fit(card.issuer(language), WIDTH), "", _fit(card.programme(language), WIDTH)]
    for row in card.face(language):
        lines += ["", *_row([(line.label, line.value) for line in row])]
    if card.code:
        code = f"[{SYMBOLOGIES.get(card.code_type, card.code_type)}] {card.caption or card.code}"
        lines += ["", _fit(code, WIDTH).center(WIDTH).rstrip()]
    return _framed(lines, [(line.label, line.value) for line in card.details(language)])


def in_one_line(text: str) -> str:
    return " / ".join(line for line in text.splitlines() if line)


def _group(pass_: OpenedPass, group: str) -> list[PassField]:
    return [field for field in pass_.fields if field.group == group]


def _columns(
    pass_: OpenedPass, fields: list[PassField], language: Language
) -> list[tuple[str, str]]:
    return [(pass_.label(field, language), pass_.value(field, language)) for field in fields]


def _beside(left: str, columns: list[tuple[str, str]]) -> list[str]:
    """Text on the left, label over value on the right."""
    labels = "  ".join(label for label, _ in columns)
    values = "  ".join(value for _, value in columns)
    room = max(_width(labels), _width(values))
    right = [_fit(text, WIDTH // 2).rjust(room) for text in (labels, values)]
    rows = zip((left, ""), right, strict=True)
    return [_padded(text, WIDTH - _width(at_right)) + at_right for text, at_right in rows]


def _row(columns: list[tuple[str, str]]) -> list[str]:
    """Fields side by side, label over value."""
    share = WIDTH // len(columns)
    return [
        "".join(_padded(column[line], share - 1) + " " for column in columns) for line in (0, 1)
    ]


def _framed(lines: list[str], below: list[tuple[str, str]]) -> str:
    """Lines in a frame, and labels with their values under it."""
    framed = [f"  │ {line}{' ' * (WIDTH - _width(line))} │" for line in lines]
    edge = "─" * (WIDTH + 2)
    under = []
    for label, value in below:
        text = in_one_line(value)
        under += textwrap.wrap(
            f"{label}: {text}" if label else text,
            WIDTH + 2,
            initial_indent="    ",
            subsequent_indent="      ",
        )
    return "\n".join([f"  ╭{edge}╮", *framed, f"  ╰{edge}╯", *under])


def _padded(text: str, width: int) -> str:
    fitted = _fit(text, width)
    return fitted + " " * (width - _width(fitted))


def _fit(text: str, width: int) -> str:
    """`text` cut to one line of at most this width."""
    line = " ".join(text.split())
    if _width(line) <= width:
        return line
    while line and _width(line) > width - 1:
        line = line[:-1]
    return f"{line}…"


def _width(text: str) -> int:
    """Columns that a terminal gives the text: East Asian letters take two, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
