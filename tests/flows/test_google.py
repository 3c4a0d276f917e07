"""From the button to the save link, and from an accrual to the card at Google, over real HTTP."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

import googles
import jwt
import pytest
import requests
from books import check_books
from flask import Flask
from flask.testing import FlaskClient
from processes import wait_until
from sqlalchemy import func, select, text, update

from ledger.people import members
from ledger.people.members import Member
from ledger.points import accruals
from ledger.points.accruals import Grant
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.configuration.settings import SANDBOX_GOOGLE_ISSUER
from wallet.delivery import publishing
from wallet.delivery.waves import start
from wallet.google import account, alerts, mirror, writing
from wallet.google.budget import A_SECOND
from wallet.google.mirror import DueRow, GoogleClass, GoogleObject
from wallet.outreach import trial
from wallet.passes import templates
from wallet.passes.issued import Pass
from wallet.passes.templates import Template
from wallet.running import relay
from wallet.sandbox.google import CallFault, RunningGoogle
from wallet.sandbox.google.callbacks import CardEvent
from wallet.sandbox.google.resources import CLASS, OBJECT

CLASS_ID = f"{SANDBOX_GOOGLE_ISSUER}.demo"


@pytest.fixture
def environment(environment: dict[str, str], google: RunningGoogle) -> dict[str, str]:
    return {**environment, **googles.environment_of(google)}


@pytest.fixture(autouse=True)
def _quick(google: RunningGoogle, monkeypatch) -> None:
    """A connection on which no answer comes is closed soon. Our own patience stays as long as it
    is, or a busy machine would lose answers that came."""
    monkeypatch.setattr(google.stand_in, "hang_s", 0.2)


@pytest.fixture(autouse=True)
def _books(house) -> Iterator[None]:
    yield
    with house.installation.database.reading() as session:
        check_books(session)


def path_of(member: dict) -> str:
    return member["links"]["google"].removeprefix("http://127.0.0.1:8080")


def press(client: FlaskClient, member: dict):
    """The button on the card's page."""
    return client.get(path_of(member))


@pytest.fixture
def card(client, member, google) -> dict:
    """A member whose card is at Google and saved there; `member` with the object's id."""
    answer = press(client, member)
    assert answer.status_code == 303
    saved = requests.get(answer.location, timeout=5).json()
    return {**member, "object": saved["objectIds"][0]}


def shown(google: RunningGoogle, card: dict) -> dict:
    return google.stand_in.resources.get(OBJECT, card["object"])


def balance(google: RunningGoogle, card: dict) -> int:
    return shown(google, card)["loyaltyPoints"]["balance"]["int"]


def waiting(house, table: type = DueRow) -> int:
    with house.installation.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def due(house) -> DueRow:
    with house.installation.database.reading() as session:
        return session.scalars(select(DueRow)).one()


def grant(api, member: dict, points: int = 100) -> None:
    body = {"member": member["id"], "points": points}
    assert api.post("accruals", body).status_code == 201


def run(house) -> None:
    house.run("upkeep", "relay", "waves", "google")


