"""Every line says what gave how much, what lost on it and to which, and what was close."""

from dataclasses import replace

from selling import fates, line, promotion, quoted, rub, terms

from ledger.languages import Language
from ledger.promotions import wording
from ledger.promotions.quotes import Quote
from ledger.promotions.wording import Purse, TillReader

EN, RU = Language("en"), Language("ru")
BY_LINE = {"code": "main", "mode": "best", "by": "line"}
SHOES, SOCKS = {"categories": ["shoes"]}, {"categories": ["socks"]}


def percent(size: str, **more: object) -> dict:
    return {"kind": "percent", "percent": size, **more}


def reasons(quote: Quote, language: Language = EN) -> list[list[str]]:
    who = TillReader(language, "RUB", {one.promotion: one.promotion for one in quote.promotions})
    return [
        [wording.line_reason(one, who).replace("\u00a0", " ") for one in told.reasons]
        for told in quote.lines
    ]


def test_who_has_one_line_may_have_lost_another() -> None:
    lines = [
        line("S", "100.00", categories=("shoes",)),
        line("K", "10.00", categories=("socks",)),
    ]
    club = promotion("club", percent("10"))
    shoes = promotion("shoes", percent("20", goods=SHOES))
    assert reasons(quoted(lines, club, shoes, terms=terms(BY_LINE))) == [
        ["shoes: \N{MINUS SIGN}RUB 20", "shoes instead of club"],
        ["club: \N{MINUS SIGN}RUB 1"],
    ]


def test_who_was_kept_out_before_it_was_reckoned_says_to_whom() -> None:
    lines = [line("S", "100.00", categories=("shoes",)), line("K", "10.00")]
    club = promotion("club", percent("10", goods=SHOES), priority=1)
    other = promotion("other", percent("5"), not_with=["club"])
    quote = quoted(lines, club, other)
    assert reasons(quote) == [["club: \N{MINUS SIGN}RUB 10", "club instead of other"], []]


def test_one_more_pair_for_half_price() -> None:
    half = {"kind": "nth_unit", "every": 2, "percent": "50", "goods": SHOES}
    lines = [line("S", "100.00", categories=("shoes",)), line("K", "10.00")]
    quote = quoted(lines, promotion("half", half))
    assert fates(quote) == {"half": "close"}
    assert reasons(quote) == [["1 more until half"], []]
    assert reasons(quote, RU) == [["До «half» ещё 1 товар"], []]
    assert fates(quoted(lines[1:], promotion("half", half))) == {}


def test_what_gives_nothing_yet_says_what_is_missing() -> None:
    """Half of it must be there; else nobody is close."""
    one = [line("S", "100.00", categories=("shoes",))]
    three = [line("S", "100.00", "3", categories=("shoes",))]
    for gives, lines, missing in (
        ({"kind": "nth_unit", "every": 3, "goods": SHOES}, one, None),
        ({"kind": "free_units", "buy": 1, "goods": SHOES}, one, 1),
        ({"kind": "free_units", "buy": 3, "goods": SHOES, "get_goods": SOCKS}, three, 1),
        ({"kind": "per_group", "units": 5, "amount": rub("1"), "goods": SHOES}, three, 2),
        ({"kind": "ladder", "goods": SHOES, "steps": [{"units": 4, "percent": "5"}]}, three, 1),
        (
            {
                "kind": "bundle",
                "price": rub("50"),
                "slots": [{"goods": SHOES}, {"goods": SOCKS}],
            },
            one,
            1,
        ),
    ):
        (told,) = quoted(lines, promotion("p", gives)).promotions
        assert told.facts.get("number") == missing, gives
        assert told.outcome == ("nothing_to_take" if missing is None else "close"), gives
    steps = [{"amount": rub("150"), "percent": "5"}]
    (told,) = quoted(
        one, promotion("p", {"kind": "ladder", "goods": SHOES, "steps": steps})
    ).promotions
    assert (told.outcome, str(told.facts["missing"])) == ("close", "50.00 RUB")


def test_who_is_close_for_the_whole_receipt_is_no_reason_of_a_line() -> None:
    more = {"kind": "amount", "at_least": rub("150")}
    quote = quoted([line("S", "100.00")], promotion("p", percent("10"), when=more))
    assert fates(quote) == {"p": "close"}
    assert reasons(quote) == [[]]


def test_a_percent_that_is_rounded_for_each_line_says_how_far_it_is_off() -> None:
    """Exactly it would be 0.15; each line gives 0.05 or 0.06 of its 0.55."""
    lines = [line("A", "0.55"), line("B", "0.55"), line("C", "0.35")]
    ten = promotion("ten", percent("10"))
    assert quoted(lines, ten).rounding is None
    by_line = quoted(lines, ten, terms=terms(rounding="line"))
    assert (by_line.discount, by_line.rounding) == (6 + 6 + 4, 1)
    assert reasons(by_line)[2][1:] == ["Rounding: \N{MINUS SIGN}RUB 0.01"]
    assert reasons(by_line)[0][1:] == []
    less = [line("X", "0.14", "3")]
    by_unit = quoted(less, ten, terms=terms(rounding="unit"))
    assert (by_unit.discount, by_unit.rounding) == (3, -1)
    cut = quoted(less, ten, terms=terms(rounding="line", ceilings={"line": "5"}))
    assert cut.rounding == 0


def test_the_slip_says_what_was_saved_spent_and_earned_and_what_is_left() -> None:
    quote = quoted([line("S", "100.00")], promotion("p", percent("10")))
    quote = replace(quote, spent=30, earned=5)
    who = TillReader(RU, "RUB", {})
    points, cashback = Purse("points", 0, None, 50), Purse("money", 2, "RUB", 5050)
    assert [one.replace("\u00a0", " ") for one in wording.slip(quote, points, who)] == [
        "Вы сэкономили 10 ₽",
        "Списано баллов: 30",
        "Начислено баллов: 5",
        "Осталось баллов: 20",
    ]
    assert [one.replace("\u00a0", " ") for one in wording.slip(quote, cashback, who)][1:] == [
        "Списано с карты: 0,30 ₽",
        "Начислено на карту: 0,05 ₽",
        "Осталось на карте: 50,20 ₽",
    ]
    assert len(wording.slip(quote, None, who)) == 1
    assert len(wording.slip(quote, Purse("points", 0, None, None), who)) == 3
