"""A backup of a service at work, restored elsewhere: the same book, and phones that go on."""

import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import crash
import device_rows
import pytest
import traces
from books import check_books
from click.testing import CliRunner, Result
from phones import TOKEN, Phone, opened, values
from processes import processes
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from ledger.book.accounts import BalanceRow
from ledger.database.engine import Database
from ledger.imports.store import ImportRequest, ImportRow
from ledger.people.persons import Person
from ledger.seals import inspection
from ledger.settings import LedgerSettings
from wallet import happenings, migrations
from wallet.access.changes import Author
from wallet.apple.complaints import Complaint
from wallet.backups import encryption, manifest
from wallet.backups.manifest import NAME, Manifest
from wallet.cli import main
from wallet.configuration import settings
from wallet.configuration.keyring import KeyRing
from wallet.migrations.drafting import every_table
from wallet.passes.versioning import PassTag
from wallet.people import importing
from wallet.presence import Heartbeat, Pulse
from wallet.running.assembly import connect
from wallet.sandbox.apns import RunningApns
from wallet.web.app import create_app

BY = Author("command", "wallet test")


@pytest.fixture
def environment(
    environment: dict[str, str], pushes: RunningApns, request: pytest.FixtureRequest
) -> dict[str, str]:
    own = {**environment, "WALLET_APNS_URL": pushes.url}
    if "postgresql" in environment["WALLET_DATABASE_URL"]:
        server = request.getfixturevalue("postgres")
        own["PATH"] = f"{server.binaries}{os.pathsep}{os.environ['PATH']}"
    return own


@pytest.fixture
def elsewhere(environment: dict[str, str], tmp_path: Path, request) -> dict[str, str]:
    """The environment of another machine, whose database is empty."""
    data = tmp_path / "elsewhere"
    url = f"sqlite:///{data / 'kopilka.db'}"
    if "postgresql" in environment["WALLET_DATABASE_URL"]:
        server = request.getfixturevalue("postgres")
        name = f"restored_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        request.addfinalizer(lambda: server.execute(f"DROP DATABASE {name} WITH (FORCE)"))
        url = server.url(name)
    return {**environment, "WALLET_DATA": str(data), "WALLET_DATABASE_URL": url}


Wallet = Callable[..., Result]


@pytest.fixture
def wallet() -> Wallet:
    def run(environment: dict[str, str], *arguments: object) -> Result:
        return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)

    return run


@pytest.fixture
def backed_up(wallet: Wallet, environment: dict[str, str], house, tmp_path: Path):
    """Makes a backup; its file."""

    def make(*options: str) -> Path:
        file = tmp_path / f"{uuid.uuid4().hex}.backup"
        done = wallet(environment, "backup", file, *options)
        assert done.exit_code == 0, done.output
        return file

    return make


@pytest.fixture
def reborn(elsewhere: dict[str, str], wallet: Wallet, house) -> Iterator[Callable[[Path], Any]]:
    """Restores a backup elsewhere, and starts a service there."""
    started: list[Any] = []

    def restore(file: Path) -> Any:
        done = wallet(elsewhere, "restore", file)
        assert done.exit_code == 0, done.output
        house.clock.advance(minutes=5)  # restoring went by the machine's clock
        installation = connect(settings.from_env(elsewhere), clock=house.clock, pause=house.pause)
        started.append(replace(house, installation=installation))
        return started[-1]

    yield restore
    for one in started:
        with one.installation.database.reading() as session:
            check_books(session)
        one.installation.apple.close()
        one.installation.database.close()


def plain(file: Path) -> Path:
    """The backup as a ZIP file, beside it."""
    target = file.with_name(f"{file.name}.zip")
    if not target.exists():
        encryption.decrypt(file, KeyRing(("sandbox-test-secret-of-many-characters",)), target)
    return target


def made(file: Path) -> Manifest:
    with zipfile.ZipFile(plain(file)) as archive:
        return Manifest.model_validate_json(archive.read(NAME))


