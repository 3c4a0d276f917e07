"""Provider tokens: few, young, and good in the eyes of a stand-in that verifies every one."""

import json
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pushkeys
import pytest
from clocks import StoppedClock
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from structlog.testing import capture_logs

from wallet.apple.push import Apns, TokenCredential
from wallet.apple.pushkey import ProviderTokens, PushKey
from wallet.delivery.outcome import Deferred, Sent
from wallet.errors import SettingsError
from wallet.sandbox.apns import Push, PushAnswer, PushStandIn, TeamKey, Visitor, running
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE

NOW = datetime(2026, 5, 1, 10, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def p8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pushkeys.make(tmp_path_factory.mktemp("p8"))


@pytest.fixture
def key(p8: Path) -> PushKey:
    return PushKey.load(p8, pushkeys.KEY_ID, pushkeys.TEAM)


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def issued_at(token: str) -> datetime:
    return datetime.fromtimestamp(claims(token)["iat"], UTC)


# What a token is


def test_a_token_says_who_and_when_and_openssl_takes_its_signature(
    key: PushKey, p8: Path, tmp_path: Path
) -> None:
    head, body, signature = key.token(NOW).split(".")
    assert json.loads(urlsafe_b64decode(head + "==")) == {
        "alg": "ES256",
        "kid": pushkeys.KEY_ID,
        "typ": "JWT",
    }
    assert claims(key.token(NOW)) == {"iss": pushkeys.TEAM, "iat": int(NOW.timestamp())}
    raw = urlsafe_b64decode(signature + "==")
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    (tmp_path / "signature").write_bytes(encode_dss_signature(*numbers))
    (tmp_path / "signed").write_text(f"{head}.{body}")
    public = ["openssl", "pkey", "-in", p8, "-pubout", "-out", tmp_path / "public.pem"]
    subprocess.run(public, check=True)
    check = ["openssl", "dgst", "-sha256", "-verify", tmp_path / "public.pem"]
    said = subprocess.run(
        [*check, "-signature", tmp_path / "signature", tmp_path / "signed"],
        capture_output=True,
        text=True,
    )
    assert said.stdout == "Verified OK\n"


ANOTHER_PROCESS = """
import sys
from datetime import datetime
from pathlib import Path
from wallet.apple.pushkey import ProviderTokens, PushKey
file, key_id, team, now = sys.argv[1:]
print(ProviderTokens(PushKey.load(Path(file), key_id, team)).current(datetime.fromisoformat(now)))
"""


def test_processes_that_know_nothing_of_each_other_bring_one_token(key: PushKey, p8: Path) -> None:
    later = (NOW + 15 * MINUTE).isoformat()
    command = [sys.executable, "-c", ANOTHER_PROCESS, p8, pushkeys.KEY_ID, pushkeys.TEAM, later]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert ProviderTokens(key).current(NOW) == theirs


@pytest.mark.parametrize("start", [0, 1, 9, 29, 30, 31, 59])
def test_a_token_is_used_for_20_minutes_at_least_and_never_older_than_an_hour(
    key: PushKey, start: int
) -> None:
    tokens = ProviderTokens(key)
    began = datetime(2026, 5, 1, 10, start, tzinfo=UTC)
    taken: dict[str, datetime] = {}
    for minute in range(600):
        now = began + minute * MINUTE
        token = tokens.current(now)
        if token not in taken:
            if taken:
                assert now - list(taken.values())[-1] >= 20 * MINUTE
            taken[token] = now
        assert MINUTE <= now - issued_at(token) <= 51 * MINUTE
    assert 19 <= len(taken) <= 22


def test_a_token_that_apple_calls_expired_is_replaced_once_in_20_minutes(key: PushKey) -> None:
    tokens = ProviderTokens(key)
    refused = tokens.current(NOW)
    assert tokens.renew(refused, NOW)
    fresh = tokens.current(NOW)
    assert issued_at(fresh) == NOW
    assert tokens.renew(refused, NOW), "another connection has renewed it already"
    assert tokens.current(NOW) == fresh
    assert not tokens.renew(fresh, NOW + 19 * MINUTE)
    assert tokens.current(NOW + 19 * MINUTE) == fresh
    assert tokens.renew(fresh, NOW + 20 * MINUTE)


# The file


def test_a_key_never_shows_itself(key: PushKey) -> None:
    assert "PRIVATE" not in repr(key)
    assert "EllipticCurve" not in repr(key)


def no_file(folder: Path) -> Path:
    return folder / "nowhere.p8"


def html(folder: Path) -> Path:
    (folder / "page.p8").write_text("<html>Please sign in</html>")
    return folder / "page.p8"


def other_curve(folder: Path) -> Path:
    return pushkeys.make(folder, "P-384")


def pass_key(folder: Path) -> Path:
    file = folder / "pass.key"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", file], check=True, capture_output=True
    )
    return file


