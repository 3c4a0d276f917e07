"""What a list costs the web tier at a million members: 50 of them, by each filter that has an
index, with all that is known of the people and what they agreed to. CPU time of the web process, by
the kernel's count, to that of a Flask view that does nothing on the same server. PostgreSQL's own
is not in it, and neither is who asks. The figure is that of the filter that costs most.

Several clients ask at once. If one did, the process would sleep while PostgreSQL answers, which it
never does for the view that does nothing, and the figure would be that of a processor that wakes
with empty caches: half as much again on one machine, nothing on another.

`KOPILKA_BENCH_MEMBERS` says how many members there are, if not a million."""

import os
import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import servers
from fetching import Served, nothing_served
from processes import answers, processes, wait_until
from sqlalchemy import text

from ledger.people.persons import Profile
from ledger.programmes import programmes
from wallet import migrations
from wallet.access import admission, apikeys, staff, staff_sessions
from wallet.access.staff import Employee
from wallet.configuration import settings
from wallet.configuration.settings import DEMO
from wallet.console.door.door import COOKIE
from wallet.installation import Installation
from wallet.passes import issuing
from wallet.running.assembly import connect
from wallet.sandbox import certificates, demo

MEMBERS = int(os.environ.get("KOPILKA_BENCH_MEMBERS", "1000000"))
ROUNDS = 25
CONSOLE_ROUNDS = 9
REQUESTS = 80  # short, so that each stands between two of the view that does nothing
KEY = "bench-key-of-thirty-two-characters"

# Each as a member who joined through the service, but for what must be their own. One in a hundred
# is merged, one erased, one in a household; one in two agreed to news.
CROWD = """
INSERT INTO ledger_member
    (id, public_id, programme_id, created_at, household_id, merged_into_id, erased_at)
SELECT n, lpad(to_hex(n), 36, '0'), programme_id, created_at + n * interval '10 seconds',
       CASE WHEN n % 100 IN (4, 6) THEN n - 2 END, CASE WHEN n % 100 = 6 THEN n - 2 END,
       CASE WHEN n % 100 = 8 THEN created_at END
FROM ledger_member, generate_series(CAST(2 AS bigint), :many) n WHERE ledger_member.id = 1;
INSERT INTO ledger_person (member_id, programme_id, name, phone, email, birthday, locale,
                           external_id, phone_shared, email_shared)
SELECT id, programme_id, 'Участник ' || id, '+7' || (9000000000 + id), id || '@example.com',
       '1990-05-20', 'ru', 'c-' || id, false, false
FROM ledger_member WHERE id > 1;
INSERT INTO ledger_search_word (member_id, word, programme_id)
SELECT id, word, programme_id FROM ledger_member,
       LATERAL (VALUES ('участник'), (id::text), ('@' || id)) AS of_each (word)
WHERE id > 1;
INSERT INTO ledger_card (id, number, member_id, programme_id, created_at)
SELECT id, lpad(id::text, 16, '0'), id, programme_id, created_at FROM ledger_member WHERE id > 1;
INSERT INTO ledger_account (id, programme_id, unit_id, kind, member_id)
SELECT m.id + 1000, a.programme_id, a.unit_id, a.kind, m.id
FROM ledger_member m, ledger_account a WHERE m.id > 1 AND a.member_id = 1 AND a.kind = 'member';
INSERT INTO ledger_balance (account_id, available, pending, held, debt, next_change_at, closed)
SELECT id, id % 1000, 0, 0, 0, '9999-12-31', false FROM ledger_account WHERE id > 1001;
INSERT INTO ledger_consent (member_id, purpose, given, source, happened_at, recorded_at)
SELECT id, 'marketing', true, 'api', created_at, created_at
FROM ledger_member WHERE id > 1 AND id % 2 = 0;
ANALYZE
"""


# What is asked of the console: every list of members and every search; and the page that stands
# around them, with nothing on it.
MEMBERS_PAGE = f"/console/programmes/{DEMO}/members"
SEARCH_PAGE = f"/console/programmes/{DEMO}/search"
RICH = quote('{"kind":"balance","at_least":500}')
JOINED = quote('{"kind":"joined","days":3000}')
CONSOLE = {
    "members": MEMBERS_PAGE,
    "oldest": f"{MEMBERS_PAGE}?sort=oldest",
    "merged": f"{MEMBERS_PAGE}?state=merged",
    "erased": f"{MEMBERS_PAGE}?state=erased",
    "balance": f"{MEMBERS_PAGE}?tree={RICH}",
    "joined": f"{MEMBERS_PAGE}?tree={JOINED}",
    "name": f"{SEARCH_PAGE}?q={quote('участник 12')}",
    "phone": f"{SEARCH_PAGE}?q={quote('8 900 000 1')}",
    "digits": f"{SEARCH_PAGE}?q=1234",
    "card": f"{SEARCH_PAGE}?q=0000000000001234",
}


