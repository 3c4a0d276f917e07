"""Whether every balance agrees: the signed statement of an import, and the check that finds what
was changed since.

A statement is a text of sorted JSON; exactly this text is signed. Members and postings are in it
only as a digest over all rows, so that it can be passed on to others."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book.accounts import MEMBER, Account
from ledger.book.journal import Entry, Posting
from ledger.imports import registry, store
from ledger.imports.applying import chained
from ledger.imports.store import Import, ImportRow
from ledger.people.members import Member
from ledger.programmes import programmes

VERSION = 1
MOST_NAMED = 20  # rows that a finding names
PAGE = 1_000  # rows read at a time

# Sign: statement -> the id of a key, and the signature made with it. Verify: the statement with
# those two -> whether the signature is good.
Sign = Callable[[bytes], tuple[str, str]]
Verify = Callable[[bytes, str, str], bool]


@dataclass(frozen=True, slots=True)
class ProofFinding:
    """Something that does not agree. `rows` are the numbers of some rows that show it."""

    code: str
    sentence: str
    rows: tuple[int, ...] = ()


def finish(session: Session, import_: Import, sign: Sign, now: datetime) -> None:
    """All parts are applied: close the import with its signed statement."""
    import_.finished_at = now
    text = json.dumps(document(session, import_), ensure_ascii=False, sort_keys=True)
    import_.statement = text
    import_.signed_by, import_.signature = sign(text.encode())
    import_.state = store.DONE


def document(session: Session, import_: Import) -> dict[str, Any]:
    """What the statement of a finished import says, made from the row of the import alone."""
    programme = programmes.by_id(session, import_.programme_id)
    return {
        "version": VERSION,
        "import": import_.public_id,
        "programme": programme.code,
        "kind": import_.kind,
        "file": {"sha256": import_.digest, "bytes": import_.size},
        "rows": {
            "in_file": import_.rows,
            "applied": import_.applied,
            "left_out": import_.left_out,
            "sha256": import_.rows_digest,
        },
        "times": {
            name: None if moment is None else moment.isoformat()
            for name, moment in (
                ("read", import_.created_at),
                ("started", import_.started_at),
                ("finished", import_.finished_at),
            )
        },
        **registry.named(import_.kind).statement(session, import_),
    }


def check(session: Session, import_: Import, verify: Verify) -> list[ProofFinding]:
    """All that does not agree with the statement of a finished import; empty if everything agrees.
    It reads every row and its posting again."""
    if import_.statement is None:
        return [
            ProofFinding("not_finished", "The import is not finished; it has no statement yet.")
        ]
    findings: list[ProofFinding] = []
    signed = import_.statement.encode()
    if not verify(signed, import_.signed_by or "", import_.signature or ""):
        findings.append(
            ProofFinding(
                "signature", "The signature does not fit the statement, or its key is not here."
            )
        )
    told = json.loads(import_.statement)
    if told != document(session, import_):
        findings.append(
            ProofFinding("statement", "The record of the import is not what the statement says.")
        )
    if not told["agrees"]:
        findings.append(
            ProofFinding("sums", "The sums did not agree when the import was finished.")
        )
    return findings + _rows(session, import_, told) if "points" in told else findings


def _rows(session: Session, import_: Import, told: dict[str, Any]) -> list[ProofFinding]:
    digest = ""
    count: Counter[str] = Counter()
    wrong: list[int] = []
    for row, member, amount in _as_posted(session, import_):
        digest = chained(digest, row.row, member or "", row.posting_id, row.points)
        count["applied"] += 1
        count["posted"] += amount
        if abs(amount) != row.points or member is None:
            wrong.append(row.row)
    findings = []
    if wrong:
        findings.append(
            ProofFinding(
                "row",
                f"{len(wrong)} rows do not agree with their postings, row {wrong[0]} first.",
                tuple(wrong[:MOST_NAMED]),
            )
        )
    if digest != told["rows"]["sha256"]:
        findings.append(
            ProofFinding("rows", "The rows on record are not those that the statement was made of.")
        )
    if (count["applied"], abs(count["posted"])) != (
        told["rows"]["applied"],
        told["points"]["posted"],
    ):
        findings.append(
            ProofFinding(
                "sums",
                f"Postings of {abs(count['posted'])} for {count['applied']} rows are on record, the"
                f" statement says {told['points']['posted']} for {told['rows']['applied']}.",
            )
        )
    return findings


def _as_posted(session: Session, import_: Import) -> Iterator[tuple[ImportRow, str | None, int]]:
    """Every row that was applied, with the public id of its member and the points that its posting
    moved. Rows are read `PAGE` at a time."""
    after = -1
    while True:
        rows = session.scalars(
            select(ImportRow)
            .where(ImportRow.import_id == import_.id, ImportRow.row > after)
            .order_by(ImportRow.row)
            .limit(PAGE)
        ).all()
        names: dict[int, str] = {
            one.id: one.public_id
            for one in session.execute(
                select(Member.id, Member.public_id).where(
                    Member.id.in_([row.member_id for row in rows])
                )
            )
        }
        amounts: dict[str, int] = {
            one.public_id: one.amount
            for one in session.execute(
                select(Posting.public_id, Entry.amount)
                .join(Entry, Entry.posting_id == Posting.id)
                .join(Account, Account.id == Entry.account_id)
                .where(
                    Posting.public_id.in_([row.posting_id for row in rows if row.posting_id]),
                    Account.kind == MEMBER,
                    Account.unit_id == import_.unit_id,
                )
            )
        }
        for row in rows:
            yield row, names.get(row.member_id), amounts.get(row.posting_id or "", 0)
        session.expunge_all()
        if len(rows) < PAGE:
            return
        after = rows[-1].row


def readable(told: dict[str, Any]) -> str:
    """The statement in words, in English."""
    rows, times = told["rows"], told["times"]
    unit = f", unit {told['unit']}" if "unit" in told else ""
    of_kind = _of_things(told["things"]) if "things" in told else _of_people(told)
    return "\n".join(
        (
            f"Import {told['import']} ({told['kind']}) into {told['programme']}{unit}",
            f"File: {told['file']['bytes']} bytes, SHA-256 {told['file']['sha256']}",
            f"Read {times['read']}, started {times['started']}, finished {times['finished']}",
            f"Rows: {rows['in_file']} in the file, {rows['applied']} applied,"
            f" {rows['left_out']} left out",
            *of_kind,
            "Everything agrees." if told["agrees"] else "THE SUMS DO NOT AGREE.",
        )
    )


def _of_people(told: dict[str, Any]) -> Sequence[str]:
    points, members = told["points"], told["members"]
    return (
        f"Members: {members['joined']} joined, {members['found']} were there",
        f"Points: {points['in_file']} in the file, {points['left_out']} left out,"
        f" {points['applied']} applied",
        f"        {points['posted']} in {points['postings']}"
        f" {'posting' if points['postings'] == 1 else 'postings'},"
        f" balances moved by {points['balances_moved']}",
        f"SHA-256 over the rows: {told['rows']['sha256']}",
    )


def _of_things(things: dict[str, Any]) -> Sequence[str]:
    return (
        f"New: {things['new']}, changed: {things['changed']}, unchanged: {things['unchanged']}",
        f"In the last file and not in this one: {things['gone']},"
        f" of them archived: {things['archived']}",
    )
