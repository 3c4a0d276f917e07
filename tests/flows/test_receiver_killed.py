"""A worker that is killed between sending an event and noting it, as a process of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Processes, processes, wait_until
from receiving import receiving


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def service(environment: dict[str, str], redis_url: str, tmp_path: Path) -> Iterator[Processes]:
    environment |= {
        "WALLET_BROKER_URL": redis_url.replace("/0", f"/{uuid.uuid4().int % 15 + 1}"),
        "WALLET_LEASE_SECONDS": "4",
        "WALLET_BEAT_SECONDS": "0.5",
    }
    with processes(environment, tmp_path) as started:
        yield started


def test_a_killed_worker_is_followed_by_one_that_sends_the_same(
    house, api, member, service: Processes
) -> None:
    with receiving() as crm:
        body = {"name": "CRM", "url": crm.url, "types": ["points.*"]}
        receiver = api.post("receivers", body).get_json()
        for points in range(1, 6):
            api.post("accruals", {"member": member["id"], "points": points})
        house.run("relay", "seals")
        service.start("beat")
        killed = service.start(
            "worker",
            "--queues",
            "events",
            "--concurrency=1",
            dies_before=("INSERT INTO wallet_event_attempt", 1),
        )
        killed.wait(60)
        first = {one.id: one.body for one in crm.messages}
        assert len(first) == 5
        service.start("worker", "--queues", "events", "--concurrency=1")
        place = f"receivers/{receiver['id']}"
        newest = max(one["id"] for one in crm.events)
        wait_until(lambda: api.get(place).get_json()["position"] == newest, "the events noted")
        assert {one.id: one.body for one in crm.messages} == first
        assert len(crm.messages) == 10
        assert all(one.is_signed_by(receiver["secret"]) for one in crm.messages)
        assert len(api.get(f"{place}/attempts").get_json()["items"]) == 5
