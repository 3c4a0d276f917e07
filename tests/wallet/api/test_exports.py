"""Members and postings as files, and the record of who took which."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ledger.programmes import programmes
from wallet.access import apikeys, files
from wallet.api.bodies.members import MemberInFull
from wallet.api.bodies.statements import PostingFactsOut

FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 2)


@pytest.fixture
def people(join, api) -> list[str]:
    names = [FORMULA, "Анна; «Кот»", "Борис\nи Ко", None, "Ева"]
    found = [
        join(name=name, phone=f"+7999123456{number}", external_id=f"c-{number}")["id"]
        for number, name in enumerate(names)
    ]
    for number, member in enumerate(found):
        api.post("accruals", {"member": member, "points": 10 + number, "reason": "@SUM(1)"})
    api.post("redemptions", {"member": found[0], "points": 4, "receipt": "17"})
    api.post("transfers", {"from": {"member": found[1]}, "to": {"member": found[2]}, "points": 1})
    return found


def rows(answer: Any) -> list[dict[str, str]]:
    text = answer.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def lines(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.data.splitlines()]


@pytest.fixture
def record(api) -> Callable[[], list[dict[str, Any]]]:
    return lambda: api.get("exports").get_json()["items"]


class TestMembers:
    def test_lines_are_the_items_of_the_list(self, people, api) -> None:
        answer = api.get("exports/members?programme=demo")
        assert answer.mimetype == "application/x-ndjson"
        listed = api.get("members?programme=demo").get_json()["items"]
        assert lines(answer) == listed
        for line in lines(answer):
            MemberInFull.model_validate(line)

    def test_a_table_says_the_same(self, people, api) -> None:
        answer = api.get("exports/members?programme=demo&format=csv")
        assert answer.mimetype == "text/csv"
        listed = api.get("members?programme=demo").get_json()["items"]
        table = {row["id"]: row for row in rows(answer)}
        assert list(table) == [item["id"] for item in listed]
        for item in listed:
            row = table[item["id"]]
            assert row["card"] == item["card"]["number"]
            assert int(row["available"]) == item["balance"]["available"]
            assert row["created_at"] == item["created_at"]
            assert row["external_id"] == (item["external_id"] or "")

    def test_nothing_in_a_table_is_a_formula(self, people, api) -> None:
        table = rows(api.get("exports/members?programme=demo&format=csv"))
        names = [row["name"] for row in table if row["id"] in people]
        assert names == [f"'{FORMULA}", "Анна; «Кот»", "Борис\nи Ко", "", "Ева"]
        assert {row["phone"][:2] for row in table if row["id"] in people} == {"'+"}
        assert not any(cell.startswith(tuple("=+-@\t\r")) for row in table for cell in row.values())

    def test_filters_are_those_of_the_list(self, people, api) -> None:
        api.post(f"members/{people[1]}/merge", {"into": people[0]})
        answer = api.get("exports/members?programme=demo&state=merged")
        assert [line["id"] for line in lines(answer)] == [people[1]]

    def test_people_are_for_those_who_may_see_them(self, people, client, keys) -> None:
        blind = keys("exports:read")
        for form in ("csv", "ndjson"):
            address = f"/api/v1/exports/members?programme=demo&format={form}"
            answer = client.get(address, headers=blind)
            assert answer.status_code == 200 and people[0] in answer.text
            for known in ("Анна", "7999123", "c-1"):
                assert known not in answer.text
            seen = client.get(address, headers=keys("exports:read", "personal:read"))
            assert "Анна" in seen.text and "/card/" not in seen.text

    def test_the_form_is_chosen_by_the_address_or_by_accept(self, client, keys) -> None:
        for accept, query, expected in (
            ("text/csv", "", "text/csv"),
            ("*/*", "", "application/x-ndjson"),
            ("application/x-ndjson", "", "application/x-ndjson"),
            ("text/csv", "&format=ndjson", "application/x-ndjson"),
        ):
            address = f"/api/v1/exports/members?programme=demo{query}"
            answer = client.get(address, headers={**keys("exports:read"), "Accept": accept})
            assert answer.mimetype == expected


@pytest.fixture
def keys(installation, house) -> Callable[..., dict[str, str]]:
    def issued(*scopes: str, programme: str | None = None) -> dict[str, str]:
        with installation.database.transaction() as session:
            where = None if programme is None else programmes.by_code(session, programme).id
            name = f"key {len(apikeys.listed(session))}"
            key = apikeys.issue(session, name, scopes, house.clock(), where)
        return {"Authorization": f"Bearer {key}"}

    return issued


class TestPostings:
    def test_lines_are_the_items_of_the_list_oldest_first(self, people, api) -> None:
        answer = api.get("exports/postings?programme=demo")
        listed = api.get("postings?programme=demo").get_json()["items"]
        assert lines(answer) == listed[::-1]
        for line in lines(answer):
            PostingFactsOut.model_validate(line)

    def test_the_rows_of_a_member_add_up_to_the_balance(self, people, api) -> None:
        table = rows(api.get("exports/postings?programme=demo&format=csv"))
        assert {row["reason"] for row in table} == {"'@SUM(1)", ""}
        for member in people:
            moved = sum(int(row["points"]) for row in table if row["member"] == member)
            assert moved == api.get(f"members/{member}").get_json()["balance"]["available"]

    def test_filters_are_those_of_the_list(self, people, api) -> None:
        answer = api.get("exports/postings?programme=demo&receipt=17")
        assert [line["kind"] for line in lines(answer)] == ["redemption"]

    def test_all_is_of_one_moment(self, people, api) -> None:
        """A posting is made, and a member joins, while the file is written."""
        answer = api.get("exports/postings?programme=demo")
        pieces = answer.iter_encoded()
        first = next(pieces)
        assert api.post("accruals", {"member": people[0], "points": 99}).status_code == 201
        rest = b"".join(pieces)
        answer.close()
        kept = [json.loads(line) for line in (first + rest).splitlines()]
        assert len(kept) == 7
        assert all(entry["points"] != 99 for line in kept for entry in line["entries"])


class TestRecord:
    def test_who_when_and_how_many_is_kept(self, people, api, record, house, client, keys) -> None:
        key = keys("exports:read", "personal:read")
        there = "/api/v1/exports/members?programme=demo&state=active&format=csv"
        answer = client.get(there, headers=key, buffered=True)
        (kept,) = record()
        now = house.clock().isoformat().replace("+00:00", "Z")
        assert kept == {
            "id": answer.headers["Export-Id"],
            "programme": "demo",
            "what": "members",
            "format": "csv",
            "personal": True,
            "filters": {"state": "active"},
            "by": "key key 0",
            "started_at": now,
            "ended_at": now,
            "complete": True,
            "rows": len(rows(answer)),
        }

    def test_what_may_name_a_person_is_not_kept(self, people, api, record) -> None:
        api.get("exports/postings?programme=demo&card=4000123412341234&kind=accrual").close()
        assert record()[0]["filters"] == {"card": "…", "kind": "accrual"}
        assert record()[0]["by"] == "key of the environment"

    def test_a_file_that_breaks_off_is_not_complete(self, people, api, record) -> None:
        answer = api.get("exports/members?programme=demo")
        next(answer.iter_encoded())
        assert (record()[0]["ended_at"], record()[0]["complete"]) == (None, False)
        answer.close()
        kept = record()[0]
        assert kept["ended_at"] and not kept["complete"]

    def test_an_export_that_is_refused_is_none(self, api, record) -> None:
        assert api.get("exports/members?programme=nowhere").status_code == 404
        assert api.get("exports/members?programme=demo&state=x").status_code == 422
        assert record() == []

    def test_a_head_alone_takes_nothing(self, people, client, record, keys) -> None:
        there = "/api/v1/exports/members?programme=demo"
        key = keys("exports:read")
        assert client.head(there, headers=key, buffered=True).status_code == 200
        assert (record()[0]["rows"], record()[0]["complete"]) == (0, False)


class TestCommand:
    @pytest.mark.parametrize("what", ["members", "postings"])
    def test_it_writes_the_same_file(self, people, api, wallet, tmp_path, what: str) -> None:
        target = tmp_path / "file"
        done = wallet("export", what, "demo", str(target), "--format", "ndjson")
        assert done.exit_code == 0, done.output
        written = [json.loads(line) for line in target.read_bytes().splitlines()]
        given = lines(api.get(f"exports/{what}?programme=demo"))
        assert [one["id"] for one in written] == [one["id"] for one in given]
        assert "name" not in written[0]

    def test_people_are_in_it_when_asked_for(self, people, wallet, tmp_path, record) -> None:
        target = tmp_path / "file.csv"
        assert wallet("export", "members", "demo", str(target), "--personal").exit_code == 0
        assert "Анна" in target.read_text()
        assert (record()[0]["by"], record()[0]["personal"]) == ("wallet export members", True)

    def test_a_programme_that_is_not_there_is_a_sentence(self, wallet, tmp_path) -> None:
        refused = wallet("export", "members", "nowhere", str(tmp_path / "x"))
        assert refused.exit_code == 1 and "nowhere" in refused.stderr
        assert not (tmp_path / "x").exists()


def test_a_large_file_takes_the_memory_of_a_page(api, join, monkeypatch) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 20)
    member = join(name="Анна")["id"]
    items = [
        {"key": f"{number}", "type": "accrual", "member": member, "points": 1, "reason": "x" * 300}
        for number in range(1000)
    ]
    peaks = []
    for part in (items[:100], items[100:]):
        assert api.post("batches", {"items": part}).status_code == 200
        answer = api.get("exports/postings?programme=demo")
        tracemalloc.start()
        size = sum(len(piece) for piece in answer.iter_encoded())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        answer.close()
    assert size > 500_000
    assert peaks[1] < 2 * peaks[0] < size
