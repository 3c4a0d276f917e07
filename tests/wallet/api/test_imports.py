"""Imports through the API: a file as the body, read and applied by a pump."""

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select
from tables import csv_file, xlsx_file
from werkzeug.test import TestResponse

from ledger.errors import NONE
from ledger.imports import store
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.api import imports
from wallet.people import importing
from wallet.running.pumps import pumps

API_KEY = "sandbox-test-key-of-32-characters"
ROWS = ("Телефон;Баланс;Уровень", "+79990000001;10;золотой", "+79990000002;x;", "12;5;")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_IMPORT_MEGABYTES": "3"}


@pytest.fixture
def send(client):
    def sent(
        data: bytes, kind: str = "members", headers: Mapping[str, str] = NONE, **more: str
    ) -> TestResponse:
        return client.post(
            "/api/v1/imports",
            query_string={"programme": "demo", "kind": kind, **more},
            data=data,
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv", **headers},
        )

    return sent


@pytest.fixture
def read(api, house) -> Callable[[TestResponse], dict]:
    """The import that an answer to a file is about, once the pump has read the file."""

    def found(answer: TestResponse) -> dict:
        assert answer.status_code == 201, answer.text
        assert answer.get_json()["state"] == "reading"
        house.run(store.IMPORTS)
        return api.get(f"imports/{answer.get_json()['id']}").get_json()

    return found


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_from_the_file_to_the_proof(send, read, api, house) -> None:
    answer = send(csv_file(*ROWS).getvalue())
    assert code(api.post(f"imports/{answer.get_json()['id']}/apply", {})) == (
        409,
        "import_not_ready",
    )
    preview = read(answer)
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
            "message": "Это не число. Пишите только цифры, например 1250 или 12,50.",
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


def test_points_from_a_workbook(send, read, api, house, join) -> None:
    join(phone="+79990000001")
    file = xlsx_file(["phone", "points"], [79990000001, 7])
    answer = read(send(file.getvalue(), kind="accrual", reason="Подарок"))
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
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_or_encrypted"),
    ],
)
def test_what_is_no_table_at_first_sight_is_refused_at_once(
    send, api, data: bytes, problem: str
) -> None:
    answer = send(data)
    assert code(answer) == (422, "file_refused")
    assert answer.get_json()["problem"] == problem
    assert api.get("imports").get_json()["items"] == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\n;;\n", "empty"),
        (b"phone\n", "no_rows"),
        (b"a;b\n1;2\n", "header_missing"),
        (b"phone;phone\n1;2\n", "column_repeated"),
        (b"name;balance\n1;2\n", "column_missing"),
        (b"phone\n\xff\xd0\xb0\xd0\xb1\xd0\xb2", "encoding"),
        (b"PK\x03\x04junk", "broken"),
        (b";".join(b"%d" % n for n in range(513)), "too_many_columns"),
        (b"phone;balance\n1;9007199254740991\n2;1\n", "too_many_points"),
    ],
)
def test_a_file_that_is_no_table_is_refused_when_it_is_read(
    send, read, api, installation, data: bytes, problem: str
) -> None:
    refused = read(send(data))
    assert refused["state"] == "refused"
    assert (refused["refusal"]["code"], refused["refusal"]["problem"]) == ("file_refused", problem)
    assert refused["rows"] == refused["points_in_file"] == 0
    path = f"imports/{refused['id']}"
    details = {
        api.get(f"{path}?lang={lang}").get_json()["refusal"]["detail"] for lang in ("ru", "en")
    }
    assert len(details) == 2
    assert not any("{" in one for one in details)
    assert kept(installation) == 0
    assert code(api.post(f"{path}/apply", {"skip_bad": True})) == (409, "import_not_ready")
    # Sending it again reads it again.
    again = read(send(data))
    assert (again["state"], again["id"] != refused["id"]) == ("refused", True)
    assert code(api.get(path)) == (404, "unknown_import")


def kept(installation) -> int:
    """How much of files there is in the database."""
    with installation.database.reading() as session:
        tables = (store.ImportFilePart, store.ImportPart, store.ErasedMark, store.ImportProblem)
        return sum(session.scalar(select(func.count()).select_from(one)) for one in tables)


