"""Two people who decide about promotions at one moment, in every order that matters."""

from functools import partial
from typing import Any

import pytest
from interleaving import meetings
from marketers import Marketer, percent

from ledger.database.engine import Database
from ledger.errors import ChangedMeanwhile, PromotionExists, PromotionRefused


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def test_two_who_publish_make_one_version(marketer: Marketer, database: Database) -> None:
    def pair(at: int) -> Any:
        marketer.put(f"p{at}", percent(10))
        publish = partial(marketer.publish, f"p{at}")
        return publish, publish

    for at, met in meetings(database, pair):
        assert sorted([met.first, met.second], key=bool) == [None, (1, "10 %")], met
        assert marketer.versions(f"p{at}") == [(1, "10 %")]
        assert marketer.stages(f"p{at}") == [(1, "everywhere")]


@pytest.mark.parametrize("writes_first", [True, False])
def test_what_is_published_is_one_draft_or_the_other(
    marketer: Marketer, database: Database, *, writes_first: bool
) -> None:
    def pair(at: int) -> Any:
        marketer.put(f"p{at}", percent(10))
        marketer.publish(f"p{at}")
        marketer.put(f"p{at}", percent(20))
        both = (
            partial(marketer.put, f"p{at}", percent(30)),
            partial(marketer.publish, f"p{at}"),
        )
        return both if writes_first else both[::-1]

    for at, met in meetings(database, pair):
        made = met.second if writes_first else met.first
        assert made in [(2, "20 %"), (2, "30 %")], met
        assert marketer.versions(f"p{at}") == [(1, "10 %"), made]
        assert marketer.draft(f"p{at}")["name"] == "30 %"
        assert marketer.given()[f"p{at}"] == 2


@pytest.mark.parametrize("removes_first", [True, False])
def test_no_promotion_is_left_in_a_lane_that_is_gone(
    marketer: Marketer, database: Database, *, removes_first: bool
) -> None:
    def pair(at: int) -> Any:
        if at > 1 and marketer.draft(f"p{at - 1}") is not None:
            marketer.put(f"p{at - 1}", percent(10))
        marketer.terms("main", "club")
        both = (
            partial(marketer.terms, "main"),
            partial(marketer.put, f"p{at}", percent(10, lane="club")),
        )
        return both if removes_first else both[::-1]

    for at, met in meetings(database, pair):
        assert sum(isinstance(one, PromotionRefused) for one in (met.first, met.second)) == 1, met
        in_it = (marketer.draft(f"p{at}") or {}).get("lane") == "club"
        assert in_it == ("club" in marketer.lanes()), met


@pytest.mark.parametrize("ends_first", [True, False])
def test_who_comes_last_decides_whether_it_is_given(
    marketer: Marketer, database: Database, *, ends_first: bool
) -> None:
    def pair(at: int) -> Any:
        marketer.put(f"p{at}", percent(10))
        marketer.publish(f"p{at}")
        marketer.put(f"p{at}", percent(20))
        both = partial(marketer.end, f"p{at}"), partial(marketer.publish, f"p{at}")
        return both if ends_first else both[::-1]

    for at, met in meetings(database, pair):
        assert True in (met.first, met.second), met
        told = marketer.stages(f"p{at}")
        assert sorted(told[1:]) in (
            [(1, "ended"), (2, "everywhere")],
            [(2, "ended"), (2, "everywhere")],
        )
        assert marketer.given().get(f"p{at}") == (2 if told[-1][1] == "everywhere" else None)


def test_of_two_who_make_one_code_one_is_told(marketer: Marketer, database: Database) -> None:
    def pair(at: int) -> Any:
        return (
            partial(marketer.make, f"p{at}", percent(10)),
            partial(marketer.make, f"p{at}", percent(20)),
        )

    for _, met in meetings(database, pair):
        assert sum(isinstance(one, PromotionExists) for one in (met.first, met.second)) == 1, met


def test_of_two_who_read_the_same_one_is_told(marketer: Marketer, database: Database) -> None:
    def pair(at: int) -> Any:
        marketer.put(f"p{at}", percent(10))
        return (
            partial(marketer.put, f"p{at}", percent(20), 1),
            partial(marketer.put, f"p{at}", percent(30), 1),
        )

    for _, met in meetings(database, pair):
        assert sorted(map(str, (type(met.first), type(met.second)))) == sorted(
            map(str, (int, ChangedMeanwhile))
        ), met
