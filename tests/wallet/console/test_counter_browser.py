"""The browser's half of the cashier's page, in a real browser with a camera that sees a picture:
what comes in by camera, by scanner and by hand, and what becomes of it when the network goes."""

import gzip
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import browsers
import pytest
import zxingcpp
from counter_page import GUEST, PAGE, PROGRAMME, CounterTrial
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from werkzeug.serving import make_server

from wallet.console import site as console
from wallet.console.counter import offline
from wallet.pages import site
from wallet.passes import codes
from wallet.web import compression

MOST_PAGE_BYTES = 230_000
MOST_SCANNER_BYTES = 440_000
FORMATS = {
    "QR": zxingcpp.BarcodeFormat.QRCode,
    "PDF417": zxingcpp.BarcodeFormat.PDF417,
    "Aztec": zxingcpp.BarcodeFormat.Aztec,
    "Code 128": zxingcpp.BarcodeFormat.Code128,
}
# How scanners and hands type, in seconds between two strokes.
SCANNER_S, HAND_S = 0.01, 0.15
ENDS = {"Enter": "\r", "Tab": "\t"}
RUSSIAN = dict(zip("qwertyuiopasdfghjklzxcvbnm", "йцукенгшщзфывапролдячсмить", strict=True))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees: the file is read when the camera is opened."""
    return tmp_path_factory.mktemp("camera") / "film.mjpeg"


@pytest.fixture(scope="module")
def chrome(film: Path) -> Iterator[Browser]:
    show(film, "nothing yet", "QR")
    camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    with browsers.chromium(*camera) as browser:
        yield browser


def show(film: Path, code: str, kind: str) -> None:
    """Hold a code before the camera, a little askew."""
    drawn = zxingcpp.create_barcode(code, FORMATS[kind]).to_image(scale=3)
    barcode = Image.fromarray(drawn.__array__() if hasattr(drawn, "__array__") else drawn)
    picture = Image.new("L", (640, 480), 235)
    barcode.thumbnail((560, 400))
    picture.paste(barcode, ((640 - barcode.width) // 2, (480 - barcode.height) // 2))
    picture = picture.rotate(4, fillcolor=235, resample=Image.Resampling.BICUBIC).convert("RGB")
    fresh = film.with_suffix(".new")
    with fresh.open("wb") as frames:
        for _frame in range(2):
            picture.save(frames, "JPEG", quality=90)
    fresh.replace(film)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[CounterTrial, Flask, str]]:
    """The page and its server: with the console's files and words, and without a database."""
    trial, app = CounterTrial(), Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    site.add_to(app)
    console.add_to(app, "http://127.0.0.1")
    trial.add_to(app)
    compression.add_to(app)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield trial, app, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def trial(served: tuple[CounterTrial, Flask, str]) -> CounterTrial:
    served[0].begin_anew()
    return served[0]


@pytest.fixture
def address(trial: CounterTrial, served: tuple[CounterTrial, Flask, str]) -> str:
    return served[2]


@pytest.fixture
def client(trial: CounterTrial, served: tuple[CounterTrial, Flask, str]) -> FlaskClient:
    return served[1].test_client()


@dataclass
class Counter:
    """The page as a cashier has it."""

    context: BrowserContext
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def told(self, words: str) -> None:
        expect(self.page.locator("#told")).to_contain_text(words)

    def network(self, state: str) -> None:
        expect(self.page.locator(f"#network[data-state={state}]")).to_be_visible()

    def guest(self, words: str) -> None:
        expect(self.page.locator("#guest")).to_contain_text(words)

    def kept(self, *states: str) -> None:
        """What is listed, the newest first."""
        expect(self.page.locator("#kept li")).to_have_count(len(states))
        for row, state in zip(self.page.locator("#kept li").all(), states, strict=True):
            expect(row).to_have_attribute("data-state", state)

    def type(self, text: str, gap_s: float, *, russian: bool = False, end: str = "Enter") -> None:
        """Keys as a keyboard sends them, so many seconds apart by its own clock."""
        keyboard = self.context.new_cdp_session(self.page)
        at = self.page.evaluate("(performance.timeOrigin + performance.now()) / 1000")
        for sign in [*text, end]:
            at += gap_s
            stroke = {**_stroke(sign, russian=russian), "timestamp": at}
            keyboard.send("Input.dispatchKeyEvent", stroke)
        keyboard.detach()

    def keep(self, card: str = GUEST, amount: str = "250") -> None:
        """Without a network: scan, amount, button."""
        self.type(card, SCANNER_S)
        self.page.locator("#amount").fill(amount)
        self.page.locator("#guest .btn-primary").click()
        self.told("Kept")