def test_a_copy_tells_nobody_outside_until_somebody_says_that_it_is_the_real_one(
    api, backed_up, reborn, elsewhere, wallet
) -> None:
    api.post("receivers", {"name": "crm", "url": "https://crm.example.com"})
    restored = reborn(backed_up())
    api = replace(api, client=create_app(restored.installation).test_client())
    (receiver,) = api.get("receivers").get_json()["items"]
    assert (receiver["enabled"], receiver["disabled_because"]) == (False, "restored")
    with restored.installation.database.reading() as session:
        assert not happenings.is_listened_to(session)
    assert "Receiver crm is off" in wallet(elsewhere, "doctor").output
    assert wallet(elsewhere, "receivers", "switch", "crm", "on").exit_code == 0
    (receiver,) = api.get("receivers").get_json()["items"]
    assert (receiver["enabled"], receiver["disabled_because"]) == (True, None)


def test_a_phone_goes_on_after_a_restore(
    api, client, member, house, pushes, backed_up, reborn
) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    api.post("accruals", {"member": member["id"], "points": 100})
    house.run()
    file = backed_up()
    for _ in range(3):
        api.post("accruals", {"member": member["id"], "points": 50})
        house.run()
    seen = phone.fetch().headers["Last-Modified"]
    tag = phone.updated().get_json()["lastUpdated"]
    assert values(opened(phone.fetch().data))["points"] == 250
    heard = pushes.stand_in.heard(TOKEN).count

    restored = reborn(file)
    restored.run()
    phone = Phone(create_app(restored.installation).test_client(), phone.pass_json)
    assert pushes.stand_in.heard(TOKEN).count == heard + 1
    listing = phone.updated(tag).get_json()
    assert listing["serialNumbers"] == [phone.serial]
    answer = phone.fetch(since=seen)
    assert answer.status_code == 200
    assert values(opened(answer.data))["points"] == 100

    tag, seen = listing["lastUpdated"], answer.headers["Last-Modified"]
    assert phone.updated(tag).status_code == 204
    assert phone.fetch(since=seen).status_code == 304
    type(api)(phone.client).post("accruals", {"member": member["id"], "points": 5})
    restored.run()
    assert pushes.stand_in.heard(TOKEN).count == heard + 2
    assert phone.updated(tag).get_json()["serialNumbers"] == [phone.serial]
    assert values(opened(phone.fetch(since=seen).data))["points"] == 105


def test_nobody_is_at_work_after_a_restore(house, backed_up, elsewhere, wallet) -> None:
    Pulse(house.installation.database, house.clock, timedelta(minutes=2)).note("beat")
    done = wallet(elsewhere, "restore", backed_up())
    assert done.exit_code == 0, done.output
    installation = connect(settings.from_env(elsewhere), clock=house.clock, pause=house.pause)
    with installation.database.reading() as session:
        assert session.scalar(select(Heartbeat.name)) is None
    installation.apple.close()
    installation.database.close()


def test_tags_of_a_second_restore_lie_beyond_those_of_the_first(
    api, member, house, backed_up, reborn, elsewhere
) -> None:
    api.post("accruals", {"member": member["id"], "points": 1})
    house.run()
    first = reborn(backed_up())
    with first.installation.database.reading() as session:
        leapt = session.scalar(select(PassTag.tag))
    now = house.clock().timestamp()
    assert abs(leapt / 1_000_000 - now) < 3600


