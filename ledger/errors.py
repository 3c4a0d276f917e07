"""Refusals: a stable code and the facts behind it.

Everything here is an answer to give to the person who asked, never a bug. The family says what kind
of refusal it is, and edges go by it: HTTP has a status for each. What a refusal says stands in the
catalogue, by its code and in each language; `str(error)` is the English sentence.

    Refusal
    ├── NotFound    what was named is not there
    ├── Conflict    it is there, and as things are now this cannot be done with it
    ├── Invalid     what was asked for can never be done: the request itself has to change
    └── NotAllowed  whoever asked may not do this"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.words import REFUSAL, REFUSAL_OF_MONEY

NONE: Mapping[str, str] = MappingProxyType({})


class Refusal(Exception):
    """Root of the tree, for `ledger` and for what is built on it. `code` never changes once
    published.

    `counted` are the attributes that count points. `plural` is the number that the words of the
    sentence agree with. `vocabulary` names the attributes that are words of ours, such as a state,
    and the context in which the catalogue has them."""

    code: ClassVar[str]
    counted: ClassVar[tuple[str, ...]] = ()
    plural: ClassVar[str] = ""
    vocabulary: ClassVar[Mapping[str, str]] = NONE

    def __str__(self) -> str:
        return self.sentence(ENGLISH)

    def facts(self) -> dict[str, object]:
        """What a machine may want to know besides the code: the error's own attributes."""
        return {name: fact for name, fact in vars(self).items() if not name.startswith("_")}

    def add_money(self, money: Callable[[int], object]) -> None:
        """Have what counts points say beside them which money they are."""
        for name in self.counted:
            setattr(self, f"{name}_money", money(getattr(self, name)))

    def sentence(self, language: Language) -> str:
        """What is refused and why, for people. Where points are money, it speaks of that."""
        catalogue, places = words.catalogue_of(type(self)), self._places(language)
        money = {name: places.get(f"{name}_money") for name in self.counted}
        if money and None not in money.values():
            return catalogue.sentence(language, self.code, {**places, **money}, REFUSAL_OF_MONEY)
        number = getattr(self, self.plural) if self.plural else None
        return catalogue.sentence(language, self.code, places, REFUSAL, number)

    def _places(self, language: Language) -> dict[str, object]:
        """What the places of the sentence are filled with."""
        catalogue, facts = words.catalogue_of(type(self)), self.facts()
        for name, context in self.vocabulary.items():
            facts[name] = catalogue.text(language, str(facts[name]), context)
        return facts


class NotFound(Refusal):
    """What was named is not there, or not any more."""


class Conflict(Refusal):
    """As things are now, this cannot be done. Later, or after something else was done, it may."""


class Invalid(Refusal):
    """What was asked for can never be done: the request has to change."""


class NotAllowed(Refusal):
    """Whoever asked may not do this."""


class WithReason(Refusal):
    """A refusal with as many reasons as there are rules to break. A reason is written in English
    where the rule is, with places for `facts` in braces; the catalogue knows it by that text."""

    def __init__(self, reason: str, facts: Mapping[str, object]) -> None:
        super().__init__()
        self._reason = reason
        self._facts = facts

    def reason(self, language: Language) -> str:
        """The rule that was broken, for people."""
        return words.catalogue_of(type(self)).sentence(language, self._reason, self._facts)

    def _places(self, language: Language) -> dict[str, object]:
        return {**super()._places(language), "reason": self.reason(language)}


class UnknownProgramme(NotFound):
    code = "unknown_programme"

    def __init__(self, programme: str) -> None:
        self.programme = programme


class ProgrammeExists(Conflict):
    code = "programme_exists"

    def __init__(self, programme: str) -> None:
        self.programme = programme


class TermsRefused(WithReason, Invalid):
    """A programme cannot be like this; `field` names what must change."""

    code = "terms_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class UnknownMember(NotFound):
    code = "unknown_member"


class MemberErased(NotFound):
    """The person behind this member was erased; the id stands for nobody any more."""

    code = "member_erased"


class HouseholdNotEmpty(Conflict):
    """`members`: how many others use its points. They leave it first."""

    code = "household_not_empty"
    plural = "members"

    def __init__(self, members: int) -> None:
        self.members = members


class UnknownCard(NotFound):
    code = "unknown_card"


class CardBlocked(Conflict):
    """The card was replaced by another one."""

    code = "card_blocked"


class ExternalIdTaken(Conflict):
    code = "external_id_taken"

    def __init__(self, external_id: str) -> None:
        self.external_id = external_id


class PhoneTaken(Conflict):
    """The number itself is not among the facts: answers of refusals may be logged by clients."""

    code = "phone_taken"


class EmailTaken(Conflict):
    code = "email_taken"


class UnknownOffer(NotFound):
    code = "unknown_offer"


class InsufficientPoints(Conflict):
    code = "insufficient_points"
    counted = ("asked", "available")
    plural = "asked"

    def __init__(self, asked: int, available: int) -> None:
        self.asked = asked
        self.available = available


