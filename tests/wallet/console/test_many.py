"""Acts on several members who were ticked in the list."""

import re

import pytest
from member_pages import MEMBERS, give
from visitors import HOME, signed_in

from ledger.programmes import programmes
from wallet.access import exports

CHOSEN = f"{HOME}members-chosen"
NEW = "/console/programmes/other/members/new"


@pytest.fixture
def three(join, api) -> list[dict]:
    found = [join(name=name) for name in ("<i>Анна</i>", "Борис", "Вера")]
    give(api, found[0], 40)
    return found


def ticked(members: list[dict]) -> str:
    return "&".join(f"m={one['id']}" for one in members)


def balance(api, member: dict) -> int:
    return int(api.get(f"members/{member['id']}").get_json()["balance"]["available"])


def form(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(once|sure)" value="([^"]+)"', page))


def test_members_are_ticked_in_the_list(marketer, three) -> None:
    page = marketer.read(f"{MEMBERS}?pick=1")
    assert set(re.findall(r'name="m" value="([^"]+)"', page)) == {one["id"] for one in three}
    assert "<i>Анна" not in page
    assert 'name="m"' not in marketer.read(MEMBERS)
    answer = marketer.get(f"{CHOSEN}/points")
    assert answer.status_code == 303 and "Tick somebody" in marketer.read(answer.location)


def test_each_is_given_points_once_after_the_sum_is_said(marketer, three, api) -> None:
    page = marketer.read(f"{CHOSEN}/points?{ticked(three[:2])}")
    assert "2 members" in page
    ids = [one["id"] for one in three[:2]]
    typed = {"m": ids, "amount": "100", "reason": "Извинение", **form(page)}
    asked = marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/points", **typed)
    assert asked.status_code == 422 and "In all that makes 200 points." in asked.text
    assert balance(api, three[1]) == 0
    typed |= form(asked.text)
    for _ in range(2):
        assert marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/points", **typed).status_code == 303
    assert [balance(api, one) for one in three] == [140, 100, 0]


def test_the_limit_is_for_the_sum(marketer, three, api, installation) -> None:
    with installation.database.transaction() as session:
        programmes.limit_adjusting(session, programmes.by_code(session, "demo"), 250)
    ids = [one["id"] for one in three]
    typed = {"m": ids, "amount": "100", "reason": "Извинение", "once": "one", "sure": "300"}
    answer = marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/points", **typed)
    assert answer.location == f"{HOME}points-by-hand"
    page = marketer.read(answer.location)
    assert "above the limit" in page and page.count("+100 points") >= 3
    assert [balance(api, one) for one in three] == [40, 0, 0]


@pytest.mark.parametrize(
    ("amount", "reason", "said"),
    [
        ("", "x", "Please fill this in."),
        ("0", "x", "At least 1."),
        ("ten", "x", "This is not a whole number."),
        ("5", "", "Please fill this in."),
    ],
)
def test_what_does_not_fit_is_said(marketer, three, amount, reason, said) -> None:
    typed = {"m": [three[0]["id"]], "amount": amount, "reason": reason}
    answer = marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/points", **typed)
    assert answer.status_code == 422 and said in answer.text


def test_cards_are_blocked_after_what_follows_is_said(marketer, three, api, noted) -> None:
    page = marketer.read(f"{CHOSEN}/block?{ticked(three)}")
    assert "Tills refuse their cards at once." in page and "40 points stay" in page
    ids = [one["id"] for one in three[:2]]
    answer = marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/block", m=ids)
    assert "2 cards are blocked." in marketer.read(answer.location)
    states = [api.get(f"members/{one['id']}").get_json()["card"]["state"] for one in three]
    assert states == ["blocked", "blocked", "active"]
    assert noted()[-1] == ("card.blocked", "employee", "marketer@example.com")


def test_those_who_were_ticked_are_a_file_and_that_is_noted(marketer, three, installation) -> None:
    answer = marketer.send(f"{MEMBERS}/new", f"{CHOSEN}/export", m=[three[1]["id"]], people="yes")
    assert "Борис" in answer.text and "Вера" not in answer.text
    answer.close()
    with installation.database.reading() as session:
        (done,) = exports.listed(session, None, None, 9)
    assert (done.what, done.rows, done.personal) == ("members", 1, True)


def test_members_of_another_programme_cannot_be_ticked(client, installation, three, api) -> None:
    with installation.database.transaction() as session:
        terms = programmes.Terms("other", "Другая")
        other = programmes.create(session, terms, installation.clock()).id
    stranger = signed_in(client, installation, "manager", other)
    typed = {"m": [three[0]["id"]], "amount": "5", "reason": "x", "sure": "5"}
    answer = stranger.send(NEW, "/console/programmes/other/members-chosen/points", **typed)
    assert answer.status_code == 303 and "pick=1" in answer.location
    assert balance(api, three[0]) == 40
    assert stranger.send(NEW, f"{CHOSEN}/block", m=[three[0]["id"]]).status_code == 404
