"""The form: who gets a card from it, and what those are told who do not."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from ledger.database.idempotency import Request
from ledger.people import consents, persons
from ledger.people.consents import ConsentText
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.passes import issued, templates
from wallet.passes.issued import Pass

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
        serial = installation.keys.link_of(path.removeprefix("/card/")).serial
        with installation.database.reading() as session:
            return persons.profile_of(session, issued.by_serial(session, serial).member_id)

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

    @pytest.mark.parametrize("name", [FOX * 300, "Я" * 300, "👩‍👩‍👧‍👦 abc", "O'Neil & <Sons>"])
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


class TestOneField:
    """By default one box takes a phone number or an address, and what is typed tells which."""

    @pytest.mark.parametrize(
        ("typed", "phone", "email"),
        [
            ("8 (999) 123-45-67", "+79991234567", None),
            ("Anna@Example.com", None, "anna@example.com"),
        ],
    )
    def test_what_is_typed_tells_what_it_is(self, form, profile_of, typed, phone, email) -> None:
        known = profile_of(form.sent(contact=typed).location)
        assert (known.phone, known.email) == (phone, email)

    def test_the_form_asks_nothing_else(self, client) -> None:
        page = client.get("/join/demo").text
        fields = re.findall(r'<input id="(\w+)"', page)
        assert fields == ["contact", "consent", "marketing"]

    @pytest.mark.parametrize(
        ("typed", "words"), [("12", "phone number"), ("anna@", "e-mail address"), ("", "Leave a ")]
    )
    def test_what_is_wrong_stands_at_the_box(self, form, typed: str, words: str) -> None:
        form.address += "?lang=en"
        answer = form.sent(contact=typed)
        assert answer.status_code == 422
        ((field, said),) = problems(answer).items()
        assert field == "contact" and words in said
        assert f'value="{typed}"' in answer.text

    @pytest.mark.parametrize(
        ("asks", "fields", "needed"),
        [
            ({"phone": "required"}, ["phone", "email"], {"phone"}),
            ({"email": "off"}, ["phone"], {"phone"}),
            (
                {"phone": "required", "email": "required", "name": "required"},
                ["phone", "email", "name"],
                {"phone", "email", "name"},
            ),
            ({"name": "optional", "birthday": "required"}, ["contact", "name", "birthday"], None),
        ],
    )
    def test_a_programme_chooses_what_is_asked(
        self, form, api, how_many, asks, fields, needed
    ) -> None:
        assert api.call("PATCH", "programmes/demo", {"asks": asks}).status_code == 200
        page = form.client.get("/join/demo").text
        assert re.findall(r'<input id="(\w+)"', page) == [*fields, "consent", "marketing"]
        assert set(problems(form.sent())) == (needed or {"contact", "birthday"})
        assert how_many() == 0

    def test_one_contact_at_least_is_asked(self, api) -> None:
        answer = api.call("PATCH", "programmes/demo", {"asks": {"phone": "off", "email": "off"}})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "terms_refused")

    def test_a_form_that_is_older_than_the_terms_loses_nothing(self, form, profile_of) -> None:
        answer = form.sent(name="Анна", phone="12")
        assert 'value="Анна"' in answer.text
        assert profile_of(form.sent(name="Анна", phone="+79991234567").location).name == "Анна"


BASE = {
    "percent_back": "5",
    "percent_payable": "30",
    "point_worth": {"amount": "1.00", "currency": "RUB"},
    "live_days": 365,
    "welcome": {"points": 100},
}


class TestBenefit:
    """What one gets: the operator's words, or what the base programme gives."""

    def shown(self, client, lang: str) -> str | None:
        page = unescape(client.get(f"/join/demo?lang={lang}").text)
        found = re.search(r'<p class="benefit"[^>]*>([^<]*)<', page)
        return found and found[1].replace("\u00a0", " ")

    def test_the_base_programme_says_it_in_every_language(self, client, api) -> None:
        assert self.shown(client, "ru") is None
        assert api.call("PUT", "programmes/demo/base", BASE).status_code == 200
        assert self.shown(client, "ru") == (
            "100 баллов в подарок. С каждой покупки возвращаем 5 % баллами, ими можно оплатить до"
            " 30 % следующей. 1 балл = 1 ₽."
        )
        assert self.shown(client, "en").startswith("100 points as a gift. You get 5% of every")

    def test_the_operators_words_come_first_in_their_language(self, client, api) -> None:
        api.call("PUT", "programmes/demo/base", BASE)
        answer = api.call("PATCH", "programmes/demo", {"benefit": {"ru": "Шестой кофе & булочка"}})
        assert answer.get_json()["benefit"] == {"ru": "Шестой кофе & булочка"}
        assert self.shown(client, "ru") == "Шестой кофе & булочка"
        assert self.shown(client, "en").startswith("100 points")
        api.call("PATCH", "programmes/demo", {"benefit": {"ru": ""}})
        assert self.shown(client, "ru").startswith("100 баллов")

    def test_the_rules_can_be_read_and_are_the_operators_own(self, client, api) -> None:
        api.call("PUT", "programmes/demo/base", BASE)
        assert 'href="/join/demo/rules"' in client.get("/join/demo").text
        page = client.get("/join/demo/rules?lang=ru").text
        assert "5\u00a0% баллами" in page and "{" not in page
        api.call("PATCH", "programmes/demo", {"rules": {"ru": "# Раз\nдва"}})
        assert "<h2>Раз</h2>" in client.get("/join/demo/rules?lang=ru").text


