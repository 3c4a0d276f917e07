"""Imports from the file to the pass, on both databases."""

import csv
import io
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest
from books import check_books
from interleaving import stage
from openpyxl import Workbook
from sqlalchemy import delete, func, select, text, update
from tables import csv_file, xlsx_file

from ledger.book import statements
from ledger.book.journal import Posting
from ledger.errors import (
    FileRefused,
    ImportHasBadRows,
    ImportNotReady,
    ImportRepeated,
    ImportReplaced,
    UnknownImport,
)
from ledger.imports import reading, store
from ledger.imports.store import Import, ImportPart, ImportRequest, ImportRow
from ledger.people import cards, consents, persons
from ledger.people.members import Member
from ledger.people.persons import Person, Profile, Search
from ledger.points import accruals, households, redemptions
from ledger.points.accruals import Grant
from ledger.points.redemptions import Spend
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.cli import import_words
from wallet.passes import issued, issuing
from wallet.passes.issued import Pass
from wallet.people import importing
from wallet.people.importing import Desk
from wallet.running import relay

BY = Author("command", "wallet test")

PEOPLE = (
    "ФИО;Телефон;Почта;Карта;Код;Баланс;Сгорает",
    "Анна;+79990000001;anna@example.com;4000 1234;c-1;1 250;31.12.2030",
    "Борис;+79990000002;;A-77/3;;0;",
    "Вера;;vera@example.com;;c-3;7;",
)

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def desk(installation) -> Iterator[Desk]:
    yield installation.import_desk
    with installation.database.reading() as session:
        check_books(session)


def order(kind="members", **more: str) -> ImportRequest:
    return ImportRequest("demo", kind, **more)


def run(desk: Desk, file: BinaryIO, wanted: ImportRequest, *, skip_bad: bool = False) -> Import:
    import_ = importing.read(desk, file, wanted)
    importing.start(desk, import_.public_id, BY, skip_bad=skip_bad)
    while importing.advance(desk):
        pass
    return importing.find(desk, import_.public_id)


def proof(import_: Import) -> dict:
    assert import_.statement is not None
    return json.loads(import_.statement)


def problems(desk: Desk, import_: Import) -> list[tuple[int, str | None, str]]:
    with desk.database.reading() as session:
        return [
            (one.row, one.field, one.code) for one in store.problems(session, import_.id, 0, 1000)
        ]


def count(desk: Desk, *tables: type) -> int:
    with desk.database.reading() as session:
        return sum(session.scalar(select(func.count()).select_from(table)) for table in tables)


def member(desk: Desk, card: str) -> Member:
    with desk.database.reading() as session:
        return cards.owner(session, card, desk.clock()).member


def balance(desk: Desk, card: str) -> int:
    with desk.database.reading() as session:
        found = cards.owner(session, card, desk.clock()).member
        standing = statements.main_balances(session, found.programme_id, [found], desk.clock())
        return standing[found.id].available


def test_people_come_with_cards_balances_and_passes(desk: Desk, house) -> None:
    import_ = run(desk, csv_file(*PEOPLE), order())
    assert (import_.state, import_.applied, import_.joined) == ("done", 3, 3)
    assert count(desk, ImportPart) == 0
    told = proof(import_)
    assert told["agrees"]
    assert told["points"] == {
        "in_file": 1257,
        "left_out": 0,
        "applied": 1257,
        "posted": 1257,
        "balances_moved": 1257,
        "postings": 2,
    }
    with desk.database.reading() as session:
        anna = cards.owner(session, "40001234", desk.clock()).member
        assert persons.profile_of(session, anna.id) == Profile(
            "Анна", "+79990000001", "anna@example.com", None, None, "c-1"
        )
        shown = issued.content(issued.card_of(session, anna.id))
        assert (shown.card_number, shown.barcode) == ("40001234", "40001234")
        assert cards.owner(session, "A-77/3", desk.clock()).member.id != anna.id
        (vera,) = persons.search(session, Search(external_id="c-3"), 0, 9)
        assert cards.is_own(cards.newest_of(session, vera.id).number)
        assert session.scalars(select(Posting.kind)).all() == ["opening", "opening"]
        lot = session.execute(text("SELECT expires_at FROM ledger_lot ORDER BY id")).first()
        assert "2030" in str(lot[0]) or lot[0] == 1_924_981_200_000_000  # midnight in Moscow
    # What the relay hears of them finds every card as it is shown already.
    with desk.database.reading() as session:
        before = session.scalars(select(Pass.version)).all()
    while relay.relay(desk.database, [], desk.clock()):
        pass
    with desk.database.reading() as session:
        assert session.scalars(select(Pass.version)).all() == before == [1, 1, 1]


