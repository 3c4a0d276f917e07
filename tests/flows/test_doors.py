"""One rule, every door: whatever a phone number, an address, a name, a card number, a moment or a
document looks like, all doors read it alike, and none of them fails."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import chains
import pytest
from flask.testing import FlaskClient
from fullcards import KEY
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from openpyxl.utils.exceptions import IllegalCharacterError
from phones import PASS_TYPE, Phone
from PIL import Image
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook
from tables import xlsx_file
from werkzeug.test import TestResponse

from ledger import strict_json
from ledger.contacts import Unfit, email_address, phone_number, readable
from ledger.imports import store
from ledger.imports.meanings import is_nothing
from ledger.people.persons import Person
from ledger.programmes import programmes
from wallet.access import sources
from wallet.access.changes import Author
from wallet.errors import DesignRefused
from wallet.installation import Installation
from wallet.passes import folders, templates
from wallet.passes.parts import Enrolment, NearField

BY = Author("command", "wallet test")

API_KEY = "sandbox-test-key-of-32-characters"
# pragma: allowlist nextline secret
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC1vZi0zMi1ieXRlcyE="
# The house stands for all examples of a test: what one did is cleared away before the next.
many = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough: it is about what is read, before anything is stored."""
    return sqlite_url


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    folder = chains.lay(tmp_path / "nfc", chains.leaf(PASS_TYPE, "SANDBOX000", nfc=True))
    return {
        **environment,
        "WALLET_APPLE_CERTS": str(folder),
        "WALLET_WEBHOOK_SECRET": SECRET,
        "WALLET_RATE_LIMITS": "join=1000000/second",
    }


Door = Callable[[str, str], str | None]


