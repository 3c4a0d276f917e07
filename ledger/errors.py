"""Refusals: a stable code and the facts behind it.

A refusal is an answer to the person or program that asked, never a bug. The family says what kind
of refusal it is, and edges act on the family: HTTP has a status for each. The sentence of a refusal
stands in the catalogue of each language, under its code; `str(error)` is the English sentence.

    Refusal
    ├── NotFound    what was named is not there
    ├── Conflict    it is there, but at present this cannot be done with it
    ├── Outdated    it was changed meanwhile: what the caller knew of it holds no longer
    ├── Invalid     what was asked for can never be done: the request itself has to change
    └── NotAllowed  the caller may not do this"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from ledger import words
from ledger.languages import ENGLISH, Language
from ledger.limits import EARLIEST, LATEST
from ledger.words import N_, REFUSAL, REFUSAL_OF_MONEY

NONE: Mapping[str, str] = MappingProxyType({})


class Refusal(Exception):
    """Root of the tree, for `ledger` and for packages built on it. `code` never changes once
    published.

    `counted` names the attributes that count points. `plural` names the number that decides which
    plural form the sentence has. `vocabulary` names the attributes that are words of ours, such as
    a state, each with the context in which the catalogue translates it. `tongues` names those that
    are tags of languages: people read what these are called."""

    code: ClassVar[str]
    counted: ClassVar[tuple[str, ...]] = ()
    plural: ClassVar[str] = ""
    vocabulary: ClassVar[Mapping[str, str]] = NONE
    tongues: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return self.sentence(ENGLISH)

    def facts(self) -> dict[str, object]:
        """What a program may want to know besides the code: the attributes of the error, without
        those that begin with an underscore."""
        return {name: fact for name, fact in vars(self).items() if not name.startswith("_")}

    def add_money(self, money: Callable[[int], object]) -> None:
        """Add to each attribute that counts points one with the same amount as money (`asked_money`
        beside `asked`). `money` turns points into it, or into None where the unit is not money."""
        for name in self.counted:
            setattr(self, f"{name}_money", money(getattr(self, name)))

    def sentence(self, language: Language) -> str:
        """What is refused and why, for people. If `add_money` added money, the sentence speaks of
        money."""
        catalogue, places = words.catalogue_of(type(self)), self._places(language)
        money = {name: places.get(f"{name}_money") for name in self.counted}
        if money and None not in money.values():
            return catalogue.sentence(language, self.code, {**places, **money}, REFUSAL_OF_MONEY)
        number = getattr(self, self.plural) if self.plural else None
        return catalogue.sentence(language, self.code, places, REFUSAL, number)

    def _places(self, language: Language) -> dict[str, object]:
        """The values for the places of the sentence."""
        catalogue, facts = words.catalogue_of(type(self)), self.facts()
        for name, context in self.vocabulary.items():
            facts[name] = catalogue.text(language, str(facts[name]), context)
        for name in self.tongues:
            tags = getattr(self, name)
            facts[name] = words.tongues_in(language, [tags] if isinstance(tags, str) else tags)
        return facts


class NotFound(Refusal):
    """What was named is not there, or not there any more."""


class Conflict(Refusal):
    """This cannot be done at present. It may be possible later, or after something else was
    done."""


class Outdated(Refusal):
    """What is to be changed was changed by somebody else since the caller read it."""


class Invalid(Refusal):
    """What was asked for can never be done: the request has to change."""


class NotAllowed(Refusal):
    """The caller may not do this."""


class WithReason(Refusal):
    """A refusal that has a reason for each rule that can be broken. A reason is English text that
    stands where the rule is checked, with places for `facts` in braces. The catalogue knows it by
    that text."""

    def __init__(self, reason: str, facts: Mapping[str, object]) -> None:
        super().__init__()
        self._reason = reason
        self._facts = facts

    @property
    def told(self) -> str:
        """The reason, as the catalogue knows it: to be kept, and said in any language later."""
        return self._reason

    @property
    def in_reason(self) -> Mapping[str, object]:
        """What stands in the places of the reason, by their names."""
        return self._facts

    def reason(self, language: Language, /, **better: object) -> str:
        """The rule that was broken, for people. `better`: facts in the words that the reader has
        for them."""
        facts = {**self._facts, **better}
        return words.catalogue_of(type(self)).sentence(language, self._reason, facts)

    def _places(self, language: Language) -> dict[str, object]:
        return {**super()._places(language), "reason": self.reason(language)}


class UnknownProgramme(NotFound):
    """No programme has this code."""

    code = "unknown_programme"

    def __init__(self, programme: str) -> None:
        self.programme = programme


class ProgrammeExists(Conflict):
    """Another programme has this code already."""

    code = "programme_exists"

    def __init__(self, programme: str) -> None:
        self.programme = programme


class TermsRefused(WithReason, Invalid):
    """A programme cannot have these terms; `field` names the one that must change."""

    code = "terms_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class UnknownMember(NotFound):
    """No member has this id, or other name, in the programme that was meant."""

    code = "unknown_member"


class MemberErased(NotFound):
    """The person behind this member was erased; the id stands for nobody any more."""

    code = "member_erased"


class HouseholdNotEmpty(Conflict):
    """The head of a household cannot be erased while `members` others use its points. They must
    leave it first."""

    code = "household_not_empty"
    plural = "members"

    def __init__(self, members: int) -> None:
        self.members = members


class UnknownCard(NotFound):
    """No card has this number, in the programme that was meant."""

    code = "unknown_card"


class CardBlocked(Conflict):
    """The card number is refused. `state`: `replaced` by another number, `lost` together with what
    it was on, or `blocked` until its owner comes."""

    code = "card_blocked"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a card"}

    def __init__(self, state: str) -> None:
        self.state = state


class CardVoid(Conflict):
    """The card was made void."""

    code = "card_void"


class CardExpired(Conflict):
    """The card was good until a moment that is over."""

    code = "card_expired"


class ExternalIdTaken(Conflict):
    """Another member of the programme has this external id."""

    code = "external_id_taken"

    def __init__(self, external_id: str) -> None:
        self.external_id = external_id


class PhoneTaken(Conflict):
    """Another member of the programme has this phone number. The number itself is not among the
    facts, since clients may log the answers of refusals."""

    code = "phone_taken"


class EmailTaken(Conflict):
    """Another member of the programme has this mail address. The address itself is not among the
    facts, since clients may log the answers of refusals."""

    code = "email_taken"


class UnknownOffer(NotFound):
    """No offer has this id."""

    code = "unknown_offer"


class MemberUnconfirmed(Conflict):
    """The member was made at a counter and is not confirmed: they earn, and cannot spend yet."""

    code = "member_unconfirmed"


class InsufficientPoints(Conflict):
    """The member has `available` points to spend, fewer than the `asked` ones."""

    code = "insufficient_points"
    counted = ("asked", "available")
    plural = "asked"

    def __init__(self, asked: int, available: int) -> None:
        self.asked = asked
        self.available = available


class BalanceTooLarge(Conflict):
    """The balance would become larger than `largest`, the most that a balance can hold."""

    code = "balance_too_large"
    counted = ("largest",)
    plural = "largest"

    def __init__(self, largest: int) -> None:
        self.largest = largest


class DatesOutOfOrder(Invalid):
    """Moment `earlier` is not before moment `later`; both are names of fields, or `now`."""

    code = "dates_out_of_order"

    def __init__(self, earlier: str, later: str) -> None:
        self.earlier = earlier
        self.later = later

    def sentence(self, language: Language) -> str:
        """What is compared with the clock names its own field alone."""
        catalogue, facts = words.catalogue_of(type(self)), self.facts()
        if self.earlier == "now":
            return catalogue.sentence(language, N_("{later} must lie in the future."), facts)
        if self.later == "now":
            return catalogue.sentence(language, N_("{earlier} must not lie in the future."), facts)
        return super().sentence(language)


class DateOutOfRange(Invalid):
    """The date is too far in the past or in the future to be meant. `earliest` is the first that is
    taken, `latest` the end of those; a text stays as it is, as the wall clock of a programme has no
    zone."""

    code = "date_out_of_range"

    def __init__(
        self, field: str, earliest: datetime | str = EARLIEST, latest: datetime | str = LATEST
    ) -> None:
        self.field = field
        self.earliest = _written(earliest)
        self.latest = _written(latest)


def _written(moment: datetime | str) -> str:
    if isinstance(moment, str):
        return moment
    return words.timestamp(moment.replace(microsecond=0))


class IdempotencyConflict(Conflict):
    """The key was used before, for another request."""

    code = "idempotency_conflict"


class UnitExists(Conflict):
    """The programme has a unit with this code already."""

    code = "unit_exists"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class UnknownUnit(NotFound):
    """The programme has no unit with this code."""

    code = "unknown_unit"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class NotMoney(Invalid):
    """The request gives an amount of money, but the unit counts points or stamps."""

    code = "not_money"

    def __init__(self, unit: str) -> None:
        self.unit = unit


class WrongCurrency(Invalid):
    """The amount is in the currency `given`, but the unit counts in `currency`."""

    code = "wrong_currency"

    def __init__(self, given: str, currency: str) -> None:
        self.given = given
        self.currency = currency


class TooManyDecimals(Invalid):
    """The amount has more decimal places than the `scale` of its unit."""

    code = "too_many_decimals"
    plural = "scale"

    def __init__(self, scale: int) -> None:
        self.scale = scale


class AmountTooLarge(Invalid):
    """The amount is larger than `largest`, the most that the book can count in this unit."""

    code = "amount_too_large"

    def __init__(self, largest: str) -> None:
        self.largest = largest


class NoPercentBack(Conflict):
    """Purchases earn nothing by themselves in this unit: the programme gives no percent back, so
    the caller has to say how many points."""

    code = "no_percent_back"


class NothingEarned(Conflict):
    """The purchase is too small to earn a whole point. Nothing was posted."""

    code = "nothing_earned"


class PayableExceeded(Conflict):
    """Points may pay at most `payable` of this purchase, fewer than the `asked` ones."""

    code = "payable_exceeded"
    counted = ("asked", "payable")
    plural = "payable"

    def __init__(self, asked: int, payable: int) -> None:
        self.asked = asked
        self.payable = payable


class UnknownStore(NotFound):
    """The programme has no store with this code."""

    code = "unknown_store"

    def __init__(self, store: str) -> None:
        self.store = store


class UnknownTill(NotFound):
    """The programme has no till with this code, or none in this store."""

    code = "unknown_till"

    def __init__(self, till: str) -> None:
        self.till = till


class StoreNotNamed(Conflict):
    """Several stores have a till with this code: say which of `stores` is meant."""

    code = "store_not_named"

    def __init__(self, till: str, stores: Collection[str]) -> None:
        self.till = till
        self.stores = list(stores)


class StoreRefused(WithReason, Invalid):
    """A store or a till cannot be like this; `field` names what must change."""

    code = "store_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class UnknownProduct(NotFound):
    """The programme has no product with this SKU."""

    code = "unknown_product"

    def __init__(self, sku: str) -> None:
        self.sku = sku


class UnknownCategory(NotFound):
    """The programme has no category with this code."""

    code = "unknown_category"

    def __init__(self, category: str) -> None:
        self.category = category


class ProductRefused(WithReason, Invalid):
    """A product cannot be like this; `field` names what must change."""

    code = "product_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class CategoryRefused(WithReason, Invalid):
    """A category cannot be like this; `field` names what must change."""

    code = "category_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class CategoryCycle(Conflict):
    """The category cannot lie in `parent`, which is the category itself or lies in it."""

    code = "category_cycle"

    def __init__(self, category: str, parent: str) -> None:
        self.category = category
        self.parent = parent


class BarcodeTaken(Conflict):
    """Another product of the programme, `sku`, has this barcode."""

    code = "barcode_taken"

    def __init__(self, barcode: str, sku: str) -> None:
        self.barcode = barcode
        self.sku = sku


class PriceIsHistory(Conflict):
    """A price that held from `since` on has been another. What was stays as it was."""

    code = "price_is_history"

    def __init__(self, since: datetime | str) -> None:
        self.since = _written(since)


class UnknownPromotion(NotFound):
    """No promotion has this code."""

    code = "unknown_promotion"

    def __init__(self, promotion: str) -> None:
        self.promotion = promotion


class PromotionExists(Conflict):
    """There is a promotion with this code already."""

    code = "promotion_exists"

    def __init__(self, promotion: str) -> None:
        self.promotion = promotion


class PromotionNotPublished(Conflict):
    """The promotion is a draft, and so it cannot end."""

    code = "promotion_not_published"

    def __init__(self, promotion: str) -> None:
        self.promotion = promotion


class PromotionRefused(WithReason, Invalid):
    """A promotion, or what holds for all of them, cannot be like this; `field` names what must
    change."""

    code = "promotion_refused"

    def __init__(self, field: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field


class PriceMissing(Invalid):
    """A line of a receipt has no price, and neither has its product. `line`: its id."""

    code = "price_missing"

    def __init__(self, line: str) -> None:
        self.line = line


class UnknownReceipt(NotFound):
    """The programme has no receipt that is called so."""

    code = "unknown_receipt"

    def __init__(self, receipt: str) -> None:
        self.receipt = receipt


class ReceiptDiffers(Conflict):
    """There is a receipt that is called so already, with other content."""

    code = "receipt_differs"

    def __init__(self, receipt: str) -> None:
        self.receipt = receipt


class TooManyLines(Invalid):
    """A receipt has more than `most` lines."""

    code = "too_many_lines"

    def __init__(self, most: int) -> None:
        self.most = most


class ReceiptRefused(WithReason, Invalid):
    """A receipt cannot be like this; `field` names what must change, and `line` in which line."""

    code = "receipt_refused"

    def __init__(self, field: str, reason: str, line: str | None = None, **facts: object) -> None:
        super().__init__(reason, facts)
        self.field = field
        self.line = line


class ChangedMeanwhile(Outdated):
    """Somebody changed it since the caller read it; it is now at `revision`."""

    code = "changed_meanwhile"

    def __init__(self, revision: int) -> None:
        self.revision = revision


class UnknownPosting(NotFound):
    """No posting has this id."""

    code = "unknown_posting"


class DayNotClosed(Conflict):
    """The posting has no proof yet. `closes_at` is when its day ends; None if it still waits for
    its seal."""

    code = "day_not_closed"

    def __init__(self, closes_at: datetime | None) -> None:
        self.closes_at = closes_at


class SealBroken(Refusal):
    """The posting is not as it was sealed. No caller can help that: an operator has to look into
    it."""

    code = "seal_broken"


class NotReversible(Conflict):
    """Postings of this kind cannot be reversed."""

    code = "not_reversible"
    vocabulary: ClassVar[Mapping[str, str]] = {"kind": "kind of posting"}

    def __init__(self, kind: str) -> None:
        self.kind = kind


class ReversalTooLarge(Conflict):
    """Only `left` points of the posting can still be undone."""

    code = "reversal_too_large"
    counted = ("asked", "left")
    plural = "asked"

    def __init__(self, asked: int, left: int) -> None:
        self.asked = asked
        self.left = left


class AlreadyReversed(Conflict):
    """All of the posting was undone before."""

    code = "already_reversed"


class PointsSpent(Conflict):
    """`missing` of the points were spent meanwhile and cannot be taken back."""

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
    """No hold has this id."""

    code = "unknown_hold"


class HoldClosed(Conflict):
    """The hold has ended; `state` says how."""

    code = "hold_closed"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of a hold"}

    def __init__(self, state: str) -> None:
        self.state = state


class HoldExpired(Conflict):
    """The time of the hold is over, so it cannot be captured any more."""

    code = "hold_expired"


class CaptureTooLarge(Conflict):
    """A capture takes at least 1 and at most the `held` points."""

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
    """Two different members are needed, and these use the same accounts or are one member."""

    code = "same_member"


class PooledMember(Conflict):
    """The member belongs to a household, or is the head of one, and must leave it first."""

    code = "pooled_member"


class MemberMergedAway(Conflict):
    """The member was merged into another one, whose id is `into`."""

    code = "member_merged"

    def __init__(self, into: str) -> None:
        self.into = into


class FileRefused(WithReason, Invalid):
    """The file cannot be read as a table. `problem` is the stable word for the reason."""

    code = "file_refused"

    def __init__(self, problem: str, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)
        self.problem = problem

    def facts(self) -> dict[str, object]:
        return {"problem": self.problem, **self._facts}


class UnknownImport(NotFound):
    """No import has this id."""

    code = "unknown_import"


class ImportRepeated(Conflict):
    """A file with exactly these bytes was imported before, by `import_id`."""

    code = "import_repeated"

    def __init__(self, import_id: str) -> None:
        self.import_id = import_id


class ImportReplaced(Conflict):
    """The same file was sent again meanwhile, and that import has replaced this one."""

    code = "import_replaced"


class ImportNotReady(Conflict):
    """This cannot be done with an import in the state `state`."""

    code = "import_not_ready"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of an import"}

    def __init__(self, state: str) -> None:
        self.state = state


class ImportHasBadRows(Conflict):
    """`bad` of the `rows` rows cannot be imported. The caller corrects the file, or asks to import
    the others alone."""

    code = "import_has_bad_rows"
    plural = "bad"

    def __init__(self, bad: int, rows: int) -> None:
        self.bad = bad
        self.rows = rows


class LanguageNotSpoken(Invalid):
    """A text is in a language that the programme does not speak; it speaks those in `known`."""

    code = "language_not_spoken"
    tongues = ("language", "known")

    def __init__(self, language: str, known: Collection[str]) -> None:
        self.language = language
        self.known = list(known)


class TitleMissing(Invalid):
    """An offer has a text in this language and no title: nobody would read the text."""

    code = "title_missing"
    tongues = ("language",)

    def __init__(self, language: str) -> None:
        self.language = language


class OfferOver(Conflict):
    """The offer is over, and stays as it was. `state`: `withdrawn`, or `ended`."""

    code = "offer_over"
    vocabulary: ClassVar[Mapping[str, str]] = {"state": "state of an offer"}

    def __init__(self, state: str) -> None:
        self.state = state


class OfferBegun(Conflict):
    """The offer has begun: when it did is past, and stays."""

    code = "offer_begun"


class PersonalDataNotKept(Invalid):
    """The programme keeps nothing personal, and these `fields` are that."""

    code = "personal_data_not_kept"

    def __init__(self, fields: str) -> None:
        self.fields = fields


class UnknownSegment(NotFound):
    """The programme has no segment of this name."""

    code = "unknown_segment"

    def __init__(self, segment: str) -> None:
        self.segment = segment


class SegmentRefused(WithReason, Invalid):
    """A segment cannot have this name, or there are too many of them."""

    code = "segment_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class SegmentChanged(Conflict):
    """Somebody else saved or deleted the segment meanwhile. `by`: who saved it last, if that is
    known."""

    code = "segment_changed"

    def __init__(self, segment: str, by: str | None = None) -> None:
        self.segment = segment
        self.by = by


class UnknownList(NotFound):
    """The programme has no list of this name."""

    code = "unknown_list"

    def __init__(self, list_: str) -> None:
        self.list = list_


class ListRefused(WithReason, Invalid):
    """A list cannot have this name, or nobody would be on it."""

    code = "list_refused"

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason, facts)


class ListExists(Conflict):
    """The programme has a list of this name, and a list does not change."""

    code = "list_exists"

    def __init__(self, list_: str) -> None:
        self.list = list_


class ListInUse(Conflict):
    """The list cannot be deleted: what stands in `places` means it."""

    code = "list_in_use"

    def __init__(self, list_: str, places: Collection[str]) -> None:
        self.list = list_
        self.places = list(places)


class SegmentInUse(Conflict):
    """The segment cannot be deleted: what stands in `places` waits for it."""

    code = "segment_in_use"

    def __init__(self, segment: str, places: Collection[str]) -> None:
        self.segment = segment
        self.places = list(places)
