"""All pages of customers, and those of the console that show what customers will see, as axe and a
browser judge them: on a narrow phone, on a usual one and on a desk, by day and by night, in both
languages."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import browsers
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from visitors import HOME, signed_in
from werkzeug.serving import make_server

from wallet.console.door import door

EYES = [(320, "ru", "dark"), (1280, "en", "light")]
# What a browser says of every answer like these, whatever is on its page.
OF_STATUS = re.compile(r"Failed to load resource: .* status of (404|410|422) ")
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@dataclass
class Walk:
    """Somebody who goes from page to page, and what the browser had to say."""

    page: Page
    address: str
    width: int
    language: str
    scheme: str
    said: list[str] = field(default_factory=list)

    def to(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.look()

    def look(self) -> None:
        """Whether the page that stands there is in order."""
        page, here = self.page, self.page.url
        assert browsers.faults(page) == [], here
        for width in sorted({self.width, max(self.width, 390)}, reverse=True):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") == width, here
        assert page.evaluate("document.documentElement.lang") == self.language, here
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        is_dark = max(map(int, re.findall(r"\d+", paper))) < 128
        assert is_dark == (self.scheme == "dark"), here
        said = browsers.complaints(self.said)
        assert [line for line in said if not OF_STATUS.match(line)] == [], here


@pytest.fixture
def walks(chromium: Browser, address: str) -> Iterator[Callable[[int, str, str], Walk]]:
    contexts = []

    def walk(width: int, language: str, scheme: str) -> Walk:
        context = browsers.patient(
            chromium.new_context(
                viewport={"width": width, "height": 844},
                color_scheme=scheme,
                locale=language,
                reduced_motion="reduce",
                user_agent=IPHONE if width < 800 else None,
            )
        )
        contexts.append(context)
        one = Walk(context.new_page(), address, width, language, scheme)
        one.page.on("console", lambda line: one.said.append(line.text))
        one.page.on("pageerror", lambda error: one.said.append(str(error)))
        return one

    yield walk
    for context in contexts:
        context.close()


@pytest.fixture
def offers(api) -> list[str]:
    """An offer with a coupon that was taken, one with one that was used, and one to be taken."""
    body = {"programme": "demo", "until": "2027-01-01T00:00:00+03:00"}
    titles = ("Латте −20 %", "Круассан в подарок", "Какао за 99 ₽")
    english = ("Latte −20 %", "A croissant for free", "Cocoa for ₽99")
    return [
        api.post("offers", {**body, "title": {"ru": ru, "en": en}}).get_json()["id"]
        for ru, en in zip(titles, english, strict=True)
    ]


@pytest.fixture
def member(api, join, offers) -> dict:
    """A card with all that a card can have."""
    made = join(name="Анна Ковалёва", phone="+79161234509", email="anna@example.com")
    for points in (100_500, 12, 9_007_199_254):
        api.post("accruals", {"member": made["id"], "points": points})
    api.post("redemptions", {"member": made["id"], "points": 40, "reason": "Чек 12"})
    for offer in offers[:2]:
        given = api.post(f"offers/{offer}/passes", {"member": made["id"]}).get_json()
    api.post(f"passes/{given['id']}/use", {})
    return made


@pytest.mark.parametrize(("width", "language", "scheme"), EYES)
def test_a_page_is_in_order_for_everybody(
    walks, api, client, installation, join, member, offers, width, language, scheme
) -> None:
    card = re.sub(r"^https?://[^/]+", "", member["links"]["card"])
    gone = join(name="Борис", phone="+79161234510")
    (pass_,) = api.get(f"members/{gone['id']}/passes").get_json()["items"]
    api.post(f"passes/{pass_['id']}/void", {})
    walk = walks(width, language, scheme)
    page = walk.page
    for path in ("/", "/join/demo", "/join/demo/rules", "/join/demo/privacy", "/find/demo"):
        walk.to(path)
    page.fill("#contact", "12")
    page.click("main button")
    walk.look()
    page.fill("#contact", "anna@example.com")
    page.click("main button")
    page.fill("#typed", "12345")
    page.click("main button")
    walk.look()
    walk.to("/find/demo/told")
    page.fill("#contact", "anna@example.com")
    page.fill("#typed", "123456")
    page.click("main button")
    walk.look()
    walk.to("/nowhere")
    walk.to("/join/demo/more")
    walk.to(re.sub(r"^https?://[^/]+", "", gone["links"]["card"]))
    page.goto(f"{walk.address}/join/demo")
    page.fill("#contact", "12")
    page.click("main button[type=submit]")
    walk.look()
    page.fill("#contact", "+79161234511")
    page.check("#consent")
    page.click("main button[type=submit]")
    page.wait_for_selector(".moment")
    walk.look()
    walk.to("/join/demo")  # it leads to the card of this browser
    for below in ("", "/history", "/me", "/me/delete"):
        walk.to(card + below)
    for offer in offers:
        walk.to(f"{card}/offers/{offer}")
    walk.to(card)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    page.context.set_offline(True)
    page.reload()
    page.locator(".offline").wait_for(state="visible")
    walk.said.clear()
    walk.look()


@pytest.mark.parametrize(("width", "language", "scheme"), EYES)
def test_so_are_the_posters_and_the_page_to_join(
    walks, client, installation, address, width, language, scheme
) -> None:
    signed_in(client, installation, "administrator")
    walk = walks(width, language, scheme)
    cookie = client.get_cookie(door.COOKIE)
    walk.page.context.add_cookies([{"name": door.COOKIE, "value": cookie.value, "url": address}])
    walk.to(f"{HOME}poster")
    walk.to(f"{HOME}poster?format=tent&language=en")
    walk.to(f"{HOME}settings/programme/joining")
