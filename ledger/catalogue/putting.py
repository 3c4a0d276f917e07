"""Products made and changed, one by one or in thousands: what is wanted, whether it can be, and
what it changes."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.orm import Session

from ledger.catalogue import barcodes, categories, dated, goods, products, texts
from ledger.catalogue.dated import Line, Noted, Said, Tender
from ledger.catalogue.goods import GoodsKind, Measure
from ledger.catalogue.products import (
    AVAILABILITIES,
    LONGEST_PICTURE,
    LONGEST_VAT,
    LONGEST_WORD,
    Availability,
    Product,
    ProductBarcode,
)
from ledger.catalogue.texts import LONGEST_CODE
from ledger.catalogue.timelines import Held
from ledger.database.tables import batched
from ledger.errors import (
    BarcodeTaken,
    ChangedMeanwhile,
    ProductRefused,
    Refusal,
    UnknownCategory,
    UnknownStore,
)
from ledger.languages import Texts
from ledger.money import Money
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store

LONGEST_PROPERTY = 60  # characters of its name
LONGEST_VALUE = 200
MOST_PROPERTIES = 50
MOST_BARCODES = 50
MOST_STORES = 1_000
PICTURE = re.compile(r"https://[^\s/?#]+(?:[/?#]\S*)?")


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """A product as it is wanted. Without names it is called by its SKU. `treatment`: flags of
    `Treatment`; those that are left out are as usual for its kind. `price`: what it costs from now
    on, everywhere; None: prices stay as they are. The rest as in `Product`."""

    sku: str
    names: Texts = field(default_factory=dict)
    article: str | None = None
    category: str | None = None
    brand: str | None = None
    model: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    unit: Measure = goods.PIECES
    kind: GoodsKind = "goods"
    treatment: Mapping[str, bool] = field(default_factory=dict)
    vat: str | None = None
    marked: bool = False
    picture: str | None = None
    availability: Availability = "in_stock"
    stores: Mapping[str, Availability] = field(default_factory=dict)
    archived: bool = False
    barcodes: Sequence[str] = ()
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class ProductWish:
    """A product as it is wanted, and the revision that the caller read: 0 for none, None if it does
    not say. `said`: which of the terms are meant, None for all; the others stay as they are, and of
    names, properties and stores those that are not named."""

    terms: ProductTerms
    known: int | None = None
    said: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class PutProduct:
    """What became of a wish. `before` and `after`: what is said of the product, by the names of
    `ProductTerms`, `before` being empty for a new one. `price`: what came of its price, if one was
    named, and `held`, that price."""

    product: Product
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    held: Held | None = None
    price: Noted | None = None

    @property
    def outcome(self) -> Literal["created", "changed", "unchanged"]:
        if not self.before:
            return "created"
        repriced = self.price is not None and self.price.since is not None
        return "changed" if repriced or self.before != self.after else "unchanged"


@dataclass(slots=True)
class _Shelf:
    """What is known of the products that are wanted, as it becomes with each wish."""

    rows: dict[str, Product]
    codes: dict[str, tuple[str, ...]]  # of each SKU: its barcodes as they were written
    owners: dict[str, str]  # of each barcode by its key: the SKU
    categories: dict[str, int]
    category_codes: dict[int, str]
    stores: frozenset[str]
    tender: Tender

    def said(self, sku: str) -> dict[str, Any]:
        """What is said of this product."""
        row = self.rows[sku]
        return {
            **{name: getattr(row, name) for name in _COLUMNS},
            "category": None if row.category_id is None else self.category_codes[row.category_id],
            "treatment": row.otherwise,
            "barcodes": self.codes.get(sku, ()),
        }


_MAPS = ("names", "properties", "stores")
_COLUMNS = (
    *("names", "article", "brand", "model", "properties", "unit", "kind", "vat", "marked"),
    *("picture", "availability", "stores", "archived"),
)


def put(
    session: Session,
    programme: Programme,
    wish: ProductWish,
    now: datetime,
) -> PutProduct:
    """Make this product, or change it to be so; the same again changes nothing. Raises
    `ProductRefused`, `LanguageNotSpoken`, `UnknownCategory`, `UnknownStore`, `BarcodeTaken`,
    `WrongCurrency`, `TooManyDecimals`, `AmountTooLarge`, `ChangedMeanwhile`."""
    (outcome,) = put_many(session, programme, [wish], now)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def put_many(
    session: Session, programme: Programme, wishes: Sequence[ProductWish], now: datetime
) -> list[PutProduct | Refusal]:
    """The same for many products, in this order; one that is refused fails alone. Its outcome is
    the refusal, as `put` would raise it. How many statements it takes does not depend on how many
    there are of those that change nothing."""
    programmes.hold(session, programme.id)
    shelf = _shelf(session, programme, wishes)
    stored = dict(shelf.codes)
    outcomes = [_outcome(shelf, programme, wish, now) for wish in wishes]
    done = [one for one in outcomes if isinstance(one, PutProduct)]
    session.add_all(dict.fromkeys(one.product for one in done if not one.product.id))
    session.flush()
    _write_barcodes(session, programme.id, shelf, stored, {one.product.sku for one in done})
    return _priced(session, programme.id, outcomes, now)


def _outcome(
    shelf: _Shelf, programme: Programme, wish: ProductWish, now: datetime
) -> PutProduct | Refusal:
    try:
        return _decided(shelf, programme, wish, now)
    except Refusal as refusal:
        return refusal


def _decided(shelf: _Shelf, programme: Programme, wish: ProductWish, now: datetime) -> PutProduct:
    """Change the row, if all of the wish can be granted."""
    terms = wish.terms
    sku = texts.code("sku", terms.sku, ProductRefused)
    row = shelf.rows.get(sku)
    revision = 0 if row is None else row.revision
    if wish.known is not None and wish.known != revision:
        raise ChangedMeanwhile(revision)
    wanted = _checked(shelf, programme, sku, terms)
    held = None if terms.price is None else shelf.tender.held(terms.price)
    before = {} if row is None else shelf.said(sku)
    if wish.said is not None and before:
        wanted = {name: _merged(wish, name, wanted[name], before[name]) for name in wanted}
    if row is None:
        row = Product(programme_id=programme.id, sku=sku, revision=0, created_at=now)
        shelf.rows[sku] = row
    shelf.tender = shelf.tender.after(terms.price)
    if wanted != before:
        for name in _COLUMNS:
            setattr(row, name, wanted[name])
        category = wanted["category"]
        row.category_id = None if category is None else shelf.categories[category]
        row.otherwise = wanted["treatment"]
        row.revision += 1
        row.changed_at = now
        _take_barcodes(shelf, sku, wanted["barcodes"])
    return PutProduct(row, before, wanted, held)


def _merged(wish: ProductWish, name: str, wanted: Any, before: Any) -> Any:
    """What is to be said of a product that is there, by a wish that does not mean all of it."""
    if wish.said is None or name not in wish.said:
        return before
    if name not in _MAPS:
        return wanted
    named = getattr(wish.terms, name)
    return {**{key: value for key, value in before.items() if key not in named}, **wanted}


def _take_barcodes(shelf: _Shelf, sku: str, codes: tuple[str, ...]) -> None:
    for code in shelf.codes.get(sku, ()):
        del shelf.owners[barcodes.key(code)]
    for code in codes:
        shelf.owners[barcodes.key(code)] = sku
    shelf.codes[sku] = codes


def _shelf(session: Session, programme: Programme, wishes: Sequence[ProductWish]) -> _Shelf:
    """All that decides these wishes, read under the lock of the programme."""
    skus = {_readable(wish.terms.sku) for wish in wishes}
    rows = {row.sku: row for row in products.of_skus(session, programme.id, skus)}
    keys = {barcodes.key(_readable(code)) for wish in wishes for code in wish.terms.barcodes}
    by_id = {row.id: row.sku for row in rows.values()}
    codes = {by_id[id_]: found for id_, found in products.codes_of(session, list(by_id)).items()}
    owners = {barcodes.key(code): sku for sku, found in codes.items() for code in found}
    owners.update(products.owners(session, programme.id, keys))
    named = {wish.terms.category for wish in wishes if wish.terms.category is not None}
    known = categories.ids(session, programme.id, named)
    lying_in = {row.category_id for row in rows.values() if row.category_id is not None}
    known.update(categories.codes(session, lying_in - set(known.values())))
    stores = {code for wish in wishes for code in wish.terms.stores}
    has_price = any(wish.terms.price is not None for wish in wishes)
    return _Shelf(
        rows,
        codes,
        owners,
        known,
        {id_: code for code, id_ in known.items()},
        _stores(session, programme.id, stores),
        dated.tender(session, programme.id) if has_price else Tender(None),
    )


def _readable(text: str) -> str:
    """A text as it would be kept; what cannot be is nobody's."""
    try:
        return texts.line("", text, LONGEST_CODE, ProductRefused)
    except ProductRefused:
        return ""


