"""What a purchase earns by the base programme, how much points may pay, and the sentence for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.book import balances
from ledger.contacts import Unfit
from ledger.errors import NoPercentBack, NothingEarned, TermsRefused, WrongCurrency
from ledger.limits import NEVER
from ledger.money import Money, hundredths, percent
from ledger.points import accruals, batches, welcoming
from ledger.points.accruals import Grant
from ledger.points.batches import Item
from ledger.points.causes import Cause
from ledger.points.resolving import Whom
from ledger.programmes import base_terms, base_words, programmes, units
from ledger.programmes.base_terms import BaseTerms
from ledger.programmes.earning import Rates
from ledger.programmes.units import UnitTerms

ROUBLE = Rates(back=500, payable=3_000, worth=100, currency="RUB")


def rub(amount: str) -> Money:
    return Money(amount, "RUB")


@pytest.fixture
def earning(club, database):
    """The club gives 5 % back, one point is a rouble, points may pay 30 % of a purchase."""
    with database.transaction() as session:
        id_ = programmes.by_code(session, club.code).id
        base_terms.put(session, id_, BaseTerms(500, 3_000, rub("1")))
    return club


class TestCalculation:
    @pytest.mark.parametrize(
        ("rates", "paid", "points"),
        [
            (ROUBLE, 508_800, 254),  # the receipt of the contract: 5 % of 5088.00
            (ROUBLE, 1_999, 0),
            (ROUBLE, 2_000, 1),
            (Rates(275, 0, 100, "RUB"), 100_000, 27),  # 27.5
            (Rates(500, 0, 1_000, "RUB"), 100_000, 5),  # a point is ten roubles
            (Rates(500, 0, 10, "RUB"), 100_000, 500),  # or ten kopecks
            (Rates(500, 0, 100, "RUB", scale=2), 19_990, 999),  # kopecks of a cashback
            (Rates(0, 0, 100, "RUB"), 100_000, 0),
        ],
    )
    def test_a_purchase_earns_its_percent_rounded_down_once(self, rates, paid, points) -> None:
        assert rates.earned(paid) == points

    @pytest.mark.parametrize(
        ("rates", "total", "most"),
        [
            (ROUBLE, 100_000, 300),
            (ROUBLE, 100_333, 300),
            (Rates(500, 10_000, 100, "RUB"), 19_990, 199),
            (Rates(500, 0, 100, "RUB"), 100_000, 0),
            (Rates(500, 3_000, 100, "RUB", scale=2), 19_990, 5_997),
        ],
    )
    def test_points_pay_their_share_at_most(self, rates, total, most) -> None:
        assert rates.most_points(total) == most

    @given(
        back=st.integers(0, 10_000),
        payable=st.integers(0, 10_000),
        worth=st.integers(1, 10**6),
        scale=st.integers(0, 6),
        total=st.integers(0, 10**12),
    )
    def test_nobody_earns_or_pays_more_than_the_percent(
        self, back, payable, worth, scale, total
    ) -> None:
        rates = Rates(back, payable, worth, "RUB", scale)
        piece = -(-worth // 10**scale)  # one more piece would be more than the percent
        assert total * back - rates.pays(rates.earned(total)) * 10_000 >= 0
        assert rates.pays(rates.most_points(total)) * 10_000 <= total * payable
        assert rates.pays(rates.earned(total)) * 10_000 + piece * 10_000 >= total * back - 10_000


class TestPercent:
    @pytest.mark.parametrize(
        ("written", "size", "again"),
        [
            *[("5", 500, "5"), ("2.75", 275, "2.75"), ("0.5", 50, "0.5"), ("0", 0, "0")],
            *[("100.00", 10_000, "100"), ("3.10", 310, "3.1")],
        ],
    )
    def test_two_decimals_are_kept_as_they_are(self, written, size, again) -> None:
        assert hundredths(written) == size
        assert percent(size) == again

    @pytest.mark.parametrize(
        "written", ["", "5 %", "-1", "100.01", "0.001", "5,5", "1e1", "٥", "05"]
    )
    def test_what_is_no_percent_is_refused(self, written) -> None:
        with pytest.raises(Unfit):
            hundredths(written)


class TestTerms:
    def test_a_purchase_without_points_earns_by_them(self, earning, anna, database, clock) -> None:
        grant = Grant(None, Cause(purchase=rub("1999.90")))
        with database.transaction() as session:
            done = accruals.grant(session, anna, grant, clock())
        assert (done.points, done.balance.available) == (99, 99)

    def test_a_batch_earns_as_one_call_does(self, earning, anna, database, clock) -> None:
        whom = Whom(member=anna.public_id)
        items = [
            Item(str(number), b"x" * 32, whom, Grant(None, Cause(purchase=rub(paid))))
            for number, paid in enumerate(("1000", "19.99", "40"))
        ]

        def answer(done):
            return batches.StoredAnswer(201, str(done.points).encode())

        with database.transaction() as session:
            outcomes = batches.post(session, "test", items, answer, clock())
        assert outcomes[0].body == b"50"
        assert isinstance(outcomes[1], NothingEarned)
        assert outcomes[2].body == b"2"

    def test_without_terms_the_caller_has_to_say_how_many(
        self, club, anna, database, clock
    ) -> None:
        with pytest.raises(NoPercentBack), database.transaction() as session:
            accruals.grant(session, anna, Grant(None, Cause(purchase=rub("1000"))), clock())

    def test_another_unit_earns_nothing_by_itself(self, earning, anna, database, clock) -> None:
        with database.transaction() as session:
            id_ = programmes.by_code(session, "club").id
            units.add(session, id_, UnitTerms("stamps", "stamps"))
        grant = Grant(None, Cause(purchase=rub("1000")), unit="stamps")
        with pytest.raises(NoPercentBack), database.transaction() as session:
            accruals.grant(session, anna, grant, clock())

    def test_another_currency_is_refused(self, earning, anna, database, clock) -> None:
        grant = Grant(None, Cause(purchase=Money("10", "EUR")))
        with pytest.raises(WrongCurrency), database.transaction() as session:
            accruals.grant(session, anna, grant, clock())

    @pytest.mark.parametrize(
        ("terms", "field"),
        [
            (BaseTerms(10_001, 0, rub("1")), "percent_back"),
            (BaseTerms(0, -1, rub("1")), "percent_payable"),
            (BaseTerms(500, 0), "point_worth"),
            (BaseTerms(500, 0, rub("0")), "point_worth"),
            (BaseTerms(500, 0, Money("1", "ABC")), "point_worth"),
            (BaseTerms(500, 0, rub("1"), welcome_gift=0), "welcome"),
            (BaseTerms(500, 0, rub("1"), welcome_live_days=3), "welcome"),
            (BaseTerms(500, 0, rub("1"), 5, 0), "live_days"),
        ],
    )
    def test_what_cannot_be_is_refused_by_its_name(self, club, database, terms, field) -> None:
        with pytest.raises(TermsRefused) as refusal, database.transaction() as session:
            base_terms.put(session, programmes.by_code(session, club.code).id, terms)
        assert refusal.value.field == field

    def test_money_pays_what_it_is(self, database, clock) -> None:
        unit = UnitTerms("cashback", "money", 2, "RUB")
        with database.transaction() as session:
            terms = programmes.Terms("cash", "Cashback", unit=unit)
            programme = programmes.create(session, terms, clock())
            row = base_terms.put(session, programme.id, BaseTerms(500, 10_000))
            assert (row.worth, row.currency) == (100, "RUB")
            with pytest.raises(TermsRefused):
                base_terms.put(session, programme.id, BaseTerms(500, 0, rub("2")))


class TestWelcome:
    def test_it_is_a_gift_that_lives_as_said(self, club, anna, database, clock) -> None:
        with database.transaction() as session:
            id_ = programmes.by_code(session, club.code).id
            welcoming.welcome(session, anna, clock())  # nothing is set: nothing is given
            base_terms.put(session, id_, BaseTerms(0, 0, rub("1"), 100, 30))
            welcoming.welcome(session, anna, clock())
        with database.reading() as session:
            unit = units.named(session, id_, None)
            of = balances.of_members(session, [unit.id], [anna.id], clock())
            assert of[anna.id, unit.id].available == 100
            later = balances.of_members(session, [unit.id], [anna.id], club.days(31))
            assert later[anna.id, unit.id].available == 0
        assert club.days(31) < NEVER


class TestSentence:
    @pytest.mark.parametrize(
        ("rates", "kind", "days", "called", "russian", "english"),
        [
            (
                ROUBLE,
                "points",
                365,
                "client",
                "Клиент получает 5 % баллами, может оплатить ими до 30 % покупки, 1 балл = 1 ₽,"
                " баллы живут 365 дней.",
                "Members get 5% back in points, may pay with them for up to 30% of a purchase,"
                " 1 point = RUB 1, points live for 365 days.",
            ),
            (
                Rates(275, 0, 150, "RUB"),
                "points",
                1,
                "guest",
                "Гость получает 2,75 % баллами, 1 балл = 1,50 ₽, баллы живут 1 день.",
                "Members get 2.75% back in points, 1 point = RUB 1.50, points live for 1 day.",
            ),
            (
                Rates(500, 10_000, 100, "RUB", 2),
                "money",
                None,
                "buyer",
                "Покупатель получает 5 % кешбэком, может оплатить им до 100 % покупки,"
                " кешбэк не сгорает.",
                "Members get 5% back, may pay with it for up to 100% of a purchase,"
                " it never runs out.",
            ),
            (
                Rates(0, 0, 100, "RUB"),
                "stamps",
                22,
                "client",
                "Штампы живут 22 дня.",
                "Stamps live for 22 days.",
            ),
            (
                Rates(0, 0, 100, "RUB"),
                "points",
                None,
                "client",
                "За покупки баллы не начисляются, баллы не сгорают.",
                "Purchases earn no points, points never run out.",
            ),
        ],
    )
    def test_it_says_all_of_it_with_the_right_plurals(
        self, rates, kind, days, called, russian, english
    ) -> None:
        for language, expected in (("ru", russian), ("en", english)):
            said = base_words.sentence(rates, kind, days, called, language)
            plain = said.replace("\u00a0", " ").replace("₽", "RUB ") if language == "en" else said
            assert " ".join(plain.replace("\u00a0", " ").split()) == expected