class TestSaveLink:
    def test_the_button_leads_to_a_link_that_google_takes(self, card, google) -> None:
        object_ = shown(google, card)
        assert object_["hasUsers"] is True
        assert object_["classId"] == CLASS_ID
        assert object_["accountName"] == "Анна"
        assert object_["barcode"]["value"] == card["card"]["barcode"]
        assert google.stand_in.resources.get(CLASS, CLASS_ID)["reviewStatus"] == "APPROVED"

    def test_the_link_is_short_signed_and_says_nothing_of_the_person(
        self, client, member, google
    ) -> None:
        token = press(client, member).location.removeprefix(google.save_url)
        ours = account.load(google.credentials)
        options = {"verify_iat": False}
        claims = jwt.decode(
            token, ours.key.public_key(), ["RS256"], audience="google", options=options
        )
        assert jwt.get_unverified_header(token)["kid"] == ours.key_id
        assert (claims["typ"], claims["iss"]) == ("savetowallet", ours.email)
        (only,) = claims["payload"]["loyaltyObjects"]
        assert set(only) == {"id", "classId"}
        assert len(token) <= 1000
        assert "exp" not in claims

    def test_a_second_press_asks_google_nothing(self, client, card, google) -> None:
        before = google.stand_in.stats.requests
        assert press(client, card).status_code == 303
        assert google.stand_in.stats.requests == before

    def test_a_card_that_is_erased_or_unknown_is_a_friendly_404(self, client, member) -> None:
        for path in (path_of(member).replace("/card/", "/card/0"), f"/card/{'0' * 32}.x/google"):
            answer = client.get(path + "?lang=ru")
            assert (answer.status_code, answer.mimetype) == (404, "text/html")
            assert "Здесь ничего нет" in answer.text

    def test_a_voided_card_is_not_given_out(self, client, member, house) -> None:
        with house.installation.database.transaction() as session:
            pass_ = session.scalars(select(Pass)).one()
            session.execute(update(Pass).values(content={**pass_.content, "voided": True}))
        assert press(client, member).status_code == 410

    @pytest.mark.parametrize(
        "fault",
        [CallFault("silent"), CallFault("status", status=503), CallFault("status", status=403)],
        ids=["silent", "503", "403"],
    )
    def test_a_google_that_is_not_to_be_had_is_a_friendly_503(
        self, client, member, google, house, fault
    ) -> None:
        google.stand_in.faults.order(replace(fault))
        answer = client.get(f"{path_of(member)}?lang=ru")
        assert answer.status_code == 503
        assert "Скоро вернёмся" in answer.text
        google.stand_in.faults.clear()
        house.clock.advance(hours=1)
        run(house)  # the pump has brought the card there meanwhile
        assert waiting(house) == 0
        assert press(client, member).status_code == 303

    @pytest.mark.parametrize("fault", [CallFault("silent"), CallFault("status", status=503)])
    def test_while_google_does_not_answer_the_link_brings_the_card(
        self, client, member, join, google, house, fault
    ) -> None:
        """Google has the class, since others have cards."""
        press(client, join(name="Вера"))
        google.stand_in.faults.order(replace(fault))
        answer = press(client, member)
        assert answer.status_code == 303
        token = answer.location.rpartition("/")[2]
        assert len(token) <= 1800
        (body,) = jwt.decode(token, options={"verify_signature": False})["payload"][
            "loyaltyObjects"
        ]
        assert (body["accountName"], body["barcode"]["value"]) == (
            "Анна",
            member["card"]["number"],
        )
        google.stand_in.faults.clear()
        assert requests.get(answer.location, timeout=10).ok  # Google takes it
        house.clock.advance(hours=1)
        run(house)  # the write that waited finds the card there
        assert waiting(house) == 0
        assert len(google.stand_in.resources._kept[OBJECT.path]) == 2

    def test_a_press_whose_answer_was_lost_finds_the_card_there(
        self, client, member, google, house
    ) -> None:
        """Google took the object, and nobody heard of it."""
        google.stand_in.faults.order(CallFault("lost", where="POST /walletobjects/v1/loyaltyObj"))
        first = press(client, member)
        assert requests.get(first.location, timeout=10).ok  # it brings what is there already
        google.stand_in.faults.clear()
        assert press(client, member).status_code == 303
        assert len(google.stand_in.resources._kept[OBJECT.path]) == 1

    def test_ten_presses_at_once_make_one_card(self, app, member, google, house) -> None:
        house.pause.do = time.sleep

        def pressed(_: int) -> int:
            return press(app.test_client(), member).status_code

        with ThreadPoolExecutor(10) as pool:
            assert list(pool.map(pressed, range(10))) == [303] * 10
        assert google.stand_in.stats.requests == 2  # class and object

    def test_a_press_that_comes_while_another_ends_writes_nothing(
        self, client, member, google, house, monkeypatch
    ) -> None:
        """It looked before the first was through, and goes on after it."""
        assert press(client, member).status_code == 303
        looks, looked = [], type(house.installation.google)._is_written

        def late(provider, *of: object) -> bool:
            looks.append(of)
            return len(looks) > 1 and looked(provider, *of)

        monkeypatch.setattr(type(house.installation.google), "_is_written", late)
        assert press(client, member).status_code == 303
        assert google.stand_in.stats.requests == 2

    def test_a_card_nobody_wants_at_google_is_not_there(self, api, member, house, google) -> None:
        grant(api, member)
        run(house)
        assert google.stand_in.stats.requests == 0


