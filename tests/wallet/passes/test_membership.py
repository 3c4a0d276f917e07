"""Membership cards: the generic pass, at both vendors, as the virtual phones take it."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cms
import googles
import pytest
import requests
from cryptography import x509
from PIL import Image

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.apple import bundle
from wallet.delivery.waves import start
from wallet.errors import DesignRefused, ImageRefused
from wallet.google.reading import AndroidCard
from wallet.passes import templates
from wallet.passes.content import Design, FieldDesign, Symbology
from wallet.sandbox import passbook
from wallet.sandbox.google import RunningGoogle
from wallet.sandbox.google.resources import GENERIC, GENERIC_CLASS

LOCAL = "http://127.0.0.1:8080"
CLUB = templates.membership("Клуб «Ромашка»")


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}


@pytest.fixture
def store(house):
    """A revision of the club's design."""

    def stored(design: Design = CLUB, **images: bytes) -> None:
        with house.installation.database.transaction() as session:
            programme = programmes.by_code(session, "club")
            files = {f"{name}.png": data for name, data in images.items()}
            templates.store(session, programme.id, design, files, house.clock())

    return stored


@pytest.fixture
def club(house, store) -> None:
    with house.installation.database.transaction() as session:
        programmes.create(session, Terms("club", "Клуб «Ромашка»"), house.clock())
    store()


@pytest.fixture
def member(api, club) -> dict:
    return api.post("members", {"programme": "club", "name": "Анна"}).get_json()


@pytest.fixture
def fetch(client, chain):
    """The pass, as the virtual phone takes it: checked byte by byte."""
    root = x509.load_pem_x509_certificate((chain / "root.pem").read_bytes())

    def fetched(member: dict) -> tuple[bytes, passbook.OpenedPass]:
        data = client.get(member["links"]["apple"].removeprefix(LOCAL)).data
        return data, passbook.open_pass(data, root, datetime.now(UTC))

    return fetched


def picture(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side)).save(file, "PNG")
    return file.getvalue()


def test_an_iphone_shows_whose_it_is(member, fetch, chain: Path, tmp_path: Path) -> None:
    data, pass_ = fetch(member)
    assert pass_.document.keys() & {"storeCard", "coupon", "generic"} == {"generic"}
    shown = {field.key: (field.group, pass_.value(field, "ru")) for field in pass_.fields}
    number = member["card"]["number"]
    assert shown["name"] == ("primaryFields", "Анна")
    assert shown["card"] == ("secondaryFields", number)
    assert not [field for field in pass_.fields if isinstance(field.value, int)]
    assert pass_.barcode is not None
    assert pass_.barcode.message == number
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = archive.read("manifest.json")
        assert cms.verifies(archive.read("signature"), manifest, chain / "root.pem", tmp_path)
        # There is no place for a strip.
        assert not [name for name in json.loads(manifest) if name.startswith("strip")]


def test_a_thumbnail_is_on_generic_cards_alone(api, house, store, club, fetch) -> None:
    store(CLUB, **{"thumbnail@2x": picture(180)})
    _, pass_ = fetch(api.post("members", {"programme": "club"}).get_json())
    assert "thumbnail@2x.png" in pass_.images
    with pytest.raises(ImageRefused, match="only generic cards"):
        store(templates.standard("Demo"), thumbnail=picture(90))
    with pytest.raises(ImageRefused, match="between 60 × 60 and 90 × 90"):
        store(CLUB, thumbnail=picture(200))


