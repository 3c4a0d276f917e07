"""A draft becomes the design of all cards, or is tried on one; what was published comes back."""

import re
from dataclasses import replace

import pytest
from design_form import Typed, typed
from visitors import HOME, Visitor, signed_in

from wallet.console.cards.revisions import differences
from wallet.delivery import waves
from wallet.passes import drafts, issued, templates
from wallet.passes.issued import Pass

CARD, COUPON = f"{HOME}cards/card", f"{HOME}cards/offer"
BROWN, GREEN = "#3b2417", "#14532d"


@pytest.fixture
def boris(app, installation) -> Visitor:
    return signed_in(app.test_client(), installation, "marketer", email="boris@example.com")


def saved(visitor: Visitor, path: str = CARD, **entries: object) -> Typed:
    sent = {**typed(visitor.read(path)), **entries}
    answer = visitor.post(path, **sent)
    assert answer.status_code == 303, answer.text
    return sent


def publish(visitor: Visitor, path: str = CARD, **entries: str):
    page = visitor.read(f"{path}/publish")
    opened = re.search(r'name="opened" value="([^"]+)"', page)[1]
    return visitor.send(f"{path}/publish", **{"opened": opened, **entries})


def bring_back(visitor: Visitor, number: int):
    page = visitor.read(f"{CARD}/revisions/{number}")
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    return visitor.send(f"{CARD}/revisions/{number}", seen=seen)


def run_wave(installation) -> int:
    """Bring the wave that runs to its end; returns how many cards it changed."""
    changed = 0
    with installation.database.transaction() as session:
        wave = waves.of_designs(session, 1)
        while wave is not None and wave.state == waves.RUNNING:
            waves.advance(session, installation.make_due, installation.pace, installation.clock())
            changed = wave.changed
    return changed


def colour_of(installation, number: int = 0) -> str:
    """The background of the card, the first that was issued or a later one."""
    with installation.database.reading() as session:
        pass_ = session.query(Pass).order_by(Pass.id).all()[number]
        template = session.get(templates.Template, pass_.template_id)
        return templates.design(template).background


class TestPublishing:
    def test_it_says_what_changes_for_how_many_and_cards_follow(
        self, marketer, anna, installation, noted
    ) -> None:
        saved(marketer, background=BROWN, **{"f-points-label-en": "Beans"})
        page = marketer.read(f"{CARD}/publish")
        assert "1 card" in page and "#1f3a5f" in page and BROWN in page
        assert "Top right · Баллы / Beans" in page
        answer = publish(marketer)
        assert answer.status_code == 303
        assert "Published." in marketer.read(answer.location)
        assert noted()[-1] == ("design.published", "employee", "marketer@example.com")
        lines = marketer.read(f"{CARD}/revisions")
        assert "Background, Field “Beans”" in lines, lines
        assert run_wave(installation) == 1
        assert colour_of(installation) == BROWN
        page = marketer.read(CARD)
        assert "revision 2" in page and typed(page)["background"] == BROWN
        with installation.database.reading() as session:
            assert drafts.find(session, 1, "card") is None

    def test_an_unchanged_design_wakes_nobody(self, marketer, anna, installation, noted) -> None:
        saved(marketer)
        before = noted()
        assert "Publish for all" not in marketer.read(f"{CARD}/publish")
        answer = publish(marketer)
        assert "no phone was woken" in marketer.read(answer.location)
        with installation.database.reading() as session:
            assert waves.listed(session, 1, None, 5) == []
            assert templates.number_of_revisions(session, 1, "card") == 1
        assert noted() == before

    def test_not_while_cards_follow_another(self, marketer, anna, installation) -> None:
        saved(marketer, background=BROWN)
        publish(marketer)
        saved(marketer, background=GREEN)
        page = marketer.read(f"{CARD}/publish")
        assert "An update of cards is under way: 0 of 1" in page and "Publish for all" not in page
        answer = publish(marketer)
        assert answer.status_code == 422
        assert "Cards are still being updated: 0 of 1" in answer.text
        run_wave(installation)
        assert publish(marketer).status_code == 303
        run_wave(installation)
        assert colour_of(installation) == GREEN

    def test_what_nobody_can_read_is_not_published(self, marketer, anna, installation) -> None:
        saved(marketer, background="#445566", foreground="#556677")
        page = marketer.read(f"{CARD}/publish")
        assert "nobody can read it" in page and "Publish for all" not in page
        answer = publish(marketer)
        assert answer.status_code == 422 and "Text: nobody can read it" in answer.text

    def test_who_saw_another_draft_publishes_nothing(self, marketer, boris, anna) -> None:
        saved(marketer, background=BROWN)
        page = marketer.read(f"{CARD}/publish")
        seen = re.search(r'name="opened" value="([^"]+)"', page)[1]
        saved(boris, background=GREEN)
        answer = publish(marketer, opened=seen)
        assert answer.status_code == 422
        assert "boris@example.com saved this draft meanwhile" in answer.text

    def test_coupons_have_a_design_of_their_own(self, marketer, anna, installation) -> None:
        saved(marketer, COUPON, background=GREEN)
        assert publish(marketer, COUPON).status_code == 303
        with installation.database.reading() as session:
            assert templates.design(templates.find(session, 1, "offer")).background == GREEN
            assert templates.number_of_revisions(session, 1, "card") == 1

    def test_where_nobody_has_a_card_no_phone_follows(self, marketer) -> None:
        saved(marketer, background=GREEN)
        assert "Nobody has one yet, so no phone" in marketer.read(f"{CARD}/publish")
        said = marketer.read(publish(marketer).location)
        assert "Published. Nobody has one yet" in said and "follow within moments" not in said

    def test_a_field_that_is_called_otherwise_is_the_same_field(self, app) -> None:
        before = templates.standard({"ru": "Роза", "en": "Rose"})
        after = replace(before, fields=tuple(replace(f, key=f"x{f.key}") for f in before.fields))
        (points,) = (one.key for one in after.fields if one.shows == "points")
        gone = replace(after, fields=tuple(f for f in after.fields if f.key != points))
        with app.test_request_context():
            assert [one.what for one in differences(before, after)] == [
                "What the form does not show"
            ]
            assert [one.after for one in differences(before, gone)] == [""]