class TestChanges:
    def test_an_accrual_reaches_the_card(self, api, card, house, google) -> None:
        grant(api, card, 120)
        run(house)
        assert (balance(google, card), waiting(house)) == (120, 0)
        assert len(google.stand_in.resources.card(card["object"]).notices) == 1

    def test_an_offer_reaches_every_card_and_goes_again(self, api, card, house, google) -> None:
        until = (house.clock() + timedelta(days=1)).isoformat()
        api.post("offers", {"programme": "demo", "title": "Латте", "until": until})
        run(house)
        bodies = {module["id"]: module["body"] for module in shown(google, card)["textModulesData"]}
        assert bodies["offer"] == "Латте"
        house.clock.advance(days=2)
        run(house)
        bodies = {module["id"]: module["body"] for module in shown(google, card)["textModulesData"]}
        assert bodies["offer"] == "—"

    def test_a_new_offer_speaks_once_and_three_a_day(self, api, card, house, google) -> None:
        """As at Apple. What was there before the card came into the phone is no news."""
        for number in range(4):
            house.clock.advance(minutes=1)
            body = {"programme": "demo", "title": f"Латте {number}", "text": "Сегодня"}
            api.post("offers", body)
            run(house)
            (told,) = google.stand_in.resources.get(OBJECT, card["object"])["messages"]
            assert (told["header"], told["body"]) == ("Предложение", f"Латте {number}\nСегодня")
            kind = "TEXT_AND_NOTIFY" if number < 3 else "TEXT"
            assert told["messageType"] == kind
        grant(api, card, 5)  # another write says nothing of it again
        run(house)
        assert len(google.stand_in.resources.card(card["object"]).notices) == 3

    def test_a_message_to_try_speaks_as_all_do(self, card, house, google) -> None:
        for number in range(4):
            house.clock.advance(minutes=1)
            with house.installation.database.transaction() as session:
                session.execute(update(GoogleObject).values(saved=True))
                programme = programmes.by_code(session, "demo")
                member = members.by_public_id(session, card["id"])
                words, make_due = {"ru": f"Проба {number}"}, house.installation.make_due
                sent = trial.send(session, programme, member, words, make_due, house.clock())
            assert (sent.on_apple, sent.on_google, sent.alerts) == (False, True, number < 3)
            run(house)
            (told,) = shown(google, card)["messages"]
            assert told["body"] == f"Проба {number}"
            assert told["messageType"] == ("TEXT_AND_NOTIFY" if number < 3 else "TEXT")

    def test_a_design_to_try_changes_what_is_the_cards_own(self, card, house, google) -> None:
        """The page of the trial says so."""
        with house.installation.database.transaction() as session:
            design = templates.design(session.scalars(select(Template)).one())
            label = dict.fromkeys(design.languages, "Очки")
            fields = tuple(
                replace(one, label=label) if one.shows == "offer" else one for one in design.fields
            )
            wanted = replace(design, background="#004400", fields=fields)
            pass_ = session.scalars(select(Pass)).one()
            publishing.try_on(
                session,
                pass_,
                wanted,
                {},
                lambda _design: None,
                house.installation.make_due,
                Author("command", "test"),
                house.clock(),
            )
        run(house)
        class_ = google.stand_in.resources.get(CLASS, CLASS_ID)
        assert class_["hexBackgroundColor"] != "#004400"
        assert "Очки" in [one["header"] for one in shown(google, card)["textModulesData"]]

    def test_a_new_design_is_written_before_its_cards(self, card, house, google) -> None:
        with house.installation.database.transaction() as session:
            template = session.scalars(select(Template)).one()
            design = replace(templates.design(template), background="#004400")
            templates.store(session, template.programme_id, design, {}, house.clock())
            start(session, template.programme_id, house.clock())
        run(house)
        class_ = google.stand_in.resources.get(CLASS, CLASS_ID)
        assert class_["hexBackgroundColor"] == "#004400"
        assert "/google/designs/2/" in class_["programLogo"]["sourceUri"]["uri"]
        with house.installation.database.reading() as session:
            assert session.scalars(select(GoogleClass.template_id)).one() == 2
            assert session.scalars(select(GoogleObject.template_id)).one() == 2

    def test_what_google_forgot_is_inserted_again(self, api, card, house, google) -> None:
        google.stand_in.resources._kept[OBJECT.path].clear()
        google.stand_in.resources._kept[CLASS.path].clear()
        grant(api, card, 7)
        run(house)
        assert (balance(google, card), waiting(house)) == (7, 0)

    def test_when_the_notices_are_used_up_the_change_is_silent(
        self, api, card, house, google
    ) -> None:
        grant(api, card, 7)
        google.stand_in.faults.order(
            CallFault("status", "PATCH", times=1, status=403, reason="quotaExceeded")
        )
        run(house)
        assert (balance(google, card), waiting(house)) == (7, 0)
        assert not google.stand_in.resources.card(card["object"]).notices

    def test_a_change_during_a_write_is_followed_by_another(
        self, api, card, house, google, monkeypatch
    ) -> None:
        writer = house.installation.google._writer
        write = writer._write_object

        def slow(*arguments):
            """The content was read; now another change comes in."""
            monkeypatch.setattr(writer, "_write_object", write)
            grant(api, card, 1)
            house.run("relay")
            return write(*arguments)

        grant(api, card, 1)
        house.run("relay")
        monkeypatch.setattr(writer, "_write_object", slow)
        house.run("google")
        assert (balance(google, card), waiting(house)) == (2, 0)

    def test_nobody_else_writes_a_card_while_it_is_being_written(
        self, api, card, house, google, monkeypatch
    ) -> None:
        """Two quick changes: the second worker finds the first at it, so the older content cannot
        come after the newer one."""
        provider, asked = house.installation.google, google.stand_in.stats
        write = provider._writer._write_object
        others = []

        def meanwhile(*arguments):
            monkeypatch.setattr(provider._writer, "_write_object", write)
            grant(api, card, 1)
            house.run("relay")
            before = google.stand_in.stats.requests
            others.append(provider.deliver(house.clock))
            assert google.stand_in.stats.requests == before
            return write(*arguments)

        grant(api, card, 1)
        house.run("relay")
        monkeypatch.setattr(provider._writer, "_write_object", meanwhile)
        house.run("google")
        assert others == [False]
        assert balance(google, card) == 2
        assert google.stand_in.stats.requests == asked.requests + 2


