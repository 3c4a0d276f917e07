"""Amounts that follow each other in time, against a look at every moment."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger.catalogue import timelines
from ledger.catalogue.timelines import From, Held

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
HOURS = st.integers(0, 40)


def after(hours: int) -> datetime:
    return BEGIN + timedelta(hours=hours)


TIMELINES = st.dictionaries(HOURS, st.none() | st.integers(0, 9), max_size=8).map(
    lambda known: [From(after(at), Held(known[at], "RUB")) for at in sorted(known)]
)


@given(TIMELINES, TIMELINES, HOURS, HOURS)
def test_the_lowest_is_that_of_all_moments(own, everywhere, one: int, other: int) -> None:
    since, until = sorted((one, other))
    seen = []
    for hour in range(since, until + 1):
        held = None
        for timeline in (everywhere, own):
            past = [step.held.amount for step in timeline if step.since <= after(hour)]
            if past and past[-1] is not None:
                held = past[-1]
        if held is not None:
            seen.append(held)
    found = timelines.lowest([own, everywhere], after(since), after(until))
    assert (None if found is None else found.amount) == min(seen, default=None)
