"""Files of prices: what products cost, everywhere or in a group of stores, from when until when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from ledger.catalogue import price_lists
from ledger.catalogue.price_lists import PriceWish
from ledger.errors import Refusal
from ledger.imports import meanings, things
from ledger.imports.headers import RowProblem
from ledger.imports.meanings import BadCell
from ledger.imports.things import FileColumn, RowValues, ThingImport, ThingOutcome
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from ledger.words import N_

COLUMNS: Final[Mapping[str, FileColumn]] = {
    "sku": FileColumn(
        N_("SKU"), ("sku", "код", "код товара", "код номенклатуры", "внутренний код"), meanings.code
    ),
    "price": FileColumn(
        N_("price"),
        ("price", "цена", "розничная цена", "цена розничная"),
        meanings.amount,
        meanings.is_no_number,
    ),
    "group": FileColumn(
        N_("group of stores"),
        ("group", "store group", "группа", "группа магазинов", "формат"),
        meanings.text,
    ),
    "from": FileColumn(
        N_("first day"),
        ("from", "since", "с", "дата начала", "действует с", "начало действия"),
        meanings.day,
        meanings.is_no_day,
    ),
    "until": FileColumn(
        N_("last day"),
        ("until", "to", "по", "дата окончания", "действует по", "действует до"),
        meanings.day,
        meanings.is_no_day,
    ),
    "currency": FileColumn(N_("currency"), ("currency", "валюта"), things.currency),
}


def _key(values: RowValues) -> str:
    return f"{values['sku']}\t{values.get('group') or ''}"


def _unique(values: RowValues) -> Iterator[tuple[str, str]]:
    yield "sku", f"{_key(values)}\t{values.get('from') or ''}"


def _put(
    session: Session, programme: Programme, rows: Sequence[RowValues], now: datetime
) -> list[ThingOutcome]:
    programmes.hold(session, programme.id)
    usual = things.usual_currency(session, programme)
    found: dict[int, ThingOutcome] = {}
    wishes: dict[int, PriceWish] = {}
    for place, values in enumerate(rows):
        try:
            wishes[place] = PriceWish(
                values["sku"],
                things.price(values, "price", usual),
                values.get("group"),
                _begin(values.get("from"), programme),
                _end(values.get("until"), programme),
            )
        except BadCell as bad:
            found[place] = RowProblem(bad.code, "price", bad.facts)
    put = price_lists.put_prices(session, programme, list(wishes.values()), now)
    for place, outcome in zip(wishes, put, strict=True):
        if isinstance(outcome, Refusal):
            found[place] = outcome
        elif outcome.noted.since is None:
            found[place] = "same"
        else:
            found[place] = "new" if outcome.noted.before is None else "changed"
    return [found[place] for place in range(len(rows))]


def _begin(day: str | None, programme: Programme) -> datetime | None:
    """When this day begins by the programme's clock."""
    if day is None:
        return None
    midnight = datetime.combine(date.fromisoformat(day), time.min, ZoneInfo(programme.timezone))
    return midnight.astimezone(UTC)


def _end(day: str | None, programme: Programme) -> datetime | None:
    """When this day ends by the programme's clock."""
    if day is None:
        return None
    return _begin((date.fromisoformat(day) + timedelta(days=1)).isoformat(), programme)


PRICES: Final = ThingImport(
    code="prices",
    title=N_("Prices"),
    about=N_("SKUs and prices, for a group of stores and from a day on if you like"),
    concerns="catalogue",
    columns=COLUMNS,
    needed=("sku", "price"),
    key=_key,
    unique=_unique,
    put=_put,
    numbers=("price",),
)
