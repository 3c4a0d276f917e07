"""What every page behind the door stands on, on pages that are there for the test."""

import pytest
from flask import Flask
from sqlalchemy import select
from visitors import HOME, signed_in

from ledger.errors import TermsRefused
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme, Terms
from wallet.access.staff import EmployeeRole
from wallet.console import listing
from wallet.console.door import door
from wallet.console.forms import FormEntries


@pytest.fixture
def second(installation, house) -> int:
    """The id of another programme."""
    with installation.database.transaction() as session:
        return programmes.create(session, Terms("second", "Second"), house.clock()).id


class TestPlace:
    def test_one_begins_in_the_first_programme(self, client, installation) -> None:
        marketer = signed_in(client, installation, "marketer")
        answer = marketer.get("/console/")
        assert (answer.status_code, answer.location) == (303, HOME)

    def test_a_programme_in_which_one_may_nothing_is_not_there(
        self, client, installation, second
    ) -> None:
        marketer = signed_in(client, installation, "marketer", second)
        assert marketer.get("/console/").location == "/console/programmes/second/"
        assert marketer.get("/console/programmes/second/").status_code == 200
        assert marketer.get(HOME).status_code == 404
        assert marketer.get("/console/programmes/nowhere/").status_code == 404

    def test_who_is_in_several_can_switch(self, client, installation, second) -> None:
        page = signed_in(client, installation, "manager").read(HOME)
        assert 'href="/console/programmes/second/"' in page

    def test_a_programme_is_called_as_it_says_in_the_readers_language(
        self, client, installation, house
    ) -> None:
        with installation.database.transaction() as session:
            demo = session.scalars(select(Programme)).one()
            programmes.say(session, demo.id, "name", "en", "Morning", house.clock())
        assert "Morning" in signed_in(client, installation, "viewer").read(HOME)
        assert "Morning" not in signed_in(client, installation, "viewer", language="ru").read(HOME)

    def test_the_roles_of_who_is_there_stand_in_the_bar(self, client, installation) -> None:
        viewer = signed_in(client, installation, "viewer", email="eva@example.com", language="ru")
        with installation.database.transaction() as session:
            held = session.scalars(select(EmployeeRole)).one()
            session.add(EmployeeRole(employee_id=held.employee_id, programme_id=1, role="cashier"))
        page = viewer.read(HOME)
        assert "eva@example.com" in page
        assert "Только просмотр, Кассир" in page


def test_every_page_says_which_right_it_takes(app: Flask) -> None:
    behind = {
        endpoint
        for endpoint in app.view_functions
        if endpoint.startswith("console.") and not endpoint.startswith("console.door.")
    }
    silent = {one for one in behind if not hasattr(app.view_functions[one], "rights")}
    assert silent <= {"console.static", *door.OPEN}


class TestEntries:
    def read(self, app: Flask, **typed: str) -> FormEntries:
        with app.test_request_context(method="POST", data=typed):
            entries = FormEntries()
            entries._form.get("x")  # read while the request is there
            return entries

    @pytest.mark.parametrize(
        ("typed", "number"),
        [
            ("100", 100),
            (" 1 250 ", 1250),
            ("1\u00a0250", 1250),
            ("1\u202f250", 1250),
            ("1,250", 1250),
            ("-5", -5),
            ("\u22125", -5),
            ("+5", 5),
            ("", None),
        ],
    )
    def test_a_number_is_read_as_people_write_it(self, app, typed, number) -> None:
        entries = self.read(app, points=typed)
        with app.test_request_context():
            assert entries.whole("points", required=False) == number
        assert entries.fit

    @pytest.mark.parametrize("typed", ["1.5", "1,5", "1,25", "a", "1e3", "٣", "9" * 19, "--1"])
    def test_what_is_no_whole_number_is_refused(self, app, typed) -> None:
        entries = self.read(app, points=typed)
        with app.test_request_context():
            assert entries.whole("points") is None
        assert set(entries.problems) == {"points"}

    def test_what_is_missing_is_named(self, app) -> None:
        entries = self.read(app)
        with app.test_request_context("/?lang=ru"):
            entries.text("name")
            entries.day("day")
            entries.choice("kind", {"a"})
        assert entries.problems == {
            "name": "Заполните это поле.",
            "day": "Заполните это поле.",
            "kind": "Выберите что-то из списка.",
        }

    def test_a_refusal_from_below_is_said_in_words(self, app) -> None:
        entries = self.read(app)
        with app.test_request_context("/?lang=en"):
            entries.refused(TermsRefused("grace_days", "from 0 to {most}.", most=9), "grace_days")
            entries.refused(TermsRefused("grace_days", "from 0 to {most}.", most=9))
        assert entries.problems["grace_days"] == "From 0 to 9."
        assert entries.problems["form"]


class TestListing:
    def page(self, app: Flask, address: str, most: int = 2) -> listing.ListPage[int]:
        rows = range(1, 8)
        with app.test_request_context(address):
            place = listing.after() or (0,)
            return listing.page(
                [row for row in rows if row > place[0]][: most + 1], lambda row: (row,), most
            )

    def test_every_row_is_on_one_page(self, app) -> None:
        address, seen = "/x?state=active", []
        while address:
            page = self.page(app, address)
            seen += page.rows
            assert "state=active" in (page.next_url or address)
            address = page.next_url
        assert seen == [*range(1, 8)]

    @pytest.mark.parametrize("after", ["", "x", "1-2", "-1", "9" * 20, "٣"])
    def test_a_place_that_is_none_is_the_beginning(self, app, after) -> None:
        assert self.page(app, f"/x?after={after}").rows == [1, 2]


def test_what_is_not_there_is_told_with_the_menu_around_it(client, installation) -> None:
    marketer = signed_in(client, installation, "marketer")
    for path in ("members/nobody", "entries/nothing", "webhooks/sources/nobody"):
        missing = marketer.get(f"{HOME}{path}")
        assert missing.status_code in (403, 404)
    page = marketer.get(f"{HOME}members/nobody")
    assert page.status_code == 404 and f'href="{HOME}members"' in page.text