def test_a_backup_taken_while_tills_post_is_of_one_moment(
    api, app, join, house, backed_up, reborn
) -> None:
    people = [join() for _ in range(4)]
    stop = threading.Event()

    def till(member: dict) -> None:
        own = type(api)(app.test_client())
        while not stop.is_set():
            own.post("accruals", {"member": member["id"], "points": 7})
            own.post("redemptions", {"member": member["id"], "points": 3})

    tills = [threading.Thread(target=till, args=(one,)) for one in people]
    for one in tills:
        one.start()
    try:
        files = [backed_up() for _ in range(3)]
    finally:
        stop.set()
        for one in tills:
            one.join()
    assert len({made(file).book.sha256 for file in files}) == 3
    assert {made(file).book.sum for file in files} == {0}
    restored = reborn(files[-1])
    with restored.installation.database.reading() as session:
        assert manifest.book(session) == made(files[-1]).book
        assert session.scalars(select(BalanceRow.available)).all()


def test_secrets_are_left_out_unless_asked_for(member, backed_up, chain, environment) -> None:
    key = (next(chain.rglob("pass.key"))).read_bytes()
    secret = environment["WALLET_SECRET_KEY"]
    for options, expected in (((), False), (("--with-secrets",), True)):
        with zipfile.ZipFile(plain(backed_up(*options))) as archive:
            packed = {name: archive.read(name) for name in archive.namelist()}
        assert any(key in data for data in packed.values()) is expected
        assert any(secret.encode() in data for data in packed.values()) is expected


def test_certificates_come_back_where_there_are_none(
    member, backed_up, wallet, elsewhere, chain, tmp_path
) -> None:
    certs = tmp_path / "new certs"
    done = wallet(
        {**elsewhere, "WALLET_APPLE_CERTS": str(certs)}, "restore", backed_up("--with-secrets")
    )
    assert done.exit_code == 0, done.output
    assert (
        next(certs.rglob("pass.key")).read_bytes() == (next(chain.rglob("pass.key"))).read_bytes()
    )
    assert next(certs.rglob("pass.key")).stat().st_mode & 0o77 == 0


def test_what_is_there_is_never_overwritten(member, backed_up, wallet, environment) -> None:
    file = backed_up()
    before = file.read_bytes()
    again = wallet(environment, "backup", file)
    assert (again.exit_code, file.read_bytes()) == (1, before)
    assert "exists already" in again.output
    over = wallet(environment, "restore", file)
    assert over.exit_code == 1
    assert "has tables in it" in over.output


def test_who_has_the_file_alone_reads_nothing_in_it(
    api, join, member, house, backed_up, wallet, environment, tmp_path
) -> None:
    """Fifty words that stand in the database in plain, and one in a key file."""
    words = []
    for number in range(10):
        name, external = f"Zyxqname{number}", f"crm-zyxq-{number}"
        phone, mail = f"+7916555{1000 + number}", f"zyxq{number}@example.com"
        one = join(name=name, phone=phone, email=mail, external_id=external)
        reason = f"zyxqreason{number}"
        api.post("accruals", {"member": one["id"], "points": 5, "reason": reason})
        words += [name, external, phone, mail, reason]
    file = backed_up("--with-secrets")
    inside = b"".join(_contents(plain(file), environment))
    assert not [word for word in words if not traces.traces(inside, [word])]
    assert traces.traces(file.read_bytes(), [*words, "BEGIN PRIVATE KEY", "wallet_pass"]) == []
    assert [path.name for path in house.installation.settings.data.glob(".backup-*")] == []

    zipped = tmp_path / "plain.zip"
    assert wallet(environment, "restore", "--decrypt-to", zipped, file).exit_code == 0
    assert zipfile.ZipFile(zipped).namelist() == zipfile.ZipFile(plain(file)).namelist()
    again = wallet(environment, "restore", "--decrypt-to", zipped, file)
    assert (again.exit_code, "exists already" in again.output) == (1, True)


def _contents(archive: Path, environment: dict[str, str]) -> Iterator[bytes]:
    with zipfile.ZipFile(archive) as whole:
        for name in whole.namelist():
            if name != "database" or whole.open(name).read(5) != b"PGDMP":
                yield whole.read(name)
            else:  # a dump is packed inside
                listing = ["pg_restore", "-f", "-"]
                yield subprocess.run(
                    listing,
                    input=whole.read(name),
                    capture_output=True,
                    check=True,
                    env={"PATH": environment["PATH"]},
                ).stdout


