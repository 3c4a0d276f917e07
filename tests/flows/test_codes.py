"""A card a till can trust: from the scan to the next code on the phone, on both databases."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from books import check_books
from phones import Phone, opened
from sqlalchemy import delete, func, select

from ledger import enrolment
from ledger.database.outbox import OutboxRow
from ledger.people import persons
from ledger.programmes import programmes
from wallet.apple.devices import PushRow
from wallet.configuration.keyring import KeyRing
from wallet.passes import codes, issuing, renewal
from wallet.passes.issued import Pass
from wallet.passes.renewal import CardCode

CHECKER = Path(__file__).parents[2] / "docs" / "check_code.py"


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


@pytest.fixture
def choose(api) -> Callable[..., None]:
    """The programme's terms, by the API."""

    def chosen(**terms: object) -> None:
        answer = api.call("PATCH", "programmes/demo/card-code", terms)
        assert answer.status_code == 200, answer.text

    return chosen


@pytest.fixture(params=["hmac", "ed25519"])
def signed(request, choose, house) -> str:
    """A programme whose cards have signed codes."""
    choose(kind=request.param)
    house.run()
    return str(request.param)


@pytest.fixture
def phone(signed, join, client) -> Phone:
    """With a card that is in no other phone."""
    phone = Phone.with_card(client, join(name="Анна"))
    phone.register()
    return phone


@pytest.fixture
def scan(api) -> Callable[..., tuple[int, str]]:
    """Status, and the code of the refusal or the name of whose card it is."""

    def scanned(barcode: str, key: str | None = None) -> tuple[int, str]:
        answer = api.post("scans", {"barcode": barcode}, key)
        found = answer.get_json()
        return answer.status_code, found["name"] if answer.status_code == 200 else found["code"]

    return scanned


def on_phone(phone: Phone) -> str:
    """What a till reads off the phone after it has fetched the pass anew."""
    answer = phone.fetch()
    assert answer.status_code == 200
    return str(opened(answer.data)["barcodes"][0]["message"])


def test_a_scan_makes_the_next_code_and_the_one_before_is_good_once(phone, scan, house) -> None:
    first = on_phone(phone)
    assert scan(first) == (200, "Анна")
    house.run("relay")
    assert waiting(house) == 1  # the phone is told
    second = on_phone(phone)
    assert second != first
    # The phone was offline, or this is a picture of it.
    assert scan(first) == (200, "Анна")
    assert scan(first) == (409, "code_outdated")
    assert on_phone(phone) == second
    assert scan(second) == (200, "Анна")
    assert scan(first) == (409, "code_outdated")
    house.run("relay")
    assert scan(on_phone(phone)) == (200, "Анна")


def test_the_grace_time_ends(phone, scan, house) -> None:
    first = on_phone(phone)
    assert scan(first)[0] == 200
    house.clock.advance(hours=24)
    assert scan(first) == (409, "code_outdated")


def test_who_is_refused_once_has_the_new_code_next_time(phone, scan, house) -> None:
    """The push was lost: after the refusal there is another."""
    first = on_phone(phone)
    scan(first)
    scan(first)
    house.run("relay")
    lose_pushes(house)
    assert scan(first) == (409, "code_outdated")
    house.run("relay")
    assert waiting(house) == 1
    assert scan(on_phone(phone)) == (200, "Анна")


def test_old_codes_are_replaced_without_a_scan(phone, scan, house) -> None:
    picture = on_phone(phone)
    house.clock.advance(days=7)
    house.run()
    assert on_phone(phone) != picture
    house.clock.advance(hours=24)
    assert scan(picture) == (409, "code_outdated")
    assert scan(on_phone(phone)) == (200, "Анна")


def test_cards_that_began_together_are_not_renewed_together(signed, join, house) -> None:
    for _ in range(12):
        join()
    with house.installation.database.reading() as session:
        due = set(session.scalars(select(CardCode.renew_at)))
    now = house.clock()
    assert len(due) == 12
    assert all(now + timedelta(days=3.5) <= at <= now + timedelta(days=7) for at in due)


def test_what_was_not_made_by_us_is_forged(phone, scan, signed) -> None:
    genuine = on_phone(phone)
    for place in (10, len(genuine) - 20):
        other = str((int(genuine[place]) + 1) % 10)
        assert scan(genuine[:place] + other + genuine[place + 1 :])[1] in (
            "code_forged",
            "unknown_card",
        )
    read = codes.read(genuine)
    assert isinstance(read, codes.SignedCode)
    with_own_key = KeyRing(("the secret of a forger",))
    forged = codes.mint(
        read.kind,
        "demo",
        read.card,
        read.generation + 1,
        renewal._signer(with_own_key, read.kind, "demo"),
    )
    assert scan(forged) == (409, "code_forged")
    assert scan(genuine[:-1]) == (409, "code_forged")
    assert scan(genuine) == (200, "Анна")


