"""The kind of segment `card`: the members whose card is in a phone, as far as Apple's phones and
Google have reported it."""

from typing import Literal

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from ledger.fields import Body
from ledger.people.members import Member
from ledger.segments.scope import AnyScope
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.passes.issued import Pass


class InPhone(Body):
    """Has the card in a phone's wallet.

    {"kind": "card", "wallet": "apple"}"""

    kind: Literal["card"]
    wallet: Literal["any", "apple", "google"] = "any"

    def condition(self, scope: AnyScope) -> ColumnElement[bool]:
        """Only the member's own card counts, no coupon: registered by an Apple device, or saved at
        Google."""
        match self.wallet:
            case "apple":
                return _in_apple_wallet()
            case "google":
                return _in_google_wallet()
        return or_(_in_apple_wallet(), _in_google_wallet())


def _in_apple_wallet() -> ColumnElement[bool]:
    return exists(
        select(Registration.pass_id)
        .join(Pass, Pass.id == Registration.pass_id)
        .where(Pass.member_id == Member.id, Pass.offer_id.is_(None), Pass.lost_at.is_(None))
        .correlate(Member)
    )


def _in_google_wallet() -> ColumnElement[bool]:
    return exists(
        select(GoogleObject.pass_id)
        .join(Pass, Pass.id == GoogleObject.pass_id)
        .where(
            Pass.member_id == Member.id,
            Pass.offer_id.is_(None),
            Pass.lost_at.is_(None),
            GoogleObject.saved.is_(True),
        )
        .correlate(Member)
    )


def numbers(session: Session, programme_id: int, *, coupons: bool) -> tuple[int, int]:
    """How many cards of a programme, or how many coupons, are in Apple's phones and in Google's."""
    is_coupon = Pass.offer_id.is_not(None) if coupons else Pass.offer_id.is_(None)
    ours = (Pass.programme_id == programme_id, is_coupon, Pass.lost_at.is_(None))
    apple = (
        select(func.count(Registration.pass_id.distinct()))
        .join(Pass, Pass.id == Registration.pass_id)
        .where(*ours)
    )
    google = (
        select(func.count())
        .select_from(GoogleObject)
        .join(Pass, Pass.id == GoogleObject.pass_id)
        .where(*ours, GoogleObject.saved.is_(True))
    )
    return session.scalars(apple).one(), session.scalars(google).one()
