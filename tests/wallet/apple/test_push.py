"""Real HTTP/2 and TLS against the stand-in: whatever breaks, no row is lost and none is made up."""

import os
import resource
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from wallet.apple import streams
from wallet.apple.answers import BAD_TOKEN
from wallet.apple.push import Apns, Credential
from wallet.delivery.outcome import Deferred, Outcome, Rejected, Sent
from wallet.sandbox.apns import Push, PushAnswer, PushStandIn, RunningApns, Visitor, running
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE, Issued, new_authority

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

Serve = Callable[..., RunningApns]
Connect = Callable[..., Apns]


def fresh_tokens(number: int) -> list[str]:
    return [secrets.token_hex(32) for _ in range(number)]


def kinds(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return dict(Counter(type(outcome).__name__ for outcome in outcomes))


@contextmanager
def serving(
    chain: Path, port: int = 0, stand_in: PushStandIn | None = None
) -> Iterator[RunningApns]:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    with running(*files, port=port, stand_in=stand_in) as house:
        yield house


@pytest.fixture
def house(chain: Path) -> Iterator[RunningApns]:
    with serving(chain) as house:
        yield house


@pytest.fixture
def credential(chain: Path) -> Credential:
    folder = chain / SANDBOX_PASS_TYPE
    return Credential(SANDBOX_PASS_TYPE, folder / "pass.pem", folder / "pass.key")


@pytest.fixture
def connect(chain: Path, credential: Credential) -> Iterator[Connect]:
    """Clients as the test wants them, closed at its end."""
    made: list[Apns] = []

    def connected(
        url: str, credential: Credential = credential, ca: Path | None = chain / "root.pem"
    ) -> Apns:
        made.append(Apns(url, ca, credential))
        return made[-1]

    yield connected
    for client in made:
        client.close()


@pytest.fixture
def client(house: RunningApns, connect: Connect) -> Apns:
    return connect(house.url)


@pytest.fixture(scope="module")
def stranger() -> tuple[Issued, Issued]:
    """A root nobody trusts, and a pass certificate under it."""
    now = datetime.now(UTC)
    authority = new_authority(now - timedelta(days=1), now + timedelta(days=30))
    leaf = authority.issue_pass_certificate(
        SANDBOX_PASS_TYPE, "TEAM", now - timedelta(days=1), now + timedelta(days=30)
    )
    return authority.root, leaf


def reason_of(outcome: Outcome) -> str | None:
    return None if isinstance(outcome, Sent) else outcome.reason


def all_wait_for_better_times(outcomes: Sequence[Outcome], number: int) -> str:
    """Every row is kept and the queue stands still; the reason they share."""
    assert len(outcomes) == number
    assert all(isinstance(outcome, Deferred) and outcome.pause for outcome in outcomes)
    assert all(outcome.until > NOW for outcome in outcomes if isinstance(outcome, Deferred))
    (reason,) = {outcome.reason for outcome in outcomes if isinstance(outcome, Deferred)}
    return reason


# All is well


def test_five_thousand_pushes_share_one_connection(client: Apns, house: RunningApns) -> None:
    tokens = fresh_tokens(5000)
    assert client.push(tokens, NOW) == [Sent()] * 5000
    assert {house.stand_in.heard(token).count for token in tokens} == {1}
    assert client.push(tokens[:10], NOW) == [Sent()] * 10
    stats = house.stand_in.stats()
    assert (stats.accepted, stats.refused, stats.connections) == (5010, 0, 1)


class Witness(PushStandIn):
    """A stand-in that keeps every push it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Push] = []

    def judge(self, push: Push, visitor: Visitor) -> PushAnswer:
        self.seen.append(push)
        return super().judge(push, visitor)


def test_a_push_is_what_apple_asks_for(chain: Path, credential: Credential) -> None:
    witness = Witness()
    with serving(chain, stand_in=witness) as house:
        quiet = Apns(house.url + "/", chain / "root.pem", credential)
        loud = Apns(house.url, chain / "root.pem", credential, "alert", timedelta(hours=1))
        assert quiet.push(["ab" * 32], NOW) == loud.push(["cd" * 32], NOW) == [Sent()]
        quiet.close()
        loud.close()
    quiet_push, loud_push = witness.seen
    assert quiet_push.headers[":path"] == "/3/device/" + "ab" * 32
    assert quiet_push.headers["apns-topic"] == SANDBOX_PASS_TYPE
    assert quiet_push.headers["apns-push-type"] == "background"
    assert quiet_push.headers["apns-priority"] == "5"
    assert quiet_push.headers["apns-expiration"] == str(int(NOW.timestamp()) + 7 * 86400)
    assert quiet_push.body == b"{}"
    assert loud_push.headers["apns-push-type"] == "alert"
    assert loud_push.headers["apns-priority"] == "10"
    assert loud_push.headers["apns-expiration"] == str(int(NOW.timestamp()) + 3600)


def test_outcomes_come_in_the_order_of_the_tokens(client: Apns, house: RunningApns) -> None:
    tokens = fresh_tokens(400)
    gone, busy = tokens[7::9], tokens[3::9]
    house.stand_in.fail(410, "Unregistered", 1777629600000, tokens=gone)
    house.stand_in.fail(429, "TooManyRequests", tokens=busy)
    for token, outcome in zip(tokens, client.push(tokens, NOW), strict=True):
        wanted = Rejected if token in gone else Deferred if token in busy else Sent
        assert isinstance(outcome, wanted)


def test_no_tokens_need_no_connection(client: Apns, house: RunningApns) -> None:
    assert client.push([], NOW) == []
    assert house.stand_in.stats().connections == 0


def test_a_token_is_one_step_of_the_path_whatever_is_in_it(chain: Path, connect: Connect) -> None:
    witness = Witness()
    with serving(chain, stand_in=witness) as house:
        outcomes = connect(house.url).push(
            ["..", "../../stats", "ab?cd#ef", "é %00", "\ud800", "x" * 5000], NOW
        )
    assert [push.token for push in witness.seen] == [
        "..",
        "..%2F..%2Fstats",
        "ab%3Fcd%23ef",
        "%C3%A9%20%2500",
        "%3F",
        "x" * 5000,
    ]
    assert [reason_of(outcome) for outcome in outcomes[1:]] == [BAD_TOKEN] * 5


def test_threads_take_turns_on_one_connection(client: Apns, house: RunningApns) -> None:
    batches = [fresh_tokens(200) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda tokens: client.push(tokens, NOW), batches))
    assert answers == [[Sent()] * 200] * 6
    assert house.stand_in.stats().accepted == 1200
    assert house.stand_in.stats().connections == 1


def test_a_closed_client_connects_again(client: Apns, house: RunningApns) -> None:
    assert client.push(fresh_tokens(3), NOW) == [Sent()] * 3
    client.close()
    client.close()
    assert client.push(fresh_tokens(3), NOW) == [Sent()] * 3
    assert house.stand_in.stats().connections == 2


FORKING = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from wallet.apple.push import Apns, Credential
from wallet.delivery.outcome import Sent
url, topic, ca, certificate, key = sys.argv[1:]
client = Apns(url, Path(ca), Credential(topic, Path(certificate), Path(key)))
def works():
    return client.push(["ab" * 32] * 5, datetime.now(UTC)) == [Sent()] * 5
assert works()
child = os.fork()
if child == 0:
    good = works()
    client.close()
    os._exit(0 if good else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert works()
"""


def test_a_forked_process_has_a_connection_of_its_own(
    house: RunningApns, chain: Path, credential: Credential
) -> None:
    files = [chain / "root.pem", credential.certificate, credential.key]
    subprocess.run(
        [sys.executable, "-c", FORKING, house.url, credential.pass_type, *files],
        check=True,
        timeout=30,
    )
    stats = house.stand_in.stats()
    assert (stats.accepted, stats.connections) == (15, 2)


def test_waiting_costs_no_cpu_in_a_process_with_many_files_open(
    client: Apns, house: RunningApns
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 1400, "this test opens many files: allow more with `ulimit -Hn 4096`"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1400), hard))
    house.stand_in.delay_s = 0.7
    many = [os.dup(0) for _ in range(1100)]
    try:
        began = time.thread_time()
        assert client.push(fresh_tokens(1), NOW) == [Sent()]
        assert time.thread_time() - began < 0.35
    finally:
        for descriptor in many:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# What Apple answers


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (429, Deferred(NOW + 30 * SECOND, "TooManyRequests")),
        (429, Deferred(NOW + 20 * MINUTE, "TooManyProviderTokenUpdates", pause=True)),
        (500, Deferred(NOW + 30 * SECOND, "InternalServerError")),
        (502, Deferred(NOW + 30 * SECOND, "SomeStrangeGateway")),
        (400, Deferred(NOW + 2 * SECOND, "IdleTimeout")),
        (400, Deferred(NOW + 60 * MINUTE, "NeverHeardOf")),
        (503, Deferred(NOW + 5 * SECOND, "ServiceUnavailable", pause=True)),
        (503, Deferred(NOW + 5 * SECOND, "Shutdown", pause=True)),
        (400, Deferred(NOW + 15 * MINUTE, "BadTopic", pause=True)),
        (400, Deferred(NOW + 15 * MINUTE, "MissingTopic", pause=True)),
        (400, Deferred(NOW + 15 * MINUTE, "TopicDisallowed", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "BadCertificate", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "BadCertificateEnvironment", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "Forbidden", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "ExpiredProviderToken", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "InvalidProviderToken", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "MissingProviderToken", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "UnrelatedKeyIdInToken", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "BadEnvironmentKeyIdInToken", pause=True)),
        (403, Deferred(NOW + 15 * MINUTE, "NeverHeardOf", pause=True)),
    ],
    ids=lambda value: getattr(value, "reason", str(value)),
)
def test_what_may_pass_keeps_the_row(
    client: Apns, house: RunningApns, status: int, wanted: Deferred
) -> None:
    house.stand_in.fail(status, wanted.reason)
    with capture_logs() as lines:
        (outcome,) = client.push(fresh_tokens(1), NOW)
    assert isinstance(outcome, Deferred)
    assert (outcome.reason, outcome.pause) == (wanted.reason, wanted.pause)
    assert wanted.until <= outcome.until < wanted.until + 5 * SECOND
    alarms = [line["reason"] for line in lines if line["log_level"] == "error"]
    # A wait this long is for a person to end.
    assert alarms == ([wanted.reason] if wanted.until >= NOW + 15 * MINUTE else [])


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "BadCollapseId"),
        (400, "BadExpirationDate"),
        (400, "BadMessageId"),
        (400, "BadPriority"),
        (400, "DuplicateHeaders"),
        (400, "InvalidPushType"),
        (400, "MissingDeviceToken"),
        (400, "PayloadEmpty"),
        (404, "BadPath"),
        (405, "MethodNotAllowed"),
        (413, "PayloadTooLarge"),
    ],
)
def test_a_bug_of_ours_is_not_repeated_and_is_heard_of(
    client: Apns, house: RunningApns, status: int, reason: str
) -> None:
    house.stand_in.fail(status, reason)
    with capture_logs() as lines:
        assert client.push(fresh_tokens(1), NOW) == [Rejected(reason)]
    assert [(line["log_level"], line["reason"]) for line in lines] == [("error", reason)]


