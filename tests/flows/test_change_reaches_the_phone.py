"""From an accrual or an offer to the phone that shows it, through a real push connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from books import check_books
from phones import Phone, opened, values
from sqlalchemy import func, select, text

from ledger.database import outbox
from ledger.people.members import Member
from ledger.points import accruals
from ledger.points.accruals import Grant
from wallet.apple.devices import Device, PushRow, Registration
from wallet.delivery.waves import Wave
from wallet.running import relay
from wallet.sandbox.apns import RunningApns

TOKENS = [f"{number:064x}" for number in range(40)]


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


@pytest.fixture
def phone(client, member) -> Phone:
    phone = Phone.with_card(client, member)
    assert phone.register(TOKENS[0]).status_code == 201
    return phone


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


def heard(pushes: RunningApns, token: str = TOKENS[0]) -> int:
    return pushes.stand_in.heard(token).count


def waiting(house, table: type = PushRow) -> int:
    with house.installation.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def ended(house) -> list[str]:
    """How the waves ended."""
    with house.installation.database.reading() as session:
        return list(session.scalars(select(Wave.state)))


def test_an_accrual_is_pushed_listed_and_fetched(api, member, phone, house, pushes) -> None:
    seen = phone.fetch().headers["Last-Modified"]
    api.post("accruals", {"member": member["id"], "points": 100})
    house.run()
    assert heard(pushes) == 1
    assert phone.updated().get_json()["serialNumbers"] == [phone.serial]
    answer = phone.fetch(since=seen)
    assert values(opened(answer.data))["points"] == 100
    assert waiting(house) == 0


def test_an_offer_for_all_reaches_every_card(api, join, client, house, pushes) -> None:
    phones = [Phone.with_card(client, join(), device=f"{n:032x}") for n in range(5)]
    for phone, token in zip(phones, TOKENS, strict=False):
        phone.register(token)
    api.post("offers", {"programme": "demo", "title": "Латте −20 %", "text": "До пятницы"})
    house.run()
    assert [heard(pushes, token) for token in TOKENS[:5]] == [1] * 5
    for phone in phones:
        shown = values(opened(phone.fetch().data))
        assert shown["offer"] == "Латте −20 %"
        assert "До пятницы" in shown["offers"]
    assert ended(house) == ["done"]


def test_an_offer_for_one_reaches_nobody_else(api, member, phone, join, client, house, pushes):
    other = Phone.with_card(client, join(), device="e" * 32)
    other.register(TOKENS[1])
    api.post("offers", {"programme": "demo", "title": "Вам", "member": member["id"]})
    house.run()
    assert (heard(pushes), heard(pushes, TOKENS[1])) == (1, 0)
    assert values(opened(other.fetch().data))["offer"] == "—"


def test_an_offer_comes_and_goes_with_its_dates(api, phone, house, pushes) -> None:
    begins, ends = (house.clock() + timedelta(days=days) for days in (1, 2))
    dates = {"from": begins.isoformat(), "until": ends.isoformat()}
    api.post("offers", {"programme": "demo", "title": "Кекс", **dates})
    house.run()
    assert heard(pushes) == 0
    house.clock.advance(days=1)
    house.run()
    assert (heard(pushes), values(opened(phone.fetch().data))["offer"]) == (1, "Кекс")
    house.clock.advance(days=1)
    house.run()
    gone = opened(phone.fetch().data)
    assert (heard(pushes), values(gone)["offer"]) == (2, "—")
    field = next(f for f in gone["storeCard"]["secondaryFields"] if f["key"] == "offer")
    assert "changeMessage" not in field


def test_points_that_become_active_or_run_out_reach_the_phone(
    api, member, phone, house, pushes
) -> None:
    days = {"activates_at": 1, "expires_at": 3}
    terms = {name: (house.clock() + timedelta(days=n)).isoformat() for name, n in days.items()}
    api.post("accruals", {"member": member["id"], "points": 50, **terms})
    house.run()
    assert heard(pushes) == 0
    house.clock.advance(days=1)
    house.run()
    assert (heard(pushes), values(opened(phone.fetch().data))["points"]) == (1, 50)
    house.clock.advance(days=2)
    house.run()
    assert (heard(pushes), values(opened(phone.fetch().data))["points"]) == (2, 0)


def test_a_phone_with_two_cards_is_told_once(api, join, client, house, pushes) -> None:
    members = [join(), join()]
    for member in members:
        Phone.with_card(client, member).register(TOKENS[0])
    for member in members:
        api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    assert heard(pushes) == 1
    assert waiting(house) == 0


def test_a_dead_token_is_forgotten_with_its_registrations(
    api, member, phone, house, pushes
) -> None:
    gone_ms = int((house.clock() + timedelta(seconds=5)).timestamp() * 1000)
    pushes.stand_in.fail(410, "Unregistered", timestamp=gone_ms)
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    assert [waiting(house, table) for table in (Device, Registration, PushRow)] == [0, 0, 0]


def test_a_token_registered_again_since_it_died_stays(api, member, phone, house, pushes) -> None:
    gone_ms = int((house.clock() - timedelta(seconds=5)).timestamp() * 1000)
    pushes.stand_in.fail(410, "Unregistered", timestamp=gone_ms)
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    assert [waiting(house, table) for table in (Device, Registration, PushRow)] == [1, 1, 0]


def test_an_apple_that_is_down_loses_nothing(api, member, phone, house, pushes) -> None:
    pushes.stand_in.fail(503, "ServiceUnavailable", times=1)
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    assert (heard(pushes), waiting(house)) == (0, 1)
    house.clock.advance(minutes=2)
    house.run()
    assert (heard(pushes), waiting(house)) == (1, 0)


def test_a_change_during_a_push_is_followed_by_another(api, member, phone, house, pushes) -> None:
    """The push was on its way when the next change came: it may have been too early for it."""
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run("relay")
    apple = house.installation.apple
    push = apple._push

    def slow(*arguments):
        api.post("accruals", {"member": member["id"], "points": 1})
        house.run("relay")
        apple._push = push
        return push(*arguments)

    apple._push = slow
    house.run("apple")
    assert (heard(pushes), waiting(house)) == (2, 0)


def test_a_token_that_changes_during_a_push_is_followed_by_another(
    api, member, phone, house, pushes
) -> None:
    """The push went to the token that the phone had before, and Apple took it all the same."""
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run("relay")
    apple = house.installation.apple
    push = apple._push

    def slow(*arguments):
        apple._push = push
        outcomes = push(*arguments)
        assert phone.register(TOKENS[1]).status_code == 200
        return outcomes

    apple._push = slow
    house.run("apple")
    assert (heard(pushes), heard(pushes, TOKENS[1]), waiting(house)) == (1, 1, 0)


def test_a_phone_with_a_new_token_does_not_wait_for_the_old_one(
    api, member, phone, house, pushes
) -> None:
    pushes.stand_in.fail(429, "TooManyRequests", tokens=TOKENS[:1])
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    assert (heard(pushes), waiting(house)) == (0, 1)
    phone.register(TOKENS[1])
    house.run()
    assert (heard(pushes, TOKENS[1]), waiting(house)) == (1, 0)


def test_a_worker_that_dies_between_push_and_record_leaves_the_row(
    api, member, phone, house, pushes
) -> None:
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run("relay")
    apple = house.installation.apple
    record, apple._record = apple._record, None
    with pytest.raises(TypeError):
        house.run("apple")
    apple._record = record
    house.run("apple")
    assert (heard(pushes), waiting(house)) == (1, 1)  # still leased to the dead one
    house.clock.advance(seconds=61)
    house.run("apple")
    assert (heard(pushes), waiting(house)) == (2, 0)


def test_an_event_that_cannot_be_heard_does_not_hold_up_the_others(
    api, join, client, house, pushes
) -> None:
    sick, well = join(), join()
    phone = Phone.with_card(client, well)
    phone.register(TOKENS[0])
    with house.installation.database.transaction() as session:
        session.execute(
            text("UPDATE wallet_pass SET content = '{}' WHERE serial <> :serial"),
            {"serial": phone.serial},
        )
    api.post("accruals", {"member": sick["id"], "points": 1})
    api.post("accruals", {"member": well["id"], "points": 1})
    house.run()
    assert heard(pushes) == 1
    with house.installation.database.reading() as session:
        left = session.scalars(select(outbox.OutboxRow)).all()
    assert {row.kind for row in left} == {"MemberJoined", "PointsAccrued"}
    assert all(row.attempts == 1 and row.last_error for row in left)


def test_twenty_registrations_of_one_phone_at_once_leave_one_row(app, member, house) -> None:
    phone = Phone.with_card(app.test_client(), member)

    def register(_: int) -> int:
        return Phone(app.test_client(), phone.pass_json).register(TOKENS[0]).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(register, range(20)))
    assert answers == [200] * 19 + [201]
    assert (waiting(house, Device), waiting(house, Registration)) == (1, 1)


def test_a_phone_that_asks_at_any_moment_never_misses_a_change(  # noqa: C901 - a small play
    app, join, house, environment
) -> None:
    """64 writers change 8 cards of one phone while relays carry the news and the phone lists and
    fetches without a pause: at the end it shows what the book says."""
    house.clock.now = datetime.now(UTC)
    members = [join() for _ in range(8)]
    phones = [Phone.with_card(app.test_client(), member) for member in members]
    for phone in phones:
        phone.register(TOKENS[0])
    database = house.installation.database

    def write(number: int) -> None:
        for step in range(3):
            with database.transaction() as session:
                member = session.get_one(Member, 1 + (number + step) % 8)
                accruals.grant(session, member, Grant(1), house.clock())

    def carry() -> None:
        while not written.is_set():
            relay.relay(database, house.installation.make_due, house.clock())
        house.run("relay")

    shown: dict[str, int] = {}

    def look(tag: str | None) -> str | None:
        answer = phones[0].updated(tag)
        if answer.status_code == 204:
            return tag
        for serial in answer.get_json()["serialNumbers"]:
            phone = next(one for one in phones if one.serial == serial)
            shown[serial] = values(opened(phone.fetch().data))["points"]
        return answer.get_json()["lastUpdated"]

    written = Event()
    with ThreadPoolExecutor(70) as pool:
        writers = [pool.submit(write, number) for number in range(64)]
        carriers = [pool.submit(carry) for _ in range(3)]
        tag = None
        while not all(writer.done() for writer in writers):
            tag = look(tag)
        for writer in writers:
            writer.result()
        written.set()
        for carrier in carriers:
            carrier.result()
    look(tag)
    assert shown == {phone.serial: 24 for phone in phones}


def test_who_shares_an_account_sees_what_somebody_brings_into_it(api, client, join, house) -> None:
    """Somebody turns out to be a member of the household: their points are everybody's."""
    head, child, other, twin = (join() for _ in range(4))
    for one in (child, other):
        path = f"members/{one['id']}/household"
        assert api.post(path, {"head": head["id"]}).status_code == 201
    api.post("accruals", {"member": twin["id"], "points": 100})
    house.run()
    phones = [Phone.with_card(client, one, f"{n:032x}") for n, one in enumerate((head, other))]
    assert [values(opened(phone.fetch().data))["points"] for phone in phones] == [0, 0]
    merged = api.post(f"members/{twin['id']}/merge", {"into": child["id"]})
    assert merged.status_code == 201, merged.text
    house.run()
    assert [values(opened(phone.fetch().data))["points"] for phone in phones] == [100, 100]
