"""Which revision of a thing the caller read, by the header If-Match."""

from collections.abc import Callable
from typing import Protocol

from flask import request

from ledger.errors import ChangedMeanwhile

ANY = "*"


class Revised(Protocol):
    """What counts its changes."""

    revision: int


def known(present: Callable[[], Revised | None]) -> int | None:
    """The revision that the caller read; None if it does not say. Raises `ChangedMeanwhile` for
    what is no revision of ours, and where there has to be one."""
    told = request.headers.get("If-Match", "").strip()
    if not told:
        return None
    number = told.removeprefix("W/").strip('"')
    if number.isascii() and number.isdecimal():
        return int(number)
    row = present()
    if row is None or told != ANY:
        raise ChangedMeanwhile(0 if row is None else row.revision)
    return row.revision
