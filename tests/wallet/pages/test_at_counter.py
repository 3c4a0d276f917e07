"""What the owner of a card does on its page at a counter: the card that a cashier made is accepted,
and a code to spend stands there until it is used or cancelled."""

import re

import pytest
from sqlalchemy import func, select

from ledger.people import cards, consents, members
from ledger.people.consents import Consent, ConsentText
from ledger.people.members import Member
from ledger.programmes import programmes
from wallet.counter import spend_codes

CONSENTS = {"personal_data", "rules"}


@pytest.fixture
def owner(card, installation) -> Member:
    """The card's owner, whom a cashier made; nobody has asked them anything."""
    with installation.database.transaction() as session:
        named = cards.owner(session, card.number(), installation.clock()).member
        member = session.get_one(Member, named.id)
        session.execute(Consent.__table__.delete().where(Consent.member_id == member.id))
        member.unconfirmed = True
        return member


@pytest.fixture
def ask(card, installation, api, owner):
    """A cashier asks for a code."""
    api.post("accruals", {"card": card.number(), "points": 500})

    def asked(points: int = 300) -> None:
        installation.database.run(
            lambda session: spend_codes.ask(
                session,
                installation.keys,
                session.get_one(Member, owner.id),
                points,
                "ru",
                installation.clock(),
                reaches=(),
            )
        )

    return asked


def confirmed(installation, member: Member) -> bool:
    with installation.database.reading() as session:
        return not session.get_one(Member, member.id).unconfirmed


def agreed(installation, member: Member) -> list[tuple[str, bool]]:
    with installation.database.reading() as session:
        history = consents.history(session, member.id)
        return sorted((one.purpose, one.given) for one in history)


class TestAccepting:
    def test_looking_changes_nothing(self, card, client, owner, installation) -> None:
        for _ in range(2):
            page = card.get("?lang=en")
            assert page.status_code == 200 and 'id="accept"' in page.text
            assert client.get(f"{card.path}/accept").status_code == 405
            assert client.head(f"{card.path}/accept").status_code == 405
        assert not confirmed(installation, owner) and agreed(installation, owner) == []

    def test_it_is_accepted_with_the_words_that_stood_there(
        self, card, client, owner, installation, api
    ) -> None:
        refused = {"card": card.number(), "points": 1}
        api.post("accruals", {"card": card.number(), "points": 5})
        assert api.post("redemptions", refused).get_json()["code"] == "member_unconfirmed"
        answer = client.post(f"{card.path}/accept", data={"consent": "yes"})
        assert (answer.status_code, answer.location) == (303, card.path)
        assert agreed(installation, owner) == [(one, True) for one in sorted(CONSENTS)]
        assert confirmed(installation, owner)
        assert 'id="accept"' not in card.get().text
        assert api.post("redemptions", refused).status_code == 201
        with installation.database.reading() as session:
            versions = {
                one.purpose: session.get_one(ConsentText, one.text_version).text
                for one in consents.history(session, owner.id)
            }
        assert "правила программы" in versions["rules"]
        assert "обработку персональных данных" in versions["personal_data"]

    def test_a_second_press_changes_nothing(self, card, client, owner, installation) -> None:
        for _ in range(2):
            sent = {"consent": "yes", "marketing": "yes"}
            assert client.post(f"{card.path}/accept", data=sent).status_code == 303
        assert agreed(installation, owner) == [
            (one, True) for one in sorted({*CONSENTS, "marketing"})
        ]

    def test_without_the_box_nothing_is_done_and_nothing_is_lost(
        self, card, client, owner, installation
    ) -> None:
        answer = client.post(f"{card.path}/accept?lang=en", data={"marketing": "yes"})
        assert answer.status_code == 422
        assert "cannot be spent without your consent" in answer.text
        (box,) = re.findall(r'<input id="marketing"[^>]*>', answer.text)
        assert "checked" in box
        assert not confirmed(installation, owner) and agreed(installation, owner) == []

    def test_where_nothing_personal_is_kept_there_is_no_box(
        self, card, client, owner, installation
    ) -> None:
        with installation.database.transaction() as session:
            programmes.by_code(session, "demo").keeps_personal = False
        assert 'id="consent"' not in card.get().text
        assert client.post(f"{card.path}/accept").status_code == 303
        assert agreed(installation, owner) == [("rules", True)]
        assert confirmed(installation, owner)

    @pytest.mark.parametrize("below", ["/accept", "/spend-code/cancel"])
    def test_another_site_can_do_nothing(
        self, card, client, owner, installation, ask, below
    ) -> None:
        ask()
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = client.post(f"{card.path}{below}", data={"consent": "yes"}, headers=headers)
        assert answer.status_code == 403
        assert not confirmed(installation, owner)
        with installation.database.reading() as session:
            live = select(func.count(spend_codes.CodeRequest.id)).where(
                spend_codes.CodeRequest.purpose == "spend"
            )
            assert session.scalar(live) == 1


class TestCode:
    @pytest.fixture
    def owner(self, owner, installation) -> Member:
        with installation.database.transaction() as session:
            members.confirm(session, session.get_one(Member, owner.id))
        return owner

    def test_it_stands_there_while_it_works(self, card, ask, installation, clock_now) -> None:
        assert card.state()["spend_code"] == ""
        ask()
        for language, question in (("ru", "Списать 300 баллов?"), ("en", "Spend 300 points?")):
            state = card.get(f"/state?lang={language}").get_json()
            assert state["spending"] == question
            assert re.fullmatch(r"\d{3}\u00a0\d{3}", state["spend_code"])
            page = card.get(f"?lang={language}").text
            assert question in page and state["spend_code"] in page
        clock_now.advance(minutes=5)
        assert (card.state()["spend_code"], card.state()["spending"]) == ("", "")

    def test_its_member_cancels_it(self, card, client, ask) -> None:
        ask()
        for _ in range(2):
            answer = client.post(f"{card.path}/spend-code/cancel")
            assert (answer.status_code, answer.location) == (303, card.path)
            assert card.state()["spend_code"] == ""
        assert client.get(f"{card.path}/spend-code/cancel").status_code == 405


def test_who_is_not_confirmed_is_shown_no_code(card, client, ask) -> None:
    ask()
    assert (card.state()["confirmed"], card.state()["spend_code"]) == (False, "")
    client.post(f"{card.path}/accept", data={"consent": "yes"})
    assert card.state()["confirmed"] and card.state()["spend_code"] != ""
