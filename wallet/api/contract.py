"""What the framework cannot know of our API: keys, problems, examples. Completes the OpenAPI
document that it makes from routes and models."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from wallet import problems
from wallet.api.bodies import Problem
from wallet.installation import here

PROBLEM = "Problem"
ALWAYS = (401, 403, 429, 500)
WITH_BODY = (400, 413, 415, 422)

MEMBER = {
    "id": "01a20f22-e6c7-77b8-8c9e-bf842686aa7e",
    "programme": "demo",
    "card": {"number": "7167993484019286", "barcode": "7167993484019286"},
    "balance": {"available": 70, "pending": 0, "held": 0},
    "links": {
        "card": "https://cards.example.com/card/da5f253d131ab4bc252bc811af061afb.pP2BUnlAKcCNZzrf",
        "apple": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKcCNZzrf/apple.pkpass",
        "google": None,
    },
}
PERSON = {
    "name": "Anna",
    "phone": "+79991234567",
    "email": "anna@example.com",
    "birthday": "1990-02-28",
    "locale": "en",
    "external_id": "c-1001",
}
CONSENT = {
    "purpose": "marketing",
    "given": True,
    "text_version": "offers-2026-11",
    "at": "2026-11-24T12:00:00Z",
}
IN_FULL = {**MEMBER, **PERSON, "consents": [{**CONSENT, "source": "api"}]}
PROGRAMME = {
    "code": "demo",
    "name": "Кофейня «Копилка»",
    "locale": "ru",
    "timezone": "Europe/Moscow",
    "points_live_days": None,
    "links": {
        "join": "https://cards.example.com/join/demo",
        "privacy": "https://cards.example.com/join/demo/privacy",
    },
}
OFFER = {
    "id": "01a20f22-e8b2-70f7-803f-f892725756e7",
    "programme": "demo",
    "title": "Latte −20 %",
    "text": "Until Friday",
    "member": None,
    "from": "2026-11-24T12:00:00Z",
    "until": "2027-01-01T00:00:00Z",
    "withdrawn_at": None,
}
POSTING = {
    "id": "01a20f22-e854-7493-982b-a92daf507b36",
    "member": MEMBER["id"],
    "points": 100,
    "balance": {"available": 170, "pending": 0, "held": 0},
}
LINE = {
    "id": POSTING["id"],
    "kind": "accrual",
    "points": 100,
    "balance_after": 170,
    "reason": "Coffee and cake",
    "receipt": "1001",
    "occurred_at": "2026-11-24T12:00:00Z",
    "posted_at": "2026-11-24T12:00:01Z",
}
KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "New for each operation, the same when it is repeated.",
    "example": "receipt-1001",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one call: its answer and body as examples, its own refusals, and whether an
    idempotency key is required (None: there is none)."""

    answer: dict[str, Any]
    body: dict[str, Any] | None = None
    refusals: tuple[int, ...] = ()
    key_required: bool | None = None


CALLS = {
    ("get", "/api/v1/programmes"): Told(
        {"items": [PROGRAMME], "next_cursor": None}, refusals=(422,)
    ),
    ("post", "/api/v1/members"): Told(
        answer=MEMBER,
        body={"programme": "demo", **PERSON, "consents": [CONSENT]},
        refusals=(404, 409),
        key_required=True,
    ),
    ("get", "/api/v1/members/{member_id}"): Told(IN_FULL, refusals=(404,)),
    ("patch", "/api/v1/members/{member_id}"): Told(
        answer={**IN_FULL, "email": None},
        body={"name": "Anna", "email": None},
        refusals=(404, 409),
    ),
    ("get", "/api/v1/members"): Told({"items": [IN_FULL], "next_cursor": None}, refusals=(422,)),
    ("get", "/api/v1/members/{member_id}/postings"): Told(
        {"items": [LINE], "next_cursor": "MQ"}, refusals=(404, 422)
    ),
    ("post", "/api/v1/accruals"): Told(
        answer=POSTING,
        body={
            "card": "7167993484019286",
            "points": 100,
            "reason": "Coffee and cake",
            "receipt": "1001",
            "expires_at": "2027-11-24T23:59:59+03:00",
        },
        refusals=(404, 409),
        key_required=True,
    ),
    ("post", "/api/v1/redemptions"): Told(
        answer={**POSTING, "points": 30},
        body={"card": "7167993484019286", "points": 30, "receipt": "1002"},
        refusals=(404, 409),
        key_required=True,
    ),
    ("get", "/api/v1/offers"): Told({"items": [OFFER], "next_cursor": None}, refusals=(404, 422)),
    ("post", "/api/v1/offers"): Told(
        answer=OFFER,
        body={
            "programme": "demo",
            "title": "Latte −20 %",
            "text": "Until Friday",
            "until": "2027-01-01T00:00:00Z",
        },
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/offers/{offer_id}/withdraw"): Told(
        answer={**OFFER, "withdrawn_at": "2026-11-25T09:30:00Z"},
        refusals=(404,),
    ),
    ("post", "/api/v1/scans"): Told(
        answer={
            **MEMBER,
            "name": "Anna",
            "offers": [{"id": "01a20f22-e8b2-70f7-803f-f892725756e7", "title": "Latte −20 %"}],
        },
        body={"barcode": "7167993484019286"},
        refusals=(404,),
    ),
    ("post", "/webhooks/{source}"): Told(
        answer={"id": POSTING["id"], "balance": POSTING["balance"]},
        body={
            "type": "points.accrued",
            "timestamp": "2026-11-24T12:00:00Z",
            "data": {"card": "7167993484019286", "points": 100, "reason": "Coffee"},
        },
        refusals=(404, 409),
    ),
}


def complete(spec: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with all that belongs to it."""
    spec["info"]["description"] = (
        "Members, points and offers. Errors are application/problem+json with a stable code;"
        " points are integers; times are RFC 3339 with a zone."
    )
    # Not what the first caller named as our host: clients send their keys to this address.
    spec["servers"] = [{"url": here().settings.public_url}]
    components = spec["components"]
    components["schemas"].pop("ValidationError", None)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"].update(schema.pop("$defs"))
    components["schemas"][PROBLEM] = {**schema, "additionalProperties": True}
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key."}
    }
    for path, methods in spec["paths"].items():
        for method, call in methods.items():
            _complete(call, path, CALLS[method, path])
    return spec


def _complete(call: dict[str, Any], path: str, told: Told) -> None:
    is_webhook = path.startswith("/webhooks/")
    call["security"] = [] if is_webhook else [{"key": []}]
    if is_webhook:
        call["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
        call["parameters"] += [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ]
    if told.key_required is not None:
        call["parameters"].append({**KEY_HEADER, "required": told.key_required})
    if told.body is not None:
        call["requestBody"]["required"] = True
        call["requestBody"]["content"]["application/json"]["example"] = told.body
    call["responses"].pop("422", None)
    for answer in call["responses"].values():
        answer["content"]["application/json"]["example"] = told.answer
    with_body = WITH_BODY if told.body is not None else ()
    for status in sorted({*ALWAYS, *with_body, *told.refusals}):
        call["responses"][str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                problems.MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}
            },
        }
