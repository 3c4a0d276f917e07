"""What files of goods, prices and stores have in common: their columns, a check that tries what
would be written and takes it back, and what is gone from one file to the next."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, Self

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from ledger import money
from ledger.catalogue import dated
from ledger.database.tables import batched, insert_or
from ledger.errors import FileRefused, Refusal
from ledger.imports import headers, meanings, store, wording
from ledger.imports.cells import STRAY_QUOTE, Cell
from ledger.imports.headers import Layout, RowProblem, plain_name
from ledger.imports.kind import Destination, ImportWords
from ledger.imports.meanings import BadCell, LocalForms
from ledger.imports.rows_before import RowsBefore
from ledger.imports.store import LONGEST_FIELD, Import, ImportedThing, Row, Tally
from ledger.languages import Language
from ledger.money import USUAL_DECIMALS, Money, currencies, decimals
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme

AT_ONCE = 500  # things that are gone, put aside in one transaction
KEY = "key"  # under which marks of keys are kept
OF = ":"  # between a field of many and which of them: properties:Colour

RowValues = Mapping[str, Any]
# What becomes of a row that is put.
ThingOutcome = Literal["new", "changed", "same"] | Refusal | RowProblem
# Puts rows, each with an outcome of its own.
Put = Callable[[Session, Programme, Sequence[RowValues], datetime], Sequence[ThingOutcome]]


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column that files may have. `names`: what they call it, as `plain_name` writes it. `read`
    says what a cell means, `is_blank` whether it means nothing. `of_many`: the name is followed by
    which one is meant, as in "property colour", and this says what that may be. `words`: what
    people call it, in the catalogue of `ledger`."""

    words: str
    names: Sequence[str]
    read: Callable[[Cell, LocalForms], Any]
    is_blank: Callable[[Cell], bool] = meanings.is_blank
    of_many: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class ThingSaid:
    """What a row says, by the fields that the file has columns for; None where a cell is blank."""

    values: RowValues

    def plain(self) -> dict[str, Any]:
        return dict(self.values)

    @classmethod
    def of_plain(cls, values: dict[str, Any]) -> Self:
        return cls(values)