def test_a_till_reads_the_old_card(desk: Desk, api) -> None:
    run(desk, csv_file(*PEOPLE), order())
    for barcode in ("40001234", "4000 1234", "A-77/3"):
        assert api.post("scans", {"barcode": barcode}).status_code == 200
    assert api.post("scans", {"barcode": "40001235"}).get_json()["code"] == "unknown_card"
    assert api.post("accruals", {"card": "A-77/3", "points": 5}).status_code == 201


def test_a_preview_writes_nothing(desk: Desk) -> None:
    before = count(desk, Member, Import, ImportPart)
    found = importing.look(desk, csv_file(*PEOPLE, "Г;+79990000001;;;;1.5;"), order(), 20)
    assert (found.tally.rows, found.tally.new_members, found.tally.bad) == (4, 3, 1)
    assert [one.code for one in found.problems[0].problems] == [
        "too_many_decimals",
        "duplicate_in_file",
    ]
    assert "Строка 5, Телефон: То же, что в строке 2 файла. [duplicate_in_file]" in list(
        import_words.told(found, "ru")
    )
    assert count(desk, Member, Import, ImportPart) == before


@pytest.mark.parametrize("file", [csv_file(*PEOPLE[:1]), xlsx_file(["phone"])])
def test_only_a_header_is_no_table(desk: Desk, file: io.BytesIO) -> None:
    for attempt in (importing.read, lambda *args: importing.look(*args, 1)):
        with pytest.raises(FileRefused) as refused:
            attempt(desk, file, order())
        assert refused.value.problem == "no_rows"
    assert count(desk, Import) == 0


def test_a_file_is_imported_once(desk: Desk) -> None:
    first = run(desk, csv_file(*PEOPLE), order())
    for attempt in (importing.read, lambda *args: importing.look(*args, 1)):
        with pytest.raises(ImportRepeated) as repeated:
            attempt(desk, csv_file(*PEOPLE), order())
        assert repeated.value.import_id == first.public_id
    assert importing.start(desk, first.public_id, BY, skip_bad=False).state == "done"
    assert not importing.advance(desk)
    assert count(desk, Member) == 3


def test_a_file_that_was_only_checked_is_checked_anew(desk: Desk) -> None:
    first = importing.read(desk, csv_file(*PEOPLE), order())
    second = importing.read(desk, csv_file(*PEOPLE), order())
    with pytest.raises(UnknownImport):
        importing.find(desk, first.public_id)
    importing.start(desk, second.public_id, BY, skip_bad=False)
    with pytest.raises(ImportNotReady):
        importing.read(desk, csv_file(*PEOPLE), order())
    resumed = importing.resumable(desk, csv_file(*PEOPLE), order())
    assert resumed is not None
    assert resumed.id == second.id


def test_what_nobody_wanted_applied_is_forgotten(desk: Desk, house) -> None:
    import_ = importing.read(desk, csv_file(*PEOPLE), order())
    house.clock.advance(days=6)
    assert not importing.work_off(desk)
    assert count(desk, ImportPart) == 1
    house.clock.advance(days=2)
    importing.work_off(desk)
    assert count(desk, Import, ImportPart) == 0
    with pytest.raises(UnknownImport):
        importing.find(desk, import_.public_id)