def locked(folder: Path) -> Path:
    file, plain = folder / "locked.p8", pushkeys.make(folder)
    command = ["openssl", "pkcs8", "-topk8", "-in", plain, "-out", file, "-passout", "pass:secret"]
    subprocess.run(command, check=True)
    return file


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (no_file, "cannot be read"),
        (html, "not a key as Apple gives it"),
        (other_curve, "a key of another kind"),
        (pass_key, "a key of another kind"),
        (locked, "not a key as Apple gives it"),
    ],
)
def test_a_file_that_will_not_do_is_named(
    tmp_path: Path, made: Callable[[Path], Path], words: str
) -> None:
    file = made(tmp_path)
    with pytest.raises(SettingsError, match=words) as refusal:
        PushKey.load(file, pushkeys.KEY_ID, pushkeys.TEAM)
    assert refusal.value.name == "WALLET_APNS_KEY"
    assert str(file) in str(refusal.value)


# Pushes that bring a token


class Apple(PushStandIn):
    """A stand-in with a clock of its own, that keeps the certificates and tokens it saw."""

    def __init__(self, key: PushKey, topics: frozenset[str] | None = None) -> None:
        self.clock = StoppedClock(NOW)
        public = TeamKey(key.key_id, key.team, key.public, topics)
        super().__init__(keys=[public], clock=self.clock)
        self.certified: set[str | None] = set()
        self.seen: list[str] = []

    def welcome(self, certified_topic: str | None) -> Visitor:
        self.certified.add(certified_topic)
        return super().welcome(certified_topic)

    def judge(self, push: Push, visitor: Visitor) -> PushAnswer:
        self.seen.append(push.headers["authorization"].removeprefix("bearer "))
        return super().judge(push, visitor)


@pytest.fixture
def apple(key: PushKey) -> Apple:
    return Apple(key)


@pytest.fixture
def connect(chain: Path, key: PushKey, apple: Apple) -> Iterator[Callable[..., Apns]]:
    made: list[Apns] = []
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    with running(*files, stand_in=apple) as house:

        def connected(tokens: ProviderTokens | None = None) -> Apns:
            credential = TokenCredential(SANDBOX_PASS_TYPE, tokens or ProviderTokens(key))
            made.append(Apns(house.url, chain / "root.pem", credential))
            return made[-1]

        yield connected
        for client in made:
            client.close()


@pytest.fixture
def client(connect: Callable[..., Apns]) -> Apns:
    return connect()


def phones(number: int) -> list[str]:
    return [f"{phone:064x}" for phone in range(number)]


def test_thousands_of_pushes_bring_one_token_over_one_connection(
    client: Apns, apple: Apple
) -> None:
    assert client.push(phones(3000), NOW) == [Sent()] * 3000
    assert (len(set(apple.seen)), apple.certified) == (1, {None})
    stats = apple.stats()
    assert (stats.accepted, stats.refused, stats.connections) == (3000, 0, 1)


def test_a_day_of_pushes_changes_the_token_without_one_refusal(client: Apns, apple: Apple) -> None:
    for _ in range(24 * 6):
        assert client.push(phones(1), apple.clock.advance(minutes=10)) == [Sent()]
    assert 46 <= len(set(apple.seen)) <= 50
    assert apple.stats().refused == 0
    assert apple.stats().connections == 1


