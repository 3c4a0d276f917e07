"""Which kinds of imports there are."""

from collections.abc import Mapping
from typing import Final, Literal

from ledger.imports.kind import ImportKind
from ledger.imports.kinds import people, prices, products, stores

ImportKindCode = Literal["members", "accrual", "write_off", "products", "prices", "stores"]

_ALL: tuple[ImportKind, ...] = (
    people.MEMBERS,
    people.ACCRUAL,
    people.WRITE_OFF,
    products.PRODUCTS,
    prices.PRICES,
    stores.STORES,
)
KINDS: Final[Mapping[str, ImportKind]] = {kind.code: kind for kind in _ALL}


def named(code: str) -> ImportKind:
    """The kind with this code, which is one of `KINDS`."""
    return KINDS[code]
