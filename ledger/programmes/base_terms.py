"""The base programme: what every purchase earns and how much of it points may pay, whatever
promotions there are; and what a new member is welcomed with. How long points live is a term of
their unit (`units`)."""

from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, insert_or
from ledger.errors import NoPercentBack, NothingEarned, TermsRefused, WrongCurrency
from ledger.limits import MOST_POINTS
from ledger.money import WHOLE, Money, currencies, decimals
from ledger.programmes import units
from ledger.programmes.earning import Rates
from ledger.programmes.units import MOST_LIVE_DAYS, Unit


class BaseProgramme(Base):
    """What a programme gives at every purchase, in its main unit. `back` and `payable` are
    hundredths of a percent. `worth`: what one whole point pays, in the smallest pieces of
    `currency`. `welcome_gift`: points for a new member, in the smallest pieces of the unit; they
    live `welcome_live_days`, or as the unit's terms say."""

    __tablename__ = "ledger_base_programme"
    __table_args__ = (
        CheckConstraint(f"back >= 0 AND back <= {WHOLE}", name="back"),
        CheckConstraint(f"payable >= 0 AND payable <= {WHOLE}", name="payable"),
        CheckConstraint("worth > 0", name="worth"),
    )

    programme_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("ledger_programme.id"), primary_key=True, autoincrement=False
    )
    back: Mapped[int]
    payable: Mapped[int]
    worth: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    welcome_gift: Mapped[int | None]
    welcome_live_days: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class BaseTerms:
    """The base programme as it is wanted. `worth`: what one whole point pays; left out where the
    unit is money, which pays what it is. The rest as in `BaseProgramme`."""

    back: int
    payable: int
    worth: Money | None = None
    welcome_gift: int | None = None
    welcome_live_days: int | None = None


def of(session: Session, programme_id: int) -> BaseProgramme | None:
    """The base programme as it is now; None while nobody has set it."""
    return session.get(BaseProgramme, programme_id, populate_existing=True)


def put(session: Session, programme_id: int, terms: BaseTerms) -> BaseProgramme:
    """Set the base programme; it holds for purchases that are told from now on. The caller has
    locked the programme. Raises `TermsRefused`, `TooManyDecimals`, `AmountTooLarge`."""
    unit = units.named(session, programme_id, None)
    _check(unit, terms)
    worth = _worth(unit, terms)
    values = {
        "back": terms.back,
        "payable": terms.payable,
        "worth": worth.points(decimals(worth.currency)),
        "currency": worth.currency,
        "welcome_gift": terms.welcome_gift,
        "welcome_live_days": terms.welcome_live_days,
    }
    session.execute(
        insert_or(session, BaseProgramme)
        .values(programme_id=programme_id, **values)
        .on_conflict_do_update(index_elements=["programme_id"], set_=values)
    )
    return session.get_one(BaseProgramme, programme_id, populate_existing=True)


def _check(unit: Unit, terms: BaseTerms) -> None:
    for name, size in (("percent_back", terms.back), ("percent_payable", terms.payable)):
        if unit.kind == "stamps" and size:
            raise TermsRefused(name, "stamps have no percent: leave it 0.")
        if not 0 <= size <= WHOLE:
            raise TermsRefused(name, "from 0 to 100 percent.")
    gift = terms.welcome_gift
    if gift is not None and not 1 <= gift <= MOST_POINTS:
        raise TermsRefused("welcome", "from {least} to {most} points.", least=1, most=MOST_POINTS)
    live_days = terms.welcome_live_days
    if live_days is not None and gift is None:
        raise TermsRefused("welcome", "say how many points, and then how long they live.")
    if live_days is not None and not 1 <= live_days <= MOST_LIVE_DAYS:
        raise TermsRefused("live_days", "from {least} to {most}.", least=1, most=MOST_LIVE_DAYS)


def _worth(unit: Unit, terms: BaseTerms) -> Money:
    """What one whole point pays. Raises `TermsRefused`."""
    if unit.currency is not None:
        own = Money("1", unit.currency)
        if terms.worth is not None and not _is_one(terms.worth, unit.currency):
            raise TermsRefused(
                "point_worth", "this programme counts money, which pays what it is: leave it out."
            )
        return own
    if terms.worth is None:
        raise TermsRefused("point_worth", "say what one point pays, such as 1 RUB.")
    if terms.worth.currency not in currencies():
        raise TermsRefused("point_worth", "a currency that ISO 4217 knows, such as RUB.")
    if terms.worth.points(decimals(terms.worth.currency)) < 1:
        raise TermsRefused("point_worth", "more than 0.")
    return terms.worth


def _is_one(worth: Money, currency: str) -> bool:
    places = decimals(currency)
    return worth.currency == currency and worth.points(places) == 10**places


def rates(session: Session, unit: Unit) -> Rates | None:
    """By what purchases earn in this unit, and are paid with it; None where the programme has set
    no base programme, or counts its points in another unit."""
    if not unit.main:
        return None
    row = session.execute(
        select(
            BaseProgramme.back, BaseProgramme.payable, BaseProgramme.worth, BaseProgramme.currency
        ).where(BaseProgramme.programme_id == unit.programme_id)
    ).one_or_none()
    return None if row is None else Rates(*row, scale=unit.scale)


def earned(known: Rates | None, purchase: Money | None) -> int:
    """The points that a purchase earns, in the smallest pieces of the unit. Raises `NoPercentBack`
    where purchases earn nothing, `NothingEarned` for one that is too small, `WrongCurrency`,
    `TooManyDecimals`, `AmountTooLarge`."""
    if known is None or not known.back or purchase is None:
        raise NoPercentBack
    if purchase.currency != known.currency:
        raise WrongCurrency(purchase.currency, known.currency)
    points = known.earned(purchase.points(decimals(purchase.currency)))
    if not points:
        raise NothingEarned
    return min(points, MOST_POINTS)
