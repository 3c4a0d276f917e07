"""Why points move, in the shop's own words, and what came of it. All operations that move points
use these."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger.book.accounts import Balance
from ledger.book.drafts import Paid, PostingHeader, PostingKind
from ledger.errors import DateOutOfRange, WrongCurrency
from ledger.limits import EARLIEST, LATEST, NEVER
from ledger.money import Money, decimals
from ledger.people.members import Member
from ledger.programmes.units import Unit

# A till may be in another time zone than it believes.
CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why points move, in the shop's own words: a sentence, the number of a receipt, the names of a
    store and of a promotion, the card that was shown, when it happened, and what was paid if it
    was a purchase."""

    reason: str | None = None
    receipt: str | None = None
    occurred_at: datetime | None = None
    store: str | None = None
    promotion: str | None = None
    card_id: int | None = None
    purchase: Money | None = None

    def with_card(self, card_id: int | None) -> "Cause":
        """The same cause with the card that was shown. With None the cause stays as it is."""
        return self if card_id is None else replace(self, card_id=card_id)


NO_CAUSE = Cause()


@dataclass(frozen=True, slots=True)
class Movement:
    """What a posting did to one member: so many points of a unit (without a sign), and the member's
    balance right after it. `debt_paid`: how many of points that came in paid a debt at once."""

    member: Member
    posting_id: str
    points: int
    unit: Unit
    balance: Balance
    debt_paid: int = 0


def header(
    kind: PostingKind, programme_id: int, cause: Cause, now: datetime, *, unit: Unit | None = None
) -> PostingHeader:
    """What is to be posted, and why. `unit`: what moves, where the posting may belong to a
    purchase; without it, none is kept. Raises what `check_clock` and `paid` raise."""
    check_clock(cause.occurred_at, now)
    return PostingHeader(
        programme_id,
        kind,
        cause.occurred_at or now,
        cause.reason,
        cause.receipt,
        cause.store,
        cause.promotion,
        cause.card_id,
        paid=None if unit is None else paid(cause.purchase, unit),
    )


def paid(purchase: Money | None, unit: Unit) -> Paid | None:
    """What was paid in a purchase, as the book keeps it. It may be in any currency, with its own
    decimal places; but where `unit`, which moves by the purchase, is money, in the same. Raises
    `WrongCurrency`, `TooManyDecimals`, `AmountTooLarge`."""
    if purchase is None:
        return None
    if unit.currency not in (None, purchase.currency):
        raise WrongCurrency(purchase.currency, unit.currency or "")
    return Paid(purchase.points(decimals(purchase.currency)), purchase.currency)


def check_clock(occurred_at: datetime | None, now: datetime) -> None:
    """Raises `DateOutOfRange`, also for what is said to happen tomorrow: the clock of a till is
    wrong then."""
    check_range(occurred_at=occurred_at)
    if occurred_at is not None and occurred_at > now + CLOCKS_DIFFER:
        raise DateOutOfRange("occurred_at", latest=now + CLOCKS_DIFFER)


def check_range(**moments: datetime | None) -> None:
    """Raises `DateOutOfRange` for a moment that can only be a mistake: before `EARLIEST` or not
    before `LATEST`. `NEVER` and None are allowed; the keywords are names of fields."""
    for name, moment in moments.items():
        if moment is not None and moment != NEVER and not EARLIEST <= moment < LATEST:
            raise DateOutOfRange(name)
