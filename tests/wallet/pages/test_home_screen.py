"""A card on the home screen of a phone, and without a network."""

import re
import threading
from collections.abc import Iterator

import browsers
import pytest
from browsers import chromium
from playwright.sync_api import Browser
from werkzeug.serving import make_server


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def address(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_phone_may_keep_it_on_its_home_screen(card, client) -> None:
    page = card.get("?lang=ru")
    link = re.search(r'<link rel="manifest" href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]
    answer = client.get(link)
    told = answer.get_json(force=True)
    assert answer.mimetype == "application/manifest+json"
    assert told["name"] == "Кофейня «Копилка»"
    assert (told["start_url"], told["scope"], told["display"]) == (
        card.path,
        card.path,
        "standalone",
    )
    (icon,) = told["icons"]
    width = int(icon["sizes"].partition("x")[0])
    picture = client.get(icon["src"])
    assert width >= 192 and picture.mimetype == "image/png"
    assert int.from_bytes(picture.data[16:20]) == width


def test_nobody_but_who_has_the_link_gets_the_worker(card, client) -> None:
    answer = card.get("/worker.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == card.path
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(f"{card.path[:-1]}/worker.js").status_code == 404


def test_it_is_shown_without_a_network_until_it_is_gone(chrome, address, card, api) -> None:
    context = browsers.patient(chrome.new_context(locale="en"))
    page = context.new_page()
    page.goto(f"{address}{card.path}")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()  # this time the worker sees the page
    number = page.locator(".number").inner_text()
    offer = api.post("offers", {"programme": "demo", "title": "Какао"}).get_json()
    coupon = f"{card.path}/offers/{offer['id']}"
    card.client.post(coupon)
    for below in ("/history", f"/offers/{offer['id']}"):
        page.goto(address + card.path + below)
    context.set_offline(True)
    page.reload()
    page.locator(".offline").wait_for(state="visible")
    assert page.locator(".coupon .card-code svg").is_visible()
    page.goto(f"{address}{card.path}")
    page.locator(".offline").wait_for(state="visible")
    assert page.locator(".number").inner_text() == number
    kept = page.evaluate(
        "caches.keys().then((all) => Promise.all(all.map((one) => caches.open(one))))"
        ".then((all) => Promise.all(all.map((one) => one.keys())))"
        ".then((all) => all.flat().map((one) => new URL(one.url).pathname))"
    )
    assert {path for path in kept if path.startswith("/card/")} == {card.path, coupon}
    context.set_offline(False)
    page.goto(f"{address}{card.path}/me/delete")
    page.locator("#sure").check()
    page.locator("button.danger").click()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("caches.keys()") == []
    context.set_offline(True)
    with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
        page.goto(f"{address}{card.path}")
    context.close()


def test_browsers_that_ask_for_an_icon_get_one(client) -> None:
    assert client.get("/favicon.ico").mimetype == "image/svg+xml"
