"""The `wallet` command as a table: what it lists, and what it leaves alone until it is needed."""

import os
import subprocess
import sys
from importlib import metadata

import pytest
from click.testing import CliRunner

from wallet.cli import COMMANDS, main

HEAVY = {"celery", "cryptography", "flask", "ledger", "pydantic", "requests", "sqlalchemy"}


def imported(*arguments: str, **environment: str) -> set[str]:
    """All that a process of `wallet <arguments>` imported, as Python itself lists it."""
    process = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wallet", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    lines = [line for line in process.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    assert "wallet.cli" in names, process.stderr
    return names


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_table_agrees_with_the_command(command) -> None:
    loaded = command.load()
    assert loaded.name == command.name
    assert loaded.get_short_help_str(limit=1000) == command.short_help


def test_help_lists_every_command_with_its_help() -> None:
    listed = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    for command in COMMANDS:
        assert f" {command.name} {command.short_help}" in listed


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"], [], ["wbe"]])
def test_what_lists_commands_imports_none(arguments: list[str]) -> None:
    names = imported(*arguments)
    assert not names & HEAVY
    assert {name for name in names if name.startswith("wallet.cli.")} == {"wallet.cli.lazy"}


def test_a_misspelt_name_is_corrected() -> None:
    said = CliRunner().invoke(main, ["wbe"])
    assert (said.exit_code, "Did you mean 'web'?" in said.output) == (2, True)


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("wallet w", ["waves", "web", "worker"]),
        ("wallet ledger ", ["check", "repair", "roots", "verify"]),
        ("wallet ledger roots ", ["export", "key"]),
        ("wallet keys add --s", ["--scope"]),
    ],
)
def test_a_shell_completes(line: str, completions: list[str]) -> None:
    asked = {
        "_WALLET_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    shown = CliRunner().invoke(main, [], prog_name="wallet", env=asked).output
    assert shown.split() == [f"plain,{completion}" for completion in completions]


def test_names_of_commands_are_completed_without_them() -> None:
    asked = {"_WALLET_COMPLETE": "bash_complete", "COMP_WORDS": "wallet ", "COMP_CWORD": "1"}
    assert not imported(**asked) & HEAVY


@pytest.mark.parametrize("words", [[], ["ledger"], ["ledger", "roots"], ["keys", "add"]])
def test_each_level_has_a_short_way_to_its_help(words: list[str]) -> None:
    short, long = (CliRunner().invoke(main, [*words, option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)
    assert short.output.startswith(" ".join(["Usage:", "main", *words]))


def test_the_version_is_the_one_that_was_installed() -> None:
    shown = CliRunner().invoke(main, ["--version"]).output
    assert shown == f"Kopilka, version {metadata.version('kopilka')}\n"


@pytest.mark.parametrize("words", [["keys", "list"], ["ledger", "check"], ["migrate"]])
def test_a_database_that_does_not_answer_is_named(words: list[str], tmp_path) -> None:
    nobody = {
        "WALLET_DATA": str(tmp_path),
        "WALLET_DATABASE_URL": "postgresql+psycopg://kopilka@127.0.0.1:9/kopilka",
    }
    said = CliRunner().invoke(main, words, env=nobody)
    assert (said.exit_code, "Look at WALLET_DATABASE_URL" in said.output) == (1, True)


@pytest.mark.parametrize("words", [["keys", "list"], ["ledger", "check"], ["waves", "list"]])
def test_what_works_on_the_database_alone_reads_no_certificate(
    words: list[str], environment, sqlite_url, tmp_path
) -> None:
    without = {**environment, "WALLET_APPLE_CERTS": str(tmp_path / "none")}
    said = CliRunner().invoke(main, words, env=without)
    assert said.exit_code == 0, said.output


@pytest.mark.parametrize("command", ["keys", "ledger", "migrate", "waves", "certs", "phone"])
def test_small_commands_import_no_web_framework_and_no_task_queue(command: str) -> None:
    assert not imported(command, "--help") & {"flask", "celery", "kombu", "gunicorn"}


def test_the_web_process_imports_nothing_of_the_sandbox() -> None:
    names = imported("web", "--help")
    assert not {name for name in names if name.startswith("wallet.sandbox")}


@pytest.mark.parametrize("words", [["run"], ["web"], ["doctor"], ["keys", "list"]])
def test_a_data_folder_that_cannot_be_used_is_a_sentence(words: list[str], tmp_path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    said = CliRunner().invoke(main, words, env={"WALLET_DATA": str(file / "var")})
    assert said.exit_code == 1
    assert "cannot be used: Not a directory. WALLET_DATA must name a folder" in said.output
    assert "Traceback" not in said.output
