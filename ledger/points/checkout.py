"""A purchase that is settled by the base programme alone, where there is no till that counts:
points pay a part of it, and what is paid in money earns points."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.book import statements
from ledger.errors import NoPercentBack, NothingEarned, PayableExceeded, WrongCurrency
from ledger.money import WHOLE, Money, decimals
from ledger.people.members import Member
from ledger.points import accruals, redemptions
from ledger.points.accruals import Grant
from ledger.points.causes import Cause, Movement
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.programmes import base_terms, units
from ledger.programmes.earning import Rates
from ledger.programmes.units import Unit


@dataclass(frozen=True, slots=True)
class CheckoutQuote:
    """What a purchase would bring a member, in pieces of the main unit. `earns`: if all of it is
    paid in money. `spends`: how many points would pay of it; `pays`: what they pay; `due`: what
    then is left to be paid in money, and `earns_besides`: what that earns."""

    unit: Unit
    earns: int
    spends: int
    pays: Money
    due: Money
    earns_besides: int


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """What a purchase brought. `paid`: in money."""

    paid: Money
    spent: Movement | None
    earned: Movement | None


def rates_of(session: Session, unit: Unit) -> Rates | None:
    """By what purchases are settled in this main unit; None where nothing says it. Money pays what
    it is, also where no purchase earns any."""
    known = base_terms.rates(session, unit)
    if known is None and unit.currency is not None:
        piece = 10 ** decimals(unit.currency)
        return Rates(back=0, payable=WHOLE, worth=piece, currency=unit.currency, scale=unit.scale)
    return known


def quote(
    session: Session, member: Member, total: Money, now: datetime, wanted: int | None = None
) -> CheckoutQuote:
    """What a purchase of this size would bring the member now, if they spend as many points as may
    be, or no more than `wanted`; nothing is locked or posted. Raises `NoPercentBack`,
    `WrongCurrency`, `TooManyDecimals`, `AmountTooLarge`."""
    unit = units.named(session, member.programme_id, None)
    rates, pieces = _settled_by(session, unit, total)
    standing = statements.main_balances(session, member.programme_id, [member], now)
    available = max(0, standing[member.id].available)
    most = min(available, rates.most_points(pieces))
    spends = most if wanted is None else max(0, min(wanted, most))
    pays, places = rates.pays(spends), decimals(total.currency)
    return CheckoutQuote(
        unit,
        rates.earned(pieces),
        spends,
        Money.of(pays, places, total.currency),
        Money.of(pieces - pays, places, total.currency),
        rates.earned(pieces - pays),
    )


def check_out(
    session: Session, whom: Whom | Member, total: Money, points: int, cause: Cause, now: datetime
) -> CheckedOut:
    """Settle a purchase: `points` pieces of the main unit pay of it, 0 for none, and the rest
    earns. What was paid in money stands with what was earned, or else with what was spent: it is
    one purchase. Raises `PayableExceeded`, `NothingEarned` where no point moves, what `quote`
    raises, and what `redemptions.redeem` and `accruals.grant` raise."""
    programme_id = whom.programme_id
    assert programme_id is not None, "a purchase is settled in one programme"  # noqa: S101
    unit = units.named(session, programme_id, None)
    rates, pieces = _settled_by(session, unit, total)
    if points > rates.most_points(pieces):
        with unit.errors_in_money():
            raise PayableExceeded(points, rates.most_points(pieces))
    left = pieces - rates.pays(points)
    paid = Money.of(left, decimals(total.currency), total.currency)
    earns = rates.earned(left)
    if not points and not earns:
        raise NothingEarned if rates.back else NoPercentBack
    bought, beside = replace(cause, purchase=paid), replace(cause, purchase=None)
    spent = earned = None
    if points:
        spend = Spend(points, beside if earns else bought)
        spent = redemptions.redeem(session, whom, spend, now)
    if earns:
        earned = accruals.grant(session, whom, Grant(earns, bought), now)
    return CheckedOut(paid, spent, earned)


def _settled_by(session: Session, unit: Unit, total: Money) -> tuple[Rates, int]:
    """The rates, and the purchase in the smallest pieces of its currency."""
    rates = rates_of(session, unit)
    if rates is None:
        raise NoPercentBack
    if total.currency != rates.currency:
        raise WrongCurrency(total.currency, rates.currency)
    return rates, total.points(decimals(total.currency))
