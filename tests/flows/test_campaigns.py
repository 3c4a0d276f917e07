"""A campaign, from the draft to the phones that fetched it, through a real push connection and
Google's stand-in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import googles
import pytest
import requests
from books import check_books
from phones import PASS_TYPE, Phone, opened, values
from sqlalchemy import func, select, update
from statements import recorded

from ledger.book.accounts import Account
from ledger.book.journal import Entry, Posting
from ledger.people import consents, members
from ledger.people.consents import Decision
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.access import apikeys
from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER
from wallet.delivery.providers import MOST_COUNTED, Lag
from wallet.google import budget
from wallet.google.mirror import GoogleObject
from wallet.google.reading import spoken
from wallet.outreach import campaigns
from wallet.outreach.campaigns import Campaign, is_held_out
from wallet.outreach.deliveries import Delivery
from wallet.passes import templates
from wallet.passes.news import News
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.google import CallFault
from wallet.sandbox.google.resources import OBJECT

TOKENS = [f"{number:064x}" for number in range(400)]
NOT_BEHIND = Lag(0, None)
PUMPS = ("upkeep", "relay", "waves", "messages", "apple", "google")
TEXTS = {"ru": "{{name|Друг}}, латте за полцены!", "en": "{{name|Friend}}, latte is half price!"}


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns, google) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url, **googles.environment_of(google)}


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def phone(client, member) -> Phone:
    phone = Phone.with_card(client, member)
    assert phone.register(TOKENS[0]).status_code == 201
    return phone


def draft(api, **more: object) -> dict:
    """A campaign for members who were never asked, at any hour, unless `more` says otherwise."""
    usual = {"quiet_hours": None, "consent": "not_refused"}
    body = {"programme": "demo", "name": "Латте", "texts": TEXTS, **usual, **more}
    answer = api.post("campaigns", body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def start(api, campaign: dict, **body: object) -> dict:
    answer = api.post(f"campaigns/{campaign['id']}/start", body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def read(api, campaign: dict) -> dict:
    return api.get(f"campaigns/{campaign['id']}").get_json()


def rest(api, campaign: dict) -> tuple[str | None, str | None]:
    """Why nobody is told at present, and until when."""
    progress = read(api, campaign)["progress"]
    return progress["waits_for"], progress["waits_until"]


def funnel(api, campaign: dict) -> dict:
    answer = api.get(f"campaigns/{campaign['id']}/results")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def messages(api, member: dict) -> list[dict]:
    return api.get(f"members/{member['id']}/messages").get_json()["items"]


def save_to_google(client, member: dict) -> str:
    """The button on the card's page, and the person who saves it; the id of the object."""
    answer = client.get(member["links"]["google"].removeprefix("http://127.0.0.1:8080"))
    assert answer.status_code == 303
    return requests.get(answer.location, timeout=5).json()["objectIds"][0]


def hear_of_saving(house, *, saved: bool = True) -> None:
    """What Google's callback would have said."""
    with house.installation.database.transaction() as session:
        for known in session.scalars(select(GoogleObject)):
            known.saved, known.heard_at = saved, house.clock()


def news_of(phone: Phone) -> tuple[str, str | None]:
    """The text on the card, and what the phone says when it changes."""
    document = opened(phone.fetch().data)
    field = next(f for f in document["storeCard"]["backFields"] if f["key"] == "news")
    return field["value"], field.get("changeMessage")


def test_a_campaign_reaches_the_iphone_and_google(
    api, client, member, phone, house, pushes, google
) -> None:
    object_id = save_to_google(client, member)
    hear_of_saving(house)
    phone.fetch()
    campaign = draft(api)
    assert campaign["state"] == "draft"
    assert start(api, campaign)["state"] == "running"
    house.run(*PUMPS)
    assert pushes.stand_in.heard(TOKENS[0]).count == 1
    assert funnel(api, campaign)["apple"]["accepted"] == 1
    assert news_of(phone) == ("Анна, латте за полцены!", "%@")
    written = google.stand_in.resources.get(OBJECT, object_id)
    assert [one["body"] for one in written["messages"]] == ["Анна, латте за полцены!"]
    notices = google.stand_in.resources.card(object_id).notices
    assert [one.body for one in notices] == ["Анна, латте за полцены!"]
    assert [spoken(one.localized_header, "en") for one in notices] == ["Message"]
    assert read(api, campaign)["state"] == "done"
    told = funnel(api, campaign)
    assert (told["audience"], told["told"]) == (1, 1)
    assert (told["apple"]["fetched"], told["google"]["accepted"]) == (1, 1)
    (only,) = messages(api, member)
    assert (only["apple"], only["google"]) == ("fetched", "accepted")
    assert only["fetched_at"] is not None
    # Nothing is told again, whatever is asked.
    house.run(*PUMPS)
    assert pushes.stand_in.heard(TOKENS[0]).count == 1
    assert len(google.stand_in.resources.card(object_id).notices) == 1
    with house.installation.database.reading() as session:
        assert session.scalars(select(Delivery.state)).all() == ["told"]


