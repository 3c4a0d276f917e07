"""Built-in messages and announcements in the console."""

import html
import re
from datetime import timedelta

import pytest
from phones import Phone, values
from phones import opened as opened_pass
from visitors import HOME, Visitor, signed_in

from ledger.offers import offers
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.outreach import terms
from wallet.sandbox.apns import RunningApns

BUILT_IN, OFFERS = f"{HOME}messages/built-in", f"{HOME}messages/offers"
BIRTHDAY = {
    "on": "yes",
    "text_ru": "С днём рождения, {{name}}! Вам {{gift}}.",
    "text_en": "Happy birthday!",
    "days": "1",
    "from_hour": "00:00",
    "until_hour": "23:59",
    "consent": "any",
    "gift_points": "200",
    "gift_live_days": "30",
}
LATTE = {"title_ru": "Латте", "text_ru": "С собой", "whom": "everyone", "starts": "", "ends": ""}


@pytest.fixture
def environment(environment: dict[str, str], pushes: RunningApns) -> dict[str, str]:
    return {**environment, "WALLET_APNS_URL": pushes.url}


def words(page: str) -> str:
    """What a page says."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


def opened(marketer: Visitor, address: str) -> str:
    return re.search(r'name="opened" value="(\d+)"', marketer.read(address))[1]


def kept(installation, kind: str) -> terms.Wanted:
    with installation.database.reading() as session:
        programme = programmes.by_code(session, "demo")
        return terms.of_programme(session, programme.id)[kind]


def problem(page: str, field: str) -> str:
    found = re.search(rf'id="{field}-problem">(.*?)</p>', page, re.DOTALL)
    return words(found[1]) if found else ""


class TestBuiltIn:
    def test_a_birthday_is_switched_on_and_comes_with_its_gift(
        self, marketer, join, client, house, installation, noted, api
    ) -> None:
        today = house.today()
        anna, _boris = (
            join(name=name, birthday=f"1992-{today + timedelta(days=days):%m-%d}")
            for name, days in (("Анна", 1), ("Борис", 2))
        )
        phone = Phone.with_card(client, anna)
        assert phone.register().status_code == 201
        page = f"{BUILT_IN}/birthday"
        answer = marketer.send(page, opened=opened(marketer, page), **BIRTHDAY)
        assert answer.status_code == 303, words(answer.text)
        wanted = kept(installation, "birthday")
        assert (wanted.on, wanted.days, wanted.gift.points) == (True, 1, 200)
        assert ("message.changed", "employee", "marketer@example.com") in noted()
        said = words(marketer.read(page))
        assert "Tomorrow" in said
        assert "Борис" in said  # whose birthday is the day after tomorrow
        house.run("messages")
        assert "200" in values(opened_pass(phone.fetch().data))["news"]
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 200
        assert "on" in words(marketer.read(BUILT_IN))

    def test_what_is_wrong_is_said_at_its_field(self, marketer, installation) -> None:
        page = f"{BUILT_IN}/birthday"
        mark = opened(marketer, page)
        for entries, field, sentence in (
            ({"text_ru": "{{bonus}}"}, "text_ru", "bonus"),
            ({"text_ru": "", "text_en": ""}, "text_ru", "in one language"),
            ({"text_en": "x" * 501}, "text_en", "At most 500"),
            ({"days": "400"}, "days", "From 0 to 365."),
            ({"from_hour": "9"}, "from_hour", "21:00"),
            ({"gift_points": "-5"}, "gift_points", "From 1"),
            ({"gift_points": ""}, "gift_points", "Say how many"),
            ({"gift_live_days": "0"}, "gift_live_days", "From 1"),
            ({"consent": "nobody"}, "consent", ""),
        ):
            answer = marketer.send(page, opened=mark, **{**BIRTHDAY, **entries})
            assert answer.status_code == 422, entries
            assert sentence in problem(answer.text, field), (entries, problem(answer.text, field))
            assert "Happy birthday!" in answer.text or field.startswith("text_")
        assert not kept(installation, "birthday").on

    def test_it_is_seen_before_it_is_switched_on_and_its_cost_afterwards(
        self, marketer, client, join, house
    ) -> None:
        anna = join(name="Анна", locale="ru", birthday=f"1992-{house.today():%m-%d}")
        phone = Phone.with_card(client, anna)
        assert phone.register().status_code == 201
        page = f"{BUILT_IN}/birthday"
        own = {**BIRTHDAY, "days": "0"}
        said = words(marketer.send(page, f"{page}/preview", **own, opened="0").text)
        assert "С днём рождения, Анна! Вам 200." in said
        assert "Who gets it: everybody whom it is about." in said
        assert "gets 200 points that live 30 days with it" in said
        half = {**own, "gift_points": "", "days": "x", "text_ru": "{{points}} {{nmae}}"}
        said = words(marketer.send(page, f"{page}/preview", **half, opened="0").text)
        assert "“{{nmae}}” is not known here" in said
        for kind in ("accrued", "spent", "burning", "lapsed"):
            assert "Анна" in words(marketer.read(f"{BUILT_IN}/{kind}"))
        assert "In the last 30 days it came to nobody." in words(marketer.read(page))
        assert marketer.send(page, opened=opened(marketer, page), **own).status_code == 303
        house.run("messages")
        said = words(marketer.read(page))
        assert "In the last 30 days Got it 1" in said
        assert "Gifts 200 points" in said

    def test_two_people_are_told_of_each_other(self, app, client, installation) -> None:
        anna = signed_in(client, installation, "marketer", email="anna@example.com")
        boris = signed_in(app.test_client(), installation, "manager", email="boris@example.com")
        page = f"{BUILT_IN}/birthday"
        marks = [opened(one, page) for one in (anna, boris)]
        assert boris.send(page, opened=marks[1], **BIRTHDAY).status_code == 303
        answer = anna.send(page, opened=marks[0], **{**BIRTHDAY, "days": "3"})
        assert answer.status_code == 422
        assert "boris@example.com changed this meanwhile" in words(answer.text)

    def test_who_looks_only_sees_them_and_changes_none(self, client, installation) -> None:
        viewer = signed_in(client, installation, "viewer")
        for kind in terms.KINDS:
            page = viewer.read(f"{BUILT_IN}/{kind}")
            assert 'type="submit">' not in page.split('id="content"')[1]
        assert viewer.get(f"{BUILT_IN}/nonsense").status_code == 404


class TestAnnouncements:
    def test_from_the_form_to_the_card_and_off_it(
        self, marketer, client, member, house, noted
    ) -> None:
        phone = Phone.with_card(client, member)
        answer = marketer.send(f"{OFFERS}/new", **LATTE)
        assert answer.status_code == 303, words(answer.text)
        house.run()
        assert "Латте" in str(values(opened_pass(phone.fetch().data)))
        assert "on the cards" in words(marketer.read(OFFERS))
        page = answer.location
        mark = opened(marketer, page)
        changed = {
            **LATTE,
            "title_ru": "Латте −20 %",
            "opened": mark,
            "starts": starts(marketer, page),
        }
        assert marketer.send(page, **changed).status_code == 303
        said = words(marketer.read(page))
        assert "This sounds like a price or a gift." in said
        assert "coupons of it become void" in words(marketer.read(f"{page}/withdraw"))
        marketer.send(f"{page}/withdraw")
        house.run()
        assert "Латте" not in str(values(opened_pass(phone.fetch().data)))
        assert "withdrawn" in words(marketer.read(page))
        assert 'type="submit">' not in marketer.read(page).split('id="content"')[1]
        codes = [code for code, *_who in noted()]
        assert codes[-3:] == ["offer.made", "offer.changed", "offer.withdrawn"]

    def test_for_one_member_and_for_a_segment(self, marketer, join, client, house) -> None:
        anna, boris = join(name="Анна"), join(name="Борис")
        number = anna["card"]["number"]
        one = {**LATTE, "whom": "member", "card": number}
        assert marketer.send(f"{OFFERS}/new", **one).status_code == 303
        house.run()
        for person, has in ((anna, True), (boris, False)):
            card = str(values(opened_pass(Phone.with_card(client, person).fetch().data)))
            assert ("Латте" in card) == has
        assert "Анна" in words(marketer.read(OFFERS))

    def test_what_is_wrong_is_said_at_its_field(self, marketer, member) -> None:
        for entries, field, sentence in (
            ({"title_ru": ""}, "title_ru", "Give it a title"),
            ({"title_ru": "x" * 101}, "title_ru", "At most 100"),
            ({"text_ru": "x" * 2001}, "text_ru", "At most 2000"),
            ({"ends": "2001-01-01"}, "ends", ""),
            ({"starts": "tomorrow"}, "starts", "This is not a day."),
            ({"whom": "segment", "segment": "Gone"}, "segment", ""),
            ({"whom": "member", "card": "4485123456789017"}, "card", ""),
        ):
            answer = marketer.send(f"{OFFERS}/new", **{**LATTE, **entries})
            assert answer.status_code == 422, entries
            assert sentence in words(answer.text), entries
            assert f'href="#{field}"' in answer.text, (entries, field)
        assert "Nothing is announced" in words(marketer.read(OFFERS))

    def test_nothing_is_filled_in_so_places_for_it_are_refused(
        self, marketer, member, api, installation
    ) -> None:
        for entries, field in (
            ({"title_ru": "{{name}}, латте"}, "title_ru"),
            ({"text_ru": "Ждём вас, {{name|друг}}"}, "text_ru"),
            ({"title_en": "Latte }}"}, "title_en"),
        ):
            answer = marketer.send(f"{OFFERS}/new", **{**LATTE, **entries})
            assert answer.status_code == 422
            assert "Write it without double braces" in problem(answer.text, field), entries
        body = {"programme": "demo", "title": {"ru": "Латте, {{name}}"}}
        refused = api.post("offers", body)
        assert refused.status_code == 422
        assert refused.get_json()["code"] == "placeholder_not_filled"
        assert "“{{name}}” in the Russian text" in refused.get_json()["detail"]
        made = api.post("offers", {**body, "title": {"ru": "Латте"}}).get_json()
        own = f"offers/{made['id']}"
        assert api.call("PATCH", own, {"text": {"ru": "{{x"}}).status_code == 422
        with installation.database.transaction() as session:  # from before there was this rule
            offers.by_public_id(session, made["id"]).titles = {"ru": "Латте {{name}}"}
        until = {"until": "2030-01-01T00:00:00Z"}
        assert api.call("PATCH", own, until).status_code == 200

    def test_another_programmes_is_not_there(self, marketer, installation, member) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, Terms("other", "Other"), installation.clock())
        page = marketer.send(f"{OFFERS}/new", **LATTE).location
        elsewhere = page.replace("/demo/", "/other/")
        for part in ("", "/withdraw"):
            assert marketer.get(f"{elsewhere}{part}").status_code == 404


def starts(marketer: Visitor, page: str) -> str:
    """The first day, as it stands in the form."""
    return re.search(r'type="date" value="([\d-]+)"', marketer.read(page))[1]
