"""How the console looks and works, as far as a browser and axe can tell: every layout and part, on
a phone and on a desk, in both languages, by day and by night."""

import gzip
import re
from urllib.parse import urlsplit

import browsers
import gallery
import pytest
from flask.testing import FlaskClient

PAGES = [*gallery.OUTSIDE, *gallery.INSIDE, "error/403?inside=1", "error/404"]
PHONE, DESK = 360, 1440
# By language: how wide a screen is, and how light. Each page is seen by two of these pairs of eyes:
# in both languages, on both screens, by day and by night.
EYES = (
    {"ru": (PHONE, "light"), "en": (DESK, "dark")},
    {"ru": (DESK, "light"), "en": (PHONE, "dark")},
)
MOST_PACKED_BYTES = 230_000

# What a browser says of every answer like these, whatever is on its page.
OF_STATUS = re.compile(r"Failed to load resource: .* status of (403|404) ")


def check(seen, address: str, width: int, language: str, scheme: str) -> None:
    assert [line for line in seen.said if not OF_STATUS.match(line)] == []
    assert seen.hosts() == {urlsplit(address).netloc}
    assert browsers.faults(seen.page) == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    assert seen.page.evaluate("document.documentElement.lang") == language
    text = seen.page.evaluate("document.documentElement.innerText").replace("Русский", "")
    assert bool(re.search("[а-яё]", text, re.IGNORECASE)) == (language == "ru")
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper))) < 128) == (scheme == "dark")
    assert seen.page.evaluate("document.fonts.check('15px \"Golos Text\"')")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_in_order_for_everybody(look, address: str, page: str) -> None:
    for language, (width, scheme) in EYES[PAGES.index(page) % 2].items():
        path = f"/console/gallery/{page}"
        with look(path, width=width, language=language, scheme=scheme) as seen:
            check(seen, address, width, language, scheme)


def test_what_the_policy_forbids_would_be_noticed(look) -> None:
    with look("/console/gallery/forbidden") as seen:
        said = "\n".join(seen.said)
        assert "style-src" in said
        assert "img-src" in said
        assert browsers.faults(seen.page)


def test_a_page_costs_little_to_fetch(look, client: FlaskClient) -> None:
    with look("/console/gallery/members") as seen:
        paths = {address.partition("//")[2].partition("/")[2] for address in seen.asked}
    answers = [client.get(f"/{path}", headers={"Accept-Encoding": "gzip"}) for path in paths]
    assert all(answer.status_code == 200 for answer in answers)
    pages = [answer for answer in answers if answer.mimetype == "text/html"]
    files = [answer for answer in answers if answer.mimetype != "text/html"]
    assert len(files) >= 7
    size = sum(len(answer.data) for answer in files)
    size += sum(len(gzip.compress(answer.data)) for answer in pages)
    assert size < MOST_PACKED_BYTES


class TestOnAPhone:
    def test_the_menu_folds(self, look) -> None:
        with look("/console/gallery/members", width=PHONE) as seen:
            entry = seen.page.locator(".k-menu-link").first
            opener = seen.page.get_by_label("Открыть меню")
            assert not entry.is_visible()
            opener.focus()
            seen.page.keyboard.press("Enter")
            assert entry.is_visible()
            assert browsers.faults(seen.page) == []
            seen.page.keyboard.press("Escape")
            assert not entry.is_visible()
            assert opener.evaluate("one => one === document.activeElement")

    def test_rows_are_cards_with_what_matters(self, look) -> None:
        with look("/console/gallery/members", width=PHONE) as seen:
            row = seen.page.locator("tbody tr").first
            shown = [cell for cell in row.locator("td").all() if cell.is_visible()]
            assert [cell.inner_text() for cell in shown] == ["Анна Ковалёва", "действует", "1 250"]
            assert seen.page.get_by_role("row").count() == 5  # it still is a table to who listens

    def test_the_main_button_is_in_reach(self, look) -> None:
        with look("/console/gallery/member", width=PHONE) as seen:
            box = seen.page.get_by_role("button", name="Начислить баллы").bounding_box()
            assert box["y"] > 700
            assert box["height"] >= 44

    def test_what_is_touched_is_as_large_as_a_finger(self, look) -> None:
        for page in ("members", "form", "sign-in"):
            with look(f"/console/gallery/{page}", width=PHONE) as seen:
                for one in seen.page.locator("button, .form-control, .k-bar a, summary").all():
                    if one.is_visible():
                        assert one.bounding_box()["height"] >= 44, one.inner_html()


