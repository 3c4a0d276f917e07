"""A code to find the card that the staff reads out: who may type it, what it opens, and that nobody
notices by it who is a member."""

import logging
import re
from datetime import timedelta

import pytest
from gateways import Gateway
from interleaving import stage
from sqlalchemy import select
from structlog.testing import capture_logs

from ledger.people import members
from ledger.programmes import programmes
from wallet.access.changes import Author, RecordedChange
from wallet.channels.channel import Channel, Outgoing
from wallet.finding import codes
from wallet.finding.codes import CodeRequest, CodesToldTooMany, NoOwnAddress, ToldCode
from wallet.people import deeds, erasure

PHONE, EMAIL = "+79991234567", "anna@example.com"
FORM = "/find/demo/told"
CASHIER = Author("employee", "olga@example.com")


@pytest.fixture
def environment(environment, gateway: Gateway) -> dict[str, str]:
    return {
        **environment,
        "WALLET_SMS_URL": gateway.url,
        # What limits forms by their number is not what is asked here.
        "WALLET_RATE_LIMITS": "find=1000/minute",
    }


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна", phone=PHONE, email=EMAIL)


class Shop:
    """The staff, and somebody with a phone of their own before them."""

    def __init__(self, client, house) -> None:
        self.client, self.house = client, house
        self.database, self.keys = house.installation.database, house.installation.keys

    def tell(self, member: dict) -> ToldCode:
        def work(session) -> ToldCode:
            found = members.by_public_id(session, member["id"])
            return deeds.tell_code(session, self.keys, found, CASHIER, self.house.clock())

        return self.database.run(work)

    def type(self, contact: str, code: str, **options):
        form = {"contact": contact, "typed": code}
        return self.client.post(f"{FORM}?lang=en", data=form, **options)

    def asked(self, contact: str) -> str:
        """The page of a code that is sent to this address."""
        answer = self.client.post("/find/demo", data={"contact": contact})
        assert answer.status_code == 303, answer.text
        self.house.run("codes")
        return answer.location

    def type_sent(self, there: str, code: str):
        return self.client.post(f"{there}?lang=en", data={"typed": code})


@pytest.fixture
def shop(client, house) -> Shop:
    return Shop(client, house)


def row(installation) -> CodeRequest:
    with installation.database.reading() as session:
        return session.scalars(select(CodeRequest)).one()


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_it_opens_the_card_with_what_is_on_it(shop, anna, client, gateway) -> None:
    assert f'href="{FORM}"' in client.get("/find/demo").text
    assert client.get(FORM).headers["Cache-Control"] == "no-store"
    told = shop.tell(anna)
    assert told.kind == "phone"
    shop.house.run("codes")
    assert gateway.requests == []  # nothing is sent
    answer = shop.type("8 (999) 123-45-67", f" {told.code[:3]} {told.code[3:]} ")
    assert answer.status_code == 303 and anna["links"]["card"].endswith(answer.location)
    assert answer.location in client.get("/join/demo").text  # this browser leads to the card now
    assert shop.type(PHONE, told.code).status_code == 422  # once


def test_it_helps_where_nothing_can_be_sent(shop, anna, client) -> None:
    shop.house.installation.codes._channels.clear()
    assert f'href="{FORM}"' in client.get("/find/demo").text
    assert shop.type(PHONE, shop.tell(anna).code).status_code == 303


def test_who_was_told_a_code_was_not_reached_by_it(shop, anna, api) -> None:
    """A cashier made the card, and a cashier says the code: nobody has shown whose number it is."""
    with shop.database.transaction() as session:
        members.by_public_id(session, anna["id"]).unconfirmed = True
    assert shop.type(PHONE, shop.tell(anna).code).status_code == 303
    assert not api.get(f"members/{anna['id']}").get_json()["confirmed"]


def test_it_is_typed_with_an_address_of_their_own(shop, anna, client, api) -> None:
    token = re.search(r'name="form_token" value="([^"]+)"', client.get("/join/demo").text)[1]
    client.post("/join/demo", data={"form_token": token, "consent": "yes", "phone": PHONE})
    (double,) = [
        one
        for one in api.get(f"members?phone={PHONE[1:]}").get_json()["items"]
        if one["id"] != anna["id"]
    ]
    with pytest.raises(NoOwnAddress):  # the number that they typed is Anna's
        shop.tell(double)
    api.call("PATCH", f"members/{double['id']}", {"email": "b@b.example"})
    told = shop.tell(double)
    assert told.kind == "email"
    assert shop.type(PHONE, told.code).status_code == 422
    opened = shop.type("B@b.example", told.code)
    assert double["links"]["card"].endswith(opened.location)


