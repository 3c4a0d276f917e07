"""The entries of a programme: the rows behind figures, with filters, and as a file."""

import re
from html import unescape

import pytest
from member_pages import MEMBERS, give
from visitors import HOME, signed_in

from wallet.access import exports

ENTRIES = f"{HOME}entries"
SUM = {"amount": "1000.00", "currency": "RUB"}


@pytest.fixture
def book(api, anna, join):
    """Anna bought and spent; Boris, who may be a formula, got points by hand."""
    boris = join(name="<b>Борис</b>")
    give(api, anna, 300)
    bought = {"member": anna["id"], "points": 50, "purchase": SUM, "receipt": "A-17"}
    assert api.post("accruals", bought).status_code == 201
    assert api.post("redemptions", {"member": anna["id"], "points": 100}).status_code == 201
    give(api, boris, 20)
    return boris


def rows(page: str) -> list[str]:
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r"<tr role=\"row\">(.*?)</tr>", page, re.DOTALL)[1:]
    ]


def test_all_are_listed_the_newest_first_with_the_member(marketer, anna, book) -> None:
    found = rows(marketer.read(ENTRIES))
    assert len(found) == 4
    assert "Борис" in found[0] and "+20 points" in found[0]
    assert "redemption" in found[1] and "−100 points" in found[1] and "Анна" in found[1]
    assert "RUB 1,000.00" in found[2] and "receipt A-17" in found[2]
    page = marketer.read(ENTRIES)
    assert f'href="{MEMBERS}/{anna["id"]}"' in page and "<b>Борис</b>" not in page


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("kind=redemption", 1),
        ("kind=accrual", 3),
        ("kind=purchases", 1),
        ("kind=by_hand", 0),
        ("receipt=A-17", 1),
        ("at_least=100", 2),
        ("since=2020-01-01&until=2020-01-02", 0),
        ("since=nonsense&kind=nonsense&at_least=x&after=y", 4),
        ("store=nowhere", 0),
    ],
)
def test_filters(marketer, book, asked, count) -> None:
    page = marketer.read(f"{ENTRIES}?{asked}")
    assert len(rows(page)) == count
    assert (count == 0) == ("No entry fits these filters." in page)


def test_pages_follow_each_other(marketer, book, monkeypatch) -> None:
    monkeypatch.setattr("wallet.console.members.postings.ROWS", 1)
    address, seen = ENTRIES, []
    while address and len(seen) < 9:
        page = marketer.read(address)
        seen += rows(page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = unescape(found[1]) if found else ""
    assert len(seen) == len(set(seen)) == 4


def test_they_are_a_file_in_the_readers_language_and_that_is_noted(
    marketer, anna, book, installation
) -> None:
    answer = marketer.get(f"{ENTRIES}.csv?kind=redemption&lang=ru")
    heading, *lines = answer.text.splitlines()
    assert heading.startswith("\ufeffКогда;Что это было;Клиент;")
    assert len(lines) == 1 and f";списание;{anna['id']};" in lines[0] and ";-100;" in lines[0]
    answer.close()
    with installation.database.reading() as session:
        (done,) = exports.listed(session, None, None, 9)
    assert (done.what, done.rows, done.complete) == ("postings", 1, True)


def test_who_may_not_take_files_is_not_offered_one(client, installation, book) -> None:
    viewer = signed_in(client, installation, "viewer")
    assert "entries.csv" not in viewer.read(ENTRIES)
    assert viewer.get(f"{ENTRIES}.csv").status_code == 403
    assert viewer.get("/console/programmes/nowhere/entries").status_code == 404