def test_an_import_that_was_not_applied_can_be_withdrawn(
    send, read, api, house, installation
) -> None:
    data = csv_file(*ROWS).getvalue()
    for look in (lambda answer: answer.get_json(), read):
        path = f"imports/{look(send(data))['id']}"
        withdrawn = api.delete(path)
        assert (withdrawn.status_code, withdrawn.get_json()["state"]) == (200, "withdrawn")
        assert kept(installation) == 0
        for gone in (api.get(path), api.delete(path), api.post(f"{path}/apply", {})):
            assert code(gone) == (404, "unknown_import")
        house.run(store.IMPORTS)
    path = f"imports/{read(send(data))['id']}"
    api.post(f"{path}/apply", {"skip_bad": True})
    for _ in ("applying", "done"):
        assert code(api.delete(path)) == (409, "import_not_ready")
        house.run(store.IMPORTS)
    assert api.get(path).get_json()["state"] == "done"


def test_whoever_prefers_to_wait_gets_the_checked_import(send, client, house) -> None:
    """As long as the file is not read the answer waits, and it says that it did."""
    reader = threading.Thread(target=lambda: _read_when_there(house))
    reader.start()
    try:
        answer = send(csv_file(*ROWS).getvalue(), headers={"Prefer": "respond-async, wait=20"})
    finally:
        reader.join()
    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert (answer.get_json()["state"], answer.get_json()["bad"]) == ("checked", 2)


def _read_when_there(house) -> None:
    while not importing.work_off(house.installation.import_desk):
        time.sleep(0.01)


@pytest.mark.parametrize("prefer", ["wait=0", "wait=soon", "wait=-1", "return=minimal", "wait"])
def test_other_preferences_change_nothing(send, prefer: str) -> None:
    answer = send(csv_file(*ROWS).getvalue(), headers={"Prefer": prefer})
    assert answer.get_json()["state"] == "reading"
    assert "Preference-Applied" not in answer.headers


def test_those_who_wait_leave_threads_to_others(send, monkeypatch) -> None:
    """However many prefer to wait: no more than some do."""
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(imports, "_waiting", taken)
    answer = send(csv_file(*ROWS).getvalue(), headers={"Prefer": "wait=30"})
    assert answer.get_json()["state"] == "reading"
    assert "Preference-Applied" not in answer.headers


def test_a_preview_shows_rows_as_they_will_be_stored(send, read, api, wallet, client) -> None:
    file = csv_file(
        "ФИО;Телефон;Карта;Дата рождения;Баланс;Сгорает;Согласие на рассылку",
        "Анна;8 999 000-00-01;4000 1234;29.02.1992;1 250;31.12.2030;да",
        *(f"Н;+7999000001{n};;;1;;" for n in range(9)),
        encoding="cp1251",
    )
    found = read(send(file.getvalue()))
    assert (found["file"]["encoding"], found["file"]["delimiter"]) == ("cp1251", ";")
    assert [row["row"] for row in found["sample"]] == [2, 3, 4, 5, 6]
    path = f"imports/{found['id']}"
    shown = {
        lang: {
            one["column"]: re.sub(r"\s", " ", one["text"])
            for one in api.get(f"{path}?lang={lang}").get_json()["sample"][0]["fields"]
        }
        for lang in ("ru", "en")
    }
    assert shown["ru"] == {
        "ФИО": "Анна",
        "Телефон": "+7 999 000-00-01",
        "Карта": "40001234",
        "Дата рождения": "29 февраля 1992 г.",
        "Баланс": "1 250",
        "Сгорает": "31 декабря 2030 г.",
        "Согласие на рассылку": "да",
    }
    assert shown["en"]["Баланс"] == "1,250"
    assert shown["en"]["Согласие на рассылку"] == "yes"
    key = wallet("keys", "add", "files", "--scope", "imports:write").output.split()[-1]
    answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.get_json()["sample"]) == (200, [])


def test_what_only_the_importer_knows_is_asked_for(send, read, api, house) -> None:
    data = b"phone;balance\n+79990000001;1,000\n+79990000002;2,000\n"
    found = read(send(data))
    assert (found["bad"], found["file"]["decimal"], found["file"]["ambiguous_numbers"]) == (
        2,
        None,
        2,
    )
    for decimal, points in (("point", 3000), ("comma", 3)):
        found = read(send(data, decimal=decimal))
        assert (found["bad"], found["points_good"], found["file"]["decimal"]) == (
            0,
            points,
            decimal,
        )
        assert found["file"]["ambiguous_numbers"] == 0
    # What another number of the column says is not asked for.
    found = read(send(data + b'+79990000003;"1.500,00"\n'))
    assert (found["bad"], found["points_good"], found["file"]["decimal"]) == (0, 1503, "comma")
    assert code(send(data, decimal="dot")) == (422, "invalid_request")


