"""Settings as people of the staff set them: pages, forms that are refused, two at one form."""

import io
import re

import pytest
from visitors import HOME, Visitor, signed_in

from ledger.programmes import programmes, stores
from wallet.access.changes import RecordedChange

SETTINGS = f"{HOME}settings"
BASE = f"{SETTINGS}/base"
FIVE_PERCENT = {
    "back": "5",
    "payable": "30",
    "worth": "1",
    "live_days": "365",
    "lapsed_days": "60",
}


# A question in plain words, and the first place that it leads to.
FOUND_BY_WORDS = (
    ("ru", "сколько живут баллы", f"{BASE}#live_days"),
    ("en", "how long do points live?", f"{BASE}#live_days"),
    ("en", "сгорание", f"{BASE}#live_days"),
    ("ru", "кэшбэк", f"{BASE}#back"),
    ("ru", "день рождения", f"{BASE}#birthday_points"),
    ("en", "birthday", f"{BASE}#birthday_points"),
    ("ru", "касса", f"{HOME}stores"),
    ("ru", "часовой пояс", f"{SETTINGS}/programme#timezone"),
    ("en", "excel", f"{HOME}imports"),
    ("ru", "айфон", "/console/certificates"),
    ("ru", "персональные данные", f"{SETTINGS}/programme/texts"),
    ("ru", "ключ", "/console/keys"),
    ("en", "api key", "/console/keys"),
    ("ru", "кассир", "/console/staff"),
    ("en", "кассиры", "/console/staff"),
    ("ru", "кто менял", f"{HOME}changes"),
    ("ru", "вебхук", f"{HOME}webhooks"),
    ("ru", "срок действия балл", f"{BASE}#live_days"),
    ("en", "gift", f"{BASE}#welcome_points"),
    ("ru", "логотип", f"{HOME}cards"),
    ("en", "colours of the card", f"{HOME}cards"),
)


@pytest.fixture
def manager(client, installation) -> Visitor:
    return signed_in(client, installation, "manager")


@pytest.fixture
def viewer(client, installation) -> Visitor:
    return signed_in(client, installation, "viewer")


def opened(visitor: Visitor, path: str) -> dict[str, str]:
    """What the form remembers of the moment when it was opened."""
    page = visitor.read(path)
    return {
        name: re.search(rf'name="{name}" value="([^"]*)"', page)[1]
        for name in ("csrf_token", "opened")
    }


def noted(installation) -> list[str]:
    with installation.database.reading() as session:
        return [one.code for one in session.query(RecordedChange).order_by(RecordedChange.id)]


class TestHome:
    def test_each_sees_what_they_may_set(self, client, installation) -> None:
        page = signed_in(client, installation, "manager").read(SETTINGS)
        assert "Base programme" in page and "Imports" in page
        page = signed_in(client, installation, "viewer").read(SETTINGS)
        assert "Base programme" in page and "Imports" not in page
        assert signed_in(client, installation, "cashier").get(SETTINGS).status_code == 403

    def test_a_setting_is_found_by_plain_words(self, client, installation) -> None:
        administrator = signed_in(client, installation, "administrator")
        for language, query, leads_to in FOUND_BY_WORDS:
            administrator.language = language
            asked = f"{SETTINGS}?q={query}"
            page = administrator.get(asked, **{"HX-Target": "settings-found"}).text
            first = re.search(r'<a href="([^"]+)"', page)
            assert first and first[1] == leads_to, (query, page)

    def test_the_search_of_the_bar_finds_settings_as_well(self, manager, client, installation):
        page = manager.read(f"{HOME}search?q=сгорание")
        assert f'href="{BASE}#live_days"' in page
        cashier = signed_in(client, installation, "cashier")
        assert f'href="{BASE}#live_days"' not in cashier.read(f"{HOME}search?q=сгорание")

    def test_nothing_is_found_that_one_may_not_see(self, viewer) -> None:
        page = viewer.get(f"{SETTINGS}?q=excel", **{"HX-Target": "settings-found"}).text
        assert "imports" not in page


