"""Others are told what happens, on both databases: what they are told, and what becomes of it when
they do not take it."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from phones import Phone, opened
from receiving import Message, Receiving, receiving, status
from sqlalchemy import func, select

from wallet.access import grants
from wallet.access.changes import Author
from wallet.api.bodies import events
from wallet.google import mirror
from wallet.happenings import HappeningRow
from wallet.passes import issued
from wallet.receivers import delivery, log, receivers, types
from wallet.receivers.delivery import WAITS
from wallet.receivers.log import Attempt, LoggedEvent
from wallet.receivers.receivers import ReceiverTerms
from wallet.running.assembly import connect

BY = grants.operator(Author("command", "wallet test"))

LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def crm() -> Iterator[Receiving]:
    with receiving() as running:
        yield running
    for event in running.events:
        if event["type"] != types.TEST:
            assert set(event) == set(events.example(event["type"]))
            told, example = event["data"], events.DATA[event["type"]]
            assert set(told) - {"person"} == set(example)
            if event["type"].startswith(("member.", "card.", "coupon.")):
                told = {name: told[name] for name in example}
                assert told_of(told) == told_of(example)


@pytest.fixture
def other() -> Iterator[Receiving]:
    with receiving() as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "ATTEMPT_LIMIT_S", 1.0)


@pytest.fixture
def add(api) -> Callable[..., dict]:
    """Add a receiver through the API."""

    def added(at: Receiving, **terms: object) -> dict:
        name = f"receiver {at.port}"
        answer = api.post("receivers", {"name": name, "url": at.url, **terms})
        assert answer.status_code == 201, answer.text
        return answer.get_json()

    return added


@pytest.fixture
def tell(house) -> Callable[[], None]:
    """Carry everything on until nothing is due: to the phones, and to receivers."""
    return lambda: house.run("upkeep", "relay", "seals", "events")


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


def grant(api, member: dict, points: int = 100, **more: object) -> dict:
    answer = api.post("accruals", {"card": member["card"]["number"], "points": points, **more})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def attempts(api, receiver: dict, query: str = "") -> list[dict]:
    return api.get(f"receivers/{receiver['id']}/attempts?limit=200{query}").get_json()["items"]


def undelivered(api, receiver: dict) -> list[dict]:
    return api.get(f"receivers/{receiver['id']}/undelivered").get_json()["items"]


def by_id(event: dict) -> int:
    return int(event["id"])


def state(api, receiver: dict) -> dict:
    return api.get(f"receivers/{receiver['id']}").get_json()


# --- What is told -----------------------------------------------------------------------------


def test_a_crm_hears_of_receipts_of_members_and_of_others(api, add, join, crm, tell) -> None:
    add(crm, types=["receipt.*"])
    member = join(name="Анна")
    line = {"id": "1", "sku": "TEA", "quantity": "2", "price": rub("100.00")}
    sent = {"programme": "demo", "lines": [line], "cashier": "olga", "confirm": True}
    for more in ({"id": "r-1", "member": member["id"]}, {"id": "r-2"}):
        assert api.post("receipts", {**sent, **more}).status_code == 201
    tell()
    told = [one["data"] for one in sorted(crm.events, key=by_id)]
    assert [(one["id"], one["member"]) for one in told] == [("r-1", member["id"]), ("r-2", None)]
    assert told[0]["total"] == rub("200.00")
    assert [(one["sku"], one["quantity"]) for one in told[0]["lines"]] == [("TEA", "2")]


def test_a_crm_hears_of_a_member_and_their_points(api, add, join, crm, tell) -> None:
    receiver = add(crm)
    member = join(name="Анна", phone="+79161234567")
    paid = {"amount": "1000.00", "currency": "RUB"}
    posting = grant(api, member, 100, receipt="R-1", store="centre", purchase=paid)
    spent = api.post("redemptions", {"card": member["card"]["number"], "points": 30}).get_json()
    tell()
    assert sorted(crm.types) == ["member.joined", "points.accrued", "points.redeemed"]
    told = {one["type"]: one for one in crm.events}
    accrued, redeemed = told["points.accrued"], told["points.redeemed"]
    assert accrued["programme"] == "demo"
    assert accrued["data"] | {"occurred_at": None} == {
        "member": member["id"],
        "posting": posting["id"],
        "unit": "points",
        "points": 100,
        "balance_after": 100,
        "debt_change": 0,
        "receipt": "R-1",
        "store": "centre",
        "promotion": None,
        "reverses": None,
        "purchase": paid,
        "occurred_at": None,
    }
    assert accrued["data"]["occurred_at"].endswith("Z")
    assert redeemed["data"]["purchase"] is None
    assert redeemed["data"]["posting"] == spent["id"]
    assert (redeemed["data"]["points"], redeemed["data"]["balance_after"]) == (-30, 70)
    assert accrued["id"] < redeemed["id"]
    assert all(one.is_signed_by(receiver["secret"]) for one in crm.messages)
    assert {one.id for one in crm.messages} == {f"evt_{one['id']}" for one in crm.events}
    assert told["member.joined"]["data"] == {"member": member["id"]}
    assert "Анна" not in b"".join(one.body for one in crm.messages).decode()


def test_every_posting_tells_the_balance_after_it(api, add, join, crm, tell) -> None:
    add(crm, types=["points.*"])
    anna, boris = join(), join()
    first = grant(api, anna, 100)
    sides = {"from": {"member": anna["id"]}, "to": {"member": boris["id"]}}
    assert api.post("transfers", {**sides, "points": 60}).status_code == 201
    undone = api.post(f"postings/{first['id']}/reverse", {"points": 40})
    assert undone.status_code == 201
    tell()
    balances: dict[str, int] = {}
    for event in sorted(crm.events, key=by_id):
        data = event["data"]
        assert data["balance_after"] == balances.get(data["member"], 0) + data["points"]
        balances[data["member"]] = data["balance_after"]
    assert set(crm.types) == {"points.accrued", "points.transferred", "points.reversed"}
    for who in (anna, boris):
        now = api.get(f"members/{who['id']}").get_json()["balance"]["available"]
        assert balances[who["id"]] == now


def told_of(value: object) -> object:
    """What a reader of an example takes for granted of a value: its kind, and its sign."""
    if isinstance(value, dict):
        return {name: told_of(one) for name, one in value.items() if name != "currency"}
    if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value):
        return "negative" if value.startswith("-") else "amount"
    if isinstance(value, int) and not isinstance(value, bool):
        return "negative" if value < 0 else "positive" if value else "none"
    return type(value).__name__


def test_postings_of_every_kind_are_told_as_their_examples_say(
    api, add, join, client, house, crm, tell
) -> None:
    anna, boris, vera = join(phone="+79990000001"), join(), join()
    tell()
    add(crm, types=["points.*"])
    paid = {"amount": "1000.00", "currency": "RUB"}
    first = grant(api, anna, 100, receipt="R-1", store="centre", purchase=paid)
    spent = {"card": anna["card"]["number"], "points": 30, "receipt": "R-2", "store": "centre"}
    assert api.post("redemptions", {**spent, "purchase": paid}).status_code == 201
    sides = {"from": {"member": anna["id"]}, "to": {"member": boris["id"]}}
    assert api.post("transfers", {**sides, "points": 60}).status_code == 201
    tell()
    # What was spent becomes a debt, and is paid by points that become active by themselves.
    assert api.post(f"postings/{first['id']}/reverse", {}).status_code == 201
    soon, later = (house.clock() + timedelta(hours=h) for h in (1, 2))
    grant(api, anna, 200, activates_at=soon.isoformat(), expires_at=later.isoformat())
    house.clock.advance(minutes=61)
    tell()
    grant(api, anna, 15)
    house.clock.advance(minutes=61)
    tell()
    grant(api, vera, 5)
    assert api.post(f"members/{vera['id']}/merge", {"into": boris["id"]}).status_code == 201
    answer = client.post(
        "/api/v1/imports?programme=demo&kind=members",
        data=b"phone;balance\n+79990000002;12\n",
        headers={
            "Authorization": "Bearer sandbox-test-key-of-32-characters",
            "Content-Type": "text/csv",
        },
    ).get_json()
    house.run("imports")
    assert api.post(f"imports/{answer['id']}/apply", {}).status_code in (200, 202)
    house.run("imports")
    phone = Phone.with_card(client, boris)
    assert phone.register().status_code == 201
    campaign = api.post(
        "campaigns",
        {
            "programme": "demo",
            "name": "Чай",
            "texts": {"ru": "Чай!"},
            "consent": "any",
            "gift": {"points": 50},
        },
    ).get_json()
    assert api.post(f"campaigns/{campaign['id']}/start", {}).status_code == 200
    house.run("messages")
    tell()
    for name in types.OF_POSTINGS.values():
        told = [told_of(one["data"]) for one in crm.events if one["type"] == name]
        assert told_of(events.DATA[name]) in told, (name, told)


def test_merging_erasing_and_correcting_are_told(api, add, join, crm, tell) -> None:
    first, second = join(name="Анна"), join(name="Аня")
    tell()
    add(crm)
    api.call("PATCH", f"members/{first['id']}", {"name": "Анна П."})
    api.post(f"members/{second['id']}/merge", {"into": first["id"]})
    tell()
    merged = [one["data"] for one in crm.events if one["type"] == "member.merged"]
    assert merged == [{"member": second["id"], "into": first["id"]}]
    assert "member.changed" in crm.types
    api.delete(f"members/{first['id']}")
    tell()
    erased = {one["data"]["member"] for one in crm.events if one["type"] == "member.erased"}
    assert erased == {first["id"], second["id"]}
    assert all(set(one["data"]) == {"member"} for one in crm.events if "erased" in one["type"])


def test_cards_that_come_and_go_are_told(api, add, member, client, crm, tell) -> None:
    add(crm, types=["card.*"])
    phone = Phone.with_card(client, member)
    watch = Phone.with_card(client, member, device="e" * 32)
    assert phone.register().status_code == 201
    assert phone.register().status_code == 200
    assert watch.register(token="cafe" * 16).status_code == 201
    watch.unregister()
    phone.unregister()
    phone.unregister()
    tell()
    facts = {"member": member["id"], "wallet": "apple", "pass": phone.serial}
    assert [(one["type"], one["data"]) for one in sorted(crm.events, key=by_id)] == [
        ("card.added", facts),
        ("card.removed", facts),
    ]


def test_what_google_tells_of_a_card_is_told_once(api, add, member, house, crm, tell) -> None:
    add(crm, types=["card.*"])
    serial = api.get(f"members/{member['id']}/passes").get_json()["items"][0]["id"]
    database, now = house.installation.database, house.clock()
    with database.transaction() as session:
        pass_ = issued.named(session, serial)
        mirror.add(session, pass_.id, "3388.card", now, timedelta(days=1))
    for second, saved in enumerate([False, True, True, False, False]):
        moment = now + timedelta(seconds=second)
        with database.transaction() as session:
            mirror.heard(session, "3388.card", moment, now, saved=saved)
    with database.transaction() as session:  # too late: something newer is known
        mirror.heard(session, "3388.card", now, now, saved=True)
    tell()
    facts = {"member": member["id"], "wallet": "google", "pass": serial}
    assert [(one["type"], one["data"]) for one in sorted(crm.events, key=by_id)] == [
        ("card.added", facts),
        ("card.removed", facts),
    ]


def test_a_used_coupon_is_told(api, add, member, client, crm, tell) -> None:
    add(crm, types=["coupon.used"])
    offer = api.post("offers", {"programme": "demo", "title": "Чай"}).get_json()
    coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).get_json()
    api.post(f"passes/{coupon['id']}/use", None)
    api.post(f"passes/{coupon['id']}/use", None)
    tell()
    assert [one["data"] for one in crm.events] == [
        {"member": member["id"], "pass": coupon["id"], "offer": offer["id"]}
    ]


def test_a_message_told_and_fetched_is_told(api, add, member, client, house, crm, tell) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    tell()
    receiver = add(crm, types=["message.*"])
    campaign = api.post(
        "campaigns",
        {"programme": "demo", "name": "Чай", "texts": {"ru": "Чай!"}, "consent": "any"},
    ).get_json()
    api.post(f"campaigns/{campaign['id']}/start", {})
    house.run("messages", "events")
    facts = {
        "member": member["id"],
        "pass": phone.serial,
        "kind": "campaign",
        "campaign": campaign["id"],
        "wallets": ["apple"],
    }
    assert [(one["type"], one["data"]) for one in crm.events] == [("message.told", facts)]
    house.clock.advance(seconds=1)
    opened(phone.fetch().data)
    tell()
    assert len(crm.events) == 1  # a fetch may not be committed yet
    house.clock.advance(minutes=1)
    tell()
    house.clock.advance(minutes=1)
    opened(phone.fetch().data)
    tell()
    assert [(one["type"], one["data"]) for one in crm.events[1:]] == [("message.fetched", facts)]
    assert state(api, receiver)["failing_since"] is None


def test_points_about_to_burn_are_told(api, add, member, client, house, crm, tell) -> None:
    add(crm, types=["points.burning"])
    ends = house.clock() + timedelta(days=2)
    grant(api, member, 40, expires_at=ends.isoformat())
    answer = api.call("PUT", "programmes/demo/messages/burning", {"on": True, "days": 3})
    assert answer.status_code == 200, answer.text
    tell()
    for _ in range(24):
        house.clock.advance(hours=1)
        house.run("messages", "events")
    (told,) = crm.events
    assert (told["data"]["member"], told["data"]["points"]) == (member["id"], 40)


def test_a_hold_is_told_with_the_balance_of_the_moment(api, add, member, crm, tell) -> None:
    grant(api, member, 100)
    tell()
    add(crm, types=["balance.changed"])
    held = api.post("holds", {"card": member["card"]["number"], "points": 30})
    assert held.status_code == 201
    tell()
    (told,) = crm.events
    counts = {"available": 70, "pending": 0, "held": 30, "debt": 0}
    assert told["data"] == {"member": member["id"], "balance": {"unit": "points", **counts}}


def test_who_is_told_of_people_hears_what_is_known_at_that_moment(
    api, add, join, crm, other, tell
) -> None:
    add(crm, personal=True)
    add(other)
    crm.react = lambda _: status(500, body="Иван Иванов".encode())
    member = join(name="Иван Иванов", phone="+79161234567")
    tell()
    (told,) = crm.events
    assert told["data"]["person"]["name"] == "Иван Иванов"
    assert "person" not in other.events[0]["data"]
    # An erased person is gone from what still waits, and stays gone.
    api.delete(f"members/{member['id']}")
    crm.react = lambda _: status(200)
    house_clock_forward(tell, api)
    again = [one["data"] for one in crm.events[1:] if one["type"] == "member.joined"]
    assert [one["person"]["name"] for one in again] == [None]


def house_clock_forward(tell: Callable[[], None], api) -> None:
    api.client.application.extensions["kopilka"].clock.advance(minutes=10)
    tell()


def test_nobody_listens_nothing_is_kept(api, member, house, tell) -> None:
    grant(api, member)
    tell()
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(HappeningRow)) == 0
        assert session.scalar(select(func.count()).select_from(LoggedEvent)) == 0


def test_a_receiver_hears_of_what_it_asked_for_alone(
    api, add, join, crm, other, tell, wallet
) -> None:
    assert wallet("programmes", "add", "tea", "Чай").exit_code == 0
    add(crm, programme="tea")
    add(other, types=["points.accrued"])
    grant(api, join(), 5)
    tea = api.post("members", {"programme": "tea"}).get_json()
    tell()
    assert [one["data"]["member"] for one in crm.events] == [tea["id"]]
    assert other.types == ["points.accrued"]


def test_what_happened_before_is_not_told(api, add, member, crm, tell) -> None:
    grant(api, member)
    tell()
    add(crm)
    grant(api, member, 7)
    tell()
    assert [one["data"]["points"] for one in crm.events] == [7]


# --- What becomes of it -----------------------------------------------------------------------


def test_what_is_not_taken_is_sent_again_under_the_same_id(
    api, add, member, house, crm, tell
) -> None:
    receiver = add(crm, types=["points.*"])
    crm.react = lambda _: status(500, body=b"Sorry\r\n\x00")
    grant(api, member)
    tell()
    (waits,) = undelivered(api, receiver)
    assert (waits["attempts"], waits["given_up_at"]) == (1, None)
    (failed,) = attempts(api, receiver, "&failed=true")
    assert (failed["status"], failed["problem"], failed["answer"]) == (500, "refused", "Sorry   ")
    crm.react = lambda _: status(204)
    tell()
    assert len(crm.messages) == 1  # not before its time
    house.clock.advance(seconds=6)
    tell()
    assert len(crm.messages) == 2
    assert crm.messages[0].id == crm.messages[1].id
    assert crm.messages[0].body == crm.messages[1].body
    assert undelivered(api, receiver) == []
    assert state(api, receiver)["failing_since"] is None


def test_after_three_days_it_is_given_up_and_can_be_sent_by_hand(
    api, add, member, house, crm, tell, wallet
) -> None:
    receiver = add(crm, types=["points.*"])
    crm.react = lambda _: status(500)
    grant(api, member)
    began = house.clock()
    tell()
    given_up_after = None
    while given_up_after is None:
        house.clock.advance(minutes=20)
        house.run("events")
        if undelivered(api, receiver)[0]["given_up_at"]:
            given_up_after = house.clock() - began
    assert timedelta(days=3) < given_up_after < timedelta(days=4)
    assert len(crm.messages) == len(WAITS) + 1
    assert "1 events were given up" in wallet("doctor").output
    crm.react = lambda _: status(200)
    house.clock.advance(days=3)
    tell()
    assert len(crm.messages) == len(WAITS) + 1
    answer = api.post(f"receivers/{receiver['id']}/replay", {"given_up": True})
    assert answer.status_code == 202
    tell()
    assert {one.id for one in crm.messages} == {crm.messages[0].id}
    assert undelivered(api, receiver) == []


def test_a_receiver_that_fails_all_day_delays_nobody_and_loses_nothing(
    api, add, join, house, crm, other, tell, wallet
) -> None:
    receiver = add(crm, types=["points.*"])
    add(other, types=["points.*"])
    crm.react = lambda _: status(500)
    members = [join() for _ in range(4)]
    sent = 0
    for hour in range(24):
        for member in members:
            grant(api, member, hour + 1)
            sent += 1
        tell()
        assert len(other.messages) == sent  # at once, whatever the other one does
        house.clock.advance(hours=1)
    tries = len(crm.messages)
    assert tries < sent  # left alone, but for a try from time to time
    assert state(api, receiver)["failing_since"] is not None
    figures = api.client.get("/metrics").text
    name = f'{{receiver="{receiver["name"]}"}}'
    assert f"kopilka_receiver_given_up{name} 0.0" in figures
    assert f"kopilka_receiver_failures{name} 0.0" not in figures
    assert "is left alone until" in wallet("doctor").output
    crm.react = lambda _: status(200)
    for _ in range(20):
        house.clock.advance(hours=2)
        tell()
    taken = {one.id for one in crm.messages[tries:]}
    assert taken == {one.id for one in other.messages}
    assert state(api, receiver)["failing_since"] is None


def test_a_receiver_that_does_not_answer_delays_nobody(
    api, add, member, house, crm, other, tell, monkeypatch
) -> None:
    monkeypatch.setattr(delivery, "ATTEMPT_LIMIT_S", 30.0)
    may_answer = threading.Event()

    def answer_late(connection: socket.socket) -> None:
        may_answer.wait(30)
        status(200)(connection)

    receiver = add(crm, types=["points.*"])
    crm.react = lambda _: answer_late
    grant(api, member, 1)
    house.run("relay", "seals")
    worker = threading.Thread(target=house.run, args=["events"])
    worker.start()
    crm.wait_for(1)
    add(other, types=["points.*"])
    grant(api, member, 2)
    house.run("seals")
    other.wait_for(1)
    assert attempts(api, receiver) == []  # it has not answered, and the other one was served
    may_answer.set()
    worker.join()
    assert [one["data"]["points"] for one in other.events] == [2]
    assert sorted(one["data"]["points"] for one in crm.events) == [1, 2]


def test_a_receiver_that_hangs_is_tried_again(api, add, member, house, crm, tell) -> None:
    receiver = add(crm, types=["points.*"])
    crm.react = lambda _: crm.hang
    grant(api, member)
    tell()
    assert attempts(api, receiver)[0]["problem"] == "timed_out"
    crm.react = lambda _: status(200)
    house.clock.advance(seconds=6)
    tell()
    assert len({one.id for one in crm.messages}) == 1
    assert len(crm.messages) == 2


def test_receivers_that_are_slow_by_turns_do_not_keep_a_worker_for_ever(
    api, add, member, house, crm, other, tell, monkeypatch
) -> None:
    for name, value in (("STRETCH_S", 0.2), ("LONGER_S", 0.6), ("SLOW_S", 0.05)):
        monkeypatch.setattr(delivery, name, value)
    monkeypatch.setattr(delivery, "ATTEMPT_LIMIT_S", 30.0)  # nothing times out here
    for one in (crm, other):
        one.react = lambda _: lambda connection: (time.sleep(0.3), status(200)(connection))
        add(one, types=["points.*"])
    items = [
        {"key": f"{number}", "type": "accrual", "member": member["id"], "points": 1}
        for number in range(60)
    ]
    api.post("batches", {"items": items})
    house.run("relay", "seals")
    assert house.installation.events.deliver(house.clock) is True
    assert len(crm.messages) < 60  # others have their turn now
    tell()
    for one in (crm, other):
        assert len({message.id for message in one.messages}) == len(one.messages) == 60


def test_one_message_it_cannot_take_stops_no_other(api, add, member, house, crm, tell) -> None:
    receiver = add(crm, types=["points.*"])
    crm.react = lambda message: status(500 if message.event["data"]["points"] == 13 else 200)
    for points in range(1, 30):
        grant(api, member, points)
    tell()
    taken = {one["data"]["points"] for one in crm.events}
    assert taken == set(range(1, 30))
    assert len(undelivered(api, receiver)) == 1
    assert state(api, receiver)["paused_until"] is None


def test_one_that_is_gone_is_switched_off(api, add, member, crm, tell, wallet) -> None:
    receiver = add(crm)
    crm.react = lambda _: status(410)
    grant(api, member)
    tell()
    told = state(api, receiver)
    assert (told["enabled"], told["disabled_because"]) == (False, "gone")
    assert "410 Gone" in wallet("doctor").output
    came = len(crm.messages)
    grant(api, member)
    tell()
    assert len(crm.messages) == came
    crm.react = lambda _: status(200)
    api.call("PATCH", f"receivers/{receiver['id']}", {"enabled": True})
    grant(api, member, 9)
    tell()
    assert crm.events[-1]["data"]["points"] == 9
    assert state(api, receiver)["disabled_because"] is None


def test_it_is_asked_again_when_it_says_and_not_before(api, add, member, house, crm, tell) -> None:
    add(crm, types=["points.*"])
    crm.react = lambda _: status(503, "Retry-After: 600")
    grant(api, member)
    tell()
    house.clock.advance(minutes=9)
    tell()
    assert len(crm.messages) == 1
    house.clock.advance(minutes=2)
    tell()
    assert len(crm.messages) == 2


# --- Secrets, tests and replays ---------------------------------------------------------------


def test_secrets_rotate_without_a_message_that_cannot_be_checked(
    api, add, member, crm, tell
) -> None:
    receiver = add(crm, types=["points.*"])
    old = receiver["secret"]
    new = api.post(f"receivers/{receiver['id']}/rotate", None).get_json()["secret"]
    grant(api, member)
    tell()
    assert crm.messages[0].is_signed_by(old)
    assert crm.messages[0].is_signed_by(new)
    assert api.post(f"receivers/{receiver['id']}/retire", None).get_json() == {"retired": 1}
    grant(api, member)
    tell()
    assert not crm.messages[1].is_signed_by(old)
    assert crm.messages[1].is_signed_by(new)
    assert "secret" not in state(api, receiver)


def test_secrets_that_a_lost_key_sealed_stop_no_other_receiver(
    api, add, member, house, crm, other
) -> None:
    sealed_before = add(crm, types=["points.*"])
    anew = replace(house.installation.settings, secret_keys=("another-secret-of-many-characters",))
    elsewhere = connect(anew, clock=house.clock)
    terms = ReceiverTerms("other", other.url, types=["points.*"])
    with elsewhere.database.transaction() as session:
        receivers.add(session, elsewhere.keys, elsewhere.receivers_at, terms, BY, house.clock())
    grant(api, member)
    house.run("relay", "seals")
    elsewhere.events.deliver(house.clock)
    assert (crm.types, other.types) == ([], ["points.accrued"])
    assert state(api, sealed_before)["paused_until"] is not None
    with elsewhere.database.transaction() as session:
        receivers.rotate(session, elsewhere.keys, sealed_before["id"], BY.author, house.clock())
        receivers.retire(session, sealed_before["id"], BY.author, house.clock())
    house.clock.advance(hours=1)
    elsewhere.events.deliver(house.clock)
    assert crm.types == ["points.accrued"]  # nothing was lost meanwhile


def test_a_test_event_goes_to_one_receiver(api, add, crm, other, tell) -> None:
    receiver = add(crm, types=["points.*"])
    add(other)
    event = api.post(f"receivers/{receiver['id']}/test", None).get_json()["event"]
    tell()
    assert [(one["type"], one["id"]) for one in crm.events] == [("receiver.tested", event)]
    assert other.messages == []
    (tried,) = attempts(api, receiver, f"&event={event}")
    assert (tried["type"], tried["status"], tried["problem"]) == ("receiver.tested", 200, None)


def test_a_test_that_fails_is_not_tried_again_and_is_no_reason_to_pause(
    api, add, crm, house, tell
) -> None:
    receiver = add(crm)
    crm.react = lambda _: status(500)
    for _ in range(10):
        api.post(f"receivers/{receiver['id']}/test", None)
        tell()
    assert undelivered(api, receiver) == []
    house.clock.advance(hours=80)
    tell()
    assert crm.types == ["receiver.tested"] * 10
    now = state(api, receiver)
    assert (now["paused_until"], now["failing_since"]) == (None, None)


def test_events_are_replayed_under_their_own_ids(api, add, member, crm, tell) -> None:
    receiver = add(crm, types=["points.*"])
    for points in (1, 2, 3):
        grant(api, member, points)
    tell()
    first = {one.id: one.body for one in crm.messages}
    second = sorted(one["id"] for one in crm.events)[1]
    api.post(f"receivers/{receiver['id']}/replay", {"since": second})
    tell()
    assert {one.id for one in crm.messages[3:]} == {f"evt_{second}", f"evt_{second + 1}"}
    api.post(f"receivers/{receiver['id']}/replay", {"event": second})
    tell()
    assert [one.id for one in crm.messages[5:]] == [f"evt_{second}"]
    assert all(first[one.id] == one.body for one in crm.messages)
    unknown = api.post(f"receivers/{receiver['id']}/replay", {"event": 10**9})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_event")


def test_a_replay_while_events_are_on_their_way_is_not_forgotten(
    api, add, member, house, crm, tell
) -> None:
    receiver = add(crm, types=["points.*"])
    grant(api, member, 1)
    tell()
    (first,) = crm.events

    def replay(_: Message) -> Callable:
        crm.react = lambda _: status(200)
        api.post(f"receivers/{receiver['id']}/replay", {"since": first["id"]})
        return status(200)

    crm.react = replay
    grant(api, member, 2)
    tell()
    tell()
    assert [one["data"]["points"] for one in crm.events].count(1) == 2
    assert [one["data"]["points"] for one in crm.events].count(2) == 2


# --- Crashes and races ------------------------------------------------------------------------


def test_who_dies_before_it_notes_sends_the_same_again(
    api, add, member, house, crm, tell, monkeypatch
) -> None:
    receiver = add(crm, types=["points.*"])
    grant(api, member)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_record", die)
        with pytest.raises(KeyboardInterrupt):
            tell()
    assert len(crm.messages) == 1
    tell()
    assert len(crm.messages) == 1  # the dead worker's lease is not over
    house.clock.advance(seconds=61)
    tell()
    assert len(crm.messages) == 2
    assert crm.messages[0].id == crm.messages[1].id
    assert state(api, receiver)["position"] == crm.events[0]["id"]


def test_two_workers_do_not_send_one_event_twice(api, add, member, house, crm) -> None:
    add(crm, types=["points.*"])
    for points in range(1, 60):
        grant(api, member, points)
    house.run("relay", "seals")
    senders = [connect(house.installation.settings, clock=house.clock).events for _ in range(4)]
    workers = [threading.Thread(target=one.deliver, args=[house.clock]) for one in senders]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(one["data"]["points"] for one in crm.events) == list(range(1, 60))


def test_old_events_and_attempts_are_swept(api, add, member, house, crm, tell) -> None:
    receiver = add(crm, types=["points.*"])
    grant(api, member)
    tell()
    house.clock.advance(days=31)
    grant(api, member, 2)
    tell()
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1
        assert len(session.scalars(select(LoggedEvent)).all()) == 1
    assert len(attempts(api, receiver)) == 1


def test_ids_leap_when_a_backup_is_restored(house, add, crm, api, member, tell) -> None:
    add(crm, types=["points.*"])
    grant(api, member)
    tell()
    with house.installation.database.transaction() as session:
        log.leap(session, house.clock())
    grant(api, member)
    tell()
    first, second = (one["id"] for one in crm.events)
    assert second > first + 10**12
    assert second < 2**53  # a number that JavaScript can hold
