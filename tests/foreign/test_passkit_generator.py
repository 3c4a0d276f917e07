"""passkit-generator, which many shops make their passes with, takes ours for one of its own."""

import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "passkit_generator"

Read = Callable[[bytes], dict]


@pytest.fixture(scope="session")
def judge(npm_folder: Callable[[Path], Path]) -> Path:
    """The script beside the library."""
    return npm_folder(SOURCE) / "read_pass.mjs"


@pytest.fixture
def read(judge: Path, tmp_path: Path) -> Read:
    def as_it_does(bundle: bytes) -> dict:
        folder = tmp_path / "pass"
        shutil.rmtree(folder, ignore_errors=True)
        zipfile.ZipFile(io.BytesIO(bundle)).extractall(folder)
        done = subprocess.run(["node", judge, folder], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return as_it_does


@pytest.fixture
def bundle(api, join, client, house) -> bytes:
    member = join(name="Анна 😀")
    api.post("accruals", {"member": member["id"], "points": 120})
    api.post("offers", {"programme": "demo", "title": "Кекс к кофе"})
    house.run()
    return client.get(member["links"]["apple"].removeprefix("http://127.0.0.1:8080")).data


def changed(bundle: bytes, **keys: object) -> bytes:
    """The bundle with other keys in its pass.json; this reader looks at no signature."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as whole, zipfile.ZipFile(copy, "w") as spoiled:
        for name in whole.namelist():
            data = whole.read(name)
            if name == "pass.json":
                data = json.dumps({**json.loads(data), **keys}).encode()
            spoiled.writestr(name, data)
    return copy.getvalue()


def test_its_validators_take_every_key_that_we_write(read: Read, bundle: bytes) -> None:
    found = read(bundle)
    assert found["objections"] == []
    written = json.loads(zipfile.ZipFile(io.BytesIO(bundle)).read("pass.json"))
    assert found["types"] == ["storeCard"]
    # The form of iOS 8, for readers that know no other; this one knows but the list.
    assert written.pop("barcode") == written["barcodes"][0]
    style = written.pop("storeCard")
    read_style = found["props"].pop("storeCard")
    assert found["props"] == written
    ours = {field["key"]: field for area in style.values() for field in area}
    theirs = {f["key"]: {k: v for k, v in f.items() if k != "area"} for f in found["fields"]}
    assert theirs == ours
    assert {name for name, fields in read_style.items() if fields} == set(style)


def test_it_reads_what_the_member_has(read: Read, bundle: bytes) -> None:
    found = read(bundle)
    assert found["props"]["organizationName"] == "Кофейня «Копилка»"
    assert found["props"]["webServiceURL"] == "http://127.0.0.1:8080/apple"
    values = {field["key"]: field["value"] for field in found["fields"]}
    assert values["points"] == 120
    assert values["name"] == "Анна 😀"
    assert values["offer"] == "Кекс к кофе"
    (barcode,) = found["props"]["barcodes"]
    assert barcode["message"] == values["card"].replace(" ", "")


@pytest.mark.parametrize(
    "spoiled",
    [
        {"barcodes": [{"format": "QR", "message": "1", "messageEncoding": "iso-8859-1"}]},
        {"barcodes": {"format": "PKBarcodeFormatQR", "message": "1"}},
        {"authenticationToken": "short"},
        {"backgroundColor": "no colour"},
        {"webServiceURL": "an address"},
        {"storeCard": {"primaryFields": [{"label": "no key"}]}},
    ],
    ids=lambda spoiled: next(iter(spoiled)),
)
def test_it_objects_to_a_key_that_is_wrong(
    read: Read, bundle: bytes, spoiled: dict[str, object]
) -> None:
    found = read(changed(bundle, **spoiled))
    (objection,) = found["objections"]
    assert f'ValidationError: "{next(iter(spoiled))}' in objection
    assert found["props"] == {}
