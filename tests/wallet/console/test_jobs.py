"""Jobs in the console: what runs, how far it came, and how it is stopped."""

import html
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from visitors import HOME, Visitor, signed_in

from ledger.imports.store import Import
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.access.changes import RecordedChange
from wallet.access.exports import Export
from wallet.delivery.waves import Wave
from wallet.outreach.campaigns import Campaign

JOBS = f"{HOME}jobs"
API_KEY = "sandbox-test-key-of-32-characters"
TEXTS = {"ru": "Привет", "en": "Hello"}


def words(page: str) -> str:
    """What a page says."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


@pytest.fixture
def campaign(api, member) -> str:
    """The id of one that runs."""
    body = {"programme": "demo", "name": "<b>Весна</b>", "texts": TEXTS, "purpose": "service"}
    id_ = api.post("campaigns", body).get_json()["id"]
    assert api.post(f"campaigns/{id_}/start", {}).status_code == 200
    return id_


@pytest.fixture
def file(client, house) -> Callable[[str], str]:
    """Send a file of members and have it read; its id."""

    def sent(text: str) -> str:
        answer = client.post(
            "/api/v1/imports?programme=demo&kind=members",
            data=text.encode(),
            headers={"Authorization": f"Bearer {API_KEY}", "Content-Type": "text/csv"},
        )
        house.run("imports")
        return answer.get_json()["id"]

    return sent


@pytest.fixture
def marketer(client, installation) -> Visitor:
    return signed_in(client, installation, "marketer")


def state(installation) -> str:
    with installation.database.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def test_what_runs_is_there_after_a_reload_and_in_the_bar(installation, campaign, marketer) -> None:
    page = marketer.read(JOBS)
    assert "&lt;b&gt;Весна&lt;/b&gt;" in page
    assert "recipients are gathered" in words(page)
    assert "1 job runs." in words(page)
    assert "the API key of the settings" in words(page)
    assert 'hx-trigger="every 3s"' in page
    with installation.database.transaction() as session:
        session.execute(
            update(Campaign).values(
                frozen_at=installation.clock(), recipients=4000, done=1000, started_at=None
            )
        )
    page = words(marketer.read(JOBS))
    assert "1,000 of 4,000" in page
    bar = marketer.read(f"{JOBS}/bar")
    assert "1 job runs, 25 %" in words(bar)
    assert "every 5s" in bar
    assert f'hx-get="{JOBS}/bar" hx-trigger="load"' in marketer.read(HOME)


def test_a_list_that_asked_hears_what_changed_and_then_asks_no_more(
    house, campaign, marketer
) -> None:
    same = marketer.read(f"{JOBS}/list?of=all&running=1")
    assert "jobs-said" not in same
    house.run("messages")
    over = marketer.read(f"{JOBS}/list?of=all&running=1")
    assert 'hx-swap-oob="innerHTML">Nothing runs.' in over
    assert "hx-trigger" not in over
    assert "done" in words(over)
    assert words(marketer.read(f"{JOBS}/bar")).strip() == ""


def test_an_empty_list_says_so(marketer) -> None:
    assert "ran in the last seven days" in words(marketer.read(JOBS))


def test_a_campaign_is_paused_resumed_and_cancelled(installation, campaign, marketer) -> None:
    answer = marketer.send(JOBS, f"{JOBS}/campaign/{campaign}/pause")
    assert (answer.status_code, answer.location) == (303, JOBS)
    assert state(installation) == "paused"
    assert "Paused." in words(marketer.read(JOBS))
    marketer.send(JOBS, f"{JOBS}/campaign/{campaign}/resume")
    assert state(installation) == "running"
    with installation.database.transaction() as session:
        session.execute(
            update(Campaign).values(frozen_at=installation.clock(), recipients=1400, done=400)
        )
    asked = words(marketer.read(f"{JOBS}/campaign/{campaign}/end"))
    assert "Got it: 400. The message stays on their cards. Will not get it: 1,000." in asked
    assert state(installation) == "running"
    marketer.send(f"{JOBS}/campaign/{campaign}/end", f"{JOBS}/campaign/{campaign}/cancel")
    assert state(installation) == "cancelled"
    with installation.database.reading() as session:
        lines = session.scalars(
            select(RecordedChange)
            .where(RecordedChange.author_kind == "employee", RecordedChange.of_kind == "campaign")
            .order_by(RecordedChange.id)
        ).all()
    assert [line.code for line in lines] == [
        "campaign.paused",
        "campaign.resumed",
        "campaign.cancelled",
    ]
    assert {line.author_name for line in lines} == {"marketer@example.com"}
    assert lines[-1].fields["state"] == ["running", "cancelled"]


def test_what_came_to_its_end_meanwhile_is_said_and_stays(
    installation, house, campaign, marketer
) -> None:
    page = marketer.get(JOBS).text
    house.run("messages")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    answer = marketer.post(f"{JOBS}/campaign/{campaign}/cancel", csrf_token=token[1])
    assert answer.status_code == 303
    assert "done" in words(marketer.read(JOBS))
    assert state(installation) == "done"
    assert marketer.get(f"{JOBS}/campaign/{campaign}/end").status_code == 404


def test_an_import_is_withdrawn(installation, file, marketer) -> None:
    id_ = file("Телефон;Баланс\n+79990000001;x\n+79990000002;5\n")
    page = words(marketer.read(JOBS))
    assert "2 rows, 1 of them bad" in page
    assert "waits for a decision" in page
    asked = words(marketer.read(f"{JOBS}/import/{id_}/end"))
    assert "All that was kept of the file is deleted." in asked
    answer = marketer.send(f"{JOBS}/import/{id_}/end", f"{JOBS}/import/{id_}/withdraw")
    assert answer.status_code == 303
    with installation.database.reading() as session:
        assert session.scalars(select(Import)).all() == []
        line = session.scalars(
            select(RecordedChange).where(RecordedChange.code == "import.withdrawn")
        ).one()
    assert line.author_name == "marketer@example.com"


def test_an_update_of_cards_is_cancelled(installation, api, member, house, marketer) -> None:
    api.post("offers", {"programme": "demo", "title": "Кофе"})
    house.run("upkeep", "relay")
    with installation.database.reading() as session:
        wave = session.scalars(select(Wave)).one()
    assert "Update of all cards" in words(marketer.read(JOBS)) or wave.offer_id is not None
    marketer.send(JOBS, f"{JOBS}/wave/{wave.public_id}/pause")
    marketer.send(f"{JOBS}/wave/{wave.public_id}/end", f"{JOBS}/wave/{wave.public_id}/cancel")
    with installation.database.reading() as session:
        assert session.scalars(select(Wave.state)).one() == "cancelled"


class TestRights:
    def test_who_may_only_look_has_no_buttons(self, client, installation, campaign) -> None:
        viewer = signed_in(client, installation, "viewer")
        page = viewer.read(JOBS)
        assert "Весна" in page
        assert "<button" not in page.partition('id="jobs"')[2]
        answer = viewer.send(JOBS, f"{JOBS}/campaign/{campaign}/cancel")
        assert answer.status_code == 403
        assert state(installation) == "running"
        assert viewer.get(f"{JOBS}/campaign/{campaign}/end").status_code == 404

    def test_files_are_for_who_may_import(self, client, installation, file) -> None:
        file("Телефон;Баланс\n+79990000002;5\n")
        assert "Import of a file" not in signed_in(client, installation, "viewer").read(JOBS)

    def test_a_cashier_has_no_jobs_and_no_bar(self, client, installation) -> None:
        cashier = signed_in(client, installation, "cashier")
        assert cashier.get(JOBS).status_code == 403
        assert "jobs-bar" not in cashier.read(HOME)

    def test_jobs_of_another_programme_are_not_there(
        self, client, installation, file, campaign
    ) -> None:
        with installation.database.transaction() as session:
            other = programmes.create(session, Terms("second", "Second"), installation.clock())
        import_id = file("Телефон;Баланс\n+79990000002;5\n")
        marketer = signed_in(client, installation, "marketer", other.id)
        theirs = "/console/programmes/second/jobs"
        assert "Весна" not in marketer.read(theirs)
        form = "/console/programmes/second/"
        for place in (f"campaign/{campaign}/cancel", f"import/{import_id}/withdraw"):
            assert marketer.send(form, f"{theirs}/{place}").status_code == 404
        assert marketer.send(form, f"{theirs}/campaign/none/pause").status_code == 404
        assert marketer.send(form, f"{theirs}/import/{import_id}/pause").status_code == 404
        assert state(installation) == "running"


@pytest.mark.parametrize("role", ["administrator", "manager", "marketer"])
def test_an_export_that_runs_is_shown_and_takes_no_turns(client, api, installation, role) -> None:
    reader = signed_in(client, installation, role)
    assert api.get("exports/members?programme=demo").status_code == 200
    with installation.database.transaction() as session:
        session.execute(update(Export).values(ended_at=None, complete=False))
    page = reader.read(f"{JOBS}/list")
    assert "Export of members" in page
    assert 'method="post"' not in page
