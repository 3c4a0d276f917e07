"""The virtual phone behaves as a real one does, and so does what is built around it."""

import io
import json
import re
import signal
import stat
import string
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import chains
import fullcards
import googles
import jwt
import pytest
import requests
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from processes import processes, wait_until
from servers import free_ports
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from ledger.languages import LANGUAGES
from ledger.programmes import programmes
from wallet.apple import complaints
from wallet.apple.reading import OpenedPass
from wallet.apple.signing import Signer
from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER
from wallet.google import reading as android_card
from wallet.google.reading import AndroidCard
from wallet.passes import templates
from wallet.passes.parts import Enrolment, NearField
from wallet.sandbox import drawing, google, passbook, words
from wallet.sandbox.android import VirtualAndroid
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.exchanges import shortened
from wallet.sandbox.phone import VirtualPhone
from wallet.sandbox.phone_page.app import PhonePage
from wallet.sandbox.shop import Shop
from wallet.sandbox.troubles import NoAnswer, PassRefused, SandboxTrouble

WAIT_S = 10.0
API_KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def port() -> int:
    return free_ports(1)


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, port: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {**environment, "WALLET_APNS_URL": pushes.url, "WALLET_PUBLIC_URL": url}


@dataclass
class Served:
    """The service on a real port. `answers` are given in its place: path pattern -> answer."""

    url: str
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)

    def meddle(self, path: str, body: object = b"", **options: Any) -> None:
        """Answer so, whenever a path fits, in the service's place."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = lambda: Response(data, **options)


@pytest.fixture
def served(app: Flask, port: int) -> Iterator[Served]:
    house = Served(f"http://127.0.0.1:{port}")
    service = app.wsgi_app

    def meddled(environ: Any, start_response: Any) -> Iterable[bytes]:
        path = Request(environ).path
        for pattern, answer in house.answers.items():
            if re.search(pattern, path):
                return answer()(environ, start_response)
        return service(environ, start_response)

    app.wsgi_app = meddled  # type: ignore[method-assign]
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield house
    server.shutdown()
    server.server_close()


@pytest.fixture
def root(chain: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((chain / "root.pem").read_bytes())


@pytest.fixture
def phone(served: Served, pushes: RunningApns, root: x509.Certificate) -> VirtualPhone:
    return VirtualPhone(root, pushes.control_url, "ru")


@pytest.fixture
def shop(served: Served, phone: VirtualPhone) -> Shop:
    return Shop(served.url, API_KEY, phone.journal)


@pytest.fixture
def card(phone: VirtualPhone, member: dict) -> OpenedPass:
    """The member's card in the phone."""
    return phone.add(member["links"]["apple"])


def values(pass_: OpenedPass) -> dict[str, object]:
    return {field.key: field.value for field in pass_.fields}


def purposes(phone: VirtualPhone) -> list[tuple[str, int | None]]:
    return [(exchange.purpose, exchange.status) for exchange in phone.journal.after(0)]


def complained(house) -> list[str]:
    with house.installation.database.reading() as session:
        return [complaint.line for complaint in complaints.newest(session, 10)]


# Adding


def test_a_card_is_downloaded_registered_listed_and_fetched(phone, card, member, pushes) -> None:
    assert purposes(phone) == [("download", 200), ("register", 201), ("list", 200), ("fetch", 200)]
    assert card.barcode.message == member["card"]["barcode"]
    assert phone.passes == [card]
    assert phone.changes == ()


def test_a_card_speaks_the_language_of_its_phone(card) -> None:
    points = next(field for field in card.fields if field.key == "points")
    assert (card.label(points, "ru"), card.label(points, "en")) == ("Баллы", "Points")
    assert "Имя" in drawing.draw(card, "ru")
    assert "Name" in drawing.draw(card, "en")


def test_a_card_can_come_as_bytes(phone, served, member, client) -> None:
    bundle = client.get(member["links"]["apple"].removeprefix(served.url)).data
    assert phone.add(bundle).serial == phone.passes[0].serial
    assert purposes(phone)[0] == ("register", 201)


def test_a_page_with_a_card_leads_to_the_card(phone, served, member) -> None:
    link = member["links"]["apple"].removeprefix(served.url)
    page = f'<a href="/help">?</a> <a class="add" href="{link}">Apple Wallet</a>'.encode()
    served.meddle("^/some/page$", page, mimetype="text/html")
    assert phone.add(f"{served.url}/some/page").barcode.message == member["card"]["barcode"]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("/healthz", "no_pass_there"),
        ("/card/of-nobody/apple.pkpass", "no_pass_there"),
        ("ftp://127.0.0.1/card.pkpass", "not_a_link"),
        ("card.pkpass", "not_a_link"),
    ],
)
def test_what_is_no_card_is_refused_in_words(phone, served, address, problem) -> None:
    with pytest.raises(SandboxTrouble) as refusal:
        phone.add(served.url + address if address.startswith("/") else address)
    assert refusal.value.problem == problem
    assert phone.passes == []


def test_nobody_at_home_is_said_by_address(phone) -> None:
    with pytest.raises(NoAnswer, match=r"http://127\.0\.0\.1:9\b"):
        phone.add("http://127.0.0.1:9/card.pkpass")


def test_a_card_that_cannot_register_is_not_kept(phone, served, member, house) -> None:
    served.meddle("/registrations/", status=401)
    with pytest.raises(SandboxTrouble) as refusal:
        phone.add(member["links"]["apple"])
    assert refusal.value.problem == "registration_refused"
    assert phone.passes == []
    assert "answered with 401" in complained(house)[0]


# Several in one file


@pytest.fixture
def several(api, member, client, served) -> str:
    """Where the member's card and a coupon come in one file."""
    offer = api.post("offers", {"programme": "demo", "title": "Латте"}).get_json()
    api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
    return str(api.get(f"members/{member['id']}/passes").get_json()["bundle"])


def test_passes_in_one_file_are_all_added(phone, several, api, member, house) -> None:
    first = phone.add(several)
    assert phone.passes[0].serial == first.serial
    assert [next(s for s in passbook.STYLES if s in one.document) for one in phone.passes] == [
        "storeCard",
        "coupon",
    ]
    assert purposes(phone).count(("register", 201)) == 2
    # One push brings what has changed of both.
    api.post("accruals", {"card": member["card"]["number"], "points": 5})
    house.run()
    phone.hear(WAIT_S)
    assert values(phone.passes[0])["points"] == 5


def test_with_one_that_is_refused_none_is_added(phone, several, served, client, bundle) -> None:
    whole = client.get(several.removeprefix(served.url)).data
    bundle.files["pass.json"] += b" "
    for name, data, problem in (
        ("3.pkpass", bundle.zip(), "file_tampered"),
        ("3.txt", b"", "not_passes"),
        ("../3.pkpass", bundle.zip(), "path_in_zip"),
    ):
        packed = io.BytesIO(whole)
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr(name, data)
        served.meddle("^/several$", packed.getvalue(), mimetype="application/vnd.apple.pkpasses")
        with pytest.raises(PassRefused) as refusal:
            phone.add(f"{served.url}/several")
        assert refusal.value.problem == problem
    assert phone.passes == []


