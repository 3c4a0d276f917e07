"""The `wallet` command, as an operator types it."""

import json
from collections.abc import Callable
from pathlib import Path

import chains
import pytest
from click.testing import CliRunner, Result
from phones import Phone, opened
from PIL import Image
from sqlalchemy import text

from wallet.cli import main


@pytest.fixture
def wallet(environment: dict[str, str], house) -> Callable[..., Result]:
    """Runs a command in the environment of the house."""

    def run(*arguments: str, **changes: str) -> Result:
        return CliRunner().invoke(main, arguments, env={**environment, **changes})

    return run


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    for name in ("run", "web", "worker", "beat", "migrate", "doctor", "certs", "phone"):
        assert f"  {name} " in shown


def test_a_programme_is_added_and_can_be_joined(wallet, client) -> None:
    added = wallet("programmes", "add", "bakery", "Пекарня «Крендель»")
    assert (added.exit_code, added.output) == (0, "http://127.0.0.1:8080/join/bakery\n")
    again = wallet("programmes", "add", "bakery", "Пекарня")
    assert again.exit_code == 1
    assert again.output == "Error: There is a programme 'bakery' already.\n"


def test_a_database_of_another_release_is_named(wallet, house) -> None:
    with house.installation.database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    refused = wallet("programmes", "add", "bakery", "Пекарня")
    assert refused.exit_code == 1
    assert "wallet migrate" in refused.output


def test_a_design_goes_out_and_comes_back_and_cards_follow(
    wallet, client, member, house, tmp_path: Path
) -> None:
    phone = Phone.with_card(client, member)
    folder = tmp_path / "design"
    assert wallet("design", "export", "demo", str(folder)).exit_code == 0
    document = json.loads((folder / "design.json").read_text())
    document["background"] = "#004d40"
    (folder / "design.json").write_text(json.dumps(document))
    Image.new("RGB", (160, 50), "white").save(folder / "logo.png")
    imported = wallet("design", "import", "demo", str(folder))
    assert imported.exit_code == 0, imported.output
    house.run()
    assert opened(phone.fetch().data)["backgroundColor"] == "rgb(0, 77, 64)"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "logo.png").write_bytes(b"GIF89a"), "logo.png"),
        (lambda folder: (folder / "design.json").write_text("{"), "design.json"),
        (lambda folder: (folder / "design.json").write_text("{}"), "organization"),
        (lambda folder: (folder / "design.json").unlink(), "no such file"),
        (lambda folder: (folder / "cat.png").write_bytes(b"\x89PNG\r\n"), "cat.png"),
    ],
)
def test_a_design_that_will_not_do_changes_nothing(
    wallet, client, member, house, tmp_path: Path, spoil, words: str
) -> None:
    folder = tmp_path / "design"
    wallet("design", "export", "demo", str(folder))
    spoil(folder)
    refused = wallet("design", "import", "demo", str(folder))
    assert refused.exit_code == 1
    assert words in refused.output
    assert "Traceback" not in refused.output
    with house.installation.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM wallet_template")).scalar() == 1
        assert session.execute(text("SELECT count(*) FROM wallet_wave")).scalar() == 0


def test_certificates_are_made_and_checked(wallet, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    assert wallet("certs", "dev", str(folder)).output.endswith("made.\n")
    assert wallet("certs", "dev", str(folder)).output.endswith("still good.\n")
    checked = wallet("certs", "check", str(folder))
    assert "pass.sandbox.loyalty: good. Team SANDBOX000" in checked.output
    (folder / "pass.sandbox.loyalty" / "pass.key").write_text("nonsense")
    refused = wallet("certs", "check", str(folder))
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: not_pem: ")
    assert "pass.key" in refused.output


def test_a_certificate_with_few_days_left_is_not_called_good(wallet, tmp_path: Path) -> None:
    folder = chains.lay(tmp_path / "own", chains.leaf(last_day=13))
    checked = wallet("certs", "check", str(folder))
    assert checked.exit_code == 0
    assert f"{chains.PASS_TYPE}: warning: renew it soon. Team" in checked.output
    assert "good" not in checked.output


PRODUCTION = {
    "WALLET_MODE": "production",
    "WALLET_PUBLIC_URL": "https://127.0.0.1:9",
    "WALLET_SECRET_KEY": "a-secret-of-our-own-making-and-length",
    "WALLET_API_KEY": "an-api-key-of-our-own-making-and-length",
}


@pytest.mark.parametrize("command", ["doctor", "web", "worker", "beat", "run"])
def test_production_refuses_the_sandboxs_certificates(wallet, command: str) -> None:
    refused = wallet(command, **PRODUCTION)
    assert refused.exit_code == 1
    assert "WALLET_APPLE_CERTS: holds the sandbox certificate" in refused.output


@pytest.mark.parametrize("command", ["web", "doctor"])
def test_a_start_in_production_says_all_that_is_missing_at_once(wallet, command: str) -> None:
    changes = {"WALLET_SECRET_KEY": "", "WALLET_PUBLIC_URL": "http://cards.example.com"}
    refused = wallet(command, **{**PRODUCTION, **changes}, WALLET_BROKER_URL="redis://127.0.0.1:9")
    assert refused.exit_code == 1
    for words in (
        "WALLET_SECRET_KEY: is not set",
        "WALLET_PUBLIC_URL: must",
        "WALLET_APPLE_CERTS: holds the sandbox certificate",
        "Broker at 127.0.0.1 does not answer",
    ):
        assert words in refused.output
    assert "Traceback" not in refused.output


def test_a_wrong_setting_is_a_sentence(wallet) -> None:
    refused = wallet("migrate", PORT="http")
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: PORT: 'http' is not a number from 1 to 65535.\n",
    )
