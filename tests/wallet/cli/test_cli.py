"""The `wallet` command, as an operator types it."""

import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import chains
import pytest
from click.testing import CliRunner
from phones import Phone, opened
from PIL import Image
from sqlalchemy import select, text

from ledger.programmes import programmes, stores
from ledger.programmes.stores import StoreTerms
from wallet.apple.devices import PushRow
from wallet.cli import main
from wallet.delivery.waves import Wave
from wallet.sandbox import certificates

LISTED = (
    "spending by a phone number: code\nlisted for everybody: no\npersonal data: kept\n"
    "the form asks: phone optional, email optional, name off, birthday off\n"
    "points by hand without a second person: any\n"
)
PLAIN = "code: plain; numbers: accept; at Google: same; renewed every 7 days; grace: 24 hours\n"
CODE = LISTED + PLAIN


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    for name in ("run", "web", "worker", "beat", "migrate", "doctor", "certs", "phone"):
        assert f"  {name} " in shown


def test_a_programme_is_added_and_can_be_joined(wallet, client) -> None:
    added = wallet("programmes", "add", "bakery", "Пекарня «Крендель»")
    assert (added.exit_code, added.output) == (0, "http://127.0.0.1:8080/join/bakery\n")
    again = wallet("programmes", "add", "bakery", "Пекарня")
    assert again.exit_code == 1
    assert again.output == "Error: There is a programme 'bakery' already.\n"


def test_a_programme_of_membership_cards_is_added(wallet, house, api, tmp_path: Path) -> None:
    added = wallet("programmes", "add", "club", "Клуб", "--membership")
    assert added.exit_code == 0, added.output
    assert api.post("members", {"programme": "club", "name": "Анна"}).status_code == 201
    folder = tmp_path / "design"
    assert wallet("design", "export", "club", str(folder)).exit_code == 0
    file = folder / "design.json"
    document = json.loads(file.read_text())
    assert document["kind"] == "generic"
    # Google cannot make a card into one of another kind.
    file.write_text(json.dumps({**document, "kind": "loyalty"}))
    refused = wallet("design", "import", "club", str(folder))
    assert (refused.exit_code, "cards of the kind generic" in refused.output) == (1, True)
    both = wallet("programmes", "add", "x", "X", "--membership", "--gift-cards", "RUB")
    assert both.exit_code != 0


def test_a_programme_counts_other_things_besides(wallet, api, member) -> None:
    added = wallet("programmes", "unit", "demo", "cashback", *["--kind", "money", "--scale", "2"])
    assert (added.exit_code, added.output.count("currency")) == (1, 1)
    added = wallet(
        *("programmes", "unit", "demo", "cashback"),
        *("--kind", "money", "--scale", "2", "--currency", "RUB", "--live-days", "30"),
    )
    lives = "cashback: what comes from now on lives 30 days.\n"
    assert added.output == "demo counts points, cashback.\n" + lives
    body = {"member": member["id"], "points": 19990, "unit": "cashback"}
    assert api.post("accruals", body).get_json()["balance"]["available"] == 19990
    units = api.get(f"members/{member['id']}/balances").get_json()["items"]
    assert [(one["unit"], one["total"], one["currency"]) for one in units] == [
        ("points", 0, None),
        ("cashback", 19990, "RUB"),
    ]


def test_how_long_points_live_is_changed_for_what_comes(wallet, api, member) -> None:
    def live_days() -> int | None:
        return api.get("programmes").get_json()["items"][0]["units"][0]["live_days"]

    def told(*options: str) -> str:
        done = wallet("programmes", "unit", "demo", "points", *options)
        assert done.exit_code == 0, done.output
        return done.output.splitlines()[-1]

    assert told() == "points: what comes from now on lives for ever."
    assert told("--live-days", "90") == "points: what comes from now on lives 90 days."
    assert (told(), live_days()) == ("points: what comes from now on lives 90 days.", 90)
    assert told("--for-ever") == "points: what comes from now on lives for ever."
    for options in (("--live-days", "0"), ("--live-days", "9", "--for-ever")):
        assert wallet("programmes", "unit", "demo", "points", *options).exit_code != 0
    taken = wallet("programmes", "unit", "demo", "points", "--kind", "stamps")
    assert "has a unit 'points' already" in taken.output
    assert live_days() is None


