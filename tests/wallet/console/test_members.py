"""Members in the console: the list, the page of one, and what is done there."""

import json
import re
from urllib.parse import quote

import pytest
from sqlalchemy import select
from visitors import HOME, Visitor, signed_in

from ledger.book import roster
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from wallet.access import adjustments, exports
from wallet.access.changes import RecordedChange
from wallet.console import conditions, listing

MEMBERS = f"{HOME}members"
RICH = quote('{"kind":"balance","at_least":500}')
AGREED = quote('{"kind":"consent"}')
LINKS = re.compile(r'href="(/console/programmes/demo/[^"#]+)"')


@pytest.fixture
def marketer(client, installation) -> Visitor:
    return signed_in(client, installation, "marketer")


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна Ёлкина", phone="+79161234509", email="anna@example.com")


@pytest.fixture
def noted(installation):
    def noted() -> list[tuple[str, str, str]]:
        with installation.database.reading() as session:
            rows = session.scalars(select(RecordedChange).order_by(RecordedChange.id))
            return [(one.code, one.author_kind, one.author_name) for one in rows]

    return noted


def give(api, member: dict, points: int, **more: object) -> None:
    assert (
        api.post("accruals", {"member": member["id"], "points": points, **more}).status_code < 300
    )


class TestList:
    def test_a_programme_without_members_says_what_to_do(self, marketer) -> None:
        page = marketer.read(MEMBERS)
        assert "Nobody has joined yet" in page and "0 members" in page

    def test_members_stand_with_what_matters(self, marketer, anna, api) -> None:
        give(api, anna, 1250)
        page = marketer.read(MEMBERS)
        for words in ("Анна Ёлкина", "+7 916 123-45-09", "1,250", "1 member"):
            assert words in page, words

    def test_a_script_in_a_name_is_text(self, marketer, join) -> None:
        member = join(name="<script>alert(1)</script>")
        for path in (MEMBERS, f"{MEMBERS}/{member['id']}", f"{HOME}search?q=script"):
            page = marketer.read(path)
            assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page

    def test_every_member_is_on_one_page_either_way(
        self, marketer, join, house, monkeypatch
    ) -> None:
        monkeypatch.setattr("wallet.console.members.ROWS", 3)
        monkeypatch.setattr(listing, "ROWS", 3)
        names = []
        for number in range(8):
            house.clock.advance(seconds=number % 2)  # some join in the same moment
            names.append(f"Гость-{number}")
            join(name=names[-1])
        for query in ("", "?sort=oldest", f"?tree={quote(json.dumps({'kind': 'joined'}))}"):
            seen, address = [], MEMBERS + query
            while address:
                page = marketer.read(address)
                seen += re.findall(r">(Гость-\d)<", page)
                found = re.search(r'href="([^"]+)" rel="next"|rel="next"[^>]*href="([^"]+)"', page)
                found = found or re.search(r'class="btn k-plain" href="([^"]+)"rel="next"', page)
                address = found[1].replace("&amp;", "&") if found else ""
            assert sorted(seen) == names
            assert seen == (names if "oldest" in query else names[::-1])

    def test_a_rare_member_is_found_however_many_are_looked_at(
        self, marketer, join, api, house, monkeypatch
    ) -> None:
        for name, value in (("FIRST_LOOKED", 2), ("MOST_LOOKED_AT_ONCE", 3), ("MOST_LOOKED", 5)):
            monkeypatch.setattr(roster, name, value)
        rare = []
        for number in range(23):
            house.clock.advance(seconds=number % 2)
            member = join(name=f"Гость-{number}")
            if number in (1, 12, 22):
                give(api, member, 500)
                rare.append(f"Гость-{number}")
        for sort in ("", "&sort=oldest"):
            seen, address, steps = [], f"{MEMBERS}?tree={RICH}{sort}", 0
            while address:
                page, steps = marketer.read(address), steps + 1
                seen += re.findall(r">(Гость-\d+)<", page)
                found = re.search(r'class="btn k-plain" href="([^"]+after=[^"]+)"', page)
                address = found[1].replace("&amp;", "&") if found else ""
                assert steps < 20
            assert seen == (rare if sort else rare[::-1])
            assert steps > 2
        answer = marketer.send(f"{MEMBERS}/export?tree={RICH}", format="csv", people="yes")
        assert re.findall(r"Гость-\d+", answer.text) == rare[::-1]

    def test_filters_are_chosen_said_and_taken_away(self, marketer, anna, join, api) -> None:
        join(name="Борис")
        give(api, anna, 600)
        assert 'name="number"' in marketer.read(f"{MEMBERS}?add=balance_from")
        answer = marketer.send(
            f"{MEMBERS}?add=balance_from", MEMBERS, kind="balance_from", number="500"
        )
        assert answer.status_code == 303
        page = marketer.read(answer.location)
        assert "balance from 500" in page
        assert "Анна" in page and "Борис" not in page
        more = marketer.send(answer.location, answer.location, kind="no_card")
        assert "no card in a phone" in marketer.read(more.location)
        counted = marketer.read(more.location.replace("/members?", "/members/count?"))
        assert counted == "1 member"

    @pytest.mark.parametrize("typed", ["", "-1", "x", "1.5"])
    def test_a_value_that_does_not_fit_is_said_at_its_field(self, marketer, anna, typed) -> None:
        answer = marketer.send(
            f"{MEMBERS}?add=balance_from", MEMBERS, kind="balance_from", number=typed
        )
        assert answer.status_code == 422
        assert 'id="problems"' in answer.text

    def test_merged_and_erased_members_have_lists(self, marketer, anna, join, api) -> None:
        double, gone = join(name="Аня"), join(name="Вера")
        api.post(f"members/{double['id']}/merge", {"into": anna["id"]})
        api.delete(f"members/{gone['id']}")
        assert "Аня" in marketer.read(f"{MEMBERS}?state=merged")
        assert "1 member" in marketer.read(f"{MEMBERS}?state=erased")
        assert "Аня" not in marketer.read(MEMBERS)

    def test_addresses_that_somebody_changed_show_a_list(self, marketer, anna) -> None:
        for query in (
            "?tree=x",
            "?tree={}",
            "?state=nothing",
            "?after=1",
            "?after=9-9-9",
            "?segment=no",
            "?add=no",
            "?after=9223372036854775806-1",
        ):
            assert marketer.get(MEMBERS + query).status_code == 200, query

    def test_a_count_is_exact_and_then_about(self, marketer, join, monkeypatch) -> None:
        for number in range(4):
            join(name=f"Гость {number}")
        monkeypatch.setattr("wallet.console.members.COUNTED", 3)
        assert "about 4 members" in marketer.read(MEMBERS)


