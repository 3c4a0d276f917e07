"""What promotions ask about whoever buys. A condition says what it asks; whoever prices a receipt
finds all answers at once, and a purchase keeps them: booleans and numbers, nothing that tells who
it was."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import orjson

from ledger.segments import documents
from ledger.segments.registry import Segment

BuyerFacts = Mapping[str, int]  # answers by the key of the question; True is 1


class FactAsked(Protocol):
    """A question about whoever buys."""

    @property
    def key(self) -> str:
        """What its answer is kept under."""


@dataclass(frozen=True, slots=True)
class IsMember:
    """Is it a member?"""

    @property
    def key(self) -> str:
        return "member"


@dataclass(frozen=True, slots=True)
class IsOneMember:
    """Is it the member with this id?"""

    member: str

    @property
    def key(self) -> str:
        return f"member {self.member}"


@dataclass(frozen=True, slots=True)
class IsListed:
    """Is it a member of this list?"""

    name: str

    @property
    def key(self) -> str:
        return f"list {self.name}"


@dataclass(frozen=True)
class IsInAudience:
    """Does the member belong to this segment?"""

    tree: Segment

    @cached_property
    def key(self) -> str:
        said = orjson.dumps(documents.stored(self.tree), option=orjson.OPT_SORT_KEYS)
        return f"audience {hashlib.sha256(said).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class IsNearBirthday:
    """Is the day of the purchase at most so many days before or after the birthday?"""

    before: int
    after: int

    @property
    def key(self) -> str:
        return f"birthday {self.before} {self.after}"


@dataclass(frozen=True, slots=True)
class PurchasesBefore:
    """How many purchases were there before, without those that were cancelled?"""

    @property
    def key(self) -> str:
        return "purchases"


@dataclass(frozen=True, slots=True)
class PurchasesToday:
    """How many of these were in this store on this business day?"""

    @property
    def key(self) -> str:
        return "purchases today"