def test_a_code_never_opens_the_card_of_another(shop, anna, join) -> None:
    boris = join(name="Борис", phone="+79997654321")
    mine, theirs = shop.tell(anna), shop.tell(boris)
    if mine.code != theirs.code:
        assert shop.type("+79997654321", mine.code).status_code == 422
    assert anna["links"]["card"].endswith(shop.type(PHONE, mine.code).location)


def test_nobody_notices_who_is_a_member(shop, anna, house) -> None:
    """Neither on this page, nor on that of a code that was sent, to which anybody gets who has
    asked for one with the same address before."""
    there = shop.asked(PHONE)
    house.clock.advance(minutes=11)
    house.run("codes")

    def answers(contact: str, code: str) -> set[tuple[int, str]]:
        pages = [shop.type(contact, code)]
        if contact == PHONE:
            sent.add((shop.type_sent(there, code).status_code, shop.type_sent(there, code).text))
        return {(one.status_code, one.text.replace(contact, "").replace(code, "")) for one in pages}

    sent: set[tuple[int, str]] = set()
    seen = answers("+79990000001", "000000") | answers(PHONE, "000000")  # there is no code
    told = shop.tell(anna)
    for _ in range(3):  # of it, and beyond the last try
        seen |= answers(PHONE, other(told.code))
    seen |= answers(PHONE, told.code)
    told = shop.tell(anna)
    house.clock.advance(minutes=10)
    seen |= answers(PHONE, told.code)
    assert len(seen) == len(sent) == 1
    assert next(iter(seen))[0] == next(iter(sent))[0] == 422


def test_five_tries_and_no_more_on_whichever_page(shop, anna) -> None:
    there = shop.asked(PHONE)
    told = shop.tell(anna)
    assert "six digits" in shop.type(PHONE, "12").text  # no try
    for _ in range(4):
        shop.type(PHONE, other(told.code))
    shop.type_sent(there, other(told.code))
    assert shop.type(PHONE, told.code).status_code == 422
    assert shop.type_sent(there, told.code).status_code == 422


def test_the_newest_code_is_the_one_that_works(shop, anna, gateway, installation) -> None:
    """Of those that are told and those that are sent."""
    there = shop.asked(PHONE)
    told = shop.tell(anna)
    sent = gateway.codes()[-1]
    if sent != told.code:
        assert shop.type_sent(there, sent).status_code == 422
    shop.asked(PHONE)
    if gateway.codes()[-1] != told.code:
        assert shop.type(PHONE, told.code).status_code == 422
    assert (row(installation).purpose, row(installation).member_id is None) == ("card", False)
    told = shop.tell(anna)
    assert shop.type_sent(there, told.code).status_code == 303  # the page that was open already


def test_a_code_on_its_way_when_another_is_told_opens_nothing(
    shop, anna, gateway, installation
) -> None:
    told: list[ToldCode] = []

    class Meanwhile:
        """A cashier is quicker than the message."""

        def send(self, message: Outgoing) -> None:
            told.append(shop.tell(anna))
            by_gateway.send(message)

    by_gateway: Channel = installation.codes._channels["phone"]
    installation.codes._channels["phone"] = Meanwhile()
    there = shop.asked(PHONE)
    assert (row(installation).purpose, row(installation).last_reason) == ("told", None)
    if gateway.codes()[0] != told[0].code:
        assert shop.type_sent(there, gateway.codes()[0]).status_code == 422
    assert shop.type(PHONE, told[0].code).status_code == 303


def test_who_guesses_waits(shop, anna) -> None:
    told = shop.tell(anna)
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    for number in range(codes.FROM_NETWORK.free):
        assert shop.type(f"+7999000{number:04d}", "000000", **elsewhere).status_code == 422
    refused = shop.type(PHONE, told.code, **elsewhere)
    assert refused.status_code == 429 and refused.headers["Retry-After"]
    assert f'value="{PHONE}"' in refused.text and f'value="{told.code}"' in refused.text
    assert shop.type(PHONE, told.code).status_code == 303  # from where nobody guessed


