"""How promotions stand together, where it is easy to get wrong."""

from selling import FIVE_PERCENT, fates, line, promotion, quoted, rub, terms, totals

from ledger.promotions.stacking import Allowance

BY_LINE = {"code": "main", "mode": "best", "by": "line"}
POINTS = {"kind": "points_fixed", "points": 50}


def percent(size: str, **more: object) -> dict:
    return {"kind": "percent", "percent": size, **more}


def of_sku(sku: str) -> dict:
    return {"goods": {"skus": [sku]}}


def test_who_wins_no_line_keeps_nobody_out() -> None:
    """`a` may not stand with `b`, and takes off more; but `c` has its line."""
    lines = [line("SHOE", "100.00"), line("HAT", "100.00")]
    a = promotion("a", percent("50", **of_sku("SHOE")), not_with=["b"])
    b = promotion("b", percent("30", **of_sku("HAT")))
    c = promotion("c", percent("60", **of_sku("SHOE")))
    quote = quoted(lines, a, b, c, terms=terms(BY_LINE))
    assert (totals(quote), fates(quote)["a"]) == ([4000, 7000], "lost")
    assert fates(quoted(lines, a, b, terms=terms(BY_LINE))) == {"a": "applied", "b": "lost"}


def test_first_is_who_takes_something_off() -> None:
    """One pair is no second pair: its points are no reason to keep the club's percent out."""
    pair = promotion(
        "a", {"kind": "nth_unit", "every": 2, "percent": "50", "goods": {}}, POINTS, priority=1
    )
    club = promotion("club", percent("10"))
    first = terms({"code": "main", "mode": "first"})
    quote = quoted([line("SHOE", "100.00")], pair, club, terms=first)
    assert (quote.discount, quote.earned) == (1000, 0)
    assert quoted([line("SHOE", "100.00")], pair, terms=first).earned == 50


def test_one_gift_wins_before_it_is_on_the_receipt_and_after() -> None:
    """Or the till would hand out two, and charge for one of them at the next quote."""
    gifts = [promotion(sku.lower(), {"kind": "gift", "sku": sku}) for sku in ("CAP", "MUG")]
    best = terms({"code": "main", "mode": "best"})
    quote = quoted([line("SHOE", "5000.00")], *gifts, terms=best)
    assert [one.present.sku for one in quote.presents] == ["CAP"]


def test_who_stands_alone_never_stands_beside_others() -> None:
    """Also if it is met only after a lane that made the receipt cheaper."""
    two = terms({"code": "one", "mode": "all"}, {"code": "two", "mode": "all"})
    ten = promotion("ten", percent("10"), lane="one")
    small = promotion(
        "small",
        percent("50"),
        lane="two",
        alone=True,
        when={"kind": "amount", "measure": "remaining", "at_most": rub("95")},
    )
    assert quoted([line("SHOE", "100.00")], ten, small, terms=two).total == 9000


def test_who_stands_alone_says_why_of_those_it_keeps_out() -> None:
    alone = promotion("alone", percent("50"), alone=True)
    others = [
        promotion("lost", percent("10")),
        promotion("not_met", percent("10"), when={"kind": "member"}),
    ]
    quote = quoted([line("SHOE", "100.00")], alone, *others)
    assert fates(quote) == {"alone": "applied", "lost": "lost", "not_met": "not_met"}


def test_a_budget_that_is_used_up_gives_no_points_either() -> None:
    both = promotion("both", percent("10"), POINTS)
    left = {"both": Allowance(money=999)}
    quote = quoted([line("SHOE", "100.00")], both, left=left)
    assert (quote.discount, quote.earned, fates(quote)) == (0, 0, {"both": "limit_reached"})


def test_a_budget_of_points_is_not_overdrawn() -> None:
    points = promotion("points", POINTS)
    for left, earned, fate in ((50, 50, "applied"), (49, 0, "limit_reached")):
        quote = quoted([line("X", "1.00")], points, left={"points": Allowance(points=left)})
        assert (quote.earned, fates(quote)) == (earned, {"points": fate})


def test_a_limit_that_was_overrun_is_reached() -> None:
    """A sale that was paid is never refused, so more may be used than there is."""
    ten = promotion("ten", percent("10"))
    assert quoted([line("X", "1.00")], ten, left={"ten": Allowance(uses=-1)}).discount == 0


