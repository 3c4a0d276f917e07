"""How PostgreSQL finds the rows of a list among some ten thousand: by the index of the filter, and
without reading a whole table. What a plan reads at ten thousand it reads at ten million."""

from datetime import timedelta

import pytest
from crowds import explained, gather

from ledger.programmes import programmes
from ledger.programmes.programmes import Terms

# What is asked, and by which index it is found.
QUESTIONS = {
    "members?programme=demo": "ix_ledger_member_listed",
    "members?programme=demo&since={long_ago}&until={later}": "ix_ledger_member_listed",
    "members?programme=demo&state=active": "ix_ledger_member_active",
    "members?programme=demo&state=merged": "ix_ledger_member_merged",
    "members?programme=demo&state=erased": "ix_ledger_member_erased",
    "members?programme=demo&household=m-1002": "ix_ledger_member_household_id",
    "cards?programme=demo": "ix_ledger_card_listed",
    "cards?programme=demo&state=active": "ix_ledger_card_listed",
    "cards?programme=demo&state=blocked": "ix_ledger_card_blocked",
    "cards?programme=demo&blocked_for=blocked": "ix_ledger_card_blocked_for",
    "cards?programme=demo&state=void": "ix_ledger_card_void",
    "cards?programme=demo&state=expired": "ix_ledger_card_ending",
    "members/m-1002/cards?": "ix_ledger_card_member",
    "members/m-1002/lots?": "ix_ledger_lot_open",
    "members/m-1002/postings?": "ix_ledger_entry_statement",
    "holds?programme=demo": "ix_ledger_hold_listed",
    "holds?programme=demo&state=open": "ix_ledger_hold_state",
    "holds?programme=demo&member=m-1002": "ix_ledger_hold_account",
    "postings?programme=demo": "ix_ledger_posting_listed",
    "postings?programme=demo&since={long_ago}&until={later}": "ix_ledger_posting_listed",
    "postings?programme=demo&kind=transfer": "ix_ledger_posting_kind",
    "postings?programme=demo&store=rare": "ix_ledger_posting_store",
    "postings?programme=demo&promotion=rare": "ix_ledger_posting_promotion",
    "postings?programme=demo&receipt=r-1002": "ix_ledger_posting_receipt",
    "postings?programme=demo&reason=Rare": "ix_ledger_posting_reason",
    "postings?programme=demo&card=4444444444441002": "ix_ledger_posting_card",
    "postings?programme=demo&at_least=4000": "ix_ledger_entry_amount",
    "exports?programme=demo": None,
    "changes?": "ix_wallet_change_listed",
    "changes?programme=demo": "ix_wallet_change_programme",
    "changes?since={long_ago}&until={later}": "ix_wallet_change_listed",
    "changes?kind=key": "ix_wallet_change_kind",
    "changes?of=c-1002": "ix_wallet_change_of",
}
LARGE = (
    *("member", "person", "card", "account", "balance"),
    *("posting", "purchase", "entry", "lot", "hold"),
)


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def crowd(installation, house) -> None:
    with installation.database.transaction() as session:
        here = programmes.by_code(session, "demo").id
        there = programmes.create(session, Terms("other", "Other"), house.clock()).id
    gather(installation.database, here, there)


# Few are merged: to sort those that another index finds costs the same.
ALSO = {"members?programme=demo&state=merged": ("ix_ledger_member_merged_into_id",)}


def test_every_filter_has_an_index(crowd: None, installation, api, house) -> None:
    moments = {
        "long_ago": (house.clock() - timedelta(days=10)).isoformat().replace("+00:00", "Z"),
        "later": (house.clock() - timedelta(days=9)).isoformat().replace("+00:00", "Z"),
    }
    wrong = []
    for question, index in QUESTIONS.items():
        with explained(installation.database) as plans:
            answer = api.get(f"{question.format(**moments)}&limit=5")
        assert answer.status_code == 200, answer.text
        told = "\n".join(plans)
        reads_all = [table for table in LARGE if f"Seq Scan on ledger_{table} " in told]
        reads_all += ["change"] * ("Seq Scan on wallet_change " in told)
        indexes = {index, *ALSO.get(question, ())} - {None}
        if reads_all or (indexes and not any(f" {one} " in told for one in indexes)):
            wrong.append(f"{question}: {reads_all}, {index}\n{told}")
        if index is not None:
            assert answer.get_json()["items"], question
        # Where a scan begins is said once: see `roster.page`.
        assert "created_at >= " not in told and "occurred_at < " not in told, told
    assert not wrong, "\n\n".join(wrong)


def test_a_later_page_is_found_as_the_first(crowd: None, installation, api) -> None:
    for question in ("members?programme=demo", "postings?programme=demo&store=often"):
        cursor = api.get(f"{question}&limit=200").get_json()["next_cursor"]
        with explained(installation.database) as plans:
            api.get(f"{question}&limit=200&cursor={cursor}")
        told = "\n".join(plans)
        assert "Index Cond: " in told and "ROW(" in told
        places = [line for line in told.splitlines() if "ROW(" in line]
        assert all("Index Cond" in line for line in places), told
