"""Reading the book: statements, balances, and what a programme owes its members."""

from apiflask import APIBlueprint

from ledger.book import accounts, statements
from ledger.book.statements import Filter, Liability, StatementLine
from ledger.money import Money
from ledger.people import cards, members
from ledger.programmes import programmes, units
from ledger.programmes.units import Unit
from wallet.api import paging
from wallet.api.amounts import in_money
from wallet.api.auth import needs
from wallet.api.bodies import (
    BalancesIn,
    BalancesOut,
    LiabilityMonth,
    LiabilityOut,
    LineOut,
    StatementIn,
    StatementOut,
    UnitBalanceOut,
    UnitIn,
)
from wallet.installation import current_installation

routes = APIBlueprint("statements", __name__, tag="Statements")


@routes.get("/members/<member_id>/postings")
@needs("members:read")
@routes.input(StatementIn, location="query")
@routes.output(StatementOut)
def statement(member_id: str, query_data: StatementIn) -> StatementOut:
    """What happened to a member's points, newest first."""
    before = paging.from_cursor(query_data.cursor)
    with current_installation().database.reading() as session:
        member = members.by_public_id(session, member_id)
        unit = units.named(session, member.programme_id, query_data.unit)
        account_id = accounts.account_id_of(session, unit.id, member.holder_id) or 0
        wanted = _filter(query_data, unit)
        lines = statements.statement(session, account_id, wanted, before, query_data.limit + 1)
    page = lines[: query_data.limit]
    more = len(lines) > query_data.limit
    return StatementOut(
        items=[_line(line, unit) for line in page],
        next_cursor=paging.to_cursor(page[-1].posting_id) if more else None,
    )


def _filter(asked: StatementIn, unit: Unit) -> Filter:
    return Filter(
        kind=asked.kind,
        store=asked.store,
        promotion=asked.promotion,
        receipt=asked.receipt,
        card=None if asked.card is None else cards.normalise(asked.card),
        at_least=_bound(asked.at_least, asked.at_least_money, unit),
        at_most=_bound(asked.at_most, asked.at_most_money, unit),
        since=asked.since,
        until=asked.until,
    )


def _bound(points: int | None, money: str | None, unit: Unit) -> int | None:
    return points if money is None else unit.points(Money(*money.split(" ")))


def _line(line: StatementLine, unit: Unit) -> LineOut:
    told = LineOut.model_validate(line)
    beside = in_money(unit, points=line.points, balance_after=line.balance_after)
    return told.model_copy(update=beside)


@routes.get("/members/<member_id>/balances")
@needs("members:read")
@routes.input(BalancesIn, location="query")
@routes.output(BalancesOut)
def balances(member_id: str, query_data: BalancesIn) -> BalancesOut:
    """What a member has of each unit of the programme, now or at a moment."""
    found = []
    with current_installation().database.reading() as session:
        member = members.by_public_id(session, member_id)
        for unit, balance in statements.balances(session, member):
            if query_data.at is not None:
                counts = {
                    "total": statements.balance_at(session, balance.account_id, query_data.at)
                }
            else:
                counts = {
                    "total": balance.total,
                    "available": balance.available,
                    "pending": balance.pending,
                    "held": balance.held,
                    "debt": balance.debt,
                }
            found.append(_balance(unit, counts))
    return BalancesOut(items=found)


def _balance(unit: Unit, counts: dict[str, int]) -> UnitBalanceOut:
    return UnitBalanceOut.model_validate(
        {
            "unit": unit.code,
            "kind": unit.kind,
            "scale": unit.scale,
            "currency": unit.currency,
            **counts,
            **in_money(unit, **counts),
        }
    )


@routes.get("/programmes/<programme>/liability")
@needs("members:read")
@routes.input(UnitIn, location="query")
@routes.output(LiabilityOut)
def liability(programme: str, query_data: UnitIn) -> LiabilityOut:
    """What members hold, by the month in which it runs out."""
    with current_installation().database.reading() as session:
        found = programmes.by_code(session, programme)
        unit = units.named(session, found.id, query_data.unit)
        months = statements.liability(session, unit, found.timezone)
        total = sum(month.points for month in months)
        return LiabilityOut(
            programme=found.code,
            unit=unit.code,
            total=total,
            months=[_month(month, unit) for month in months],
            **in_money(unit, total=total),
        )


def _month(month: Liability, unit: Unit) -> LiabilityMonth:
    told = LiabilityMonth.model_validate(month)
    beside = in_money(unit, points=month.points, pending=month.pending)
    return told.model_copy(update=beside)