class TestBaseProgramme:
    def test_it_is_set_by_the_form_and_read_in_one_sentence(self, manager, api) -> None:
        answer = manager.send(
            BASE, **FIVE_PERCENT, welcome_points="100", welcome_live_days="30", **{"opened": "0"}
        )
        assert answer.status_code == 303, answer.text
        base = api.get("programmes/demo/base").get_json()
        assert (base["percent_back"], base["live_days"]) == ("5", 365)
        assert base["welcome"] == {"points": 100, "live_days": 30}
        page = manager.read(BASE)
        assert "get 5% back in points" in page
        assert 'value="100"' in page

    def test_numbers_are_read_as_people_write_them(self, client, installation, api) -> None:
        manager = signed_in(client, installation, "manager", language="ru")
        typed = {**FIVE_PERCENT, "back": "2,75 %", "worth": "1,50"}
        assert manager.send(BASE, **typed).status_code == 303
        base = api.get("programmes/demo/base").get_json()
        assert base["percent_back"] == "2.75"
        assert base["point_worth"] == {"amount": "1.50", "currency": "RUB"}
        assert "2,75" in manager.read(BASE)

    def test_a_refused_form_keeps_all_that_was_typed(self, manager, api) -> None:
        typed = {**FIVE_PERCENT, "back": "105", "welcome_points": "<b>ten</b>"}
        answer = manager.send(BASE, **typed)
        assert answer.status_code == 422
        assert 'value="105"' in answer.text
        assert "&lt;b&gt;ten&lt;/b&gt;" in answer.text and "<b>ten" not in answer.text
        assert 'href="#back"' in answer.text and 'href="#welcome_points"' in answer.text
        assert api.get("programmes/demo/base").get_json()["percent_back"] == "0"

    def test_who_comes_second_is_told_who_changed_what(self, manager, api) -> None:
        mine = opened(manager, BASE)
        body = {
            "percent_back": "7",
            "percent_payable": "30",
            "point_worth": {"amount": "1", "currency": "RUB"},
            "live_days": None,
        }
        assert api.call("PUT", "programmes/demo/base", body).status_code == 200
        late = manager.post(BASE, **FIVE_PERCENT, **mine)
        assert late.status_code == 422
        assert "changed this meanwhile: percent back: — → 7 %" in late.text
        assert 'value="5"' in late.text
        assert api.get("programmes/demo/base").get_json()["percent_back"] == "7"
        again = re.search(r'name="opened" value="(\d+)"', late.text)[1]
        assert manager.post(BASE, **FIVE_PERCENT, **{**mine, "opened": again}).status_code == 303
        assert api.get("programmes/demo/base").get_json()["percent_back"] == "5"

    def test_the_sentence_follows_what_is_typed(self, manager) -> None:
        token = opened(manager, BASE)["csrf_token"]
        answer = manager.post(f"{BASE}/sentence", csrf_token=token, **FIVE_PERCENT)
        assert "get 5% back" in answer.text
        typed = {**FIVE_PERCENT, "back": "x"}
        answer = manager.post(f"{BASE}/sentence", csrf_token=token, **typed)
        assert "as soon as all figures fit" in answer.text

    def test_who_may_not_set_it_reads_it(self, viewer) -> None:
        page = viewer.read(BASE)
        assert "<fieldset" in page and "disabled" in page
        assert viewer.send(BASE, **FIVE_PERCENT).status_code == 403


