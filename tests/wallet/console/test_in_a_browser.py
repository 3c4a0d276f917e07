"""Passkeys, and forms that come too late, in a real browser: with its virtual authenticator, under
our policy, in both languages."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import browsers
import gallery
import pyotp
import pytest
from flask import Blueprint, Flask, request
from flask_wtf.csrf import CSRFError
from playwright.sync_api import Browser, Page, expect
from servers import free_port
from sqlalchemy import delete
from visitors import signed_in
from werkzeug.serving import make_server

from wallet.access import staff, staff_sessions
from wallet.access.staff_sessions import StaffSession
from wallet.console import pages
from wallet.console.door import door
from wallet.console.pages import needs

ANNA, BORIS = "anna@example.com", "boris@example.com"
PHONE, DESK = 360, 1440
TRIAL = "/console/trial"

SHOTS = os.environ.get("KOPILKA_SHOTS")  # a folder, for whoever wants to look at the pages


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
def environment(environment: dict[str, str], port: int) -> dict[str, str]:
    """Browsers know passkeys for `localhost`, and the origin is compared to the last sign."""
    return {**environment, "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}"}


@dataclass
class Trial:
    """A page with forms, and what was sent by them and taken."""

    taken: list[dict[str, str]] = field(default_factory=list)
    revision: int = 1

    def add_to(self, app: Flask) -> None:
        routes = Blueprint("trial", __name__, template_folder=str(gallery.HERE / "templates"))
        routes.before_request(door._guard)
        routes.register_error_handler(CSRFError, door._on_foreign_form)
        routes.add_url_rule(TRIAL, "show", needs(None)(self.show))
        routes.add_url_rule(TRIAL, "send", needs(None)(self.send), methods=["POST"])
        app.register_blueprint(routes)

    def show(self) -> str:
        entries = {"name": "", "zone": "msk", "about": "", "open": False}
        return self._page(entries, {})

    def _page(self, entries: dict, problems: dict) -> str:
        taken = len(self.taken)
        given = {"entries": entries, "problems": problems, "revision": self.revision}
        return pages.show("gallery/kept.html", "home", taken=taken, **given)

    def send(self):
        form = dict(request.form)
        if form.get("name") == "wrong":
            return self._page({**form, "open": "open" in form}, {"name": "This is wrong."}), 422
        form.pop("csrf_token")
        self.taken.append(form)
        return "added" if request.headers.get("HX-Request") else pages.go("trial.show")


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
def app(app: Flask, trial: Trial) -> Flask:
    trial.add_to(app)
    return app


@dataclass
class Seat:
    """Where somebody sits before a browser."""

    page: Page
    address: str
    installation: object
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.address)

    def comes_to(self, path: str) -> None:
        self.page.wait_for_url(self.address + path)

    @property
    def keeps(self) -> str | None:
        """What this tab has put by."""
        return self.page.evaluate("sessionStorage.getItem('kopilka.unsent')")

    def be(self, email: str) -> None:
        """Be signed in as somebody, as after the door."""
        with self.installation.database.transaction() as session:
            employee_id = staff.by_email(session, email).id
            token = staff_sessions.begin(session, employee_id, self.installation.clock())
        cookie = {"name": door.COOKIE, "value": token, "url": self.address}
        self.page.context.add_cookies([cookie])

    def lose(self) -> None:
        """Have all sessions ended."""
        with self.installation.database.transaction() as session:
            session.execute(delete(StaffSession))

    def looks_right(self, name: str) -> None:
        assert browsers.faults(self.page) == []
        assert browsers.complaints(self.said) == []
        width = self.page.viewport_size["width"]
        assert self.page.evaluate("document.documentElement.scrollWidth") == width
        if SHOTS is not None:
            language = self.page.evaluate("document.documentElement.lang")
            shot = Path(SHOTS) / f"{name}-{language}-{width}.png"
            self.page.screenshot(path=str(shot), full_page=True)


@pytest.fixture
def sit(chromium: Browser, app: Flask, installation, client, port: int) -> Iterator:
    """Sit down before a browser, signed in as Anna."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for email in (ANNA, BORIS):
        signed_in(client, installation, "administrator", email=email)

    @contextmanager
    def sat(width: int = DESK, language: str = "en") -> Iterator[Seat]:
        context = browsers.patient(
            chromium.new_context(
                viewport={"width": width, "height": 800}, locale=language, reduced_motion="reduce"
            )
        )
        seat = Seat(context.new_page(), f"http://localhost:{port}", installation)
        seat.page.on("console", lambda line: seat.said.append(line.text))
        seat.page.on("pageerror", lambda error: seat.said.append(str(error)))
        seat.be(ANNA)
        yield seat
        context.close()

    yield sat
    server.shutdown()
    server.server_close()