def test_a_till_that_repeats_a_request_has_scanned_once(phone, scan, house) -> None:
    """The answer was lost on its way, twice."""
    first = on_phone(phone)
    for _ in range(3):
        assert scan(first, key="till-1") == (200, "Анна")
    assert generation(house) == 2
    assert scan(first, key="till-2") == (200, "Анна")
    assert scan(first, key="till-3") == (409, "code_outdated")
    assert scan(first, key="till-3") == (409, "code_outdated")


def test_two_tills_at_once(phone, scan, house, app, api) -> None:
    """Of ten scans of one code two are good: the code, and once more in its grace time."""
    first = on_phone(phone)

    def till(_: int) -> int:
        own = type(api)(app.test_client())
        return own.post("scans", {"barcode": first}).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(till, range(10)))
    assert answers == [200, 200, *[409] * 8]
    assert generation(house) == 2


def test_scans_and_the_schedule_at_once(phone, house, app, api) -> None:
    """However they meet, a code is never renewed twice for one reason, and the phone's is good."""
    house.clock.advance(days=7)
    picture = on_phone(phone)
    keys, clock = house.installation.keys, house.clock

    def till(_: int) -> int:
        return type(api)(app.test_client()).post("scans", {"barcode": picture}).status_code

    def pump(_: int) -> bool:
        return house.installation.database.run(lambda s: renewal.turn(s, keys, clock()))

    with ThreadPoolExecutor(8) as pool:
        pumped = [pool.submit(pump, n) for n in range(4)]
        scanned = [pool.submit(till, n) for n in range(4)]
        assert [one.result() for one in pumped] == [False] * 4
        answers = sorted(one.result() for one in scanned)
    assert generation(house) in (2, 3)
    assert answers.count(200) in (1, 2)
    house.run("relay")
    scanned_now = type(api)(app.test_client()).post("scans", {"barcode": on_phone(phone)})
    assert scanned_now.status_code == 200


def test_a_crash_before_the_commit_uses_no_code_up(phone, scan, house) -> None:
    first = on_phone(phone)
    database, keys = house.installation.database, house.installation.keys
    with pytest.raises(RuntimeError), database.transaction() as session:
        renewal.accept(session, keys, first, house.clock())
        raise RuntimeError("the power is gone")
    assert (generation(house), events(house)) == (1, 0)
    # After it, the news waits in the outbox, whoever dies meanwhile.
    assert scan(first) == (200, "Анна")
    assert events(house) == 1
    house.run("relay")
    assert scan(on_phone(phone)) == (200, "Анна")


def test_numbers_typed_by_hand_are_the_programmes_choice(phone, scan, choose, house) -> None:
    read = codes.read(on_phone(phone))
    assert read is not None
    assert scan(read.card) == (200, "Анна")
    choose(numbers="refuse")
    assert scan(read.card) == (409, "number_not_accepted")
    assert scan(on_phone(phone)) == (200, "Анна")


def test_cards_that_exist_follow_the_programmes_choice(join, client, scan, choose, house) -> None:
    phones = [Phone.with_card(client, join(name=f"N{n}"), f"{n:032}") for n in range(5)]
    plain = [on_phone(phone) for phone in phones]
    for kind in ("hmac", "ed25519"):
        before = [on_phone(phone) for phone in phones]
        choose(kind=kind)
        step_by_step(house, limit=2)
        for phone, old in zip(phones, before, strict=True):
            read = codes.read(on_phone(phone))
            assert isinstance(read, codes.SignedCode)
            assert read.kind == kind
            assert scan(old)[0] == 200  # in its grace time, or a number
            assert scan(on_phone(phone))[0] == 200
        house.run("relay")
    last = on_phone(phones[0])
    choose(kind="plain")
    step_by_step(house, limit=2)
    assert [on_phone(phone) for phone in phones] == plain
    assert scan(last) == (200, "N0")  # a phone that has not heard yet
    with house.installation.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CardCode)) == 0