@pytest.mark.parametrize("number", [0, 11])
def test_a_file_has_one_to_ten_passes(root, bundle, number: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place in range(number):
            archive.writestr(f"{place}.pkpass", bundle.zip())
    with pytest.raises(PassRefused) as refusal:
        passbook.open_several(packed.getvalue(), root, datetime.now(UTC))
    assert refusal.value.problem == ("too_many_files" if number else "not_passes")


# Asking


@pytest.fixture
def asking(house, join, served) -> dict:
    """Somebody of whom nothing is known, in a programme whose cards ask."""
    design = replace(
        templates.standard("Копилка"),
        nfc=NearField("{card}", fullcards.KEY),
        enrolment=Enrolment(
            ("name", "phone"), {"ru": "Станьте участником"}, {"ru": '<a href="x">Условия</a>'}
        ),
    )
    logo = io.BytesIO()
    Image.new("RGB", (300, 80), "white").save(logo, "PNG")
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        pictures = {"enrolment@2x.png": logo.getvalue()}
        templates.store(session, programme.id, design, pictures, house.clock())
    return join()


WRITTEN = {"fullName": "Анна Каренина", "phoneNumber": "+79991234567"}


def test_a_card_that_asks_knows_its_owner_afterwards(phone, asking, api) -> None:
    card = phone.add(asking["links"]["apple"])
    assert card.sheet is not None
    assert (card.sheet.asks, card.sheet.text) == (("name", "phone"), "Станьте участником")
    known = phone.answer(card.serial, WRITTEN)
    assert (known.sheet, values(known)["name"]) == (None, "Анна Каренина")
    assert phone.carried(card.serial) == known
    assert purposes(phone)[-2:] == [("personalize", 200), ("fetch", 200)]
    assert api.get(f"members/{asking['id']}").get_json()["phone"] == "+79991234567"
    with pytest.raises(SandboxTrouble) as refusal:
        phone.answer(card.serial, WRITTEN)
    assert refusal.value.problem == "asks_nothing"


def test_an_answer_that_is_none_leaves_the_card_asking(phone, asking) -> None:
    card = phone.add(asking["links"]["apple"])
    with pytest.raises(SandboxTrouble) as refusal:
        phone.answer(card.serial, {**WRITTEN, "phoneNumber": "12"})
    assert refusal.value.problem == "answer_refused"
    assert phone.answer(card.serial, WRITTEN).sheet is None


def test_a_service_that_does_not_prove_itself_is_not_believed(phone, asking, served, house) -> None:
    """It signs nothing, or another token than the phone sent."""
    card = phone.add(asking["links"]["apple"])
    signer = house.installation.signers[house.installation.pass_type]
    for answer in (b"thanks", signer.sign(b"another token")):
        served.meddle("/personalize$", answer, mimetype="application/octet-stream")
        with pytest.raises(SandboxTrouble) as refusal:
            phone.answer(card.serial, WRITTEN)
        assert refusal.value.problem == "answer_unsigned"
    assert phone.carried(card.serial) == card
    assert "Personalization token" in complained(house)[0]


@pytest.mark.parametrize(
    ("sheet", "nfc", "problem"),
    [
        ({"requiredPersonalizationFields": [], "description": "x"}, True, "bad_sheet"),
        ({"requiredPersonalizationFields": ["Age"], "description": "x"}, True, "bad_sheet"),
        ({"requiredPersonalizationFields": ["PKPassPersonalizationFieldName"]}, True, "bad_sheet"),
        (
            {
                "requiredPersonalizationFields": ["PKPassPersonalizationFieldName"],
                "description": "x",
            },
            False,
            "may_not_ask",
        ),
    ],
)
def test_a_pass_that_may_not_ask_is_refused(bundle, sheet, nfc, problem) -> None:
    bundle.files["personalization.json"] = json.dumps(sheet).encode()
    bundle.files["personalizationLogo@2x.png"] = bundle.files["icon@2x.png"]
    data = bundle.rewrite(nfc={"message": "1"} if nfc else None)
    assert bundle.problem(data) == problem


def test_the_page_asks_for_the_card_and_takes_the_answer(page, phone, asking) -> None:
    serial = press(page, "/passes", {"link": asking["links"]["card"]}).get_json()["serial"]
    assert look(page, lang="ru")["pass"]["sheet"] == {
        "text": "Станьте участником",
        "terms": "Условия",
        "fields": [
            {"name": "name", "label": "Имя", "type": "text"},
            {"name": "phone", "label": "Телефон", "type": "tel"},
        ],
    }
    path = f"/passes/{serial}/answer?lang=ru"
    refused = press(page, path, {"name": "Анна", "phone": "12"})
    assert refused.status_code == 422
    assert "Проверьте" in refused.get_json()["sentence"]
    written = {"name": "Анна Каренина", "phone": "+7 999 123-45-67"}
    assert press(page, path, written).get_json() == {"serial": serial}
    shown = look(page, lang="ru")
    assert shown["pass"]["sheet"] is None
    assert "Телефон сообщил, чья это карта." in [one["sentence"] for one in shown["exchanges"]]
    assert press(page, "/passes/nobody/answer", written).status_code == 404


def test_a_second_card_is_asked_for_with_the_tag_of_the_first(phone, card, join) -> None:
    phone.add(join(name="Борис")["links"]["apple"])
    listed = [exchange.path for exchange in phone.journal.after(0) if exchange.purpose == "list"]
    assert "passesUpdatedSince" not in listed[0]
    assert "passesUpdatedSince=" in listed[1]
    assert len(phone.passes) == 2


# Changes


def test_an_accrual_arrives_by_push_and_changes_that_field_alone(
    phone, card, shop, house, member
) -> None:
    done = shop.accrue(member["card"]["barcode"], 1250, "Кофе")
    house.run()
    push = phone.hear(WAIT_S)
    assert push is not None
    (change,) = push.changes
    assert change.pushed_at >= done.at - timedelta(seconds=WAIT_S)
    assert values(phone.passes[0]) == {**values(card), "points": 1250}
    (changed,) = change.fields("en")
    assert (changed.label, changed.before, changed.after) == ("Points", "0", "1,250")
    assert change.message("en") == "Your points: 1,250"
    assert change.message("ru") == "Теперь у вас баллов: 1\u00a0250"


def test_an_offer_says_its_title_on_the_lock_screen(phone, card, shop, house, member) -> None:
    customer = shop.find(member["card"]["barcode"])
    shop.offer(customer, "Латте −20 %", "До пятницы")
    house.run()
    (change,) = phone.hear(WAIT_S).changes
    assert change.message("ru") == "Латте −20 %"
    assert [changed.label for changed in change.fields("ru")] == ["Предложение", "Предложения"]


def test_an_offer_that_ends_changes_the_card_in_silence(phone, card, api, house, clock_now) -> None:
    until = (clock_now() + timedelta(days=1)).isoformat()
    api.post("offers", {"programme": "demo", "title": "Кекс", "until": until})
    house.run()
    assert phone.hear(WAIT_S).changes[0].message("ru") == "Кекс"
    clock_now.advance(days=2)
    house.run()
    (change,) = phone.hear(WAIT_S).changes
    assert values(change.after)["offer"] == "—"
    assert change.message("ru") is None


def test_two_messages_at_once_end_in_one_general_line(phone, card, shop, house, member) -> None:
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    shop.offer(shop.find(member["card"]["barcode"]), "Латте", "")
    house.run()
    (change,) = phone.hear(WAIT_S).changes
    assert change.message("en") == "The card has changed."
    assert {changed.label for changed in change.fields("en")} == {"Points", "Offer", "Offers"}


def test_without_news_there_is_no_push_and_a_pull_answers_304(phone, card) -> None:
    assert phone.hear(0.2) is None
    assert phone.pull(card.serial) is None
    assert purposes(phone)[-1] == ("fetch", 304)
    assert phone.changes == ()


def test_one_push_brings_the_changes_of_all_its_cards(phone, card, join, api, house) -> None:
    phone.add(join(name="Борис")["links"]["apple"])
    api.post("offers", {"programme": "demo", "title": "Для всех"})
    house.run()
    changes = phone.hear(WAIT_S).changes
    assert [values(change.after)["offer"] for change in changes] == ["Для всех"] * 2


def test_a_removed_card_is_heard_of_no_more(phone, card, shop, house, member) -> None:
    phone.remove(card.serial)
    assert purposes(phone)[-1] == ("unregister", 200)
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    house.run()
    assert phone.hear(0.2) is None
    assert phone.passes == []


def test_a_new_stand_in_counts_anew_and_is_heard_all_the_same(
    phone, card, shop, house, member, pushes
) -> None:
    for _ in range(2):
        shop.accrue(member["card"]["barcode"], 10, "Кофе")
        house.run()
        assert phone.hear(WAIT_S) is not None
    pushes.stand_in._heard.clear()
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    house.run()
    assert values(phone.hear(0.5).changes[0].after)["points"] == 30


def test_a_listening_phone_needs_no_asking(phone, card, shop, house, member) -> None:
    stop = threading.Event()
    listener = threading.Thread(target=phone.listen, args=(stop,), daemon=True)
    listener.start()
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    house.run()
    wait_until(lambda: len(phone.changes) == 1, "the change", WAIT_S)
    stop.set()


def test_a_listening_phone_tries_again_what_failed(
    phone, card, served, shop, house, member
) -> None:
    stop = threading.Event()
    listener = threading.Thread(target=phone.listen, args=(stop,), daemon=True)
    listener.start()
    served.meddle("/registrations/", status=503)
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    house.run()
    wait_until(lambda: ("list", 503) in purposes(phone), "the failure", WAIT_S)
    served.answers.clear()
    wait_until(lambda: len(phone.changes) == 1, "the change", WAIT_S)
    stop.set()


# What a phone complains about


def test_a_push_without_news_is_complained_about(phone, card, house) -> None:
    phone.refresh(pushed_at=datetime.now(UTC))
    assert purposes(phone)[-2:] == [("list", 204), ("log", 200)]
    assert "spurious push" in complained(house)[0]


def test_a_tag_that_stays_the_same_is_complained_about(phone, card, served, house) -> None:
    listing = {"serialNumbers": [card.serial], "lastUpdated": "7"}
    served.meddle("/registrations/", listing, mimetype="application/json")
    phone.refresh()
    assert complained(house) == []
    phone.refresh()
    assert "lastUpdated tag (7) remained the same" in complained(house)[0]


@pytest.mark.parametrize(
    "listing", [{"serialNumbers": [], "lastUpdated": "1"}, {"lastUpdated": 1}, [], b"<html>"]
)
def test_a_list_that_is_none_is_complained_about(phone, card, served, house, listing) -> None:
    served.meddle("/registrations/", listing, mimetype="application/json")
    with pytest.raises(SandboxTrouble):
        phone.refresh()
    assert "unusable" in complained(house)[0]


def test_a_damaged_update_leaves_the_old_card_and_is_asked_for_again(
    phone, card, served, shop, house, member
) -> None:
    shop.accrue(member["card"]["barcode"], 10, "Кофе")
    house.run()
    served.meddle("/passes/", b"PK but no zip", mimetype=passbook.MEDIA_TYPE)
    with pytest.raises(PassRefused):
        phone.hear(WAIT_S)
    assert phone.passes == [card]
    assert "encountered error" in complained(house)[0]
    served.answers.clear()
    phone.refresh()
    assert values(phone.passes[0])["points"] == 10


def test_another_pass_in_place_of_ones_own_is_refused(phone, card, served, join, client) -> None:
    other = client.get(join(name="Борис")["links"]["apple"].removeprefix(served.url)).data
    served.meddle("/passes/", other, mimetype=passbook.MEDIA_TYPE)
    with pytest.raises(PassRefused) as refusal:
        phone.pull(card.serial)
    assert refusal.value.problem == "another_pass"


# Bundles


@dataclass
class Bundle:
    """A bundle to take apart, spoil and put together again."""

    files: dict[str, bytes]
    signer: Signer
    root: x509.Certificate

    def zip(self, *more: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in (*self.files.items(), *more):
                archive.writestr(name, data)
        return packed.getvalue()

    def sealed(self, signer: Signer | None = None) -> bytes:
        """With a manifest that is true of the files as they are now, and signed."""
        listed = {
            name: sha1(data, usedforsecurity=False).hexdigest()
            for name, data in self.files.items()
            if name not in ("manifest.json", "signature")
        }
        self.files["manifest.json"] = json.dumps(listed, indent=1).encode()
        self.files["signature"] = (signer or self.signer).sign(self.files["manifest.json"])
        return self.zip()

    def rewrite(self, **changes: object) -> bytes:
        """With other values in pass.json; None takes a key away."""
        document = {**json.loads(self.files["pass.json"]), **changes}
        kept = {key: value for key, value in document.items() if value is not None}
        self.files["pass.json"] = json.dumps(kept).encode()
        return self.sealed()

    def problem(self, data: bytes, now: datetime | None = None) -> str:
        with pytest.raises(PassRefused) as refusal:
            passbook.open_pass(data, self.root, now or datetime.now(UTC))
        return refusal.value.problem


@pytest.fixture
def bundle(member: dict, client: FlaskClient, house, root, environment) -> Bundle:
    path = member["links"]["apple"].removeprefix(environment["WALLET_PUBLIC_URL"])
    with zipfile.ZipFile(io.BytesIO(client.get(path).data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    signer = house.installation.signers[house.installation.pass_type]
    return Bundle(files, signer, root)


def symlink(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


def test_a_manifest_with_line_ends_is_as_good_as_one_without(bundle: Bundle) -> None:
    assert b"\n" in (bundle.sealed(), bundle.files["manifest.json"])[1]
    assert passbook.open_pass(bundle.zip(), bundle.root, datetime.now(UTC)).fields


@pytest.mark.parametrize(
    ("member_name", "problem"),
    [
        ("../evil.png", "path_in_zip"),
        ("/etc/evil.png", "path_in_zip"),
        ("a\\..\\evil.png", "path_in_zip"),
        ("en.lproj/../evil.png", "path_in_zip"),
        ("one/two/evil.png", "path_in_zip"),
        ("C:evil.png", "path_in_zip"),
        (".DS_Store", "path_in_zip"),
        ("pass.json", "file_twice"),
        ("extra.png", "manifest_incomplete"),
        (symlink("link.png"), "symlink"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_zip_is_refused(bundle: Bundle, member_name, problem: str) -> None:
    assert bundle.problem(bundle.zip((member_name, b"evil"))) == problem


def test_too_many_files_are_refused(bundle: Bundle) -> None:
    more = [(f"{number}.png", b"") for number in range(passbook.MOST_FILES)]
    assert bundle.problem(bundle.zip(*more)) == "too_many_files"


def test_a_zip_that_unpacks_to_too_much_is_refused_unopened(bundle: Bundle) -> None:
    bomb = zipfile.ZipInfo("strip.png")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    del bundle.files["strip.png"]
    packed = bundle.zip((bomb, bytes(passbook.MOST_BYTES)))
    assert len(packed) < passbook.MOST_BYTES
    assert bundle.problem(packed) == "too_large"


@pytest.mark.parametrize("data", [b"", b"PK", b"<html>", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_refused(bundle: Bundle, data: bytes) -> None:
    assert bundle.problem(data) in ("not_a_zip", "file_missing")


def test_a_zip_cut_anywhere_is_refused(bundle: Bundle) -> None:
    whole = bundle.zip()
    for length in range(0, len(whole) - 1, 997):
        assert bundle.problem(whole[:length]) == "not_a_zip"


@pytest.mark.parametrize("name", ["pass.json", "icon.png", "ru.lproj/pass.strings"])
def test_a_file_that_was_tampered_with_is_refused(bundle: Bundle, name: str) -> None:
    bundle.files[name] += b" "
    assert bundle.problem(bundle.zip()) == "file_tampered"


@pytest.mark.parametrize("name", ["pass.json", "manifest.json", "signature"])
def test_a_file_that_is_missing_is_named(bundle: Bundle, name: str) -> None:
    del bundle.files[name]
    assert bundle.problem(bundle.zip()) == "file_missing"


def test_a_manifest_changed_after_signing_is_refused(bundle: Bundle) -> None:
    signature = bundle.files["signature"]
    bundle.sealed()
    bundle.files["signature"] = signature
    assert bundle.problem(bundle.zip()) == "signature_of_another_manifest"


def test_a_signature_of_a_stranger_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    pass_type = bundle.signer.pass_type
    issued = chains.leaf(pass_type, bundle.signer.team)
    stranger = Signer.load(chains.lay(tmp_path / "stranger", issued), datetime.now(UTC))
    assert bundle.problem(bundle.sealed(stranger)) == "unknown_signer"


def test_no_bit_of_a_signature_can_be_turned(bundle: Bundle) -> None:
    """Whatever is changed in what was signed, or in the signature over it."""
    whole = bundle.files["signature"]
    manifest = bundle.files["manifest.json"]
    digest_at = whole.index(bytes.fromhex("2a864886f70d010904"))
    for place in (digest_at + 13, digest_at + 40, len(whole) - 1, len(whole) - 200):
        turned = bytearray(whole)
        turned[place] ^= 1
        bundle.files["signature"] = bytes(turned)
        assert bundle.problem(bundle.zip()).startswith("signature_"), place
    assert manifest == bundle.files["manifest.json"]


def test_a_signature_that_was_cut_is_refused(bundle: Bundle) -> None:
    whole = bundle.files["signature"]
    for length in range(0, len(whole) - 1, 211):
        bundle.files["signature"] = whole[:length]
        assert bundle.problem(bundle.zip()) == "signature_unreadable"


@pytest.mark.parametrize("days", [-10, 400])
def test_a_certificate_out_of_its_time_is_refused(bundle: Bundle, days: int) -> None:
    now = datetime.now(UTC) + timedelta(days=days)
    assert bundle.problem(bundle.zip(), now) == "certificate_expired"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"passTypeIdentifier": "pass.example.other"}, "pass_type_of_another_certificate"),
        ({"teamIdentifier": "SOMEBODY00"}, "team_of_another_certificate"),
        ({"description": None}, "key_missing"),
        ({"storeCard": None}, "key_missing"),
        ({"coupon": {}}, "key_missing"),
        ({"formatVersion": 2}, "key_missing"),
        ({"authenticationToken": "too short"}, "key_missing"),
        ({"webServiceURL": "javascript:alert(1)"}, "key_missing"),
        ({"storeCard": {"headerFields": [{"key": "a"}]}}, "bad_field"),
        ({"storeCard": {"headerFields": [{"key": "a", "value": True}]}}, "bad_field"),
        (
            {"storeCard": {"backFields": [{"key": "a", "value": 1}, {"key": "a", "value": 2}]}},
            "field_twice",
        ),
        (
            {"storeCard": {"backFields": [{"key": "a", "value": "x", "currencyCode": "EUR"}]}},
            "bad_field",
        ),
        (
            {
                "storeCard": {
                    "backFields": [
                        {"key": "a", "value": "tomorrow", "dateStyle": "PKDateStyleShort"}
                    ]
                }
            },
            "bad_field",
        ),
    ],
)
def test_a_pass_json_that_phones_refuse_is_refused(bundle: Bundle, changes, problem) -> None:
    assert bundle.problem(bundle.rewrite(**changes)) == problem


def test_a_pass_without_an_icon_is_refused(bundle: Bundle) -> None:
    for name in [name for name in bundle.files if name.startswith("icon")]:
        del bundle.files[name]
    assert bundle.problem(bundle.sealed()) == "without_icon"


def test_a_pass_without_a_web_service_is_carried_and_asks_nobody(
    bundle: Bundle, phone: VirtualPhone
) -> None:
    phone.add(bundle.rewrite(webServiceURL=None, authenticationToken=None))
    phone.refresh()
    assert len(phone.passes) == 1
    assert purposes(phone) == []


@pytest.mark.parametrize(
    ("raw", "english", "russian"),
    [
        ({"value": 1234567, "numberStyle": "PKNumberStyleDecimal"}, "1,234,567", "1 234 567"),
        ({"value": 1234567}, "1234567", "1234567"),
        ({"value": 12.5, "currencyCode": "EUR"}, "€12.50", "12,50 €"),
        ({"value": 0.2, "numberStyle": "PKNumberStylePercent"}, "20%", "20 %"),
        (
            {
                "value": "2026-12-31T12:00:00+03:00",
                "dateStyle": "PKDateStyleMedium",
                "ignoresTimeZone": True,
            },
            "Dec 31, 2026",
            "31 дек. 2026 г.",
        ),
    ],
)
def test_values_are_written_in_the_manner_of_the_language(
    bundle: Bundle, raw: dict, english: str, russian: str
) -> None:
    document = bundle.rewrite(storeCard={"backFields": [{"key": "a", "label": "A", **raw}]})
    pass_ = passbook.open_pass(document, bundle.root, datetime.now(UTC))
    said = [pass_.value(pass_.fields[0], language) for language in ("en", "ru")]
    assert [re.sub(r"\s", " ", text) for text in said] == [english, russian]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_strings_are_read_in_every_encoding_that_is_seen(bundle: Bundle, encoding: str) -> None:
    text = '/* said "so" */\n"Баллы" = "Pts \\"of\\" \\\\ ours";\n"Имя"="Who\\nis";'
    bundle.files["en.lproj/pass.strings"] = text.encode(encoding)
    pass_ = passbook.open_pass(bundle.sealed(), bundle.root, datetime.now(UTC))
    assert pass_.said("Баллы", "en") == 'Pts "of" \\ ours'
    assert pass_.said("Имя", "en") == "Who\nis"
    assert pass_.said("Предложение", "en") == "Предложение"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"value": 1}, {"value": 2, "changeMessage": "Now %@"}, "Now 2"),
        ({"value": 1}, {"value": 2}, None),
        ({"value": 1, "changeMessage": "Now %@"}, {"value": 2}, None),
        ({"value": 2}, {"value": 2, "changeMessage": "Now %@", "label": "New"}, None),
        ({"value": 1}, {"value": 2, "changeMessage": "Changed"}, "The card has changed."),
    ],
)
def test_the_lock_screen_speaks_by_the_newer_pass(bundle: Bundle, before, after, message) -> None:
    opened = [
        passbook.open_pass(
            bundle.rewrite(storeCard={"headerFields": [{"key": "a", **one}]}),
            bundle.root,
            datetime.now(UTC),
        )
        for one in (before, after)
    ]
    assert passbook.lock_screen(*opened, "en") == message


# What people see


def test_no_secret_is_shown_in_full(phone, card, shop, member, house) -> None:
    shop.find(member["card"]["barcode"])
    phone.remove(card.serial)
    shown = "\n".join(exchange.path for exchange in phone.journal.after(0))
    link_token = member["links"]["apple"].split("/")[-2]
    for secret in (phone.device_id, phone.push_token, card.token, link_token, card.serial):
        assert secret not in shown
    assert member["card"]["barcode"] not in shown
    assert "/registrations/pass.sandbox.loyalty" in shown


def test_a_shortened_address_keeps_what_tells_it_apart() -> None:
    address = (
        f"http://host/apple/v1/devices/{'d' * 32}/registrations/pass.a.b?passesUpdatedSince=12"
    )
    assert shortened(address) == (
        "/apple/v1/devices/dddddd…/registrations/pass.a.b?passesUpdatedSince=12"
    )


def test_every_word_is_there_in_both_languages_with_the_same_facts() -> None:
    for key, texts in words.WORDS.items():
        facts = [{name for _, name, _, _ in string.Formatter().parse(t) if name} for t in texts]
        assert all(text.strip() for text in texts), key
        assert facts[0] == facts[1], key


def test_every_exchange_has_a_sentence(phone, card, shop, member, house) -> None:
    with pytest.raises(SandboxTrouble, match="not enough points"):
        shop.redeem(member["card"]["barcode"], 10, "Кофе")
    for exchange in phone.journal.after(0):
        for language in LANGUAGES:
            assert exchange.sentence(language).endswith(".")
    assert words.exchange("list", None, "en") == "No answer came."
    assert words.exchange("list", 500, "en") == "This was refused."


# The page


@pytest.fixture
def page(phone: VirtualPhone, shop: Shop) -> FlaskClient:
    android = VirtualAndroid("http://127.0.0.1:9", "ru", phone.journal)
    return PhonePage(phone, android, shop, phone.journal).app().test_client()


def press(page: FlaskClient, path: str, body: object = None, **options: Any):
    return page.post(path, json=body or {}, base_url="http://127.0.0.1:8081", **options)


def look(page: FlaskClient, **query: Any) -> dict:
    return page.get("/state", query_string=query, base_url="http://127.0.0.1:8081").get_json()


def test_the_till_on_the_page_scans_codes_that_are_good_once(page, phone, house, api) -> None:
    assert api.call("PATCH", "programmes/demo/card-code", {"kind": "ed25519"}).status_code == 200
    serial = press(page, "/passes/demo?lang=en").get_json()["serial"]
    scanned = []
    for points in ("10", "20"):
        scanned.append(phone.carried(serial).barcode.message)
        assert press(page, f"/passes/{serial}/earn?lang=en").status_code == 200
        house.run()
        phone.hear(WAIT_S)
        assert look(page, lang="en")["pass"]["header"][0]["value"] == points
    assert len({*scanned, phone.carried(serial).barcode.message}) == 3
    assert ("scan", 200) in purposes(phone)


def test_clicks_alone_show_the_whole_loop(page, phone, house) -> None:
    serial = press(page, "/passes/demo?lang=en").get_json()["serial"]
    assert look(page, lang="en")["pass"]["header"] == [{"label": "Points", "value": "0"}]
    for path, text in (("earn", "Your points: 10"), ("offer", "cappuccino")):
        assert press(page, f"/passes/{serial}/{path}?lang=en").status_code == 200
        house.run()
        phone.hear(WAIT_S)
        assert text in look(page, lang="en")["notices"][-1]["text"]
    state = look(page, lang="ru")
    assert state["change"]["before"][0] == {"label": "Предложение", "value": "—"}
    assert "На экране блокировки" in state["change"]["message"]
    assert " мс после ответа кассе" in state["change"]["took"]
    assert state["exchanges"][0]["sentence"] == "Телефон забрал карту."


def test_spending_what_is_not_there_is_said_in_words(page) -> None:
    serial = press(page, "/passes/demo").get_json()["serial"]
    answer = press(page, f"/passes/{serial}/spend?lang=ru")
    assert (answer.status_code, answer.get_json()["sentence"]) == (
        422,
        "На карте не хватает баллов.",
    )


def test_a_pasted_link_adds_the_card_and_removal_takes_it_away(page, phone, member) -> None:
    answer = press(page, "/passes", {"link": f" {member['links']['apple']} "})
    assert answer.status_code == 200
    serial = answer.get_json()["serial"]
    assert press(page, f"/passes/{serial}/remove").status_code == 200
    assert phone.passes == []
    assert press(page, "/passes", {"link": "nonsense"}).status_code == 422
    assert press(page, f"/passes/{serial}/earn").status_code == 422


def test_the_pictures_of_a_card_are_served(page, card) -> None:
    drawn = look(page)["pass"]
    for address in (*drawn["pictures"].values(), drawn["barcode"]["picture"]):
        answer = page.get(address, base_url="http://127.0.0.1:8081")
        assert answer.status_code == 200
        assert answer.mimetype in ("image/png", "image/svg+xml")
    other = f"/passes/{card.serial}/thumbnail.png"
    assert page.get(other, base_url="http://127.0.0.1:8081").status_code == 404


def test_a_code_that_is_no_qr_is_shown_as_text(page, phone, bundle) -> None:
    code = {"format": "PKBarcodeFormatPDF417", "message": "4600", "messageEncoding": "iso-8859-1"}
    phone.add(bundle.rewrite(barcodes=[code], webServiceURL=None))
    shown = look(page, lang="en")["pass"]["barcode"]
    assert shown["picture"] == ""
    assert "PDF417 4600" in shown["text"]


def test_waiting_for_news_ends_with_them_or_with_the_time(page, phone) -> None:
    revision = look(page)["revision"]
    options = {"base_url": "http://127.0.0.1:8081"}
    path = f"/state?after={revision}&wait=0.1"
    assert page.get(path, **options).status_code == 204
    phone.journal.touch()
    assert page.get(path, **options).get_json()["revision"] == revision + 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8081"])
def test_a_name_that_leads_here_from_elsewhere_is_refused(page, host: str) -> None:
    assert page.get("/state", base_url=f"http://{host}").status_code == 403


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Origin": "http://evil.example"}, "json": {}},
        {"headers": {"Origin": "null"}, "json": {}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}, "json": {}},
        {"headers": {"Sec-Fetch-Site": "same-site"}, "json": {}},
        {"data": {"link": "x"}},
        {"data": "{}", "content_type": "text/plain"},
    ],
)
def test_no_other_site_presses_buttons_here(page, phone, options) -> None:
    answer = page.post("/passes/demo", base_url="http://127.0.0.1:8081", **options)
    assert answer.status_code == 403
    assert phone.journal.after(0) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_strict_and_says_that_real_phones_refuse(page, card, language) -> None:
    link = "http://x/?a=1&b=%22%3E%3Cscript%3E"
    query = {"lang": language, "card": link}
    answer = page.get("/", query_string=query, base_url="http://localhost:8081")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert words.said("page.real_phones", language) in answer.text
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", answer.text)
    assert set(re.findall(r"https?://[^\"'&\s<]+", answer.text)) == {"http://x/?a=1"}
    for address in re.findall(r'(?:href|src)="(/static[^"]+)"', answer.text):
        asset = page.get(address, base_url="http://localhost:8081")
        assert asset.status_code == 200
        if address.endswith(".css"):
            assert len(asset.data) < 10_000
            assert b"url(" not in asset.data


