"""Who buys, and the answers to what promotions ask about them: found in one statement for segments
and lists, and one for each kind of other question, however many promotions ask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from ledger.book import accounts, balances
from ledger.book.accounts import Account
from ledger.book.purchases import PurchaseRow
from ledger.database.tables import Identifier
from ledger.errors import WrongCurrency
from ledger.money import Money, decimals
from ledger.people import cards, persons
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store
from ledger.promotions.facts import (
    BuyerFacts,
    FactAsked,
    IsInAudience,
    IsListed,
    IsMember,
    IsNearBirthday,
    IsOneMember,
    PurchasesBefore,
    PurchasesToday,
)
from ledger.promotions.paying import StoredValue
from ledger.promotions.situations import StoreClock
from ledger.sales import records
from ledger.sales.receipts import CardToPay
from ledger.sales.records import SoldReceipt
from ledger.segments import membership, scope
from ledger.segments.kinds.listed import Listed
from ledger.segments.registry import Segment

LEAP_DAY = (2, 29)


@dataclass(frozen=True, slots=True)
class ShopVisit:
    """Where and when a member buys. `day_ends`: when the business day does."""

    programme: Programme
    store: Store | None
    clock: StoreClock
    day_ends: time

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the store, or else of the programme."""
        return ZoneInfo(self.programme.timezone if self.store is None else self.store.timezone)

    def bounds(self) -> tuple[datetime, datetime]:
        """When the business day began, and when it ends."""
        begin = datetime.combine(self.clock.day, self.day_ends, self.zone)
        return begin, datetime.combine(self.clock.day + timedelta(days=1), self.day_ends, self.zone)


def clock(
    programme: Programme, store: Store | None, moment: datetime, day_ends: time
) -> StoreClock:
    """The moment by the clock of the store, and its business day: what is sold before `day_ends`
    belongs to the day before."""
    zone = ZoneInfo(programme.timezone if store is None else store.timezone)
    at = moment.astimezone(zone)
    began = timedelta(hours=day_ends.hour, minutes=day_ends.minute)
    return StoreClock((at.replace(tzinfo=None) - began).date(), at, moment)


def facts(
    session: Session, member: Member | None, visit: ShopVisit, asked: Iterable[FactAsked]
) -> BuyerFacts:
    """The answers, by the keys of the questions; of somebody who is no member all are no."""
    if member is None:
        return {}
    questions = {one.key: one for one in asked}
    found: dict[str, int] = {IsMember().key: 1}
    trees = {key: tree for key, one in questions.items() if (tree := _tree(one)) is not None}
    at = scope.in_main_unit(session, visit.programme, visit.clock.moment)
    belongs = membership.which(session, at, member, list(trees.values()))
    found |= dict(zip(trees, map(int, belongs), strict=True))
    windows = {key: one for key, one in questions.items() if isinstance(one, IsNearBirthday)}
    if windows:
        birthday = persons.profile_of(session, member.id).birthday
        day = visit.clock.day
        found |= {key: int(_is_near(birthday, day, one)) for key, one in windows.items()}
    for key, question in questions.items():
        match question:
            case IsOneMember(member=public_id):
                found[key] = int(member.public_id == public_id)
            case PurchasesBefore():
                found[key] = _number_of(session, member)
            case PurchasesToday():
                found[key] = _purchases_today(session, member, visit)
    return found


def stored_value(
    session: Session,
    programme: Programme,
    cards_to_pay: Sequence[CardToPay],
    currency: str,
    now: datetime,
) -> list[StoredValue]:
    """What stands on these cards in this currency: on accounts in a unit of money that is not what
    the programme counts purchases in. Raises what `cards.owner` raises, `WrongCurrency`,
    `TooManyDecimals`, `AmountTooLarge`."""
    if not cards_to_pay:
        return []
    places = decimals(currency)
    kept_in = [
        unit
        for unit in units.of_programme(session, programme.id)
        if unit.currency == currency and not unit.main and unit.scale <= places
    ]
    found = []
    for one in cards_to_pay:
        wish = one.amount if one.amount == "most" else _in_currency(one.amount, currency)
        holder = cards.owner(session, one.card, now, programme.id).member.holder_id
        has = balances.of_members(session, [unit.id for unit in kept_in], [holder], now)
        for unit in kept_in:
            step = int(10 ** (places - unit.scale))
            available = has[holder, unit.id].available * step
            found.append(StoredValue(one.card, holder, unit.id, available, wish, step))
            if wish != "most":
                wish -= min(wish, available)
    return found


def _in_currency(amount: Money, currency: str) -> int:
    if amount.currency != currency:
        raise WrongCurrency(amount.currency, currency)
    return amount.points(decimals(currency))


def _tree(question: FactAsked) -> Segment | None:
    match question:
        case IsInAudience(tree=tree):
            return tree
        case IsListed(name=name):
            return Listed(kind="listed", list=name)
    return None


def _is_near(birthday: date | None, day: date, window: IsNearBirthday) -> bool:
    if birthday is None:
        return False
    for year in (day.year - 1, day.year, day.year + 1):
        away = (day - _celebrated(birthday, year)).days
        if -window.before <= away <= window.after:
            return True
    return False


def _celebrated(birthday: date, year: int) -> date:
    """Who was born on 29 February celebrates on the 28th in common years."""
    if (birthday.month, birthday.day) == LEAP_DAY and not _is_leap(year):
        return date(year, 2, 28)
    return birthday.replace(year=year)


def _is_leap(year: int) -> bool:
    return date(year, 3, 1) - date(year, 2, 1) == timedelta(days=29)


def _purchases_today(session: Session, member: Member, visit: ShopVisit) -> int:
    begin, end = visit.bounds()
    return _number_of(session, member, (begin, end), visit.store)


def _number_of(
    session: Session,
    member: Member,
    between: tuple[datetime, datetime] | None = None,
    store: Store | None = None,
) -> int:
    """How many purchases of the member stand: those that moved points, which the book knows, and
    receipts that moved none."""
    posted = (
        select(func.count())
        .select_from(PurchaseRow)
        .join(Account, Account.id == PurchaseRow.account_id)
        .where(
            Account.member_id.in_(
                records.members_of(member).union(select(literal(member.holder_id, Identifier)))
            ),
            Account.kind == accounts.MEMBER,
            PurchaseRow.programme_id == member.programme_id,
            PurchaseRow.stands,
        )
    )
    pointless = select(func.count()).select_from(SoldReceipt).where(records.pointless(member))
    if between is not None:
        begin, end = between
        posted = posted.where(PurchaseRow.occurred_at >= begin, PurchaseRow.occurred_at < end)
        pointless = pointless.where(SoldReceipt.at >= begin, SoldReceipt.at < end)
    if store is not None:
        posted = posted.where(PurchaseRow.store == store.code)
        pointless = pointless.where(SoldReceipt.store == store.code)
    counted = select(posted.scalar_subquery() + pointless.scalar_subquery())
    found: int = session.scalars(counted).one()
    return found
