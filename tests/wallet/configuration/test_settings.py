"""The environment, read once."""

from pathlib import Path

import pytest

from wallet.configuration import settings
from wallet.errors import SettingsError

PRODUCTION = {
    "WALLET_MODE": "production",
    "WALLET_PUBLIC_URL": "https://cards.example.com",
    "WALLET_SECRET_KEY": "a-secret-of-our-own-making-and-length",
    "WALLET_API_KEY": "an-api-key-of-our-own-making-and-length",
    "WALLET_APPLE_CERTS": "/etc/kopilka/certs",
}


def names(refusal: SettingsError) -> list[str]:
    return [refusal.name, *(other.name for other in refusal.others)]


def test_an_empty_environment_is_a_sandbox(tmp_path: Path) -> None:
    found = settings.from_env({"WALLET_DATA": str(tmp_path)})
    assert (found.mode, found.port, found.web_concurrency) == ("sandbox", 8080, 1)
    assert found.public_url == "http://127.0.0.1:8080"
    assert found.embedded
    assert found.apns_url == "https://127.0.0.1:8082"


def test_sandbox_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    first, second = (settings.from_env({"WALLET_DATA": str(tmp_path)}) for _ in range(2))
    assert first == second
    file = tmp_path / "sandbox.env"
    assert file.stat().st_mode & 0o777 == 0o600
    assert first.api_key in file.read_text()
    other = settings.from_env({"WALLET_DATA": str(tmp_path / "other")})
    assert other.api_key != first.api_key


def test_commands_find_the_sandbox_where_it_was_started(tmp_path: Path) -> None:
    environ = {"WALLET_DATA": str(tmp_path)}
    first = settings.from_env({**environ, "PORT": "9100"})
    settings.note_port(first.data, first.port)
    found = settings.from_env(environ)
    assert (found.port, found.sandbox.phone, found.api_key) == (9100, 9101, first.api_key)
    assert found.public_url == "http://127.0.0.1:9100"
    assert settings.from_env({**environ, "PORT": "9200"}).port == 9200
    assert (tmp_path / "sandbox.env").stat().st_mode & 0o777 == 0o600
    settings.note_port(first.data, settings.DEFAULT_PORT)
    assert settings.from_env(environ) == settings.from_env({**environ, "PORT": "8080"})
    assert "PORT" not in (tmp_path / "sandbox.env").read_text()


@pytest.mark.parametrize(
    "name",
    ["WALLET_SECRET_KEY", "WALLET_API_KEY", "WALLET_APPLE_CERTS", "WALLET_PUBLIC_URL"],
)
def test_production_refuses_a_missing_value_by_name(name: str, tmp_path: Path) -> None:
    environment = {**PRODUCTION, "WALLET_DATA": str(tmp_path)}
    del environment[name]
    with pytest.raises(SettingsError) as refusal:
        settings.from_env(environment)
    assert names(refusal.value) == [name]
    assert not (tmp_path / "sandbox.env").exists()


def test_production_names_all_that_is_missing_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings.from_env({"WALLET_MODE": "production", "WALLET_DATA": str(tmp_path)})
    missing = ["WALLET_SECRET_KEY", "WALLET_API_KEY", "WALLET_APPLE_CERTS", "WALLET_PUBLIC_URL"]
    assert names(refusal.value) == missing
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0] for line in lines] == missing
    assert "openssl rand -hex 32" in lines[0]
    assert "https://" in lines[3]


def test_production_begins_without_apple_only_if_it_is_told_to(tmp_path: Path) -> None:
    environment = {**PRODUCTION, "WALLET_DATA": str(tmp_path)}
    assert settings.from_env({**environment, "WALLET_APPLE_CERTS": "none"}).apple_certs is None
    with pytest.raises(SettingsError, match="begin with WALLET_APPLE_CERTS=none: cards are on"):
        settings.from_env({**environment, "WALLET_APPLE_CERTS": ""})
    folder = settings.from_env({**environment, "WALLET_APPLE_CERTS": "./none"}).apple_certs
    assert folder == Path("none")


def test_a_sandbox_has_certificates_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings.from_env({"WALLET_DATA": str(tmp_path), "WALLET_APPLE_CERTS": "none"})
    assert names(refusal.value) == ["WALLET_APPLE_CERTS"]


