"""Requests that are repeated: across an upgrade, all at once, after a refusal. What was answered
under a key is answered again, and nothing is done a second time."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from ledger.book.journal import Posting
from ledger.database.idempotency import Request
from ledger.people.members import Member

CARD, ID, OTHER = "7167993484019286", "01a20f22-e6c7", "01a20f22-ef01"
# pragma: allowlist nextline secret
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC1vZi0zMi1ieXRlcyE="
FIRST = '{"answered": "by the release before"}'
CODE = "961" + "7" * 60

# Path, body, and the hash that the first release keeps of the request. Never change one of these.
KEPT = [
    (
        "members",
        {"programme": "demo", "name": "Анна", "phone": "+79991234567"},
        "f73109a97f657ddc80465785c94e856c294f78d371d91373253be586286eddce",
    ),
    (
        "members",
        {
            "programme": "demo",
            "consents": [{"purpose": "marketing", "given": True, "at": "2026-11-24T12:00:00Z"}],
        },
        "007cd3b484d6a13b4098851ad420adae2e9642ba22f2298ff6de818726467038",
    ),
    (
        "accruals",
        {"card": CARD, "points": 100, "reason": "Кофе", "receipt": "1001"},
        "384f0caff4dce4c54382133440d8066637ed43a45260675b06f106a3f8a550c3",
    ),
    (
        "accruals",
        {"card": CARD, "money": {"amount": "199.90", "currency": "RUB"}},
        "a8de5149a04c66f5fd128c6a0aa8218c3b30f7ab70eba1f208d4999a247d9a42",
    ),
    (
        "accruals",
        {"member": ID, "points": 1, "expires_at": "2027-11-24T23:59:59+03:00"},
        "dad13e9b8fe4c96f60bf2981afd13582d67ad87c1ef7c91c9724aec927ac84c3",
    ),
    (
        "redemptions",
        {"card": CARD, "points": 30, "receipt": "1002", "unit": "points"},
        "571ec33e7922b2347e326a4653027818de234a7b9ab817cfcf0b18699b142c29",
    ),
    (
        "holds",
        {"card": CARD, "points": 60, "lasts_seconds": 900},
        "e7f9a12759779735ee2e8a282cd592f8c32ce686018d40d70649ae7e35315230",
    ),
    (f"holds/{ID}/capture", {}, "a555da6fe50d4bfe8074a4c1fdb75f62b29e37feff0a6df5ea544ae5dc02f9fa"),
    (
        f"holds/{ID}/capture",
        {"points": 45},
        "142e250c5855218f5b436debd942150cd2bfd65672d2b26b25311a96d21543f4",
    ),
    (
        f"holds/{ID}/release",
        None,
        "3999c08402aa0dcadbb8d23275c8f44df333be9d2750e73003bee23867b1a37b",
    ),
    (
        f"postings/{ID}/reverse",
        {"points": 40, "reason": "Возврат"},
        "6f6448b4db578ad063bbc5db9c2163dee4e32b77f35d19a4fc3f213aa71d92c5",
    ),
    (
        "transfers",
        {"from": {"card": CARD}, "to": {"member": OTHER}, "points": 25},
        "a39f4a446e54b471cce9c46e3fdb583d0af6b1d94ef5ac63e3fc49736b8a0c42",
    ),
    (
        "offers",
        {"programme": "demo", "title": "Латте", "until": "2027-01-01T00:00:00Z"},
        "78149ff03f02cb6cb32139153cc777e390f7e5aac1d003d813ec291704300f8b",
    ),
    (
        f"offers/{ID}/passes",
        {"member": ID},
        "7b066bea486b65e5f072c974c36f376bf506d6e4527cdf79d67d57d23c7ef0fa",
    ),
    (f"passes/{ID}/void", None, "0cf3fc1ad25fa778441722f701a07c47f882317358de64a50250aa8d9e89f55a"),
    (
        f"passes/{ID}/expire",
        {"at": "2099-01-01T00:00:00+03:00"},
        "a89740b570356270b552a8561227c23947836ef74bdb8db97cd1233fbba7de7c",
    ),
    (f"passes/{ID}/use", None, "d058a157a61ed94355da73e773a72093615c42a843e721ea2068106f7e82e4c1"),
    (
        f"passes/{ID}/restore",
        None,
        "24f5736636f4599cec3a3f862918f2bb5391c3e8d5ffad5c40a8dfaed1afd59e",
    ),
    (
        f"members/{ID}/household",
        {"head": OTHER},
        "36ee396fb848093dda3a5b4a2b5a4086aa54b2332d7e9c0927d271a32a7d317f",
    ),
    (
        f"members/{ID}/household/leave",
        None,
        "bb854845d2b6a45a4040a4bf3d6cef90f19af3e911e0904cd490ccda85268e0c",
    ),
    (
        f"members/{ID}/merge",
        {"into": OTHER},
        "f0b1ab1f04f13d8e4c9ec850c07c9aabc5ce5da329657b2e2495afe6b47c9272",
    ),
    (
        f"members/{ID}/cards",
        None,
        "2826f954f1e12202fa7c62c46c0e3f6511c398f852bf85b8e8b0decd0697f1de",
    ),
    (
        "campaigns",
        {
            "programme": "demo",
            "name": "Пятница",
            "texts": {"ru": "Латте за полцены."},
            "audience": {"kind": "not", "of": {"kind": "purchase", "days": 30}},
            "quiet_hours": {"from": "22:00", "until": "09:00"},
        },
        "74d20850012e7508aa1ae02f8da3123a779b4efb0e4c50c43047a5a9a9572c7a",
    ),
]


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_WEBHOOK_SECRET": SECRET}


@pytest.fixture
def keep(installation):
    """Put a row there as a release before has left it."""

    def kept(scope: str, key: str, body_hash: str, answer: str = FIRST, status: int = 201) -> None:
        with installation.database.transaction() as session:
            session.add(
                Request(
                    scope=scope,
                    key=key,
                    body_hash=bytes.fromhex(body_hash),
                    status=status,
                    answer=answer.encode(),
                    created_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
            )

    return kept


@pytest.fixture
def made(installation):
    """How many members and postings there are."""

    def counted() -> tuple[int, int]:
        with installation.database.reading() as session:
            counts = [select(func.count()).select_from(table) for table in (Member, Posting)]
            return tuple(session.scalars(count).one() for count in counts)

    return counted


@pytest.mark.parametrize(("path", "body", "body_hash"), KEPT)
def test_a_call_is_answered_as_before_the_upgrade(
    api, keep, made, path: str, body: dict | None, body_hash: str
) -> None:
    keep("key:environment", "from-before", body_hash)
    before = made()
    answer = api.post(path, body, key="from-before")
    assert (answer.status_code, answer.text) == (201, FIRST)
    assert answer.mimetype == "application/json"
    assert made() == before
    if body:
        answer = api.post(path, {**body, **changed(body)}, key="from-before")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency_conflict")


def changed(body: dict) -> dict:
    """One value of a body, changed."""
    others = {
        "points": 44,
        "programme": "other",
        "member": OTHER,
        "head": ID,
        "into": ID,
        "card": "1",
        "at": "2099-01-02T00:00:00Z",
    }
    return next({name: value} for name, value in others.items() if name in body)


def test_an_item_of_a_batch_is_answered_as_before_the_upgrade(api, keep, made) -> None:
    posting = {
        "id": ID,
        "member": ID,
        "points": 100,
        "balance": {"available": 170, "pending": 0, "held": 0, "debt": 0},
    }
    body_hash = "c640feb2c50961e2ae644a75bfc8bdfc5c46a442c18cba19ee96110d6e807413"
    keep("key:environment", "k", body_hash, json.dumps(posting))
    item = {"key": "k", "type": "accrual", "card": CARD, "points": 100}
    answer = api.post("batches", {"items": [item, {**item, "points": 99}]}).get_json()
    assert answer["items"][0]["posting"] == posting
    assert answer["items"][1]["code"] == "idempotency_conflict"
    assert made() == (0, 0)


def test_a_scan_is_answered_as_before_the_upgrade(api, keep, member) -> None:
    """Kept of it is the member alone; what a till sees is told anew."""
    body_hash = "0aecdfa2df7dba44b903045f79804b6909bdadb48f0f19ae4cc6753fba5bbe3c"
    keep("scan:environment", "from-before", body_hash, member["id"], 200)
    answer = api.post("scans", {"barcode": CODE}, key="from-before")
    assert (answer.status_code, answer.get_json()["id"]) == (200, member["id"])
    other = api.post("scans", {"barcode": CODE + "0"}, key="from-before")
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")


def test_a_webhook_is_answered_as_before_the_upgrade(client, keep, made) -> None:
    payload = (
        '{"type": "points.accrued", "timestamp": "2026-11-24T12:00:00Z",'
        f' "data": {{"card": "{CARD}", "points": 5, "reason": "Кофе"}}}}'
    )
    body_hash = "e30ed50bd82f11c023154d2321e5235da303835f32399caa80cf2e7693cd8249"
    keep("webhook:demo", "from-before", body_hash, FIRST, 200)
    now = datetime.now(UTC)
    signed = {
        "webhook-id": "from-before",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("from-before", now, payload),
    }
    answer = client.post("/webhooks/demo", data=payload.encode(), headers=signed)
    assert (answer.status_code, answer.text) == (200, FIRST)
    assert made() == (0, 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("members", {"programme": "demo", "name": "Анна"}),
        ("accruals", {"points": 5}),
        ("holds", {"points": 5}),
    ],
)
def test_twins_at_the_same_moment_are_one(app, api, made, member, path: str, body: dict) -> None:
    posting = api.post("accruals", {"member": member["id"], "points": 50})
    assert posting.status_code == 201
    whom = {} if path == "members" else {"member": member["id"]}
    before, key = made(), uuid.uuid4().hex

    def send(_: int):
        return type(api)(app.test_client()).post(path, {**body, **whom}, key=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    added = {"members": (1, 0), "accruals": (0, 1), "holds": (0, 0)}[path]
    assert made() == tuple(map(sum, zip(before, added, strict=True)))
    if path == "holds":
        balance = api.get(f"members/{member['id']}").get_json()["balance"]
        assert balance == {"available": 45, "pending": 0, "held": 5, "debt": 0}


def test_a_refused_call_may_succeed_later_under_its_key(api, member) -> None:
    body = {"member": member["id"], "points": 5}
    refused = api.post("holds", body, key="k-1")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "insufficient_points")
    api.post("accruals", body)
    placed = api.post("holds", body, key="k-1")
    assert placed.status_code == 201
    assert api.post("holds", body, key="k-1").data == placed.data
