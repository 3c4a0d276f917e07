"""The JSON API as an integration meets it."""

import gzip
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from books import check_books
from phones import Phone, opened, values
from sqlalchemy import select

from ledger.book.lots import Lot
from ledger.database.idempotency import Request
from ledger.limits import NEVER
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms
from wallet.api.bodies.members import MemberIn

EVIL_TEXTS = ["\x00", "a\x07b"]


@pytest.fixture(autouse=True)
def _books(installation):
    yield
    with installation.database.reading() as session:
        check_books(session)


def problem(answer) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    body = answer.get_json()
    assert body["status"] == answer.status_code
    assert body["detail"].endswith(".")
    return answer.status_code, body["code"]


def field_codes(answer) -> list[tuple[str, str]]:
    assert problem(answer) == (422, "invalid_request")
    return [(error["field"], error["code"]) for error in answer.get_json()["errors"]]


class TestKeys:
    @pytest.mark.parametrize(
        ("header", "code"),
        [
            (None, "key_missing"),
            ("", "key_missing"),
            ("Bearer", "key_missing"),
            ("Basic abc", "key_missing"),
            ("Bearer wrong", "key_unknown"),
            ("Bearer ключ", "key_unknown"),
        ],
    )
    @pytest.mark.parametrize("path", ["members/x", "accruals", "offers", "nowhere"])
    def test_nobody_gets_in_without_a_key(self, client, path: str, header, code: str) -> None:
        headers = {"Authorization": header.encode().decode("latin-1")} if header else {}
        answer = client.post(f"/api/v1/{path}", json={}, headers=headers)
        if path == "nowhere":
            assert problem(answer) == (404, "not_found")
        elif path == "members/x":
            assert answer.status_code in (401, 405)
        else:
            assert problem(answer) == (401, code)


