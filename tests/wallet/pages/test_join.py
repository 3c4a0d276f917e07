"""The form: who gets a card from it, and what those are told who do not."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from ledger import members, programmes
from ledger.members import Member, Profile
from ledger.programmes import Terms
from wallet.passes import issuing, templates

FOX = "🦊"


@pytest.fixture
def how_many(installation):
    def counted() -> int:
        with installation.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Member))

    return counted


@pytest.fixture
def profile_of(installation):
    """What is known of the person whose card is at this path."""

    def known(path: str) -> Profile:
        serial = installation.keys.serial_of(path.removeprefix("/card/"))
        with installation.database.reading() as session:
            return members.person(session, issuing.by_serial(session, serial).member_id)

    return known


def problems(answer) -> dict[str, str]:
    """Field -> what stands beside it, found the way a screen reader finds it."""
    found = {}
    for field in re.findall(r'<input id="(\w+)"[^>]*aria-invalid="true"[^>]*>', answer.text):
        described = re.search(rf'<p class="problem" id="{field}-problem">([^<]+)<', answer.text)
        assert f"{field}-problem" in re.search(rf'<input id="{field}"[^>]*>', answer.text)[0]
        found[field] = described[1]
    return found


class TestJoining:
    @pytest.mark.parametrize(("language", "words"), [("ru", "Моя карта"), ("en", "My card")])
    def test_a_form_leads_to_a_card_in_its_language(
        self, form, client, profile_of, language: str, words: str
    ) -> None:
        form.address += f"?lang={language}"
        answer = form.sent(
            name="Анна",
            phone="8 (999) 123-45-67",
            email="Anna@Example.com",
            birthday="1990-05-20",
        )
        assert answer.status_code == 303
        assert answer.location.startswith("/card/")
        page = client.get(answer.location)
        assert page.status_code == 200
        assert words in page.text
        assert "Анна" in page.text
        assert f'lang="{language}"' in page.text
        known = profile_of(answer.location)
        assert (known.name, known.phone) == ("Анна", "+79991234567")
        assert (known.email, known.locale) == ("anna@example.com", language)
        assert known.birthday.isoformat() == "1990-05-20"

    @pytest.mark.parametrize("contact", [{"phone": "+44 20 7946 0018"}, {"email": "a@b.example"}])
    def test_one_contact_is_enough(self, form, contact: dict[str, str]) -> None:
        assert form.sent(**contact).status_code == 303

    @pytest.mark.parametrize("name", [FOX * 300, "Я" * 300, "👩‍👩‍👧‍👦 ‮abc", "O'Neil & <Sons>"])
    def test_every_name_people_have_arrives_whole(self, form, client, profile_of, name) -> None:
        path = form.sent(name=name, email="a@b.example").location
        assert profile_of(path).name == name
        assert client.get(f"{path}/state").get_json()["name"] == name

    def test_a_name_cannot_become_markup(self, form, client) -> None:
        evil = "\"><script>alert('x')</script><img src=x>"
        path = form.sent(name=evil, email="a@b.example").location
        refused = form.sent(name=evil, email="no")
        for page in (client.get(path), refused):
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
            assert "&lt;script&gt;alert" in page.text

    def test_a_programme_with_another_language_asks_in_it(self, installation, client) -> None:
        with installation.database.transaction() as session:
            now = installation.clock()
            programme = programmes.create(session, Terms("tea", "Tea & Co", locale="en"), now)
            templates.store(session, programme.id, templates.standard("Tea & Co"), {}, now)
        page = client.get("/join/tea")
        assert "Get my card" in page.text
        assert "Tea &amp; Co" in page.text


class TestTwice:
    def test_a_double_click_makes_one_member(self, app, form, how_many) -> None:
        token = form.token()
        data = {"form_token": token, "consent": "yes", "phone": "+79991234567"}

        def click(_: int):
            return app.test_client().post("/join/demo", data=data)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(click, range(8)))
        assert {answer.status_code for answer in answers} == {303}
        assert len({answer.location for answer in answers}) == 1
        assert how_many() == 1

    def test_the_same_form_with_other_data_is_explained(self, form, how_many) -> None:
        token = form.token()
        form.sent(token=token, name="Анна", phone="+79991234567")
        answer = form.sent(token=token, name="Борис", phone="+79997654321")
        assert answer.status_code == 409
        assert "уже выпущена" in answer.text
        assert "Борис" in answer.text
        assert "Анна" not in answer.text
        assert how_many() == 1

    def test_what_was_explained_can_be_sent_again_and_goes_through(self, form, how_many) -> None:
        token = form.token()
        form.sent(token=token, phone="+79991234567")
        refused = form.sent(token=token, phone="+79997654321").text
        fresh = re.search(r'name="form_token" value="([^"]+)"', refused)[1]
        assert fresh != token
        assert form.sent(token=fresh, phone="+79997654321").status_code == 303
        assert how_many() == 2

    def test_a_mended_form_goes_through_with_its_first_token(self, form, how_many) -> None:
        token = form.token()
        assert form.sent(token=token, phone="12").status_code == 422
        assert form.sent(token=token, phone="+79991234567").status_code == 303
        assert how_many() == 1

    @pytest.mark.parametrize("token", ["short", "x" * 65, "with space with space", "\x00" * 20])
    def test_a_token_we_did_not_make_is_no_reason_to_refuse(self, form, token: str) -> None:
        assert form.sent(token=token, phone="+79991234567").status_code == 303


class TestKnownPeople:
    @pytest.mark.parametrize(
        ("entries", "field"),
        [
            ({"phone": "8-999-123-45-67"}, "phone"),
            ({"phone": "+79990000000", "email": "ANNA@example.com"}, "email"),
        ],
    )
    def test_their_card_is_not_handed_out(self, form, card, how_many, api, entries, field) -> None:
        api.post("members", {"programme": "demo", "name": "Анна", "email": "anna@example.com"})
        before = how_many()
        answer = form.sent(name="Ева", **entries)
        assert answer.status_code == 409
        assert list(problems(answer)) == [field]
        assert "на кассе" in problems(answer)[field]
        assert "Ева" in answer.text
        for secret in ("Анна", card.path, card.number(), "/card/"):
            assert secret not in answer.text
        assert how_many() == before

    def test_another_programme_does_not_know_them(self, installation, form, card) -> None:
        with installation.database.transaction() as session:
            now = installation.clock()
            programme = programmes.create(session, Terms("tea", "Чай"), now)
            templates.store(session, programme.id, templates.standard("Чай"), {}, now)
        form.address = "/join/tea"
        assert form.sent(phone="+79991234567").status_code == 303


class TestTwoFormsAtOnce:
    """Two forms with one phone number: nothing in the database forbids two such members."""

    def test_one_of_them_gets_the_card(self, app, form, how_many) -> None:
        tokens = [form.token() for _ in range(6)]

        def send(token: str) -> int:
            data = {"form_token": token, "consent": "yes", "phone": "+79991234567"}
            return app.test_client().post("/join/demo", data=data).status_code

        with ThreadPoolExecutor(len(tokens)) as pool:
            codes = sorted(pool.map(send, tokens))
        assert codes == [303, *[409] * (len(tokens) - 1)]
        assert how_many() == 1


class TestTwoFormsAtOnceOnPostgres(TestTwoFormsAtOnce):
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url


class TestMistakes:
    @pytest.mark.parametrize(
        ("entries", "field", "russian", "english"),
        [
            ({"name": "Я" * 301}, "name", "не больше 300", "300 characters"),
            ({"name": "a\x07b"}, "name", "невидимый символ", "invisible character"),
            ({"phone": "12"}, "phone", "Проверьте номер", "phone number"),
            ({"phone": "позвоните мне"}, "phone", "Проверьте номер", "phone number"),
            ({"email": "anna@"}, "email", "Проверьте адрес", "e-mail address"),
            ({"email": "a" * 400}, "email", "Проверьте адрес", "e-mail address"),
            ({"birthday": "2990-01-01"}, "birthday", "в прошлом", "in the past"),
            ({"birthday": "1899-12-31"}, "birthday", "1900", "1900"),
            ({"birthday": "20.05.1990"}, "birthday", "Проверьте дату", "does not look right"),
            ({"birthday": "2021-02-29"}, "birthday", "Проверьте дату", "does not look right"),
            ({"phone": ""}, "phone", "телефон или почту", "phone number or an e-mail"),
            ({"consent": ""}, "consent", "Без согласия", "consent"),
        ],
    )
    @pytest.mark.parametrize("language", ["ru", "en"])
    def test_each_is_named_beside_its_field_and_nothing_typed_is_lost(
        self, form, how_many, entries, field, russian: str, english: str, language: str
    ) -> None:
        form.address += f"?lang={language}"
        good = {"name": "Анна", "phone": "+79991234567", "birthday": "1990-05-20"}
        answer = form.sent(**{**good, **entries})
        assert answer.status_code == 422
        assert list(problems(answer)) == [field]
        assert (russian if language == "ru" else english) in problems(answer)[field]
        typed = {**good, **entries}
        typed.pop("consent", None)
        for name, value in typed.items():
            shown = re.search(
                rf'<input id="{name}"[^>]* value="([^"]*)"', answer.text.replace("\n", " ")
            )
            assert shown[1] == value
        assert ("checked" in answer.text) == ("consent" not in entries)
        assert how_many() == 0

    def test_all_of_them_are_named_at_once(self, form) -> None:
        answer = form.sent(name="Я" * 301, phone="12", email="x", birthday="x", consent="")
        assert list(problems(answer)) == ["name", "phone", "email", "birthday", "consent"]

    def test_an_empty_form_asks_for_a_contact_and_consent(self, form) -> None:
        assert list(problems(form.sent(consent=""))) == ["phone", "consent"]

    def test_a_flood_of_text_is_turned_away_on_a_page(self, form) -> None:
        answer = form.sent(name="x" * 2_000_000, phone="+79991234567")
        assert answer.status_code == 413
        assert answer.mimetype == "text/html"


class TestOtherSites:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ],
    )
    def test_cannot_send_the_form(self, form, how_many, headers: dict[str, str]) -> None:
        answer = form.sent(phone="+79991234567", headers=headers)
        assert answer.status_code == 403
        assert answer.mimetype == "text/html"
        assert how_many() == 0

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
            {"Sec-Fetch-Site": "none"},
            {"Origin": "http://localhost"},
            {"Origin": "http://127.0.0.1:8080"},  # the public address, with a proxy between
        ],
    )
    def test_our_own_page_can(self, form, headers: dict[str, str]) -> None:
        assert form.sent(phone="+79991234567", headers=headers).status_code == 303


@pytest.mark.parametrize("code", ["nowhere", "%00", "demo%0a", "ы" * 300, "demo/more"])
def test_an_unknown_programme_is_a_friendly_page(client, code: str) -> None:
    for answer in (
        client.get(f"/join/{code}?lang=ru"),
        client.post(f"/join/{code}?lang=ru", data={"phone": "+79991234567", "consent": "yes"}),
    ):
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "Здесь ничего нет" in answer.text
