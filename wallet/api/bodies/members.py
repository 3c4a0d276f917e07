"""Members: who joins, what is known of them, and what a caller gets of it."""

from datetime import date, datetime
from operator import not_
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from ledger.contacts import PhoneNumber, Unfit, phone_number
from ledger.fields import (
    Birthday,
    Body,
    Code,
    Email,
    ExternalId,
    Id,
    Locale,
    Moment,
    Name,
    Phone,
    TextVersion,
)
from ledger.people.cards import CardStatus
from ledger.people.consents import ConsentSource, Purpose
from ledger.people.members import MemberState
from wallet.api.bodies.amounts import BalanceOut, DebtPaid, MoneyBeside
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, MEMBER_ID, Example, page_of, shows
from wallet.api.bodies.paging import PageIn


class ConsentIn(Body):
    """What a member agreed to, or took back, when the integration asked them. `text_version` is the
    integration's own name for the text that the member saw."""

    purpose: Purpose
    given: bool
    text_version: TextVersion | None = None
    at: Moment | None = None


class InProgramme(Body):
    """`programme` comes first in the dump, before what is known of the person."""

    programme: Code


class PersonIn(Body):
    """What is known of a person, and what they agreed to or took back."""

    name: Name | None = None
    phone: Phone | None = None
    email: Email | None = None
    birthday: Birthday | None = None
    locale: Locale | None = None
    external_id: ExternalId | None = None
    consents: Annotated[
        list[ConsentIn], Field(max_length=10, default_factory=list, exclude_if=not_)
    ]

    def of_profile(self, country: str) -> dict[str, Any]:
        """What was given, by the names of `ledger.people.persons.Profile`; the phone number as in
        this country. Null is given too: it forgets. Raises pydantic's ValidationError."""
        given = {name: getattr(self, name) for name in PROFILE & self.model_fields_set}
        if self.phone is not None:
            given["phone"] = phone_in(country, self.phone)
        return given


PROFILE = set(PersonIn.model_fields) - {"consents"}


def phone_in(country: str, written: str) -> PhoneNumber:
    """Raises pydantic's ValidationError, as any field does that does not fit."""
    try:
        return phone_number(written, country)
    except Unfit as unfit:
        wrong = InitErrorDetails(
            type="value_error", loc=("phone",), input=written, ctx={"error": unfit}
        )
        raise ValidationError.from_exception_data("phone", [wrong]) from None


PERSON = {
    "name": "Anna",
    "phone": "+79991234567",
    "email": "anna@example.com",
    "birthday": "1990-02-28",
    "locale": "en",
    "external_id": "c-1001",
}
CONSENT = {
    "purpose": "marketing",
    "given": True,
    "text_version": "offers-2026-11",
    "at": "2026-11-24T12:00:00Z",
}


class MemberIn(PersonIn, InProgramme):
    """A person who joins a programme."""

    model_config = shows({"programme": "demo", **PERSON, "consents": [CONSENT]})


class MemberChange(PersonIn):
    """Corrections. What is not named stays as it is; null deletes it."""

    model_config = shows({"name": "Anna", "email": None})


class MemberSearch(PageIn):
    """Which members are wanted: those of a `programme`, all or only some of them; or those whom one
    of `card`, `phone`, `email` and `external_id` finds. `since` and `until` bound `created_at`;
    `since` itself is included, `until` is not."""

    programme: Code | None = None
    card: Id | None = None
    phone: Phone | None = None
    email: Email | None = None
    external_id: ExternalId | None = None
    state: MemberState | None = None
    since: Moment | None = None
    until: Moment | None = None
    household: Id | None = None

    @property
    def searches(self) -> bool:
        """Whether one person is looked for, not a list."""
        return bool(self._sought)

    @property
    def _sought(self) -> list[str]:
        return [name for name in SOUGHT_BY if getattr(self, name) is not None]

    @model_validator(mode="after")
    def search_or_list(self) -> Self:
        """Refuses several searches, or neither a search nor a programme (`one_search`), and a
        search with filters of a list (`search_or_list`)."""
        if len(self._sought) > 1 or not (self._sought or self.programme):
            raise PydanticCustomError(
                "one_search",
                "give a programme, or exactly one of card, phone, email and external_id",
                {"field": "card" if self._sought else "programme"},
            )
        for name in LISTED_BY:
            if self._sought and getattr(self, name) is not None:
                raise PydanticCustomError(
                    "search_or_list",
                    "a search by card, phone, email or external_id takes no other filter",
                    {"field": name},
                )
        return self


