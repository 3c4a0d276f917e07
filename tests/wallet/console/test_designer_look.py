"""The designer as people see it: on a phone and on a desk, in both languages."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import browsers
import pytest
from design_form import picture
from playwright.sync_api import FilePayload
from visitors import HOME, signed_in

from wallet.console.door import door

EYES = [(360, "ru", "light"), (1440, "en", "light")]
CARDS = f"{HOME}cards"
PAGES = (
    "",
    "/card",
    "/card/starters",
    "/card/publish",
    "/card/trial",
    "/card/revisions",
    "/card/revisions/1",
    "/offer",
)
# Whether the bar with the buttons lies on the preview, wherever the page is scrolled to; and how
# wide a card is, to itself.
COVERED = """() => {
  const rect = (name) => document.querySelector(name).getBoundingClientRect();
  const found = [];
  for (let at = 0; at < document.body.scrollHeight; at += 100) {
    window.scrollTo(0, at);
    const bar = rect(".k-editor-bar"), shown = rect(".k-preview");
    if (bar.left < shown.right && shown.left < bar.right && bar.top < shown.bottom
        && shown.top < bar.bottom) found.push(at);
  }
  return found;
}"""
PHOTO: FilePayload = {
    "name": "shop.png",
    "mimeType": "image/png",
    "buffer": picture(1600, 1200),
}
SHOTS = os.environ.get("KOPILKA_SHOTS")


@pytest.fixture
def cookie(client, installation, anna) -> str:
    signed_in(client, installation, "marketer")
    found = client.get_cookie(door.COOKIE)
    assert found is not None
    return found.value


def test_the_designer_is_in_order_and_follows_who_types(look, address: str, cookie: str) -> None:
    for width, language, scheme in EYES:
        with look("/console/sign-in", width=width, language=language, scheme=scheme) as seen:
            page = seen.page
            page.context.add_cookies([{"name": door.COOKIE, "value": cookie, "url": address}])
            page.goto(f"{address}{CARDS}/card")
            page.fill("#background", "#3b2417")
            page.wait_for_selector('[data-colours^="rgb(59, 36, 23)"]', state="attached")
            assert page.evaluate(COVERED) == []
            assert page.evaluate("document.querySelector('.k-pass').offsetWidth") == 375
            page.set_input_files("#picture-strip input[type=file]", PHOTO)
            page.locator(".cropper-crop-box").wait_for()
            page.keyboard.press("ArrowDown")
            assert browsers.faults(page, "#crop") == []
            page.click('[data-takes="part"]')
            page.locator("#picture-strip button.k-quiet").wait_for()
            page.click('.k-editor-bar button[value="stay"]')
            for path in PAGES:
                page.goto(address + CARDS + path)
                page.wait_for_load_state("networkidle")
                if SHOTS:
                    name = path.strip("/").replace("/", "-") or "cards"
                    Path(SHOTS).mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=f"{SHOTS}/{name}-{language}-{width}.png", full_page=True)
                assert browsers.faults(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") == width, path
            assert seen.complaints == []
            assert seen.hosts() == {urlsplit(address).netloc}