class TestRevisions:
    def test_an_earlier_one_comes_back_at_once(self, marketer, anna, installation, noted) -> None:
        """Also while cards follow the one that went wrong."""
        saved(marketer, background=BROWN)
        publish(marketer)
        page = marketer.read(f"{CARD}/revisions/1")
        assert "1 card follows." in page and "The update that runs now (0 of 1) is ended." in page
        answer = bring_back(marketer, 1)
        assert "Revision 1 is back." in marketer.read(answer.location)
        assert noted()[-1][0] == "design.rolled_back"
        run_wave(installation)
        assert colour_of(installation) == "#1f3a5f"
        page = marketer.read(f"{CARD}/revisions")
        assert page.count("on cards now") == 1 and "Revision 3" in page
        with installation.database.reading() as session:
            states = [one.state for one in waves.listed(session, 1, None, 5)]
        assert states == [waves.DONE, waves.CANCELLED]

    def test_who_did_not_see_the_newest_is_told(self, marketer, boris, anna) -> None:
        page = marketer.read(f"{CARD}/revisions/1")
        assert "Cards look like this now." in page
        saved(boris, background=BROWN)
        publish(boris)
        answer = marketer.send(f"{CARD}/publish", to=f"{CARD}/revisions/1", seen="1")
        assert "Somebody published another design" in marketer.read(answer.location)

    def test_what_is_not_there_is_not_found(self, marketer, anna) -> None:
        for number in ("0", "2", "999999", "x"):
            assert marketer.get(f"{CARD}/revisions/{number}").status_code == 404


class TestTrial:
    def put_on(self, visitor: Visitor, number: str):
        return visitor.send(f"{CARD}/trial", card=number)

    def test_a_draft_is_on_one_card_until_one_is_published(
        self, marketer, anna, join, installation, noted
    ) -> None:
        join(name="Boris", phone="+79161234510", email="b@example.com")
        saved(marketer, background=BROWN)
        answer = self.put_on(marketer, anna["card"]["number"])
        page = marketer.read(answer.location)
        assert "No other card does." in page and anna["card"]["number"] in page
        assert noted()[-1][0] == "design.tried"
        assert (colour_of(installation), colour_of(installation, 1)) == (BROWN, "#1f3a5f")
        with installation.database.reading() as session:
            assert templates.number_of_revisions(session, 1, "card") == 1
            assert waves.of_designs(session, 1) is None
        saved(marketer, background=GREEN)
        publish(marketer)
        assert run_wave(installation) == 2
        assert (colour_of(installation), colour_of(installation, 1)) == (GREEN, GREEN)
        assert "Take it off" not in marketer.read(f"{CARD}/trial")

    def test_points_that_come_meanwhile_are_shown_in_the_draft(
        self, marketer, anna, api, installation
    ) -> None:
        saved(marketer, background=BROWN)
        self.put_on(marketer, anna["card"]["number"])
        assert api.post("accruals", {"member": anna["id"], "points": 5}).status_code == 201
        with installation.database.transaction() as session:
            pass_ = issued.card_of(session, 1)
            waves.refresh(session, [pass_.id], installation.make_due, installation.clock())
        assert colour_of(installation) == BROWN

    def test_it_is_taken_off_again(self, marketer, anna, installation, noted) -> None:
        saved(marketer, background=BROWN)
        page = marketer.read(self.put_on(marketer, anna["card"]["number"]).location)
        path = re.search(r'action="([^"]+/take-off)"', page)[1]
        assert marketer.send(f"{CARD}/trial", to=path).status_code == 303
        assert colour_of(installation) == "#1f3a5f"
        assert noted()[-1][0] == "design.taken_off"

    @pytest.mark.parametrize(
        ("number", "words"), [("", "Please fill this in."), ("4217000640081155", "card")]
    )
    def test_a_card_that_is_not_there_is_said(self, marketer, anna, number, words) -> None:
        answer = self.put_on(marketer, number)
        assert answer.status_code == 422 and 'id="card-problem"' in answer.text
        assert words in answer.text
