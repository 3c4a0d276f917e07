"""Texts to phones by a service outside: an SMS, or a call that reads the text out. Which service it
is, the settings say, by a template of its request."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

from wallet.channels.channel import NotTaken, Outgoing
from wallet.configuration.settings import DIGITS, PHONE, TEXT, GatewaySettings

CONNECT_LIMIT_S, ANSWER_LIMIT_S = 3.0, 10.0
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class GatewayChannel:
    """Each message is one request. The service took it if it answers 2xx."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings

    def send(self, message: Outgoing) -> None:
        """As `Channel.send`."""
        told = {PHONE: message.to, DIGITS: message.to.removeprefix("+"), TEXT: message.text}
        url = _filled(self._settings.url, {place: quote(said, "") for place, said in told.items()})
        body, kind = _body(self._settings.body, told)
        headers = {"Content-Type": kind} if body is not None else {}
        try:
            with requests.Session() as session:
                session.trust_env = False  # no password of a .netrc, whatever host it is
                answer = session.request(
                    self._settings.method,
                    url,
                    data=body,
                    headers={**headers, **self._settings.headers},
                    timeout=(CONNECT_LIMIT_S, ANSWER_LIMIT_S),
                    allow_redirects=False,
                    stream=True,  # what it writes is not read
                )
        except requests.RequestException as error:
            # Its words quote the address.
            raise NotTaken(type(error).__name__) from None
        if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
            raise NotTaken(f"answered {answer.status_code}")


def _body(template: str | None, told: dict[str, str]) -> tuple[bytes | None, str]:
    """The body with what is told in its places, and what it is: JSON if the template is, otherwise
    a form. Neither number nor text can get out of its place."""
    if template is None:
        return None, ""
    try:
        document = json.loads(template)
    except ValueError:
        quoted = {place: quote(said, "") for place, said in told.items()}
        return _filled(template, quoted).encode(), FORM
    return json.dumps(_within(document, told)).encode(), JSON


def _within(part: Any, told: dict[str, str]) -> Any:
    """A JSON document with its texts filled in."""
    match part:
        case str():
            return _filled(part, told)
        case list():
            return [_within(one, told) for one in part]
        case dict():
            return {name: _within(one, told) for name, one in part.items()}
    return part


def _filled(template: str, told: dict[str, str]) -> str:
    """The number comes before the text, which is ours and names no place."""
    for place, said in told.items():
        template = template.replace(place, said)
    return template