def test_a_programme_has_terms_for_returns(wallet, api, member) -> None:
    now = "languages: ru, en; country: RU\ngrace days: 0; overdrawn: debt\n" + CODE
    assert wallet("programmes", "terms", "demo").output == now
    changed = wallet("programmes", "terms", "demo", "--grace-days", "14", "--overdrawn", "refuse")
    assert (
        changed.output
        == "languages: ru, en; country: RU\ngrace days: 14; overdrawn: refuse\n" + CODE
    )
    by_phone = wallet("programmes", "terms", "demo", "--spend-by-phone", "never")
    assert "spending by a phone number: never\n" in by_phone.output
    assert wallet("programmes", "terms", "demo", "--grace-days", "-1").exit_code == 1
    posting = api.post("accruals", {"member": member["id"], "points": 10}).get_json()["id"]
    api.post("redemptions", {"member": member["id"], "points": 4})
    refused = api.post(f"postings/{posting}/reverse", {})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "points_spent")


def test_a_programme_speaks_the_languages_it_is_given(wallet, api) -> None:
    added = wallet("programmes", "add", "nan", "Нан", "--locale", "kk", "--languages", "ru,kk")
    assert added.exit_code == 0, added.output
    changed = wallet("programmes", "terms", "demo", "--languages", "kk, en")
    assert changed.output.startswith("languages: ru, kk, en; country: RU\n")
    found = {one["code"]: one["languages"] for one in api.get("programmes").get_json()["items"]}
    assert found == {"demo": ["ru", "kk", "en"], "nan": ["ru", "kk"]}
    assert wallet("programmes", "set", "demo", "--lang", "kk", "--name", "Көпілка").exit_code == 0
    refused = wallet("programmes", "terms", "demo", "--languages", "kk_KZ")
    assert "languages: 'kk_KZ' is not a language" in refused.output


def test_a_design_speaks_the_languages_of_its_programme(wallet, tmp_path: Path) -> None:
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    changed(languages=["ru", "en", "de"])(folder)
    refused = wallet("design", "import", "demo", str(folder))
    assert "languages: the programme speaks ru, en. Let it speak de too" in refused.output
    wallet("programmes", "terms", "demo", "--languages", "en,de")
    assert wallet("design", "import", "demo", str(folder)).exit_code == 0


def test_a_programme_says_what_its_form_asks_and_why_one_joins(wallet, client) -> None:
    asked = wallet("programmes", "terms", "demo", "--ask", "name=required", "--ask", "email=off")
    assert "phone optional, email off, name required, birthday off" in asked.output
    assert wallet("programmes", "terms", "demo", "--ask", "name").exit_code != 0
    words = "Шестой кофе в подарок"
    assert wallet("programmes", "set", "demo", "--lang", "ru", "--benefit", words).exit_code == 0
    page = client.get("/join/demo?lang=ru").text
    assert words in page and 'id="name"' in page and 'id="email"' not in page


def test_a_programme_has_terms_for_the_barcodes_of_its_cards(wallet, house, member) -> None:
    options = ("--code", "hmac", "--code-numbers", "refuse", "--code-renew-days", "0")
    said = "code: hmac; numbers: refuse; at Google: same; renewed every 0 days; grace: 24 hours\n"
    changed = wallet("programmes", "terms", "demo", *options)
    assert (
        changed.output
        == "languages: ru, en; country: RU\ngrace days: 0; overdrawn: debt\n" + LISTED + said
    )
    assert wallet("programmes", "terms", "demo").output.endswith(said)
    house.run()
    with house.installation.database.reading() as session:
        assert session.execute(text("SELECT kind FROM wallet_card_code")).scalars().all() == [
            "hmac"
        ]
    refused = wallet("programmes", "terms", "demo", "--code", "plain")
    assert (refused.exit_code, "numbers: plain codes" in refused.output) == (1, True)


def test_a_database_of_another_release_is_named(wallet, house) -> None:
    with house.installation.database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    refused = wallet("programmes", "add", "bakery", "Пекарня")
    assert refused.exit_code == 1
    assert "wallet migrate" in refused.output


