"""Names of columns, whatever a file holds: which of them are known, and where they stand. Pure."""

import dataclasses
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import FileRefused


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be imported: a stable code, the field at fault, and the facts for the
    sentence. The content of a cell is among them only where it is nothing personal."""

    code: str
    field: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a file holds which field: `places` has the index of the column, `titles` its
    name in the file. Columns in `left_aside` are not imported: name and code of the reason."""

    places: Mapping[str, int]
    titles: Mapping[str, str]
    left_aside: list[tuple[str, str]]


def plain_name(title: str) -> str:
    """The name of a column without differences that people do not notice: case, punctuation, ё for
    е."""
    text = unicodedata.normalize("NFKC", title).casefold().replace("ё", "е")
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def placed(
    header: Sequence[str],
    fields: Sequence[str | None],
    taken: Collection[str],
    aside: Sequence[str],
) -> Layout:
    """Which columns of this header are imported: those whose field, of `fields`, is among the
    `taken`; `aside`: why each of the others is not. Raises `FileRefused` for two columns of one
    field, and where no column is known."""
    places: dict[str, int] = {}
    left_aside: list[tuple[str, str]] = []
    for place, (title, found) in enumerate(zip(header, fields, strict=True)):
        if not title:
            continue
        if found is not None and found in places:
            raise FileRefused(
                "column_repeated",
                "Two columns mean the same: {first} and {column}.",
                first=header[places[found]],
                column=title,
            )
        if found is not None and found in taken:
            places[found] = place
        else:
            left_aside.append((title, aside[place]))
    if not places:
        raise FileRefused(
            "header_missing",
            "The first row must name the columns: {names}.",
            names=", ".join(sorted(taken)),
        )
    return Layout(places, {one: header[at] for one, at in places.items()}, left_aside)
