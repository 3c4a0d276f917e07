"""The cashier's page as it is, with its server: how it looks on a phone and on a tablet, by day and
by night, in both languages; what it costs; and that a receipt that waited is booked."""

import gzip
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import browsers
import pytest
from playwright.sync_api import Browser, Page, expect
from visitors import signed_in
from werkzeug.serving import make_server

from ledger.money import Money
from ledger.people import members
from ledger.programmes import base_terms, programmes
from ledger.programmes.base_terms import BaseTerms
from wallet.counter import spend_codes

COUNTER = "/console/programmes/demo/counter"
PHONE, TABLET, NARROW = (390, 844), (1024, 768), (360, 640)
LEAST_TARGET = 56
MOST_PAGE_BYTES = 230_000
SHOTS = os.environ.get("KOPILKA_SHOTS")  # a folder, for whoever wants to look at the pages


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browsers.chromium("--use-fake-device-for-media-stream") as browser:
        yield browser


@pytest.fixture
def address(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def anna(api, installation) -> dict:
    """She has points, an offer, and a coupon, in a programme that gives 5 % back."""
    with installation.database.transaction() as session:
        id_ = programmes.by_code(session, "demo").id
        base_terms.put(session, id_, BaseTerms(500, 3_000, Money("1", "RUB")))
    body = {"programme": "demo", "name": "Анна Ковалёва", "phone": "+79165550010"}
    anna = api.post("members", body).get_json()
    api.post("accruals", {"member": anna["id"], "points": 1250})
    for title in ("Десерт к любому кофе", "Второй капучино за полцены"):
        offer = api.post("offers", {"programme": "demo", "title": title}).get_json()
        api.post(f"offers/{offer['id']}/passes", {"member": anna["id"]})
    api.post("offers", {"programme": "demo", "title": "Скидка 10 % на выпечку до воскресенья"})
    return anna


@pytest.fixture
def visit(chrome: Browser, address: str, client, installation):
    """The page of a cashier in a browser of their own."""
    opened = []
    visitor = signed_in(client, installation, "cashier")
    (cookie,) = (one for one in visitor.client._cookies.values() if "staff" in one.key)

    def visit(size=TABLET, *, language="en", scheme="light", worker="block", asked=None) -> Page:
        context = browsers.patient(
            chrome.new_context(
                viewport={"width": size[0], "height": size[1]},
                locale=language,
                color_scheme=scheme,
                reduced_motion="reduce",
                service_workers=worker,
            )
        )
        opened.append(context)
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])
        page = context.new_page()
        if asked is not None:
            page.on("request", lambda request: asked.add(request.url))
        page.goto(address + COUNTER)
        page.locator("#counter[data-ready]").wait_for()
        page.evaluate("document.fonts.ready.then(() => null)")
        return page

    yield visit
    for context in opened:
        context.close()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def find(page: Page, code: str) -> None:
    page.locator("#scan").fill(code)
    page.locator("#scan").press("Enter")
    page.locator("#guest > section").wait_for()


# What a person can touch, and cannot hit: all that is smaller than it should be.
TOO_SMALL = """(least) => [...document.querySelectorAll("button, a, summary, input, select")]
.filter((one) => one.checkVisibility() && !one.matches("[type=hidden], .k-skip"))
.filter((one) => one.getBoundingClientRect().height < least).map((one) => one.outerHTML)"""
# What cannot be seen without scrolling.
BELOW = """[...document.querySelectorAll("#guest > .c-who *, #amount, #guest .btn-primary")]
.filter((one) => one.getBoundingClientRect().bottom > innerHeight).map((one) => one.outerHTML)"""


def in_order(page: Page) -> None:
    assert browsers.faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]
    assert page.evaluate(TOO_SMALL, LEAST_TARGET) == []


EYES = [
    (PHONE, "ru", "light"),
    (PHONE, "en", "dark"),
    (TABLET, "ru", "dark"),
    (TABLET, "en", "light"),
]


@pytest.mark.parametrize(("size", "language", "scheme"), EYES)
def test_it_is_in_order_for_everybody(visit, anna, size, language, scheme) -> None:
    page = visit(size, language=language, scheme=scheme)
    name = f"{size[0]}-{language}-{scheme}"
    shot(page, f"{name}-nobody")
    in_order(page)
    find(page, anna["card"]["number"])
    page.locator("#amount").fill("1000")
    page.locator("#deal [value='0']").wait_for()
    shot(page, f"{name}-guest")
    in_order(page)
    assert page.evaluate(BELOW) == []
    filled = [one for one in page.locator(".btn-primary").all() if one.is_visible()]
    assert len(filled) == 1


