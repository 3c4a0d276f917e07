"""Which kinds of imports there are."""

from collections.abc import Mapping
from typing import Final, Literal

from ledger.imports.kind import ImportKind
from ledger.imports.kinds import people

ImportKindCode = Literal["members", "accrual", "write_off"]

KINDS: Final[Mapping[str, ImportKind]] = {
    kind.code: kind for kind in (people.MEMBERS, people.ACCRUAL, people.WRITE_OFF)
}


def named(code: str) -> ImportKind:
    """The kind with this code, which is one of `KINDS`."""
    return KINDS[code]
