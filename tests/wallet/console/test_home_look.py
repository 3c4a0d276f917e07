"""The first page and the jobs as people see them: on a phone and on a desk, in both languages."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import browsers
import pytest
from clocks import StoppedClock
from flask.testing import FlaskClient
from sqlalchemy import update
from visitors import HOME, signed_in

from ledger.programmes.programmes import Programme
from ledger.reports.days import DayRow, DaySum
from wallet.console.door import door

NOW = datetime(2026, 11, 30, 11, 20, tzinfo=UTC)
EYES = [(360, "ru", "dark"), (1440, "en", "light")]


@pytest.fixture
def clock_now() -> StoppedClock:
    return StoppedClock(NOW)


@pytest.fixture
def cookie(client: FlaskClient, installation, api, member) -> str:
    """The session of a marketer whose programme has a history, and a campaign that runs."""
    texts = {"ru": "Привет", "en": "Hello"}
    body = {"programme": "demo", "name": "Весна", "texts": texts, "purpose": "service"}
    api.post(f"campaigns/{api.post('campaigns', body).get_json()['id']}/start", {})
    with installation.database.transaction() as session:
        session.execute(update(Programme).values(created_at=NOW - timedelta(days=90)))
        for figure, of in (("issued", "points"), ("joined", ""), ("paid", "RUB")):
            key = {"programme_id": 1, "figure": figure, "of": of}
            session.add(DaySum(**key, amount=60 * 500))
            for back in range(1, 61):
                day = (NOW - timedelta(days=back)).date()
                session.add(DayRow(**key, day=day, hour=11, amount=500))
        session.add(DaySum(programme_id=1, figure="purchases", of="RUB", amount=1))
    signed_in(client, installation, "marketer")
    found = client.get_cookie(door.COOKIE)
    assert found is not None
    return found.value


def test_the_first_page_and_the_jobs_are_in_order(look, address: str, cookie: str) -> None:
    for width, language, scheme in EYES:
        with look("/console/sign-in", width=width, language=language, scheme=scheme) as seen:
            page = seen.page
            page.context.add_cookies([{"name": door.COOKIE, "value": cookie, "url": address}])
            for path in (HOME, f"{HOME}jobs"):
                page.goto(address + path)
                page.wait_for_selector(".k-jobs-bar")
                if path == HOME:
                    charts = page.locator(".k-chart")
                    assert charts.count() == 3
                    for chart in charts.all():
                        chart.scroll_into_view_if_needed()
                        chart.locator("svg text").first.wait_for()
                    charts.last.locator(".k-chart-canvas").hover()
                    sign = "RUB" if language == "en" else "₽"  # of the numbers under the hand
                    charts.last.locator("svg text", has_text=sign).first.wait_for()
                    charts.last.locator("summary").click()
                    assert page.locator("details[open] tbody tr").count() == 30
                assert browsers.faults(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") == width
            assert seen.complaints == []
            assert seen.hosts() == {urlsplit(address).netloc}
