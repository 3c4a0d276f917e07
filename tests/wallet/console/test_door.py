"""The console's door, as a browser comes to it."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from visitors import FORM_TOKEN, HOME, Visitor
from werkzeug.test import TestResponse

from wallet.access import admission, passwords, sign_in_delays, staff_sessions
from wallet.access.changes import RecordedChange
from wallet.console.door import door
from wallet.web.app import create_app

PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
ANNA = "anna@example.com"


class Anna(Visitor):
    def sign_in(self, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.send("/console/sign-in", email=ANNA, password=password, **more)


@pytest.fixture
def visitor(client: FlaskClient) -> Anna:
    return Anna(client)


@pytest.fixture
def invited(installation, house) -> str:
    """The address of the link for Anna, a marketer."""
    with installation.database.transaction() as session:
        token = admission.add(session, ANNA, "marketer", house.clock())
    return f"/console/welcome/{token}"


@pytest.fixture
def anna(visitor: Visitor, invited: str) -> Visitor:
    """Anna, who has set a password and signed out."""
    visitor.send(invited, password=PASSWORD)
    visitor.sign_out()
    return visitor


def test_an_invited_person_sets_a_password_and_is_inside(
    visitor, invited: str, installation
) -> None:
    assert not visitor.is_in
    assert ANNA in visitor.get(invited).text
    answer = visitor.send(invited, password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/console/")
    assert "Marketer" in visitor.get(HOME).text
    with installation.database.reading() as session:
        (line,) = session.scalars(select(RecordedChange)).all()
    assert (line.code, line.author_kind, line.author_name) == (
        "employee.password_set",
        "employee",
        ANNA,
    )
    again = visitor.get(invited)
    assert again.status_code == 404
    assert "This link works no more" in again.text


def test_the_first_administrator_makes_themselves(visitor, installation, house) -> None:
    with installation.database.transaction() as session:
        link = f"/console/welcome/{admission.first_link(session, house.clock())}"
    wrong = visitor.send(link, email="nobody", password=PASSWORD)
    assert wrong.status_code == 422
    assert "This is no address of e-mail." in wrong.text
    assert visitor.send(link, email=ANNA, password=PASSWORD).status_code == 303
    assert "Administrator" in visitor.get(HOME).text
    assert visitor.get(link).status_code == 404


def test_a_short_password_is_refused_in_words_and_the_link_stays(visitor, invited: str) -> None:
    refused = visitor.send(invited, password="short")  # pragma: allowlist secret
    assert refused.status_code == 422
    assert "A password has at least 10 characters." in refused.text
    assert visitor.send(invited, password=PASSWORD).status_code == 303


def test_signing_in_leads_to_where_one_wanted(anna) -> None:
    asked = anna.get("/console/?lang=en")
    assert asked.status_code == 303
    assert asked.location == "/console/sign-in?next=/console/?lang%3Den"
    assert anna.sign_in(next="/console/?lang=en").location == "/console/?lang=en"
    assert anna.is_in
    assert anna.get("/console/sign-in").status_code == 303


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/console/",
        "//evil.example/console/",
        "/console/\\evil",
        "/api",
        "javascript:alert(1)",
        "/\\evil.example",
        "//[",
        "/console/\r\nSet-Cookie: a=b",
    ],
)
def test_it_never_leads_elsewhere(anna, wanted: str) -> None:
    assert anna.sign_in(next=wanted).location == "/console/"


@pytest.mark.parametrize("written", ["  Anna@Example.com ", "Anna <anna@example.com>"])
def test_an_address_may_be_written_as_people_write_it(anna, written: str) -> None:
    assert anna.send("/console/sign-in", email=written, password=PASSWORD).status_code == 303


@pytest.mark.parametrize("email", ["", "a\0@example.com", "x" * 5000, "a@b@c"])
def test_what_is_no_address_is_nobody(anna, email: str) -> None:
    assert anna.send("/console/sign-in", email=email, password=PASSWORD).status_code == 422


def test_a_crowd_is_asked_to_come_again(anna, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_S", 0)
    with passwords._AT_ONCE, passwords._AT_ONCE:
        refused = anna.sign_in()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "3")
    assert anna.sign_in().status_code == 303


def test_a_password_with_more_behind_it_is_another(anna) -> None:
    assert anna.sign_in(PASSWORD + "x" * 300).status_code == 422


def test_a_wrong_password_says_nothing_of_who_is_there(anna) -> None:
    wrong = anna.sign_in("not the right one")
    unknown = anna.send("/console/sign-in", email="x@example.com", password=PASSWORD)
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    sentence = "There is nobody with this address and this password."
    assert sentence in wrong.text
    assert sentence in unknown.text
    assert not anna.is_in


def test_whoever_guesses_waits_and_others_do_not(anna, app, house) -> None:
    stranger = Anna(app.test_client())
    stranger.client.environ_base["REMOTE_ADDR"] = "6.6.6.6"
    for _ in range(sign_in_delays.HERE.free):
        assert stranger.sign_in("guess").status_code == 422
    waits = stranger.sign_in(PASSWORD)
    assert waits.status_code == 429
    assert "Too many wrong passwords. Try again in" in waits.text
    assert anna.sign_in().status_code == 303
    house.clock.advance(seconds=sign_in_delays.HERE.first.total_seconds())
    assert stranger.sign_in().status_code == 303


def test_who_signs_out_is_out(anna) -> None:
    anna.sign_in()
    kept = anna.client.get_cookie(door.COOKIE).value
    anna.sign_out()
    assert not anna.is_in
    anna.client.set_cookie(door.COOKIE, kept)
    assert not anna.is_in


def test_a_session_ends_by_itself(anna, house) -> None:
    anna.sign_in()
    assert anna.is_in
    house.clock.advance(seconds=(staff_sessions.IDLE + timedelta(seconds=1)).total_seconds())
    assert not anna.is_in


class TestForms:
    """A form without our token, or with that of somebody else, changes nothing."""

    def test_signing_in(self, anna) -> None:
        answer = anna.post("/console/sign-in", email=ANNA, password=PASSWORD)
        assert answer.status_code == 400
        assert "Nothing was changed" in answer.text
        assert not anna.is_in

    def test_signing_out(self, anna) -> None:
        anna.sign_in()
        assert anna.post("/console/sign-out").status_code == 400
        assert anna.is_in

    def test_setting_a_password(self, visitor, invited: str) -> None:
        assert visitor.post(invited, password=PASSWORD).status_code == 400
        assert visitor.send(invited, password=PASSWORD).status_code == 303

    def test_one_that_stood_on_another_site(self, anna) -> None:
        token = FORM_TOKEN.search(anna.get("/console/sign-in").text)[1]
        answer = anna.client.post(
            "/console/sign-in",
            data={"email": ANNA, "password": PASSWORD, "csrf_token": token},
            headers={"Sec-Fetch-Site": "same-site"},
        )
        assert answer.status_code == 400
        assert not anna.is_in

    def test_the_token_of_another_browser(self, anna, app) -> None:
        theirs = FORM_TOKEN.search(Visitor(app.test_client()).get("/console/sign-in").text)[1]
        answer = anna.post("/console/sign-in", email=ANNA, password=PASSWORD, csrf_token=theirs)
        assert answer.status_code == 400


def test_no_cache_keeps_a_page(anna) -> None:
    assert anna.get("/console/sign-in").headers["Cache-Control"] == "no-store"
    anna.sign_in()
    assert anna.get(HOME).headers["Cache-Control"] == "no-store"


def test_a_piece_of_a_page_that_is_asked_for_too_late_leads_to_the_door(anna) -> None:
    answer = anna.get(HOME, **{"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/console/sign-in")
    shown = "http://localhost/console/me?lang=en"
    answer = anna.get("/console/", **{"HX-Request": "true", "HX-Current-URL": shown})
    assert answer.headers["HX-Redirect"] == "/console/sign-in?next=/console/me?lang%3Den"


def test_cookies_are_for_https_and_this_host_alone(
    installation, house, invited, monkeypatch
) -> None:
    monkeypatch.setattr(door, "_by_https", lambda: True)
    app = create_app(installation)
    visitor = Visitor(app.test_client())
    answer = visitor.send(invited, password=PASSWORD)
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if "staff" in one]
    assert cookie.startswith(f"{door.SAFE_COOKIE}=")
    said = {part.strip() for part in cookie.split(";")[1:]}
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= said


def test_neither_links_nor_passwords_reach_the_log(anna, invited, capfd) -> None:
    anna.sign_in("a wrong one of mine")
    anna.get(invited)
    lines = "".join(capfd.readouterr())
    assert "request" in lines
    assert not [one for one in (invited, "a wrong one of mine", PASSWORD, ANNA) if one in lines]
