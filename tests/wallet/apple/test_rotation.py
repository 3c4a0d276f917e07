"""Certificates side by side: an old one and its successor, several pass types and teams."""

import io
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import chains
import cms
import pytest
from clocks import StoppedClock
from cryptography.hazmat.primitives.hashes import SHA256
from phones import Phone, opened
from sqlalchemy import select
from structlog.testing import capture_logs

from ledger.programmes import programmes
from wallet.apple import rotation
from wallet.apple.rotation import Certificates
from wallet.apple.signed_passes import SealedPass
from wallet.apple.signing import find_all_signers
from wallet.configuration import settings
from wallet.errors import CertificateProblem
from wallet.passes import templates
from wallet.running.assembly import connect
from wallet.running.pumps import pumps
from wallet.sandbox import demo
from wallet.web.app import create_app

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
        pumps(house)["relay"].run()  # that news waits for twelve days would not be well
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


class TestTakenUp:
    """What is put into the folder while the process runs."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return tmp_path / "certs"

    @pytest.fixture
    def running(self, environment: dict[str, str], root: Path):
        chains.lay(root / "old", chains.leaf(**OLD))
        clock = StoppedClock(chains.NOW)
        given = {**environment, "WALLET_APPLE_CERTS": str(root)}
        installation = connect(settings.from_env(given), clock=clock)
        yield installation
        installation.apple.close()
        installation.database.close()

    @pytest.fixture
    def signs(self, running):
        """Who signs after so many seconds, by the fingerprint."""

        def signing(seconds: int = 0, pass_type: str = chains.PASS_TYPE) -> str:
            running.clock.advance(seconds=seconds)
            return running.certificates.signing(pass_type, running.clock()).fingerprint

        return signing

    @staticmethod
    def fingerprint(**days: int) -> str:
        return chains.leaf(**days).certificate.fingerprint(SHA256()).hex()

    def test_a_new_one_signs_within_half_a_minute(self, signs, root: Path) -> None:
        chains.lay(root / "new", chains.leaf(**NEW))
        assert signs(19) == self.fingerprint(**OLD)
        with capture_logs() as lines:
            assert signs(1) == self.fingerprint(**NEW)
            assert signs(60) == self.fingerprint(**NEW)
        assert [line["event"] for line in lines] == ["certificates_taken_up"]

    def test_files_that_are_replaced_in_place_are_taken_up(self, signs, root: Path) -> None:
        signs()
        chains.lay(root / "old", chains.leaf(**NEW))
        assert signs(20) == self.fingerprint(**NEW)

    @pytest.mark.parametrize("written", [("pass.pem",), ("pass.pem", "pass.key"), ("wwdr.pem",)])
    def test_a_folder_half_written_changes_nothing_and_is_told_once(
        self, signs, root: Path, tmp_path: Path, written: tuple[str, ...]
    ) -> None:
        whole = chains.lay(tmp_path / "whole", chains.leaf(**NEW))
        (root / "new").mkdir()
        for name in written:
            shutil.copy(whole / name, root / "new" / name)
        with capture_logs() as lines:
            assert [signs(20) for _ in range(4)] == [self.fingerprint(**OLD)] * 4
        (line,) = lines
        assert (line["event"], line["log_level"]) == ("certificates_not_taken_up", "error")
        assert line["problem"].startswith("missing_file: ")
        shutil.copytree(whole, root / "new", dirs_exist_ok=True)
        assert signs(20) == self.fingerprint(**NEW)

    def test_a_certificate_that_is_cut_off_changes_nothing(self, signs, root: Path) -> None:
        """It is replaced in place, and the writing is not over: signing goes on, pushing too."""
        file = root / "old" / "pass.pem"
        whole = chains.leaf(**NEW).certificate_pem()
        file.write_bytes(whole[: len(whole) // 2])
        assert signs(20) == self.fingerprint(**OLD)
        file.write_bytes(whole)  # its key is to come
        assert signs(20) == self.fingerprint(**OLD)
        (root / "old" / "pass.key").write_bytes(chains.leaf(**NEW).key_pem())
        assert signs(20) == self.fingerprint(**NEW)

    def test_what_a_start_would_refuse_is_not_taken_up(self, signs, root: Path) -> None:
        """Nobody said which of two pass types new cards get."""
        chains.lay(root / "other", chains.leaf("pass.example.other"))
        chains.lay(root / "new", chains.leaf(**NEW))
        with capture_logs() as lines:
            assert signs(20) == self.fingerprint(**OLD)
        assert "WALLET_APPLE_PASS_TYPE" in lines[0]["problem"]
        shutil.rmtree(root / "other")
        assert signs(20) == self.fingerprint(**NEW)

    @pytest.mark.parametrize("what", ["another", "expired", "nothing"])
    def test_what_could_be_signed_can_be_signed(self, signs, root: Path, what: str) -> None:
        shutil.rmtree(root / "old")
        if what == "another":
            chains.lay(root / "other", chains.leaf("pass.example.other"))
        elif what == "expired":
            chains.lay(root / "gone", chains.leaf(first_day=-29, last_day=-2))
        with capture_logs() as lines:
            assert [signs(20) for _ in range(3)] == [self.fingerprint(**OLD)] * 3
        assert len(lines) == 1

    def test_a_second_pass_type_is_there_for_designs(
        self, environment: dict[str, str], root: Path
    ) -> None:
        chains.lay(root / "old", chains.leaf(**OLD))
        clock = StoppedClock(chains.NOW)
        given = {"WALLET_APPLE_CERTS": str(root), "WALLET_APPLE_PASS_TYPE": chains.PASS_TYPE}
        house = connect(settings.from_env({**environment, **given}), clock=clock)
        chains.lay(root / "other", chains.leaf("pass.example.other"))
        clock.advance(seconds=20)
        house.certificates.signing(chains.PASS_TYPE, clock())
        assert set(house.signers) == {chains.PASS_TYPE, "pass.example.other"}
        house.apple.close()
        house.database.close()

    def test_pushes_go_over_to_it_and_the_old_connection_ends(
        self, running, signs, root: Path
    ) -> None:
        senders = running.apple._senders
        old = senders.get(chains.PASS_TYPE)
        assert senders.get(chains.PASS_TYPE) is old
        chains.lay(root / "old", chains.leaf(**NEW))
        signs(20)
        new = senders.get(chains.PASS_TYPE)
        assert new is not old
        assert list(senders._senders.values()) == [new]

    def test_threads_that_come_at_once_look_once(self, running, root: Path, monkeypatch) -> None:
        chains.lay(root / "new", chains.leaf(**NEW))
        running.clock.advance(seconds=20)
        looks: list[Path] = []

        def slowly(folder: Path):
            looks.append(folder)
            time.sleep(0.3)
            return find_all_signers(folder)

        monkeypatch.setattr(rotation, "find_all_signers", slowly)
        now = running.clock()
        with ThreadPoolExecutor(8) as pool:
            found = list(
                pool.map(
                    lambda _: running.certificates.signing(chains.PASS_TYPE, now).fingerprint,
                    range(40),
                )
            )
        assert len(looks) == 1
        # Nobody waited for the one that looked.
        assert set(found) == {self.fingerprint(**OLD), self.fingerprint(**NEW)}


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
