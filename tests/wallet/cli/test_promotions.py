"""`wallet promotions check`: a receipt in a file, priced for people and for programs."""

import json
from pathlib import Path

import pytest

RUB = {"currency": "RUB"}
SOCKS = {"id": "1", "sku": "SOCKS", "quantity": 3, "price": {"amount": "1000.00", **RUB}}
THREE_FOR_TWO = {
    "code": "socks",
    "name": {"ru": "Носки 3 по цене 2", "en": "Socks 3 for 2"},
    "gives": [{"kind": "nth_unit", "every": 3, "goods": {}}],
}
ASKED = {"receipt": {"programme": "demo", "lines": [SOCKS]}, "with": [THREE_FOR_TWO]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(ASKED))
    return file


def test_a_receipt_is_priced_for_people(wallet, file: Path) -> None:
    shown = wallet("promotions", "check", str(file))
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[1].split() == ["1", "3000.00", "0.00", "1000.00", "0.00", "2000.00"]
    assert lines[2].replace("\xa0", " ") == (
        "    2 x 666.67, 1 x 666.66; Носки 3 по цене 2: −1 000 ₽"
    )
    assert lines[3].split() == ["sum", "3000.00", "0.00", "1000.00", "0.00", "2000.00"]
    assert lines[5].startswith("due 2000.00 RUB")
    assert lines[-1].split() == ["socks", "applied", "1000.00"]


def test_and_for_programs(wallet, file: Path, api) -> None:
    shown = wallet("promotions", "check", str(file), "--json")
    assert json.loads(shown.output) == api.post("promotions/check", ASKED).get_json()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON document"),
        ('{"receipt": {"programme": "demo", "lines": []}}', "receipt.lines: "),
        (json.dumps({"receipt": {**ASKED["receipt"], "programme": "x"}}), "programme"),
        (json.dumps({"receipt": {**ASKED["receipt"], "phone": "+999 00000"}}), "phone: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said(wallet, file: Path, text: str, words: str) -> None:
    file.write_text(text)
    shown = wallet("promotions", "check", str(file))
    assert shown.exit_code == 1
    assert words in shown.output
    assert "Traceback" not in shown.output