class TestTrouble:
    @pytest.mark.parametrize(
        "fault",
        [
            CallFault("status", status=429, reason="rateLimitExceeded", retry_after_s=3),
            CallFault("status", status=500),
            CallFault("status", status=503),
            CallFault("status", status=401, reason="authError"),
            CallFault("status", status=403, reason="permissionDenied"),
            CallFault("silent"),
            CallFault("lost"),
            CallFault("cut"),
        ],
        ids=["429", "500", "503", "401", "403", "silent", "lost", "cut"],
    )
    def test_a_google_that_is_unwell_loses_nothing(self, api, card, house, google, fault) -> None:
        google.stand_in.faults.order(replace(fault))
        grant(api, card, 5)
        run(house)
        assert (waiting(house), due(house).attempts) == (1, 1)
        google.stand_in.faults.clear()
        run(house)
        assert waiting(house) == 1  # it waits for its time
        house.clock.advance(minutes=11)
        run(house)
        assert (balance(google, card), waiting(house)) == (5, 0)

    def test_waits_grow_with_the_tries(self, api, card, house, google) -> None:
        google.stand_in.faults.order(CallFault("status", status=500))
        grant(api, card)
        waits = []
        for _ in range(5):
            run(house)
            waits.append(due(house).due_at - house.clock())
            house.clock.now = due(house).due_at
        assert waits == sorted(waits)
        assert waits[4] > 8 * waits[0]

    def test_what_google_refuses_for_good_is_kept_for_who_mends_it(
        self, api, card, house, google
    ) -> None:
        google.stand_in.faults.order(CallFault("status", "PATCH", status=400, reason="invalid"))
        grant(api, card)
        run(house)
        assert waiting(house) == 0
        with house.installation.database.reading() as session:
            assert "invalid" in session.scalars(select(GoogleObject.problem)).one()
        google.stand_in.faults.clear()
        grant(api, card)
        run(house)
        assert balance(google, card) == 200
        with house.installation.database.reading() as session:
            assert session.scalars(select(GoogleObject.problem)).one() is None

    def test_a_token_that_was_taken_back_is_renewed_without_a_word(
        self, api, card, house, google
    ) -> None:
        google.stand_in.doorkeeper.forget()
        grant(api, card, 3)
        run(house)
        assert (balance(google, card), waiting(house)) == (3, 0)

    def test_a_worker_that_dies_between_write_and_record_leaves_the_row(
        self, api, card, house, google, monkeypatch
    ) -> None:
        provider = house.installation.google
        grant(api, card, 1)
        house.run("relay")
        record = provider._record
        monkeypatch.setattr(provider, "_record", None)
        with pytest.raises(TypeError):
            house.run("google")
        monkeypatch.setattr(provider, "_record", record)
        house.run("google")
        assert waiting(house) == 1  # still leased to the dead one
        house.clock.advance(seconds=61)
        house.run("google")
        assert (balance(google, card), waiting(house)) == (1, 0)

    def test_a_worker_whose_lease_ran_out_leaves_the_row_to_the_other(
        self, api, card, house, google, monkeypatch
    ) -> None:
        provider = house.installation.google
        write = provider._writer._write_object

        def late(*arguments):
            monkeypatch.setattr(provider._writer, "_write_object", write)
            house.clock.advance(seconds=61)
            grant(api, card, 1)
            house.run("relay")
            provider.deliver(house.clock)
            return write(*arguments)

        grant(api, card, 1)
        house.run("relay")
        monkeypatch.setattr(provider._writer, "_write_object", late)
        house.run("google")
        assert (balance(google, card), waiting(house)) == (2, 0)

    def test_a_card_that_cannot_be_written_does_not_hold_up_the_others(
        self, api, join, client, house, google
    ) -> None:
        sick, well = join(), join()
        for member in (sick, well):
            press(client, member)
            grant(api, member, 9)
        house.run("relay")
        with house.installation.database.transaction() as session:
            session.execute(text("UPDATE wallet_pass SET content = '{}' WHERE id = 1"))
        house.run("google")
        assert (waiting(house), due(house).pass_id) == (1, 1)
        with house.installation.database.reading() as session:
            object_id = session.get_one(GoogleObject, 2).object_id
        assert balance(google, {"object": object_id}) == 9

    def test_a_card_that_is_gone_is_no_longer_written(self, card, house, monkeypatch) -> None:
        provider = house.installation.google
        with house.installation.database.transaction() as session:
            provider.make_due(session, [1], house.clock())
        monkeypatch.setattr(provider._writer, "_card", lambda *_: None)
        run(house)
        assert waiting(house) == 0

    def test_another_issuer_gets_the_cards_anew(self, card, client, house, google) -> None:
        with house.installation.database.transaction() as session:
            session.execute(update(GoogleObject).values(object_id="111.old"))
            session.execute(update(GoogleClass).values(class_id="111.demo"))
        google.stand_in.resources._kept[OBJECT.path].clear()
        assert press(client, card).status_code == 303
        assert shown(google, card)["classId"] == CLASS_ID


