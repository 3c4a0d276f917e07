"""Refusals of the ledger: a stable code and the facts behind it.

Everything here is an answer to give to the person who asked, never a bug. `str(error)` is the
English sentence; edges may say the same in another language, by `code` and the attributes."""

from typing import ClassVar


class LedgerError(Exception):
    """Root of the family. `code` never changes once published."""

    code: ClassVar[str]

    def facts(self) -> dict[str, object]:
        """What a machine may want to know besides the code: the error's own attributes."""
        return dict(vars(self))


class UnknownProgramme(LedgerError):
    code = "unknown_programme"

    def __init__(self, programme: str) -> None:
        super().__init__(f"There is no programme {programme!r}.")
        self.programme = programme


class ProgrammeExists(LedgerError):
    code = "programme_exists"

    def __init__(self, programme: str) -> None:
        super().__init__(f"There is a programme {programme!r} already.")
        self.programme = programme


class TermsRefused(LedgerError):
    """A programme cannot be like this; `field` names what must change."""

    code = "terms_refused"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field


class UnknownMember(LedgerError):
    code = "unknown_member"

    def __init__(self) -> None:
        super().__init__("There is no such member.")


class UnknownCard(LedgerError):
    code = "unknown_card"

    def __init__(self) -> None:
        super().__init__("There is no card with this number.")


class ExternalIdTaken(LedgerError):
    code = "external_id_taken"

    def __init__(self, external_id: str) -> None:
        super().__init__("Another member of this programme has this external id.")
        self.external_id = external_id


class PhoneTaken(LedgerError):
    """The number itself is not among the facts: answers of refusals may be logged by clients."""

    code = "phone_taken"

    def __init__(self) -> None:
        super().__init__("Another member of this programme has this phone number.")


class EmailTaken(LedgerError):
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("Another member of this programme has this e-mail address.")


class UnknownOffer(LedgerError):
    code = "unknown_offer"

    def __init__(self) -> None:
        super().__init__("There is no such offer.")


class InsufficientPoints(LedgerError):
    code = "insufficient_points"

    def __init__(self, asked: int, available: int) -> None:
        super().__init__(f"{asked} points were asked for and {available} are available.")
        self.asked = asked
        self.available = available


class BalanceTooLarge(LedgerError):
    code = "balance_too_large"

    def __init__(self, largest: int) -> None:
        super().__init__(f"A balance can hold at most {largest} points.")
        self.largest = largest


class DatesOutOfOrder(LedgerError):
    code = "dates_out_of_order"

    def __init__(self, earlier: str, later: str) -> None:
        super().__init__(f"{earlier} must lie before {later}.")
        self.earlier = earlier
        self.later = later


class DateOutOfRange(LedgerError):
    code = "date_out_of_range"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} lies too far in the past or in the future.")
        self.field = field


class IdempotencyConflict(LedgerError):
    code = "idempotency_conflict"

    def __init__(self) -> None:
        super().__init__("This idempotency key was used before, with another request.")
