"""Pages of a list: where one ends and the next begins."""

from dataclasses import dataclass

import pytest

from wallet.api import paging
from wallet.api.bodies.paging import PageIn


@dataclass
class Row:
    id: int


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
    assert paging.from_cursor(page.next_cursor) == 70