@pytest.mark.parametrize("name", ["WALLET_SECRET_KEY", "WALLET_API_KEY", "WALLET_WEBHOOK_SECRET"])
def test_production_refuses_secrets_of_a_sandbox(name: str, tmp_path: Path) -> None:
    settings.from_env({"WALLET_DATA": str(tmp_path)})
    lines = (tmp_path / "sandbox.env").read_text().splitlines()
    value = dict(line.split("=", 1) for line in lines)[name]
    with pytest.raises(SettingsError, match=f"^{name}: is a sandbox secret"):
        settings.from_env({**PRODUCTION, name: value})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"PORT": "0"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"WALLET_MODE": "test"}, "WALLET_MODE"),
        ({"WALLET_SECRET_KEY": "short"}, "WALLET_SECRET_KEY"),
        ({"WALLET_SECRET_KEY": f"{'s' * 32},{'t' * 31}"}, "WALLET_SECRET_KEY"),
        ({"WALLET_API_KEY": "k" * 31}, "WALLET_API_KEY"),
        ({"WALLET_API_KEY": "short"}, "WALLET_API_KEY"),
        ({"WALLET_SECRET_KEY": ","}, "WALLET_SECRET_KEY"),
        ({"WALLET_BEAT_SECONDS": "-1"}, "WALLET_BEAT_SECONDS"),
        ({"WALLET_LEASE_SECONDS": "0"}, "WALLET_LEASE_SECONDS"),
        ({"WEB_CONCURRENCY": "2"}, "WEB_CONCURRENCY"),
        ({"WALLET_DATABASE_URL": "postgres://localhost/x"}, "WALLET_DATABASE_URL"),
        ({"WALLET_DATABASE_URL": "mysql://localhost/x"}, "WALLET_DATABASE_URL"),
        ({"WALLET_BROKER_URL": "kafka://x"}, "WALLET_BROKER_URL"),
        ({"WALLET_MODE": "sandbox", "PORT": "65532"}, "PORT"),
        ({"WALLET_RATE_LIMITS": "api=fast"}, "WALLET_RATE_LIMITS"),
        ({"WALLET_RATE_LIMITS": "moon=1/second"}, "WALLET_RATE_LIMITS"),
        ({"WALLET_WEBHOOK_SECRET": "whsec_short"}, "WALLET_WEBHOOK_SECRET"),
        ({"WALLET_WEBHOOK_SECRET": f"whsec_{'c2hv' * 7}cnQ="}, "WALLET_WEBHOOK_SECRET"),
        ({"WALLET_WEBHOOK_SECRET": "c2hv" * 8}, "WALLET_WEBHOOK_SECRET"),
        ({"WALLET_GOOGLE_ISSUER": "338"}, "WALLET_GOOGLE_CREDENTIALS"),
        ({"WALLET_API_KEY_FILE": "/no/such/file"}, "WALLET_API_KEY_FILE"),
        ({"WALLET_APNS_KEY": "/etc/kopilka/push.p8"}, "WALLET_APNS_KEY_ID"),
        ({"WALLET_APNS_KEY": "/a/push.p8", "WALLET_APNS_KEY_ID": "abc"}, "WALLET_APNS_KEY_ID"),
        (
            {"WALLET_APNS_KEY": "AuthKey_ABC123DEFG.p8", "WALLET_APNS_TEAM": "we"},
            "WALLET_APNS_TEAM",
        ),
        ({"WALLET_APNS_KEY_ID": "ABC123DEFG"}, "WALLET_APNS_KEY"),
        ({"WALLET_PUBLIC_URL": "http://cards.example.com"}, "WALLET_PUBLIC_URL"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(changes: dict, name: str) -> None:
    environment = {**PRODUCTION, **changes}
    if name == "WALLET_API_KEY_FILE":
        del environment["WALLET_API_KEY"]
    with pytest.raises(SettingsError) as refusal:
        settings.from_env(environment)
    assert names(refusal.value) == [name]


def test_a_key_given_for_its_path_is_refused_and_not_shown() -> None:
    # pragma: allowlist nextline secret
    key = "-----BEGIN PRIVATE KEY-----\nMIGTAgEAMBMG\n-----END PRIVATE KEY-----"
    with pytest.raises(SettingsError) as refusal:
        settings.from_env({**PRODUCTION, "WALLET_APNS_KEY": key})
    assert names(refusal.value) == ["WALLET_APNS_KEY"]
    assert "MIGTAgEAMBMG" not in str(refusal.value)


def test_a_push_key_tells_its_id_by_its_name() -> None:
    by_name = settings.from_env({**PRODUCTION, "WALLET_APNS_KEY": "/keys/AuthKey_ABC123DEFG.p8"})
    file = Path("/keys/AuthKey_ABC123DEFG.p8")
    assert by_name.apns_key == settings.ApnsKeySettings(file, "ABC123DEFG", None)
    given = {"WALLET_APNS_KEY": str(file), "WALLET_APNS_KEY_ID": "ZZZ123DEFG"}
    by_setting = settings.from_env({**PRODUCTION, **given, "WALLET_APNS_TEAM": "TEAM123456"})
    assert by_setting.apns_key == settings.ApnsKeySettings(file, "ZZZ123DEFG", "TEAM123456")


def test_a_value_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("an-api-key-from-a-file-that-is-long\n")
    environment = {**PRODUCTION, "WALLET_API_KEY_FILE": str(file)}
    del environment["WALLET_API_KEY"]
    assert settings.from_env(environment).api_key == "an-api-key-from-a-file-that-is-long"


def test_a_broker_allows_more_web_processes() -> None:
    found = settings.from_env({**PRODUCTION, "WALLET_BROKER_URL": "redis://127.0.0.1/0"})
    assert (found.web_concurrency, found.embedded) == (2, False)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "starttls", None, None)),
        ("smtps://mail.example.com", ("mail.example.com", 465, "tls", None, None)),
        # pragma: allowlist nextline secret
        ("smtp://a:b%40c@mail:2525", ("mail", 2525, "starttls", "a", "b@c")),
        ("smtp://mail:25?tls=none", ("mail", 25, "none", None, None)),
        ("smtp://localhost:25", ("localhost", 25, "none", None, None)),
    ],
)
def test_where_letters_leave(url: str, found: tuple, tmp_path: Path) -> None:
    file = tmp_path / "mail"
    file.write_text(url)
    environ = {
        "WALLET_DATA": str(tmp_path),
        "WALLET_SMTP_URL_FILE": str(file),
        "WALLET_MAIL_FROM": "Kopilka <a@example.com>",
    }
    read = settings.from_env(environ).mail
    assert (read.host, read.port, read.security, read.user, read.password) == found
    assert "b@c" not in repr(read)


