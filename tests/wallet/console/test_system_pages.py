"""Pages of what lets other systems in, and tells them: API keys, receivers and sources; and of the
record of changes."""

import re
from html import unescape

import pytest
from receiving import receiving, status
from sqlalchemy import select, text
from visitors import Visitor, signed_in

from ledger.programmes import programmes
from wallet.access import apikeys, changes, grants
from wallet.access.changes import Author, ChangedThing, RecordedChange
from wallet.migrations import append_only
from wallet.receivers import receivers
from wallet.receivers.receivers import ReceiverTerms

KEYS = "/console/keys"
HOOKS = "/console/programmes/demo/webhooks"
CHANGES = "/console/programmes/demo/changes"
OPENED = re.compile(r'name="opened" value="([^"]+)"')


@pytest.fixture
def head(client, installation) -> Visitor:
    return signed_in(client, installation, "administrator", email="head@example.com")


@pytest.fixture
def manager(app, installation) -> Visitor:
    """The manager of one programme."""
    return signed_in(app.test_client(), installation, "manager", 1)


def shown(page: str, name: str) -> str:
    """The secret that a page shows in the field of this name."""
    found = re.search(rf'id="{name}" value="([^"]+)"', page)
    assert found, page
    return unescape(found[1])


class TestKeys:
    def test_one_is_made_shown_once_used_and_revoked(self, manager, client, installation) -> None:
        made = manager.send(
            f"{KEYS}/new", name="CRM", where="demo", scopes=["members:read"], last_day="2999-12-30"
        )
        key = shown(made.text, "key")
        page = f"{KEYS}/{self.id_of(installation, 'CRM')}"
        assert "never used" in manager.read(KEYS)
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get("/api/v1/members?programme=demo", headers=headers).status_code == 200
        read = manager.read(page)
        assert (
            "in use" in read and "see members, their balances and history" in unescape(read).lower()
        )
        assert key not in read
        assert "Whatever uses it is refused at once." in manager.read(f"{page}/revoke")
        gone = manager.send(f"{page}/revoke")
        assert (gone.status_code, gone.location) == (303, KEYS)
        body = {"programme": "demo"}
        assert client.post("/api/v1/members", json=body, headers=headers).status_code == 401
        assert "revoked" in manager.read(KEYS)
        assert manager.send(f"{page}/revoke").status_code == 422  # it was done

    def id_of(self, installation, name: str) -> int:
        with installation.database.reading() as session:
            return apikeys.named(session, name).id

    @pytest.mark.parametrize(
        ("entries", "said"),
        [
            ({"name": ""}, "Please fill this in."),
            ({"where": "*"}, "Please choose one of them."),
            ({"where": "nowhere"}, "Please choose one of them."),
            ({"scopes": []}, "Choose what the key may do."),
            ({"scopes": ["no:such"]}, "more than you may do yourself"),
            ({"everything": "yes"}, "more than you may do yourself"),
            ({"last_day": "2020-01-01"}, "Its last day is over already."),
            ({"last_day": "9999-12-31"}, "This is not a day."),
            ({"last_day": "soon"}, "This is not a day."),
            ({"name": "taken"}, "There is a key &#39;taken&#39; already"),
        ],
    )
    def test_what_does_not_fit_is_said_and_nothing_typed_is_lost(
        self, manager, installation, entries, said
    ) -> None:
        with installation.database.transaction() as session:
            apikeys.issue(session, "taken", ["*"], installation.clock())
        typed = {"name": "CRM", "where": "demo", "scopes": ["members:read"], **entries}
        answer = manager.send(f"{KEYS}/new", **typed)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{typed["name"]}"' in answer.text
        if "members:read" in typed["scopes"]:
            assert 'value="members:read" checked' in answer.text

    def test_whoever_may_everything_everywhere_can_hand_that_on(self, head, installation) -> None:
        assert head.send(f"{KEYS}/new", name="all", where="*", everything="yes").status_code == 200
        with installation.database.reading() as session:
            key = apikeys.named(session, "all")
        assert (key.scopes, key.programme_id) == (["*"], None)
        assert "everything" in head.read(KEYS)

    def test_keys_of_other_programmes_are_not_there(self, head, manager, installation) -> None:
        head.send(f"{KEYS}/new", name="all", where="*", everything="yes")
        assert ">all<" not in manager.read(KEYS)
        assert "WALLET_API_KEY" not in manager.read(KEYS)
        assert "WALLET_API_KEY" in head.read(KEYS)
        assert manager.get(f"{KEYS}/{self.id_of(installation, 'all')}").status_code == 404


