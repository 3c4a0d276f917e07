"""The stand-in is as strict as Apple, tells the phones at once, and misbehaves on order."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pushkeys
import pycurl
import pytest
import requests
from clocks import StoppedClock
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event, RemoteSettingsChanged, StreamEnded
from h2.settings import SettingCodes

from wallet.sandbox import apns
from wallet.sandbox.apns import Heard, PushStandIn, RunningApns, TeamKey, running
from wallet.sandbox.certificates import SANDBOX_PASS_TYPE, new_authority

TOKEN = "ab" * 32
OTHER_TOKEN = "cd" * 32
TOPIC = f"apns-topic: {SANDBOX_PASS_TYPE}"


@dataclass
class Client:
    """One push at a time, as right or wrong as the test wants it."""

    url: str
    chain: Path
    certificate: Path | None = None
    curl: pycurl.Curl | None = None  # one connection for all pushes, if given
    answer_headers: dict[str, str] = field(default_factory=dict)

    def push(
        self,
        token: str = TOKEN,
        *headers: str,
        body: bytes = b"{}",
        method: str = "POST",
        path: str | None = None,
    ) -> tuple[int, dict[str, object]]:
        """Status, and the reason with what else the answer's body has."""
        answer: list[bytes] = []
        curl = self.curl or pycurl.Curl()
        curl.setopt(pycurl.URL, self.url + (f"/3/device/{token}" if path is None else path))
        curl.setopt(pycurl.CUSTOMREQUEST, method)
        curl.setopt(pycurl.POSTFIELDS, body)
        curl.setopt(pycurl.HTTPHEADER, list(headers))
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.CAINFO, str(self.chain / "root.pem"))
        folder = self.chain / SANDBOX_PASS_TYPE
        certificate = self.certificate or folder / "pass.pem"
        if certificate.name != "none":
            curl.setopt(pycurl.SSLCERT, str(certificate))
            curl.setopt(pycurl.SSLKEY, str(certificate.with_suffix(".key")))
        curl.setopt(pycurl.WRITEFUNCTION, answer.append)
        curl.setopt(pycurl.HEADERFUNCTION, self._keep_header)
        curl.setopt(pycurl.TIMEOUT, 10)
        try:
            curl.perform()
            status: int = curl.getinfo(pycurl.RESPONSE_CODE)
        finally:
            if self.curl is None:
                curl.close()
        return status, json.loads(b"".join(answer) or b"{}")

    def _keep_header(self, line: bytes) -> None:
        name, _, value = line.decode("latin-1").partition(":")
        self.answer_headers[name.lower()] = value.strip()


@pytest.fixture(scope="module")
def served(chain: Path) -> Iterator[RunningApns]:
    with running(chain / "server.pem", chain / "server.key", chain / "root.pem") as stand_in:
        yield stand_in


@pytest.fixture
def house(served: RunningApns) -> RunningApns:
    served.stand_in.clear()
    return served


@pytest.fixture
def client(house: RunningApns, chain: Path) -> Client:
    return Client(house.url, chain)


def control(house: RunningApns, order: dict[str, object]) -> None:
    answer = requests.post(f"{house.control_url}/faults", json=order, timeout=10)
    assert answer.status_code == 200, answer.text