class People:
    """The doors by which people come. Each is given one field of a person, and answers what was
    stored of it, or None if it was refused."""

    def __init__(self, installation: Installation, client: FlaskClient, api: Any, run: Any) -> None:
        self._installation, self._client, self._api, self._run = installation, client, api, run
        self.doors: dict[str, Door] = {
            "created by the API": self._created,
            "corrected by the API": self._corrected,
            "the form": self._joined,
            "a file": self._in_a_file,
            "a workbook": self._in_a_workbook,
            "the pass": self._personalized,
        }

    def read(self, field: str, text: str) -> dict[str, str | None]:
        """What each door makes of the text."""
        found = {}
        for name, door in self.doors.items():
            found[name] = door(field, text)
            self._forget()
        return found

    def finds(self, query: str, text: str, member: str) -> bool:
        """Whether a search for the text finds this member."""
        answer = self._client.get(
            "/api/v1/members",
            query_string={query: text},
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
        assert answer.status_code == 200, answer.text
        return member in [one["id"] for one in answer.get_json()["items"]]

    def _created(self, field: str, text: str) -> str | None:
        return self._answered(
            field, self._api.post("members", {"programme": "demo", field: text}), 201
        )

    def _corrected(self, field: str, text: str) -> str | None:
        member = self._api.post("members", {"programme": "demo", "birthday": "1990-05-20"})
        path = f"members/{member.get_json()['id']}"
        return self._answered(field, self._api.call("PATCH", path, {field: text}), 200)

    def _joined(self, field: str, text: str) -> str | None:
        self._client.delete_cookie("card", path="/join/demo")  # each from a browser of their own
        page = self._client.get("/join/demo").text
        token = page.split('name="form_token" value="', 1)[1].split('"', 1)[0]
        entries = {
            "form_token": token,
            "consent": "yes",
            "name": "Анна",
            "phone": "+7 916 000-00-01",
            field: text,
        }
        return self._answered(field, self._client.post("/join/demo", data=entries), 303)

    def _in_a_file(self, field: str, text: str) -> str | None:
        file = io.StringIO()
        csv.writer(file).writerows([["external_id", field], [uuid4().hex, text]])
        return self._imported(field, file.getvalue().encode())

    def _in_a_workbook(self, field: str, text: str) -> str | None:
        try:
            file = xlsx_file(["external_id", field], [uuid4().hex, text])
        except IllegalCharacterError:  # no workbook can hold it
            return self._in_a_file(field, text)
        return self._imported(field, file.getvalue())

    def _imported(self, field: str, data: bytes) -> str | None:
        answer = self._client.post(
            "/api/v1/imports",
            query_string={"programme": "demo", "kind": "members"},
            data=data,
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )
        assert answer.status_code == 201, answer.text
        self._run(store.IMPORTS)
        seen = self._api.get(f"imports/{answer.get_json()['id']}").get_json()
        if seen["state"] == "refused":
            assert seen["refusal"]["problem"] == "encoding"  # no text at all
            return None
        if not seen["bad"]:
            self._api.post(f"imports/{seen['id']}/apply", {})
            self._run(store.IMPORTS)
        return self._stored(field) if not seen["bad"] else None

    def _personalized(self, field: str, text: str) -> str | None:
        member = self._api.post("members", {"programme": "demo"}).get_json()
        phone = Phone.with_card(self._client, member)
        names = {"name": "fullName", "phone": "phoneNumber", "email": "emailAddress"}
        info = {
            "fullName": "Анна",
            "phoneNumber": "+7 916 000-00-01",
            "emailAddress": "anna@example.com",
            "ISOCountryCode": "RU",
            names[field]: text,
        }
        answer = self._client.post(
            f"/apple/v1/passes/{PASS_TYPE}/{phone.serial}/personalize",
            json={"personalizationToken": "t0k3n", "requiredPersonalizationInfo": info},
        )
        return self._answered(field, answer, 200)

    def _answered(self, field: str, answer: TestResponse, success: int) -> str | None:
        assert answer.status_code in (success, 422), answer.text
        return self._stored(field) if answer.status_code == success else None

    def _stored(self, field: str) -> str | None:
        with self._installation.database.reading() as session:
            newest = select(Person).order_by(Person.member_id.desc()).limit(1)
            value: str | None = getattr(session.scalars(newest).one(), field)
            return value

    def _forget(self) -> None:
        """So that the next door meets nobody with this number or address."""
        with self._installation.database.transaction() as session:
            session.execute(update(Person).values(phone=None, email=None))


@pytest.fixture
def asking(installation, clock_now) -> None:
    """The cards of the demo programme ask whose they are."""
    design = replace(
        templates.standard("Копилка"),
        nfc=NearField("{card}", KEY),
        enrolment=Enrolment(("name", "email", "phone"), {"ru": "Станьте участником"}, {}),
    )
    logo = io.BytesIO()
    Image.new("RGB", (300, 80), "white").save(logo, "PNG")
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        templates.store(
            session, programme.id, design, {"enrolment@2x.png": logo.getvalue()}, clock_now()
        )


@pytest.fixture
def people(asking, installation, client, api, house) -> People:
    return People(installation, client, api, house.run)


def understood(rule: Callable[[str], str], text: str) -> str | None:
    """What the rule makes of the text, or None if it refuses it."""
    try:
        return rule(text)
    except Unfit:
        return None


UNSEEN = st.sampled_from("\u200b\u200e\u202a\u202c\u2066\u2069\ufeff")
GAPS = st.sampled_from([" ", "-", "\u00a0", "\u2011", "\u2212", ".", " - ", ") ", ""])
DIGITS = st.sampled_from(["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"])
NUMBERS = st.sampled_from(
    ["79165550012", "89165550012", "9165550012", "74951234567", "375291234567", "14155552671"]
)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Phone numbers as people, spreadsheets and address books write them; some are none."""
    digits = draw(NUMBERS | st.text("0123456789", min_size=5, max_size=15))
    shown = digits.translate(str.maketrans("0123456789", draw(DIGITS)))
    cut = draw(st.integers(1, len(shown)))
    text = draw(st.sampled_from(["", "+", "тел. ", "tel:", "+ ", "00"])) + shown[:cut]
    text += draw(GAPS) + shown[cut:] + draw(st.sampled_from(["", ".0", " доб. 12", ","]))
    for mark in draw(st.lists(UNSEEN, max_size=3)):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + mark + text[at:]
    return text


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """E-mail addresses as people paste them; some are none."""
    local = draw(st.text("aZ1.+-_ж", min_size=1, max_size=8))
    domain = draw(st.sampled_from(["Example.com", "почта.рф", "example", "a..b", "mail.ru."]))
    before = draw(st.sampled_from(["", "mailto:", " ", "Анна <", "\u200b"]))
    after = draw(st.sampled_from(["", ",", ";", ">", " ", "?subject=x", "\u200e"]))
    return f"{before}{local}@{domain}{after}"


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=40
).filter(lambda text: not text.startswith(("=", "'")))


@given(text=numbers())
@example("\u202a+7 999 123-45-67\u202c")
@example("79991234567.0")
@many
def test_a_phone_number_is_the_same_at_every_door(people: People, text: str) -> None:
    expected = understood(lambda one: phone_number(one, "RU"), text)
    assert people.read("phone", text) == dict.fromkeys(people.doors, expected)


@given(text=addresses())
@many
def test_an_address_is_the_same_at_every_door(people: People, text: str) -> None:
    expected = understood(email_address, text)
    assert people.read("email", text) == dict.fromkeys(people.doors, expected)


@given(text=NAMES)
@example("Анна \u202eвонавИ")
@example("Zoe\u0308")
@example("\u0000")
@example("\u001fАнна")
@example("🦊")
@many
def test_a_name_is_the_same_at_every_door(people: People, text: str) -> None:
    assume(
        not is_nothing("name", text)
    )  # what a spreadsheet writes into an empty cell, such as NaN
    expected = understood(readable, text) or None
    assert people.read("name", text) == dict.fromkeys(people.doors, expected)


class Till:
    """The doors through which points move. Each is given a card number, a moment or both, and
    answers whose points moved and when, or None if it was refused."""

    def __init__(self, client: FlaskClient, api: Any) -> None:
        self._client, self._api = client, api
        self.doors: dict[str, Callable[[str, str], TestResponse]] = {
            "an accrual": lambda card, at: self._posted("accruals", card, at),
            "a redemption": lambda card, at: self._posted("redemptions", card, at),
            "a hold": lambda card, at: self._posted("holds", card, at),
            "a batch": self._in_a_batch,
            "a webhook": self._by_webhook,
            "1C": self._by_1c,
        }

    def _posted(self, kind: str, card: str, at: str) -> TestResponse:
        return self._api.post(kind, {"card": card, "points": 1, "occurred_at": at})

    def _in_a_batch(self, card: str, at: str) -> TestResponse:
        item = {"key": uuid4().hex, "type": "accrual", "card": card, "points": 1, "occurred_at": at}
        return self._api.post("batches", {"items": [item]})

    def _by_webhook(self, card: str, at: str) -> TestResponse:
        data = {"card": card, "points": 1}
        return self.signed("demo", {"type": "points.accrued", "timestamp": at, "data": data})

    def _by_1c(self, card: str, at: str) -> TestResponse:
        return self.signed("shop", {"Вид": "Начисление", "Карта": card, "Баллы": 1, "Дата": at})

    def signed(self, source: str, message: object) -> TestResponse:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        moment, webhook_id = datetime.now(UTC), uuid4().hex
        signature = Webhook(SECRET).sign(webhook_id, moment, payload.decode("utf-8", "replace"))
        headers = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
        }
        return self._client.post(
            f"/webhooks/{source}", data=payload, content_type="application/json", headers=headers
        )


@pytest.fixture
def till(installation, client, api, clock_now) -> Till:
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        sources.add(session, installation.keys, "shop", "1c", demo.id, SECRET, BY, clock_now())
    return Till(client, api)


def accepted(answer: TestResponse) -> bool:
    """Whether the points moved. Only a refusal in words may be the other answer."""
    assert answer.status_code in (200, 201, 404, 422), answer.text
    items = answer.get_json(force=True).get("items")
    status = items[0]["status"] if items else answer.status_code
    assert status in (200, 201, 404, 422), answer.text
    return status in (200, 201)


FRAMES = st.sampled_from(["", "\r", "\r\n", "\n", "\t", "\x02", "\x03", "\x1d", " ", "\u200b"])


@given(before=FRAMES, after=FRAMES, gap=st.sampled_from(["", " ", "\u00a0"]), wrong=st.booleans())
@many
def test_a_card_is_the_same_at_every_door(
    till: Till, api, member: dict, before: str, after: str, gap: str, *, wrong: bool
) -> None:
    api.post("accruals", {"member": member["id"], "points": 10})
    number = member["card"]["number"]
    shown = gap.join(number[at : at + 4] for at in range(0, len(number), 4))
    text = before + (shown.replace(number[5], "x") if wrong else shown) + after
    now = datetime.now(UTC).isoformat()
    found = {name: accepted(door(text, now)) for name, door in till.doors.items()}
    found["a scan"] = accepted(api.post("scans", {"barcode": text}))
    found["a search"] = bool(
        api.call("GET", f"members?{urlencode({'card': text})}").get_json().get("items")
    )
    assert found == dict.fromkeys(found, not wrong)


FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 31, 23, 59)  # noqa: DTZ001
MOMENTS = st.datetimes(FIRST, LAST) | st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001
)
ZONES = st.integers(-15 * 60, 15 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moment=MOMENTS, zone=ZONES)
@example(LAST, timezone(timedelta(hours=-12)))
@example(FIRST, timezone(timedelta(hours=14)))
@many
def test_a_moment_is_the_same_at_every_door(
    till: Till, api, member: dict, moment: datetime, zone: timezone
) -> None:
    api.post("accruals", {"member": member["id"], "points": 10})
    card, text = member["card"]["number"], moment.replace(tzinfo=zone).isoformat()
    found = {name: accepted(door(card, text)) for name, door in till.doors.items()}
    assert len(set(found.values())) == 1, found


@given(text=st.text(st.sampled_from("0123456789-:T+Z. ё"), max_size=30))
@example("1700000000")
@example("24.11.2026 10:00")
@many
def test_what_is_no_moment_is_refused_at_every_door(till: Till, member: dict, text: str) -> None:
    assume(not re.match(r"\d{4}-\d\d-\d\d", text))
    card = member["card"]["number"]
    found = {name: accepted(door(card, text)) for name, door in till.doors.items()}
    assert found == dict.fromkeys(found, False)


@given(
    text=st.sampled_from(["2026-02-30T10:00:00Z", "2026-11-24T25:00:00Z", "2026-11-24T10:00+99:00"])
)
@many
def test_a_moment_that_never_was_is_refused_at_every_door(
    till: Till, member: dict, text: str
) -> None:
    card = member["card"]["number"]
    found = {name: accepted(door(card, text)) for name, door in till.doors.items()}
    assert found == dict.fromkeys(found, False)


VALID = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5))
DOCUMENTS = (
    st.binary(max_size=40)
    | VALID.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
    | VALID.map(lambda value: json.dumps(value).encode("utf-16"))
    | st.sampled_from(
        [
            b'{"a": 1, "a": 2}',
            b'{"a": NaN}',
            b'{"a": "\\ud800"}',
            b'{"a": ' + b"[" * 20_000,
            b'{"a": ' + b"9" * 6_000 + b"}",
            b"\xef\xbb\xbf{}",
            b"\xef\xbb\xbf\xef\xbb\xbf{}",
            b"",
        ]
    )
)


class Documents:
    """The doors that read JSON. Each is given bytes, and answers whether it could read them."""

    def __init__(self, till: Till, client: FlaskClient, folder: Path) -> None:
        self._till, self._client, self._folder = till, client, folder
        apple = f"/apple/v1/passes/{PASS_TYPE}/{'0' * 32}/personalize"
        self.doors: dict[str, Callable[[bytes], bool]] = {
            "the API": lambda data: self._sent("/api/v1/accruals", data),
            "a webhook": lambda data: self._read(till.signed("demo", data)),
            "1C": lambda data: self._read(till.signed("shop", data)),
            "a phone's answer": lambda data: self._sent(apple, data),
            "a phone's complaint": lambda data: self._sent("/apple/v1/log", data),
            "a design": self._as_a_design,
        }

    def _sent(self, path: str, data: bytes) -> bool:
        key = {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": uuid4().hex}
        headers = key if path.startswith("/api") else {}
        answer = self._client.post(
            path, data=data, headers=headers, content_type="application/json"
        )
        return self._read(answer)

    def _read(self, answer: TestResponse) -> bool:
        assert answer.status_code < 500, answer.text
        if answer.status_code == 401:  # a signature is of text, and this is none
            return False
        body = answer.get_json(force=True, silent=True) or {}
        return body.get("code") != "malformed_json"

    def _as_a_design(self, data: bytes) -> bool:
        (self._folder / "design.json").write_bytes(data)
        try:
            folders.read(self._folder)
        except DesignRefused as refused:
            return "JSON" not in str(refused) and "dictionary" not in str(refused)
        return True


@given(data=DOCUMENTS)
@many
def test_a_document_is_the_same_at_every_door(
    till: Till, client, tmp_path: Path, data: bytes
) -> None:
    folder = tmp_path / "design"
    folder.mkdir(exist_ok=True)
    documents = Documents(till, client, folder)
    try:
        expected = bool(assume(isinstance(strict_json.read(data), dict)))
    except strict_json.JsonMalformed:
        expected = False
    found = {name: door(data) for name, door in documents.doors.items()}
    assert found == dict.fromkeys(found, expected)