class TestReceivers:
    def add(self, visitor: Visitor, url: str, **more: object) -> str:
        """Add a receiver; its page, and its secret."""
        typed = {"name": "CRM", "url": url, "where": "here", "about": "all", **more}
        made = visitor.send(f"{HOOKS}/new", **typed)
        assert made.status_code == 200, made.text
        self.secret = shown(made.text, "secret")
        page = re.search(rf'href="({HOOKS}/[0-9a-f-]{{36}})"', made.text)
        assert page
        return page[1]

    def test_one_is_added_tried_paused_and_removed(self, manager, house) -> None:
        with receiving() as crm:
            page = self.add(manager, crm.url, about="some", types=["points.*", "member.joined"])
            assert "all about points, a member joined" in unescape(manager.read(page))
            assert manager.send(page, f"{page}/test").status_code == 303
            house.clock.advance(minutes=1)
            house.run("events")
            assert crm.messages[0].is_signed_by(self.secret)
            read = manager.read(page)
            assert "test event" in read and "taken" in read and "works" in read
            crm.react = lambda _: status(500)
            manager.send(page, f"{page}/test")
            house.run("events")
            failed = manager.read(f"{page}?failed=1")
            assert "answered with an error" in failed and "answer 500" in failed
            assert ">taken<" not in failed
            assert manager.send(page, f"{page}/switch", state="off").status_code == 303
            assert "Switch on" in manager.read(page)
            refused = manager.send(page, f"{page}/test")
            assert refused.status_code == 303
            assert "is switched off" in unescape(manager.read(page))
            assert "is told nothing from now on" in manager.read(f"{page}/remove")
            assert manager.send(f"{page}/remove").location == HOOKS
            assert manager.get(page).status_code == 404

    def test_a_secret_is_replaced_without_a_gap(self, manager, house) -> None:
        with receiving() as crm:
            page = self.add(manager, crm.url)
            old = self.secret
            new = shown(manager.send(page, f"{page}/secret", secrets="1").text, "secret")
            again = manager.send(page, f"{page}/secret", secrets="1")  # reloaded
            assert again.status_code == 303
            manager.send(page, f"{page}/test")
            house.clock.advance(minutes=1)
            house.run("events")
            assert crm.messages[0].is_signed_by(old) and crm.messages[0].is_signed_by(new)
            assert "End the old ones" in manager.read(page)
            manager.send(page, f"{page}/retire")
            assert "End the old ones" not in manager.read(page)
            manager.send(page, f"{page}/test")
            house.run("events")
            assert not crm.messages[1].is_signed_by(old) and crm.messages[1].is_signed_by(new)

    def test_an_event_is_sent_once_more(self, manager, house) -> None:
        with receiving() as crm:
            page = self.add(manager, crm.url)
            manager.send(page, f"{page}/test")
            house.clock.advance(minutes=1)
            house.run("events")
            event = str(crm.messages[0].event["id"])
            form = manager.read(f"{page}/replay?event={event}")
            assert f'value="{event}"' in form
            sent = manager.send(f"{page}/replay", what="event", number=event)
            assert (sent.status_code, sent.location) == (303, page)
            house.run("events")
            assert [str(one.event["id"]) for one in crm.messages] == [event, event]
            for number, said in (
                ("99999999", "There is no such event"),
                ("0", "This is no number of an event."),
                ("x", "This is not a whole number."),
                ("", "Please fill this in."),
            ):
                refused = manager.send(f"{page}/replay", what="event", number=number)
                assert refused.status_code == 422 and said in refused.text

    @pytest.mark.parametrize(
        ("entries", "field", "said"),
        [
            ({"name": " "}, "name", "Please fill this in."),
            ({"url": "http://192.168.1.5/"}, "url", "internal network"),
            ({"url": ""}, "url", "Please fill this in."),
            ({"about": "some"}, "types", "Choose at least one event, or all of them."),
            ({"about": "some", "types": ["no.such"]}, "name", "no.such"),
            ({"where": "everywhere"}, "where", "Please choose one of them."),
        ],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, manager, entries, field, said) -> None:
        typed = {"name": "CRM", "url": "https://crm.example.com/", "where": "here", "about": "all"}
        answer = manager.send(f"{HOOKS}/new", **{**typed, **entries})
        assert answer.status_code == 422
        assert said in unescape(answer.text)
        assert f'href="#{field}"' in answer.text

    def test_the_second_who_saves_is_told_who_changed_what(self, head, manager) -> None:
        page = self.add(manager, "https://crm.example.com/hook")
        opened = OPENED.search(manager.read(f"{page}/edit"))[1]
        typed = {"url": "https://crm.example.com/hook", "about": "all"}
        first = head.send(f"{page}/edit", opened=opened, name="CRM of the shop", **typed)
        assert first.status_code == 303
        late = manager.send(f"{page}/edit", opened=opened, name="My CRM", **typed)
        assert late.status_code == 422
        said = unescape(late.text)
        assert "head@example.com changed this meanwhile: name: CRM → CRM of the shop." in said
        assert 'value="My CRM"' in said
        again = OPENED.search(late.text)[1]
        assert manager.send(f"{page}/edit", opened=again, name="My CRM", **typed).status_code == 303

    def test_one_for_all_programmes_is_changed_by_those_of_all(
        self, head, app, installation
    ) -> None:
        page = self.add(head, "https://crm.example.com/", where="everywhere")
        anna = signed_in(app.test_client(), installation, "administrator", 1)
        assert anna.get(page).status_code == 404
        assert "CRM" not in anna.read(HOOKS).partition("<table")[2]
        with installation.database.transaction() as session:
            programmes.create(session, programmes.Terms("club", "Club"), installation.clock())
        assert head.get(page.replace("demo", "club")).status_code == 200

    def test_addresses_and_names_are_data(self, manager) -> None:
        page = self.add(manager, "https://crm.example.com/", name="<script>alert(1)</script>")
        for one in (page, f"{page}/edit", f"{page}/remove", HOOKS):
            assert "<script>alert" not in manager.read(one)

    def test_what_happens_on_these_pages_is_noted(self, manager, installation) -> None:
        page = self.add(manager, "https://crm.example.com/")
        manager.send(page, f"{page}/switch", state="off")
        manager.send(f"{page}/remove")
        with installation.database.reading() as session:
            noted = [
                (one.code, one.author_kind, one.author_name)
                for one in session.scalars(select(RecordedChange).order_by(RecordedChange.id))
            ]
        who = ("employee", "manager@example.com")
        assert noted == [
            ("receiver.added", *who),
            ("receiver.changed", *who),
            ("receiver.removed", *who),
        ]


