"""Identifiers and push tokens of devices are encrypted, and the keys of the ring change under them:
no phone is lost or told twice, on both databases."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import device_rows
import pytest
from interleaving import stage
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from ledger import enrolment
from ledger.database.engine import Database
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet.apple import devices
from wallet.apple.devices import Device, PushRow, Registration
from wallet.apple.provider import AppleProvider
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.delivery.outcome import Outcome, Rejected, Sent
from wallet.passes import issuing
from wallet.passes.issued import Pass
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

OLD_KEY, NEW_KEY = "the-old-key-of-these-phones", "the-new-key-of-these-phones"
OLD, BOTH, NEW = KeyRing((OLD_KEY,)), KeyRing((NEW_KEY, OLD_KEY)), KeyRing((NEW_KEY,))
PHONE = "0123456789abcdef" * 2


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


def token(number: int) -> str:
    return f"{number:064x}"


class Apple:
    """Takes every push, and notes the tokens; those of `dead` are dead."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.dead: set[str] = set()

    def push(self, tokens: Sequence[str], now: datetime) -> list[Outcome]:
        self.told += tokens
        return [Rejected("Unregistered", now) if one in self.dead else Sent() for one in tokens]


@dataclass
class Shop:
    database: Database
    apple: Apple
    now: datetime = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)

    def cards(self, number: int = 1) -> list[int]:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, DEMO)
            made = []
            for _ in range(number):
                member = enrolment.join(session, programme, Profile(), self.now).member
                made.append(issuing.issue(session, member, SANDBOX_PASS_TYPE, OLD, self.now).id)
            return made

    def register(self, keys: KeyRing, card: int, name: str = PHONE, number: int = 1) -> bool:
        def work(session: Session) -> bool:
            pass_ = session.get_one(Pass, card)
            return devices.register(session, keys, pass_, name, token(number), self.now)

        self.now += timedelta(seconds=1)
        return self.database.run(work)

    def unregister(self, keys: KeyRing, card: int, name: str = PHONE) -> None:
        with self.database.transaction() as session:
            pass_ = session.get_one(Pass, card)
            devices.unregister(session, keys, pass_, name, self.now)

    def listed(self, keys: KeyRing, name: str = PHONE) -> list[str]:
        found = devices.updated(self.database, keys, name, SANDBOX_PASS_TYPE, None)
        return found.serials if found else []

    def change(self, keys: KeyRing, *cards: int) -> list[str]:
        """What Apple is told of when these cards change."""
        self.now += timedelta(seconds=1)
        with self.database.transaction() as session:
            devices.make_due(session, cards, self.now)
        return self.deliver(keys)

    def deliver(self, keys: KeyRing) -> list[str]:
        self.apple.told = []
        senders: Any = {SANDBOX_PASS_TYPE: self.apple}
        lease = timedelta(seconds=60)
        provider = AppleProvider(self.database, senders, keys, "https://cards.example", lease)
        while provider.deliver(lambda: self.now):
            pass
        return sorted(self.apple.told)

    def renew(self, keys: KeyRing, limit: int = 200) -> int:
        """How many steps it took."""
        steps = 1
        while self.database.run(lambda session: devices.renew_keys(session, keys, self.now, limit)):
            steps += 1
        return steps

    def by_key(self) -> dict[str, int]:
        with self.database.reading() as session:
            return dict(devices.by_key(session))

    def devices(self, keys: KeyRing) -> list[tuple[str, str]]:
        with self.database.reading() as session:
            return [one[1:] for one in device_rows.plain(session, keys)]

    def rows(self, table: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.scalars(select(table)))


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    database = Database(LedgerSettings(database_url))
    yield Shop(database, Apple())
    database.close()


def test_a_phone_that_registers_again_comes_to_the_new_key(shop: Shop) -> None:
    first, second = shop.cards(2)
    assert shop.register(OLD, first)
    assert shop.change(OLD, first) == [token(1)]
    assert len(shop.listed(BOTH)) == 1
    assert shop.by_key() == {OLD.first.id: 1}
    assert shop.register(BOTH, first) is False
    assert shop.register(BOTH, second) is True
    assert shop.by_key() == {NEW.first.id: 1}
    assert len(shop.listed(NEW)) == 2
    (device,) = shop.rows(Device)
    assert device.accepted_at is not None  # Apple has accepted this token: that is still known
    assert shop.change(NEW, first, second) == [token(1)]


def test_a_new_token_is_unknown_and_the_same_one_is_not(shop: Shop) -> None:
    (card,) = shop.cards()
    shop.register(OLD, card)
    shop.change(OLD, card)
    shop.register(BOTH, card, number=2)
    (device,) = shop.rows(Device)
    assert device.accepted_at is None
    assert shop.devices(NEW) == [(PHONE, token(2))]


def test_all_phones_come_to_the_new_key_by_and_by(shop: Shop) -> None:
    cards = shop.cards(7)
    for number, card in enumerate(cards):
        shop.register(OLD, card, f"phone-{number}", number)
    with shop.database.transaction() as session:
        devices.make_due(session, cards, shop.now)
    assert shop.renew(OLD) == 1
    assert shop.renew(BOTH, limit=3) == 3
    assert shop.by_key() == {NEW.first.id: 7}
    assert shop.deliver(NEW) == [token(number) for number in range(7)]
    assert [len(shop.listed(NEW, f"phone-{number}")) for number in range(7)] == [1] * 7
    shop.apple.dead = {token(3)}
    shop.change(NEW, *cards)
    assert ("phone-3", token(3)) not in shop.devices(NEW)