def test_a_token_that_apple_calls_expired_is_renewed_and_every_push_arrives(
    client: Apns, apple: Apple
) -> None:
    # Our clock is behind Apple's: the half hour's token is too old for it, one of now is not.
    apple.clock.advance(minutes=58)
    with capture_logs() as lines:
        assert client.push(phones(500), NOW) == [Sent()] * 500
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("apns_token_renewed", "warning")
    ]
    assert len(set(apple.seen)) == 2
    assert apple.stats().refused == 1
    assert client.push(phones(500), NOW) == [Sent()] * 500
    assert apple.stats().refused == 1


def test_a_token_that_expires_with_many_pushes_on_the_way_costs_none_of_them(
    client: Apns, apple: Apple
) -> None:
    assert client.push(phones(1), NOW) == [Sent()]
    apple.clock.advance(minutes=22)
    apple.fail(403, "ExpiredProviderToken", times=300)
    assert client.push(phones(2500), apple.clock()) == [Sent()] * 2500
    assert [apple.heard(phone).count for phone in phones(2500)] == [2] + [1] * 2499


def test_a_clock_that_is_hours_behind_stops_the_queue_and_is_heard_of(
    client: Apns, apple: Apple
) -> None:
    apple.clock.advance(hours=3)
    for tries in (2, 1):
        apple.seen.clear()
        with capture_logs() as lines:
            outcomes = client.push(phones(2000), NOW)
        assert len(apple.seen) == tries
        assert len(outcomes) == 2000
        for outcome in outcomes:
            assert isinstance(outcome, Deferred)
            assert (outcome.reason, outcome.pause) == ("ExpiredProviderToken", True)
            assert outcome.until >= NOW + 15 * MINUTE
        alarms = [line["reason"] for line in lines if line["event"] == "apns_fault"]
        assert alarms == ["ExpiredProviderToken"]


def test_the_renewal_on_one_connection_serves_the_others(
    connect: Callable[..., Apns], key: PushKey, apple: Apple
) -> None:
    tokens = ProviderTokens(key)
    one, other = connect(tokens), connect(tokens)
    apple.clock.advance(minutes=58)
    assert one.push(phones(1), NOW) == [Sent()]
    apple.seen.clear()
    assert other.push(phones(1), NOW) == [Sent()]
    assert len(apple.seen) == 1


@pytest.mark.parametrize(
    ("status", "reason", "wait"),
    [
        (403, "InvalidProviderToken", 15 * MINUTE),
        (403, "MissingProviderToken", 15 * MINUTE),
        (403, "UnrelatedKeyIdInToken", 15 * MINUTE),
        (429, "TooManyProviderTokenUpdates", 20 * MINUTE),
    ],
)
def test_what_a_new_token_would_not_mend_brings_no_new_token(
    client: Apns, apple: Apple, status: int, reason: str, wait: timedelta
) -> None:
    apple.fail(status, reason)
    outcomes = client.push(phones(2000), NOW)
    assert len(apple.seen) == 1
    assert len(outcomes) == 2000
    for outcome in outcomes:
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.pause) == (reason, True)
        assert wait <= outcome.until - NOW < wait + MINUTE
    apple.clear()
    assert client.push(phones(10), NOW + wait) == [Sent()] * 10


def test_a_key_that_apple_does_not_know_is_refused(
    connect: Callable[..., Apns], p8: Path, tmp_path: Path
) -> None:
    strangers = [
        PushKey.load(p8, "OTHERKEY00", pushkeys.TEAM),
        PushKey.load(p8, pushkeys.KEY_ID, "OTHERTEAM0"),
        PushKey.load(pushkeys.make(tmp_path), pushkeys.KEY_ID, pushkeys.TEAM),
    ]
    for stranger in strangers:
        (outcome,) = connect(ProviderTokens(stranger)).push(phones(1), NOW)
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.pause) == ("InvalidProviderToken", True)


def test_the_provider_token_never_reaches_the_log(client: Apns, apple: Apple) -> None:
    apple.fail(403, "ExpiredProviderToken")
    with capture_logs() as lines:
        client.push(phones(5), NOW)
    assert lines
    for token in apple.seen:
        assert token not in str(lines)