@pytest.mark.parametrize(
    ("url", "sender", "name"),
    [
        (None, "a@example.com", "WALLET_SMTP_URL"),
        ("smtp://mail", None, "WALLET_MAIL_FROM"),
        ("smtp://mail", "nobody", "WALLET_MAIL_FROM"),
        ("smtp://mail", "a@example.com\nBcc: b@example.com", "WALLET_MAIL_FROM"),
        ("http://mail", "a@example.com", "WALLET_SMTP_URL"),
        ("smtp://mail:x", "a@example.com", "WALLET_SMTP_URL"),
        ("smtp://:secret@", "a@example.com", "WALLET_SMTP_URL"),
        ("smtp://mail?tls=maybe", "a@example.com", "WALLET_SMTP_URL"),
    ],
)
def test_letters_that_could_not_leave_are_refused(url, sender, name: str, tmp_path: Path) -> None:
    given = {"WALLET_SMTP_URL": url, "WALLET_MAIL_FROM": sender, "WALLET_DATA": str(tmp_path)}
    with pytest.raises(SettingsError) as refused:
        settings.from_env({key: value for key, value in given.items() if value is not None})
    assert {name} == set(names(refused.value))
    assert "secret" not in str(refused.value)


def test_of_whom_a_second_factor_is_asked(tmp_path: Path) -> None:
    environ = {"WALLET_DATA": str(tmp_path)}
    assert settings.from_env(environ).second_factor == "optional"
    with pytest.raises(SettingsError, match="WALLET_SECOND_FACTOR"):
        settings.from_env({**environ, "WALLET_SECOND_FACTOR": "nobody"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WALLET_SMS_URL", "sms.example.com"),
        ("WALLET_SMS_URL", "http://sms.example.com/send"),
        ("WALLET_SMS_HEADERS", "Authorization: secret"),
        ("WALLET_SMS_HEADERS", '{"X": "a\\nb"}'),
        ("WALLET_SMS_BODY", "to={phone}"),
        ("WALLET_SMS_METHOD", "DELETE"),
    ],
)
def test_what_no_gateway_could_be_asked_with(name: str, value: str, tmp_path: Path) -> None:
    environ = {"WALLET_DATA": str(tmp_path), "WALLET_SMS_URL": "https://sms.example.com/send"}
    assert settings.from_env(environ).sms is not None
    with pytest.raises(SettingsError) as refused:
        settings.from_env({**environ, name: value})
    assert names(refused.value) == [name]
    assert "secret" not in str(refused.value)
