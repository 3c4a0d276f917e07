"""Reading the book: statements, balances, and what a programme owes its members."""

from apiflask import APIBlueprint

from ledger import members, programmes, units
from ledger.book import accounts, statements
from ledger.book.statements import Filter
from wallet.api import paging
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
from wallet.installation import here

routes = APIBlueprint("statements", __name__, tag="Statements")


@routes.get("/members/<member_id>/postings")
@needs("members:read")
@routes.input(StatementIn, location="query")
@routes.output(StatementOut)
def statement(member_id: str, query_data: StatementIn) -> StatementOut:
    """What happened to a member's points, newest first."""
    before = paging.from_cursor(query_data.cursor)
    wanted = Filter(
        kind=query_data.kind,
        store=query_data.store,
        promotion=query_data.promotion,
        receipt=query_data.receipt,
        card=None if query_data.card is None else members.plain(query_data.card),
        at_least=query_data.at_least,
        at_most=query_data.at_most,
        since=query_data.since,
        until=query_data.until,
    )
    with here().database.reading() as session:
        member = members.by_public_id(session, member_id)
        unit = units.named(session, member.programme_id, query_data.unit)
        account_id = accounts.of_member(session, unit.id, member.holder) or 0
        lines = statements.statement(session, account_id, wanted, before, query_data.limit + 1)
    page = lines[: query_data.limit]
    more = len(lines) > query_data.limit
    return StatementOut(
        items=[LineOut.model_validate(line) for line in page],
        next_cursor=paging.to_cursor(page[-1].posting_id) if more else None,
    )


@routes.get("/members/<member_id>/balances")
@needs("members:read")
@routes.input(BalancesIn, location="query")
@routes.output(BalancesOut)
def balances(member_id: str, query_data: BalancesIn) -> BalancesOut:
    """What a member has of each unit of the programme, now or at a moment."""
    found = []
    with here().database.reading() as session:
        member = members.by_public_id(session, member_id)
        for unit, balance in statements.balances(session, member):
            shown = UnitBalanceOut(
                unit=unit.code,
                kind=unit.kind,
                scale=unit.scale,
                currency=unit.currency,
                total=balance.total,
            )
            if query_data.at is not None:
                shown.total = statements.balance_at(session, balance.account_id, query_data.at)
            else:
                shown.available, shown.pending = balance.available, balance.pending
                shown.held, shown.debt = balance.held, balance.debt
            found.append(shown)
    return BalancesOut(items=found)


@routes.get("/programmes/<programme>/liability")
@needs("members:read")
@routes.input(UnitIn, location="query")
@routes.output(LiabilityOut)
def liability(programme: str, query_data: UnitIn) -> LiabilityOut:
    """What members hold, by the month in which it runs out."""
    with here().database.reading() as session:
        found = programmes.by_code(session, programme)
        unit = units.named(session, found.id, query_data.unit)
        months = statements.liability(session, unit, found.timezone)
        return LiabilityOut(
            programme=found.code,
            unit=unit.code,
            total=sum(month.points for month in months),
            months=[LiabilityMonth.model_validate(month) for month in months],
        )