@pytest.mark.parametrize("reason", ["Unregistered", "ExpiredToken", "GoneForSomeNewReason"])
def test_a_dead_token_says_since_when(client: Apns, house: RunningApns, reason: str) -> None:
    house.stand_in.fail(410, reason, timestamp=1714557600123)
    with capture_logs() as lines:
        outcomes = client.push(fresh_tokens(1), NOW)
    died_at = datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert outcomes == [Rejected(reason, gone_at=died_at)]
    assert not lines


@pytest.mark.parametrize("timestamp", [None, 10**30])
def test_a_dead_token_without_a_usable_time_is_dead_now(
    client: Apns, house: RunningApns, timestamp: int | None
) -> None:
    house.stand_in.fail(410, "Unregistered", timestamp=timestamp)
    assert client.push(fresh_tokens(1), NOW) == [Rejected("Unregistered", gone_at=NOW)]


@pytest.mark.parametrize("reason", [BAD_TOKEN, "DeviceTokenNotForTopic"])
def test_a_bad_token_is_not_believed_at_once_and_stops_nothing(
    client: Apns, house: RunningApns, reason: str
) -> None:
    """Whether the token is wrong or something of ours, no single answer tells."""
    tokens = fresh_tokens(50)
    house.stand_in.fail(400, reason, tokens=tokens[1:])
    with capture_logs() as lines:
        outcomes = client.push(tokens, NOW)
    assert outcomes[0] == Sent()
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Deferred)
        assert (outcome.reason, outcome.pause, outcome.needs_operator) == (reason, False, False)
        assert outcome.until >= NOW + 15 * MINUTE
    assert [(line["log_level"], line["pushes"]) for line in lines] == [("warning", 49)]


