"""Somebody joins with a number that is another member's: a link goes there, and makes both one."""

import json
import logging
import re

import pytest
from gateways import CODE, Gateway
from interleaving import stage
from mailing import Mailing
from sqlalchemy import delete, select
from structlog.testing import capture_logs

from ledger.people import members, persons
from ledger.people.members import Member
from wallet.access.changes import Author
from wallet.access.sign_in_delays import SignInFailure
from wallet.finding import codes, second_cards
from wallet.finding.codes import CodeRequest
from wallet.people import deeds, erasure, one_card

PHONE, EMAIL = "+79991234567", "anna@example.com"
LINK = re.compile(r"http\S+/joined/demo/\S+")


@pytest.fixture
def environment(environment, mail: Mailing, gateway: Gateway) -> dict[str, str]:
    return {
        **environment,
        "WALLET_SMTP_URL": mail.url(),
        "WALLET_MAIL_FROM": "Копилка <kopilka@example.com>",
        "WALLET_SMS_URL": gateway.url,
        # What limits forms by their number is not what is asked here.
        "WALLET_RATE_LIMITS": "join=1000/minute",
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(
        "sqlite_url" if request.param == "sqlite" else "postgres_url"
    )
    return url


@pytest.fixture
def anna(api) -> dict:
    """Anna is a member, with 70 points."""
    told = {"programme": "demo", "name": "Анна", "phone": PHONE, "email": EMAIL, "locale": "ru"}
    anna = api.post("members", told).get_json()
    api.post("accruals", {"member": anna["id"], "points": 70})
    return anna


class Newcomer:
    """Somebody who joins, in a browser that is no member's; and what came of it."""

    def __init__(self, client, house, installation, gateway, mail) -> None:
        self.client, self.house, self.installation = client, house, installation
        self.gateway, self.mail = gateway, mail

    def join(self, **typed: str):
        self.client.delete_cookie("card", path="/join/demo")
        token = re.search(
            r'name="form_token" value="([^"]+)"', self.client.get("/join/demo?lang=en").text
        )[1]
        answer = self.client.post(
            "/join/demo", data={"form_token": token, "consent": "yes", **typed}
        )
        assert answer.status_code == 303, answer.text
        return answer

    def joined(self, **typed: str) -> str:
        """The path of the new card, once all is sent."""
        path: str = self.join(**typed).location
        self.house.run("codes")
        return path

    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for *_, body in self.gateway.requests]

    def link(self) -> str:
        """The path of the link that was sent last."""
        found = LINK.search(self.texts()[-1])[0]
        return found[found.index("/joined/") :]

    def row(self) -> CodeRequest:
        with self.installation.database.reading() as session:
            return session.scalars(select(CodeRequest).order_by(CodeRequest.id.desc())).first()

    def member_id(self) -> str:
        """Of who joined last."""
        with self.installation.database.reading() as session:
            return session.scalars(select(Member.public_id).order_by(Member.id.desc())).first()


@pytest.fixture
def newcomer(client, house, installation, gateway, mail) -> Newcomer:
    return Newcomer(client, house, installation, gateway, mail)


def balance(api, id_: str) -> int:
    return api.get(f"members/{id_}").get_json()["balance"]["available"]


def post(client, link: str, way: str, **options):
    return client.post(f"{link}?lang=en", data={"way": way}, **options)


def test_a_text_leads_to_ones_card_and_makes_both_one(newcomer, anna, api, client, house) -> None:
    new_card = newcomer.joined(phone="8 999 123-45-67", name="Аня")
    (text,) = newcomer.texts()
    # In the language of whom it reaches, with nothing of what is on the card.
    assert "на этот номер" in text and "70" not in LINK.sub("", text)
    second = newcomer.member_id()
    api.post("accruals", {"member": second, "points": 5})
    link = newcomer.link()
    for _ in range(2):  # a previewer
        page = client.get(f"{link}?lang=en")
        assert page.status_code == 200 and "Make both cards one" in page.text
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Robots-Tag"] == "noindex"
    assert (balance(api, anna["id"]), balance(api, second)) == (70, 5)
    answer = post(client, link, "one")
    assert answer.status_code == 303 and anna["links"]["card"].endswith(answer.location)
    assert balance(api, anna["id"]) == 75
    # The link of the new card shows what the old one does.
    house.run()
    shown = [client.get(f"{card}?lang=en").text for card in (new_card, answer.location)]
    assert all(re.search(r"\b75\b", page) for page in shown)
    assert answer.location in client.get("/join/demo?lang=en").text  # this browser leads there
    assert "Both cards are one" in client.get(f"{link}?lang=en").text
    assert post(client, link, "one").location == answer.location
    assert balance(api, anna["id"]) == 75


