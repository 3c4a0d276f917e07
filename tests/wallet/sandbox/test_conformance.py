"""The conformance kit finds what published PassKit servers do wrong, and nothing in a right one."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from passkit_server import PassKitServer, serving
from servers import free_ports
from werkzeug.serving import make_server

from wallet.cli import main
from wallet.sandbox.apns import RunningApns
from wallet.sandbox.conformance.device import ProbePass, Pushes, card_from
from wallet.sandbox.conformance.inspection import Kit, inspect
from wallet.sandbox.conformance.rules import RULES


def kit_for(service: PassKitServer) -> Kit:
    cards = [ProbePass.read(service.bundle(serial)) for serial in service.passes]
    tick_s = 1.1 if service.fault == "dates_by_now" else 0.0
    return Kit(cards, service.change, Pushes(service.url, 0.2), patience_s=0.2, tick_s=tick_s)


def broken(kit: Kit) -> set[str]:
    return {finding.rule.code for finding in inspect(kit) if finding.verdict == "broken"}


def test_a_service_that_keeps_the_rules_breaks_none() -> None:
    with serving() as service:
        findings = list(inspect(kit_for(service)))
    assert [(one.rule.code, one.verdict, one.seen) for one in findings] == [
        (code, "holds", "") for code in RULES
    ]


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        ("keeps_dead_token", {"push_dead_token"}),
        ("keeps_old_token", {"push_follows_token"}),
        ("repeats_tag", {"change_is_listed"}),
        ("loses_serials", {"list_complete", "changes_all_listed"}),
        ("date_as_number", {"list_unchanged", "list_any_tag"}),
        ("list_wants_token", {"list_is_open"}),
        ("empty_list", {"list_unchanged", "list_stranger"}),
        ("number_tag", {"list_shape"}),
        ("tells_strangers", {"list_stranger", "unregister"}),
        ("dates_by_now", {"fetch_date_stays"}),
        ("coarse_dates", {"changes_within_a_second"}),
        ("never_304", {"fetch_not_modified"}),
        ("gives_to_anybody", {"fetch_needs_token"}),
    ],
)
def test_a_fault_is_named_by_the_rule_it_breaks(fault: str, rules: set[str]) -> None:
    with serving(fault) as service:
        assert rules <= broken(kit_for(service))


def test_the_command_says_what_is_broken_where_the_rule_stands_and_what_was_not_tried(
    tmp_path: Path,
) -> None:
    with serving("list_wants_token") as service:
        card = tmp_path / "card.pkpass"
        card.write_bytes(service.bundle("one"))
        told = CliRunner().invoke(main, ["conformance", str(card), "--lang", "ru"])
    assert told.exit_code == 1
    assert "НАРУШЕНО      list_is_open: Список изменений отвечает без заголовка" in told.output
    assert "увидели: 401" in told.output
    assert "источник: Apple, PassKit Web Service Reference: Getting the Serial" in told.output
    assert "не проверено  push_arrives" in told.output
    assert "Дайте --change, чтобы проверить изменения." in told.output


def test_a_card_without_a_web_service_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "card.pkpass").write_bytes(b"no zip")
    told = CliRunner().invoke(main, ["conformance", str(tmp_path / "card.pkpass")])
    assert told.exit_code == 1
    assert "Not a pass" in told.output


# Our own service


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    url = f"http://127.0.0.1:{free_ports(1)}"
    return {**environment, "WALLET_APNS_URL": pushes.url, "WALLET_PUBLIC_URL": url}


@pytest.fixture
def served(app: Flask, environment: dict[str, str]) -> Iterator[str]:
    url = environment["WALLET_PUBLIC_URL"]
    server = make_server("127.0.0.1", int(url.rpartition(":")[2]), app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def test_our_own_service_keeps_every_rule(served, house, api, join, pushes) -> None:
    numbers = {}
    for name in ("Анна", "Борис"):
        member = join(name=name)
        numbers[card_from(member["links"]["apple"])] = member["card"]["number"]

    def change(serial: str) -> None:
        card = next(card for card in numbers if card.serial == serial)
        house.clock.advance(seconds=1)
        given = api.post("accruals", {"card": numbers[card], "points": 1})
        assert given.status_code == 201
        house.run()

    kit = Kit(list(numbers), change, Pushes(pushes.control_url, 0.5), 0.5, tick_s=0.0)
    findings = list(inspect(kit))
    assert [(one.rule.code, one.verdict, one.seen) for one in findings] == [
        (code, "holds", "") for code in RULES
    ]