def _stroke(sign: str, *, russian: bool) -> dict[str, object]:
    if sign in ENDS:
        stroke = {"key": sign, "code": sign, "windowsVirtualKeyCode": ord(ENDS[sign])}
        return {"type": "keyDown", "text": ENDS[sign], **stroke}
    place = f"Digit{sign}" if sign.isdigit() else f"Key{sign.upper()}"
    typed = RUSSIAN.get(sign.lower(), sign) if russian else sign
    typed = typed.upper() if sign.isupper() else typed
    stroke = {"key": typed, "code": place, "modifiers": 8 if sign.isupper() else 0}
    return {"type": "keyDown", "text": typed, **stroke}


Open = Callable[..., Counter]


@pytest.fixture
def visit(chrome: Browser, address: str) -> Iterator[Open]:
    """Open the page in a browser of its own, or in the one of another tab."""
    opened: list[BrowserContext] = []

    def visit(
        beside: Counter | None = None,
        *,
        init: str = "",
        worker: bool = False,
    ) -> Counter:
        if beside is None:
            context = browsers.patient(
                chrome.new_context(
                    viewport={"width": 1024, "height": 768},
                    locale="en",
                    service_workers="allow" if worker else "block",
                )
            )
            opened.append(context)
        else:
            context = beside.context
        if init:
            context.add_init_script(init)
        counter = Counter(context, context.new_page())
        counter.page.on("console", lambda line: counter.said.append(line.text))
        counter.page.on("pageerror", lambda error: counter.said.append(str(error)))
        counter.page.on("request", lambda request: counter.asked.append(request.url))
        counter.page.goto(address + PAGE)
        counter.page.locator("#counter[data-ready]").wait_for()
        return counter

    yield visit
    for context in opened:
        context.close()


@pytest.fixture
def counter(visit: Open) -> Counter:
    return visit()


class TestTheCamera:
    def test_reads_every_kind_of_code(self, visit, film: Path, trial: CounterTrial) -> None:
        counter = visit(worker=True)
        counter.context.grant_permissions(["camera"])
        for number, kind in enumerate(FORMATS, 1):
            show(film, f"{GUEST}{number}", kind)
            counter.page.locator("[data-camera]").click()
            counter.guest("Anna")
            expect(counter.page.locator("#camera")).not_to_be_visible()
            counter.page.keyboard.press("Escape")
            counter.guest("Scan the guest")
        assert trial.found == [f"{GUEST}{number}" for number in range(1, 5)]
        assert counter.said == []
        assert {urlsplit(one).netloc for one in counter.asked} == {
            urlsplit(counter.page.url).netloc
        }

    def test_refused_says_why_and_leads_to_typing(self, counter: Counter) -> None:
        counter.page.locator("[data-camera]").click()
        counter.told("does not allow the camera")
        expect(counter.page.locator("#camera")).not_to_be_visible()
        expect(counter.page.locator("#scan")).to_be_focused()

    @pytest.mark.parametrize(
        ("name", "words"),
        [("NotFoundError", "No camera was found"), ("NotReadableError", "Another program")],
    )
    def test_without_one_it_says_so(self, visit, name: str, words: str) -> None:
        refusal = f"Promise.reject(new DOMException('', '{name}'))"
        counter = visit(init=f"navigator.mediaDevices.getUserMedia = () => {refusal}")
        counter.page.locator("[data-camera]").click()
        counter.told(words)
        expect(counter.page.locator("#scan")).to_be_focused()