def test_the_most_points_win_percents_too() -> None:
    best = terms({"code": "main", "mode": "best"})
    few = promotion("few", {"kind": "points_fixed", "points": 1})
    many = promotion("many", {"kind": "points_percent", "percent": "10"})
    quote = quoted([line("X", "100.00")], few, many, terms=best, rates=FIVE_PERCENT)
    assert fates(quote) == {"few": "lost", "many": "applied"}


def test_the_best_set_is_found_where_others_leave_more_to_take() -> None:
    """The budget of `b` is too small for it by itself, and the cheapest pair is another one once
    the first is nobody's any more."""
    best_set = terms({"code": "main", "mode": "best_set"})
    a = promotion("a", percent("50"), priority=1)
    b = promotion("b", percent("50"))
    hat = line("HAT", "100.00")
    quote = quoted([hat], a, b, terms=best_set, left={"b": Allowance(money=2500)})
    assert quote.discount == 7500
    keeps = promotion("a", percent("50", **of_sku("CAP")), keeps_units=True, priority=1)
    cheapest = promotion("b", percent("100", pick={"cheapest": 1}))
    quote = quoted([hat, line("CAP", "20.00")], keeps, cheapest, terms=best_set)
    assert quote.discount == 10000 - 1 + 1000


def test_a_set_does_not_take_the_points_of_those_outside_it() -> None:
    best_set = terms({"code": "main", "mode": "best_set"})
    points = promotion("points", percent("10", **of_sku("HAT")), POINTS)
    quote = quoted([line("SHOE", "100.00")], points, terms=best_set)
    assert (quote.earned, fates(quote)) == (50, {"points": "applied"})


def test_the_ceiling_of_the_receipt_is_shared_by_lines() -> None:
    """Three winners of lines that meet under it: the kopecks add up, and the last has the rest."""
    three = [promotion(sku.lower(), percent("50", **of_sku(sku))) for sku in "ABC"]
    lines = [line(sku, "33.33") for sku in "ABC"]
    under = terms(BY_LINE, ceilings={"receipt": "40"})
    assert [one.discount for one in quoted(lines, *three, terms=under).lines] == [1667, 1667, 665]


def test_who_gives_nothing_keeps_nobody_out() -> None:
    """Neither is a reason against the other: one has nothing to take."""
    nothing = promotion("a", percent("0"), not_with=["b"], priority=1)
    points = promotion("b", percent("10", **of_sku("HAT")), POINTS)
    assert quoted([line("SHOE", "100.00")], nothing, points, terms=terms(BY_LINE)).earned == 50


def test_ceilings_count_what_the_till_gave_if_they_say_so() -> None:
    half = promotion("half", percent("50"), adds_to_given=True)
    lines = [line("X", "1000.00", given=10000), line("Y", "1000.00")]
    for with_given, off in ((False, [30000, 30000]), (True, [20000, 30000])):
        under = terms(ceilings={"line": "30", "with_given": with_given})
        assert [one.discount for one in quoted(lines, half, terms=under).lines] == off
    for with_given, total in ((False, 60000), (True, 50000)):
        under = terms(ceilings={"receipt": "30", "with_given": with_given})
        assert quoted(lines, half, terms=under).discount == total


def test_ceilings_count_what_points_pay_if_they_say_so() -> None:
    ten = promotion("ten", percent("10"))
    lines = [line("X", "1000.00"), line("Y", "500.00")]
    wish = {"rates": FIVE_PERCENT, "available": 5000, "wish": "most"}
    for name, with_points, points in (
        ("line", False, 1349),
        ("line", True, 300),
        ("receipt", True, 300),
    ):
        under = terms(ceilings={name: "30", "with_points": with_points})
        assert quoted(lines, ten, terms=under, **wish).spent == points