def test_the_text_is_on_the_card_that_a_phone_adds_later(api, join, client, phone, house) -> None:
    late = join(name="Пётр")
    start(api, draft(api))
    house.run(*PUMPS)
    (only,) = messages(api, late)
    assert (only["state"], only["why"][0]["code"]) == ("no_card", "no_card")
    assert values(opened(Phone.with_card(client, late).fetch().data))["news"] == "—"


def test_a_member_with_a_coupon_is_told_once_and_on_the_card(api, member, phone, house) -> None:
    offer = api.post("offers", {"programme": "demo", "title": "Кекс"}).get_json()
    coupon = api.post(f"offers/{offer['id']}/passes", {"member": member["id"]})
    assert coupon.status_code == 201, coupon.text
    house.run()
    campaign = draft(api)
    start(api, campaign)
    house.run("messages", "relay", "waves", "apple")
    assert len(messages(api, member)) == 1
    assert news_of(phone)[1] is not None


def crowd(join, client, size: int) -> list[dict]:
    """Members, each with a phone of their own."""
    people = [join(name=f"Участник {n}") for n in range(size)]
    for number, one in enumerate(people):
        Phone.with_card(client, one, f"{number:032x}").register(TOKENS[number])
    return people


def step(house, limit: int = 2, lag: Lag = NOT_BEHIND) -> bool:
    """One step of a campaign."""
    database, make_due = house.installation.database, house.installation.make_due
    return database.run(
        lambda session: campaigns.step(session, make_due, lambda *_: lag, house.clock(), limit)
    )


@pytest.mark.parametrize("lag", [Lag(0, 16.0), Lag(MOST_COUNTED, 1.0)], ids=["late", "piled up"])
def test_a_campaign_rests_while_phones_are_behind(api, join, client, house, lag) -> None:
    crowd(join, client, 4)
    campaign = draft(api)
    start(api, campaign)
    until_frozen(house)
    assert step(house, lag=lag)
    assert told(house) == 0
    until = house.clock() + timedelta(seconds=5)
    assert rest(api, campaign) == ("pace", until.isoformat().replace("+00:00", "Z"))
    assert not step(house, lag=lag)  # it does not even look again before a while is over
    house.clock.advance(seconds=5)
    assert step(house)
    assert told(house) == 2
    assert rest(api, campaign) == (None, None)


def states(house) -> dict[str, int]:
    with house.installation.database.reading() as session:
        rows = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
        return {row[0]: row[1] for row in rows}


def told(house) -> int:
    return states(house).get("told", 0)


def until_frozen(house, limit: int = 2) -> None:
    while True:
        assert step(house, limit)
        with house.installation.database.reading() as session:
            if session.scalars(select(Campaign.frozen_at)).one() is not None:
                return


