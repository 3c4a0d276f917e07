"""Who is believed when Apple calls push tokens bad. Real pushes to the stand-in, on both databases:
no card holder stops the pushes to others, and no fault of ours or of Apple's forgets a phone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import device_rows
import pytest
from interleaving import stage
from sqlalchemy import select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from ledger import enrolment
from ledger.database.engine import Database
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet.apple import devices, judging
from wallet.apple.devices import MOST_DEVICES, Device, PushRow, Registration
from wallet.apple.judging import BELIEVED_AFTER, BELIEVED_OF_GOOD_AFTER, FEWEST_WITNESSES
from wallet.apple.provider import PROBES, AppleProvider
from wallet.apple.push import Apns, Credential
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.errors import TooManyDevices
from wallet.passes import issuing
from wallet.passes.issued import Pass
from wallet.sandbox import apns
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

MINUTE = timedelta(minutes=1)
KEYS = KeyRing(("a-key-for-the-tests-of-tokens",))
BAD, FOREIGN = "BadDeviceToken", "DeviceTokenNotForTopic"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


def token(number: int) -> str:
    return f"{number:064x}"


@dataclass
class Shop:
    """Cards, the phones that they are on, and Apple."""

    database: Database
    apple: RunningApns
    provider: AppleProvider
    now: datetime = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
    alarms: list[str] = field(default_factory=list)

    def cards(self, number: int) -> list[int]:
        """Cards of so many new members."""
        with self.database.transaction() as session:
            programme = programmes.by_code(session, DEMO)
            made = []
            for _ in range(number):
                member = enrolment.join(session, programme, Profile(), self.now).member
                made.append(issuing.issue(session, member, SANDBOX_PASS_TYPE, KEYS, self.now).id)
            return made

    def register(self, card: int, *numbers: int) -> None:
        """The card is on the phones of these numbers from now on, one after the other."""
        for number in numbers:
            self.now += timedelta(seconds=1)
            with self.database.transaction() as session:
                pass_ = session.get_one(Pass, card)
                devices.register(session, KEYS, pass_, f"phone-{number}", token(number), self.now)

    def change(self, *cards: int) -> None:
        """Something changes on these cards a moment later, and what is due is sent."""
        self.now += timedelta(seconds=1)
        with self.database.transaction() as session:
            devices.make_due(session, cards, self.now)
        self.deliver()

    def deliver(self) -> None:
        with capture_logs() as lines:
            while self.provider.deliver(lambda: self.now):
                pass
        self.alarms += [line["meaning"] for line in lines if line["event"] == "apns_fault"]

    def wait(self, time: timedelta) -> None:
        """So much time passes, a quarter of an hour at a time; what comes due is sent."""
        until = self.now + time
        while self.now < until:
            self.now = min(until, self.now + 15 * MINUTE)
            self.deliver()

    def bad(self, *numbers: int, reason: str = BAD, times: int | None = None) -> None:
        """From now on Apple says this of these tokens, or of all."""
        tokens = [token(number) for number in numbers] or None
        self.apple.stand_in.fail(400, reason, tokens=tokens, times=times)

    def well(self) -> None:
        self.apple.stand_in.clear()

    def heard(self, number: int) -> int:
        return self.apple.stand_in.heard(token(number)).count

    @property
    def phones(self) -> list[int]:
        """The phones that are registered."""
        with self.database.reading() as session:
            known = device_rows.plain(session, KEYS)
            return [int(one.library_id.removeprefix("phone-")) for one in known]

    @property
    def waiting(self) -> int:
        with self.database.reading() as session:
            return len(session.scalars(select(PushRow.device_id)).all())

    @property
    def faults(self) -> list[str | None]:
        with self.database.reading() as session:
            return [topic.fault for topic in judging.faults(session)]


@pytest.fixture
def sender(chain: Path) -> Iterator[tuple[RunningApns, Apns]]:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    place = chain / SANDBOX_PASS_TYPE
    credential = Credential(SANDBOX_PASS_TYPE, place / "pass.pem", place / "pass.key")
    with apns.running(*files) as apple:
        client = Apns(apple.url, chain / "root.pem", credential)
        yield apple, client
        client.close()


@pytest.fixture
def shop(database_url: str, sender: tuple[RunningApns, Apns]) -> Iterator[Shop]:
    database = Database(LedgerSettings(database_url))
    yield Shop(database, sender[0], another_process(database, sender[1]))
    database.close()


def another_process(database: Database, client: Apns) -> AppleProvider:
    """A worker that remembers nothing but what is in the rows."""
    senders = {SANDBOX_PASS_TYPE: client}
    lease = timedelta(seconds=60)
    return AppleProvider(database, senders, KEYS, "https://cards.example", lease)  # type: ignore[arg-type]


def good_phones(shop: Shop, number: int) -> list[int]:
    """Cards of so many members, on a phone each, that were pushed to before. Phone n has card n."""
    cards = shop.cards(number)
    for phone, card in enumerate(cards, 1):
        shop.register(card, phone)
    shop.change(*cards)
    assert [shop.heard(phone) for phone in range(1, number + 1)] == [1] * number
    return cards


# A card holder against all others


def test_invented_phones_stop_nobody(shop: Shop) -> None:
    """One card, thirty registrations that are none, one coffee."""
    (victim,) = good_phones(shop, 1)
    (attacker,) = shop.cards(1)
    invented = range(100, 100 + MOST_DEVICES)
    shop.bad(*invented)
    shop.register(attacker, *invented)
    shop.change(attacker)
    shop.change(victim)
    assert shop.heard(1) == 2
    assert (shop.alarms, shop.faults) == ([], [])


def test_invented_phones_of_many_cards_stop_nobody(shop: Shop) -> None:
    (victim,) = good_phones(shop, 1)
    attackers = shop.cards(3 * FEWEST_WITNESSES)
    shop.bad(*range(100, 200))
    for number, card in enumerate(attackers, 100):
        shop.register(card, number)
    shop.change(*attackers)
    shop.change(victim)
    assert (shop.heard(1), shop.alarms) == (2, [])


def test_what_was_never_accepted_is_given_up_after_a_second_word(shop: Shop) -> None:
    (victim,) = good_phones(shop, 1)
    (attacker,) = shop.cards(1)
    shop.bad(100)
    shop.register(attacker, 100)
    shop.change(attacker)
    shop.wait(BELIEVED_AFTER / 2)
    shop.change(attacker)
    assert shop.phones == [1, 100]
    shop.change(victim)  # Apple accepts pushes all the while
    shop.wait(2 * BELIEVED_AFTER)
    assert shop.phones == [1]
    assert shop.waiting == 0


def test_one_phone_with_many_cards_is_no_crowd(shop: Shop) -> None:
    cards = shop.cards(2 * FEWEST_WITNESSES)
    for card in cards:
        shop.register(card, 1)
    shop.change(*cards)
    shop.bad(1)
    shop.change(*cards)
    assert (shop.faults, shop.alarms) == ([], [])


def test_one_card_on_many_phones_is_no_crowd(shop: Shop) -> None:
    (card,) = shop.cards(1)
    phones = range(1, 2 * FEWEST_WITNESSES)
    shop.register(card, *phones)
    shop.change(card)
    shop.bad(*phones)
    shop.change(card)
    assert (shop.faults, shop.alarms) == ([], [])


# A fault of ours, or of Apple's


@pytest.mark.parametrize(("reason", "at_a_time"), [(BAD, 1), (FOREIGN, 100)])
def test_when_known_phones_are_called_bad_all_wait_and_nobody_is_forgotten(
    shop: Shop, sender: tuple[RunningApns, Apns], reason: str, at_a_time: int
) -> None:
    number = 4 * FEWEST_WITNESSES
    cards = good_phones(shop, number)
    shop.bad(reason=reason)
    for first in range(0, number, at_a_time):
        shop.change(*cards[first : first + at_a_time])
        # The next push may come to another worker, or after a restart.
        shop.provider = another_process(shop.database, sender[1])
    assert len(shop.phones) == number
    assert shop.faults == [reason]
    assert shop.alarms
    assert all("that it accepted before" in meaning for meaning in shop.alarms)
    shop.wait(3 * BELIEVED_OF_GOOD_AFTER / 2)
    assert (len(shop.phones), shop.faults) == (number, [reason])
    shop.well()
    shop.wait(timedelta(hours=2))
    assert (shop.faults, shop.waiting, len(shop.phones)) == ([], 0, number)
    assert all(shop.heard(phone) >= 2 for phone in range(1, number + 1))


def test_while_all_wait_a_few_are_tried(shop: Shop, sender: tuple[RunningApns, Apns]) -> None:
    number = 4 * FEWEST_WITNESSES
    cards = good_phones(shop, number)
    shop.bad()
    shop.change(*cards)
    before = shop.apple.stand_in.stats().refused
    shop.now += 16 * MINUTE
    shop.deliver()
    shop.deliver()
    assert shop.apple.stand_in.stats().refused == before + PROBES
    shop.provider = another_process(shop.database, sender[1])
    shop.deliver()
    assert shop.apple.stand_in.stats().refused == before + 2 * PROBES


def test_invented_phones_do_not_keep_a_pause_going(shop: Shop) -> None:
    cards = good_phones(shop, FEWEST_WITNESSES)
    (attacker,) = shop.cards(1)
    shop.bad()
    shop.change(*cards)
    assert shop.faults == [BAD]
    shop.well()
    invented = range(100, 100 + MOST_DEVICES)
    shop.bad(*invented)
    shop.register(attacker, *invented)
    shop.wait(timedelta(hours=1))
    assert shop.faults == []
    assert [shop.heard(phone) for phone in range(1, FEWEST_WITNESSES + 1)] == [2] * FEWEST_WITNESSES


def test_when_all_is_well_again_those_are_given_up_that_are_still_bad(shop: Shop) -> None:
    number = 2 * FEWEST_WITNESSES
    cards = good_phones(shop, number)
    shop.bad()
    shop.change(*cards)
    shop.wait(timedelta(hours=3))
    shop.well()
    shop.bad(1, 2)
    shop.wait(timedelta(hours=3))
    assert len(shop.phones) == number  # another day has to pass after the first word
    shop.wait(BELIEVED_OF_GOOD_AFTER)
    assert shop.phones == list(range(3, number + 1))
    assert shop.waiting == 0


def test_one_bad_word_about_a_good_phone_is_forgotten(shop: Shop) -> None:
    cards = good_phones(shop, 2)
    shop.bad(1, times=1)
    shop.change(*cards)
    shop.wait(timedelta(hours=1))
    assert (shop.phones, shop.heard(1), shop.waiting) == ([1, 2], 2, 0)
    with shop.database.reading() as session:
        assert session.scalars(select(Device.doubted_at)).all() == [None, None]


def test_before_anything_was_accepted_nobody_is_given_up_and_nothing_stops(shop: Shop) -> None:
    """A new shop with the wrong environment: the first phone is told of, and a good one gets
    through."""
    cards = shop.cards(3)
    shop.bad(1, 2)
    shop.register(cards[0], 1)
    shop.register(cards[1], 2)
    shop.change(*cards)
    shop.wait(2 * BELIEVED_OF_GOOD_AFTER)
    assert (shop.phones, shop.faults, len(shop.alarms)) == ([1, 2], [BAD], 1)
    assert "has accepted no push of this pass type yet" in shop.alarms[0]
    shop.register(cards[2], 3)
    shop.change(cards[2])
    assert (shop.heard(3), shop.faults) == (1, [])
    shop.wait(timedelta(hours=3))
    assert shop.phones == [3]


def test_a_run_of_bad_ones_long_ago_is_no_alarm_today(shop: Shop) -> None:
    cards = good_phones(shop, 2 * FEWEST_WITNESSES)
    for bad, good in zip(range(1, FEWEST_WITNESSES + 1), cards[FEWEST_WITNESSES:], strict=True):
        shop.bad(bad)
        shop.change(cards[bad - 1])
        shop.change(good)  # each time something was accepted in between
    assert (shop.alarms, shop.faults) == ([], [])


def test_a_refused_certificate_is_a_fault_until_a_push_is_accepted(shop: Shop) -> None:
    (card,) = good_phones(shop, 1)
    shop.apple.stand_in.fail(403, "BadCertificate")
    shop.change(card)
    assert shop.faults == ["BadCertificate"]
    shop.well()
    shop.wait(30 * MINUTE)
    assert (shop.faults, shop.heard(1)) == ([], 2)


def test_a_phone_that_sends_another_token_is_unknown_again(shop: Shop) -> None:
    (card,) = good_phones(shop, 1)
    with shop.database.transaction() as session:
        pass_ = session.get_one(Pass, card)
        devices.register(session, KEYS, pass_, "phone-1", token(7), shop.now)
        known = session.scalars(select(Device).execution_options(populate_existing=True)).one()
        assert known.accepted_at is None
    shop.change(card)
    with shop.database.transaction() as session:
        pass_ = session.get_one(Pass, card)
        devices.register(session, KEYS, pass_, "phone-1", token(7), shop.now)
        known = session.scalars(select(Device).execution_options(populate_existing=True)).one()
        assert known.accepted_at is not None


# How many devices a card may have


def test_one_device_too_many_takes_no_place_from_a_good_one(shop: Shop) -> None:
    (card,) = shop.cards(1)
    good = range(1, MOST_DEVICES + 1)
    shop.register(card, *good)
    shop.change(card)
    with pytest.raises(TooManyDevices):
        shop.register(card, 99)
    assert shop.phones == list(good)
    shop.register(card, 1)  # one that is there may say so again


def test_an_invented_one_goes_for_a_new_one_the_latest_first(shop: Shop) -> None:
    """The owner's phone is not pushed out by whoever comes after it."""
    (card,) = shop.cards(1)
    invented = range(100, 100 + 2 * MOST_DEVICES)
    shop.bad(*invented)
    shop.register(card, 1, *invented)
    assert len(shop.phones) == MOST_DEVICES
    assert 1 in shop.phones
    assert invented[-1] in shop.phones
    shop.deliver()
    assert shop.heard(1) == 1  # it was asked which of them are real
    shop.register(card, 2)
    assert {1, 2} <= set(shop.phones)