class TestAScannerThatTypes:
    def test_is_heard_from_anywhere_and_leaves_the_amount_alone(self, counter, trial) -> None:
        counter.type(GUEST, SCANNER_S)
        counter.guest("Anna")
        amount = counter.page.locator("#amount")
        amount.fill("250")
        held: list[Route] = []
        counter.page.route("**/guest?*", lambda one: held.append(one))
        with counter.page.expect_request("**/guest?*"):
            counter.type("5555555555554444", SCANNER_S, end="Tab")
        assert amount.input_value() == "250"
        held[0].continue_()
        counter.page.locator("#guest [value='5555555555554444']").wait_for(state="attached")
        assert trial.found == [GUEST, "5555555555554444"]
        assert trial.acts == []
        amount.fill("250")
        counter.type("77", SCANNER_S, end="Tab")  # two signs are no code
        assert amount.input_value() == "25077"

    def test_a_hand_is_none(self, counter: Counter, trial: CounterTrial) -> None:
        counter.type(GUEST, SCANNER_S)
        counter.guest("Anna")
        counter.page.locator("#amount").focus()
        counter.type("1250", HAND_S)
        counter.guest("45 points earned")
        assert trial.found == [GUEST]
        assert [act["amount"] for act in trial.acts] == ["1250"]

    def test_the_layout_of_the_computer_does_not_spoil_the_code(self, counter, trial) -> None:
        counter.type("Club4711ab", SCANNER_S, russian=True)
        counter.guest("Anna")
        assert trial.found == ["Club4711ab"]
        assert counter.page.locator("#scan").input_value() == ""

    def test_the_same_code_twice_is_one_scan(self, counter: Counter, trial: CounterTrial) -> None:
        counter.page.evaluate("performance.now = () => 10_000")  # no time passes
        counter.type(GUEST, SCANNER_S)
        counter.guest("Anna")
        counter.type(GUEST, SCANNER_S)
        counter.page.evaluate("performance.now = () => 13_000")
        with counter.page.expect_response("**/guest?*"):
            counter.type(GUEST, SCANNER_S)
        assert trial.found == [GUEST, GUEST]

    def test_a_scan_during_a_scan_is_none(self, counter: Counter, trial: CounterTrial) -> None:
        held: list[Route] = []
        counter.page.route("**/guest?*", lambda one: held.append(one))
        counter.type(GUEST, SCANNER_S)
        counter.type("5555555555554444", SCANNER_S)
        counter.told("Wait for the answer")
        held[0].continue_()
        counter.guest("Anna")
        assert trial.found == [GUEST]

    def test_what_is_not_there_is_heard(self, counter: Counter) -> None:
        counter.type("0000", SCANNER_S)
        counter.guest("There is no such card")
        expect(counter.page.locator("#counter[data-heard=bad]")).to_be_visible()
        expect(counter.page.locator("#scan")).to_be_focused()


class TestAnAct:
    def test_then_the_next_guest(self, counter: Counter, trial: CounterTrial) -> None:
        counter.type(GUEST, SCANNER_S)
        counter.guest("Anna")
        expect(counter.page.locator("#amount")).to_be_focused()
        counter.page.keyboard.type("250", delay=HAND_S * 1000)
        counter.page.locator("#guest .btn-primary").click()
        counter.guest("45 points earned")
        expect(counter.page.locator("#scan")).to_be_focused()
        expect(counter.page.locator("#counter[data-heard=good]")).to_be_visible()
        counter.page.keyboard.press("Escape")
        counter.guest("Scan the guest")
        assert len(trial.acts) == 1

    def test_pressed_twice_is_done_once(self, counter: Counter, trial: CounterTrial) -> None:
        held: list[Route] = []
        counter.page.route("**/earn", lambda one: held.append(one))
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("250")
        counter.page.locator("#amount").press("Enter")
        expect(counter.page.locator("#guest .btn-primary")).to_be_disabled()
        counter.page.evaluate("document.querySelector('[data-act=earn]').requestSubmit()")
        counter.page.keyboard.press("Escape")
        held[0].continue_()
        counter.guest("45 points earned")
        assert len(held) == len(trial.acts) == 1

    def test_what_is_wrong_stays_to_be_put_right(self, counter: Counter) -> None:
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("two")
        counter.page.locator("#guest .btn-primary").click()
        counter.guest("Type the amount in digits")
        expect(counter.page.locator("#amount")).to_be_focused()

    def test_whose_answer_was_lost_is_repeated_with_its_key(self, counter, trial) -> None:
        answers = iter([lambda one: (one.fetch(), one.abort()), lambda one: one.continue_()])
        counter.page.route("**/earn", lambda one: next(answers)(one))
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("250")
        counter.page.locator("#guest .btn-primary").click()
        counter.guest("45 points earned")
        assert len(trial.acts) == 2
        assert len(trial.booked) == 1
        counter.network("online")

    def test_that_gets_no_answer_at_all_waits_in_the_queue(self, counter, trial) -> None:
        counter.page.route("**/earn", lambda one: (one.fetch(), one.abort()))
        counter.page.route("**/token", lambda one: one.abort())
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("250,5")
        counter.page.locator("#guest .btn-primary").click()
        counter.told("sent or not is not known yet")
        counter.network("offline")
        counter.kept("waiting")
        assert len(trial.acts) == 2
        counter.page.unroute_all()
        counter.page.evaluate("dispatchEvent(new Event('online'))")
        counter.kept("done")
        assert len(trial.booked) == 1
        assert trial.posts[0]["entries"][0] | {"at": 0} == {
            "key": trial.acts[0]["key"],
            "card": GUEST,
            "amount": "250.5",
            "at": 0,
        }

    def test_of_another_kind_is_not_promised(self, counter: Counter) -> None:
        counter.page.route("**/earn", lambda one: one.abort())
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("[data-act=coupon] button").click()
        counter.told("whether it was done is not known")
        expect(counter.page.locator("[data-act=coupon] button")).to_be_enabled()
        counter.kept()