def test_a_design_goes_out_and_comes_back_and_cards_follow(
    wallet, client, member, house, tmp_path: Path
) -> None:
    phone = Phone.with_card(client, member)
    folder = tmp_path / "design"
    assert wallet("design", "export", "demo", str(folder)).exit_code == 0
    document = json.loads((folder / "design.json").read_text())
    document["background"] = "#004d40"
    (folder / "design.json").write_text(json.dumps(document))
    Image.new("RGB", (160, 50), "white").save(folder / "logo.png")
    imported = wallet("design", "import", "demo", str(folder))
    assert imported.exit_code == 0, imported.output
    house.run()
    assert opened(phone.fetch().data)["backgroundColor"] == "rgb(0, 77, 64)"


def test_pictures_and_words_in_two_languages_reach_the_phone_and_google(
    wallet, client, member, house, tmp_path: Path
) -> None:
    phone = Phone.with_card(client, member)
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    for file in folder.glob("strip*.png"):
        file.unlink()
    for language, colour in (("ru", "red"), ("en", "blue")):
        (folder / f"{language}.lproj").mkdir()
        picture = Image.new("RGB", (375, 144), colour)
        picture.save(folder / f"{language}.lproj" / "strip.png")
    Image.new("RGB", (600, 400), "green").save(folder / "poster.png")
    changed(
        locations=[{"latitude": 55.7, "longitude": 37.6, "text": {"ru": "Рядом", "en": "Near"}}]
    )(folder)
    imported = wallet("design", "import", "demo", str(folder))
    assert imported.exit_code == 0, imported.output
    house.run()
    bundle = phone.fetch().data
    assert opened(bundle)["locations"][0]["relevantText"] == "Рядом"
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        names = archive.namelist()
        english = Image.open(io.BytesIO(archive.read("en.lproj/strip.png"))).convert("RGB")
        words = archive.read("en.lproj/pass.strings").decode("utf-16")
    # One for everybody would be shown to everybody; Google's picture is not the phone's.
    assert not {"strip.png", "poster.png"} & set(names)
    assert english.getpixel((9, 9)) == (0, 0, 255)
    assert '"Рядом" = "Near";' in words
    page = client.get(member["links"]["card"].removeprefix("http://127.0.0.1:8080"))
    (address,) = set(re.findall(r"/designs/\d+/(?:ru|en)\.lproj/strip\.png", page.text))
    assert client.get(address).mimetype == "image/png"
    # What went in comes out.
    assert wallet("design", "export", "demo", str(tmp_path / "again")).exit_code == 0
    assert (tmp_path / "again" / "en.lproj" / "strip.png").exists()


def changed(**parts: object) -> Callable[[Path], object]:
    """Spoils design.json."""

    def spoil(folder: Path) -> None:
        file = folder / "design.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **parts}))

    return spoil


@pytest.fixture
def folder(wallet, house, tmp_path: Path) -> Path:
    """The design of the demo, as files."""
    folder = tmp_path / "design"
    assert wallet("design", "export", "demo", str(folder)).exit_code == 0
    return folder


def test_a_design_that_has_not_changed_wakes_no_phone(
    wallet, client, member, house, folder: Path
) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    seen = phone.fetch().headers["Last-Modified"]
    again = wallet("design", "import", "demo", str(folder))
    assert (again.exit_code, "Nothing has changed" in again.output) == (0, True)
    house.run()
    with house.installation.database.reading() as session:
        assert session.scalars(select(Wave.id)).all() == []
        assert session.scalars(select(PushRow.pass_id)).all() == []
    assert phone.fetch(since=seen).status_code == 304
    assert wallet("design", "versions", "demo").output.count("\n") == 1


def test_an_earlier_design_comes_back_and_cards_follow(
    wallet, client, member, house, folder: Path
) -> None:
    phone = Phone.with_card(client, member)

    def shown() -> str:
        house.clock.advance(minutes=1)  # the commands have clocks of their own
        house.run()
        return opened(phone.fetch().data)["backgroundColor"]

    before = phone.pass_json["backgroundColor"]
    changed(background="#004d40")(folder)
    assert wallet("design", "rollback", "demo").exit_code == 1
    assert wallet("design", "import", "demo", str(folder)).exit_code == 0
    assert shown() == "rgb(0, 77, 64)"
    assert wallet("design", "rollback", "demo").exit_code == 0
    assert shown() == before
    first, *others = wallet("design", "versions", "demo").output.splitlines()
    assert (first.split()[0], first.split()[-1], len(others)) == ("3", "now", 2)
    assert wallet("design", "rollback", "demo", "--to", "2").exit_code == 0
    assert shown() == "rgb(0, 77, 64)"
    missing = wallet("design", "rollback", "demo", "--to", "9")
    assert (missing.exit_code, "no version 9" in missing.output) == (1, True)


