"""What the command line costs before it does anything: `wallet --version` against the bare start of
Python. Processor time of the whole process, user and system, taken in turns."""

import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 20
BARE = (sys.executable, "-c", "pass")
VERSION = (str(Path(sys.executable).with_name("wallet")), "--version")


def measure() -> dict[str, float]:
    """The ratio, and both sides of it in milliseconds; medians."""
    for command in (BARE, VERSION):
        _cpu_ms(command)  # the first run compiles and reads from the disk
    bare, version = [], []
    for _ in range(ROUNDS):
        bare.append(_cpu_ms(BARE))
        version.append(_cpu_ms(VERSION))
    bare_ms, version_ms = statistics.median(bare), statistics.median(version)
    return {
        "startup": version_ms / bare_ms,
        "startup_bare_ms": bare_ms,
        "startup_version_ms": version_ms,
    }


def _cpu_ms(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return used * 1000


if __name__ == "__main__":
    for name, value in measure().items():
        sys.stdout.write(f"{name:20} {value:8.2f}\n")