class TestMembers:
    def test_a_new_member_has_a_card_and_links(self, join, client) -> None:
        member = join(name="Анна", phone="8 (999) 123-45-67", email="A@Example.com")
        assert member["programme"] == "demo"
        assert member["balance"] == {"available": 0, "pending": 0, "held": 0, "debt": 0}
        assert member["card"]["number"] == member["card"]["barcode"]
        path = member["links"]["apple"].removeprefix("http://127.0.0.1:8080")
        assert client.get(path).mimetype == "application/vnd.apple.pkpass"

    @pytest.mark.parametrize(
        "query",
        [
            "phone=%2B79991234567",
            "phone=+7 999 123-45-67",
            "email=a@example.com",
            "external_id=c-1",
        ],
    )
    def test_a_member_is_found_by_what_is_known(self, join, api, query: str) -> None:
        member = join(phone="89991234567", email="A@example.com", external_id="c-1")
        join(phone="89990000000", email="b@example.com", external_id="c-2")
        shown = {
            **member,
            "name": None,
            "phone": "+79991234567",
            "email": "a@example.com",
            "birthday": None,
            "locale": None,
            "external_id": "c-1",
            "consents": [],
        }
        answer = api.get(f"members?{query}").get_json()
        assert answer == {"items": [shown], "next_cursor": None}
        assert api.get(f"members?card={member['card']['number']}").get_json()["items"] == [shown]
        assert api.get(f"members/{member['id']}").get_json() == shown

    def test_pages_follow_each_other(self, join, api, client) -> None:
        """Several may have written one number into the form."""
        for _ in range(5):
            form = {"phone": "89991234567", "consent": "yes", "another": "yes"}
            client.post("/join/demo", data=form)
        family = [item["id"] for item in api.get("members?phone=89991234567").get_json()["items"]]
        assert len(set(family)) == 5
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get(f"members?phone=89991234567&limit=2{cursor and '&cursor=' + cursor}")
            seen += [item["id"] for item in page.get_json()["items"]]
            cursor = page.get_json()["next_cursor"]
        assert seen == family

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "card=1&phone=89991234567",
            "card=1&limit=0",
            "card=1&limit=1000",
            "card=1&x=1",
            "phone=abc",
        ],
    )
    def test_a_search_that_makes_no_sense_is_refused(self, api, query: str) -> None:
        assert problem(api.get(f"members?{query}")) == (422, "invalid_request")

    @pytest.mark.parametrize("cursor", ["x", "%00", "LTE", "ÿ"])
    def test_a_made_up_cursor_is_refused(self, api, cursor: str) -> None:
        answer = api.get(f"members?card=1&cursor={cursor}")
        assert problem(answer) == (422, "cursor_invalid")

    def test_an_external_id_is_given_once(self, join, api) -> None:
        join(external_id="c-1")
        answer = api.post("members", {"programme": "demo", "external_id": "c-1"})
        assert problem(answer) == (409, "external_id_taken")

    @pytest.mark.parametrize(
        ("contact", "again", "code"),
        [
            ({"phone": "+79991234567"}, {"phone": "8 (999) 123-45-67"}, "phone_taken"),
            ({"email": "anna@example.com"}, {"email": "Anna@Example.com"}, "email_taken"),
        ],
    )
    def test_a_phone_number_and_an_address_belong_to_one_member(
        self, join, api, contact: dict, again: dict, code: str
    ) -> None:
        join(**contact)
        answer = api.post("members", {"programme": "demo", **again})
        assert problem(answer) == (409, code)
        assert not set(answer.get_json()) - {"type", "title", "status", "code", "detail"}
        other = join(name="Ева")
        assert problem(api.call("PATCH", f"members/{other['id']}", again)) == (409, code)

    def test_a_body_is_hashed_as_releases_before_did(self) -> None:
        """An idempotency key answered then must be recognised now."""
        body = MemberIn.model_validate({"programme": "demo", "name": "Анна"})
        assert body.model_dump_json() == (
            '{"programme":"demo","name":"Анна","phone":null,"email":null,"birthday":null,'
            '"locale":null,"external_id":null}'
        )

    def test_what_is_kept_of_an_answer_holds_nothing_of_the_person(self, join, house) -> None:
        join(name="Анна", phone="+79991234567", external_id="c-1")
        with house.installation.database.reading() as session:
            kept = session.scalars(select(Request.answer)).all()
        assert kept
        for answer in kept:
            assert not any(word in answer.decode() for word in ("Анна", "9991234567", "c-1"))

    @pytest.mark.parametrize("name", ["👩‍👩‍👧‍👦 Ёлка", "я" * 300, "O'Brien <b>"])
    def test_any_name_a_person_has_is_fine(self, join, client, name: str) -> None:
        member = join(name=name)
        path = member["links"]["apple"].removeprefix("http://127.0.0.1:8080")
        assert client.get(path).status_code == 200

    def test_half_a_character_is_no_text(self, api) -> None:
        body = {"programme": "demo", "name": "\ud800"}
        assert problem(api.post("members", body)) == (400, "malformed_json")

    @pytest.mark.parametrize(
        ("profile", "field"),
        [
            ({"name": "я" * 301}, "name"),
            *[({"name": text}, "name") for text in EVIL_TEXTS],
            ({"name": 5}, "name"),
            ({"phone": "12"}, "phone"),
            ({"phone": "+7999abc4567"}, "phone"),
            ({"email": "anna"}, "email"),
            ({"email": "anna@localhost"}, "email"),
            ({"birthday": "2999-01-01"}, "birthday"),
            ({"birthday": "31.12.1990"}, "birthday"),
            ({"birthday": 1990}, "birthday"),
            ({"locale": "de_AT"}, "locale"),
            ({"external_id": ""}, "external_id"),
            ({"nmae": "Анна"}, "nmae"),
        ],
    )
    def test_what_does_not_fit_is_named(self, api, profile: dict, field: str) -> None:
        answer = api.post("members", {"programme": "demo", **profile})
        assert [name for name, _ in field_codes(answer)] == [field]

    def test_an_unknown_programme_is_refused(self, api) -> None:
        for code in ("nowhere", "nothing' OR 1=1"):
            answer = api.post("members", {"programme": code})
            assert problem(answer) == (404, "unknown_programme")

    @pytest.mark.parametrize("member", ["x", "%00", "0" * 36, "../accruals"])
    def test_an_unknown_member_is_404(self, api, member: str) -> None:
        assert api.get(f"members/{member}").status_code == 404
        assert problem(api.get(f"members/{member}/postings"))[0] == 404


