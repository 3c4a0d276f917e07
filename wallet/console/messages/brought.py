"""What a campaign brought and what it cost, in words: those who were told beside those who were
not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ledger import words
from ledger.book import purchases
from ledger.programmes import units
from wallet.console.members import people
from wallet.console.messages import outcome
from wallet.console.messages.told import CampaignReading
from wallet.outreach import comparison, effect, results
from wallet.outreach.campaigns import Campaign
from wallet.outreach.comparison import Group
from wallet.outreach.effect import InCurrency, Sales
from wallet.pages import language
from wallet.pages.language import counted
from wallet.pages.language import gettext as _


@dataclass(frozen=True, slots=True)
class GroupLine:
    """What a group did: how many members, how many of them bought, which share that is, and what
    each paid on average, by currency."""

    words: str
    members: str
    bought: str
    share: str
    average: str


@dataclass(frozen=True, slots=True)
class ToldAndHeldOut:
    """Both groups side by side, and what may be said of the difference."""

    until: str
    is_over: bool
    groups: Sequence[GroupLine]
    difference: str
    conclusion: str
    money: Sequence[str]
    counts_accruals: bool


def of(session: Session, campaign: Campaign, days: int, reading: CampaignReading) -> dict[str, Any]:
    """What the page of a campaign shows of it."""
    sales = effect.of_campaign(session, campaign, days, reading.now)
    return {
        "sales": None if sales is None else _told_and_held_out(sales, reading),
        "cost": cost(session, campaign, reading),
        "gain": [] if sales is None else _gain(sales),
    }


def _told_and_held_out(sales: Sales, reading: CampaignReading) -> ToldAndHeldOut:
    tongue = language.current()
    told, held = sales.told, sales.held_out
    verdict = comparison.share_conclusion(told, held)
    difference = ""
    if told.members and held.members:
        found = comparison.of_shares(told, held)
        difference = _(
            "%(found)s percentage points; the true one lies between %(low)s and %(high)s.",
            found=signed(found.found),
            low=signed(found.low),
            high=signed(found.high),
        )
    return ToldAndHeldOut(
        reading.at(sales.until),
        sales.until <= reading.now,
        [
            _group(_("Got it"), told, [(one.told.average, one.currency) for one in sales.money]),
            _group(
                _("Control group"),
                held,
                [(one.held_out.average, one.currency) for one in sales.money],
            ),
        ],
        difference,
        effect.in_words(verdict)[tongue],
        [line for one in sales.money for line in _in_currency(one)],
        sales.counted != "purchases",
    )


def _group(called: str, group: Group, averages: Sequence[tuple[float, str]]) -> GroupLine:
    return GroupLine(
        called,
        language.number(group.members),
        language.number(group.buyers),
        outcome.percent(group.share) if group.members else "",
        ", ".join(_money(average, currency) for average, currency in averages)
        if group.members
        else "",
    )


def _in_currency(one: InCurrency) -> list[str]:
    """What may be said of what both groups paid on average."""
    tongue = language.current()
    verdict = comparison.spending_conclusion(one.told, one.held_out)
    said = effect.in_words(verdict)[tongue]
    if min(one.told.members, one.held_out.members) < 2:
        return []
    found = comparison.of_averages(one.told, one.held_out)
    return [
        _(
            "Paid on average: %(found)s more; the true difference lies between %(low)s and"
            " %(high)s. %(verdict)s",
            found=_money(found.found, one.currency),
            low=_money(found.low, one.currency),
            high=_money(found.high, one.currency),
            verdict=said,
        )
    ]


def _gain(sales: Sales) -> list[str]:
    """What it brought in all, where that may be said."""
    said = []
    for one in sales.money:
        if comparison.spending_conclusion(one.told, one.held_out) not in ("more", "less"):
            continue
        found = comparison.of_averages(one.told, one.held_out)
        number = one.told.members
        said.append(
            _(
                "%(found)s, between %(low)s and %(high)s",
                found=_money(found.found * number, one.currency),
                low=_money(found.low * number, one.currency),
                high=_money(found.high * number, one.currency),
            )
        )
    return said


def cost(session: Session, campaign: Campaign, reading: CampaignReading) -> str:
    """What it cost: the points that came with it; a message itself costs nothing."""
    if campaign.coupon is not None:
        given = results.of_coupons(session, campaign).given
        return counted("%(count)s coupon", "%(count)s coupons", given)
    spent = effect.cost(session, campaign)
    unit = units.named(session, campaign.programme_id, None)
    if not spent.gifts:
        return _("nothing: messages in Wallet are free")
    return _("%(points)s of gifts", points=people.points(unit, spent.gifts))


def signed(share: float) -> str:
    """A difference of shares, in percentage points with their sign."""
    value = round(share * 100, 1) + 0.0
    return f"{'+' if value > 0 else ''}{outcome.decimal(value)}".replace("-", "−")


def _money(pieces: float, currency: str) -> str:
    money = purchases.money(round(pieces), currency)
    return words.value_in(language.current(), money).replace("-", "−")