class TestAlerts:
    @pytest.fixture(autouse=True)
    def _google_would_show_any_number(self, monkeypatch) -> None:
        """So that it is ours to stop."""
        monkeypatch.setattr("wallet.sandbox.google.resources.NOTICES", 100)

    def told(self, google: RunningGoogle, card: dict) -> int:
        return len(google.stand_in.resources.card(card["object"]).notices)

    def used(self, house) -> int:
        with house.installation.database.reading() as session:
            return alerts.used(session, 1, house.clock())

    def silenced_at(self, house) -> datetime | None:
        with house.installation.database.reading() as session:
            return session.get_one(GoogleObject, 1).silenced_at

    def test_a_card_speaks_three_times_a_day_and_is_written_all_the_same(
        self, api, card, house, google
    ) -> None:
        for number in range(1, 6):
            assert self.silenced_at(house) is None or number > 4
            house.clock.advance(hours=1)
            grant(api, card, 1)
            run(house)
            assert (balance(google, card), self.told(google, card)) == (number, min(number, 3))
            assert self.used(house) == min(number, 3)
        assert self.silenced_at(house) == house.clock()
        house.clock.advance(hours=21)  # the first of them is a day old
        assert self.used(house) == 1
        grant(api, card, 1)
        run(house)
        assert (self.told(google, card), self.used(house)) == (4, 2)

    def test_every_card_has_three_of_its_own(self, api, join, client, house, google) -> None:
        cards = []
        for _ in range(2):
            member = join()
            saved = requests.get(press(client, member).location, timeout=5).json()
            cards.append({**member, "object": saved["objectIds"][0]})
        for _ in range(4):
            for card in cards:
                grant(api, card, 1)
            run(house)
        assert [self.told(google, card) for card in cards] == [3, 3]

    def test_an_alert_whose_answer_was_lost_is_counted_once(self, api, card, house, google) -> None:
        google.stand_in.faults.order(CallFault("lost", "PATCH", times=1))
        grant(api, card, 1)
        run(house)
        assert self.used(house) == 1
        house.clock.advance(minutes=11)
        run(house)
        assert (waiting(house), self.used(house), self.told(google, card)) == (0, 1, 1)

    def test_what_google_refused_was_no_alert(self, api, card, house, google) -> None:
        """Each try is another version: they must not eat the allowance before one is heard."""
        google.stand_in.faults.order(
            CallFault("status", "PATCH", status=429, reason="rateLimitExceeded")
        )
        for _ in range(5):
            grant(api, card, 1)
            run(house)
            house.clock.advance(hours=1)
        assert self.used(house) == 0
        google.stand_in.faults.clear()
        run(house)
        assert (balance(google, card), self.told(google, card), self.used(house)) == (5, 1, 1)

    def test_googles_own_count_is_believed(self, api, card, house, google) -> None:
        google.stand_in.faults.order(
            CallFault("status", "PATCH", times=1, status=403, reason="quotaExceeded")
        )
        grant(api, card, 7)
        run(house)
        assert (balance(google, card), self.told(google, card)) == (7, 0)
        assert self.silenced_at(house) == house.clock()


