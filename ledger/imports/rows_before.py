"""What the rows before in a file named: two rows of one thing are found, in bounded memory."""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable
from typing import Self

CACHE_KB = 32_768  # of memory for the marks of `RowsBefore`; the rest lies in its file


class RowsBefore:
    """What the rows before named, people or things. Marks lie in a temporary file, so that memory
    does not grow with the import."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._file.execute("CREATE TABLE seen (mark INTEGER PRIMARY KEY, row INTEGER)")
        self._file.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def repeated(self, named: Iterable[tuple[int, str, str]]) -> dict[tuple[int, str], int]:
        """Takes row number, field and value. Returns, by row and field, the first row that had the
        same value, if that was another row."""
        marks = [(self._mark(name, value), row, name) for row, name, value in named]
        self._file.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)", [(mark, row) for mark, row, _ in marks]
        )
        found = {}
        for mark, row, name in marks:
            (first,) = self._file.execute("SELECT row FROM seen WHERE mark = ?", (mark,)).fetchone()
            if first != row:
                found[row, name] = first
        return found

    def _mark(self, name: str, value: str) -> int:
        digest = hashlib.blake2b(f"{name}\x1f{value}".encode(), digest_size=8, key=self._key)
        return int.from_bytes(digest.digest(), signed=True)