# The Android phone


@pytest.fixture
def wallet(tmp_path: Path) -> Iterator[google.RunningGoogle]:
    """Google's stand-in with the class of a programme."""
    with googles.stood_in(tmp_path / "stand-in") as running:
        running.stand_in.resources.insert(google.resources.CLASS, PROGRAMME)
        yield running


@pytest.fixture
def android(wallet: google.RunningGoogle) -> VirtualAndroid:
    return VirtualAndroid(wallet.url, "ru")


def localized(russian: str, english: str) -> dict:
    return {
        "defaultValue": {"language": "ru", "value": russian},
        "translatedValues": [{"language": "en", "value": english}],
    }


ISSUER = SANDBOX_GOOGLE_ISSUER
PROGRAMME = {
    "id": f"{ISSUER}.demo",
    "issuerName": "Кофейня",
    "programName": "Карта",
    "localizedProgramName": localized("Карта", "Card"),
    "programLogo": {"sourceUri": {"uri": "http://127.0.0.1:9/logo.png"}},
    "heroImage": {"sourceUri": {"uri": "http://127.0.0.1:9/hero.png"}},
    "hexBackgroundColor": "#ffe08a",
    "reviewStatus": "UNDER_REVIEW",
}


def google_card(number: str, points: int = 0) -> dict:
    label = localized("Баллы", "Points")
    return {
        "id": f"{ISSUER}.{number}",
        "classId": PROGRAMME["id"],
        "state": "ACTIVE",
        "accountName": "Анна",
        "loyaltyPoints": {"label": "Баллы", "localizedLabel": label, "balance": {"int": points}},
        "barcode": {"type": "QR_CODE", "value": number, "alternateText": number},
        "textModulesData": [{"id": "offer", "header": "Предложение", "body": "—"}],
    }


