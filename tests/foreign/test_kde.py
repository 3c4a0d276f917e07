"""KDE's reader of passes opens ours and reads in it what we wrote."""

import json
import os
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "kde"


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built against the library of this machine."""
    build = tmp_path_factory.mktemp("kde")
    for command in (["cmake", "-S", SOURCE, "-B", build], ["cmake", "--build", build]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "read_pass"


@pytest.fixture
def read(reader: Path, tmp_path: Path):
    def as_kde_does(bundle: bytes, language: str) -> dict:
        file = tmp_path / "card.pkpass"
        file.write_bytes(bundle)
        speaks = {"ru": "ru_RU.UTF-8", "en": "en_US.UTF-8"}[language]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LANG": speaks}
        environment |= {"LC_ALL": "C.UTF-8", "LANGUAGE": language}
        done = subprocess.run([reader, file], env=environment, capture_output=True, check=True)
        return json.loads(done.stdout)

    return as_kde_does


def test_kde_reads_the_card_that_we_sign(read, api, join, client, house) -> None:
    member = join(name="Анна 😀")
    api.post("offers", {"programme": "demo", "title": "Кекс к кофе"})
    house.run()
    bundle = client.get(member["links"]["apple"].removeprefix("http://127.0.0.1:8080")).data
    found = read(bundle, "en")
    assert found["store_card"]
    assert found["has_strip"]
    assert found["organization"] == "Кофейня «Копилка»"
    assert found["barcodes"] == [member["card"]["barcode"]]
    assert found["update_url"].startswith("http://127.0.0.1:8080/apple/v1/passes/")
    assert found["update_url"].endswith(found["serial"])
    fields = {field["key"]: field for field in found["fields"]}
    assert fields["name"]["value"] == "Анна 😀"
    assert fields["offer"]["value"] == "Кекс к кофе"
    # It takes the language folder's words: the file of strings was understood.
    assert fields["points"]["label"] in ("Points", "Баллы")
    assert fields["card"]["label"] in ("Card number", "Номер карты")


def test_a_tampered_card_is_told_apart_from_a_whole_one(read, client, join) -> None:
    bundle = client.get(join()["links"]["apple"].removeprefix("http://127.0.0.1:8080")).data
    with pytest.raises(subprocess.CalledProcessError):
        read(b"PK" + bundle[500:], "ru")
