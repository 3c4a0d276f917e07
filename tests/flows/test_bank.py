"""The bank check in short; in full it is `make bank`."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bank
import pytest
from bank import BANKS, Client
from sqlalchemy import func, select

from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.settings import LedgerSettings


@pytest.mark.parametrize("name", sorted(BANKS))
def test_nothing_is_lost_doubled_or_below_nothing_while_all_is_killed(
    name: str, tmp_path: Path
) -> None:
    with BANKS[name](tmp_path) as under_test:
        size = bank.SHORT[name]
        figures = bank.check(under_test, size)
    assert figures["operations"] >= size.clients * size.operations
    assert figures["acknowledged"] > figures["refused"]


@pytest.mark.parametrize("name", sorted(BANKS))
def test_one_key_a_hundred_times_at_once_has_one_effect_and_one_answer(
    name: str, tmp_path: Path
) -> None:
    with BANKS[name](tmp_path) as under_test:
        [member] = under_test.members(1)
        under_test.start("web")
        body = {"member": member, "points": 5}
        # A connection for each, so that they reach both web processes.
        tills = [Client(number, under_test.url, [member], 0) for number in range(100)]
        with ThreadPoolExecutor(len(tills)) as pool:
            told = list(pool.map(lambda till: till.post("accruals", body, "one-key"), tills))
        assert {(answer.status_code, answer.content) for answer in told} == {(201, told[0].content)}
        assert told[0].json()["balance"]["available"] == 5
        database = Database(LedgerSettings(under_test.database_url))
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Posting)) == 1
        database.close()