def issue(wallet: google.RunningGoogle, number: str) -> str:
    """The save link of a new card."""
    wallet.stand_in.resources.insert(google.resources.OBJECT, google_card(number))
    return save_link(wallet, number)


def save_link(wallet: google.RunningGoogle, number: str) -> str:
    account = json.loads(wallet.credentials.read_text())
    claims = {
        "iss": account["client_email"],
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(datetime.now(UTC).timestamp()),
        "payload": {"loyaltyObjects": [{"id": f"{ISSUER}.{number}"}]},
    }
    return wallet.save_url + jwt.encode(claims, account["private_key"], algorithm="RS256")


def change(wallet: google.RunningGoogle, number: str, **changes: object) -> None:
    resources = wallet.stand_in.resources
    resources.patch(google.resources.OBJECT, f"{ISSUER}.{number}", changes)


def earn(wallet: google.RunningGoogle, number: str, points: int) -> None:
    balance = {"balance": {"int": points}}
    change(wallet, number, loyaltyPoints=balance, notifyPreference="NOTIFY_ON_UPDATE")


def test_an_android_phone_saves_a_card_and_shows_it_in_its_language(android, wallet) -> None:
    card = android.add(issue(wallet, "4600"))
    assert card.programme("ru") == "Карта"
    assert card.programme("en") == "Card"
    ((points,),) = card.face("en")
    assert (points.label, points.value) == ("Points", "0")
    assert [line.value for line in card.details("ru")] == ["Анна", "—"]
    assert (card.code, card.code_type, card.caption) == ("4600", "QR_CODE", "4600")
    assert wallet.stand_in.resources.card(card.id).is_held
    drawn = drawing.draw_android(card, "ru")
    assert "[QR] 4600" in drawn
    assert "Предложение: —" in drawn
    assert [(one.who, one.purpose, one.status) for one in android.journal.after(0)] == [
        ("android", "save", 200)
    ]


