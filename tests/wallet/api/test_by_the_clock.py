"""What every door shows is what can be spent at that moment, and what is owed is told with it. No
worker settles an account in these tests."""

from datetime import datetime, timedelta

import pytest
from phones import Phone, opened, values

DEBT = {"available": 0, "pending": 0, "held": 0, "debt": 40}


def doors(api, client, house, member: dict) -> dict[str, int]:
    """What each door says can be spent."""
    card, page = member["card"]["number"], member["links"]["card"].split("8080")[1]
    (of_the_unit,) = api.get(f"members/{member['id']}/balances").get_json()["items"]
    (found,) = api.get(f"members?card={card}").get_json()["items"]
    # Something else changes the card, and so it is rendered.
    api.call("PATCH", f"members/{member['id']}", {"name": str(house.clock())})
    house.run("relay")
    return {
        "member": api.get(f"members/{member['id']}").get_json()["balance"]["available"],
        "search": found["balance"]["available"],
        "balances": of_the_unit["available"],
        "scan": api.post("scans", {"barcode": card}).get_json()["balance"]["available"],
        "page": int(client.get(f"{page}/state").get_json()["points"]),
        "pass": values(opened(Phone.with_card(client, member).fetch().data))["points"],
        "audience": _audience(api),
    }


def _audience(api) -> int:
    """What a member has by the audiences that they belong to."""
    body = {
        "programme": "demo",
        "name": "x",
        "texts": {"ru": "x"},
        "audience": {"kind": "balance", "at_least": 1},
    }
    draft = api.post("campaigns", body).get_json()["id"]
    least = 0
    for step in (64, 32, 16, 8, 4, 2, 1):
        asked = {"audience": {"kind": "balance", "at_least": least + step}}
        assert api.call("PATCH", f"campaigns/{draft}", asked).status_code == 200
        if api.post(f"campaigns/{draft}/preview", {}).get_json()["audience"]:
            least += step
    return least


@pytest.mark.parametrize(
    ("terms", "before", "after"), [("expires_at", 100, 20), ("activates_at", 20, 100)]
)
def test_every_door_shows_what_can_be_spent(
    api, client, house, member, terms: str, before: int, after: int
) -> None:
    moment: datetime = house.clock() + timedelta(days=1)
    api.post("accruals", {"member": member["id"], "points": 20})
    api.post("accruals", {"member": member["id"], "points": 80, terms: moment.isoformat()})
    house.clock.advance(hours=24, microseconds=-1)
    assert set(doors(api, client, house, member).values()) == {before}
    house.clock.advance(microseconds=1)
    assert set(doors(api, client, house, member).values()) == {after}
    refused = api.post("redemptions", {"member": member["id"], "points": after + 1})
    assert (refused.status_code, refused.get_json()["available"]) == (409, after)
    spent = api.post("redemptions", {"member": member["id"], "points": after})
    assert spent.get_json()["balance"]["available"] == 0


def test_a_hold_is_read_with_the_balance_of_now(api, house, member) -> None:
    ends = house.clock() + timedelta(minutes=5)
    api.post("accruals", {"member": member["id"], "points": 9, "expires_at": ends.isoformat()})
    hold = api.post("holds", {"member": member["id"], "points": 4}).get_json()
    house.clock.advance(minutes=5)
    balance = api.get(f"holds/{hold['id']}").get_json()["balance"]
    assert balance == {"available": 0, "pending": 0, "held": 4, "debt": 0}
    report = api.get("programmes/demo/liability").get_json()
    assert (report["total"], [month["points"] for month in report["months"]]) == (4, [4])


@pytest.fixture
def debtor(api, member) -> dict:
    """A member who spent points that were taken back afterwards."""
    earned = api.post("accruals", {"member": member["id"], "points": 40}).get_json()
    api.post("redemptions", {"member": member["id"], "points": 40})
    undone = api.post(f"postings/{earned['id']}/reverse", {}).get_json()
    assert undone["members"] == [{"member": member["id"], "balance": DEBT}]
    return member


def test_a_debt_is_told_wherever_a_balance_is(api, client, debtor) -> None:
    assert api.get(f"members/{debtor['id']}").get_json()["balance"] == DEBT
    scanned = api.post("scans", {"barcode": debtor["card"]["number"]}).get_json()
    assert scanned["balance"] == DEBT
    page = debtor["links"]["card"].split("8080")[1]
    assert "Минус по\u00a0баллам: 40 баллов." in client.get(f"{page}?lang=ru").text
    owed = client.get(f"{page}/state?lang=en").get_json()["debt"]
    assert owed == "You owe 40 points. What comes in next pays this first."


def test_what_pays_a_debt_says_so(api, debtor, join) -> None:
    """By every way that points come in."""
    first = api.post("accruals", {"member": debtor["id"], "points": 1}).get_json()
    assert (first["points"], first["debt_paid"], first["balance"]["debt"]) == (1, 1, 39)
    item = {"key": "1", "type": "accrual", "member": debtor["id"], "points": 2}
    (in_batch,) = api.post("batches", {"items": [item]}).get_json()["items"]
    assert in_batch["posting"]["debt_paid"] == 2
    friend = join(name="Борис")
    api.post("accruals", {"member": friend["id"], "points": 50})
    gift = {"from": {"member": friend["id"]}, "to": {"member": debtor["id"]}, "points": 7}
    given = api.post("transfers", gift).get_json()
    assert (given["to"]["debt_paid"], given["to"]["balance"]["debt"]) == (7, 30)
    assert "debt_paid" not in given["from"]
    joined = api.post(f"members/{friend['id']}/household", {"head": debtor["id"]}).get_json()
    assert (joined["debt_paid"], joined["balance"]["available"]) == (30, 13)
    last = api.post("accruals", {"member": debtor["id"], "points": 5}).get_json()
    assert "debt_paid" not in last