SOUGHT_BY = ("card", "phone", "email", "external_id")
LISTED_BY = ("state", "since", "until", "household")


class EraseIn(BaseModel):
    """What becomes of the points of the person who is erased."""

    model_config = ConfigDict(extra="forbid")

    write_off: bool = Field(
        default=False, description="take the remaining points out of the book as expired"
    )


class CardOut(AnswerBody):
    """The member's newest card. `barcode` is its number; where a programme has signed codes, phones
    show a code in its place. `state`: `active`, `blocked`, `void` or `expired`; tills refuse all
    but the first."""

    number: str
    barcode: str
    state: CardStatus


class LinksOut(AnswerBody):
    """Where the card is: its page, and where to add it to a wallet (null: not offered)."""

    card: str
    apple: str | None
    google: str | None


MEMBER: Example = {
    "id": MEMBER_ID,
    "programme": "demo",
    "card": {"number": CARD, "barcode": CARD, "state": "active"},
    "balance": {"available": 70, "pending": 0, "held": 0, "debt": 0},
    "created_at": "2026-11-24T12:00:00Z",
    "state": "active",
    "merged_into": None,
    "household": None,
    "confirmed": True,
    "links": {
        "card": "https://cards.example.com/card/da5f253d131ab4bc252bc811af061afb.pP2BUnlAKcCNZzrf",
        "apple": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKcCNZzrf/apple.pkpass",
        "google": None,
    },
}


class MemberOut(AnswerBody):
    """A member as every key may see them: card, and balance in the programme's main unit. Who was
    merged into another member has that one's balance, and so has everybody of a household. Who is
    not `confirmed` was made by a cashier: they earn, and cannot spend yet. `links` are there for
    keys with `personal:read`: whoever has them sees whose card it is."""

    model_config = shows(MEMBER)

    id: str
    programme: str
    card: CardOut
    balance: BalanceOut
    created_at: datetime
    state: MemberState
    merged_into: str | None
    household: str | None
    confirmed: bool
    links: Annotated[LinksOut | None, Field(exclude_if=not_)] = None


class TogetherOut(MemberOut):
    """A member whose points were put together with those of another. `debt_paid`: how much of a
    debt of one was paid from points of the other; left out where nothing was owed."""

    model_config = shows(MEMBER)

    debt_paid: DebtPaid = None
    debt_paid_money: MoneyBeside = None


class ConsentOut(AnswerBody):
    """The decision that holds now for a purpose. `origin`: where it was given, in the words of the
    file that it came with."""

    purpose: Purpose
    given: bool
    text_version: str | None
    source: ConsentSource
    origin: str | None
    at: datetime


IN_FULL = {**MEMBER, **PERSON, "consents": [{**CONSENT, "source": "api", "origin": None}]}
CORRECTED = {**IN_FULL, "email": None}


class MemberInFull(MemberOut):
    """A member with what is known of the person. Keys without the scope `personal:read` get
    `MemberOut`."""

    model_config = shows(IN_FULL)

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birthday: date | None = None
    locale: str | None = None
    external_id: str | None = None
    consents: Annotated[list[ConsentOut], Field(default_factory=list)]


class MembersOut(AnswerBody):
    """The members that were found, oldest first. Only a search has `links`."""

    model_config = shows(page_of({name: IN_FULL[name] for name in IN_FULL if name != "links"}))

    items: list[MemberInFull | MemberOut]
    next_cursor: str | None


class ErasedOut(AnswerBody):
    """Who is erased, and since when: the member and those who were merged into them. `written_off`:
    how many points this call wrote off."""

    model_config = shows(
        {
            "id": MEMBER_ID,
            "erased_at": "2026-11-24T12:00:00Z",
            "members": [MEMBER_ID],
            "written_off": 0,
        }
    )

    id: str
    erased_at: datetime
    members: list[str]
    written_off: int


class MemberFileOut(AnswerBody):
    """All that is known of a person. `members`: who they are and were, each with cards, consents,
    messages and changes; `points`: each unit with its lots and postings, newest first."""

    model_config = shows(
        {
            "made_at": "2026-11-29T12:00:00Z",
            "programme": {"code": "demo", "name": "Coffee"},
            "members": [{"id": MEMBER_ID, "name": "Anna", "phone": "+79991234567"}],
            "points": [{"unit": {"code": "points"}, "available": 70, "postings": []}],
        }
    )

    made_at: datetime
    programme: dict[str, str]
    members: list[dict[str, Any]]
    points: list[dict[str, Any]]
