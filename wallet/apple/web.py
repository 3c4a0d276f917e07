"""The PassKit Web Service: what phones ask (Apple, "PassKit Web Service Reference").

Callers: `register`, `unregister` and `get_pass` take the pass's own token (`Authorization:
ApplePass …`). `updated` and `log` take none, by Apple's protocol; there the device library
identifier is the secret. `personalize` takes none either: a person who knows the serial number of a
pass that still asks may answer, once."""

import hmac
import re
import select
import socket
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime

import orjson
import structlog
from flask import Blueprint, Response, abort, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from ledger.database.engine import Database
from wallet.apple import arrivals, complaints, devices, personalization
from wallet.apple.bundle import MEDIA_TYPE
from wallet.apple.personalization import Renew
from wallet.apple.signed_passes import SignedPasses, StoredPass
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.passes import issued
from wallet.passes.issued import Pass
from wallet.problems import refuse

SCHEME = "ApplePass"
CONNECTION = "gunicorn.socket"  # where our server names the connection of a request

log = structlog.get_logger()

MOST_BODY_BYTES = 64 * 1024

# Apple chooses these values and does not say what is in them. We only bound them, since they stand
# in addresses.
DEVICE_ID = re.compile(r"[\x21-\x7e]{1,200}")
PUSH_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,200}")
TAG = re.compile(r"[0-9]{1,18}")

REGISTRATIONS = "/v1/devices/<device_id>/registrations/<pass_type>"


