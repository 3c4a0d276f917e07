"""Certificates side by side: an old one and its successor, several pass types and teams."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import chains
import cms
import pytest
from clocks import StoppedClock
from phones import Phone, opened
from sqlalchemy import select

from ledger import programmes
from wallet import settings
from wallet.app import create_app
from wallet.apple.rotation import Certificates
from wallet.apple.shelf import SealedPass
from wallet.assembly import connect
from wallet.errors import CertificateProblem
from wallet.passes import templates
from wallet.sandbox import demo
from wallet.tasks import pumps

OLD = {"first_day": -25, "last_day": 20}
NEW = {"first_day": -1, "last_day": 395}
COMING = {"first_day": 10, "last_day": 395}


def certificates(root: Path, **folders: dict) -> Certificates:
    for name, days in folders.items():
        chains.lay(root / name, chains.leaf(**days))
    return Certificates.find(root, chains.NOW)


def signing(found: Certificates, number: int) -> str:
    return found.signing(chains.PASS_TYPE, chains.day(number)).folder.name


def test_the_newest_that_is_valid_signs(tmp_path: Path) -> None:
    found = certificates(tmp_path, old=OLD, new=NEW)
    assert signing(found, 0) == "new"
    assert signing(found, -5) == "old"  # before the new one is valid
    assert [signer.folder.name for signer in found.every] == ["new", "old"]


def test_a_successor_takes_over_while_the_process_lives(tmp_path: Path) -> None:
    found = certificates(tmp_path, old=OLD, coming=COMING)
    assert [signing(found, number) for number in (0, 11, 30)] == ["old", "coming", "coming"]


def test_an_expired_one_beside_a_valid_one_is_no_trouble(tmp_path: Path) -> None:
    found = certificates(tmp_path, gone={"first_day": -29, "last_day": -2}, new=NEW)
    assert signing(found, 0) == "new"
    with pytest.raises(CertificateProblem) as caught:
        found.signing(chains.PASS_TYPE, chains.day(396))
    assert caught.value.problem == "expired"


def test_none_that_is_valid_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CertificateProblem) as caught:
        certificates(tmp_path, gone={"first_day": -29, "last_day": -2})
    assert caught.value.problem == "expired"


def test_a_folder_and_one_within_it_are_two(tmp_path: Path) -> None:
    chains.lay(tmp_path, chains.leaf(**OLD))
    chains.lay(tmp_path / "next", chains.leaf(**NEW))
    assert signing(Certificates.find(tmp_path, chains.NOW), 0) == "next"


@pytest.mark.parametrize(
    ("days_left", "words"),
    [
        (31, None),
        (30, "this month"),
        (14, "soon"),
        (7, "this week"),
        (1, "today"),
    ],
)
def test_who_has_no_successor_is_reminded(
    tmp_path: Path, days_left: int, words: str | None
) -> None:
    found = certificates(tmp_path, old=OLD)
    reminders = [said for _, said in found.reminders(chains.day(20 - days_left))]
    assert len(reminders) == (words is not None)
    assert all(words in said for said in reminders if words)
    both = certificates(tmp_path, new=NEW)
    assert list(both.reminders(chains.day(20 - days_left))) == []


@pytest.fixture
def two_types(environment: dict[str, str], tmp_path: Path):
    """An installation with cards of one team and coupons of another."""
    root = tmp_path / "pass types"
    chains.lay(root / "cards", chains.leaf("pass.example.cards", "TEAMCARDS1"))
    chains.lay(root / "coupons", chains.leaf("pass.example.coupons", "TEAMCOUPON"))
    given = {
        **environment,
        "WALLET_APPLE_CERTS": str(root),
        "WALLET_APPLE_PASS_TYPE": "pass.example.cards",
    }
    clock = StoppedClock(chains.NOW)
    installation = connect(settings.from_env(given), clock=clock)
    with installation.database.transaction() as session:
        demo.ensure(session, clock())
    yield installation
    installation.apple.close()
    installation.database.close()


def test_a_design_names_its_pass_type_and_each_team_signs_its_own(
    two_types, tmp_path: Path
) -> None:
    with two_types.database.transaction() as session:
        programme = programmes.by_code(session, "demo")
        template = templates.for_offers(session, programme, chains.NOW)
        design = replace(templates.design(template), pass_type="pass.example.coupons")
        templates.store(session, programme.id, design, {}, chains.NOW)
    client = create_app(two_types).test_client()
    key = {"Authorization": f"Bearer {two_types.settings.api_key}"}
    member = client.post(
        "/api/v1/members", json={"programme": "demo"}, headers={**key, "Idempotency-Key": "1"}
    ).get_json()
    offer = client.post(
        "/api/v1/offers", json={"programme": "demo", "title": "Торт"}, headers=key
    ).get_json()
    coupon = client.post(
        f"/api/v1/offers/{offer['id']}/passes", json={"member": member["id"]}, headers=key
    ).get_json()
    found = {}
    for link in (member["links"]["apple"], coupon["apple"]):
        data = client.get(link.removeprefix("http://127.0.0.1:8080")).data
        shown = opened(data)
        found[shown["passTypeIdentifier"]] = shown["teamIdentifier"]
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            manifest, signature = archive.read("manifest.json"), archive.read("signature")
        assert cms.verifies(signature, manifest, chains.root_file(tmp_path), tmp_path)
        assert shown["teamIdentifier"] in cms.printed(signature)
    assert found == {"pass.example.cards": "TEAMCARDS1", "pass.example.coupons": "TEAMCOUPON"}


def test_what_the_old_one_signed_is_signed_anew_when_it_is_fetched(
    environment: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "rotation"
    chains.lay(root / "old", chains.leaf(**OLD))
    chains.lay(root / "coming", chains.leaf(**COMING))
    clock = StoppedClock(chains.NOW)
    house = connect(
        settings.from_env({**environment, "WALLET_APPLE_CERTS": str(root)}), clock=clock
    )
    try:
        with house.database.transaction() as session:
            demo.ensure(session, clock())
        client = create_app(house).test_client()
        key = {"Authorization": f"Bearer {house.settings.api_key}", "Idempotency-Key": "1"}
        member = client.post("/api/v1/members", json={"programme": "demo"}, headers=key).get_json()
        before = Phone.with_card(client, member)
        fingerprints = [sealed_by(house)]
        clock.advance(days=12)
        after = Phone.with_card(client, member)
        fingerprints.append(sealed_by(house))
        assert client.get("/readyz").status_code == 200
        told = client.get("/health").get_json()
        clock.advance(days=370)
        late = client.get("/health").get_json()
    finally:
        house.apple.close()
        house.database.close()
    coming, old = (one.fingerprint for one in house.certificates.every)
    assert fingerprints == [old, coming]
    # The card is the same to the phone: only who vouches for it changed.
    assert before.pass_json == after.pass_json
    assert [one["signs"] for one in told["certificates"]] == [True, False]
    assert (told["well"], late["well"]) == (True, False)
    assert "soon" in late["certificates"][0]["warning"]


def sealed_by(house) -> str:
    with house.database.reading() as session:
        return session.scalars(select(SealedPass.signed_by)).one()


def test_the_nightly_inspection_says_so_in_the_log(house, capsys) -> None:
    house.clock.advance(days=380)
    pumps(house.installation)["inspection"].run()
    said = capsys.readouterr().out
    assert "certificate_ends" in said
    assert "pass.sandbox.loyalty" in said


def test_health_is_for_friends(client) -> None:
    answer = client.get("/health", headers={"X-Forwarded-For": "6.6.6.6"})
    assert answer.status_code == 401
    assert client.get("/health").get_json()["well"] is True