class TestSegments:
    def test_filters_are_saved_shown_as_a_view_changed_and_deleted(
        self, marketer, anna, api, noted
    ) -> None:
        give(api, anna, 600)
        saving = f"{HOME}segments/save?tree={RICH}"
        assert "balance from 500" in marketer.read(saving)
        saved = marketer.send(saving, name="Гости 500")
        assert saved.status_code == 303
        page = marketer.read(saved.location)
        assert "Гости 500" in page and "Анна" in page
        assert api.get("segments?programme=demo").get_json()["items"][0]["name"] == "Гости 500"
        taken = marketer.send(saving, name="Гости 500")
        assert taken.status_code == 303  # it says the same
        other = f"{HOME}segments/save?tree={AGREED}"
        refused = marketer.send(other, name="Гости 500")
        assert refused.status_code == 422 and "Гости 500" in refused.text
        changed = f"{other}&segment={quote('Гости 500')}"
        assert marketer.send(changed, name="Гости 500", revision="1").status_code == 303
        assert marketer.send(changed, name="Гости 500", revision="1").status_code == 303
        gone = marketer.send(f"{HOME}segments/{quote('Гости 500')}/delete")
        assert gone.status_code == 303
        assert marketer.get(f"{HOME}segments/{quote('Гости 500')}/delete").status_code == 404
        codes = [code for code, kind, _ in noted() if kind == "employee"]
        assert codes == ["segment.saved", "segment.saved", "segment.deleted"]

    def test_who_may_not_save_sees_no_button(self, client, installation, anna) -> None:
        viewer = signed_in(client, installation, "viewer")
        page = viewer.read(f"{MEMBERS}?tree={RICH}")
        assert "Save as a segment" not in page and "Add a filter" in page
        assert viewer.get(f"{HOME}segments/save?tree={RICH}").status_code == 403