def authenticator(seat: Seat) -> tuple:
    """The browser's own authenticator, with somebody at hand who always shows a finger."""
    devtools = seat.page.context.new_cdp_session(seat.page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, added["authenticatorId"]


class TestPasskeys:
    def test_one_is_added_signs_in_and_is_removed(self, sit) -> None:
        with sit() as seat:
            devtools, id_ = authenticator(seat)
            seat.go("/console/me/passkeys/add")
            seat.page.get_by_label("What you call this device").fill("My laptop")
            seat.press("Add a passkey")
            seat.comes_to("/console/me")
            assert seat.page.get_by_text("My laptop").is_visible()
            kept = devtools.send("WebAuthn.getCredentials", {"authenticatorId": id_})["credentials"]
            assert [one["rpId"] for one in kept] == ["localhost"]
            seat.lose()
            seat.go("/console/me")
            seat.press("Sign in with a passkey")
            seat.comes_to("/console/me")
            seat.go("/console/me/passkeys/add")
            seat.press("Add a passkey")
            seat.page.get_by_text("This device has a passkey for you already.").wait_for()
            seat.go("/console/me")
            seat.page.get_by_role("link", name="Remove the passkey My laptop").click()
            seat.press("Remove the passkey")
            seat.comes_to("/console/me")
            seat.lose()
            seat.go("/console/sign-in")
            seat.press("Sign in with a passkey")
            seat.page.get_by_text("This passkey is not known here, or was removed.").wait_for()
            assert not [line for line in seat.said if "422" not in line]

    def test_who_turns_back_is_told_how_to_go_on(self, sit) -> None:
        with sit() as seat:
            devtools, id_ = authenticator(seat)
            devtools.send(
                "WebAuthn.setUserVerified", {"authenticatorId": id_, "isUserVerified": False}
            )
            seat.go("/console/me/passkeys/add")
            seat.press("Add a passkey")
            seat.page.get_by_text("That did not work. Try once more.").wait_for()
            assert seat.path == "/console/me/passkeys/add"

    def test_by_another_name_of_this_machine_none_is_offered(self, sit) -> None:
        with sit() as seat:
            seat.go("/console/sign-in")
            at_home = seat.address
            seat.address = at_home.replace("localhost", "127.0.0.1")
            seat.be(ANNA)
            seat.go("/console/me/passkeys/add")
            seat.page.get_by_role("link", name="Open this page there").click()
            seat.address = at_home
            seat.comes_to("/console/me/passkeys/add")
            expect(seat.page.get_by_role("button", name="Add a passkey")).to_be_visible()
            seat.lose()
            seat.address = at_home.replace("localhost", "127.0.0.1")
            seat.go("/console/sign-in")
            assert seat.page.get_by_role("button", name="Sign in", exact=True).is_visible()
            assert not seat.page.get_by_role("button", name="Sign in with a passkey").is_visible()

    def test_who_has_to_show_who_they_are_first_is_led_there(self, sit, house) -> None:
        with sit() as seat:
            authenticator(seat)
            seat.go("/console/me/passkeys/add")
            house.clock.advance(seconds=staff_sessions.PROOF_LASTS.total_seconds())
            seat.press("Add a passkey")
            seat.comes_to("/console/me/confirm?next=/console/me&unsent=1")
            back = seat.page.locator("input[name=next]").input_value()
            assert back == "/console/me/passkeys/add"


class TestUnsentForms:
    """Nothing that was typed is lost."""

    def fill(self, seat: Seat) -> None:
        seat.go(TRIAL)
        page = seat.page
        page.get_by_label("Name", exact=True).fill("Утро <b>")
        page.get_by_label("Password").fill("let me in")
        page.get_by_label("Zone").select_option("ekb")
        page.get_by_label("Note").fill("two\nlines")
        page.get_by_label("Is open").check()
        page.get_by_label("café").check()

    def come_in(self, seat: Seat, email: str) -> None:
        """As somebody signs in at the door, which leads to where the form says."""
        wanted = seat.page.locator("input[name=next]").first.input_value()
        seat.be(email)
        seat.go(wanted)

    def values(self, seat: Seat) -> list:
        page = seat.page
        return [
            page.get_by_label("Name", exact=True).input_value(),
            page.get_by_label("Zone").input_value(),
            page.get_by_label("Note").input_value(),
            page.get_by_label("Is open").is_checked(),
            page.get_by_label("café").is_checked(),
        ]

    TYPED = ("Утро <b>", "ekb", "two\nlines", True, True)
    NOTHING = ("", "msk", "", False, False)
    BACK = "This was not sent yet."

    def test_after_a_session_they_are_back_and_can_be_sent(self, sit, trial: Trial) -> None:
        with sit() as seat:
            self.fill(seat)
            trial.revision = 2  # somebody else saved meanwhile
            seat.lose()
            seat.page.locator("#save").click()
            seat.page.get_by_text("Your session has ended.").wait_for()
            assert "let me in" not in seat.keeps
            self.come_in(seat, ANNA)
            assert seat.page.get_by_text(self.BACK).is_visible()
            assert self.values(seat) == [*self.TYPED]
            assert seat.page.get_by_label("Password").input_value() == ""
            assert trial.taken == []
            seat.page.locator("#save").click()
            expect(seat.page.locator("#taken")).to_have_text("1")
            (taken,) = trial.taken
            assert (taken["name"], taken["revision"]) == ("Утро <b>", "1")
            assert self.values(seat) == [*self.NOTHING]
            seat.go(TRIAL)
            assert self.values(seat) == [*self.NOTHING]
            assert not [line for line in seat.said if "422" not in line]

    def test_somebody_else_does_not_see_them(self, sit) -> None:
        with sit() as seat:
            self.fill(seat)
            seat.lose()
            seat.page.locator("#save").click()
            seat.page.get_by_text("Your session has ended.").wait_for()
            self.come_in(seat, BORIS)
            assert self.values(seat) == [*self.NOTHING]
            assert not seat.keeps

    def test_a_form_that_was_refused_and_then_taken_does_not_come_back(self, sit) -> None:
        with sit() as seat:
            self.fill(seat)
            seat.page.get_by_label("Name", exact=True).fill("wrong")
            seat.page.locator("#save").click()
            seat.page.get_by_role("link", name="This is wrong.").wait_for()
            seat.page.get_by_label("Name", exact=True).fill("right")
            seat.page.locator("#save").click()
            expect(seat.page.locator("#taken")).to_have_text("1")
            assert self.values(seat) == [*self.NOTHING]
            assert not seat.keeps

    def test_after_another_tab_signed_in_anew_there_is_a_way_back(self, sit, trial) -> None:
        with sit() as seat:
            self.fill(seat)
            seat.page.context.clear_cookies(name="kopilka_form")
            seat.page.locator("#save").click()
            seat.page.get_by_role("link", name="Back to the form, with what you typed").click()
            assert self.values(seat) == [*self.TYPED]
            seat.page.locator("#save").click()
            expect(seat.page.locator("#taken")).to_have_text("1")

    def test_a_form_that_htmx_sends_comes_back_as_well(self, sit, trial: Trial) -> None:
        with sit() as seat:
            seat.go(TRIAL)
            seat.page.get_by_label("Line").fill("one line")
            seat.lose()
            seat.page.locator("#add").click()
            seat.page.get_by_text("Your session has ended.").wait_for()
            self.come_in(seat, ANNA)
            assert seat.page.get_by_label("Line").input_value() == "one line"
            seat.page.locator("#add").click()
            seat.page.get_by_text("added").wait_for()
            assert not seat.keeps
            seat.page.get_by_label("Line").fill("another")
            seat.page.context.clear_cookies(name="kopilka_form")
            seat.page.locator("#add").click()
            seat.page.get_by_text(self.BACK).wait_for()
            assert seat.page.get_by_label("Line").input_value() == "another"

    def test_a_piece_that_is_fetched_while_one_types_loses_nothing(self, sit) -> None:
        with sit() as seat:
            self.fill(seat)
            seat.lose()
            with seat.page.expect_navigation():
                seat.page.evaluate("htmx.ajax('GET', location.href, '#taken').then(() => null)")
            self.come_in(seat, ANNA)
            assert seat.page.get_by_text(self.BACK).is_visible()
            assert self.values(seat) == [*self.TYPED]

    def test_what_a_page_fetches_by_itself_says_so(self, sit) -> None:
        with sit() as seat:
            asked = []
            seat.page.on("request", lambda one: asked.append((one.url, one.headers)))
            seat.go("/console/programmes/demo/")
            expect(seat.page.locator("#jobs-bar")).to_be_attached()
            seat.page.wait_for_load_state("networkidle")
            (headers,) = [headers for url, headers in asked if url.endswith("/jobs/bar")]
            assert headers["x-background"] == "yes"

    def test_who_signs_out_leaves_nothing(self, sit) -> None:
        with sit() as seat:
            self.fill(seat)
            seat.lose()
            seat.page.locator("#save").click()
            seat.page.get_by_text("Your session has ended.").wait_for()
            seat.be(ANNA)
            seat.go("/console/me")
            seat.page.locator("summary.k-me").click()
            seat.press("Sign out")
            seat.comes_to("/console/sign-in")
            assert not seat.keeps


SET_UP = {"en": "Set up the app", "ru": "Настроить приложение"}


@pytest.mark.parametrize(("language", "width"), [("ru", PHONE), ("en", DESK)])
def test_pages_of_ones_own_are_in_order(sit, house, language: str, width: int) -> None:
    with sit(width, language) as seat:
        authenticator(seat)
        seat.go("/console/me")
        seat.looks_right("me-new")
        for path in ("password", "confirm", "passkeys/add"):
            seat.go(f"/console/me/{path}")
            seat.looks_right(path.replace("/", "-"))
        seat.page.locator("form[data-passkey] button").click()
        seat.comes_to("/console/me")
        seat.go("/console/me/app")
        seat.page.locator("details summary").last.click()
        secret = seat.page.locator("#key").input_value()
        seat.looks_right("app")
        seat.page.locator("#code").fill(pyotp.TOTP(secret).at(house.clock()))
        seat.press(SET_UP[language])
        seat.page.locator(".k-codes code").nth(9).wait_for()
        seat.looks_right("codes")
        seat.go("/console/me")
        seat.looks_right("me")
        for path in ("app/remove", "passkeys/1/remove"):
            seat.go(f"/console/me/{path}")
            seat.looks_right(path.replace("/", "-"))
        seat.lose()
        for path in ("/console/sign-in?unsent=1", "/console/forgotten"):
            seat.go(path)
            seat.looks_right(re.sub("[^a-z]", "", path))
