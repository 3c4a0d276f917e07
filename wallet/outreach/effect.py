"""What a campaign brought and what it cost: who bought something afterwards, of those who were told
and of those who were held out to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Float, case, cast, func, select
from sqlalchemy.orm import Session

from ledger.book import purchases
from ledger.book.accounts import MEMBER, Account
from ledger.book.journal import Entry, Posting
from ledger.book.purchases import PurchaseRow
from ledger.languages import LANGUAGES, Language
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.segments import conditions, scope
from wallet import sentences
from wallet.outreach.campaigns import Campaign
from wallet.outreach.comparison import Conclusion, Group, Spending
from wallet.outreach.deliveries import Delivery, DeliveryState

# What was counted: purchases as tills tell them; accruals that were no gifts, where none were ever
# told; or both, where the first was told within the time.
Counted = Literal["purchases", "accruals", "both"]
CONTEXT = "comparison"  # in which the catalogue has each conclusion in words
COMPARED: tuple[DeliveryState, DeliveryState] = ("told", "held_out")


@dataclass(frozen=True, slots=True)
class InCurrency:
    """What both groups paid in one currency, in its smallest pieces."""

    currency: str
    told: Spending
    held_out: Spending


@dataclass(frozen=True, slots=True)
class CampaignEffect:
    """Purchases from the start of a campaign up to `until`, which may be still to come. `money` is
    in the order of how much was paid in all."""

    since: datetime
    until: datetime
    counted: Counted
    told: Group
    held_out: Group
    money: Sequence[InCurrency]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a campaign cost up to now: how many members were told, and how many points of the main
    unit came with its messages."""

    messages: int
    gifts: int


def in_words(conclusion: Conclusion) -> dict[Language, str]:
    """What may be said of a difference, in each language."""
    return {
        language: sentences.CATALOGUE.text(language, conclusion, CONTEXT) for language in LANGUAGES
    }


def of_campaign(
    session: Session, campaign: Campaign, days: int, now: datetime
) -> CampaignEffect | None:
    """What was bought in so many days from the campaign's start; None if it has not begun.

    Both groups are watched from one moment on, whenever each member was told: those who were held
    out were not told at any. Purchases of a household count for each of its members."""
    if campaign.started_at is None:
        return None
    since, until = campaign.started_at, campaign.started_at + timedelta(days=days)
    programme = programmes.by_id(session, campaign.programme_id)
    in_scope = scope.in_main_unit(session, programme, now)
    bought = conditions.has_purchase(in_scope, since, until)
    counts = session.execute(
        select(Delivery.state, func.count(), func.sum(case((bought, 1), else_=0)))
        .select_from(Delivery)
        .join(Member, Member.id == Delivery.member_id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state.in_(COMPARED))
        .group_by(Delivery.state)
    )
    groups = {state: Group(members, int(buyers)) for state, members, buyers in counts}
    told, held_out = (groups.get(state, Group(0, 0)) for state in COMPARED)
    money = _money(session, campaign, since, until, told, held_out)
    counted = _counted(session, campaign.programme_id, since)
    return CampaignEffect(since, until, counted, told, held_out, money)


def cost(session: Session, campaign: Campaign) -> Cost:
    """What the campaign cost up to now."""
    theirs = (Delivery.campaign_id == campaign.id, Delivery.posting_id.is_not(None))
    gifts = session.scalar(
        select(func.sum(Entry.amount))
        .join(Account, Account.id == Entry.account_id)
        .join(Delivery, Delivery.posting_id == Entry.posting_id)
        .where(*theirs, Account.kind == MEMBER, Entry.amount > 0)
    )
    told = select(func.count()).where(Delivery.campaign_id == campaign.id, Delivery.state == "told")
    return Cost(session.scalars(told).one(), int(gifts or 0))


def _money(
    session: Session,
    campaign: Campaign,
    since: datetime,
    until: datetime,
    told: Group,
    held_out: Group,
) -> list[InCurrency]:
    """What members paid, less what was taken back of it."""
    by_member = (
        select(
            Delivery.state.label("state"),
            PurchaseRow.currency.label("currency"),
            func.sum(PurchaseRow.amount).label("paid"),
        )
        .select_from(Delivery)
        .join(Member, Member.id == Delivery.member_id)
        .join(Account, Account.member_id == conditions.HOLDER)
        .join(PurchaseRow, PurchaseRow.account_id == Account.id)
        .where(
            Delivery.campaign_id == campaign.id,
            Delivery.state.in_(COMPARED),
            PurchaseRow.occurred_at >= since,
            PurchaseRow.occurred_at < until,
        )
        .group_by(Delivery.id, Delivery.state, PurchaseRow.currency)
        .subquery()
    )
    paid = by_member.c.paid
    rows = session.execute(
        select(
            by_member.c.state,
            by_member.c.currency,
            func.sum(case((paid > 0, 1), else_=0)),
            func.sum(paid),
            # Squares of large sums do not fit into an integer.
            func.sum(cast(paid, Float) * cast(paid, Float)),
        ).group_by(by_member.c.state, by_member.c.currency)
    )
    found = {(row[0], row[1]): (int(row[2]), int(row[3]), float(row[4])) for row in rows}
    nothing = 0, 0, 0.0
    money = [
        InCurrency(
            currency,
            Spending(told.members, *found.get(("told", currency), nothing)),
            Spending(held_out.members, *found.get(("held_out", currency), nothing)),
        )
        for currency in sorted({currency for _, currency in found})
    ]
    return sorted(money, key=lambda one: -(one.told.total + one.held_out.total))


def _counted(session: Session, programme_id: int, since: datetime) -> Counted:
    first = session.scalar(
        select(Posting.posted_at).where(Posting.id == purchases.first(programme_id))
    )
    if first is None:
        return "accruals"
    return "purchases" if first <= since else "both"