class TestFiles:
    @pytest.mark.parametrize("format_", ["csv", "ndjson"])
    def test_a_list_is_taken_as_a_file_and_that_is_noted(
        self, marketer, join, api, installation, noted, format_
    ) -> None:
        formula = join(name="=SUM(1)", phone="+79161234501")
        join(name="Бедный")
        give(api, formula, 600)
        path = f"{MEMBERS}/export?tree={RICH}"
        assert "1 member" in marketer.read(path)
        answer = marketer.send(path, format=format_, people="yes")
        assert answer.status_code == 200
        assert "Бедный" not in answer.text and "+79161234501" in answer.text
        if format_ == "csv":
            assert "'=SUM(1)" in answer.text
        answer.close()
        with installation.database.reading() as session:
            (done,) = exports.listed(session, None, None, 9)
        assert (done.complete, done.rows, done.personal) == (True, 1, True)
        assert ("export.began", "employee", "marketer@example.com") in noted()

    def test_without_the_tick_nothing_of_people_is_in_it(self, marketer, anna) -> None:
        answer = marketer.send(f"{MEMBERS}/export", format="csv")
        assert anna["id"] in answer.text and "Анна" not in answer.text

    def test_the_call_centre_takes_no_file(self, client, installation, anna) -> None:
        somebody = signed_in(client, installation, "call_centre")
        assert "Export" not in somebody.read(MEMBERS)
        assert somebody.get(f"{MEMBERS}/export").status_code == 403


class TestSearch:
    @pytest.mark.parametrize("asked", ["ёлк", "8 916 123", "4509", "anna@example.com"])
    def test_a_member_is_found_as_one_types(self, marketer, anna, asked) -> None:
        page = marketer.read(f"{HOME}search?q={quote(asked)}")
        assert "Анна Ёлкина" in page and anna["id"] in page
        typed = marketer.get(f"{HOME}search?q={quote(asked)}", **{"HX-Request": "true"})
        assert "Анна Ёлкина" in typed.text and "<html" not in typed.text

    def test_nothing_is_said_in_words(self, marketer) -> None:
        assert "Nothing is found" in marketer.read(f"{HOME}search?q=zzzz")
        assert "Type a name" in marketer.read(f"{HOME}search")

    def test_settings_are_found_beside_members(self, client, installation, join) -> None:
        join(name="Балла Ирина")
        manager = signed_in(client, installation, "manager", language="ru")
        page = manager.read(f"{HOME}search?q={quote('балла')}")
        assert page.index("Балла Ирина") < page.index(">Настройки</h2>")
        cashier = signed_in(client, installation, "cashier")
        assert "Балла" not in cashier.read(f"{HOME}search?q={quote('балла')}").split("<main")[1]

    def test_the_bar_of_every_page_searches(self, marketer) -> None:
        assert f'action="{HOME}search"' in marketer.read(HOME)