class TestOwnCard:
    """Who joined in this browser is led to their own card."""

    def test_the_form_leads_there(self, form, client, how_many) -> None:
        path = form.sent(phone="+79991234567").location
        page = client.get("/join/demo?lang=en").text
        assert "Your card is here" in page
        assert f'href="{path}"' in page
        assert 'name="form_token"' not in page
        assert 'name="form_token"' in client.get("/join/demo?another=yes").text
        assert how_many() == 1

    def test_a_form_sent_all_the_same_asks_whether_it_is_for_another(
        self, form, client, how_many
    ) -> None:
        own = form.sent(phone="+79991234567").location
        data = {"form_token": "x" * 20, "consent": "yes", "contact": "+79997654321"}
        answer = client.post("/join/demo?lang=en", data=data)
        assert answer.status_code == 409
        assert "somebody else" in answer.text and 'value="+79997654321"' in answer.text
        assert how_many() == 1
        again = dict(re.findall(r'name="(another|form_token)" value="([^"]+)"', answer.text))
        other = client.post("/join/demo", data={**data, **again})
        assert other.status_code == 303 and other.location != own
        assert how_many() == 2
        assert f'href="{own}"' in client.get("/join/demo").text  # still their own

    @pytest.mark.parametrize("now", ["lost", "blocked", "void", "has another link"])
    def test_a_card_that_is_gone_or_has_another_link_is_nobodys(
        self, form, client, api, now: str
    ) -> None:
        path = form.sent(phone="+79991234567").location
        member = api.get("members?phone=%2B79991234567").get_json()["items"][0]
        (pass_,) = api.get(f"members/{member['id']}/passes").get_json()["items"]
        call, body = {
            "lost": (f"members/{member['id']}/cards", {"lost": True}),
            "blocked": (f"members/{member['id']}/block", None),
            "void": (f"passes/{pass_['id']}/void", {}),
            "has another link": (f"passes/{pass_['id']}/link", None),
        }[now]
        assert api.post(call, body).status_code in (200, 201)
        assert path not in client.get("/join/demo").text
        assert 'name="form_token"' in client.get("/join/demo").text

    def test_the_cookie_opens_nothing_by_itself(self, form, client) -> None:
        form.sent(phone="+79991234567")
        cookie = client.get_cookie("card", path="/join/demo")
        assert cookie.http_only and cookie.same_site == "Lax"
        assert client.get(f"/card/{cookie.value}").status_code == 404
        client.set_cookie("card", cookie.value[:-1] + "é", path="/join/demo")
        assert 'name="form_token"' in client.get("/join/demo").text


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
        assert "уже сделана" in answer.text
        assert "Борис" in answer.text
        assert "Анна" not in answer.text
        assert how_many() == 1

    def test_a_form_is_answered_as_a_release_before_did(
        self, installation, client, form, how_many
    ) -> None:
        """The hash is one that the first release keeps. Never change it."""
        path = form.sent(phone="+79990000000").location
        with installation.database.transaction() as session:
            serial = session.scalars(select(Pass.serial)).one()
            session.add(
                Request(
                    scope="page:join",
                    key="token-of-the-release-before",
                    body_hash=bytes.fromhex(
                        "319bff521e215c425140583fb9616b4dfa52e4bf56b38c91497d06664913c0d5"
                    ),
                    status=303,
                    answer=serial.encode(),
                    created_at=installation.clock(),
                )
            )
        again = form.sent(
            token="token-of-the-release-before",
            name="Анна",
            phone="+7 999 123-45-67",
            marketing="yes",
        )
        assert (again.status_code, again.location) == (303, path)
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


