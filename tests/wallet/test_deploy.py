"""What stands in deploy/, the Procfile and both READMEs, held against the program they speak of: a
command that `wallet` does not know, or a setting that nobody reads, is found here."""

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from wallet.access import apikeys
from wallet.cli import main
from wallet.cli.lazy import LazyCommand
from wallet.configuration import settings
from wallet.running.pumps import PUMP_NAMES

TOP = Path(__file__).parents[2]
UNITS = sorted((TOP / "deploy/systemd").glob("*.service"))
COMPOSE = TOP / "deploy/compose.yaml"
READMES = ("README.md", "README.ru.md")
SETTING = re.compile(r"\b(?:WALLET_[A-Z_]+|WEB_CONCURRENCY|PORT)\b")


class Unit(configparser.RawConfigParser):
    """A systemd unit: names keep their case, and some come several times."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read_string(path.read_text())


def understood(command: str) -> None:
    """Parsed as the shell and `wallet` would; raises what they would say. Nothing is run."""
    program, *arguments = shlex.split(command)
    assert Path(program).name == "wallet"
    found: click.Command = main
    while isinstance(found, click.Group):
        name, arguments = arguments[0], arguments[1:]
        assert name in found.commands, f"wallet {name}: there is no such command"
        found = found.commands[name]
        if isinstance(found, LazyCommand):
            found = found.load()
    found.make_context(found.name, arguments)


def read_settings() -> set[str]:
    """Every name that is looked up at a start."""

    class Noted(dict[str, str]):
        def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
            asked.add(name)
            return super().get(name, default)  # type: ignore[arg-type]

    asked: set[str] = set()
    settings.from_env(
        Noted(
            WALLET_MODE="production",
            WALLET_PUBLIC_URL="https://cards.example.com",
            WALLET_SECRET_KEY="a-secret-of-our-own-making-and-of-length",
            WALLET_API_KEY="an-api-key-of-our-own-that-is-long-enough",
            WALLET_APPLE_CERTS="certs",
            WALLET_GOOGLE_ISSUER="3388000000000000002",
            WALLET_GOOGLE_CREDENTIALS="google.json",
        )
    )
    return asked


def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text())


def ours(document: dict) -> dict[str, dict]:
    """The services that run our image."""
    return {k: one for k, one in document["services"].items() if one["image"] == "kopilka"}


def commands() -> Iterator[tuple[str, str]]:
    for line in (TOP / "Procfile").read_text().splitlines():
        name, _, command = line.partition(":")
        yield f"Procfile {name}", command.strip()
    for name, service in ours(compose()).items():
        yield f"compose {name}", service["command"]
    for path in UNITS:
        command = Unit(path)["Service"]["ExecStart"]
        yield path.name, command.replace("%i", "apple")


@pytest.mark.parametrize("command", [pytest.param(one, id=name) for name, one in commands()])
def test_every_command_is_one_that_wallet_knows(command: str) -> None:
    understood(command)


def test_a_command_that_wallet_does_not_know_is_noticed() -> None:
    with pytest.raises(AssertionError):
        understood("wallet serve")
    with pytest.raises(click.UsageError):
        understood("wallet worker --queue apple")


def test_every_setting_in_them_is_one_that_is_read() -> None:
    known = read_settings()
    for service in ours(compose()).values():
        assert set(service["environment"]) <= known
    written = (TOP / "deploy/systemd/kopilka.env").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", written, re.MULTILINE)) <= known
    image = (TOP / "deploy/Dockerfile").read_text()
    assert set(SETTING.findall(image)) <= known


@pytest.mark.parametrize("name", READMES)
def test_the_table_of_settings_names_each_that_is_read_and_no_other(name: str) -> None:
    table = re.findall(r"^\| (`.+?) \|", (TOP / name).read_text(), re.MULTILINE)
    named = {setting for cell in table for setting in SETTING.findall(cell)}
    assert named == {one for one in read_settings() if not one.endswith("_FILE")}


def test_both_readmes_say_the_same_commands() -> None:
    """The words around them are each language's own, and so are comments."""

    def commands_of(name: str) -> list[str]:
        blocks = re.findall(
            r"^```sh\n(.*?)^```$", (TOP / name).read_text(), re.MULTILINE | re.DOTALL
        )
        return [re.sub(r"(^|\s)# .*$", "", block, flags=re.MULTILINE) for block in blocks]

    english, russian = map(commands_of, READMES)
    assert len(english) > 5
    assert english == russian


@pytest.mark.parametrize("where", ["compose", "units"])
def test_production_starts_with_what_is_set_in_them(where: str) -> None:
    """Files they name are given contents here; that they exist is for the operator."""
    if where == "compose":
        environment = dict(ours(compose())["web"]["environment"])
        environment |= {"WALLET_PUBLIC_URL": "https://cards.example.com", "WALLET_PROXY_HOPS": "1"}
        environment |= {"WALLET_GOOGLE_ISSUER": "", "WALLET_GOOGLE_CREDENTIALS": ""}
        environment |= {"WALLET_SMTP_URL": "", "WALLET_MAIL_FROM": ""}
        environment |= dict.fromkeys(
            ("WALLET_SMS_URL", "WALLET_SMS_HEADERS", "WALLET_SMS_BODY"), ""
        )
    else:
        written = (TOP / "deploy/systemd/kopilka.env").read_text()
        environment = dict(re.findall(r"^([A-Z_]+)=(.*)$", written, re.MULTILINE))
    contents = {
        "WALLET_DATABASE_URL": "postgresql+psycopg://kopilka:x@postgres/kopilka",
        "WALLET_SECRET_KEY": "a-secret-of-our-own-making-and-of-length",
        "WALLET_API_KEY": "an-api-key-of-our-own-that-is-long-enough",
    }
    for name in {name for name in contents if f"{name}_FILE" in environment}:
        environment[name] = contents[name]
        del environment[f"{name}_FILE"]
    found = settings.from_env(environment)
    assert (found.mode, found.embedded, found.google) == ("production", False, None)
    assert found.proxy_hops == 1