def test_a_change_is_handed_over_and_said_if_google_was_to_say_it(android, wallet) -> None:
    android.add(issue(wallet, "4600"))
    android.hear(0)
    earn(wallet, "4600", 1250)
    (first,) = android.hear(WAIT_S)
    assert [(one.label, one.before, one.after) for one in first.fields("en")] == [
        ("Points", "0", "1,250")
    ]
    assert first.message("en") == "Points: 1,250"
    assert first.message("ru") == "Баллы: 1\u00a0250"
    change(wallet, "4600", textModulesData=[{"id": "offer", "header": "П", "body": "Латте"}])
    (second,) = android.hear(WAIT_S)
    assert [one.after for one in second.fields("ru")] == ["Латте"]
    assert second.message("ru") is None
    assert android.hear(0) == ()


def test_a_message_is_said_and_stands_on_the_card(android, wallet) -> None:
    card = android.add(issue(wallet, "4600"))
    android.hear(0)
    message = {"header": "Скидка", "body": "Сегодня", "messageType": "TEXT_AND_NOTIFY"}
    resources = wallet.stand_in.resources
    resources.add_message(google.resources.OBJECT, card.id, {"message": message})
    (told,) = android.hear(WAIT_S)
    assert told.message("ru") == "Скидка: Сегодня"
    assert told.after.details("ru")[-1].value == "Сегодня"