def test_a_fault_of_configuration_is_met_by_one_push_alone(
    client: Apns, house: RunningApns
) -> None:
    house.stand_in.fail(403, "BadCertificate")
    outcomes = client.push(fresh_tokens(3000), NOW)
    assert all_wait_for_better_times(outcomes, 3000) == "BadCertificate"
    assert house.stand_in.stats().streams == 1


def test_an_unavailable_service_is_left_alone(client: Apns, house: RunningApns) -> None:
    assert client.push(fresh_tokens(1), NOW) == [Sent()]
    house.stand_in.fail(503, "ServiceUnavailable")
    outcomes = client.push(fresh_tokens(2500), NOW)
    assert all_wait_for_better_times(outcomes, 2500) == "ServiceUnavailable"
    assert house.stand_in.stats().streams <= 1 + streams.MAX_STREAMS
    house.stand_in.clear()
    assert client.push(fresh_tokens(100), NOW) == [Sent()] * 100


# What the network does


def test_a_refused_connection_keeps_every_row(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = connect(f"https://127.0.0.1:{unused.getsockname()[1]}")
        began = time.monotonic()
        outcomes = client.push(fresh_tokens(5000), NOW)
        assert time.monotonic() - began < 1
    assert all_wait_for_better_times(outcomes, 5000).startswith("unreachable: ")


def test_a_server_that_hangs_up_is_not_knocked_at_again_and_again(connect: Connect) -> None:
    knocks = 0

    def hang_up(door: socket.socket) -> None:
        nonlocal knocks
        while True:
            try:
                visitor, _ = door.accept()
            except OSError:
                return
            knocks += 1
            visitor.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        porter = threading.Thread(target=hang_up, args=[door])
        porter.start()
        outcomes = connect(f"https://127.0.0.1:{door.getsockname()[1]}").push(
            fresh_tokens(2000), NOW
        )
        door.shutdown(socket.SHUT_RDWR)
        porter.join()
    assert all_wait_for_better_times(outcomes, 2000).startswith("unreachable: ")
    assert knocks <= 2


def test_a_server_that_comes_back_finds_the_same_client(chain: Path, connect: Connect) -> None:
    with serving(chain) as house:
        client = connect(house.url)
        assert client.push(fresh_tokens(1200), NOW) == [Sent()] * 1200
    for _ in range(2):
        outcomes = client.push(fresh_tokens(3000), NOW)
        assert kinds(outcomes) == {"Deferred": 3000}
        assert sum(isinstance(outcome, Deferred) and outcome.pause for outcome in outcomes) > 1999
    with serving(chain, port=house.port) as house:
        tokens = fresh_tokens(1200)
        assert client.push(tokens, NOW) == [Sent()] * 1200
        assert {house.stand_in.heard(token).count for token in tokens} == {1}


def test_after_a_goaway_nothing_is_lost(client: Apns, house: RunningApns) -> None:
    house.stand_in.delay_s = 0.02
    tokens = fresh_tokens(2000)
    for number in (1, 700, 1900):
        house.stand_in.goaway_after(number)
        assert client.push(tokens, NOW) == [Sent()] * 2000
    stats = house.stand_in.stats()
    assert {house.stand_in.heard(token).count for token in tokens} == {3}
    assert (stats.accepted, stats.refused) == (6000, 0)
    assert stats.connections == 4


@pytest.mark.parametrize("number", [1, 2, 900, 1999])
def test_after_a_cut_nothing_is_lost_and_nothing_made_up(
    client: Apns, house: RunningApns, number: int
) -> None:
    assert client.push(fresh_tokens(1), NOW) == [Sent()]
    tokens = fresh_tokens(2000)
    house.stand_in.drop_after(number)
    outcomes = client.push(tokens, NOW)
    for token, outcome in zip(tokens, outcomes, strict=True):
        match outcome:
            case Sent():
                assert house.stand_in.heard(token).count >= 1
            case Deferred(until, reason, pause):
                assert (until > NOW, reason, pause) == (True, "answer_lost", False)
            case _:
                pytest.fail(f"{outcome} for a lost answer")
    again = [token for token, outcome in zip(tokens, outcomes, strict=True) if outcome != Sent()]
    assert len(again) <= streams.MAX_STREAMS
    assert client.push(again, NOW) == [Sent()] * len(again)


def test_a_first_push_that_is_cut_off_stands_for_all(client: Apns, house: RunningApns) -> None:
    house.stand_in.drop_after(1)
    outcomes = client.push(fresh_tokens(2000), NOW)
    assert all_wait_for_better_times(outcomes, 2000).startswith("unreachable: ")
    assert house.stand_in.stats().accepted == 1


def test_a_server_that_dies_in_the_middle_took_all_that_was_sent(
    chain: Path, connect: Connect
) -> None:
    stand_in = PushStandIn()
    stand_in.delay_s = 0.05
    tokens = fresh_tokens(4000)
    with ThreadPoolExecutor(1) as threads:
        with serving(chain, stand_in=stand_in) as house:
            pushing = threads.submit(connect(house.url).push, tokens, NOW)
            while stand_in.stats().accepted < 1500:
                time.sleep(0.005)
        outcomes = pushing.result()
    sent = [token for token, outcome in zip(tokens, outcomes, strict=True) if outcome == Sent()]
    assert kinds(outcomes).keys() == {"Sent", "Deferred"}
    assert {stand_in.heard(token).count for token in sent} == {1}
    assert any(isinstance(outcome, Deferred) and outcome.pause for outcome in outcomes)


def test_a_server_that_falls_silent_is_given_up(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, house: RunningApns
) -> None:
    monkeypatch.setattr(streams, "ANSWER_TIMEOUT_S", 2)
    client = connect(house.url)
    assert client.push(fresh_tokens(1), NOW) == [Sent()]
    house.stand_in.delay_s = 60
    began = time.monotonic()
    outcomes = client.push(fresh_tokens(2500), NOW)
    assert time.monotonic() - began < 8
    assert all_wait_for_better_times(outcomes, 2500).startswith("unreachable: ")
    # The wait begins when the silence was given up, not when the batch began.
    assert isinstance(outcomes[0], Deferred)
    assert outcomes[0].until >= NOW + 7 * SECOND
    house.stand_in.clear()
    assert client.push(fresh_tokens(5), NOW) == [Sent()] * 5
    assert house.stand_in.stats().connections == 2


def test_one_answer_that_never_comes_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, chain: Path, connect: Connect
) -> None:
    tokens = fresh_tokens(200)

    class SlowForOne(PushStandIn):
        def judge(self, push: Push, visitor: Visitor) -> PushAnswer:
            self.delay_s = 60.0 if push.token == tokens[70] else 0.0
            return super().judge(push, visitor)

    monkeypatch.setattr(streams, "ANSWER_TIMEOUT_S", 2)
    with serving(chain, stand_in=SlowForOne()) as house:
        outcomes = connect(house.url).push(tokens, NOW)
    late = outcomes.pop(70)
    assert outcomes == [Sent()] * 199
    assert isinstance(late, Deferred)
    assert (late.reason, late.pause) == ("answer_late", False)


