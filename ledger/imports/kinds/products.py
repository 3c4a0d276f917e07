"""Files of products: what is sold, with what one costs and may not fall below."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from ledger import languages, words
from ledger.catalogue import barcodes, dated, goods, price_lists, putting
from ledger.catalogue.price_lists import FloorWish
from ledger.catalogue.products import AVAILABILITIES
from ledger.catalogue.putting import ProductTerms, ProductWish, PutProduct
from ledger.errors import Refusal
from ledger.imports import meanings, things
from ledger.imports.cells import Cell
from ledger.imports.headers import RowProblem, plain_name
from ledger.imports.meanings import BadCell, LocalForms
from ledger.imports.things import FileColumn, RowValues, ThingImport, ThingOutcome
from ledger.money import Money
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.words import N_

TAG = re.compile(r"[A-Za-z]{2}")
WHICH = re.compile(r".{1,60}")


def _called(codes: Sequence[str], context: str) -> dict[str, list[str]]:
    """What pages call these codes, by language."""
    catalogue = words.catalogue("ledger")
    return {
        language: [catalogue.text(language, code, context) for code in codes]
        for language in languages.LANGUAGES
    }


def _word(
    codes: Sequence[str], called: Mapping[str, Sequence[str]], more: Mapping[str, str]
) -> Callable[[Cell, LocalForms], str]:
    """Reads words that stand for these codes: the codes, what pages call them, and `more`."""
    known = {plain_name(code): code for code in codes}
    for theirs in called.values():
        known.update(zip(map(plain_name, theirs), codes, strict=True))
    return things.one_of({**known, **more}, called)


MEASURE: Final = _word(
    goods.MEASURES,
    _called(goods.MEASURES, goods.CONTEXT_OF_MEASURES),
    {
        **dict.fromkeys(("штука", "штук", "ед", "упак", "упаковка", "пара", "piece", "pc"), "pcs"),
        **dict.fromkeys(("килограмм", "кг вес"), "kg"),
        **dict.fromkeys(("гр", "грамм"), "g"),
        "литр": "l",
        "миллилитр": "ml",
        **dict.fromkeys(("метр", "пог м", "п м"), "m"),
        **dict.fromkeys(("кв м", "кв метр"), "m2"),
        **dict.fromkeys(("куб м", "куб метр"), "m3"),
        **dict.fromkeys(("час", "часов"), "h"),
    },
)
KIND: Final = _word(
    goods.GOODS_KINDS,
    _called(goods.GOODS_KINDS, goods.CONTEXT),
    {"товары": "goods", "услуги": "service", "сертификат": "certificate", "аванс": "prepayment"},
)
AVAILABILITY: Final = _word(
    AVAILABILITIES,
    {
        "en": ["in stock", "out of stock", "on order"],
        "ru": ["в наличии", "нет в наличии", "под заказ"],
    },
    {
        **dict.fromkeys(("есть", "да", "yes"), "in_stock"),
        **dict.fromkeys(("нет", "no"), "out_of_stock"),
        "на заказ": "on_order",
    },
)
NAMES: Final = ("name", "product name", "название", "наименование", "номенклатура", "товар")

COLUMNS: Final[Mapping[str, FileColumn]] = {
    "sku": FileColumn(
        N_("SKU"), ("sku", "код", "код товара", "код номенклатуры", "внутренний код"), meanings.code
    ),
    "article": FileColumn(N_("article"), ("article", "артикул"), meanings.code),
    "barcodes": FileColumn(
        N_("barcodes"),
        ("barcode", "barcodes", "ean", "gtin", "штрихкод", "штрихкоды", "штрих код"),
        meanings.codes,
    ),
    "name": FileColumn(
        N_("name"), (*NAMES, "наименование товара", "полное наименование"), meanings.text
    ),
    "names": FileColumn(N_("name in another language"), NAMES, meanings.text, of_many=TAG),
    "category": FileColumn(
        N_("category"), ("category", "category code", "категория", "группа товаров"), meanings.code
    ),
    "brand": FileColumn(N_("brand"), ("brand", "бренд", "марка", "производитель"), meanings.text),
    "model": FileColumn(N_("model"), ("model", "модель"), meanings.text),
    "properties": FileColumn(
        N_("property"), ("property", "свойство", "характеристика"), meanings.text, of_many=WHICH
    ),
    "unit": FileColumn(
        N_("unit of measure"),
        ("unit", "measure", "ед", "ед изм", "единица", "единица измерения"),
        MEASURE,
    ),
    "kind": FileColumn(
        N_("kind of goods"),
        ("kind", "type", "вид", "вид товара", "тип", "тип номенклатуры"),
        KIND,
    ),
    "price": FileColumn(
        N_("price"),
        ("price", "цена", "розничная цена", "цена розничная"),
        meanings.amount,
        meanings.is_no_number,
    ),
    "floor": FileColumn(
        N_("lowest price"),
        ("floor", "floor price", "минимальная цена", "мрц"),
        meanings.amount,
        meanings.is_no_number,
    ),
    "currency": FileColumn(N_("currency"), ("currency", "валюта"), things.currency),
    "vat": FileColumn(N_("VAT"), ("vat", "ндс", "ставка ндс"), meanings.text),
    "marked": FileColumn(
        N_("has marking codes"),
        ("marked", "маркировка", "маркируемый", "маркированный", "честный знак"),
        meanings.yes_or_no,
    ),
    "picture": FileColumn(
        N_("picture"), ("picture", "image", "картинка", "изображение", "фото"), meanings.text
    ),
    "availability": FileColumn(N_("availability"), ("availability", "наличие"), AVAILABILITY),
    "stores": FileColumn(
        N_("availability in a store"),
        ("availability", "наличие"),
        AVAILABILITY,
        of_many=WHICH,
    ),
    "archived": FileColumn(
        N_("in the archive"),
        ("archived", "архив", "в архиве", "снят с продажи"),
        meanings.yes_or_no,
    ),
}
# Fields that are terms of a product under the same name, and what a blank cell says there.
BLANK: Final[Mapping[str, Any]] = {
    "article": None,
    "barcodes": (),
    "category": None,
    "brand": None,
    "model": None,
    "unit": goods.PIECES,
    "kind": "goods",
    "vat": None,
    "marked": False,
    "picture": None,
    "availability": "in_stock",
    "archived": False,
}


def _key(values: RowValues) -> str:
    return str(values["sku"])


def _unique(values: RowValues) -> Iterator[tuple[str, str]]:
    yield "sku", values["sku"]
    for key in dict.fromkeys(map(barcodes.key, values.get("barcodes") or ())):
        yield "barcodes", key


def _put(
    session: Session, programme: Programme, rows: Sequence[RowValues], now: datetime
) -> list[ThingOutcome]:
    programmes.hold(session, programme.id)
    tender = dated.tender(session, programme.id)
    usual = things.usual_currency(session, programme)
    found: dict[int, ThingOutcome] = {}
    wishes: dict[int, ProductWish] = {}
    floors: dict[int, Money] = {}
    for place, values in enumerate(rows):
        field = "price"
        try:
            price = things.price(values, "price", usual)
            field = "floor"
            floor = things.price(values, "floor", usual)
            if floor is not None:  # it is said when the product is there, and must not fail then
                tender.held(floor)
                floors[place] = floor
        except BadCell as bad:
            found[place] = RowProblem(bad.code, field, bad.facts)
            continue
        except Refusal as refusal:
            found[place] = things.refused(refusal, field)
            continue
        wishes[place] = _wish(programme, values, price)
    put = putting.put_many(session, programme, list(wishes.values()), now)
    made = [place for place, one in zip(wishes, put, strict=True) if isinstance(one, PutProduct)]
    limited = [place for place in made if place in floors]
    said = [FloorWish(floors[place], sku=_key(rows[place])) for place in limited]
    noted = price_lists.put_floors(session, programme, said, now) if said else []
    moved = {
        place
        for place, one in zip(limited, noted, strict=True)
        if not isinstance(one, Refusal) and one.noted.since is not None
    }
    for place, one in zip(wishes, put, strict=True):
        if isinstance(one, Refusal):
            found[place] = one
        elif one.outcome == "created":
            found[place] = "new"
        else:
            found[place] = "changed" if one.outcome == "changed" or place in moved else "same"
    return [found[place] for place in range(len(rows))]


def _wish(programme: Programme, values: RowValues, price: Money | None) -> ProductWish:
    """What a row wants of its product: the fields that the file has columns for."""
    names = {tag.lower(): name or "" for tag, name in things.of_many(values, "names").items()}
    if "name" in values:
        names[programme.locale] = values["name"] or ""
    properties = {name: value or "" for name, value in things.of_many(values, "properties").items()}
    stores = things.of_many(values, "stores")
    plain = {
        name: blank if values[name] is None else values[name]
        for name, blank in BLANK.items()
        if name in values
    }
    terms = ProductTerms(
        sku=_key(values),
        names=names,
        properties=properties,
        stores={code: one for code, one in stores.items() if one is not None},
        price=price,
        **plain,
    )
    many = {"names": names, "properties": properties, "stores": stores}
    return ProductWish(terms, said=frozenset([*plain, *(name for name, of in many.items() if of)]))


def _archive(session: Session, programme: Programme, skus: Sequence[str], now: datetime) -> int:
    said = frozenset(["archived"])
    wishes = [ProductWish(ProductTerms(sku, archived=True), said=said) for sku in skus]
    outcomes = putting.put_many(session, programme, wishes, now)
    return sum(isinstance(one, PutProduct) and one.outcome == "changed" for one in outcomes)


PRODUCTS: Final = ThingImport(
    code="products",
    title=N_("Products"),
    about=N_("SKUs, names, barcodes, categories, prices; one product a row"),
    concerns="catalogue",
    columns=COLUMNS,
    needed=("sku",),
    key=_key,
    unique=_unique,
    put=_put,
    numbers=("price", "floor"),
    archive=_archive,
)