class TestRunning:
    def test_paused_and_resumed_in_the_middle(self, api, join, client, house) -> None:
        crowd(join, client, 6)
        campaign = draft(api)
        start(api, campaign)
        until_frozen(house)
        assert step(house)
        assert api.call("POST", f"campaigns/{campaign['id']}/pause").get_json()["state"] == "paused"
        assert rest(api, campaign) == ("paused", None)
        assert not step(house)
        assert told(house) == 2
        assert api.post(f"campaigns/{campaign['id']}/start", {}).status_code == 409
        resumed = api.call("POST", f"campaigns/{campaign['id']}/resume").get_json()
        assert resumed["progress"] == {
            "recipients": 6,
            "done": 2,
            "frozen": True,
            "ends_about": None,
            "waits_for": None,
            "waits_until": None,
        }
        house.run(*PUMPS)
        assert (told(house), read(api, campaign)["state"]) == (6, "done")

    def test_cancelled_in_the_middle_tells_nobody_more(
        self, api, join, client, house, pushes
    ) -> None:
        crowd(join, client, 6)
        campaign = draft(api)
        start(api, campaign)
        until_frozen(house)
        step(house)
        cancelled = api.call("POST", f"campaigns/{campaign['id']}/cancel")
        assert cancelled.get_json()["state"] == "cancelled"
        house.run(*PUMPS)
        assert sum(pushes.stand_in.heard(token).count for token in TOKENS[:6]) == 2
        assert (funnel(api, campaign)["told"], funnel(api, campaign)["waiting"]) == (2, 4)
        for call in ("resume", "pause", "start"):
            answer = api.call("POST", f"campaigns/{campaign['id']}/{call}", {})
            assert answer.get_json()["code"] == "campaign_not_ready"
        assert api.call("POST", f"campaigns/{campaign['id']}/cancel").status_code == 200

    def test_it_tells_when_it_will_be_done(self, api, join, client, house) -> None:
        crowd(join, client, 8)
        campaign = draft(api)
        start(api, campaign)
        until_frozen(house)
        step(house)
        house.clock.advance(seconds=10)
        step(house)
        progress = read(api, campaign)["progress"]
        assert progress["done"] == 4
        ends = datetime.fromisoformat(progress["ends_about"])
        assert ends == house.clock() + timedelta(seconds=10)

    def test_it_starts_when_the_clock_of_the_programme_says_so(
        self, api, phone, house, pushes
    ) -> None:
        house.clock.now = datetime(2027, 3, 1, 6, 59, tzinfo=UTC)
        campaign = draft(api)
        scheduled = start(api, campaign, at="2027-03-01T10:00")
        assert (scheduled["state"], scheduled["starts_at"]) == ("scheduled", "2027-03-01T07:00:00Z")
        assert rest(api, campaign) == ("start", "2027-03-01T07:00:00Z")
        house.run(*PUMPS)
        assert told(house) == 0
        house.clock.advance(minutes=1)
        house.run(*PUMPS)
        assert told(house) == 1

    @pytest.mark.parametrize(
        ("at", "taken"),
        [
            ("2027-03-01T09:58:59", False),  # a few minutes ago
            ("2027-03-01T00:30", False),  # this morning
            ("2026-03-01T10:00", False),  # the year of before
            ("2200-01-01T03:00", False),
            ("2027-03-01T09:59", True),  # the clock of who asks is a minute late
            ("2027-03-01T10:00", True),
        ],
    )
    def test_a_start_that_is_past_is_refused_and_tells_nobody(
        self, api, phone, house, at: str, *, taken: bool
    ) -> None:
        house.clock.now = datetime(2027, 3, 1, 7, tzinfo=UTC)  # 10:00 in Moscow
        campaign = draft(api)
        answer = api.post(f"campaigns/{campaign['id']}/start", {"at": at})
        house.run(*PUMPS)
        assert (answer.status_code, told(house)) == ((200, 1) if taken else (422, 0))
        if not taken:
            refusal = answer.get_json()
            assert (refusal["code"], refusal["field"]) == ("date_out_of_range", "at")
            assert (refusal["earliest"], refusal["latest"]) == (
                "2027-03-01T10:00",
                "2200-01-01T03:00",
            )
            assert read(api, campaign)["state"] == "draft"

    def test_quiet_hours_over_midnight_are_waited_out(self, api, phone, house) -> None:
        house.clock.now = datetime(2027, 3, 1, 20, tzinfo=UTC)  # 23:00 in Moscow
        campaign = draft(api, quiet_hours={"from": "22:00", "until": "09:00"})
        start(api, campaign)
        house.run(*PUMPS)
        assert (told(house), read(api, campaign)["state"]) == (0, "running")
        assert rest(api, campaign) == ("quiet_hours", "2027-03-02T06:00:00Z")
        house.clock.now = datetime(2027, 3, 2, 5, 59, tzinfo=UTC)
        house.run(*PUMPS)
        assert told(house) == 0
        house.clock.advance(minutes=1)
        house.run(*PUMPS)
        assert (told(house), read(api, campaign)["state"]) == (1, "done")

    def test_recipients_are_frozen_once_however_many_work_at_it(
        self, api, join, client, house, pushes
    ) -> None:
        crowd(join, client, 40)
        campaign = draft(api, holdout_percent=20)
        start(api, campaign)

        def work(_: int) -> None:
            while step(house, 3):
                pass

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        late = join(name="Опоздавший")
        Phone.with_card(client, late, "f" * 32).register(TOKENS[40])
        while step(house, 3):
            pass
        house.run(*PUMPS)
        seen = funnel(api, campaign)
        assert seen["audience"] == 40 == read(api, campaign)["progress"]["recipients"]
        assert seen["told"] + seen["held_out"] == 40
        assert pushes.stand_in.heard(TOKENS[40]).count == 0
        assert {pushes.stand_in.heard(token).count for token in TOKENS[:40]} == {0, 1}


