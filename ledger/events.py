"""What happened, in the past tense. An event says whom it concerns. A subscriber reads the state
again instead of adding up, so a late or repeated event does no harm."""

from dataclasses import asdict, dataclass
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class MemberJoined:
    """A person became a member and has a card."""

    member_id: int


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """What is known of the person was corrected, or the member has another card or another
    household, or was merged into another member."""

    member_id: int


@dataclass(frozen=True, slots=True)
class MemberMerged:
    """The member is the same person as another, `into_id`, who has what was theirs."""

    member_id: int
    into_id: int


@dataclass(frozen=True, slots=True)
class PersonErased:
    """The person was erased. The id stands for nobody any more."""

    member_id: int


@dataclass(frozen=True, slots=True)
class CardRenewed:
    """The card's barcode has another content now."""

    member_id: int


@dataclass(frozen=True, slots=True)
class CardOutdated:
    """A till was shown a barcode that the member's card does not have any more."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsAccrued:
    """Points came in on the accounts of this member (the holder), active or not yet."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsRedeemed:
    """Points of this member (the holder) were spent, also by the capture of a hold."""

    member_id: int


@dataclass(frozen=True, slots=True)
class ReceiptConfirmed:
    """A receipt was paid and is on record; of this member, or of nobody who is known. `month`:
    under which it is kept, as ISO 8601 writes its first day."""

    member_id: int | None
    programme_id: int
    receipt_id: int
    month: str


@dataclass(frozen=True, slots=True)
class PointsHeld:
    """Points were set aside by a hold, or are free again."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsReversed:
    """A posting on the accounts of this member (the holder) was undone, in whole or in part."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsMoved:
    """Points went from one member to another. Each of the two has an event of their own."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsTurned:
    """Time alone changed a balance: points became active or ran out."""

    member_id: int


@dataclass(frozen=True, slots=True)
class OfferTurned:
    """An offer was published, changed, began, ended or was withdrawn. If `member_id` is None, it
    concerns the members of an audience, that of the offer `offer_id`, or the whole programme."""

    programme_id: int
    member_id: int | None
    offer_id: int | None = None


Event = (
    MemberJoined
    | MemberChanged
    | MemberMerged
    | PersonErased
    | CardRenewed
    | CardOutdated
    | PointsAccrued
    | PointsRedeemed
    | ReceiptConfirmed
    | PointsHeld
    | PointsReversed
    | PointsMoved
    | PointsTurned
    | OfferTurned
)

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def to_row(event: Event) -> tuple[str, dict[str, Any]]:
    """The name and the payload under which the outbox keeps the event."""
    return type(event).__name__, asdict(event)


def from_row(kind: str, payload: dict[str, Any]) -> Event:
    """The event that `to_row` took apart. Raises KeyError for a name that this release does not
    know."""
    return _KINDS[kind](**payload)
