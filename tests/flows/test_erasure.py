"""A person is erased: nothing of them is left anywhere, and no total has changed."""

import base64
import io
import itertools
import json
import logging
import random
import signal
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

import crash
import pytest
import structlog
import traces
from books import check_books
from interleaving import EVERYWHERE, stage
from phones import Phone, opened, values
from processes import processes
from sqlalchemy import func, select, update

from ledger.book import holds
from ledger.book.accounts import BalanceRow
from ledger.book.journal import Entry, Posting
from ledger.database.idempotency import Request
from ledger.imports import reading, registry, steps, store
from ledger.imports.rows_before import RowsBefore
from ledger.people import members
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.points import households, redemptions
from ledger.points.causes import Cause
from ledger.points.redemptions import HOLD_FOR, Spend
from wallet.access.changes import Author
from wallet.apple.complaints import Complaint
from wallet.apple.devices import Device, PushRow, Registration
from wallet.configuration import logs
from wallet.passes.issued import Pass
from wallet.people import erasure, importing
from wallet.running import relay
from wallet.sandbox.apns import RunningApns

BY = Author("command", "wallet test")

PERSON = {
    "name": "Ефросинья Ёлкина-Šmíd",
    "phone": "+79161234509",
    "email": "frosya.yolkina@example.com",
    "birthday": "1987-03-14",
    "external_id": "crm-77120-frosya",
}
TOLD = [*PERSON.values(), "Ефросинья"]


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def logged(monkeypatch) -> Iterator[io.StringIO]:
    """Everything there is to log."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        logs.configure("debug", readable=False)
        yield written
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.fixture
def person(join) -> dict:
    return join(**PERSON)


def erase(api, member: dict, query: str = "") -> dict:
    answer = api.delete(f"members/{member['id']}{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def accrue(api, member: dict, points: int = 100, **more: object):
    return api.post("accruals", {"member": member["id"], "points": points, **more})


def found(house, public_id: str) -> Member:
    with house.installation.database.reading() as session:
        return members.by_public_id(session, public_id, include_erased=True)


def count(house, table: type, *conditions: object) -> int:
    with house.installation.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def figures(house) -> list[object]:
    """All that the book counts."""
    with house.installation.database.reading() as session:
        entries = select(Entry.posting_id, Entry.line, Entry.account_id, Entry.amount)
        balances = select(BalanceRow.account_id, BalanceRow.available, BalanceRow.pending)
        return [
            session.execute(entries.order_by(Entry.posting_id, Entry.line)).all(),
            session.execute(balances.order_by(BalanceRow.account_id)).all(),
        ]


def lived(api, client, house, person: dict) -> Phone:
    """A member's life, with their name in every place where somebody may have written it."""
    phone = Phone.with_card(client, person)
    phone.register()
    card = person["card"]["number"]
    for round_ in range(3):
        accrue(api, person, 50, reason=f"Подарок для {PERSON['name']}, {round_}")
        house.run()
        phone.fetch()
    api.post("redemptions", {"card": card, "points": 20, "reason": f"{PERSON['phone']} просила"})
    api.post(
        "accruals",
        {"card": card, "points": 1, "reason": PERSON["email"]},
        key=f"receipt of {PERSON['email']}",
    )
    offer = {"programme": "demo", "title": "Ефросинья, вам −20 %", "member": person["id"]}
    assert api.post("offers", offer).status_code == 201
    client.post("/apple/v1/log", json={"logs": [f"{phone.serial}: {PERSON['name']}?"]})
    texts = {"ru": "{{name}}, латте за полцены"}
    campaign = {"programme": "demo", "name": "Латте", "texts": texts, "purpose": "service"}
    id_ = api.post("campaigns", campaign).get_json()["id"]
    assert api.post(f"campaigns/{id_}/start", {}).status_code == 200
    house.run("messages", "apple")
    with house.installation.database.transaction() as session:
        member = members.by_public_id(session, person["id"])
        spend = Spend(10, Cause(reason=f"Заказ {PERSON['name']}"))
        redemptions.hold(session, member, spend, HOLD_FOR, house.clock())
    house.run()
    phone.fetch()
    client.get(person["links"]["card"].removeprefix("http://127.0.0.1:8080"))
    for said in ("Ефросинья", PERSON["name"]):  # what it was before stands in the record of changes
        api.call("patch", f"members/{person['id']}", {"name": said})
    return phone


