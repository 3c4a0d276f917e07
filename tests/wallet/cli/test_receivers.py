"""Receivers of events on the command line."""

import pytest
from receiving import receiving, status


def test_a_receiver_is_added_tried_and_removed(wallet, house) -> None:
    with receiving() as crm:
        assert wallet("receivers", "list").output.startswith("None.")
        added = wallet("receivers", "add", "CRM", crm.url, "--type", "points.*", "--personal")
        assert added.exit_code == 0, added.output
        secret = added.output.strip()
        assert secret.startswith("whsec_")
        assert "CRM: on, " in wallet("receivers", "list").output
        assert wallet("receivers", "test", "CRM").exit_code == 0
        house.clock.advance(minutes=1)  # commands read the clock of the machine
        house.run("events")
        (message,) = crm.messages
        assert message.is_signed_by(secret)
        assert "receiver.tested: taken, 200" in wallet("receivers", "attempts", "CRM").output
        assert wallet("receivers", "attempts", "CRM", "--failed").output.startswith("None failed")
        new = wallet("receivers", "rotate", "CRM").output.strip()
        assert wallet("receivers", "retire", "CRM").output.endswith(": 1.\n")
        event = str(message.event["id"])
        assert wallet("receivers", "replay", "CRM", "--event", event).exit_code == 0
        crm.react = lambda _: status(500)
        house.clock.advance(minutes=1)
        house.run("events")
        assert crm.messages[1].is_signed_by(new)
        assert not crm.messages[1].is_signed_by(secret)
        assert "refused, 500" in wallet("receivers", "attempts", "CRM", "--failed").output
        assert "is told up to event" in wallet("doctor").output
        assert wallet("receivers", "switch", "CRM", "off").output == "CRM is off.\n"
        assert "is switched off" in wallet("receivers", "test", "CRM").output
        assert wallet("receivers", "remove", "CRM").exit_code == 0
        assert wallet("receivers", "list").output.startswith("None.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "CRM", "http://192.168.1.5/"), "internal network"),
        (("add", "CRM", "https://example.com/", "--type", "points"), "no type points"),
        (("add", "CRM", "https://example.com/", "--programme", "tea"), "tea"),
        (("remove", "CRM"), "no such receiver"),
        (("replay", "CRM"), "Give one of"),
    ],
)
def test_what_does_not_fit_is_said_in_words(wallet, arguments, said) -> None:
    answer = wallet("receivers", *arguments)
    assert answer.exit_code != 0
    assert said in answer.output


def test_in_production_nobody_inside_may_be_called(wallet) -> None:
    changes = {"WALLET_RECEIVER_NETWORKS": "10.0.0.5"}
    refused = wallet("receivers", "add", "CRM", "http://127.0.0.1/", **changes)
    assert "internal network" in refused.output
    assert wallet("receivers", "add", "CRM", "http://10.0.0.5/", **changes).exit_code == 0
    wrong = wallet("receivers", "list", WALLET_RECEIVER_NETWORKS="the office")
    assert "WALLET_RECEIVER_NETWORKS" in wrong.output