def test_a_wrong_certificate_is_refused_with_the_reason(
    house: RunningApns, connect: Connect, stranger: tuple[Issued, Issued], tmp_path: Path
) -> None:
    _, leaf = stranger
    certificate, key = tmp_path / "pass.pem", tmp_path / "pass.key"
    certificate.write_bytes(leaf.certificate_pem())
    key.write_bytes(leaf.key_pem())
    client = connect(house.url, Credential(SANDBOX_PASS_TYPE, certificate, key))
    with capture_logs() as lines:
        outcomes = client.push(fresh_tokens(2000), NOW)
    reason = all_wait_for_better_times(outcomes, 2000)
    assert reason.startswith("tls_refused: ")
    assert "unknown ca" in reason
    alarms = [line["reason"] for line in lines if line["event"] == "apns_fault"]
    assert alarms == [reason]
    stats = house.stand_in.stats()
    assert stats.streams == 0
    assert stats.connections <= 2


def test_a_certificate_for_another_pass_type_is_refused_with_the_reason(
    house: RunningApns, connect: Connect, credential: Credential
) -> None:
    other = Credential("pass.somebody.else", credential.certificate, credential.key)
    outcomes = connect(house.url, other).push(fresh_tokens(50), NOW)
    assert all_wait_for_better_times(outcomes, 50) == "TopicDisallowed"