class TestProgramme:
    def test_its_terms_are_changed(self, manager, api) -> None:
        typed = {
            "first_language": "ru",
            "languages": ["en", "kk"],
            "country": "kz",
            "timezone": "Asia/Almaty",
            "called": "guest",
            "overdrawn": "refuse",
            "spend_by_phone": "never",
            "grace_days": "14",
            "listed": "yes",
            "keeps_personal": "yes",
        }
        assert manager.send(f"{SETTINGS}/programme", **typed).status_code == 303
        programme = api.get("programmes/demo").get_json()
        assert programme["languages"] == ["ru", "en", "kk"]
        assert (programme["country"], programme["timezone"]) == ("KZ", "Asia/Almaty")
        assert programme["terms"] == {
            "grace_days": 14,
            "overdrawn": "refuse",
            "spend_by_phone": "never",
            "keeps_personal": True,
            "listed": True,
            "called": "guest",
            "asks": {"phone": "optional", "email": "optional", "name": "off", "birthday": "off"},
        }
        mine = opened(manager, f"{SETTINGS}/programme")
        typed["timezone"] = "Moscow"
        refused = manager.post(f"{SETTINGS}/programme", **typed, **mine)
        assert refused.status_code == 422
        assert 'id="timezone-problem"' in refused.text

    def test_its_page_to_join_says_and_asks_what_was_written(self, manager, client, api) -> None:
        joining = f"{SETTINGS}/programme/joining"
        typed = {
            "benefit_ru": "Шестой кофе в подарок",
            "benefit_en": "",
            "rules_ru": "# Раз\r\nдва",
            "rules_en": "",
            "ask_phone": "required",
            "ask_email": "off",
            "ask_name": "optional",
            "ask_birthday": "off",
        }
        assert manager.send(joining, **typed).status_code == 303
        page = client.get("/join/demo?lang=ru").text
        assert "Шестой кофе в подарок" in page
        assert 'id="phone"' in page and 'id="name"' in page
        assert 'id="email"' not in page and 'id="contact"' not in page
        assert "<h2>Раз</h2>" in client.get("/join/demo/rules?lang=ru").text
        shown = manager.client.get(joining).text
        assert "Шестой кофе в подарок" in shown
        refused = manager.post(joining, **{**typed, "ask_phone": "off"}, **opened(manager, joining))
        assert refused.status_code == 422
        assert 'id="ask_phone-problem"' in refused.text and "Шестой кофе" in refused.text
        emptied = {**typed, "benefit_ru": "", **opened(manager, joining)}
        assert manager.post(joining, **emptied).status_code == 303
        assert "Шестой" not in client.get("/join/demo?lang=ru").text
        assert api.get("programmes/demo").get_json()["terms"]["asks"]["phone"] == "required"

    def test_its_pages_say_what_was_written(self, manager, client, installation) -> None:
        texts = f"{SETTINGS}/programme/texts"
        typed = {
            "name_ru": "Утро",
            "name_en": "Morning",
            "operator_ru": "ООО «Утро», 101000, Москва",
            "operator_en": "",
            "privacy_ru": "",
            "privacy_en": "",
        }
        assert manager.send(texts, **typed).status_code == 303
        assert "Утро" in client.get("/join/demo?lang=ru").text
        assert "101000" in client.get("/join/demo/privacy?lang=ru").text
        said = ["programme.texts_changed"] * 3
        assert sorted(noted(installation)) == ["design.published", *said]  # cards have the names
        manager.post(texts, **typed, **opened(manager, texts))
        assert len(noted(installation)) == 4  # what it says already is not said again
        typed["name_en"] = "x" * 101
        refused = manager.post(texts, **typed, **opened(manager, texts))
        assert refused.status_code == 422 and 'id="name_en-problem"' in refused.text
        for field in ("name_en", "privacy_ru"):  # nothing is filled into them
            wrong = {**typed, "name_en": "Morning", field: "{{shop}}"}
            refused = manager.post(texts, **wrong, **opened(manager, texts))
            assert f'id="{field}-problem"' in refused.text
        assert len(noted(installation)) == 4

    def test_another_one_is_made_with_a_card(self, manager, client, installation) -> None:
        typed = {"name": "Вторая", "code": "second", "locale": "ru", "timezone": "Europe/Moscow"}
        answer = manager.send("/console/programmes/new", **typed)
        assert answer.location == "/console/programmes/second/first-hour"
        assert client.get("/join/second").status_code == 200
        again = manager.send("/console/programmes/new", **typed)
        assert again.status_code == 422 and 'id="code-problem"' in again.text
        refused = manager.send("/console/programmes/new", **{**typed, "code": "Вторая"})
        assert refused.status_code == 422

    def test_who_is_in_one_programme_makes_no_other(self, client, installation) -> None:
        with installation.database.reading() as session:
            demo = programmes.by_code(session, "demo").id
        manager = signed_in(client, installation, "manager", demo)
        page = manager.read("/console/programmes/new")
        assert "Only who administers all programmes" in page
        assert 'name="code"' not in page


