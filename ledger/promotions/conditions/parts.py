"""What conditions that hold others have in common."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ledger.promotions.conditions.registry import AnyCondition, Condition
from ledger.promotions.telling import FieldWords, Voice
from ledger.segments.registry import MOST_PARTS

Parts = Annotated[
    list[AnyCondition], Field(min_length=1, max_length=MOST_PARTS), FieldWords("Conditions")
]


def parts_told(of: Sequence[Condition], say: Voice) -> str:
    """The conditions one after the other, so that it is heard where each ends."""
    return "; ".join(say.part(one) for one in of)