def test_a_server_under_another_authority_is_not_trusted(
    house: RunningApns, connect: Connect, stranger: tuple[Issued, Issued], tmp_path: Path
) -> None:
    other_root = tmp_path / "root.pem"
    other_root.write_bytes(stranger[0].certificate_pem())
    for ca in (other_root, None):
        outcomes = connect(house.url, ca=ca).push(fresh_tokens(2000), NOW)
        reason = all_wait_for_better_times(outcomes, 2000)
        assert reason.startswith("unusable: ")
        assert "issuer certificate" in reason
    assert house.stand_in.stats().streams == 0


@pytest.mark.parametrize("lacking", ["certificate", "key", "ca", "https"])
def test_what_is_missing_is_named(
    house: RunningApns, chain: Path, credential: Credential, lacking: str
) -> None:
    nowhere = chain / "nowhere.pem"
    client = Apns(
        house.url.replace("https", "http") if lacking == "https" else house.url,
        nowhere if lacking == "ca" else chain / "root.pem",
        Credential(
            SANDBOX_PASS_TYPE,
            nowhere if lacking == "certificate" else credential.certificate,
            nowhere if lacking == "key" else credential.key,
        ),
    )
    with capture_logs() as lines:
        reason = all_wait_for_better_times(client.push(fresh_tokens(30), NOW), 30)
    assert reason.startswith("unusable: ")
    assert ("http" if lacking == "https" else "nowhere.pem") in reason
    assert [line["log_level"] for line in lines] == ["error"]


