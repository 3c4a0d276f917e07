"""Stand-in for Apple's push service: HTTP/2 over TLS for us, a control port for the virtual phones.

It asks for a client certificate as Apple does, checks each push by "Sending notification requests
to APNs", and answers with Apple's reasons. No real phone hears of it; the sandbox's phones listen
at the control port, which speaks HTTP/1.1 on loopback only. Each answer there is a line of JSON:

    GET  /pushes/<token>?after=<n>&wait=<seconds>
         {"count": 3, "last_at": "2026-05-01T10:00:00.000000+00:00"} as soon as more than n pushes
         were accepted for the token, else when the wait is over (a minute at most). Ask next time
         with the count just heard: it begins at 0 again in a new process, and for a token that
         was forgotten among thousands.
    POST /faults
         {"status": 410, "reason": "Unregistered", "timestamp": 1777629600000, "tokens": ["ab.."],
         "times": 5}  this in place of 200; without tokens for all, without times for good;
         {"goaway_after": 100}  GOAWAY at the 100th push from now, which is answered as well;
         {"drop_after": 100}  all connections cut at the 100th push: accepted, never answered;
         {"delay_ms": 50}  answers come later;  {"clear": true}  all is well again.
    GET  /stats
         {"accepted": 5000, "refused": 1, "connections": 1, "streams": 5001}
"""

import asyncio
import contextlib
import json
import re
import ssl
import threading
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qs, urlsplit

import structlog
from cryptography import x509
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError, StreamClosedError, StreamIDTooLowError
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame

log = structlog.get_logger()

LOOPBACK = "127.0.0.1"
MAX_STREAMS = 1000
MAX_PAYLOAD_BYTES = 4096
MAX_CONTROL_BODY_BYTES = 1_000_000
MAX_WAIT_S = 60.0
FAREWELL_S = 5.0
REMEMBERED_TOKENS = 10_000