class TestRecord:
    def test_the_page_says_who_and_what_happened(self, marketer, anna, api, house) -> None:
        give(api, anna, 120, reason="Кофе", store="Арбат", receipt="17")
        house.clock.advance(minutes=1)
        api.call("PATCH", f"members/{anna['id']}", {"name": "Анна Белкина"})
        page = marketer.read(f"{MEMBERS}/{anna['id']}")
        for words in (
            "Анна Белкина",
            "+120 points · accrual",
            "Кофе",
            "store Арбат",
            "receipt 17",
            "Анна Ёлкина → Анна Белкина",
            "Joined the programme",
            "today at",
            "without end",
        ):
            assert words in page, words

    def test_a_story_is_filtered_and_paged(self, marketer, anna, api, house, monkeypatch) -> None:
        monkeypatch.setattr("wallet.console.members.STORY_LINES", 2)
        for number in range(5):
            house.clock.advance(minutes=1)
            give(api, anna, 10 + number, store=f"Точка-{number % 2}")
        address, seen = f"{MEMBERS}/{anna['id']}?news=posting", []
        while address:
            page = marketer.read(address)
            seen += re.findall(r"\+(\d+) points ·", page)
            found = re.search(r'<a class="btn k-plain" href="([^"]+)">[^<]*<span>Earlier', page)
            address = found[1].replace("&amp;", "&") if found else ""
        assert seen == ["14", "13", "12", "11", "10"]
        only = marketer.read(f"{MEMBERS}/{anna['id']}?store=Точка-1&at_least=12")
        assert re.findall(r"\+(\d+) points ·", only) == ["13"]
        assert "Nothing fits" in marketer.read(f"{MEMBERS}/{anna['id']}?operation=redemption")

    def test_who_is_of_another_programme_is_not_there(
        self, client, installation, house, anna, api
    ) -> None:
        with installation.database.transaction() as session:
            programmes.create(session, Terms("tea", "Tea"), house.clock())
        manager = signed_in(client, installation, "manager")
        for path in ("", "/edit", "/points", "/block", "/merge", "/erase", "/file", "/lost"):
            address = f"/console/programmes/tea/members/{anna['id']}{path}"
            assert manager.get(address).status_code == 404, path
            assert manager.get(f"{MEMBERS}/nothing{path}").status_code == 404

    def test_a_merged_member_leads_to_who_they_are_now(self, marketer, anna, join, api) -> None:
        double = join(name="Аня")
        api.post(f"members/{double['id']}/merge", {"into": anna["id"]})
        page = marketer.read(f"{MEMBERS}/{double['id']}")
        assert f"{MEMBERS}/{anna['id']}" in page and "was merged into" in page

    def test_nobody_sees_a_button_that_answers_forbidden(self, client, installation, anna) -> None:
        for role in ("viewer", "card_editor", "marketer", "manager", "call_centre"):
            visitor = signed_in(client, installation, role)
            for page in (MEMBERS, f"{MEMBERS}/{anna['id']}", f"{HOME}points-by-hand"):
                for link in set(
                    re.findall(r'href="(/console/programmes/demo/[^"#]+)"', visitor.read(page))
                ):
                    answer = visitor.get(link.replace("&amp;", "&"))
                    assert answer.status_code == 200, (role, page, link, answer.status_code)