class TestReconciling:
    """What was lost or changed behind our back comes right by reading."""

    def saved(self, house) -> bool | None:
        with house.installation.database.reading() as session:
            return session.get_one(GoogleObject, 1).saved

    def check(self, house, **later: float) -> None:
        house.clock.advance(**later)
        house.run("google-check")

    def tamper(self, google: RunningGoogle, card: dict, **changes: object) -> None:
        google.stand_in.resources.patch(OBJECT, card["object"], changes)

    def test_lost_callbacks_are_made_up_for(self, card, house, google) -> None:
        assert self.saved(house) is None  # nobody delivered "save"
        self.check(house, minutes=59)
        assert self.saved(house) is None
        self.check(house, minutes=2)
        assert self.saved(house) is True
        google.stand_in.remove(card["object"])
        self.check(house, hours=23)
        assert self.saved(house) is True
        self.check(house, hours=2)
        assert self.saved(house) is False

    @pytest.mark.parametrize(
        "changes",
        [
            {"loyaltyPoints": {"balance": {"int": 999}}},
            {"loyaltyPoints": {"balance": {"int": None, "string": "many"}}},
            {"loyaltyPoints": None},
            {"accountName": "Мария"},
            {"textModulesData": []},
            {"barcode": {"value": "stolen"}},
            {"state": "INACTIVE"},
        ],
        ids=["points", "another kind", "no points", "name", "texts", "barcode", "state"],
    )
    def test_a_card_that_was_changed_behind_our_back_is_repaired(
        self, api, card, house, google, changes
    ) -> None:
        grant(api, card, 120)
        run(house)
        right = shown(google, card)
        notices = google.stand_in.resources.card(card["object"]).notices
        self.tamper(google, card, **changes)
        assert shown(google, card) != right
        self.check(house, hours=25)
        house.run("google")
        assert (shown(google, card), waiting(house)) == (right, 0)
        assert google.stand_in.resources.card(card["object"]).notices == notices

    def test_a_card_that_google_lost_is_inserted_again(self, api, card, house, google) -> None:
        grant(api, card, 5)
        run(house)
        google.stand_in.resources._kept[OBJECT.path].clear()
        self.check(house, hours=25)
        run(house)
        assert (balance(google, card), self.saved(house)) == (5, False)

    def test_a_card_that_is_right_is_read_and_left_alone(self, api, card, house, google) -> None:
        grant(api, card, 5)
        run(house)
        before = google.stand_in.stats.requests
        self.check(house, hours=25)
        assert (google.stand_in.stats.requests, waiting(house)) == (before + 1, 0)
        self.check(house, hours=1)
        assert google.stand_in.stats.requests == before + 1

    def test_deliveries_come_first(self, api, card, house, google) -> None:
        house.clock.advance(hours=25)
        grant(api, card, 5)
        house.run("relay")
        before = google.stand_in.stats.requests
        house.run("google-check")
        assert google.stand_in.stats.requests == before
        house.run("google")
        assert balance(google, card) == 5
        house.run("google-check")
        assert self.saved(house) is True

    def test_it_takes_few_of_a_second_and_none_that_others_need(
        self, join, client, house, google, monkeypatch
    ) -> None:
        for _ in range(12):
            press(client, join())
            house.clock.advance(seconds=1)
        house.clock.advance(hours=2)
        house.clock.now = house.clock().replace(microsecond=0)
        counts, began = [], google.stand_in.stats.requests

        def noted(seconds: float) -> None:
            counts.append(google.stand_in.stats.requests - began)
            house.clock.advance(seconds=seconds)

        house.pause.do = noted
        house.run("google-check")
        assert counts == [5, 10]
        assert google.stand_in.stats.requests - began == 12

    def test_it_goes_on_where_it_stopped_the_oldest_first(
        self, join, client, house, google, monkeypatch
    ) -> None:
        ids = []
        for _ in range(4):
            press(client, join())
            house.clock.advance(seconds=30)
        house.clock.advance(hours=2)
        provider = house.installation.google
        get = provider._google.get

        def noted(kind: str, id_: str, *others: object):
            ids.append(id_)
            if len(ids) == 3:
                raise KeyboardInterrupt  # the worker dies with this card in hand
            return get(kind, id_, *others)

        monkeypatch.setattr(provider._google, "get", noted)
        with pytest.raises(KeyboardInterrupt):
            house.run("google-check")
        house.run("google-check")
        self.check(house, seconds=61)  # the dead one's lease is over
        with house.installation.database.reading() as session:
            known = session.scalars(
                select(GoogleObject.object_id).order_by(GoogleObject.pass_id)
            ).all()
        assert ids == [*known[:3], known[3], known[2]]

    def test_a_google_that_is_unwell_is_asked_again_later(self, card, house, google) -> None:
        google.stand_in.faults.order(CallFault("status", "GET /wallet", times=2, status=503))
        self.check(house, hours=2)
        assert self.saved(house) is None
        self.check(house, seconds=61)
        self.check(house, seconds=61)
        assert self.saved(house) is True

    def test_who_tells_us_meanwhile_is_right(self, card, house, google, monkeypatch) -> None:
        """The card was read as saved; before that is noted, Google tells that it was removed."""
        provider = house.installation.google
        get = provider._google.get

        def meanwhile(*arguments: object):
            reply = get(*arguments)
            with house.installation.database.transaction() as session:
                mirror.heard(session, card["object"], house.clock(), house.clock(), saved=False)
            return reply

        monkeypatch.setattr(provider._google, "get", meanwhile)
        self.check(house, hours=2)
        assert self.saved(house) is False


