"""Posters: what is on the paper, and who joined by which."""

import io
import itertools
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import browsers
import pypdfium2
import pytest
from playwright.sync_api import Browser
from visitors import HOME, signed_in

from ledger.programmes import programmes, stores
from ledger.programmes.stores import StoreTerms, TillTerms
from wallet.outreach.posters import drawn, joined, layout, letters
from wallet.outreach.posters.layout import FORMATS, PlacedCode, PosterText, Words
from wallet.passes import artwork, barcodes

NOW = datetime(2026, 5, 21, 12, tzinfo=UTC)
PAGE = f"{HOME}poster"
DARK = PosterText(
    name="Кофейня «Утро»",
    headline="Ваша карта за секунду",
    call="Наведите камеру телефона на код",
    sentence="Гость получает 5 % баллами, 1 балл = 1 ₽.",
    address="https://cards.example/join/demo?store=7&by=1",
    shown_address="cards.example/join/demo",
    place="Тверская, 7 · касса 1",
    background="#1f3a8a",
    foreground="#ffffff",
    logo=(artwork.one_drawn("logo", "Утро", "#1f3a8a", "#ffffff"), 100, 100),
    language="ru",
)
LIGHT = replace(DARK, background="#ffffff", foreground="#222222", logo=None, place="")
LONG = replace(
    DARK,
    name="Общество с ограниченной ответственностью «Перекрёсток-Северо-Запад» " * 3,
    headline="Электрокардиографический" * 5,
    sentence="Members earn 5% of what they pay, " * 9,
    address=f"https://cards.example/join/{'a' * 40}?store={'b' * 40}&by={'c' * 40}",
    shown_address=f"cards.example/join/{'a' * 40}",
    place="Проспект Космонавтов " * 9,
)
POSTERS = {"dark": DARK, "light": LIGHT, "long": LONG}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(params=POSTERS)
def poster(request) -> PosterText:
    return POSTERS[request.param]


def read(picture: Path) -> list[str]:
    """What zbar reads off a picture."""
    command = ["zbarimg", "--quiet", "--raw", picture]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("form", FORMATS)
def test_a_scanner_reads_the_address_off_both_files(chromium, poster, form, tmp_path) -> None:
    sheet = layout.laid_out(poster, form)
    expected = [poster.address] * len(sheet.sides)
    file = pypdfium2.PdfDocument(drawn.pdf(sheet, poster.name, "ru", NOW))
    assert [round(one * 25.4 / 72) for one in file[0].get_size()] == [
        round(one) for one in (sheet.width, sheet.height)
    ]
    # About as many points as a camera has of a sheet in its view.
    scale = 1000 / file[0].get_width()
    file[0].render(scale=scale).to_pil().save(tmp_path / "pdf.png")
    assert read(tmp_path / "pdf.png") == expected
    (tmp_path / "sheet.svg").write_text(drawn.svg(sheet, poster.name))
    page = chromium.new_page(viewport={"width": 1200, "height": 1300})
    page.goto((tmp_path / "sheet.svg").as_uri())
    page.screenshot(path=tmp_path / "svg.png")
    page.close()
    assert read(tmp_path / "svg.png") == expected


def test_words_in_a_pdf_can_be_searched_and_come_with_their_letters() -> None:
    data = drawn.pdf(layout.laid_out(DARK, "a4"), DARK.name, "ru", NOW)
    page = pypdfium2.PdfDocument(data)[0].get_textpage()
    said = " ".join(page.get_text_range().split())
    assert "Кофейня «Утро»" in said and "Наведите камеру телефона на код" in said
    assert data.count(b"/FontFile2") == 2
    assert len(data) < 100_000


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_leaves_the_paper_or_comes_near_the_code(poster, form) -> None:
    sheet = layout.laid_out(poster, form)
    for side in sheet.sides:
        lines = [one for one in side.drawings if isinstance(one, Words)]
        (code,) = (one for one in side.drawings if isinstance(one, PlacedCode))
        zone = barcodes.QUIET_ZONE["qr"] * code.module
        ends = [(column + length, row + 1) for column, row, length in code.runs]
        across, down = (max(found) * code.module for found in zip(*ends, strict=True))
        assert across > 35, "smaller than that, nobody scans it from a queue"
        for line in lines:
            left, right = line.x, line.x + letters.width(line.text, line.weight, line.size)
            top, foot = line.y - line.size * letters.CAPITAL, line.y + line.size * 0.2
            assert left >= 4 and right <= sheet.width - 4, line
            assert top >= 4 and foot <= sheet.height - 4, line
            beside = right <= code.x - zone or left >= code.x + across + zone
            assert beside or foot <= code.y - zone + 1 or top >= code.y + down + zone, line
        for one, next_ in itertools.pairwise(lines):
            if one.x < next_.x + 1 and next_.y > one.y:
                assert next_.y - one.y >= next_.size * letters.CAPITAL, (one, next_)


def test_letters_that_cannot_be_printed_are_named_and_emoji_left_out() -> None:
    assert letters.missing("Кофейня ☕\ufe0f «Утро» Қазақ Ёж 5 % €") == ""
    assert letters.missing("ყავა") == "ყავ"
    assert letters.printable("Утро ☕ день") == "Утро день"