DEVICE_PATH = "/3/device/"
# Apple gives out hexadecimal tokens and asks nobody to rely on it: who tries the sandbox by hand
# may register any word. A token that Apple would not know is a fault, to be ordered.
TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,200}")
DECIMAL = re.compile(r"[0-9]+")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PUSH_TYPES = frozenset(
    {"alert", "background", "complication", "controls", "fileprovider", "liveactivity"}
    | {"location", "mdm", "pushtotalk", "voip", "widgets"}
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a phone knows of its pushes."""

    count: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Since the start. `refused` counts pushes that got a reason, by a fault or by their own."""

    accepted: int
    refused: int
    connections: int
    streams: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Apple's answer to one push; the timestamp, in milliseconds, belongs to 410."""

    status: int
    reason: str = ""
    timestamp: int | None = None

    def body(self) -> bytes:
        facts = {"reason": self.reason, "timestamp": self.timestamp}
        return json.dumps({name: fact for name, fact in facts.items() if fact is not None}).encode()


@dataclass(slots=True)
class Fault:
    """An answer in place of 200, for these tokens or for all, so many times or for good."""

    answer: Answer
    tokens: frozenset[str] | None
    times: int | None

    def strikes(self, token: str) -> bool:
        if self.times == 0 or (self.tokens is not None and token not in self.tokens):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Push:
    """A request as it arrives; `is_garbled` if one of Apple's headers came twice."""

    headers: dict[str, str]
    is_garbled: bool
    body: bytearray = field(default_factory=bytearray)

    @classmethod
    def begin(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "Push":
        names = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
        apples = [name for name, _ in names if name.startswith("apns-")]
        return cls(dict(names), len(apples) != len(set(apples)))

    @property
    def token(self) -> str:
        return self.headers.get(":path", "").removeprefix(DEVICE_PATH)

    def objection(self, certified_topic: str | None) -> Answer | None:
        """The first thing that Apple would refuse; a certificate stands for its topic."""
        headers = self.headers
        topic = headers.get("apns-topic", certified_topic)
        kind, priority = headers.get("apns-push-type", "alert"), headers.get("apns-priority")
        at_once_in_background = (kind, priority) == ("background", "10")
        table = (
            (not headers.get(":path", "").startswith(DEVICE_PATH), 404, "BadPath"),
            (headers.get(":method") != "POST", 405, "MethodNotAllowed"),
            (not self.token, 400, "MissingDeviceToken"),
            (not TOKEN.fullmatch(self.token), 400, "BadDeviceToken"),
            (self.is_garbled, 400, "DuplicateHeaders"),
            (topic is None, 400, "MissingTopic"),
            (topic == "", 400, "BadTopic"),
            (topic != certified_topic, 400, "TopicDisallowed"),
            (kind not in PUSH_TYPES, 400, "InvalidPushType"),
            (priority not in {None, "1", "5", "10"} or at_once_in_background, 400, "BadPriority"),
            (
                not DECIMAL.fullmatch(headers.get("apns-expiration", "0")),
                400,
                "BadExpirationDate",
            ),
            (len(headers.get("apns-collapse-id", "")) > 64, 400, "BadCollapseId"),
            (
                "apns-id" in headers and not UUID.fullmatch(headers["apns-id"]),
                400,
                "BadMessageId",
            ),
            (len(self.body) > MAX_PAYLOAD_BYTES, 413, "PayloadTooLarge"),
            (not _is_dictionary(self.body), 400, "PayloadEmpty"),
        )
        return next((Answer(status, reason) for wrong, status, reason in table if wrong), None)


def _is_dictionary(body: bytearray) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


class PushStandIn:
    """What the stand-in remembers, and how it is told to misbehave; the two ports lead here.

    All but `wait` may be called from any thread while the ports are served in theirs."""

    def __init__(self, remembered_tokens: int = REMEMBERED_TOKENS) -> None:
        self._remembered_tokens = remembered_tokens
        self._heard: OrderedDict[str, Heard] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._faults: list[Fault] = []
        self._countdown: dict[str, int] = {}
        self._lines: set[_Line] = set()
        self._accepted = self._refused = self._connections = self._streams = 0
        self.delay_s = 0.0

    def heard(self, token: str) -> Heard:
        return self._heard.get(token.lower(), Heard())

    async def wait(self, token: str, after: int, wait_s: float) -> Heard:
        """What is known once more than `after` pushes were accepted, one just was, or time is up.

        Any new push counts, so that a phone with a count of an earlier life misses nothing."""
        token = token.lower()
        if self.heard(token).count > after or wait_s <= 0:
            return self.heard(token)
        news = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(token, set()).add(news)
        try:
            await asyncio.wait([news], timeout=min(wait_s, MAX_WAIT_S))
        finally:
            self._waiting[token].discard(news)
            if not self._waiting[token]:
                del self._waiting[token]
        return self.heard(token)

    def stats(self) -> Stats:
        return Stats(self._accepted, self._refused, self._connections, self._streams)

    def fail(
        self,
        status: int,
        reason: str,
        timestamp: int | None = None,
        tokens: Iterable[str] | None = None,
        times: int | None = None,
    ) -> None:
        """Answer so in place of 200; of several faults the oldest that fits."""
        whom = None if tokens is None else frozenset(token.lower() for token in tokens)
        self._faults.append(Fault(Answer(status, reason, timestamp), whom, times))

    def goaway_after(self, pushes: int) -> None:
        self._countdown["goaway"] = pushes

    def drop_after(self, pushes: int) -> None:
        self._countdown["drop"] = pushes

    def clear(self) -> None:
        self._faults, self._countdown, self.delay_s = [], {}, 0.0

    def judge(self, push: Push, certified_topic: str | None) -> Answer:
        """Accept the push and tell the phones that wait for it, or say what is wrong with it."""
        token = push.token.lower()
        faults = (fault.answer for fault in self._faults if fault.strikes(token))
        trouble = push.objection(certified_topic) or next(faults, None)
        if trouble is not None:
            self._refused += 1
            return trouble
        self._accepted += 1
        self._heard[token] = Heard(self.heard(token).count + 1, datetime.now(UTC))
        self._heard.move_to_end(token)
        if len(self._heard) > self._remembered_tokens:
            self._heard.popitem(last=False)
        for news in self._waiting.get(token, ()):
            if not news.done():
                news.set_result(None)
        return Answer(200)

    def is_due(self, mishap: Literal["goaway", "drop"]) -> bool:
        """Asked once for each accepted push."""
        left = self._countdown.pop(mishap, 0)
        if left > 1:
            self._countdown[mishap] = left - 1
        return left == 1

    def opened(self, line: "_Line") -> None:
        self._connections += 1
        self._lines.add(line)

    def closed(self, line: "_Line") -> None:
        self._lines.discard(line)

    def began_stream(self) -> None:
        self._streams += 1

    def cut_connections(self) -> None:
        for line in list(self._lines):
            line.cut()


class _Line(asyncio.Protocol):
    """One connection of a client: bytes through TLS to HTTP/2 and back.

    TLS is driven by hand: asyncio closes a refused handshake before the alert that says why is out,
    and cannot cut a connection without a goodbye."""

    def __init__(self, stand_in: PushStandIn, context: ssl.SSLContext) -> None:
        self._stand_in = stand_in
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._http = H2Connection(H2Configuration(client_side=False))
        self._is_ready = False
        self._topic: str | None = None
        self._arriving: dict[int, Push] = {}
        self._unanswered: set[int] = set()
        self._last_judged = 0
        self._said_goaway = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._stand_in.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unanswered.clear()
        self._stand_in.closed(self)

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            if self._is_ready or self._shake_hands():
                self._hear()
        except (ssl.SSLError, ProtocolError) as trouble:
            # The alert, or the GOAWAY that h2 has made ready, tells the client.
            log.info("push_connection_refused", reason=str(trouble))
            self._flush()
            self._transport.close()
        else:
            self._flush()

    def cut(self) -> None:
        """Gone without a word, as when a cable is pulled."""
        self._unanswered.clear()
        self._transport.abort()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        if self._tls.selected_alpn_protocol() != "h2":
            raise ProtocolError("the client does not offer HTTP/2")
        self._topic = _user_id(self._tls.getpeercert(binary_form=True))
        self._http.initiate_connection()
        self._http.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS})
        self._is_ready = True
        return True

    def _hear(self) -> None:
        plain = bytearray()
        with contextlib.suppress(ssl.SSLWantReadError):
            while chunk := self._tls.read(65536):
                plain += chunk
            # An empty chunk is the client's goodbye.
            self._transport.close()
        for event in self._http.receive_data(plain):
            # A stream may be reset further on in what was just read.
            with contextlib.suppress(StreamClosedError, StreamIDTooLowError):
                self._handle(event)

    def _handle(self, event: Event) -> None:
        match event:
            # What comes after a GOAWAY is ignored: the client knows to send it elsewhere.
            case RequestReceived(stream_id=int(stream)) if not self._said_goaway:
                self._stand_in.began_stream()
                self._arriving[stream] = Push.begin(event.headers or ())
            case DataReceived(stream_id=int(stream), data=bytes(data)):
                self._http.acknowledge_received_data(event.flow_controlled_length or 0, stream)
                push = self._arriving.get(stream)
                if push is not None and len(push.body) <= MAX_PAYLOAD_BYTES:
                    push.body += data
            case StreamEnded(stream_id=int(stream)) if stream in self._arriving:
                self._judge(stream, self._arriving.pop(stream))
            case StreamReset(stream_id=int(stream)):
                self._arriving.pop(stream, None)
                self._unanswered.discard(stream)

    def _judge(self, stream: int, push: Push) -> None:
        self._last_judged = max(stream, self._last_judged)
        answer = self._stand_in.judge(push, self._topic)
        is_accepted = answer.status == HTTPStatus.OK
        if is_accepted and self._stand_in.is_due("drop"):
            self._stand_in.cut_connections()
            return
        self._unanswered.add(stream)
        message_id = push.headers.get("apns-id", "").lower() or str(uuid.uuid4())
        if self._stand_in.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._stand_in.delay_s, self._answer_late, stream, message_id, answer)
        else:
            self._answer(stream, message_id, answer)
        if is_accepted and self._stand_in.is_due("goaway"):
            self._say_goaway()

    def _answer_late(self, stream: int, message_id: str, answer: Answer) -> None:
        self._answer(stream, message_id, answer)
        self._flush()

    def _answer(self, stream: int, message_id: str, answer: Answer) -> None:
        if stream not in self._unanswered:
            return
        self._unanswered.discard(stream)
        is_accepted = answer.status == HTTPStatus.OK
        headers = [(":status", str(answer.status)), ("apns-id", message_id)]
        self._http.send_headers(stream, headers, end_stream=is_accepted)
        if not is_accepted:
            self._http.send_data(stream, answer.body(), end_stream=True)

    def _say_goaway(self) -> None:
        # Written past h2, which lets no open stream finish after a GOAWAY of its own.
        self._said_goaway = True
        for stream in [stream for stream in self._arriving if stream > self._last_judged]:
            del self._arriving[stream]
        frame = GoAwayFrame(
            last_stream_id=self._last_judged,
            error_code=ErrorCodes.NO_ERROR,
            additional_data=b'{"reason":"Shutdown"}',
        )
        self._tls.write(self._http.data_to_send() + frame.serialize())
        # The client closes when its open streams are answered. Closing first, with bytes unread,
        # may reset the connection and take answers along.
        asyncio.get_running_loop().call_later(FAREWELL_S, self._transport.abort)

    def _flush(self) -> None:
        if self._is_ready and (plain := self._http.data_to_send()):
            with contextlib.suppress(ssl.SSLError):  # TLS itself may be what broke
                self._tls.write(plain)
        if (sealed := self._outgoing.read()) and not self._transport.is_closing():
            self._transport.write(sealed)