class TestCorrections:
    def test_what_is_named_changes_and_the_card_in_the_phone_follows(
        self, api, join, client, house
    ) -> None:
        member = join(name="Ана", phone="+79991234567", email="anna@example.com")
        phone = Phone.with_card(client, member)
        house.run()  # the news of joining is over
        correction = {"name": "Анна", "email": None, "birthday": "1990-05-20"}
        for _ in range(2):  # the same again changes nothing
            answer = api.call("PATCH", f"members/{member['id']}", correction)
            assert answer.status_code == 200
            assert answer.get_json() == {
                **member,
                "name": "Анна",
                "phone": "+79991234567",
                "email": None,
                "birthday": "1990-05-20",
                "locale": None,
                "external_id": None,
                "consents": [],
            }
        house.run()
        fields = opened(phone.fetch().data)["storeCard"]["secondaryFields"]
        assert "Анна" in [field["value"] for field in fields]
        state = client.get(f"{member['links']['card'].removeprefix('http://127.0.0.1:8080')}/state")
        assert state.get_json()["version"] == 2

    def test_nothing_named_changes_nothing(self, api, member) -> None:
        answer = api.call("PATCH", f"members/{member['id']}", {})
        assert (answer.status_code, answer.get_json()["name"]) == (200, "Анна")

    @pytest.mark.parametrize(
        ("correction", "field"),
        [
            ({"phone": "12"}, "phone"),
            ({"name": "я" * 301}, "name"),
            ({"birthday": "2999-01-01"}, "birthday"),
            ({"programme": "tea"}, "programme"),
            ({"external_id": ""}, "external_id"),
        ],
    )
    def test_what_does_not_fit_is_named(self, api, member, correction: dict, field: str) -> None:
        answer = api.call("PATCH", f"members/{member['id']}", correction)
        assert [name for name, _ in field_codes(answer)] == [field]

    @pytest.mark.parametrize("member_id", ["x", "%00", "00000000-0000-0000-0000-000000000000"])
    def test_nobody_cannot_be_corrected(self, api, member_id: str) -> None:
        answer = api.call("PATCH", f"members/{member_id}", {"name": "Анна"})
        assert problem(answer) == (404, "unknown_member")


class TestConsents:
    def test_they_come_with_a_member_and_are_shown(self, api, house) -> None:
        given_at = (house.clock() - timedelta(days=2)).isoformat().replace("+00:00", "Z")
        body = {
            "programme": "demo",
            "consents": [
                {"purpose": "personal_data", "given": True, "text_version": "till-3"},
                {"purpose": "marketing", "given": True, "at": given_at},
            ],
        }
        made = api.post("members", body)
        assert made.status_code == 201
        shown = api.get(f"members/{made.get_json()['id']}").get_json()["consents"]
        assert {one["purpose"]: (one["given"], one["text_version"]) for one in shown} == {
            "personal_data": (True, "till-3"),
            "marketing": (True, None),
        }
        assert {one["source"] for one in shown} == {"api"}
        assert next(one["at"] for one in shown if one["purpose"] == "marketing") == given_at

    def test_they_are_taken_back_by_a_correction(self, api, member) -> None:
        for given in (True, False):
            answer = api.call(
                "PATCH",
                f"members/{member['id']}",
                {"consents": [{"purpose": "marketing", "given": given}]},
            )
            [held] = answer.get_json()["consents"]
            assert (held["purpose"], held["given"]) == ("marketing", given)

    @pytest.mark.parametrize(
        ("consent", "code"),
        [
            ({"purpose": "everything", "given": True}, "invalid_request"),
            ({"purpose": "marketing"}, "invalid_request"),
            ({"purpose": "marketing", "given": "yes"}, "invalid_request"),
            (
                {"purpose": "marketing", "given": True, "at": "2199-01-01T00:00:00Z"},
                "dates_out_of_order",
            ),
            (
                {"purpose": "marketing", "given": True, "at": "1066-10-14T09:00:00Z"},
                "date_out_of_range",
            ),
        ],
    )
    def test_a_decision_that_cannot_be_adds_nobody(self, api, consent: dict, code: str) -> None:
        body = {"programme": "demo", "external_id": "c-1", "consents": [consent]}
        assert problem(api.post("members", body)) == (422, code)
        assert api.get("members?external_id=c-1").get_json()["items"] == []


