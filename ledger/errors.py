"""Refusals: a stable code and the facts behind it.

Everything here is an answer to give to the person who asked, never a bug. The family says what kind
of refusal it is, and edges go by it: HTTP has a status for each. `str(error)` is the English
sentence; edges may say the same in another language, by `code` and the attributes.

    Refusal
    ├── NotFound    what was named is not there
    ├── Conflict    it is there, and as things are now this cannot be done with it
    ├── Invalid     what was asked for can never be done: the request itself has to change
    └── NotAllowed  whoever asked may not do this"""

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar


class Refusal(Exception):
    """Root of the tree, for `ledger` and for what is built on it. `code` never changes once
    published; `counted` are the attributes that count points."""

    code: ClassVar[str]
    counted: ClassVar[tuple[str, ...]] = ()

    def facts(self) -> dict[str, object]:
        """What a machine may want to know besides the code: the error's own attributes."""
        return dict(vars(self))

    def add_money(self, money: Callable[[int], object]) -> None:
        """Have what counts points say beside them which money they are."""
        for name in self.counted:
            setattr(self, f"{name}_money", money(getattr(self, name)))


class NotFound(Refusal):
    """What was named is not there, or not any more."""


class Conflict(Refusal):
    """As things are now, this cannot be done. Later, or after something else was done, it may."""


class Invalid(Refusal):
    """What was asked for can never be done: the request has to change."""


class NotAllowed(Refusal):
    """Whoever asked may not do this."""


class UnknownProgramme(NotFound):
    code = "unknown_programme"

    def __init__(self, programme: str) -> None:
        super().__init__(f"There is no programme {programme!r}.")
        self.programme = programme


class ProgrammeExists(Conflict):
    code = "programme_exists"

    def __init__(self, programme: str) -> None:
        super().__init__(f"There is a programme {programme!r} already.")
        self.programme = programme


class TermsRefused(Invalid):
    """A programme cannot be like this; `field` names what must change."""

    code = "terms_refused"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field


class UnknownMember(NotFound):
    code = "unknown_member"

    def __init__(self) -> None:
        super().__init__("There is no such member.")


class MemberErased(NotFound):
    """The person behind this member was erased; the id stands for nobody any more."""

    code = "member_erased"

    def __init__(self) -> None:
        super().__init__("This member was erased.")


class HouseholdNotEmpty(Conflict):
    code = "household_not_empty"

    def __init__(self, members: int) -> None:
        super().__init__(
            f"{members} other members use the points of this household; they leave it first."
        )
        self.members = members


class UnknownCard(NotFound):
    code = "unknown_card"

    def __init__(self) -> None:
        super().__init__("There is no card with this number.")


class CardBlocked(Conflict):
    code = "card_blocked"

    def __init__(self) -> None:
        super().__init__("This card was replaced by another one.")


class ExternalIdTaken(Conflict):
    code = "external_id_taken"

    def __init__(self, external_id: str) -> None:
        super().__init__("Another member of this programme has this external id.")
        self.external_id = external_id


class PhoneTaken(Conflict):
    """The number itself is not among the facts: answers of refusals may be logged by clients."""

    code = "phone_taken"

    def __init__(self) -> None:
        super().__init__("Another member of this programme has this phone number.")


class EmailTaken(Conflict):
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another member of this programme has this e-mail address.")


class UnknownOffer(NotFound):
    code = "unknown_offer"

    def __init__(self) -> None:
        super().__init__("There is no such offer.")


class InsufficientPoints(Conflict):
    code = "insufficient_points"
    counted = ("asked", "available")

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} points were asked for and {available} are available.")
        self.asked = asked
        self.available = available


class BalanceTooLarge(Conflict):
    code = "balance_too_large"
    counted = ("largest",)

    def __init__(self, largest: int) -> None:
        super().__init__(f"A balance can hold at most {largest} points.")
        self.largest = largest


class DatesOutOfOrder(Invalid):
    code = "dates_out_of_order"

    def __init__(self, earlier: str, later: str) -> None:
        super().__init__(f"{earlier} must lie before {later}.")
        self.earlier = earlier
        self.later = later


class DateOutOfRange(Invalid):
    code = "date_out_of_range"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} lies too far in the past or in the future.")
        self.field = field


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used before, with another request.")


class UnitExists(Conflict):
    code = "unit_exists"

    def __init__(self, unit: str) -> None:
        super().__init__(f"The programme has a unit {unit!r} already.")
        self.unit = unit


class UnknownUnit(NotFound):
    code = "unknown_unit"

    def __init__(self, unit: str) -> None:
        super().__init__(f"The programme has no unit {unit!r}.")
        self.unit = unit


class NotMoney(Invalid):
    """Money was given for what the programme counts in points or stamps."""

    code = "not_money"

    def __init__(self, unit: str) -> None:
        super().__init__(f"The unit {unit!r} is not money: give points.")
        self.unit = unit