class BalanceTooLarge(Conflict):
    """A balance has room for `largest`."""

    code = "balance_too_large"
    counted = ("largest",)
    plural = "largest"

    def __init__(self, largest: int) -> None:
        self.largest = largest


class DatesOutOfOrder(Invalid):
    """Both are names of fields."""

    code = "dates_out_of_order"

    def __init__(self, earlier: str, later: str) -> None:
        self.earlier = earlier
        self.later = later


class DateOutOfRange(Invalid):
    """The date lies too far in the past or in the future."""

    code = "date_out_of_range"

    def __init__(self, field: str) -> None:
        self.field = field


class IdempotencyConflict(Conflict):
    """The key was used before, with another request."""

    code = "idempotency_conflict"


class UnitExists(Conflict):
    code = "unit_exists"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class UnknownUnit(NotFound):
    code = "unknown_unit"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class NotMoney(Invalid):
    """Money was given for what the programme counts in points or stamps."""

    code = "not_money"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class WrongCurrency(Invalid):
    code = "wrong_currency"

    def __init__(self, given: str, currency: str) -> None:
        self.given = given
        self.currency = currency


class TooManyDecimals(Invalid):
    """Amounts have at most `scale` decimal places here."""

    code = "too_many_decimals"
    plural = "scale"

    def __init__(self, scale: int) -> None:
        self.scale = scale


class AmountTooLarge(Invalid):
    code = "amount_too_large"

    def __init__(self, largest: str) -> None:
        self.largest = largest


class UnknownPosting(NotFound):
    code = "unknown_posting"


class DayNotClosed(Conflict):
    """The posting has no proof yet. `closes_at`: its day ends then; none if it waits for its
    seal."""

    code = "day_not_closed"

    def __init__(self, closes_at: datetime | None) -> None:
        self.closes_at = closes_at


class SealBroken(Refusal):
    """The posting is not as it was sealed: the operator has to look into it."""

    code = "seal_broken"


class NotReversible(Conflict):
    """Postings of this kind cannot be reversed."""

    code = "not_reversible"
    vocabulary: ClassVar[Mapping[str, str]] = {"kind": "kind of posting"}

    def __init__(self, kind: str) -> None:
        self.kind = kind


class ReversalTooLarge(Conflict):
    """Of the posting no more than `left` is left."""

    code = "reversal_too_large"
    counted = ("asked", "left")
    plural = "asked"

    def __init__(self, asked: int, left: int) -> None:
        self.asked = asked
        self.left = left


class PointsSpent(Conflict):
    """`missing` of them were spent meanwhile and cannot be taken back."""

    code = "points_spent"
    counted = ("missing",)
    plural = "missing"

    def __init__(self, missing: int) -> None:
        self.missing = missing


class HoldsOpen(Conflict):
    """Points are held: capture or release them first."""

    code = "holds_open"
    plural = "held"

    def __init__(self, held: int) -> None:
        self.held = held


class UnknownHold(NotFound):
    code = "unknown_hold"


class HoldClosed(Conflict):
    """The hold has ended before; `state` says how."""

    code = "hold_closed"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a hold"}

    def __init__(self, state: str) -> None:
        self.state = state


class HoldExpired(Conflict):
    code = "hold_expired"


class CaptureTooLarge(Conflict):
    code = "capture_too_large"
    counted = ("asked", "held")
    plural = "asked"

    def __init__(self, asked: int, held: int) -> None:
        self.asked = asked
        self.held = held


class OtherProgramme(Conflict):
    """Both members must belong to one programme."""

    code = "other_programme"


class SameMember(Conflict):
    """Two different members are needed."""

    code = "same_member"


class PooledMember(Conflict):
    """The member belongs to a household, and leaves it first."""

    code = "pooled_member"


class MemberMergedAway(Conflict):
    """`into`: the id of whom they were merged into."""

    code = "member_merged"

    def __init__(self, into: str) -> None:
        self.into = into


class FileRefused(WithReason, Invalid):
    """A file cannot be read as a table. `problem` is the stable word for what is wrong."""

    code = "file_refused"

    def __init__(self, problem: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.problem = problem

    def facts(self) -> dict[str, object]:
        return {"problem": self.problem, **self._facts}


class UnknownImport(NotFound):
    code = "unknown_import"


class ImportRepeated(Conflict):
    """This very file was imported before."""

    code = "import_repeated"

    def __init__(self, import_id: str) -> None:
        self.import_id = import_id


class ImportReplaced(Conflict):
    """The file was sent once more meanwhile; that import takes the place of this one."""

    code = "import_replaced"


class ImportNotReady(Conflict):
    """The import is not in a state for this; `state` says in which it is."""

    code = "import_not_ready"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of an import"}

    def __init__(self, state: str) -> None:
        self.state = state


class ImportHasBadRows(Conflict):
    """`bad` of `rows` cannot be imported: the file is to be corrected, or the rest asked for."""

    code = "import_has_bad_rows"
    plural = "bad"

    def __init__(self, bad: int, rows: int) -> None:
        self.bad = bad
        self.rows = rows