def test_a_letter_does_as_well_and_who_only_opens_their_card_stays_apart(
    newcomer, anna, api, mail, client
) -> None:
    newcomer.joined(email="Anna@example.com")
    (letter,) = mail.letters
    plain, page = (letter.get_body((one,)).get_content() for one in ("plain", "html"))
    link = LINK.search(plain)[0]
    assert link in page and letter["To"] == EMAIL and letter["Content-Language"] == "ru"
    link = link[link.index("/joined/") :]
    answer = post(client, link, "open")
    assert anna["links"]["card"].endswith(answer.location)
    assert api.get(f"members/{newcomer.member_id()}").status_code == 200
    assert "Make both cards one" in client.get(f"{link}?lang=en").text  # it is not used up


def test_who_joins_with_two_addresses_of_one_member_tells_them_once(
    newcomer, anna, gateway, mail
) -> None:
    newcomer.joined(phone=PHONE, email=EMAIL)
    assert len(gateway.requests) + len(mail.letters) == 1


def test_joining_does_the_same_whosever_the_number_is(newcomer, anna, gateway, house) -> None:
    told = []
    for phone in (PHONE, "+79990000001"):
        answer = newcomer.join(phone=phone)
        row = newcomer.row()
        told.append((answer.status_code, row.member_id, row.purpose, row.due_at))
    assert told[0] == told[1]
    house.run("codes")
    assert {json.loads(body)["phone"] for *_, body in gateway.requests} == {PHONE}
    row = newcomer.row()
    assert (row.sealed, row.member_id) == (None, None)  # of a number that is nobody else's


def test_nobody_floods_a_strangers_phone(newcomer, anna, gateway, house) -> None:
    for _ in range(10):
        newcomer.joined(phone=PHONE)
    assert len(gateway.requests) == second_cards.TO_ADDRESS.free
    house.clock.advance(minutes=2)
    newcomer.joined(phone=PHONE)
    assert len(gateway.requests) == second_cards.TO_ADDRESS.free + 1


def test_one_network_address_has_no_more_written_down(newcomer, installation) -> None:
    for number in range(second_cards.FROM_NETWORK.free + 3):
        newcomer.join(phone=f"+7999000{number:04d}")
    with installation.database.reading() as session:
        assert len(session.scalars(select(CodeRequest)).all()) == second_cards.FROM_NETWORK.free


def test_one_member_gets_so_many_by_all_of_their_addresses_and_codes_still(
    newcomer, anna, gateway, mail, house, installation
) -> None:
    for number in range(codes.TO_MEMBER.free + 3):
        newcomer.joined(**({"phone": PHONE} if number % 2 else {"email": EMAIL}))
        with installation.database.transaction() as session:  # but for what is the member's own
            own = installation.keys.first.derive("links of", "1")
            session.execute(delete(SignInFailure).where(SignInFailure.who != own))
    assert len(gateway.requests) + len(mail.letters) == codes.TO_MEMBER.free
    newcomer.client.post("/find/demo", data={"contact": PHONE})
    house.run("codes")
    assert CODE.match(newcomer.texts()[-1])


@pytest.mark.parametrize("way", ["open", "one"])
def test_a_link_that_is_over_forged_or_of_another_site_does_nothing(
    newcomer, anna, api, client, house, way
) -> None:
    newcomer.joined(phone=PHONE)
    link = newcomer.link()
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert post(client, link, way, headers=elsewhere).status_code == 403
    row = newcomer.row()
    for forged in (f"{link[:-1]}{'a' if link[-1] != 'a' else 'b'}", f"{link}a", "/joined/demo/1.a"):
        assert client.get(forged).status_code == post(client, forged, way).status_code == 410
    by_nonce = f"/joined/demo/{row.id}.{row.nonce[:22]}"
    assert post(client, by_nonce, way).status_code == 410
    house.clock.advance(hours=1)
    answer = post(client, link, way)
    assert answer.status_code == 410 and "/find/demo" in answer.text
    house.run("codes")
    assert newcomer.row() is None
    assert client.get(link).status_code == 410
    assert balance(api, newcomer.member_id()) == 0


