"""Points by hand in the console: the form, the limit, and the second person."""

import re

import pytest
from member_pages import MEMBERS, give
from visitors import HOME, Visitor, signed_in

from ledger.programmes import programmes
from wallet.access import adjustments


def set_worth(api, worth: str) -> None:
    terms = {
        "percent_back": "5",
        "percent_payable": "50",
        "point_worth": {"amount": worth, "currency": "RUB"},
        "live_days": 365,
    }
    assert api.call("PUT", "programmes/demo/base", terms).status_code == 200


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

    def test_a_number_far_out_is_asked_about_once_more(
        self, marketer, anna, api, installation
    ) -> None:
        set_worth(api, "0.01")
        asked = self.post(marketer, anna, amount="5 000 000")
        assert asked.status_code == 422
        assert "5,000,000 points are worth RUB\xa050,000." in asked.text
        assert "That is a lot at once." in asked.text and "Give 5,000,000 points" in asked.text
        assert "Ошибка кассы" in asked.text
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 0
        sure = re.search(r'name="sure" value="([^"]+)"', asked.text)[1]
        other = self.post(marketer, anna, amount="50 000 000", sure=sure)
        assert other.status_code == 422, "another number is asked about anew"
        assert self.post(marketer, anna, amount="5000000", sure=sure).status_code == 303
        assert api.get(f"members/{anna['id']}").get_json()["balance"]["available"] == 5_000_000
        again = self.post(marketer, anna, amount="20000")
        assert again.status_code == 422, "one odd number does not make such numbers usual"
        taken = self.post(marketer, anna, direction="take", amount="20000")
        assert "Take away 20,000 points" in taken.text

    def test_what_is_usual_is_learned(self, marketer, anna, api) -> None:
        for _ in range(3):
            assert self.post(marketer, anna, amount="9000").status_code == 303
        assert self.post(marketer, anna, amount="90000").status_code == 303
        asked = self.post(marketer, anna, amount="90001")
        assert asked.status_code == 422 and "up to 9,000 points" in asked.text

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


def _token(visitor: Visitor) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', visitor.read(HOME))[1]
