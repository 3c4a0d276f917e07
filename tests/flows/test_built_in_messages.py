"""Built-in messages: said once, on the clock of the installation and the programme's calendar."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from books import check_books
from phones import Phone, opened
from sqlalchemy import func, select

from ledger.book.journal import Posting
from wallet.outreach import rounds
from wallet.outreach.deliveries import Delivery
from wallet.outreach.rounds import Round

PUMPS = ("upkeep", "relay", "waves", "messages", "relay")
# 12:00 in Moscow, in the hours of daily messages.
NOON = datetime(2027, 2, 26, 9, tzinfo=UTC)


@pytest.fixture
def clock_now(clock_now):
    clock_now.now = NOON
    return clock_now


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


# What a member who wants news was asked.
AGREED = {"consents": [{"purpose": "marketing", "given": True}]}


def switch_on(api, kind: str, **more: object) -> None:
    answer = api.call("PUT", f"programmes/demo/messages/{kind}", {"on": True, **more})
    assert answer.status_code == 200, answer.text


def in_phone(client, member: dict, device: str = "d" * 32) -> Phone:
    phone = Phone.with_card(client, member, device)
    assert phone.register().status_code == 201
    return phone


@pytest.fixture
def phone(client, member) -> Phone:
    return in_phone(client, member)


def accrue(api, member: dict, points: int = 100, **more: object) -> None:
    body = {"member": member["id"], "points": points, **more}
    assert api.post("accruals", body).status_code == 201


def field_of(phone: Phone, key: str) -> dict:
    document = opened(phone.fetch().data)
    groups = document["storeCard"].values()
    return next(one for fields in groups for one in fields if one["key"] == key)


def said(api, member: dict) -> list[tuple[str, str, str | None]]:
    items = api.get(f"members/{member['id']}/messages").get_json()["items"]
    return [(one["kind"], one["state"], one["text"]) for one in items]


class TestAnswers:
    def test_points_and_words_come_in_one_version_and_are_told_once(
        self, api, member, phone, house
    ) -> None:
        house.run(*PUMPS)
        switch_on(api, "accrued")
        before = api.get(f"members/{member['id']}/messages").get_json()["card"]["version"]
        accrue(api, member, 1250)
        house.run(*PUMPS)
        text = "Начислено 1\u00a0250 баллов. Теперь у вас 1\u00a0250 баллов."
        assert said(api, member) == [("accrued", "told", text)]
        assert field_of(phone, "news")["changeMessage"] == "%@"
        # A phone that has two things to say makes one empty sentence of them.
        assert "changeMessage" not in field_of(phone, "points")
        after = api.get(f"members/{member['id']}/messages").get_json()["card"]["version"]
        assert after == before + 1
        house.run(*PUMPS)
        assert len(said(api, member)) == 1

    def test_a_balance_that_no_message_speaks_of_speaks_for_itself(
        self, api, member, phone, house
    ) -> None:
        switch_on(api, "accrued")
        accrue(api, member, 100)
        house.run(*PUMPS)
        body = {"member": member["id"], "points": 30}
        assert api.post("redemptions", body).status_code == 201
        house.run(*PUMPS)
        assert "changeMessage" in field_of(phone, "points")
        assert [kind for kind, *_ in said(api, member)] == ["accrued"]

    def test_several_at_once_are_one_message_with_the_sum(self, api, member, phone, house) -> None:
        switch_on(api, "accrued")
        for points in (100, 20, 3):
            accrue(api, member, points)
        house.run(*PUMPS)
        assert {text for *_, text in said(api, member)} == {
            "Начислено 123 балла. Теперь у вас 123 балла."
        }
        assert len(said(api, member)) == 3

    def test_a_receipt_that_spends_and_earns_is_one_message_in_one_version(
        self, api, member, phone, house
    ) -> None:
        terms = {"percent_back": "5", "percent_payable": "100", "live_days": 365}
        worth = {"point_worth": {"amount": "1", "currency": "RUB"}}
        assert api.call("PUT", "programmes/demo/base", {**terms, **worth}).status_code == 200
        accrue(api, member, 500)
        house.run(*PUMPS)
        house.clock.advance(seconds=5)
        for kind in ("accrued", "spent"):
            switch_on(api, kind)
        before = api.get(f"members/{member['id']}/messages").get_json()["card"]["version"]
        line = {"id": "1", "sku": "TEA", "price": {"amount": "1000.00", "currency": "RUB"}}
        receipt = {"programme": "demo", "id": "r-1", "lines": [line], "confirm": True}
        sent = {**receipt, "member": member["id"], "pay": {"points": 500}}
        assert api.post("receipts", sent).status_code == 201
        house.run(*PUMPS)
        text = "Начислено 25 баллов. Теперь у вас 25 баллов."
        assert {one[1:] for one in said(api, member)} == {("told", text)}
        assert field_of(phone, "news")["value"] == text
        after = api.get(f"members/{member['id']}/messages").get_json()["card"]["version"]
        assert after == before + 1
        house.run(*PUMPS)
        assert len(said(api, member)) == 2, "nothing is told later"

    def test_spending_is_told_in_the_language_of_the_member(self, api, join, client, house) -> None:
        member = join(name="Ann", locale="en")
        in_phone(client, member)
        accrue(api, member, 100)
        house.run(*PUMPS)
        switch_on(api, "spent")
        api.post("redemptions", {"member": member["id"], "points": 30})
        house.run(*PUMPS)
        assert said(api, member) == [
            ("spent", "told", "30 points were spent. You have 70 points left.")
        ]

    def test_what_was_before_is_not_told_nor_what_is_switched_off(
        self, api, member, phone, house
    ) -> None:
        accrue(api, member, 1)
        house.clock.advance(seconds=5)
        switch_on(api, "accrued")
        house.run(*PUMPS)
        assert said(api, member) == []
        switch_on(api, "accrued", on=False)
        accrue(api, member, 1)
        house.run(*PUMPS)
        assert said(api, member) == []


class TestBurning:
    def test_told_so_many_days_before_with_what_is_left_after_spending(
        self, api, member, phone, house
    ) -> None:
        switch_on(api, "burning", days=3)
        # Until the end of 3 March in Moscow.
        accrue(api, member, 100, expires_at="2027-03-04T00:00:00+03:00")
        accrue(api, member, 500, expires_at="2027-06-01T00:00:00+03:00")
        api.post("redemptions", {"member": member["id"], "points": 40})
        for day in (26, 27):
            house.clock.now = datetime(2027, 2, day, 9, tzinfo=UTC)
            house.run(*PUMPS)
            assert said(api, member) == [], day
        house.clock.now = datetime(2027, 2, 28, 9, tzinfo=UTC)
        house.run(*PUMPS)
        text = "Анна, 3 марта 2027\u202fг. сгорят 60 баллов. Успейте потратить."
        assert said(api, member) == [("burning", "told", text)]
        for _ in range(5):
            house.clock.advance(hours=12)
            house.run(*PUMPS)
        assert len(said(api, member)) == 1

    def test_what_was_spent_in_whole_or_is_held_does_not_burn(
        self, api, member, phone, house
    ) -> None:
        switch_on(api, "burning", days=3)
        accrue(api, member, 100, expires_at="2027-02-28T12:00:00Z")
        api.post("redemptions", {"member": member["id"], "points": 90})
        hold = {"member": member["id"], "points": 10, "lasts_seconds": 86_400}
        assert api.post("holds", hold).status_code == 201
        house.run(*PUMPS)
        assert said(api, member) == []

    def test_points_that_come_after_the_round_and_go_before_the_next_are_told_of(
        self, api, member, phone, house
    ) -> None:
        """Each warning once."""
        switch_on(api, "burning", days=3)
        accrue(api, member, 100, expires_at="2027-03-01T00:00:00+03:00")
        house.clock.now = datetime(2027, 2, 28, 9, tzinfo=UTC)
        house.run(*PUMPS)
        assert len(said(api, member)) == 1
        accrue(api, member, 8, expires_at="2027-03-02T18:00:00+03:00")
        house.run(*PUMPS)
        assert len(said(api, member)) == 1
        for _ in range(8):
            house.clock.advance(minutes=8)
            house.run(*PUMPS)
        newest = "Анна, 2 марта 2027\u202fг., 18:00 сгорят 8 баллов. Успейте потратить."
        assert said(api, member)[0][2] == newest
        assert len(said(api, member)) == 2

    def test_only_in_its_hours(self, api, member, phone, house) -> None:
        switch_on(api, "burning", days=3, **{"from": "10:00", "until": "21:00"})
        accrue(api, member, 100, expires_at="2027-02-28T12:00:00Z")
        for hour, told in ((18, 0), (6, 0), (7, 1)):  # 21:00, 09:00, 10:00 there
            house.clock.now = datetime(2027, 2, 26 + (hour < 18), hour, tzinfo=UTC)
            house.run(*PUMPS)
            assert len(said(api, member)) == told, hour


class TestBirthday:
    def born(self, join, client, birthday: str, device: str = "d" * 32) -> dict:
        member = join(name="Вера", birthday=birthday)
        in_phone(client, member, device)
        return member

    def test_points_and_words_once_a_year(self, api, join, client, house) -> None:
        vera = self.born(join, client, "1990-02-27")
        switch_on(api, "birthday", gift=500)
        switch_on(api, "accrued")
        house.run(*PUMPS)
        assert said(api, vera) == []
        house.clock.advance(days=1)
        house.run(*PUMPS)
        # The gift is told by its own message, and by no other.
        text = "Вера, с днём рождения! Дарим вам 500 баллов."
        assert said(api, vera) == [("birthday", "told", text)]
        assert api.get(f"members/{vera['id']}").get_json()["balance"]["available"] == 500
        (line,) = api.get(f"members/{vera['id']}/postings").get_json()["items"]
        assert line["promotion"] == "birthday"
        # Another birthday in the same year is none.
        answer = api.call("PATCH", f"members/{vera['id']}", {"birthday": "1990-03-02"})
        assert answer.status_code == 200
        for _ in range(5):
            house.clock.advance(days=1)
            house.run(*PUMPS)
        assert len(said(api, vera)) == 1
        house.clock.now = datetime(2028, 3, 2, 9, tzinfo=UTC)
        house.run(*PUMPS)
        assert len(said(api, vera)) == 2

    def test_it_may_come_some_days_ahead_also_over_new_year(self, api, join, client, house) -> None:
        vera = self.born(join, client, "1990-01-02")
        switch_on(api, "birthday", gift=500, days=3)
        for day, told in ((29, 0), (30, 1), (31, 1)):
            house.clock.now = datetime(2027, 12, day, 9, tzinfo=UTC)
            house.run(*PUMPS)
            assert len(said(api, vera)) == told, day
        text = "Вера, до вашего дня рождения 3 дня: дарим вам 500 баллов."
        assert said(api, vera) == [("birthday", "told", text)]
        # Told on the day from now on: who was told ahead is not told once more.
        switch_on(api, "birthday", gift=500)
        house.clock.now = datetime(2028, 1, 2, 9, tzinfo=UTC)
        house.run(*PUMPS)
        assert len(said(api, vera)) == 1

    def test_29_february_is_celebrated_on_the_28th_of_common_years(
        self, api, join, client, house
    ) -> None:
        leap = self.born(join, client, "1992-02-29")
        common = self.born(join, client, "1992-02-28", "e" * 32)
        switch_on(api, "birthday", gift=10)
        seen = {}
        for year in (2027, 2028):
            for month, day in ((2, 27), (2, 28), (2, 29), (3, 1)):
                if (month, day) == (2, 29) and year == 2027:
                    continue
                house.clock.now = datetime(year, month, day, 9, tzinfo=UTC)
                house.run(*PUMPS)
                for name, one in (("leap", leap), ("common", common)):
                    count = len(said(api, one))
                    if count > sum(who == name for who, _ in seen):
                        seen[name, year] = (month, day)
        assert seen == {
            ("leap", 2027): (2, 28),
            ("common", 2027): (2, 28),
            ("leap", 2028): (2, 29),
            ("common", 2028): (2, 28),
        }

    def test_a_day_on_which_nobody_worked_is_made_up_for(self, api, join, client, house) -> None:
        vera = self.born(join, client, "1990-02-28")
        switch_on(api, "birthday", gift=5)
        house.run(*PUMPS)
        house.clock.now = datetime(2027, 3, 3, 9, tzinfo=UTC)
        house.run(*PUMPS)
        assert len(said(api, vera)) == 1
        with house.installation.database.reading() as session:
            days = session.scalars(select(Round.day).order_by(Round.day)).all()
            assert days == [date(2027, 2, 26) + timedelta(days=n) for n in range(6)]

    def test_a_crash_leaves_both_or_neither(self, api, join, client, house, monkeypatch) -> None:
        people = [self.born(join, client, "1990-02-26", f"{n:032x}") for n in range(5)]

        def dies(*_arguments: object, **_more: object) -> None:
            raise RuntimeError

        switch_on(api, "birthday", gift=7)
        with monkeypatch.context() as patch:
            patch.setattr(rounds.deliveries, "settle", dies)
            with pytest.raises(RuntimeError):
                house.run("messages")
        assert count(house, Posting) == count(house, Delivery) == 0
        house.run(*PUMPS)
        assert count(house, Posting) == count(house, Delivery) == 5
        for one in people:
            assert [state for _, state, _ in said(api, one)] == ["told"]
            assert api.get(f"members/{one['id']}").get_json()["balance"]["available"] == 7

    def test_no_room_for_the_gift_means_no_words(self, api, join, client, house) -> None:
        vera = self.born(join, client, "1990-02-26")
        accrue(api, vera, 2**53 - 1)
        switch_on(api, "birthday", gift=1)
        house.run(*PUMPS)
        assert said(api, vera) == [("birthday", "refused", None)]


class TestLapsed:
    def test_told_once_after_so_many_days_without_a_visit(self, api, join, client, house) -> None:
        gone, back = join(name="Глеб", **AGREED), join(name="Вика", **AGREED)
        in_phone(client, gone)
        in_phone(client, back, "e" * 32)
        for one in (gone, back):
            accrue(api, one, 70)
        switch_on(api, "lapsed", days=30)
        house.clock.advance(days=29)
        house.run(*PUMPS)
        assert said(api, gone) == []
        accrue(api, back, 1)
        for _ in range(3):
            house.clock.advance(days=1)
            house.run(*PUMPS)
        text = "Глеб, давно не виделись! У вас 70 баллов."
        assert said(api, gone) == [("lapsed", "told", text)]
        assert said(api, back) == []

    def test_not_told_to_whoever_stopped_messages(self, api, member, phone, house) -> None:
        accrue(api, member, 70)
        stopped = {"consents": [{"purpose": "marketing", "given": False}]}
        assert api.call("PATCH", f"members/{member['id']}", stopped).status_code == 200
        switch_on(api, "lapsed", days=1)
        for _ in range(3):
            house.clock.advance(days=1)
            house.run(*PUMPS)
        assert said(api, member) == [("lapsed", "no_consent", None)]

    def test_who_was_never_asked_is_told_only_if_that_is_said(
        self, api, join, client, house
    ) -> None:
        """It is advertising."""
        member = join(name="Глеб")
        in_phone(client, member)
        for rule, state in (({}, "no_consent"), ({"consent": "not_refused"}, "told")):
            accrue(api, member, 70)
            switch_on(api, "lapsed", days=1, **rule)
            for _ in range(3):
                house.clock.advance(days=1)
                house.run(*PUMPS)
            assert said(api, member)[0][1] == state

    def test_a_gift_comes_with_the_words_and_only_to_who_may_be_told(
        self, api, join, client, house
    ) -> None:
        gone, unasked = join(name="Глеб", **AGREED), join(name="Вика")
        for number, one in enumerate((gone, unasked)):
            in_phone(client, one, f"{number:032x}")
            accrue(api, one, 70)
        switch_on(api, "lapsed", days=30, gift=50)
        for days in (29, 1, 1, 28, 1, 1):
            house.clock.advance(days=days)
            house.run(*PUMPS)
        text = "Глеб, давно не виделись! Дарим вам 50 баллов."
        # The gift is no visit: who only got it is not told a second time.
        assert said(api, gone) == [("lapsed", "told", text)]
        assert said(api, unasked) == [("lapsed", "no_consent", None)]
        standing = [
            api.get(f"members/{one['id']}").get_json()["balance"]["available"]
            for one in (gone, unasked)
        ]
        assert standing == [120, 70]
        # Nor is it a purchase: both bought something once, when they earned their points.
        assert [self.bought(api, days) for days in (60, 61, 62)] == [0, 2, 2]

    @pytest.mark.parametrize("gift", [None, 50])
    def test_some_are_held_out_and_get_no_gift(self, api, join, client, house, gift) -> None:
        """Of those alone who would be told; what both groups bought afterwards is compared."""
        people = [join(**AGREED) for _ in range(24)]
        for number, one in enumerate(people):
            in_phone(client, one, f"{number:032x}")
        unasked, nowhere = join(), join(**AGREED)
        for one in (*people, unasked, nowhere):
            accrue(api, one, 70)
        switch_on(api, "lapsed", days=30, gift=gift, holdout_percent=50)
        for days in (29, 1, 1):
            house.clock.advance(days=days)
            house.run(*PUMPS)
        became = {one["id"]: said(api, one) for one in (*people, unasked, nowhere)}
        assert became.pop(unasked["id"]) == [("lapsed", "no_consent", None)]
        if gift is None:
            assert became.pop(nowhere["id"]) == [("lapsed", "no_card", None)]
        states = {id_: state for id_, [(_, state, _)] in became.items()}
        held_out = [one for one in states if states[one] == "held_out"]
        told = [one for one in states if states[one] == "told"]
        assert len(held_out) + len(told) == len(states)
        assert min(len(held_out), len(told)) > 1
        for id_, state in states.items():
            points = api.get(f"members/{id_}").get_json()["balance"]["available"]
            assert points == 70 + (gift or 0) * (state == "told")
        money = {"amount": "100", "currency": "RUB"}
        for id_ in told[:2]:
            api.post("accruals", {"member": id_, "points": 1, "purchase": money})
        house.clock.advance(days=20)
        api.post("accruals", {"member": held_out[0], "points": 1, "purchase": money})
        path = "programmes/demo/messages/lapsed/results"
        found = api.get(f"{path}?days=10").get_json()
        assert found["told"] == {
            "members": len(told),
            "bought": 2,
            "percent": f"{200 / len(told):.2f}",
        }
        assert (found["held_out"]["members"], found["held_out"]["bought"]) == (len(held_out), 0)
        assert [one["told"]["total"]["amount"] for one in found["money"]] == ["200.00"]
        assert api.get(path).get_json()["held_out"]["bought"] == 1
        later = house.clock().isoformat().replace("+", "%2B")
        nobody = api.get(f"{path}?since={later}").get_json()
        assert (nobody["told"]["members"], nobody["conclusion"]["code"]) == (0, "nobody_held_out")

    def bought(self, api, days: int) -> int:
        """How many bought something within so many days."""
        audience = {"kind": "purchase", "days": days}
        body = {"programme": "demo", "name": "a", "texts": {"ru": "б"}, "audience": audience}
        campaign = api.post("campaigns", body).get_json()
        return api.post(f"campaigns/{campaign['id']}/preview", {}).get_json()["audience"]


def test_rounds_are_bounded_and_go_on_where_they_stopped(api, join, client, house) -> None:
    people = [join(birthday="1990-02-26") for _ in range(7)]
    for number, one in enumerate(people):
        in_phone(client, one, f"{number:032x}")
    switch_on(api, "birthday", gift=1)
    database, make_due = house.installation.database, house.installation.make_due
    steps = 0
    while database.run(lambda session: rounds.step(session, make_due, house.clock(), 3)):
        steps += 1
        assert count(house, Delivery) <= steps * 3
    assert steps == 3
    assert count(house, Delivery) == 7


def test_a_kind_needs_what_it_needs_and_nothing_else(api) -> None:
    for kind, body, status, code in (
        ("accrued", {"days": 3}, 422, "message_refused"),
        ("burning", {"gift_live_days": 3}, 422, "message_refused"),
        ("birthday", {"holdout_percent": 5}, 422, "message_refused"),
        ("lapsed", {"consent": "any"}, 422, "consent_needed"),
        ("burning", {"texts": {"en": "{{gift}}"}}, 422, "unknown_placeholder"),
        ("wedding", {}, 404, "unknown_message"),
    ):
        answer = api.call("PUT", f"programmes/demo/messages/{kind}", {"on": True, **body})
        assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    listed = api.get("programmes/demo/messages").get_json()["items"]
    assert [(one["kind"], one["on"]) for one in listed] == [
        (kind, False) for kind in ("accrued", "spent", "burning", "birthday", "lapsed")
    ]


def count(house, table: type) -> int:
    with house.installation.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
