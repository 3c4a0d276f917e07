"""Production begins without Apple: the card is its page until there are certificates, and then the
same card goes into an iPhone."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import chains
import googles
import pytest
import requests
from flask.testing import FlaskClient
from interleaving import stage
from phones import PASS_TYPE, Phone, opened, values
from processes import answers, processes, wait_until
from servers import free_ports
from sqlalchemy import select
from visitors import HOME, signed_in
from werkzeug.test import TestResponse

from ledger.database.engine import Database
from ledger.settings import LedgerSettings
from wallet.configuration import settings
from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER
from wallet.delivery.refresh import refresh
from wallet.installation import Installation
from wallet.passes import issued
from wallet.passes.content import NO_PASS_TYPE
from wallet.passes.issued import Pass
from wallet.passes.versioning import PassTag
from wallet.running import doctor
from wallet.running.assembly import connect
from wallet.running.pumps import pumps
from wallet.sandbox import passbook
from wallet.sandbox.google import RunningGoogle
from wallet.web.app import create_app

PUBLIC_URL = "https://cards.example.com"
KEY = "an-api-key-of-our-own-making-and-length"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
IPHONE = {**BROWSER, "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)"}
ANDROID = {**BROWSER, "User-Agent": "Mozilla/5.0 (Linux; Android 16; Pixel 9)"}
DESKTOP = {**BROWSER, "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}


@pytest.fixture
def environment(tmp_path: Path, database_url: str) -> dict[str, str]:
    return {
        "WALLET_MODE": "production",
        "WALLET_DATA": str(tmp_path),
        "WALLET_DATABASE_URL": database_url,
        "WALLET_APPLE_CERTS": "none",
        "WALLET_APNS_URL": "https://127.0.0.1:9",
        "WALLET_PUBLIC_URL": PUBLIC_URL,
        "WALLET_API_KEY": KEY,
        "WALLET_SECRET_KEY": "a-secret-of-our-own-making-and-length",
    }


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the operator sets once Apple has answered."""
    apple = chains.stranger()
    chains.let_be_apples(monkeypatch, apple)
    folder = chains.lay(tmp_path / "certs", chains.leaf(PASS_TYPE, issuer=apple), apple)
    return {"WALLET_APPLE_CERTS": str(folder)}


def at_google(google: RunningGoogle) -> dict[str, str]:
    return {**googles.environment_of(google), "WALLET_GOOGLE_ISSUER": SANDBOX_GOOGLE_ISSUER}


