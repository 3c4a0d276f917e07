"""Official badges on a card's page: in place of plain buttons, as large and as free as Apple and
Google want them, in the reader's language alone."""

import re
from pathlib import Path

import googles
import pytest
from PIL import Image

from wallet.passes.badges import SHOWN_HIGH

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)"
ANDROID = "Mozilla/5.0 (Linux; Android 16; Pixel 9)"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64)"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 180 50">'
    '<path fill="{}" d="M0 0h180v50H0z"/></svg>'
)
BADGE = re.compile(
    r'<a class="badge (\w+)" href="([^"]+)"><img src="([^"]+)" width="(\d+)" height="(\d+)"'
    r' alt="([^"]+)">'
)


@pytest.fixture
def environment(environment: dict[str, str], google) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}


@pytest.fixture
def put(wallet, tmp_path: Path):
    """Upload a badge of one colour."""

    def uploaded(which: str, language: str, colour: str = "#000"):
        file = tmp_path / f"{which}-{language}.svg"
        file.write_text(SVG.format(colour))
        return wallet("badges", "set", which, language, str(file))

    return uploaded


def shown(card, agent: str, language: str = "ru") -> list[tuple[str, ...]]:
    page = card.get(f"?lang={language}", headers={"User-Agent": agent}).text
    return BADGE.findall(page)


def test_badges_take_the_place_of_buttons(card, put) -> None:
    assert put("apple", "ru").output == "apple ru: pages show it from now on, 187 by 52 points.\n"
    put("google", "ru")
    (one,) = shown(card, IPHONE)
    assert one[:2] == ("apple", f"{card.path}/apple.pkpass")
    assert one[3:] == ("187", "52", "Добавить в Apple Wallet")
    (one,) = shown(card, ANDROID)
    assert one[:2] == ("google", f"{card.path}/google")
    assert [one[0] for one in shown(card, DESKTOP)] == ["apple", "google"]


def test_a_badge_in_a_language_that_its_reader_does_not_read_is_not_shown(card, put) -> None:
    put("apple", "ru")
    assert shown(card, IPHONE, "en") == []
    assert "Add to Apple Wallet" in card.get("?lang=en", headers={"User-Agent": IPHONE}).text


def test_the_file_is_only_a_picture_to_browsers(card, put, client) -> None:
    put("apple", "ru")
    address = shown(card, IPHONE)[0][2]
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in answer.headers["Cache-Control"]
    put("apple", "ru", "#fff")  # other bytes have another address
    assert client.get(address).status_code == 404
    assert client.get("/badges/nonsense").status_code == 404


def test_badges_are_listed_and_removed(wallet, card, put) -> None:
    put("apple", "ru")
    assert wallet("badges", "list").output.splitlines() == [
        "apple en: none: a plain button. `wallet badges set apple en FILE`",
        "apple ru: svg, 187 by 52 points",
        "google en: none: a plain button. `wallet badges set google en FILE`",
        "google ru: none: a plain button. `wallet badges set google ru FILE`",
    ]
    assert wallet("badges", "remove", "apple", "ru").output.endswith("a plain button again.\n")
    assert wallet("badges", "remove", "apple", "ru").output.endswith("there was none.\n")
    assert shown(card, IPHONE) == []


def test_what_is_no_badge_is_refused_in_words(wallet, tmp_path: Path) -> None:
    file = tmp_path / "badge.svg"
    file.write_text(SVG.format("#000").replace("<path", "<script/><path"))
    refused = wallet("badges", "set", "apple", "ru", str(file))
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: badge.svg: it has <script>, and only what is drawn")
    assert wallet("badges", "set", "samsung", "ru", str(file)).exit_code == 2
    assert wallet("badges", "set", "apple", "xx", str(file)).exit_code == 2


@pytest.mark.parametrize("width", [390, 1280])
def test_badges_are_as_high_and_as_free_as_they_must_be(
    app, card, put, serve, browser, width: int
) -> None:
    """Measured in the picture: Google wants 48 points of height and 8 around it, Apple a tenth of
    the height."""
    for which, colour in (("apple", "#ff0000"), ("google", "#00ff00")):
        put(which, "ru", colour)
    drawn = browser.draw(f"{serve(app)}{card.path}", width=width, height=2400)
    picture = Image.open(drawn).convert("RGB")
    pixels, clear = picture.load(), {}
    for which, colour in (("apple", (255, 0, 0)), ("google", (0, 255, 0))):
        found = [
            (x, y)
            for y in range(picture.height)
            for x in range(picture.width)
            if pixels[x, y] == colour
        ]
        left, right = min(x for x, _ in found), max(x for x, _ in found)
        top, bottom = min(y for _, y in found), max(y for _, y in found)
        clear[which] = (left, top, right, bottom)
        scale = (bottom - top + 1) / SHOWN_HIGH
        paper = pixels[left - 1, top]
        around = [
            pixels[x, y]
            for x in range(left - round(8 * scale), right + 1 + round(8 * scale))
            for y in range(top - round(8 * scale), bottom + 1 + round(8 * scale))
            if not (left <= x <= right and top <= y <= bottom)
        ]
        assert set(around) == {paper}, which
        assert bottom - top + 1 >= 48
    heights = {bottom - top for _, top, _, bottom in clear.values()}
    assert len(heights) == 1