def test_a_leaked_secret_is_of_no_use_after_the_kind_was_changed(
    join, client, scan, choose, house
) -> None:
    choose(kind="hmac")
    house.run()
    phone = Phone.with_card(client, join(name="Анна"))
    number = codes.read(on_phone(phone)).card
    choose(kind="ed25519")
    house.run()
    sign = renewal._signer(house.installation.keys, "hmac", "demo")
    for generation_ in (2, 3, 9):
        assert scan(codes.mint("hmac", "demo", number, generation_, sign)) == (409, "code_outdated")
    assert scan(on_phone(phone)) == (200, "Анна")


def test_another_card_number_is_in_the_code_at_once(phone, scan, api, house) -> None:
    before = on_phone(phone)
    number = codes.read(before).card
    member = api.get(f"members?card={number}").get_json()["items"][0]
    given = api.post(f"members/{member['id']}/cards", None).get_json()["card"]["number"]
    house.run("relay")
    after = codes.read(on_phone(phone))
    assert after.card == given != number
    assert scan(before) == (409, "card_blocked")
    assert scan(after.text) == (200, "Анна")


def test_a_code_that_a_restored_backup_has_forgotten_is_taken(phone, scan, house) -> None:
    first = on_phone(phone)
    scan(first)
    house.run("relay")
    second = on_phone(phone)
    scan(second)
    house.run("relay")
    third = on_phone(phone)
    with house.installation.database.transaction() as session:
        row = session.scalars(select(CardCode)).one()
        row.text, row.generation, row.previous = first, 1, None
    assert scan(third) == (200, "Анна")
    house.run("relay")
    assert codes.read(on_phone(phone)).generation == 4
    assert scan(on_phone(phone)) == (200, "Анна")


def test_whoever_is_erased_has_no_code(phone, scan, api, house) -> None:
    last = on_phone(phone)
    number = codes.read(last).card
    member = api.get(f"members?card={number}").get_json()["items"][0]
    scan(last)
    assert api.delete(f"members/{member['id']}").status_code == 200
    assert scan(last) == (404, "unknown_card")
    with house.installation.database.reading() as session:
        assert session.scalars(select(CardCode)).all() == []


def test_members_of_one_import_have_codes(signed, house) -> None:
    installation, now = house.installation, house.clock()
    with installation.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        people = [(persons.Profile(), "OLD-77/a"), (persons.Profile(), None)]
        from_file = enrolment.join_all(session, programme, people, now)
        issuing.issue_all(
            session, programme, from_file, installation.pass_type, installation.keys, now
        )
        shown = [
            session.scalars(select(Pass.content).where(Pass.member_id == one)).one()["barcode"]
            for one in from_file
        ]
    assert codes.read(shown[0]).card == "OLD-77/a"
    assert all(codes.read(text).kind == signed for text in shown)


def test_a_till_without_a_network_tells_a_forged_code(phone, signed, api, client, tmp_path) -> None:
    genuine = on_phone(phone)
    path = "programmes/demo/card-code/keys"
    keys = api.get(path).get_json()
    if signed == "ed25519":  # what anybody may read is enough
        keys = client.get("/codes/demo/keys").get_json()
        assert "secret" not in json.dumps(keys)
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(keys))
    forged = genuine[:-3] + f"{(int(genuine[-3:]) + 1) % 1000:03}"
    command = [sys.executable, CHECKER, "--keys", file]
    good = subprocess.run([*command, genuine], capture_output=True, text=True)
    number = codes.read(genuine).card
    assert (good.returncode, good.stdout) == (0, f"genuine      card {number}, generation 1\n")
    bad = subprocess.run([*command, genuine, forged], capture_output=True, text=True)
    assert bad.returncode == 1
    assert bad.stdout.splitlines()[1].startswith("NOT GENUINE")
    keys["programme"] = "tea"
    file.write_text(json.dumps(keys))
    assert subprocess.run([*command, genuine], capture_output=True).returncode == 1


def generation(house) -> int:
    with house.installation.database.reading() as session:
        return session.scalars(select(CardCode.generation)).one()


def events(house) -> int:
    with house.installation.database.reading() as session:
        query = select(func.count()).where(OutboxRow.kind == "CardRenewed")
        return int(session.scalar(query) or 0)


def waiting(house) -> int:
    with house.installation.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(PushRow)) or 0)


def lose_pushes(house) -> None:
    with house.installation.database.transaction() as session:
        session.execute(delete(PushRow))


def step_by_step(house, limit: int) -> None:
    """The pump in batches that are smaller than the programme."""
    database, keys = house.installation.database, house.installation.keys
    while database.run(lambda session: renewal.turn(session, keys, house.clock(), limit)):
        pass
    house.run("relay")
