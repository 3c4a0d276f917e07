"""A Python client, made from the OpenAPI document as an integrator makes it, and used against a
running service."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from wallet.api.bodies import events

NAME = "kopilka_client"
KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def made(client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the package that was made. The generator has nothing to warn of."""
    document, settings = tmp_path / "openapi.json", tmp_path / "settings.yaml"
    document.write_bytes(client.get("/api/openapi.json").data)
    settings.write_text(json.dumps({"post_hooks": []}))
    subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
            *("--path", document, "--output-path", tmp_path / NAME, "--meta", "none"),
            *("--config", settings),
        ],
        check=True,
        timeout=240,
    )
    monkeypatch.syspath_prepend(tmp_path)
    for module in [one for one in sys.modules if one.partition(".")[0] == NAME]:
        del sys.modules[module]  # that of a test before, whose folder is gone
    return NAME


def test_a_made_client_joins_accrues_and_reads(made: str, address: str) -> None:
    client = import_module(made).AuthenticatedClient(base_url=address, token=KEY)
    models = import_module(f"{made}.models")

    def call(group: str, name: str):
        return import_module(f"{made}.api.{group}.{name}").sync

    member = call("members", "create_member")(
        client=client,
        body=models.MemberIn(programme="demo", name="Anna", external_id="c-1001"),
        idempotency_key="member-c-1001",
    )
    assert isinstance(member, models.MemberOut)
    posting = call("points", "create_accrual")(
        client=client,
        body=models.AccrualIn(member=member.id, points=100, receipt="1001"),
        idempotency_key="receipt-1001",
    )
    assert posting.balance.available == 100
    statement = call("statements", "list_member_postings")(member.id, client=client)
    assert [(line.points, line.receipt) for line in statement.items] == [(100, "1001")]
    refused = call("points", "create_redemption")(
        client=client,
        body=models.RedemptionIn(member=member.id, points=900),
        idempotency_key="receipt-1002",
    )
    assert isinstance(refused, models.Problem)
    assert (refused.code, refused.additional_properties["available"]) == (
        "insufficient_points",
        100,
    )
    assert refused.type_.endswith("/api/docs/errors#insufficient_points")


def test_a_made_client_writes_texts_by_language_and_changes_what_it_names(
    made: str, address: str
) -> None:
    client = import_module(made).AuthenticatedClient(base_url=address, token=KEY)
    models = import_module(f"{made}.models")

    def call(group: str, name: str):
        return import_module(f"{made}.api.{group}.{name}").sync

    texts = {"ru": "Латте за полцены", "en": "Latte is half price"}
    campaign = call("campaigns", "create_campaign")(
        client=client,
        body=models.CampaignIn.from_dict(
            {"programme": "demo", "name": "Latte", "texts": texts, "holdout_percent": 10}
        ),
    )
    assert campaign.texts.to_dict() == texts
    changed = call("campaigns", "update_campaign")(
        campaign.id, client=client, body=models.CampaignChange(name="Friday latte")
    )
    assert (changed.name, changed.holdout_percent) == ("Friday latte", 10)
    assert changed.texts.to_dict() == texts
    message = call("messages", "update_built_in_message")(
        "demo",
        "lapsed",
        client=client,
        body=models.MessageTermsIn.from_dict({"on": True, "texts": texts}),
    )
    assert message.texts.to_dict() == texts
    offer = call("offers", "create_offer")(
        client=client, body=models.OfferIn.from_dict({"programme": "demo", "title": texts})
    )
    assert offer.titles.to_dict() == texts


def test_a_made_client_reads_events_of_every_type(made: str) -> None:
    models = import_module(f"{made}.models")
    for name, told in events.DATA_OF.items():
        example = events.example(name)
        event = models.EventTold.from_dict(example)
        assert (event.type_, type(event.data).__name__) == (name, told.__name__)
        assert set(event.data.to_dict()) == set(example["data"])