def test_a_member_is_told_no_more_than_they_may_be_sent(shop, anna, house) -> None:
    for _ in range(3):  # asked for by whoever knows the number: none of these counts
        shop.client.post("/find/demo", data={"contact": PHONE})
    for _ in range(codes.TO_MEMBER.free):
        shop.tell(anna)
    with pytest.raises(CodesToldTooMany) as refused:
        shop.tell(anna)
    assert refused.value.minutes == 10
    house.clock.advance(minutes=10)
    assert shop.type(PHONE, shop.tell(anna).code).status_code == 303


def test_an_erased_member_leaves_no_code(shop, anna, installation, house) -> None:
    told = shop.tell(anna)
    with installation.database.transaction() as session:
        erasure.erase(session, anna["id"], installation.make_due, house.clock(), by=CASHIER)
    assert shop.type(PHONE, told.code).status_code == 422
    with installation.database.reading() as session:
        assert session.scalars(select(CodeRequest)).all() == []


def test_who_was_merged_meanwhile_finds_the_card_of_both(shop, anna, join, house) -> None:
    other_card = join(name="Анна", phone="+79997654321")
    told = shop.tell(other_card)
    with shop.database.transaction() as session:
        pair = [members.by_public_id(session, one["id"]) for one in (other_card, anna)]
        deeds.merge(session, *pair, CASHIER, house.clock())
    opened = shop.type("+79997654321", told.code)
    assert anna["links"]["card"].endswith(opened.location)


def test_a_programme_that_keeps_nothing_has_no_such_codes(shop, anna, client) -> None:
    told = shop.tell(anna)
    with shop.database.transaction() as session:
        programmes.by_code(session, "demo").keeps_personal = False
    assert "<form" not in client.get(FORM).text
    assert shop.type(PHONE, told.code).status_code == 200
    with pytest.raises(NoOwnAddress):
        shop.tell(anna)


@pytest.mark.parametrize("typed", ["", "12", "anna@", "\x00", "9" * 5000])
def test_what_can_be_no_address_is_said_at_its_box(shop, typed) -> None:
    answer = shop.type(typed, "123456")
    assert answer.status_code == 422 and 'id="contact-problem"' in answer.text
    assert 'value="123456"' in answer.text and 'id="typed-problem"' not in answer.text


def test_a_form_of_another_site_does_nothing(shop, anna, installation) -> None:
    told = shop.tell(anna)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert shop.type(PHONE, told.code, headers=elsewhere).status_code == 403
    assert row(installation).tries == 0


def test_who_told_it_is_on_record_and_the_code_nowhere(shop, anna, installation, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        told = shop.tell(anna)
        kept = [str(value) for value in vars(row(installation)).values()]
        shop.type(PHONE, told.code)
    with installation.database.reading() as session:
        noted = session.scalars(
            select(RecordedChange).where(RecordedChange.code == "card.code_told")
        ).one()
    assert (noted.author_name, noted.of_id) == (CASHIER.name, anna["id"])
    assert (noted.fields, noted.personal_hash) == ({}, None)
    everywhere = f"{logged} {[one.getMessage() for one in caplog.records]} {kept}"
    assert [one for one in (told.code, PHONE, EMAIL) if one in everywhere] == []


class TestAtOnce:
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_of_one_told_and_one_asked_for_the_second_stays(
        self, shop, anna, installation, house
    ) -> None:
        """In every order that matters, whichever comes first."""
        database, keys, number = installation.database, installation.keys, iter(range(200))

        def tell() -> str:
            house.clock.advance(hours=13)
            return shop.tell(anna).code

        def ask() -> timedelta:
            def work(session) -> timedelta:
                programme = programmes.by_code(session, "demo")
                by = codes.asked(keys, programme, "phone", PHONE, f"192.0.2.{next(number)}")
                return codes.ask(session, keys, programme, by, "ru", house.clock())

            house.clock.advance(hours=13)
            return database.run(work)

        def is_whole() -> bool:
            left = row(installation)
            is_told = (left.purpose, left.sealed, left.due_at) == ("told", None, left.expires_at)
            is_asked = left.purpose == "card" and left.sealed is not None and not left.member_id
            return is_told or is_asked

        with stage(database) as there:
            for first, second in ((tell, ask), (ask, tell)):
                for at in range(1, there.statements_of(first) + 1):
                    met = there.meet(first, second, at)
                    outcomes = {type(met.first), type(met.second)}
                    assert outcomes == {str, timedelta}, met
                    assert is_whole(), (at, met)
