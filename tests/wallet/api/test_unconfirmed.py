"""A member whom a cashier made, as those see them who ask: at every door of the API that spends, in
lists and files, in the console."""

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from ledger.people import members
from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.people import deeds

PHONE = "+79991234567"
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC1vZi0zMi1ieXRlcyE="  # pragma: allowlist secret
CASHIER = Author("employee", "olga@example.com")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_WEBHOOK_SECRET": SECRET}


@pytest.fixture
def vera(api, house) -> dict:
    """Made at a counter; she has 100 points."""
    where = house.installation

    def work(session):
        programme = programmes.by_code(session, "demo")
        return deeds.add(
            session,
            programme,
            Profile("Вера", PHONE),
            [],
            "console",
            where.pass_type,
            where.keys,
            CASHIER,
            house.clock(),
            unconfirmed=True,
        ).public_id

    id_ = where.database.run(work)
    assert api.post("accruals", {"member": id_, "points": 100}).status_code == 201
    return api.get(f"members/{id_}").get_json()


def confirm(house, vera: dict) -> bool:
    return house.installation.database.run(
        lambda session: deeds.confirm(
            session, members.by_public_id(session, vera["id"]), CASHIER, house.clock()
        )
    )


@pytest.mark.parametrize("named_by", ["member", "card"])
def test_no_door_of_the_api_lets_them_spend(api, house, vera, member, named_by) -> None:
    whom = {named_by: vera["id"] if named_by == "member" else vera["card"]["number"]}
    for path, body in (
        ("redemptions", {**whom, "points": 1}),
        ("holds", {**whom, "points": 1}),
        ("transfers", {"from": whom, "to": {"member": member["id"]}, "points": 1}),
    ):
        answer = api.post(path, body)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "member_unconfirmed"), path
    spent = {"type": "redemption", **whom, "points": 1}
    batch = api.post("batches", {"items": [{"key": "a", **spent}]}).get_json()
    assert "member_unconfirmed" in json.dumps(batch)
    assert confirm(house, vera)
    assert api.post("redemptions", {**whom, "points": 1}).status_code == 201


def test_no_signed_webhook_lets_them_spend(api, client, house, vera) -> None:
    data = {"card": vera["card"]["number"], "points": 1}
    for type_, status in (("points.accrued", 200), ("points.redeemed", 409)):
        at = house.clock()
        payload = json.dumps({"type": type_, "timestamp": at.isoformat(), "data": data})
        headers = {
            "webhook-id": type_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(type_, at, payload),
        }
        answer = client.post(
            "/webhooks/demo", data=payload, headers=headers, content_type="application/json"
        )
        assert answer.status_code == status, answer.text


def test_everybody_who_asks_is_told(api, house, vera, member) -> None:
    def seen() -> list[bool]:
        listed = api.get("members?programme=demo").get_json()["items"]
        found = api.get(f"members?phone={PHONE.replace('+', '%2B')}").get_json()["items"]
        file = api.get(f"members/{vera['id']}/file").get_json()["members"]
        table = api.get("exports/members?programme=demo&format=ndjson").text.splitlines()
        of_vera = [
            *(one for one in listed if one["id"] == vera["id"]),
            *found,
            *file,
            *(one for one in map(json.loads, table) if one.get("id") == vera["id"]),
        ]
        assert len(of_vera) == 4
        return [one["confirmed"] for one in of_vera]

    assert not vera["confirmed"] and member["confirmed"]
    assert seen() == [False] * 4
    assert confirm(house, vera)
    assert seen() == [True] * 4
    assert not confirm(house, vera)
    changes = api.get(f"changes?kind=member&of={vera['id']}").get_json()["items"]
    (line,) = [one for one in changes if one["code"] == "member.confirmed"]
    assert line["fields"] == [{"name": "unconfirmed", "before": True, "after": False}]
    assert datetime.fromisoformat(line["at"]) == house.clock().astimezone(UTC)