def test_bad_rows_stop_the_file_until_told(desk: Desk) -> None:
    file = csv_file(*PEOPLE, "=1+1;+79990000009;;;;=1+1;", "Д;+79990000008;;;;5;31.02.2030")
    import_ = importing.read(desk, file, order())
    with pytest.raises(ImportHasBadRows) as refused:
        importing.start(desk, import_.public_id, BY, skip_bad=False)
    assert (refused.value.bad, refused.value.rows) == (2, 5)
    assert not importing.advance(desk)
    importing.start(desk, import_.public_id, BY, skip_bad=True)
    while importing.advance(desk):
        pass
    import_ = importing.find(desk, import_.public_id)
    assert problems(desk, import_) == [
        (5, "name", "formula"),
        (5, "points", "not_a_number"),
        (6, "expires", "no_such_day"),
    ]
    assert proof(import_)["rows"]["left_out"] == 2
    assert proof(import_)["points"]["left_out"] == 5
    assert proof(import_)["agrees"]
    out = io.StringIO()
    assert import_words.write_left_out(desk, file, import_, out, "ru") == 2
    lines = out.getvalue().splitlines()
    assert lines[0] == f"{PEOPLE[0]};что исправить"
    assert lines[1].startswith("'=1+1;'+79990000009;;;;'=1+1;;")
    assert lines[2].endswith("Сгорает: Такого дня нет в календаре.")


def test_what_was_left_out_is_no_formula_and_can_be_sent_again(desk: Desk) -> None:
    """Not even in the name of a column."""
    title = '=HYPERLINK("http://evil.example")'
    file = csv_file(f"phone;balance;{title}", "+79990000009;x;+cmd|calc!A0")
    import_ = importing.read(desk, file, order())
    out = io.StringIO()
    assert import_words.write_left_out(desk, file, import_, out, "ru") == 1
    header, row = csv.reader(io.StringIO(out.getvalue()), delimiter=";")
    assert header[2] == f"'{title}"
    assert row[:3] == ["'+79990000009", "x", "'+cmd|calc!A0"]
    corrected = csv_file(";".join(header[:2]), f"{row[0]};'5")
    assert importing.look(desk, corrected, order(), 10).tally.points_good == 5


def test_rows_are_compared_with_each_other(desk: Desk) -> None:
    file = csv_file(
        "phone;email;card;external_id",
        "+79990000001;a@example.com;1111;c-1",
        "8 999 000-00-01;;;",
        ";A@example.com;;",
        ";;11 11;",
        ";;;c-1",
        ";b@example.com;1112;c-2",
    )
    import_ = importing.read(desk, file, order())
    assert problems(desk, import_) == [
        (3, "phone", "duplicate_in_file"),
        (4, "email", "duplicate_in_file"),
        (5, "card", "duplicate_in_file"),
        (6, "external_id", "duplicate_in_file"),
    ]
    with desk.database.reading() as session:
        assert {one.facts["first"] for one in store.problems(session, import_.id, 0, 9)} == {2}


def test_rows_are_compared_with_the_members(desk: Desk, installation, house) -> None:
    with installation.database.transaction() as session:
        now = house.clock()
        programme = programmes.by_code(session, "demo")

        def joined(**profile: str) -> Member:
            pass_ = issuing.join(
                session,
                programme,
                Profile(**profile),
                "pass.sandbox.loyalty",
                installation.keys,
                now,
                checked=False,
            )
            return session.get_one(Member, pass_.member_id)

        anna = joined(phone="+79990000001", email="anna@example.com", name="Аня")
        joined(phone="+79990000002")
        joined(phone="+79990000003")
        joined(phone="+79990000003")
        old = cards.newest_of(session, anna.id).number
        cards.replace(session, anna, now)
        card = cards.newest_of(session, joined(external_id="c-9", email="c9@example.com").id).number
    file = csv_file(
        "name;phone;email;card;external_id;balance",
        "Анна;+79990000001;anna@example.com;5555;c-5;10",
        f"к;+79990000002;;{card};;",
        "к;+79990000003;;;;1",
        f"к;;;{old};;",
        "к;+79990000007;;;c-9;",
        "к;;c9@example.com;;;1",
    )
    import_ = run(desk, file, order(), skip_bad=True)
    assert problems(desk, import_) == [
        (3, None, "several_members"),
        (4, None, "several_members"),
        (5, "card", "card_blocked"),
        (7, None, "duplicate_in_file"),
    ]
    assert (import_.found_members, import_.new_members, import_.joined) == (2, 0, 0)
    assert balance(desk, "5555") == 10
    with desk.database.reading() as session:
        # Nothing that is known of Anna is written over.
        assert persons.profile_of(session, anna.id).name == "Аня"
        assert persons.profile_of(session, anna.id).external_id is None
        assert cards.owner(session, "5555", desk.clock()).member.id == anna.id


