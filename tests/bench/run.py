"""`make bench`: every figure as a ratio inside one run, on the screen and in var/bench.json."""

import json
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import ledger_bench
import sealing
import signing

RESULTS = Path("var/bench.json")
LEDGER = (
    ("posting_8", "one posting a call, 8 workers / pgbench, 8 clients", 0.20, 0.35),
    ("posting_1", "one posting a call, 1 worker / pgbench, 1 client", 0.35, 0.50),
    ("redemption", "redemption over 10 open lots, 8 workers / pgbench, 8 clients", 0.12, 0.25),
    ("batch", "batches of 1,000, 1 worker / pgbench doing the same", 0.30, 0.60),
    ("common_programme", "one common programme / a hundred", 0.85, 1.0),
    ("sqlite", "SQLite: one posting / the bare driver doing the same", 0.20, 0.33),
)


@dataclass(frozen=True)
class Figure:
    """A measured ratio between what must not be fallen below and what is hoped for."""

    name: str
    what: str
    value: float
    floor: float
    goal: float

    @property
    def verdict(self) -> str:
        if self.value < self.floor:
            return "BELOW THE FLOOR"
        return "goal" if self.value >= self.goal else "floor"


def main() -> int:
    signed = signing.measure()
    booked = ledger_bench.measure()
    sealed = sealing.measure()
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
            "sealing_cpu_share",
            "CPU of posting / CPU of posting and sealing, outside the database",
            sealed["cpu_share"],
            0.80,
            0.90,
        ),
    ]
    sys.stdout.write(f"{'':66} {'measured':>9} {'floor':>6} {'goal':>6}\n")
    for one in figures:
        sys.stdout.write(
            f"{one.what:66} {one.value:9.3f} {one.floor:6.2f} {one.goal:6.2f}  {one.verdict}\n"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "figures": [{**asdict(one), "verdict": one.verdict} for one in figures],
        "details": {**signed, **booked, **sealed},
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    return int(any(one.value < one.floor for one in figures))


if __name__ == "__main__":
    sys.exit(main())
