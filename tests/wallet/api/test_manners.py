"""Manners of the API: what fails alone, what may be left out, what a repetition says, and what goes
out packed."""

import gzip
import uuid
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from standardwebhooks.webhooks import Webhook

# pragma: allowlist nextline secret
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtdGVzdC1vZi0zMi1ieXRlcyE="


@pytest.fixture
def environment(environment) -> dict[str, str]:
    return {**environment, "WALLET_WEBHOOK_SECRET": SECRET}


class TestBatches:
    def test_a_malformed_item_fails_alone(self, api, member) -> None:
        good = {"type": "accrual", "card": member["card"]["number"], "points": 5}
        items = [
            {**good, "key": "1"},
            {**good, "key": "2", "points": -5},
            {**good, "key": "3", "pionts": 5},
            "nothing",
            {**good, "key": "5"},
        ]
        answer = api.post("batches", {"items": items})
        assert answer.status_code == 200
        outcomes = answer.get_json()["items"]
        assert [one["status"] for one in outcomes] == [201, 422, 422, 422, 201]
        assert [one["key"] for one in outcomes] == ["1", "2", "3", None, "5"]
        assert {one["code"] for one in outcomes} == {None, "invalid_request"}
        assert [error["field"] for error in outcomes[1]["errors"]] == ["points"]
        assert [error["field"] for error in outcomes[2]["errors"]] == ["pionts"]
        assert outcomes[4]["posting"]["balance"]["available"] == 10
        again = api.post("batches", {"items": items}).get_json()["items"]
        assert again == outcomes

    def test_a_batch_that_is_none_is_refused_as_a_whole(self, api) -> None:
        for body in ({"items": []}, {"items": "x"}, {}):
            assert api.post("batches", body).status_code == 422


class TestBodies:
    @pytest.fixture
    def bare(self, client: FlaskClient):
        """A POST without any body."""
        headers = {"Authorization": "Bearer sandbox-test-key-of-32-characters"}
        return lambda path: client.post(f"/api/v1/{path}", headers=headers)

    def test_where_nothing_is_needed_nothing_need_be_sent(self, bare, api, member) -> None:
        posting = api.post("accruals", {"member": member["id"], "points": 100}).get_json()
        hold = api.post("holds", {"member": member["id"], "points": 40}).get_json()
        captured = bare(f"holds/{hold['id']}/capture")
        assert captured.status_code == 201, captured.text
        assert captured.get_json()["points"] == 40
        assert bare(f"postings/{captured.get_json()['id']}/reverse").status_code == 201
        assert bare(f"postings/{posting['id']}/reverse").status_code == 201
        draft = {"programme": "demo", "name": "Friday", "texts": {"ru": "Латте", "en": "Latte"}}
        campaign = api.post("campaigns", draft).get_json()
        assert bare(f"campaigns/{campaign['id']}/preview").status_code == 200
        assert bare(f"campaigns/{campaign['id']}/start").status_code == 200

    def test_a_misspelt_wish_is_refused_where_no_body_is_taken(self, api, member) -> None:
        hold = api.post("holds", {"member": member["id"], "points": 1})
        assert hold.status_code == 409
        api.post("accruals", {"member": member["id"], "points": 100})
        hold = api.post("holds", {"member": member["id"], "points": 1}).get_json()
        refused = api.post(f"holds/{hold['id']}/release", {"points": 1})
        assert refused.status_code == 422
        (error,) = refused.get_json()["errors"]
        assert error["field"] == "points"
        assert api.post(f"holds/{hold['id']}/release", {}).status_code == 201

    def test_what_is_undone_cannot_be_undone_again(self, api, member) -> None:
        posting = api.post("accruals", {"member": member["id"], "points": 100}).get_json()["id"]
        assert api.post(f"postings/{posting}/reverse", {}).status_code == 201
        for body in ({}, {"points": 1}):
            refused = api.post(f"postings/{posting}/reverse", body)
            assert (refused.status_code, refused.get_json()["code"]) == (409, "already_reversed")

    def test_a_kind_of_posting_that_there_is_not_is_refused(self, api, member) -> None:
        assert api.get(f"members/{member['id']}/postings?kind=accrual").status_code == 200
        refused = api.get(f"members/{member['id']}/postings?kind=bogus")
        assert refused.status_code == 422
        assert refused.get_json()["errors"][0]["field"] == "kind"


class TestRepetitions:
    @pytest.mark.parametrize("path", ["accruals", "holds"])
    def test_a_repetition_says_that_it_is_one(self, api, member, path: str) -> None:
        api.post("accruals", {"member": member["id"], "points": 100})
        key = {"Idempotency-Key": uuid.uuid4().hex}
        wish = {"member": member["id"], "points": 5}
        first, again = (api.call("POST", path, wish, **key) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.data == again.data
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_a_webhook_says_it_too_and_a_different_one_is_told_so(
        self, client: FlaskClient, member
    ) -> None:
        def send(points: int):
            now = datetime.now(UTC)
            body = (
                f'{{"type": "points.accrued", "timestamp": "{now.date()}T00:00:00Z", "data":'
                f' {{"card": "{member["card"]["number"]}", "points": {points}}}}}'
            )
            headers = {
                "webhook-id": "one",
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(SECRET).sign("one", now, body),
            }
            return client.post("/webhooks/demo", data=body, headers=headers)

        first, again, other = send(5), send(5), send(6)
        assert (first.status_code, again.status_code) == (200, 200)
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")
        assert "webhook-id" in other.get_json()["detail"]


class TestPacked:
    @pytest.mark.parametrize(
        "path",
        ["/api/docs", "/api/openapi.json", "/api/docs/static/docs.css", "/static/pages.css"],
    )
    def test_public_texts_are_packed_for_those_who_take_it(self, client: FlaskClient, path) -> None:
        plain = client.get(path)
        packed = client.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert len(packed.data) < len(plain.data) / 2
        assert packed.content_length == len(packed.data)
        for answer in (plain, packed):
            assert "Accept-Encoding" in answer.headers["Vary"]

    def test_what_tells_of_a_person_or_a_secret_never_is(self, api, client, member) -> None:
        takes = {"Accept-Encoding": "gzip"}
        api.post("accruals", {"member": member["id"], "points": 5})
        for answer in (
            api.call("GET", f"members/{member['id']}/postings", **takes),
            api.call("POST", "receivers", {"name": "x", "url": "https://example.com/"}, **takes),
            client.get(member["links"]["card"], headers=takes),
            client.get("/join/demo", headers=takes),
        ):
            assert answer.status_code in (200, 201)
            assert "Content-Encoding" not in answer.headers
