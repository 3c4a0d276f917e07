"""Readers written by others, who know nothing of us. Where one cannot be had, the run says who did
not judge, and the rest goes on."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH")
KDE_HEADERS = Path("/usr/include/KPim/KPkPass/pass.h")

NOT_JUDGED = {}
if not (KDE_HEADERS.exists() and shutil.which("cmake") and shutil.which("c++")):
    NOT_JUDGED["test_kde.py"] = "KDE's pass reader (Debian: libkpimpkpass-dev, cmake, g++)"
if not (shutil.which("node") and shutil.which("npm")):
    NOT_JUDGED["test_passkit_generator.py"] = "passkit-generator (Debian: nodejs, npm)"
    NOT_JUDGED["test_typescript_client.py"] = "TypeScript's compiler (Debian: nodejs, npm)"

collect_ignore = list(NOT_JUDGED)


def pytest_report_header() -> list[str]:
    return [f"not judged by {who}" for who in NOT_JUDGED.values()]


@pytest.fixture(scope="session")
def npm_folder(pytestconfig: pytest.Config) -> Callable[[Path], Path]:
    """A copy of a folder with the packages of its lock, installed once for each lock. Skips the
    test where npm reaches no registry."""

    def made(source: Path) -> Path:
        assert pytestconfig.cache is not None
        lock = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
        place = Path(pytestconfig.cache.mkdir(f"{source.name.replace('_', '-')}-{lock[:16]}"))
        for file in source.iterdir():
            shutil.copy(file, place / file.name)
        if not (place / "installed").exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                [*command, "--prefer-offline"], cwd=place, capture_output=True, text=True
            )
            if done.returncode != 0 and NO_NETWORK.search(done.stderr):
                pytest.skip(f"not judged by {source.name} (npm reaches no registry)")
            assert done.returncode == 0, done.stderr
            (place / "installed").touch()
        return place

    return made