def without_secrets(page: str) -> str:
    """A card's page without what is different on each: links, numbers, codes."""
    page = re.sub(
        r"<svg.*?</svg>|/card/[^/?\"]+|card=[^\"]+|data-etag=\"\w+\"", "", page, flags=re.S
    )
    return re.sub(r"\d{4}(\u00a0\d{4}){3}", "", page)


class TestKnownPeople:
    @pytest.mark.parametrize(
        "entries",
        [
            {"phone": "8-999-123-45-67"},
            {"phone": "+79990000000", "email": "ANNA@example.com"},
            {"phone": "8-999-123-45-67", "email": "ANNA@example.com"},
        ],
    )
    def test_nobody_learns_that_there_is_a_card(
        self, form, client, card, how_many, api, entries
    ) -> None:
        """Somebody who is a member and somebody who is not get the very same answer."""
        api.post("members", {"programme": "demo", "name": "Анна", "email": "anna@example.com"})
        before = how_many()
        known = form.sent(name="Ева", **entries)
        unknown = form.sent(name="Ева", phone="+79995555555", email="eva@example.com")
        assert (known.status_code, unknown.status_code) == (303, 303)
        assert set(known.headers.keys()) == set(unknown.headers.keys())
        pages = [client.get(answer.location).text for answer in (known, unknown)]
        assert without_secrets(pages[0]) == without_secrets(pages[1])
        for secret in ("Анна", card.path, card.number()):
            assert secret not in known.text + pages[0]
        assert how_many() == before + 2

    def test_the_new_card_is_empty_and_the_old_one_stays(self, form, client, card, api) -> None:
        api.post("accruals", {"card": card.number(), "points": 70})
        path = form.sent(name="Анна", phone="+79991234567").location
        assert client.get(f"{path}/state").get_json()["points"] == "0"
        found = api.get("members?phone=%2B79991234567").get_json()["items"]
        assert [one["balance"]["available"] for one in found] == [70, 0]
        assert found[0]["card"]["number"] == card.number()

    def test_everybody_is_told_where_an_older_card_is(self, form, client) -> None:
        path = form.sent(name="Анна", phone="+79991234567").location
        form.forget()
        for page in (client.get("/join/demo?lang=en"), client.get(f"{path}?lang=en")):
            assert "Nothing on it is lost." in page.text
            assert 'href="/find/demo"' in page.text


class TestTwoFormsAtOnce:
    """Two forms with one phone number: both get a card, and one of them the number."""

    def test_one_of_them_has_the_number(self, app, form, installation, api) -> None:
        tokens = [form.token() for _ in range(6)]

        def send(token: str) -> int:
            data = {"form_token": token, "consent": "yes", "phone": "+79991234567"}
            return app.test_client().post("/join/demo", data=data).status_code

        with ThreadPoolExecutor(len(tokens)) as pool:
            assert set(pool.map(send, tokens)) == {303}
        with installation.database.reading() as session:
            shared = session.scalars(select(Person.phone_shared)).all()
        assert sorted(shared) == [False, True, True, True, True, True]
        answer = api.post("members", {"programme": "demo", "phone": "+79991234567"})
        assert (answer.status_code, answer.get_json()["code"]) == (409, "phone_taken")


class TestTwoFormsAtOnceOnPostgres(TestTwoFormsAtOnce):
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url


