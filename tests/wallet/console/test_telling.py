"""A code to find the card, read out by the call centre and by a cashier."""

import re
from html import unescape

import pytest
from member_pages import MEMBERS
from visitors import HOME, Visitor, signed_in

from ledger.money import Money
from ledger.programmes import base_terms, programmes
from ledger.programmes.base_terms import BaseTerms
from wallet.finding import codes

COUNTER = f"{HOME}counter"
SHOWN = re.compile(r'k-told-code"><b>(\d{3})\xa0(\d{3})</b>')
WHO = re.compile(r'name="who" value="([^"]+)"')
PHONE = "+79161234509"


def code_on(page: str) -> str:
    return "".join(SHOWN.search(page).groups())


def opened(client, code: str, contact: str = PHONE) -> str:
    """The card that the code opens, on somebody's own phone."""
    answer = client.post("/find/demo/told", data={"contact": contact, "typed": code})
    assert answer.status_code == 303, answer.text
    return answer.location


@pytest.fixture
def call_centre(client, installation) -> Visitor:
    return signed_in(client, installation, "call_centre")


class TestOnTheRecord:
    def test_the_call_centre_reads_a_code_out(self, call_centre, anna, app, noted) -> None:
        page = f"{MEMBERS}/{anna['id']}"
        assert f'href="{page}/code"' in call_centre.read(page)
        assert "Whoever has the code opens the card" in call_centre.read(f"{page}/code")
        answer = call_centre.send(f"{page}/code")
        assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
        said = unescape(answer.text)
        assert "http://127.0.0.1:8080/find/demo" in said
        assert "Type the phone number that is on your card, and this code." in said
        assert noted()[-1] == ("card.code_told", "employee", "call_centre@example.com")
        story = call_centre.read(page)
        assert "A code to find the card was shown" in story and code_on(said) not in story
        own_phone = app.test_client()
        assert anna["links"]["card"].endswith(opened(own_phone, code_on(said)))

    def test_who_only_looks_has_no_such_code(self, app, installation, anna) -> None:
        viewer = signed_in(app.test_client(), installation, "viewer")
        page = f"{MEMBERS}/{anna['id']}"
        assert f"{page}/code" not in viewer.read(page)
        assert viewer.get(f"{page}/code").status_code == 403

    def test_why_there_is_none_is_said(self, call_centre, join, anna) -> None:
        nobody = join(name="Без телефона")
        refused = call_centre.send(f"{MEMBERS}/{nobody['id']}/code")
        assert refused.status_code == 422 and "no phone number" in refused.text
        for _ in range(codes.TO_MEMBER.free):
            call_centre.send(f"{MEMBERS}/{anna['id']}/code")
        refused = call_centre.send(f"{MEMBERS}/{anna['id']}/code")
        assert refused.status_code == 422 and "wait 10 min." in refused.text


class TestAtTheCounter:
    @pytest.fixture
    def cashier(self, client, installation) -> Visitor:
        with installation.database.transaction() as session:
            demo = programmes.by_code(session, "demo").id
            base_terms.put(session, demo, BaseTerms(500, 3_000, Money("1", "RUB")))
        return signed_in(client, installation, "cashier")

    def post(self, cashier: Visitor, path: str, **entries: object):
        token = re.search(r'X-CSRFToken": "([^"]+)"', unescape(cashier.read(COUNTER)))[1]
        return cashier.post(f"{COUNTER}/{path}", csrf_token=token, **entries)

    def test_a_cashier_reads_a_code_out_and_goes_on(self, cashier, anna, app, noted) -> None:
        panel = self.post(cashier, "guest", scan=PHONE).text
        assert f'action="{COUNTER}/code"' in panel
        answer = self.post(cashier, "code", who=WHO.search(panel)[1], amount="250")
        assert answer.status_code == 200, answer.text
        told = unescape(answer.text)
        assert PHONE[-4:] not in re.sub(r'"[^"]*"', "", told)  # the number is not the cashier's
        assert 'data-act="earn"' in told and WHO.search(told) and 'value="250"' in told
        assert noted()[-1] == ("card.code_told", "employee", "cashier@example.com")
        assert anna["links"]["card"].endswith(opened(app.test_client(), code_on(told)))

    def test_only_the_guest_before_them(self, cashier, anna) -> None:
        assert self.post(cashier, "code", who="x").status_code == 422
        assert cashier.get(f"{MEMBERS}/{anna['id']}/code").status_code == 403

    def test_not_where_nothing_is_kept_of_people(self, cashier, anna, installation) -> None:
        with installation.database.transaction() as session:
            programmes.by_code(session, "demo").keeps_personal = False
        panel = self.post(cashier, "guest", scan=anna["card"]["number"]).text
        assert "Анна" in panel and f"{COUNTER}/code" not in panel
