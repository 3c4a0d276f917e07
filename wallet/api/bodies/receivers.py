"""Receivers of events, what was sent to them, and what is to be sent once more."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code, NotEmpty, Readable
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows
from wallet.api.bodies.paging import PageIn
from wallet.receivers.addresses import LONGEST_URL
from wallet.receivers.log import AttemptProblem
from wallet.receivers.receivers import LONGEST_NAME

ReceiverName = Annotated[str, Readable, Field(max_length=LONGEST_NAME), NotEmpty]
Url = Annotated[str, Field(max_length=LONGEST_URL)]
Types = Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=40)]
EventNumber = Annotated[int, Field(ge=1, lt=2**63)]

RECEIVER = {
    "id": "01a20f23-0b7e-7a10-9c5e-3a1f0c2d4e5f",
    "name": "CRM",
    "url": "https://crm.example.com/kopilka",
    "programme": "demo",
    "types": ["member.*", "points.*"],
    "personal": False,
    "enabled": True,
    "disabled_because": None,
    "secrets": 1,
    "created_at": "2026-11-24T12:00:00Z",
    "position": 1042,
    "failing_since": None,
    "paused_until": None,
    "last_success_at": "2026-11-25T09:30:00Z",
}


class ReceiverIn(Body):
    """A system that is told what happens. Without `programme` it hears of all programmes, without
    `types` of everything. `personal`: events about members say what is known of the person."""

    model_config = shows(
        {
            "name": "CRM",
            "url": "https://crm.example.com/kopilka",
            "programme": "demo",
            "types": ["member.*", "points.*"],
        }
    )

    name: ReceiverName
    url: Url
    programme: Code | None = None
    types: Types | None = None
    personal: bool = False


class ReceiverChange(Body):
    """What is to be different. `types` null: everything. A receiver that is switched on again is
    told what happens from then on."""

    model_config = shows({"types": ["points.*"], "enabled": True})

    name: ReceiverName | None = None
    url: Url | None = None
    types: Types | None = None
    personal: bool | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def nothing_null(self) -> Self:
        """Refuses null for what must have a value: `null_not_allowed`."""
        for name in self.model_fields_set - {"types"}:
            if getattr(self, name) is None:
                raise PydanticCustomError("null_not_allowed", "must not be null", {"field": name})
        return self


class ReplayIn(Body):
    """What is to be sent once more: everything `since` an event, one `event`, or all that was
    `given_up`."""

    model_config = shows({"since": 1042})

    since: EventNumber | None = None
    event: EventNumber | None = None
    given_up: Literal[True] | None = None

    @model_validator(mode="after")
    def exactly_one(self) -> Self:
        """Refuses none and several: `one_of_three`."""
        if len([one for one in (self.since, self.event, self.given_up) if one is not None]) != 1:
            raise PydanticCustomError(
                "one_of_three",
                "give exactly one of since, event and given_up",
                {"field": "since"},
            )
        return self


class AttemptSearch(PageIn):
    """Attempts to reach a receiver; with `event`, those of one event, with `failed`, those that
    failed."""

    event: EventNumber | None = None
    failed: bool = False


class ReceiverOut(AnswerBody):
    """A receiver. `position`: the id of the event up to which it was told. `failing_since` and
    `paused_until` are null while it takes what it is sent. `disabled_because`: `gone` if it
    answered 410, `restored` since a backup was restored, null if a person switched it off."""

    model_config = shows(RECEIVER)

    id: str
    name: str
    url: str
    programme: str | None
    types: list[str] | None
    personal: bool
    enabled: bool
    disabled_because: str | None
    secrets: int
    created_at: datetime
    position: int
    failing_since: datetime | None
    paused_until: datetime | None
    last_success_at: datetime | None


# pragma: allowlist nextline secret
SECRET = "whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZSE="  # noqa: S105 - an example


class ReceiverMade(ReceiverOut):
    """A new receiver with its first secret, which is shown now and never again."""

    model_config = shows({**RECEIVER, "secret": SECRET})

    secret: str


class ReceiversOut(AnswerBody):
    """Receivers, oldest first."""

    model_config = shows(page_of(RECEIVER))

    items: list[ReceiverOut]
    next_cursor: str | None


class SecretOut(AnswerBody):
    """A new secret, which is shown now and never again."""

    model_config = shows({"secret": SECRET})

    secret: str


class RetiredOut(AnswerBody):
    """How many secrets were deleted."""

    model_config = shows({"retired": 1})

    retired: int


class TestOut(AnswerBody):
    """The event that is on its way."""

    model_config = shows({"event": 1043})

    event: int


ATTEMPT = {
    "event": 1042,
    "type": "points.accrued",
    "sent_at": "2026-11-25T09:30:00Z",
    "took_ms": 84,
    "status": 500,
    "problem": "refused",
    "answer": "Internal Server Error",
}


class AttemptOut(AnswerBody):
    """One try to send an event. `status` is null if no answer came, `problem` if all went well,
    `type` once the event is not kept any more. `answer`: the beginning of an answer that was no
    success; it is not kept of a receiver that is given personal data."""

    model_config = shows(ATTEMPT)

    event: int
    type: str | None
    sent_at: datetime
    took_ms: int
    status: int | None
    problem: AttemptProblem | None
    answer: str | None


class AttemptsOut(AnswerBody):
    """Attempts, newest first."""

    model_config = shows(page_of(ATTEMPT))

    items: list[AttemptOut]
    next_cursor: str | None


UNDELIVERED = {
    "event": 1042,
    "type": "points.accrued",
    "attempts": 3,
    "next_at": "2026-11-25T11:30:00Z",
    "given_up_at": None,
}


class UndeliveredOut(AnswerBody):
    """An event that the receiver did not take so far. `next_at` is null once it was given up."""

    model_config = shows(UNDELIVERED)

    event: int
    type: str
    attempts: int
    next_at: datetime | None
    given_up_at: datetime | None


class UndeliveredPage(AnswerBody):
    """Events that the receiver did not take, oldest first."""

    model_config = shows(page_of(UNDELIVERED))

    items: list[UndeliveredOut]
    next_cursor: str | None