def test_a_member_with_something_else_is_a_conflict(desk: Desk, join) -> None:
    join(phone="+79990000001", email="anna@example.com")
    file = csv_file("phone;email", "+79990000001;other@example.com", "+79990000001;")
    import_ = importing.read(desk, file, order())
    assert problems(desk, import_) == [
        (2, "email", "contact_conflict"),
        (3, "phone", "duplicate_in_file"),
    ]


def test_an_opening_balance_is_given_once(desk: Desk) -> None:
    run(desk, csv_file(*PEOPLE), order())
    again = run(desk, csv_file(*PEOPLE, "Г;+79990000004;;;;3;"), order(), skip_bad=True)
    assert problems(desk, again) == [
        (2, "points", "opening_exists"),
        (4, "points", "opening_exists"),
    ]
    assert (again.joined, again.applied) == (1, 2)
    assert balance(desk, "40001234") == 1250


def test_cards_of_another_programme_stay_there(desk: Desk, installation, house) -> None:
    run(desk, csv_file(*PEOPLE), order())
    with installation.database.transaction() as session:
        programmes.create(session, programmes.Terms("tea", "Чай"), house.clock())
    import_ = importing.read(
        desk, csv_file("phone;card", "+79990000001;40001234"), ImportRequest("tea", "members")
    )
    assert problems(desk, import_) == [(2, "card", "card_taken")]


def test_points_for_a_list_of_contacts(desk: Desk) -> None:
    run(desk, csv_file(*PEOPLE), order())
    file = xlsx_file(
        ["Телефон", "Почта", "Карта", "Код", "Баллы", "Причина", "Сгорает"],
        [79990000001, None, None, None, 10, "Новый год", "01.02.2030"],
        [None, "vera@example.com", None, "c-3", 20, None, None],
        [None, None, "A-77/3", None, 30, None, None],
        [79990000077, None, None, None, 40, None, None],
        [79990000002, "vera@example.com", None, None, 50, None, None],
        [None, None, "40001234", None, 60, None, None],
    )
    import_ = run(desk, file, order("accrual", reason="Акция"), skip_bad=True)
    assert problems(desk, import_) == [
        (5, "phone", "unknown_member"),
        (6, "email", "duplicate_in_file"),
        (7, None, "duplicate_in_file"),
    ]
    assert proof(import_)["points"]["posted"] == 60
    assert (balance(desk, "40001234"), balance(desk, "A-77/3")) == (1260, 30)
    with desk.database.reading() as session:
        rows = session.execute(
            select(Posting.kind, Posting.reason).where(Posting.kind == "accrual")
        )
        assert sorted(map(tuple, rows)) == [
            ("accrual", "Акция"),
            ("accrual", "Акция"),
            ("accrual", "Новый год"),
        ]


def test_points_out_as_far_as_there_are_any(desk: Desk) -> None:
    run(desk, csv_file(*PEOPLE), order())
    file = csv_file("card,points", "40001234,1200", "A-77/3,1")
    import_ = run(desk, file, order("write_off"), skip_bad=True)
    assert problems(desk, import_) == [(3, "points", "insufficient_points")]
    assert balance(desk, "40001234") == 50
    assert proof(import_)["points"] == {
        "in_file": 1201,
        "left_out": 1,
        "applied": 1200,
        "posted": 1200,
        "balances_moved": 1200,
        "postings": 1,
    }
    assert importing.check(desk, import_.public_id) == []