@dataclass(frozen=True, slots=True)
class ThingImport:
    """A kind of import whose rows are things with names of their own; see `ImportKind`. `needed`:
    columns that every file must have. `key`: by which name a thing is known from file to file.
    `unique`: values that only one row of a file may have, by their fields. `archive`: puts
    things with these keys aside; returns how many were not."""

    code: str
    title: str
    about: str
    concerns: Literal["catalogue", "stores"]
    columns: Mapping[str, FileColumn]
    needed: Sequence[str]
    key: Callable[[RowValues], str]
    unique: Callable[[RowValues], Iterator[tuple[str, str]]]
    put: Put
    numbers: Sequence[str] = ()
    archive: Callable[[Session, Programme, Sequence[str], datetime], int] | None = None
    comes_again: bool = True
    content: type[ThingSaid] = ThingSaid

    @property
    def archives(self) -> bool:
        return self.archive is not None

    @property
    def words(self) -> ImportWords:
        fields = {name: column.words for name, column in self.columns.items()}
        return ImportWords(self.title, self.about, fields)

    def is_column(self, title: str) -> bool:
        return self._field(title) is not None

    def layout(self, header: Sequence[str]) -> Layout:
        fields = [self._field(title) for title in header]
        known = {field for field in fields if field is not None}
        found = headers.placed(
            header, fields, known or set(self.columns), ["unknown_column"] * len(header)
        )
        for name in self.needed:
            if name not in found.places:
                raise FileRefused(
                    "column_missing",
                    "The column {column} is missing.",
                    column=self.columns[name].names[0],
                )
        return found

    def decimals(self, session: Session, to: Destination) -> int:
        currency = usual_currency(session, to.programme)
        return USUAL_DECIMALS if currency is None else decimals(currency)

    def row(self, number: int, cells: Sequence[Cell], layout: Layout, local: LocalForms) -> Row:
        if cells[0] is STRAY_QUOTE:
            return Row(number, ThingSaid({}), [RowProblem("stray_quote")])
        values: dict[str, Any] = {}
        problems: list[RowProblem] = []
        for name, place in layout.places.items():
            column = self.columns[_whole(name)]
            cell = cells[place] if place < len(cells) else None
            values[name] = None
            if column.is_blank(cell):
                continue
            try:
                meanings.require_readable(cell)
                values[name] = _plain(column.read(cell, local))
            except BadCell as bad:
                problems.append(RowProblem(bad.code, name, bad.facts))
        wrong = {problem.field for problem in problems}
        problems += [
            RowProblem("cell_missing", name)
            for name in self.needed
            if values[name] is None and name not in wrong
        ]
        return Row(number, ThingSaid(values), problems)

    def check(
        self,
        session: Session,
        to: Destination,
        rows: Sequence[Row],
        seen: RowsBefore,
        tally: Tally,
        now: datetime,
    ) -> tuple[list[Row], list[Row]]:
        last = store.last_applied(session, to.programme.id, self.code)
        if not tally.rows:
            tally.gone_things = _number(session, last)
        named = [row for row in rows if all(row.wish.values.get(name) for name in self.needed)]
        twice = self._twice(named, seen)
        tally.gone_things -= _number(session, last, self._first_seen(named, seen))
        bad = [
            Row(one.number, one.wish, [*one.problems, *twice.get(one.number, ())]) for one in rows
        ]
        bad = [one for one in bad if one.problems]
        wrong = {one.number for one in bad}
        wanted = [row for row in rows if row.number not in wrong]
        good: list[Row] = []
        for row, outcome in zip(
            wanted, self._tried(session, to.programme, wanted, now), strict=True
        ):
            if isinstance(outcome, str):
                good.append(row)
                _count(tally, outcome)
            else:
                bad.append(Row(row.number, row.wish, [self._problem(outcome, row.wish.values)]))
        tally.rows += len(rows)
        tally.bad += len(bad)
        return good, sorted(bad, key=lambda row: row.number)

    def apply(
        self, session: Session, import_: Import, rows: Sequence[Row], now: datetime
    ) -> Sequence[int]:
        programme = programmes.by_id(session, import_.programme_id)
        outcomes = self.put(session, programme, [row.wish.values for row in rows], now)
        left_out = []
        keys = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, str):
                keys.append(self.key(row.wish.values))
                import_.things_added += outcome == "new"
                import_.things_changed += outcome == "changed"
            else:
                problem = self._problem(outcome, row.wish.values)
                left_out.append(Row(row.number, row.wish, [problem]))
        _note(session, import_, keys)
        store.add_problems(session, import_.id, left_out)
        import_.applied += len(keys)
        import_.left_out += len(left_out)
        return ()

    def close(self, session: Session, import_: Import, now: datetime) -> bool:
        """What is gone is put aside if that was asked for, and only if every row was read: what
        stands in a row that was left out is not gone."""
        if import_.left_out:
            return True
        if not import_.things_archived:
            import_.gone_things = _number(session, import_.previous_id)
        if not import_.archive_gone or self.archive is None:
            return True
        keys = gone(session, import_, AT_ONCE)
        if not keys:
            return True
        programme = programmes.by_id(session, import_.programme_id)
        import_.things_archived += self.archive(session, programme, keys, now)
        of_import = ImportedThing.import_id == import_.previous_id
        session.execute(delete(ImportedThing).where(of_import, ImportedThing.key.in_(keys)))
        return False

    def as_stored(self, content: Any, to: Destination, language: Language) -> dict[str, str]:
        return {
            name: _written(value, language)
            for name, value in content.values.items()
            if value is not None
        }

    def statement(self, session: Session, import_: Import) -> dict[str, Any]:
        return {
            "things": {
                "new": import_.things_added,
                "changed": import_.things_changed,
                "unchanged": import_.applied - import_.things_added - import_.things_changed,
                "gone": import_.gone_things,
                "archived": import_.things_archived,
            },
            "agrees": import_.applied + import_.left_out == import_.rows,
        }

    def _field(self, title: str) -> str | None:
        """The field that a column with this name holds; of many, with which one it is."""
        plain = plain_name(title)
        for field, column in self.columns.items():
            if column.of_many is None:
                if plain in column.names:
                    return field
                continue
            for name in column.names:
                found = _behind(name, title) if plain.startswith(f"{name} ") else ""
                if found and column.of_many.fullmatch(found):
                    return f"{field}{OF}{found}"[:LONGEST_FIELD]
        return None

    def _twice(self, rows: Sequence[Row], seen: RowsBefore) -> dict[int, list[RowProblem]]:
        """What these rows say that another row says too, by the numbers of the rows."""
        named = [
            (row.number, field, value)
            for row in rows
            for field, value in self.unique(row.wish.values)
        ]
        found: dict[int, list[RowProblem]] = {}
        for (number, field), first in seen.repeated(named).items():
            problem = RowProblem("duplicate_in_file", field, {"first": first})
            found.setdefault(number, []).append(problem)
        return found

    def _first_seen(self, rows: Sequence[Row], seen: RowsBefore) -> set[str]:
        """The keys of these rows that no row before had."""
        keys = {row.number: self.key(row.wish.values) for row in rows}
        again = seen.repeated((number, KEY, key) for number, key in keys.items())
        return {key for number, key in keys.items() if (number, KEY) not in again}

    def _tried(
        self, session: Session, programme: Programme, rows: Sequence[Row], now: datetime
    ) -> list[ThingOutcome]:
        """What would become of these rows: they are put, and that is taken back."""
        if not rows:
            return []
        with session.begin_nested() as point:
            outcomes = list(self.put(session, programme, [row.wish.values for row in rows], now))
            point.rollback()
        return outcomes

    def _problem(self, outcome: Refusal | RowProblem, values: RowValues) -> RowProblem:
        """Why a row is refused, at the column that has to change."""
        if isinstance(outcome, RowProblem):
            return outcome
        field = getattr(outcome, "field", None) or _FIELD_OF.get(outcome.code)
        of_many = (name for name in values if _whole(name) == field)
        return refused(outcome, field if field in values else next(of_many, None))


