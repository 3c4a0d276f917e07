"""Moments as pages say them, by the clock of a zone."""

from datetime import UTC, datetime, timedelta

import pytest

from wallet.console import moments

NOW = datetime(2026, 5, 20, 21, 30, tzinfo=UTC)  # in Moscow the day after began
ZONE = "Europe/Moscow"


@pytest.mark.parametrize(
    ("before", "russian", "english"),
    [
        (timedelta(), "сегодня в 00:30", "today at 00:30"),
        (timedelta(hours=1), "вчера в 23:30", "yesterday at 23:30"),
        (timedelta(days=-1), "завтра в 00:30", "tomorrow at 00:30"),
        (timedelta(days=3), "18 мая в 00:30", "18 May at 00:30"),
        (timedelta(days=365), "21 мая 2025 г. в 00:30", "21 May 2025 at 00:30"),
    ],
)
def test_a_moment_is_said_by_what_it_is_from_today(app, before, russian, english) -> None:
    for language, said in (("ru", russian), ("en", english)):
        with app.test_request_context(f"/?lang={language}"):
            text = moments.at(NOW - before, ZONE, NOW).replace("\N{NARROW NO-BREAK SPACE}", " ")
            assert text.startswith(said)


def test_a_part_of_a_page_has_the_moment_to_the_second(app) -> None:
    with app.test_request_context("/?lang=ru"):
        element = moments.element(NOW, ZONE, NOW)
    assert 'datetime="2026-05-20T21:30:00Z"' in element
    assert "00:30:00 (Москва)" in element


def test_how_long_something_takes_is_said_in_words(app) -> None:
    with app.test_request_context("/?lang=ru"):
        assert moments.lasting(timedelta(minutes=5)) == "5 минут"


def test_a_day_has_its_year_where_that_is_another(app) -> None:
    with app.test_request_context("/?lang=en"):
        assert moments.day(NOW, ZONE, NOW) == "21 May"
        assert "2025" in moments.day(NOW - timedelta(days=300), ZONE, NOW)
        assert moments.clock_time(NOW, ZONE).startswith("00:30")
