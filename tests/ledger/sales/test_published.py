"""Promotions as they are kept: versions, where each is given, and who sees it when."""

from datetime import timedelta

import pytest
from marketers import Marketer, percent

from ledger.database.engine import Database
from ledger.errors import PromotionNotPublished, PromotionRefused
from ledger.settings import LedgerSettings


def test_a_process_sees_at_its_next_quote_what_another_published(
    marketer: Marketer, database_url: str
) -> None:
    other = Marketer(Database(LedgerSettings(database_url)), marketer.clock, marketer.code)
    marketer.put("sale", percent(10))
    assert other.given() == {}
    marketer.publish("sale")
    assert other.given() == {"sale": 1}
    other.put("sale", percent(20))
    other.publish("sale")
    assert marketer.given() == {"sale": 2}
    other.end("sale")
    assert marketer.given() == {}


def test_the_same_again_changes_nothing(marketer: Marketer) -> None:
    marketer.put("sale", percent(10))
    later = marketer.clock() + timedelta(days=1)
    assert marketer.publish("sale", starts_at=later) == (1, "10 %")
    assert marketer.publish("sale", starts_at=later) is None
    assert marketer.publish("sale") == (1, "10 %")
    marketer.clock.advance(hours=1)
    assert marketer.publish("sale") is None
    assert marketer.end("sale")
    assert not marketer.end("sale")
    assert marketer.publish("sale") == (1, "10 %")
    assert marketer.stages("sale") == [
        (1, "everywhere"),
        (1, "everywhere"),
        (1, "ended"),
        (1, "everywhere"),
    ]


def test_what_ended_does_not_come_back_by_the_clock(marketer: Marketer) -> None:
    marketer.put("sale", percent(10))
    marketer.publish("sale", starts_at=marketer.clock() + timedelta(days=1))
    marketer.end("sale")
    marketer.clock.advance(days=2)
    assert marketer.given() == {}


def test_a_draft_cannot_end(marketer: Marketer) -> None:
    marketer.put("sale", percent(10))
    with pytest.raises(PromotionNotPublished):
        marketer.end("sale")


def test_a_version_that_is_tried_leaves_the_others_as_they_are(marketer: Marketer) -> None:
    marketer.put("sale", percent(10))
    marketer.publish("sale")
    marketer.put("sale", percent(20))
    marketer.publish("sale", stage="test")
    assert marketer.given() == {"sale": 1}
    assert marketer.given(tests=True) == {"sale": 2}


def test_a_lane_stays_while_anything_given_is_decided_in_it(marketer: Marketer) -> None:
    marketer.terms("main", "club")
    marketer.put("sale", percent(10, lane="club"))
    marketer.publish("sale")
    marketer.put("sale", percent(10))
    with pytest.raises(PromotionRefused) as refused:
        marketer.terms("main")
    assert refused.value.field == "lanes"
    marketer.publish("sale")
    marketer.terms("main")
    assert marketer.lanes() == ["main"]


@pytest.mark.parametrize("code", ["kinds", "check", "terms", "a/b", "..", "."])
def test_codes_that_addresses_cannot_hold_are_refused(marketer: Marketer, code: str) -> None:
    with pytest.raises(PromotionRefused) as refused:
        marketer.put(code, percent(10))
    assert refused.value.field == "code"
