"""The seals as operators, members and strangers meet them."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from sealing import Sealer
from sqlalchemy import text

from ledger.seals import inspection
from ledger.seals.sealing import Chain
from wallet.api.bodies.proofs import PROOF
from wallet.cli import main
from wallet.configuration import settings
from wallet.migrations import append_only
from wallet.running import doctor

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_statement.py"


@pytest.fixture
def sealer(house) -> Sealer:
    return Sealer(house.installation.database, house.clock, house.installation.keys.roots)


@pytest.fixture
def postings(api, member) -> list[str]:
    """A member's postings of a day that is not over."""
    made = [
        api.post("accruals", {"member": member["id"], "points": 100, "reason": "Кофе и кекс"}),
        api.post("redemptions", {"member": member["id"], "points": 30, "receipt": "1002"}),
        api.post("accruals", {"member": member["id"], "points": 7}),
    ]
    return [answer.get_json()["id"] for answer in made]


@pytest.fixture
def closed(postings: list[str], sealer: Sealer) -> list[str]:
    """The same, sealed, and their day is over."""
    sealer.close_the_day()
    return postings


@pytest.fixture
def wallet(environment: dict[str, str], house) -> Callable[..., Result]:
    """Runs a command in the environment of the house; it reads the machine's clock."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=environment)

    return run


@pytest.fixture
def tamper(house) -> Callable[[str], None]:
    def tamper(deed: str) -> None:
        with house.installation.database.transaction() as session:
            append_only.lift(session.connection())
            append_only.lift_seals(session.connection())
            session.execute(text(deed))

    return tamper


def verify(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, *map(str, arguments)], capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


class TestStatement:
    """`docs/verify_statement.py`, run as a member would."""

    @pytest.fixture
    def files(self, closed: list[str], api, client, tmp_path: Path) -> Path:
        for number, posting in enumerate(closed):
            answer = api.get(f"postings/{posting}/proof")
            assert answer.status_code == 200, answer.text
            (tmp_path / f"{number}.json").write_bytes(answer.data)
        (tmp_path / "roots.jsonl").write_bytes(client.get("/ledger/roots/demo").data)
        (key,) = client.get("/ledger/key").get_json()["keys"]
        (tmp_path / "key.pem").write_text(key["pem"])
        return tmp_path

    def proofs(self, files: Path) -> list[Path]:
        return sorted(files.glob("[0-9].json"))

    def test_every_line_is_proven(self, files: Path, closed: list[str]) -> None:
        code, said = verify("--roots", files / "roots.jsonl", *self.proofs(files))
        assert code == 0, said
        for posting, points in zip(closed, ("+100", "-30", "+7"), strict=True):
            assert f"{points} ({posting})" in said
        assert said.endswith("3 of 3 lines are proven.\n")

    def test_the_signature_is_checked_with_the_key(self, files: Path) -> None:
        roots = files / "roots.jsonl"
        arguments = ("--roots", roots, "--key", files / "key.pem", *self.proofs(files))
        assert verify(*arguments)[0] == 0
        line = json.loads(roots.read_text())
        line["signature"] = line["signature"][:-1] + ("0" if line["signature"][-1] != "0" else "1")
        roots.write_text(json.dumps(line))
        code, said = verify(*arguments)
        assert code == 1
        assert "the signature of its root is not good" in said

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda proof: proof["facts"]["entries"][0].update(amount=101), "not what was sealed"),
            (lambda proof: proof["facts"].update(receipt="1"), "not what was sealed"),
            (lambda proof: proof["facts"].update(programme="x"), "not what was sealed"),
            (lambda proof: proof["words"].update(reason="Кофе и кекс!"), "its words"),
            (lambda proof: proof.update(index=1), "not what was sealed"),
            (lambda proof: proof.update(index=9), "outside the day"),
            (lambda proof: proof["path"].pop(), "too short"),
            (lambda proof: proof["path"].extend(["00" * 32]), "too long"),
            (lambda proof: proof["root"].update(day="2001-01-01"), "no root of 2001-01-01"),
            (lambda proof: proof["root"].update(head="00" * 32), "not the published one"),
            (lambda proof: proof.pop("root"), "not a proof"),
        ],
    )
    def test_one_that_was_changed_is_not(self, files: Path, change, reason: str) -> None:
        first = files / "0.json"
        proof = json.loads(first.read_text())
        change(proof)
        first.write_text(json.dumps(proof))
        code, said = verify("--roots", files / "roots.jsonl", *self.proofs(files))
        assert code == 1
        assert "NOT PROVEN" in said
        assert reason in said
        assert "2 of 3 lines are proven." in said

    def test_other_roots_prove_nothing(self, files: Path) -> None:
        roots = files / "roots.jsonl"
        line = json.loads(roots.read_text())
        roots.write_text(json.dumps({**line, "root": "00" * 32}))
        code, said = verify("--roots", roots, *self.proofs(files))
        assert code == 1
        assert said.count("is not the published one") == 3

    def test_roots_with_a_hole_are_refused(self, files: Path) -> None:
        roots = files / "roots.jsonl"
        line = json.loads(roots.read_text())
        roots.write_text(json.dumps({**line, "day": "2999-01-01"}) + "\n" + json.dumps(line))
        code, said = verify("--roots", roots, *self.proofs(files))
        assert code == 2
        assert "does not follow" in said

    def test_what_cannot_be_read_is_said(self, files: Path) -> None:
        assert verify("--roots", files / "none", files / "0.json")[0] == 2
        (files / "0.json").write_text("{")
        assert verify("--roots", files / "roots.jsonl", files / "0.json")[0] == 2

    def test_the_example_of_the_contract_is_a_true_one(self, tmp_path: Path) -> None:
        (tmp_path / "proof.json").write_text(json.dumps(PROOF))
        (tmp_path / "roots.jsonl").write_text(json.dumps(PROOF["root"]))
        assert verify("--roots", tmp_path / "roots.jsonl", tmp_path / "proof.json")[0] == 0

    def test_the_form_is_told_byte_for_byte(self) -> None:
        """The canonical facts in docs/ledger.md are those of the example, and so is their hash."""
        page = (SCRIPT.parent / "ledger.md").read_text()
        (facts,) = re.findall(r"^\{\"card.*$", page, re.MULTILINE)
        leaf = hashlib.sha256(b"\0" + facts.encode()).hexdigest()
        assert json.loads(facts) == PROOF["facts"]
        assert f"`{leaf}`" in page

    def test_words_that_were_taken_off_leave_a_proof(self, files: Path, closed, api, house) -> None:
        with house.installation.database.transaction() as session:
            session.execute(text("UPDATE ledger_posting SET reason = NULL"))
        answer = api.get(f"postings/{closed[0]}/proof")
        assert answer.get_json()["words"] is None
        assert "Кофе" not in answer.text
        (files / "0.json").write_bytes(answer.data)
        assert verify("--roots", files / "roots.jsonl", *self.proofs(files))[0] == 0


class TestProofByApi:
    def test_there_is_none_before_its_day_is_closed(self, postings, api, sealer) -> None:
        answer = api.get(f"postings/{postings[0]}/proof")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "day_not_closed")
        assert answer.get_json()["closes_at"] is None
        sealer.run()
        answer = api.get(f"postings/{postings[0]}/proof")
        assert answer.status_code == 409
        assert answer.get_json()["closes_at"].endswith("T21:00:00Z")

    @pytest.mark.parametrize("posting", ["x", "%00", "01a20f22-e854-7493-982b-a92daf507b36"])
    def test_nobodys_posting_is_404(self, api, posting: str) -> None:
        answer = api.get(f"postings/{posting}/proof")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_posting")

    @pytest.mark.parametrize(
        "deed",
        [
            "UPDATE ledger_entry SET amount = amount * 2",
            "UPDATE ledger_posting SET reason = 'bread'",
            "DELETE FROM ledger_seal WHERE number = 2",
        ],
    )
    def test_no_proof_is_made_of_what_was_changed(self, closed, api, tamper, deed: str) -> None:
        tamper(deed)
        answer = api.get(f"postings/{closed[0]}/proof")
        assert (answer.status_code, answer.get_json()["code"]) == (500, "seal_broken")


class TestRoots:
    def test_anybody_may_read_them_and_learns_no_numbers(self, closed, client, sealer) -> None:
        answer = client.get("/ledger/roots/demo")
        assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
        (line,) = map(json.loads, answer.text.splitlines())
        (root,) = sealer.roots("demo")
        assert line["root"] == root.root.hex()
        assert set(line) == {"programme", "day", "previous", "root", "key", "signature"}
        (key,) = client.get("/ledger/key").get_json()["keys"]
        assert key["id"] == line["key"]

    def test_since_a_day(self, closed, client, sealer) -> None:
        (root,) = sealer.roots("demo")
        day = root.day
        assert client.get(f"/ledger/roots/demo?since={day}").text.count("\n") == 1
        assert client.get(f"/ledger/roots/demo?since={day + timedelta(days=1)}").text == ""
        answer = client.get("/ledger/roots/demo?since=yesterday")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "date_invalid")

    def test_an_unknown_programme_is_404(self, client) -> None:
        answer = client.get("/ledger/roots/nowhere")
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_programme")

    def test_the_command_prints_the_same(self, closed, client, wallet) -> None:
        printed = wallet("ledger", "roots", "export", "--programme", "demo")
        assert printed.exit_code == 0
        lines = client.get("/ledger/roots/demo").text.splitlines()
        assert [*map(json.loads, printed.output.splitlines())] == [*map(json.loads, lines)]
        assert wallet("ledger", "roots", "export", "--since", "2999-01-01").stdout == ""
        keys = json.loads(wallet("ledger", "roots", "key").output)
        assert keys == client.get("/ledger/key").get_json()


class TestCommands:
    def test_a_sound_book_is_said_to_be_one(self, closed, wallet) -> None:
        checked = wallet("ledger", "check")
        assert checked.exit_code == 0, checked.output
        assert {line[:2] for line in checked.output.splitlines()} == {"ok"}
        assert "a balance equals its entries" in checked.output
        verified = wallet("ledger", "verify")
        assert (verified.exit_code, verified.output) == (
            0,
            "ok  demo: 3 postings and 1 days are whole.\n"
            "ok  the record of changes: 0 changes are whole.\n",
        )

    def test_points_that_were_left_behind_come_home(self, house, join, api, wallet, tamper) -> None:
        anna, boris = join(name="Анна"), join(name="Борис")
        api.post(f"members/{boris['id']}/merge", {"into": anna["id"]})
        merged = "WHERE id = (SELECT max(member_id) FROM ledger_account)"
        closed = "WHERE account_id = (SELECT max(account_id) FROM ledger_balance)"
        tamper(f"UPDATE ledger_member SET household_id = NULL {merged}")  # noqa: S608
        tamper(f"UPDATE ledger_balance SET closed = false {closed}")  # noqa: S608
        api.post("accruals", {"member": boris["id"], "points": 7})
        tamper(f"UPDATE ledger_member SET household_id = merged_into_id {merged}")  # noqa: S608
        tamper(f"UPDATE ledger_balance SET closed = true {closed}")  # noqa: S608
        found = wallet("ledger", "check")
        assert found.exit_code == 1
        assert "!!  nothing is left on an account that nobody uses: broken" in found.output
        repaired = wallet("ledger", "repair")
        assert repaired.exit_code == 0, repaired.output
        assert "7 brought home" in repaired.output
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 7
        house.run("seals")
        assert wallet("ledger", "check").exit_code == 0
        assert wallet("ledger", "repair").output == (
            "ok  nothing is left on accounts that nobody uses\n"
        )

    def test_a_changed_posting_is_named(self, closed, wallet, tamper) -> None:
        tamper("UPDATE ledger_entry SET amount = 2 * amount WHERE posting_id = 2")
        verified = wallet("ledger", "verify", "--programme", "demo")
        assert verified.exit_code == 1
        assert verified.output == (f"!!  demo: Posting {closed[1]}, number 2, was changed.\n")
        checked = wallet("ledger", "check")
        assert checked.exit_code == 1
        assert "!!  a balance equals its entries: broken, for example by " in checked.output
        assert wallet("ledger", "verify", "--programme", "demo", "--from", "4").exit_code == 0

    def test_postings_that_wait_too_long_are_told(self, api, member, wallet, house) -> None:
        posting = {"member": member["id"], "points": 1}
        house.clock.advance(minutes=-5)
        api.post("accruals", posting)
        checked = wallet("ledger", "check")
        assert checked.exit_code == 0
        assert "ok  postings since" in checked.output
        house.run("seals")
        house.clock.advance(minutes=-15)
        api.post("accruals", posting)
        checked = wallet("ledger", "check")
        assert checked.exit_code == 1
        assert "!!  postings wait for their seals since" in checked.output
        house.run("seals")
        assert wallet("ledger", "check").exit_code == 0

    def test_a_number_is_of_one_chain(self, wallet) -> None:
        refused = wallet("ledger", "verify", "--from", "4")
        assert refused.exit_code == 2
        assert "--programme" in refused.output
        assert wallet("ledger", "verify", "--programme", "nowhere").exit_code == 1


class TestNights:
    def said(self, house, environment) -> list[tuple[str, str]]:
        found, refused = settings.read(environment)
        return [
            (one.verdict, one.sentence)
            for one in doctor.examine(found, refused, house.clock)
            if "edger" in one.sentence or "seals" in one.sentence
        ]

    def figures(self, client) -> dict[str, float]:
        lines = [one for one in client.get("/metrics").text.splitlines() if one[0] != "#"]
        return {name: float(value) for name, value in (one.rsplit(" ", 1) for one in lines)}

    def test_a_night_is_inspected_once_and_its_outcome_shown(
        self, closed, house, client, environment, sealer
    ) -> None:
        assert self.said(house, environment)[0][0] == "note"
        with structlog.testing.capture_logs() as logs:
            house.run("inspection")
            house.run("inspection")
        assert [one for one in logs if one["log_level"] == "error"] == []
        ((verdict, sentence),) = self.said(house, environment)
        assert (verdict, "all rules and seals hold" in sentence) == ("good", True)
        house.clock.advance(hours=1)
        figures = self.figures(client)
        assert figures["kopilka_ledger_sound"] == 1
        assert figures["kopilka_ledger_inspected_seconds"] == 3600
        assert sealer.chain().verified == 3

    def test_what_a_night_finds_is_told_until_it_is_well(
        self, closed, house, client, environment, tamper
    ) -> None:
        tamper("UPDATE ledger_posting SET receipt = '7' WHERE id = 2")
        with structlog.testing.capture_logs() as logs:
            house.run("inspection")
        assert [one["event"] for one in logs if one["log_level"] == "error"] == ["ledger_unsound"]
        ((verdict, sentence),) = self.said(house, environment)
        assert verdict == "bad"
        assert f"demo: Posting {closed[1]}, number 2, was changed." in sentence
        assert self.figures(client)["kopilka_ledger_sound"] == 0
        house.clock.advance(days=1)
        house.run("inspection")
        assert self.said(house, environment)[0][0] == "bad"
        tamper("UPDATE ledger_posting SET receipt = '1002' WHERE id = 2")
        house.clock.advance(days=1)
        house.run("inspection")
        assert self.said(house, environment)[0][0] == "good"

    def test_the_next_night_reads_only_what_is_new(
        self, closed, house, api, member, sealer, tamper
    ) -> None:
        house.run("inspection")
        api.post("accruals", {"member": member["id"], "points": 1})
        sealer.close_the_day()
        tamper("UPDATE ledger_posting SET receipt = '7' WHERE id = 2")
        house.run("inspection")
        with house.installation.database.reading() as session:
            assert session.get_one(Chain, 1).verified == 4
            assert inspection.last(session).findings == []
        tamper("UPDATE ledger_chain SET verified = 0")
        house.clock.advance(days=1)
        house.run("inspection")
        with house.installation.database.reading() as session:
            assert len(inspection.last(session).findings) == 1

    def test_one_that_died_is_taken_up_again(self, house) -> None:
        house.clock.now = house.clock.now.replace(hour=1)
        database = house.installation.database

        def begin() -> bool:
            return database.run(lambda session: inspection.begin(session, house.clock()))

        assert begin()
        assert not begin()
        house.clock.advance(hours=7)
        assert begin()
        database.run(lambda session: inspection.end(session, [], house.clock()))
        house.clock.advance(hours=7)
        assert not begin()
        house.clock.advance(hours=10)
        assert begin()

    def test_postings_without_seals_are_told(self, postings, house, client, environment) -> None:
        house.clock.advance(minutes=11)
        assert any(
            verdict == "bad" and "wait for their seals" in sentence
            for verdict, sentence in self.said(house, environment)
        )
        assert self.figures(client)['kopilka_oldest_seconds{what="seals"}'] == 660
        house.run("seals")
        assert self.figures(client)['kopilka_oldest_seconds{what="seals"}'] == 0