class TestPoints:
    def post(self, visitor: Visitor, member: dict, **entries: str):
        typed = {"direction": "give", "amount": "100", "reason": "Ошибка кассы", **entries}
        return visitor.send(f"{MEMBERS}/{member['id']}/points", **typed)

    def test_a_newcomer_finds_one_by_phone_and_gives_her_100_points(
        self, marketer, anna, api, noted
    ) -> None:
        found = marketer.read(f"{HOME}search?q=89161234509")
        path = re.search(rf'href="({MEMBERS}/[^"]+)"', found)[1]
        answer = marketer.send(
            f"{path}/points", direction="give", amount="100", reason="Простите за очередь"
        )
        assert answer.status_code == 303
        page = marketer.read(answer.location)
        assert "+100 points, done." in page
        assert "+100 points · by hand" in page
        assert "Простите за очередь" in page and "marketer@example.com" in page
        member = api.get(f"members/{anna['id']}").get_json()
        assert member["balance"]["available"] == 100
        assert noted()[-1] == ("adjustment.made", "employee", "marketer@example.com")

    def test_a_form_that_is_sent_twice_gives_once(self, marketer, anna, api) -> None:
        path = f"{MEMBERS}/{anna['id']}/points"
        once = re.search(r'name="once" value="([^"]+)"', marketer.read(path))[1]
        for _ in range(2):
            assert self.post(marketer, anna, once=once).status_code == 303
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 100

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            ({"amount": ""}, "Please fill this in."),
            ({"amount": "0"}, "At least 1."),
            ({"amount": "-5"}, "At least 1."),
            ({"amount": "ten"}, "This is not a whole number."),
            ({"amount": "9007199254740993"}, "9,007,199,254,740,991"),
            ({"reason": "  "}, "Please fill this in."),
            ({"reason": "x" * 301}, "At most 300 characters."),
            ({"direction": "both"}, "Please choose one of them."),
            ({"direction": "take"}, "0"),
        ],
    )
    def test_what_does_not_fit_is_said_and_nothing_is_lost(
        self, marketer, anna, api, entries, words
    ) -> None:
        answer = self.post(marketer, anna, **entries)
        assert answer.status_code == 422
        assert words in answer.text and 'id="problems"' in answer.text
        if "reason" not in entries:
            assert "Ошибка кассы" in answer.text
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 0

    def test_the_outcome_is_told_while_one_types(self, marketer, anna, api, installation) -> None:
        give(api, anna, 340)
        with installation.database.transaction() as session:
            programmes.limit_adjusting(session, programmes.by_code(session, "demo"), 500)
        path = f"{MEMBERS}/{anna['id']}/points"
        assert "340 points now" in marketer.read(path) and "up to 500 points" in marketer.read(path)
        told = marketer.read(f"{path}/outcome?direction=give&amount=100")
        assert told == "340 → 440 points"
        assert "second person" in marketer.read(f"{path}/outcome?direction=give&amount=501")
        assert "only 340" in marketer.read(f"{path}/outcome?direction=take&amount=341")
        assert marketer.read(f"{path}/outcome?direction=take&amount=x") == ""

    def test_above_the_limit_a_second_person_approves_never_the_asker(
        self, client, app, installation, anna, api
    ) -> None:
        with installation.database.transaction() as session:
            programmes.limit_adjusting(session, programmes.by_code(session, "demo"), 50)
        olga = signed_in(client, installation, "manager", email="olga@example.com")
        answer = self.post(olga, anna)
        assert answer.status_code == 303 and "points-by-hand" in answer.location
        page = olga.read(answer.location)
        assert "somebody else has to approve" in page and ">Approve<" not in page
        assert "+100 points by hand wait" in olga.read(f"{MEMBERS}/{anna['id']}")
        own = olga.send(answer.location, f"{answer.location}/approve")
        assert own.status_code == 422 and "asked for" in own.text
        ivan = signed_in(app.test_client(), installation, "manager", email="ivan@example.com")
        assert "1 request" in ivan.read(MEMBERS)
        assert ">Approve<" in ivan.read(answer.location)
        assert ivan.send(answer.location, f"{answer.location}/approve").status_code == 303
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 100
        story = ivan.read(f"{MEMBERS}/{anna['id']}")
        assert "olga@example.com" in story and "approved by ivan@example.com" in story
        with installation.database.reading() as session:
            assert adjustments.waiting(session, 1, installation.clock()) == []

    def test_a_request_is_declined_with_a_reason(self, client, app, installation, anna) -> None:
        with installation.database.transaction() as session:
            programmes.limit_adjusting(session, programmes.by_code(session, "demo"), 0)
        marketer = signed_in(client, installation, "marketer")
        path = self.post(marketer, anna).location
        other = signed_in(app.test_client(), installation, "marketer", email="m@example.com")
        assert ">Decline<" not in other.read(path)
        token = re.search(r'name="csrf_token" value="([^"]+)"', other.read(HOME))[1]
        assert other.post(f"{path}/decline", csrf_token=token).status_code == 403
        ivan = signed_in(app.test_client(), installation, "manager", email="ivan@example.com")
        assert ivan.send(path, f"{path}/decline", answer=" ").status_code == 422
        assert ivan.send(path, f"{path}/decline", answer="Нет чека").status_code == 303
        assert "Нет чека" in marketer.read(path)
        again = ivan.post(f"{path}/approve", csrf_token=_token(ivan))
        assert again.status_code == 422


def _token(visitor: Visitor) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', visitor.read(HOME))[1]