def test_a_listening_android_needs_no_asking_and_hears_of_later_cards(android, wallet) -> None:
    stop = threading.Event()
    threading.Thread(target=android.listen, args=(stop,), daemon=True).start()
    for number in ("4600", "4601"):
        android.add(issue(wallet, number))
        earn(wallet, number, 10)
    wait_until(lambda: len(android.changes) == 2, "both changes", WAIT_S)
    stop.set()
    assert {change.after.code for change in android.changes} == {"4600", "4601"}


def test_a_card_removed_anywhere_is_gone_here_too(android, wallet) -> None:
    card = android.add(issue(wallet, "4600"))
    other = VirtualAndroid(wallet.url)
    other.add(save_link(wallet, "4600"))
    other.remove(card.id)
    android.hear(WAIT_S)
    assert (android.cards, other.cards) == ([], [])
    other.remove(card.id)
    assert not wallet.stand_in.resources.card(card.id).is_held


def test_a_page_or_a_redirect_leads_to_the_save_link(android, wallet, served) -> None:
    served.meddle("^/card/x/google$", status=303, headers={"Location": issue(wallet, "4600")})
    served.meddle("^/card/x$", b'<a href="/card/x/google">Google</a>', mimetype="text/html")
    assert android.add(f"{served.url}/card/x").code == "4600"
    assert [one.purpose for one in android.journal.after(0)] == ["follow", "follow", "save"]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("card", "not_a_link"),
        ("https://pay.google.com/gp/v/save/x.y.z", "real_google"),
        ("{service}/nowhere/google", "google_not_set_up"),
        ("{service}/healthz", "google_not_set_up"),
        ("{stand_in}/gp/v/save/x.y.z", "google_refused"),
        ("http://127.0.0.1:9/card/x/google", "no_answer"),
    ],
)
def test_what_leads_to_no_card_is_said(android, wallet, served, address, problem) -> None:
    with pytest.raises(SandboxTrouble) as trouble:
        android.add(address.format(service=served.url, stand_in=wallet.url))
    assert getattr(trouble.value, "problem", "no_answer") == problem
    assert android.cards == []
    for language in LANGUAGES:
        assert trouble.value.sentence(language)