def test_what_changed_since_the_check_leaves_its_row_out(desk: Desk, house, join) -> None:
    run(desk, csv_file(*PEOPLE), order())
    out = importing.read(desk, csv_file("card;points", "40001234;1250"), order("write_off"))
    more = csv_file(
        "phone;balance;expires",
        "+79990000011;5;" + house.clock().astimezone(MOSCOW).strftime("%d.%m.%Y"),
        "+79990000012;5;",
        "+79990000013;5;",
    )
    people = importing.read(desk, more, order())
    assert not people.bad
    with desk.database.transaction() as session:
        anna = cards.owner(session, "40001234", desk.clock()).member
        redemptions.redeem(session, anna, Spend(1), house.clock())
    join(phone="+79990000012", external_id="x")
    house.clock.advance(days=2)
    for import_ in (out, people):
        importing.start(desk, import_.public_id, BY, skip_bad=False)
        while importing.advance(desk):
            pass
    out, people = (importing.find(desk, one.public_id) for one in (out, people))
    assert problems(desk, out) == [(2, "points", "insufficient_points")]
    assert proof(out)["points"]["posted"] == 0
    assert problems(desk, people) == [(2, "expires", "expires_out_of_range")]
    assert (people.joined, people.applied, people.left_out) == (1, 2, 1)
    assert proof(out)["agrees"]
    assert proof(people)["agrees"]


def test_households_debts_and_merged_members_are_whom_they_are_now(desk: Desk, house) -> None:
    run(desk, csv_file(*PEOPLE), order())
    now = house.clock()
    with desk.database.transaction() as session:
        anna, boris = (
            cards.owner(session, one, desk.clock()).member for one in ("40001234", "A-77/3")
        )
        households.merge(session, boris, anna, now)
    import_ = run(desk, csv_file("card;points", "A-77/3;5"), order("accrual"))
    assert proof(import_)["agrees"]
    assert balance(desk, "40001234") == 1255


def test_postings_of_others_do_not_disturb_the_sums(desk: Desk, house) -> None:
    """Points that run out in the very moment of the import are not its doing."""
    run(desk, csv_file(*PEOPLE), order())
    now = house.clock()
    with desk.database.transaction() as session:
        boris = cards.owner(session, "A-77/3", desk.clock()).member
        grant = Grant(99, expires_at=now + timedelta(days=1))
        accruals.grant(session, boris, grant, now)
    house.clock.advance(days=2)
    import_ = run(desk, csv_file("card;points", "A-77/3;5"), order("accrual"))
    assert proof(import_)["agrees"]
    assert balance(desk, "A-77/3") == 5


def test_a_check_finds_whatever_was_changed(desk: Desk) -> None:
    import_ = run(desk, csv_file(*PEOPLE), order())
    assert importing.check(desk, import_.public_id) == []

    def codes(change) -> list[str]:
        with desk.database.transaction() as session:
            session.execute(change)
        return [one.code for one in importing.check(desk, import_.public_id)]

    row = update(ImportRow).where(ImportRow.row == 2)
    assert codes(row.values(points=1251)) == ["row", "rows"]
    assert codes(row.values(points=1250)) == []
    statement = import_.statement.replace("1257", "1258")
    assert codes(update(Import).values(statement=statement)) == ["signature", "statement", "sums"]
    assert codes(update(Import).values(statement=import_.statement, applied=2)) == ["statement"]
    assert codes(update(Import).values(applied=3, signed_by="other")) == ["signature"]


def test_money_counts_in_its_smallest_piece(desk: Desk, installation, house) -> None:
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        importing.units.add(
            session, programme.id, importing.units.UnitTerms("cash", "money", 2, "RUB")
        )
    file = csv_file("phone;balance", "+79990000001;12,5")
    import_ = run(desk, file, order(unit="cash"))
    assert proof(import_)["points"]["posted"] == 1250
    assert proof(import_)["unit"] == "cash"


def test_more_points_than_can_be_counted_are_refused(desk: Desk) -> None:
    rows = [f"+7999000000{number};{2**53 - 1}" for number in range(2)]
    with pytest.raises(FileRefused) as refused:
        importing.read(desk, csv_file("phone;balance", *rows), order())
    assert refused.value.problem == "too_many_points"
    assert count(desk, Import, ImportPart) == 0


def test_many_parts_make_one_import(desk: Desk) -> None:
    rows = [f"+7999{number:07};{number}" for number in range(1234)]
    import_ = importing.read(desk, csv_file("phone;balance", *rows), order())
    importing.start(desk, import_.public_id, BY, skip_bad=False)
    progress = []
    while importing.advance(desk):
        progress.append(importing.find(desk, import_.public_id).applied)
    assert progress == [500, 1000, 1234, 1234]
    import_ = importing.find(desk, import_.public_id)
    assert proof(import_)["points"]["balances_moved"] == sum(range(1234))
    assert importing.check(desk, import_.public_id) == []
    assert count(desk, Person) == count(desk, Pass) == 1234


