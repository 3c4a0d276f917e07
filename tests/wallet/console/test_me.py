"""What is one's own in the console, and the second step at the door."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pyotp
import pytest
from authenticators import Authenticator
from flask.testing import FlaskClient
from sqlalchemy import select
from visitors import FORM_TOKEN, HOME, Visitor, signed_in
from werkzeug.test import TestResponse

from wallet.access import admission, passwords, second_factors, staff, staff_sessions
from wallet.access.changes import RecordedChange
from wallet.access.letters import StaffLetter
from wallet.web.app import create_app

PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
OTHER = "another long one"  # pragma: allowlist secret
ANNA = "anna@example.com"
ME = "/console/me"
SIGN_IN, CODE = "/console/sign-in", "/console/sign-in/code"
ORIGIN = "http://localhost:8080"
SECRET = re.compile(r'id="key" value="([A-Z2-7]+)"')
SEALED = re.compile(r'name="sealed" value="([^"]+)"')


@pytest.fixture(scope="module")
def digest() -> str:
    return admission.hashed(PASSWORD)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, digest: str) -> None:
    """Passwords are looked at at once: how long that takes is told in `test_door`."""
    known = {digest: PASSWORD}

    def hashed(password: str) -> str:
        known[f"digest of {password}"] = password
        return f"digest of {password}"

    monkeypatch.setattr(passwords, "hashed", hashed)
    monkeypatch.setattr(passwords, "fits", lambda one, digest: known.get(digest) == one)


class Anna(Visitor):
    """Somebody with a password, and with a phone in her pocket."""

    secret = ""

    def __init__(self, client: FlaskClient, clock: Callable) -> None:
        super().__init__(client)
        self.clock = clock

    def code(self) -> str:
        """What her app shows now."""
        return pyotp.TOTP(self.secret).at(self.clock())

    def set_up(self) -> list[str]:
        """Set up the app; the codes for paper."""
        page = self.read(f"{ME}/app")
        self.secret = SECRET.search(page)[1]
        sealed = SEALED.search(page)[1]
        answer = self.send(f"{ME}/app", sealed=sealed, code=self.code())
        assert answer.status_code == 200, answer.text
        self.clock.advance(seconds=60)
        return re.findall(r"<code>([\w-]+)</code>", answer.text)

    def sign_in(self, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.send(SIGN_IN, email=ANNA, password=password, **more)

    def ask(self, path: str, form: str = ME) -> dict:
        """The options that the script of a page is given."""
        found = FORM_TOKEN.search(self.get(form).text)
        return json.loads(self.post(path, csrf_token=found[1]).text)


@pytest.fixture
def anna(client, installation, house, digest: str, quick) -> Anna:
    signed_in(client, installation, "administrator", email=ANNA)
    with installation.database.transaction() as session:
        staff.by_email(session, ANNA).password_hash = digest
    return Anna(client, house.clock)


@pytest.fixture
def elsewhere(app, anna, installation, house) -> Anna:
    """Anna in another browser, signed in as well."""
    other = Anna(app.test_client(), house.clock)
    other.sign_in()
    assert other.is_in
    return other


def noted(installation) -> list[str]:
    with installation.database.reading() as session:
        return list(session.scalars(select(RecordedChange.code).order_by(RecordedChange.id)))


class TestApp:
    def test_from_then_on_it_is_asked_for(self, anna, installation) -> None:
        assert len(anna.set_up()) == second_factors.RECOVERY_CODES
        assert "10 recovery codes left" in anna.read(ME)
        anna.sign_out()
        answer = anna.sign_in(next="/console/me")
        assert (answer.status_code, answer.location) == (303, f"{CODE}?next=/console/me")
        assert not anna.is_in
        wrong = anna.send(CODE, code="000000", next="/console/me")
        assert (wrong.status_code, anna.is_in) == (422, False)
        assert "This code is not right, or was used before." in wrong.text
        right = anna.send(CODE, code=anna.code(), next="/console/me")
        assert (right.status_code, right.location, anna.is_in) == (303, "/console/me", True)
        assert noted(installation) == ["employee.second_factor_set"]

    def test_a_code_from_paper_is_noted(self, anna, installation) -> None:
        code, *_ = anna.set_up()
        anna.sign_out()
        anna.sign_in()
        assert anna.send(CODE, code=code).status_code == 303
        assert noted(installation)[-1] == "employee.recovery_code_used"
        assert "9 recovery codes left" in anna.read(ME)

    def test_a_wrong_code_sets_nothing_up_and_keeps_the_picture(self, anna) -> None:
        page = anna.read(f"{ME}/app")
        answer = anna.send(f"{ME}/app", sealed=SEALED.search(page)[1], code="12")
        assert answer.status_code == 422
        assert SECRET.search(answer.text)[1] == SECRET.search(page)[1]
        assert "This code is not right." in answer.text
        assert "not set up" in anna.read(ME)

    def test_a_secret_that_was_made_for_somebody_else_is_not_taken(
        self, anna, app, installation, house
    ) -> None:
        boris = Visitor(app.test_client())
        signed_in(boris.client, installation, "viewer", email="boris@example.com")
        theirs = SEALED.search(boris.read(f"{ME}/app"))[1]
        for sealed in (theirs, "made up", ""):
            answer = anna.send(f"{ME}/app", sealed=sealed, code="000000")
            assert (answer.status_code, answer.location) == (303, f"{ME}/app")

    def test_where_one_came_in_without_it_one_is_out(self, anna, elsewhere) -> None:
        anna.set_up()
        assert anna.is_in
        assert not elsewhere.is_in

    def test_new_codes_for_paper(self, anna, installation) -> None:
        old = anna.set_up()
        answer = anna.send(ME, f"{ME}/recovery-codes")
        new = re.findall(r"<code>([\w-]+)</code>", answer.text)
        assert not set(old) & set(new)
        assert noted(installation)[-1] == "employee.recovery_codes_made"

    def test_it_is_removed(self, anna, installation) -> None:
        anna.set_up()
        assert "10 recovery codes work no more." in anna.read(f"{ME}/app/remove")
        assert anna.send(f"{ME}/app/remove").status_code == 303
        assert noted(installation)[-1] == "employee.second_factor_removed"
        anna.sign_out()
        anna.sign_in()
        assert anna.is_in

    def test_a_link_for_another_password_does_not_go_round_it(self, anna, installation) -> None:
        anna.set_up()
        anna.sign_out()
        with installation.database.transaction() as session:
            link = admission.reset(session, ANNA, anna.clock())
        answer = anna.send(f"/console/welcome/{link}", password=OTHER)
        assert answer.location.startswith(CODE)
        assert not anna.is_in
        assert anna.send(CODE, code=anna.code()).status_code == 303

    def test_the_code_alone_is_no_way_in(self, anna) -> None:
        anna.set_up()
        anna.sign_out()
        assert anna.get(CODE).location.startswith(SIGN_IN)
        token = FORM_TOKEN.search(anna.get(SIGN_IN).text)[1]
        answer = anna.post(CODE, csrf_token=token, code=anna.code())
        assert answer.location.startswith(SIGN_IN)
        assert not anna.is_in


class TestProof:
    def test_who_changes_how_they_come_in_shows_who_they_are(self, anna) -> None:
        anna.clock.advance(seconds=staff_sessions.PROOF_LASTS.total_seconds())
        for path in ("app", "passkeys/add"):
            answer = anna.get(f"{ME}/{path}")
            assert answer.location == f"{ME}/confirm?next={ME}/{path}"
        wrong = anna.send(f"{ME}/confirm", password="guess")
        assert wrong.status_code == 422
        assert "This is not your password." in wrong.text
        assert anna.get(f"{ME}/app").status_code == 303
        right = anna.send(f"{ME}/confirm", password=PASSWORD, next=f"{ME}/app")
        assert right.location == f"{ME}/app"
        assert anna.get(f"{ME}/app").status_code == 200

    def test_guesses_are_counted(self, anna) -> None:
        for _ in range(5):
            assert anna.send(f"{ME}/confirm", password="guess").status_code == 422
        assert anna.send(f"{ME}/confirm", password=PASSWORD).status_code == 429
        assert anna.send(f"{ME}/password", present=PASSWORD, password=OTHER).status_code == 429

    def test_a_form_that_was_open_changes_nothing(self, anna, installation) -> None:
        anna.set_up()
        token = FORM_TOKEN.search(anna.read(f"{ME}/app/remove"))[1]
        anna.clock.advance(seconds=staff_sessions.PROOF_LASTS.total_seconds())
        answer = anna.post(f"{ME}/app/remove", csrf_token=token)
        assert answer.location.startswith(f"{ME}/confirm")
        assert noted(installation) == ["employee.second_factor_set"]


class TestPassword:
    def test_it_is_changed_and_elsewhere_one_is_out(self, anna, elsewhere, installation) -> None:
        answer = anna.send(f"{ME}/password", present=PASSWORD, password=OTHER)
        assert (answer.status_code, answer.location) == (303, ME)
        assert "The password is changed." in anna.read(ME)
        assert not elsewhere.is_in
        assert noted(installation) == ["employee.password_set"]
        anna.sign_out()
        assert anna.sign_in().status_code == 422
        assert anna.sign_in(OTHER).status_code == 303

    @pytest.mark.parametrize(
        ("present", "password", "said"),
        [
            ("wrong", OTHER, "This is not your password."),
            (PASSWORD, "short", "A password has at least 10 characters."),
            ("", "", "This is not your password."),
        ],
    )
    def test_what_does_not_fit_changes_nothing(
        self, anna, present: str, password: str, said: str
    ) -> None:
        answer = anna.send(f"{ME}/password", present=present, password=password)
        assert answer.status_code == 422
        assert said in answer.text
        anna.sign_out()
        assert anna.sign_in().status_code == 303

    def test_links_that_were_sent_work_no_more(self, anna, installation) -> None:
        with installation.database.transaction() as session:
            link = admission.reset(session, ANNA, anna.clock())
        anna.send(f"{ME}/password", present=PASSWORD, password=OTHER)
        assert anna.get(f"/console/welcome/{link}").status_code == 404


class TestSessions:
    def test_one_sees_where_one_is_signed_in_and_ends_the_others(self, anna, elsewhere) -> None:
        page = anna.read(ME)
        assert page.count("this browser") == 1
        assert "127.0.0.1" in page
        assert anna.send(ME, f"{ME}/sessions/end").status_code == 303
        assert not elsewhere.is_in
        assert anna.is_in
        assert "Sign out everywhere else" not in anna.read(ME)

    @pytest.mark.parametrize(
        ("said", "called"),
        [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/130.0.0.0 YaBrowser/24.10.0 Safari/537.36",
                "Yandex Browser, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
                " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            ("<script>alert(1)</script>" * 50, "Unknown browser"),
        ],
    )
    def test_a_browser_is_called_as_people_call_it(
        self, anna, app, house, said: str, called: str
    ) -> None:
        other = Anna(app.test_client(), house.clock)
        other.client.environ_base["HTTP_USER_AGENT"] = said
        other.sign_in()
        page = other.read(ME)
        assert called in page
        assert "<script>alert" not in page


class TestPasskeys:
    @pytest.fixture
    def device(self) -> Authenticator:
        return Authenticator(ORIGIN)

    def add(self, anna: Anna, device: Authenticator, name: str = "Laptop") -> TestResponse:
        options = anna.ask(f"{ME}/passkeys/ask")
        return anna.send(f"{ME}/passkeys/add", name=name, answer=device.make(options))

    def sign_in(self, anna: Anna, device: Authenticator, **more: str) -> TestResponse:
        options = anna.ask("/console/sign-in/passkey/ask", SIGN_IN)
        answer = device.sign(options)
        return anna.send(SIGN_IN, "/console/sign-in/passkey", answer=answer, **more)

    def test_one_signs_in_both_steps_at_once(self, anna, device, installation) -> None:
        anna.set_up()
        assert self.add(anna, device, "<b>Laptop</b>").status_code == 303
        assert "&lt;b&gt;Laptop&lt;/b&gt;" in anna.read(ME)
        assert noted(installation)[-1] == "employee.passkey_added"
        anna.sign_out()
        answer = self.sign_in(anna, device, next=ME)
        assert (answer.status_code, answer.location) == (303, ME)
        assert anna.is_in

    def test_of_another_browsers_challenge_nothing_comes(self, anna, device, app, house) -> None:
        self.add(anna, device)
        anna.sign_out()
        stranger = Anna(app.test_client(), house.clock)
        options = anna.ask("/console/sign-in/passkey/ask", SIGN_IN)
        answer = stranger.send(SIGN_IN, "/console/sign-in/passkey", answer=device.sign(options))
        assert answer.status_code == 422
        assert "Please try once more." in answer.text
        assert not stranger.is_in

    def test_an_answer_counts_once(self, anna, device) -> None:
        self.add(anna, device)
        anna.sign_out()
        answer = device.sign(anna.ask("/console/sign-in/passkey/ask", SIGN_IN))
        anna.send(SIGN_IN, "/console/sign-in/passkey", answer=answer)
        anna.sign_out()
        again = anna.send(SIGN_IN, "/console/sign-in/passkey", answer=answer)
        assert (again.status_code, anna.is_in) == (422, False)

    def test_what_another_site_had_signed_is_refused(self, anna, device) -> None:
        self.add(anna, device)
        anna.sign_out()
        device.origin = "http://localhost:9999"
        assert self.sign_in(anna, device).status_code == 422
        assert not anna.is_in

    def test_one_that_was_removed_lets_nobody_in(self, anna, device, installation) -> None:
        self.add(anna, device)
        (path,) = re.findall(r'href="(/console/me/passkeys/\d+/remove)"', anna.read(ME))
        assert "It is your only one" in anna.read(path)
        assert anna.send(path).status_code == 303
        assert noted(installation)[-1] == "employee.passkey_removed"
        assert anna.get(path).status_code == 404
        anna.sign_out()
        assert self.sign_in(anna, device).status_code == 422

    def test_anothers_is_not_there(self, anna, device, app, installation) -> None:
        self.add(anna, device)
        (path,) = re.findall(r'href="(/console/me/passkeys/\d+/remove)"', anna.read(ME))
        boris = Visitor(app.test_client())
        signed_in(boris.client, installation, "administrator", email="boris@example.com")
        assert boris.get(path).status_code == 404
        assert boris.send(ME, path).status_code == 404

    def test_where_there_can_be_none_nothing_speaks_of_them(self, installation, house) -> None:
        public_url = "http://cards.example.com"
        other = replace(
            installation, settings=replace(installation.settings, public_url=public_url)
        )
        client = create_app(other).test_client()
        visitor = signed_in(client, other, "viewer")
        assert "asskey" not in visitor.read(ME)
        assert visitor.get(f"{ME}/passkeys/add").status_code == 404
        visitor.sign_out()
        assert "asskey" not in visitor.read(SIGN_IN)


class TestWhereItIsDemanded:
    @pytest.fixture
    def environment(self, environment) -> dict[str, str]:
        return {**environment, "WALLET_SECOND_FACTOR": "administrators"}

    def test_nothing_else_is_there_before_it_is_set_up(self, anna) -> None:
        assert anna.get(HOME).location == ME
        assert "Here a password alone is not enough." in anna.read(ME)
        anna.set_up()
        assert anna.is_in
        assert "Here a password alone" not in anna.read(ME)

    def test_others_are_not_asked(self, client, installation) -> None:
        assert signed_in(client, installation, "marketer").is_in


class TestForgotten:
    PATH = "/console/forgotten"

    @pytest.fixture
    def environment(self, environment) -> dict[str, str]:
        return {
            **environment,
            "WALLET_SMTP_URL": "smtp://localhost:9",
            "WALLET_MAIL_FROM": "kopilka@example.com",
        }

    @pytest.fixture
    def stranger(self, app, anna, house) -> Anna:
        return Anna(app.test_client(), house.clock)

    def waiting(self, installation) -> list[str]:
        with installation.database.reading() as session:
            return list(session.scalars(select(StaffLetter.email).order_by(StaffLetter.id)))

    def test_the_answer_tells_nothing_of_who_is_there(self, stranger, installation) -> None:
        pages = [
            stranger.send(self.PATH, email=email)
            for email in (ANNA, "nobody@example.com", "ANNA@example.com")
        ]
        assert [page.status_code for page in pages] == [200, 200, 200]
        said = {re.sub('hx-headers="[^"]*"', "", page.text) for page in pages}
        said = {page.replace("nobody@", "anna@") for page in said}
        assert len(said) == 1
        assert self.waiting(installation) == [ANNA, "nobody@example.com"]  # one each, for a minute

    def test_an_address_is_not_flooded(self, stranger, installation, house) -> None:
        for number in range(60):
            stranger.client.environ_base["REMOTE_ADDR"] = f"10.0.0.{number}"
            assert stranger.send(self.PATH, email=ANNA).status_code == 200
            house.clock.advance(minutes=1)
        assert 3 < len(self.waiting(installation)) < 10

    def test_nobody_floods_many(self, stranger) -> None:
        answers = [stranger.send(self.PATH, email=f"a{n}@example.com") for n in range(6)]
        assert [one.status_code for one in answers] == [200] * 5 + [429]

    def test_what_is_no_address_is_said(self, stranger) -> None:
        answer = stranger.send(self.PATH, email="anna")
        assert answer.status_code == 422
        assert "This is no address of e-mail." in answer.text

    def test_the_door_leads_there(self, stranger) -> None:
        assert self.PATH in stranger.read(SIGN_IN)


def test_without_a_mail_server_an_administrator_is_named(client) -> None:
    visitor = Visitor(client)
    assert "/console/forgotten" not in visitor.read(SIGN_IN)
    page = visitor.read("/console/forgotten")
    assert "An administrator gives you a link" in page
    assert "<form" not in page


class TestUnsent:
    """A form that comes too late: what was typed is with the browser (test_kept)."""

    def test_the_door_says_that_it_was_not_taken(self, anna, house) -> None:
        token = FORM_TOKEN.search(anna.read(f"{ME}/password"))[1]
        house.clock.advance(seconds=staff_sessions.IDLE.total_seconds())
        answer = anna.post(f"{ME}/password", csrf_token=token)
        assert answer.location == f"{SIGN_IN}?unsent=1"
        assert "data-unsent" in anna.read(answer.location)
        assert "data-unsent" not in anna.read(SIGN_IN)

    def test_a_piece_of_a_page_leads_there_too(self, anna, house) -> None:
        token = FORM_TOKEN.search(anna.read(ME))[1]
        house.clock.advance(seconds=staff_sessions.IDLE.total_seconds())
        answer = anna.client.post(
            f"{ME}/password", data={"csrf_token": token}, headers={"HX-Request": "true"}
        )
        assert answer.headers["HX-Redirect"] == f"{SIGN_IN}?unsent=1"

    def test_a_form_of_a_session_before_says_so(self, anna) -> None:
        old = FORM_TOKEN.search(anna.read(ME))[1]
        anna.sign_out()
        anna.sign_in()
        answer = anna.post(f"{ME}/sessions/end", csrf_token=old)
        assert (answer.status_code, answer.headers["X-Form"]) == (400, "outdated")
        assert "data-unsent" in answer.text
