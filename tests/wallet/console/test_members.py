"""The list of members in the console: filters, saved views, files, and the search."""

import json
import re
from urllib.parse import quote

import pytest
from member_pages import AGREED, MEMBERS, RICH, give
from visitors import HOME, signed_in

from ledger.book import roster
from ledger.segments import registry
from ledger.segments.registry import KINDS
from wallet.access import exports
from wallet.console import listing
from wallet.console.members import conditions


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
        monkeypatch.setattr("wallet.console.members.members.ROWS", 3)
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
        monkeypatch.setattr("wallet.console.members.members.COUNTED", 3)
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
            assert answer.text.startswith("\ufeffThe member;Programme;State;Joined;")
        answer.close()
        with installation.database.reading() as session:
            (done,) = exports.listed(session, None, None, 9)
        assert (done.complete, done.rows, done.personal) == (True, 1, True)
        assert ("export.began", "employee", "marketer@example.com") in noted()

    def test_a_table_is_in_the_readers_language(self, marketer, anna) -> None:
        russian = marketer.send(f"{MEMBERS}/export?lang=ru", format="csv").text
        assert russian.startswith("\ufeffКлиент;Программа;") and ";действует;" in russian
        for program in (";active;", ";available;", "card_state"):
            assert program not in russian

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


def test_pages_speak_russian(client, installation, anna, api) -> None:
    give(api, anna, 1250)
    visitor = signed_in(client, installation, "manager", language="ru")
    page = visitor.read(MEMBERS)
    for words in ("Клиенты", "1 клиент", "1\u00a0250", "Новый клиент", "Добавить фильтр"):
        assert words in page, words
    assert "начисление" in visitor.read(f"{MEMBERS}/{anna['id']}")
    assert conditions.MOST_DAYS


@pytest.mark.parametrize("kind", KINDS.kinds(), ids=registry.name_of)
def test_any_kind_of_condition_is_looked_through_for(marketer, kind) -> None:
    """As the example in its docstring has it."""
    example = re.search(r"\{.*\}", kind.__doc__)[0]
    page = marketer.get(f"{MEMBERS}?tree={quote(example)}")
    assert page.status_code == 200
