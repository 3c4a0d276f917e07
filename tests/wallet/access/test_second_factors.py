"""The second factor of people of the staff: codes of an app, and those on paper."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import text

from wallet.access import admission, second_factors, sign_in_delays, staff, staff_sessions
from wallet.access.admission import HalfWay, Stepped
from wallet.access.staff_sessions import Visit
from wallet.configuration.keyring import KeyRing
from wallet.errors import EmployeeRefused

PASSWORD = "a long enough one"  # noqa: S105  # pragma: allowlist secret
ANNA = "anna@example.com"
HERE = "1.2.3.4"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


class Anna:
    """Somebody who has signed in once, with a phone in her pocket."""

    def __init__(self, installation, house, digest: str) -> None:
        self.database, self.clock = installation.database, house.clock
        self.keys = installation.keys
        self.secret = second_factors.new_secret()
        with self.database.transaction() as session:
            link = admission.add(session, ANNA, "administrator", self.clock())
            self.id = admission.set_password(session, link, digest, self.clock()).id

    def shown(self, ago_s: int = 0) -> str:
        """What her app shows now, or showed so long ago."""
        return pyotp.TOTP(self.secret).at(self.clock() - timedelta(seconds=ago_s))

    def set_up(self, code: str | None = None) -> list[str]:
        with self.database.transaction() as session:
            return second_factors.set_up(
                session, self.keys, self.id, self.secret, code or self.shown(), self.clock()
            )

    def half_way(self) -> HalfWay:
        """As after her password, which takes long to check."""
        with self.database.transaction() as session:
            employee = staff.by_email(session, ANNA)
            half = admission.after_password(session, employee, self.clock(), Visit())
        assert isinstance(half, HalfWay)
        return half

    def step(self, code: str, half: HalfWay | None = None, origin: str = HERE) -> Stepped | None:
        half = half or self.half_way()
        with self.database.transaction() as session:
            return admission.finish(
                session, self.keys, half, code, origin, self.clock(), Visit(origin=origin)
            )

    def is_in(self, stepped: Stepped | None) -> bool:
        token = stepped.token if stepped else ""
        return staff_sessions.recognise(self.database, token, self.clock()) is not None

    def later(self, seconds: int = 30) -> None:
        self.clock.advance(seconds=seconds)


@pytest.fixture(scope="module")
def digest() -> str:
    return admission.hashed(PASSWORD)


@pytest.fixture
def anna(installation, house, digest: str) -> Anna:
    return Anna(installation, house, digest)


def test_a_code_of_the_app_is_the_second_step(anna) -> None:
    anna.set_up()
    anna.later()
    half = admission.sign_in(anna.database, ANNA, PASSWORD, anna.clock())
    stepped = anna.step(anna.shown(), half)
    assert stepped.shown == "code"
    signed_in = staff_sessions.recognise(anna.database, stepped.token, anna.clock())
    assert (signed_in.email, signed_in.strong) == (ANNA, True)


def test_who_has_none_is_in_by_the_password(anna) -> None:
    token = admission.sign_in(anna.database, ANNA, PASSWORD, anna.clock())
    assert not staff_sessions.recognise(anna.database, token, anna.clock()).strong


@pytest.mark.parametrize("ago_s", [0, 30, -30])
def test_the_clock_of_a_phone_may_be_half_a_minute_wrong(anna, ago_s: int) -> None:
    anna.set_up()
    anna.later(90)
    assert anna.is_in(anna.step(anna.shown(ago_s)))


def test_a_code_works_once_and_so_does_what_came_before_it(anna) -> None:
    anna.set_up()
    anna.later(60)
    before, code = anna.shown(30), anna.shown()
    assert anna.is_in(anna.step(code))
    for again in (code, before):
        assert not anna.is_in(anna.step(again))
    anna.later()
    assert anna.is_in(anna.step(anna.shown()))


def test_the_code_that_set_it_up_lets_nobody_in(anna) -> None:
    code = anna.shown()
    anna.set_up(code)
    assert not anna.is_in(anna.step(code))


def test_of_many_who_show_one_code_at_once_one_is_in(anna) -> None:
    anna.set_up()
    anna.later()
    code, half = anna.shown(), anna.half_way()
    with ThreadPoolExecutor(4) as pool:
        stepped = list(pool.map(lambda _: anna.step(code, half), range(4)))
    assert sorted(map(anna.is_in, stepped)) == [False, False, False, True]


def test_a_code_from_paper_works_once_however_it_is_written(anna) -> None:
    first, second, *_ = anna.set_up()
    assert anna.step(first).shown == "recovery_code"
    assert not anna.is_in(anna.step(first))
    assert anna.is_in(anna.step(f" {second.lower().replace('-', ' ')} "))
    with anna.database.reading() as session:
        assert second_factors.state(session, anna.id).recovery_codes == 8


def test_of_many_who_use_one_code_from_paper_at_once_one_is_in(anna) -> None:
    code, half = anna.set_up()[0], anna.half_way()
    with ThreadPoolExecutor(4) as pool:
        stepped = list(pool.map(lambda _: anna.step(code, half), range(4)))
    assert sorted(map(anna.is_in, stepped)) == [False, False, False, True]


def test_new_codes_for_paper_end_the_old(anna) -> None:
    old = anna.set_up()
    with anna.database.transaction() as session:
        new = second_factors.renew_recovery_codes(session, anna.keys, anna.id)
    assert len({*old, *new}) == 2 * second_factors.RECOVERY_CODES
    assert not anna.is_in(anna.step(old[0]))
    assert anna.is_in(anna.step(new[0]))


@pytest.mark.parametrize("code", ["", "000", "abcdef", "0" * 5000, "\0", "１２３４５６"])
def test_what_is_no_code_lets_nobody_in(anna, code: str) -> None:
    anna.set_up()
    assert not anna.is_in(anna.step(code))


def test_it_is_set_up_by_a_right_code_and_once(anna) -> None:
    wrong = f"{(int(anna.shown()) + 1) % 1_000_000:06}"
    with pytest.raises(EmployeeRefused):
        anna.set_up(wrong)
    anna.set_up()
    with pytest.raises(EmployeeRefused):
        anna.set_up()


class TestTheFirstStep:
    def test_it_is_good_for_ten_minutes(self, anna) -> None:
        anna.set_up()
        half = anna.half_way()
        anna.later(int(admission.SECOND_STEP_LIVES.total_seconds()))
        assert anna.step(anna.shown(), half) is None

    def test_it_is_over_with_the_password(self, anna) -> None:
        anna.set_up()
        half = anna.half_way()
        anna.later()
        with anna.database.transaction() as session:
            link = admission.reset(session, ANNA, anna.clock())
            admission.set_password(session, link, "another one", anna.clock())
        assert anna.step(anna.shown(), half) is None

    def test_it_is_over_with_the_person(self, anna, installation) -> None:
        anna.set_up()
        half = anna.half_way()
        anna.later()
        with anna.database.transaction() as session:
            link = admission.add(session, "head@example.com", "administrator", anna.clock())
            admission.set_password(session, link, "x", anna.clock())
            admission.remove(session, ANNA, anna.clock())
        assert anna.step(anna.shown(), half) is None


class TestGuessing:
    def _wrong(self, anna, origin: str) -> Stepped:
        return anna.step("000000" if anna.shown() != "000000" else "111111", origin=origin)

    def test_wrong_codes_are_counted_with_wrong_passwords(self, anna) -> None:
        anna.set_up()
        with anna.database.transaction() as session:
            guesser = sign_in_delays.who(anna.keys, ANNA, HERE)
            for _ in range(sign_in_delays.HERE.free - 1):
                sign_in_delays.failed(session, guesser, anna.clock())
        assert not self._wrong(anna, HERE).wait
        assert anna.step(anna.shown()).wait

    def test_from_many_addresses_they_are_counted_together(self, anna) -> None:
        anna.set_up()
        anna.later()
        for number in range(sign_in_delays.CODES.free):
            assert not self._wrong(anna, f"10.0.0.{number}").wait
        assert anna.step(anna.shown(), origin="10.0.1.1").wait

    def test_a_code_from_paper_does_not_wait_for_them(self, anna) -> None:
        code, *_ = anna.set_up()
        for number in range(sign_in_delays.CODES.free + 5):
            self._wrong(anna, f"10.0.0.{number}")
        assert anna.is_in(anna.step(code))

    def test_a_right_password_alone_does_not_end_the_wait(self, anna) -> None:
        anna.set_up()
        for _ in range(sign_in_delays.HERE.free):
            self._wrong(anna, HERE)
        assert anna.step(anna.shown(), anna.half_way()).wait

    def test_a_right_code_does(self, anna) -> None:
        anna.set_up()
        for _ in range(sign_in_delays.HERE.free):
            self._wrong(anna, HERE)
        anna.later(60)
        assert anna.is_in(anna.step(anna.shown()))
        with anna.database.reading() as session:
            guesser = sign_in_delays.who(anna.keys, ANNA, HERE)
            assert not sign_in_delays.wait(session, guesser, anna.clock())


class TestTakingAway:
    def test_the_password_is_enough_then_and_one_is_out(self, anna) -> None:
        anna.set_up()
        anna.later()
        stepped = anna.step(anna.shown())
        with anna.database.transaction() as session:
            employee = staff.by_email(session, ANNA)
            assert admission.take_away_factors(session, employee)
            assert not admission.take_away_factors(session, employee)
        assert not anna.is_in(stepped)
        assert isinstance(admission.sign_in(anna.database, ANNA, PASSWORD, anna.clock()), str)


def test_the_ring_may_have_a_new_first_key(anna) -> None:
    first, *_ = anna.set_up()
    anna.later()
    old = "sandbox-test-secret-of-many-characters"
    anna.keys = KeyRing(("sandbox-another-secret-of-many-signs", old))
    assert anna.is_in(anna.step(anna.shown()))
    assert anna.is_in(anna.step(first))
    anna.later()
    anna.keys = KeyRing(("sandbox-another-secret-of-many-signs",))  # it came to the first key
    assert anna.is_in(anna.step(anna.shown()))


def test_who_has_none_of_the_keys_is_named(anna) -> None:
    anna.set_up()
    anna.later()
    anna.keys = KeyRing(("sandbox-another-secret-of-many-signs",))
    assert not anna.is_in(anna.step(anna.shown()))
    with anna.database.reading() as session:
        assert second_factors.unreadable(session, anna.keys) == [ANNA]


def test_neither_secret_nor_codes_lie_in_the_database(anna) -> None:
    codes = anna.set_up()
    with anna.database.reading() as session:
        rows = "".join(
            str(session.execute(text(f"SELECT * FROM {table}")).all())  # noqa: S608
            for table in ("wallet_second_factor", "wallet_recovery_code")
        )
    assert not [one for code in codes for one in (code, second_factors.plain(code)) if one in rows]
    assert anna.secret not in rows