def test_a_backup_of_an_earlier_release_is_a_plain_file_and_is_restored(
    member, backed_up, wallet, elsewhere
) -> None:
    assert wallet(elsewhere, "restore", plain(backed_up())).exit_code == 0


def test_a_folder_that_is_not_there_is_not_made(member, house, wallet, environment, tmp_path):
    refused = wallet(environment, "backup", tmp_path / "unmounted" / "x.backup")
    assert (refused.exit_code, "There is no folder" in refused.output) == (1, True)
    assert not (tmp_path / "unmounted").exists()


def changed(file: Path, change: Callable[[dict], None], tmp_path: Path) -> Path:
    """The backup with another manifest."""
    target = tmp_path / f"{uuid.uuid4().hex}.zip"
    with zipfile.ZipFile(plain(file)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == NAME:
                document = json.loads(data)
                change(document)
                data = json.dumps(document).encode()
            new.writestr(name, data)
    return target


def test_a_backup_that_does_not_fit_is_refused_in_words(
    member, backed_up, wallet, elsewhere, tmp_path
) -> None:
    file = backed_up()
    cases: list[tuple[Path, dict[str, str], str]] = []

    def case(sentence: str, change: Callable[[dict], None]) -> None:
        cases.append((changed(file, change, tmp_path), {}, sentence))

    case("this release does not know", lambda it: it.update(revision="9999"))
    if made(file).kind == "sqlite":
        case("names", lambda it: it.update(kind="postgresql"))
    else:
        case("is damaged", lambda it: it.update(kind="sqlite"))
    case("is damaged", lambda it: it["parts"][0].update(sha256="0" * 64))
    case("is damaged", lambda it: it["parts"][0].update(size=10))
    case("no backup of ours", lambda it: it["parts"][0].update(name="../../etc/passwd"))
    case("no backup of ours", lambda it: it.update(format=2))
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-200])
    cases.append((cut, {}, "not a whole backup"))
    other_file = tmp_path / "people.csv"
    other_file.write_text("phone;balance\n")
    cases.append((other_file, {}, "no backup of ours, or not a whole backup."))
    other = {"WALLET_SECRET_KEY": "sandbox-quite-another-secret-of-many"}
    cases.append((file, other, "not in WALLET_SECRET_KEY"))
    for path, more, sentence in cases:
        refused = wallet({**elsewhere, **more}, "restore", path)
        assert refused.exit_code == 1, sentence
        assert sentence in refused.output, refused.output
    # Nothing of all that left anything behind: the place is still free.
    assert wallet(elsewhere, "restore", file).exit_code == 0


def test_another_book_than_the_manifest_tells_of_is_refused(
    api, member, backed_up, wallet, elsewhere, tmp_path
) -> None:
    api.post("accruals", {"member": member["id"], "points": 10})
    file = changed(backed_up(), lambda it: it["book"].update(balances=11), tmp_path)
    refused = wallet(elsewhere, "restore", file)
    assert (refused.exit_code, "not the one" in refused.output) == (1, True)


