"""Google's REST calls as values: a call goes in, a reply comes out, alone or as part of a batch."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wallet.sandbox.google.faults import Manner
from wallet.sandbox.google.refusals import GoogleRefusal, Violation, invalid
from wallet.sandbox.google.resources import KINDS, StoredKind
from wallet.sandbox.google.schema import JsonBody
from wallet.sandbox.google.stand_in import GoogleStandIn

ROOT = "/walletobjects/v1/"
MOST_PARTS = 1000
ANSWERS_ONLY: tuple[Manner, ...] = ("status",)  # a part of a batch cannot hang by itself
BOUNDARY = "batch_of_the_stand_in"

# What every call may have in its query, and what lists have besides.
COMMON = frozenset({"fields", "alt", "prettyPrint", "key", "quotaUser"})
LISTING = frozenset({"maxResults", "token"})

_MASK = re.compile(r"[A-Za-z0-9_]+|[(),/*]")


@dataclass(frozen=True, slots=True)
class Call:
    """`target` is path and query, `authorization` the header."""

    method: str
    target: str
    body: bytes = b""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class ApiReply:
    status: int
    body: JsonBody
    headers: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False, indent=1).encode()


def refused(refusal: GoogleRefusal, retry_after_s: int | None = None) -> ApiReply:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return ApiReply(refusal.status, refusal.body(), headers)


def answer(stand_in: GoogleStandIn, call: Call, own_url: str) -> ApiReply:
    """The reply to one call, which is counted against the rate and must be admitted."""
    try:
        stand_in.count()
        stand_in.doorkeeper.admit(call.authorization, stand_in.clock())
        return ApiReply(200, _do(stand_in, call, own_url))
    except GoogleRefusal as refusal:
        stand_in.count_refusal()
        return refused(refusal)


def answer_batch(
    stand_in: GoogleStandIn, call: Call, content_type: str, own_url: str, manner: Manner | None
) -> tuple[str, bytes]:
    """Content type and body of the reply to a `multipart/mixed` of calls, each with a status of its
    own. If the batch is to be cut, only its first half is carried out."""
    parts = _parts(call.body, content_type)
    stand_in.count(parts=len(parts))
    stand_in.doorkeeper.admit(call.authorization, stand_in.clock())
    pieces = []
    if manner == "cut":
        parts = parts[: len(parts) // 2]
    for content_id, inner in parts:
        reply = _part(stand_in, inner, own_url)
        data = reply.data()
        pieces.append(
            f"--{BOUNDARY}\r\nContent-Type: application/http\r\n"
            f"Content-ID: <response-{content_id.strip('<>')}>\r\n\r\n"
            f"HTTP/1.1 {reply.status} -\r\nContent-Type: application/json; charset=UTF-8\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
            + b"\r\n"
        )
    if manner == "shuffled":
        pieces.reverse()
    whole = b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()
    return f"multipart/mixed; boundary={BOUNDARY}", whole


def _part(stand_in: GoogleStandIn, call: Call, own_url: str) -> ApiReply:
    fault = stand_in.faults.strike(f"{call.method} {call.target}", ANSWERS_ONLY)
    try:
        if fault is not None:
            raise GoogleRefusal(fault.status, fault.reason, "Ordered by a fault.")
        return ApiReply(200, _do(stand_in, call, own_url))
    except GoogleRefusal as refusal:
        stand_in.count_refusal()
        return refused(refusal)


def _parts(body: bytes, content_type: str) -> list[tuple[str, Call]]:
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("latin-1")
    message = message_from_bytes(head + body, policy=policy.compat32)
    parts = message.get_payload()
    if message.get_content_type() != "multipart/mixed" or not isinstance(parts, list):
        raise GoogleRefusal(400, "badRequest", "A batch is multipart/mixed with a boundary.")
    found = []
    for part in parts:
        if not isinstance(part, Message) or part.get_content_type() != "application/http":
            raise GoogleRefusal(400, "badRequest", "A part of a batch is application/http.")
        data = part.get_payload(decode=True)
        inner = data if isinstance(data, bytes) else b""
        found.append((str(part.get("Content-ID", "")), _inner(inner)))
    if not 0 < len(found) <= MOST_PARTS:
        raise GoogleRefusal(400, "badRequest", f"A batch has 1 to {MOST_PARTS} calls.")
    return found


def _inner(data: bytes) -> Call:
    head, _, body = data.replace(b"\r\n", b"\n").lstrip(b"\n").partition(b"\n\n")
    request_line = head.split(b"\n", 1)[0].decode("latin-1").split(" ")
    if len(request_line) < 2:
        raise GoogleRefusal(400, "badRequest", "A part of a batch begins with a request line.")
    return Call(request_line[0], request_line[1], body)


def _do(stand_in: GoogleStandIn, call: Call, own_url: str) -> JsonBody:
    url = urlsplit(call.target)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    steps = [unquote(step) for step in url.path.removeprefix(ROOT).split("/")]
    if call.method == "POST" and steps == ["jwt"] and url.path.startswith(ROOT):
        token = str(_json(call.body).get("jwt", ""))
        resources = stand_in.insert_token(token)
        return {"saveUri": f"{own_url}/gp/v/save/{token}", "resources": resources}
    kind = KINDS.get(steps[0]) if url.path.startswith(ROOT) else None
    if kind is None:
        raise GoogleRefusal(404, "notFound", "Requested entity was not found.")
    mask = query.get("fields")
    found = _on_resource(stand_in, call, kind, steps[1:], query)
    return found if mask is None else _masked(found, _read_mask(mask))


def _on_resource(
    stand_in: GoogleStandIn, call: Call, kind: StoredKind, rest: list[str], query: Mapping[str, str]
) -> JsonBody:
    resources = stand_in.resources
    parent = "issuerId" if kind.of is None else "classId"
    _require_known(query, COMMON | (LISTING | {parent} if not rest else frozenset()))
    match call.method, rest:
        case "GET", []:
            if parent not in query:
                raise invalid(Violation(parent, f"Required parameter {parent} is missing."))
            most = query.get("maxResults")
            if most is not None and (not most.isdigit() or int(most) < 1):
                raise invalid(Violation("maxResults", "maxResults is a number above zero."))
            limit = None if most is None else int(most)
            return resources.listed(kind, query[parent], limit, query.get("token"))
        case "POST", []:
            return resources.insert(kind, _json(call.body))
        case "GET", [id_]:
            return resources.get(kind, id_)
        case "PATCH", [id_]:
            return resources.patch(kind, id_, _json(call.body))
        case "PUT", [id_]:
            return resources.put(kind, id_, _json(call.body))
        case "POST", [id_, "addMessage"]:
            return resources.add_message(kind, id_, _json(call.body))
    raise GoogleRefusal(404, "notFound", "Method not found.")


def _require_known(query: Mapping[str, str], known: frozenset[str]) -> None:
    for name in query:
        if name not in known:
            raise invalid(
                Violation(
                    name,
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query'
                    " parameter.",
                )
            )


def _json(data: bytes) -> JsonBody:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise GoogleRefusal(400, "parseError", "Invalid JSON payload received.") from error
    if not isinstance(found, dict):
        raise invalid(
            Violation("", "Invalid JSON payload received. Root element must be a message.")
        )
    return found


Mask = dict[str, Any]


def _read_mask(text: str) -> Mask:
    """`id,pagination/nextPageToken` or `resources(id,hasUsers)` as names within names."""
    tokens = _MASK.findall(text)
    mask, rest = _read_names(tokens)
    if rest or not mask or "".join(tokens) != text.replace(" ", ""):
        raise invalid(Violation("fields", f"Invalid field selection {text[:60]}."))
    return mask


def _read_names(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens and tokens[0] not in "),":
        name, inner = tokens[0], mask.setdefault(tokens[0], {})
        tokens = tokens[1:]
        while tokens and tokens[0] == "/":
            if len(tokens) < 2:
                return {}, tokens
            name, tokens = tokens[1], tokens[2:]
            inner = inner.setdefault(name, {})
        if tokens and tokens[0] == "(":
            found, tokens = _read_names(tokens[1:])
            inner.update(found)
            tokens = tokens[1:]
        if tokens and tokens[0] == ",":
            tokens = tokens[1:]
    return mask, tokens


def _masked(value: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [_masked(one, mask) for one in value]
    if isinstance(value, dict):
        return {name: _masked(value[name], mask[name]) for name in mask if name in value}
    return value
