"""The language of a page."""

import re

import pytest

AT_HOME = "Получить карту", "Get my card"

# What is called the same in every language.
NAMES = {"API", "Ann", "Apple", "English", "Google", "OpenAPI", "README", "Wallet", "md", "ru"}
NAMES |= {"cookie"}


def speaks(answer) -> str:
    russian = '<html lang="ru">' in answer.text
    assert russian or '<html lang="en">' in answer.text
    assert (AT_HOME[0] in answer.text) == russian
    return "ru" if russian else "en"


def words_of(answer) -> str:
    """What a page says, in its text and to those who do not see it."""
    spoken = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', answer.text)
    return re.sub(r"<[^>]+>", " ", answer.text) + " ".join(spoken)


class TestChoice:
    def test_a_russian_programme_speaks_russian_to_those_who_say_nothing(self, client) -> None:
        assert speaks(client.get("/join/demo")) == "ru"

    @pytest.mark.parametrize(
        ("accepts", "language"),
        [("en-GB,en;q=0.8", "en"), ("ru-RU", "ru"), ("de,en;q=0.5,ru;q=0.4", "en"), ("de", "ru")],
    )
    def test_the_browser_is_asked_before_the_programme(self, client, accepts, language) -> None:
        answer = client.get("/join/demo", headers={"Accept-Language": accepts})
        assert speaks(answer) == language

    def test_what_was_chosen_is_remembered(self, client) -> None:
        answer = client.get("/join/demo?lang=en", headers={"Accept-Language": "ru"})
        assert speaks(answer) == "en"
        cookie = client.get_cookie("lang")
        assert (cookie.value, cookie.http_only, cookie.same_site) == ("en", True, "Lax")
        assert speaks(client.get("/join/demo", headers={"Accept-Language": "ru"})) == "en"

    @pytest.mark.parametrize("lang", ["de", "", "<script>", "ru,en", "../../etc"])
    def test_a_language_we_do_not_speak_is_not_remembered(self, client, lang: str) -> None:
        answer = client.get("/join/demo", query_string={"lang": lang})
        assert answer.status_code == 200
        assert client.get_cookie("lang") is None
        client.set_cookie("lang", lang)
        assert client.get("/join/demo").status_code == 200

    @pytest.mark.parametrize("language", ["ru", "en"])
    def test_a_card_speaks_its_members_language(self, client, join, language: str) -> None:
        path = join(name="Анна", locale=language)["links"]["card"].removeprefix(
            "http://127.0.0.1:8080"
        )
        other = {"ru": "en", "en": "ru"}[language]
        page = client.get(path, headers={"Accept-Language": other})
        assert f'<html lang="{language}">' in page.text
        assert f'<html lang="{other}">' in client.get(f"{path}?lang={other}").text

    def test_each_page_offers_both(self, client, card) -> None:
        for path in ("/", "/join/demo", "/join/demo/privacy", card.path, "/nowhere"):
            page = client.get(path).text
            assert 'href="?lang=ru"' in page
            assert 'href="?lang=en"' in page
            assert page.count('aria-current="true"') == 1

    def test_an_english_page_has_no_russian_and_the_other_way_round(
        self, client, form, api
    ) -> None:
        """Names that people gave are not ours to translate; the programme's is."""
        path = form.sent(name="Ann", phone="+79991234567", marketing="yes").location
        number = re.search(r'class="number">([^<]+)<', client.get(path).text)[1]
        card = number.replace("\u00a0", "")
        api.post("accruals", {"card": card, "points": 5})
        offer = {"programme": "demo", "title": "-20 %", "until": "2099-01-01T00:00:00Z"}
        api.post("offers", offer)
        pages = ["/", "/join/demo", "/join/demo/privacy", path, "/nowhere"]
        pages += ["/find/demo", "/find/demo/told"]
        for page in pages:
            english = words_of(client.get(f"{page}?lang=en")).replace("Русский", "")
            assert not re.search("[а-яё]", english, re.IGNORECASE), page
            russian = set(re.findall("[a-z]{2,}", words_of(client.get(f"{page}?lang=ru")), re.I))
            assert russian <= NAMES, page
