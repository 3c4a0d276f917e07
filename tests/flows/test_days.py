"""Figures by day of what phones, tills and wallets do; and a rebuild that is killed."""

import json
from pathlib import Path

import pytest
from phones import Phone, opened
from processes import processes
from sqlalchemy import func, select

from ledger.reports import days
from ledger.reports.days import DayRow
from wallet.google import mirror
from wallet.google.mirror import GoogleObject
from wallet.passes.issued import Pass
from wallet.sandbox.apns import RunningApns

TOKENS = [f"{number:064x}" for number in range(5)]


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


def figures(house) -> dict[str, int]:
    """All that was counted of the demo programme, over all its days."""
    house.clock.advance(minutes=1)
    house.run("seals", "days")
    with house.installation.database.reading() as session:
        found = days.sums(session, 1)
    return {" ".join(filter(None, counted)): amount for counted, amount in found.items() if amount}


def test_cards_come_and_go_and_pushes_are_answered(api, join, client, house, pushes) -> None:
    phones = [Phone.with_card(client, join(), device=f"{n:032x}") for n in range(3)]
    for phone, token in zip(phones, TOKENS, strict=False):
        phone.register(token)
    watch = Phone(client, phones[0].pass_json, device="e" * 32)
    watch.register(TOKENS[3])
    assert figures(house)["card_added apple"] == 3  # a watch is no second card
    api.post("offers", {"programme": "demo", "title": "Латте −20 %"})
    house.run()
    for phone in phones:
        phone.fetch()
    found = figures(house)
    assert (found["push_accepted apple"], found["fetched"]) == (4, 3)
    watch.unregister()
    assert "card_removed apple" not in figures(house)
    phones[0].unregister()
    assert figures(house)["card_removed apple"] == 1
    pushes.stand_in.fail(410, "Unregistered")
    api.post("offers", {"programme": "demo", "title": "Раф"})
    house.run()
    found = figures(house)
    assert (found["push_failed apple"], found["card_removed apple"]) == (2, 3)
    pushes.stand_in.clear()


def test_a_coupon_is_no_card(api, member, client, house) -> None:
    offer = api.post("offers", {"programme": "demo", "title": "Латте −20 %"}).get_json()
    coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]}).get_json()
    bundle = client.get(coupon["apple"].removeprefix("http://127.0.0.1:8080")).data
    assert Phone(client, opened(bundle)).register(TOKENS[0]).status_code == 201
    assert "card_added apple" not in figures(house)
    assert Phone.with_card(client, member, "f" * 32).register(TOKENS[1]).status_code == 201
    assert figures(house)["card_added apple"] == 1


def test_what_apple_wants_to_have_again_is_neither_accepted_nor_failed(
    api, member, client, house, pushes
) -> None:
    Phone.with_card(client, member).register(TOKENS[0])
    pushes.stand_in.fail(503, "ServiceUnavailable")
    api.post("accruals", {"member": member["id"], "points": 5})
    house.run()
    found = figures(house)
    assert found["push_deferred apple"] == 1
    assert not {"push_accepted apple", "push_failed apple"} & set(found)
    pushes.stand_in.clear()
    house.clock.advance(minutes=5)
    house.run()
    found = figures(house)
    assert (found["push_accepted apple"], found["push_deferred apple"]) == (1, 1)
    assert (found["issued points"], found["owed points"]) == (5, 5)


def test_a_card_at_google_counts_once_however_often_it_is_said(house, member) -> None:
    database, clock = house.installation.database, house.clock
    with database.transaction() as session:
        pass_id = session.scalars(select(Pass.id)).one()
        mirror.add(session, pass_id, "1.card", clock(), mirror.FIRST_CHECK)
    for saved in (True, True, False, False, True):
        clock.advance(minutes=1)
        with database.transaction() as session:
            mirror.heard(session, "1.card", clock(), clock(), saved=saved)
    found = figures(house)
    assert (found["card_added google"], found["card_removed google"]) == (2, 1)
    with database.transaction() as session:  # another issuer: nobody saved that object yet
        mirror.add(session, pass_id, "2.card", clock(), mirror.FIRST_CHECK)
    assert figures(house)["card_removed google"] == 2
    with database.reading() as session:
        assert session.scalars(select(GoogleObject.saved)).one() is None


# Where a rebuild dies: before it begins anew, between the steps of one turn, before its commit.
PLACES = (
    ("^DELETE FROM ledger_day", 2),
    ("^INSERT INTO ledger_day_place", 1),
    ("^INSERT INTO ledger_day ", 1),
    ("^INSERT INTO ledger_day_sum", 1),
    ("^COMMIT", 2),
)


def test_a_rebuild_that_is_killed_is_finished_by_whoever_counts_next(
    api, join, house, environment, tmp_path: Path
) -> None:
    for number in range(3):
        member = join()
        api.post("accruals", {"member": member["id"], "points": 10 + number})
    api.post("redemptions", {"member": member["id"], "points": 4})
    expected = figures(house)
    table = rows(house)
    with processes(environment, tmp_path) as started:
        for place in PLACES:
            died = started.start("days", "rebuild", dies_before=place)
            assert died.wait(60) != 0
            assert figures(house) == expected, place
            assert rows(house) == table, place
        started.run("days", "rebuild")
    assert figures(house) == expected
    assert rows(house) == table


def rows(house) -> str:
    with house.installation.database.reading() as session:
        found = session.execute(
            select(DayRow.day, DayRow.hour, DayRow.figure, DayRow.of, DayRow.amount)
            .where(DayRow.amount != 0)
            .order_by(DayRow.day, DayRow.hour, DayRow.figure, DayRow.of)
        )
        return json.dumps([list(map(str, row)) for row in found])


def test_rebuild_says_what_it_did(api, member, house, wallet) -> None:
    api.post("accruals", {"member": member["id"], "points": 10})
    house.run("seals", "days")
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DayRow))
    answer = wallet("days", "rebuild")
    assert answer.exit_code == 0, answer.output
    assert "ok  the table of days was counted anew" in answer.output
