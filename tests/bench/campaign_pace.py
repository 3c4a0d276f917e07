"""A campaign to very many iPhones, from the start to the last card fetched: PostgreSQL, a worker of
two processes, two web processes, a stand-in for Apple's push service and phones that ask for their
cards as real ones do, all on one machine. How many minutes a million cards would take at this pace,
and whether the service needs more memory the longer it goes on.

`make bench` takes 20,000 cards. For a million itself, which takes three quarters of an hour and
10 GB of disk:

    KOPILKA_BENCH_CAMPAIGN_CARDS=1000000 PYTHONPATH=tests/kit .venv/bin/python \\
        tests/bench/campaign_pace.py

It prints how far it is each ten seconds, and in the end who used how much of the processor."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import device_rows
import fast_apns
import servers
from fast_apns import FastApns
from many_phones import Order
from processes import answers, processes, wait_until
from sqlalchemy import text

from ledger.database.engine import Database
from ledger.people.persons import Profile
from ledger.programmes import programmes
from ledger.settings import LedgerSettings
from wallet import migrations
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import DEMO
from wallet.outreach import campaigns
from wallet.outreach.campaigns import CampaignDraft
from wallet.passes import issuing
from wallet.sandbox import certificates, demo

CARDS = int(os.environ.get("KOPILKA_BENCH_CAMPAIGN_CARDS", "20000"))
MILLION = 1_000_000
WORDS = "Латте дня за полцены"
SECRET = "bench-secret-of-thirty-two-characters"  # noqa: S105 - of nobody
PASS_TYPE = certificates.SANDBOX_PASS_TYPE
TICKS = os.sysconf("SC_CLK_TCK")

# Each a member as the one who joined through the service, but for what must be their own.
CLONES = (
    (
        "ledger_member",
        {"id": "n", "public_id": "lpad(to_hex(n), 36, '0')"},
    ),
    ("ledger_person", {"member_id": "n", "name": "'Участник ' || n"}),
    ("ledger_card", {"id": "n", "member_id": "n", "number": "lpad(n::text, 16, '0')"}),
    ("ledger_account", {"id": "n + 1000", "member_id": "n"}),
    ("ledger_balance", {"account_id": "n + 1000", "available": "n % 1000"}),
    (
        "wallet_pass",
        {
            "id": "n",
            "member_id": "n",
            "serial": "lpad(to_hex(n), 32, '0')",
            "content": "content || jsonb_build_object('card_number', lpad(n::text, 16, '0'),"
            " 'barcode', lpad(n::text, 16, '0'), 'name', 'Участник ' || n, 'points', n % 1000)",
        },
    ),
)
REGISTRATIONS = (
    "INSERT INTO apple_registration (device_id, pass_id, created_at)"
    " SELECT n, n, now() FROM generate_series(2, CAST(:last AS bigint)) n"
)


def measure(cards: int = CARDS) -> dict[str, Any]:
    """`campaign_minutes` for a million, `campaign_memory`: what the service's processes hold at the
    end to what they held half-way; and how it came about."""
    with (
        tempfile.TemporaryDirectory(prefix="kopilka-pace-") as name,
        _house(Path(name), cards) as house,
    ):
        house.announce()
        house.watch(cards)
        return house.figures(cards)


@dataclass
class Moment:
    """What was true `at` so many seconds after the start. `cpu_s` and `memory` (MB) are by part."""

    at: float
    frozen: int
    told: int
    pushed: int
    fetched: int
    cpu_s: dict[str, float]
    memory: dict[str, float]


@dataclass
class House:
    database: Database
    apns: FastApns
    phones: "Watched"
    parts: dict[str, int]
    moments: list[Moment] = field(default_factory=list)

    def announce(self) -> None:
        now = datetime.now(UTC)
        with self.database.transaction() as session:
            programme = programmes.by_code(session, DEMO)
            draft = CampaignDraft(
                "Всем", {"ru": WORDS}, quiet=None, consent="any", purpose="service"
            )
            campaign = campaigns.create(session, programme, draft, now)
            campaigns.start(session, campaign.public_id, None, now)

    def watch(self, cards: int) -> None:
        begun, said = time.monotonic(), 0.0
        while not self.moments or self.moments[-1].fetched < cards:
            moment = self._moment(time.monotonic() - begun)
            self.moments.append(moment)
            if moment.at - said >= 10:
                said = moment.at
                sys.stderr.write(f"{json.dumps(asdict(moment))}\n")
            assert not self.phones.tally.get("wrong"), "cards without the words"
            time.sleep(0.5)

    def _moment(self, at: float) -> Moment:
        with self.database.reading() as session:
            frozen, told = session.execute(
                text("SELECT recipients, done FROM outreach_campaign")
            ).one()
        families = {name: _family(pid) for name, pid in self.parts.items()}
        return Moment(
            round(at, 1),
            frozen,
            told,
            self.apns.accepted(),
            self.phones.tally.get("fetched", 0),
            {name: round(sum(map(_cpu_s, pids)), 1) for name, pids in families.items()},
            {name: round(sum(map(_memory, pids)), 1) for name, pids in families.items()},
        )

    def figures(self, cards: int) -> dict[str, Any]:
        with self.database.reading() as session:
            told = session.execute(
                text("SELECT state, count(*) FROM outreach_delivery GROUP BY state")
            ).all()
            versions = session.execute(
                text("SELECT version, count(*) FROM wallet_pass GROUP BY version ORDER BY 1")
            ).all()
        assert dict(map(tuple, told)) == {"told": cards, "no_card": 1}, told
        assert dict(map(tuple, versions)) == {1: 1, 2: cards}, versions
        first, last = self.moments[0], self.moments[-1]
        early, half = (self._when(cards * share) for share in (0.1, 0.5))
        service = ("worker", "web")
        return {
            "campaign_minutes": MILLION / cards * last.at / 60,
            "campaign_memory": sum(last.memory[one] for one in service)
            / sum(half.memory[one] for one in service),
            "campaign_cards": cards,
            "campaign_seconds": last.at,
            "campaign_told_s": next(one.at for one in self.moments if one.told >= cards),
            "campaign_cards_a_second": cards / last.at,
            "campaign_pushes": last.pushed,
            "campaign_cpu_ms_a_card": {
                name: round(1000 * (last.cpu_s[name] - first.cpu_s[name]) / cards, 3)
                for name in last.cpu_s
            },
            "campaign_memory_mb": {
                name: [one.memory[name] for one in (early, half, last)] for name in last.memory
            },
        }

    def _when(self, fetched: float) -> Moment:
        return next(one for one in self.moments if one.fetched >= fetched)


class Watched:
    """The process of the phones, and what it last told of itself."""

    def __init__(self, order: Order) -> None:
        script = Path(__file__).with_name("many_phones.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(asdict(order))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tally: dict[str, int] = {}
        threading.Thread(target=self._hear, daemon=True).start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.tally = json.loads(line)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextlib.contextmanager
def _house(folder: Path, cards: int) -> Iterator[House]:
    chain, port = folder / "certs", servers.free_ports(5)
    certificates.ensure_chain(chain, datetime.now(UTC))
    with (
        servers.postgres(durable=True) as server,
        servers.redis() as redis_url,
        fast_apns.serving(chain, PASS_TYPE) as apns,
    ):
        database = Database(LedgerSettings(server.url("postgres")))
        migrations.upgrade(database.engine)
        _gather(database, cards)
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": str(folder),
            "WALLET_DATABASE_URL": server.url("postgres"),
            "WALLET_BROKER_URL": redis_url,
            "WALLET_APPLE_CERTS": str(chain),
            "WALLET_APNS_URL": apns.url,
            "WALLET_APNS_CA": str(chain / "root.pem"),
            "WALLET_API_KEY": "bench-key-of-thirty-two-characters",
            "WALLET_SECRET_KEY": SECRET,
            "WALLET_PROXY_HOPS": "1",
            "WEB_CONCURRENCY": "2",
        }
        with processes(environment, folder) as service:
            parts = {
                "web": service.start("web").pid,
                "worker": service.start("worker", "--queues", "messages,apple").pid,
                "beat": service.start("beat").pid,
                "postgres": server.pid,
            }
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the web service")
            phones = Watched(Order(apns.control, port, PASS_TYPE, SECRET, WORDS))
            parts |= {"phones": phones.process.pid, "apns": apns.pid}
            try:
                yield House(database, apns, phones, parts)
            finally:
                phones.close()
        database.close()


def _gather(database: Database, cards: int) -> None:
    """One member joins; so many others are as he is, and have their cards in iPhones. Their numbers
    begin with 2."""
    with database.transaction() as session:
        demo.ensure(session, datetime.now(UTC))
        programme = programmes.by_code(session, DEMO)
        keys = KeyRing((SECRET,))
        issuing.join(session, programme, Profile(name="Первый"), PASS_TYPE, keys, datetime.now(UTC))
        last = cards + 1
        for table, own in CLONES:
            columns = session.scalars(
                text("SELECT column_name FROM information_schema.columns WHERE table_name = :name"),
                {"name": table},
            ).all()
            names = ", ".join(columns)
            values = ", ".join(own.get(name, name) for name in columns)
            first = "member_id = 1" if "member_id" in columns else "true"
            session.execute(
                text(
                    f"INSERT INTO {table} ({names}) SELECT {values} FROM {table},"  # noqa: S608
                    f" generate_series(2, {last}) n WHERE {first}"
                )
            )
        phones = ((n, f"{n:032x}", f"{n:064x}") for n in range(2, last + 1))
        device_rows.fill(session, KeyRing((SECRET,)), phones, PASS_TYPE)
        session.execute(text(REGISTRATIONS), {"last": last})
        session.execute(text("DELETE FROM ledger_outbox"))
    with database.engine.connect().execution_options(begin="") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents.setdefault(int(_fields(stat)[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def _fields(stat: Path) -> list[str]:
    """Those of proc(5) behind the name, which may hold anything: the first is the state."""
    return stat.read_text().rpartition(")")[2].split()


def _cpu_s(pid: int) -> float:
    """Of its own, and of its children that are no more."""
    try:
        fields = _fields(Path(f"/proc/{pid}/stat"))
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def _memory(pid: int) -> float:
    """Megabytes that are its own: what is shared with others would be counted with each."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(), indent=2, ensure_ascii=False) + "\n")