@pytest.mark.parametrize(
    ("symbology", "secondary", "auxiliary", "fits"),
    [
        ("qr", 2, 2, True),
        ("qr", 2, 3, False),
        ("aztec", 4, 1, False),
        ("pdf417", 4, 4, True),
        ("pdf417", 5, 0, False),
        ("pdf417", 0, 5, False),
        # Where a phone cannot draw it, a QR code comes instead.
        ("code128", 4, 4, False),
    ],
)
def test_what_would_be_dropped_is_refused(
    symbology: Symbology,
    secondary: int,
    auxiliary: int,
    fits: bool,  # noqa: FBT001 - of a table
) -> None:
    fields = [
        *(FieldDesign(f"s{n}", "secondary", {}, "programme") for n in range(secondary)),
        *(FieldDesign(f"a{n}", "auxiliary", {}, "programme") for n in range(auxiliary)),
    ]
    design = replace(CLUB, symbology=symbology, fields=tuple(fields))
    if fits:
        bundle.check(design)
    else:
        with pytest.raises(DesignRefused, match="at most 4 fit"):
            bundle.check(design)


def test_an_android_shows_the_same(api, client, house, google, member) -> None:
    answer = client.get(member["links"]["google"].removeprefix(LOCAL))
    saved = requests.get(answer.location, timeout=5)
    assert saved.ok, saved.text
    (object_id,) = saved.json()["objectIds"]
    held = google.stand_in.resources.card(object_id)
    assert googles.faults("GenericClass", held.class_, "insert") == []
    assert googles.faults("GenericObject", held.object_, "insert") == []
    card = AndroidCard(object_id, held.class_, held.object_)
    assert (card.issuer("ru"), card.code) == ("Клуб «Ромашка»", member["card"]["number"])
    face = [[(line.label, line.value) for line in row] for row in card.face("en")]
    assert face[0] == [("Member", "Анна")]
    assert ("Number", member["card"]["number"]) in face[1]
    assert card.colour == CLUB.background
    assert card.picture("logo").endswith("/logo.png")
    # A change arrives, and a message as well.
    api.call("PATCH", f"members/{member['id']}", {"name": "Мария"})
    house.run("relay", "google")
    changed = google.stand_in.resources.get(GENERIC, object_id)
    assert changed["header"]["defaultValue"]["value"] == "Мария"


def test_void_and_good_again_at_both(api, client, house, google, member, fetch) -> None:
    answer = client.get(member["links"]["google"].removeprefix(LOCAL))
    saved = requests.get(answer.location, timeout=5)
    assert saved.ok, saved.text
    (object_id,) = saved.json()["objectIds"]
    (pass_,) = api.get(f"members/{member['id']}/passes").get_json()["items"]
    for step, state in (("void", "INACTIVE"), ("restore", "ACTIVE")):
        api.post(f"passes/{pass_['id']}/{step}", {})
        house.run("relay", "google")
        assert google.stand_in.resources.get(GENERIC, object_id)["state"] == state
        assert fetch(member)[1].document.get("voided", False) is (step == "void")


def test_a_new_design_is_written_to_class_and_card(
    api, client, house, google, member, store
) -> None:
    """Colour and pictures are the object's own: it is written though its member changed nothing."""
    answer = client.get(member["links"]["google"].removeprefix(LOCAL))
    saved = requests.get(answer.location, timeout=5)
    assert saved.ok, saved.text
    (object_id,) = saved.json()["objectIds"]
    before = google.stand_in.resources.get(GENERIC, object_id)
    store(replace(CLUB, background="#aa0000", fields=CLUB.fields[:2]))
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "club")
        start(session, programme.id, house.clock())
    house.run("waves", "google")
    after = google.stand_in.resources.get(GENERIC, object_id)
    assert after["hexBackgroundColor"] == "#aa0000"
    assert after["heroImage"] != before["heroImage"]
    class_ = google.stand_in.resources.get(GENERIC_CLASS, after["classId"])
    assert googles.paths(class_["classTemplateInfo"]["cardTemplateOverride"]) == [
        "object.textModulesData['card']"
    ]


def test_the_page_counts_nothing(client, api, member) -> None:
    page = client.get(member["links"]["card"].removeprefix(LOCAL)).text
    assert "Анна" in page
    assert 'data-shows="points"' not in page
    other = api.post("members", {"programme": "demo"}).get_json()
    assert 'data-shows="points"' in client.get(other["links"]["card"].removeprefix(LOCAL)).text
