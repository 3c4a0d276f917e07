"""What stands around a page, the files of the console, and pages for what went wrong."""

import re
from dataclasses import replace

import gallery
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from wallet.access import apikeys
from wallet.console import shell, site

OF_ONE_VERSION = "max-age=31536000"
RUSSIAN = [
    "Главная",
    "Клиенты",
    "Карты",
    "Рассылки",
    "Акции",
    "Магазины",
    "Касса",
    "Отчёты",
    "Настройки",
]


class TestMenu:
    def entries(self, app: Flask, **changes) -> list[str]:
        with app.test_request_context("/console/gallery/members?lang=ru"):
            return [entry.words for entry in gallery.frame(**changes).menu]

    def test_it_has_its_entries_in_the_order_of_the_day(self, app) -> None:
        assert self.entries(app) == RUSSIAN

    def test_what_the_reader_may_not_see_is_not_there(self, app) -> None:
        assert self.entries(app, may=lambda right: right == "members:read") == [
            "Главная",
            "Клиенты",
            "Отчёты",
        ]

    def test_what_has_no_page_yet_is_not_there(self, app) -> None:
        menu = [replace(entry, endpoint=None) for entry in shell.MENU]
        assert self.entries(app, menu=menu) == []

    def test_every_page_of_the_menu_is_there(self, app) -> None:
        named = {entry.endpoint for entry in shell.MENU} - {None}
        assert named <= set(app.view_functions)

    def test_one_entry_says_that_one_is_here(self, client: FlaskClient) -> None:
        for name in ("members", "form", "empty"):
            page = client.get(f"/console/gallery/{name}").text
            assert page.count('aria-current="page"') == 1


class TestSandbox:
    def test_it_says_so_and_leads_to_the_phones(self, client: FlaskClient) -> None:
        page = client.get("/console/gallery/members?lang=en").text
        assert "Sandbox: nothing leaves this computer." in page
        assert 'href="http://127.0.0.1:' in page

    def test_elsewhere_nothing_is_said(self, app: Flask) -> None:
        with app.test_request_context("/console/gallery/members"):
            frame = replace(gallery.frame(), is_sandbox=False, phones_url=None)
            page = app.jinja_env.get_template("gallery/members.html").render(frame=frame)
        assert "k-strip" not in page


# What is called the same in every language.
NAMES = {"English"}


@pytest.mark.parametrize("page", ["sign-in", "empty", "error/403?inside=1", "error/404"])
def test_a_russian_page_has_no_english_words(client: FlaskClient, page: str) -> None:
    """Nor in what only those hear who cannot see it."""
    client.set_cookie("lang", "ru")
    text = client.get(f"/console/gallery/{page}").text.partition("<title>")[2]
    spoken = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', text)
    words = re.sub(r"<[^>]+>", " ", text) + " ".join(spoken)
    assert set(re.findall("[A-Za-z]{2,}", words)) <= NAMES


def test_what_is_not_given_is_not_shown(app: Flask) -> None:
    with app.test_request_context("/console/gallery/members"):
        frame = gallery.frame(search_url=None, help_url=None, programmes=[])
        page = app.jinja_env.get_template("gallery/members.html").render(frame=frame)
    for gone in ("data-search", "#search", "#help", "k-drop k-programme"):
        assert gone not in page


def test_another_language_keeps_what_was_filtered(app: Flask) -> None:
    with app.test_request_context("/console/members?q=%D0%90&lang=ru&tag=1&tag=2&x=%22%3E"):
        links = {one.tag: one.url for one in shell.language_links()}
    assert links["en"] == "/console/members?q=%D0%90&tag=1&tag=2&x=%22%3E&lang=en"


class TestFiles:
    def test_those_of_others_may_be_kept_for_good(self, client: FlaskClient) -> None:
        for name in ("htmx-2.0.11/htmx.min.js", "golos-text-5.3.0/latin.woff2"):
            kept = client.get(f"/console/static/vendor/{name}").headers["Cache-Control"]
            assert OF_ONE_VERSION in kept
            assert "immutable" in kept

    def test_ours_may_be_kept_under_the_address_that_pages_name(self, app, client) -> None:
        with app.test_request_context("/"):
            url = shell.file_url("console.css")
        assert "immutable" in client.get(url).headers["Cache-Control"]

    def test_those_of_a_folder_find_each_other_in_one_version(self, app, client) -> None:
        with app.test_request_context("/"):
            url = shell.file_url("counter/counter.js")
        path, _slash, name = url.rpartition("/")
        assert name == "counter.js"
        for one in (name, "wedge.js"):
            assert "immutable" in client.get(f"{path}/{one}").headers["Cache-Control"]
        assert client.get(f"{path[:-1]}/{name}").status_code == 404

    @pytest.mark.parametrize(
        "path",
        [
            "console.css",
            "console.css?v=0",
            "console.css?v=",
            "counter/counter.js",
            "vendor/THIRD_PARTY.md",
        ],
    )
    def test_what_may_change_is_asked_for_again(self, client: FlaskClient, path: str) -> None:
        answer = client.get(f"/console/static/{path}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert client.get(f"/console/static/{path}", headers=tag).status_code == 304

    @pytest.mark.parametrize("path", ["nowhere.css", "nowhere.css?v=None", "../shell.py", "vendor"])
    def test_what_is_not_there_is_not_kept(self, client: FlaskClient, path: str) -> None:
        answer = client.get(f"/console/static/{path}")
        assert answer.status_code == 404
        assert answer.headers["Cache-Control"] == "no-store"


def test_pages_are_kept_by_nobody_unless_they_say_otherwise() -> None:
    page = Response("<p>Анна", mimetype="text/html")
    assert site.say_how_long_to_keep(page).headers["Cache-Control"] == "no-store"
    page.headers["Cache-Control"] = "no-cache"
    assert site.say_how_long_to_keep(page).headers["Cache-Control"] == "no-cache"


class TestErrors:
    @pytest.mark.parametrize(
        ("language", "words"), [("ru", "Такой страницы нет"), ("en", "There is no such page")]
    )
    def test_below_the_console_they_have_its_looks(self, client, language, words) -> None:
        answer = client.get(f"/console/nowhere?lang={language}")
        assert answer.status_code == 404
        assert words in answer.text
        assert "console.css" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/nowhere", "/consoles", "/console-x/y"])
    def test_elsewhere_they_have_not(self, client: FlaskClient, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 404
        assert "console.css" not in answer.text

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 415, 429, 500, 503])
    def test_each_says_what_happened_and_what_to_do(self, client, status: int) -> None:
        said = client.get(f"/console/gallery/error/{status}?lang=en")
        assert said.status_code == status
        assert said.text.count("<h1>") == 1
        assert str(status) not in said.text.partition("<h1>")[2].partition("</main>")[0]


def test_the_rights_of_the_menu_are_rights_that_keys_have_or_people_alone() -> None:
    of_people = {"stores:read"}
    assert {entry.right for entry in shell.MENU} - {None} <= set(apikeys.SCOPES) | of_people
