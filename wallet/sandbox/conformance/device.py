"""A device that has passes of one web service, and makes the requests that a phone makes: the right
ones, and those that a service must refuse."""

import io
import json
import time
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from wallet.sandbox.exchanges import ExchangeCaller, Journal, ServiceAnswer
from wallet.sandbox.passbook import MEDIA_TYPE
from wallet.sandbox.troubles import SandboxTrouble

AGENT = "passd/1.0 (iPhone; Kopilka conformance kit)"
MOST_PASS_JSON = 1024 * 1024
NEEDED = ("serialNumber", "passTypeIdentifier", "authenticationToken", "webServiceURL")

caller = ExchangeCaller("phone", AGENT, Journal())


@dataclass(frozen=True, slots=True)
class ProbePass:
    """What a pass says of its web service. `token` is its secret."""

    serial: str
    pass_type: str
    token: str
    service: str

    @classmethod
    def read(cls, bundle: bytes) -> "ProbePass":
        """Raises `SandboxTrouble` if this is no pass, or if the pass has no web service."""
        document = _pass_json(bundle)
        values = [document.get(name) for name in NEEDED]
        if not all(isinstance(value, str) and value for value in values):
            raise SandboxTrouble("no_web_service")
        serial, pass_type, token, service = map(str, values)
        return cls(serial, pass_type, token, service.rstrip("/"))


def card_from(source: str) -> ProbePass:
    """The pass at an address or in a file. Raises `SandboxTrouble`."""
    if not source.startswith(("http://", "https://")):
        try:
            return ProbePass.read(Path(source).read_bytes())
        except OSError as error:
            raise SandboxTrouble("no_pass_there", status=source) from error
    headers = {"Accept": MEDIA_TYPE}
    answer = caller.ask("GET", source, None, headers=headers, follow_redirects=True)
    if answer.status != 200:
        raise SandboxTrouble("no_pass_there", status=answer.status)
    return ProbePass.read(answer.content)


def _pass_json(bundle: bytes) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(bundle)) as archive, archive.open("pass.json") as file:
            document = json.loads(file.read(MOST_PASS_JSON))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, RuntimeError, ValueError) as error:
        raise SandboxTrouble("not_a_pass") from error
    if not isinstance(document, dict):
        raise SandboxTrouble("not_a_pass")
    return document


class ProbeDevice:
    """One device library identifier. `push_token` may be changed, as phones change theirs."""

    def __init__(self) -> None:
        self.id = token_hex(16)
        self.push_token = token_hex(32)

    def register(
        self, card: ProbePass, token: str | None = None, *, signed: bool = True
    ) -> ServiceAnswer:
        """Register for the pass; with `token`, under another secret than the pass's; without
        `signed`, under none."""
        return caller.ask(
            "POST",
            self._registration(card),
            None,
            headers=_authorization(token or card.token) if signed else {},
            body={"pushToken": self.push_token},
        )

    def unregister(self, card: ProbePass, *, signed: bool = True) -> ServiceAnswer:
        headers = _authorization(card.token) if signed else {}
        return caller.ask("DELETE", self._registration(card), None, headers=headers)

    def updated(self, card: ProbePass, since: str | None = None) -> ServiceAnswer:
        """What has changed among the passes of this card's service and type."""
        address = f"{card.service}/v1/devices/{self.id}/registrations/{quote(card.pass_type)}"
        if since is not None:
            address += f"?passesUpdatedSince={quote(since, safe='')}"
        return caller.ask("GET", address, None)

    def fetch(
        self,
        card: ProbePass,
        since: str | None = None,
        token: str | None = None,
        *,
        signed: bool = True,
    ) -> ServiceAnswer:
        headers = _authorization(token or card.token) if signed else {}
        if since is not None:
            headers["If-Modified-Since"] = since
        serial = quote(card.serial, safe="")
        address = f"{card.service}/v1/passes/{quote(card.pass_type)}/{serial}"
        return caller.ask("GET", address, None, headers=headers)

    def complain(self, card: ProbePass, line: str) -> ServiceAnswer:
        return caller.ask("POST", f"{card.service}/v1/log", None, body={"logs": [line]})

    def _registration(self, card: ProbePass) -> str:
        serial = quote(card.serial, safe="")
        pass_type = quote(card.pass_type)
        return f"{card.service}/v1/devices/{self.id}/registrations/{pass_type}/{serial}"


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"ApplePass {token}"}


class Pushes:
    """What Apple's stand-in has heard, at its `control_url`."""

    def __init__(self, control_url: str, wait_s: float) -> None:
        self._url = control_url.rstrip("/")
        self._wait_s = wait_s

    def count(self, token: str) -> int:
        return self._ask(token, 0, 0)

    def come(self, token: str, after: int) -> bool:
        """Whether more than `after` pushes came to this token, in the time that is waited."""
        deadline = time.monotonic() + self._wait_s
        while (left := deadline - time.monotonic()) > 0:
            if self._ask(token, after, min(left, 20.0)) > after:
                return True
        return False

    def kill(self, token: str) -> None:
        """Apple says of this token, once, that it is gone. A push after that would be taken, and
        be seen."""
        order = {
            "status": 410,
            "reason": "Unregistered",
            "timestamp": int(time.time() * 1000) + 60_000,
            "tokens": [token],
            "times": 1,
        }
        caller.ask("POST", f"{self._url}/faults", None, body=order)

    def _ask(self, token: str, after: int, wait_s: float) -> int:
        address = f"{self._url}/pushes/{token}?after={after}&wait={wait_s}"
        answer = caller.ask("GET", address, None, answer_timeout_s=wait_s + 5)
        try:
            return int(answer.json()["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise SandboxTrouble("no_stand_in", address=self._url) from error