class TestEffect:
    """What members bought after a campaign: those who were told beside those who were held out."""

    def rub(self, amount: str) -> dict[str, str]:
        return {"amount": amount, "currency": "RUB"}

    def buys(self, api, one: dict, amount: str | None, **more: object) -> str:
        body = {"member": one["id"], "points": 10, **more}
        if amount is not None:
            body["purchase"] = self.rub(amount)
        answer = api.post("accruals", body)
        assert answer.status_code == 201, answer.text
        return answer.get_json()["id"]

    def comes_with_the_message(self, house, posting_id: str) -> None:
        """As if the points had been given with a message by a release before gifts were a kind of
        their own."""
        with house.installation.database.transaction() as session:
            posting = session.scalars(select(Posting).where(Posting.public_id == posting_id)).one()
            account = select(Account.member_id).join(Entry, Entry.account_id == Account.id)
            owner = session.scalars(
                account.where(Entry.posting_id == posting.id, Account.kind == "member")
            ).one()
            session.execute(
                update(Delivery).where(Delivery.member_id == owner).values(posting_id=posting.id)
            )

    def groups(self, house) -> tuple[list[str], list[str]]:
        with house.installation.database.reading() as session:
            rows = session.execute(
                select(Member.public_id, Delivery.state)
                .join(Delivery, Delivery.member_id == Member.id)
                .order_by(Member.id)
            ).all()
        return tuple(
            [id_ for id_, state in rows if state == which] for which in ("told", "held_out")
        )

    def test_both_groups_are_those_who_could_be_told(self, api, join, client, house) -> None:
        """Who wants no news, and who has no card in a phone, is in neither: else the groups would
        differ by more than the message."""
        people = crowd(join, client, 30)
        for one in people[:6]:
            refusal = {"consents": [{"purpose": "marketing", "given": False}]}
            assert api.call("PATCH", f"members/{one['id']}", refusal).status_code == 200
        nowhere = [join(name=f"Без телефона {n}") for n in range(6)]
        campaign = draft(api, holdout_percent=50)
        start(api, campaign)
        house.run(*PUMPS)
        told, held_out = self.groups(house)
        seen = funnel(api, campaign)
        assert (seen["no_consent"], seen["no_card"], seen["waiting"]) == (6, 6, 0)
        assert seen["told"] + seen["held_out"] == 24
        assert min(len(told), len(held_out)) > 1
        assert not {*told, *held_out} & {one["id"] for one in (*people[:6], *nowhere)}
        assert all(is_held_out(campaign["id"], one, 50) for one in held_out)
        assert not any(is_held_out(campaign["id"], one, 50) for one in told)

    def test_purchases_are_compared_and_gifts_are_none(self, api, join, client, house) -> None:
        people = {one["id"]: one for one in crowd(join, client, 40)}
        campaign = draft(api, holdout_percent=40)
        before = api.get(f"campaigns/{campaign['id']}/results").get_json()
        assert (before["purchases"], before["cost"]) == (None, {"messages": 0, "gifts": 0})
        self.buys(api, next(iter(people.values())), "5000")  # before it began
        house.clock.advance(hours=1)
        start(api, campaign)
        house.run(*PUMPS)
        told, held_out = self.groups(house)
        house.clock.advance(days=1)
        for one in told[:3]:
            self.buys(api, people[one], "100.10")
        self.buys(api, people[told[0]], "0")
        undone = self.buys(api, people[told[3]], "900")
        assert api.post(f"postings/{undone}/reverse", {}).status_code == 201
        part = self.buys(api, people[told[4]], "50")
        assert api.post(f"postings/{part}/reverse", {"points": 4}).status_code == 201
        self.buys(api, people[held_out[0]], "10")
        self.buys(api, people[held_out[1]], None)  # points without a purchase
        house.clock.advance(days=29)
        self.buys(api, people[held_out[2]], "77")  # too late
        found = funnel(api, campaign)["purchases"]
        assert found["counted"] == "purchases"
        assert found["told"] == {
            "members": len(told),
            "bought": 4,
            "percent": f"{400 / len(told):.2f}",
        }
        assert (found["held_out"]["members"], found["held_out"]["bought"]) == (len(held_out), 1)
        assert found["conclusion"]["code"] == "too_few"
        (money,) = found["money"]
        assert money["told"]["total"] == self.rub("330.30")
        assert money["held_out"]["total"] == self.rub("10.00")
        assert money["held_out"]["average"] == self.rub(f"{10 / len(held_out):.2f}")
        low, middle, high = (
            float(money["difference"][name]["amount"]) for name in ("low", "average", "high")
        )
        assert low < middle < high
        assert middle == pytest.approx(330.30 / len(told) - 10 / len(held_out), abs=0.01)
        longer = api.get(f"campaigns/{campaign['id']}/results?days=60").get_json()
        assert longer["purchases"]["held_out"]["bought"] == 2
        assert longer["cost"] == {"messages": len(told), "gifts": 0}

    def test_where_no_purchase_is_told_accruals_are_counted(self, api, join, client, house) -> None:
        people = {one["id"]: one for one in crowd(join, client, 12)}
        campaign = draft(api, gift={"points": 25})
        start(api, campaign)
        house.run(*PUMPS)
        told, _ = self.groups(house)
        house.clock.advance(hours=1)
        self.buys(api, people[told[0]], None)
        found = funnel(api, campaign)["purchases"]
        assert (found["counted"], found["told"]["bought"], found["money"]) == ("accruals", 1, [])
        assert (found["difference"], found["conclusion"]["code"]) == (None, "nobody_held_out")
        self.comes_with_the_message(house, self.buys(api, people[told[5]], None))
        assert funnel(api, campaign)["purchases"]["told"]["bought"] == 1
        assert funnel(api, campaign)["cost"] == {"messages": 12, "gifts": 300}
        self.buys(api, people[told[1]], "5")
        self.buys(api, people[told[2]], None)  # from now on that is no purchase
        found = funnel(api, campaign)["purchases"]
        assert (found["counted"], found["told"]["bought"]) == ("both", 2)

    @pytest.mark.parametrize("days", ["0", "366", "x"])
    def test_a_time_that_is_none_is_refused(self, api, days) -> None:
        answer = api.get(f"campaigns/{draft(api)['id']}/results?days={days}")
        assert answer.status_code == 422


