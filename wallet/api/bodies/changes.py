"""Bodies of the record of changes."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from ledger.fields import Moment, NotEmpty, Readable
from wallet.access.changes import LONGEST_NAME, AuthorKind, ThingKind
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows
from wallet.api.bodies.paging import PageInProgramme

CHANGE = {
    "id": 17,
    "number": 17,
    "at": "2026-11-24T12:00:00Z",
    "author": {"kind": "key", "name": "crm"},
    "programme": "demo",
    "code": "receiver.changed",
    "of": {"kind": "receiver", "id": "01a20f22-f0aa-7c11-8d5e-3b7a9c1e2f40"},
    "fields": [{"name": "enabled", "before": True, "after": False}],
    "personal": None,
}


class ChangeSearch(PageInProgramme):
    """Which changes are wanted; without anything, all."""

    kind: ThingKind | None = None
    of: Annotated[str, Readable, Field(max_length=LONGEST_NAME), NotEmpty] | None = None
    by: Annotated[str, Readable, Field(max_length=LONGEST_NAME), NotEmpty] | None = None
    since: Moment | None = None
    until: Moment | None = None


class ChangeAuthorOut(AnswerBody):
    """Who made a change."""

    kind: AuthorKind
    name: str


class ChangedThingOut(AnswerBody):
    """What was changed."""

    kind: ThingKind
    id: str


class FieldChangeOut(AnswerBody):
    """One field before and after. A secret is never shown, and of an address only the host."""

    name: str
    before: Any
    after: Any


class ChangeOut(AnswerBody):
    """A change. What it says of a person stands in `personal`, and goes with the person."""

    model_config = shows(CHANGE)

    id: int
    number: int | None
    at: datetime
    author: ChangeAuthorOut
    programme: str | None
    code: str
    of: ChangedThingOut
    fields: list[FieldChangeOut]
    personal: list[FieldChangeOut] | None


class ChangesOut(AnswerBody):
    """Changes, newest first."""

    model_config = shows(page_of(CHANGE))

    items: list[ChangeOut]
    next_cursor: str | None
