"""Nothing secret reaches the log."""

import logging

import pytest
import structlog
from phones import TOKEN, Phone

from wallet.configuration import logs


@pytest.fixture(autouse=True)
def _back_to_normal():
    yield
    structlog.reset_defaults()


def test_a_day_in_the_life_leaves_no_secret_in_the_log(
    capsys, caplog, join, client, api, house
) -> None:
    caplog.set_level(logging.DEBUG)
    logs.configure("debug", readable=False)
    member = join(name="Анна Ахматова", phone="+79991234567", email="anna@example.com")
    phone = Phone.with_card(client, member)
    phone.register()
    phone.register(headers={"Authorization": "ApplePass wrong-token-of-somebody"})
    phone.updated()
    phone.fetch()
    client.get(member["links"]["card"].removeprefix("http://127.0.0.1:8080"))
    api.get("members?phone=+79991234567")
    api.post("accruals", {"member": member["id"], "points": 5, "reason": "кофе"})
    house.run()
    captured = capsys.readouterr()
    log = captured.out + captured.err + caplog.text
    assert "request" in log
    for secret in (
        "Ахматова",
        "79991234567",
        "anna@example.com",
        TOKEN,
        phone.device,
        phone.pass_json["authenticationToken"],
        "wrong-token-of-somebody",
        member["links"]["card"].rpartition("/")[2],
        member["card"]["number"],
        house.installation.settings.api_key,
    ):
        assert secret not in log


def test_a_secret_that_is_logged_all_the_same_is_hidden(capsys) -> None:
    logs.configure("info", readable=False)
    structlog.get_logger().info("oops", push_token="abc123", phone="+7999", member=5)
    line = capsys.readouterr().err
    assert "abc123" not in line
    assert "+7999" not in line
    assert '"member":5' in line