def test_what_else_is_refused(send, api, house) -> None:
    assert code(send(b"phone\n1", programme="none")) == (404, "unknown_programme")
    assert code(send(b"phone\n1", kind="other")) == (422, "invalid_request")
    assert code(send(b"phone\n1", unit="none")) == (404, "unknown_unit")
    assert code(api.get("imports/none")) == (404, "unknown_import")
    assert code(api.get("imports/none/rows")) == (404, "unknown_import")
    assert code(api.post("imports/none/apply", {})) == (404, "unknown_import")
    assert set(pumps(house.installation)) >= {"imports"}


@pytest.fixture
def send_form(client):
    def sent(data: dict, query: str = "") -> TestResponse:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        return client.post(
            f"/api/v1/imports{query}",
            data=data,
            headers=headers,
            content_type="multipart/form-data",
        )

    return sent


def people(*rows: str) -> tuple[BytesIO, str]:
    return csv_file(*(rows or ROWS)), "people.csv"


TERMS = {"programme": "demo", "kind": "members"}


def test_a_large_file_comes_in_a_form_too(send_form) -> None:
    rows = [f"Name {number};+7916{number:07}" for number in range(60_000)]
    file = csv_file("имя;телефон", *rows)
    assert len(file.getvalue()) > 1_000_000
    answer = send_form({"file": (file, "people.csv"), **TERMS})
    assert answer.status_code == 201, answer.text


def test_a_file_in_a_form_is_read_as_the_body_would_be(send, read, send_form) -> None:
    told = read(send(csv_file(*ROWS).getvalue()))
    for data, query in (
        ({"file": people(), **TERMS}, ""),
        ({"file": people()}, "?programme=demo&kind=members"),
        ({"file": people(), "kind": "members", "reason": "New year"}, "?programme=demo"),
    ):
        answer = send_form(data, query)
        other = read(answer)
        assert {**other, "id": "", "created_at": ""} == {**told, "id": "", "created_at": ""}


def test_a_workbook_in_a_form(send_form, read) -> None:
    book = xlsx_file(("Телефон", "Баланс"), ("+79990000001", 10))
    answer = read(send_form({"file": (book, "Люди.xlsx"), **TERMS}))
    assert (answer["file"]["format"], answer["points_good"]) == ("xlsx", 10)


@pytest.mark.parametrize(
    ("data", "query", "wanted"),
    [
        ({**TERMS}, "", "file_missing"),
        ({**TERMS, "file": "phone\n1"}, "", "invalid_request"),
        ({**TERMS, "people": people()}, "", "file_missing"),
        ({**TERMS, "file": [people(), people()]}, "", "file_missing"),
        ({**TERMS, "file": people(), "more": people()}, "", "file_missing"),
        ({"kind": "members", "file": people()}, "", "invalid_request"),
        ({"programme": "demo", "file": people()}, "?kind=other", "invalid_request"),
        ({**TERMS, "lang": "ru", "file": people()}, "", "invalid_request"),
        ({**TERMS, "file": people()}, "?kind=members", "given_twice"),
        ({**TERMS, "unit": "none", "file": people()}, "", "unknown_unit"),
        ({**TERMS, "file": (BytesIO(b""), "empty.csv")}, "", "file_refused"),
    ],
)
def test_forms_that_will_not_do(send_form, data: dict, query: str, wanted: str) -> None:
    # What is sent is closed: each time it is made anew.
    fresh = {
        name: [people() for _ in value]
        if isinstance(value, list)
        else people()
        if isinstance(value, tuple) and value[1] == "people.csv"
        else value
        for name, value in data.items()
    }
    status = 404 if wanted == "unknown_unit" else 422
    assert code(send_form(fresh, query)) == (status, wanted)


def test_a_form_that_is_cut_off_is_refused(client) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Accept-Language": "ru"}
    for sent in (
        b"--x\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\nphone\n+7999",
        b"no form at all",
    ):
        answer = client.post(
            "/api/v1/imports?programme=demo&kind=members",
            data=sent,
            headers={**headers, "Content-Type": "multipart/form-data; boundary=x"},
        )
        assert code(answer) == (422, "file_missing")
        assert answer.get_json()["detail"] == "Пришлите один файл, в части формы с именем file."