def test_the_examples_of_the_documentation_are_imported(desk: Desk) -> None:
    examples = Path(__file__).parents[2] / "docs" / "examples"
    with (examples / "members.csv").open("rb") as file:
        assert proof(run(desk, file, order()))["points"]["posted"] == 1250
    with (examples / "points.csv").open("rb") as file:
        assert proof(run(desk, file, order("accrual")))["points"]["posted"] == 100


class Killed(BaseException):
    """As if the process were gone: nobody catches it, and nothing is tidied up."""


MANY = [f"+7999{number:07};{number};да" for number in range(1_100)]


def test_a_reader_that_is_killed_anywhere_leaves_the_file_to_the_next(
    desk: Desk, house, monkeypatch
) -> None:
    """Before each of its transactions, one after the other."""
    people = csv_file("phone;balance;consent_marketing", *MANY)
    seen = set()
    for step in range(1, 9):
        sent = importing.receive(desk, people, order())
        with monkeypatch.context() as patch:
            run_, left = type(desk.database).run, itertools.count(1)

            def dying(database, work, step=step, run_=run_, left=left, **more):
                if next(left) == step:
                    raise Killed
                return run_(database, work, **more)

            patch.setattr(type(desk.database), "run", dying)
            try:
                importing.read_one(desk)
            except Killed:
                pass
            else:
                break
        seen.add(count(desk, ImportPart))
        assert importing.find(desk, sent.public_id).state == "reading"
        assert step == 1 or not importing.read_one(desk)  # until its claim has run out
        house.clock.advance(minutes=2)
        assert importing.read_one(desk)
        assert importing.find(desk, sent.public_id).state == "checked"
        checked = importing.find(desk, sent.public_id)
        assert (checked.rows, checked.rows_in_file, checked.bad) == (1_100, 1_100, 0)
        assert (checked.points_good, count(desk, ImportPart)) == (sum(range(1_100)), 3)
        assert count(desk, store.ImportFilePart) == 0
        importing.withdraw(desk, sent.public_id)
    assert seen == {0, 1, 2, 3}


def test_a_file_that_ends_its_readers_is_not_read_for_ever(desk: Desk, house) -> None:
    sent = importing.receive(desk, csv_file(*PEOPLE), order())
    for _ in range(5):
        with desk.database.transaction() as session:
            assert reading.claim(session, None, desk.clock()) is not None
        house.clock.advance(minutes=2)
    assert importing.read_one(desk)
    refused = importing.find(desk, sent.public_id)
    assert (refused.state, store.refusal_of(refused).problem) == ("refused", "gave_up")
    assert count(desk, store.ImportFilePart) == 0
    assert importing.read(desk, csv_file(*PEOPLE), order()).state == "checked"


def test_who_lost_a_claim_writes_nothing(desk: Desk, house) -> None:
    """A machine that stood still while another one took the file over."""
    importing.receive(desk, csv_file(*PEOPLE), order())
    with desk.database.transaction() as session:
        late = reading.claim(session, None, desk.clock())
    house.clock.advance(minutes=2)
    with desk.database.transaction() as session:
        now_theirs = reading.claim(session, None, desk.clock())
    tally = store.Tally(rows=9)
    for write in (
        lambda session: reading.keep(session, late, [], [], tally),
        lambda session: reading.finish(session, late),
        lambda session: reading.refuse(session, late, FileRefused("empty", "The file is empty.")),
    ):
        with pytest.raises(ImportReplaced):
            desk.database.run(write)
    desk.database.run(lambda session: reading.renew(session, late, desk.clock()))
    house.clock.advance(seconds=59)
    desk.database.run(lambda session: reading.renew(session, now_theirs, desk.clock()))
    house.clock.advance(seconds=59)
    assert not importing.read_one(desk)


