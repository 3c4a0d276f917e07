"""Offers, and who is to have one as a coupon."""

from datetime import datetime

from pydantic import Field

from ledger.fields import Body, Code, Id, Moment, OfferText, Title
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import MEMBER_ID, OFFER_ID, page_of, shows
from wallet.api.bodies.paging import PageIn


class OfferIn(Body):
    """An offer to publish, for one `member` or without it for all. Without `from` it begins now;
    without `until` it does not end."""

    model_config = shows(
        {
            "programme": "demo",
            "title": "Latte −20 %",
            "text": "Until Friday",
            "until": "2027-01-01T00:00:00Z",
        }
    )

    programme: Code
    title: Title
    text: OfferText = ""
    member: Id | None = None
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
    "text": "Until Friday",
    "member": None,
    "from": "2026-11-24T12:00:00Z",
    "until": "2027-01-01T00:00:00Z",
    "withdrawn_at": None,
}
WITHDRAWN = {**OFFER, "withdrawn_at": "2026-11-25T09:30:00Z"}


class OfferOut(AnswerBody):
    """An offer. `member` is null if it is for all members, `until` is null if it does not end."""

    model_config = shows(OFFER)

    id: str
    programme: str
    title: str
    text: str
    member: str | None
    starts_at: datetime = Field(alias="from")
    ends_at: datetime | None = Field(alias="until")
    withdrawn_at: datetime | None


class OffersOut(AnswerBody):
    """Offers, newest first."""

    model_config = shows(page_of(OFFER))

    items: list[OfferOut]
    next_cursor: str | None
