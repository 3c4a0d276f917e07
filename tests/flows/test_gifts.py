"""Points that come with a message: together with the words or not at all, once, to those who are
told and to nobody else. On both databases."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from books import check_books
from breaking import Broken, broken_before
from interleaving import stage
from phones import Phone, opened, values
from sqlalchemy import func, select

from ledger.book.journal import Posting
from ledger.limits import MOST_POINTS
from ledger.programmes import programmes, units
from wallet.delivery.providers import Lag
from wallet.outreach import campaigns, rounds
from wallet.outreach.campaigns import is_held_out
from wallet.outreach.deliveries import Delivery

PUMPS = ("upkeep", "relay", "waves", "messages", "relay")
# 12:00 in Moscow, in the hours of daily messages.
NOON = datetime(2027, 2, 26, 9, tzinfo=UTC)
TEXTS = {
    "ru": "Дарим {{gift}} {{gift:балл|балла|баллов}}. Теперь их {{points}}.",
    "en": "{{gift}} {{gift:point|points}} for you. Now you have {{points}}.",
}


@pytest.fixture
def clock_now(clock_now):
    clock_now.now = NOON
    return clock_now


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def give(api) -> Callable[..., dict]:
    """Start a campaign with a gift for everybody who has the card in a phone."""

    def given(gift: dict | None = None, **more: object) -> dict:
        body = {"programme": "demo", "name": "Подарок", "texts": TEXTS, "purpose": "service"}
        answer = api.post("campaigns", {**body, "gift": gift or {"points": 50}, **more})
        assert answer.status_code == 201, answer.text
        campaign = answer.get_json()
        assert api.post(f"campaigns/{campaign['id']}/start", {}).status_code == 200
        return campaign

    return given


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


def switch_on(api, kind: str, **more: object) -> None:
    answer = api.call("PUT", f"programmes/demo/messages/{kind}", {"on": True, **more})
    assert answer.status_code == 200, answer.text


def accrue(api, member: dict, points: int = 100, **more: object) -> None:
    body = {"member": member["id"], "points": points, **more}
    assert api.post("accruals", body).status_code == 201


def has(api, member: dict) -> int:
    return int(api.get(f"members/{member['id']}").get_json()["balance"]["available"])


def postings(api, member: dict) -> list[dict]:
    return list(api.get(f"members/{member['id']}/postings").get_json()["items"])


def said(api, member: dict) -> list[tuple[str, str, str | None]]:
    items = api.get(f"members/{member['id']}/messages").get_json()["items"]
    return [(one["kind"], one["state"], one["text"]) for one in items]


def gifts_and_told(house) -> tuple[int, int]:
    """How many gifts are in the book, and how many members were told."""
    with house.installation.database.reading() as session:
        given = select(func.count()).select_from(Posting).where(Posting.kind == "gift")
        told = select(func.count()).select_from(Delivery).where(Delivery.told_at.is_not(None))
        return int(session.scalar(given) or 0), int(session.scalar(told) or 0)


class TestCampaigns:
    def test_points_and_words_come_together_once(self, api, client, house, member, give) -> None:
        phone = in_phone(client, member)
        campaign = give({"points": 21, "live_days": 10})
        assert campaign["gift"] == {"points": 21, "live_days": 10, "expires_at": None}
        for _ in range(3):
            house.run(*PUMPS)
        text = "Дарим 21 балл. Теперь их 21."
        assert said(api, member) == [("campaign", "told", text)]
        card = opened(phone.fetch().data)
        assert (values(card)["news"], values(card)["points"]) == (text, 21)
        (line,) = postings(api, member)
        assert (line["kind"], line["points"], line["promotion"]) == ("gift", 21, "Подарок")
        with house.installation.database.reading() as session:
            delivery = session.scalars(select(Delivery)).one()
            posting = session.scalars(select(Posting)).one()
            assert delivery.gift_posting_id == posting.id
        # They live to the end of the tenth day, by the programme's clock, and no longer.
        house.clock.now = datetime(2027, 3, 8, 20, 59, tzinfo=UTC)
        assert has(api, member) == 21
        house.clock.advance(minutes=1)
        house.run(*PUMPS)
        assert has(api, member) == 0

    def test_who_is_not_told_gets_nothing(self, api, client, house, join, give) -> None:
        told, nowhere = join(name="Анна"), join(name="Без телефона")
        refuses = join(name="Нет", consents=[{"purpose": "marketing", "given": False}])
        for number, one in enumerate((told, refuses)):
            in_phone(client, one, f"{number:032x}")
        campaign = give(consent="not_refused", purpose="advertising", quiet_hours=None)
        house.run(*PUMPS)
        assert [has(api, one) for one in (told, nowhere, refuses)] == [50, 0, 0]
        found = api.get(f"campaigns/{campaign['id']}/results").get_json()
        assert (found["told"], found["no_card"], found["no_consent"]) == (1, 1, 1)

    def test_the_held_out_get_nothing(self, api, house, crowd, give) -> None:
        campaign = give(holdout_percent=90)
        house.run(*PUMPS)
        for member in crowd:
            held_out = is_held_out(campaign["id"], member["id"], 90)
            assert has(api, member) == (0 if held_out else 50)
        assert 0 in {has(api, member) for member in crowd}

    def test_who_has_no_room_for_it_is_not_told(self, api, house, crowd, give) -> None:
        full = crowd[0]
        accrue(api, full, MOST_POINTS - 10)
        campaign = give()
        house.run(*PUMPS)
        assert said(api, full) == [("campaign", "refused", None)]
        assert gifts_and_told(house) == (7, 7)
        found = api.get(f"campaigns/{campaign['id']}/results").get_json()
        assert (found["told"], found["refused"]) == (7, 1)

    def test_nobody_is_told_or_given_anything_once_it_is_cancelled(
        self, api, house, crowd, give
    ) -> None:
        campaign = give()
        database, make_due = house.installation.database, house.installation.make_due

        def step() -> bool:
            return database.run(
                lambda session: campaigns.step(
                    session, make_due, lambda *_: Lag(0, None), house.clock(), 3
                )
            )

        while gifts_and_told(house) == (0, 0):
            step()
        assert gifts_and_told(house) == (3, 3)
        assert api.post(f"campaigns/{campaign['id']}/cancel", None).status_code == 200
        house.run(*PUMPS)
        assert gifts_and_told(house) == (3, 3)
        assert sum(has(api, member) for member in crowd) == 3 * 50

    def test_wherever_it_breaks_points_and_words_are_as_many(self, house, crowd, give) -> None:
        give()
        database, make_due = house.installation.database, house.installation.make_due

        def step() -> bool:
            return database.run(
                lambda session: campaigns.step(
                    session, make_due, lambda *_: Lag(0, None), house.clock(), 3
                )
            )

        broken = 0
        for place in itertools.count(1, 7):
            with broken_before(database, place) as was:
                try:
                    more = step()
                except Broken:
                    more = True
            broken += was()
            given, told = gifts_and_told(house)
            assert given == told
            if not more:
                break
        assert broken > 5
        assert gifts_and_told(house) == (len(crowd), len(crowd))

    def test_a_cancel_at_any_moment_of_a_step_is_the_end(
        self, api, house, crowd, give, request
    ) -> None:
        """Once the call that cancels has returned, nobody more is told or given anything."""
        if request.node.callspec.params["database_url"] != "postgresql":
            pytest.skip("SQLite has one writer: there is no at once")
        database, make_due = house.installation.database, house.installation.make_due

        def step() -> bool:
            return database.run(
                lambda session: campaigns.step(
                    session, make_due, lambda *_: Lag(0, None), house.clock(), 2
                )
            )

        def telling() -> str:
            """A campaign whose next step tells somebody."""
            campaign = give()
            while (
                database.run(
                    lambda session: campaigns.by_public_id(session, campaign["id"]).frozen_at
                )
                is None
            ):
                step()
            return str(campaign["id"])

        def cancel(public_id: str) -> tuple[int, int]:
            database.run(
                lambda session: campaigns.cancel(session, public_id, house.clock()) and None
            )
            return gifts_and_told(house)

        with stage(database) as scene:
            telling()
            step()  # what is compiled and kept once is there from now on
            for at in range(1, scene.statements_of(step) + 1, 5):
                with house.installation.database.transaction() as session:
                    campaigns.halt(session)  # those of the places before
                id_ = telling()
                met = scene.meet(step, lambda: cancel(id_), at)  # noqa: B023
                assert not isinstance(met.first, Exception), met.first
                given, told = met.second
                assert given == told
                while step():
                    pass
                assert gifts_and_told(house) == (given, told)

    def test_a_gift_is_no_purchase_and_no_visit(self, api, house, crowd, give) -> None:
        buyer = crowd[0]
        accrue(api, buyer)
        give()
        house.run(*PUMPS)
        for kind in ("purchase", "activity"):
            body = {"programme": "demo", "name": "Кто?", "texts": TEXTS, "gift": {"points": 1}}
            campaign = api.post("campaigns", {**body, "audience": {"kind": kind}}).get_json()
            counted = api.post(f"campaigns/{campaign['id']}/preview", {}).get_json()
            assert counted["audience"] == 1, kind

    def test_no_other_message_tells_of_it(self, api, client, house, member, give) -> None:
        in_phone(client, member)
        switch_on(api, "accrued")
        give()
        house.run(*PUMPS)
        assert [kind for kind, *_ in said(api, member)] == ["campaign"]

    def test_it_can_be_taken_back(self, api, client, house, member, give) -> None:
        in_phone(client, member)
        give()
        house.run(*PUMPS)
        (line,) = postings(api, member)
        assert api.post(f"postings/{line['id']}/reverse", None).status_code == 201
        assert has(api, member) == 0

    def test_money_is_given_as_money(self, api, client, house, join) -> None:
        with house.installation.database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            unit = units.named(session, programme.id, None)
            session.get_one(units.Unit, unit.id).currency = "RUB"
            session.get_one(units.Unit, unit.id).kind = "money"
            session.get_one(units.Unit, unit.id).scale = 2
        member = join(name="Анна")
        in_phone(client, member)
        body = {"programme": "demo", "name": "Подарок", "purpose": "service"}
        texts = {"ru": "Дарим {{gift}}."}
        gift = {"money": {"amount": "150.50", "currency": "RUB"}}
        campaign = api.post("campaigns", {**body, "texts": texts, "gift": gift}).get_json()
        assert campaign["gift"]["points"] == 15050
        assert campaign["gift"]["money"] == {"amount": "150.50", "currency": "RUB"}
        api.post(f"campaigns/{campaign['id']}/start", {})
        house.run(*PUMPS)
        assert said(api, member) == [("campaign", "told", "Дарим 150,50\u00a0₽.")]

    @pytest.mark.parametrize(
        ("gift", "texts", "code"),
        [
            ({"points": 0}, TEXTS, "invalid_request"),
            ({"points": 5, "live_days": 0}, TEXTS, "invalid_request"),
            (
                {"points": 5, "live_days": 5, "expires_at": "2027-05-01T00:00:00Z"},
                TEXTS,
                "invalid_request",
            ),
            ({"money": {"amount": "5", "currency": "RUB"}}, TEXTS, "not_money"),
            (None, TEXTS, "unknown_placeholder"),
            ({"points": 5}, {"ru": "{{gift:балл|балла}}"}, "plural_forms_wrong"),
        ],
    )
    def test_a_gift_that_cannot_be_is_refused(self, api, gift, texts, code) -> None:
        body = {"programme": "demo", "name": "Подарок", "texts": texts, "gift": gift}
        answer = api.post("campaigns", body)
        assert (answer.status_code, answer.get_json()["code"]) in ((422, code), (409, code))

    def test_one_that_would_have_run_out_by_the_start_is_refused(self, api, house) -> None:
        ends = (house.clock() + timedelta(days=1)).isoformat()
        body = {"programme": "demo", "name": "Подарок", "texts": TEXTS}
        campaign = api.post("campaigns", {**body, "gift": {"points": 5, "expires_at": ends}})
        path = f"campaigns/{campaign.get_json()['id']}"
        refused = api.post(f"{path}/start", {"at": "2027-03-01T10:00"})
        assert refused.get_json()["code"] == "dates_out_of_order"
        changed = api.call("PATCH", path, {"gift": {"points": 7}}).get_json()
        assert changed["gift"] == {"points": 7, "live_days": None, "expires_at": None}
        assert api.post(f"{path}/start", {"at": "2027-03-01T10:00"}).status_code == 200

    def test_the_preview_says_it_as_it_will_be_said(self, api, join) -> None:
        member = join(name="Анна", locale="en")
        body = {"programme": "demo", "name": "Подарок", "texts": TEXTS, "gift": {"points": 1}}
        campaign = api.post("campaigns", body).get_json()
        shown = api.post(f"campaigns/{campaign['id']}/preview", {"member": member["id"]})
        assert shown.get_json()["text"] == "1 point for you. Now you have 1."


class TestBuiltIn:
    def test_one_comes_with_each_purchase(self, api, client, house, member) -> None:
        phone = in_phone(client, member)
        switch_on(api, "accrued", gift=10, gift_live_days=5)
        accrue(api, member, 100)
        accrue(api, member, 20)
        for _ in range(3):
            house.run(*PUMPS)
        text = "Начислено 120 баллов и ещё 20 в подарок. Теперь у вас 140 баллов."
        assert said(api, member) == [("accrued", "told", text), ("accrued", "told", text)]
        assert values(opened(phone.fetch().data))["points"] == 140
        kinds = sorted(line["kind"] for line in postings(api, member))
        assert kinds == ["accrual", "accrual", "gift", "gift"]

    def test_nothing_comes_where_nothing_is_said(self, api, house, member) -> None:
        switch_on(api, "accrued", gift=10)
        accrue(api, member)
        house.run(*PUMPS)
        assert said(api, member) == [("accrued", "no_card", None)]
        assert has(api, member) == 100

    def test_one_that_has_no_room_is_not_told_of(self, api, client, house, member) -> None:
        in_phone(client, member)
        switch_on(api, "accrued", gift=10)
        accrue(api, member, MOST_POINTS)
        house.run(*PUMPS)
        assert said(api, member) == [("accrued", "refused", None)]
        assert has(api, member) == MOST_POINTS

    def test_spending_is_thanked_for(self, api, client, house, member) -> None:
        in_phone(client, member)
        accrue(api, member)
        switch_on(api, "spent", gift=1)
        house.clock.advance(seconds=1)
        api.post("redemptions", {"member": member["id"], "points": 80})
        house.run(*PUMPS)
        text = "Списано 80 баллов. Дарим вам 1 балл. Теперь у вас 21 балл."
        assert said(api, member) == [("spent", "told", text)]

    def test_points_about_to_burn_bring_new_ones(self, api, client, house, member) -> None:
        in_phone(client, member)
        accrue(api, member, 3, expires_at="2027-03-02T00:00:00+03:00")
        switch_on(api, "burning", days=7, gift=5, gift_live_days=30)
        for _ in range(3):
            house.run(*PUMPS)
            house.clock.advance(minutes=20)
        ((kind, state, text),) = said(api, member)
        assert (kind, state) == ("burning", "told")
        assert "сгорят 3 балла. Успейте потратить: дарим вам ещё 5." in str(text)
        assert has(api, member) == 8

    def test_a_gift_that_burns_brings_no_other(self, api, client, house, member) -> None:
        in_phone(client, member)
        accrue(api, member, 3, expires_at="2027-03-02T00:00:00+03:00")
        switch_on(api, "burning", days=7, gift=5, gift_live_days=2)
        for _ in range(12):
            house.run(*PUMPS)
            house.clock.advance(days=1)
        assert len(said(api, member)) == 1
        assert [one["points"] for one in postings(api, member) if one["kind"] == "gift"] == [5]

    def test_wherever_a_round_breaks_points_and_words_are_as_many(
        self, api, join, client, house
    ) -> None:
        people = [join(birthday="1990-02-26") for _ in range(5)]
        for number, one in enumerate(people):
            in_phone(client, one, f"{number:032x}")
        switch_on(api, "birthday", gift=7)
        database, make_due = house.installation.database, house.installation.make_due
        broken = 0
        for place in itertools.count(1, 7):
            with broken_before(database, place) as was:
                try:
                    more = database.run(
                        lambda session: rounds.step(session, make_due, house.clock(), 2)
                    )
                except Broken:
                    more = True
            broken += was()
            given, told = gifts_and_told(house)
            assert given == told
            if not more:
                break
        assert broken > 5
        assert [has(api, one) for one in people] == [7] * 5

    def test_terms_say_how_long_it_lives(self, api) -> None:
        body = {"on": True, "gift": 5, "gift_live_days": 30}
        put = api.call("PUT", "programmes/demo/messages/birthday", body).get_json()
        assert (put["gift"], put["gift_live_days"]) == (5, 30)
        assert "{{gift}}" in put["texts"]["ru"]
        without = api.call("PUT", "programmes/demo/messages/birthday", {"on": True}).get_json()
        assert (without["gift"], without["gift_live_days"]) == (None, None)
        assert "{{gift}}" not in without["texts"]["ru"]
