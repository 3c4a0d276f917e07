"""Stores, and the tills in them."""

from datetime import datetime
from operator import not_
from typing import Annotated, cast

from pydantic import Field

from ledger.fields import Body, Code, NotEmpty, Readable
from ledger.programmes.stores import LONGEST_GROUP, LONGEST_NAME, StoreTerms, TillTerms
from wallet.api.bodies.answers import AnswerBody, FieldProblem
from wallet.api.bodies.examples import page_of, shows
from wallet.api.bodies.items import MalformedItem, fails_alone
from wallet.api.bodies.paging import PageIn

MOST_STORES = 1_000  # in one batch

PlaceName = Annotated[str, Readable, Field(max_length=LONGEST_NAME)]
StoreGroup = Annotated[str, Readable, Field(max_length=LONGEST_GROUP)]
StoreCode = Annotated[Code, NotEmpty]
ZoneName = Annotated[str, Readable, Field(max_length=60)]

CENTRE = {
    "code": "centre",
    "programme": "demo",
    "name": "Tverskaya, 7",
    "group": "Moscow",
    "timezone": "Europe/Moscow",
    "closed": False,
    "revision": 1,
    "created_at": "2026-11-24T12:00:00Z",
    "changed_at": "2026-11-24T12:00:00Z",
}
TILL = {
    "code": "1",
    "store": "centre",
    "programme": "demo",
    "name": "By the window",
    "closed": False,
    "revision": 1,
    "created_at": "2026-11-24T12:00:00Z",
    "changed_at": "2026-11-24T12:00:00Z",
}


class StoreSaid(Body):
    """What a store is like, whole: what is left out is as if it had never been said."""

    name: PlaceName | None = None
    group: StoreGroup | None = None
    timezone: ZoneName | None = None
    closed: bool = False

    def terms(self, code: str) -> StoreTerms:
        """The store with this code as it is wanted."""
        return StoreTerms(code, self.name or "", self.group, self.timezone, self.closed)


class StoreIn(StoreSaid):
    """A store as it is to be, whole. Without a `name` it is called by its code, and without a
    `timezone` its days go by the programme's."""

    model_config = shows(
        {
            "programme": "demo",
            "name": "Tverskaya, 7",
            "group": "Moscow",
            "timezone": "Europe/Moscow",
        }
    )

    programme: Code


class TillIn(Body):
    """A till as it is to be, whole, in the store with the code `store`. Without a `name` it is
    called by its code."""

    model_config = shows({"programme": "demo", "store": "centre", "name": "By the window"})

    programme: Code
    store: StoreCode
    name: PlaceName | None = None
    closed: bool = False

    def terms(self, code: str) -> TillTerms:
        """The till with this code as it is wanted."""
        return TillTerms(code, self.store, self.name or "", self.closed)


class StoresIn(PageIn):
    """The list of one programme."""

    programme: Code


class TillsIn(StoresIn):
    """The tills of one programme, or of one store."""

    store: Code | None = None


class StoreAsked(Body):
    """Of which programme."""

    programme: Code


class TillAsked(StoreAsked):
    """Of which programme; and of which store, where several have a till with this code."""

    store: Code | None = None


class StoreOut(AnswerBody):
    """A store. `revision` counts its changes: `If-Match` with it changes the store only if nobody
    else did meanwhile."""

    model_config = shows(CENTRE)

    code: str
    programme: str
    name: str
    group: str | None
    timezone: str
    closed: bool
    revision: int
    created_at: datetime
    changed_at: datetime


class StoresOut(AnswerBody):
    """Stores in the order in which they were made."""

    model_config = shows(page_of(CENTRE))

    items: list[StoreOut]
    next_cursor: str | None


class TillOut(AnswerBody):
    """A till. Its code is one within its store. `revision` as of a store."""

    model_config = shows(TILL)

    code: str
    store: str
    programme: str
    name: str
    closed: bool
    revision: int
    created_at: datetime
    changed_at: datetime


class TillsOut(AnswerBody):
    """Tills in the order in which they were made."""

    model_config = shows(page_of(TILL))

    items: list[TillOut]
    next_cursor: str | None


class StoreItemIn(StoreSaid):
    """One store of a batch. `revision`: what the caller read, to change it only if nobody else did
    meanwhile; 0 for a store that must be new."""

    code: StoreCode
    revision: Annotated[int, Field(ge=0)] | None = None


class StoreBatchIn(Body):
    """Stores of one programme, each as it is to be."""

    model_config = shows(
        {
            "programme": "demo",
            "items": [
                {"code": "centre", "name": "Tverskaya, 7", "group": "Moscow"},
                {"code": "airport", "timezone": "Europe/Nowhere"},
            ],
        }
    )

    programme: Code
    items: Annotated[
        list[Annotated[StoreItemIn, fails_alone("code")]],
        Field(min_length=1, max_length=MOST_STORES),
    ]

    @property
    def all_items(self) -> list[StoreItemIn | MalformedItem]:
        """The stores as they came, those that do not fit among them."""
        return cast(list[StoreItemIn | MalformedItem], self.items)


class StoreItemOut(AnswerBody):
    """What became of one store of a batch: the store, or the code and the sentence of the refusal;
    of one that does not fit, also every field at fault."""

    key: str | None
    status: int
    store: StoreOut | None = None
    code: str | None = None
    detail: str | None = None
    errors: Annotated[list[FieldProblem] | None, Field(exclude_if=not_)] = None


class StoreBatchOut(AnswerBody):
    """The outcomes of all stores, in the order in which they were sent."""

    model_config = shows(
        {
            "items": [
                {"key": "centre", "status": 200, "store": CENTRE, "code": None, "detail": None},
                {
                    "key": "airport",
                    "status": 422,
                    "store": None,
                    "code": "store_refused",
                    "detail": "The store cannot be like this: timezone: 'Europe/Nowhere' is not"
                    " one, such as Europe/Moscow.",
                },
            ]
        }
    )

    items: list[StoreItemOut]
