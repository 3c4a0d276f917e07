"""Segments with names: two who save one name are told of each other."""

import pytest
from clubs import Club

from ledger.database.compiled import within
from ledger.errors import SegmentChanged, SegmentRefused, UnknownSegment
from ledger.programmes import programmes
from ledger.segments import documents, named
from ledger.segments.named import SavedSegment

RICH = documents.read({"kind": "balance", "at_least": 500})
POOR = documents.read({"kind": "balance", "at_most": 5})


class Shelf:
    def __init__(self, club: Club) -> None:
        self.database, self.clock = club.database, club.clock
        with self.database.reading() as session:
            (self.programme,) = programmes.every(session)

    def save(self, tree: object, name: str = "Гости", by: str = "olga", **how: int) -> SavedSegment:
        return self.database.run(
            lambda session: named.save(session, self.programme, name, tree, by, self.clock(), **how)
        )


@pytest.fixture
def shelf(club: Club) -> Shelf:
    return Shelf(club)


def test_a_name_means_what_was_saved_last(shelf: Shelf) -> None:
    first = shelf.save(RICH)
    assert (first.revision, first.made_by, first.meaning) == (1, "olga", RICH)
    again = shelf.save(RICH, by="ivan")
    assert (again.revision, again.made_by) == (1, "olga")  # nothing changed
    other = shelf.save(POOR, by="ivan")
    assert (other.revision, other.made_by, other.meaning) == (2, "ivan", POOR)
    with shelf.database.reading() as session:
        assert named.names(shelf.programme.id).answer(within(session)) == ["Гости"]
        with pytest.raises(UnknownSegment):
            named.named(session, shelf.programme.id, "гости")


def test_who_saves_over_somebody_elses_change_is_told_who_made_it(shelf: Shelf) -> None:
    shelf.save(RICH)
    shelf.save(POOR, by="ivan", revision=1)
    for revision in (0, 1):
        with pytest.raises(SegmentChanged) as told:
            shelf.save(RICH, revision=revision)
        assert told.value.by == "ivan"
    assert shelf.save(POOR, revision=1).revision == 2  # it says so already
    with pytest.raises(SegmentChanged):
        shelf.save(RICH, name="Другие", revision=1)  # deleted meanwhile


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a/b", "two\nlines", "\x00"])
def test_a_name_fits_into_a_line_and_an_address(shelf: Shelf, name: str) -> None:
    with pytest.raises(SegmentRefused):
        shelf.save(RICH, name=name)


def test_a_programme_has_only_so_many(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "MOST_SEGMENTS", 1)
    shelf.save(RICH)
    shelf.save(POOR)
    with pytest.raises(SegmentRefused):
        shelf.save(RICH, name="Другие")
