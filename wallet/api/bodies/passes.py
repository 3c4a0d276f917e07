"""Passes in wallets: their state, and when they end."""

from datetime import datetime

from ledger.fields import Body, Moment
from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import MEMBER_ID, OFFER_ID, page_of, shows


class ExpireIn(Body):
    """When the pass ends; now, unless `at` says otherwise."""

    model_config = shows({"at": "2027-01-01T00:00:00+03:00"})

    at: Moment | None = None


PASS = {
    "id": "da5f253d131ab4bc252bc811af061afb",
    "member": MEMBER_ID,
    "offer": None,
    "programme": "demo",
    "pass_type": "pass.com.example.loyalty",
    "state": "active",
    "expires_at": None,
    "version": 4,
    "changed_at": "2026-11-24T12:00:00Z",
    "used_at": None,
    "apple": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKcCNZzrf/apple.pkpass",
    "google": None,
}
VOID = {**PASS, "state": "void", "version": 5}
ENDED = {**PASS, "expires_at": "2027-01-01T00:00:00+03:00", "version": 5}
COUPON = {
    **PASS,
    "offer": OFFER_ID,
    "expires_at": "2027-01-01T00:00:00+03:00",
    "version": 1,
}
COUPON_USED = {
    **COUPON,
    "state": "used",
    "version": 5,
    "used_at": "2026-11-24T12:00:00Z",
}


class PassOut(AnswerBody):
    """A pass in phones. `state` is `active`, `void`, `expired`, `used`, or for good: `erased` if
    its member was erased, `lost` if it was lost and another pass took its place. `offer` is the
    offer of a coupon; it is null for a member's card. A coupon ends with its offer (`expires_at`),
    unless another end was set, and its `state` is what tills are told. `used_at` is null as well
    for coupons that were used before it was kept. `apple` and `google` are null where they are not
    set up, and for keys without `personal:read`: whoever has the links sees whose pass it is."""

    model_config = shows(PASS)

    id: str
    member: str
    offer: str | None
    programme: str
    pass_type: str | None
    state: str
    expires_at: datetime | None
    version: int
    changed_at: datetime
    used_at: datetime | None = None  # answers that were kept before there was this field have none
    apple: str | None
    google: str | None


class PassesOut(AnswerBody):
    """The passes of a member. `bundle` is the address of one file for an iPhone with all that are
    good now; null for keys without `personal:read`, and while Apple is not set up."""

    model_config = shows(
        {
            **page_of(PASS),
            "bundle": "https://cards.example.com/card/da5f253d131ab4bc.pP2BUnlAKc/apple.pkpasses",
        }
    )

    items: list[PassOut]
    next_cursor: str | None
    bundle: str | None