class TestWithoutANetwork:
    def test_receipts_wait_and_are_sent_in_order(self, counter: Counter, trial) -> None:
        counter.context.set_offline(True)
        counter.network("offline")
        for number in range(3):
            counter.keep(f"{GUEST}{number}", f"{number + 1}00")
        counter.kept("waiting", "waiting", "waiting")
        expect(counter.page.locator("#kept-count [data-waiting]")).to_have_text("3")
        assert trial.posts == []
        counter.context.set_offline(False)
        counter.network("online")
        counter.kept("done", "done", "done")
        (post,) = trial.posts
        assert [one["card"] for one in post["entries"]] == [f"{GUEST}{n}" for n in range(3)]
        assert [one["amount"] for one in post["entries"]] == ["100", "200", "300"]
        assert all(one["at"] <= post["now"] for one in post["entries"])
        assert set(post["entries"][0]) == {"key", "card", "amount", "at"}

    def test_nothing_is_lost_by_a_reload_and_a_refusal_stays_until_put_away(
        self, visit: Open, trial: CounterTrial
    ) -> None:
        counter = visit(worker=True)
        trial.refused["1111"] = "This card is blocked."
        counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        counter.context.set_offline(True)
        counter.keep("1111")
        counter.keep("2222")
        counter.page.reload()
        counter.network("offline")
        counter.kept("waiting", "waiting")
        counter.context.set_offline(False)
        counter.kept("done", "refused")
        counter.page.reload()
        counter.kept("done", "refused")
        counter.page.locator("#kept-count").click()
        refused = counter.page.locator("#kept li[data-state=refused]")
        expect(refused).to_contain_text("This card is blocked.")
        refused.get_by_role("button").click()
        counter.kept("done")
        assert len(trial.posts) == 1

    def test_who_is_signed_out_is_told_and_sends_once_back(self, counter, trial) -> None:
        counter.context.set_offline(True)
        counter.keep()
        trial.is_out = True
        counter.context.set_offline(False)
        counter.network("signed_out")
        counter.kept("waiting")
        counter.page.get_by_role("link", name="Sign in").click()
        expect(counter.page.locator("h1")).to_have_text("The door")
        trial.is_out = False
        counter.page.goto(counter.asked[0])
        counter.kept("done")
        counter.network("online")
        assert [len(post["entries"]) for post in trial.posts] == [1]

    @pytest.mark.parametrize("locks", ["navigator.locks", "undefined"])
    def test_two_tabs_do_not_send_the_same(self, visit, trial: CounterTrial, locks: str) -> None:
        init = f"Object.defineProperty(navigator, 'locks', {{value: {locks}}})"
        first = visit(init=init)
        second = visit(first)
        first.context.set_offline(True)
        first.keep()
        second.kept("waiting")
        held: list[Route] = []
        first.context.route("**/queue", lambda one: held.append(one))
        first.context.set_offline(False)
        first.page.evaluate("dispatchEvent(new Event('online'))")
        while not held:
            first.page.evaluate("new Promise(requestAnimationFrame)")
        assert second.page.evaluate(SEND) == "elsewhere"
        for route in held:
            route.continue_()
        first.kept("done")
        second.kept("done")
        assert len(trial.posts) == 1

    def test_where_a_server_fails_the_receipt_waits(self, counter: Counter, trial) -> None:
        counter.context.set_offline(True)
        counter.keep()
        counter.page.route("**/queue", lambda one: one.fulfill(status=500, body="oh"))
        counter.context.set_offline(False)
        counter.network("trouble")
        counter.kept("waiting")
        counter.page.unroute_all()
        counter.page.evaluate("dispatchEvent(new Event('online'))")
        counter.kept("done")
        assert len(trial.booked) == 1

    def test_what_is_no_amount_is_not_kept(self, counter: Counter) -> None:
        counter.context.set_offline(True)
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("12,5,0")
        counter.page.locator("#guest .btn-primary").click()
        counter.told("Type an amount")
        expect(counter.page.locator("#amount")).to_be_focused()
        counter.kept()

    def test_a_browser_that_keeps_nothing_says_so(self, visit: Open) -> None:
        counter = visit(init="indexedDB.open = () => { throw new Error('private') }")
        counter.context.set_offline(True)
        counter.type(GUEST, SCANNER_S)
        counter.page.locator("#amount").fill("250")
        counter.page.locator("#guest .btn-primary").click()
        counter.told("Write the receipt down")
        assert counter.page.locator("#amount").input_value() == "250"

    def test_a_page_by_http_has_keys_too(self, visit: Open, trial: CounterTrial) -> None:
        counter = visit(init="crypto.randomUUID = undefined")
        counter.context.set_offline(True)
        counter.keep()
        counter.keep("2222")
        counter.context.set_offline(False)
        counter.kept("done", "done")
        assert len({str(UUID(key, version=4)) for key in trial.booked}) == 2