def test_a_batch_that_is_broken_off_leaves_a_client_that_works(
    client: Apns, house: RunningApns, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TimeIsUp(BaseException):
        pass

    def strike(_: object) -> None:
        raise TimeIsUp

    assert client.push(fresh_tokens(1), NOW) == [Sent()]
    house.stand_in.delay_s = 0.2
    with monkeypatch.context() as while_waiting:
        while_waiting.setattr(streams.PushConnection, "wait", strike)
        with pytest.raises(TimeIsUp):
            client.push(fresh_tokens(3000), NOW)
    house.stand_in.clear()
    assert client.push(fresh_tokens(1500), NOW) == [Sent()] * 1500
    # Nothing half-sent was taken along.
    assert house.stand_in.stats().connections == 2


# What is said about it


def test_no_token_is_ever_said(
    chain: Path, connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    tokens = fresh_tokens(60)
    said: list[object] = []
    with serving(chain) as house:
        client = connect(house.url)
        for status, reason in (
            (410, "Unregistered"),
            (400, BAD_TOKEN),
            (400, "DeviceTokenNotForTopic"),
            (400, "PayloadEmpty"),
            (403, "Forbidden"),
            (429, "TooManyRequests"),
            (503, "Shutdown"),
            (400, "NeverHeardOf"),
        ):
            house.stand_in.fail(status, reason)
            with capture_logs() as lines:
                said += [client.push(tokens, NOW), *lines]
            # Once more, past what captures events, to whatever the logger writes.
            client.push(tokens, NOW)
            house.stand_in.clear()
        said.append(client.push([*tokens[:5], "no token"], NOW))
        house.stand_in.drop_after(20)
        said.append(client.push(tokens, NOW))
        house.stand_in.goaway_after(20)
        said.append(client.push(tokens, NOW))
    with capture_logs() as lines:
        said += [client.push(tokens, NOW), *lines]
    client.push(tokens, NOW)
    printed = capfd.readouterr()
    everything = f"{said} {printed.out} {printed.err}"
    assert "apns_fault" in printed.out
    assert "apns_trouble" in printed.out
    assert not [token for token in [*tokens, "no token"] if token in everything]