class WrongCurrency(Invalid):
    code = "wrong_currency"

    def __init__(self, given: str, currency: str) -> None:
        super().__init__(f"The currency here is {currency}, not {given}.")
        self.given = given
        self.currency = currency


class TooManyDecimals(Invalid):
    code = "too_many_decimals"

    def __init__(self, scale: int) -> None:
        super().__init__(f"An amount has at most {scale} decimal places here.")
        self.scale = scale


class AmountTooLarge(Invalid):
    code = "amount_too_large"

    def __init__(self, largest: str) -> None:
        super().__init__(f"An amount is at most {largest}.")
        self.largest = largest


class UnknownPosting(NotFound):
    code = "unknown_posting"

    def __init__(self) -> None:
        super().__init__("There is no such posting.")


class DayNotClosed(Conflict):
    """The posting has no proof yet. `closes_at`: its day ends then; none if it waits for its
    seal."""

    code = "day_not_closed"

    def __init__(self, closes_at: datetime | None) -> None:
        super().__init__("There is a proof of a posting once the day of its sealing is over.")
        self.closes_at = closes_at


class SealBroken(Refusal):
    code = "seal_broken"

    def __init__(self) -> None:
        super().__init__("This posting is not as it was sealed; the operator has to look into it.")


class NotReversible(Conflict):
    code = "not_reversible"

    def __init__(self, kind: str) -> None:
        super().__init__(f"A posting of the kind {kind!r} cannot be reversed.")
        self.kind = kind


class ReversalTooLarge(Conflict):
    code = "reversal_too_large"
    counted = ("asked", "left")

    def __init__(self, asked: int, left: int) -> None:
        super().__init__(f"{asked} points were to be reversed and {left} of the posting are left.")
        self.asked = asked
        self.left = left


class PointsSpent(Conflict):
    code = "points_spent"
    counted = ("missing",)

    def __init__(self, missing: int) -> None:
        super().__init__(f"{missing} of these points were spent and cannot be taken back.")
        self.missing = missing


class HoldsOpen(Conflict):
    code = "holds_open"

    def __init__(self, held: int) -> None:
        super().__init__(f"{held} points are held; capture or release them first.")
        self.held = held


class UnknownHold(NotFound):
    code = "unknown_hold"

    def __init__(self) -> None:
        super().__init__("There is no such hold.")


class HoldClosed(Conflict):
    """The hold has ended before; `state` says how."""

    code = "hold_closed"

    def __init__(self, state: str) -> None:
        super().__init__(f"This hold has ended: {state.replace('_', ' ')}.")
        self.state = state


class HoldExpired(Conflict):
    code = "hold_expired"

    def __init__(self) -> None:
        super().__init__("The time of this hold is over.")


class CaptureTooLarge(Conflict):
    code = "capture_too_large"
    counted = ("asked", "held")

    def __init__(self, asked: int, held: int) -> None:
        super().__init__(f"{asked} points were to be captured and {held} are held.")
        self.asked = asked
        self.held = held


class OtherProgramme(Conflict):
    code = "other_programme"

    def __init__(self) -> None:
        super().__init__("Both members must belong to one programme.")


class SameMember(Conflict):
    code = "same_member"

    def __init__(self) -> None:
        super().__init__("Name two different members.")


class PooledMember(Conflict):
    code = "pooled_member"

    def __init__(self) -> None:
        super().__init__("The member belongs to a household; they leave it first.")


class MemberMergedAway(Conflict):
    code = "member_merged"

    def __init__(self, into: str) -> None:
        super().__init__("The member was merged into another one.")
        self.into = into


class FileRefused(Invalid):
    """A file cannot be read as a table. `problem` is the stable word for what is wrong."""

    code = "file_refused"

    def __init__(self, problem: str, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.problem = problem
        self.told = facts

    def facts(self) -> dict[str, object]:
        return {"problem": self.problem, **self.told}


class UnknownImport(NotFound):
    code = "unknown_import"

    def __init__(self) -> None:
        super().__init__("There is no such import.")


class ImportRepeated(Conflict):
    code = "import_repeated"

    def __init__(self, import_id: str) -> None:
        super().__init__(f"This very file was imported before: {import_id}.")
        self.import_id = import_id


class ImportReplaced(Conflict):
    code = "import_replaced"

    def __init__(self) -> None:
        super().__init__("The file was sent once more meanwhile; that import takes the place.")


class ImportNotReady(Conflict):
    """The import is not in a state for this; `state` says in which it is."""

    code = "import_not_ready"

    def __init__(self, state: str) -> None:
        super().__init__(f"This cannot be done now: the import is {state}.")
        self.state = state


class ImportHasBadRows(Conflict):
    code = "import_has_bad_rows"

    def __init__(self, bad: int, rows: int) -> None:
        super().__init__(
            f"{bad} of {rows} rows cannot be imported. Correct the file, or ask for the rest of it."
        )
        self.bad = bad
        self.rows = rows