class TestSources:
    def test_one_is_added_its_secret_replaced_and_removed(
        self, manager, client, installation
    ) -> None:
        made = manager.send(f"{HOOKS}/new-source", name="till", kind="1c")
        secret = shown(made.text, "secret")
        assert shown(made.text, "url").endswith("/webhooks/till")
        page = f"{HOOKS}/sources/till"
        assert secret not in manager.read(page)
        other = shown(manager.send(page, f"{page}/secret", secrets="1").text, "secret")
        assert other != secret
        assert manager.send(page, f"{page}/secret", secrets="1").status_code == 303  # reloaded
        assert "End the old ones" in manager.read(page)
        manager.send(page, f"{page}/retire")
        assert "End the old ones" not in manager.read(page)
        assert "1C" in manager.read(f"{HOOKS}/sources")
        assert manager.send(f"{page}/remove").location == f"{HOOKS}/sources"
        assert manager.get(page).status_code == 404
        with installation.database.reading() as session:
            codes = [one.code for one in session.scalars(select(RecordedChange))]
        assert codes == [
            "source.added",
            "source.secret_added",
            "source.secrets_retired",
            "source.removed",
        ]

    @pytest.mark.parametrize("name", ["", "Till", "a b", "-x", "я", "x" * 41])
    def test_a_name_that_does_not_fit_is_refused(self, manager, name) -> None:
        refused = manager.send(f"{HOOKS}/new-source", name=name, kind="generic")
        assert refused.status_code == 422
        assert 'href="#name"' in refused.text

    def test_one_of_another_programme_is_not_there(self, head, app, installation) -> None:
        with installation.database.transaction() as session:
            club = programmes.create(
                session, programmes.Terms("club", "Club"), installation.clock()
            )
            there = club.id
        head.send("/console/programmes/club/webhooks/new-source", name="till", kind="generic")
        assert head.get(f"{HOOKS}/sources/till").status_code == 404
        assert head.send(HOOKS, f"{HOOKS}/sources/till/remove").status_code == 404
        boss = signed_in(app.test_client(), installation, "manager", there, email="b@x.org")
        assert boss.get("/console/programmes/club/webhooks/sources/till").status_code == 200