def test_a_stand_in_that_is_gone_is_said(tmp_path: Path) -> None:
    with google.running(tmp_path / "account.json") as running:
        running.stand_in.resources.insert(google.resources.CLASS, PROGRAMME)
        android = VirtualAndroid(running.url)
        android.add(issue(running, "4600"))
    with pytest.raises(SandboxTrouble) as trouble:
        android.hear(0)
    assert trouble.value.problem == "no_google_stand_in"


def selector(*paths: str) -> dict:
    return {"fields": [{"fieldPath": path} for path in paths]}


def laid_out(**template: object) -> AndroidCard:
    class_ = {**PROGRAMME, "classTemplateInfo": template}
    return AndroidCard("x", class_, google_card("4600", 7))


def test_rows_that_a_class_orders_are_drawn() -> None:
    def item(path: str) -> dict:
        return {"firstValue": selector(path)}

    two = {
        "endItem": item("object.loyaltyPoints.balance"),
        "startItem": item("object.textModulesData['offer']"),
    }
    half = {"startItem": item("object.nothing"), "endItem": item("object.accountName")}
    rows = [{"twoItems": two}, {"twoItems": half}, {"oneItem": {"item": item("object.nothing")}}]
    card = laid_out(cardTemplateOverride={"cardRowTemplateInfos": rows})
    shown = [[line.value for line in row] for row in card.face("ru")]
    assert shown == [["—", "7"], ["", "Анна"]]


def test_an_item_draws_the_first_field_that_is_there_and_two_with_a_slash() -> None:
    either = {"firstValue": selector("object.nothing", "nonsense", "object.accountName")}
    both = {**either, "secondValue": selector("object.loyaltyPoints.balance")}
    rows = [{"oneItem": {"item": one}} for one in (either, both)]
    card = laid_out(cardTemplateOverride={"cardRowTemplateInfos": rows})
    assert [row[0].value for row in card.face("en")] == ["Анна", "Анна / 7"]


def test_details_and_the_line_among_passes_follow_the_class() -> None:
    infos = [{"item": {"firstValue": selector("object.textModulesData['offer']")}}]
    first = {"fieldOption": selector("class.issuerName")}
    second = selector("object.loyaltyPoints.balance")
    card = laid_out(
        detailsTemplateOverride={"detailsItemInfos": infos},
        listTemplateOverride={"firstRowOption": first, "secondRowOption": second},
    )
    assert [line.value for line in card.details("ru")] == ["—"]
    assert [line.value for line in card.listed("ru")] == [PROGRAMME["issuerName"], "7"]
    plain = AndroidCard("x", PROGRAMME, google_card("4600", 7))
    assert [line.value for line in plain.listed("ru")] == [PROGRAMME["issuerName"], "Карта"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"int": 12345}, "12,345"),
        ({"string": "5/8"}, "5/8"),
        ({"double": 1.5}, "1.5"),
        ({"money": {"micros": "12500000", "currencyCode": "EUR"}}, "12.50 EUR"),
        ({}, ""),
    ],
)
def test_every_kind_of_balance_is_written(value: dict, shown: str) -> None:
    assert android_card.balance(value, "en") == shown


@pytest.fixture
def two_phones(phone, shop, android) -> FlaskClient:
    """The page with Google set up at the stand-in; it knows nothing of the service's cards."""
    return PhonePage(phone, android, shop, phone.journal).app().test_client()


def test_without_google_the_android_phone_says_that_it_is_not_set_up(page) -> None:
    press(page, "/passes/demo?lang=en")
    shown = look(page, lang="en")["android"]
    assert shown["card"] is None
    assert shown["note"] == words.said("page.android_not_set_up", "en")


def test_the_page_shows_both_phones_and_removes_from_each(two_phones, android, wallet) -> None:
    link = issue(wallet, "4600")
    id_ = press(two_phones, "/passes", {"link": link}).get_json()["serial"]
    android.hear(0)
    earn(wallet, "4600", 10)
    android.hear(WAIT_S)
    state = look(two_phones, lang="en")
    assert state["pass"] is None
    shown = state["android"]
    assert shown["card"]["rows"] == [[{"label": "Points", "value": "10"}]]
    assert shown["card"]["colours"] == ["#ffe08a", "#202124", "#202124"]
    assert shown["notices"][0]["text"] == "Points: 10"
    assert state["change"]["after"] == [{"label": "Points", "value": "10"}]
    code = two_phones.get(shown["card"]["barcode"]["picture"], base_url="http://127.0.0.1:8081")
    assert code.mimetype == "image/svg+xml"
    assert press(two_phones, f"/android/{id_}/remove").status_code == 200
    assert look(two_phones)["android"]["card"] is None


