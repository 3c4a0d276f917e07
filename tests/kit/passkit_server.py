"""A small PassKit web service that keeps Apple's rules, or breaks one of them as published servers
do. Tests ask at the same address what Apple heard of it."""

import io
import json
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from flask import Flask, Response, request
from werkzeug.serving import make_server

PASS_TYPE = "pass.test"  # noqa: S105 - no password
TOKEN = "a-token-that-is-long-enough"  # noqa: S105 - of nobody
LIST = "/v1/devices/<device>/registrations/<pass_type>"


@dataclass
class Served:
    serial: str
    content: int = 0
    at: int = 1  # a counter: its place among all changes
    modified: int = field(default_factory=lambda: int(time.time()))


class PassKitServer:
    """Breaks the rules that `faults` name; without faults it keeps all."""

    def __init__(self, fault: str | None = None) -> None:
        self.fault = fault
        self.url = ""
        self.counter = 1
        self.passes = {serial: Served(serial) for serial in ("one", "two")}
        self.registered: dict[tuple[str, str], list[str]] = {}
        self.heard: Counter[str] = Counter()
        self.dying: set[str] = set()

    def change(self, serial: str) -> None:
        found = self.passes[serial]
        self.counter += 1
        found.content += 1
        found.at = self.counter
        now = int(time.time())
        # Ten minutes in place of a second, so that two changes are surely within one.
        coarse = self.fault == "coarse_dates"
        found.modified = now - now % 600 if coarse else max(now, found.modified + 1)
        for (_, changed), tokens in self.registered.items():
            if changed == serial:
                for token in list(tokens):
                    self._push(token, tokens)

    def _push(self, token: str, tokens: list[str]) -> None:
        if token not in self.dying:
            self.heard[token] += 1
            return
        self.dying.discard(token)
        if self.fault != "keeps_dead_token":
            tokens.remove(token)

    def bundle(self, serial: str) -> bytes:
        document = {
            "serialNumber": serial,
            "passTypeIdentifier": PASS_TYPE,
            "authenticationToken": TOKEN,
            "webServiceURL": self.url,
            "content": self.passes[serial].content,
        }
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("pass.json", json.dumps(document))
        return file.getvalue()

    # --- Apple's protocol ---

    def app(self) -> Flask:
        app = Flask(__name__)
        for rule, view, method in (
            (f"{LIST}/<serial>", self.register, "POST"),
            (f"{LIST}/<serial>", self.unregister, "DELETE"),
            (LIST, self.updated, "GET"),
            ("/v1/passes/<pass_type>/<serial>", self.fetch, "GET"),
            ("/v1/log", lambda: Response(), "POST"),
            ("/change/<serial>", self.changed, "POST"),
            ("/pushes/<token>", self.pushes, "GET"),
            ("/faults", self.kill, "POST"),
        ):
            app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])
        return app

    def may(self) -> bool:
        return request.headers.get("Authorization") == f"ApplePass {TOKEN}"

    def register(self, device: str, pass_type: str, serial: str) -> Response:
        if not self.may():
            return Response(status=401)
        tokens = self.registered.get((device, serial))
        token = request.get_json()["pushToken"]
        if tokens is None:
            self.registered[device, serial] = [token]
            return Response(status=201)
        if self.fault == "keeps_old_token":
            tokens.append(token)
        else:
            tokens[:] = [token]
        return Response(status=200)

    def unregister(self, device: str, pass_type: str, serial: str) -> Response:
        if not self.may():
            return Response(status=401)
        self.registered.pop((device, serial), None)
        return Response(status=200)

    def updated(self, device: str, pass_type: str) -> Response:
        if self.fault == "list_wants_token" and not self.may():
            return Response(status=401)
        theirs = [self.passes[serial] for of, serial in self.registered if of == device]
        if self.fault == "tells_strangers":
            theirs = list(self.passes.values())
        since = self._since(request.args.get("passesUpdatedSince"))
        if since is None:
            return Response("what date is that?", 400)
        newer = [one for one in theirs if one.at > since]
        if self.fault == "loses_serials" and newer:
            newer = [max(newer, key=lambda one: (one.at, one.serial))]
        if not newer:
            if self.fault == "empty_list":
                return self._json({"serialNumbers": [], "lastUpdated": "0"})
            return Response(status=204)
        at = max(one.at for one in newer)
        tag = {"repeats_tag": "1", "date_as_number": f"2026-01-01 00:00:{at:02}"}
        told = tag.get(self.fault or "", str(at))
        if self.fault == "number_tag":
            return self._json({"serialNumbers": [one.serial for one in newer], "lastUpdated": at})
        return self._json({"serialNumbers": [one.serial for one in newer], "lastUpdated": told})

    def _since(self, tag: str | None) -> float | None:
        if self.fault == "date_as_number" and tag is not None:
            try:
                return float(tag)
            except ValueError:
                return None
        return int(tag) if tag is not None and tag.isdigit() and len(tag) < 19 else 0

    @staticmethod
    def _json(told: object) -> Response:
        return Response(json.dumps(told), mimetype="application/json")

    def fetch(self, pass_type: str, serial: str) -> Response:
        if not self.may() and self.fault != "gives_to_anybody":
            return Response(status=401)
        modified = self.passes[serial].modified
        if self.fault == "dates_by_now":
            modified = int(time.time())
        known = request.headers.get("If-Modified-Since")
        is_known = known and parsedate_to_datetime(known).timestamp() >= modified
        if is_known and self.fault != "never_304":
            return Response(status=304)
        answer = Response(self.bundle(serial), mimetype="application/vnd.apple.pkpass")
        moment = datetime.fromtimestamp(modified, UTC)
        answer.headers["Last-Modified"] = format_datetime(moment, usegmt=True)
        return answer

    # --- what tests ask of it ---

    def changed(self, serial: str) -> Response:
        self.change(serial)
        return Response()

    def pushes(self, token: str) -> Response:
        after, ends_at = int(request.args["after"]), time.monotonic() + float(request.args["wait"])
        while self.heard[token] <= after and time.monotonic() < ends_at:
            time.sleep(0.01)
        return self._json({"count": self.heard[token], "last_at": None})

    def kill(self) -> Response:
        self.dying.update(request.get_json()["tokens"])
        return self._json({})


@contextmanager
def serving(fault: str | None = None) -> Iterator[PassKitServer]:
    service = PassKitServer(fault)
    server = make_server("127.0.0.1", 0, service.app(), threaded=True)
    service.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
