"""The PassKit Web Service, by Apple's words and by the traps that others fell into."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime

import device_rows
import pytest
from flask.testing import FlaskClient
from phones import PASS_TYPE, TOKEN, Phone, opened, values
from sqlalchemy import func, select

from wallet.apple.complaints import Complaint
from wallet.apple.devices import Device, PushRow, Registration


@pytest.fixture
def phone(client: FlaskClient, member: dict) -> Phone:
    return Phone.with_card(client, member)


@pytest.fixture
def count(installation) -> Callable[[type], int]:
    def counted(table: type) -> int:
        with installation.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table))

    return counted


@pytest.fixture
def earn(api, member, house) -> Callable[[int], None]:
    """Points for the member, and the news of them carried on."""

    def earned(points: int) -> None:
        answer = api.post("accruals", {"member": member["id"], "points": points})
        assert answer.status_code == 201, answer.text
        house.run("relay")

    return earned


def tag(answer) -> str:
    assert answer.status_code == 200
    return answer.get_json()["lastUpdated"]


class TestRegistering:
    def test_the_first_time_is_201_and_any_other_200(self, phone: Phone) -> None:
        assert phone.register().status_code == 201
        assert phone.register().status_code == 200

    def test_a_new_push_token_replaces_the_old_one(self, phone: Phone, installation) -> None:
        phone.register("aa" * 32)
        assert phone.register("bb" * 32).status_code == 200
        with installation.database.reading() as session:
            assert [one.token for one in device_rows.plain(session, installation.keys)] == [
                "bb" * 32
            ]

    def test_two_devices_may_share_a_push_token(self, phone: Phone, count) -> None:
        other = Phone(phone.client, phone.pass_json, device="e" * 32)
        assert (phone.register().status_code, other.register().status_code) == (201, 201)
        assert count(Registration) == 2

    def test_the_device_vanishes_with_its_last_registration(self, phone: Phone, count) -> None:
        phone.register()
        assert phone.unregister().status_code == 200
        assert (count(Device), count(Registration)) == (0, 0)
        assert phone.unregister().status_code == 200

    def test_a_device_with_two_cards_stays_when_one_leaves(self, client, join, count) -> None:
        one, two = (Phone.with_card(client, join()) for _ in range(2))
        one.register()
        two.register()
        one.unregister()
        assert (count(Device), count(Registration)) == (1, 1)

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{", 400, "malformed_json"),
            (b"[]", 400, "malformed_json"),
            (b"{}", 400, "push_token_missing"),
            (b'{"pushToken": 5}', 400, "push_token_missing"),
            (b'{"pushToken": "../../x"}', 400, "push_token_missing"),
            (b'{"pushToken": "' + b"a" * 100_000 + b'"}', 413, "body_too_large"),
        ],
    )
    def test_a_body_that_will_not_do_is_refused(
        self, phone: Phone, count, body: bytes, status: int, code: str
    ) -> None:
        answer = phone.register(json=None, data=body, content_type="application/json")
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (status, code)
        assert count(Device) == 0

    def test_without_a_content_type_it_is_read_as_json(self, phone: Phone, count) -> None:
        answer = phone.register(json=None, data=b'{"pushToken": "aa"}')
        assert (answer.status_code, count(Device)) == (201, 1)

    def test_another_content_type_is_refused(self, phone: Phone) -> None:
        answer = phone.register(json=None, data=b"pushToken=aa", content_type="text/plain")
        assert answer.status_code == 415


class TestAuthorisation:
    @pytest.mark.parametrize("call", ["register", "unregister", "fetch"])
    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "ApplePass",
            "ApplePass ",
            "ApplePass wrong",
            "applepass {token}",
            "Bearer {token}",
            "ApplePass  {token}",
            "ApplePass {token}x",
            "ApplePass {foreign}",
            "ApplePass токен",
        ],
    )
    def test_anything_but_the_passes_own_token_is_401_with_the_same_body(
        self, phone: Phone, client, join, call: str, header: str | None
    ) -> None:
        foreign = Phone.with_card(client, join()).pass_json["authenticationToken"]
        headers = {}
        if header is not None:
            text = header.format(token=phone.pass_json["authenticationToken"], foreign=foreign)
            headers["Authorization"] = text.encode().decode("latin-1")
        answer = getattr(phone, call)(headers=headers)
        assert (answer.status_code, answer.data) == (401, b"")

    @pytest.mark.parametrize("serial", ["0" * 32, "x", "%00", "..%2f", "Ж"])
    @pytest.mark.parametrize("pass_type", [PASS_TYPE, "pass.other", "%00"])
    def test_a_pass_that_does_not_exist_answers_as_a_wrong_token_does(
        self, phone: Phone, serial: str, pass_type: str
    ) -> None:
        path = f"/apple/v1/passes/{pass_type}/{serial}"
        answer = phone.client.get(path, headers=phone.authorization)
        assert (answer.status_code, answer.data) == (401, b"")

    def test_the_token_is_the_same_in_every_version(self, phone: Phone, earn) -> None:
        earn(5)
        later = opened(phone.fetch().data)
        assert later["authenticationToken"] == phone.pass_json["authenticationToken"]
        assert len(later["authenticationToken"]) >= 16


class TestListing:
    def test_without_a_tag_every_card_of_the_device_is_listed(self, client, join) -> None:
        phones = [Phone.with_card(client, join()) for _ in range(3)]
        stranger = Phone.with_card(client, join(), device="f" * 32)
        for one in [*phones, stranger]:
            one.register()
        listed = phones[0].updated().get_json()["serialNumbers"]
        assert sorted(listed) == sorted(one.serial for one in phones)

    def test_the_newest_tag_has_nothing_after_it(self, phone: Phone, earn) -> None:
        phone.register()
        earn(1)
        answer = phone.updated(tag(phone.updated()))
        assert (answer.status_code, answer.data) == (204, b"")

    def test_two_changes_in_one_second_are_two_tags(self, phone: Phone, earn) -> None:
        phone.register()
        earn(1)
        first = tag(phone.updated())
        earn(1)
        answer = phone.updated(first)
        assert answer.get_json()["serialNumbers"] == [phone.serial]
        assert int(tag(answer)) > int(first)
        assert isinstance(answer.get_json()["lastUpdated"], str)

    def test_an_unknown_device_has_nothing_to_hear(self, client) -> None:
        for device in ("unknown", "%00", "Ж"):
            path = f"/apple/v1/devices/{device}/registrations/{PASS_TYPE}"
            assert client.get(path).status_code == 204

    @pytest.mark.parametrize("strange", ["", "x", "-1", "1.5", "99999999", "9" * 40, "１２"])
    def test_a_tag_that_was_never_given_counts_as_none(self, phone: Phone, earn, strange) -> None:
        phone.register()
        earn(1)
        assert phone.updated(strange).get_json()["serialNumbers"] == [phone.serial]

    def test_what_changed_before_the_registration_is_listed_to_a_phone_with_a_later_tag(
        self, client, join, api, house
    ) -> None:
        older, newer = (Phone.with_card(client, member) for member in (join(), join()))
        for one in (older, newer):
            card = values(one.pass_json)["card"]
            api.post("accruals", {"card": card, "points": 5})
            house.run("relay")
        newer.register()
        known = tag(newer.updated())
        older.register()
        assert older.updated(known).get_json()["serialNumbers"] == [older.serial]

    def test_no_proxy_keeps_the_list(self, phone: Phone) -> None:
        phone.register()
        assert phone.updated().headers["Cache-Control"] == "no-store"


class TestFetching:
    def test_a_change_is_in_the_next_version(self, phone: Phone, earn) -> None:
        assert values(phone.pass_json)["points"] == 0
        earn(250)
        answer = phone.fetch()
        assert answer.mimetype == "application/vnd.apple.pkpass"
        assert values(opened(answer.data))["points"] == 250

    def test_an_unchanged_pass_is_304_and_neither_rendered_nor_signed(
        self, phone: Phone, earn, installation, monkeypatch
    ) -> None:
        earn(1)
        seen = phone.fetch().headers["Last-Modified"]
        monkeypatch.setattr(installation.signed_passes, "bundle", None)  # calling it would be a 500
        answer = phone.fetch(since=seen)
        assert (answer.status_code, answer.data) == (304, b"")

    def test_a_kept_version_is_the_same_bytes_and_signs_nothing(
        self, phone: Phone, earn, house, installation, monkeypatch
    ) -> None:
        earn(1)
        first = phone.fetch().data
        house.clock.advance(seconds=90)
        monkeypatch.setattr(installation.signed_passes, "_sign", None)
        assert phone.fetch().data == first

    def test_two_changes_in_one_second_have_two_dates(self, phone: Phone, earn) -> None:
        earn(1)
        first = phone.fetch().headers["Last-Modified"]
        earn(1)
        answer = phone.fetch(since=first)
        assert answer.status_code == 200
        step = parsedate_to_datetime(answer.headers["Last-Modified"]) - parsedate_to_datetime(first)
        assert step == timedelta(seconds=1)

    def test_a_change_that_shows_nothing_new_is_no_change(self, phone: Phone, api, house) -> None:
        seen = phone.fetch().headers["Last-Modified"]
        card = values(phone.pass_json)["card"]
        api.post("accruals", {"card": card, "points": 5})
        api.post("redemptions", {"card": card, "points": 5})
        house.run("relay")
        assert phone.fetch(since=seen).status_code == 304

    @pytest.mark.parametrize("date", ["yesterday", "0", "2026-01-01T00:00:00Z", "-", "ö"])
    def test_a_date_that_cannot_be_read_is_ignored(self, phone: Phone, date: str) -> None:
        assert phone.fetch(since=date).status_code in (200, 304)

    def test_head_is_answered_as_get_without_a_body(self, phone: Phone) -> None:
        path = f"/apple/v1/passes/{PASS_TYPE}/{phone.serial}"
        answer = phone.client.head(path, headers=phone.authorization)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "Last-Modified" in answer.headers

    def test_doubled_slashes_are_one(self, phone: Phone) -> None:
        path = f"/apple//v1/passes//{PASS_TYPE}/{phone.serial}"
        answer = phone.client.get(path, headers=phone.authorization)
        assert answer.status_code == 200


class TestLog:
    def test_what_a_phone_says_is_kept_without_its_secrets(
        self, phone: Phone, client, installation
    ) -> None:
        line = f"[2026] Register task (for device {'ab' * 16}, token {'C' * 43}, serial number"
        line += f" {phone.serial}) error: \x1b[31mno"
        answer = client.post("/apple/v1/log", json={"logs": [line, 5, None, ""]})
        assert answer.status_code == 200
        with installation.database.reading() as session:
            kept = session.scalars(select(Complaint.line)).all()
        assert len(kept) == 1
        assert "\x1b" not in kept[0]
        assert "C" * 43 not in kept[0]
        assert "ab" * 16 not in kept[0]
        assert phone.serial in kept[0]

    def test_a_flood_keeps_the_newest_only(self, client, count) -> None:
        for _ in range(60):
            client.post("/apple/v1/log", json={"logs": ["line"] * 5000})
        assert count(Complaint) == 1000

    @pytest.mark.parametrize(
        ("body", "status"), [(b"{", 400), (b'["x"]', 400), (b"{}", 400), (b"x" * 100_000, 413)]
    )
    def test_nonsense_is_refused(self, client, count, body: bytes, status: int) -> None:
        answer = client.post("/apple/v1/log", data=body, content_type="application/json")
        assert answer.status_code == status
        assert count(Complaint) == 0


class TestPushes:
    def test_a_newer_change_joins_the_push_that_waits(self, phone: Phone, earn, count) -> None:
        phone.register()
        for _ in range(3):
            earn(1)
        assert count(PushRow) == 1

    def test_nobody_is_told_of_a_pass_without_a_phone(self, earn, count) -> None:
        earn(1)
        assert count(PushRow) == 0

    def test_other_methods_are_405(self, phone: Phone) -> None:
        answer = phone.client.put(f"{phone.registrations}/{phone.serial}")
        assert answer.status_code == 405
        assert TOKEN not in answer.text