def test_the_search_finds_what_it_is_for() -> None:
    """Whoever trusts an empty answer has seen a full one."""
    document = json.dumps({"name": PERSON["name"]}, ensure_ascii=False).encode()
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pass.json", document)
    for shift in range(3):
        assert traces.traces(base64.b64encode(b"x" * shift + document), TOLD), shift
    for data in (
        document,
        json.dumps({"name": PERSON["name"]}).encode(),
        zlib.compress(document),
        bundle.getvalue(),
        PERSON["name"].encode("utf-16-be"),
    ):
        assert traces.traces(data, TOLD)
    assert not traces.traces(b"nobody", TOLD)


def test_nothing_of_the_person_is_left(api, client, house, person, join, tmp_path, logged) -> None:
    other = join(name="Пётр", phone="+79160000001")
    lived(api, client, house, person)
    accrue(api, other, 7, reason="Кофе")
    database = house.installation.database
    assert len({one.split(":")[0] for one in traces.in_tables(database, TOLD)}) >= 8
    before = figures(house)
    erased = erase(api, person)
    assert erased["members"] == [person["id"]]
    house.run()
    assert traces.in_tables(database, [*TOLD, person["card"]["number"]]) == []
    assert traces.in_files(tmp_path, TOLD) == []
    assert "member_erased" in logged.getvalue()
    assert traces.traces(logged.getvalue().encode(), TOLD) == []
    entries, balances = figures(house)
    assert entries == before[0]
    # What the hold had set aside is free again; nothing else moved.
    assert sum(row.available for row in balances) == sum(row.available for row in before[1]) + 10
    assert api.get(f"members/{other['id']}/postings").get_json()["items"][0]["reason"] == "Кофе"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_lives_leave_no_bytes_in_the_file(api, house, join, tmp_path) -> None:
    """Pages of a used database hold old versions of rows; who is erased is not in those either.
    What PostgreSQL keeps of them is told in docs/personal-data.md."""
    rng = random.Random(7)  # noqa: S311 - any will do
    people = [
        join(name=f"Человек-{n:04d}-{'ё' * rng.randrange(40)}", phone=f"+7916555{n:04d}")
        for n in range(120)
    ]
    for _ in range(5):
        for one in rng.sample(people, 60):
            accrue(api, one, rng.randrange(1, 50), reason=f"Для {one['id']}")
        house.run()
    for n in range(0, 120, 3):
        erase(api, people[n])
    gone = [text for n in range(0, 120, 3) for text in (f"Человек-{n:04d}-", f"+7916555{n:04d}")]
    data = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("kopilka.db*")))
    forms = {text: (text.encode(), json.dumps(text)[1:-1].encode()) for text in gone}
    assert [text for text, both in forms.items() if any(form in data for form in both)] == []
    assert "Человек-0001-".encode() in data


def test_the_phone_hears_that_the_card_is_void(api, client, house, person, pushes) -> None:
    phone = lived(api, client, house, person)
    seen = phone.fetch().headers["Last-Modified"]
    heard = pushes.stand_in.heard("0badc0de" * 8).count
    tag = phone.updated().get_json()["lastUpdated"]
    erase(api, person)
    house.run()
    assert pushes.stand_in.heard("0badc0de" * 8).count == heard + 1
    assert phone.updated(tag).get_json()["serialNumbers"] == [phone.serial]
    last = opened(phone.fetch(since=seen).data)
    assert last["voided"] is True
    assert "barcodes" not in last and "barcode" not in last
    assert {key: value for key, value in values(last).items() if value not in ("—", 0)} == {}
    assert "changeMessage" not in json.dumps(last)
    assert traces.traces(json.dumps(last).encode(), [*TOLD, person["card"]["number"]]) == []
    # That was all there was to hear: the phone is forgotten, and may still ask.
    assert [count(house, table) for table in (Device, Registration, PushRow)] == [0, 0, 0]
    assert phone.fetch().status_code == 200
    assert phone.register().status_code == 201
    assert phone.updated().get_json()["serialNumbers"] == [phone.serial]


