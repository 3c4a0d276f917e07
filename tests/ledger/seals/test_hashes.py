"""The form that strangers build on: byte for byte as docs/ledger.md has it."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ledger.seals import hashes
from ledger.seals.hashes import EntryFacts, Record

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


def test_the_example_of_the_document_is_what_we_make() -> None:
    """Whoever has written a verifier after the document would find out about any other form."""
    written = re.search(r"^\{\"card\":17,.*\}$", DOCUMENT, re.MULTILINE)
    leaf = re.search(r"^`([0-9a-f]{64})`:$", DOCUMENT, re.MULTILINE)
    assert written is not None
    assert leaf is not None
    noon = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
    record = Record(
        id=9,
        public_id="01a20f22-e854-7493-982b-a92daf507b36",
        programme_id=1,
        programme="demo",
        kind="accrual",
        reason="told apart",
        receipt="1001",
        store="arbat-1",
        promotion=None,
        card_id=17,
        reverses=None,
        undoes=None,
        occurred_at=noon,
        posted_at=noon + timedelta(seconds=1),
        lines=[
            EntryFacts(0, 5, "member", "points", 100, 170),
            EntryFacts(1, 2, "issued", "points", -100, None),
        ],
    )
    note = bytes.fromhex("fca7c1eb4fcc9f5f3704ce7960a15c314af268285273bc1538842d40d3a4358d")
    facts = hashes.facts(record, note)
    assert hashes.canonical(facts).decode() == written[0]
    assert hashes.leaf(facts).hex() == leaf[1]


def test_a_posting_without_words_has_no_note() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record(1, "p", 1, "c", "k", None, None, "s", "a", None, "r", 3, moment, moment, [])
    facts = hashes.facts(record, None)
    assert facts["note"] is None
    assert (facts["promotion"], facts["reverses"], facts["undoes"]) == ("a", "r", 3)
