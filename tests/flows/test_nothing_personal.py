"""A programme that keeps nothing personal: every door obeys, and whatever is sent all the same is
refused by one code. On both databases."""

import re
from pathlib import Path

import pytest
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger import enrolment
from ledger.errors import PersonalDataNotKept
from ledger.people import consents, persons
from ledger.people.members import Member
from ledger.people.persons import PERSONAL, Person, Profile
from ledger.programmes import programmes

PERSON = {
    "name": "Анна Каренина",
    "phone": "+79161234567",
    "email": "anna@example.com",
    "birthday": "1990-02-28",
}


@pytest.fixture
def before(join) -> dict:
    """Somebody who joined when data was kept."""
    return join(**PERSON)


@pytest.fixture
def nothing(before, wallet) -> str:
    """The demo programme, told to keep nothing; what the command says."""
    done = wallet("programmes", "terms", "demo", "--no-personal-data")
    assert done.exit_code == 0, done.output
    return str(done.output)


def known(house) -> list[str]:
    """What is stored of anybody."""
    with house.installation.database.reading() as session:
        rows = session.scalars(
            select(Person).where(or_(*(getattr(Person, name).is_not(None) for name in PERSONAL)))
        )
        return [str(row.name) for row in rows]


def test_what_is_stored_stays_and_the_command_says_so(api, house, before, nothing, wallet) -> None:
    assert "personal data: not kept; of 1 members it was stored before, and stays" in nothing
    assert known(house) == [PERSON["name"]]
    assert api.get(f"members/{before['id']}").get_json()["name"] == PERSON["name"]
    assert api.get("programmes").get_json()["items"][0]["terms"]["keeps_personal"] is False
    api.delete(f"members/{before['id']}")
    assert "not kept, and none is stored" in wallet("programmes", "terms", "demo").output
    again = wallet("programmes", "terms", "demo", "--personal-data").output
    assert "personal data: kept" in again
    assert api.post("members", {"programme": "demo", **PERSON}).status_code == 201


@pytest.mark.parametrize("name", PERSONAL)
def test_the_api_refuses_each_of_it(api, house, before, nothing, name) -> None:
    answer = api.post("members", {"programme": "demo", name: PERSON[name]})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "personal_data_not_kept")
    assert answer.get_json()["fields"] == name
    joined = api.post("members", {"programme": "demo", "locale": "en", "external_id": "c-7"})
    assert joined.status_code == 201
    changed = api.call("PATCH", f"members/{joined.get_json()['id']}", {name: PERSON[name]})
    assert changed.get_json()["code"] == "personal_data_not_kept"
    assert known(house) == [PERSON["name"]]


def test_what_was_known_can_be_taken_back_and_not_changed(api, house, before, nothing) -> None:
    path = f"members/{before['id']}"
    same = api.call("PATCH", path, {"name": PERSON["name"], "locale": "ru"})
    assert same.status_code == 200
    other = api.call("PATCH", path, {"name": "Анна Вронская"}).get_json()
    assert other["code"] == "personal_data_not_kept"
    gone = api.call("PATCH", path, dict.fromkeys(PERSON)).get_json()
    assert {gone[name] for name in PERSON} == {None}
    assert known(house) == []


def test_the_form_asks_for_nothing(client, house, nothing) -> None:
    page = client.get("/join/demo?lang=ru").text
    for name in (*PERSONAL, "consent"):
        assert f'name="{name}"' not in page
    assert "ничего о\u00a0вас" in page
    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
    made = client.post("/join/demo", data={"form_token": token, "marketing": "yes"})
    assert made.status_code == 303
    card = client.get(made.location).text
    assert "сохраните эту страницу" in card
    assert "по телефону или почте" not in card
    with house.installation.database.reading() as session:
        newest = session.scalars(select(Member).order_by(Member.id.desc())).first()
        assert persons.personal_of(persons.profile_of(session, newest.id)) == []
        assert set(consents.current(session, newest.id)) == {"marketing"}


def test_a_form_that_was_opened_before_is_not_taken_and_not_shown_again(
    client, house, nothing
) -> None:
    entries = {"form_token": "t" * 20, "name": "Анна Сергеевна", "phone": "+79990000000"}
    answer = client.post("/join/demo?lang=ru", data={**entries, "consent": "yes"})
    assert answer.status_code == 422
    assert "Мы больше ничего" in answer.text
    assert "Сергеевна" not in answer.text
    assert "+79990000000" not in answer.text
    token = re.search(r'name="form_token" value="([^"]+)"', answer.text)[1]
    assert client.post("/join/demo", data={"form_token": token}).status_code == 303
    assert known(house) == [PERSON["name"]]


def test_the_privacy_page_tells_of_nothing(client, nothing) -> None:
    for language, words in (("ru", "О\u00a0вас\u00a0— ничего"), ("en", "Nothing about you")):
        assert words in client.get(f"/join/demo/privacy?lang={language}").text


def test_a_file_of_members_is_refused_row_by_row(wallet, house, nothing, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Телефон;Карта;Код;Баланс\n+79990000001;5000001;c-1;5\n;5000002;c-2;7\n")
    seen = wallet("import", "members", str(file), "--programme", "demo", "--preview")
    assert "The programme keeps nothing personal" in seen.output, seen.output
    done = wallet("import", "members", str(file), "--programme", "demo", "--skip-bad")
    assert done.exit_code == 0, done.output
    with house.installation.database.reading() as session:
        found = session.scalars(select(Person.external_id).where(Person.external_id.is_not(None)))
        assert list(found) == ["c-2"]
    assert known(house) == [PERSON["name"]]


def test_points_are_still_given_by_what_was_stored_before(
    wallet, api, before, nothing, tmp_path: Path
) -> None:
    file = tmp_path / "points.csv"
    file.write_text(f"Телефон;Баллы\n{PERSON['phone']};25\n")
    done = wallet("import", "points", str(file), "--programme", "demo", "--accrue")
    assert done.exit_code == 0, done.output
    assert api.get(f"members/{before['id']}").get_json()["balance"]["available"] == 25


def test_no_door_of_the_ledger_stores_any(house, nothing) -> None:
    database, now = house.installation.database, house.clock()
    told = Profile(name="Анна", external_id="c-9")

    def refused(work: object) -> None:
        with pytest.raises(PersonalDataNotKept):
            database.run(work)

    def demo(session: Session) -> programmes.Programme:
        return programmes.by_code(session, "demo")

    for checked in (True, False):
        refused(
            lambda session, checked=checked: enrolment.join(
                session, demo(session), told, now, checked=checked
            )
        )
    refused(lambda session: enrolment.join_all(session, demo(session), [(told, None)], now))
    nobody = database.run(
        lambda session: enrolment.join(session, demo(session), Profile(), now).member.id
    )
    refused(lambda session: persons.introduce(session, session.get_one(Member, nobody), told, now))
    assert known(house) == [PERSON["name"]]
