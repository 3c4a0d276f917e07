"""The push port: one connection of a client, from TLS up to HTTP/2."""

import asyncio
import contextlib
import ssl
import uuid
from http import HTTPStatus
from typing import cast

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

from wallet.sandbox.apns.pushes import MAX_PAYLOAD_BYTES, Push, PushAnswer
from wallet.sandbox.apns.stand_in import PushStandIn

log = structlog.get_logger()

MAX_STREAMS = 1000  # open at a time, for a client that is known
FAREWELL_S = 5.0  # for the client to close; then the connection is cut


class PushLine(asyncio.Protocol):
    """One connection of a client: bytes through TLS to HTTP/2 and back.

    TLS is driven by hand: asyncio closes a refused handshake before the alert that says why is out,
    and cannot cut a connection without a goodbye."""

    def __init__(self, stand_in: PushStandIn, context: ssl.SSLContext) -> None:
        self._stand_in = stand_in
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._http = H2Connection(H2Configuration(client_side=False))
        self._is_ready = False
        self._visitor = stand_in.welcome(None)
        self._streams_allowed = 0
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
        """End the connection without a word, as when a cable is pulled."""
        self._unanswered.clear()
        self._transport.abort()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        if self._tls.selected_alpn_protocol() != "h2":
            raise ProtocolError("the client does not offer HTTP/2")
        self._visitor = self._stand_in.welcome(_user_id(self._tls.getpeercert(binary_form=True)))
        self._http.initiate_connection()
        self._allow_streams()
        self._is_ready = True
        return True

    def _allow_streams(self) -> None:
        """A client without a certificate gets one stream at a time, and all of them once one of its
        tokens was good."""
        allowed = MAX_STREAMS if self._visitor.is_known else 1
        if allowed != self._streams_allowed:
            self._streams_allowed = allowed
            self._http.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: allowed})

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
        answer = self._stand_in.judge(push, self._visitor)
        self._allow_streams()
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

    def _answer_late(self, stream: int, message_id: str, answer: PushAnswer) -> None:
        self._answer(stream, message_id, answer)
        self._flush()

    def _answer(self, stream: int, message_id: str, answer: PushAnswer) -> None:
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


def _user_id(certificate: bytes | None) -> str | None:
    """The UID of the client certificate's subject: the pass type, and with it the topic."""
    if certificate is None:
        return None
    subject = x509.load_der_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.USER_ID)
    return str(names[0].value) if names else None
