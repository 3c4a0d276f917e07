"""The first page of a programme: today beside what is usual, what needs a hand, what runs; and for
whom."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from clocks import StoppedClock
from sqlalchemy import update
from visitors import HOME, Visitor, signed_in

from ledger.database.engine import Database
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme, Terms
from ledger.reports.days import DayRow, DaySum
from wallet.access.exports import Export
from wallet.access.roles import ROLES, Role
from wallet.console.home.home import FIGURE_WORDS

NOW = datetime(2026, 11, 30, 11, 20, tzinfo=UTC)  # a Monday in Moscow, at twenty past two
API_KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def clock_now() -> StoppedClock:
    return StoppedClock(NOW)


def put(database: Database, figure: str, of: str, amount: int, moment: datetime = NOW) -> None:
    """So much more of a figure in the hour of this moment, by the clock of Moscow."""
    there = moment + timedelta(hours=3)
    with database.transaction() as session:
        key = {"programme_id": 1, "figure": figure, "of": of}
        session.merge(DayRow(**key, day=there.date(), hour=there.hour, amount=amount))
        known = session.get(DaySum, (1, figure, of))
        if known is None:
            session.add(DaySum(**key, amount=amount))
        else:
            known.amount += amount


@pytest.fixture
def weeks(installation) -> None:
    """Eight Mondays on which about a hundred points were earned by noon, and ten members joined."""
    database = installation.database
    with database.transaction() as session:
        session.execute(update(Programme).values(created_at=NOW - timedelta(days=90)))
    for week in range(1, 9):
        monday = NOW - timedelta(weeks=week, hours=4)
        put(database, "issued", "points", 1000 + 10 * week, monday)
        put(database, "joined", "", 10, monday)
        put(database, "issued", "points", 9000, monday + timedelta(hours=8))


def words(page: str) -> str:
    """What a page says."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ")


class TestToday:
    def test_a_figure_out_of_its_range_is_said_so(self, client, installation, weeks) -> None:
        put(installation.database, "issued", "points", 300, NOW - timedelta(hours=2))
        put(installation.database, "joined", "", 11, NOW - timedelta(hours=2))
        viewer = signed_in(client, installation, "viewer")
        page = words(viewer.read(HOME))
        assert "Lower than on Mondays of the last 8 weeks" in page
        assert "By 14:00: 300, usually 1,010 to 1,080" in page
        assert page.count("of the last 8 weeks") == 1  # eleven members are as usual
        russian = words(Visitor(client, "ru").read(HOME))
        assert "Меньше, чем по понедельникам за последние 8 недель" in russian

    def test_what_comes_in_this_hour_counts_and_is_not_judged(
        self, client, installation, weeks
    ) -> None:
        put(installation.database, "issued", "points", 1050, NOW - timedelta(hours=2))
        put(installation.database, "issued", "points", 70_000, NOW)
        put(installation.database, "joined", "", 9, NOW - timedelta(hours=2))
        page = words(signed_in(client, installation, "viewer").read(HOME))
        assert "71,050" in page
        assert "than on Mondays" not in page

    def test_a_figure_leads_to_its_rows(self, client, installation, api, member, house) -> None:
        house.run("seals", "days")
        viewer = signed_in(client, installation, "viewer")
        (address,) = re.findall(r'<h3><a href="([^"]+)">New members', viewer.read(HOME))
        rows = viewer.read(html.unescape(address))
        assert member["card"]["number"][-4:] in rows

    def test_a_new_programme_has_no_usual_days(self, client, installation) -> None:
        put(installation.database, "issued", "points", 300, NOW - timedelta(hours=2))
        page = words(signed_in(client, installation, "viewer").read(HOME))
        assert "300" in page
        assert "usually" not in page

    def test_without_a_member_it_says_what_will_come(self, client, installation) -> None:
        page = words(signed_in(client, installation, "viewer").read(HOME))
        assert "Nothing has happened yet" in page
        assert "Today so far" not in page

    def test_charts_stand_in_tables(self, client, installation, weeks) -> None:
        put(installation.database, "paid", "RUB", 1_250_50, NOW - timedelta(days=2))
        put(installation.database, "purchases", "RUB", 3, NOW - timedelta(days=2))
        viewer = signed_in(client, installation, "viewer")
        page = viewer.read(HOME)
        assert page.count('class="k-chart ') == 3
        assert page.count('<tr><th scope="row"') == 3 * 30
        assert 'data-value="1250.5">' in page
        assert "1,250.50" in page
        assert viewer.read(f"{HOME}?days=90").count('<tr><th scope="row"') == 3 * 90
        assert viewer.read(f"{HOME}?days=junk").count('<tr><th scope="row"') == 3 * 30

    def test_another_programmes_figures_are_not_here(self, client, installation, weeks) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, Terms("second", "Second"), NOW)
        page = signed_in(client, installation, "manager").read("/console/programmes/second/")
        assert "1,010" not in page
        assert "Nothing has happened yet" in words(page)