def test_what_is_hard_to_read_is_warned_of_and_what_nobody_can_read_refused(
    wallet, folder: Path
) -> None:
    changed(background="#004400", foreground="#004400", label_colour="#ffffff")(folder)
    refused = wallet("design", "import", "demo", str(folder))
    assert refused.exit_code == 1
    assert "foreground: nobody can read it" in refused.output
    changed(background="#ffffff", foreground="#000000", label_colour="#888888")(folder)
    warned = wallet("design", "import", "demo", str(folder))
    assert warned.exit_code == 0
    assert "Warning: label_colour has a contrast of 3.5 to 1" in warned.output


def link_to_a_device(folder: Path) -> None:
    (folder / "icon.png").unlink()
    (folder / "icon.png").symlink_to("/dev/zero")


def pipe(folder: Path) -> None:
    (folder / "icon.png").unlink()
    os.mkfifo(folder / "icon.png")


def link_to_a_folder(folder: Path) -> None:
    (folder / "ru.lproj").symlink_to(folder)


def no_picture_at_all(folder: Path) -> None:
    (folder / "design.json").unlink()
    (folder / "design.json").symlink_to("/dev/zero")


def huge(name: str) -> Callable[[Path], object]:
    def grow(folder: Path) -> None:
        os.truncate(folder / name, 5_000_000_000)  # a hole: no byte of it is on the disk

    return grow