def test_a_code_that_rotates_is_drawn_anew_by_itself(two_phones, android, wallet) -> None:
    """And the page hears of it, without any news from Google."""
    rotating = {
        "type": "QR_CODE",
        "valuePattern": "{totp_timestamp_millis}/{totp_value_0}",
        "totpDetails": {
            "algorithm": "TOTP_SHA1",
            "periodMillis": "1000",
            "parameters": [{"key": b"12345678901234567890".hex(), "valueLength": 8}],
        },
    }
    card = AndroidCard("x", PROGRAMME, google_card("4600", 7) | {"rotatingBarcode": rotating})
    # RFC 6238, appendix B, whose steps of 30 s are 1 s here.
    at = datetime.fromtimestamp(1234567890 // 30, UTC)
    assert card.drawn_at(at) == f"{1234567890 // 30}000/89005924"
    assert (card.code, card.number) == ("4600", "4600")
    resources = wallet.stand_in.resources
    resources.insert(google.resources.OBJECT, google_card("4600") | {"rotatingBarcode": rotating})
    press(two_phones, "/passes", {"link": save_link(wallet, "4600")})
    first = look(two_phones)["android"]["card"]["barcode"]["picture"]
    revision = android.journal.wait(-1, 0)
    stop = threading.Event()
    listening = threading.Thread(target=android.listen, args=[stop])
    listening.start()
    try:
        assert android.journal.wait(revision, WAIT_S) > revision
        wait_until(
            lambda: look(two_phones)["android"]["card"]["barcode"]["picture"] != first,
            "the page shows another code",
        )
    finally:
        stop.set()
        listening.join()


def test_a_card_in_the_android_phone_alone_is_the_one_that_the_page_is_about(
    two_phones, phone, android, wallet, card
) -> None:
    """It came by a save link, while the iPhone has another."""
    id_ = press(two_phones, "/passes", {"link": issue(wallet, "4600")}).get_json()["serial"]
    state = look(two_phones, card=id_)
    assert state["android"]["card"]["serial"] == state["till"] == id_
    state = look(two_phones, card=card.serial)
    assert (state["till"], state["pass"]["serial"]) == (card.serial, card.serial)


@pytest.mark.parametrize(
    ("link", "is_at_once"),
    [
        ("http://127.0.0.1:8080/card/x.y", True),
        ("https://cards.example/card/x.y", True),
        ("http://127.0.0.1:8084/gp/v/save/x.y.z", True),
        ("http://127.0.0.1:80800/card/x.y", False),
        ("https://cards.example.evil.example/card/x.y", False),
        ("http://evil.example/card/x.y", False),
        ("", False),
    ],
)
def test_a_card_of_this_sandbox_is_added_as_soon_as_the_page_is_opened(
    phone, shop, android, link, is_at_once
) -> None:
    """Any other is only written into the field: any site can lead here."""
    own = ("https://cards.example/", "http://127.0.0.1:8080", "http://127.0.0.1:8084")
    page = PhonePage(phone, android, shop, phone.journal, own).app().test_client()
    answer = page.get("/", query_string={"card": link}, base_url="http://127.0.0.1:8081")
    assert ("data-at-once" in answer.text) == is_at_once
    assert f'value="{link}"' in answer.text


def test_the_pictures_of_an_android_card_come_from_where_the_class_says(
    two_phones, android, wallet, served
) -> None:
    logo = {"sourceUri": {"uri": f"{served.url}/some/logo.png"}}
    class_ = {"reviewStatus": "UNDER_REVIEW", "programLogo": logo}
    wallet.stand_in.resources.patch(google.resources.CLASS, str(PROGRAMME["id"]), class_)
    served.meddle("^/some/logo.png$", b"a picture", mimetype="image/png")
    card = android.add(issue(wallet, "4600"))
    options = {"base_url": "http://127.0.0.1:8081"}
    assert two_phones.get(f"/android/{card.id}/logo.png", **options).data == b"a picture"
    assert two_phones.get(f"/android/{card.id}/hero.png", **options).status_code == 404
    assert two_phones.get(f"/android/{card.id}/icon.png", **options).status_code == 404


# The commands


def joined(port: int, data: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """A new member of a running sandbox, and the headers to speak of them with."""
    made = dict(line.split("=", 1) for line in (data / "sandbox.env").read_text().splitlines())
    headers = {"Authorization": f"Bearer {made['WALLET_API_KEY']}", "Idempotency-Key": "join"}
    address = f"http://127.0.0.1:{port}/api/v1/members"
    answer = requests.post(address, json={"programme": "demo"}, headers=headers, timeout=10)
    return answer.json(), {**headers, "Idempotency-Key": "accrue"}


def test_the_story_of_wallet_phone_is_true_of_a_running_service(tmp_path: Path) -> None:
    port = free_ports(5)
    environment = {"WALLET_DATA": str(tmp_path / "data"), "PORT": str(port)}
    for name in ("WALLET_PUBLIC_URL", "WALLET_BROKER_URL", "WALLET_APNS_URL"):
        environment.setdefault(name, "")
    with processes(environment, tmp_path) as service:
        run = service.start("run")

        def ready() -> bool:
            assert run.poll() is None, service.log_of("run")
            return "ready http" in service.log_of("run")

        wait_until(ready, "the service")
        service.run("phone", "--repeat", "3", cold=True)
        service.run("phone", "--lang", "ru", "--points", "7")
        service.run("phone", "--wallet", "google", "--repeat", "2")
        told = service.log_of("phone")
        member, headers = joined(port, tmp_path / "data")
        follower = service.start("phone", "--card", member["links"]["apple"])
        wait_until(lambda: "Stop with Ctrl-C" in service.log_of("phone"), "the follower")
        accrual = {"member": member["id"], "points": 77}
        address = f"http://127.0.0.1:{port}/api/v1/accruals"
        assert requests.post(address, json=accrual, headers=headers, timeout=10).ok
        wait_until(lambda: "Points: 0 → 77" in service.log_of("phone"), "the change")
        follower.send_signal(signal.SIGINT)
        assert follower.wait(60) == 0
        run.send_signal(signal.SIGTERM)
        assert run.wait(15) == 0
        silent = service.start("phone")
        assert silent.wait(30) == 1
    assert len(re.findall(r"accrual answered -> push accepted: \d+ ms", told)) == 1
    assert re.search(r"median of 3: \d+ ms", told)
    assert "Your points: 100" in told
    assert re.search(r"accrual answered -> card changed in the phone: \d+ ms", told)
    assert "Loyalty card · Points: 100" in told
    assert "Теперь у вас баллов: 7" in told
    assert "Real phones refuse these cards" in told
    assert "The card was removed from the phone." in service.log_of("phone")
    assert "Is the service running?" in service.log_of("phone")
    assert "Traceback" not in service.log_of("run")
