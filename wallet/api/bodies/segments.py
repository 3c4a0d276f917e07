"""Segments: trees of conditions with names."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.fields import Body, Code
from ledger.segments import documents
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows
from wallet.api.bodies.paging import PageIn
from wallet.outreach.audience import Audience

GUESTS = {"kind": "all", "of": [{"kind": "balance", "at_least": 500}, {"kind": "card"}]}
SEGMENT = {
    "programme": "demo",
    "name": "Guests with 500 points",
    "audience": {
        "kind": "all",
        "of": [{"kind": "balance", "at_least": 500}, {"kind": "card", "wallet": "any"}],
    },
    "revision": 1,
    "made_by": "olga@example.com",
    "created_at": "2026-11-29T12:00:00Z",
    "changed_at": "2026-11-29T12:00:00Z",
}


class SegmentOf(BaseModel):
    """Whose segment is meant."""

    model_config = ConfigDict(extra="forbid")

    programme: Code


class SegmentSearch(PageIn):
    """Whose segments are meant."""

    programme: Code


class SegmentIn(Body, defer_build=True):
    """What a name means from now on. With `revision`, only if that is the one there is: 0 for a
    name that nobody has."""

    model_config = shows({"programme": "demo", "audience": GUESTS})

    programme: Code
    audience: Audience
    revision: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def shallow(self) -> Self:
        """Refuses a tree that is nested too deeply for a database: `too_deep`."""
        documents.require_shallow(self.audience)
        return self


class SegmentOut(AnswerBody):
    """A segment: which members its name means."""

    model_config = shows(SEGMENT)

    programme: str
    name: str
    audience: dict[str, Any]
    revision: int
    made_by: str
    created_at: datetime
    changed_at: datetime


class SegmentsOut(AnswerBody):
    """The segments of a programme, oldest first."""

    model_config = shows(page_of(SEGMENT))

    items: list[SegmentOut]
    next_cursor: str | None