def test_a_file_that_was_not_sent_to_its_end_is_not_read(desk: Desk, house, monkeypatch) -> None:
    monkeypatch.setattr(importing, "CHUNK_BYTES", 64)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "let_read", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            importing.receive(desk, csv_file(*PEOPLE), order())
        with desk.database.transaction() as session:
            session.execute(delete(store.ImportFilePart).where(store.ImportFilePart.number > 1))
    assert not importing.read_one(desk)
    house.clock.advance(minutes=2)
    assert importing.read_one(desk)
    assert count(desk, Import, store.ImportFilePart) == 0
    assert importing.read(desk, csv_file(*PEOPLE), order()).state == "checked"


def test_a_file_that_is_withdrawn_while_it_is_read_is_gone(desk: Desk, monkeypatch) -> None:
    sent = importing.receive(desk, csv_file("phone;balance;consent_marketing", *MANY), order())
    keep_part = importing._keep_part

    def withdrawn(*given):
        tally = keep_part(*given)
        importing.withdraw(desk, sent.public_id)
        return tally

    monkeypatch.setattr(importing, "_keep_part", withdrawn)
    assert importing.read_one(desk)
    assert count(desk, Import, ImportPart, store.ImportFilePart, store.ImportProblem) == 0


def test_rows_are_counted_before_any_is_checked(desk: Desk, monkeypatch) -> None:
    """Whoever sends millions of short rows hears at once that they are too many."""
    monkeypatch.setattr("ledger.imports.delimited.MOST_ROWS", 500)
    monkeypatch.setattr(importing, "_keep_part", None)
    with pytest.raises(FileRefused) as refused:
        importing.read(desk, csv_file("phone;balance;consent_marketing", *MANY), order())
    assert refused.value.problem == "too_many_rows"


def test_one_that_waits_is_read_by_whoever_comes(desk: Desk) -> None:
    """The command waits for the worker that has its file, and does what a worker would where there
    is none."""
    sent = importing.receive(desk, csv_file(*PEOPLE), order())
    reader = threading.Thread(target=lambda: importing.read_one(desk))
    reader.start()
    importing.read_through(desk, sent.id)
    reader.join()
    assert importing.find(desk, sent.public_id).state == "checked"


def consents_of(desk: Desk, card: str) -> list[tuple]:
    with desk.database.reading() as session:
        return [
            (one.purpose, one.given, one.source, one.origin, one.happened_at)
            for one in consents.history(session, cards.owner(session, card, desk.clock()).member.id)
        ]


CONSENTED = "phone;card;Согласие на рассылку;Согласие на обработку персональных данных;{}"


def test_consents_come_with_their_date_and_where_they_were_given(desk: Desk) -> None:
    header = CONSENTED.format("Дата согласия;Источник согласия")
    run(
        desk,
        csv_file(
            header,
            "+79990000001;1111;да;да;01.03.2024;анкета",
            "+79990000002;2222;нет;;01.03.2024 15:30;",
            "+79990000003;3333;;-;01.03.2024;",
        ),
        order(),
    )
    midnight = datetime(2024, 3, 1, tzinfo=MOSCOW)
    assert consents_of(desk, "1111") == [
        ("marketing", True, "import", "анкета", midnight),
        ("personal_data", True, "import", "анкета", midnight),
    ]
    assert consents_of(desk, "2222") == [
        ("marketing", False, "import", None, midnight.replace(hour=15, minute=30))
    ]
    assert consents_of(desk, "3333") == []


@pytest.mark.parametrize(
    ("told", "history"),
    [
        ("да;;{before}", [True, False]),
        ("да;;{after}", [False, True]),
        ("да;;", [False]),
        ("нет;;{before}", [False]),
        ("нет;;{after}", [False]),
    ],
)
def test_a_later_decision_in_the_book_is_not_overwritten(
    desk: Desk, house, told: str, history: list[bool]
) -> None:
    """The member said no on the page; a file says what it knows of the day before or the day after,
    or does not say of when."""
    run(desk, csv_file("phone;card", "+79990000001;1111"), order())
    with desk.database.transaction() as session:
        anna = cards.owner(session, "1111", desk.clock()).member
        no = consents.Decision("marketing", given=False)
        consents.record(session, anna, [no], "page", house.clock())
    days = {
        name: (house.clock().astimezone(MOSCOW) + timedelta(days=days)).strftime("%d.%m.%Y")
        for name, days in (("before", -1), ("after", 1))
    }
    house.clock.advance(days=2)
    file = csv_file(CONSENTED.format("Дата согласия"), "+79990000001;1111;" + told.format(**days))
    for again in (b"", b"\r\n"):  # the same twice changes nothing more
        import_ = run(desk, io.BytesIO(file.getvalue() + again), order())
        assert proof(import_)["agrees"]
        with desk.database.reading() as session:
            assert [one.given for one in consents.history(session, anna.id)] == history


