"""The page of one member in the console."""

import re

from member_pages import MEMBERS, give
from visitors import HOME, signed_in

from ledger.people import members
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms


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

    def test_whom_a_cashier_made_is_said_to_be_not_confirmed(
        self, marketer, anna, installation
    ) -> None:
        page = f"{MEMBERS}/{anna['id']}"
        assert "Not confirmed" not in marketer.read(page)
        with installation.database.transaction() as session:
            members.by_public_id(session, anna["id"]).unconfirmed = True
        assert "Not confirmed" in marketer.read(page)

    def test_a_story_is_filtered_and_paged(self, marketer, anna, api, house, monkeypatch) -> None:
        monkeypatch.setattr("wallet.console.members.record.STORY_LINES", 2)
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