class TestASignedCode:
    @pytest.fixture
    def key(self, trial: CounterTrial) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        others = Ed25519PrivateKey.generate()
        trial.keys += [
            {"id": name, "public_key": one.public_key().public_bytes_raw().hex()}
            for name, one in (("old", others), ("new", key))
        ]
        return key

    @pytest.mark.parametrize("card", [GUEST, "Club-4711"])
    def test_that_is_genuine_is_known_without_a_network(self, key, visit, trial, card) -> None:
        counter = visit()
        wait_for_keys(counter)
        counter.context.set_offline(True)
        code = codes.mint("ed25519", PROGRAMME, card, 3, key.sign)
        by_hand(counter, codes.of_coupon("ab" * 16, code))
        counter.guest("The code is genuine")
        counter.guest(card)
        counter.page.locator("#amount").fill("250")
        counter.page.locator("#guest .btn-primary").click()
        counter.context.set_offline(False)
        counter.kept("done")
        assert [one["card"] for one in trial.booked.values()] == [card]

    def test_that_is_forged_is_refused_in_five_words(self, key, visit) -> None:
        counter = visit()
        wait_for_keys(counter)
        counter.context.set_offline(True)
        code = codes.mint("ed25519", PROGRAMME, GUEST, 3, key.sign)
        last = str((int(code[-1]) + 1) % 10)
        forger = Ed25519PrivateKey.generate()
        for forged in (
            code[:-1] + last,
            code.replace("4242", "4243", 1),
            codes.mint("ed25519", PROGRAMME, GUEST, 3, forger.sign),
            codes.mint("ed25519", "other", GUEST, 3, key.sign),
            code[:100],
        ):
            by_hand(counter, forged)
            counter.told("This code is a forgery.")
            counter.page.keyboard.press("Escape")
            counter.told("")
        counter.kept()

    def test_that_cannot_be_checked_goes_along_whole(self, key, visit, trial) -> None:
        counter = visit(init="delete SubtleCrypto.prototype.verify")
        wait_for_keys(counter)
        counter.context.set_offline(True)
        code = codes.mint("ed25519", PROGRAMME, GUEST, 3, key.sign)
        by_hand(counter, code)
        counter.guest("It cannot be checked now")
        counter.page.locator("#amount").fill("250")
        counter.page.locator("#guest .btn-primary").click()
        counter.context.set_offline(False)
        counter.kept("done")
        assert [one["card"] for one in trial.booked.values()] == [code]

    def test_what_is_no_card_is_told_apart(self, counter: Counter) -> None:
        counter.context.set_offline(True)
        by_hand(counter, "a" * 40)
        counter.told("no card's code")