def pushes(house: RunningApns, token: str, after: int = 0, wait: float = 0) -> dict[str, object]:
    query = {"after": after, "wait": wait}
    answer = requests.get(f"{house.control_url}/pushes/{token}", params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def count(house: RunningApns, token: str) -> int:
    return house.stand_in.heard(token).count


# What Apple would say


def test_a_push_as_apple_wants_it_is_accepted(client: Client, house: RunningApns) -> None:
    before = house.stand_in.stats()
    headers = (TOPIC, "apns-push-type: background", "apns-priority: 5", "apns-expiration: 1")
    assert client.push("01" * 32, *headers) == (200, {})
    after = house.stand_in.stats()
    assert count(house, "01" * 32) == 1
    assert (after.accepted, after.refused) == (before.accepted + 1, before.refused)
    assert after.connections == before.connections + 1
    assert after.streams == before.streams + 1


def test_the_certificate_stands_for_its_topic(client: Client) -> None:
    assert client.push(TOKEN) == (200, {})


def test_every_answer_has_an_id_and_it_is_the_one_sent(client: Client) -> None:
    sent = "0E4F8A6C-2F5B-4D53-8E0C-1B7A8F6D9E21"
    client.push(TOKEN, f"apns-id: {sent}")
    assert client.answer_headers["apns-id"] == sent.lower()
    client.push("no%20token")
    assert len(client.answer_headers["apns-id"]) == 36


@pytest.mark.parametrize(
    ("status", "reason", "request_"),
    [
        (404, "BadPath", {"path": "/"}),
        (404, "BadPath", {"path": "/3/devices/" + TOKEN}),
        (405, "MethodNotAllowed", {"method": "GET"}),
        (400, "MissingDeviceToken", {"path": "/3/device/"}),
        (400, "BadDeviceToken", {"path": "/3/device/" + TOKEN + "/more"}),
        (400, "BadDeviceToken", {"path": "/3/device/" + "a" * 201}),
        (400, "PayloadEmpty", {"body": b""}),
        (400, "PayloadEmpty", {"body": b"[]"}),
        (400, "PayloadEmpty", {"body": b"{"}),
        (413, "PayloadTooLarge", {"body": b'{"a": "' + b"a" * 4088 + b'"}'}),
    ],
)
def test_a_request_that_apple_would_refuse_is_refused_for_apples_reason(
    client: Client, house: RunningApns, status: int, reason: str, request_: dict[str, object]
) -> None:
    before = house.stand_in.stats()
    assert client.push(TOKEN, TOPIC, **request_) == (status, {"reason": reason})
    after = house.stand_in.stats()
    assert (after.accepted, after.refused) == (before.accepted, before.refused + 1)


@pytest.mark.parametrize(
    ("reason", "headers"),
    [
        ("TopicDisallowed", ["apns-topic: pass.somebody.else"]),
        ("BadTopic", ["apns-topic;"]),
        ("InvalidPushType", ["apns-push-type: shout"]),
        ("BadPriority", ["apns-priority: 7"]),
        ("BadPriority", ["apns-push-type: background", "apns-priority: 10"]),
        ("BadExpirationDate", ["apns-expiration: tomorrow"]),
        ("BadMessageId", ["apns-id: 17"]),
        ("BadCollapseId", ["apns-collapse-id: " + "a" * 65]),
        ("DuplicateHeaders", ["apns-priority: 5", "apns-priority: 5"]),
    ],
)
def test_a_header_that_apple_would_refuse_is_refused_for_apples_reason(
    client: Client, reason: str, headers: list[str]
) -> None:
    assert client.push(TOKEN, *headers) == (400, {"reason": reason})


def test_a_payload_of_4096_bytes_is_the_last_that_fits(client: Client) -> None:
    assert client.push(TOKEN, body=b'{"a": "' + b"a" * 4087 + b'"}') == (200, {})


# Who is let in


def test_a_client_without_a_certificate_is_asked_for_a_token(
    house: RunningApns, chain: Path
) -> None:
    client = Client(house.url, chain, certificate=Path("none"))
    for headers in ([TOPIC], [TOPIC, "authorization: basic abc"], [TOPIC, "authorization: bearer"]):
        assert client.push(TOKEN, *headers) == (403, {"reason": "MissingProviderToken"})


@pytest.fixture(scope="module")
def p8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pushkeys.make(tmp_path_factory.mktemp("p8"))


@dataclass
class Team:
    """Clients of a team with a .p8 key, at a stand-in that knows it and one more of theirs."""

    clock: StoppedClock
    file: Path
    client: Client

    def token(self, minutes: int = 0, **changes: str) -> str:
        issued_at = self.clock() + timedelta(minutes=minutes)
        facts = {"iss": pushkeys.TEAM, "iat": int(issued_at.timestamp()), **changes}
        return pushkeys.token(self.file, **facts)

    def push(self, token: str, topic: str = TOPIC) -> tuple[int, object]:
        status, body = self.client.push(TOKEN, topic, f"authorization: bearer {token}")
        return status, body.get("reason")


@pytest.fixture
def team(chain: Path, p8: Path) -> Iterator[Team]:
    clock = StoppedClock()
    public = load_pem_private_key(p8.read_bytes(), None).public_key()
    topics = frozenset({SANDBOX_PASS_TYPE})
    keys = [TeamKey(key_id, pushkeys.TEAM, public, topics) for key_id in (pushkeys.KEY_ID, "OTHER")]
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    with running(*files, stand_in=PushStandIn(keys=keys, clock=clock)) as house:
        client = Client(house.url, chain, certificate=Path("none"), curl=pycurl.Curl())
        yield Team(clock, p8, client)


def test_a_token_is_good_for_an_hour(team: Team) -> None:
    token = team.token()
    assert team.push(token) == (200, None)
    team.clock.advance(hours=1)
    assert team.push(token) == (200, None)
    team.clock.advance(seconds=1)
    assert team.push(token) == (403, "ExpiredProviderToken")
    assert team.push(team.token()) == (200, None)


def test_an_old_token_is_refused_on_a_new_connection_too(team: Team) -> None:
    assert team.push(team.token(minutes=-61)) == (403, "ExpiredProviderToken")
    assert team.push(team.token(minutes=-59)) == (200, None)


def test_a_token_changed_within_20_minutes_is_one_too_many(team: Team) -> None:
    first = team.token()
    assert team.push(first) == (200, None)
    team.clock.advance(minutes=19)
    second = team.token()
    assert team.push(second) == (429, "TooManyProviderTokenUpdates")
    assert team.push(first) == (200, None)
    team.clock.advance(minutes=1)
    assert team.push(second) == (200, None)


def test_a_connection_belongs_to_one_key(team: Team) -> None:
    assert team.push(team.token()) == (200, None)
    assert team.push(team.token(key_id="OTHER")) == (403, "UnrelatedKeyIdInToken")


def test_a_token_that_nobody_we_know_signed_is_refused(team: Team, tmp_path: Path) -> None:
    stranger = Team(team.clock, pushkeys.make(tmp_path), team.client)
    good = team.token()
    wrong = [
        stranger.token(),
        team.token(key_id="NOBODY"),
        team.token(iss="OTHERTEAM0"),
        team.token(minutes=2),
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        good.rsplit(".", 1)[0] + ".",
        pushkeys.token(team.file, iss=pushkeys.TEAM),
        pushkeys.token(team.file, iss=pushkeys.TEAM, iat="today"),
        jwt.encode({"iss": pushkeys.TEAM, "iat": 0}, None, "none", {"kid": pushkeys.KEY_ID}),
        "abc",
    ]
    for token in wrong:
        assert team.push(token) == (403, "InvalidProviderToken"), token
    assert team.push(good) == (200, None)


def test_a_token_says_nothing_of_the_topic(team: Team) -> None:
    token = team.token()
    assert team.push(token, "apns-topic;") == (400, "BadTopic")
    assert team.push(token, "apns-priority: 5") == (400, "MissingTopic")
    assert team.push(token, "apns-topic: pass.somebody.else") == (400, "TopicDisallowed")


def test_a_visitor_without_a_certificate_gets_one_stream_until_a_token_was_good(
    team: Team,
) -> None:
    ssl_context = ssl.create_default_context(cafile=team.client.chain / "root.pem")
    ssl_context.set_alpn_protocols(["h2"])
    http = H2Connection(H2Configuration(client_side=True))
    http.initiate_connection()
    port = urlsplit(team.client.url).port
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
        ssl_context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        allowed: list[int] = []

        def hear_until(wanted: type[Event]) -> None:
            tls.sendall(http.data_to_send())
            while True:
                events = http.receive_data(tls.recv(65536))
                tls.sendall(http.data_to_send())
                for event in events:
                    if isinstance(event, RemoteSettingsChanged):
                        change = event.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
                        allowed.extend([change.new_value] if change else [])
                if any(isinstance(event, wanted) for event in events):
                    return

        hear_until(RemoteSettingsChanged)
        for stream, token in ((1, "wrong"), (3, team.token())):
            start = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost")]
            name, topic = TOPIC.split(": ")
            start += [(":path", f"/3/device/{TOKEN}"), (name, topic)]
            http.send_headers(stream, [*start, ("authorization", f"bearer {token}")])
            http.send_data(stream, b"{}", end_stream=True)
            hear_until(StreamEnded)
    assert allowed[-2:] == [1, 1000]


def test_a_certificate_of_another_authority_is_refused(
    house: RunningApns, chain: Path, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    span = (now.replace(year=now.year - 1), now.replace(year=now.year + 1))
    stranger = new_authority(*span).issue_pass_certificate(SANDBOX_PASS_TYPE, "TEAM", *span)
    (tmp_path / "pass.pem").write_bytes(stranger.certificate_pem())
    (tmp_path / "pass.key").write_bytes(stranger.key_pem())
    before = house.stand_in.stats()
    with pytest.raises(pycurl.error, match="alert"):
        Client(house.url, chain, certificate=tmp_path / "pass.pem").push()
    assert house.stand_in.stats().streams == before.streams


def test_a_certificate_for_servers_is_no_client_certificate(
    house: RunningApns, chain: Path
) -> None:
    with pytest.raises(pycurl.error, match="alert"):
        Client(house.url, chain, certificate=chain / "server.pem").push()


def test_a_client_that_offers_no_http2_is_refused(house: RunningApns, chain: Path) -> None:
    context = ssl.create_default_context(cafile=chain / "root.pem")
    folder = chain / SANDBOX_PASS_TYPE
    context.load_cert_chain(folder / "pass.pem", folder / "pass.key")
    for offered in ([], ["http/1.1"]):
        context.set_alpn_protocols(offered)
        with (
            socket.create_connection(("127.0.0.1", house.port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            assert tls.recv(1000) == b""


def test_a_push_taken_back_at_once_spoils_no_other(house: RunningApns, chain: Path) -> None:
    context = ssl.create_default_context(cafile=chain / "root.pem")
    folder = chain / SANDBOX_PASS_TYPE
    context.load_cert_chain(folder / "pass.pem", folder / "pass.key")
    context.set_alpn_protocols(["h2"])
    http = H2Connection(H2Configuration(client_side=True))
    http.initiate_connection()
    path = (":path", f"/3/device/{TOKEN}")
    start = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), path]
    for stream in (1, 3):
        http.send_headers(stream, start)
        http.send_data(stream, b"{}", end_stream=True)
        if stream == 1:
            http.reset_stream(stream)
    with (
        socket.create_connection(("127.0.0.1", house.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        tls.sendall(http.data_to_send())
        events: list[Event] = []
        while not any(isinstance(event, StreamEnded) for event in events):
            heard = tls.recv(65536)
            assert heard, "the connection was closed"
            events += http.receive_data(heard)
    assert [event.stream_id for event in events if isinstance(event, StreamEnded)] == [3]


def test_a_client_that_speaks_no_tls_at_all_does_no_harm(
    client: Client, house: RunningApns
) -> None:
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
        while raw.recv(1000):
            pass
    assert client.push() == (200, {})


# What phones hear


def test_a_phone_that_listens_hears_of_its_push_at_once(client: Client, house: RunningApns) -> None:
    token = "02" * 32
    with ThreadPoolExecutor() as threads:
        phone = threads.submit(pushes, house, token, wait=20)
        time.sleep(0.2)
        client.push("03" * 32)
        assert not phone.done()
        pushed_at = time.monotonic()
        client.push(token.upper())
        heard = phone.result()
        assert time.monotonic() - pushed_at < 2
    assert heard["count"] == 1
    said_at = datetime.fromisoformat(str(heard["last_at"]))
    assert abs((datetime.now(UTC) - said_at).total_seconds()) < 5
    assert len(str(heard["last_at"])) == len("2026-05-01T10:00:00.000000+00:00")


def test_a_phone_that_was_away_hears_at_once_of_what_it_missed(
    client: Client, house: RunningApns
) -> None:
    token = "04" * 32
    client.push(token)
    client.push(token)
    asked_at = time.monotonic()
    assert pushes(house, token, after=1, wait=20)["count"] == 2
    assert time.monotonic() - asked_at < 2


def test_a_phone_hears_nothing_when_its_wait_is_over(house: RunningApns) -> None:
    asked_at = time.monotonic()
    assert pushes(house, "05" * 32, wait=0.3) == {"count": 0, "last_at": None}
    assert 0.3 <= time.monotonic() - asked_at < 2


def test_a_phone_with_the_count_of_an_earlier_life_hears_the_next_push(
    client: Client, house: RunningApns
) -> None:
    token = "06" * 32
    with ThreadPoolExecutor() as threads:
        phone = threads.submit(pushes, house, token, after=70, wait=20)
        time.sleep(0.2)
        client.push(token)
        assert phone.result()["count"] == 1


def test_many_phones_listen_while_pushes_go_on(client: Client, house: RunningApns) -> None:
    tokens = [f"{number:064x}" for number in range(0x1000, 0x1020)]
    with ThreadPoolExecutor(len(tokens)) as threads:
        phones = [threads.submit(pushes, house, token, wait=20) for token in tokens]
        time.sleep(0.3)
        for token in tokens:
            client.push(token)
        assert [phone.result()["count"] for phone in phones] == [1] * len(tokens)


def test_only_the_latest_tokens_are_remembered(chain: Path) -> None:
    small = PushStandIn(remembered_tokens=3)
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    tokens = [f"{number:064x}" for number in range(4)]
    with running(*files, stand_in=small) as house:
        client = Client(house.url, chain)
        for token in (*tokens[:3], tokens[0], tokens[3]):
            client.push(token)
    assert [small.heard(token).count for token in tokens] == [2, 0, 1, 1]
    assert small.heard(tokens[1]) == Heard()
    assert small.stats().accepted == 5


# What it does on order


def test_a_fault_strikes_the_tokens_named_and_so_many_times(
    client: Client, house: RunningApns
) -> None:
    fault = {"status": 410, "reason": "Unregistered", "timestamp": 1777629600000}
    control(house, {**fault, "tokens": [TOKEN.upper()], "times": 1})
    assert client.push(OTHER_TOKEN) == (200, {})
    assert client.push(TOKEN) == (410, {"reason": "Unregistered", "timestamp": 1777629600000})
    assert client.push(TOKEN) == (200, {})


def test_a_fault_without_tokens_and_times_strikes_all_until_cleared(
    client: Client, house: RunningApns
) -> None:
    control(house, {"status": 503, "reason": "ServiceUnavailable", "tokens": None})
    for token in (TOKEN, OTHER_TOKEN, TOKEN):
        assert client.push(token) == (503, {"reason": "ServiceUnavailable"})
    control(house, {"clear": True})
    assert client.push(TOKEN) == (200, {})


def test_a_push_that_is_wrong_in_itself_uses_no_fault_up(
    client: Client, house: RunningApns
) -> None:
    control(house, {"status": 500, "reason": "InternalServerError", "times": 1})
    assert client.push("no%20token") == (400, {"reason": "BadDeviceToken"})
    assert client.push(TOKEN) == (500, {"reason": "InternalServerError"})


def test_answers_can_be_late(client: Client, house: RunningApns) -> None:
    control(house, {"delay_ms": 300})
    asked_at = time.monotonic()
    assert client.push() == (200, {})
    assert time.monotonic() - asked_at >= 0.3


def test_a_drop_takes_the_push_and_leaves_it_unanswered(client: Client, house: RunningApns) -> None:
    token = "07" * 32
    control(house, {"drop_after": 2})
    assert client.push(token) == (200, {})
    with pytest.raises(pycurl.error):
        client.push(token)
    assert count(house, token) == 2
    assert client.push(token) == (200, {})


def test_the_push_of_a_goaway_is_answered(client: Client, house: RunningApns) -> None:
    token = "08" * 32
    control(house, {"goaway_after": 1})
    assert client.push(token) == (200, {})
    assert client.push(token) == (200, {})
    assert count(house, token) == 2


def test_the_control_port_says_how_much_happened(client: Client, house: RunningApns) -> None:
    client.push()
    answer = requests.get(f"{house.control_url}/stats", timeout=10)
    stats = house.stand_in.stats()
    assert answer.json() == {
        "accepted": stats.accepted,
        "refused": stats.refused,
        "connections": stats.connections,
        "streams": stats.streams,
    }
    assert answer.text.endswith("}\n")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", "not json", 400),
        ("POST", "faults", "[]", 400),
        ("POST", "faults", '{"status": 410}', 400),
        ("POST", "faults", '{"status": 410, "reason": "Unregistered", "tokens": "ab"}', 400),
        ("POST", "faults", '{"drop_after": "soon"}', 400),
        ("GET", f"pushes/{TOKEN}?after=all", "", 400),
        ("GET", "faults", "", 404),
        ("GET", "", "", 404),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_a_word(
    house: RunningApns, method: str, path: str, body: str, status: int
) -> None:
    answer = requests.request(method, f"{house.control_url}/{path}", data=body, timeout=10)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_one_control_connection_serves_many_requests(house: RunningApns) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.get(f"{house.control_url}/stats", timeout=10).raise_for_status()
        session.post(f"{house.control_url}/faults", json={"clear": True}, timeout=10)
    with socket.create_connection(("127.0.0.1", house.control_port), timeout=10) as raw:
        raw.sendall(b"GET /stats HTTP/1.1\r\n\r\n" * 2)
        raw.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: raw.recv(65536), b""))
    assert said.count(b"HTTP/1.1 200 OK") == 2


# How it comes and goes


def test_a_cancelled_run_frees_its_ports_and_leaves_no_task(chain: Path) -> None:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")

    async def live_and_die() -> tuple[int, int]:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            ports = (first.getsockname()[1], second.getsockname()[1])
        for _ in range(2):
            serving = asyncio.create_task(apns.run("127.0.0.1", *ports, *files))
            while True:
                await asyncio.sleep(0.02)
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", ports[1])
                except OSError:
                    continue
                break
            # A phone that listens just now must not keep the stand-in alive.
            writer.write(b"GET /pushes/ab?wait=60 HTTP/1.1\r\n\r\n")
            await asyncio.sleep(0.05)
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(serving, 5)
            assert await reader.read() == b""
            writer.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return ports

    for port in asyncio.run(live_and_die()):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_port_that_is_taken_is_said_so(house: RunningApns, chain: Path) -> None:
    files = (chain / "server.pem", chain / "server.key", chain / "root.pem")
    with (
        pytest.raises(OSError, match="in use"),
        running(*files, control_port=house.control_port),
    ):
        pass