class TestDetails:
    def test_a_member_is_added_with_a_card(self, marketer, api, noted) -> None:
        answer = marketer.send(
            f"{MEMBERS}/new",
            name="Борис",
            phone="8 (916) 000-00-01",
            email="boris@Example.com",
            birthday="1990-03-01",
            locale="ru",
            external_id="",
            marketing="yes",
        )
        assert answer.status_code == 303, answer.text
        member = api.get(f"members/{answer.location.rsplit('/')[-1]}").get_json()
        assert (member["name"], member["phone"]) == ("Борис", "+79160000001")
        assert (member["email"], member["birthday"]) == ("boris@example.com", "1990-03-01")
        (consent,) = member["consents"]
        assert (consent["purpose"], consent["given"]) == ("marketing", True)
        assert consent["source"] == "console"
        assert noted()[-1] == ("member.added", "employee", "marketer@example.com")

    @pytest.mark.parametrize(
        ("entries", "field"),
        [
            ({"phone": "123"}, "phone"),
            ({"email": "nothing"}, "email"),
            ({"birthday": "2999-01-01"}, "birthday"),
            ({"birthday": "yesterday"}, "birthday"),
            ({"phone": "+79161234509"}, "phone"),
            ({"name": "x" * 301}, "name"),
            ({"name": "a\x00b"}, "name"),
        ],
    )
    def test_what_does_not_fit_is_said_at_its_field(self, marketer, anna, entries, field) -> None:
        answer = marketer.send(f"{MEMBERS}/new", **{"external_id": "c-1", **entries})
        assert answer.status_code == 422
        assert f'id="{field}-problem"' in answer.text
        assert 'value="c-1"' in answer.text

    def test_details_are_corrected(self, marketer, anna, api, noted) -> None:
        path = f"{MEMBERS}/{anna['id']}/edit"
        page = marketer.read(path)
        assert "Анна Ёлкина" in page and "+79161234509" in page
        seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
        entries = {"name": "Анна", "phone": "", "email": "anna@example.com", "seen": seen}
        assert marketer.send(path, **entries).status_code == 303
        member = api.get(f"members/{anna['id']}").get_json()
        assert (member["name"], member["phone"], member["email"]) == (
            "Анна",
            None,
            "anna@example.com",
        )
        assert noted()[-1] == ("member.changed", "employee", "marketer@example.com")

    def test_the_slower_of_two_is_told_who_was_quicker(
        self, client, app, installation, anna, api
    ) -> None:
        olga = signed_in(client, installation, "manager", email="olga@example.com")
        ivan = signed_in(app.test_client(), installation, "manager", email="ivan@example.com")
        path = f"{MEMBERS}/{anna['id']}/edit"
        seen = re.search(r'name="seen" value="([^"]+)"', olga.read(path))[1]
        assert ivan.send(path, name="Анна Вторая", seen=seen).status_code == 303
        late = olga.send(path, name="Анна Третья", seen=seen)
        assert late.status_code == 409
        assert "ivan@example.com changed this member meanwhile" in late.text
        assert "Анна Вторая" in late.text and "You had typed: Анна Третья" in late.text
        assert api.get(f"members/{anna['id']}").get_json()["name"] == "Анна Вторая"


