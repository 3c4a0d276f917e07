"""Lists of members, whom somebody named one by one."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ledger.fields import Body, Code
from ledger.imports.columns import IDENTIFIERS
from ledger.imports.listing import MEMBER, MOST_LISTED
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import CARD, page_of, shows
from wallet.api.bodies.paging import PageIn

LIST = {
    "programme": "demo",
    "name": "Guests of the opening",
    "size": 1,
    "left_out": 1,
    "made_by": "crm",
    "created_at": "2026-11-29T12:00:00Z",
}
MADE = {
    **LIST,
    "rows": [
        {"row": 1, "outcome": "taken", "first": None, "code": None, "message": None},
        {
            "row": 2,
            "outcome": "unknown",
            "first": None,
            "code": "unknown_member",
            "message": "No member has this.",
        },
        {"row": 3, "outcome": "double", "first": 1, "code": None, "message": None},
    ],
}

NamedBy = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]
RowOutcome = Literal["taken", "double", "unknown"]


class ListOf(BaseModel):
    """Whose list is meant."""

    model_config = ConfigDict(extra="forbid")

    programme: Code


class ListSearch(PageIn):
    """Whose lists are meant."""

    programme: Code


class ListRowIn(Body):
    """Who is meant: by `member` alone, or by one or more of the others, which all name the same
    one."""

    member: NamedBy | None = None
    card: NamedBy | None = None
    phone: NamedBy | None = None
    email: NamedBy | None = None
    external_id: NamedBy | None = None

    @model_validator(mode="after")
    def names_one(self) -> Self:
        """Refuses a row that names nobody, or one by `member` and by something else."""
        given = self.values
        if not given or (MEMBER in given and len(given) > 1):
            raise PydanticCustomError(
                "who_is_meant",
                "name the member by the field member, or by at least one of the others",
                {"field": MEMBER},
            )
        return self

    @property
    def values(self) -> dict[str, str]:
        """What names them, by the names of its fields."""
        given = ((name, getattr(self, name)) for name in (MEMBER, *IDENTIFIERS))
        return {name: value for name, value in given if value is not None}


class ListIn(Body):
    """A new list, and who is on it."""

    model_config = shows(
        {
            "programme": "demo",
            "name": "Guests of the opening",
            "members": [{"card": CARD}, {"phone": "+79990000000"}, {"card": CARD}],
        }
    )

    programme: Code
    name: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    members: Annotated[list[ListRowIn], Field(min_length=1, max_length=MOST_LISTED)]


class ListOut(AnswerBody):
    """A list of members. It does not change; who is erased is taken off it, and who is merged into
    another is meant as that one."""

    model_config = shows(LIST)

    programme: str
    name: str
    size: int
    left_out: int
    made_by: str
    created_at: datetime


class ListRowOut(AnswerBody):
    """What became of a row: the member is on the list (`taken`), was named before by the row
    `first` (`double`), or it names nobody who can be on it (`unknown`), and `code` and `message`
    say why."""

    row: int
    outcome: RowOutcome
    first: int | None
    code: str | None
    message: str | None


class ListMadeOut(ListOut):
    """A new list, with what became of each row."""

    model_config = shows(MADE)

    rows: list[ListRowOut]


class ListsOut(AnswerBody):
    """The lists of a programme, newest first."""

    model_config = shows(page_of(LIST))

    items: list[ListOut]
    next_cursor: str | None
