"""Offers, and who is to have one as a coupon."""

from datetime import datetime
from operator import not_
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ledger.fields import Body, Code, Id, Moment, OfferTexts, Titles, either
from ledger.segments import named
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import MEMBER_ID, OFFER_ID, page_of, shows
from wallet.api.bodies.paging import PageIn
from wallet.outreach.audience import AudienceOrSegment


class OfferIn(Body):
    """An offer to publish: for one `member`, for an `audience`, or without either for all. Without
    `from` it begins now; without `until` it does not end. `title` and `text` are by language, or
    plain text in the programme's own."""

    model_config = shows(
        {
            "programme": "demo",
            "title": {"ru": "Латте −20 %", "en": "Latte −20 %"},
            "text": {"ru": "С собой", "en": "To go"},
            "until": "2027-01-01T00:00:00Z",
        }
    )

    programme: Code
    title: Titles
    text: OfferTexts = ""
    member: Id | None = None
    starts_at: Moment | None = Field(default=None, alias="from")
    ends_at: Moment | None = Field(default=None, alias="until")
    # Left out of the dump where it is null: the hash of a repeated request is made of the dump, and
    # earlier releases did not know it.
    audience: Annotated[AudienceOrSegment | None, Field(default=None, exclude_if=not_)]

    @model_validator(mode="after")
    def for_whom(self) -> Self:
        """Refuses a member beside an audience (`member_or_audience`), and a tree that is nested too
        deeply for a database (`too_deep`)."""
        if self.member is not None and self.audience is not None:
            raise either("member_or_audience", "member", "audience")
        if self.audience is not None:
            named.require_shallow(self.audience)
        return self


class OfferChange(Body):
    """Changes of an offer. What is not named stays as it is. `title` and `text` are replaced in all
    languages; `until` may be null: then it does not end."""

    model_config = shows({"title": {"ru": "Латте −30 %", "en": "Latte −30 %"}})

    title: Titles | None = None
    text: OfferTexts | None = None
    starts_at: Moment | None = Field(default=None, alias="from")
    ends_at: Moment | None = Field(default=None, alias="until")


class OfferSearch(PageIn):
    """All offers of a programme; with `member`, those that this member is, was or will be shown."""

    programme: Code
    member: Id | None = None


class CouponIn(Body):
    """The member who gets the offer as a pass."""

    model_config = shows({"member": MEMBER_ID})

    member: Id


OFFER = {
    "id": OFFER_ID,
    "programme": "demo",
    "title": "Latte −20 %",
    "text": "To go",
    "titles": {"ru": "Латте −20 %", "en": "Latte −20 %"},
    "texts": {"ru": "С собой", "en": "To go"},
    "member": None,
    "audience": None,
    "from": "2026-11-24T12:00:00Z",
    "until": "2027-01-01T00:00:00Z",
    "withdrawn_at": None,
}
WITHDRAWN = {**OFFER, "withdrawn_at": "2026-11-25T09:30:00Z"}
OFFER_CHANGED = {
    **OFFER,
    "title": "Latte −30 %",
    "titles": {"ru": "Латте −30 %", "en": "Latte −30 %"},
}


class OfferOut(AnswerBody):
    """An offer. `title` and `text` are in the caller's language (`Accept-Language`, else the
    programme's), `titles` and `texts` in all. `member` and `audience` are null if it is for all
    members, `until` is null if it does not end."""

    model_config = shows(OFFER)

    id: str
    programme: str
    title: str
    text: str
    titles: dict[str, str]
    texts: dict[str, str]
    member: str | None
    audience: dict[str, Any] | None
    starts_at: datetime = Field(alias="from")
    ends_at: datetime | None = Field(alias="until")
    withdrawn_at: datetime | None


class OffersOut(AnswerBody):
    """Offers, newest first."""

    model_config = shows(page_of(OFFER))

    items: list[OfferOut]
    next_cursor: str | None