def refused(client, api, link: str, owner: dict, words: str) -> None:
    """Nothing becomes one, and the card is still opened."""
    answer = post(client, link, "one")
    assert answer.status_code == 409 and words in answer.text
    opened = post(client, link, "open")
    assert owner["links"]["card"].endswith(opened.location)
    assert balance(api, owner["id"]) == 70


def test_a_purchase_that_is_not_finished_is_waited_for(newcomer, anna, api, client) -> None:
    newcomer.joined(phone=PHONE)
    second, link = newcomer.member_id(), newcomer.link()
    api.post("accruals", {"member": second, "points": 5})
    hold = api.post("holds", {"member": second, "points": 5}).get_json()
    refused(client, api, link, anna, "not finished yet")
    assert api.post(f"holds/{hold['id']}/release", {}).status_code < 300
    assert post(client, link, "one").status_code == 303
    assert balance(api, anna["id"]) == 75


def test_who_collects_with_others_asks_at_the_till(
    newcomer, anna, api, client, installation
) -> None:
    newcomer.joined(phone=PHONE)
    second, link = newcomer.member_id(), newcomer.link()
    other = api.post("members", {"programme": "demo"}).get_json()
    with installation.database.transaction() as session:
        pair = [members.by_public_id(session, one) for one in (second, other["id"])]
        now = installation.clock()
        deeds.join_household(session, *pair, Author("command", "wallet test"), now)
    refused(client, api, link, anna, "Ask at the till")


def test_of_a_household_the_owner_takes_the_second_card_along(
    newcomer, anna, api, client, installation
) -> None:
    head = api.post("members", {"programme": "demo"}).get_json()
    with installation.database.transaction() as session:
        pair = [members.by_public_id(session, one) for one in (anna["id"], head["id"])]
        now = installation.clock()
        deeds.join_household(session, *pair, Author("command", "wallet test"), now)
    newcomer.joined(phone=PHONE)
    api.post("accruals", {"member": newcomer.member_id(), "points": 5})
    assert post(client, newcomer.link(), "one").status_code == 303
    assert balance(api, head["id"]) == 75


@pytest.mark.parametrize("became", ["another number", "a third's", "unconfirmed"])
def test_a_second_card_that_is_another_matter_by_now_is_left_alone(
    newcomer, anna, api, client, installation, became
) -> None:
    newcomer.joined(phone=PHONE)
    second_id, link = newcomer.member_id(), newcomer.link()
    third = api.post("members", {"programme": "demo"}).get_json()
    with installation.database.transaction() as session:
        second, now = members.by_public_id(session, second_id), installation.clock()
        if became == "another number":
            persons.change(session, second, {"phone": "+79990000009"}, now)
        elif became == "a third's":
            into = members.by_public_id(session, third["id"])
            deeds.merge(session, second, into, Author("command", "wallet test"), now)
        else:
            second.unconfirmed = True
    refused(client, api, link, anna, "nothing to make one")


def test_a_card_that_changed_before_the_link_was_sent_is_no_news(
    newcomer, anna, api, gateway, house, installation
) -> None:
    for became in ("erased", "unconfirmed", "merged", "another number"):
        newcomer.join(phone=PHONE)
        with installation.database.transaction() as session:
            second = members.by_public_id(session, newcomer.member_id())
            by, now = Author("command", "wallet test"), house.clock()
            if became == "erased":
                erasure.erase(session, second.public_id, installation.make_due, now, by=by)
            elif became == "merged":
                deeds.merge(session, second, members.by_public_id(session, anna["id"]), by, now)
            elif became == "another number":
                persons.change(session, second, {"phone": "+79990000009"}, now)
            else:
                second.unconfirmed = True
        house.run("codes")
        house.clock.advance(minutes=20)
    assert gateway.requests == []


