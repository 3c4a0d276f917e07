"""A coupon that comes with a campaign: together with the words or not at all, one for each who is
told. On both databases."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from breaking import Broken, broken_before
from interleaving import stage
from phones import Phone
from sqlalchemy import func, select

from ledger.offers import offers
from wallet.delivery.providers import Lag
from wallet.outreach import campaigns
from wallet.outreach.deliveries import Delivery
from wallet.passes.coupons import CouponIssuer
from wallet.passes.issued import Pass

PUMPS = ("upkeep", "relay", "waves", "messages", "relay")
NOON = datetime(2027, 2, 26, 9, tzinfo=UTC)  # 12:00 in Moscow


@pytest.fixture
def clock_now(clock_now):
    clock_now.now = NOON
    return clock_now


@pytest.fixture
def offer(api) -> Callable[..., str]:
    def published(**more: object) -> str:
        answer = api.post("offers", {"programme": "demo", "title": "Латте", **more})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    return published


@pytest.fixture
def draft(api) -> Callable[..., dict]:
    def made(coupon: str, **more: object) -> dict:
        body = {"programme": "demo", "name": "Купон", "texts": {"ru": "Для вас купон."}}
        gift = {"coupon": coupon}
        answer = api.post("campaigns", {**body, "purpose": "service", "gift": gift, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.get_json())

    return made


@pytest.fixture
def start(api, draft) -> Callable[..., dict]:
    def started(coupon: str, **more: object) -> dict:
        campaign = draft(coupon, **more)
        assert api.post(f"campaigns/{campaign['id']}/start", {}).status_code == 200
        return campaign

    return started


@pytest.fixture
def crowd(join, client) -> list[dict]:
    members = [join(name=f"Гость {number}") for number in range(8)]
    for number, member in enumerate(members):
        in_phone(client, member, f"{number:032x}")
    return members


def in_phone(client, member: dict, device: str = "d" * 32) -> Phone:
    phone = Phone.with_card(client, member, device)
    assert phone.register(device * 2).status_code == 201
    return phone


def coupons_of(api, member: dict) -> list[dict]:
    items = api.get(f"members/{member['id']}/passes").get_json()["items"]
    return [one for one in items if one["offer"] is not None]


def results(api, campaign: dict) -> dict:
    return dict(api.get(f"campaigns/{campaign['id']}/results").get_json())


def counted(house) -> tuple[int, int, int]:
    """Coupons that there are, deliveries that say they brought one, and members who were told."""
    with house.installation.database.reading() as session:
        there = select(func.count()).where(Pass.offer_id.is_not(None))
        came = select(func.count()).where(Delivery.coupon_id.is_not(None))
        told = select(func.count()).where(Delivery.told_at.is_not(None))
        return tuple(session.scalar(one) or 0 for one in (there, came, told))  # type: ignore[return-value]


def stepper(house, limit: int) -> Callable[[], bool]:
    database, make_due = house.installation.database, house.installation.make_due
    issuer = CouponIssuer(house.installation.pass_type, house.installation.keys.first.id)

    def step() -> bool:
        return database.run(
            lambda session: campaigns.step(
                session, make_due, lambda *_: Lag(0, None), house.clock(), limit, issuer
            )
        )

    return step


def test_words_and_coupon_come_together_once(api, client, house, member, offer, start) -> None:
    in_phone(client, member)
    id_ = offer(until="2027-04-01T00:00:00+03:00")
    campaign = start(id_)
    assert campaign["gift"] == {
        "points": None,
        "live_days": None,
        "expires_at": None,
        "coupon": id_,
    }
    for _ in range(3):
        house.run(*PUMPS)
    (coupon,) = coupons_of(api, member)
    assert (coupon["offer"], coupon["state"]) == (id_, "active")
    found = results(api, campaign)
    assert (found["told"], found["coupons"]) == (1, {"given": 1, "had": 0, "used": 0})
    assert client.get(coupon["apple"].removeprefix("http://127.0.0.1:8080")).status_code == 200
    api.post(f"passes/{coupon['id']}/use", {})
    assert results(api, campaign)["coupons"] == {"given": 1, "had": 0, "used": 1}


def test_who_has_one_is_told_and_gets_no_second(api, house, crowd, offer, start) -> None:
    id_ = offer()
    api.post(f"offers/{id_}/passes", {"member": crowd[0]["id"]})
    # A coupon of somebody who was merged into another is that of the other.
    api.post(f"offers/{id_}/passes", {"member": crowd[1]["id"]})
    merged = api.post(f"members/{crowd[1]['id']}/merge", {"into": crowd[2]["id"]})
    assert merged.status_code == 201, merged.text
    campaign = start(id_)
    house.run(*PUMPS)
    found = results(api, campaign)
    assert (found["told"], found["coupons"]) == (7, {"given": 5, "had": 2, "used": 0})
    assert coupons_of(api, crowd[2]) == []
    assert len(coupons_of(api, crowd[0])) == 1


def test_who_is_not_told_gets_none(api, client, house, join, offer, start) -> None:
    told, nowhere = join(name="Анна"), join(name="Без телефона")
    in_phone(client, told)
    blocked = join(name="Блок")
    in_phone(client, blocked, "b" * 32)
    api.post(f"members/{blocked['id']}/block", {})
    gone = join(name="Ушла")
    in_phone(client, gone, "c" * 32)
    campaign = start(offer())
    step = stepper(house, 200)
    step(), step()
    assert api.call("delete", f"members/{gone['id']}").status_code == 200
    house.run(*PUMPS)
    assert [len(coupons_of(api, one)) for one in (told, nowhere, blocked)] == [1, 0, 0]
    assert counted(house) == (1, 1, 1)
    assert results(api, campaign)["coupons"]["given"] == 1


def test_a_coupon_shows_its_offer_whomever_it_was_for(
    api, client, house, join, offer, start
) -> None:
    anna, boris = join(name="Анна"), join(name="Борис")
    in_phone(client, anna)
    id_ = offer(audience={"kind": "balance", "at_least": 1_000_000})
    house.run(*PUMPS)
    start(id_)
    house.run(*PUMPS)
    for member, titles in ((anna, ["Латте"]), (boris, [])):
        seen = api.post("scans", {"barcode": member["card"]["number"]}).get_json()
        assert [one["title"] for one in seen["offers"]] == titles


def test_an_offer_that_is_withdrawn_meanwhile_ends_it_without_words(
    api, house, crowd, offer, start
) -> None:
    id_ = offer()
    campaign = start(id_)
    step = stepper(house, 3)
    while counted(house)[2] == 0:
        step()
    assert counted(house) == (3, 3, 3)
    assert api.call("post", f"offers/{id_}/withdraw").status_code == 200
    house.run(*PUMPS)
    found = results(api, campaign)
    assert (found["told"], found["no_coupon"], found["waiting"]) == (3, 5, 0)
    assert counted(house) == (3, 3, 3)
    assert api.get(f"campaigns/{campaign['id']}").get_json()["state"] == "done"


def test_one_whose_audience_is_being_written_down_is_waited_for(
    api, client, house, member, offer, start
) -> None:
    in_phone(client, member)
    id_ = offer(audience={"kind": "everyone"})
    start(id_)
    house.run("messages")
    assert counted(house) == (0, 0, 0)
    house.run(*PUMPS)
    house.clock.advance(minutes=5)
    house.run(*PUMPS)
    assert counted(house) == (1, 1, 1)


@pytest.mark.parametrize(
    ("more", "at", "code"),
    [
        ({"until": "2027-02-27T00:00:00+03:00"}, "2027-03-01T10:00", "offer_over"),
        ({"from": "2027-03-05T00:00:00+03:00"}, "2027-03-01T10:00", "dates_out_of_order"),
    ],
)
def test_what_nobody_could_have_by_then_is_refused(api, offer, draft, more, at, code) -> None:
    campaign = draft(offer(**more))
    refused = api.post(f"campaigns/{campaign['id']}/start", {"at": at})
    assert refused.get_json()["code"] == code


def test_one_that_was_withdrawn_is_not_sent(api, offer, draft) -> None:
    id_ = offer()
    campaign = draft(id_)
    api.call("post", f"offers/{id_}/withdraw")
    refused = api.post(f"campaigns/{campaign['id']}/start", {})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "offer_over")


def test_a_gift_is_one_thing(api, member, offer) -> None:
    body = {"programme": "demo", "name": "x", "texts": {"ru": "x"}}
    id_ = offer()
    for gift, field in (
        ({}, "gift.points"),
        ({"coupon": id_, "points": 5}, "gift.points"),
        ({"coupon": id_, "live_days": 5}, "gift.live_days"),
    ):
        refused = api.post("campaigns", {**body, "gift": gift}).get_json()
        assert refused["errors"][0]["field"] == field
        assert refused["errors"][0]["code"] == "points_or_coupon"
    unknown = api.post("campaigns", {**body, "gift": {"coupon": member["id"]}})
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_offer")
    for_one = offer(member=member["id"])
    refused = api.post("campaigns", {**body, "gift": {"coupon": for_one}})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "offer_for_one")
    campaign = api.post("campaigns", {**body, "gift": {"coupon": id_}}).get_json()
    path = f"campaigns/{campaign['id']}"
    changed = api.call("PATCH", path, {"gift": {"points": 7}}).get_json()
    assert "coupon" not in changed["gift"] and changed["gift"]["points"] == 7
    assert api.call("PATCH", path, {"gift": None}).get_json()["gift"] is None


def test_wherever_it_breaks_coupons_and_words_are_as_many(house, crowd, offer, start) -> None:
    start(offer())
    database, step = house.installation.database, stepper(house, 3)
    broken = 0
    for place in itertools.count(1, 5):
        with broken_before(database, place) as was:
            try:
                more = step()
            except Broken:
                more = True
        broken += was()
        there, came, told = counted(house)
        assert there == came == told
        if not more:
            break
    assert broken > 5
    assert counted(house) == (8, 8, 8)


def test_a_withdrawal_at_any_moment_of_a_step_is_the_end(
    api, house, crowd, offer, start, request
) -> None:
    """Whoever was told got a coupon that was good; once the offer is withdrawn nobody more is."""
    if request.node.callspec.params["database_url"] != "postgresql":
        pytest.skip("SQLite has one writer: there is no at once")
    database, step = house.installation.database, stepper(house, 2)

    def telling() -> tuple[str, str]:
        """A campaign whose next step tells somebody, and its offer."""
        id_ = offer()
        campaign = start(id_)

        def frozen() -> Any:
            with database.reading() as session:
                return campaigns.by_public_id(session, campaign["id"]).frozen_at

        while frozen() is None:
            step()
        return id_, campaign["id"]

    def withdraw(id_: str) -> tuple[int, int, int]:
        database.run(lambda session: offers.withdraw(session, id_, house.clock()) and None)
        return counted(house)

    with stage(database) as scene:
        telling()
        step()
        for at in range(1, scene.statements_of(step) + 1, 6):
            with database.transaction() as session:
                campaigns.halt(session)  # those of the places before
            id_, _campaign = telling()
            met = scene.meet(step, lambda: withdraw(id_), at)  # noqa: B023
            assert not isinstance(met.first, Exception), met.first
            there, came, told = met.second
            assert there == came == told
            while step():
                pass
            assert counted(house) == (there, came, told), at


def test_it_says_that_it_waits_for_the_announcement_of_its_coupon(
    house, api, offer, start, crowd, clock_now
) -> None:
    tomorrow = clock_now() + timedelta(days=1)
    coupon = offer(audience={"kind": "balance", "at_least": 100})
    campaign = start(coupon)
    for _step in range(3):
        house.run("messages")
    path = f"campaigns/{campaign['id']}"
    assert api.get(path).get_json()["progress"]["waits_for"] == "coupon"
    house.run("upkeep")
    clock_now.now = tomorrow
    house.run("messages")
    assert results(api, campaign)["told"] == len(crowd)
