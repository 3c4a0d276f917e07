"""The control port: phones listen there, and it takes orders to misbehave."""

import asyncio
import json
from dataclasses import asdict
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, urlsplit

from wallet.sandbox.apns.stand_in import PushStandIn

MAX_CONTROL_BODY_BYTES = 1_000_000


class Control:
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
            # The client left, or does not speak HTTP: there is no client to answer.
            pass
        except asyncio.CancelledError:
            # `hang_up`: Python 3.11 reports a handler that was cancelled as if it had failed.
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
    """Carry out a body of `POST /faults`; its words are explained at the top of this package."""
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
