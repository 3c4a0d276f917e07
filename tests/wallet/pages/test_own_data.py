"""What is known of somebody, in their own hands: they see it, correct it, take it along, delete
it."""

import re

import pytest
from sqlalchemy import select

from ledger.people import consents, persons
from ledger.people.persons import Person
from wallet.access.changes import RecordedChange
from wallet.passes import issued


@pytest.fixture
def member_id(installation, card) -> int:
    serial = installation.keys.link_of(card.path.removeprefix("/card/")).serial
    with installation.database.reading() as session:
        return issued.by_serial(session, serial).member_id


@pytest.fixture
def known(installation, member_id):
    def read():
        with installation.database.reading() as session:
            return persons.profile_of(session, member_id)

    return read


@pytest.fixture
def noted(installation):
    """Author and code of what was noted of members, the oldest first."""

    def read() -> list[tuple[str, str]]:
        with installation.database.reading() as session:
            query = select(RecordedChange).where(RecordedChange.of_kind == "member")
            lines = session.scalars(query.order_by(RecordedChange.id)).all()
            return [(line.author_kind, line.code) for line in lines]

    return read


def send(card, below: str, headers=None, **entries: str):
    return card.client.post(f"{card.path}/me{below}", data=entries, headers=headers)


class TestCorrecting:
    def test_what_is_known_is_seen_and_corrected(self, card, known, noted) -> None:
        assert 'value="Анна"' in card.get("/me").text
        answer = send(card, "", name="Анна К.", birthday="1990-05-20", email="a@b.example")
        assert (answer.status_code, known().name) == (303, "Анна К.")
        assert (known().phone, known().email) == ("+79991234567", "a@b.example")
        assert known().birthday.isoformat() == "1990-05-20"
        assert noted() == [("member", "member.changed")]
        assert card.state()["name"] == "Анна К."

    def test_what_changes_nothing_is_not_noted(self, card, noted) -> None:
        assert send(card, "", name="Анна", phone="+79991234567").status_code == 303
        assert noted() == []

    @pytest.mark.parametrize(
        ("entries", "field"),
        [
            ({"phone": "12"}, "phone"),
            ({"email": "anna@"}, "email"),
            ({"birthday": "2990-01-01"}, "birthday"),
            ({"phone": ""}, "phone"),  # the last by which the card is found
        ],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, card, known, entries, field) -> None:
        before = known()
        answer = send(card, "", name="Ева", **entries)
        assert answer.status_code == 422
        assert f'id="{field}-problem"' in answer.text and 'value="Ева"' in answer.text
        assert known() == before

    def test_nobody_learns_whose_a_number_is(self, card, known, api, installation) -> None:
        """The same answer for a number that another member has: it is marked as shared."""
        api.post("members", {"programme": "demo", "phone": "+79997654321"})
        assert send(card, "", phone="8 999 765-43-21").status_code == 303
        assert known().phone == "+79997654321"
        with installation.database.reading() as session:
            query = select(Person.phone_shared).where(Person.phone == "+79997654321")
            assert sorted(session.scalars(query)) == [False, True]

    def test_who_has_just_joined_is_asked_for_more_with_a_reason(self, card, api, known) -> None:
        page = card.get("?lang=en").text
        assert 'id="birthday"' in page and 'id="name"' not in page  # it is known
        assert "gift on the day" not in page
        base = {
            "percent_back": "5",
            "percent_payable": "30",
            "point_worth": {"amount": "1.00", "currency": "RUB"},
            "live_days": None,
            "birthday": {"points": 200},
        }
        assert api.call("PUT", "programmes/demo/base", base).status_code == 200
        assert "gift on the day" in card.get("?lang=en").text
        answer = send(card, "", birthday="1990-05-20", back="yes")
        assert answer.location == card.path
        assert known().birthday is not None
        assert 'id="birthday"' not in card.get().text

    def test_who_never_agreed_does_so_by_telling(self, client, api, installation) -> None:
        made = api.post("members", {"programme": "demo", "name": "Ева"}).get_json()
        path = made["links"]["card"].removeprefix("http://127.0.0.1:8080")
        assert "Нажимая кнопку, вы говорите" in client.get(f"{path}/me?lang=ru").text
        client.post(f"{path}/me", data={"birthday": "1990-05-20"})
        with installation.database.reading() as session:
            member_id = session.scalars(select(Person.member_id)).one()
            assert consents.current(session, member_id)["personal_data"].given


class TestTakingAlong:
    @pytest.mark.parametrize(
        ("kind", "mimetype"), [("json", "application/json"), ("html", "text/html")]
    )
    def test_all_that_is_known_is_a_file(self, card, noted, kind: str, mimetype: str) -> None:
        answer = send(card, "/file", format=kind)
        assert (answer.status_code, answer.mimetype) == (200, mimetype)
        assert f"my-data.{kind}" in answer.headers["Content-Disposition"]
        assert "Анна" in answer.text and "+79991234567" in answer.text
        assert noted() == [("member", "member.file_taken")]


class TestDeleting:
    def test_it_is_asked_first_and_then_gone(self, card, client, api, known, noted) -> None:
        api.post("accruals", {"card": card.number(), "points": 120})
        asked = card.get("/me/delete?lang=ru").text
        assert "120 баллов" in asked
        assert send(card, "/delete").status_code == 422
        assert known().name == "Анна"
        answer = send(card, "/delete", sure="yes")
        assert (answer.status_code, answer.location) == (303, card.path)
        gone = card.get("?lang=ru")
        assert gone.status_code == 410 and "/join/demo" in gone.text
        assert known().name is None
        assert noted()[-1] == ("member", "member.erased")
        assert 'name="form_token"' in client.get("/join/demo").text

    def test_who_shares_an_account_is_told_what_stands_in_the_way(self, card, api, join) -> None:
        head = api.get(f"members?card={card.number()}").get_json()["items"][0]["id"]
        other = join(name="Борис")["id"]
        answer = api.post(f"members/{other}/household", {"head": head})
        assert answer.status_code in (200, 201), answer.text
        refused = send(card, "/delete", sure="yes")
        assert refused.status_code == 409 and 'role="alert"' in refused.text
        assert card.get().status_code == 200


def test_looking_changes_nothing(card, known, noted) -> None:
    before = known()
    for below in ("", "?name=x&sure=yes", "/delete", "/delete?sure=yes"):
        assert card.get(f"/me{below}").status_code == 200
    assert card.get("/me/file").status_code == 405
    assert (known(), noted()) == (before, [])


@pytest.mark.parametrize("below", ["", "/file", "/delete"])
def test_another_site_can_do_nothing(card, known, noted, below: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert send(card, below, headers, name="x", sure="yes").status_code == 403
    assert (known().name, noted()) == ("Анна", [])


class TestHistory:
    def test_it_is_in_words_and_goes_on(self, card, api) -> None:
        for number in range(35):
            api.post("accruals", {"card": card.number(), "points": 10 + number, "reason": "Латте"})
        api.post("redemptions", {"card": card.number(), "points": 7})
        page = card.get("?lang=ru").text
        assert "−7" in page and "Списано" in page and "+44" in page
        whole = card.get("/history?lang=ru")
        assert whole.headers["Cache-Control"] == "no-store"
        assert whole.text.count('<span class="amount') == 30
        assert "Латте" in whole.text and "accrual" not in whole.text
        following = re.search(r'href="([^"]+before=\d+)"', whole.text)[1]
        rest = card.client.get(following).text
        assert rest.count('<span class="amount') == 6 and "before=" not in rest
        assert card.get("/history?before=x").status_code == 200
