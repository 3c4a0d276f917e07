"""Jobs: what is under way, whatever it is; and what needs a hand."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from ledger.imports import store
from ledger.imports.store import Import
from wallet.access.exports import Export
from wallet.receivers.receivers import Receiver
from wallet.running import attention, jobs
from wallet.running.jobs import Job

API_KEY = "sandbox-test-key-of-32-characters"
GOOD = "Телефон;Баланс\n+79990000001;10\n+79990000002;20\n"
BAD = "Телефон;Баланс\n+79990000003;x\n+79990000004;20\n"
TEXTS = {"ru": "Привет", "en": "Hello"}


@pytest.fixture
def send(client, house) -> Callable[[str], str]:
    """Send a file of members, and have it read."""

    def sent(text: str) -> str:
        answer = client.post(
            "/api/v1/imports?programme=demo&kind=members",
            data=text.encode(),
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )
        assert answer.status_code == 201, answer.text
        return answer.get_json()["id"]

    return sent


@pytest.fixture
def listed(house) -> Callable[[], list[Job]]:
    def found() -> list[Job]:
        with house.installation.database.reading() as session:
            return jobs.listed(session, 1, house.clock())

    return found


@pytest.fixture
def at_work(house) -> Callable[[], int]:
    def found() -> int:
        with house.installation.database.reading() as session:
            return jobs.running(session, 1, house.clock())

    return found


def export(api) -> None:
    answer = api.get("exports/members?programme=demo")
    assert answer.status_code == 200
    assert answer.data
    answer.close()  # as a server does, and only then it has ended


def test_an_import_from_the_file_to_the_end(send, api, house, listed, at_work) -> None:
    assert (listed(), at_work()) == ([], 0)
    id_ = send(GOOD)
    (job,) = listed()
    assert (job.kind, job.id, job.state, job.step, job.total) == (
        "import",
        id_,
        "running",
        "reading",
        None,
    )
    assert at_work() == 1
    house.run(store.IMPORTS)
    (job,) = listed()
    assert (job.state, job.step, job.done, job.total, job.by) == ("waiting", "checked", 2, 2, None)
    assert at_work() == 0
    api.post(f"imports/{id_}/apply", {})
    house.clock.advance(seconds=30)
    with house.installation.database.transaction() as session:
        session.execute(update(Import).values(applied=1))
    (job,) = listed()
    assert (job.state, job.step, job.done, job.percent) == ("running", "applying", 1, 50)
    assert job.ends_about == house.clock() + timedelta(seconds=30)
    assert job.by is not None
    assert (job.by.kind, at_work()) == ("environment", 1)
    with house.installation.database.transaction() as session:
        session.execute(update(Import).values(applied=0))
    house.run(store.IMPORTS)
    (job,) = listed()
    assert (job.state, job.done, job.total, job.is_open) == ("done", 2, 2, False)
    house.clock.advance(days=8)
    assert listed() == []


def test_campaigns_waves_and_exports_stand_beside_it(api, member, house, listed, at_work) -> None:
    body = {"programme": "demo", "name": "Весна", "texts": TEXTS, "purpose": "service"}
    campaign = api.post("campaigns", body).get_json()["id"]
    assert listed() == []  # nobody began it
    api.post(f"campaigns/{campaign}/start", {})
    api.post("offers", {"programme": "demo", "title": "Кофе"})
    house.run("upkeep", "relay")
    export(api)
    found = {job.kind: job for job in listed()}
    assert set(found) == {"campaign", "wave", "export"}
    assert (found["campaign"].name, found["campaign"].step) == ("Весна", "gathering")
    assert found["campaign"].state == "running"
    assert found["campaign"].by is not None
    assert (found["wave"].state, found["wave"].done) == ("running", 0)
    assert (found["export"].state, found["export"].done) == ("done", 1)
    assert at_work() == 2
    api.post(f"campaigns/{campaign}/pause", {})
    assert {job.kind: job.state for job in listed()}["campaign"] == "paused"
    assert at_work() == 1
    api.post(f"campaigns/{campaign}/resume", {})
    house.run("upkeep", "relay", "waves", "messages")
    assert {job.state for job in listed()} == {"done"}
    assert at_work() == 0


def test_an_export_whose_process_died_is_not_under_way_for_ever(
    api, member, house, listed, at_work
) -> None:
    export(api)
    with house.installation.database.transaction() as session:
        session.execute(update(Export).values(ended_at=None, complete=False))
    assert (listed()[0].state, at_work()) == ("running", 1)
    house.clock.advance(hours=7)
    assert (listed()[0].state, at_work()) == ("failed", 0)


class TestConcerns:
    @pytest.fixture
    def concerns(self, house) -> Callable[..., list[tuple[str, int]]]:
        def found(*rights: str) -> list[tuple[str, int]]:
            with house.installation.database.reading() as session:
                told = attention.concerns(session, house.installation, 1, rights.__contains__)
            return [(one.kind, one.number) for one in told]

        return found

    def test_files_that_wait_for_somebody(self, send, house, concerns) -> None:
        for text in (GOOD, BAD, "a,b\n1,2\n"):
            send(text)
        house.run(store.IMPORTS)
        assert sorted(concerns("imports:write")) == [
            ("import_has_bad_rows", 1),
            ("import_refused", 0),
            ("import_waits", 2),
        ]
        assert concerns("campaigns:read") == []

    def test_a_paused_campaign(self, api, member, concerns) -> None:
        body = {"programme": "demo", "name": "Весна", "texts": TEXTS, "purpose": "service"}
        id_ = api.post("campaigns", body).get_json()["id"]
        api.post(f"campaigns/{id_}/start", {})
        assert concerns("campaigns:read") == []
        api.post(f"campaigns/{id_}/pause", {})
        assert concerns("campaigns:read") == [("campaign_paused", 0)]

    def test_receivers_that_fail(self, api, house, concerns) -> None:
        body = {"name": "CRM", "url": "http://127.0.0.1:9999/hook"}
        assert api.post("receivers", body).status_code == 201
        assert concerns("receivers:write") == []
        with house.installation.database.transaction() as session:
            session.execute(
                update(Receiver).values(
                    paused_until=house.clock() + timedelta(hours=1), failing_since=house.clock()
                )
            )
        assert concerns("receivers:write") == [("receiver_fails", 0)]
        with house.installation.database.transaction() as session:
            session.execute(update(Receiver).values(enabled=False, disabled_because="gone"))
        assert concerns("receivers:write") == [("receiver_off", 0)]

    def test_who_looks_after_the_company_hears_of_the_installation(
        self, api, member, client, house, concerns
    ) -> None:
        assert concerns("company:write") == []
        api.post("accruals", {"member": member["id"], "points": 5})
        house.clock.advance(hours=1)
        assert concerns("company:write") == [("nobody_works", 0)]
        house.clock.advance(days=4000)
        assert "certificate_ends" in dict(concerns("company:write"))
        assert concerns("members:read", "imports:write") == []
