"""Files of stores: where a programme is at home."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from ledger.errors import Refusal
from ledger.imports import meanings
from ledger.imports.things import FileColumn, RowValues, ThingImport, ThingOutcome
from ledger.programmes import programmes, stores
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store, StoreTerms
from ledger.words import N_

COLUMNS: Final[Mapping[str, FileColumn]] = {
    "code": FileColumn(
        N_("code of the store"),
        ("code", "store", "store code", "код", "код магазина", "магазин"),
        meanings.code,
    ),
    "name": FileColumn(
        N_("name"), ("name", "store name", "название", "наименование"), meanings.text
    ),
    "group": FileColumn(
        N_("group of stores"), ("group", "группа", "группа магазинов", "формат"), meanings.text
    ),
    "timezone": FileColumn(
        N_("time zone"), ("timezone", "time zone", "часовой пояс"), meanings.text
    ),
    "closed": FileColumn(N_("closed"), ("closed", "закрыт"), meanings.yes_or_no),
}


def _key(values: RowValues) -> str:
    return str(values["code"])


def _unique(values: RowValues) -> Iterator[tuple[str, str]]:
    yield "code", values["code"]


def _put(
    session: Session, programme: Programme, rows: Sequence[RowValues], now: datetime
) -> list[ThingOutcome]:
    programmes.hold(session, programme.id)
    return [_outcome(session, programme, values, now) for values in rows]


def _outcome(
    session: Session, programme: Programme, values: RowValues, now: datetime
) -> ThingOutcome:
    try:
        there = stores.find_store(session, programme.id, stores.checked_code(_key(values)))
        revision = 0 if there is None else there.revision
        store = stores.put_store(session, programme.id, _terms(values, there), now)
    except Refusal as refusal:
        return refusal
    if revision == 0:
        return "new"
    return "same" if store.revision == revision else "changed"


def _terms(values: RowValues, there: Store | None) -> StoreTerms:
    """A store as a row wants it: what the file has no column for stays as it is."""
    usual = {
        "name": there.name if there else "",
        "group": there.group if there else None,
        "timezone": there.timezone if there else None,
        "closed": there.closed if there else False,
    }
    said = {name: values[name] for name in usual if name in values}
    wanted = {**usual, **said}
    return StoreTerms(
        _key(values),
        wanted["name"] or "",
        wanted["group"],
        wanted["timezone"],
        closed=bool(wanted["closed"]),
    )


def _close(session: Session, programme: Programme, codes: Sequence[str], now: datetime) -> int:
    outcomes = _put(session, programme, [{"code": code, "closed": True} for code in codes], now)
    return sum(one == "changed" for one in outcomes)


STORES: Final = ThingImport(
    code="stores",
    title=N_("Stores"),
    about=N_("Codes, names, groups and time zones; one store a row"),
    concerns="stores",
    columns=COLUMNS,
    needed=("code",),
    key=_key,
    unique=_unique,
    put=_put,
    archive=_close,
)