class TestStatements:
    """How many statements a step sends: as many for two hundred members as for a few, since what is
    needed of members is read for all of them at once, and once."""

    FREEZING = 7
    TELLING, TELLING_NOBODY = 37, 13
    EVERY_PLACE = "{{name|Друг}}, у вас {{points}} на карте {{card}} в {{programme}}"

    def groups(self, api, join, client, numbers: range) -> list[tuple]:
        """Groups of five members: two who are told, one with no phone, one who wants no news, and
        one who turns out to be the first of them; these last."""
        twins = []
        for number in numbers:
            people = [join(name=f"{place} {number}") for place in range(5)]
            for place, one in enumerate(people[:4]):
                phone = Phone.with_card(client, one, f"{number * 4 + place:032x}")
                assert phone.register(TOKENS[number * 4 + place]).status_code == 201
            refusal = {"consents": [{"purpose": "marketing", "given": False}]}
            assert api.call("PATCH", f"members/{people[2]['id']}", refusal).status_code == 200
            twins.append((people[3], people[0]))
        return twins

    def count(self, api, house, twins: list[tuple], text: str = EVERY_PLACE) -> tuple[int, int]:
        """Statements of the step that freezes an audience, and of the step that tells it."""
        start(api, draft(api, texts={"ru": text}, cap={"messages": 5, "days": 1}))
        assert step(house, 200)  # it begins
        with recorded(house.installation.database) as freezing:
            assert step(house, 200)
        for twin, first in twins:
            answer = api.post(f"members/{twin['id']}/merge", {"into": first["id"]})
            assert answer.status_code == 201, answer.text
        with recorded(house.installation.database) as telling:
            assert step(house, 200)
        assert step(house, 200)  # it ends
        return len(freezing), len(telling)

    def test_they_are_as_many_for_many_members(self, api, join, client, house) -> None:
        twins = self.groups(api, join, client, range(1))
        few = self.count(api, house, twins)
        assert states(house) == {"told": 2, "no_card": 1, "no_consent": 1, "gone": 1}
        twins = self.groups(api, join, client, range(1, 7))
        many = self.count(api, house, twins, "И снова! " + self.EVERY_PLACE)
        assert told(house) == 2 + 14
        assert few == many == (self.FREEZING, self.TELLING)
        # None of them is gone by now, which is a statement less; who reads the same words again is
        # noted, for all of them in one.
        again = self.count(api, house, [], "И снова! " + self.EVERY_PLACE)
        assert again == (self.FREEZING, self.TELLING - 1 + 1)

    def test_a_step_that_tells_nobody_reads_no_cards(self, api, join, house) -> None:
        for number in range(3):
            join(name=f"no phone {number}")
        _, telling = self.count(api, house, [])
        assert states(house) == {"no_card": 3}
        assert telling == self.TELLING_NOBODY


