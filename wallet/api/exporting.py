"""Postings as files, see `wallet.access.files`."""

from collections.abc import Generator, Iterator, Mapping
from decimal import Decimal

from sqlalchemy.orm import Session

from ledger.book import daybook
from ledger.book.daybook import DaybookPlace, DaybookPosting
from ledger.book.statements import Filter
from ledger.programmes.units import Unit
from wallet.access import files
from wallet.access.files import ExportSource, ListItem, TableRow
from wallet.api.daybook import posting_out

POSTING_COLUMNS = (
    "id",
    "programme",
    "kind",
    "reason",
    "receipt",
    "store",
    "promotion",
    "card",
    "reverses",
    "undoes",
    "occurred_at",
    "posted_at",
)
PURCHASE_COLUMNS = ("purchase", "purchase_currency")
ENTRY_COLUMNS = ("member", "unit", "account", "points", "balance_after")


def postings(
    programme: str,
    programme_id: int,
    counted: Mapping[int, Unit],
    wanted: Filter,
    unit_id: int | None,
) -> ExportSource:
    """The postings of a programme that fit, oldest first by when they happened. In a table a
    posting has a row for each member whose points, or debt, it changed; what was paid stands in the
    first of them alone, so that the column can be summed."""

    def pages(session: Session) -> Generator[list[ListItem], None, None]:
        behind: DaybookPlace | None = None
        while rows := _page(session, behind):
            yield [posting_out(row, programme, counted).model_dump() for row in rows]
            behind = rows[-1].occurred_at, rows[-1].posting_id

    def _page(session: Session, behind: DaybookPlace | None) -> list[DaybookPosting]:
        return daybook.page(
            session, programme_id, wanted, unit_id, behind, files.AT_ONCE, oldest_first=True
        )

    has_money = any(unit.currency is not None for unit in counted.values())
    money = ("money", "balance_after_money", "currency") if has_money else ()

    def rows(item: ListItem) -> Iterator[TableRow]:
        facts = [item[name] for name in POSTING_COLUMNS]
        paid = item["purchase"]
        for entry in item["entries"]:
            amounts = {name: _number(entry.get(name)) for name in money}
            if has_money:
                amounts["currency"] = (entry.get("money") or {}).get("currency")
            bought = (_number(paid), (paid or {}).get("currency"))
            yield [*facts, *(entry[name] for name in ENTRY_COLUMNS), *amounts.values(), *bought]
            paid = None

    return ExportSource(pages, (*POSTING_COLUMNS, *ENTRY_COLUMNS, *money, *PURCHASE_COLUMNS), rows)


def _number(money: Mapping[str, str] | None) -> Decimal | None:
    return None if money is None else Decimal(money["amount"])