def test_a_phone_leaves_under_either_key(shop: Shop) -> None:
    (card,) = shop.cards()
    for registered, left in ((OLD, BOTH), (BOTH, BOTH), (BOTH, NEW)):
        shop.register(registered, card)
        shop.unregister(left, card)
        assert shop.rows(Device) == []


def test_a_phone_that_is_in_two_rows_becomes_one(shop: Shop) -> None:
    """Processes were restarted one after the other: one that did not know the new key yet met a
    phone that another had brought to it."""
    first, second, third = shop.cards(3)
    shop.register(BOTH, first)
    shop.register(BOTH, second)
    shop.register(OLD, second, number=2)  # it finds nothing
    shop.register(OLD, third, number=2)
    assert len(shop.rows(Device)) == 2
    assert len(set(shop.listed(BOTH))) == len(shop.listed(BOTH)) == 3
    with shop.database.transaction() as session:
        devices.make_due(session, [first, second, third], shop.now)
    shop.renew(BOTH)
    assert shop.devices(NEW) == [(PHONE, token(2))]
    assert len(shop.rows(Registration)) == 3
    assert len(shop.listed(NEW)) == 3
    assert shop.deliver(NEW) == [token(2)]
    assert shop.rows(PushRow) == []


def test_of_two_rows_the_later_token_is_the_right_one(shop: Shop) -> None:
    first, second = shop.cards(2)
    shop.register(OLD, first, number=1)
    shop.register(NEW, second, number=2)
    shop.change(NEW, second)
    (known,) = [one.accepted_at for one in shop.rows(Device) if one.accepted_at]
    shop.register(BOTH, first, number=2)
    assert shop.devices(NEW) == [(PHONE, token(2))]
    assert [one.accepted_at for one in shop.rows(Device)] == [known]
    assert len(shop.listed(NEW)) == 2


def test_without_its_key_a_push_waits_and_others_do_not(shop: Shop) -> None:
    first, second = shop.cards(2)
    shop.register(OLD, first, "phone-1", 1)
    shop.register(NEW, second, "phone-2", 2)
    with capture_logs() as lines:
        assert shop.change(NEW, first, second) == [token(2)]
    assert {"event": "push_tokens_unreadable", "pushes": 1}.items() <= lines[0].items()
    (push,) = shop.rows(PushRow)
    assert (push.last_reason, push.attempts) == ("TokenUnreadable", 1)
    assert len(shop.rows(Device)) == 2
    assert shop.by_key() == {key.first.id: 1 for key in sorted((OLD, NEW), key=_name)}
    shop.now += timedelta(hours=2)
    assert shop.deliver(BOTH) == [token(1)]  # the operator has put it back
    assert shop.rows(PushRow) == []


def _name(keys: KeyRing) -> str:
    return keys.first.id


def test_a_token_that_was_put_into_another_row_goes_nowhere(shop: Shop) -> None:
    """Whoever can write to the database cannot have a phone hear of another's card."""
    first, second = shop.cards(2)
    shop.register(OLD, first, "phone-1", 1)
    shop.register(OLD, second, "phone-2", 2)
    one, two = sorted(shop.rows(Device), key=lambda device: device.id)
    with shop.database.transaction() as session:
        session.execute(update(Device).where(Device.id == one.id).values(push_token=two.push_token))
    assert shop.change(OLD, first, second) == [token(2)]
    with capture_logs() as lines:
        assert shop.renew(BOTH) == 1
    assert [line["event"] for line in lines] == ["device_unreadable"]
    assert shop.by_key() == dict(sorted({OLD.first.id: 1, NEW.first.id: 1}.items()))


class TestAtOnce:
    """On PostgreSQL: the first stops before each of its statements while the second comes in."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.mark.parametrize("first", ["registers", "renewed"])
    def test_a_phone_that_registers_while_its_key_is_renewed(self, shop: Shop, first: str) -> None:
        ways: dict[str, Callable[[int], Callable[[], object]]] = {
            "registers": lambda card: partial(shop.register, BOTH, card, f"phone-{card}", card),
            "renewed": lambda card: partial(
                shop.database.run, lambda session: devices.renew_keys(session, BOTH, shop.now)
            ),
        }
        (second,) = set(ways) - {first}

        def begin() -> int:
            (card,) = shop.cards()
            shop.register(OLD, card, f"phone-{card}", 0)
            return card

        with stage(shop.database) as there:
            steps = there.statements_of(ways[first](begin()))
            shop.renew(BOTH)
            for step in range(1, steps + 1):
                card = begin()
                there.meet(ways[first](card), ways[second](card), step)
                shop.renew(BOTH)
                found = [one for one in shop.devices(NEW) if one[0] == f"phone-{card}"]
                assert found == [(f"phone-{card}", token(card))], step
                assert len(shop.listed(NEW, f"phone-{card}")) == 1, step