@pytest.mark.parametrize("role", ROLES)
def test_who_sees_which_part(client, installation, weeks, role: Role) -> None:
    page = words(signed_in(client, installation, role).read(HOME))
    sees_figures = role not in ("call_centre", "cashier")
    assert ("Today so far" in page) == sees_figures
    assert ("Your roles" in page) == (not sees_figures)
    assert ("Runs now" in page) == sees_figures
    exports = role in ("marketer", "manager", "administrator")
    assert ("All figures as CSV" in page) == exports


def test_figures_lead_to_the_rows_that_they_count(client, installation, weeks) -> None:
    for figure, of in (("spent", "points"), ("owed", "points"), ("purchases", "RUB")):
        put(installation.database, figure, of, 7)
    put(installation.database, "paid", "RUB", 700)
    viewer = signed_in(client, installation, "viewer")
    page = html.unescape(viewer.read(HOME))
    for title, leads_to in (
        ("Earned", f"{HOME}entries?since=2026-11-30&until=2026-11-30&kind=accrual"),
        ("Spent", f"{HOME}entries?since=2026-11-30&until=2026-11-30&kind=redemption"),
        ("Purchases", f"{HOME}entries?since=2026-11-30&until=2026-11-30&kind=purchases"),
        ("Held by members", f"{HOME}members?tree="),
        ("New members", f"{HOME}members?tree="),
    ):
        url = re.search(rf'<h3><a href="([^"]+?)">{title}</a>', page)[1]
        assert url.startswith(leads_to), url
        assert viewer.get(url).status_code == 200
    assert f'<a href="{HOME}entries?since=2026-11-23&until=2026-11-23">' in page


class TestTable:
    def test_it_has_every_day_and_is_on_record(self, client, installation, weeks) -> None:
        put(installation.database, "push_accepted", "apple", 7, NOW)
        marketer = signed_in(client, installation, "marketer")
        answer = marketer.get(f"{HOME}days.csv")
        assert answer.mimetype == "text/csv"
        assert answer.text.startswith("\ufeffDay;Figure;Of what;How much")
        rows = list(csv.DictReader(io.StringIO(answer.text[1:]), delimiter=";"))
        assert len(rows) == 17
        assert {
            "Day": "2026-11-30",
            "Figure": "updates accepted",
            "Of what": "Apple Wallet",
            "How much": "7",
        } in rows
        with installation.database.reading() as session:
            (export,) = session.query(Export).all()
        assert (export.what, export.rows, export.complete) == ("days", 17, True)
        assert export.by == "employee marketer@example.com"

    def test_it_is_in_the_readers_language_and_money_is_no_kopecks(
        self, client, installation, weeks
    ) -> None:
        put(installation.database, "paid", "RUB", 123_450, NOW)
        told = signed_in(client, installation, "marketer").get(f"{HOME}days.csv?lang=ru").text
        assert told.startswith("\ufeffДень;Показатель;Чего;Сколько")
        assert "оплачено в покупках;RUB;1234.50" in told
        for figure in sorted(FIGURE_WORDS):
            assert f";{figure};" not in told

    def test_it_takes_the_right(self, client, installation) -> None:
        assert signed_in(client, installation, "viewer").get(f"{HOME}days.csv").status_code == 403


class TestConcerns:
    def test_what_needs_a_hand_is_said_to_who_can_help(self, client, installation, house) -> None:
        sent = client.post(
            "/api/v1/imports?programme=demo&kind=members",
            data="Телефон;Баланс\n+79990000001;x\n+79990000002;5\n".encode(),
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )
        assert sent.status_code == 201
        house.run("imports")
        page = words(signed_in(client, installation, "marketer").read(HOME))
        assert "An import has 1 bad row." in page
        assert "Needs a hand" not in words(signed_in(client, installation, "viewer").read(HOME))

    def test_a_certificate_that_ends(self, client, installation, house) -> None:
        house.clock.advance(days=365)
        manager = signed_in(client, installation, "manager", language="ru")
        page = words(manager.read(HOME))
        assert "pass.sandbox.loyalty" in page
