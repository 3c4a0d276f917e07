"""Cards in lists; and a card that is replaced, or blocked."""

from datetime import datetime

from ledger.fields import Body, Code
from ledger.people.cards import BlockReason, CardStatus
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, MEMBER_ID, page_of, shows
from wallet.api.bodies.members import MEMBER
from wallet.api.bodies.paging import PageIn


class CardFilters(PageIn):
    """Which cards are wanted: all filters must fit."""

    state: CardStatus | None = None
    blocked_for: BlockReason | None = None


class CardSearch(CardFilters):
    """The cards of a programme."""

    programme: Code


LISTED_CARD = {
    "number": CARD,
    "member": MEMBER_ID,
    "state": "active",
    "blocked_for": None,
    "created_at": "2026-11-24T12:00:00Z",
    "blocked_at": None,
    "void_at": None,
    "expires_at": None,
}


class ListedCardOut(AnswerBody):
    """A card number, and whether it counts. `state`: `active`, `blocked`, `void` or `expired`; of
    several it is the first that holds in the order `blocked`, `void`, `expired`. Numbers stay when
    another takes their place; those of who was erased read `erased-`."""

    model_config = shows(LISTED_CARD)

    number: str
    member: str
    state: CardStatus
    blocked_for: BlockReason | None
    created_at: datetime
    blocked_at: datetime | None
    void_at: datetime | None
    expires_at: datetime | None


class CardsOut(AnswerBody):
    """Cards in the order in which they were issued."""

    model_config = shows(page_of(LISTED_CARD))

    items: list[ListedCardOut]
    next_cursor: str | None


class ReplaceIn(Body):
    """`lost`: the phone or the card is in wrong hands, so that the link and the pass are replaced
    as well, not only the number."""

    model_config = shows({"lost": True})

    lost: bool = False


REPLACE = {
    "application/json": {
        "schema": {"$ref": "#/components/schemas/ReplaceIn"},
        "example": {"lost": True},
    }
}
BLOCKED = {**MEMBER, "card": {**MEMBER["card"], "state": "blocked"}}