def test_every_queue_has_a_worker_in_either() -> None:
    wanted = set(PUMP_NAMES)
    for place in ("compose", "kopilka-worker"):
        known = [
            command
            for name, command in commands()
            if name.startswith(place) and "wallet worker" in command
        ]
        heard = {queue for command in known for queue in command.split()[-1].split(",")}
        if place == "kopilka-worker":
            target = Unit(TOP / "deploy/systemd/kopilka.target")["Unit"]["Wants"]
            heard |= set(re.findall(r"kopilka-worker@([\w-]+)\.service", target))
            assert all(path.name in target for path in UNITS if "@" not in path.name)
        assert heard == wanted


INSTALL = TOP / "deploy/install.sh"


def test_the_script_for_a_bare_machine_says_what_wallet_knows() -> None:
    """It is tried as a whole on a bare Debian; here, that it speaks of this very release."""
    script = INSTALL.read_text().replace("\\\n", " ").replace('"$folder"', ".")
    said = re.findall(r"(?:kopilka|/wallet) ([a-z]+ [^;|>&)\n]+)", script)
    commands = {one for one in said if one.split()[0] in main.commands}
    assert {one.split()[0] for one in commands} == {"certs", "programmes", "keys", "members"}
    for command in commands:
        understood(f"wallet {command}")
    changed = set(re.findall(r"set_to (\w+)", script))
    written = (TOP / "deploy/systemd/kopilka.env").read_text()
    assert changed <= set(re.findall(r"^#?([A-Z_]+)=", written, re.MULTILINE))
    scopes = set(re.findall(r"--scope (\S+)", script))
    assert scopes and scopes <= set(apikeys.SCOPES)
    (by_hand,) = re.findall(
        r"^apt-get install -y (make .*)$", (TOP / "README.md").read_text(), re.M
    )
    assert set(by_hand.split()) <= set(script.split())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 1, "has to run as root|expects? the checkout in /opt/kopilka"),
        (("--help",), 0, "Usage: deploy/install.sh"),
        (("--quickly",), 2, "Usage: deploy/install.sh"),
    ],
)
def test_the_script_changes_nothing_where_it_cannot_work(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    copy = tmp_path / "deploy" / "install.sh"
    copy.parent.mkdir()
    shutil.copy(INSTALL, copy)
    done = subprocess.run(["sh", copy, *arguments], capture_output=True, text=True)
    assert done.returncode == code
    assert re.search(says, done.stdout + done.stderr)


def _make(folder: Path, pip: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make install` into a folder of its own, with this in place of pip."""
    program = folder / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    tool = folder / "pip"
    tool.write_text(f"#!/bin/sh\n{pip}\n")
    tool.chmod(0o755)
    make = ["make", "--no-print-directory", f"VENV={folder}", f"PIP={tool}", "install", *arguments]
    return subprocess.run(make, cwd=TOP, capture_output=True, text=True)


def test_an_installation_says_how_far_it_is(tmp_path: Path) -> None:
    each = "for n in $(seq 25); do echo Collecting p-$n; done"
    collects = f"{each}; echo Installing collected packages"
    done = _make(tmp_path / "venv", f'case "$*" in *hashes*) {collects};; esac')
    assert done.returncode == 0, done.stderr
    assert [re.sub(r"[:(].*", "", line).rstrip() for line in done.stdout.splitlines()] == [
        "2 of 3",
        *(f"   {n} of about {_locked()} packages" for n in (10, 20)),
        "   all of them are here",
        "3 of 3",
    ]


def test_a_package_that_is_not_to_be_had_ends_the_installation(tmp_path: Path) -> None:
    failed = _make(tmp_path / "venv", "echo Collecting a; echo no such package >&2; exit 1")
    assert failed.returncode != 0
    assert "no such package" in failed.stderr
    assert "3 of 3" not in failed.stdout


def _locked() -> int:
    lines = (TOP / "requirements.lock").read_text().splitlines()
    return sum(bool(re.match(r"[a-z0-9].*==", line)) for line in lines)


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    image = (TOP / "deploy/Dockerfile").read_text()
    assert re.search(r"^USER kopilka$", image, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in image
    bases = re.findall(r"^FROM (\S+)", image, re.MULTILINE)
    assert bases and all(re.fullmatch(r"python:3\.1[123]-slim-\w+", base) for base in bases)
    assert "/readyz" in image


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_every_unit_is_kept_in_and_given_time_to_finish(path: Path) -> None:
    service = Unit(path)["Service"]
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "MemoryDenyWriteExecute"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["User"] == "kopilka"
    if service["Type"] != "oneshot":
        assert int(service["TimeoutStopSec"]) > 30


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze, "this test needs systemd-analyze (Debian: apt-get install systemd)"
    for path in (TOP / "deploy/systemd").glob("*.[st][ea]r*"):
        text = path.read_text().replace("/opt/kopilka/.venv/bin/wallet", "/bin/true")
        (tmp_path / path.name).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    assert len(units) == len(UNITS) + 1
    said = subprocess.run([analyze, "verify", *units], capture_output=True, text=True)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
