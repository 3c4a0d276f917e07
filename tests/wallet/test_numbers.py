"""Phone numbers at every door: read alike, by the plan of the programme's country."""

import re
from io import BytesIO

import pytest
from sqlalchemy import select

from ledger.people.persons import Person
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.passes import templates

TYPED = "916 555-00-12"
READ = "+79165550012"
SHORT = "+7 916 555 00 1"
API_KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def stored(installation):
    """The numbers that are kept."""

    def numbers() -> set[str]:
        with installation.database.reading() as session:
            return set(session.scalars(select(Person.phone).where(Person.phone.is_not(None))))

    return numbers


@pytest.fixture
def form_of(client):
    """The form on the web, filled in and sent."""

    def answer(**entries: str):
        client.delete_cookie("card", path="/join/demo")  # another person, another browser
        page = client.get("/join/demo").text
        token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
        data = {"form_token": token, "consent": "yes", **entries}
        return client.post("/join/demo", data=data)

    return answer


@pytest.fixture
def sent(client, api, house):
    """A file with these phone numbers, sent to be imported, and read."""

    def answered(*phones: str) -> dict:
        rows = ["phone;name", *(f"{phone};Анна" for phone in phones)]
        answer = client.post(
            "/api/v1/imports",
            query_string={"programme": "demo", "kind": "members"},
            data=BytesIO("\n".join(rows).encode()),
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )
        house.run("imports")
        return api.get(f"imports/{answer.get_json()['id']}").get_json()

    return answered


def wrong(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 422
    return [(one["field"], one["message"]) for one in answer.get_json()["errors"]]


def test_by_the_api(api, join, stored) -> None:
    member = join(phone=TYPED)
    assert stored() == {READ}
    assert (
        api.call("PATCH", f"members/{member['id']}", {"phone": "8 916 555-00-13"}).status_code
        == 200
    )
    assert stored() == {"+79165550013"}
    for way in ("%2B79165550013", "9165550013", "8+916+555-00-13", "+79165550013"):
        found = api.get(f"members?phone={way}").get_json()["items"]
        assert [one["id"] for one in found] == [member["id"]], way


def test_by_the_api_it_is_refused_by_its_field(api, member, stored) -> None:
    body = {"programme": "demo", "phone": SHORT}
    message = [("phone", "must be a phone number such as +79991234567")]
    assert wrong(api.post("members", body)) == message
    assert wrong(api.call("PATCH", f"members/{member['id']}", {"phone": SHORT})) == message
    assert wrong(api.get("members?phone=9165550")) == message
    assert stored() == set()


def test_where_there_is_no_programme_nobody_is_found(api, monkeypatch) -> None:
    """As in an installation that was set up a moment ago."""
    monkeypatch.setattr(programmes, "countries", lambda *_: [])
    assert api.get("members?phone=9165550013").get_json()["items"] == []
    assert wrong(api.get("members?phone=9165550"))[0][0] == "phone"


def test_one_request_is_one_request_however_the_number_is_dressed(api) -> None:
    """As releases before had it, which knew no countries."""
    first = api.post("members", {"programme": "demo", "phone": "8 (916) 555-00-12"}, key="k")
    again = api.post("members", {"programme": "demo", "phone": "+79165550012"}, key="k")
    assert first.status_code == again.status_code == 201
    assert first.data == again.data


def test_by_the_form(form_of, stored) -> None:
    assert form_of(phone=TYPED).status_code == 303
    assert stored() == {READ}
    assert form_of(phone="\u202a+7 916 555-00-14\u202c").status_code == 303
    assert stored() == {READ, "+79165550014"}
    refused = form_of(phone=SHORT)
    assert refused.status_code == 422
    assert "phone-problem" in refused.text


def test_by_a_file(sent, api, house, stored) -> None:
    preview = sent(TYPED, "79165550013.0", SHORT, "85291234567", "+375291234567")
    assert (preview["rows"], preview["bad"], preview["foreign_numbers"]) == (5, 1, 1)
    assert api.post(f"imports/{preview['id']}/apply", {"skip_bad": True}).status_code == 202
    house.run("imports")
    assert stored() == {READ, "+79165550013", "+85291234567", "+375291234567"}


def test_another_country_reads_in_another_way(api, installation, clock_now, stored) -> None:
    with installation.database.transaction() as session:
        us = programmes.create(
            session, Terms("us", "Coffee", "en", "America/New_York"), clock_now()
        )
        assert us.country == "US"
        templates.store(session, us.id, templates.standard("Coffee"), {}, clock_now())
    answer = api.post("members", {"programme": "us", "phone": "(415) 555-2671"})
    assert answer.status_code == 201, answer.text
    assert stored() == {"+14155552671"}
    # Without a code it may be a number of either country: whoever has one of them is found.
    found = api.get("members?phone=4155552671").get_json()["items"]
    assert [one["programme"] for one in found] == ["us"]


def test_numbers_of_earlier_releases_are_read_again(wallet, join, installation, stored) -> None:
    """As 0.1 kept them: without the country's code, one with a zero of a data frame, one that is
    another member's already, one that nobody can read."""
    kept = ["+9165550012", "+791655500130", "+9165550014", "+7916555001", "+79165550015"]
    ids = {}
    for n, number in enumerate(kept):
        ids[number] = join(email=f"{n}@example.com")["id"]
        with installation.database.transaction() as session:
            row = session.scalars(select(Person).where(Person.email == f"{n}@example.com")).one()
            row.phone = number
    other = join(phone="+79165550014")["id"]
    said = wallet("members", "contacts").output
    assert stored() == {*kept, "+79165550014"}
    assert "4 are not as they would be stored today; 0 were mended." in said
    assert not any(number[1:] in said for number in kept)
    said = wallet("members", "contacts", "--mend").output
    assert stored() == {
        READ,
        "+79165550013",
        "+9165550014",
        "+7916555001",
        "+79165550014",
        "+79165550015",
    }
    assert f"{ids['+9165550012']}: phone was mended" in said
    assert f"{ids['+9165550014']}: phone is that of {other}; are they one person?" in said
    assert f"{ids['+7916555001']}: phone cannot be one; ask the member" in said