class _Control:
    """The control port: as much HTTP/1.1 as curl and the virtual phones need."""

    def __init__(self, stand_in: PushStandIn) -> None:
        self._stand_in = stand_in
        self._conversations: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._conversations.add(task)
        try:
            while await self._converse(reader, writer):
                pass
        except (OSError, EOFError, ValueError):
            # The other side left, or does not speak HTTP: there is nobody to tell.
            pass
        except asyncio.CancelledError:
            # `hang_up`: Python 3.11 reports a handler that ends cancelled as if it had failed.
            pass
        finally:
            self._conversations.discard(task)
            writer.close()

    async def hang_up(self) -> None:
        conversations = list(self._conversations)
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when no other may follow."""
        request_line = (await reader.readline()).decode("latin-1").split()
        if len(request_line) != 3:
            return False
        headers: dict[str, str] = {}
        while line := (await reader.readline()).decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_CONTROL_BODY_BYTES:
            return False
        body = await reader.readexactly(length)
        status, answer = await self._answer(request_line[0], request_line[1], body)
        line_of_json = json.dumps(answer).encode() + b"\n"
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(line_of_json)}\r\n\r\n"
        )
        writer.write(head.encode() + line_of_json)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def _answer(
        self, method: str, target: str, body: bytes
    ) -> tuple[HTTPStatus, dict[str, object]]:
        url = urlsplit(target)
        try:
            match method, url.path.strip("/").split("/"):
                case "GET", ["stats"]:
                    return HTTPStatus.OK, asdict(self._stand_in.stats())
                case "GET", ["pushes", token]:
                    return HTTPStatus.OK, await self._listen(token, parse_qs(url.query))
                case "POST", ["faults"]:
                    apply_faults(self._stand_in, json.loads(body))
                    return HTTPStatus.OK, {}
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            return HTTPStatus.BAD_REQUEST, {"error": f"{type(wrong).__name__}: {wrong}"}
        return HTTPStatus.NOT_FOUND, {"error": "GET /pushes/<token>, GET /stats, POST /faults"}

    async def _listen(self, token: str, query: dict[str, list[str]]) -> dict[str, object]:
        after, wait_s = int(query.get("after", ["0"])[0]), float(query.get("wait", ["0"])[0])
        heard = await self._stand_in.wait(token, after, wait_s)
        last_at = heard.last_at and heard.last_at.isoformat(timespec="microseconds")
        return {"count": heard.count, "last_at": last_at}


def apply_faults(stand_in: PushStandIn, order: dict[str, object]) -> None:
    """Do as a body of `POST /faults` says; the words are at the top of this module."""
    if order.get("clear"):
        stand_in.clear()
    if "delay_ms" in order:
        stand_in.delay_s = _whole(order["delay_ms"]) / 1000
    if "goaway_after" in order:
        stand_in.goaway_after(_whole(order["goaway_after"]))
    if "drop_after" in order:
        stand_in.drop_after(_whole(order["drop_after"]))
    if "status" in order:
        timestamp, tokens, times = (order.get(name) for name in ("timestamp", "tokens", "times"))
        if tokens is not None and not isinstance(tokens, list):
            raise TypeError("tokens is a list, or null for all")
        stand_in.fail(
            _whole(order["status"]),
            str(order["reason"]),
            None if timestamp is None else _whole(timestamp),
            None if tokens is None else [str(token) for token in tokens],
            None if times is None else _whole(times),
        )


def _whole(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _user_id(certificate: bytes | None) -> str | None:
    """The UID of the client certificate's subject: the pass type, and with it the topic."""
    if certificate is None:
        return None
    subject = x509.load_der_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.USER_ID)
    return str(names[0].value) if names else None


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the two servers listen."""

    push: int
    control: int


@contextlib.asynccontextmanager
async def listening(
    stand_in: PushStandIn,
    host: str,
    port: int,
    control_port: int,
    certificate: Path,
    key: Path,
    client_ca: Path,
) -> AsyncIterator[Ports]:
    """Both servers, for as long as the block lasts. Port 0 means a free one."""
    context = _tls_context(certificate, key, client_ca)
    control = _Control(stand_in)
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as at_the_end:
        pushes = await loop.create_server(lambda: _Line(stand_in, context), host, port)
        at_the_end.push_async_callback(_go_dark, stand_in, pushes)
        orders = await asyncio.start_server(control.serve, LOOPBACK, control_port)
        at_the_end.push_async_callback(control.hang_up)
        at_the_end.callback(orders.close)
        yield Ports(_port(pushes), _port(orders))


async def run(
    host: str, port: int, control_port: int, certificate: Path, key: Path, client_ca: Path
) -> None:
    """Serve until cancelled. `client_ca` is the root under which pass certificates stand; the
    intermediate between them comes with `certificate`, which carries its chain."""
    files = (certificate, key, client_ca)
    async with listening(PushStandIn(), host, port, control_port, *files) as ports:
        log.info("push_stand_in_listening", host=host, port=ports.push, control_port=ports.control)
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in at work in a thread of its own."""

    stand_in: PushStandIn
    port: int
    control_port: int

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def control_url(self) -> str:
        return f"http://{LOOPBACK}:{self.control_port}"