def test_a_wrong_answer_is_a_bad_row(desk: Desk) -> None:
    file = csv_file(
        CONSENTED.format("Дата согласия"),
        "+79990000001;1111;может быть;да;01.03.2024",
        "+79990000002;2222;да;;01.03.2124",
    )
    assert problems(desk, importing.read(desk, file, order())) == [
        (2, "consent_marketing", "not_yes_or_no"),
        (3, "consent_date", "consent_out_of_range"),
    ]


def test_a_preview_says_what_it_read_and_how(desk: Desk) -> None:
    book = Workbook()
    book.active.append(["ФИО", "Телефон", "Баланс"])
    book.active.append(["Анна", "8 999 000-00-01", "1,000"])
    book.active.append(["Борис", "8 999 000-00-02", 5])
    book.active.title = "Люди"
    book.active.row_dimensions[3].hidden = True
    book.create_sheet("Ещё")
    file = io.BytesIO()
    book.save(file)
    told = list(import_words.told(importing.look(desk, file, order(), 20), "ru"))
    assert "Читается лист «Люди»; другие листы книги не читаются." in told
    assert "1 строка листа скрыта; она читается, как все." in told
    assert any(line.startswith("1 число вроде 1,000") for line in told)
    assert "Строка 3: ФИО Борис; Телефон +7 999 000-00-02; Баланс 5" in told
    told = import_words.told(importing.look(desk, file, order(decimal="point"), 20), "en")
    assert "Row 2: ФИО Анна; Телефон +7 999 000-00-01; Баланс 1,000" in list(told)


def others(desk: Desk, public_id: str, file: BinaryIO) -> dict[str, Callable[[], object]]:
    """What may be done with an import while it is withdrawn."""
    return {
        "start": lambda: importing.start(desk, public_id, BY, skip_bad=False),
        "read": lambda: importing.read_one(desk),
        "sent again": lambda: importing.receive(desk, file, order()),
        "advance": lambda: importing.advance(desk),
    }


def in_state_for(desk: Desk, other: str, file: BinaryIO) -> Import:
    if other == "read":
        return importing.receive(desk, file, order())
    import_ = importing.read(desk, file, order())
    if other == "advance":
        importing.start(desk, import_.public_id, BY, skip_bad=False)
    return import_


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("other", ["start", "read", "sent again", "advance"])
@pytest.mark.parametrize("withdrawn_first", [True, False], ids=["withdrawing", "working"])
def test_an_import_that_is_withdrawn_at_this_moment_is_there_or_gone(
    desk: Desk, other: str, *, withdrawn_first: bool
) -> None:
    """Whatever else is done with it meanwhile: nothing of it is left, or all of it was applied."""
    for at in range(1, 60):
        file = csv_file("phone;card", f"+7916{at:07};{other.replace(' ', '')}{at}")
        import_ = in_state_for(desk, other, file)
        work = others(desk, import_.public_id, file)[other]
        withdraw = partial(importing.withdraw, desk, import_.public_id)
        first, second = (withdraw, work) if withdrawn_first else (work, withdraw)
        with stage(desk.database) as scene:
            try:
                met = scene.meet(first, second, at)
            except AssertionError:  # it has fewer statements
                break
        outcomes = {type(one) for one in (met.first, met.second)}
        assert outcomes <= {Import, bool, UnknownImport, ImportNotReady, ImportReplaced}, met
        while importing.work_off(desk):
            pass
        with desk.database.transaction() as session:
            left = session.scalars(select(Import).where(Import.state != "done")).all()
            assert {one.state for one in left} <= {"checked"}
            for one in left:
                assert one.public_id != import_.public_id or other == "sent again"
                store.withdraw(session, one.id)
        assert count(desk, ImportPart, store.ImportFilePart, store.ImportProblem) == 0
    assert at > 1
