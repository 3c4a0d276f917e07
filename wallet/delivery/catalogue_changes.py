"""Products, categories and prices made and changed, by whatever door, each with its line in the
record of changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from ledger.catalogue import categories, price_lists, putting
from ledger.catalogue.categories import Category, CategoryTerms
from ledger.catalogue.price_lists import FloorWish, PriceWish, PutAmount
from ledger.catalogue.putting import ProductWish, PutProduct
from ledger.catalogue.timelines import Held
from ledger.errors import Refusal
from ledger.money import Money, decimals
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing


def put_product(
    session: Session, programme: Programme, wish: ProductWish, by: Author, now: datetime
) -> PutProduct:
    """Make or change a product, see `putting.put`, which says what it raises."""
    put = putting.put(session, programme, wish, now)
    _note_product(session, programme, put, by, now)
    return put


def put_products(
    session: Session,
    programme: Programme,
    wishes: Sequence[ProductWish],
    by: Author,
    now: datetime,
) -> list[PutProduct | Refusal]:
    """Make or change many, see `putting.put_many`."""
    outcomes = putting.put_many(session, programme, wishes, now)
    for outcome in outcomes:
        if isinstance(outcome, PutProduct):
            _note_product(session, programme, outcome, by, now)
    return outcomes


def _note_product(
    session: Session, programme: Programme, put: PutProduct, by: Author, now: datetime
) -> None:
    before, after = _told(put.before), _told(put.after)
    if put.price is not None and put.price.since is not None:
        before |= _amount(put.price.before)
        after |= _amount(put.held)
    code = "product.changed" if put.before else "product.added"
    changes.note(session, by, code, _of("product", put.product.sku, programme), now, before, after)


# What the record calls facts of a product whose names mean something else there.
_NAMES = {
    "kind": "goods_kind",
    "unit": "measure",
    "counts": "counts_in_conditions",
    "discounted": "may_be_discounted",
    "payable": "payable_with_points",
    "earns": "earns_points",
    "turnover": "counts_for_levels",
}


def _told(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a product, as the record tells it; what nobody said is left out."""
    facts = {name: value for name, value in said.items() if value and name != "treatment"}
    facts.update(said.get("treatment", {}))
    return {_NAMES.get(name, name): value for name, value in facts.items()}


def put_category(
    session: Session,
    programme: Programme,
    terms: CategoryTerms,
    by: Author,
    now: datetime,
    known: int | None = None,
) -> Category:
    """Make or change a category, see `categories.put`, which says what it raises."""
    programmes.hold(session, programme.id)
    row = categories.find(session, programme.id, terms.code)
    before = {} if row is None else _category_facts(session, row)
    put = categories.put(session, programme, terms, now, known)
    code = "category.changed" if before else "category.added"
    of = _of("category", put.code, programme)
    changes.note(session, by, code, of, now, before, _category_facts(session, put))
    return put


def _category_facts(session: Session, row: Category) -> dict[str, object]:
    parent = None if row.parent_id is None else session.get_one(Category, row.parent_id).code
    return {"names": row.names, "parent": parent}


def put_prices(
    session: Session, programme: Programme, wishes: Sequence[PriceWish], by: Author, now: datetime
) -> list[PutAmount | Refusal]:
    """Say prices, see `price_lists.put_prices`."""
    outcomes = price_lists.put_prices(session, programme, wishes, now)
    for wish, outcome in zip(wishes, outcomes, strict=True):
        of = _of("product", wish.sku, programme)
        _note_amount(session, "product.priced", of, outcome, by, now, group=wish.group)
    return outcomes


def put_floors(
    session: Session, programme: Programme, wishes: Sequence[FloorWish], by: Author, now: datetime
) -> list[PutAmount | Refusal]:
    """Say floors, see `price_lists.put_floors`."""
    outcomes = price_lists.put_floors(session, programme, wishes, now)
    for wish, outcome in zip(wishes, outcomes, strict=True):
        if wish.sku is not None:
            code, of = "product.floor_set", _of("product", wish.sku, programme)
        else:
            code, of = "category.floor_set", _of("category", wish.category or "", programme)
        _note_amount(session, code, of, outcome, by, now)
    return outcomes


def _note_amount(
    session: Session,
    code: str,
    of: ChangedThing,
    outcome: PutAmount | Refusal,
    by: Author,
    now: datetime,
    group: str | None = None,
) -> None:
    if isinstance(outcome, Refusal) or outcome.noted.since is None:
        return
    after = {**_amount(outcome.held), "group": group or None, "since": outcome.noted.since}
    changes.note(session, by, code, of, now, _amount(outcome.noted.before), after)


def _amount(held: Held | None) -> dict[str, str | None]:
    if held is None or held.amount is None:
        return {"price": None}
    return {"price": str(Money.of(held.amount, decimals(held.currency), held.currency))}


def _of(kind: Literal["product", "category"], name: str, programme: Programme) -> ChangedThing:
    return ChangedThing(kind, name, programme.id)