@contextlib.contextmanager
def running(
    certificate: Path,
    key: Path,
    client_ca: Path,
    *,
    port: int = 0,
    control_port: int = 0,
    stand_in: PushStandIn | None = None,
) -> Iterator[Running]:
    """The stand-in in a thread, for tests. The end of the block cuts all connections."""
    house = stand_in or PushStandIn()
    started: Future[tuple[Ports, Callable[[], object]]] = Future()

    async def serve() -> None:
        leave = asyncio.Event()
        loop = asyncio.get_running_loop()
        places = (LOOPBACK, port, control_port, certificate, key, client_ca)
        async with listening(house, *places) as ports:
            started.set_result((ports, lambda: loop.call_soon_threadsafe(leave.set)))
            await leave.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except Exception as trouble:
            if started.done():
                raise
            started.set_exception(trouble)

    thread = threading.Thread(target=work, name="push-stand-in", daemon=True)
    thread.start()
    ports, leave = started.result()
    try:
        yield Running(house, ports.push, ports.control)
    finally:
        leave()
        thread.join()


async def _go_dark(stand_in: PushStandIn, pushes: asyncio.Server) -> None:
    pushes.close()
    # Who was let in a moment ago becomes a connection only in the next round of the loop, and must
    # not be left with a line that nobody answers.
    for _ in range(2):
        stand_in.cut_connections()
        await asyncio.sleep(0)


def _tls_context(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    # Apple knows its own intermediates, so clients send their certificate alone. Ours comes with
    # the server's chain; what it vouches for must still end at the root.
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    return context


def _port(server: asyncio.Server) -> int:
    return cast(int, server.sockets[0].getsockname()[1])