class TestStores:
    def test_a_store_and_its_tills_are_added_and_changed(self, manager, installation) -> None:
        new = {"code": "centre", "name": "Tverskaya", "group": "", "timezone": "Europe/Moscow"}
        assert manager.send(f"{HOME}new-store", **new).location == f"{HOME}stores/centre"
        till = {"code": "1", "name": "By the window"}
        assert manager.send(f"{HOME}stores/centre/new-till", **till).status_code == 303
        page = manager.read(f"{HOME}stores/centre")
        assert "By the window" in page and "Tverskaya" in page
        mine = opened(manager, f"{HOME}stores/centre")
        changed = {"name": "Arbat", "group": "Moscow", "timezone": "Europe/Moscow"}
        assert manager.post(f"{HOME}stores/centre", **changed, **mine).status_code == 303
        late = manager.post(f"{HOME}stores/centre", **changed, **mine)
        assert late.status_code == 422 and "changed this meanwhile" in late.text
        with installation.database.reading() as session:
            demo = programmes.by_code(session, "demo").id
            assert stores.store_named(session, demo, "centre").name == "Arbat"
        assert "Arbat" in manager.read(f"{HOME}stores")
        mine = opened(manager, f"{HOME}stores/centre/tills/1")
        closing = {"name": "Old", "closed": "yes"}
        assert manager.post(f"{HOME}stores/centre/tills/1", **closing, **mine).status_code == 303
        assert "closed" in manager.read(f"{HOME}stores/centre")

    def test_what_cannot_be_is_said_at_its_field(self, manager) -> None:
        for typed, field in (
            ({"code": ""}, "code"),
            ({"code": "a/b"}, "code"),
            ({"code": "a", "timezone": "Nowhere"}, "timezone"),
        ):
            refused = manager.send(f"{HOME}new-store", **typed)
            assert refused.status_code == 422 and f'id="{field}-problem"' in refused.text
        manager.send(f"{HOME}new-store", code="a")
        taken = manager.send(f"{HOME}new-store", code="a")
        assert taken.status_code == 422 and "already" in taken.text

    def test_what_is_not_there_is_404(self, manager) -> None:
        for path in ("stores/x", "stores/x/tills/1", "stores/x/new-till"):
            assert manager.get(f"{HOME}{path}").status_code == 404

    def test_a_viewer_looks_and_changes_nothing(self, manager, viewer, client, installation):
        manager = signed_in(client, installation, "manager", email="m@example.com")
        manager.send(f"{HOME}new-store", code="a")
        viewer = signed_in(client, installation, "viewer", email="v@example.com")
        page = viewer.read(f"{HOME}stores/a")
        assert "disabled" in page and "new-till" not in page
        assert "new-store" not in viewer.read(f"{HOME}stores")
        assert viewer.get(f"{HOME}new-store").status_code == 403


def test_certificates_say_what_is_missing(manager) -> None:
    page = manager.read("/console/certificates")
    assert "pass.sandbox.loyalty" in page
    assert "Real phones do not accept the cards yet" in page
    assert "wallet certs csr" in page