@dataclass
class Shop:
    """An installation in production, and who calls it."""

    installation: Installation
    client: FlaskClient

    def post(self, path: str, body: object) -> dict:
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": uuid.uuid4().hex}
        answer = self.client.post(f"/api/v1/{path}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.get_json()

    def read(self, path: str) -> dict:
        answer = self.client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {KEY}"})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def page(self, path: str, device: dict[str, str] = IPHONE) -> TestResponse:
        return self.client.get(path.removeprefix(PUBLIC_URL), headers=device)

    def earn(self, member: dict, points: int) -> None:
        self.post("accruals", {"member": member["id"], "points": points})
        self.run()

    def run(self) -> None:
        ready = pumps(self.installation)
        for name in ("upkeep", "relay", "waves", "apple"):
            while ready[name].run():
                pass

    def passes(self) -> list[Pass]:
        with self.installation.database.reading() as session:
            return list(session.scalars(select(Pass).order_by(Pass.id)))

    def phone(self, card: str) -> Phone:
        answer = self.page(f"{card}/apple.pkpass")
        assert answer.mimetype == passbook.MEDIA_TYPE, answer.text
        return Phone(self.client, opened(answer.data))


@pytest.fixture
def start(environment: dict[str, str], clock_now) -> Iterator[Callable[..., Shop]]:
    """Start the installation, as often as one likes, with these changes to its settings."""
    started: list[Installation] = []

    def one(**changes: str) -> Shop:
        found, refused = settings.read({**environment, **changes})
        assert doctor.obstacles(found, refused, clock_now) == []
        installation = connect(found, clock=clock_now)
        started.append(installation)
        client = create_app(installation).test_client()
        client.environ_base["wsgi.url_scheme"] = "https"
        return Shop(installation, client)

    yield one
    for installation in started:
        for provider in installation.providers:
            provider.close()
        installation.events.close()
        installation.database.close()


def joined(url: str) -> str:
    """Somebody fills in the form; the path of the card."""
    form = requests.get(f"{url}/join/demo", timeout=10).text
    token = re.search(r'name="form_token" value="([^"]+)"', form)[1]
    assert "Apple" not in form
    entries = {"form_token": token, "consent": "yes", "name": "Анна", "phone": "+79991234567"}
    answer = requests.post(f"{url}/join/demo", data=entries, timeout=10, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_shop_begins_on_the_web_and_the_same_card_goes_into_an_iphone_later(
    environment: dict[str, str],
    certificates: dict[str, str],
    start: Callable[..., Shop],
    tmp_path: Path,
    clock_now,
) -> None:
    port = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    begun = {**environment, "PORT": str(port), "WALLET_BEAT_SECONDS": "0.2"}
    with processes(begun, tmp_path) as running:
        running.start("web")
        wait_until(lambda: answers(f"{url}/readyz"), running.log_of("web") or "the start")
        card = joined(url)
        assert requests.get(f"{url}{card}/state", timeout=10).json()["points"] == "0"
        number = re.search(
            r'class="number">([^<]+)<', requests.get(f"{url}{card}", timeout=10).text
        )[1].replace("\u00a0", "")
        earned = requests.post(
            f"{url}/api/v1/accruals",
            json={"card": number, "points": 100},
            headers={"Authorization": f"Bearer {KEY}", "Idempotency-Key": "one"},
            timeout=10,
        )
        assert earned.status_code == 201, earned.text

        def shown() -> tuple[str, int]:
            state = requests.get(f"{url}{card}/state", timeout=10).json()
            return state["points"], state["version"]

        wait_until(lambda: shown() == ("100", 2), "the card's next version")
        assert "pkpass" not in requests.get(f"{url}{card}", headers=IPHONE, timeout=10).text
        refused = requests.get(f"{url}{card}/apple.pkpass", timeout=10)
        assert (refused.status_code, refused.json()["code"]) == (404, "apple_not_set_up")

    shop = start(**certificates)
    page = shop.page(card).text
    assert f'href="{card}/apple.pkpass"' in page
    bundle = shop.page(f"{card}/apple.pkpass").data
    root = chains.stranger().root.certificate
    pass_ = passbook.open_pass(bundle, root, clock_now())
    assert (pass_.pass_type, pass_.web_service_url) == (PASS_TYPE, f"{PUBLIC_URL}/apple")
    assert shop.page(f"{card}/apple.pkpass").data == bundle
    phone = Phone(shop.client, opened(bundle))
    assert values(phone.pass_json)["points"] == 100
    assert phone.register().status_code == 201
    listed = phone.updated()
    assert listed.get_json()["serialNumbers"] == [phone.serial]
    since = listed.get_json()["lastUpdated"]
    assert phone.updated(since).status_code == 204
    shop.post("accruals", {"card": number, "points": 20})
    shop.run()
    assert phone.updated(since).get_json()["serialNumbers"] == [phone.serial]
    assert values(opened(phone.fetch().data))["points"] == 120


def test_what_integrations_are_told(
    start: Callable[..., Shop], certificates: dict[str, str]
) -> None:
    shop = start()
    member = shop.post("members", {"programme": "demo"})
    assert member["links"]["card"] and member["links"]["apple"] is None
    passes = shop.read(f"members/{member['id']}/passes")
    assert passes["bundle"] is None
    assert [(one["apple"], one["pass_type"]) for one in passes["items"]] == [(None, None)]
    shop = start(**certificates)
    passes = shop.read(f"members/{member['id']}/passes")
    assert passes["bundle"] == f"{member['links']['card']}/apple.pkpasses"
    # It gets its pass type when somebody asks for it, in whichever file.
    assert passes["items"][0]["pass_type"] is None
    assert shop.page(passes["bundle"]).mimetype == passbook.SEVERAL_MEDIA_TYPE
    passes = shop.read(f"members/{member['id']}/passes")
    assert passes["items"][0]["pass_type"] == PASS_TYPE


class TestPages:
    """Nobody is led to where nothing is."""

    def test_with_google_each_device_is_shown_what_there_is(
        self, environment, start: Callable[..., Shop], tmp_path: Path
    ) -> None:
        with googles.stood_in(tmp_path / "google") as google:
            shop = start(**at_google(google))
            member = shop.post("members", {"programme": "demo"})
            offer = shop.post("offers", {"programme": "demo", "title": "Латте −20 %"})
            card = member["links"]["card"]
            on_android, on_desktop = (shop.page(card, one).text for one in (ANDROID, DESKTOP))
            for page in (on_android, on_desktop):
                assert "pkpass" not in page
                assert f'/offers/{offer["id"]}"' in page
                assert 'class="button google"' in page
            on_iphone = shop.page(card).text
            assert "pkpass" not in on_iphone and "/google" not in on_iphone
            assert "Add to Home Screen" in shop.page(f"{card}?lang=en").text

    def test_without_any_wallet_the_page_is_the_card(self, start: Callable[..., Shop]) -> None:
        shop = start()
        card = shop.post("members", {"programme": "demo"})["links"]["card"]
        for device in (IPHONE, ANDROID, DESKTOP):
            page = shop.page(card, device).text
            assert "pkpass" not in page and "Wallet" not in page
            assert 'class="buttons"' not in page and "<svg" in page

    def test_addresses_of_passes_say_so_to_people_and_to_programs(
        self, start: Callable[..., Shop]
    ) -> None:
        shop = start()
        card = shop.post("members", {"programme": "demo"})["links"]["card"]
        offer = shop.post("offers", {"programme": "demo", "title": "Латте −20 %"})
        for below in ("apple.pkpass", "apple.pkpasses", f"offers/{offer['id']}/apple.pkpass"):
            to_people = shop.page(f"{card}/{below}?lang=en")
            assert to_people.status_code == 404, below
            assert "is not in Apple Wallet yet" in to_people.text
            to_programs = shop.page(f"{card}/{below}", {})
            assert to_programs.get_json()["code"] == "apple_not_set_up", below
            assert to_programs.headers["Cache-Control"] == "no-store"
        # Nobody made a coupon by asking.
        assert [one.offer_id for one in shop.passes()] == [None]
        assert shop.client.get(f"/apple/v1/passes/{PASS_TYPE}/x").status_code == 404

    def test_a_coupon_that_was_taken_for_google_goes_into_an_iphone_later(
        self, start: Callable[..., Shop], certificates: dict[str, str], tmp_path: Path
    ) -> None:
        with googles.stood_in(tmp_path / "google") as google:
            shop = start(**at_google(google))
            card = shop.post("members", {"programme": "demo"})["links"]["card"]
            offer = shop.post("offers", {"programme": "demo", "title": "Латте −20 %"})
            coupon = shop.client.post(f"{card}/offers/{offer['id']}", follow_redirects=True)
            assert 'class="button google"' in coupon.text
            assert [one.pass_type for one in shop.passes()] == [NO_PASS_TYPE] * 2
        shop = start(**certificates)
        coupon = shop.page(f"{card}/offers/{offer['id']}/apple.pkpass")
        assert coupon.status_code == 303
        document = opened(shop.page(coupon.location).data)
        assert document["passTypeIdentifier"] == PASS_TYPE
        assert [one.pass_type for one in shop.passes()] == [NO_PASS_TYPE, PASS_TYPE]


class TestOperators:
    def test_it_is_ready_and_says_what_is_not_set_up(
        self, environment, start: Callable[..., Shop], wallet, clock_now
    ) -> None:
        shop = start()
        assert shop.client.get("/readyz").status_code == 200
        health = shop.client.get("/health").get_json()
        assert (health["wallets"], health["certificates"]) == (
            {"apple": False, "google": False},
            [],
        )
        figures = shop.client.get("/metrics").text
        assert 'kopilka_wallet_set_up{wallet="apple"} 0.0' in figures
        assert "Apple: not set up yet" in wallet("certs", "check").output
        said = list(doctor.examine(*settings.read(environment), clock_now))
        about_apple = [one for one in said if "Apple:" in one.sentence]
        assert [one.verdict for one in about_apple] == ["note"]
        assert "Cards are on the web;" in about_apple[0].sentence
        assert not [one.sentence for one in said if one.verdict == "bad"]

    def test_the_night_goes_by(self, start: Callable[..., Shop]) -> None:
        shop = start()
        shop.post("members", {"programme": "demo"})
        for name, pump in pumps(shop.installation).items():
            while pump.run():
                pass
            assert not pump.run(), name

    def test_a_design_needs_no_certificate_unless_it_names_a_pass_type(
        self, start: Callable[..., Shop], wallet, tmp_path: Path
    ) -> None:
        start()
        folder = tmp_path / "design"
        assert wallet("design", "export", "demo", str(folder)).exit_code == 0
        assert wallet("design", "import", "demo", str(folder)).exit_code == 0
        file = folder / "design.json"
        design = json.loads(file.read_text()) | {"pass_type": "pass.example.own"}
        file.write_text(json.dumps(design))
        refused = wallet("design", "import", "demo", str(folder))
        assert refused.exit_code == 1
        assert "there is no certificate for it; there are none" in refused.output

    def test_the_console_says_what_is_missing_and_what_works(
        self, start: Callable[..., Shop], certificates: dict[str, str], tmp_path: Path
    ) -> None:
        with googles.stood_in(tmp_path / "google") as google:
            shop = start(**at_google(google))
            administrator = signed_in(shop.client, shop.installation, "administrator")
            page = administrator.read("/console/certificates")
            assert "not yet into Apple Wallet" in page
            assert "WALLET_APPLE_CERTS=/etc/kopilka/certs" in page
            administrator.sign_out()
            viewer = signed_in(shop.client, shop.installation, "viewer", email="v@example.com")
            steps = viewer.read(f"{HOME}first-hour")
            assert "iPhones have it in the browser until Apple" in steps
            shop = start(**at_google(google), **certificates)
            viewer = signed_in(shop.client, shop.installation, "viewer", email="w@example.com")
            assert "not yet into Apple Wallet" not in viewer.read("/console/certificates")
            assert "in the browser until Apple" not in viewer.read(f"{HOME}first-hour")

    @pytest.mark.parametrize("command", ["web", "run", "worker", "beat"])
    def test_it_does_not_start_without_certificates_while_a_phone_holds_a_card(
        self, start: Callable[..., Shop], certificates: dict[str, str], wallet, command: str
    ) -> None:
        shop = start(**certificates)
        member = shop.post("members", {"programme": "demo"})
        phone = shop.phone(member["links"]["card"])
        assert phone.register().status_code == 201
        refused = wallet(command, WALLET_BROKER_URL="redis://127.0.0.1:9")
        assert refused.exit_code == 1
        sentence = "WALLET_APPLE_CERTS: is none, but Apple devices hold cards (1)"
        assert refused.output.count(sentence) == 1, refused.output
        assert phone.unregister().status_code == 200
        start()


class TestBackups:
    """From SQLite to SQLite: the database makes no difference to files of certificates."""

    @pytest.fixture
    def database_url(self, sqlite_url: str) -> str:
        return sqlite_url

    def test_one_with_certificates_is_restored_without_them(
        self, start: Callable[..., Shop], certificates: dict[str, str], wallet, tmp_path: Path
    ) -> None:
        shop = start(**certificates)
        shop.post("members", {"programme": "demo"})
        file, copy = tmp_path / "all.backup", tmp_path / "copy"
        taken = wallet("backup", "--with-secrets", str(file), **certificates)
        assert taken.exit_code == 0, taken.output
        copy.mkdir()
        there = {"WALLET_DATA": str(copy), "WALLET_DATABASE_URL": f"sqlite:///{copy / 'k.db'}"}
        done = wallet("restore", str(file), **there)
        assert done.exit_code == 0, done.output
        assert not list(copy.rglob("pass.key"))
        assert wallet("backup", "--with-secrets", str(copy / "again"), **there).exit_code == 0


class TestAtOnce:
    """PostgreSQL has writers side by side."""

    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    @pytest.fixture
    def tags(self, database_url: str) -> Iterator[Callable[[], dict[str, int]]]:
        database = Database(LedgerSettings(database_url))

        def known() -> dict[str, int]:
            with database.reading() as session:
                return {one.pass_type: one.tag for one in session.scalars(select(PassTag))}

        yield known
        database.close()

    def test_a_change_and_the_first_signature(
        self, start: Callable[..., Shop], certificates: dict[str, str], tags
    ) -> None:
        """Whichever is first: both are done, and the pass has its type."""
        before = start()
        members = [before.post("members", {"programme": "demo"}) for _ in range(40)]
        cards = iter(zip(before.passes(), members, strict=True))
        shop = start(**certificates)
        database, make_due = shop.installation.database, shop.installation.make_due
        now = shop.installation.clock()

        def changed() -> Callable[[], object]:
            """A card with points that it does not show yet, and what makes it show them."""
            pass_, member = next(cards)
            shop.post("accruals", {"member": member["id"], "points": 1})
            return pass_, partial(
                database.run, lambda session: refresh(session, [pass_.id], make_due, now)
            )

        def signature_of(pass_: Pass, type_: str = PASS_TYPE) -> Callable[[], object]:
            return partial(database.run, lambda session: issued.give_type(session, pass_.id, type_))

        def both_done(pass_: Pass) -> None:
            found = now_of(pass_)
            assert (found.pass_type, found.version) == (PASS_TYPE, 2)
            # Above the counter a phone would be told of this pass at each question.
            assert found.tag <= tags().get(PASS_TYPE, 0)
            signature_of(pass_, "pass.example.other")()
            assert (now_of(pass_).pass_type, now_of(pass_).tag) == (PASS_TYPE, found.tag)

        def now_of(pass_: Pass) -> Pass:
            (found,) = [one for one in shop.passes() if one.id == pass_.id]
            return found

        with stage(database) as there:
            pass_, change = changed()
            steps = there.statements_of(change)
            for at in range(1, steps + 1):
                pass_, change = changed()
                met = there.meet(change, signature_of(pass_), at)
                assert not isinstance(met.first, Exception), met
                assert not isinstance(met.second, Exception), met
                both_done(pass_)
            pass_, _ = changed()
            for at in range(1, there.statements_of(signature_of(pass_)) + 1):
                pass_, change = changed()
                met = there.meet(signature_of(pass_), change, at)
                assert not isinstance(met.first, Exception), met
                assert not isinstance(met.second, Exception), met
                both_done(pass_)

    def test_two_who_ask_first(
        self, start: Callable[..., Shop], certificates: dict[str, str]
    ) -> None:
        """They get the same bytes: both may be the same phone, which asks twice."""
        before = start()
        cards = [before.post("members", {"programme": "demo"}) for _ in range(30)]
        shop = start(**certificates)
        paths = iter(f"{one['links']['card']}/apple.pkpass" for one in cards)

        def ask(path: str) -> bytes:
            client = create_app(shop.installation).test_client()
            return client.get(path.removeprefix(PUBLIC_URL)).data

        with stage(shop.installation.database) as there:
            ask(next(paths))  # reads the design, which is kept
            steps = there.statements_of(partial(ask, next(paths)))
            assert steps < len(cards)
            for at in range(1, steps + 1):
                path = next(paths)
                met = there.meet(partial(ask, path), partial(ask, path), at)
                assert met.first == met.second, at
                assert opened(met.first)["passTypeIdentifier"] == PASS_TYPE
