"""Readers written by others, who know nothing of us. Where one cannot be had, the run says who did
not judge, and the rest goes on."""

import shutil
from pathlib import Path

KDE_HEADERS = Path("/usr/include/KPim/KPkPass/pass.h")

NOT_JUDGED = {}
if not (KDE_HEADERS.exists() and shutil.which("cmake") and shutil.which("c++")):
    NOT_JUDGED["test_kde.py"] = "KDE's pass reader (Debian: libkpimpkpass-dev, cmake, g++)"
if not (shutil.which("node") and shutil.which("npm")):
    NOT_JUDGED["test_passkit_generator.py"] = "passkit-generator (Debian: nodejs, npm)"

collect_ignore = list(NOT_JUDGED)


def pytest_report_header() -> list[str]:
    return [f"not judged by {who}" for who in NOT_JUDGED.values()]
