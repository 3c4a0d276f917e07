"""What happened, in the past tense. Events say whom it concerns; whoever hears one reads the state
again instead of adding up, so a late or repeated event does no harm."""

from dataclasses import asdict, dataclass
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class MemberJoined:
    member_id: int


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """What is known of the person was corrected, or the member has another card or another
    household, or was merged into somebody."""

    member_id: int


@dataclass(frozen=True, slots=True)
class CardRenewed:
    """What the member's card has in its barcode is new."""

    member_id: int


@dataclass(frozen=True, slots=True)
class CardOutdated:
    """A till was shown a barcode that the member's card has no more."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsAccrued:
    member_id: int


@dataclass(frozen=True, slots=True)
class PointsRedeemed:
    member_id: int


@dataclass(frozen=True, slots=True)
class PointsHeld:
    """Points were set aside, or are free again."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsReversed:
    member_id: int


@dataclass(frozen=True, slots=True)
class PointsMoved:
    """Points went from one member to another; each of them is told."""

    member_id: int


@dataclass(frozen=True, slots=True)
class PointsTurned:
    """Time alone changed a balance: points became active or ran out."""

    member_id: int


@dataclass(frozen=True, slots=True)
class OfferTurned:
    """An offer was published, began, ended or was withdrawn. Without a member it concerns the
    whole programme."""

    programme_id: int
    member_id: int | None


Event = (
    MemberJoined
    | MemberChanged
    | CardRenewed
    | CardOutdated
    | PointsAccrued
    | PointsRedeemed
    | PointsHeld
    | PointsReversed
    | PointsMoved
    | PointsTurned
    | OfferTurned
)

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def to_row(event: Event) -> tuple[str, dict[str, Any]]:
    """Name and payload, as the outbox keeps them."""
    return type(event).__name__, asdict(event)


def from_row(kind: str, payload: dict[str, Any]) -> Event:
    return _KINDS[kind](**payload)
