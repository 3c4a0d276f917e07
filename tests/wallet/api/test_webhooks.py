"""Signed webhooks in, judged by the Standard Webhooks package."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from books import check_books
from sqlalchemy import delete, select
from standardwebhooks.webhooks import Webhook

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.access import sources
from wallet.access.changes import Author
from wallet.access.sources import Source, SourceSecret
from wallet.api.sources import MOMENTS, READERS
from wallet.configuration.keyring import KeyRing

BY = Author("command", "wallet test")

# pragma: allowlist nextline secret
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC1vZi0zMi1ieXRlcyE="


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "WALLET_WEBHOOK_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _books(installation):
    yield
    with installation.database.reading() as session:
        check_books(session)


def body(member: dict, points: int = 5, **changes: object) -> bytes:
    message = {
        "type": "points.accrued",
        "timestamp": "2026-11-24T12:00:00Z",
        "data": {"card": member["card"]["number"], "points": points, "reason": "Кофе"},
    }
    return json.dumps({**message, **changes}).encode()


@pytest.fixture
def send(client):
    def sent(
        payload: bytes,
        secret: str = SECRET,
        webhook_id: str = "msg-1",
        source: str = "demo",
        late_s: int = 0,
        **headers: str,
    ):
        moment = datetime.now(UTC) - timedelta(seconds=late_s)
        signed = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(secret).sign(
                webhook_id, moment, payload.decode("utf-8", "replace")
            ),
        }
        return client.post(
            f"/webhooks/{source}",
            data=payload,
            content_type="application/json",
            headers={**signed, **headers},
        )

    return sent


@pytest.fixture
def onec(send, installation, clock_now):
    """A message as 1C sends it."""
    with installation.database.transaction() as session:
        demo = programmes.by_code(session, "demo")
        sources.add(session, installation.keys, "shop", "1c", demo.id, SECRET, BY, clock_now())

    def sent(member: dict, **more: str):
        message = {"Вид": "Начисление", "Карта": member["card"]["number"], "Баллы": 5, **more}
        payload = json.dumps(message, ensure_ascii=False).encode()
        return send(payload, SECRET, uuid4().hex, "shop")

    return sent


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json(force=True)["code"]


def test_points_come_and_go_by_webhook(send, member) -> None:
    came = send(body(member, 50))
    assert (came.status_code, came.get_json()["balance"]["available"]) == (200, 50)
    went = send(body(member, 20, type="points.redeemed"), webhook_id="msg-2")
    assert went.get_json()["balance"] == {"available": 30, "pending": 0, "held": 0, "debt": 0}


def test_a_message_sent_again_is_answered_the_same(send, member, api) -> None:
    first, again = send(body(member)), send(body(member), late_s=60)
    assert first.data == again.data
    assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 5
    assert code(send(body(member, 6))) == (409, "idempotency_conflict")


def test_a_member_may_be_named_by_the_systems_own_number(send, join) -> None:
    member = join(external_id="c-1")
    data = {"external_id": "c-1", "points": 7}
    assert send(body(member, data=data)).get_json()["balance"]["available"] == 7


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        # pragma: allowlist nextline secret
        ({"secret": "whsec_" + "b3RoZXItc2VjcmV0LW9mLWEtdGVzdC0zMi1ieXQ="}, "signature_invalid"),
        ({"late_s": 301}, "timestamp_outside_window"),
        ({"late_s": -302}, "timestamp_outside_window"),
        ({"webhook-signature": ""}, "signature_invalid"),
        ({"webhook-signature": "v1"}, "signature_invalid"),
        ({"webhook-signature": "v1,%%%"}, "signature_invalid"),
        ({"webhook-signature": "v2,abc="}, "signature_invalid"),
        ({"webhook-timestamp": "soon"}, "signature_invalid"),
        ({"webhook-timestamp": "nan"}, "signature_invalid"),
        ({"webhook-id": ""}, "signature_invalid"),
        ({"webhook-id": "x" * 256}, "signature_invalid"),
        ({"webhook-id": "another"}, "signature_invalid"),
    ],
)
def test_a_message_nobody_vouches_for_changes_nothing(send, member, api, changes, wanted) -> None:
    assert code(send(body(member), **changes)) == (401, wanted)
    assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 0


def test_one_changed_byte_is_noticed(client, member) -> None:
    payload, moment = body(member), datetime.now(UTC)
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("m", moment, payload.decode()),
    }
    changed = payload.replace(b'"points": 5', b'"points": 9')
    answer = client.post("/webhooks/demo", data=changed, headers=headers)
    assert code(answer) == (401, "signature_invalid")


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"{", (400, "malformed_json")),
        (b"\xff\xfe", (401, "signature_invalid")),
        (b"[]", (422, "invalid_request")),
        (b"{}", (422, "invalid_request")),
    ],
)
def test_a_body_that_will_not_do_is_refused(send, payload: bytes, wanted) -> None:
    assert code(send(payload)) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"type": "points.lost"}, (422, "invalid_request")),
        ({"timestamp": 5}, (422, "invalid_request")),
        ({"data": {"card": "1", "points": "5"}}, (422, "invalid_request")),
        ({"data": {"card": "1", "external_id": "2", "points": 5}}, (422, "invalid_request")),
        ({"data": {"points": 5}}, (422, "invalid_request")),
        ({"data": {"card": "4000000000000002", "points": 5}}, (404, "unknown_card")),
        ({"data": {"external_id": "nobody", "points": 5}}, (404, "unknown_member")),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(send, member, changes, wanted) -> None:
    assert code(send(body(member, **changes))) == wanted


def test_more_than_there_is_is_refused_and_may_be_sent_again(send, member) -> None:
    spend = body(member, 5, type="points.redeemed")
    assert code(send(spend)) == (409, "insufficient_points")
    send(body(member, 5), webhook_id="earn")
    assert send(spend).status_code == 200


@pytest.mark.parametrize("source", ["nobody", "Demo", "%00", "ж"])
def test_an_unknown_source_is_refused(send, member, source: str) -> None:
    assert code(send(body(member), source=source)) == (404, "unknown_source")


@pytest.fixture
def own_source(installation, house):
    """A source of another programme, kept in the database; gives its secret."""

    def added(name: str, kind: str) -> str:
        secret = sources.new_secret()
        with installation.database.transaction() as session:
            sources.add(session, installation.keys, name, kind, 1, secret, BY, house.clock())
        return secret

    return added


def test_secrets_are_sealed_and_rotate_without_a_refused_message(
    send, member, own_source, installation, house
) -> None:
    old = own_source("till", "generic")
    with installation.database.transaction() as session:
        stored = session.query(sources.SourceSecret).one().sealed
        assert old not in stored
        new = sources.rotate(session, installation.keys, "till", BY, house.clock())
    for number, secret in enumerate((old, new)):
        answer = send(body(member), secret=secret, webhook_id=f"m{number}", source="till")
        assert answer.status_code == 200
    with installation.database.transaction() as session:
        assert sources.retire(session, "till", BY, house.clock()) == 1
    assert send(body(member), secret=new, webhook_id="m3", source="till").status_code == 200
    assert code(send(body(member), secret=old, webhook_id="m4", source="till")) == (
        401,
        "signature_invalid",
    )


def test_1c_speaks_its_own_words(send, own_source, join, api) -> None:
    member = join(external_id="000042")
    secret = own_source("ut11", "1c")
    message = {
        "Вид": "Начисление",
        "КодКлиента": "000042",
        "Баллы": 120,
        "Документ": "Чек ККМ 0000-000123",
        "Дата": "2026-11-24T12:30:00",
    }
    payload = json.dumps(message, ensure_ascii=False).encode()
    answer = send(payload, secret=secret, source="ut11")
    assert answer.get_json()["balance"]["available"] == 120
    line = api.get(f"members/{member['id']}/postings").get_json()["items"][0]
    assert line["receipt"] == "Чек ККМ 0000-000123"
    assert line["occurred_at"] == "2026-11-24T09:30:00Z"
    wrong = json.dumps({**message, "Вид": "Подарок"}, ensure_ascii=False).encode()
    assert code(send(wrong, secret=secret, source="ut11", webhook_id="2"))[0] == 422


def test_a_source_sees_its_own_programme_only(send, member, installation, house, own_source):
    with installation.database.transaction() as session:
        other = programmes.create(session, Terms("other", "Другая"), house.clock()).id
        secret = sources.new_secret()
        sources.add(
            session, installation.keys, "other", "generic", other, secret, BY, house.clock()
        )
    assert code(send(body(member), secret=secret, source="other")) == (404, "unknown_card")


def test_the_card_that_was_shown_stays_with_the_posting(send, api, member, join) -> None:
    """As with every other door: the statement can be asked by card, and a household is told whose
    card it was."""
    number = member["card"]["number"]
    assert send(body(member)).status_code == 200
    api.post("accruals", {"card": number, "points": 7})
    api.post("accruals", {"member": member["id"], "points": 9})
    found = api.get(f"members/{member['id']}/postings?card={number}").get_json()["items"]
    assert [one["points"] for one in found] == [7, 5]


@pytest.mark.parametrize("time", ["T00:00:00", "", "T00:00:00+03:00"])
def test_the_empty_date_of_1c_is_no_date(api, member, onec, time: str) -> None:
    answer = onec(member, Дата=f"0001-01-01{time}")
    assert answer.status_code == 200, answer.text
    (line,) = api.get(f"members/{member['id']}/postings").get_json()["items"]
    assert line["occurred_at"] == line["posted_at"]


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59", "9999-12-31T23:59:59-05:00"])
def test_a_date_at_the_end_of_the_calendar_is_refused_in_words(member, onec, far: str) -> None:
    answer = onec(member, Дата=far)
    assert answer.status_code == 422
    assert answer.get_json()["code"] in ("date_out_of_range", "invalid_request")


def test_what_is_said_to_happen_tomorrow_is_refused_at_every_door(
    send, api, member, onec, clock_now
) -> None:
    later = clock_now() + timedelta(days=2)
    for field, refused in (
        ("Дата", onec(member, Дата=f"{later:%Y-%m-%dT%H:%M:%S}")),
        ("timestamp", send(body(member, timestamp=later.isoformat()))),
    ):
        assert code(refused) == (422, "date_out_of_range")
        assert refused.get_json()["field"] == field
    grant = {"card": member["card"]["number"], "points": 1, "occurred_at": later.isoformat()}
    assert code(api.post("accruals", grant)) == (422, "date_out_of_range")
    (outcome,) = api.post(
        "batches", {"items": [{"type": "accrual", "key": "a", **grant}]}
    ).get_json()["items"]
    assert (outcome["status"], outcome["code"]) == (422, "date_out_of_range")
    soon = (clock_now() + timedelta(hours=14)).isoformat()
    assert api.post("accruals", {**grant, "occurred_at": soon}).status_code == 201


def test_a_byte_order_mark_is_skipped_after_the_signature_was_checked(send, member) -> None:
    assert send(b"\xef\xbb\xbf" + body(member)).status_code == 200


def test_what_scanners_put_around_a_number_does_not_matter(send, api, member) -> None:
    number = member["card"]["number"]
    frames = ("{}\r\n", "{}\r", "\x02{}\x03", "\x1d{}", " {}\t")
    for n, framed in enumerate(frame.format(number) for frame in frames):
        assert api.post("scans", {"barcode": framed}).status_code == 200, n
        assert api.post("accruals", {"card": framed, "points": 1}).status_code == 201, n
        data = {"card": framed, "points": 1}
        assert send(body(member, data=data), webhook_id=f"m{n}").status_code == 200, n


def test_a_secret_that_no_key_opens_stops_no_other(onec, send, member, installation, clock_now):
    with installation.database.transaction() as session:
        source = session.scalars(select(Source).where(Source.name == "shop")).one()
        foreign = KeyRing(("another-ring-of-thirty-two-characters",)).seal(SECRET)
        session.add(SourceSecret(source_id=source.id, sealed=foreign, created_at=clock_now()))
    assert onec(member).status_code == 200
    with installation.database.transaction() as session:
        session.execute(delete(SourceSecret).where(SourceSecret.sealed != foreign))
    assert code(onec(member)) == (401, "signature_invalid")


class TestBalances:
    """A system that knows what a member has, and not what made it."""

    def says(self, member: dict, points: int, minute: int = 0, **more: object) -> bytes:
        data = {"card": member["card"]["number"], "points": points, **more}
        message = {"type": "balance.is", "timestamp": f"2026-11-24T12:{minute:02}:00Z"}
        return json.dumps({**message, "data": data}).encode()

    def test_the_difference_is_posted_and_told(self, send, api, member) -> None:
        api.post("accruals", {"card": member["card"]["number"], "points": 400})
        answer = send(self.says(member, 350, reason="Сверка", receipt="7"))
        assert answer.status_code == 200
        (line, _) = api.get(f"members/{member['id']}/postings").get_json()["items"]
        assert answer.get_json() == {
            "id": line["id"],
            "balance": {"available": 350, "pending": 0, "held": 0, "debt": 0},
            "outcome": "posted",
            "difference": -50,
        }
        told = (line["kind"], line["points"], line["reason"], line["receipt"], line["promotion"])
        assert told == ("redemption", -50, "Сверка", "7", "balance.is")
        assert line["occurred_at"] == "2026-11-24T12:00:00Z"

    def test_no_difference_and_an_older_message_post_nothing(self, send, api, member) -> None:
        assert send(self.says(member, 70, minute=5)).status_code == 200
        same = send(self.says(member, 70, minute=6), webhook_id="msg-2").get_json()
        late = send(self.says(member, 20, minute=4), webhook_id="msg-3").get_json()
        found = [(one["id"], one["outcome"], one["difference"]) for one in (same, late)]
        assert found == [(None, "unchanged", 0), (None, "outdated", 0)]
        assert len(api.get(f"members/{member['id']}/postings").get_json()["items"]) == 1

    def test_a_repetition_has_its_first_answer(self, send, api, member) -> None:
        """Also after a newer balance was told: it must not bring the older one back."""
        first = send(self.says(member, 70))
        send(self.says(member, 80, minute=1), webhook_id="msg-2")
        again = send(self.says(member, 70))
        assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
        assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 80

    def test_what_holds_have_set_aside_cannot_go(self, send, api, member) -> None:
        card = member["card"]["number"]
        api.post("accruals", {"card": card, "points": 100})
        api.post("holds", {"card": card, "points": 60})
        refused = send(self.says(member, 50))
        assert (refused.status_code, refused.get_json()["code"]) == (409, "insufficient_points")
        assert send(self.says(member, 100), webhook_id="msg-2").get_json()["outcome"] == "unchanged"

    @pytest.mark.parametrize(
        ("data", "field", "code"),
        [
            ({"points": -1}, "data.points", "too_small"),
            ({"points": None}, "data.points", "points_or_money"),
            ({"points": "5"}, "data.points", "not_an_integer"),
            ({"external_id": "7"}, "data.card", "card_or_external_id"),
            ({"purchase": {"amount": "5", "currency": "RUB"}}, "data.purchase", "unknown_field"),
        ],
    )
    def test_what_does_not_fit_is_told(self, send, member, data, field, code) -> None:
        answer = send(self.says(member, **{"points": 5, **data}))
        assert answer.status_code == 422
        assert (field, code) in [(one["field"], one["code"]) for one in answer.get_json()["errors"]]

    def test_a_type_that_there_is_not_names_those_that_there_are(self, send, member) -> None:
        answer = send(body(member, type="points.given"))
        (error,) = answer.get_json()["errors"]
        assert (error["field"], error["code"]) == ("type", "unknown_value")
        assert "balance.is" in error["message"]

    def test_1c_says_it_in_its_own_words(self, installation, api, join, send) -> None:
        secret = sources.new_secret()
        with installation.database.transaction() as session:
            programme_id = programmes.by_code(session, "demo").id
            sources.add(
                session,
                installation.keys,
                "shop",
                "1c",
                programme_id,
                secret,
                BY,
                installation.clock(),
            )
        member = join(name="Анна", external_id="000042")

        def says(points: int, at: str, id_: str) -> dict:
            message = {"Вид": "Остаток", "КодКлиента": "000042", "Баллы": points, "Дата": at}
            answer = send(json.dumps(message).encode(), secret, id_, "shop")
            assert answer.status_code == 200, answer.text
            return answer.get_json()

        assert says(120, "2026-11-24T12:30:00", "1")["difference"] == 120
        assert says(5, "2026-11-24T12:29:00", "2")["outcome"] == "outdated"
        assert says(0, "2026-11-24T12:31:00", "3")["difference"] == -120
        missing = json.dumps({"Вид": "Остаток", "КодКлиента": "000042", "Баллы": 1}).encode()
        answer = send(missing, secret, "4", "shop")
        (error,) = answer.get_json()["errors"]
        assert (error["field"], error["code"]) == ("Дата", "required")
        assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 0


def test_every_kind_of_source_has_a_reader() -> None:
    assert set(READERS) == set(MOMENTS) == set(sources.KINDS)