class TestImports:
    def upload(self, manager: Visitor, text: str, name: str = "people.csv", **more: str):
        token = opened_token(manager, f"{HOME}imports/new")
        file = (io.BytesIO(text.encode()), name)
        data = {"csrf_token": token, "kind": "members", "file": file, **more}
        return manager.client.post(
            f"{HOME}imports/new", data=data, content_type="multipart/form-data"
        )

    def test_a_spreadsheet_is_looked_at_applied_and_proven(self, manager, house, api) -> None:
        answer = self.upload(manager, "name,phone,balance\nAnna,+79161234567,100\nBoris,x,5\n")
        assert answer.status_code == 303, answer.text
        reading = manager.read(answer.location)
        assert "is being read" in reading and 'hx-trigger="every 1s"' in reading
        house.run("imports")
        page = manager.read(answer.location)
        assert "+7 916 123-45-67" in page and "Row 3" in page
        refused = manager.send(answer.location, f"{answer.location}/apply")
        assert refused.status_code == 422
        applied = manager.send(answer.location, f"{answer.location}/apply", skip_bad="yes")
        assert applied.status_code == 303
        house.run("imports")
        done = manager.read(answer.location)
        assert "Done: 1 row is applied" in done and f'<a href="{HOME}members">See the' in done
        proof = manager.get(f"{answer.location}/statement.json")
        assert proof.get_json()["signature"]["algorithm"] == "Ed25519"
        assert "Row" in manager.read(f"{answer.location}/rows")
        found = api.get("members?phone=%2B79161234567").get_json()["items"]
        assert found[0]["balance"]["available"] == 100
        again = self.upload(manager, "name,phone,balance\nAnna,+79161234567,100\nBoris,x,5\n")
        assert again.status_code == 422

    def test_a_file_that_is_none_says_why(self, manager, house) -> None:
        answer = self.upload(manager, "", "empty.csv")
        assert answer.status_code == 422 and 'id="file-problem"' in answer.text
        answer = self.upload(manager, "nothing,at all\n1,2\n")
        house.run("imports")
        assert "cannot be read" in manager.read(answer.location)
        gone = manager.send(answer.location, f"{answer.location}/withdraw")
        assert gone.location == f"{HOME}imports"
        assert manager.get(answer.location).status_code == 404

    def test_products_are_looked_at_and_what_is_gone_is_put_away(self, manager, house, api) -> None:
        answer = self.upload(manager, "sku;name;price\nA;Tea;12,50\nB;Milk;9\n", kind="products")
        house.run("imports")
        page = manager.read(answer.location)
        assert "new rows" in page and "Tea" in page and "lowest price" not in page
        assert manager.send(answer.location, f"{answer.location}/apply").status_code == 303
        house.run("imports")
        assert "Done: 2 rows are applied" in manager.read(answer.location)
        answer = self.upload(manager, "sku;name\nA;Tea\n", kind="products")
        house.run("imports")
        page = manager.read(answer.location)
        assert "Nothing would change" in page and "Put away what is gone" in page
        assert (
            manager.send(
                answer.location, f"{answer.location}/apply", archive_gone="yes"
            ).status_code
            == 303
        )
        house.run("imports")
        assert "put away" in manager.read(answer.location)
        assert api.get("products/B?programme=demo").get_json()["archived"]

    def test_what_is_known_of_people_is_for_who_may_see_it(
        self, client, installation, house, manager
    ) -> None:
        answer = self.upload(manager, "name,phone\n<script>,+79161234567\n")
        house.run("imports")
        page = manager.read(answer.location)
        assert "&lt;script&gt;" in page and "<script>," not in page

    def test_a_large_file_comes_through_for_who_is_inside_alone(
        self, manager, client, installation
    ) -> None:
        rows = "".join(f"Name {number},+7916{number:07}\n" for number in range(70_000))
        assert len(rows) > 1_500_000
        assert self.upload(manager, f"name,phone\n{rows}").status_code == 303
        client.delete_cookie("kopilka_staff")
        token = "x"  # noqa: S105
        data = {"csrf_token": token, "file": (io.BytesIO(rows.encode()), "x.csv")}
        answer = client.post(f"{HOME}imports/new", data=data, content_type="multipart/form-data")
        assert answer.status_code in (400, 413)


def opened_token(visitor: Visitor, path: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', visitor.read(path))[1]


def test_a_long_privacy_notice_fits_into_its_form(manager, client) -> None:
    texts = f"{SETTINGS}/programme/texts"
    notice = "я" * 100_000
    typed = {f"{kind}_{tag}": "" for kind in ("operator", "privacy") for tag in ("ru", "en")}
    typed |= {"name_ru": "Утро", "name_en": "Morning", "privacy_ru": notice}
    assert manager.send(texts, **typed).status_code == 303
    assert notice in client.get("/join/demo/privacy?lang=ru").text
