"""Passes that are made void, ended, and made good again: by API, as the phone then sees them."""

from datetime import timedelta

import pytest
from phones import Phone, opened
from sqlalchemy import func, select

from wallet.apple.devices import PushRow, Registration


@pytest.fixture
def phone(client, member) -> Phone:
    phone = Phone.with_card(client, member)
    assert phone.register().status_code == 201
    return phone


@pytest.fixture
def tell(api, member):
    """Decide about the member's pass; the answer's status and what the API says of it."""

    def told(what: str, body: dict | None = None, **options: str) -> tuple[int, dict]:
        (pass_,) = api.get(f"members/{member['id']}/passes").get_json()["items"]
        answer = api.post(f"passes/{pass_['id']}/{what}", body or {}, **options)
        return answer.status_code, answer.get_json()

    return told


@pytest.fixture
def pushes(installation):
    def count() -> int:
        with installation.database.reading() as session:
            return session.scalar(select(func.count()).select_from(PushRow))

    return count


def test_a_void_pass_says_so_to_its_phone_and_comes_back(phone, tell, pushes) -> None:
    assert (pushes(), "voided" in phone.pass_json) == (0, False)
    status, told = tell("void")
    assert (status, told["state"], told["version"]) == (201, "void", 2)
    assert pushes() == 1
    tag = phone.updated().get_json()
    assert tag["serialNumbers"] == [phone.serial]
    shown = opened(phone.fetch().data)
    # The barcode stays: whether the card is good is for the till to ask.
    assert (shown["voided"], "barcodes" in shown) == (True, True)
    assert phone.updated(tag["lastUpdated"]).status_code == 204
    status, told = tell("restore")
    assert (status, told["state"]) == (201, "active")
    assert phone.updated(tag["lastUpdated"]).get_json()["serialNumbers"] == [phone.serial]
    assert "voided" not in opened(phone.fetch().data)


def test_a_phone_that_fetched_a_void_pass_hears_when_it_is_good_again(
    phone, tell, installation
) -> None:
    """Only of an erased member's pass there is nothing more to hear."""
    tell("void")
    phone.fetch()
    with installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Registration)) == 1


def test_saying_it_again_changes_nothing_and_tells_nobody(phone, tell) -> None:
    first = tell("void")
    assert tell("void") == first
    tag = phone.updated().get_json()["lastUpdated"]
    tell("void")
    assert phone.updated(tag).status_code == 204


def test_a_pass_ends_now_or_at_a_moment(phone, tell, clock_now) -> None:
    later = clock_now() + timedelta(days=3)
    _, told = tell("expire", {"at": later.isoformat()})
    assert told["state"] == "active"
    shown = opened(phone.fetch().data)
    # On the programme's clock, and the phone puts it away by itself.
    assert shown["expirationDate"].endswith("+03:00")
    assert "voided" not in shown
    _, told = tell("expire")
    assert told["state"] == "expired"
    ended = told["expires_at"]
    shown = opened(phone.fetch().data)
    assert (shown["voided"], shown["expirationDate"]) == (True, ended)
    clock_now.advance(hours=1)
    assert tell("expire")[1]["expires_at"] == ended
    assert tell("restore")[1]["expires_at"] is None
    assert "expirationDate" not in opened(phone.fetch().data)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_moment_that_no_calendar_of_ours_has_is_refused(tell, at: str) -> None:
    status, told = tell("expire", {"at": at})
    assert (status, told["code"]) == (422, "date_out_of_range")


def test_points_go_on_under_a_void_pass(phone, tell, api, member, house) -> None:
    """By the member's id: who has the card cannot earn with it."""
    tell("void")
    refused = api.post("accruals", {"card": member["card"]["number"], "points": 50})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "card_void")
    assert api.post("accruals", {"member": member["id"], "points": 50}).status_code == 201
    house.run()
    shown = opened(phone.fetch().data)
    assert shown["storeCard"]["headerFields"][0]["value"] == 50
    assert shown["voided"] is True


def test_the_pass_of_an_erased_member_stays_void(phone, tell, api, member) -> None:
    (pass_,) = api.get(f"members/{member['id']}/passes").get_json()["items"]
    assert api.call("delete", f"members/{member['id']}").status_code == 200
    answer = api.post(f"passes/{pass_['id']}/restore", {})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "pass_erased")
    assert api.get(f"passes/{pass_['id']}").get_json()["state"] == "erased"


@pytest.mark.parametrize("id_", ["0" * 32, "nonsense", "%00"])
def test_an_unknown_pass_is_refused(api, id_: str) -> None:
    answer = api.post(f"passes/{id_}/void", {})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_pass")