class TestWhoIsTold:
    def test_nobody_is_told_more_than_the_cap(self, api, phone, member, house) -> None:
        capped = {"cap": {"messages": 2, "days": 7}}
        for number in range(3):
            start(api, draft(api, texts={"ru": f"Новость {number}"}, **capped))
            house.run(*PUMPS)
            house.clock.advance(days=1)
        assert states(house) == {"told": 2, "capped": 1}
        assert messages(api, member)[0]["why"][0]["code"] == "capped"
        house.clock.advance(days=5)
        start(api, draft(api, texts={"ru": "Через неделю"}, **capped))
        house.run(*PUMPS)
        assert states(house) == {"told": 3, "capped": 1}

    def test_a_card_that_was_taken_out_of_googles_wallet_is_in_no_phone(
        self, api, client, member, house
    ) -> None:
        save_to_google(client, member)
        hear_of_saving(house, saved=False)
        start(api, draft(api))
        house.run("messages")
        assert states(house) == {"no_card": 1}

    def test_whoever_did_not_agree_to_news_is_not_told(self, api, join, client, house) -> None:
        agreed, refused, unasked, asked = crowd(join, client, 4)
        for one, given in ((agreed, True), (refused, True), (refused, False)):
            decision = {"consents": [{"purpose": "marketing", "given": given}]}
            assert api.call("PATCH", f"members/{one['id']}", decision).status_code == 200
        # Who left the box empty on our own page said no.
        with house.installation.database.transaction() as session:
            member = members.by_public_id(session, asked["id"])
            decision = Decision("personal_data", given=True)
            consents.record(session, member, [decision], "page", house.clock())
        for consent, meant in (
            ("not_refused", [agreed, unasked]),
            ("given", [agreed]),
            ("any", [agreed, refused, unasked, asked]),
        ):
            campaign = draft(api, consent=consent)
            start(api, campaign)
            house.run("messages")
            for one in (agreed, refused, unasked, asked):
                first = messages(api, one)[0]
                assert first["state"] == ("told" if one in meant else "no_consent"), consent
            assert funnel(api, campaign)["no_consent"] == 4 - len(meant)

    def test_advertising_is_for_those_who_agreed_and_by_day_unless_it_is_said_otherwise(
        self, api
    ) -> None:
        body = {"programme": "demo", "name": "Латте", "texts": TEXTS}
        night = {"from": "21:00", "until": "10:00"}
        for said, purpose, consent, quiet in (
            ({}, "advertising", "given", night),
            ({"quiet_hours": None}, "advertising", "given", None),
            ({"consent": "not_refused"}, "advertising", "not_refused", night),
            ({"purpose": "service"}, "service", "any", None),
            # As those say it who know no `purpose`.
            ({"consent": "any"}, "service", "any", None),
            ({"purpose": "service", "consent": "given"}, "service", "given", None),
        ):
            made = api.post("campaigns", {**body, **said}).get_json()
            assert (made["purpose"], made["consent"], made["quiet_hours"]) == (
                purpose,
                consent,
                quiet,
            ), said
        wrong = {"purpose": "advertising", "consent": "any"}
        for answer in (
            api.post("campaigns", {**body, **wrong}),
            api.call("PATCH", f"campaigns/{made['id']}", wrong),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (422, "consent_needed")

    def test_the_hold_out_group_is_drawn_by_campaign_and_member(self) -> None:
        people = [f"member-{n}" for n in range(20_000)]
        for percent in (0, 10, 50):
            out = sum(is_held_out("campaign", one, percent) for one in people)
            assert abs(out / len(people) - percent / 100) < 0.01
        ten = {one for one in people if is_held_out("campaign", one, 10)}
        assert ten == {one for one in people if is_held_out("campaign", one, 10)}
        assert ten < {one for one in people if is_held_out("campaign", one, 20)}
        assert len(ten & {one for one in people if is_held_out("another", one, 10)}) < 300

    def test_the_audience_is_what_the_tree_says(self, api, join, client, house) -> None:
        anna, boris, vera, gleb = crowd(join, client, 4)
        nobody = join(name="Без телефона")
        for one, days, store, points in (
            (anna, 40, "arbat", 100),
            (boris, 3, "arbat", 30),
            (vera, 3, "tverskaya", 500),
            (nobody, 3, "arbat", 500),
        ):
            at = (house.clock() - timedelta(days=days)).isoformat()
            body = {"member": one["id"], "points": points, "store": store, "occurred_at": at}
            assert api.post("accruals", body).status_code == 201
        api.post("redemptions", {"member": anna["id"], "points": 60})
        everyone = [anna, boris, vera, gleb, nobody]
        for tree, meant in (
            ({"kind": "everyone"}, everyone),
            ({"kind": "card"}, [anna, boris, vera, gleb]),
            ({"kind": "card", "wallet": "google"}, []),
            ({"kind": "purchase", "days": 30}, [boris, vera, nobody]),
            ({"kind": "not", "of": {"kind": "purchase", "days": 30}}, [anna, gleb]),
            ({"kind": "purchase", "store": "arbat"}, [anna, boris, nobody]),
            ({"kind": "activity", "days": 1}, [anna]),
            ({"kind": "balance", "at_least": 40}, [anna, vera, nobody]),
            ({"kind": "balance", "at_least": 1, "at_most": 40}, [anna, boris]),
            (
                {
                    "kind": "all",
                    "of": [{"kind": "card"}, {"kind": "purchase", "store": "arbat", "days": 30}],
                },
                [boris],
            ),
            (
                {"kind": "any", "of": [{"kind": "balance", "at_most": 0}, {"kind": "activity"}]},
                everyone,
            ),
        ):
            campaign = draft(api, audience=tree)
            seen = api.post(f"campaigns/{campaign['id']}/preview", {}).get_json()
            assert seen["audience"] == len(meant), tree
            start(api, campaign)
            house.run("messages")
            for one in everyone:
                theirs = [m for m in messages(api, one) if m["campaign"] == campaign["id"]]
                assert bool(theirs) == (one in meant), (tree, one)

    def test_a_preview_tells_what_a_member_would_read(self, api, join, member) -> None:
        stranger = join(locale="en")
        campaign = draft(api)
        for who, text in (
            (member, "Анна, латте за полцены!"),
            (stranger, "Friend, latte is half price!"),
        ):
            seen = api.post(f"campaigns/{campaign['id']}/preview", {"member": who["id"]})
            assert seen.get_json() == {"audience": 2, "in_phones": 0, "text": text}

    @pytest.mark.parametrize(
        "tree",
        [
            {"kind": "tier"},
            {"kind": "balance", "least": 3},
            {"of": []},
            {"kind": "all", "of": []},
            {"kind": "purchase", "days": 3, "since": "2027-01-01T00:00:00Z"},
        ],
    )
    def test_a_tree_that_is_none_is_refused(self, api, tree) -> None:
        body = {"programme": "demo", "name": "x", "texts": TEXTS, "audience": tree}
        assert api.post("campaigns", body).status_code == 422

    def test_a_tree_that_is_too_deep_is_refused(self, api) -> None:
        tree: dict = {"kind": "everyone"}
        for _ in range(300):
            tree = {"kind": "not", "of": tree}
        body = {"programme": "demo", "name": "x", "texts": TEXTS, "audience": tree}
        assert api.post("campaigns", body).status_code == 422

    def test_only_a_draft_changes(self, api, member) -> None:
        campaign = draft(api)
        path = f"campaigns/{campaign['id']}"
        changed = api.call("PATCH", path, {"holdout_percent": 5, "name": "Другое"}).get_json()
        assert (changed["holdout_percent"], changed["name"]) == (5, "Другое")
        assert changed["texts"] == campaign["texts"]
        assert api.call("PATCH", path, {"texts": {"ru": "{{tier}}"}}).status_code == 422
        start(api, campaign)
        assert api.call("PATCH", path, {"name": "x"}).get_json()["code"] == "campaign_not_ready"


class TestProof:
    def run_one(self, api, house, text: str = "Новость", *pumps: str) -> dict:
        campaign = draft(api, texts={"ru": text})
        start(api, campaign)
        house.run(*(pumps or PUMPS))
        return campaign

    def newest(self, api, member: dict) -> tuple[str | None, str | None, list[str]]:
        first = messages(api, member)[0]
        return first["apple"], first["google"], [why["code"] for why in first["why"]]

    def test_from_the_queue_to_never(self, api, member, phone, house) -> None:
        self.run_one(api, house, "Новость", "messages")
        assert self.newest(api, member) == ("queued", None, [])
        house.run(*PUMPS)
        assert self.newest(api, member) == ("accepted", None, ["not_fetched"])
        house.clock.advance(days=8)
        assert self.newest(api, member) == ("never_fetched", None, ["not_fetched"])
        phone.fetch()
        assert self.newest(api, member) == ("fetched", None, ["notifications_unknown"])

    def test_only_an_answer_that_carries_the_card_is_an_arrival(
        self, api, client, member, phone, house
    ) -> None:
        """Phones send HEAD as well, and 304 says what they have in their own words."""

        def fetched() -> bool:
            card = api.get(f"members/{member['id']}/messages").get_json()["card"]
            return card["fetched_version"] == card["version"]

        self.run_one(api, house)
        house.run(*PUMPS)
        head = client.head(
            f"/apple/v1/passes/{PASS_TYPE}/{phone.serial}", headers=phone.authorization
        )
        assert (head.status_code, head.data) == (200, b"")
        assert not fetched()
        assert phone.fetch(since=head.headers["Last-Modified"]).status_code == 304
        assert not fetched()
        whole = phone.fetch()
        assert fetched()
        for name in ("Last-Modified", "Content-Type", "Content-Length", "Cache-Control"):
            assert whole.headers[name] == head.headers[name]

    def test_removed_and_gone(self, api, member, phone, house, pushes) -> None:
        self.run_one(api, house)
        phone.unregister()
        assert self.newest(api, member) == ("removed", None, ["card_removed"])
        phone.register(TOKENS[0])
        gone_ms = int((house.clock() + timedelta(seconds=5)).timestamp() * 1000)
        pushes.stand_in.fail(410, "Unregistered", timestamp=gone_ms)
        self.run_one(api, house, "Ещё")
        assert self.newest(api, member) == ("device_gone", None, ["device_gone"])

    def test_the_message_before_the_fetch_is_replaced(self, api, member, phone, house) -> None:
        self.run_one(api, house, "Первое")
        self.run_one(api, house, "Второе")
        phone.fetch()
        assert [one["apple"] for one in messages(api, member)] == ["fetched", "replaced"]

    def test_the_same_words_again_are_not_shown(self, api, member, phone, house) -> None:
        for _ in range(2):
            self.run_one(api, house)
            phone.fetch()
        assert self.newest(api, member) == ("fetched", None, ["same_text"])

    def test_the_fourth_alert_of_a_day_at_google_is_silent(
        self, api, client, member, house, google
    ) -> None:
        object_id = save_to_google(client, member)
        hear_of_saving(house)
        for number in range(4):
            self.run_one(api, house, f"Новость {number}")
        shown = google.stand_in.resources
        assert [one["body"] for one in shown.get(OBJECT, object_id)["messages"]] == ["Новость 3"]
        assert len(shown.card(object_id).notices) == 3
        assert self.newest(api, member) == (None, "accepted_silently", ["allowance_spent"])
        assert api.get(f"members/{member['id']}/messages").get_json()["card"]["alerts_left"] == 0

    def test_a_message_for_which_google_has_no_time_left_is_not_half_written(
        self, api, client, member, house, google
    ) -> None:
        """Another process spent the second but for one call, and a message takes two: were the
        first of them made, it would have to be made again."""
        object_id = save_to_google(client, member)
        hear_of_saving(house)
        house.clock.advance(seconds=1)
        began = google.stand_in.stats.requests
        with house.installation.database.transaction() as session:
            for _ in range(budget.A_SECOND - 1):
                assert budget.take(session, SANDBOX_GOOGLE_ISSUER, house.clock())
        self.run_one(api, house)
        assert len(google.stand_in.resources.card(object_id).notices) == 1
        assert google.stand_in.stats.requests - began == 2

    def test_an_answer_of_google_that_was_lost_is_no_second_message(
        self, api, client, member, house, google, monkeypatch
    ) -> None:
        monkeypatch.setattr(google.stand_in, "hang_s", 0.2)
        object_id = save_to_google(client, member)
        hear_of_saving(house)
        google.stand_in.faults.order(CallFault("lost", where="addMessage", times=1))
        self.run_one(api, house)
        assert self.newest(api, member)[1] == "queued"
        house.clock.advance(minutes=2)
        house.run(*PUMPS)
        assert self.newest(api, member)[1] == "accepted"
        assert len(google.stand_in.resources.card(object_id).notices) == 1
        assert len(google.stand_in.resources.get(OBJECT, object_id)["messages"]) == 1

    def test_whoever_saves_the_card_later_reads_the_text_in_silence(
        self, api, client, member, phone, house, google
    ) -> None:
        self.run_one(api, house)
        object_id = save_to_google(client, member)
        card = google.stand_in.resources.card(object_id)
        assert [one["body"] for one in card.object_["messages"]] == ["Новость"]
        assert list(card.notices) == []

    def test_a_card_removed_at_google(self, api, client, member, house) -> None:
        save_to_google(client, member)
        hear_of_saving(house)
        self.run_one(api, house, "Новость", "messages")
        hear_of_saving(house, saved=False)
        assert self.newest(api, member) == (None, "removed", ["card_removed"])

    def test_a_key_without_personal_read_does_not_see_the_words(
        self, api, member, phone, house, client
    ) -> None:
        self.run_one(api, house)
        with house.installation.database.transaction() as session:
            key = apikeys.issue(session, "narrow", ["campaigns:read"], house.clock())
        answer = client.get(
            f"/api/v1/members/{member['id']}/messages", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.get_json()["items"][0]["text"] is None
        assert messages(api, member)[0]["text"] == "Новость"


def test_cards_without_a_field_for_messages_refuse_to_start(api, member, house) -> None:
    with house.installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        design = templates.design(templates.current(session, programme.id))
        fields = tuple(field for field in design.fields if field.shows != "message")
        templates.store(session, programme.id, replace(design, fields=fields), {}, house.clock())
    answer = api.post(f"campaigns/{draft(api)['id']}/start", {})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_message_field")
    answer = api.call("PUT", "programmes/demo/messages/spent", {"on": True})
    assert answer.get_json()["code"] == "no_message_field"


def test_an_erased_member_leaves_no_words_and_no_gap(api, join, client, house) -> None:
    anna, boris = crowd(join, client, 2)
    campaign = draft(api, texts={"ru": "{{name}}, привет"})
    start(api, campaign)
    until_frozen(house)
    step(house, 1)
    assert api.delete(f"members/{anna['id']}").status_code == 200
    assert api.delete(f"members/{boris['id']}").status_code == 200
    house.run(*PUMPS)
    with house.installation.database.reading() as session:
        assert session.scalars(select(Delivery.text)).all() == [None, None]
        assert session.scalar(select(func.count()).select_from(News)) == 0
    seen = funnel(api, campaign)
    assert (seen["audience"], seen["told"], seen["gone"]) == (2, 1, 1)
    assert read(api, campaign)["state"] == "done"


def test_an_erased_card_at_google_keeps_no_message(api, client, member, house, google) -> None:
    object_id = save_to_google(client, member)
    hear_of_saving(house)
    start(api, draft(api))
    house.run(*PUMPS)
    assert google.stand_in.resources.get(OBJECT, object_id)["messages"]
    assert api.delete(f"members/{member['id']}").status_code == 200
    house.run(*PUMPS)
    assert not google.stand_in.resources.get(OBJECT, object_id).get("messages")


def test_a_restored_backup_tells_nobody_by_itself(api, phone, house) -> None:
    running, done = draft(api), draft(api)
    start(api, done)
    house.run(*PUMPS)
    start(api, running)
    with house.installation.database.transaction() as session:
        campaigns.halt(session)
    house.run(*PUMPS)
    assert [read(api, one)["state"] for one in (running, done)] == ["paused", "done"]
    assert states(house) == {"told": 1}