def deep(levels: int) -> Callable[[Path], object]:
    def nest(folder: Path) -> None:
        text = '{"user_info": ' + '{"a": ' * levels + "1" + "}" * levels + "}"
        (folder / "design.json").write_text(text)

    return nest


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (link_to_a_device, "icon.png: must be an ordinary file"),
        (pipe, "icon.png: must be an ordinary file"),
        (no_picture_at_all, "design.json: must be an ordinary file"),
        (link_to_a_folder, "ru.lproj: must be a folder"),
        (huge("icon.png"), "icon.png: the file has 5,000,000 KB; at most 1,000"),
        (huge("design.json"), "design.json: the file has 5,000,000 KB"),
        (deep(50), "design.json: is nested more than 20 levels deep"),
        (deep(50_000), "design.json: is not JSON in UTF-8"),
    ],
)
def test_what_is_no_ordinary_file_is_refused_and_not_read(
    wallet, folder: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(folder)
    refused = wallet("design", "import", "demo", str(folder))
    assert (refused.exit_code, type(refused.exception)) == (1, SystemExit)
    assert said in refused.output


def test_the_case_of_a_pictures_name_does_not_count(
    wallet, client, member, house, tmp_path: Path
) -> None:
    phone = Phone.with_card(client, member)
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    for file in folder.glob("logo*.png"):
        file.unlink()
    Image.new("RGB", (160, 50), "red").save(folder / "LOGO.PNG", format="PNG")
    imported = wallet("design", "import", "demo", str(folder))
    assert imported.exit_code == 0, imported.output
    house.run()
    with zipfile.ZipFile(io.BytesIO(phone.fetch().data)) as bundle:
        logo = Image.open(io.BytesIO(bundle.read("logo.png"))).convert("RGB")
    assert (logo.size, logo.getpixel((80, 25))) == ((160, 50), (255, 0, 0))


def test_an_export_replaces_nothing_without_being_told_to(wallet, house, tmp_path: Path) -> None:
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    changed(background="#004d40")(folder)
    refused = wallet("design", "export", "demo", str(folder))
    assert refused.exit_code == 1
    assert "design.json: is in" in refused.output
    assert "--force" in refused.output
    assert "#004d40" in (folder / "design.json").read_text()
    assert wallet("design", "export", "demo", str(folder), "--force").exit_code == 0
    assert "#004d40" not in (folder / "design.json").read_text()


def test_a_programme_says_what_it_is_told_to_in_each_language(
    wallet, client, house, tmp_path: Path
) -> None:
    notice = tmp_path / "privacy.txt"
    notice.write_text("# Вкратце\nМы бережём ваши данные.\n", encoding="utf-8-sig")
    for arguments in (
        ("--lang", "en", "--name", "The Coffee House", "--operator", "Grain Ltd, London"),
        ("--lang", "ru", "--privacy", str(notice)),
    ):
        done = wallet("programmes", "set", "demo", *arguments)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("http://127.0.0.1:8080/join/demo/privacy?lang=")
    assert "The Coffee House" in client.get("/join/demo?lang=en").text
    page = client.get("/join/demo/privacy?lang=ru").text
    assert "<h2>Вкратце</h2>" in page
    assert "Мы бережём ваши данные." in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demo", "--lang", "en"), "Say what to set"),
        (("nowhere", "--lang", "en", "--name", "x"), "There is no programme"),
        (("demo", "--lang", "en", "--name", " "), "name: from 1 to 100 characters."),
        (("demo", "--lang", "de", "--name", "x"), "language: texts of this programme are in ru"),
        (("demo", "--lang", "en", "--privacy", "binary"), "is not text in UTF-8"),
    ],
)
def test_what_a_programme_cannot_say_is_refused(
    wallet, house, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    refused = wallet("programmes", "set", *arguments)
    assert refused.exit_code != 0
    assert words in refused.output


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "logo.png").write_bytes(b"GIF89a"), "logo.png"),
        (lambda folder: (folder / "design.json").write_text("{"), "design.json"),
        (lambda folder: (folder / "design.json").write_text("{}"), "organization: is required."),
        (lambda folder: (folder / "design.json").write_text("[]"), "must be a JSON object."),
        (lambda folder: (folder / "design.json").unlink(), "no such file"),
        (lambda folder: (folder / "cat.png").write_bytes(b"\x89PNG\r\n"), "cat.png"),
        (
            lambda folder: (folder / "logo.jpg").write_bytes(b"\xff\xd8"),
            "logo.jpg: a card takes PNG",
        ),
        (
            lambda folder: (folder / "LOGO.PNG").write_bytes(b"\x89PNG\r\n"),
            "logo.png is there twice",
        ),
        (
            changed(backgroud="#004d40"),
            "backgroud: there is no such name; did you mean background?",
        ),
        (changed(zzz=1), "zzz: there is no such name; there are organization, description"),
        (
            changed(fields=[{"key": "a", "slot": "header", "lable": {}, "shows": "points"}]),
            "fields.0.lable: there is no such name; did you mean label?",
        ),
        (
            changed(locations=[{"latitude": 55.7, "longitude": 37.6, "radius": 100}]),
            "locations.0.radius: there is no such name; there are latitude, longitude, altitude",
        ),
        (
            changed(locations=[{"latitude": 55.7, "longitude": 37.6, "text": {"fr": "Ici"}}]),
            "locations.0.text.fr: cards of this design speak ru, en",
        ),
        (changed(app={"store_id": [1]}), "app.store_id: there is no such name; did you mean"),
        (changed(locations=[{"latitude": 91, "longitude": 0}]), "locations.0.latitude: is in"),
        (changed(description={"ru": "Карта", "fr": "Carte"}), "description.fr: cards of this"),
        (changed(fields=5), "fields: must be a list."),
        (changed(fields=[5]), "fields.0: must be a JSON object."),
        (changed(symbology="maxicode"), "symbology: must be 'qr', 'pdf417', 'aztec',"),
        (changed(organization=5), "organization: must be text."),
    ],
)
def test_a_design_that_will_not_do_changes_nothing(
    wallet, client, member, house, tmp_path: Path, spoil, words: str
) -> None:
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    spoil(folder)
    refused = wallet("design", "import", "demo", str(folder))
    assert refused.exit_code == 1
    assert words in refused.output
    assert "Traceback" not in refused.output
    with house.installation.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM wallet_template")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM wallet_wave")).scalar() == 0


