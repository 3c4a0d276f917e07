"""How the pages look, as far as a machine can tell: nothing from outside, nothing unreadable."""

import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import wallet.pages
from wallet.passes import templates

PAGES = Path(wallet.pages.__file__).parent
FILES = [*PAGES.glob("static/**/*"), *PAGES.glob("templates/**/*.html")]
STYLE = PAGES / "static/pages.css"
TYPES = ("text/css", "text/javascript", "image/png", "application/manifest+json")
DIRECTIVES = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [channel / 255 for channel in bytes.fromhex(digits)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_names_an_outside_address(file: Path) -> None:
    if file.is_file():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.search(r"(https?:)?//[\w-]+\.\w|@import|url\(", text), file


def test_pages_ask_for_nothing_outside(client, card) -> None:
    for path in ("/", "/join/demo", "/join/demo/privacy", card.path, "/nowhere"):
        for address in re.findall(
            r'(?:src|srcset|data-state|link[^>]*href)="([^"]+)"', client.get(path).text
        ):
            assert address.startswith(("/", "data:,")), address
            assert "//" not in address, address


def test_every_page_forbids_all_it_does_not_need(client, card, form) -> None:
    pages = [client.get(path) for path in ("/", "/join/demo", card.path, "/nowhere", "/card/x")]
    for page in [*pages, form.sent(phone="12"), form.sent(headers={"Origin": "null"})]:
        policy = page.headers["Content-Security-Policy"]
        assert all(directive in policy for directive in DIRECTIVES)
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page.text))
        assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_personal_pages_are_kept_by_nobody(client, card, form) -> None:
    for page in (
        card.get(),
        form.sent(phone="12"),
        client.get("/join/demo"),
        client.get("/card/x"),
    ):
        assert page.headers["Cache-Control"] == "no-store"


class Reader(HTMLParser):
    """What somebody hears who cannot see the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.named: set[str] = set()  # ids that a label belongs to
        self.described: set[str] = set()
        self.fields: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self._inside_label = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.tags.append(tag)
        if has.get("id"):
            assert has["id"] not in self.ids, has["id"]
            self.ids.add(has["id"])
        self.described |= set((has.get("aria-describedby") or "").split())
        if tag == "label":
            self._inside_label = True
            self.named |= {has["for"]} if "for" in has else set()
        elif tag == "input" and has.get("type") != "hidden":
            self.fields.append(has["id"])
            if self._inside_label:
                self.named.add(has["id"])
        elif tag == "img" or has.get("role") == "img":
            self.pictures.append(has)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._inside_label = False


def test_every_page_can_be_read_without_seeing_it(client, card, form) -> None:
    member = form.sent(phone="+79990000001", marketing="yes").location
    pages = [form.sent(phone="12", email="x", consent=""), client.get("/join/demo/privacy")]
    pages += [client.get(path) for path in ("/", "/join/demo", card.path, member, "/nowhere")]
    for page in pages:
        reader = Reader(page.text)
        assert reader.tags.count("h1") == reader.tags.count("main") == 1
        assert reader.described <= reader.ids
        assert set(reader.fields) <= reader.named
        for picture in reader.pictures:
            assert "alt" in picture or picture["aria-label"]
        assert re.search(r"<title>[^<]*\w[^<]*</title>", page.text)


def test_everything_a_page_links_is_there(client, card) -> None:
    for path in ("/join/demo", "/join/demo/privacy", card.path):
        page = client.get(path).text
        sets = re.findall(r'srcset="([^"]+)"', page)
        pictures = itertools.chain.from_iterable(re.findall(r"(\S+) \dx", one) for one in sets)
        links = re.findall(r'(?:src|link[^>]*href)="([^"]+)"', page)
        for address in {*links, *pictures}:
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert answer.mimetype in TYPES, address


def test_the_stylesheet_is_small() -> None:
    assert STYLE.stat().st_size < 10_000


def test_words_stand_out_from_what_they_stand_on() -> None:
    light, dark = (
        dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    )
    for colours in (light, dark):
        for ink, paper in itertools.product(("ink", "quiet", "bad"), ("paper", "sheet")):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
        for paper in ("paper", "sheet"):  # edges of fields, and the ring around what has the focus
            assert contrast(colours["edge"], colours[paper]) >= 3
            assert contrast(colours["focus"], colours[paper]) >= 3


class TestDesign:
    def test_the_card_wears_its_designs_colours(self, client) -> None:
        style = client.get("/designs/1/colours.css")
        design = templates.standard("x")
        assert style.mimetype == "text/css"
        assert f"--card-background:{design.background}" in style.text
        assert contrast(design.foreground, design.background) >= 4.5
        assert contrast(design.label_colour, design.background) >= 4.5

    def test_a_revision_may_be_kept_for_good(self, client) -> None:
        for name in ("colours.css", "strip@2x.png", "logo.png", "icon@3x.png"):
            answer = client.get(f"/designs/1/{name}")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize(
        "path",
        [
            "/designs/2/colours.css",
            "/designs/1/other.png",
            "/designs/1/icon@4x.png",
            "/designs/1/%00",
            "/designs/x/icon.png",
            "/designs/99999999999999999999999999/icon.png",
            "/designs/-1/icon.png",
        ],
    )
    def test_what_is_not_there_is_a_404(self, client, path: str) -> None:
        assert client.get(path).status_code == 404
