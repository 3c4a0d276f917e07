"""Imports through the API: a file as the body, applied by a pump."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tables import csv_file, xlsx_file
from werkzeug.test import TestResponse

from ledger.imports import store
from wallet.tasks import pumps

API_KEY = "sandbox-test-key-of-32-characters"
ROWS = ("Телефон;Баланс;Уровень", "+79990000001;10;золотой", "+79990000002;x;", "12;5;")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_IMPORT_MEGABYTES": "3"}


@pytest.fixture
def send(client):
    def sent(data: bytes, kind: str = "members", **more: str) -> TestResponse:
        return client.post(
            "/api/v1/imports",
            query_string={"programme": "demo", "kind": kind, **more},
            data=data,
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )

    return sent


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_from_the_file_to_the_proof(send, api, house) -> None:
    answer = send(csv_file(*ROWS).getvalue())
    assert answer.status_code == 201
    preview = answer.get_json()
    assert (preview["state"], preview["rows"], preview["bad"]) == ("checked", 3, 2)
    assert (preview["new_members"], preview["points_good"]) == (1, 10)
    assert [(one["column"], one["code"]) for one in preview["left_aside"]] == [
        ("Уровень", "homeless_column")
    ]
    path = f"imports/{preview['id']}"
    page = api.get(f"{path}/rows?limit=1").get_json()
    assert page["items"] == [
        {
            "row": 3,
            "field": "points",
            "column": "Баланс",
            "code": "not_a_number",
            "message": "Не число. Пишите только цифры, например 1250 или 12,50.",
        }
    ]
    rest = api.get(f"{path}/rows?lang=en&cursor={page['next_cursor']}").get_json()
    assert rest["next_cursor"] is None
    assert rest["items"][0]["message"] == "Not a phone number such as +79991234567."

    assert code(api.post(f"{path}/apply", {})) == (409, "import_has_bad_rows")
    started = api.post(f"{path}/apply", {"skip_bad": True})
    assert (started.status_code, started.get_json()["state"]) == (202, "applying")
    assert code(send(csv_file(*ROWS).getvalue())) == (409, "import_not_ready")
    house.run(store.IMPORTS)
    done = api.get(path).get_json()
    assert (done["state"], done["applied"], done["left_out"]) == ("done", 1, 2)
    proof = done["proof"]
    assert proof["statement"]["agrees"]
    signature = proof["signature"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"]))
    key.verify(base64.b64decode(signature["value"]), proof["signed_text"].encode())
    assert api.post(f"{path}/apply", {}).get_json()["state"] == "done"
    assert code(send(csv_file(*ROWS).getvalue())) == (409, "import_repeated")
    (member,) = api.get("members?phone=%2B79990000001").get_json()["items"]
    assert member["balance"]["available"] == 10
    assert member["links"]["apple"]


def test_points_from_a_workbook(send, api, house, join) -> None:
    join(phone="+79990000001")
    file = xlsx_file(["phone", "points"], [79990000001, 7])
    answer = send(file.getvalue(), kind="accrual", reason="Подарок").get_json()
    assert (answer["file"]["format"], answer["found_members"]) == ("xlsx", 1)
    api.post(f"imports/{answer['id']}/apply", {})
    house.run(store.IMPORTS)
    (member,) = api.get("members?phone=%2B79990000001").get_json()["items"]
    (line,) = api.get(f"members/{member['id']}/postings").get_json()["items"]
    assert (line["kind"], line["points"], line["reason"]) == ("accrual", 7, "Подарок")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty"),
        (b"phone\n", "no_rows"),
        (b"a;b\n1;2\n", "header_missing"),
        (b"phone;phone\n1;2\n", "column_repeated"),
        (b"phone\n\xff\xd0\xb0\xd0\xb1\xd0\xb2", "encoding"),
        (b"PK\x03\x04junk", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_or_encrypted"),
    ],
)
def test_files_that_are_no_tables(send, data: bytes, problem: str) -> None:
    answer = send(data)
    assert code(answer) == (422, "file_refused")
    assert answer.get_json()["problem"] == problem


def test_what_else_is_refused(send, client, api, house) -> None:
    assert code(send(b"phone\n1", programme="none")) == (404, "unknown_programme")
    assert code(send(b"phone\n1", kind="other")) == (422, "invalid_request")
    assert code(send(b"phone\n1", unit="none")) == (422, "unknown_unit")
    form = client.post(
        "/api/v1/imports?programme=demo&kind=members",
        data={"file": (csv_file(*ROWS), "people.csv")},
        headers={"Authorization": f"Bearer {API_KEY}"},
    )
    assert code(form) == (415, "not_a_file")
    assert code(api.get("imports/none")) == (404, "unknown_import")
    assert code(api.get("imports/none/rows")) == (404, "unknown_import")
    assert code(api.post("imports/none/apply", {})) == (404, "unknown_import")
    assert set(pumps(house.installation)) >= {"imports"}


def test_a_file_is_as_large_as_the_operator_allows(send) -> None:
    row = b"+79990000001;" + b"x" * 30_000 + b"\n"
    above_what_other_calls_take, too_large = (b"phone;name\n" + row * count for count in (50, 120))
    assert send(above_what_other_calls_take).get_json()["bad"] == 50
    assert code(send(too_large)) == (413, "body_too_large")
