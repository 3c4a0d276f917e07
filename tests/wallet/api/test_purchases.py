"""What was paid, told at every door that moves points, and shown again."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from books import check_books
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from ledger.book.purchases import PurchaseRow
from ledger.programmes import programmes, units
from ledger.programmes.units import UnitTerms
from wallet.access import sources
from wallet.access.changes import Author
from wallet.api.bodies.batches import BatchItemIn
from wallet.api.bodies.holds import CaptureIn
from wallet.api.bodies.points import AccrualIn, RedemptionIn

BY = Author("command", "wallet test")


@pytest.fixture(autouse=True)
def _books(installation):
    yield
    with installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна", external_id="000042")


def rub(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "RUB"}


def bought(api, member: dict) -> list[tuple[str, int, dict | None]]:
    """The statement, oldest first: kind, points, what was paid."""
    lines = api.get(f"members/{member['id']}/postings").get_json()["items"]
    return [(one["kind"], one["points"], one["purchase"]) for one in reversed(lines)]


def test_every_call_of_points_may_say_what_was_paid(api, anna) -> None:
    card = {"card": anna["card"]["number"]}
    for path, body in (
        ("accruals", {**card, "points": 100, "purchase": rub("1000")}),
        ("redemptions", {**card, "points": 30, "purchase": rub("470.50")}),
        ("accruals", {**card, "points": 1}),
    ):
        answer = api.post(path, body)
        assert answer.status_code == 201, answer.text
    hold = api.post("holds", {**card, "points": 20}).get_json()["id"]
    assert api.post(f"holds/{hold}/capture", {"purchase": rub("0")}).status_code == 201
    items = [
        {**card, "key": "1", "type": "accrual", "points": 7, "purchase": rub("70.07")},
        {**card, "key": "2", "type": "redemption", "points": 8},
    ]
    assert api.post("batches", {"items": items}).status_code == 200
    assert bought(api, anna) == [
        ("accrual", 100, rub("1000.00")),
        ("redemption", -30, rub("470.50")),
        ("accrual", 1, None),
        ("redemption", -20, rub("0.00")),
        ("accrual", 7, rub("70.07")),
        ("redemption", -8, None),
    ]


def test_what_was_paid_is_read_back_wherever_postings_are(api, anna) -> None:
    card = {"card": anna["card"]["number"]}
    posting = api.post("accruals", {**card, "points": 100, "purchase": rub("1000")}).get_json()[
        "id"
    ]
    back = api.post(f"postings/{posting}/reverse", {"points": 40}).get_json()["id"]
    api.post("accruals", {**card, "points": 1})
    told = [None, rub("-400.00"), rub("1000.00")]
    listed = api.get("postings?programme=demo").get_json()["items"]
    assert [one["purchase"] for one in listed] == told
    for id_, paid in ((posting, rub("1000.00")), (back, rub("-400.00"))):
        assert api.get(f"postings/{id_}").get_json()["purchase"] == paid
    lines = api.get("exports/postings?programme=demo").data.splitlines()
    assert [json.loads(line)["purchase"] for line in lines] == told[::-1]
    text = api.get("exports/postings?programme=demo&format=csv").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    assert [(row["purchase"], row["purchase_currency"]) for row in rows] == [
        ("1000.00", "RUB"),
        ("-400.00", "RUB"),
        ("", ""),
    ]


def test_a_file_can_be_summed_where_a_posting_has_several_rows(api, anna) -> None:
    card = {"card": anna["card"]["number"]}
    posting = api.post("accruals", {**card, "points": 120, "purchase": rub("1200")}).get_json()[
        "id"
    ]
    api.post("redemptions", {**card, "points": 40})
    api.post(f"postings/{posting}/reverse", {})
    text = api.get("exports/postings?programme=demo&kind=reversal&format=csv").data.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))
    assert [(row["account"], row["points"], row["purchase"]) for row in rows] == [
        ("points", "-80", "-1200.00"),
        ("debt", "-40", ""),
    ]


def test_a_statement_says_what_became_a_debt_and_what_was_undone(api, anna) -> None:
    card = {"card": anna["card"]["number"]}
    posting = api.post("accruals", {**card, "points": 120}).get_json()["id"]
    api.post("redemptions", {**card, "points": 40})
    api.post(f"postings/{posting}/reverse", {})
    api.post("accruals", {**card, "points": 50})
    lines = api.get(f"members/{anna['id']}/postings").get_json()["items"]
    assert [(one["points"], one["debt_change"], one["reverses"]) for one in reversed(lines)] == [
        (120, 0, None),
        (-40, 0, None),
        (-80, 40, posting),
        (50, 0, None),
        (-40, -40, None),
    ]
    assert api.get(f"members/{anna['id']}").get_json()["balance"]["debt"] == 0


def test_a_repetition_pays_once(api, anna, installation) -> None:
    body = {"card": anna["card"]["number"], "points": 100, "purchase": rub("1000")}
    first, again = (api.post("accruals", body, key="receipt-1") for _ in range(2))
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    other = api.post("accruals", {**body, "purchase": rub("999")}, key="receipt-1")
    assert other.get_json()["code"] == "idempotency_conflict"
    with installation.database.reading() as session:
        assert session.scalars(select(func.count()).select_from(PurchaseRow)).one() == 1


@pytest.mark.parametrize(
    "body",
    [
        AccrualIn(card="1", points=5),
        RedemptionIn(card="1", points=5),
        BatchItemIn(card="1", points=5, key="k", type="accrual"),
        CaptureIn(),
    ],
)
def test_the_dump_of_what_says_nothing_of_a_purchase_is_as_it_was(body) -> None:
    """Repeated requests of earlier releases are recognised by it."""
    assert "purchase" not in body.model_dump()


@pytest.mark.parametrize(
    ("purchase", "field", "code"),
    [
        ({"amount": 5, "currency": "RUB"}, "purchase.amount", "not_text"),
        (rub("-5"), "purchase.amount", "amount_negative"),
        (rub("1e3"), "purchase.amount", "amount_malformed"),
        ({"amount": "5", "currency": "rub"}, "purchase.currency", "currency_malformed"),
        ({"amount": "5", "currency": "XQZ"}, "purchase.currency", "currency_unknown"),
        ({"amount": "5"}, "purchase.currency", "required"),
        ("5 RUB", "purchase", "not_an_object"),
    ],
)
def test_what_is_no_money_is_told_field_by_field(api, anna, purchase, field, code) -> None:
    body = {"card": anna["card"]["number"], "points": 5, "purchase": purchase}
    answer = api.post("accruals", body)
    assert answer.status_code == 422
    assert [(one["field"], one["code"]) for one in answer.get_json()["errors"]] == [(field, code)]


def test_money_that_does_not_fit_is_refused(api, anna, installation) -> None:
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, "demo").id
        units.add(session, programme_id, UnitTerms("cashback", "money", 2, "RUB"))
    card = {"card": anna["card"]["number"], "points": 5}
    for purchase, unit, code in (
        (rub("1.001"), "points", "too_many_decimals"),
        (rub("9" * 30), "points", "amount_too_large"),
        ({"amount": "5", "currency": "EUR"}, "cashback", "wrong_currency"),
    ):
        answer = api.post("accruals", {**card, "unit": unit, "purchase": purchase})
        assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert bought(api, anna) == []


def test_a_reversal_says_what_became_of_the_purchase(api, anna) -> None:
    body = {"card": anna["card"]["number"], "points": 100, "purchase": rub("1000")}
    posting = api.post("accruals", body).get_json()["id"]
    part = api.post(f"postings/{posting}/reverse", {"points": 40}).get_json()
    rest = api.post(f"postings/{posting}/reverse", {}).get_json()
    assert part["purchase"] == {"taken_back": rub("400.00"), "left": rub("600.00")}
    assert rest["purchase"] == {"taken_back": rub("600.00"), "left": rub("0.00")}
    assert [one[2] for one in bought(api, anna)] == [
        rub("1000.00"),
        rub("-400.00"),
        rub("-600.00"),
    ]
    other = api.post("accruals", {"card": anna["card"]["number"], "points": 1}).get_json()["id"]
    assert "purchase" not in api.post(f"postings/{other}/reverse", {}).get_json()


@pytest.fixture
def till(installation, client):
    """Sends messages of a source of the given kind."""

    def sent(kind: str, message: dict):
        webhook_id = "1"
        name, secret = f"till-{kind}", sources.new_secret()
        with installation.database.transaction() as session:
            programme_id = programmes.by_code(session, "demo").id
            sources.add(
                session,
                installation.keys,
                name,
                kind,
                programme_id,
                secret,
                BY,
                installation.clock(),
            )
        payload, now = json.dumps(message, ensure_ascii=False), datetime.now(UTC)
        return client.post(
            f"/webhooks/{name}",
            data=payload.encode(),
            content_type="application/json",
            headers={
                "webhook-id": webhook_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(secret).sign(webhook_id, now, payload),
            },
        )

    return sent


def test_webhooks_say_what_was_paid(api, anna, till) -> None:
    data = {"card": anna["card"]["number"], "points": 100, "purchase": rub("1000")}
    message = {"type": "points.accrued", "timestamp": "2026-11-24T12:00:00Z", "data": data}
    assert till("generic", message).status_code == 200
    message = {
        "Вид": "Списание",
        "КодКлиента": "000042",
        "Баллы": 20,
        "Оплачено": "470.50",
        "Валюта": "RUB",
    }
    assert till("1c", message).status_code == 200
    assert bought(api, anna) == [
        ("accrual", 100, rub("1000.00")),
        ("redemption", -20, rub("470.50")),
    ]


def test_1c_says_the_currency_of_what_was_paid(api, anna, till) -> None:
    message = {"Вид": "Начисление", "КодКлиента": "000042", "Баллы": 20, "Оплачено": "470.50"}
    answer = till("1c", message)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["field"], error["code"]) == ("Оплачено", "sum_and_currency")
