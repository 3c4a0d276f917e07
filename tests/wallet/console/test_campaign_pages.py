"""Campaigns in the console: written, looked at, sent, and what came of them."""

import csv
import html
import io
import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from phones import Phone, values
from phones import opened as opened_pass
from sqlalchemy import select
from visitors import HOME, Visitor, signed_in
from werkzeug.test import TestResponse

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.google import alerts
from wallet.google.mirror import GoogleObject
from wallet.outreach.campaigns import Campaign
from wallet.outreach.deliveries import Delivery
from wallet.passes import issued, templates
from wallet.passes.content import LONGEST_MESSAGE
from wallet.sandbox.apns import RunningApns

LIST = f"{HOME}messages"
NEW = f"{LIST}/new"
TEXT_RU, TEXT_EN = "{{name|Друг}}, латте за полцены!", "{{name|Friend}}, latte is half price!"
SENT = {
    "name": "Friday latte",
    "text_ru": TEXT_RU,
    "text_en": TEXT_EN,
    "whom": "everyone",
    "allow": "any",
    "when": "now",
    "do": "next",
}
RICH_TREE = {"kind": "balance", "at_least": 100}
RICH = json.dumps(RICH_TREE)


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


def words(page: str) -> str:
    """What a page says."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


def campaigns(installation) -> list[Campaign]:
    with installation.database.reading() as session:
        return list(session.scalars(select(Campaign).order_by(Campaign.id)))


def phone_of(client, member: dict, number: int = 0) -> Phone:
    phone = Phone.with_card(client, member, device=f"{number}" * 32)
    assert phone.register(token=f"{number}" * 64).status_code == 201
    return phone


def made(marketer: Visitor, installation, **changes: object) -> str:
    """The address of a draft that was written in the form."""
    answer = marketer.send(NEW, **{**SENT, **changes})
    assert answer.status_code == 303, words(answer.text)
    return f"{LIST}/{campaigns(installation)[-1].public_id}"


def opened(marketer: Visitor, address: str) -> str:
    return re.search(r'name="opened" value="(\d+)"', marketer.read(address))[1]


def pressed(marketer: Visitor, draft: str, **entries: object) -> TestResponse:
    """Send, pressed on the page that says all that it brings."""
    mark = opened(marketer, f"{draft}/send")
    return marketer.send(f"{draft}/send", opened=mark, **entries)


def marketer_link(page: str, what: str) -> str:
    """Where the link of a page leads that has this in its address."""
    return html.unescape(re.search(rf'href="([^"]*[?&]{what}=[^"]*)"', page)[1])


def refused(answer: TestResponse, field: str, sentence: str, **typed: str) -> None:
    """The form came back: the sentence stands at its field, and all that was typed."""
    assert answer.status_code == 422
    found = re.search(rf'id="{field}-problem">(.*?)</p>', answer.text, re.DOTALL)
    assert found, words(answer.text)
    assert sentence in words(found[1])
    for value in typed.values():
        assert html.escape(value, quote=False).replace("'", "&#39;") in answer.text


class TestFromTheFirstWordToTheFigures:
    def test_the_phone_has_it_and_the_page_knows(
        self, marketer, client, member, house, installation, noted
    ) -> None:
        phone = phone_of(client, member)
        assert "No campaign yet" in marketer.read(LIST)
        draft = made(marketer, installation)
        assert campaigns(installation)[0].state == "draft"
        said = words(marketer.read(f"{draft}/send"))
        assert "“Friday latte” goes out right now. Recipients: 1." in said
        assert "Анна, латте за полцены!" in said
        assert pressed(marketer, draft).location == draft
        house.run("messages", "relay", "apple")
        assert values(opened_pass(phone.fetch().data))["news"] == "Анна, латте за полцены!"
        page = words(marketer.read(draft))
        assert "Fetched by the phone The text is in the phone." in page
        assert "Nobody was held out, so there is nothing to compare with." in page
        assert words(marketer.read(LIST)).count("Friday latte") == 1
        codes = [code for code, *_who in noted()]
        assert codes[-2:] == ["campaign.made", "campaign.started"]

    def test_points_come_with_the_words_and_their_cost_is_said_before(
        self, marketer, client, member, house, installation, api
    ) -> None:
        phone_of(client, member)
        gift = {"gift": "yes", "gift_points": "50", "gift_lives": "days", "gift_days": "30"}
        draft = made(marketer, installation, text_ru="Дарим {{gift}}!", text_en="", **gift)
        said = words(marketer.read(f"{draft}/send"))
        assert "With it come 50 points that live 30 days: 50 points in all" in said
        pressed(marketer, draft)
        house.run("messages")
        assert api.get(f"members/{member['id']}").get_json()["balance"]["available"] == 50
        assert "50 points of gifts" in words(marketer.read(draft))

    def test_each_number_leads_to_the_members_behind_it(
        self, marketer, client, join, house, installation
    ) -> None:
        told, without = join(name="Вера"), join(name="Глеб")
        phone_of(client, told)
        draft = made(marketer, installation)
        pressed(marketer, draft)
        house.run("messages")
        page = marketer.read(draft)
        link = html.unescape(re.search(r'href="([^"]+of=no_card)"', page)[1])
        members = marketer.read(link)
        assert "Глеб" in members
        assert "Вера" not in members
        assert "The card was in no phone." in words(members)
        assert f"members/{without['id']}" in members
        assert "Вера" in marketer.read(link.replace("no_card", "apple.queued"))
        assert marketer.get(link.replace("no_card", "nonsense")).status_code == 404

    def test_its_figures_as_a_file(
        self, marketer, client, member, house, installation, api
    ) -> None:
        phone_of(client, member)
        draft = made(marketer, installation, name="=HYPERLINK(1)")
        pressed(marketer, draft)
        house.run("messages")
        answer = marketer.get(f"{draft}/results.csv")
        rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True)[1:]), delimiter=";"))
        assert rows[0] == ["Part", "Figure", "Value"]
        assert ["Recipients", "Got it", "1"] in rows
        assert ["Campaign", "Name of the campaign", "'=HYPERLINK(1)"] in rows
        answer = marketer.get(f"{draft}/results.csv?lang=ru")
        said = answer.get_data(as_text=True)[1:]
        rows = list(csv.reader(io.StringIO(said), delimiter=";"))
        assert ["Получатели", "Карты нет в телефоне", "0"] in rows
        assert ["Рассылка", "Состояние", "отправлено"] in rows
        english = re.compile(r"[a-z]+_[a-z]+|\b(told|members|queued|accepted)\b")
        assert english.search(said) is None
        taken = api.get("exports?programme=demo").get_json()["items"]
        assert [(one["what"], one["complete"], one["rows"]) for one in taken] == [
            ("results", True, len(rows) - 1)
        ] * 2
        assert taken[0]["filters"] == {"campaign": "=HYPERLINK(1)", "days": 30}

    def test_two_campaigns_side_by_side(
        self, marketer, client, member, house, installation, api
    ) -> None:
        phone_of(client, member)
        drafts = [made(marketer, installation, name=name) for name in ("First", "Second")]
        for draft in drafts:
            pressed(marketer, draft)
        house.run("messages")
        other = drafts[1].rpartition("/")[2]
        page = words(marketer.read(f"{drafts[0]}/compare?with={other}"))
        assert "First Second" in page
        assert "Got it 1, 100 % 1, 100 %" in page
        answer = marketer.get(f"{drafts[0]}/compare.csv?with={other}")
        rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True)[1:]), delimiter=";"))
        assert rows[0] == ["Figure", "First", "Second"]
        assert ["Got it", "1, 100\xa0%", "1, 100\xa0%"] in rows or [
            "Got it",
            "1, 100 %",
            "1, 100 %",
        ] in rows
        (taken,) = api.get("exports?programme=demo").get_json()["items"]
        assert taken["filters"] == {"campaign": "First", "with": "Second", "days": 30}


class TestBeforeItIsSent:
    def test_how_far_it_comes_and_how_it_looks_is_there_while_one_types(
        self, marketer, client, join, google
    ) -> None:
        agreed = [{"purpose": "marketing", "given": True}]
        phone_of(client, join(name="Анна", consents=agreed))
        join(name="Борис", consents=agreed)
        join(name="Вера")
        page = marketer.send(NEW, f"{LIST}/preview", **{**SENT, "allow": "given", "name": ""})
        said = words(page.text)
        assert "1 member is told, of 3" in said
        assert "1 did not agree to messages." in said
        assert "1 has no card in a phone." in said
        assert "Never asked so far: 1." in said
        assert "Анна, латте за полцены!" in said
        assert "Борис, латте" not in said  # whoever gets nothing is no example

    def test_the_words_are_seen_while_the_gift_and_the_time_are_not_typed_yet(
        self, marketer, client, join
    ) -> None:
        phone_of(client, join(name="Анна"))
        empty = {"gift": "yes", "gift_points": "", "gift_lives": "days", "when": "at", "at": ""}
        said = words(marketer.send(NEW, f"{LIST}/preview", **{**SENT, **empty}).text)
        assert "Анна, латте за полцены!" in said
        assert "1 member is told" in said
        assert "Please fill this in." not in said
        refused(marketer.send(NEW, **{**SENT, **empty}), "gift_points", "Please fill this in.")
        wrong = {**SENT, **empty, "text_ru": "{{nmae}}"}
        assert "“{{nmae}}” is not known here" in words(
            marketer.send(NEW, f"{LIST}/preview", **wrong).text
        )

    def test_who_will_read_another_language_is_said(
        self, marketer, installation, client, join
    ) -> None:
        for number, tongue in enumerate(("ru", "en", "en-GB", "de")):
            phone_of(client, join(name=f"Anna {number}", locale=tongue), number)
        one = {**SENT, "text_en": ""}
        said = words(marketer.send(NEW, f"{LIST}/preview", **one).text)
        # German is no language of the programme: there is no text to be written for them.
        assert "2 of them read English and will get the text in Russian." in said
        draft = made(marketer, installation, text_en="")
        assert "2 of them read English" in words(marketer.read(f"{draft}/send"))
        both = words(marketer.send(NEW, f"{LIST}/preview", **SENT).text)
        assert "will get the text in" not in both

    def test_who_may_not_see_names_sees_none_in_the_texts(
        self, client, installation, join, monkeypatch
    ) -> None:
        phone_of(client, join(name="Анна"))
        marketer = signed_in(client, installation, "marketer")
        monkeypatch.setattr("wallet.console.pages.may", lambda right: right != "personal:read")
        page = marketer.send(NEW, f"{LIST}/preview", **SENT).text
        assert "Анна" not in page
        assert "…, латте за полцены!" in page

    def test_a_test_comes_to_one_card_with_no_points(
        self, marketer, client, join, house, installation, api
    ) -> None:
        mine, other = join(name="Я"), join(name="Она")
        phone, theirs = phone_of(client, mine, 1), phone_of(client, other, 2)
        gift = {"gift": "yes", "gift_points": "50", "gift_lives": "usual"}
        draft = made(marketer, installation, text_ru="Дарим {{gift}}!", text_en="", **gift)
        number = mine["card"]["number"]
        answer = marketer.send(f"{draft}/send", f"{draft}/test", card=number)
        assert answer.status_code == 303
        house.run("apple")
        assert values(opened_pass(phone.fetch().data))["news"] == "Дарим 50!"
        assert values(opened_pass(theirs.fetch().data))["news"] == "—"
        assert api.get(f"members/{mine['id']}").get_json()["balance"]["available"] == 0
        assert campaigns(installation)[0].state == "draft"
        wrong = marketer.send(f"{draft}/send", f"{draft}/test", card="4485123456789017")
        refused(wrong, "card", "")

    def test_a_test_says_when_a_phone_stays_silent(
        self, marketer, client, join, installation
    ) -> None:
        mine, number = join(name="Я"), 0
        draft = made(marketer, installation, text_ru="Скоро!", text_en="")

        def tested() -> str:
            answer = marketer.send(f"{draft}/send", f"{draft}/test", card=mine["card"]["number"])
            return words(marketer.read(answer.location))

        assert "this card is in no phone yet" in tested()
        phone_of(client, mine, number)
        said = tested()
        assert "The phone shows it in a few seconds." in said
        assert "an iPhone stays silent then" in said
        assert "Google brings it" not in said
        with installation.database.transaction() as session:
            pass_ = issued.card_of(session, 1)
            moment = installation.clock()
            kept = GoogleObject(
                pass_id=pass_.id,
                object_id="issuer.1",
                saved=True,
                heard_at=moment,
                check_at=moment,
                created_at=moment,
            )
            session.add(kept)
            session.flush()
            for version in range(alerts.MOST):
                alerts.take(session, pass_.id, version, moment)
        assert "Google brings it without a sound" in tested()

    def test_it_goes_at_the_time_that_was_chosen(
        self, marketer, member, installation, house
    ) -> None:
        tomorrow = house.today() + timedelta(days=1)
        draft = made(marketer, installation, when="at", at=f"{tomorrow}T12:30")
        page = marketer.read(f"{draft}/send?at={tomorrow}T12:30")
        assert "goes out tomorrow at 12:30" in words(page).replace("12:30 PM", "12:30")
        mark = opened(marketer, f"{draft}/send")
        answer = marketer.send(f"{draft}/send", opened=mark, at=f"{tomorrow}T12:30")
        assert answer.status_code == 303
        (campaign,) = campaigns(installation)
        assert (campaign.state, campaign.starts_at.minute) == ("scheduled", 30)
        assert "It begins tomorrow at" in words(marketer.read(draft))

    def test_the_condition_tree_reads_as_a_sentence(self, marketer, installation, member) -> None:
        typed = {**SENT, "whom": "conditions", "condition": "balance_from"}
        page = marketer.send(NEW, **{**typed, "do": "choose"})
        assert page.status_code == 200
        assert 'name="number"' in page.text
        assert "Friday latte" in page.text
        refused(marketer.send(NEW, **{**typed, "do": "add", "number": "many"}), "number", "whole")
        page = marketer.send(NEW, **{**typed, "do": "add", "number": "100"}).text
        tree = html.unescape(re.search(r'name="tree" value="([^"]*)"', page)[1])
        assert json.loads(tree) == json.loads(RICH)
        page = marketer.send(
            NEW, **{**typed, "do": "add", "condition": "card", "tree": tree, "wallet": "apple"}
        ).text
        assert "balance from 100" in words(page)
        assert "card in Apple Wallet" in words(page)
        both = html.unescape(re.search(r'name="tree" value="([^"]*)"', page)[1])
        page = marketer.send(NEW, **{**typed, "do": "drop:0", "tree": both}).text
        assert "balance from 100" not in words(page)
        draft = made(marketer, installation, whom="conditions", tree=both)
        assert "For: balance from 100 · card in Apple Wallet." in words(
            marketer.read(f"{draft}/send")
        )


class TestItsCourse:
    def test_paused_resumed_and_cancelled(
        self, marketer, client, member, house, installation, noted
    ) -> None:
        phone_of(client, member)
        draft = made(marketer, installation)
        pressed(marketer, draft)
        marketer.send(draft, f"{draft}/pause")
        house.run("messages")
        assert "paused" in words(marketer.read(draft))
        marketer.send(draft, f"{draft}/resume")
        assert "Nobody was told yet" in words(marketer.read(f"{draft}/cancel"))
        marketer.send(f"{draft}/cancel")
        house.run("messages")
        assert campaigns(installation)[0].state == "cancelled"
        with installation.database.reading() as session:
            assert session.scalars(select(Delivery)).all() == []
        late = marketer.post(f"{draft}/pause", csrf_token=token(marketer))
        assert late.status_code == 303
        assert "cancelled" in words(marketer.read(draft))
        codes = [code.removeprefix("campaign.") for code, *_who in noted()]
        assert codes[-5:] == ["made", "started", "paused", "resumed", "cancelled"]

    def test_a_planned_one_is_changed_and_copied(
        self, marketer, client, member, house, installation, clock_now, noted
    ) -> None:
        phone = phone_of(client, member)
        zone = ZoneInfo("Europe/Moscow")
        first, second = (
            (clock_now() + timedelta(minutes=ahead)).astimezone(zone).isoformat()[:16]
            for ahead in (10, 20)
        )
        draft = made(marketer, installation, when="at", at=first)
        pressed(marketer, draft, at=first)
        page = marketer.read(f"{draft}/edit")
        assert "Nobody was told yet, so all of it can be changed." in words(page)
        assert f'value="{first}"' in page
        changed = {**SENT, "text_ru": "Латте даром!", "text_en": "", "do": "save", "when": "at"}
        past = {**changed, "at": "2001-01-01T10:00", "opened": opened(marketer, f"{draft}/edit")}
        refused(marketer.send(f"{draft}/edit", **past), "at", "This moment is over.")
        later = {**past, "at": second}
        assert marketer.send(f"{draft}/edit", **later).location == draft
        (campaign,) = campaigns(installation)
        assert campaign.state == "scheduled"
        assert campaign.starts_at.astimezone(zone).isoformat()[:16] == second
        assert campaign.not_before == campaign.starts_at
        stale = marketer.send(f"{draft}/edit", **later)  # opened before it was changed
        assert stale.status_code == 422 and "changed this meanwhile" in words(stale.text)
        clock_now.now = campaign.starts_at
        house.run("messages", "relay", "apple")
        assert values(opened_pass(phone.fetch().data))["news"] == "Латте даром!"
        assert ("campaign.changed", "employee", "marketer@example.com") in noted()
        copied = marketer.read(marketer_link(marketer.read(draft), "copy"))
        assert 'value="Friday latte (copy)"' in copied and "Латте даром!" in copied
        assert f'value="{second}"' not in copied

    def test_one_that_has_begun_keeps_its_recipients(
        self, marketer, client, member, house, installation, api
    ) -> None:
        phone_of(client, member)
        draft = made(marketer, installation, held_out="10")
        pressed(marketer, draft)
        with installation.database.transaction() as session:
            session.scalars(select(Campaign)).one().started_at = installation.clock()
        edited = marketer.get(f"{draft}/edit")
        assert edited.location == draft  # it runs
        marketer.send(draft, f"{draft}/pause")
        page = marketer.read(f"{draft}/edit")
        assert "It has begun." in words(page)
        assert 'name="held_out" value="10"' in page and 'type="radio"' not in page
        mark = opened(marketer, f"{draft}/edit")
        new = {"name": "Latte", "text_ru": "Позже!", "held_out": "0", "do": "save", "opened": mark}
        assert marketer.send(f"{draft}/edit", **new).location == draft
        (campaign,) = campaigns(installation)
        assert (campaign.texts, campaign.holdout_percent) == ({"ru": "Позже!"}, 10)
        assert campaign.quiet is None and campaign.starts_at is not None
        path = f"campaigns/{campaign.public_id}"
        for part in ({"holdout_percent": 0}, {"gift": {"points": 5}}, {"audience": RICH_TREE}):
            answer = api.call("PATCH", path, part)
            assert answer.get_json()["code"] == "campaign_begun", part
        assert api.call("PATCH", path, {"name": "x"}).status_code == 200

    def test_quiet_hours_and_why_nobody_is_told_are_said(
        self, marketer, client, member, house, installation
    ) -> None:
        phone_of(client, member)
        draft = made(marketer, installation, quiet="yes", quiet_from="00:00", quiet_until="23:59")
        said = words(marketer.read(f"{draft}/send"))
        assert "These are quiet hours (00:00 to 23:59): nobody is told before" in said
        pressed(marketer, draft)
        house.run("messages")
        assert "These are quiet hours: it goes on" in words(marketer.read(f"{draft}/progress"))


def token(marketer: Visitor) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', marketer.read(NEW))[1]


class TestTwoPeople:
    def test_who_press_send_at_once_send_one_campaign(
        self, app, client, member, house, installation
    ) -> None:
        phone_of(client, member)
        anna = signed_in(client, installation, "marketer", email="anna@example.com")
        boris = signed_in(app.test_client(), installation, "manager", email="boris@example.com")
        draft = made(anna, installation)
        marks = [opened(one, f"{draft}/send") for one in (anna, boris)]
        assert boris.send(f"{draft}/send", opened=marks[1]).status_code == 303
        answer = anna.post(f"{draft}/send", csrf_token=token(anna), opened=marks[0])
        assert answer.location == draft
        assert "It was sent before: it goes out once." in words(anna.read(draft))
        house.run("messages")
        with installation.database.reading() as session:
            (delivery,) = session.scalars(select(Delivery)).all()
        assert delivery.state == "told"

    def test_who_change_one_draft_are_told_of_each_other(
        self, app, client, installation, member
    ) -> None:
        anna = signed_in(client, installation, "marketer", email="anna@example.com")
        boris = signed_in(app.test_client(), installation, "manager", email="boris@example.com")
        draft = made(anna, installation)
        mark = opened(anna, f"{draft}/edit")
        theirs = {**SENT, "name": "Theirs", "opened": opened(boris, f"{draft}/edit")}
        assert boris.send(f"{draft}/edit", **theirs).status_code == 303
        mine = {**SENT, "name": "Mine", "opened": mark}
        answer = anna.send(f"{draft}/edit", **mine)
        assert answer.status_code == 422
        assert "boris@example.com changed this meanwhile" in words(answer.text)
        assert 'value="Mine"' in answer.text
        late = anna.send(f"{draft}/send", opened=mark)
        assert late.status_code == 422
        assert campaigns(installation)[0].state == "draft"

    def test_a_form_that_was_sent_twice_makes_one_draft(self, marketer, installation) -> None:
        page = marketer.read(NEW)
        once = re.search(r'name="once" value="([^"]+)"', page)[1]
        answers = [marketer.send(NEW, **SENT, once=once) for _ in range(2)]
        assert answers[0].location == answers[1].location
        assert len(campaigns(installation)) == 1


ONE_FIELD = [
    (
        "text_ru",
        "Вам {{bonus}}!",
        "In the Russian text: “{{bonus}}” is not known here; known are {{name}",
    ),
    ("text_ru", "Вам {{ points!", "In the Russian text: “{{ points!” is no placeholder."),
    ("text_ru", "{{points}} {{points:балл|баллов}}", "3"),
    ("text_ru", "Вам {{gift}}!", "gift"),
    ("text_en", "x" * (LONGEST_MESSAGE + 1), "At most 500 characters; these are 501."),
    ("text_en", "a\x07b", "signs that nobody can read"),
    ("name", "", "Please fill this in."),
    ("name", "x" * 101, "At most 100"),
    ("held_out", "91", "From 0 to 90."),
    ("held_out", "ten", "not a whole number"),
]
TOGETHER = [
    ({"text_ru": "", "text_en": " "}, "text_ru", "in one language at least"),
    ({"whom": "segment", "segment": ""}, "segment", "Choose a segment."),
    ({"whom": "segment", "segment": "Gone"}, "segment", "no such segment any more"),
    ({"whom": "conditions", "tree": ""}, "condition", "Add a condition"),
    ({"whom": "conditions", "tree": '{"kind": "x"}'}, "condition", "Add a condition"),
    ({"when": "at", "at": ""}, "at", "fill this in"),
    ({"when": "at", "at": "soon"}, "at", "Choose a day and a time."),
    ({"when": "at", "at": "2001-01-01T10:00"}, "at", "This moment is over."),
    ({"quiet": "yes", "quiet_from": "25:00", "quiet_until": "10:00"}, "quiet_from", "21"),
    ({"quiet": "yes", "quiet_from": "10:00", "quiet_until": "10:00"}, "quiet_until", "dif"),
    ({"cap": "yes", "cap_messages": "0", "cap_days": "7"}, "cap_messages", "From 1"),
    ({"cap": "yes", "cap_messages": "3", "cap_days": ""}, "cap_days", "fill this in"),
    ({"gift": "yes", "gift_points": "0", "gift_lives": "usual"}, "gift_points", "From 1"),
    ({"gift": "yes", "gift_points": "5", "gift_lives": "days"}, "gift_days", "fill this"),
    (
        {
            "gift": "yes",
            "gift_points": "5",
            "gift_lives": "until",
            "gift_until": "2001-01-01",
        },
        "gift_until",
        "This day is over.",
    ),
    (
        {
            "gift": "yes",
            "gift_points": "5",
            "gift_lives": "until",
            "gift_until": "9999-12-31",
        },
        "gift_until",
        "",
    ),
]


class TestBadInput:
    def test_is_refused_in_the_forms_own_words_and_nothing_typed_is_lost(
        self, marketer, installation
    ) -> None:
        for field, typed, sentence in ONE_FIELD:
            answer = marketer.send(NEW, **{**SENT, field: typed})
            kept = TEXT_EN if field != "text_en" else TEXT_RU
            keeps = typed if "\x07" not in typed else ""
            refused(answer, field, sentence, typed=keeps, other=kept)
        for entries, field, sentence in TOGETHER:
            answer = marketer.send(NEW, **{**SENT, **entries})
            refused(answer, field, sentence, name="Friday latte")
        assert marketer.send(NEW, **{**SENT, "allow": "everyone"}).status_code == 422
        assert campaigns(installation) == []

    def test_emoji_and_right_to_left_are_taken(
        self, marketer, client, member, house, installation
    ) -> None:
        phone = phone_of(client, member)
        text = "مرحبا 👩‍👩‍👧‍👦 שלום"
        draft = made(marketer, installation, name="<script>x</script>", text_ru=text, text_en="")
        page = marketer.read(f"{draft}/send")
        assert "<script>x" not in page
        pressed(marketer, draft)
        house.run("messages")
        assert values(opened_pass(phone.fetch().data))["news"] == text

    def test_a_segment_that_a_draft_is_for_is_not_deleted(
        self, marketer, installation, member
    ) -> None:
        saved = marketer.send(f"{HOME}segments/save?tree={RICH}", name="Rich", revision="0")
        assert saved.status_code == 303
        made(marketer, installation, whom="segment", segment="Rich")
        answer = marketer.send(f"{HOME}segments/Rich/delete")
        assert answer.status_code == 422
        assert "Friday latte" in words(answer.text)

    def test_cards_that_show_no_messages(self, marketer, installation, member) -> None:
        with installation.database.transaction() as session:
            programme = programmes.by_code(session, "demo")
            template = templates.current(session, programme.id)
            document = dict(template.design)
            document["fields"] = [f for f in document["fields"] if f["shows"] != "message"]
            template.design = document
        draft = made(marketer, installation)
        page = words(marketer.read(f"{draft}/send"))
        assert "Send now" not in page
        answer = marketer.send(f"{draft}/send", opened=opened(marketer, f"{draft}/send"))
        assert answer.status_code == 422
        assert campaigns(installation)[0].state == "draft"


class TestWhoMay:
    def test_who_looks_only_has_no_buttons(self, client, installation, member) -> None:
        marketer = signed_in(client, installation, "marketer", email="m@example.com")
        draft = made(marketer, installation)
        viewer = signed_in(client, installation, "viewer")
        for page in (LIST, draft):
            assert "/new" not in viewer.read(page)
            assert "/send" not in viewer.read(page)
        for page in (NEW, f"{draft}/edit", f"{draft}/send", f"{draft}/cancel"):
            assert viewer.get(page).status_code == 403
        assert viewer.post(f"{draft}/pause", csrf_token="x").status_code in (400, 403)

    def test_another_programmes_campaign_is_not_there(
        self, client, installation, api, wallet, member
    ) -> None:
        with installation.database.transaction() as session:
            other = programmes.create(session, Terms("other", "Other"), installation.clock())
        marketer = signed_in(client, installation, "marketer")
        draft = made(marketer, installation)
        elsewhere = draft.replace("/demo/", "/other/")
        for part in (
            "",
            "/edit",
            "/send",
            "/progress",
            "/cancel",
            "/members?of=told",
            "/results.csv",
        ):
            assert marketer.get(f"{elsewhere}{part}").status_code == 404, part
        assert other.code == "other"