def test_certificates_are_made_and_checked(wallet, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    assert wallet("certs", "dev", str(folder)).output.endswith("made.\n")
    assert wallet("certs", "dev", str(folder)).output.endswith("still good.\n")
    checked = wallet("certs", "check", str(folder))
    assert "pass.sandbox.loyalty: good. Team SANDBOX000, issued by the sandbox, " in checked.output
    assert "Real phones refuse cards that are signed with it." in checked.output
    (folder / "pass.sandbox.loyalty" / "pass.key").write_text("nonsense")
    refused = wallet("certs", "check", str(folder))
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: not_pem: ")
    assert "pass.key" in refused.output


def test_a_certificate_with_few_days_left_is_not_called_good(wallet, tmp_path: Path) -> None:
    folder = chains.lay(tmp_path / "own", chains.leaf(last_day=13))
    checked = wallet("certs", "check", str(folder))
    assert checked.exit_code == 0
    assert f"{chains.PASS_TYPE}: warning: renew it soon. Team" in checked.output
    assert "good" not in checked.output


def test_who_only_calls_itself_apple_is_not_apple(wallet, tmp_path: Path) -> None:
    with patch.object(certificates, "SANDBOX_ISSUER_MARK", "Apple Inc."):
        home_made = certificates.new_authority(chains.day(-30), chains.day(400))
        folder = chains.lay(tmp_path / "own", chains.leaf(issuer=home_made), home_made)
    for command in (
        ("certs", "check", str(folder)),
        ("certs", "import", str(folder), str(folder / "pass.pem"), str(folder / "wwdr.pem")),
    ):
        refused = wallet(*command)
        assert refused.exit_code == 1
        assert refused.output.startswith("Error: not_apples: ")
        assert "O=Apple Inc." in refused.output
    for command in ("doctor", "web", "worker"):
        refused = wallet(command, **PRODUCTION, WALLET_APPLE_CERTS=str(folder))
        assert (refused.exit_code, "not_apples: " in refused.output) == (1, True)
        assert "issued by" not in refused.output


def test_what_apples_root_signed_is_said_to_be_apples(wallet, tmp_path: Path, monkeypatch) -> None:
    chains.let_be_apples(monkeypatch, chains.stranger())
    leaf = chains.leaf(issuer=chains.stranger())
    folder = chains.lay(tmp_path / "own", leaf, chains.stranger())
    checked = wallet("certs", "check", **PRODUCTION, WALLET_APPLE_CERTS=str(folder))
    assert checked.exit_code == 0, checked.output
    assert re.fullmatch(
        rf"{chains.PASS_TYPE}: good.*, issued by Apple, \d+ days left.\n", checked.output
    )


PRODUCTION = {
    "WALLET_MODE": "production",
    "WALLET_PUBLIC_URL": "https://127.0.0.1:9",
    "WALLET_SECRET_KEY": "a-secret-of-our-own-making-and-length",
    "WALLET_API_KEY": "an-api-key-of-our-own-making-and-length",
}


@pytest.mark.parametrize("command", ["doctor", "web", "worker", "beat", "run"])
def test_production_refuses_the_sandboxs_certificates(wallet, command: str) -> None:
    refused = wallet(command, **PRODUCTION)
    assert refused.exit_code == 1
    assert "WALLET_APPLE_CERTS: holds the sandbox certificate" in refused.output


@pytest.mark.parametrize("command", ["web", "doctor"])
def test_a_start_in_production_says_all_that_is_missing_at_once(wallet, command: str) -> None:
    changes = {"WALLET_SECRET_KEY": "", "WALLET_PUBLIC_URL": "http://cards.example.com"}
    refused = wallet(command, **{**PRODUCTION, **changes}, WALLET_BROKER_URL="redis://127.0.0.1:9")
    assert refused.exit_code == 1
    for words in (
        "WALLET_SECRET_KEY: is not set",
        "WALLET_PUBLIC_URL: must",
        "WALLET_APPLE_CERTS: holds the sandbox certificate",
        "Broker at 127.0.0.1 does not answer",
    ):
        assert words in refused.output
    assert "Traceback" not in refused.output


def test_a_wrong_setting_is_a_sentence(wallet) -> None:
    refused = wallet("migrate", PORT="http")
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: PORT: 'http' is not a number from 1 to 65535.\n",
    )