class TestPace:
    def test_no_more_than_twenty_a_second_and_yet_all(
        self, join, client, api, house, google
    ) -> None:
        members = [join() for _ in range(A_SECOND + 5)]
        for member in members:
            press(client, member)
            house.clock.advance(seconds=1)
        began = google.stand_in.stats.requests
        moments = []
        advance = house.pause.do

        def noted(seconds: float) -> None:
            moments.append(google.stand_in.stats.requests - began)
            advance(seconds)

        house.pause.do = noted
        house.clock.now = house.clock().replace(microsecond=0)
        api.post("offers", {"programme": "demo", "title": "Латте"})
        run(house)
        assert waiting(house) == 0
        # Of each card the body, and the message of the offer.
        assert google.stand_in.stats.requests - began == 2 * len(members)
        assert all(count <= A_SECOND * (place + 1) for place, count in enumerate(moments))

    def test_others_spent_the_second_so_the_card_waits_without_blame(
        self, api, card, house, google, monkeypatch
    ) -> None:
        grant(api, card, 4)
        house.run("relay")
        monkeypatch.setattr(writing.budget, "take", lambda *_, **__: False)
        house.pause.do = lambda _: None
        house.run("google")
        assert (due(house).attempts, due(house).last_reason) == (0, writing.NO_BUDGET)
        monkeypatch.undo()
        house.clock.advance(seconds=1)
        house.run("google")
        assert waiting(house) == 0


