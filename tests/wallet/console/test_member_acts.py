"""What is done with a member in the console."""

import re
from urllib.parse import quote

import pytest
from member_pages import MEMBERS, give
from visitors import HOME, Visitor, signed_in


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
        assert "Perhaps this is the same person as" in page and "same name and birthday" in page

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


class TestUndoing:
    def entries(self, api, member: dict) -> list[dict]:
        return api.get(f"members/{member['id']}/statement").get_json()["items"]

    def test_an_entry_is_undone_and_both_stay_in_the_history(
        self, marketer, anna, api, noted
    ) -> None:
        posting = api.post("accruals", {"member": anna["id"], "points": 50}).get_json()["id"]
        page = f"{MEMBERS}/{anna['id']}"
        path = f"{page}/entries/{posting}/undo"
        assert path in marketer.read(page)
        assert "taken back" in marketer.read(path)
        assert marketer.send(path, reason="Twice").status_code == 303
        assert noted()[-1] == ("posting.undone", "employee", "marketer@example.com")
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 0
        after = marketer.read(page)
        assert path not in after  # nothing is left of it to undo
        assert "Twice" in after
        again = marketer.send(path, reason="Once more")
        assert again.status_code == 422

    def test_spent_points_come_back(self, marketer, anna, api) -> None:
        api.post("accruals", {"member": anna["id"], "points": 50})
        spent = api.post("redemptions", {"member": anna["id"], "points": 30}).get_json()["id"]
        path = f"{MEMBERS}/{anna['id']}/entries/{spent}/undo"
        assert "come back" in marketer.read(path)
        assert marketer.send(path).status_code == 303
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 50

    def test_an_entry_of_somebody_else_is_not_there(self, marketer, anna, join, api) -> None:
        other = join(name="Вера")
        posting = api.post("accruals", {"member": other["id"], "points": 5}).get_json()["id"]
        assert marketer.get(f"{MEMBERS}/{anna['id']}/entries/{posting}/undo").status_code == 404

    def test_who_may_not_move_points_is_shown_no_way_to_undo(
        self, app, installation, anna, api
    ) -> None:
        posting = api.post("accruals", {"member": anna["id"], "points": 5}).get_json()["id"]
        viewer = signed_in(app.test_client(), installation, "viewer")
        page = f"{MEMBERS}/{anna['id']}"
        assert "/undo" not in viewer.read(page)
        assert viewer.get(f"{page}/entries/{posting}/undo").status_code == 403