def measure() -> dict[str, float]:
    """`list_of_members`: the dearest filter, to a view that does nothing; and each by its name.
    `console_list`: the dearest list or search of the console, to an empty page of it; and each.
    `empty_page`: that page, to the view that does nothing."""
    with (
        tempfile.TemporaryDirectory() as name,
        servers.postgres() as server,
        servers.redis() as redis_url,
    ):
        server.execute("CREATE DATABASE lists")
        folder, port = Path(name), servers.free_port()
        certificates.ensure_chain(folder / "certs", datetime.now(UTC))
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": name,
            "WALLET_DATABASE_URL": server.url("lists"),
            "WALLET_BROKER_URL": redis_url,
            "WALLET_APPLE_CERTS": str(folder / "certs"),
            "WALLET_APNS_URL": "https://127.0.0.1:9",
            "WALLET_API_KEY": KEY,
            "WALLET_SECRET_KEY": "bench-secret-of-thirty-two-characters",
            "WALLET_RATE_LIMITS": "api=1000000/second",
            "WEB_CONCURRENCY": "1",
        }
        installation = connect(settings.from_env(environment))
        migrations.upgrade(installation.database.engine)
        key, since = _crowd(installation)
        token = _signed_in(installation)
        with nothing_served() as nothing, processes(environment, folder) as started:
            web = started.start("web")
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the web to answer")
            try:
                ours = Served(port, web.pid)
                found = {
                    **_measured(ours, nothing, key, since),
                    **_console(ours, {"Cookie": _cookies(port, token)}),
                }
                return {
                    **found,
                    "empty_page": found["console_empty_cpu_s"] / found["nothing_cpu_s"],
                }
            finally:
                installation.database.close()


def _crowd(installation: Installation) -> tuple[str, datetime]:
    """A million members. Returns a key that may see them, and when the middle one joined."""
    now = datetime.now(UTC).replace(microsecond=0)
    with installation.database.transaction() as session:
        demo.ensure(session, now)
        programme = programmes.by_code(session, DEMO)
        pass_type, keys = installation.pass_type, installation.keys
        issuing.join(session, programme, Profile(name="First"), pass_type, keys, now)
        scopes = ["members:read", "personal:read"]
        key = apikeys.issue(session, "crm", scopes, now, programme.id)
    with installation.database.engine.connect() as connection:
        for statement in CROWD.split(";"):
            used: dict[str, Any] = {"many": MEMBERS} if ":many" in statement else {}
            connection.execute(text(statement), used)
        connection.commit()
    return key, now + timedelta(seconds=10 * (MEMBERS // 2))


def _signed_in(installation: Installation) -> str:
    """The session of somebody who may see everything."""
    now = installation.clock()
    with installation.database.transaction() as session:
        admission.add(session, "olga@example.com", "administrator", now)
        employee = staff.locked(session, Employee.email == "olga@example.com")
        return staff_sessions.begin(session, employee.id, now, strong=True)


def _cookies(port: int, token: str) -> str:
    """What the browser of somebody who is signed in sends with each request: the session, and the
    cookie of its forms, which the first page sets."""
    signed_in = f"{COOKIE}={token}"
    page = requests.get(
        f"http://127.0.0.1:{port}{SEARCH_PAGE}", headers={"Cookie": signed_in}, timeout=30
    )
    page.raise_for_status()
    return "; ".join((signed_in, *(f"{one.name}={one.value}" for one in page.cookies)))


def _console(ours: Served, headers: dict[str, str]) -> dict[str, float]:
    ratios: dict[str, list[float]] = {name: [] for name in CONSOLE}
    empties = []
    empty = ours.cpu_at_once(SEARCH_PAGE, headers, REQUESTS)
    for _ in range(CONSOLE_ROUNDS):
        for name, path in CONSOLE.items():
            cost = ours.cpu_at_once(path, headers, REQUESTS)
            before, empty = empty, ours.cpu_at_once(SEARCH_PAGE, headers, REQUESTS)
            empties.append(empty)
            ratios[name].append(2 * cost / (before + empty))
    found = {f"console_{name}": statistics.median(rounds) for name, rounds in ratios.items()}
    return {
        "console_list": max(found.values()),
        **found,
        "console_empty_cpu_s": statistics.median(empties),
    }


def _measured(ours: Served, nothing: Served, key: str, since: datetime) -> dict[str, float]:
    middle = since.isoformat().replace("+00:00", "Z")
    later = (since + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    filters = {
        "all": "",
        "since": f"&since={middle}",
        "until": f"&since={middle}&until={later}",
        "active": "&state=active",
        "merged": f"&state=merged&since={middle}",
        "erased": "&state=erased",
    }
    headers = {"Authorization": f"Bearer {key}"}
    ratios: dict[str, list[float]] = {name: [] for name in filters}
    idles = []
    idle = nothing.cpu_at_once("/healthz", {}, REQUESTS)
    for _ in range(ROUNDS):
        for name, query in filters.items():
            path = f"/api/v1/members?programme={DEMO}{query}"
            cost = ours.cpu_at_once(path, headers, REQUESTS)
            before, idle = idle, nothing.cpu_at_once("/healthz", {}, REQUESTS)
            idles.append(idle)
            ratios[name].append(2 * cost / (before + idle))
    found = {f"list_{name}": statistics.median(rounds) for name, rounds in ratios.items()}
    return {
        "list_of_members": max(found.values()),
        **found,
        "nothing_cpu_s": statistics.median(idles),
    }


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:20} {figure:10.5f}\n")