def by_hand(counter: Counter, code: str) -> None:
    """Codes are long, and a test would type for seconds."""
    counter.page.locator("#scan").fill(code)
    counter.page.locator("#scan").press("Enter")


def wait_for_keys(counter: Counter) -> None:
    """Until the page has the public keys."""
    while not counter.page.evaluate("Object.keys(localStorage).length"):
        counter.page.evaluate("new Promise(requestAnimationFrame)")


class TestThePageItself:
    def test_opens_without_a_network_with_its_scanner(self, visit, film, trial) -> None:
        counter = visit(worker=True)
        counter.context.grant_permissions(["camera"])
        counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        counter.page.reload()  # this time the worker sees the page
        show(film, GUEST, "QR")
        counter.page.locator("[data-camera]").click()
        counter.guest("Anna")
        counter.context.new_cdp_session(counter.page).send("Network.clearBrowserCache")
        counter.context.set_offline(True)
        counter.page.reload()
        counter.network("offline")
        counter.page.locator("[data-camera]").click()
        counter.guest(GUEST)
        kept = counter.page.evaluate(KEPT)
        assert [path for path in kept if not path.startswith("/console/static/")] == [PAGE]
        assert counter.page.evaluate("document.fonts.check('17px \"Golos Text\"')")

    def test_costs_little_before_it_is_used_and_the_scanner_not_much(self, visit, client) -> None:
        counter = visit(worker=True)
        counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        before = set(counter.asked)
        kept = {f"http://x{path}" for path in counter.page.evaluate(KEPT)}
        counter.context.grant_permissions(["camera"])
        with counter.page.expect_request("**/zxing_reader.wasm"):
            counter.page.locator("[data-camera]").click()
        scanner = set(counter.asked) - before
        assert len(scanner) == 2 and len(before) > 12
        assert packed(client, before | kept) <= MOST_PAGE_BYTES
        assert packed(client, scanner) <= MOST_SCANNER_BYTES

    def test_a_new_version_waits_until_no_page_is_open(self, visit, monkeypatch) -> None:
        counter = visit(worker=True)
        counter.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        monkeypatch.setattr(offline, "LATER", ())
        counter.page.evaluate("navigator.serviceWorker.ready.then((one) => one.update())")
        while not counter.page.evaluate(
            "navigator.serviceWorker.ready.then((one) => Boolean(one.waiting))"
        ):
            counter.page.evaluate("new Promise(requestAnimationFrame)")
        assert counter.page.evaluate(
            "navigator.serviceWorker.controller === null || "
            "navigator.serviceWorker.controller.state === 'activated'"
        )
        address = counter.page.url
        counter.page.close()
        counter.page = counter.context.new_page()
        counter.page.goto(address)
        while counter.page.evaluate(
            "navigator.serviceWorker.ready.then((one) => Boolean(one.waiting))"
        ):
            counter.page.evaluate("new Promise(requestAnimationFrame)")

    def test_can_be_installed(self, client, trial) -> None:
        told = client.get(f"{PAGE}/app.webmanifest")
        assert told.mimetype == "application/manifest+json"
        assert told.get_json(force=True)["start_url"] == PAGE
        worker = client.get(f"{PAGE}/worker.js")
        assert worker.headers["Service-Worker-Allowed"] == PAGE
        assert worker.headers["Cache-Control"] == "no-cache"


# What a tab does when it finds a network.
SEND = """async () => {
  const { scope, queue, token } = document.getElementById("counter").dataset;
  const { src } = document.querySelector("script[src*='counter.js']");
  const { Queue } = await import(src.replace("counter.js", "queue.js"));
  return new Queue({ name: scope, addresses: { queue, token } }).send();
}"""
KEPT = """caches.keys()
.then((all) => Promise.all(all.map((one) => caches.open(one))))
.then((all) => Promise.all(all.map((one) => one.keys())))
.then((all) => all.flat().map(({url}) => new URL(url).pathname + new URL(url).search))"""


def packed(client, addresses: set[str]) -> int:
    """So many bytes go over the wire."""
    size = 0
    for path in {f"{urlsplit(one).path}?{urlsplit(one).query}" for one in addresses}:
        answer = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, path
        is_page = answer.mimetype == "text/html"
        size += len(gzip.compress(answer.data) if is_page else answer.data)
    return size
