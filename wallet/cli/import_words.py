"""What the command line says of files to import: previews, progress, and the rows left out."""

import csv
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from ledger.imports import files, previews, registry, store, things, wording
from ledger.imports.cells import Cell, Formula, StrayQuote, Unreadable, harmless
from ledger.imports.store import Import
from ledger.languages import Language
from wallet import sentences
from wallet.people.importing import Desk, Preview

MOST_GONE = 20  # codes of what is gone that are told


def told(preview: Preview, language: Language) -> Iterator[str]:
    """A preview in words, line by line."""
    tally, layout = preview.tally, preview.layout
    yield from _counts(preview, language)
    yield from previews.understood(preview.facts, language)
    for column, code in layout.left_aside:
        yield wording.sentence(code, {"column": column}, language)
    for row in preview.sample:
        place = sentences.of_text("Row {row}", language, row=row.number)
        fields = preview.kind.as_stored(row.wish, preview.to, language)
        yield f"{place}: " + "; ".join(
            f"{layout.titles.get(name, name)} {text}" for name, text in fields.items()
        )
    for row in preview.problems:
        for one in row.problems:
            column = f", {layout.titles.get(one.field, one.field)}" if one.field else ""
            place = sentences.of_text("Row {row}", language, row=row.number)
            sentence = wording.sentence(one.code, one.facts, language)
            yield f"{place}{column}: {sentence} [{one.code}]"
    if (more := tally.bad - len(preview.problems)) > 0:
        yield sentences.of_text("… and more rows: {more}.", language, more=more)
    yield sentences.of_text("Nothing was written.", language)


def outcome(desk: Desk, import_: Import, language: Language) -> Iterator[str]:
    """What came of goods or stores: that nothing changed, and what was in the last file only."""
    if registry.named(import_.kind).concerns == "people":
        return
    if not import_.left_out and not (import_.things_added or import_.things_changed):
        yield sentences.of_text("Nothing changed: all of it was so already.", language)
    if import_.gone_things and not import_.things_archived:
        with desk.database.reading() as session:
            codes = [code.partition("\t")[0] for code in things.gone(session, import_, MOST_GONE)]
        dots = " …" if import_.gone_things > len(codes) else ""
        yield sentences.of_text(
            "In the last file and not in this one: {number}: {codes}",
            language,
            number=import_.gone_things,
            codes=", ".join(codes) + dots,
        )


def _counts(preview: Preview, language: Language) -> Iterator[str]:
    tally = preview.tally
    if preview.kind.concerns != "people":
        yield sentences.of_text(
            "Rows: {rows}; new: {new}, changed: {changed}, unchanged: {same}; in the last file and"
            " not in this one: {gone}. Rows that cannot be imported: {bad}.",
            language,
            rows=tally.rows,
            new=tally.new_things,
            changed=tally.changed_things,
            same=tally.same_things,
            gone=tally.gone_things,
            bad=tally.bad,
        )
        return
    yield sentences.of_text(
        "Rows: {rows}; new members: {new}, members who are there: {known}. Rows that cannot be"
        " imported: {bad}.",
        language,
        rows=tally.rows,
        new=tally.new_members,
        known=tally.found_members,
        bad=tally.bad,
    )
    yield sentences.of_text(
        "Points in the file: {points}, of them in good rows: {good}.",
        language,
        points=tally.points_in_file,
        good=tally.points_good,
    )
    if tally.foreign_numbers:
        yield sentences.of_text(
            "Phone numbers without a plus that were read as those of another country: {numbers}.",
            language,
            numbers=tally.foreign_numbers,
        )


def left_aside(import_: Import, language: Language) -> Iterator[str]:
    """The columns of a file that was read which are not imported, each with the reason."""
    for one in import_.left_aside:
        yield wording.sentence(one["code"], {"column": one["column"]}, language)


def progress(import_: Import) -> Iterator[str]:
    """How far an import is, in words."""
    yield f"Import {import_.public_id} ({import_.kind}): {import_.state}"
    if import_.refusal is not None:
        yield str(store.refusal_of(import_))
        return
    yield f"{import_.applied} of {import_.rows} rows applied, {import_.left_out} left out"


def write_left_out(
    desk: Desk, file: BinaryIO, import_: Import, target: TextIO, language: Language
) -> int:
    """Write the rows of a file that were left out as CSV, each with what is wrong with it, to be
    corrected and imported again. Returns how many there are."""
    table = files.read(file, registry.named(import_.kind).is_column)
    writer = csv.writer(target, delimiter=";")
    writer.writerow([*map(_written, table.header), sentences.of_text("what is wrong", language)])
    count = 0
    with desk.database.reading() as session:
        wrong = store.wrong_rows(session, import_.id)
        row, problems = next(wrong, (None, ()))
        for number, cells in table.rows():
            if number != row:
                continue
            told = " ".join(
                " ".join(
                    part
                    for part in (
                        f"{import_.titles.get(one.field, one.field)}:" if one.field else "",
                        wording.sentence(one.code, one.facts, language),
                    )
                    if part
                )
                for one in problems
            )
            padded = [*map(_written, cells), *[""] * (len(table.header) - len(cells))]
            writer.writerow([*padded, told])
            count += 1
            row, problems = next(wrong, (None, ()))
    return count


def _written(cell: Cell) -> str:
    """A cell as it goes out again, to be corrected and imported."""
    if cell is None or isinstance(cell, Formula | Unreadable | StrayQuote):
        return ""
    return harmless(str(cell))