class TestCallbacks:
    def test_google_tells_of_saving_and_removing(self, app, member, client, house, google) -> None:
        answer = press(client, member)
        requests.get(answer.location, timeout=5)
        with house.installation.database.reading() as session:
            object_id = session.scalars(select(GoogleObject.object_id)).one()
        assert self.heard(app, house, google, "save", object_id) is True
        assert self.heard(app, house, google, "del", object_id) is False

    def heard(self, app: Flask, house, google: RunningGoogle, event: str, object_id: str) -> bool:
        happening = CardEvent(event, CLASS_ID, object_id)
        house.clock.advance(seconds=1)
        message = google.stand_in.seal.envelope(happening, house.clock())
        assert app.test_client().post("/google/callback", data=message).status_code == 200
        with house.installation.database.reading() as session:
            return session.scalars(select(GoogleObject.saved)).one()


def accrue(house, number: int) -> None:
    with house.installation.database.transaction() as session:
        accruals.grant(session, session.get_one(Member, 1), Grant(number), house.clock())


def carry(house) -> None:
    """What relay and pump do in each worker."""
    relay.relay(house.installation.database, house.installation.make_due, house.clock())
    house.installation.google.deliver(house.clock)


def is_as_we_know_it(house) -> bool:
    """Whether we believe that Google has the newest version."""
    with house.installation.database.reading() as session:
        version = session.scalars(select(Pass.version)).one()
        return session.scalars(select(GoogleObject.version)).one() == version


def test_a_hundred_rapid_accruals_end_with_the_exact_balance_whatever_goes_wrong(
    card, house, google
) -> None:
    """Sixteen tills, four relays and workers at once, while Google loses answers, is too busy,
    breaks, cuts connections and falls silent: in the end it shows what the book says."""
    for fault in (
        CallFault("lost", "PATCH", times=2),
        CallFault("cut", "PATCH", times=2),
        CallFault("status", "PATCH", times=3, status=503),
        CallFault("status", "PATCH", times=1, status=429, reason="rateLimitExceeded"),
        CallFault("silent", "PATCH", times=1),
        CallFault("slow", "PATCH", times=3, delay_s=0.05),
    ):
        google.stand_in.faults.order(fault)

    def work() -> None:
        while not written.is_set():
            carry(house)
            house.clock.advance(seconds=1)

    written = Event()
    with ThreadPoolExecutor(20) as pool:
        workers = [pool.submit(work) for _ in range(4)]
        try:
            for accrual in [pool.submit(accrue, house, number) for number in range(1, 101)]:
                accrual.result()
        finally:
            written.set()
        for worker in workers:
            worker.result()
    for _ in range(20):
        run(house)
        house.clock.advance(minutes=11)
    assert (balance(google, card), waiting(house)) == (5050, 0)
    assert is_as_we_know_it(house)


def test_an_older_write_that_is_still_on_its_way_never_arrives_after_a_newer_one(
    card, house, google
) -> None:
    """Ten changes and four workers, while the write of the first takes its time."""
    slow = CallFault("slow", "PATCH", times=1, delay_s=0.8)
    google.stand_in.faults.order(slow)
    accrue(house, 1)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(carry, house)
        wait_until(lambda: slow.times == 0, "the older write on its way", 20)
        for number in range(2, 11):
            accrue(house, number)
            for other in [pool.submit(carry, house) for _ in range(3)]:
                other.result()
        first.result()
    run(house)
    assert (balance(google, card), waiting(house)) == (55, 0)
    assert is_as_we_know_it(house)


def test_an_erased_member_is_nobody_at_google(api, client, card, house, google) -> None:
    """Google's API cannot delete an object: it stays, inactive, and names nobody."""
    grant(api, card)
    run(house)
    number = card["card"]["number"]
    assert number in str(shown(google, card))
    assert "Анна" in str(shown(google, card))
    assert api.delete(f"members/{card['id']}").status_code == 200
    run(house)
    left = shown(google, card)
    assert left["state"] == "INACTIVE"
    assert left["loyaltyPoints"]["balance"] == {"int": 0}
    assert number not in str(left)
    assert "Анна" not in str(left)
    assert waiting(house) == 0
    assert press(client, card).status_code == 410
