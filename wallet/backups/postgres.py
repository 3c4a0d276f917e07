"""PostgreSQL's own tools, found on PATH: they know what belongs to a database better than we ever
shall. They get passwords by the environment, since everybody on the machine may read a command
line."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import Engine, text

from wallet.backups.manifest import BackupRefused

VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def dump(engine: Engine, snapshot: str, target: Path) -> None:
    """Write the database, in the state of the exported `snapshot`, to `target`. Raises
    `BackupRefused`."""
    _run(
        engine,
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        f"--file={target}",
    )


def load(engine: Engine, source: Path) -> None:
    """Load a dump into an empty database, all of it or nothing. Raises `BackupRefused`."""
    _run(
        engine,
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        str(source),
    )


def require(tool: str, at_least: int, what: str) -> int:
    """The tool's major version. Raises `BackupRefused` if the tool is missing, or older than
    version `at_least`, which `what` has."""
    path = shutil.which(tool)
    if path is None:
        raise BackupRefused(
            "tool_missing",
            f"{tool} is not on PATH. Install PostgreSQL's client programs (Debian:"
            " postgresql-client) on this machine.",
        )
    command = [path, "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = VERSION.search(answer.stdout)
    version = int(found[1]) if found else 0
    if version < at_least:
        raise BackupRefused(
            "tool_too_old",
            f"{tool} on PATH is of PostgreSQL {version} and {what} of {at_least}. Install client"
            f" programs of {at_least} or newer.",
        )
    return version


def server_version(engine: Engine) -> int:
    """The server's major version, such as 17."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SHOW server_version_num"))) // 10_000


def _run(engine: Engine, tool: str, *arguments: str) -> None:
    where, environment = _connection(engine)
    command = [shutil.which(tool) or tool, f"--dbname={where}", *arguments]
    answer = subprocess.run(  # noqa: S603 - nothing of it was typed by others
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if answer.returncode != 0:
        raise BackupRefused("tool_failed", f"{tool} gave up: {_first_complaint(answer.stderr)}")


def _connection(engine: Engine) -> tuple[str, dict[str, str]]:
    """The connection for the command line, without the password, and the environment with it."""
    _, known = engine.dialect.create_connect_args(engine.url)
    said = {name: str(value) for name, value in known.items() if isinstance(value, str | int)}
    password = said.pop("password", None)
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = password
    return make_conninfo("", **said), environment


def _first_complaint(stderr: str) -> str:
    """The first line that tells of an error. Later lines may quote rows."""
    lines: Sequence[str] = [line for line in stderr.splitlines() if "error:" in line]
    return (lines or stderr.splitlines() or ["it did not say why."])[0][:300]