def test_ties_go_to_the_larger_priority_and_then_to_the_code() -> None:
    lanes = [{"mode": "best"}, {"mode": "best", "by": "line"}, {"mode": "first"}]
    for lane in ({"code": "main", **lane} for lane in lanes):
        for priorities, winner in (((0, 0), "a"), ((0, 1), "b")):
            both = [
                promotion(code, percent("10"), priority=priority)
                for code, priority in zip("ab", priorities, strict=True)
            ]
            quote = quoted([line("X", "10.00")], *both, terms=terms(lane))
            assert [c for c, fate in fates(quote).items() if fate == "applied"] == [winner]


def test_of_several_that_stand_alone_the_first_that_gives_anything() -> None:
    nothing = promotion("a", percent("10", **of_sku("Y")), alone=True, priority=2)
    b = promotion("b", percent("10"), alone=True, priority=1)
    c = promotion("c", percent("50"), alone=True)
    quote = quoted([line("X", "10.00"), line("Y", "1.00", floor=100)], nothing, b, c)
    assert fates(quote) == {"a": "nothing_to_take", "b": "applied", "c": "lost"}


def test_a_payment_in_points_may_be_all_of_it() -> None:
    """The line stays as it is, so there is no line of nothing; a floor holds all the same."""
    lines = [line("SHOE", "100.00"), line("VODKA", "449.00", kind="alcohol", floor=40900)]
    wish = {"rates": FIVE_PERCENT, "available": 5000, "wish": "most"}
    paid = quoted(lines, terms=terms(paying={"points_are": "payment"}), **wish)
    assert (paid.spent, paid.total, paid.due) == (140, 54900, 40900)
    assert quoted(lines, **wish).spent == 139


def test_no_set_is_left_out_because_of_what_its_members_take_off_by_themselves() -> None:
    """`b` takes off 20.00 by itself, and 100.00 once `a` has the cap."""
    best_set = terms({"code": "main", "mode": "best_set"})
    c = promotion("c", percent("50", **of_sku("HAT")), not_with=["a"], priority=2)
    a = promotion("a", percent("50", **of_sku("CAP")), keeps_units=True, priority=1)
    b = promotion("b", percent("100", pick={"cheapest": 1}))
    quote = quoted([line("HAT", "100.00"), line("CAP", "20.00")], a, b, c, terms=best_set)
    assert (quote.discount, fates(quote)["c"]) == (9999 + 1000, "lost")


def test_points_go_by_steps_pay_a_least_and_leave_something() -> None:
    lines = [line("X", "1000.00")]
    for paying, spent in (
        ({}, 347),
        ({"step": 50}, 300),
        ({"least": 347}, 347),
        ({"least": 348}, 0),
        ({"stays": rub("900")}, 100),
        ({"line": "20"}, 200),
    ):
        told = {"rates": FIVE_PERCENT, "available": 347, "wish": "most"}
        assert quoted(lines, terms=terms(paying=paying), **told).spent == spent


def test_what_points_are_earned_on() -> None:
    sale = promotion("sale", percent("50", **of_sku("X")))
    lines = [line("X", "200.00"), line("Y", "100.00"), line("Z", "100.00", given=1000)]
    wish = {"rates": FIVE_PERCENT, "available": 60, "wish": "most"}
    for earning, earned in (
        ({}, 11),  # 5 % of 100 + 100 + 90 - 60
        ({"before_points": True}, 14),
        ({"discounted": False}, 3),  # of what points leave of Y
    ):
        assert quoted(lines, sale, terms=terms(earning=earning), **wish).earned == earned


def test_conditions_see_what_the_lanes_before_left_if_they_ask_for_it() -> None:
    two = terms({"code": "one", "mode": "all"}, {"code": "two", "mode": "all"})
    ten = promotion("ten", percent("10"), lane="one")
    for measure, bound, is_met in (
        ("full", {"at_least": rub("100")}, True),
        ("full", {"more_than": rub("100")}, False),
        ("full", {"less_than": rub("100")}, False),
        ("full", {"at_most": rub("100")}, True),
        ("remaining", {"at_least": rub("100")}, False),
        ("remaining", {"at_least": rub("90")}, True),
        ("remaining", {"more_than": rub("90")}, False),
    ):
        when = {"kind": "amount", "measure": measure, **bound}
        then = promotion("then", percent("10"), lane="two", when=when)
        quote = quoted([line("X", "100.00")], ten, then, terms=two)
        assert (fates(quote)["then"] == "applied") is is_met, (measure, bound)
