"""The stand-in as a web server: Google's addresses, and a few of its own for phones and orders."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER
from wallet.sandbox.google import api, saved_page
from wallet.sandbox.google.account import (
    LONGEST_TOKEN,
    SandboxAccount,
    ensure_account,
    token_uri,
    write_private,
)
from wallet.sandbox.google.api import ApiReply, Call
from wallet.sandbox.google.faults import CallFault, Manner
from wallet.sandbox.google.refusals import GoogleRefusal
from wallet.sandbox.google.resources import SavedCard
from wallet.sandbox.google.stand_in import GoogleStandIn
from wallet.sandbox.serving import LOOPBACK, bound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SAVE_PATH = "/gp/v/save/"
KEYS_PATH = "/gp/m/issuer/keys"
TOKEN_PATH = "/token"  # noqa: S105 - an address
BATCH_PATH = "/batch"
OWN_PATHS = ("/phone/", "/faults", "/stats")
MOST_BODY_BYTES = 10_000_000
LONGEST_WAIT_S = 30.0  # for a question for news

NOTHING_THERE = GoogleRefusal(404, "notFound", "There is nothing at this address.")


class GoogleWeb:
    """A WSGI application around a stand-in. `phone_url` is the page of its virtual phone."""

    def __init__(self, stand_in: GoogleStandIn, phone_url: str | None = None) -> None:
        self._stand_in = stand_in
        self._phone_url = phone_url

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        request = Request(environ)
        request.max_content_length = MOST_BODY_BYTES
        if self._stand_in.is_closed:
            self._cut(environ)
        if request.path.startswith(OWN_PATHS):
            return self._own(request)(environ, start_response)
        target = request.path if not request.query_string else request.full_path
        fault = self._stand_in.faults.strike(f"{request.method} {target}")
        if fault is not None and fault.manner == "slow":
            time.sleep(fault.delay_s)
        if fault is not None and fault.manner == "status":
            refusal = GoogleRefusal(fault.status, fault.reason, "Ordered by a fault.")
            answer = _response(api.refused(refusal, fault.retry_after_s))
        elif fault is not None and fault.manner == "silent":
            self._hang(environ)
        else:
            answer = self._answer(request, target, fault.manner if fault is not None else None)
        if fault is not None and fault.manner == "lost":
            self._hang(environ)
        if fault is not None and fault.manner == "cut":
            self._cut(environ)
        return answer(environ, start_response)

    def _answer(self, request: Request, target: str, manner: Manner | None) -> Response:
        data, path, own_url = request.get_data(), request.path, request.host_url.rstrip("/")
        call = Call(request.method, target, data, request.headers.get("Authorization", ""))
        try:
            if path.startswith(api.ROOT):
                return _response(api.answer(self._stand_in, call, own_url))
            match request.method, path:
                case "POST", "/batch" | "/batch/walletobjects/v1":
                    kind = request.headers.get("Content-Type", "")
                    kind, body = api.answer_batch(self._stand_in, call, kind, own_url, manner)
                    return Response(body, content_type=kind)
                case "POST", "/token":
                    return self._grant(request, f"{own_url}{TOKEN_PATH}")
                case "GET", "/gp/m/issuer/keys":
                    keys = self._stand_in.seal.root_keys(self._stand_in.clock())
                    return _response(ApiReply(200, keys))
                case "GET", _ if path.startswith(SAVE_PATH):
                    return self._save(request, path.removeprefix(SAVE_PATH))
        except GoogleRefusal as refusal:
            self._stand_in.count_refusal()
            return _response(api.refused(refusal))
        return _response(api.refused(NOTHING_THERE))

    def _grant(self, request: Request, own_uri: str) -> Response:
        keeper = self._stand_in.doorkeeper
        try:
            granted = keeper.grant(request.form.to_dict(), own_uri, self._stand_in.clock())
        except ValueError as error:
            body = {"error": "invalid_grant", "error_description": str(error)}
            return _response(ApiReply(400, body))
        return _response(ApiReply(200, granted))

    def _save(self, request: Request, token: str) -> Response:
        if len(token) > LONGEST_TOKEN:
            what = f"The token is longer than {LONGEST_TOKEN} characters."
            raise GoogleRefusal(400, "invalid", what)
        ids = self._stand_in.save(token)
        # Browsers accept many types as gladly as HTML; a client that names none gets what programs
        # read.
        if request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html":
            card = self._stand_in.resources.card(ids[-1])
            return saved_page.response(request, card, self._phone_url)
        return _response(ApiReply(200, {"objectIds": ids}))

    def _own(self, request: Request) -> Response:
        """What the sandbox's phones ask, and what people order by hand. Orders are JSON, which a
        form on another site cannot send."""
        try:
            if request.method == "GET" and request.path == "/stats":
                return _response(ApiReply(200, asdict(self._stand_in.stats)))
            if request.method == "GET" and request.path == "/phone/news":
                return _response(ApiReply(200, self._news(request)))
            if request.method == "POST" and request.is_json:
                order = json.loads(request.get_data())
                if request.path == "/phone/remove":
                    self._stand_in.remove(str(order["id"]))
                    return _response(ApiReply(200, {}))
                if request.path == "/faults":
                    apply_faults(self._stand_in, order)
                    return _response(ApiReply(200, {}))
        except GoogleRefusal as refusal:
            return _response(api.refused(refusal))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            return _response(ApiReply(400, {"error": f"{type(wrong).__name__}: {wrong}"}))
        hint = "GET /phone/news, POST /phone/remove, POST /faults, GET /stats"
        return _response(ApiReply(404, {"error": hint}))

    def _news(self, request: Request) -> dict[str, object]:
        ids = [id_ for id_ in request.args.get("ids", "").split(",") if id_]
        wait_s = min(float(request.args.get("wait", "0")), LONGEST_WAIT_S)
        after = int(request.args.get("after", "-1"))
        revision, cards = self._stand_in.resources.news(ids, after, wait_s)
        return {"revision": revision, "cards": [_card(card) for card in cards]}

    def _hang(self, environ: "WSGIEnvironment") -> None:
        self._stand_in.hang()
        self._cut(environ)

    @staticmethod
    def _cut(environ: "WSGIEnvironment") -> None:
        """Close the connection without an answer."""
        with contextlib.suppress(OSError):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


def apply_faults(stand_in: GoogleStandIn, order: dict[str, Any]) -> None:
    """Carry out a body of `POST /faults`; its words are explained at the top of this package."""
    if not isinstance(order, dict):
        raise TypeError("an order is an object")
    order = dict(order)
    if order.pop("clear", False):
        stand_in.faults.clear()
        stand_in.callbacks()
    if order.pop("forget_tokens", False):
        stand_in.doorkeeper.forget()
    if "callbacks" in order:
        stand_in.callbacks(*order.pop("callbacks"))
    if order:
        stand_in.faults.order(CallFault.ordered(order))


def _card(card: SavedCard) -> dict[str, object]:
    return {
        "id": card.id,
        "revision": card.revision,
        "held": card.is_held,
        "class": card.class_,
        "object": card.object_,
        "notices": [
            {
                "number": one.number,
                "header": one.header,
                "body": one.body,
                "field": one.field,
                "localizedHeader": one.localized_header,
                "localizedBody": one.localized_body,
            }
            for one in card.notices
        ],
    }


def _response(reply: ApiReply) -> Response:
    answer = Response(reply.data(), reply.status, reply.headers)
    answer.content_type = "application/json; charset=UTF-8"
    return answer


@dataclass(frozen=True, slots=True)
class RunningGoogle:
    """A running stand-in. `credentials` is the key file of the account that may call it."""

    stand_in: GoogleStandIn
    port: int
    credentials: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def save_url(self) -> str:
        return self.url + SAVE_PATH

    @property
    def keys_url(self) -> str:
        return self.url + KEYS_PATH


def machine_clock() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def running(
    credentials: Path,
    *,
    issuer: str = SANDBOX_GOOGLE_ISSUER,
    port: int = 0,
    callback_url: str | None = None,
    clock: Callable[[], datetime] = machine_clock,
    memory: Path | None = None,
    phone_url: str | None = None,
) -> Iterator[RunningGoogle]:
    """The stand-in in threads of its own, for as long as the block lasts; port 0 means a free one.
    Writes the account's key file if it is not there. With the file `memory`, what is kept outlives
    the block. `phone_url`: the page of the virtual phones, if there is one. Raises `SandboxTrouble`
    if the port is taken."""
    late = _Late()
    with bound(late, port) as taken:
        ensure_account(credentials, token_uri(taken), clock())
        stand_in = GoogleStandIn(
            issuer, SandboxAccount.read(credentials), clock, callback_url=callback_url
        )
        if memory is not None and memory.exists():
            stand_in.resources.recall(json.loads(memory.read_text()))
        late.app = GoogleWeb(stand_in, phone_url)
        try:
            yield RunningGoogle(stand_in, taken, credentials)
        finally:
            stand_in.close()
            if memory is not None:
                write_private(memory, json.dumps(stand_in.resources.remembered()))


class _Late:
    """Holds the place of an application that needs to know its port before it can be made."""

    app: GoogleWeb | None = None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        app = self.app or Response(status=503)
        return app(environ, start_response)