def test_a_form_is_as_large_as_the_operator_allows(send_form) -> None:
    row = "+79990000001;" + "x" * 30_000
    assert send_form({"file": people("phone;name", *[row] * 50), **TERMS}).status_code == 201
    answer = send_form({"file": people("phone;name", *[row] * 120), **TERMS})
    assert code(answer) == (413, "body_too_large")


def test_imports_are_listed_newest_first(send, read, api, installation, house) -> None:
    with installation.database.transaction() as session:
        programmes.create(session, Terms("other", "Другая"), house.clock())
    ids = [
        read(send(f"phone;points\n+7999000000{n};1\n".encode(), programme=programme))["id"]
        for n, programme in enumerate(("demo", "other", "demo"))
    ]
    first = api.get("imports?limit=2").get_json()
    assert [one["id"] for one in first["items"]] == ids[:0:-1]
    rest = api.get(f"imports?cursor={first['next_cursor']}").get_json()
    assert [one["id"] for one in rest["items"]] == ids[:1]
    assert rest["next_cursor"] is None
    assert rest["items"][0] == api.get(f"imports/{ids[0]}").get_json()
    of_one = api.get("imports?programme=other").get_json()["items"]
    assert [one["id"] for one in of_one] == [ids[1]]
    assert code(api.get("imports?programme=none")) == (404, "unknown_programme")
    assert code(api.get("imports?cursor=!")) == (422, "cursor_invalid")


def test_a_file_is_as_large_as_the_operator_allows(send, read) -> None:
    row = b"+79990000001;" + b"x" * 30_000 + b"\n"
    above_what_other_calls_take, too_large = (b"phone;name\n" + row * count for count in (50, 120))
    assert read(send(above_what_other_calls_take))["bad"] == 50
    assert code(send(too_large)) == (413, "body_too_large")


def test_products_come_by_a_file_and_again(send, read, api, house, wallet, client) -> None:
    rows = ("Код;Наименование;Цена", "MILK;Молоко;99,90", "BREAD;Хлеб;45,00", "X;Чай;дорого")
    found = read(send(csv_file(*rows, encoding="cp1251").getvalue(), "products"))
    assert found["things"] == {
        **{"new": 2, "changed": 0, "unchanged": 0},
        **{"gone": 0, "archived": 0, "gone_codes": []},
    }
    assert [one["text"] for one in found["sample"][0]["fields"]] == ["MILK", "Молоко", "99.90"]
    path = f"imports/{found['id']}"
    (wrong,) = api.get(f"{path}/rows?lang=ru").get_json()["items"]
    assert (wrong["row"], wrong["column"], wrong["code"]) == (4, "Цена", "not_a_number")
    api.post(f"{path}/apply", {"skip_bad": True})
    house.run(store.IMPORTS)
    assert api.get(path).get_json()["proof"]["statement"]["things"]["new"] == 2
    milk = api.get("products/MILK?programme=demo").get_json()
    assert milk["price"] == {"amount": "99.90", "currency": "RUB"}
    less = read(send(csv_file("sku;price", "MILK;99.90").getvalue(), "products"))
    assert (less["things"]["unchanged"], less["things"]["gone"]) == (1, 1)
    api.post(f"imports/{less['id']}/apply", {"archive_gone": True})
    house.run(store.IMPORTS)
    done = api.get(f"imports/{less['id']}").get_json()
    assert (done["things"]["archived"], done["things"]["changed"]) == (1, 0)
    assert api.get("products/BREAD?programme=demo").get_json()["archived"]
    again = read(send(csv_file("sku;price", "MILK;99.90").getvalue(), "products"))
    assert again["things"] == {**found["things"], "new": 0, "unchanged": 1}


def test_goods_by_a_file_are_for_who_may_change_them_one_by_one(send, wallet) -> None:
    made = wallet("keys", "add", "files", "--scope", "imports:write")
    key = made.output.split()[-1]
    mine = {"Authorization": f"Bearer {key}"}
    file = csv_file("sku", "A").getvalue()
    assert code(send(file, "products", headers=mine)) == (403, "scope_missing")
    assert code(send(file, "prices", headers=mine)) == (403, "scope_missing")
    assert code(send(file, "stores", headers=mine)) == (403, "scope_missing")
    assert send(csv_file("phone", "+79990000001").getvalue(), headers=mine).status_code == 201