def refused(refusal: Refusal, field: str | None) -> RowProblem:
    """A refusal of what a row wants, told at this field: the same code as at every door."""
    return RowProblem(refusal.code, field, wording.kept(refusal))


def gone(session: Session, import_: Import, most: int) -> Sequence[str]:
    """What was in the file before this one and is in none since, by its key: the first of them."""
    return session.scalars(
        select(ImportedThing.key)
        .where(_of(import_.previous_id))
        .order_by(ImportedThing.key)
        .limit(most)
    ).all()


def _of(import_id: int | None) -> ColumnElement[bool]:
    return ImportedThing.import_id == import_id


def _number(session: Session, import_id: int | None, keys: set[str] | None = None) -> int:
    """How many things were last seen in this file; of these keys, if they are given."""
    if import_id is None:
        return 0
    query = select(func.count()).select_from(ImportedThing).where(_of(import_id))
    if keys is None:
        return session.scalar(query) or 0
    return sum(
        session.scalar(query.where(ImportedThing.key.in_(part))) or 0
        for part in batched(sorted(keys))
    )


def _note(session: Session, import_: Import, keys: Sequence[str]) -> None:
    """These things were in this file."""
    key = {"programme_id": import_.programme_id, "kind": import_.kind}
    for part in batched([{**key, "key": one, "import_id": import_.id} for one in keys]):
        insert = insert_or(session, ImportedThing).values(list(part))
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["programme_id", "kind", "key"],
                set_={"import_id": insert.excluded["import_id"]},
            )
        )


def _count(tally: Tally, outcome: str) -> None:
    tally.new_things += outcome == "new"
    tally.changed_things += outcome == "changed"
    tally.same_things += outcome == "same"


def price(values: RowValues, name: str, usual: str | None) -> Money | None:
    """The amount in this field, in the currency that the row names, or else the usual one; None for
    a blank one. Raises `BadCell` where nothing says which currency."""
    if values.get(name) is None:
        return None
    currency = values.get("currency") or usual
    if currency is None:
        raise BadCell("currency_missing")
    return Money(values[name], currency)


def usual_currency(session: Session, programme: Programme) -> str | None:
    """In which money the programme sells; until that is known, what its country pays with."""
    return dated.tender(session, programme.id).currency or money.usual_in(programme.country)


def of_many(values: RowValues, field: str) -> dict[str, Any]:
    """Those of a field of many that the file has columns for, by what each is called."""
    found = ((name.partition(OF), value) for name, value in values.items())
    return {which: value for (whole, of, which), value in found if of and whole == field}


def one_of(
    known: Mapping[str, str], named: Mapping[str, Sequence[str]]
) -> Callable[[Cell, LocalForms], str]:
    """Reads a word as what it stands for; `known` has words as `plain_name` writes them, `named`
    those that people are told, by language."""

    def read(cell: Cell, local: LocalForms) -> str:
        found = known.get(plain_name(meanings.text(cell, local)))
        if found is None:
            told = {language: ", ".join(words) for language, words in named.items()}
            raise BadCell("not_one_of", known=told)
        return found

    return read


def currency(cell: Cell, local: LocalForms) -> str:
    """A currency by its code in ISO 4217."""
    found = meanings.text(cell, local).upper()
    if found not in currencies():
        raise BadCell("currency")
    return found


def _behind(name: str, title: str) -> str:
    """What stands behind this name, of one word or several, in the title of a column."""
    words = name.count(" ") + 1
    found = re.match(rf"(?:[\W_]*[^\W_]+){{{words}}}[\W_]*(.*)", title.strip())
    return "" if found is None else found[1].strip()


def _whole(name: str) -> str:
    """The field without which one of many it is."""
    return name.partition(OF)[0]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _written(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return wording.yes_or_no(value, language)
    return ", ".join(value) if isinstance(value, list) else str(value)


# At which field a refusal is told that names none.
_FIELD_OF: Final[Mapping[str, str]] = {
    "unknown_category": "category",
    "unknown_product": "sku",
    "unknown_store": "stores",
    "barcode_taken": "barcodes",
    "wrong_currency": "price",
    "too_many_decimals": "price",
    "amount_too_large": "price",
    "price_is_history": "from",
    "language_not_spoken": "names",
}
