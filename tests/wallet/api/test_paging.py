"""Pages of a list: where one ends and the next begins; and cursors, each of one list."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from wallet.api import paging
from wallet.api.bodies.offers import OfferSearch
from wallet.api.bodies.paging import PageIn, PageInProgramme


@dataclass
class Row:
    id: int


@pytest.fixture(autouse=True)
def _asked(app: Flask) -> Iterator[None]:
    with app.test_request_context("/api/v1/programmes"):
        yield


@pytest.mark.parametrize(("there_are", "kept"), [(0, 0), (3, 3), (4, 3)])
def test_a_page_has_a_next_one_only_where_there_is_more(there_are: int, kept: int) -> None:
    place = paging.place(PageIn(limit=3))
    assert (place.position, place.most) == (None, 4)
    page = place.page(Row(number) for number in range(10, 10 + there_are))
    assert len(page.rows) == kept
    assert (page.next_cursor is not None) == (there_are > kept)
    if page.next_cursor is not None:
        following = paging.place(PageIn(cursor=page.next_cursor, limit=3))
        assert following.position == page.rows[-1].id


def test_a_list_may_be_ordered_by_something_else() -> None:
    place = paging.place(PageIn(limit=1))
    page = place.page([Row(7), Row(8)], lambda row: row.id * 10)
    assert paging.place(PageIn(cursor=page.next_cursor)).position == 70


def test_a_list_may_be_ordered_by_several_numbers() -> None:
    place = paging.place(PageIn(limit=1), 2)
    page = place.page([Row(7), Row(8)], lambda row: (5, row.id))
    assert paging.place(PageIn(cursor=page.next_cursor), 2).after == (5, 7)


def refused(asked: PageIn) -> str:
    with pytest.raises(HTTPException) as caught:
        paging.place(asked)
    assert caught.value.response is not None
    assert caught.value.response.status_code == 422
    return str(caught.value.response.get_json()["code"])


class TestCursors:
    @pytest.fixture
    def cursor(self) -> str:
        place = paging.place(PageInProgramme(limit=1, programme="demo"))
        return place.page([Row(7), Row(8)]).next_cursor or ""

    def test_one_goes_on_with_its_filters_however_long_the_page(self, cursor: str) -> None:
        same = PageInProgramme(cursor=cursor, limit=9, programme="demo")
        assert paging.place(same).position == 7

    def test_one_of_other_filters_is_refused(self, cursor: str) -> None:
        other = PageInProgramme(cursor=cursor, programme="beta")
        none = PageInProgramme(cursor=cursor)
        more = OfferSearch(cursor=cursor, programme="demo", member="x")
        assert {refused(one) for one in (other, none, more)} == {"cursor_of_another_list"}

    def test_one_of_another_list_is_refused(self, app: Flask, cursor: str) -> None:
        for path in ("waves", "members/7/lots"):
            with app.test_request_context(f"/api/v1/{path}"):
                asked = PageInProgramme(cursor=cursor, programme="demo")
                assert refused(asked) == "cursor_of_another_list"

    def test_one_of_another_member_is_refused(self, app: Flask) -> None:
        with app.test_request_context("/api/v1/members/7/lots"):
            page = paging.place(PageIn(limit=1)).page([Row(1), Row(2)])
        with app.test_request_context("/api/v1/members/8/lots"):
            assert refused(PageIn(cursor=page.next_cursor)) == "cursor_of_another_list"

    # The last two: of the release before, a number alone; and a number that is too large.
    @pytest.mark.parametrize("cursor", ["x", "ÿ", "!", "LTE", "MQ", "YSA5OTk5OTk5OTk5OTk5OTk5OTk5"])
    def test_one_that_we_did_not_make_is_refused(self, cursor: str) -> None:
        assert refused(PageIn(cursor=cursor)) == "cursor_invalid"