class TestChanges:
    @pytest.fixture(autouse=True)
    def noted(self, installation, clock, api, join) -> None:
        anna = join(name="Анна")
        api.call("patch", f"members/{anna['id']}", {"name": "Ефросинья"})
        with installation.database.transaction() as session:
            of, by = ChangedThing("programme", "demo", 1), Author("employee", "head@example.com")
            terms = ({"grace_days": 0, "listed": False}, {"grace_days": 3, "listed": True})
            changes.note(session, by, "programme.terms_changed", of, clock(), *terms)
            key = ChangedThing("key", "<b>crm</b>")
            changes.note(session, Author("command", "wallet keys add"), "key.added", key, clock())

    def test_lines_are_sentences_in_the_readers_language(self, app, installation) -> None:
        reader = signed_in(app.test_client(), installation, "manager", language="ru")
        page = unescape(reader.read("/console/changes"))
        assert "Изменены условия программы «demo»" in page
        assert "показана в списке программ" in page
        assert "Изменены данные клиента: Ефросинья" in page
        assert "<del>Анна</del>" in page
        assert "ключ из окружения" in page
        for code in ("terms_changed", "grace_days", "member.changed"):
            assert code not in page
        assert "<b>crm</b>" not in reader.read("/console/changes")

    def test_filters_stand_in_the_address_and_as_chips(self, head) -> None:
        page = head.read(f"{CHANGES}?by=head@example.com")
        assert "The terms of the programme" in page and "details of a member" not in page
        assert "by head@example.com" in page
        assert "details of a member" in head.read(f"{CHANGES}?kind=member&since=2020-01-01")
        assert "Nothing was changed that fits." in head.read(f"{CHANGES}?until=2020-01-01")
        for nonsense in ("kind=x", "since=soon", "after=1-2-3", "after=9" * 20, "by=%00"):
            assert "The terms of the programme" in head.read(f"{CHANGES}?{nonsense}")

    def test_a_programme_shows_its_own_and_all_show_all(self, head, manager) -> None:
        assert "wallet keys add" not in head.read(CHANGES)
        assert "wallet keys add" in head.read("/console/changes")
        led = manager.get("/console/changes")
        assert (led.status_code, led.location) == (303, CHANGES)

    def test_it_goes_on_page_by_page(self, head, installation, clock) -> None:
        with installation.database.transaction() as session:
            for number in range(120):
                of = ChangedThing("key", f"key-{number:03}", 1)
                changes.note(session, Author("key", "x"), "key.revoked", of, clock())
        page, seen = head.read(CHANGES), []
        while True:
            seen += re.findall(r"“(key-\d\d\d)”", page)
            found = re.search(r'href="([^"]+)" rel="next"', page)
            if not found:
                break
            page = head.read(unescape(found[1]))
        assert seen == [f"key-{number:03}" for number in reversed(range(120))]

    def test_the_same_lines_are_a_file_and_that_is_noted(self, head, installation, clock) -> None:
        with installation.database.transaction() as session:
            of, by = ChangedThing("source", "till", 1), Author("key", "=cmd|'/c calc'!A1")
            changes.note(session, by, "source.removed", of, clock())
        url = f"{CHANGES}.csv?kind=source"
        assert url in unescape(head.read(f"{CHANGES}?kind=source"))
        taken = head.get(url)
        assert taken.mimetype == "text/csv"
        heading, *rows = taken.text.splitlines()
        assert heading == "\ufeffMoment;By whom;What was changed;Fields;Number"
        assert len(rows) == 1 and "The webhook source “till” was removed" in rows[0]
        assert len(head.get(f"{CHANGES}.csv").text.splitlines()) == 7
        page = head.read("/console/changes?kind=export")
        assert "An export to a file was begun" in page and "the record of changes" in page

    def test_it_says_whether_the_record_is_whole(self, head, house, installation) -> None:
        assert "that has not happened yet" in head.read(CHANGES)
        house.run("seals")
        house.run("inspection")
        assert "the record is whole." in head.read(CHANGES)
        with installation.database.transaction() as session:
            append_only.lift_changes(session.connection())
            session.execute(text("UPDATE wallet_change SET author_name = 'x' WHERE number = 1"))
            session.execute(text("UPDATE wallet_change_chain SET walked_at = NULL"))
        house.clock.advance(days=1)
        house.run("inspection")
        page = signed_in(head.client, installation, "administrator").read(CHANGES)
        assert "behind Kopilka" in page and "Change number 1" in page


def test_a_receiver_is_called_by_its_name(app, installation, clock) -> None:
    with installation.database.transaction() as session:
        terms = ReceiverTerms("crm", "https://crm.example.com/", 1)
        by = grants.operator(Author("command", "x"))
        receivers.add(session, installation.keys, installation.receivers_at, terms, by, clock())
    manager = signed_in(app.test_client(), installation, "manager", 1)
    assert "The event receiver “crm” was added" in manager.read(CHANGES)


def test_an_address_of_somebody_is_never_cut_short(client, installation, clock) -> None:
    long = "ekaterina.konstantinopolskaya@example.com"
    with installation.database.transaction() as session:
        of = ChangedThing("employee", long)
        changes.note(session, Author("command", "wallet"), "employee.invited", of, clock())
    page = signed_in(client, installation, "administrator").read("/console/changes")
    assert long in page