def test_every_state_is_in_order(visit, anna) -> None:
    """As a cashier comes to them, on the narrowest phone."""
    for language, scheme in (("ru", "light"), ("en", "dark")):
        page = visit(NARROW, language=language, scheme=scheme)
        name = f"{language}-{scheme}"

        def seen(state: str, page: Page = page, name: str = name) -> None:
            shot(page, f"{name}-{state}")
            in_order(page)

        find(page, anna["card"]["number"])
        seen("guest")
        page.locator(".c-rare summary").click()
        seen("before-code")
        page.locator("[data-act=tell] button").click()
        page.locator(".k-told").wait_for()
        seen("told-code")
        find(page, anna["card"]["number"])
        page.locator(".k-told").wait_for(state="detached")
        page.locator("#amount").fill("1000")
        page.locator("#deal [value='0']").click()
        page.locator("#done").wait_for()
        seen("done")
        page.locator(".c-undo > summary").click()
        page.locator("[data-act=undo] button").click()
        page.locator("[data-act=undo]").wait_for(state="detached")
        seen("undone")
        page.locator("#scan").fill("9999999999999999")
        page.locator("#scan").press("Enter")
        page.locator("#guest [data-bad]").wait_for()
        seen("refused")
        find(page, "+79990000000")
        seen("new")
        page.locator("[data-camera]").click()
        expect(page.locator("#told")).not_to_be_empty()
        seen("camera-refused")
        page.context.grant_permissions(["camera"])
        page.locator("[data-camera]").click()
        expect(page.locator("#camera")).to_be_visible()
        seen("camera")
        page.keyboard.press("Escape")
        page.locator(".c-top .k-drop summary").last.click()
        seen("cashiers")
        page.keyboard.press("Escape")
        find(page, anna["card"]["number"])
        expect(page.locator(".c-rare")).to_be_visible()
        page.context.set_offline(True)
        expect(page.locator("#network[data-state=offline]")).to_be_visible()
        expect(page.locator(".c-rare")).to_be_hidden()  # what the server alone can do
        page.locator("#scan").fill(anna["card"]["number"])
        page.locator("#scan").press("Enter")
        page.locator("#guest [data-number]").wait_for()
        seen("alone")
        page.locator("#amount").fill("250,50")
        page.locator("#guest .btn-primary").click()
        page.locator("#kept-count").click()
        seen("kept")
        page.keyboard.press("Escape")
        page.context.clear_cookies()
        page.context.set_offline(False)
        expect(page.locator("#network[data-state=signed_out]")).to_be_visible()
        seen("signed-out")


def test_a_receipt_that_waited_is_booked_once_there_is_a_network(visit, api, anna) -> None:
    page = visit(worker="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#network[data-state=offline]")).to_be_visible()
    page.locator("#scan").fill(anna["card"]["number"])
    page.locator("#scan").press("Enter")
    page.locator("#amount").fill("1000")
    page.locator("#guest .btn-primary").click()
    page.locator("#kept li[data-state=waiting]").wait_for(state="attached")
    page.context.set_offline(False)
    page.locator("#kept li[data-state=done]").wait_for(state="attached")
    assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 1300


def test_enter_in_the_number_of_points_spends_nothing_by_itself_and_earns_nothing(
    visit, api, anna
) -> None:
    """The first button of the form earns: what was typed here must not press it."""
    page = visit()
    find(page, anna["card"]["number"])
    page.locator("#amount").fill("1000")
    page.locator("[data-spends]").wait_for()
    page.locator("[data-act=earn] .c-other > summary").click()
    page.locator("#spend").fill("40")
    expect(page.locator("[data-spends][value='40']")).to_be_visible()
    page.locator("#spend").press("Enter")
    expect(page.locator("[data-spends]")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#done").wait_for()
    expect(page.locator("#done")).to_contain_text("40")
    earned = 48  # 5 % of the 960 that were paid in money
    found = api.get(f"members/{anna['id']}").get_json()["balance"]["available"]
    assert found == 1250 - 40 + earned


def test_a_code_is_said_with_its_last_digit(visit, api, anna, installation) -> None:
    page = visit(NARROW)
    find(page, "+79165550010")
    page.locator("#amount").fill("1000")
    page.locator("[data-spends]").click()
    page.locator("#code").wait_for()
    in_order(page)
    with installation.database.reading() as session:
        member = members.by_public_id(session, anna["id"])
        live = spend_codes.shown(session, installation.keys, member, installation.clock())
    page.locator("#code").fill(live.code)
    page.locator("#done").wait_for()
    assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] < 1250


def test_what_was_done_is_undone_from_the_shift(visit, api, anna, address) -> None:
    page = visit(NARROW)
    find(page, anna["card"]["number"])
    page.locator("#amount").fill("1000")
    page.locator("#deal [value='0']").click()
    page.locator("#done").wait_for()
    page.goto(f"{address}{COUNTER}/shift")
    page.locator(".c-undo > summary").click()
    in_order(page)
    page.locator("[data-act=undo] button").click()
    page.locator(".c-deeds .k-badge, .c-deeds .badge").first.wait_for()
    expect(page.locator(".c-undo")).to_have_count(0)
    assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 1250


def test_it_costs_little(visit, client, address) -> None:
    asked: set[str] = set()
    visit(asked=asked, language="ru")
    size = 0
    for path in (one.removeprefix(address) for one in asked):
        answer = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, path
        is_text = "Content-Encoding" not in answer.headers and answer.mimetype.startswith("text/")
        size += len(gzip.compress(answer.data) if is_text else answer.data)
    assert len(asked) > 12
    assert size <= MOST_PAGE_BYTES


def test_the_counter_alone_may_use_the_camera(client, installation) -> None:
    visitor = signed_in(client, installation, "cashier")
    for path, allowed in ((COUNTER, True), (f"{COUNTER}/shift", False), ("/", False)):
        headers = visitor.get(path).headers
        assert ("camera=(self)" in headers["Permissions-Policy"]) == allowed
        assert ("'wasm-unsafe-eval'" in headers["Content-Security-Policy"]) == allowed
        assert "'unsafe" not in headers["Content-Security-Policy"]
