"""What the framework cannot know of our API: keys, problems, examples. Completes the OpenAPI
document that it makes from routes and models."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from wallet import problems
from wallet.api.bodies import ImportIn, Problem
from wallet.installation import current_installation

PROBLEM = "Problem"
ALWAYS = (401, 403, 429, 500)
WITH_BODY = (400, 413, 415, 422)

CARD = "7167993484019286"
MEMBER: dict[str, Any] = {
    "id": "01a20f22-e6c7-77b8-8c9e-bf842686aa7e",
    "programme": "demo",
    "card": {"number": CARD, "barcode": CARD},
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
    "units": [{"code": "points", "kind": "points", "scale": 0, "currency": None, "live_days": 365}],
    "links": {
        "join": "https://cards.example.com/join/demo",
        "privacy": "https://cards.example.com/join/demo/privacy",
    },
}
WAVE = {
    "id": "01a20f22-e8b2-70f7-803f-f892725756e9",
    "programme": "demo",
    "state": "running",
    "total": 120_000,
    "seen": 45_000,
    "changed": 45_000,
    "passes_per_second": 600,
    "created_at": "2026-11-25T09:30:00Z",
    "expected_at": "2026-11-25T09:33:20Z",
    "finished_at": None,
}
CARD_CODE = {
    "kind": "ed25519",
    "numbers": "accept",
    "at_google": "same",
    "renew_days": 7,
    "grace_hours": 24,
    "converting": False,
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
PASS = {
    "id": "da5f253d131ab4bc252bc811af061afb",
    "member": MEMBER["id"],
    "offer": None,
    "programme": "demo",
    "pass_type": "pass.com.example.loyalty",
    "state": "active",
    "expires_at": None,
    "version": 4,
    "changed_at": "2026-11-24T12:00:00Z",
    "apple": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKcCNZzrf/apple.pkpass",
    "google": None,
}
POSTING = {
    "id": "01a20f22-e854-7493-982b-a92daf507b36",
    "member": MEMBER["id"],
    "points": 100,
    "balance": {"available": 170, "pending": 0, "held": 0},
}


def _rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


def _balance(**roubles: str) -> dict[str, Any]:
    """A balance in a programme that counts money, in words and in pieces."""
    told = {name: roubles.get(name, "0.00") for name in ("available", "pending", "held")}
    return {
        **{name: int(amount.replace(".", "")) for name, amount in told.items()},
        **{f"{name}_money": _rub(amount) for name, amount in told.items()},
    }


MONEY_POSTING = {
    **POSTING,
    "points": 19_990,
    "money": _rub("199.90"),
    "balance": _balance(available="249.90"),
}
LINE = {
    "id": POSTING["id"],
    "kind": "accrual",
    "points": 100,
    "balance_after": 170,
    "reason": "Coffee and cake",
    "receipt": "1001",
    "store": "arbat-1",
    "promotion": None,
    "card": CARD,
    "occurred_at": "2026-11-24T12:00:00Z",
    "posted_at": "2026-11-24T12:00:01Z",
}
HOLD = {
    "id": "01a20f22-ea11-7a51-9c0f-5d1f0f0c9a10",
    "member": MEMBER["id"],
    "points": 60,
    "state": "open",
    "captured": 0,
    "posting": None,
    "placed_at": "2026-11-24T12:00:00Z",
    "expires_at": "2026-11-24T12:30:00Z",
    "balance": {"available": 110, "pending": 0, "held": 60},
}
MONEY_HOLD = {
    **HOLD,
    "points": 6_050,
    "money": _rub("60.50"),
    "captured_money": _rub("0.00"),
    "balance": _balance(available="189.40", held="60.50"),
}
# A true one: docs/verify_statement.py says so.
PROOF: dict[str, Any] = {
    "form": 1,
    "facts": {
        "card": 17,
        "entries": [
            {
                "account": 5,
                "amount": 100,
                "balance_after": 170,
                "kind": "member",
                "line": 0,
                "unit": "points",
            },
            {
                "account": 2,
                "amount": -100,
                "balance_after": None,
                "kind": "issued",
                "line": 1,
                "unit": "points",
            },
        ],
        "form": 1,
        "id": "01a20f22-e854-7493-982b-a92daf507b36",
        "kind": "accrual",
        "note": "fca7c1eb4fcc9f5f3704ce7960a15c314af268285273bc1538842d40d3a4358d",
        "occurred_at": "2026-11-24T12:00:00.000000Z",
        "posted_at": "2026-11-24T12:00:01.000000Z",
        "programme": "demo",
        "promotion": None,
        "receipt": "1001",
        "reverses": None,
        "store": "arbat-1",
        "undoes": None,
    },
    "words": {"reason": "Coffee and cake", "salt": "8f1d3c5a7e9b0246813579bdf02468ac"},
    "index": 2,
    "path": ["dee7cf6d67314a64d58e463b62c319453265cc69679fe205013479f06d10959f"],
    "root": {
        "programme": "demo",
        "day": "2026-11-24",
        "first": 1001,
        "last": 1003,
        "head": "3f39a96b15e2c4d3c6a16cd4491b2ef80e24227a41fb3a83ee116f7b510dded7",
        "merkle": "850eef9809f75cdfe520f6af525c7635797219485f5cf1d14e635841f9d5ba5d",
        "previous": "97776898fb7c66f7eb0e92761b138161490482bb0fc0f79c8559a72b8c9e6500",
        "root": "2ae37f5bd8996e58351233213b63fdcb478a9cc29ca32ea6c8fb0b040b433d30",
        "key": "8c9ed674920decf9",
        "signature": (
            "d7af4f7490e3d3443535e1cf982c7af255f4c2897af6d9154f39094e69e681f6"
            "5cbda3de4fed82dda8c7a4408e1461e04b4c707f1d3377093c7630e81b72cf07"
        ),
    },
}
IMPORT = {
    "id": "01a20f23-11aa-7d20-8b11-6a2f9d4e5c40",
    "programme": "demo",
    "kind": "members",
    "unit": "points",
    "state": "checked",
    "file": {"sha256": "9b" * 32, "bytes": 48211, "format": "csv"},
    "rows": 500,
    "bad": 2,
    "new_members": 480,
    "found_members": 18,
    "points_in_file": 120000,
    "points_good": 119400,
    "left_aside": [
        {
            "column": "Уровень",
            "code": "homeless_column",
            "message": "Столбцу «Уровень» в системе пока нет места: он не переносится.",
        }
    ],
    "applied": 0,
    "left_out": 0,
    "joined": 0,
    "points_applied": 0,
    "created_at": "2026-11-24T12:00:00Z",
    "started_at": None,
    "finished_at": None,
    "proof": None,
}
IMPORT_ROW = {
    "row": 17,
    "field": "phone",
    "column": "Телефон",
    "code": "duplicate_in_file",
    "message": "То же, что в строке 4 файла.",
}
CAMPAIGN: dict[str, Any] = {
    "id": "01a20f24-5d3c-7f11-9c0e-3b8f0e6a7d21",
    "programme": "demo",
    "name": "Friday latte",
    "texts": {
        "ru": "{{name|Друг}}, в пятницу латте за полцены. У вас {{points}} баллов.",
        "en": "{{name|Friend}}, latte is half price on Friday. You have {{points}} points.",
    },
    "audience": {
        "kind": "all",
        "of": [
            {"kind": "card", "wallet": "any"},
            {"kind": "not", "of": {"kind": "purchase", "days": 30}},
        ],
    },
    "quiet_hours": {"from": "22:00", "until": "09:00"},
    "cap": {"messages": 3, "days": 7},
    "holdout_percent": 10,
    "consent": "not_refused",
    "state": "draft",
    "starts_at": None,
    "started_at": None,
    "finished_at": None,
    "created_at": "2026-11-24T12:00:00Z",
    "progress": {"recipients": 0, "done": 0, "frozen": False, "ends_about": None},
}
CAMPAIGN_BODY = {
    name: CAMPAIGN[name]
    for name in (
        "programme",
        "name",
        "texts",
        "audience",
        "quiet_hours",
        "cap",
        "holdout_percent",
        "consent",
    )
}
RUNNING = {
    **CAMPAIGN,
    "state": "running",
    "starts_at": "2026-11-24T12:05:00Z",
    "started_at": "2026-11-24T12:05:00Z",
    "progress": {
        "recipients": 4000,
        "done": 1200,
        "frozen": True,
        "ends_about": "2026-11-24T12:07:00Z",
    },
}
MESSAGE_TERMS = {
    "kind": "burning",
    "on": True,
    "texts": {"en": "{{name|Hello}}, {{burning}} points run out on {{day}}."},
    "days": 7,
    "gift": None,
    "from": "10:00",
    "until": "21:00",
    "placeholders": ["name", "points", "card", "programme", "burning", "day"],
}
FILE, FORM = "application/octet-stream", "multipart/form-data"
BINARY = {"type": "string", "format": "binary"}
FILE_IN_FORM = {
    "type": "object",
    "properties": {
        "file": BINARY,
        **{
            name: {**rules, "description": "In place of the same in the address."}
            for name, rules in ImportIn.model_json_schema()["properties"].items()
        },
    },
    "required": ["file"],
    "additionalProperties": False,
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
    """What is told of one call: its answer and body as examples, and both once more where money is
    counted; its own refusals, whether an idempotency key is required (None: there is none), and
    whether the body is a file."""

    answer: dict[str, Any]
    body: dict[str, Any] | None = None
    refusals: tuple[int, ...] = ()
    key_required: bool | None = None
    takes_file: bool = False
    money: "InMoney | None" = None


@dataclass(frozen=True, slots=True)
class InMoney:
    """The same call in a programme that counts money."""

    answer: dict[str, Any]
    body: dict[str, Any] | None = None


CALLS = {
    ("get", "/api/v1/programmes"): Told(
        {"items": [PROGRAMME], "next_cursor": None}, refusals=(422,)
    ),
    ("get", "/api/v1/programmes/{programme}/card-code"): Told(CARD_CODE, refusals=(404,)),
    ("patch", "/api/v1/programmes/{programme}/card-code"): Told(
        answer={**CARD_CODE, "converting": True},
        body={"kind": "ed25519", "numbers": "accept", "renew_days": 7, "grace_hours": 24},
        refusals=(404, 409),
    ),
    ("get", "/api/v1/programmes/{programme}/card-code/keys"): Told(
        {
            "programme": "demo",
            "kind": "ed25519",
            "keys": [{"id": "8c9ed674", "secret": None, "public_key": "d7" * 32}],
        },
        refusals=(404,),
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
    ("delete", "/api/v1/members/{member_id}"): Told(
        {
            "id": MEMBER["id"],
            "erased_at": "2026-11-24T12:00:00Z",
            "members": [MEMBER["id"]],
            "written_off": 0,
        },
        refusals=(404, 409, 422),
    ),
    ("get", "/api/v1/members"): Told({"items": [IN_FULL], "next_cursor": None}, refusals=(422,)),
    ("get", "/api/v1/members/{member_id}/postings"): Told(
        {"items": [LINE], "next_cursor": "MQ"},
        refusals=(404, 422),
        money=InMoney(
            {
                "items": [
                    {
                        **LINE,
                        "points": 19_990,
                        "money": _rub("199.90"),
                        "balance_after": 24_990,
                        "balance_after_money": _rub("249.90"),
                    }
                ],
                "next_cursor": "MQ",
            }
        ),
    ),
    ("post", "/api/v1/accruals"): Told(
        answer=POSTING,
        body={
            "card": CARD,
            "points": 100,
            "reason": "Coffee and cake",
            "receipt": "1001",
            "expires_at": "2027-11-24T23:59:59+03:00",
        },
        refusals=(404, 409),
        key_required=True,
        money=InMoney(MONEY_POSTING, {"card": CARD, "money": _rub("199.90"), "receipt": "1001"}),
    ),
    ("post", "/api/v1/redemptions"): Told(
        answer={**POSTING, "points": 30},
        body={"card": CARD, "points": 30, "receipt": "1002"},
        refusals=(404, 409),
        key_required=True,
        money=InMoney(
            {
                **MONEY_POSTING,
                "points": 5_000,
                "money": _rub("50.00"),
                "balance": _balance(available="199.90"),
            },
            {"card": CARD, "money": _rub("50"), "receipt": "1002"},
        ),
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
    ("post", "/api/v1/offers/{offer_id}/passes"): Told(
        {**PASS, "offer": OFFER["id"], "version": 1},
        body={"member": MEMBER["id"]},
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/offers/{offer_id}/withdraw"): Told(
        answer={**OFFER, "withdrawn_at": "2026-11-25T09:30:00Z"},
        refusals=(404,),
    ),
    ("get", "/api/v1/waves"): Told({"items": [WAVE], "next_cursor": None}, refusals=(404, 422)),
    ("get", "/api/v1/waves/{wave_id}"): Told(WAVE, refusals=(404,)),
    ("post", "/api/v1/waves/{wave_id}/pause"): Told(
        {**WAVE, "state": "paused", "expected_at": None}, refusals=(404, 409)
    ),
    ("post", "/api/v1/waves/{wave_id}/resume"): Told(WAVE, refusals=(404, 409)),
    ("post", "/api/v1/waves/{wave_id}/cancel"): Told(
        {
            **WAVE,
            "state": "cancelled",
            "expected_at": None,
            "finished_at": "2026-11-25T09:32:00Z",
        },
        refusals=(404, 409),
    ),
    ("get", "/api/v1/members/{member_id}/passes"): Told(
        {
            "items": [PASS],
            "next_cursor": None,
            "bundle": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKc/apple.pkpasses",
        },
        refusals=(404,),
    ),
    ("get", "/api/v1/passes/{pass_id}"): Told(PASS, refusals=(404,)),
    ("post", "/api/v1/passes/{pass_id}/void"): Told(
        {**PASS, "state": "void", "version": 5}, refusals=(404, 409), key_required=False
    ),
    ("post", "/api/v1/passes/{pass_id}/expire"): Told(
        {**PASS, "expires_at": "2027-01-01T00:00:00+03:00", "version": 5},
        body={"at": "2027-01-01T00:00:00+03:00"},
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/passes/{pass_id}/use"): Told(
        {**PASS, "offer": OFFER["id"], "state": "used", "version": 5},
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/passes/{pass_id}/restore"): Told(
        PASS, refusals=(404, 409), key_required=False
    ),
    ("post", "/api/v1/scans"): Told(
        answer={
            **MEMBER,
            "name": "Anna",
            "offers": [{"id": "01a20f22-e8b2-70f7-803f-f892725756e7", "title": "Latte −20 %"}],
            "coupon": {
                "id": "91c2f8d7a5e04c0fb8f10c6a44c1d0aa",
                "offer": OFFER["id"],
                "title": "Latte −20 %",
                "text": "To go",
                "state": "active",
                "until": "2026-12-31T23:59:59+03:00",
            },
        },
        body={"barcode": CARD},
        refusals=(404, 409),
        key_required=False,
    ),
    ("get", "/api/v1/members/{member_id}/balances"): Told(
        {
            "items": [
                {
                    "unit": "points",
                    "kind": "points",
                    "scale": 0,
                    "currency": None,
                    "total": 170,
                    "available": 170,
                    "pending": 0,
                    "held": 0,
                    "debt": 0,
                }
            ]
        },
        refusals=(404, 422),
        money=InMoney(
            {
                "items": [
                    {
                        "unit": "money",
                        "kind": "money",
                        "scale": 2,
                        "currency": "RUB",
                        "total": 24_990,
                        "available": 24_990,
                        "pending": 0,
                        "held": 0,
                        "debt": 0,
                        "total_money": _rub("249.90"),
                        "available_money": _rub("249.90"),
                        "pending_money": _rub("0.00"),
                        "held_money": _rub("0.00"),
                        "debt_money": _rub("0.00"),
                    }
                ]
            }
        ),
    ),
    ("get", "/api/v1/programmes/{programme}/liability"): Told(
        {
            "programme": "demo",
            "unit": "points",
            "total": 170,
            "months": [{"month": "2027-11-01", "points": 170, "pending": 0, "lots": 1}],
        },
        refusals=(404, 422),
        money=InMoney(
            {
                "programme": "gifts",
                "unit": "money",
                "total": 24_990,
                "total_money": _rub("249.90"),
                "months": [
                    {
                        "month": None,
                        "points": 24_990,
                        "money": _rub("249.90"),
                        "pending": 0,
                        "pending_money": _rub("0.00"),
                        "lots": 2,
                    }
                ],
            }
        ),
    ),
    ("post", "/api/v1/holds"): Told(
        answer=HOLD,
        body={"card": CARD, "points": 60, "receipt": "1003", "lasts_seconds": 1800},
        refusals=(404, 409),
        key_required=False,
        money=InMoney(MONEY_HOLD, {"card": CARD, "money": _rub("60.50"), "receipt": "1003"}),
    ),
    ("get", "/api/v1/holds/{hold_id}"): Told(HOLD, refusals=(404,)),
    ("post", "/api/v1/holds/{hold_id}/capture"): Told(
        answer={**POSTING, "points": 45},
        body={"points": 45},
        refusals=(404, 409),
        key_required=False,
        money=InMoney(
            {
                **MONEY_POSTING,
                "points": 4_500,
                "money": _rub("45.00"),
                "balance": _balance(available="204.90"),
            },
            {"money": _rub("45.00")},
        ),
    ),
    ("post", "/api/v1/holds/{hold_id}/release"): Told(
        answer={
            **HOLD,
            "state": "released",
            "balance": {"available": 170, "pending": 0, "held": 0},
        },
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/postings/{posting_id}/reverse"): Told(
        answer={
            "id": "01a20f22-ec30-7c19-8f3e-0f6f0b7d1c22",
            "reverses": POSTING["id"],
            "points": 40,
            "members": [
                {"member": MEMBER["id"], "balance": {"available": 130, "pending": 0, "held": 0}}
            ],
        },
        body={"points": 40, "reason": "Cake returned", "receipt": "1001-R"},
        refusals=(404, 409),
        key_required=False,
        money=InMoney(
            {
                "id": "01a20f22-ec30-7c19-8f3e-0f6f0b7d1c22",
                "reverses": POSTING["id"],
                "points": 990,
                "money": _rub("9.90"),
                "members": [{"member": MEMBER["id"], "balance": _balance(available="240.00")}],
            },
            {"money": _rub("9.90"), "reason": "Paid twice"},
        ),
    ),
    ("get", "/api/v1/postings/{posting_id}/proof"): Told(PROOF, refusals=(404, 409)),
    ("post", "/api/v1/transfers"): Told(
        answer={
            "id": "01a20f22-ed52-7b6a-9d7a-3c1c5b0e7a31",
            "points": 25,
            "from": {
                "member": MEMBER["id"],
                "balance": {"available": 45, "pending": 0, "held": 0},
            },
            "to": {
                "member": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40",
                "balance": {"available": 25, "pending": 0, "held": 0},
            },
        },
        body={
            "from": {"card": CARD},
            "to": {"member": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40"},
            "points": 25,
            "reason": "A present",
        },
        refusals=(404, 409),
        key_required=False,
        money=InMoney(
            {
                "id": "01a20f22-ed52-7b6a-9d7a-3c1c5b0e7a31",
                "points": 2_500,
                "money": _rub("25.00"),
                "from": {"member": MEMBER["id"], "balance": _balance(available="215.00")},
                "to": {
                    "member": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40",
                    "balance": _balance(available="25.00"),
                },
            },
            {
                "from": {"card": CARD},
                "to": {"member": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40"},
                "money": _rub("25.00"),
            },
        ),
    ),
    ("post", "/api/v1/batches"): Told(
        answer={
            "items": [
                {
                    "key": "receipt-1",
                    "status": 201,
                    "posting": POSTING,
                    "code": None,
                    "detail": None,
                },
                {
                    "key": "receipt-2",
                    "status": 409,
                    "posting": None,
                    "code": "insufficient_points",
                    "detail": "900 points were asked for and 170 are available.",
                },
            ]
        },
        body={
            "items": [
                {"key": "receipt-1", "type": "accrual", "card": CARD, "points": 100},
                {"key": "receipt-2", "type": "redemption", "card": CARD, "points": 900},
            ]
        },
        money=InMoney(
            {
                "items": [
                    {
                        "key": "receipt-1",
                        "status": 201,
                        "posting": MONEY_POSTING,
                        "code": None,
                        "detail": None,
                    }
                ]
            },
            {
                "items": [
                    {
                        "key": "receipt-1",
                        "type": "accrual",
                        "card": CARD,
                        "money": _rub("199.90"),
                    }
                ]
            },
        ),
    ),
    ("post", "/api/v1/members/{member_id}/household"): Told(
        answer=MEMBER,
        body={"head": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40"},
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/members/{member_id}/household/leave"): Told(
        answer=MEMBER, refusals=(404, 409), key_required=False
    ),
    ("post", "/api/v1/members/{member_id}/merge"): Told(
        answer=MEMBER,
        body={"into": "01a20f22-ef01-7d20-8b11-6a2f9d4e5c40"},
        refusals=(404, 409),
        key_required=False,
    ),
    ("post", "/api/v1/members/{member_id}/cards"): Told(
        answer=MEMBER, refusals=(404, 409), key_required=False
    ),
    ("get", "/api/v1/imports"): Told({"items": [IMPORT], "next_cursor": None}, refusals=(404, 422)),
    ("post", "/api/v1/imports"): Told(IMPORT, refusals=(404, 409), takes_file=True),
    ("post", "/api/v1/imports/{import_id}/apply"): Told(
        {**IMPORT, "state": "applying", "started_at": "2026-11-24T12:01:00Z"},
        body={"skip_bad": True},
        refusals=(404, 409),
    ),
    ("get", "/api/v1/imports/{import_id}"): Told(IMPORT, refusals=(404,)),
    ("get", "/api/v1/imports/{import_id}/rows"): Told(
        {"items": [IMPORT_ROW], "next_cursor": None}, refusals=(404, 422)
    ),
    ("post", "/api/v1/campaigns"): Told(
        answer=CAMPAIGN, body=CAMPAIGN_BODY, refusals=(404, 409), key_required=False
    ),
    ("get", "/api/v1/campaigns"): Told(
        {"items": [RUNNING], "next_cursor": None}, refusals=(404, 422)
    ),
    ("get", "/api/v1/campaigns/{campaign_id}"): Told(RUNNING, refusals=(404,)),
    ("patch", "/api/v1/campaigns/{campaign_id}"): Told(
        answer={**CAMPAIGN, "holdout_percent": 5},
        body={"holdout_percent": 5},
        refusals=(404, 409),
    ),
    ("post", "/api/v1/campaigns/{campaign_id}/preview"): Told(
        answer={
            "audience": 4000,
            "in_phones": 3100,
            "text": "Anna, latte is half price on Friday. You have 70 points.",
        },
        body={"member": MEMBER["id"]},
        refusals=(404,),
    ),
    ("post", "/api/v1/campaigns/{campaign_id}/start"): Told(
        answer={**CAMPAIGN, "state": "scheduled", "starts_at": "2027-03-01T07:00:00Z"},
        body={"at": "2027-03-01T10:00"},
        refusals=(404, 409),
    ),
    ("post", "/api/v1/campaigns/{campaign_id}/pause"): Told(
        answer={**RUNNING, "state": "paused"}, refusals=(404, 409)
    ),
    ("post", "/api/v1/campaigns/{campaign_id}/resume"): Told(answer=RUNNING, refusals=(404, 409)),
    ("post", "/api/v1/campaigns/{campaign_id}/cancel"): Told(
        answer={**RUNNING, "state": "cancelled", "finished_at": "2026-11-24T12:06:00Z"},
        refusals=(404, 409),
    ),
    ("get", "/api/v1/campaigns/{campaign_id}/results"): Told(
        {
            "audience": 4000,
            "held_out": 402,
            "no_consent": 120,
            "capped": 55,
            "no_card": 0,
            "gone": 1,
            "no_field": 0,
            "waiting": 0,
            "told": 3422,
            "apple": {
                "queued": 0,
                "accepted": 310,
                "fetched": 2360,
                "replaced": 12,
                "removed": 20,
                "device_gone": 8,
                "refused": 0,
                "never_fetched": 0,
            },
            "google": {
                "queued": 0,
                "accepted": 690,
                "accepted_silently": 14,
                "removed": 8,
                "refused": 0,
            },
        },
        refusals=(404,),
    ),
    ("get", "/api/v1/programmes/{programme}/messages"): Told(
        {"items": [MESSAGE_TERMS]}, refusals=(404,)
    ),
    ("put", "/api/v1/programmes/{programme}/messages/{kind}"): Told(
        answer=MESSAGE_TERMS,
        body={
            "on": True,
            "texts": {"en": "{{name|Hello}}, {{burning}} points run out on {{day}}."},
            "days": 7,
            "from": "10:00",
            "until": "21:00",
        },
        refusals=(404, 409),
    ),
    ("get", "/api/v1/members/{member_id}/messages"): Told(
        {
            "card": {
                "version": 4,
                "phones": 1,
                "last_fetch_at": "2026-11-24T12:05:09Z",
                "fetched_version": 4,
                "pushes_waiting": 0,
                "google_saved": True,
                "google_version": 4,
                "alerts_left": 2,
            },
            "items": [
                {
                    "kind": "campaign",
                    "campaign": CAMPAIGN["id"],
                    "state": "told",
                    "text": "Anna, latte is half price on Friday. You have 70 points.",
                    "told_at": "2026-11-24T12:05:01Z",
                    "apple": "fetched",
                    "fetched_at": "2026-11-24T12:05:09Z",
                    "google": "accepted",
                    "accepted_at": "2026-11-24T12:05:02Z",
                    "why": [
                        {
                            "code": "notifications_unknown",
                            "ru": "Текст доставлен. Если уведомления не было, у этой карты"
                            " отключены уведомления.",
                            "en": "The text arrived. If nothing was shown, notifications are off"
                            " for this card.",
                        }
                    ],
                }
            ],
            "next_cursor": None,
        },
        refusals=(404, 422),
    ),
    ("post", "/webhooks/{source}"): Told(
        answer={"id": POSTING["id"], "balance": POSTING["balance"]},
        body={
            "type": "points.accrued",
            "timestamp": "2026-11-24T12:00:00Z",
            "data": {"card": CARD, "points": 100, "reason": "Coffee"},
        },
        refusals=(404, 409),
        money=InMoney(
            {"id": POSTING["id"], "balance": MONEY_POSTING["balance"]},
            {
                "type": "points.accrued",
                "timestamp": "2026-11-24T12:00:00Z",
                "data": {"card": CARD, "money": _rub("199.90")},
            },
        ),
    ),
}


def complete(spec: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with all that belongs to it."""
    spec["info"]["description"] = (
        "Members, points and offers. Errors are application/problem+json with a stable code;"
        " points are integers, and where they are money it stands beside them as text with its"
        " currency; times are RFC 3339 with a zone."
    )
    # Not what the first caller named as our host: clients send their keys to this address.
    spec["servers"] = [{"url": current_installation().settings.public_url}]
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


def _show(place: dict[str, Any], usual: dict[str, Any], money: dict[str, Any] | None) -> None:
    """An example where the document has place for one, or one in points and one in money."""
    content = place["content"]["application/json"]
    if money is None:
        content["example"] = usual
    else:
        content["examples"] = {"points": {"value": usual}, "money": {"value": money}}


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
        _show(call["requestBody"], told.body, told.money.body if told.money else None)
    call["responses"].pop("422", None)
    for answer in call["responses"].values():
        _show(answer, told.answer, told.money.answer if told.money else None)
    if told.takes_file:
        call["requestBody"] = {
            "required": True,
            "content": {FILE: {"schema": BINARY}, FORM: {"schema": FILE_IN_FORM}},
        }
    with_body = WITH_BODY if told.body is not None or told.takes_file else ()
    for status in sorted({*ALWAYS, *with_body, *told.refusals}):
        call["responses"][str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                problems.MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}
            },
        }