class TestActs:
    def act(self, visitor: Visitor, member: dict, name: str, **entries: str):
        path = f"{MEMBERS}/{member['id']}/{name}"
        return visitor.send(path, **entries)

    def test_a_card_is_blocked_and_good_again(self, marketer, anna, api, noted) -> None:
        give(api, anna, 340)
        page = marketer.read(f"{MEMBERS}/{anna['id']}/block")
        assert "340 points stay" in page and "it says that it is not valid" not in page
        assert self.act(marketer, anna, "block").status_code == 303
        card = anna["card"]["number"]
        assert api.post("scans", {"barcode": card}).status_code == 409
        shown = marketer.read(f"{MEMBERS}/{anna['id']}")
        assert "Unblock the card" in shown and "blocked" in shown
        assert self.act(marketer, anna, "replace").status_code == 422  # it is blocked
        assert self.act(marketer, anna, "unblock").status_code == 303
        assert api.post("scans", {"barcode": card}).status_code < 300
        codes = [code for code, kind, _ in noted() if kind == "employee"]
        assert codes == ["card.blocked", "card.unblocked"]

    @pytest.mark.parametrize("name", ["replace", "lost"])
    def test_another_card_keeps_everything(self, marketer, anna, api, name) -> None:
        give(api, anna, 340)
        assert self.act(marketer, anna, name).status_code == 303
        member = api.get(f"members/{anna['id']}").get_json()
        assert member["card"]["number"] != anna["card"]["number"]
        assert member["balance"]["available"] == 340
        assert api.post("scans", {"barcode": anna["card"]["number"]}).status_code == 409

    def test_two_members_become_one(self, marketer, anna, join, api, noted) -> None:
        double = join(name="Аня", phone="+79160000009")
        give(api, double, 412)
        give(api, anna, 88)
        found = marketer.read(f"{MEMBERS}/{double['id']}/merge?q=4509")
        assert "Анна Ёлкина" in found
        path = f"{MEMBERS}/{double['id']}/merge?into={anna['id']}"
        assert "412 points go to Анна Ёлкина, who then has 500 points." in marketer.read(path)
        answer = marketer.send(path, f"{MEMBERS}/{double['id']}/merge", into=anna["id"])
        assert answer.location == f"{MEMBERS}/{anna['id']}"
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 500
        assert noted()[-1] == ("member.merged", "employee", "marketer@example.com")

    def test_a_double_is_suggested(self, marketer, anna, join) -> None:
        join(name="Ёлкина Анна", phone="+79160000009", birthday="1990-03-01")
        same = join(name="Анна Ёлкина", birthday="1990-03-01")
        page = marketer.read(f"{MEMBERS}/{same['id']}")
        assert "Perhaps the same person" in page and "same name and birthday" in page

    def test_an_open_hold_that_is_in_the_way_is_named(self, marketer, anna, join, api) -> None:
        double = join(name="Аня")
        give(api, double, 100)
        hold = {"member": double["id"], "points": 30, "receipt": "чек 17"}
        assert api.post("holds", hold).status_code == 201
        path = f"{MEMBERS}/{double['id']}/merge"
        refused = marketer.send(f"{path}?into={anna['id']}", path, into=anna["id"])
        assert refused.status_code == 422
        assert "30 points are set aside" in refused.text and "чек 17" in refused.text

    def test_somebody_is_erased_and_what_goes_is_said(self, marketer, anna, api) -> None:
        give(api, anna, 340)
        page = marketer.read(f"{MEMBERS}/{anna['id']}/erase")
        assert "340 points stay in the book" in page and "cannot be undone" in page
        assert self.act(marketer, anna, "erase").status_code == 303
        assert "was erased" in marketer.read(f"{MEMBERS}/{anna['id']}")
        assert "Анна" not in marketer.read(f"{HOME}search?q={quote('анна')}")
        assert marketer.get(f"{MEMBERS}/{anna['id']}/points").status_code == 404

    @pytest.mark.parametrize("format_", ["json", "html"])
    def test_all_that_is_known_is_handed_over(self, marketer, anna, api, noted, format_) -> None:
        give(api, anna, 340, reason="<b>Кофе</b>")
        answer = self.act(marketer, anna, "file", format=format_)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        for words in ("Анна Ёлкина", "+79161234509", "340"):
            assert words in answer.text
        if format_ == "html":
            assert "&lt;b&gt;Кофе" in answer.text
        assert noted()[-1][0] == "member.file_taken"


def test_pages_speak_russian(client, installation, anna, api) -> None:
    give(api, anna, 1250)
    visitor = signed_in(client, installation, "manager", language="ru")
    page = visitor.read(MEMBERS)
    for words in ("Клиенты", "1 клиент", "1\u00a0250", "Новый клиент", "Добавить фильтр"):
        assert words in page, words
    assert "начисление" in visitor.read(f"{MEMBERS}/{anna['id']}")
    assert conditions.MOST_DAYS


def test_the_limit_of_points_by_hand_is_set_by_who_may(client, installation, noted) -> None:
    manager = signed_in(client, installation, "manager")
    path = f"{HOME}points-by-hand/limit"
    assert path in manager.read(f"{HOME}points-by-hand")
    for typed, kept in (("500", 500), ("0", 0), ("", None)):
        assert manager.send(path, limit=typed).status_code == 303
        with installation.database.reading() as session:
            assert programmes.by_code(session, "demo").adjust_limit == kept
    assert noted()[-1] == ("programme.terms_changed", "employee", "manager@example.com")
    for typed in ("-1", "x", "9007199254740993"):
        refused = manager.send(path, limit=typed)
        assert refused.status_code == 422 and 'id="limit-problem"' in refused.text
    viewer = signed_in(client, installation, "viewer")
    assert viewer.get(path).status_code == 403
