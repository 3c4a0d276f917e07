"""A code by which somebody spends who shows no card: asked for by a cashier, shown and sent, good
once; sent by real channels."""

import pytest
from gateways import Gateway
from interleaving import stage
from mailing import Mailing
from sqlalchemy import select
from structlog.testing import capture_logs

from ledger import enrolment
from ledger.errors import InsufficientPoints, MemberErased
from ledger.people import members
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, households, redemptions
from ledger.points.accruals import Grant
from ledger.points.redemptions import Spend
from ledger.programmes import programmes
from wallet.access.changes import Author
from wallet.counter import spend_codes
from wallet.counter.spend_codes import (
    AskedCode,
    SpendCodeForLess,
    SpendCodeOver,
    SpendCodesTooMany,
    SpendCodeWrong,
)
from wallet.finding.codes import CodeRequest
from wallet.people import deeds, erasure

PHONE, EMAIL = "+79991234567", "vera@example.com"
CASHIER = Author("employee", "olga@example.com")


@pytest.fixture
def environment(environment, mail: Mailing, gateway: Gateway) -> dict[str, str]:
    return {
        **environment,
        "WALLET_SMTP_URL": mail.url(),
        "WALLET_MAIL_FROM": "Копилка <kopilka@example.com>",
        "WALLET_SMS_URL": gateway.url,
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(
        "sqlite_url" if request.param == "sqlite" else "postgres_url"
    )
    return url


class Counter:
    """A counter of the demo programme, with its cashier. Each call is what an edge does."""

    def __init__(self, house) -> None:
        self.house, self.where = house, house.installation

    def join(self, name: str, *, unconfirmed: bool = False, points: int = 500, **known) -> Member:
        def work(session):
            member = deeds.add(
                session,
                programmes.by_code(session, "demo"),
                Profile(name, **known),
                [],
                "console",
                self.where.pass_type,
                self.where.keys,
                CASHIER,
                self.house.clock(),
                unconfirmed=unconfirmed,
            )
            if points:
                accruals.grant(session, member, Grant(points), self.house.clock())
            return member

        return self.where.database.run(work)

    def join_by_the_form(self, phone: str) -> Member:
        def work(session):
            programme, now = programmes.by_code(session, "demo"), self.house.clock()
            return enrolment.join(session, programme, Profile(phone=phone), now, checked=False)

        return self.where.database.run(work).member

    def ask(self, member: Member, points: int = 300, reaches=("email", "phone")) -> AskedCode:
        return self.where.database.run(
            lambda session: spend_codes.ask(
                session,
                self.where.keys,
                member,
                points,
                "ru",
                self.house.clock(),
                reaches=reaches,
            )
        )

    def shown(self, member: Member) -> str | None:
        """The code as the page of the card shows it."""
        with self.where.database.reading() as session:
            again = members.reread(session, session.get_one(Member, member.id))
            found = spend_codes.shown(session, self.where.keys, again, self.house.clock())
            return None if found is None else found.code

    def tried(self, member: Member, typed: str, points: int = 300):
        return self.where.database.run(
            lambda session: spend_codes.try_code(
                session,
                self.where.keys,
                session.get_one(Member, member.id),
                typed,
                points,
                self.house.clock(),
            )
        )

    def sold(self, member: Member, typed: str, points: int = 300) -> None:
        """The transaction that spends."""

        def work(session):
            again, now = session.get_one(Member, member.id), self.house.clock()
            spend_codes.redeem(session, self.where.keys, again, typed, points, now)
            redemptions.redeem(session, again, Spend(points), now)

        self.where.database.run(work)

    def spend(self, member: Member, typed: str, points: int = 300) -> None:
        """Both transactions, as a door does."""
        if objection := self.tried(member, typed, points):
            raise objection
        self.sold(member, typed, points)

    def rows(self) -> list[CodeRequest]:
        with self.where.database.reading() as session:
            return list(session.scalars(select(CodeRequest)))


@pytest.fixture
def counter(house) -> Counter:
    return Counter(house)


@pytest.fixture
def anna(counter) -> Member:
    return counter.join("Анна", phone=PHONE, email=EMAIL)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def balance(api, member: Member) -> int:
    return api.get(f"members/{member.public_id}").get_json()["balance"]["available"]


def test_a_code_is_shown_and_sent_and_spends_once(counter, house, api, anna, gateway, mail) -> None:
    asked = counter.ask(anna)
    assert (asked.sent_by, asked.on_page, asked.points) == ("phone", True, 300)
    with capture_logs() as logged:
        house.run("codes")
    (code,) = gateway.codes()
    assert counter.shown(anna) == code and not mail.letters
    assert code not in str(logged) and PHONE not in str(logged)
    (body,) = [request[-1].decode() for request in gateway.requests]
    assert "300 \\u0431\\u0430\\u043b\\u043b\\u043e\\u0432" in body  # баллов
    counter.spend(anna, f"{code[:3]} {code[3:]}")
    assert (balance(api, anna), counter.shown(anna), counter.rows()) == (200, None, [])
    with pytest.raises(SpendCodeOver):
        counter.spend(anna, code)
    assert balance(api, anna) == 200


def test_without_a_phone_a_letter_brings_it(counter, house, anna, mail, gateway) -> None:
    assert counter.ask(anna, reaches=["email"]).sent_by == "email"
    house.run("codes")
    (letter,) = mail.letters
    text = letter.get_body(("plain",)).get_content()
    code = counter.shown(anna)
    assert code in text and "300 баллов" in text and code not in letter["Subject"]
    assert not gateway.requests


def test_where_nothing_reaches_them_the_page_has_it(counter, house, api, gateway) -> None:
    boris = counter.join("Борис")
    assert counter.ask(boris).sent_by is None
    house.run("codes")
    assert not gateway.requests
    counter.spend(boris, counter.shown(boris))
    assert balance(api, boris) == 200


def test_it_goes_to_nobody_elses_number(counter, house, anna, gateway) -> None:
    """Who types another one's number into the form shares it, and gets no code there."""
    sharing = counter.join_by_the_form(PHONE)
    assert counter.ask(sharing, 1).sent_by is None
    house.run("codes")
    assert not gateway.requests


def test_five_tries_and_no_more(counter, api, anna) -> None:
    counter.ask(anna)
    code = counter.shown(anna)
    for _ in range(3):
        assert isinstance(counter.tried(anna, "12"), SpendCodeWrong)  # no code, and no try
    found = [counter.tried(anna, other(code)) for _ in range(5)]
    assert [getattr(one, "tries", None) for one in found] == [4, 3, 2, 1, None]
    for objection in (found[-1], counter.tried(anna, code)):
        assert isinstance(objection, SpendCodeOver)
    with pytest.raises(SpendCodeOver):
        counter.sold(anna, code)
    assert (counter.shown(anna), balance(api, anna)) == (None, 500)


def test_its_time_is_five_minutes(counter, house, anna) -> None:
    counter.ask(anna)
    code = counter.shown(anna)
    house.clock.advance(minutes=4, seconds=59)
    assert counter.tried(anna, code) is None
    house.clock.advance(seconds=1)
    assert isinstance(counter.tried(anna, code), SpendCodeOver)
    with pytest.raises(SpendCodeOver):
        counter.sold(anna, code)
    assert counter.shown(anna) is None
    house.run("codes")
    assert counter.rows() == []


def test_asking_again_replaces_it(counter, anna) -> None:
    counter.ask(anna)
    first = counter.shown(anna)
    counter.ask(anna)
    assert isinstance(counter.tried(anna, first), SpendCodeWrong)
    assert counter.tried(anna, counter.shown(anna)) is None


def test_a_code_is_of_one_member(counter, anna) -> None:
    boris = counter.join("Борис")
    counter.ask(anna)
    assert isinstance(counter.tried(boris, counter.shown(anna)), SpendCodeOver)
    counter.ask(boris)
    assert isinstance(counter.tried(boris, counter.shown(anna)), SpendCodeWrong)


def test_it_is_for_so_many_points_or_less(counter, api, anna) -> None:
    counter.ask(anna, 300)
    code = counter.shown(anna)
    objection = counter.tried(anna, code, 301)
    assert isinstance(objection, SpendCodeForLess) and objection.most == 300
    with pytest.raises(SpendCodeForLess):
        counter.sold(anna, code, 301)
    counter.spend(anna, code, 299)
    assert balance(api, anna) == 201


def test_a_sale_that_fails_gives_the_code_back_and_wrong_tries_stay(counter, api, anna) -> None:
    counter.ask(anna, 900)
    code = counter.shown(anna)
    with pytest.raises(SpendCodeWrong):
        counter.spend(anna, other(code), 900)
    with pytest.raises(InsufficientPoints):
        counter.spend(anna, code, 900)
    (row,) = counter.rows()
    assert row.tries == 1
    counter.spend(anna, code, 500)
    assert balance(api, anna) == 0


def test_who_is_not_confirmed_is_by_the_code_that_reached_them(
    counter, house, api, gateway
) -> None:
    vera = counter.join("Вера", unconfirmed=True, phone=PHONE)
    asked = counter.ask(vera, 900)
    assert (asked.on_page, asked.sent_by, counter.shown(vera)) == (False, "phone", None)
    house.run("codes")
    (code,) = gateway.codes()
    with pytest.raises(InsufficientPoints):
        counter.spend(vera, code, 900)
    assert not api.get(f"members/{vera.public_id}").get_json()["confirmed"]
    counter.spend(vera, code)
    told = api.get(f"members/{vera.public_id}").get_json()
    assert (told["confirmed"], told["balance"]["available"]) == (True, 200)
    lines = api.get(f"changes?kind=member&of={vera.public_id}").get_json()["items"]
    assert "member.confirmed" in {one["code"] for one in lines}


def test_who_was_merged_has_the_code_of_who_they_are(counter, anna, api) -> None:
    double = counter.join("Анна из кассы", points=0)

    def merge(session):
        pair = [session.get_one(Member, one.id) for one in (double, anna)]
        households.merge(session, *pair, counter.house.clock())

    counter.where.database.run(merge)
    counter.ask(double)
    assert counter.shown(double) == counter.shown(anna) is not None
    counter.spend(double, counter.shown(anna))
    assert balance(api, anna) == 200


def test_the_member_cancels_it(counter, anna) -> None:
    counter.ask(anna)
    code = counter.shown(anna)
    counter.where.database.run(
        lambda session: spend_codes.cancel(session, session.get_one(Member, anna.id))
    )
    assert isinstance(counter.tried(anna, code), SpendCodeOver)


def test_who_asks_too_often_waits_and_who_buys_does_not(counter, house, anna) -> None:
    for _ in range(5):
        counter.ask(anna, 1)
    with pytest.raises(SpendCodesTooMany) as refused:
        counter.ask(anna, 1)
    assert refused.value.minutes == 1
    counter.spend(anna, counter.shown(anna), 1)
    counter.ask(anna, 1)


def test_it_opens_no_card(counter, client, anna) -> None:
    """A code to spend is none to find a card, though both lie in one table."""
    counter.ask(anna)
    there = f"/find/demo/phone/spend {anna.id}"
    answer = client.post(there, data={"typed": counter.shown(anna)})
    assert answer.status_code == 422
    assert [row.tries for row in counter.rows()] == [0]
    assert counter.tried(anna, counter.shown(anna)) is None


def test_with_the_member_it_goes(counter, house, anna, gateway) -> None:
    counter.ask(anna)
    erasure.carry_out(
        counter.where.database,
        counter.where.settings.data,
        anna.public_id,
        counter.where.make_due,
        house.clock(),
        by=CASHIER,
    )
    assert counter.rows() == []
    house.run("codes")
    assert not gateway.requests
    with pytest.raises(MemberErased):
        counter.ask(anna)


def test_it_is_asked_for_as_the_programme_says(counter, house) -> None:
    def rules() -> list[str]:
        with counter.where.database.transaction() as session:
            demo = programmes.by_code(session, "demo")
            return [spend_codes.rule(session, demo, scanned=one) for one in (True, False)]

    assert rules() == ["free", "code"]
    for term, expected in (("allowed", "free"), ("never", "never")):
        with counter.where.database.transaction() as session:
            demo = programmes.by_code(session, "demo")
            programmes.change_terms(session, demo, spend_by_phone=term)
        assert rules() == ["free", expected]


def test_of_two_cashiers_at_once_one_spends(counter, api, anna) -> None:
    database = counter.where.database
    if database.is_sqlite:
        pytest.skip("SQLite has one writer, so there is no at once")

    def asked() -> str:
        counter.ask(anna, 10)
        code = counter.shown(anna)
        assert [counter.tried(anna, code, 10) for _ in range(2)] == [None, None]
        return code

    with stage(database) as there:
        counter.sold(anna, asked(), 10)  # the first sale asks for what is kept afterwards
        code = asked()
        statements = there.statements_of(lambda: counter.sold(anna, code, 10))
        for at in range(1, statements + 1):
            code, before = asked(), balance(api, anna)
            met = there.meet(
                lambda code=code: counter.sold(anna, code, 10),
                lambda code=code: counter.sold(anna, code, 10),
                at,
            )
            assert {type(one) for one in (met.first, met.second)} == {SpendCodeOver, type(None)}
            assert balance(api, anna) == before - 10
