"""The service account's file: what is wrong with it is said by the setting's name."""

import json

import pytest

from wallet.errors import SettingsError
from wallet.google import account
from wallet.google.account import SETTING


def test_a_whole_file_is_an_account(google) -> None:
    info = json.loads(google.credentials.read_text())
    found = account.load(google.credentials)
    assert (found.email, found.key_id) == (info["client_email"], info["private_key_id"])
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize("spoil", ["not json", "[]", "{}", '{"type": "authorized_user"}'])
def test_another_file_is_refused_by_name(tmp_path, spoil: str) -> None:
    path = tmp_path / "account.json"
    path.write_text(spoil)
    with pytest.raises(SettingsError, match=SETTING):
        account.load(path)


@pytest.mark.parametrize("name", ["private_key", "private_key_id", "client_email", "token_uri"])
def test_a_file_with_a_part_missing_is_refused(google, name: str) -> None:
    info = json.loads(google.credentials.read_text())
    del info[name]
    google.credentials.write_text(json.dumps(info))
    with pytest.raises(SettingsError, match=SETTING):
        account.load(google.credentials)


def test_a_file_that_is_not_there_is_refused(tmp_path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        account.load(tmp_path / "nothing.json")