class TestByKeyboard:
    @pytest.mark.parametrize("keys", ["/", "Control+KeyK", "Slash"])
    def test_a_key_leads_to_the_search(self, look, keys: str) -> None:
        with look("/console/gallery/members") as seen:
            seen.page.keyboard.press(keys)
            assert seen.focus() == "form-control"
            seen.page.keyboard.type("a/b")
            assert seen.page.locator("[data-search]").input_value() == "a/b"

    def test_the_first_stop_leads_past_the_menu(self, look) -> None:
        with look("/console/gallery/members") as seen:
            seen.page.keyboard.press("Tab")
            assert seen.focus() == "k-skip"
            seen.page.keyboard.press("Enter")
            assert seen.focus() == "content"

    def test_escape_closes_a_menu_and_gives_the_focus_back(self, look) -> None:
        with look("/console/gallery/members") as seen:
            panel = seen.page.get_by_role("button", name="Выйти")
            seen.page.locator(".k-me").focus()
            seen.page.keyboard.press("Enter")
            assert panel.is_visible()
            seen.page.keyboard.press("Tab")
            seen.page.keyboard.press("Escape")
            assert not panel.is_visible()
            assert seen.focus() == "k-me"

    def test_a_click_elsewhere_closes_a_menu(self, look) -> None:
        with look("/console/gallery/members") as seen:
            seen.page.locator(".k-me").click()
            assert browsers.faults(seen.page) == []
            seen.page.locator("h1").click()
            assert not seen.page.get_by_role("button", name="Выйти").is_visible()

    def test_j_and_k_walk_through_a_list(self, look) -> None:
        with look("/console/gallery/members") as seen:
            names = []
            for key in ("KeyJ", "KeyJ", "KeyK"):
                seen.page.keyboard.press(key)
                names.append(seen.page.evaluate("document.activeElement.innerText"))
            assert names == ["Анна Ковалёва", "Александра Преображенская-Воскресенская", names[0]]

    def test_what_is_wrong_with_a_form_takes_the_focus_and_leads_there(self, look) -> None:
        with look("/console/gallery/form") as seen:
            assert seen.focus() == "problems"
            seen.page.keyboard.press("Tab")
            seen.page.keyboard.press("Enter")
            assert seen.focus() == "code"


def test_a_form_that_was_refused_comes_back_in_place(look) -> None:
    """And with what was typed; what it brings is no script that runs."""
    with look("/console/gallery/live") as seen:
        seen.page.locator("#words").fill("<b>двенадцать")
        seen.page.keyboard.press("Enter")
        seen.page.locator("#problems:focus").wait_for()
        assert seen.page.locator("#words").input_value() == "<b>двенадцать"
        assert seen.page.evaluate("window.wasRun") is None


def test_nothing_is_too_wide_for_any_screen(look) -> None:
    for page in ("members", "member", "sign-in"):
        with look(f"/console/gallery/{page}") as seen:
            for width in (320, 412, 640, 768, 991, 992, 1100, 1920, 2560):
                seen.page.set_viewport_size({"width": width, "height": 800})
                assert seen.page.evaluate("document.documentElement.scrollWidth") == width


def test_on_paper_there_is_the_page_alone(look) -> None:
    with look("/console/gallery/members") as seen:
        seen.page.emulate_media(media="print")
        assert seen.page.locator("h1").is_visible()
        for part in (".k-menu", ".k-bar", ".k-strip", ".k-actions"):
            assert not seen.page.locator(part).is_visible()


def test_nothing_moves_for_those_who_do_not_want_it(look) -> None:
    with look("/console/gallery/members") as seen:
        moving = seen.page.evaluate(
            "[...document.querySelectorAll('*')]"
            ".map(one => getComputedStyle(one).transitionDuration).filter(one => one !== '0s')"
        )
        assert moving == []
