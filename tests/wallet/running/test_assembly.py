"""From settings to a connected installation: who pushes with what."""

from collections.abc import Callable
from pathlib import Path

import chains
import pushkeys
import pytest

from wallet.apple.push import Apns, Credential, TokenCredential
from wallet.configuration import settings
from wallet.errors import SettingsError
from wallet.running.assembly import connect

OTHER_TYPE = "pass.example.other"
OTHER_TEAM = "EXAMPLE002"

Connect = Callable[..., dict[str, Credential | TokenCredential]]


@pytest.fixture
def shown(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """What each pass type's connection to Apple shows, with two pass types of two teams."""
    chains.lay(tmp_path / "certs" / chains.PASS_TYPE)
    chains.lay(tmp_path / "certs" / OTHER_TYPE, chains.leaf(OTHER_TYPE, OTHER_TEAM))
    credentials: dict[str, Credential | TokenCredential] = {}

    class Seen(Apns):
        def __init__(self, url: str, ca: Path | None, credential: Credential) -> None:
            credentials[credential.pass_type] = credential
            super().__init__(url, ca, credential)

    monkeypatch.setattr("wallet.running.assembly.Apns", Seen)

    def connected(**changes: str) -> dict[str, Credential | TokenCredential]:
        certs = {"WALLET_APPLE_CERTS": str(tmp_path / "certs")}
        new_cards = {"WALLET_APPLE_PASS_TYPE": chains.PASS_TYPE}
        environ = {**environment, **certs, **new_cards, **changes}
        installation = connect(settings.from_env(environ), clock=lambda: chains.NOW)
        installation.apple.close()
        installation.database.close()
        return credentials

    return connected


def test_without_a_key_each_pass_type_shows_its_certificate(shown: Connect, tmp_path: Path) -> None:
    """As it was read: what becomes of the files meanwhile is for the next look."""
    pem = chains.leaf(OTHER_TYPE, OTHER_TEAM).certificate_pem()
    other = shown()[OTHER_TYPE]
    assert isinstance(other, Credential)
    assert other.certificate == pem
    assert b"PRIVATE KEY" in other.key
    assert "PRIVATE KEY" not in repr(other)
    assert isinstance(shown()[chains.PASS_TYPE], Credential)


def test_a_key_speaks_for_its_own_team_alone(shown: Connect, tmp_path: Path) -> None:
    key = str(pushkeys.make(tmp_path))
    with pytest.raises(SettingsError, match=f"{chains.TEAM}, {OTHER_TEAM}") as refusal:
        shown(WALLET_APNS_KEY=key)
    assert refusal.value.name == "WALLET_APNS_TEAM"
    credentials = shown(WALLET_APNS_KEY=key, WALLET_APNS_TEAM=OTHER_TEAM)
    ours = credentials[OTHER_TYPE]
    assert isinstance(ours, TokenCredential)
    assert ours.tokens.team == OTHER_TEAM
    assert isinstance(credentials[chains.PASS_TYPE], Credential)


def test_a_single_team_need_not_be_named(shown: Connect, tmp_path: Path) -> None:
    chains.lay(tmp_path / "certs" / OTHER_TYPE, chains.leaf(OTHER_TYPE))
    credentials = shown(WALLET_APNS_KEY=str(pushkeys.make(tmp_path)))
    first, second = credentials[chains.PASS_TYPE], credentials[OTHER_TYPE]
    assert isinstance(first, TokenCredential)
    assert isinstance(second, TokenCredential)
    assert first.tokens is second.tokens
    assert first.tokens.team == chains.TEAM