class PassKitService:
    """The web service on one database. `renew` renders cards anew after an enrolment."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        signed_passes: SignedPasses,
        clock: Clock,
        renew: Renew,
    ) -> None:
        self._renew = renew
        self._database = database
        self._keys = keys
        self._signed_passes = signed_passes
        self._clock = clock

    def blueprint(self) -> Blueprint:
        """The routes of the web service, below `/apple`."""
        routes = Blueprint("apple", __name__, url_prefix="/apple")
        for rule, view, method in (
            (f"{REGISTRATIONS}/<serial>", self.register, "POST"),
            (f"{REGISTRATIONS}/<serial>", self.unregister, "DELETE"),
            (REGISTRATIONS, self.updated, "GET"),
            ("/v1/passes/<pass_type>/<serial>", self.get_pass, "GET"),
            ("/v1/passes/<pass_type>/<serial>/personalize", self.personalize, "POST"),
            ("/v1/log", self.log, "POST"),
        ):
            routes.add_url_rule(rule, view.__name__, view, methods=[method])
        return routes

    def register(self, device_id: str, pass_type: str, serial: str) -> Response:
        """201 for a new registration, 200 for a known one. In both cases a different push token
        replaces the old one."""
        self._authorised(pass_type, serial)
        body = _json_object()
        token = body.get("pushToken")
        if not isinstance(token, str) or not PUSH_TOKEN.fullmatch(token):
            refuse(400, "push_token_missing")
        if not DEVICE_ID.fullmatch(device_id):
            refuse(400, "device_id_invalid")
        now = self._clock()
        is_new = self._database.run(
            lambda session: devices.register(
                session, self._keys, self._again(session, serial), device_id, token, now
            )
        )
        return Response(status=201 if is_new else 200)

    def unregister(self, device_id: str, pass_type: str, serial: str) -> Response:
        """200 even if there was no such registration: phones repeat this request."""
        self._authorised(pass_type, serial)

        def work(session: Session) -> None:
            pass_ = self._again(session, serial)
            devices.unregister(session, self._keys, pass_, device_id, self._clock())
            arrivals.happened(session, [pass_.id], "removed", self._clock())

        self._database.run(work)
        return Response(status=200)

    def updated(self, device_id: str, pass_type: str) -> Response:
        """200 with serial numbers and a later tag than the phone has, or 204; never 401."""
        tag = request.args.get("passesUpdatedSince", "")
        since = int(tag) if TAG.fullmatch(tag) else None
        listing = None
        if DEVICE_ID.fullmatch(device_id) and DEVICE_ID.fullmatch(pass_type):
            listing = devices.updated(self._database, self._keys, device_id, pass_type, since)
        if listing is None:
            answer = Response(status=204)
        else:
            # Apple's lastUpdated is a string, also where it looks like a number.
            body = {"serialNumbers": listing.serials, "lastUpdated": str(listing.last_updated)}
            answer = Response(orjson.dumps(body), mimetype="application/json")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def get_pass(self, pass_type: str, serial: str) -> Response:
        """The stored version, or 304 when the phone has it already. Only an answer that carries the
        card, all of it, is proof that it arrived: a 304 carries nothing, nor does a HEAD, which
        phones send as well. Who asks for a part of it gets the whole."""
        found, now = self._authorised(pass_type, serial), self._clock()
        known = _http_date(request.headers.get("If-Modified-Since"))
        if known is not None and known >= found.last_modified:
            answer = Response(status=304)
        else:
            body = self._signed_passes.rendered(found, now)
            if request.method == "HEAD":
                answer = Response(body, mimetype=MEDIA_TYPE)
            else:
                connection = request.environ.get(CONNECTION)
                answer = Response(self._carry(found, body, connection), mimetype=MEDIA_TYPE)
                answer.content_length = len(body)
        answer.headers["Last-Modified"] = formatdate(found.last_modified, usegmt=True)
        answer.headers["Cache-Control"] = "private, no-cache"
        answer.headers["Accept-Ranges"] = "none"
        return answer

    def _carry(
        self, found: StoredPass, body: bytes, connection: socket.socket | None
    ) -> Iterator[bytes]:
        """The body of an answer; once the server has sent all of it, it is noted as arrived."""
        taken = False
        try:
            yield body
            # The server comes back for more only when the system has taken all bytes, and never if
            # it failed to send them. A client that hung up meanwhile may show itself by now.
            taken = connection is None or not _is_broken(connection)
        finally:
            if not taken:
                log.info("pass_not_taken", pass_id=found.id)
        if not taken:
            return
        try:
            now = self._clock()
            self._signed_passes.arrived(found, now)
            if found.content.voided:
                self._database.run(lambda session: devices.told_it_is_void(session, found.id, now))
        except Exception:
            # The answer is out and right. What is lost is the note, and the next fetch writes it.
            log.exception("arrival_not_noted", pass_id=found.id)

    def personalize(self, pass_type: str, serial: str) -> Response:
        """The owner says who they are; the answer is the token of the request, signed. 404 for
        every pass that does not ask, whether it exists or not. The same answer may come twice; a
        different one is refused."""
        body = _json_object()
        token, info = body.get("personalizationToken"), body.get("requiredPersonalizationInfo")
        if not isinstance(token, str) or not 0 < len(token) <= personalization.LONGEST_TOKEN:
            refuse(400, "personalization_token_missing")
        if not isinstance(info, dict):
            refuse(400, "personalization_info_missing")
        if "Authorization" in request.headers:  # not asked for; but if sent, it must be right
            self._authorised(pass_type, serial)
        now = self._clock()

        def take(session: Session) -> bool:
            pass_ = issued.by_serial(session, serial)
            if pass_ is None or pass_.pass_type != pass_type:
                return False
            return personalization.answer(session, pass_, token, info, self._renew, now)

        if not self._database.run(take):
            refuse(404, "not_found", text="nothing_asks")
        signed = self._signed_passes.signed(pass_type, token, now)
        answer = Response(signed, mimetype="application/octet-stream")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def log(self) -> Response:
        """Complaints of phones. Anybody may write here, so the lines are bounded and never
        trusted."""
        lines = _json_object().get("logs")
        if not isinstance(lines, list):
            refuse(400, "logs_missing")
        with self._database.transaction() as session:
            complaints.keep(session, lines, self._clock())
        return Response(status=200)

    def _authorised(self, pass_type: str, serial: str) -> StoredPass:
        """The pass for which this request has the token. An unknown pass and a wrong token get the
        same answer after the same amount of work, so that serial numbers cannot be guessed."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = self._signed_passes.find(serial)
        known = found is not None and found.pass_type == pass_type
        if found is not None and known:
            expected = self._signed_passes.token(found)
        else:
            expected = self._signed_passes.token_of_nobody(pass_type, serial)
        matches = hmac.compare_digest(expected.encode(), token.encode())
        if found is None or not (known and matches and scheme == SCHEME):
            abort(Response(status=401))
        return found

    @staticmethod
    def _again(session: Session, serial: str) -> Pass:
        """The pass, read again in the transaction that will change something about it."""
        pass_ = issued.by_serial(session, serial)
        if pass_ is None:  # erased a moment ago
            abort(Response(status=401))
        return pass_


def _is_broken(connection: socket.socket) -> bool:
    """Whether the other side has thrown away what we sent. That it says no more (a half-closed
    connection) is no sign of it."""
    try:
        ear = select.poll()
        ear.register(connection.fileno(), 0)  # errors are always reported
        return bool(ear.poll(0))
    except (OSError, ValueError):  # closed by us
        return True


def _json_object() -> dict[str, object]:
    if (request.content_length or 0) > MOST_BODY_BYTES:
        refuse(413, "body_too_large")
    if request.content_type and not request.is_json:
        refuse(415, "not_json")
    try:
        body = request.get_json(force=True)  # some devices name no type at all
    except HTTPException as error:
        if error.code != 400:
            raise
        refuse(400, "malformed_json")
    if not isinstance(body, dict):
        refuse(400, "malformed_json", text="not_an_object")
    return body


def _http_date(value: str | None) -> int | None:
    """Seconds since 1970 of an HTTP date (RFC 9110); None if there is none or it cannot be read."""
    if not value:
        return None
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, OverflowError):
        return None