def test_phones_that_never_ask_are_forgotten_in_time(api, client, house, person, join) -> None:
    for n in range(3):
        Phone.with_card(client, person, device=f"{n:032x}").register()
    staying = Phone.with_card(client, join(), device=f"{0:032x}")
    staying.register()
    erase(api, person)
    house.run()
    assert count(house, Registration) == 4
    house.clock.advance(days=29)
    house.run()
    assert count(house, Registration) == 4
    house.clock.advance(days=2)
    house.run()
    assert (count(house, Registration), count(house, Device)) == (1, 1)


def test_links_stop_working_in_words(api, client, person) -> None:
    paths = [
        link.removeprefix("http://127.0.0.1:8080") for link in person["links"].values() if link
    ]
    erase(api, person)
    for path in [*paths, f"{paths[0]}/state", f"{paths[0]}/barcode.svg", f"{paths[0]}/google"]:
        answer = client.get(path, headers={"Accept-Language": "ru"})
        assert answer.status_code == 410, path
        assert 'class="button" href="/join/demo"' in answer.text, path
        assert "удалена" in answer.text


def test_the_member_and_the_card_are_refused(api, client, house, person) -> None:
    accrue(api, person)
    erase(api, person)
    card = person["card"]["number"]
    for answer in (
        api.get(f"members/{person['id']}"),
        api.get(f"members/{person['id']}/postings"),
        accrue(api, person),
        api.post("redemptions", {"member": person["id"], "points": 1}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "member_erased")
    for answer in (
        api.post("accruals", {"card": card, "points": 1}),
        api.post("scans", {"barcode": card}),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "unknown_card")
    for query in (f"card={card}", "phone=%2B79161234509", f"external_id={PERSON['external_id']}"):
        assert api.get(f"members?{query}").get_json()["items"] == []


def test_erasing_twice_says_the_same(api, house, person) -> None:
    first = erase(api, person)
    house.clock.advance(days=1)
    assert erase(api, person) == first
    unknown = api.delete("members/01a20f22-e6c7-77b8-8c9e-bf842686aa7e")
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "unknown_member")


def test_a_late_repetition_does_not_bring_the_person_back(api, house) -> None:
    body = {"programme": "demo", **PERSON}
    person = api.post("members", body, key="joined").get_json()
    erase(api, person)
    again = api.post("members", body, key="joined")
    assert (again.status_code, again.get_json()["code"]) == (404, "member_erased")
    assert count(house, Member) == 1
    # The person themselves is free to come again, as somebody new.
    anew = api.post("members", body, key="joined again")
    assert anew.status_code == 201
    assert anew.get_json()["id"] != person["id"]


def test_points_stay_or_are_written_off(api, house, person, join) -> None:
    accrue(api, person, 100)
    accrue(api, person, 30, activates_at=(house.clock() + timedelta(days=3)).isoformat())
    erase(api, person)
    account = BalanceRow.available + BalanceRow.pending
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.sum(account))) == 130
    assert erase(api, person, "?write_off=true")["written_off"] == 130
    assert erase(api, person, "?write_off=true")["written_off"] == 0
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.sum(account))) == 0


def test_whoever_was_merged_goes_too(api, house, person, join) -> None:
    early = join(name="Фрося Ё. (старая карта)", phone="+79035550001")
    accrue(api, early, 40, reason="Фрося Ё. (старая карта)")
    with house.installation.database.transaction() as session:
        first, second = (members.by_public_id(session, one["id"]) for one in (early, person))
        households.merge(session, first, second, house.clock())
    house.run()
    # By whichever of the ids: it is one person.
    assert erase(api, early)["id"] == person["id"]
    house.run()
    told = [*TOLD, "Фрося Ё.", "+79035550001", early["card"]["number"]]
    assert traces.in_tables(house.installation.database, told) == []