class TestPoints:
    def test_points_come_and_go_and_are_told(self, api, member) -> None:
        card = member["card"]["number"]
        came = api.post("accruals", {"card": card, "points": 100, "reason": "кофе"})
        assert came.status_code == 201
        assert came.get_json()["balance"]["available"] == 100
        went = api.post("redemptions", {"member": member["id"], "points": 30, "receipt": "R-1"})
        assert went.status_code == 201
        assert went.get_json()["points"] == 30
        lines = api.get(f"members/{member['id']}/postings").get_json()["items"]
        assert [
            (
                line["id"],
                line["kind"],
                line["points"],
                line["balance_after"],
                line["reason"],
                line["receipt"],
            )
            for line in lines
        ] == [
            (went.get_json()["id"], "redemption", -30, 70, None, "R-1"),
            (came.get_json()["id"], "accrual", 100, 100, "кофе", None),
        ]

    def test_a_statement_is_read_page_by_page(self, api, member) -> None:
        for points in range(1, 6):
            api.post("accruals", {"member": member["id"], "points": points})
        seen, cursor = [], ""
        while cursor is not None:
            path = f"members/{member['id']}/postings?limit=2{cursor and '&cursor=' + cursor}"
            page = api.get(path).get_json()
            seen += [item["points"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert seen == [5, 4, 3, 2, 1]

    def test_a_card_number_may_be_typed_as_it_is_printed(self, api, member) -> None:
        number = member["card"]["number"]
        printed = " ".join(number[place : place + 4] for place in range(0, 16, 4))
        assert api.post("accruals", {"card": printed, "points": 5}).status_code == 201
        assert api.post("scans", {"barcode": printed}).status_code == 200
        assert len(api.get(f"members?card={printed}").get_json()["items"]) == 1

    def test_points_may_wait_for_their_day(self, api, member, house) -> None:
        tomorrow = (house.clock() + timedelta(days=1)).isoformat()
        answer = api.post(
            "accruals", {"member": member["id"], "points": 50, "activates_at": tomorrow}
        )
        assert answer.get_json()["balance"] == {"available": 0, "pending": 50, "held": 0, "debt": 0}
        house.clock.advance(days=1)
        house.run()
        balance = api.get(f"members/{member['id']}").get_json()["balance"]
        assert balance == {"available": 50, "pending": 0, "held": 0, "debt": 0}

    @pytest.mark.parametrize(
        ("points", "code"),
        [
            (0, "too_small"),
            (-1, "too_small"),
            (1.5, "not_an_integer"),
            (5.0, "not_an_integer"),
            ("5", "not_an_integer"),
            (True, "not_an_integer"),
            (None, "required"),
            (2**53, "too_large"),
            (10**30, "too_large"),
        ],
    )
    @pytest.mark.parametrize("path", ["accruals", "redemptions"])
    def test_points_are_whole_and_positive(self, api, member, path, points, code) -> None:
        answer = api.post(path, {"member": member["id"], "points": points})
        assert field_codes(answer) == [("points", code)]

    def test_more_than_there_is_is_refused_with_the_figures(self, api, member) -> None:
        api.post("accruals", {"member": member["id"], "points": 5})
        answer = api.post("redemptions", {"member": member["id"], "points": 6})
        assert problem(answer) == (409, "insufficient_points")
        assert (answer.get_json()["asked"], answer.get_json()["available"]) == (6, 5)

    def test_a_balance_does_not_overflow(self, api, member) -> None:
        api.post("accruals", {"member": member["id"], "points": 2**53 - 1})
        answer = api.post("accruals", {"member": member["id"], "points": 1})
        assert problem(answer) == (409, "balance_too_large")

    @pytest.mark.parametrize(
        ("whom", "status", "code"),
        [
            ({}, 422, "invalid_request"),
            ({"card": "1", "member": "2"}, 422, "invalid_request"),
            ({"card": "4000000000000002"}, 404, "unknown_card"),
            ({"card": ""}, 404, "unknown_card"),
            ({"card": "\x00"}, 422, "invalid_request"),
            ({"card": "\ud800"}, 400, "malformed_json"),
            ({"member": "nobody"}, 404, "unknown_member"),
        ],
    )
    def test_somebody_unknown_gets_nothing(self, api, whom: dict, status, code) -> None:
        assert problem(api.post("accruals", {**whom, "points": 5})) == (status, code)

    @pytest.mark.parametrize(
        ("dates", "status"),
        [
            ({"occurred_at": "yesterday"}, "occurred_at"),
            ({"occurred_at": "2026-01-01T12:00:00"}, "occurred_at"),
            ({"occurred_at": 1767268800}, "occurred_at"),
            ({"occurred_at": "2026-02-30T12:00:00Z"}, "occurred_at"),
            ({"expires_at": "1026-01-01T12:00:00Z"}, "date_out_of_range"),
            ({"expires_at": "9026-01-01T12:00:00Z"}, "date_out_of_range"),
            ({"expires_at": "2020-01-01T12:00:00Z"}, "dates_out_of_order"),
        ],
    )
    def test_dates_are_whole_and_sensible(self, api, member, dates: dict, status: str) -> None:
        answer = api.post("accruals", {"member": member["id"], "points": 5, **dates})
        _, code = problem(answer)
        assert status in (code, (answer.get_json().get("errors") or [{}])[0].get("field"))

    def test_a_date_that_is_past_is_told_of_alone(self, api, member) -> None:
        """Not beside names that nobody sent, and with the moments that are taken."""
        past = {"member": member["id"], "points": 5, "expires_at": "2020-01-01T12:00:00Z"}
        said = "expires_at must lie in the future."
        assert api.post("accruals", past).get_json()["detail"] == said
        batch = api.post(
            "batches", {"items": [{"type": "accrual", "key": "past", **past}]}
        ).get_json()
        assert batch["items"][0]["detail"] == said
        offer = {"programme": "demo", "title": "Кекс", "until": "2020-01-01T12:00:00Z"}
        assert api.post("offers", offer).get_json()["detail"] == "until must lie in the future."
        russian = api.call("POST", "offers", offer, **{"Accept-Language": "ru"}).get_json()
        assert russian["detail"] == "Дата until должна быть в будущем."
        early = {"member": member["id"], "points": 5, "occurred_at": "1999-01-01T12:00:00Z"}
        assert api.post("accruals", early).get_json()["detail"] == (
            "occurred_at must not lie before 2000-01-01T00:00:00Z, "
            "and must lie before 2200-01-01T00:00:00Z."
        )

    def test_points_that_would_have_run_out_by_the_terms_are_told_by_what_was_sent(
        self, api, member, installation
    ) -> None:
        with installation.database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            units.change_terms(session, programme.id, "points", 365)
        long_ago = {"member": member["id"], "points": 5, "activates_at": "2001-01-01T12:00:00Z"}
        refusal = api.post("accruals", long_ago).get_json()
        assert (refusal["code"], refusal["field"]) == ("date_out_of_range", "activates_at")
        long_ago["activates_at"] = refusal["earliest"]
        assert api.post("accruals", long_ago).status_code == 201


class TestBodies:
    def test_a_packed_body_is_refused_at_every_door(self, client, member) -> None:
        for path, language, words in (
            ("/api/v1/accruals", "en", "without Content-Encoding"),
            ("/webhooks/demo", "ru", "без сжатия"),
            ("/apple/v1/log", "en", "without Content-Encoding"),
        ):
            headers = {"Content-Encoding": "gzip", "Accept-Language": language}
            packed = gzip.compress(b'{"points": 1}')
            answer = client.post(
                path, data=packed, content_type="application/json", headers=headers
            )
            assert problem(answer) == (415, "body_compressed")
            assert words in answer.get_json()["detail"]
        form = client.post("/join/demo", data=b"x", headers={"Content-Encoding": "br"})
        assert (form.status_code, form.mimetype) == (415, "text/html")

    @pytest.mark.parametrize(
        ("data", "content_type", "status", "code"),
        [
            ('{"points": ', "application/json", 400, "malformed_json"),
            ("", "application/json", 400, "malformed_json"),
            ("[" * 100_000, "application/json", 400, "malformed_json"),
            ('{"a":' * 3_000, "application/json", 400, "malformed_json"),
            ("[]", "application/json", 422, "invalid_request"),
            ("5", "application/json", 422, "invalid_request"),
            ("points=5", "application/x-www-form-urlencoded", 415, "not_json"),
            ("{}", "text/plain", 415, "not_json"),
            ("{}", "", 415, "not_json"),
            ('{"a": "' + "x" * 10_000_000 + '"}', "application/json", 413, "body_too_large"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(
        self, client, data: str, content_type: str, status: int, code: str
    ) -> None:
        headers = {
            "Authorization": "Bearer sandbox-test-key-of-32-characters",
            "Idempotency-Key": "k",
        }
        answer = client.post(
            "/api/v1/accruals", data=data, content_type=content_type, headers=headers
        )
        assert problem(answer) == (status, code)

    def test_other_methods_are_405_and_other_addresses_404(self, client, api) -> None:
        assert problem(client.put("/api/v1/accruals")) == (405, "method_not_allowed")
        assert problem(api.get("nothing")) == (404, "not_found")


class TestIdempotency:
    def test_the_same_key_has_one_effect_and_the_same_answer(self, api, member) -> None:
        body = {"member": member["id"], "points": 5}
        first, second = (api.post("accruals", body, key="k-1") for _ in range(2))
        assert (first.status_code, first.data) == (second.status_code, second.data)
        assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 5

    def test_the_order_of_names_and_spaces_does_not_make_another_request(
        self, api, client, member
    ) -> None:
        first = api.post("accruals", {"member": member["id"], "points": 5}, key="k-1")
        text = json.dumps({"points": 5, "member": member["id"]}, indent=2)
        headers = {
            "Authorization": "Bearer sandbox-test-key-of-32-characters",
            "Idempotency-Key": "k-1",
        }
        again = client.post(
            "/api/v1/accruals", data=text, content_type="application/json", headers=headers
        )
        assert again.data == first.data

    @pytest.mark.parametrize("path", ["accruals", "redemptions"])
    def test_the_same_key_with_another_request_is_a_conflict(self, api, member, path) -> None:
        api.post("accruals", {"member": member["id"], "points": 5}, key="k-1")
        answer = api.post(path, {"member": member["id"], "points": 4}, key="k-1")
        assert problem(answer) == (409, "idempotency_conflict")

    def test_a_refusal_does_not_use_the_key_up(self, api, member) -> None:
        body = {"member": member["id"], "points": 5}
        assert api.post("redemptions", body, key="k-1").status_code == 409
        api.post("accruals", body)
        assert api.post("redemptions", body, key="k-1").status_code == 201

    @pytest.mark.parametrize("path", ["members", "accruals", "redemptions"])
    def test_a_key_is_required_where_points_or_people_are_made(self, api, member, path) -> None:
        body = {"programme": "demo"}
        if path != "members":
            body = {"member": member["id"], "points": 5}
        assert problem(api.post(path, body, key="")) == (400, "idempotency_key_missing")

    def test_a_key_may_be_in_any_script(self, api, member) -> None:
        body = {"member": member["id"], "points": 5}
        key = "Чек № 42".encode().decode("latin-1")
        first, again = (api.post("accruals", body, key=key) for _ in range(2))
        assert (first.status_code, first.data) == (201, again.data)

    @pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
    def test_a_key_that_cannot_be_kept_is_refused(self, api, member, key: str) -> None:
        answer = api.post("accruals", {"member": member["id"], "points": 5}, key=key)
        assert problem(answer) == (400, "idempotency_key_invalid")

    def test_a_hundred_at_once_are_one(self, app, member) -> None:
        body = {"member": member["id"], "points": 5}
        headers = {
            "Authorization": "Bearer sandbox-test-key-of-32-characters",
            "Idempotency-Key": uuid.uuid4().hex,
        }

        def send(_: int) -> bytes:
            answer = app.test_client().post("/api/v1/accruals", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            return answer.data

        with ThreadPoolExecutor(20) as pool:
            assert len(set(pool.map(send, range(100)))) == 1


class TestACommitThatNobodyAnswered:
    """The database did it, and the connection broke before we were told."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def commit_unanswered(self, installation, member, monkeypatch: pytest.MonkeyPatch) -> None:
        dialect = installation.database.engine.dialect
        commit = dialect.do_commit

        def do_commit(connection) -> None:
            monkeypatch.undo()
            commit(connection)
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        monkeypatch.setattr(dialect, "do_commit", do_commit)

    def test_is_answered_by_the_key(self, api, member, commit_unanswered) -> None:
        body = {"member": member["id"], "points": 5}
        first = api.post("accruals", body, key="k-1")
        assert first.status_code == 201
        assert first.get_json()["balance"]["available"] == 5
        again = api.post("accruals", body, key="k-1")
        assert (again.status_code, again.data) == (201, first.data)

    def test_without_a_key_is_not_tried_again(self, api, member, commit_unanswered) -> None:
        offer = {"programme": "demo", "title": "Кекс"}
        assert problem(api.post("offers", offer, key="")) == (503, "database_unavailable")
        assert len(api.get("offers?programme=demo").get_json()["items"]) == 1


class TestOffers:
    def test_an_offer_for_all_and_one_for_a_member(self, api, member) -> None:
        for_all = api.post("offers", {"programme": "demo", "title": "Латте −20 %"}, key="")
        assert for_all.status_code == 201
        for_one = api.post(
            "offers",
            {
                "programme": "demo",
                "title": "Вам",
                "text": "Кекс",
                "member": member["id"],
                "until": "2099-01-01T00:00:00+03:00",
            },
        ).get_json()
        assert (for_one["member"], for_one["until"]) == (member["id"], "2098-12-31T21:00:00Z")

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"title": ""}, 422, "invalid_request"),
            ({"title": "x" * 101}, 422, "invalid_request"),
            ({"text": "x" * 2001}, 422, "invalid_request"),
            ({"programme": "nowhere"}, 404, "unknown_programme"),
            ({"member": "nobody"}, 404, "unknown_member"),
            ({"until": "2001-01-01T00:00:00Z"}, 422, "dates_out_of_order"),
            (
                {"from": "2030-01-02T00:00:00Z", "until": "2030-01-01T00:00:00Z"},
                422,
                "dates_out_of_order",
            ),
            ({"until": "1001-01-01T00:00:00Z"}, 422, "date_out_of_range"),
            ({"starts_at": "2030-01-02T00:00:00Z"}, 422, "invalid_request"),
        ],
    )
    def test_an_offer_that_cannot_be_is_refused(self, api, changes, status, code) -> None:
        answer = api.post("offers", {"programme": "demo", "title": "Кекс", **changes})
        assert problem(answer) == (status, code)


class TestOffersListed:
    @pytest.fixture
    def offer(self, api):
        def published(title: str, **more: str) -> dict:
            answer = api.post("offers", {"programme": "demo", "title": title, **more})
            assert answer.status_code == 201, answer.text
            return answer.get_json()

        return published

    def test_newest_first_page_by_page(self, api, offer) -> None:
        made = [offer(f"Кекс {number}") for number in range(5)]
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get(f"offers?programme=demo&limit=2{cursor and '&cursor=' + cursor}")
            seen += page.get_json()["items"]
            cursor = page.get_json()["next_cursor"]
        assert seen == made[::-1]

    def test_of_a_member_those_for_all_and_their_own(self, api, offer, join) -> None:
        anna, eva = join(name="Анна"), join(name="Ева")
        for_all, for_anna = offer("Всем"), offer("Анне", member=anna["id"])
        offer("Еве", member=eva["id"])
        answer = api.get(f"offers?programme=demo&member={anna['id']}")
        assert answer.get_json()["items"] == [for_anna, for_all]

    def test_one_that_is_over_is_listed_too(self, api, offer, house) -> None:
        made = offer("Кекс", until=(house.clock() + timedelta(days=1)).isoformat())
        house.clock.advance(days=2)
        assert api.get("offers?programme=demo").get_json()["items"] == [made]

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("", 422, "invalid_request"),
            ("programme=nowhere", 404, "unknown_programme"),
            ("programme=demo&member=x", 404, "unknown_member"),
            ("programme=demo&limit=0", 422, "invalid_request"),
            ("programme=demo&cursor=x", 422, "cursor_invalid"),
            ("programme=demo&x=1", 422, "invalid_request"),
        ],
    )
    def test_a_question_that_makes_no_sense_is_refused(self, api, query, status, code) -> None:
        assert problem(api.get(f"offers?{query}")) == (status, code)

    def test_one_withdrawn_leaves_every_card_at_once(
        self, api, client, offer, member, house
    ) -> None:
        phone = Phone.with_card(client, member)
        made = offer("Кекс")
        house.run()
        assert "Кекс" in str(opened(phone.fetch().data))
        house.clock.advance(minutes=1)
        withdrawn = api.call("POST", f"offers/{made['id']}/withdraw")
        assert withdrawn.status_code == 200
        told = {**made, "withdrawn_at": house.clock().isoformat().replace("+00:00", "Z")}
        assert withdrawn.get_json() == told
        house.run()
        assert "Кекс" not in str(opened(phone.fetch().data))
        assert api.post("scans", {"barcode": member["card"]["barcode"]}).get_json()["offers"] == []
        house.clock.advance(minutes=1)
        assert api.call("POST", f"offers/{made['id']}/withdraw").get_json() == told
        assert api.get("offers?programme=demo").get_json()["items"] == [told]

    def test_one_withdrawn_before_its_day_never_comes(self, api, client, offer, member, house):
        made = offer("Кекс", **{"from": (house.clock() + timedelta(days=1)).isoformat()})
        api.call("POST", f"offers/{made['id']}/withdraw")
        house.clock.advance(days=2)
        house.run()
        assert api.post("scans", {"barcode": member["card"]["barcode"]}).get_json()["offers"] == []

    @pytest.mark.parametrize(
        ("language", "until"), [("ru", "до 1 января 2099"), ("en", "until 1 January 2099")]
    )
    def test_its_last_day_is_in_the_members_language(
        self, client, offer, join, api, house, language: str, until: str
    ) -> None:
        member = join(name="Анна", locale={"ru": "en", "en": "ru"}[language])
        phone = Phone.with_card(client, member)
        offer("Кекс", until="2099-01-01T12:00:00+03:00")
        house.run()
        api.call("PATCH", f"members/{member['id']}", {"locale": language})
        house.run()
        assert until in values(opened(phone.fetch().data))["offers"]

    @pytest.mark.parametrize("offer_id", ["x", "%00", "00000000-0000-0000-0000-000000000000"])
    def test_one_that_is_not_there_is_404(self, api, offer_id: str) -> None:
        answer = api.call("POST", f"offers/{offer_id}/withdraw")
        assert problem(answer) == (404, "unknown_offer")


def test_programmes_are_listed_page_by_page(api, installation) -> None:
    with installation.database.transaction() as session:
        programmes.create(
            session, Terms("tea", "Чай", "en", "Europe/Berlin", 365), installation.clock()
        )
    first = api.get("programmes?limit=1").get_json()
    assert [one["code"] for one in first["items"]] == ["demo"]
    rest = api.get(f"programmes?cursor={first['next_cursor']}").get_json()
    assert rest == {
        "items": [
            {
                "code": "tea",
                "name": "Чай",
                "locale": "en",
                "languages": ["en", "ru"],
                "timezone": "Europe/Berlin",
                "country": "DE",
                "units": [
                    {
                        "code": "points",
                        "kind": "points",
                        "scale": 0,
                        "currency": None,
                        "live_days": 365,
                    }
                ],
                "terms": {
                    "grace_days": 0,
                    "overdrawn": "debt",
                    "spend_by_phone": "code",
                    "listed": False,
                    "called": "client",
                    "asks": {
                        "phone": "optional",
                        "email": "optional",
                        "name": "off",
                        "birthday": "off",
                    },
                    "keeps_personal": True,
                },
                "benefit": {},
                "rules": {},
                "created_at": installation.clock().isoformat().replace("+00:00", "Z"),
                "links": {
                    "join": "http://127.0.0.1:8080/join/tea",
                    "privacy": "http://127.0.0.1:8080/join/tea/privacy",
                },
            }
        ],
        "next_cursor": None,
    }


def test_the_description_of_the_api_is_served_and_names_every_route(client) -> None:
    spec = client.get("/api/openapi.json", headers={"Host": "evil.example"}).get_json()
    assert spec["openapi"].startswith("3.1")
    assert spec["servers"] == [{"url": "http://127.0.0.1:8080"}]
    assert {"/api/v1/members", "/api/v1/accruals", "/api/v1/redemptions", "/api/v1/offers"} <= set(
        spec["paths"]
    )


class TestUnits:
    """How long points live is changed for what comes."""

    PATH = "programmes/demo/units/points"

    def live_days(self, api) -> int | None:
        return api.get("programmes").get_json()["items"][0]["units"][0]["live_days"]

    def test_points_that_come_live_so_long_and_others_keep_their_dates(
        self, api, member, installation
    ) -> None:
        def ends() -> list[datetime]:
            with installation.database.reading() as session:
                return list(session.scalars(select(Lot.expires_at).order_by(Lot.id)))

        api.post("accruals", {"member": member["id"], "points": 1})
        for days in (30, 30, None):
            answer = api.call("PATCH", self.PATH, {"live_days": days})
            assert (answer.status_code, answer.get_json()["live_days"]) == (200, days)
            assert self.live_days(api) == days
            api.post("accruals", {"member": member["id"], "points": 1})
        first, *months, last = ends()
        assert first == last == NEVER
        assert {(one - installation.clock()).days for one in months} == {30}

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"live_days": 0}, "too_small"),
            ({"live_days": 36_501}, "too_large"),
            ({"live_days": "5"}, "not_an_integer"),
            ({}, "required"),
        ],
    )
    def test_a_time_that_is_none_is_refused(self, api, body, code) -> None:
        answer = api.call("PATCH", self.PATH, body)
        assert answer.status_code == 422
        assert [one["code"] for one in answer.get_json()["errors"]] == [code]
        assert self.live_days(api) is None

    def test_what_is_not_counted_cannot_be_changed(self, api) -> None:
        answer = api.call("PATCH", "programmes/demo/units/stamps", {"live_days": 5})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_unit")