class TestConsents:
    @pytest.fixture
    def consents_of(self, installation):
        def kept(path: str) -> list[tuple[str, bool, str, str]]:
            """What the member at this path decided: purpose, given, where, in which words."""
            serial = installation.keys.link_of(path.removeprefix("/card/")).serial
            with installation.database.reading() as session:
                member_id = issued.by_serial(session, serial).member_id
                return [
                    (
                        row.purpose,
                        row.given,
                        row.source,
                        session.get_one(ConsentText, row.text_version).text
                        if row.text_version
                        else "",
                    )
                    for row in consents.history(session, member_id)
                ]

        return kept

    @pytest.mark.parametrize(
        ("lang", "words"), [("ru", "Даю согласие на обработку"), ("en", "I agree to the proces")]
    )
    def test_what_stood_before_the_person_is_kept_word_for_word(
        self, form, client, consents_of, lang: str, words: str
    ) -> None:
        form.address += f"?lang={lang}"
        shown = client.get(f"/join/demo/privacy?lang={lang}").text
        rules, (purpose, given, source, text) = consents_of(
            form.sent(phone="+79991234567").location
        )
        assert rules[:3] == ("rules", True, "page")
        assert (purpose, given, source) == ("personal_data", True, "page")
        sentence, _, notice = text.partition("\n\n")
        assert sentence.startswith(words)
        form.forget()
        assert sentence in form.client.get(form.address).text
        for line in notice.splitlines():
            assert line.removeprefix("# ") in unescape(shown)

    def test_messages_are_agreed_to_apart(self, form, consents_of) -> None:
        path = form.sent(phone="+79991234567", marketing="yes").location
        assert [row[:3] for row in consents_of(path)] == [
            ("rules", True, "page"),
            ("personal_data", True, "page"),
            ("marketing", True, "page"),
        ]
        assert "Кофейня «Копилка»" in consents_of(path)[2][3]

    def test_the_box_for_messages_is_empty_at_first_and_stays_as_it_was_ticked(self, form) -> None:
        def box(page: str) -> str:
            return re.search(r'<input id="marketing"[^>]*>', page)[0]

        assert "checked" not in box(form.client.get("/join/demo").text)
        assert "checked" in box(form.sent(phone="12", marketing="yes").text)

    def test_a_double_click_agrees_once(self, form, consents_of) -> None:
        token = form.token()
        paths = {form.sent(token=token, phone="+79991234567").location for _ in range(2)}
        assert len(paths) == 1
        assert len(consents_of(paths.pop())) == 2

    def test_on_the_card_messages_are_stopped_and_allowed_again(
        self, form, client, consents_of
    ) -> None:
        path = form.sent(phone="+79991234567", marketing="yes").location
        assert "Больше не присылать" in client.get(path).text
        for _ in range(2):  # a button pressed twice
            stopped = client.post(f"{path}/messages", data={"wish": "no"})
            assert (stopped.status_code, stopped.location) == (303, path)
        assert "Присылать снова" in client.get(path).text
        client.post(f"{path}/messages", data={"wish": "yes"})
        assert "Больше не присылать" in client.get(path).text
        history = [row[:3] for row in consents_of(path) if row[0] == "marketing"]
        assert history == [("marketing", given, "page") for given in (True, False, True)]

    def test_who_never_agreed_can_do_so_on_the_card(self, card, consents_of) -> None:
        """As the form promises."""
        page = card.get("?lang=en").text
        assert "We send them only to those who agree." in page
        assert 'name="wish" value="yes"' in page
        assert 'name="wish" value="no"' not in page
        card.client.post(f"{card.path}/messages", data={"wish": "yes"})
        assert ("marketing", True) in [decision[:2] for decision in consents_of(card.path)]

    def test_another_site_cannot_decide(self, form, client, consents_of) -> None:
        path = form.sent(phone="+79991234567", marketing="yes").location
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = client.post(f"{path}/messages", data={"wish": "no"}, headers=headers)
        assert answer.status_code == 403
        assert client.post(f"{path}/messages", data={"wish": "?"}).status_code == 400
        assert client.post(f"{path}x/messages", data={"wish": "no"}).status_code == 404
        assert all(given for _, given, *_ in consents_of(path))