def test_the_head_of_a_household_is_not_erased_over_the_others(api, house, person, join) -> None:
    child = join(name="Младшая Ёлкина")
    with house.installation.database.transaction() as session:
        one, head = (members.by_public_id(session, who["id"]) for who in (child, person))
        households.join(session, one, head, house.clock())
    refused = api.delete(f"members/{person['id']}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "household_not_empty")
    assert found(house, person["id"]).erased_at is None
    card = child["card"]["number"]
    api.post("accruals", {"card": card, "points": 5, "reason": "по карте ребёнка"})
    accrue(api, child, 5, reason="Торт для МЛАДШАЯ ЁЛКИНА")
    accrue(api, person, 5, reason="Своё")
    erase(api, child)
    house.run()
    lines = api.get(f"members/{person['id']}/postings").get_json()["items"]
    assert [line["reason"] for line in lines] == ["Своё", None, None]
    assert api.get(f"members/{person['id']}").get_json()["balance"]["available"] == 15
    erase(api, person)


def test_what_a_till_posts_at_that_moment_loses_its_words(api, house, person) -> None:
    """A posting that had found the member before they were erased, and is committed after."""
    accrue(api, person)
    house.run()
    database = house.installation.database
    erase(api, person)
    with database.transaction() as session:
        session.execute(update(Member).values(erased_at=None))
    accrue(api, person, 5, reason=PERSON["name"])
    with database.transaction() as session:
        session.execute(update(Member).values(erased_at=house.clock()))
    assert traces.in_tables(database, TOLD)
    house.run()
    assert traces.in_tables(database, TOLD) == []


def test_tills_may_go_on_while_a_person_is_erased(app, api, house, person) -> None:
    accrue(api, person, 1000)

    def till(number: int) -> set[tuple[int, str]]:
        own = type(api)(app.test_client())
        answers = set()
        for n in range(12):
            body = {"points": 1, "reason": f"{PERSON['name']} {n}"}
            who = {"member": person["id"]} if n % 2 else {"card": person["card"]["number"]}
            path = "accruals" if (n + number) % 3 else "redemptions"
            answer = own.post(path, {**who, **body})
            answers.add((answer.status_code, answer.get_json().get("code", "")))
        return answers

    with ThreadPoolExecutor(6) as pool:
        tills = [pool.submit(till, number) for number in range(5)]
        erased = [pool.submit(erase, type(api)(app.test_client()), person) for _ in range(3)]
        answers = set().union(*(one.result() for one in tills))
        assert len({json.dumps(one.result(), sort_keys=True) for one in erased}) == 1
    assert answers <= {(201, ""), (404, "member_erased"), (404, "unknown_card")}
    house.run()
    assert traces.in_tables(house.installation.database, TOLD) == []


def test_an_erasure_that_is_killed_is_whole_or_has_not_begun(
    api, client, house, person, monkeypatch
) -> None:
    """Killed before the commit nothing has happened; after it nothing is missing that matters, and
    doing it again does the rest."""
    lived(api, client, house, person)
    database = house.installation.database
    before = sorted(traces.in_tables(database, TOLD))

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(erasure.complaints, "forget", kill)
        with pytest.raises(Killed):
            erasure.carry_out(
                database,
                house.installation.settings.data,
                person["id"],
                house.installation.make_due,
                house.clock(),
                by=BY,
            )
    assert sorted(traces.in_tables(database, TOLD)) == before
    with monkeypatch.context() as patch:
        patch.setattr(type(database), "wipe", kill)
        with pytest.raises(Killed):
            erasure.carry_out(
                database,
                house.installation.settings.data,
                person["id"],
                house.installation.make_due,
                house.clock(),
                by=BY,
            )
    assert traces.in_tables(database, TOLD) == []
    erase(api, person)
    assert person["id"] in (house.installation.settings.data / "erased.txt").read_text()


def test_an_erasure_killed_by_the_system_is_finished_by_the_next(
    api, client, house, person, environment, tmp_path
) -> None:
    """Killed before one of its changes after the other, until it comes to its end: then it is all
    there or all gone, and it was killed on either side. With `LEDGER_PAIRS=all` before each."""
    every = 1 if EVERYWHERE else 4
    lived(api, client, house, person)
    database = house.installation.database
    before = sorted(traces.in_tables(database, TOLD))
    left: list[list[str]] = []
    with processes(environment, tmp_path) as service:

        def erase_until(step: int, words: str = crash.CHANGE) -> int:
            process = service.start("members", "erase", person["id"], dies_before=(words, step))
            return process.wait(60)

        for step in itertools.count(1, every):
            code = erase_until(step)
            left.append(sorted(traces.in_tables(database, TOLD)))
            if code == 0:
                break
            assert code == -signal.SIGKILL, service.log_of("members")
        assert left.count(before) >= 10 // every
        assert left == [before] * left.count(before) + [[]] * left.count([])
        assert every > 1 or left.count([]) >= 2  # killed after the commit, and come to its end
        assert erase_until(1, crash.FSYNC) == -signal.SIGKILL
        service.run("members", "erase", person["id"], cold=True)
        assert "erased since" in service.log_of("members")
    house.run()
    assert traces.in_tables(database, TOLD) == []
    assert traces.in_files(tmp_path, TOLD) == []
    assert person["id"] in (tmp_path / "erased.txt").read_text()


def test_a_hold_of_an_erased_member_is_free_again(api, client, house, person) -> None:
    lived(api, client, house, person)
    erase(api, person)
    assert count(house, holds.Hold, holds.Hold.state == holds.OPEN) == 0


def test_a_pass_that_is_being_signed_meanwhile_is_not_kept(api, client, house, person) -> None:
    shelf = house.installation.signed_passes
    sign = shelf._sign

    def slow(*arguments):
        sealed = sign(*arguments)
        erase(api, person)
        return sealed

    shelf._sign = slow
    client.get(person["links"]["apple"].removeprefix("http://127.0.0.1:8080"))
    shelf._sign = sign
    house.run()
    assert count(house, Complaint) == 0
    assert traces.in_tables(house.installation.database, TOLD) == []


def test_stored_answers_of_others_stay(api, house, person, join) -> None:
    other = join(name="Пётр")
    first = api.post("accruals", {"member": other["id"], "points": 3}, key="kept")
    accrue(api, person)
    erase(api, person)
    again = api.post("accruals", {"member": other["id"], "points": 3}, key="kept")
    assert again.data == first.data
    assert count(house, Request, Request.answer.is_(None)) == 2
    assert count(house, Posting) == 2
    assert count(house, Pass) == 2


ROW = (
    f"{PERSON['name']};{PERSON['phone']};{PERSON['email']};{PERSON['external_id']};"
    f"{PERSON['birthday']};50"
)
# More than are applied in one transaction.
OTHERS = [f"Гость {number};+7916{number:07};;;;1" for number in range(store.ROWS_IN_PART + 20)]
SENT = "\n".join(["name;phone;email;external_id;birthday;balance", *OTHERS, ROW]).encode()


def received(house) -> store.Import:
    """A file with the person in its last part, sent and not read."""
    desk = house.installation.import_desk
    return importing.receive(desk, io.BytesIO(SENT), store.ImportRequest("demo", "members"))


def in_part(desk, sent, claimed) -> None:
    """The first part of the file is read and kept, as far as a killed reader came."""
    with desk.database.reading() as session:
        to = steps.destination(session, session.get(store.Import, sent.id))
    opened = importing._open(desk, io.BytesIO(SENT), registry.named("members"), to, None)
    parts = list(importing._parts(opened))
    with RowsBefore() as seen:
        importing._keep_part(desk, claimed, opened, parts[-1], seen, store.Tally())


@pytest.mark.parametrize("read", ["unread", "in part", "read", "applying"])
def test_who_is_erased_does_not_come_back_with_a_file_that_waits(
    api, house, person, read: str
) -> None:
    """The file was sent before, and is applied after."""
    desk, database = house.installation.import_desk, house.installation.database
    sent = received(house)
    if read == "in part":
        with database.transaction() as session:
            claimed = reading.claim(session, None, house.clock())
        in_part(desk, sent, claimed)
    elif read != "unread":
        assert importing.read_one(desk)
    if read == "applying":
        importing.start(desk, sent.public_id, BY, skip_bad=False)
        assert importing.advance(desk)
    erase(api, person)
    if read in ("read", "applying"):
        assert traces.in_tables(database, TOLD) == []
    house.clock.advance(minutes=2)
    house.run(store.IMPORTS)
    assert traces.in_tables(database, TOLD) == []
    assert count(house, store.ErasedMark) == 0
    path = f"imports/{sent.public_id}"
    told = api.get(f"{path}/rows").get_json()["items"]
    assert [(one["row"], one["field"], one["code"]) for one in told] == [
        (len(OTHERS) + 2, None, "person_erased")
    ]
    api.post(f"{path}/apply", {"skip_bad": True})
    house.run(store.IMPORTS, "relay")
    done = api.get(path).get_json()
    assert (done["state"], done["applied"], done["left_out"]) == (
        "done",
        len(OTHERS),
        1,
    )
    assert done["proof"]["statement"]["agrees"]
    assert traces.in_tables(database, TOLD) == []
    for name in ("phone", "email", "external_id"):
        query = urlencode({name: PERSON[name]})
        assert api.get(f"members?{query}").get_json()["items"] == []


@pytest.mark.parametrize("name", ["phone", "email", "external_id", "card"])
def test_each_name_of_the_erased_person_is_enough(api, house, person, name: str) -> None:
    value = person["card"]["number"] if name == "card" else PERSON[name]
    file = f"{name};balance\n{value};7\n".encode()
    desk = house.installation.import_desk
    wanted = store.ImportRequest("demo", "members")
    checked = importing.read(desk, io.BytesIO(file), wanted)
    unread = importing.receive(desk, io.BytesIO(file + b"\n"), wanted)
    erase(api, person)
    house.run(store.IMPORTS)
    for import_ in (checked, unread):
        importing.start(desk, import_.public_id, BY, skip_bad=True)
    house.run(store.IMPORTS)
    for import_ in (checked, unread):
        done = importing.find(desk, import_.public_id)
        assert (done.state, done.applied, done.joined, done.left_out) == ("done", 0, 0, 1)


def test_a_file_that_is_sent_after_the_erasure_is_a_new_beginning(api, house, person) -> None:
    """They may join again, as somebody new."""
    erase(api, person)
    sent = received(house)
    house.run(store.IMPORTS)
    checked = importing.find(house.installation.import_desk, sent.public_id)
    assert (checked.bad, checked.left_out, checked.new_members) == (0, 0, len(OTHERS) + 1)


def test_where_a_consent_was_given_goes_with_the_person(api, house, person) -> None:
    file = (
        f"phone;consent_marketing;consent_source\n{PERSON['phone']};да;Анкета: {PERSON['name']}\n"
    ).encode()
    desk = house.installation.import_desk
    import_ = importing.read(desk, io.BytesIO(file), store.ImportRequest("demo", "members"))
    importing.start(desk, import_.public_id, BY, skip_bad=False)
    house.run(store.IMPORTS)
    (given,) = api.get(f"members/{person['id']}").get_json()["consents"]
    assert (given["source"], given["origin"]) == ("import", f"Анкета: {PERSON['name']}")
    erase(api, person)
    house.run()
    assert traces.in_tables(house.installation.database, TOLD) == []


class TestAtTheSameMoment:
    """Whoever writes down something about the person while they are being erased: either it is
    erased as well, or it is refused. Here at some of the places, each kind of writing at others;
    with `LEDGER_PAIRS=all` at every third (`make proofs`)."""

    WRITERS = ("card", "offer", "coupon", "name", "message", "reading", "applying")

    def places(self, what: str) -> range:
        """Before which statements the first of the two stops."""
        if EVERYWHERE:
            return range(2, 70, 3)
        return range(2 + self.WRITERS.index(what) % 3, 70, 12)

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def writers(self, api, app, house) -> dict[str, Callable[[dict], object]]:
        """What others do, each time with a client of their own."""

        def call(method: str, path: str, body: object) -> object:
            return type(api)(app.test_client()).call(method, path, body).status_code

        texts = {"on": True, "texts": {"ru": "{{name}}, начислено: {{accrued}}"}}
        assert api.call("PUT", "programmes/demo/messages/accrued", texts).status_code == 200
        everybody = {"programme": "demo", "title": "Латте"}
        offer = api.post("offers", everybody).get_json()["id"]
        return {
            "card": lambda one: call("POST", f"members/{one['id']}/cards", {}),
            "offer": lambda one: call(
                "POST", "offers", {**everybody, "member": one["id"], "title": TOLD[-1]}
            ),
            "coupon": lambda one: call("POST", f"offers/{offer}/passes", {"member": one["id"]}),
            "name": lambda one: call("PATCH", f"members/{one['id']}", {"name": TOLD[-1]}),
            "reading": lambda _: importing.read_one(house.installation.import_desk),
            "applying": lambda _: importing.advance(house.installation.import_desk),
            "message": lambda _: relay.relay(
                house.installation.database, house.installation.make_due, house.clock()
            ),
        }

    def waiting(self, house, what: str, number: int) -> str | None:
        """The id of an import that is about to be read or applied, with the person in it."""
        if what not in ("reading", "applying"):
            return None
        desk = house.installation.import_desk
        header = "name;phone;email;external_id;birthday;balance"
        file = io.BytesIO(f"{header}\n{ROW}\n;+7916000{number:04};;;;1\n".encode())
        sent = importing.receive(desk, file, store.ImportRequest("demo", "members"))
        if what == "applying":
            assert importing.read_one(desk)
            importing.start(desk, sent.public_id, BY, skip_bad=False)
        return sent.public_id

    @pytest.mark.parametrize("what", WRITERS)
    @pytest.mark.parametrize("erased_first", [True, False], ids=["erasing", "writing"])
    def test_nothing_of_them_is_left(
        self, what: str, erased_first, api, client, house, join, writers
    ) -> None:
        database, due = house.installation.database, house.installation.make_due
        write = writers[what]
        for number, at in enumerate(self.places(what)):
            person = join(**PERSON)
            Phone.with_card(client, person, f"{number:032x}").register(f"{number:064x}")
            house.run()
            accrue(api, person, 10)
            waiting = self.waiting(house, what, number)

            def erasing(public_id: str = person["id"]) -> None:
                database.run(
                    lambda session: erasure.erase(session, public_id, due, house.clock(), by=BY)
                )

            def writing(person: dict = person) -> object:
                return write(person)

            first, second = (erasing, writing) if erased_first else (writing, erasing)
            with stage(database) as scene:
                try:
                    scene.meet(first, second, at)
                except AssertionError:  # it has fewer statements
                    break
            house.run()
            if waiting is not None:
                house.run(store.IMPORTS)
                importing.start(house.installation.import_desk, waiting, BY, skip_bad=True)
                house.run(store.IMPORTS)
            assert traces.in_tables(database, [*TOLD, person["card"]["number"]]) == [], at
            gone = found(house, person["id"])
            assert gone.erased_at is not None
            kept = (Card.member_id == gone.id, Card.number.not_like("erased%"))
            assert count(house, Card, *kept) == 0, at
        assert number > 0