def test_a_backup_of_an_older_release_is_brought_up_to_date(
    wallet, elsewhere, environment, tmp_path, request
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if "postgresql" in environment["WALLET_DATABASE_URL"]:
        server = request.getfixturevalue("postgres")
        name = f"old_{uuid.uuid4().hex}"
        server.execute(f"CREATE DATABASE {name}")
        request.addfinalizer(lambda: server.execute(f"DROP DATABASE {name} WITH (FORCE)"))
        url = server.url(name)
    old = Database(LedgerSettings(url))
    migrations.upgrade(old.engine, "0004")
    old.close()
    file = tmp_path / "old.zip"
    done = wallet({**environment, "WALLET_DATABASE_URL": url}, "backup", file)
    assert done.exit_code == 0, done.output
    assert made(file).revision == "0004"
    done = wallet(elsewhere, "restore", file)
    assert done.exit_code == 0, done.output
    restored = Database(LedgerSettings(elsewhere["WALLET_DATABASE_URL"]))
    assert migrations.is_current(restored.engine)
    restored.close()


def test_phones_in_a_backup_of_the_release_before_are_encrypted_where_it_is_restored(
    wallet, elsewhere, environment, tmp_path
) -> None:
    """Also if this release makes it, before the database is brought up to date."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    before, name, token = {**environment, "WALLET_DATABASE_URL": url}, "5ec0de77" * 4, "70ce" * 16
    keys = KeyRing((environment["WALLET_SECRET_KEY"],))
    old = Database(LedgerSettings(url))
    migrations.upgrade(old.engine, "0022")
    with old.transaction() as session:
        session.execute(
            text(
                "INSERT INTO apple_device (id, library_id, pass_type, push_token, refreshed_at)"
                " VALUES (1, :name, 'pass.sandbox.loyalty', :token, 0)"
            ),
            {"name": name, "token": token},
        )
    file, newer = tmp_path / "old.backup", tmp_path / "new.backup"
    assert wallet(before, "backup", file).exit_code == 0
    done = wallet(elsewhere, "restore", file)
    assert done.exit_code == 0, done.output
    assert wallet(before, "migrate").exit_code == 0
    for database in (old, Database(LedgerSettings(elsewhere["WALLET_DATABASE_URL"]))):
        assert traces.in_tables(database, [name, token]) == []
        with database.reading() as session:
            assert device_rows.plain(session, keys) == [(1, name, token)]
        database.close()
    # Its phones need that key from now on, as cards do.
    assert wallet(before, "backup", newer).exit_code == 0
    assert made(newer).keys == (keys.first.id,)


def test_the_erased_come_back_with_a_backup_and_are_erased_again(
    api, join, house, backed_up, wallet, elsewhere, reborn
) -> None:
    person = join(name="Ефросинья Ёлкина", phone="+79161234509")
    file = backed_up()
    assert api.delete(f"members/{person['id']}").status_code == 200
    assert house.installation.settings.data.joinpath("erased.txt").exists()
    data = Path(elsewhere["WALLET_DATA"])
    data.mkdir()
    listed = house.installation.settings.data / "erased.txt"
    (data / "erased.txt").write_text(listed.read_text())
    done = wallet(elsewhere, "restore", file)
    assert "1 people who were erased since are back" in done.output, done.output
    database = Database(LedgerSettings(elsewhere["WALLET_DATABASE_URL"]))
    assert traces.in_tables(database, ["Ефросинья", "+79161234509"])
    again = wallet(elsewhere, "members", "erase", "--from", data / "erased.txt")
    assert again.exit_code == 0, again.output
    assert "1 of 1 were here." in again.output
    assert traces.in_tables(database, ["Ефросинья", "+79161234509"]) == []
    shown = wallet(elsewhere, "members", "erased").output
    assert shown.startswith(person["id"])
    database.close()


def test_a_backup_names_nobody_who_was_erased_before(api, join, house, backed_up) -> None:
    person = join(name="Ефросинья Ёлкина", phone="+79161234509")
    api.delete(f"members/{person['id']}")
    house.run()
    with zipfile.ZipFile(plain(backed_up())) as archive:
        for name in archive.namelist():
            assert traces.traces(archive.read(name), ["Ефросинья", "+79161234509"]) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_copy_of_a_sqlite_file_is_whole(house, member, backed_up, tmp_path) -> None:
    with zipfile.ZipFile(plain(backed_up())) as archive:
        copy = tmp_path / "copy.db"
        copy.write_bytes(archive.read("database"))
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_damaged_file_is_noticed_and_not_backed_up(
    house, join, wallet, environment, tmp_path
) -> None:
    """By the backup, before good ones are rotated away, and by the inspection of the night."""
    for number in range(60):
        join(name=f"Анна {number}" * 20)
    database = house.installation.database
    assert database.damage() is None
    with database.reading() as session:
        session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        root = text("SELECT rootpage FROM sqlite_master WHERE name = 'ledger_person'")
        page = session.scalar(root)
        size = session.scalar(text("PRAGMA page_size"))
    database.engine.dispose()
    with Path(database.engine.url.database).open("r+b") as file:
        file.seek((page - 1) * size + 8)
        file.write(b"\x5a" * 1500)
    assert database.damage()
    target = tmp_path / "backup.zip"
    refused = wallet(environment, "backup", target)
    assert refused.exit_code == 1
    assert "The database's file is damaged" in refused.output
    assert not target.exists()
    (finding,) = inspection.carry_out(database, house.installation.keys.roots)
    assert "file is damaged" in finding


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_missing_or_old_tool_is_named(member, house, wallet, environment, tmp_path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    refused = wallet({**environment, "PATH": str(empty)}, "backup", tmp_path / "x.zip")
    assert "pg_dump is not on PATH" in refused.output
    old = empty / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    refused = wallet({**environment, "PATH": str(empty)}, "backup", tmp_path / "x.zip")
    assert "of PostgreSQL 9 and the server of" in refused.output
    assert not (tmp_path / "x.zip").exists()
    assert [path.name for path in tmp_path.glob(".backup-*")] == []


@pytest.fixture
def larger(elsewhere: dict[str, str], postgres, request) -> dict[str, str]:
    """Elsewhere, with an empty database on PostgreSQL."""
    name = f"larger_{uuid.uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name}")
    request.addfinalizer(lambda: postgres.execute(f"DROP DATABASE {name} WITH (FORCE)"))
    return {**elsewhere, "WALLET_DATABASE_URL": postgres.url(name)}


EVERYTHING = ("upkeep", "relay", "waves", "messages", "apple", "seals")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shop_that_grows_takes_everything_to_postgresql(
    api, client, join, member, house, pushes, backed_up, wallet, larger
) -> None:
    phone = Phone.with_card(client, member)
    phone.register()
    for number in range(30):
        other = join(name=f"Клиент {number}", external_id=f"crm-{number}")
        api.post("accruals", {"member": other["id"], "points": 10 + number, "reason": "Кофе"})
    api.post("accruals", {"member": member["id"], "points": 100}, key="the-first")
    spent = api.post("redemptions", {"member": member["id"], "points": 30}).get_json()
    api.post("holds", {"member": member["id"], "points": 5})
    api.post("offers", {"programme": "demo", "title": "Кекс", "member": member["id"]})
    campaign = api.post(
        "campaigns",
        {
            "programme": "demo",
            "name": "News",
            "audience": {"kind": "everyone"},
            "texts": {"ru": "Привет", "en": "Hello"},
        },
    )
    assert campaign.status_code == 201, campaign.text
    house.run(*EVERYTHING)
    assert wallet(larger, "restore", file := backed_up()).exit_code == 0
    seen, tag = phone.fetch().headers["Last-Modified"], phone.updated().get_json()["lastUpdated"]
    heard = pushes.stand_in.heard(TOKEN).count
    before = {one: api.get(path).get_json() for one, path in _shown(member).items()}
    page = without_version(client.get(_path(member["links"]["card"])).text)

    house.clock.advance(minutes=5)
    installation = connect(settings.from_env(larger), clock=house.clock, pause=house.pause)
    grown = replace(house, installation=installation)
    try:
        client = create_app(installation).test_client()
        api = type(api)(client)
        assert {one: api.get(path).get_json() for one, path in _shown(member).items()} == before
        assert without_version(client.get(_path(member["links"]["card"])).text) == page
        with installation.database.reading() as session:
            assert manifest.book(session) == made(file).book
        for check in (("ledger", "check"), ("ledger", "verify")):
            said = wallet(larger, *check)
            assert said.exit_code == 0, said.output

        # The phone hears of its card, takes it, and goes on; numbers go on, and keys stay known.
        grown.run(*EVERYTHING)
        phone = Phone(client, phone.pass_json)
        assert pushes.stand_in.heard(TOKEN).count == heard + 1
        assert phone.updated(tag).get_json()["serialNumbers"] == [phone.serial]
        assert phone.fetch(since=seen).status_code == 200
        repeated = api.post("accruals", {"member": member["id"], "points": 100}, key="the-first")
        assert repeated.get_json()["balance"]["available"] == 100
        undone = api.post(f"postings/{spent['id']}/reverse", {})
        assert undone.status_code == 201, undone.text
        assert api.post("members", {"programme": "demo", "name": "Новый"}).status_code == 201
        grown.run(*EVERYTHING)
        assert values(opened(phone.fetch().data))["points"] == 95
        with installation.database.transaction() as session, pytest.raises(DBAPIError):
            session.execute(text("UPDATE ledger_entry SET amount = 1"))
        with installation.database.reading() as session:
            check_books(session)
        assert wallet(larger, "ledger", "verify").exit_code == 0
    finally:
        installation.apple.close()
        installation.database.close()


def without_version(page: str) -> str:
    """The page without the name of its version: each pass has a new one after a restore."""
    return re.sub(r'data-etag="[0-9a-f]+"', "", page)


def _shown(member: dict) -> dict[str, str]:
    return {
        "member": f"members/{member['id']}",
        "statement": f"members/{member['id']}/postings",
        "campaigns": "campaigns?programme=demo",
        "offers": "offers?programme=demo",
        "by external id": "members?external_id=crm-7",
    }


def _path(link: str) -> str:
    return link.removeprefix("http://127.0.0.1:8080")


def comparable(row: Any) -> str:
    """A row as text. PostgreSQL keeps no order of the names in a document."""
    return repr([json.dumps(one, sort_keys=True) if isinstance(one, dict) else one for one in row])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_column_of_every_table_comes_over_as_it_was(
    api, member, house, backed_up, wallet, larger
) -> None:
    """Also what is rare: a document that is the word null."""
    database = house.installation.database
    with database.transaction() as session:
        for id_, findings in ((1, "null"), (2, "[]"), (3, '["a \\u0444"]')):
            session.execute(
                text("INSERT INTO ledger_inspection (id, begun_at, findings) VALUES (:i, 0, :f)"),
                {"i": id_, "f": findings},
            )
        for number in range(2500):  # more than go at once
            session.add(Complaint(received_at=house.clock(), line=f"line {number}: \u044b"))
    api.post("accruals", {"member": member["id"], "points": 7})
    house.run(*EVERYTHING)
    assert wallet(larger, "restore", backed_up()).exit_code == 0
    target = Database(LedgerSettings(larger["WALLET_DATABASE_URL"]))
    # What restoring itself changes, so that phones hear of it and receivers do not.
    changed = {"wallet_pass", "wallet_pass_tag", "apple_push", "apple_sealed_pass", "google_due"}
    changed |= {"wallet_listening", "wallet_heartbeat"}
    compared = 0
    with database.reading() as old, target.reading() as new:
        for table in every_table():
            if table.name not in changed:
                rows = [
                    sorted(map(comparable, session.execute(select(table)).all()))
                    for session in (old, new)
                ]
                assert rows[0] == rows[1], table.name
                compared += bool(rows[0])
    target.close()
    assert compared > 15


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_postgresql_does_not_take_leaves_an_empty_database(
    api, member, house, backed_up, wallet, larger
) -> None:
    with house.installation.database.transaction() as session:
        too_long = {"line": "x" * 700}
        session.execute(
            text("INSERT INTO apple_complaint (received_at, line) VALUES (0, :line)"), too_long
        )
    file = backed_up()
    refused = wallet(larger, "restore", file)
    assert refused.exit_code == 1
    assert "does not take the rows of apple_complaint: value too long" in refused.output
    assert "xxxx" not in refused.output
    with house.installation.database.transaction() as session:
        session.execute(text("DELETE FROM apple_complaint"))
    assert wallet(larger, "restore", backed_up()).exit_code == 0


# Before the schema, its tables, the first rows, the largest table, what lets phones know, the last
# step before the commit. A move is one transaction, so that the end is all that matters.
STEPS = (
    "^CREATE TABLE",
    "^DELETE FROM ledger_programme",
    "^DELETE FROM ledger_entry",
    "^ANALYZE",
    "^UPDATE wallet_pass",
    "^DELETE FROM wallet_heartbeat",
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_move_that_is_killed_leaves_an_empty_database_and_is_begun_again(
    api, member, house, backed_up, wallet, larger, tmp_path
) -> None:
    api.post("accruals", {"member": member["id"], "points": 7})
    house.run(*EVERYTHING)
    file = backed_up()
    target = Database(LedgerSettings(larger["WALLET_DATABASE_URL"]))

    def left() -> list[str]:
        return inspect(target.engine).get_table_names()

    with processes(larger, tmp_path) as service:
        for step in STEPS:
            moving = service.start("restore", str(file), dies_before=(step, 1))
            assert moving.wait(120) == -signal.SIGKILL, (step, service.log_of("restore"))
            assert left() == [], step
        # Before each of its commits, of which one is that of the move: nothing, and then all.
        for number in itertools.count(1):
            moving = service.start("restore", str(file), dies_before=(crash.COMMIT, number))
            moving.wait(120)
            if left():
                break
        assert number > 3
    with house.installation.database.reading() as old, target.reading() as new:
        assert manifest.book(new) == manifest.book(old)
    target.close()
    again = wallet(larger, "restore", file)
    assert (again.exit_code, "has tables in it" in again.output) == (1, True)
    assert wallet(larger, "ledger", "verify").exit_code == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_import_that_was_going_on_goes_on_where_it_was_moved_to(
    house, backed_up, wallet, larger, tmp_path
) -> None:
    """A backup is of one moment. What was applied by then came over and is not applied again; the
    rest is applied there, whatever became of it here."""
    rows = "".join(f"c-{n},{n % 50}\n" for n in range(1200))
    table = tmp_path / "members.csv"
    table.write_text(f"external_id,balance\n{rows}")
    desk = house.installation.import_desk
    with table.open("rb") as opened_file:
        import_ = importing.read(desk, opened_file, ImportRequest("demo", "members", None))
    importing.start(desk, import_.public_id, BY, skip_bad=False)
    assert importing.advance(desk, import_.id)
    file = backed_up()
    while importing.advance(desk, import_.id):  # here it goes on, too
        pass
    # While it is moved nobody can import there: nothing is to be seen of it before its end.
    early = wallet(larger, "import", "members", str(table), "--programme", "demo")
    assert (early.exit_code, "wallet migrate" in early.output) == (1, True)
    assert wallet(larger, "restore", file).exit_code == 0
    installation = connect(settings.from_env(larger), clock=house.clock, pause=house.pause)
    try:
        there = installation.import_desk
        with installation.database.reading() as session:
            assert session.scalar(select(func.count()).select_from(ImportRow)) == 500
        while importing.advance(there, import_.id):
            pass
        with installation.database.reading() as session:
            ids = session.scalars(select(Person.external_id)).all()
            assert sorted(ids) == sorted(f"c-{n}" for n in range(1200))
            check_books(session)
        done = importing.statement(there, importing.find(there, import_.public_id))
        assert done["statement"]["agrees"]
        assert done["statement"]["points"]["balances_moved"] == sum(n % 50 for n in range(1200))
    finally:
        installation.apple.close()
        installation.database.close()