def test_what_apple_called_bad_goes_first(shop: Shop) -> None:
    (card,) = shop.cards(1)
    phones = range(1, MOST_DEVICES + 1)
    shop.bad(7)
    shop.register(card, *phones)
    shop.deliver()
    shop.well()
    shop.register(card, 99)
    assert set(shop.phones) == {*phones, 99} - {7}


def test_a_few_phones_are_not_asked_for(shop: Shop) -> None:
    (card,) = shop.cards(1)
    shop.register(card, *range(1, devices.UNASKED_DEVICES + 1))
    shop.deliver()
    assert shop.apple.stand_in.stats().accepted == 0


def test_a_card_of_an_earlier_release_with_too_many_is_brought_within_the_bound(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (card,) = shop.cards(1)
    with monkeypatch.context() as before:
        before.setattr(devices, "MOST_DEVICES", 1000)
        shop.register(card, *range(1, 60))
    shop.register(card, 99)
    assert shop.phones == [*range(1, MOST_DEVICES), 99]


class TestAtOnce:
    """Two phones come for the last place, on PostgreSQL: the first stops before each of its
    statements in turn while the second comes in between."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_the_last_place_is_taken_once(self, shop: Shop) -> None:
        def come(card: int, number: int) -> bool:
            def register(session: Session) -> bool:
                pass_ = session.get_one(Pass, card)
                return devices.register(
                    session, KEYS, pass_, f"phone-{number}", token(number), shop.now
                )

            return shop.database.run(register)

        with stage(shop.database) as there:
            (card,) = shop.cards(1)
            shop.register(card, 999_999)  # the first phone of a card is counted, others are not
            steps = there.statements_of(partial(come, card, 1_000_000))
            for step in range(1, steps + 1):
                (card,) = shop.cards(1)
                base = 1000 * step
                shop.register(card, *range(base, base + MOST_DEVICES - 1))
                shop.change(card)
                there.meet(partial(come, card, base + 500), partial(come, card, base + 501), step)
                with shop.database.reading() as session:
                    held = select(Registration.device_id).where(Registration.pass_id == card)
                    assert len(session.scalars(held).all()) == MOST_DEVICES, step
