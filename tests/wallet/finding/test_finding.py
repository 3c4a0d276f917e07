"""Back to one's card: asked for by anybody, answered alike, sent by real channels."""

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from gateways import CODE, Gateway
from interleaving import stage
from mailing import Mailing
from sqlalchemy import func, select
from structlog.testing import capture_logs

from ledger.people import members
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.channels.channel import Channel, NotTaken, Outgoing
from wallet.channels.gateway import GatewayChannel
from wallet.configuration.settings import GatewaySettings
from wallet.finding import codes
from wallet.finding.codes import CodeRequest
from wallet.people import erasure

PHONE, EMAIL = "+79991234567", "anna@example.com"


@pytest.fixture
def environment(environment, mail: Mailing, gateway: Gateway) -> dict[str, str]:
    return {
        **environment,
        "WALLET_SMTP_URL": mail.url(),
        "WALLET_MAIL_FROM": "Копилка <kopilka@example.com>",
        "WALLET_SMS_URL": gateway.url,
        "WALLET_SMS_HEADERS": '{"Authorization": "Bearer of-the-gateway"}',
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(
        "sqlite_url" if request.param == "sqlite" else "postgres_url"
    )
    return url


@pytest.fixture
def anna(api) -> dict:
    """Anna is a member."""
    told = {"programme": "demo", "name": "Анна", "phone": PHONE, "email": EMAIL}
    return api.post("members", told).get_json()


class Person:
    """Somebody in front of the page."""

    def __init__(self, client, house) -> None:
        self.client, self.house = client, house

    def ask(self, contact: str, **options):
        return self.client.post("/find/demo", data={"contact": contact}, **options)

    def asked(self, contact: str) -> str:
        """The address of the page where the code is typed, once the code was sent."""
        answer = self.ask(contact)
        assert answer.status_code == 303, answer.text
        self.house.run("codes")
        return answer.location

    def type(self, there: str, code: str, **options):
        return self.client.post(there, data={"typed": code}, **options)


@pytest.fixture
def person(client, house) -> Person:
    return Person(client, house)


def rows(installation) -> list[CodeRequest]:
    with installation.database.reading() as session:
        return list(session.scalars(select(CodeRequest).order_by(CodeRequest.id)))


def compared(page: str, typed: str) -> str:
    """A page without what its reader typed."""
    return re.sub(r"/find/demo/(email|phone)/[\w-]+", "", page).replace(typed, "")


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_letter_with_a_code_leads_to_the_card(person, anna, mail, client) -> None:
    there = person.asked(" Anna@Example.com ")
    (letter,) = mail.letters
    assert letter["To"] == EMAIL
    plain, page = (letter.get_body((one,)).get_content() for one in ("plain", "html"))
    (code,) = CODE.findall(plain)
    assert code in page and not CODE.search(letter["Subject"])
    for _ in range(2):  # whoever only looks changes nothing
        assert client.get(there).status_code == 200
    answer = person.type(there, f" {code[:3]} {code[3:]} ")
    assert answer.status_code == 303
    assert anna["links"]["card"].endswith(answer.location)
    assert client.get(answer.location).status_code == 200
    own = client.get("/join/demo?lang=en").text
    assert "Your card is here" in own and answer.location in own
    assert person.type(there, code).status_code == 422  # once


def test_a_text_to_a_phone_does_as_well(person, anna, gateway) -> None:
    there = person.asked("8 999 123-45-67")
    ((method, path, headers, body),) = gateway.requests
    assert (method, path) == ("POST", "/send")
    assert headers["Authorization"] == "Bearer of-the-gateway"
    told = json.loads(body)
    assert told["phone"] == PHONE
    assert told["text"].startswith(gateway.codes()[0]) and "\n" not in told["text"]
    assert person.type(there, gateway.codes()[0]).status_code == 303


def test_whom_a_code_reached_is_confirmed(person, api, anna, gateway, installation) -> None:
    """A cashier typed the number; who has the phone is who has the card."""
    with installation.database.transaction() as session:
        members.by_public_id(session, anna["id"]).unconfirmed = True
    there = person.asked(PHONE)
    person.type(there, other(gateway.codes()[0]))
    assert not api.get(f"members/{anna['id']}").get_json()["confirmed"]
    person.type(there, gateway.codes()[0])
    assert api.get(f"members/{anna['id']}").get_json()["confirmed"]


@pytest.mark.parametrize(("known", "stranger"), [(PHONE, "+79990000001"), (EMAIL, "b@b.example")])
def test_known_and_unknown_are_answered_alike(
    person, anna, client, known, stranger, installation, mail, gateway
) -> None:
    told = []
    for contact in (known, stranger):
        there = person.asked(contact)
        pages = [client.get(there), *(person.type(there, "000000") for _ in range(6))]
        again = [person.ask(contact) for _ in range(2)]
        told.append([(one.status_code, compared(one.text, contact)) for one in (*pages, *again)])
    assert told[0] == told[1]
    assert [status for status, _ in told[0]][-1] == 429
    written_to = {letter["To"] for letter in mail.letters}
    written_to |= {json.loads(body)["phone"] for *_, body in gateway.requests}
    assert written_to == {known}


def test_of_a_stranger_nothing_is_kept_but_until_the_end(person, installation, house) -> None:
    person.asked("stranger@example.com")
    (row,) = rows(installation)
    assert (row.sealed, row.member_id) == (None, None)
    house.clock.advance(minutes=11)
    house.run("codes")
    assert rows(installation) == []


def test_five_tries_and_no_more(person, anna, gateway) -> None:
    there = person.asked(PHONE)
    (code,) = gateway.codes()
    for _ in range(4):
        assert "is not right" in person.type(f"{there}?lang=en", other(code)).text
    # What cannot be a code is no try.
    assert "six digits" in person.type(f"{there}?lang=en", "12").text
    person.type(there, other(code))
    assert "no longer works" in person.type(f"{there}?lang=en", code).text


def test_a_code_ends_after_ten_minutes(person, anna, gateway, house) -> None:
    there = person.asked(PHONE)
    house.clock.advance(minutes=10)
    assert "no longer works" in person.type(f"{there}?lang=en", gateway.codes()[0]).text


def test_the_code_of_another_opens_nothing(person, anna, api, gateway) -> None:
    api.post("members", {"programme": "demo", "phone": "+79997654321"})
    mine, theirs = person.asked(PHONE), person.asked("+79997654321")
    code_of_mine, code_of_theirs = gateway.codes()
    if code_of_mine != code_of_theirs:
        assert person.type(theirs, code_of_mine).status_code == 422
    assert person.type(mine, code_of_mine).status_code == 303


def test_a_new_code_ends_the_one_before(person, anna, gateway, installation) -> None:
    nonces = set()
    for _ in range(2):
        there = person.asked(PHONE)
        (row,) = rows(installation)
        nonces.add(row.nonce)
    assert len(nonces) == 2  # the codes may be the same by chance
    first, second = gateway.codes()
    if first != second:
        assert person.type(there, first).status_code == 422
    assert person.type(there, second).status_code == 303


def test_one_address_cannot_be_asked_for_again_and_again(person, anna, gateway, house) -> None:
    for _ in range(20):
        person.ask(PHONE)
        house.run("codes")
    assert len(gateway.requests) == 2
    assert person.ask(PHONE).headers["Retry-After"]
    house.clock.advance(minutes=2)
    assert person.asked(PHONE)
    assert len(gateway.requests) == 3


def test_one_network_address_cannot_ask_for_ever(person, house) -> None:
    answers = [person.ask(f"+7999000{number:04d}").status_code for number in range(40)]
    assert answers.count(303) == codes.FROM_NETWORK.free
    assert answers[-1] == 429


def test_one_member_gets_no_more_by_another_of_their_addresses(
    person, anna, gateway, mail, house
) -> None:
    for number in range(10):
        person.ask((PHONE, EMAIL)[number % 2])
        house.run("codes")
        house.clock.advance(minutes=1)
    assert len(gateway.requests) + len(mail.letters) == codes.TO_MEMBER.free


def test_what_was_typed_at_joining_belongs_to_who_came_first(person, anna, client, gateway) -> None:
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/join/demo").text)[1]
    client.post("/join/demo", data={"form_token": token, "consent": "yes", "phone": PHONE})
    there = person.asked(PHONE)
    assert anna["links"]["card"].endswith(person.type(there, gateway.codes()[0]).location)


@pytest.mark.parametrize("typed", ["", "12", "anna@", "\x00", "9" * 5000, "a@b" * 3000])
def test_what_can_be_no_address_is_said_at_the_box(person, typed, installation) -> None:
    answer = person.ask(typed)
    assert answer.status_code == 422 and 'id="contact-problem"' in answer.text
    assert rows(installation) == []


def test_a_form_of_another_site_does_nothing(person, anna, gateway, installation) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert person.ask(PHONE, headers=elsewhere).status_code == 403
    there = person.asked(PHONE)
    assert person.type(there, gateway.codes()[0], headers=elsewhere).status_code == 403
    assert rows(installation)[0].tries == 0


def test_a_channel_that_is_away_loses_none(person, anna, gateway, house) -> None:
    gateway.answers += [503, 302]
    there = person.asked(PHONE)
    for _ in range(2):
        house.clock.advance(seconds=30)
        house.run("codes")
    # The same code each time: who gets it twice has one that works.
    assert len(set(gateway.codes())) == 1 and len(gateway.requests) == 3
    assert person.type(there, gateway.codes()[-1]).status_code == 303


def test_a_process_that_dies_after_sending_sends_the_same_code_again(
    person, anna, gateway, house, installation
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    class Deadly:
        """Sends, and takes the process with it."""

        def send(self, message: Outgoing) -> None:
            by_gateway.send(message)
            raise Killed

    by_gateway: Channel = installation.codes._channels["phone"]
    installation.codes._channels["phone"] = Deadly()
    there = person.ask(PHONE).location
    with pytest.raises(Killed):
        house.run("codes")
    installation.codes._channels["phone"] = by_gateway
    house.clock.advance(seconds=61)
    house.run("codes")
    first, second = gateway.codes()
    assert first == second
    assert person.type(there, first).status_code == 303


def test_neither_codes_nor_addresses_reach_a_log_or_the_database(
    person, anna, gateway, mail, house, installation, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.answers += [500]
    mail.answers += ["451 not now"]
    with capture_logs() as logged:
        for contact in (PHONE, EMAIL):
            person.asked(contact)
        kept = [[str(value) for value in vars(row).values()] for row in rows(installation)]
        house.clock.advance(minutes=1)
        house.run("codes")
    (letter,) = mail.letters
    secrets = [PHONE, PHONE[1:], EMAIL, *gateway.codes()]
    secrets += CODE.findall(letter.get_body(("plain",)).get_content())
    # Of the mail server in this process nothing is asked: it is not ours.
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("mail.")]
    told = f"{logged} {ours} {kept}"
    assert [one for one in secrets if one in told] == []
    assert any(one["event"] == "code_sent" for one in logged)


def test_an_erased_member_leaves_no_code(person, anna, gateway, house, installation) -> None:
    there = person.asked(PHONE)
    person.ask(EMAIL)  # not sent yet
    with installation.database.transaction() as session:
        by = Author("command", "wallet test")
        erasure.erase(session, anna["id"], installation.make_due, house.clock(), by=by)
    house.run("codes")
    assert [row.member_id for row in rows(installation)] == [None]
    assert rows(installation)[0].sealed is None
    assert person.type(there, gateway.codes()[0]).status_code == 422


def test_a_programme_that_keeps_nothing_says_so(client, installation) -> None:
    with installation.database.transaction() as session:
        programmes.by_code(session, "demo").keeps_personal = False
    page = client.get("/find/demo?lang=en").text
    assert "We keep nothing about you" in page and "<form" not in page
    assert client.post("/find/demo", data={"contact": PHONE}).status_code == 200


def test_links_that_open_nothing_lead_on(client, anna, installation, api) -> None:
    for_another = "/card/no-such-card"
    assert "/find/" not in client.get(for_another).text
    with installation.database.transaction() as session:
        programmes.by_code(session, "demo").listed = True
    lost = client.get(for_another)
    assert lost.status_code == 404 and 'href="/find/demo"' in lost.text
    assert 'href="/find/demo"' in client.get("/join/demo").text
    lost_card = f"members/{anna['id']}/cards"
    assert api.post(lost_card, {"lost": True}).status_code == 201
    replaced = client.get(urlsplit(anna["links"]["card"]).path)
    assert replaced.status_code == 410 and 'href="/find/demo"' in replaced.text


class TestAtOnce:
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_two_requests_leave_one_code(self, installation, anna, house, gateway) -> None:
        """In every order that matters."""
        database, keys, now = installation.database, installation.keys, house.clock()

        def ask(number: int) -> None:
            def work(session) -> None:
                programme = programmes.by_code(session, "demo")
                phone = f"+7999{number:07d}"
                by = codes.asked(keys, programme, "phone", phone, f"192.0.2.{number}")
                codes.ask(session, keys, programme, by, "ru", now)

            database.run(work)

        with stage(database) as there:
            for at in range(1, there.statements_of(lambda: ask(1)) + 1):
                met = there.meet(lambda at=at: ask(at + 1), lambda at=at: ask(at + 1), at)
                assert (met.first, met.second) == (None, None)
        with database.reading() as session:
            query = select(func.count(CodeRequest.id)).group_by(CodeRequest.address_key)
            assert set(session.scalars(query)) == {1}

    def test_one_code_opens_one_card_once(self, installation, person, anna, gateway, house) -> None:
        there = person.asked(PHONE)
        (code,) = gateway.codes()
        key = there.rpartition("/")[2]

        def redeem(_: int) -> object:
            def work(session):
                programme = programmes.by_code(session, "demo")
                return codes.redeem(session, installation.keys, programme, key, code, house.clock())

            return installation.database.run(work)

        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(redeem, range(4)))
        assert found.count(None) == 3


class TestGateway:
    def sent(self, gateway: Gateway, text: str = 'a & b="1"', **settings) -> tuple:
        told = {"url": gateway.url, "method": "POST", "headers": {}, "body": None, **settings}
        message = Outgoing("1", PHONE, "en", "", text, "")
        GatewayChannel(GatewaySettings(**told)).send(message)
        return gateway.requests[-1]

    def test_a_form(self, gateway) -> None:
        _, _, headers, body = self.sent(gateway, body="to={digits}&text={text}&from=Shop")
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        said = {name: one for name, (one,) in parse_qs(body.decode()).items()}
        assert said == {"to": PHONE[1:], "text": 'a & b="1"', "from": "Shop"}

    def test_json_at_any_depth(self, gateway) -> None:
        body = '{"messages": [{"to": "{phone}", "body": {"text": "Shop: {text}"}}], "ttl": 600}'
        said = json.loads(self.sent(gateway, body=body)[3])
        assert said["messages"][0] == {"to": PHONE, "body": {"text": 'Shop: a & b="1"'}}
        assert said["ttl"] == 600

    def test_an_address(self, gateway) -> None:
        url = f"{gateway.url}?to={{phone}}&text={{text}}"
        method, path, _, body = self.sent(gateway, url=url, method="GET")
        assert (method, body) == ("GET", b"")
        assert parse_qs(urlsplit(path).query) == {"to": [PHONE], "text": ['a & b="1"']}

    def test_a_refusal_tells_nothing_of_the_message(self, gateway) -> None:
        gateway.answers.append(400)
        with pytest.raises(NotTaken) as refused:
            self.sent(gateway, body="{text}")
        assert refused.value.why == "answered 400"
        with pytest.raises(NotTaken) as refused:
            self.sent(gateway, url="http://127.0.0.1:9/?secret={text}")
        assert (refused.value.why, refused.value.__cause__) == ("ConnectionError", None)