@pytest.mark.parametrize("who", ["owner", "second"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_who_is_erased_leaves_no_link(
    newcomer, anna, client, house, installation, who, when
) -> None:
    newcomer.join(phone=PHONE)
    link = None
    if when == "after":
        house.run("codes")
        link = newcomer.link()
    with installation.database.transaction() as session:
        by = Author("command", "wallet test")
        id_ = anna["id"] if who == "owner" else newcomer.member_id()
        erasure.erase(session, id_, installation.make_due, house.clock(), by=by)
    if when == "after" or who == "second":
        assert newcomer.row() is None
    house.run("codes")
    assert len(newcomer.texts()) == (when == "after")
    if link is not None:
        assert client.get(link).status_code == post(client, link, "one").status_code == 410


def test_an_owner_who_became_another_takes_the_second_card_along(
    newcomer, anna, api, client, installation
) -> None:
    newcomer.joined(phone=PHONE)
    second, link = newcomer.member_id(), newcomer.link()
    api.post("accruals", {"member": second, "points": 5})
    third = api.post("members", {"programme": "demo"}).get_json()
    with installation.database.transaction() as session:
        pair = [members.by_public_id(session, one) for one in (anna["id"], third["id"])]
        deeds.merge(session, *pair, Author("command", "wallet test"), installation.clock())
    answer = post(client, link, "one")
    assert third["links"]["card"].endswith(answer.location)
    assert balance(api, third["id"]) == 75


def test_an_owner_whom_a_cashier_typed_is_confirmed_by_the_link(
    newcomer, anna, api, client, installation
) -> None:
    with installation.database.transaction() as session:
        members.by_public_id(session, anna["id"]).unconfirmed = True
    newcomer.joined(phone=PHONE)
    client.get(newcomer.link())
    assert not api.get(f"members/{anna['id']}").get_json()["confirmed"]
    post(client, newcomer.link(), "open")
    assert api.get(f"members/{anna['id']}").get_json()["confirmed"]


def test_neither_links_nor_numbers_reach_a_log_or_the_database(
    newcomer, anna, gateway, house, client, installation, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.answers += [500]
    with capture_logs() as logged:
        newcomer.joined(phone=PHONE)
        house.clock.advance(minutes=1)
        house.run("codes")
        link = newcomer.link()
        kept = [str(value) for value in vars(newcomer.row()).values()]
        client.get(link)
        post(client, link, "one")
    assert len(set(newcomer.texts())) == 1  # the same link at each try
    proof = link.rpartition(".")[2]
    told = f"{logged} {[one.getMessage() for one in caplog.records]} {kept}"
    assert [one for one in (PHONE, PHONE[1:], proof) if one in told] == []


class TestAtOnce:
    @pytest.fixture
    def database_url(self, postgres_url: str) -> str:
        return postgres_url

    def test_a_link_used_twice_makes_one_card_once(
        self, installation, newcomer, anna, api, house
    ) -> None:
        """In every order that matters."""
        database, keys = installation.database, installation.keys

        def linked() -> second_cards.SecondCard:
            newcomer.join(phone=PHONE)
            house.run("codes")
            with database.transaction() as session:
                session.execute(delete(SignInFailure))
            api.post("accruals", {"member": newcomer.member_id(), "points": 1})
            with database.reading() as session:
                row = newcomer.row()
                programme_id = row.programme_id
                assert row.member_id is not None and programme_id
                owner = members.by_id(session, row.member_id)
                joined = members.by_id(session, row.joined_id)
                return second_cards.SecondCard(row.kind, row.address_key, owner, joined)

        def use(cards: second_cards.SecondCard) -> str:
            return database.run(
                lambda session: one_card.make_one(session, keys, cards, house.clock())
            )

        with stage(database) as there:
            cards = linked()
            number = there.statements_of(lambda: use(cards))
            made = 1
            for at in range(1, number + 1, 3):
                cards = linked()
                met = there.meet(lambda c=cards: use(c), lambda c=cards: use(c), at)
                assert (met.first, met.second) == ("one", "one")
                made += 1
        assert balance(api, anna["id"]) == 70 + made