def test_a_person_is_erased_and_stands_on_the_list(wallet, member, client) -> None:
    done = wallet("members", "erase", member["id"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{member['id']}: erased since ")
    assert wallet("members", "erase", member["id"]).output == done.output
    assert wallet("members", "erased").output.split()[0] == member["id"]
    unknown = wallet("members", "erase", "01a20f22-e6c7-77b8-8c9e-bf842686aa7e")
    assert (unknown.exit_code, unknown.output) == (1, "Error: There is no such member.\n")
    assert wallet("members", "erase").exit_code == 2


def test_members_are_imported_from_a_file(wallet, tmp_path: Path) -> None:
    file = tmp_path / "люди.csv"
    file.write_bytes("Имя;Телефон;Баланс\r\nАнна;89990000001;5\r\nБорис;x;1\r\n".encode("cp1251"))
    arguments = ("import", "members", str(file), "--programme", "demo")
    shown = wallet(*arguments, "--preview", "--lang", "ru").output
    assert "Строка 3, Телефон: Это не номер телефона вида +79991234567. [phone]" in shown
    assert wallet("import", "list").output.startswith("None.")
    refused = wallet(*arguments)
    assert refused.exit_code == 1
    assert "Rows: 2, of them 1 that cannot be imported" in refused.output
    assert wallet("import", "list").output.startswith("None.")
    left_out = tmp_path / "люди-left-out.csv"
    assert "Борис;x;1;" in left_out.read_text("utf-8-sig")
    left_out.write_text("Имя;Телефон;Баланс\nБорис;+79990000002;1\n")  # corrected, not yet imported
    done = wallet(*arguments, "--skip-bad")
    assert done.exit_code == 0, done.output
    assert "Everything agrees." in done.output
    assert "Борис;+79990000002;1" in left_out.read_text()
    assert "Борис;x;1;" in (tmp_path / "люди-left-out-2.csv").read_text("utf-8-sig")
    assert str(tmp_path / "люди-left-out-2.csv") in done.output
    import_id = done.output.split("wallet import check ")[1].strip()
    assert import_id in wallet("import", "list").output
    assert wallet("import", "check", import_id).output.startswith("ok")
    proof = json.loads(wallet("import", "show", import_id, "--json").output)
    assert proof["statement"]["points"]["posted"] == 5
    again = wallet(*arguments, "--skip-bad")
    assert (again.exit_code, import_id in again.output) == (1, True)


def test_columns_that_are_not_imported_are_named(wallet, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Наименование;Мобильный телефон;Менеджер\nАнна Петрова;+79990000001;Ольга\n")
    arguments = ("import", "members", str(file), "--programme", "demo")
    shown = wallet(*arguments, "--preview").output
    assert "Наименование Анна Петрова; Мобильный телефон +7 999 000-00-01" in shown
    done = wallet(*arguments)
    assert done.exit_code == 0, done.output
    for output in (shown, done.output):
        assert output.count("is not known here and is left aside") == 1
        assert "“Менеджер”" in output


def test_points_are_imported_in_or_out(wallet, tmp_path: Path) -> None:
    people, points = tmp_path / "people.csv", tmp_path / "points.csv"
    people.write_text("phone;balance\n+79990000001;50\n")
    points.write_text("phone;points\n+79990000001;20\n")
    wallet("import", "members", str(people), "--programme", "demo")
    arguments = ("import", "points", str(points), "--programme", "demo")
    assert wallet(*arguments).exit_code == 2
    for kind in ("--accrue", "--write-off"):
        assert "20 in 1 posting," in wallet(*arguments, kind).output


def test_a_poster_is_written_and_its_code_names_the_store(wallet, house, tmp_path: Path) -> None:
    now = house.installation.clock()
    with house.installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo").id
        stores.put_store(session, demo, StoreTerms("7", "Тверская"), now)
    file = tmp_path / "poster.svg"
    written = wallet("poster", "demo", str(file), "--format", "tent", "--store", "7")
    assert written.exit_code == 0, written.output
    assert "/join/demo?store=7" in written.output and file.read_text().startswith("<svg")
    unknown = wallet("poster", "demo", str(tmp_path / "x.pdf"), "--store", "8")
    assert unknown.exit_code == 1 and "8" in unknown.output
    assert not (tmp_path / "x.pdf").exists()
    assert wallet("poster", "demo", str(tmp_path / "x.pdf"), "--till", "1").exit_code == 2