def _stores(session: Session, programme_id: int, codes: Collection[str]) -> frozenset[str]:
    """Those of these codes that are stores of the programme."""
    found: set[str] = set()
    for part in batched(sorted(codes)):
        query = select(Store.code).where(Store.programme_id == programme_id, Store.code.in_(part))
        found.update(session.scalars(query))
    return frozenset(found)


def _checked(shelf: _Shelf, programme: Programme, sku: str, terms: ProductTerms) -> dict[str, Any]:
    """What is to be said of the product, each part as it is kept. Raises as `put`."""
    if terms.category is not None and terms.category not in shelf.categories:
        raise UnknownCategory(terms.category)
    return {
        "names": texts.names(terms.names, programme.languages, ProductRefused)
        or {programme.locale: sku},
        "article": _word("article", terms.article),
        "brand": _word("brand", terms.brand),
        "model": _word("model", terms.model),
        "properties": _properties(terms.properties),
        "unit": _one_of("unit", terms.unit, goods.MEASURES),
        "kind": _one_of("kind", terms.kind, goods.GOODS_KINDS),
        "vat": _word("vat", terms.vat, LONGEST_VAT),
        "marked": terms.marked,
        "picture": _picture(terms.picture),
        "availability": _one_of("availability", terms.availability, AVAILABILITIES),
        "stores": _availability_of(shelf, terms.stores),
        "archived": terms.archived,
        "category": terms.category,
        "treatment": goods.otherwise(terms.kind, terms.treatment),
        "barcodes": _codes(shelf, sku, terms.barcodes),
    }