@pytest.fixture
def tverskaya(installation) -> None:
    """A store with a till, and another that is closed."""
    with installation.database.transaction() as session:
        demo, now = programmes.by_code(session, "demo").id, installation.clock()
        stores.put_store(session, demo, StoreTerms("7", "Тверская, 7"), now)
        stores.put_till(session, demo, TillTerms("1", "7", "У входа"), now)
        stores.put_till(session, demo, TillTerms("2", "7", closed=True), now)
        stores.put_store(session, demo, StoreTerms("8", "Арбат", closed=True), now)


ADDRESSES = {
    "?store=7&by=1": ("Тверская, 7", "У входа"),
    "?store=7": ("Тверская, 7", None),
    "?store=7&by=2": ("Тверская, 7", None),
    "?store=7&by=%00": ("Тверская, 7", None),
    "?by=poster": (None, None),
    "": "nothing",
    "?by=1": "nothing",
    "?store=8&by=1": "nothing",
    "?store=none": "nothing",
    "?store=%00%ff": "nothing",
    f"?store={'9' * 2000}": "nothing",
    "?store=7%27%3B--": "nothing",
}


@pytest.mark.parametrize("asked", ADDRESSES)
def test_who_joins_is_counted_for_the_place_and_nobody_is_stopped(
    client, installation, tverskaya, asked: str
) -> None:
    form = {"phone": "+79991234567", "consent": "yes", "form_token": "a" * 22}
    assert client.get(f"/join/demo{asked}").status_code == 200
    refused = client.post(f"/join/demo{asked}", data={**form, "phone": "12"})
    assert refused.status_code == 422
    for _again in range(2):  # sent twice, it is one member
        assert client.post(f"/join/demo{asked}", data=form).status_code == 303
    with installation.database.reading() as session:
        demo = programmes.by_code(session, "demo")
        found = [
            (
                one.place.store and one.place.store.name,
                one.place.till and one.place.till.name,
                one.all,
                one.lately,
            )
            for one in joined.counts(session, demo.id, installation.clock())
        ]
    place = ADDRESSES[asked]
    assert found == ([] if place == "nothing" else [(*place, 1, 1)])


def test_the_page_makes_a_poster_of_a_till_whose_code_is_counted_there(
    client, installation, tverskaya, tmp_path
) -> None:
    viewer = signed_in(client, installation, "viewer")
    page = viewer.read(f"{PAGE}?format=a6&language=ru&store=7&till=1")
    assert "Арбат" not in page and "Nobody yet" in page
    (address,) = set(re.findall(r'href="([^"]*poster\.pdf[^"]*)"', page))
    answer = viewer.get(address.replace("&amp;", "&"))
    assert answer.mimetype == "application/pdf"
    assert "poster-demo-a6-ru-7-1.pdf" in answer.headers["Content-Disposition"]
    file = pypdfium2.PdfDocument(io.BytesIO(answer.data))
    file[0].render(scale=3).to_pil().save(tmp_path / "poster.png")
    (scanned,) = read(tmp_path / "poster.png")
    assert scanned.endswith("/join/demo?store=7&by=1")
    assert "Тверская, 7 · касса У входа" in file[0].get_textpage().get_text_range()
    join = scanned[scanned.index("/join/") :]
    client.post(join, data={"phone": "+79991234567", "consent": "yes", "form_token": "b" * 22})
    page = viewer.read(PAGE)
    assert "Тверская, 7 · till У входа" in page
    (member,) = set(re.findall(rf"{HOME}members/[0-9a-f-]{{36}}", viewer.read(f"{HOME}members")))
    assert "by the poster: Тверская, 7 · till У входа" in viewer.read(member)
    drawing = viewer.get(f"{PAGE}.svg?language=en")
    assert (drawing.mimetype, "Content-Disposition" in drawing.headers) == ("image/svg+xml", False)


def test_words_above_the_code_are_kept_and_what_is_too_long_is_refused_in_its_place(
    client, installation, tverskaya
) -> None:
    manager = signed_in(client, installation, "manager")
    words = {"poster_ru": "Вступайте", "poster_en": "Join us"}
    saved = manager.send(f"{PAGE}?store=7", **words)
    assert (saved.status_code, saved.location) == (303, f"{PAGE}?store=7")
    assert "Join us" in manager.read(PAGE)
    refused = manager.send(PAGE, **{**words, "poster_en": "x" * 121})
    assert refused.status_code == 422 and 'id="poster_en-problem"' in refused.text
    assert "x" * 121 in refused.text


def test_a_language_that_cannot_be_printed_says_so(client, installation, house) -> None:
    administrator = signed_in(client, installation, "administrator")
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        programmes.say(session, demo.id, "poster", "en", "ყავა", house.clock())
    page = administrator.read(f"{PAGE}?language=en")
    assert "ყავ" in page and "poster.pdf" not in page
    assert administrator.get(f"{PAGE}.pdf?language=en").status_code == 404
    assert administrator.get(f"{PAGE}.pdf?language=ru").status_code == 200
