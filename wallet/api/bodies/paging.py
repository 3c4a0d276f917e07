"""How a list is asked for, page by page."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ledger.fields import Code


class PageIn(BaseModel):
    """How a list is read: `next_cursor` of one page is `cursor` of the next."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class PageInProgramme(PageIn):
    """The list of one programme; without `programme`, of all."""

    programme: Code | None = None