def _word(name: str, text: str | None, most: int = LONGEST_WORD) -> str | None:
    return texts.line(name, text or "", most, ProductRefused) or None


def _one_of(name: str, word: str, known: Sequence[str]) -> str:
    if word not in known:
        raise ProductRefused(name, "one of {known}.", known=", ".join(known))
    return word


def _properties(properties: Mapping[str, str]) -> dict[str, str]:
    if len(properties) > MOST_PROPERTIES:
        raise ProductRefused("properties", "at most {most}.", most=MOST_PROPERTIES)
    checked = {
        texts.line("properties", name, LONGEST_PROPERTY, ProductRefused): texts.line(
            "properties", value, LONGEST_VALUE, ProductRefused
        )
        for name, value in properties.items()
    }
    if "" in checked:
        raise ProductRefused("properties", "each has a name.")
    return {name: value for name, value in checked.items() if value}


def _picture(address: str | None) -> str | None:
    found = _word("picture", address, LONGEST_PICTURE)
    if found is not None and not PICTURE.fullmatch(found):
        raise ProductRefused("picture", "must begin with https:// and have no spaces.")
    return found


def _availability_of(shelf: _Shelf, stores: Mapping[str, Availability]) -> dict[str, Availability]:
    if len(stores) > MOST_STORES:
        raise ProductRefused("stores", "at most {most}.", most=MOST_STORES)
    for code, availability in stores.items():
        if code not in shelf.stores:
            raise UnknownStore(code)
        _one_of("stores", availability, AVAILABILITIES)
    return dict(stores)


def _codes(shelf: _Shelf, sku: str, codes: Sequence[str]) -> tuple[str, ...]:
    """Barcodes as they are kept, each once, however it was written."""
    found: dict[str, str] = {}
    for written in codes:
        code = texts.line("barcodes", written, barcodes.LONGEST, ProductRefused)
        if not code:
            raise ProductRefused("barcodes", "from 1 to {most} characters.", most=barcodes.LONGEST)
        key = barcodes.key(code)
        owner = shelf.owners.get(key, sku)
        if owner != sku:
            raise BarcodeTaken(code, owner)
        found.setdefault(key, code)
    if len(found) > MOST_BARCODES:
        raise ProductRefused("barcodes", "at most {most}.", most=MOST_BARCODES)
    return tuple(sorted(found.values()))


def _write_barcodes(
    session: Session,
    programme_id: int,
    shelf: _Shelf,
    stored: Mapping[str, tuple[str, ...]],
    skus: Collection[str],
) -> None:
    """Barcodes that are gone are deleted before others are written: one may have moved from one
    product to another."""
    gone: list[tuple[int, str]] = []
    new: list[dict[str, object]] = []
    for sku in sorted(skus):
        before, after = set(stored.get(sku, ())), set(shelf.codes.get(sku, ()))
        gone += [(programme_id, barcodes.key(code)) for code in before - after]
        new += [
            {
                "programme_id": programme_id,
                "key": barcodes.key(code),
                "code": code,
                "product_id": shelf.rows[sku].id,
            }
            for code in after - before
        ]
    for part in batched(gone):
        place = tuple_(ProductBarcode.programme_id, ProductBarcode.key)
        session.execute(
            delete(ProductBarcode)
            .where(place.in_(part))
            .execution_options(synchronize_session=False)
        )
    for rows in batched(new):
        session.execute(insert(ProductBarcode), list(rows))


def _priced(
    session: Session,
    programme_id: int,
    outcomes: Sequence[PutProduct | Refusal],
    now: datetime,
) -> list[PutProduct | Refusal]:
    """The outcomes with what came of the prices that were named."""
    said = [
        Said(Line("price", one.product.id), one.held)
        for one in outcomes
        if isinstance(one, PutProduct) and one.held is not None
    ]
    if not said:
        return list(outcomes)
    noted = iter(dated.say(session, programme_id, said, now))
    return [_with_price(one, noted) for one in outcomes]


def _with_price(
    outcome: PutProduct | Refusal, noted: Iterator[Noted | Refusal]
) -> PutProduct | Refusal:
    if isinstance(outcome, Refusal) or outcome.held is None:
        return outcome
    price = next(noted)
    return price if isinstance(price, Refusal) else replace(outcome, price=price)
