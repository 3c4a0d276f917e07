"""What we promise, a test for each, told by whoever relies on it: over HTTP and on virtual phones,
against a service that runs in processes of its own. No test here but the one about a thousand
pushes, which needs a clock that can be turned, has the database in its hands."""

import base64
import hmac
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import googles
import pytest
import requests
from books import check_books
from phones import Phone
from processes import Processes, answers, processes, wait_until
from servers import free_ports
from sqlalchemy import MetaData, func, select

from wallet.configuration import settings
from wallet.sandbox.android import VirtualAndroid
from wallet.sandbox.exchanges import Journal
from wallet.sandbox.google.resources import OBJECT
from wallet.sandbox.phone import VirtualPhone

PORTS = 5
ALERTS_A_DAY = 3
PUSHES = int(os.environ.get("KOPILKA_PUSHES", "200"))


class Service:
    """A sandbox at work, as those see it who have its address and its sandbox.env, no more."""

    def __init__(self, started: Processes) -> None:
        self.processes = started
        self.settings = settings.from_env(started.environment)
        self.url = self.settings.public_url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.settings.api_key}"

    def post(self, path: str, body: object, key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._session.post(f"{self.url}/api/v1/{path}", json=body, headers=headers)

    def get(self, path: str, **query: str) -> dict:
        answer = self._session.get(f"{self.url}/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def join(self, **profile: str) -> dict:
        answer = self.post("members", {"programme": "demo", **profile})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def accrue(self, member: dict, points: int) -> None:
        answer = self.post("accruals", {"member": member["id"], "points": points})
        assert answer.status_code == 201, answer.text

    def post_webhook(self, event: dict) -> requests.Response:
        """To the source `demo`, signed as Standard Webhooks has it."""
        id_, at = f"msg_{uuid.uuid4().hex}", str(int(datetime.now(UTC).timestamp()))
        body = json.dumps(event)
        key = base64.b64decode(self.settings.webhook_secret.removeprefix("whsec_"))
        signature = hmac.digest(key, f"{id_}.{at}.{body}".encode(), "sha256")
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        return requests.post(f"{self.url}/webhooks/demo", data=body, headers=headers, timeout=10)


class Wallets:
    """The two phones of one customer, with the same card."""

    def __init__(self, service: Service, member: dict) -> None:
        self.apple = VirtualPhone.of(service.settings, "en", Journal())
        self.google = VirtualAndroid.of(service.settings, "en", Journal())
        self._serial = self.apple.add(member["links"]["apple"]).serial
        self._id = self.google.add(member["links"]["google"]).id

    @property
    def balances(self) -> tuple[object, object]:
        by_key = {field.key: field.value for field in self.apple.carried(self._serial).fields}
        points = self.google.carried(self._id).object_["loyaltyPoints"]
        return by_key["points"], points["balance"]["int"]

    @property
    def numbers(self) -> tuple[str, str, str, str]:
        """What a till reads from either, and what stands under the code."""
        pass_, card = self.apple.carried(self._serial), self.google.carried(self._id)
        barcode = pass_.barcode
        return barcode.message, barcode.caption, card.code, card.caption

    def show(self, points: int) -> None:
        """Wait until both do, without asking: by push, and by what Google hands over."""

        def both() -> bool:
            self.apple.hear(0.05)
            self.google.hear(0.05)
            return self.balances == (points, points)

        wait_until(both, f"{points} points on both phones", 30)


def at_work(folder: Path, watched_by: tuple[str, ...] = ()) -> Iterator[Service]:
    logs = folder / "logs"
    logs.mkdir()
    environment = {"WALLET_DATA": str(folder / "var"), "PORT": str(free_ports(PORTS))}
    with processes(environment, logs, watched_by) as started:
        started.start("run")
        wait_until(lambda: "ready http" in started.log_of("run"), "the service", 120)
        yield Service(started)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`make run`, once for all."""
    yield from at_work(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_one_member_has_a_card_in_both_wallets_that_say_the_same(service: Service) -> None:
    """From one record of a customer comes a card for Apple Wallet and one for Google Wallet; both
    open, and both show the same number and the same balance, now and later."""
    member = service.join(name="Anna")
    service.accrue(member, 70)
    wallets = Wallets(service, member)
    wallets.show(70)
    assert set(wallets.numbers) == {member["card"]["number"]}
    service.accrue(member, 30)
    wallets.show(100)


def test_a_change_told_by_another_system_reaches_the_card(service: Service) -> None:
    """Whoever has another CRM keeps it: a balance it changes, told by a signed webhook, is on the
    card. Nobody else can tell us so."""
    member = service.join()
    wallets = Wallets(service, member)
    event = {
        "type": "points.accrued",
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"card": member["card"]["number"], "points": 45},
    }
    answer = service.post_webhook(event)
    assert (answer.status_code, answer.json()["balance"]["available"]) == (200, 45)
    wallets.show(45)
    unsigned = requests.post(f"{service.url}/webhooks/demo", json=event, timeout=10)
    assert unsigned.status_code in (400, 401)
    assert service.get(f"members/{member['id']}")["balance"]["available"] == 45


def test_a_till_and_an_integration_need_nothing_but_http(service: Service) -> None:
    """Nobody has to be let into a database: all that a till, a shop and a report want goes over
    the API, and can be repeated after a lost answer."""
    profile = {"name": "Pavel", "phone": "+79990000125", "external_id": "crm-125"}
    member = service.join(**profile)
    assert [
        service.get("members", **{by: profile[by]})["items"][0]["id"]
        for by in profile
        if by != "name"
    ] == [member["id"]] * 2
    receipt = {"card": member["card"]["number"], "points": 100, "receipt": "1001"}
    first, again = (service.post("accruals", receipt, "receipt-1001") for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    spent = service.post("redemptions", {**receipt, "points": 30, "receipt": "1002"})
    assert spent.json()["balance"]["available"] == 70
    refused = service.post("redemptions", {**receipt, "points": 71, "receipt": "1003"})
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_points")
    offer = {"programme": "demo", "member": member["id"], "title": "Tea"}
    assert service.post("offers", offer).status_code == 201
    scanned = service.post("scans", {"barcode": member["card"]["barcode"]}).json()
    assert (scanned["name"], scanned["balance"]["available"]) == ("Pavel", 70)
    assert [offer["title"] for offer in scanned["offers"]] == ["Tea"]
    statement = service.get(f"members/{member['id']}/postings")["items"]
    assert [(one["points"], one["receipt"]) for one in statement] == [(-30, "1002"), (100, "1001")]


def test_a_till_knows_a_member_by_phone_or_by_the_code_on_the_screen(
    service: Service, tmp_path: Path
) -> None:
    """No plastic: the till finds a member by phone number, and its scanner reads the code off the
    customer's page; both are the same member."""
    member = service.join(name="Olga", phone="+79990000012")
    (found,) = service.get("members", phone="8 (999) 000-00-12")["items"]
    code = scanned_off(found["links"]["card"], tmp_path)
    seen = service.post("scans", {"barcode": code}).json()
    assert seen["id"] == found["id"] == member["id"]
    assert seen["name"] == "Olga"


def scanned_off(page: str, folder: Path) -> str:
    """What a till's scanner reads on a phone that shows the page."""
    chromium, zbarimg = needed("chromium"), needed("zbarimg")
    picture = folder / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += [f"--user-data-dir={folder / 'profile'}", "--window-size=390,1400"]
    command = [chromium, *options, f"--screenshot={picture}", page]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    command = [zbarimg, "--quiet", "--raw", str(picture)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def needed(program: str) -> str:
    found = shutil.which(program)
    assert found, f"this test needs {program}: run `make test`, or see tests/kit/needs.py"
    return found


def test_cards_are_issued_and_kept_true_with_all_campaigns_off(
    redis_url: str, tmp_path: Path
) -> None:
    """The card is the base, and campaigns sit on top: with no worker for anything but news, Apple
    and Google, cards are issued and changed as ever."""
    logs = tmp_path / "logs"
    logs.mkdir()
    environment = {
        "WALLET_DATA": str(tmp_path / "var"),
        "PORT": str(free_ports(PORTS)),
        "WALLET_BROKER_URL": redis_url.replace("/0", f"/{uuid.uuid4().int % 15 + 1}"),
    }
    with processes(environment, logs) as started:
        started.run("migrate", cold=True)
        started.start("sandbox")
        service = Service(started)
        wait_until((tmp_path / "var/google/account.json").exists, "the stand-ins")
        started.run("programmes", "add", "demo", "Demo", cold=True)
        started.start("web")
        started.start("worker", "--queues", "relay,apple,google")
        wait_until(lambda: answers(f"{service.url}/readyz"), "the web process")
        member = service.join()
        wallets = Wallets(service, member)
        service.accrue(member, 15)
        wallets.show(15)


def test_nobody_is_called_but_the_wallets_that_were_configured(tmp_path: Path) -> None:
    """Self-hosted means that nothing leaves the house: while members join, earn, spend and are told
    of by webhook, the kernel sees no connection, no datagram and no name looked up but to the
    addresses that were set for Apple and Google, and between our own processes."""
    trace = tmp_path / "trace"
    calls = "connect,sendto,sendmsg,sendmmsg"
    watch = (
        needed("strace"),
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-e",
        f"trace={calls}",
        "-o",
        f"{trace}",
    )
    for service in at_work(tmp_path, watch):
        page = requests.get(f"{service.url}/join/demo", timeout=30)
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)[1]
        form = {"form_token": token, "consent": "yes", "name": "Nina", "phone": "+79990000026"}
        joined = requests.post(
            f"{service.url}/join/demo", data=form, cookies=page.cookies, timeout=30
        )
        assert joined.status_code == 200
        (member,) = service.get("members", phone=form["phone"])["items"]
        wallets = Wallets(service, member)
        service.accrue(member, 20)
        wallets.show(20)
        event = {
            "type": "points.redeemed",
            "timestamp": datetime.now(UTC).isoformat(),
            "data": {"card": member["card"]["number"], "points": 5},
        }
        assert service.post_webhook(event).status_code == 200
        wallets.show(15)
        offer = {"programme": "demo", "title": "Tea"}
        assert service.post("offers", offer).status_code == 201
        first = service.settings.port
    called = addresses(trace.read_text())
    ours = {("127.0.0.1", port) for port in range(first, first + PORTS)}
    assert called - ours == set()
    assert {("127.0.0.1", first + 2), ("127.0.0.1", first + 4)} <= called  # Apple and Google were


def addresses(trace: str) -> set[tuple[str, int]]:
    """Every Internet address in a trace of system calls; answers to callers have none."""
    four = re.findall(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)', trace)
    six = re.findall(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"', trace)
    return {(address, int(port)) for port, address in four + six}


class TestAThousandPushesInADay:
    @pytest.fixture
    def google(self, tmp_path, clock_now) -> Iterator[googles.RunningGoogle]:
        with googles.stood_in(tmp_path / "google", clock=clock_now) as running:
            yield running

    @pytest.fixture
    def environment(self, environment, pushes, google) -> dict[str, str]:
        own = {"WALLET_APNS_URL": pushes.url}
        return {**environment, **own, **googles.environment_of(google)}

    @pytest.fixture
    def card(self, client, member) -> dict:
        answer = client.get(member["links"]["google"].removeprefix("http://127.0.0.1:8080"))
        saved = requests.get(answer.location, timeout=5).json()
        assert Phone.with_card(client, member).register().status_code == 201
        return {**member, "object": saved["objectIds"][0]}

    def test_cost_nothing_and_alert_within_googles_limit(
        self, api, card, house, google, pushes
    ) -> None:
        """Pushes to cards are not counted against anybody: a thousand in a day (here a part of
        them, in their share of the day; all of them in `make proofs`) leave no row of their own
        behind, let alone a charge. Google alerts an owner three times a day for one card and no
        more; the card says the newest all the same."""
        before, began_at = rows(house), house.clock()
        for number in range(1, PUSHES + 1):
            api.post("accruals", {"member": card["id"], "points": 1})
            house.run("relay", "apple")
            house.clock.advance(seconds=85)
            if number % 10 == 0:
                house.run("google")
        assert house.clock() - began_at < timedelta(days=1)
        assert pushes.stand_in.heard("0badc0de" * 8).count == PUSHES
        kept = google.stand_in.resources.get(OBJECT, card["object"])
        assert kept["loyaltyPoints"]["balance"]["int"] == PUSHES
        notices = google.stand_in.resources.card(card["object"]).notices
        assert len(notices) == ALERTS_A_DAY
        after = rows(house)
        assert after["google_alert"] - before["google_alert"] == ALERTS_A_DAY
        # A few rows are counters. A thousand are those of the points themselves.
        grown = {name for name in after if after[name] > before[name] + ALERTS_A_DAY}
        assert {name for name in grown if not name.startswith("ledger_")} == set()
        with house.installation.database.reading() as session:
            check_books(session)


def rows(house) -> dict[str, int]:
    """How many every table has, whichever there are."""
    engine = house.installation.database.engine
    found = MetaData()
    found.reflect(engine)
    with house.installation.database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in found.tables.items()
        }