class TestPrivacy:
    @pytest.mark.parametrize(
        ("lang", "words", "name"),
        [
            ("ru", "Кто отвечает за\u00a0данные", "Кофейня «Копилка»"),
            ("en", "Who is responsible for your data", "Kopilka Coffee House"),
        ],
    )
    def test_without_a_text_of_its_own_a_programme_has_a_plain_one(
        self, client, lang: str, words: str, name: str
    ) -> None:
        join = client.get(f"/join/demo?lang={lang}").text
        assert 'href="/join/demo/privacy"' in join
        page = client.get(f"/join/demo/privacy?lang={lang}")
        assert f"<h2>{words}</h2>" in page.text
        assert name in page.text
        assert "{" not in page.text

    def test_it_names_the_operator(self, client, installation) -> None:
        with installation.database.transaction() as session:
            operator = "ООО «Зерно» {programme} <b>, pd@zerno.example"
            programmes.say(session, 1, "operator", "ru", operator, installation.clock())
        page = client.get("/join/demo/privacy?lang=ru").text
        assert "ООО «Зерно» {programme} &lt;b&gt;, pd@zerno.example" in page
        assert "ООО «Зерно»" in client.get("/join/demo/privacy?lang=en").text

    def test_the_operators_own_text_takes_its_place_and_may_be_in_another_language(
        self, client, installation
    ) -> None:
        with installation.database.transaction() as session:
            now = installation.clock()
            programmes.say(session, 1, "privacy", "ru", "# Раз\nстрока\nещё\n\nДва <i>", now)
        page = client.get("/join/demo/privacy?lang=en").text
        assert '<article class="sheet" lang="ru">' in page
        assert "<h2>Раз</h2>" in page
        assert '<p class="text">строка\nещё</p>' in page
        assert '<p class="text">Два &lt;i&gt;</p>' in page
        assert "In force since" in page

    def test_a_programme_that_is_not_there_has_none(self, client) -> None:
        for code in ("nowhere", "%00"):
            assert client.get(f"/join/{code}/privacy").status_code == 404


class TestMistakes:
    @pytest.mark.parametrize(
        ("entries", "field", "russian", "english"),
        [
            ({"name": "Я" * 301}, "name", "больше 300", "300 characters"),
            ({"name": "a\x07b"}, "name", "невидимый символ", "invisible character"),
            ({"phone": "12"}, "phone", "Проверьте номер", "phone number"),
            ({"phone": "позвоните мне"}, "phone", "Проверьте номер", "phone number"),
            ({"email": "anna@"}, "email", "Проверьте адрес", "e-mail address"),
            ({"email": "a" * 400}, "email", "Проверьте адрес", "e-mail address"),
            ({"birthday": "2990-01-01"}, "birthday", "прошлом,", "in the past"),
            ({"birthday": "1899-12-31"}, "birthday", "1900", "1900"),
            ({"birthday": "20.05.1990"}, "birthday", "Проверьте дату", "does not look right"),
            ({"birthday": "2021-02-29"}, "birthday", "Проверьте дату", "does not look right"),
            ({"phone": ""}, "contact", "телефон или эл. почту", "phone number or an e-mail"),
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
            if not value:
                continue
            shown = re.search(
                rf'<input id="{name}"[^>]* value="([^"]*)"', answer.text.replace("\n", " ")
            )
            assert shown[1] == value
        assert ("checked" in answer.text) == ("consent" not in entries)
        assert how_many() == 0

    def test_all_of_them_are_named_at_once(self, form) -> None:
        answer = form.sent(name="Я" * 301, phone="12", email="x", birthday="x", consent="")
        assert list(problems(answer)) == ["phone", "email", "name", "birthday", "consent"]

    def test_an_empty_form_asks_for_a_contact_and_consent(self, form) -> None:
        assert list(problems(form.sent(consent=""))) == ["contact", "consent"]

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


def test_a_messenger_shows_the_shop_and_its_picture(client) -> None:
    page = client.get("/join/demo?lang=en").text
    said = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', page))
    assert said["title"] == "Get a card · Kopilka Coffee House"
    picture = urlsplit(said["image"])
    assert picture.scheme.startswith("http") and picture.netloc
    assert client.get(picture.path).mimetype == "image/png"
