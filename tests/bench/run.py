"""`make bench`: every figure as a ratio inside one run, on the screen and in var/bench.json."""

import json
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import campaign_pace
import fast_apns
import fetching
import http_bench
import import_bench
import ledger_bench
import listing
import moving
import pricing
import pushing
import sealing
import signing
import size_bench
import startup
import telling

RESULTS = Path("var/bench.json")
LEDGER = (
    ("posting_8", "one posting a call, 8 workers / pgbench, 8 clients", 0.20, 0.35),
    ("posting_1", "one posting a call, 1 worker / pgbench, 1 client", 0.35, 0.50),
    ("redemption", "redemption over 10 open lots, 8 workers / pgbench, 8 clients", 0.12, 0.25),
    ("batch", "batches of 1,000, 1 worker / pgbench doing the same", 0.30, 0.60),
    ("common_programme", "one common programme / a hundred", 0.85, 1.0),
    ("sqlite", "SQLite: one posting / the bare driver doing the same", 0.20, 0.33),
)
PUSHING = (
    ("sender", "sender, pushes/s / h2load, one connection", 0.13, 1.0),
    ("sender_slow", "the same with answers after 50 ms", 0.85, 0.95),
    ("drain", "100,000 rows, due to recorded, 1 process: h2load's time / ours", 0.09, 0.15),
    ("counted_empty", "cost of it after an ANALYZE of the empty queue / before", 1.3, 1.1),
    ("idle_p99_ms", "accrual committed to push accepted, idle, p99, ms", 300, 100),
    ("busy_p99_ms", "the same while 100,000 rows drain, p99, ms", 2000, 1000),
    ("registrations", "cost of a push at 1,000,000 phones / at 10,000", 1.3, 1.1),
)
CAMPAIGN = (
    ("campaign_minutes", "a campaign to 1,000,000 iPhones at this pace, minutes", 180, 20),
    ("campaign_memory", "memory of web and worker, end of it / half-way", 1.1, 1.03),
)
FETCHING = (
    ("changed", "GET of a changed card, CPU / one RSA-2048 signature", 3.0, 2.0),
    ("list", "GET of the list, requests/s / a view that does nothing", 0.35, 0.5),
    ("unchanged", "GET answered 304, requests/s / a view that does nothing", 0.35, 0.5),
)


IMPORTING = (
    ("import_sqlite_apply_growth", "import, SQLite: CPU of a row, last fifth / first", 1.5, 1.15),
    ("import_postgresql_apply_growth", "the same on PostgreSQL", 1.5, 1.15),
    ("import_peak_mb", "import: most memory that its process took, MB", 400, 256),
)
PRICING = (
    ("pricing", "20 lines by 118 promotions, CPU / a view that does nothing", 10.0, 4.0),
    (
        "promotions_growth",
        "the same by 1,000 promotions / by the 10 of them that touch it",
        3.0,
        1.3,
    ),
    ("quote", "POST /quotes of it, CPU / a view that does nothing", 15.0, 8.0),
)


@dataclass(frozen=True)
class Figure:
    """A measured ratio between what is demanded and what is hoped for: at least, or, where less is
    better, at most."""

    name: str
    what: str
    value: float
    floor: float
    goal: float

    @property
    def failed(self) -> bool:
        return not self._reaches(self.floor)

    @property
    def verdict(self) -> str:
        if self.failed:
            return "FAILED"
        return "goal" if self._reaches(self.goal) else "floor"

    def _reaches(self, mark: float) -> bool:
        less_is_better = self.goal < self.floor
        return self.value <= mark if less_is_better else self.value >= mark


def main() -> int:
    signed = signing.measure()
    booked = ledger_bench.measure()
    served = http_bench.measure()
    sized = size_bench.measure()
    sealed = sealing.measure()
    imported = import_bench.measure()
    fetched = fetching.measure()
    started = startup.measure()
    told = telling.measure()
    moved = moving.measure()
    listed = listing.measure()
    priced = pricing.measure()
    lacking = fast_apns.missing()
    pushed = {} if lacking else {**pushing.measure(), **campaign_pace.measure()}
    figures = [
        Figure(
            "signing_ratio",
            "changed passes signed / raw RSA-2048 signatures, per CPU-second",
            signed["signing_ratio"],
            0.75,
            0.84,
        ),
        *(Figure(name, what, booked[name], floor, goal) for name, what, floor, goal in LEDGER),
        Figure(
            "http_accrual",
            "accruals over HTTP, 2 web processes / pgbench, 8 clients",
            served["http_accrual"],
            0.08,
            0.15,
        ),
        Figure(
            "full_book",
            "server CPU of a posting: ten million entries / none (at most)",
            sized["full_book"],
            1.8,
            1.4,
        ),
        Figure(
            "sealing_cpu_share",
            "CPU of posting / CPU of posting and sealing, outside the database",
            sealed["cpu_share"],
            0.80,
            0.90,
        ),
        Figure(
            "startup",
            "CPU of `wallet --version` / of `python -c pass`",
            started["startup"],
            6.0,
            3.0,
        ),
        Figure(
            "events_out",
            "events out, delivered and recorded/s by 1 process / h2load",
            told["events_out"],
            0.05,
            0.15,
        ),
        Figure(
            "moving",
            "move of 1,000,000 members to PostgreSQL, rows a CPU-second / COPY",
            moved["moving"],
            0.1,
            0.3,
        ),
        Figure(
            "list_of_members",
            "list of 50 members at 1,000,000, CPU / a view that does nothing",
            listed["list_of_members"],
            5.0,
            3.0,
        ),
        Figure(
            "console_list",
            "any list or search of the console at 1,000,000, CPU / an empty signed-in page",
            listed["console_list"],
            4.0,
            2.0,
        ),
        Figure(
            "empty_page",
            "an empty signed-in page of the console, CPU / a view that does nothing",
            listed["empty_page"],
            6.0,
            3.0,
        ),
        *(Figure(name, what, imported[name], floor, goal) for name, what, floor, goal in IMPORTING),
        *(Figure(name, what, priced[name], floor, goal) for name, what, floor, goal in PRICING),
        *(Figure(name, what, fetched[name], floor, goal) for name, what, floor, goal in FETCHING),
        *(
            Figure(name, what, pushed[name], floor, goal)
            for name, what, floor, goal in (*PUSHING, *CAMPAIGN)
            if pushed
        ),
    ]
    sys.stdout.write(f"{'':66} {'measured':>9} {'floor':>7} {'goal':>7}\n")
    for one in figures:
        sys.stdout.write(
            f"{one.what:66} {one.value:9.3f} {one.floor:7.2f} {one.goal:7.2f}  {one.verdict}\n"
        )
    if lacking:
        sys.stdout.write(f"Not measured: pushes and campaigns. {lacking}\n")
    RESULTS.parent.mkdir(exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "figures": [{**asdict(one), "verdict": one.verdict} for one in figures],
        "details": {
            **signed,
            **booked,
            **served,
            **sized,
            **sealed,
            **started,
            **imported,
            **fetched,
            **told,
            **moved,
            **listed,
            **priced,
            **pushed,
        },
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    return int(any(one.failed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
