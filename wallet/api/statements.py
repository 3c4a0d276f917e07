"""Reading the book: statements, balances, and what a programme owes its members."""

from datetime import datetime

from apiflask import APIBlueprint

from ledger.book import accounts, statements
from ledger.book.statements import Filter, Liability, LotLine, NextExpiry, StatementLine
from ledger.errors import UnknownProgramme, UnknownUnit
from ledger.limits import NEVER
from ledger.money import Money
from ledger.people import cards
from ledger.programmes import units
from ledger.programmes.units import Unit
from wallet.api import lookup, paging
from wallet.api.amounts import in_money
from wallet.api.auth import needs
from wallet.api.bodies.statements import (
    BalancesIn,
    BalancesOut,
    LiabilityMonth,
    LiabilityOut,
    LineOut,
    LotOut,
    LotsIn,
    LotsOut,
    NextExpiryOut,
    PostingFilters,
    StatementIn,
    StatementOut,
    UnitBalanceOut,
    UnitIn,
)
from wallet.api.calls import refuses
from wallet.api.refusals import MEMBER, MONEY
from wallet.installation import current_installation

routes = APIBlueprint("statements", __name__, tag="Statements")


@routes.get("/members/<member_id>/postings")
@routes.doc(operation_id="listMemberPostings")
@needs("members:read")
@refuses(*MEMBER, UnknownUnit, *MONEY)
@routes.input(StatementIn, location="query")
@routes.output(StatementOut)
def statement(member_id: str, query_data: StatementIn) -> StatementOut:
    """What happened to a member's points, newest first."""
    place = paging.place(query_data)
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        unit = units.named(session, member.programme_id, query_data.unit)
        account_id = accounts.account_id_of(session, unit.id, member.holder_id) or 0
        wanted = postings_filter(query_data, unit)
        lines = statements.statement(session, account_id, wanted, place.position, place.most)
    page = place.page(lines, lambda line: line.posting_id)
    return StatementOut(
        items=[_line_out(line, unit) for line in page.rows], next_cursor=page.next_cursor
    )


def postings_filter(asked: PostingFilters, unit: Unit) -> Filter:
    """What a query asks for. Raises what `Unit.points` raises, for bounds in money."""
    return Filter(
        kind=asked.kind,
        store=asked.store,
        promotion=asked.promotion,
        receipt=asked.receipt,
        reason=asked.reason,
        card=None if asked.card is None else cards.normalise(asked.card),
        at_least=_bound(asked.at_least, asked.at_least_money, unit),
        at_most=_bound(asked.at_most, asked.at_most_money, unit),
        since=asked.since,
        until=asked.until,
    )


def _bound(points: int | None, money: str | None, unit: Unit) -> int | None:
    return points if money is None else unit.points(Money(*money.split(" ")))


def _line_out(line: StatementLine, unit: Unit) -> LineOut:
    counts = {
        "points": line.points,
        "balance_after": line.balance_after,
        "debt_change": line.debt_change,
    }
    money = in_money(unit, **counts)
    return LineOut.model_validate(line).model_copy(update=money)


@routes.get("/members/<member_id>/lots")
@routes.doc(operation_id="listMemberLots")
@needs("members:read")
@refuses(*MEMBER, UnknownUnit)
@routes.input(LotsIn, location="query")
@routes.output(LotsOut)
def lots(member_id: str, query_data: LotsIn) -> LotsOut:
    """What a member's points are made of: how many run out when.

    In a household they are those that all share."""
    place, now = paging.place(query_data, 2), current_installation().clock()
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        unit = units.named(session, member.programme_id, query_data.unit)
        account_id = accounts.account_id_of(session, unit.id, member.holder_id) or 0
        lines = statements.lot_lines(session, account_id, paging.moment(place), place.most)
    page = place.page(lines, lambda line: paging.at_moment(line.expires_at, line.lot_id))
    return LotsOut(
        items=[_lot_out(line, unit, now) for line in page.rows], next_cursor=page.next_cursor
    )


def _lot_out(line: LotLine, unit: Unit, now: datetime) -> LotOut:
    return LotOut.model_validate(
        {
            "posting": line.posting,
            "points": line.points,
            "left": line.left,
            "held": line.held,
            "state": line.state(now),
            "activates_at": line.activates_at,
            "expires_at": None if line.expires_at == NEVER else line.expires_at,
            **in_money(unit, points=line.points, left=line.left, held=line.held),
        }
    )


@routes.get("/members/<member_id>/balances")
@routes.doc(operation_id="getMemberBalances")
@needs("members:read")
@refuses(*MEMBER)
@routes.input(BalancesIn, location="query")
@routes.output(BalancesOut)
def balances(member_id: str, query_data: BalancesIn) -> BalancesOut:
    """What a member has of each unit of the programme, now or at a moment."""
    items, now = [], current_installation().clock()
    with current_installation().database.reading() as session:
        member = lookup.member(session, member_id)
        standing = statements.all_balances(session, member, now)
        ending = statements.next_expiries(session, [one.account_id for _, one in standing], now)
        for unit, balance in standing:
            next_expiry = None
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
                next_expiry = ending.get(balance.account_id)
            items.append(_balance_out(unit, counts, next_expiry))
    return BalancesOut(items=items)


def _balance_out(
    unit: Unit, counts: dict[str, int], next_expiry: NextExpiry | None
) -> UnitBalanceOut:
    return UnitBalanceOut.model_validate(
        {
            "unit": unit.code,
            "kind": unit.kind,
            "scale": unit.scale,
            "currency": unit.currency,
            **counts,
            "next_expiry": None if next_expiry is None else _ending_out(next_expiry, unit),
            **in_money(unit, **counts),
        }
    )


def _ending_out(ending: NextExpiry, unit: Unit) -> NextExpiryOut:
    money = in_money(unit, points=ending.points)
    return NextExpiryOut(points=ending.points, expires_at=ending.expires_at, **money)


@routes.get("/programmes/<programme>/liability")
@routes.doc(operation_id="getLiability")
@needs("members:read")
@refuses(UnknownProgramme, UnknownUnit)
@routes.input(UnitIn, location="query")
@routes.output(LiabilityOut)
def liability(programme: str, query_data: UnitIn) -> LiabilityOut:
    """What members hold of one unit, by the month in which it runs out."""
    with current_installation().database.reading() as session:
        programme_ = lookup.programme(session, programme)
        unit = units.named(session, programme_.id, query_data.unit)
        months = statements.liability(
            session, unit, programme_.timezone, current_installation().clock()
        )
        total = sum(month.points for month in months)
        return LiabilityOut(
            programme=programme_.code,
            unit=unit.code,
            total=total,
            months=[_month_out(month, unit) for month in months],
            **in_money(unit, total=total),
        )


def _month_out(month: Liability, unit: Unit) -> LiabilityMonth:
    money = in_money(unit, points=month.points, pending=month.pending)
    return LiabilityMonth.model_validate(month).model_copy(update=money)
