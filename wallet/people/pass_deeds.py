"""What is done with one card or coupon, whoever does it: used up, made void, ended, made good
again, or given another link. Each but the use stands in the record of changes; when a coupon was
used, and by whom, stands with the coupon itself. The API and the console do the same, here.

Lock order: the member, then the pass."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from ledger.people import members
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.delivery.refresh import MakeDue, refresh
from wallet.errors import CouponUsed
from wallet.passes import coupons, issued
from wallet.passes.content import PassState
from wallet.passes.coupons import CouponTaker
from wallet.passes.issued import Pass


def use(
    session: Session, pass_: Pass, make_due: Sequence[MakeDue], by: Author, now: datetime
) -> Pass:
    """Use a coupon up, see `coupons.use`, which says what it raises."""
    used = coupons.use(session, pass_, CouponTaker(by.kind, by.name), now)
    return _shown(session, used, make_due, now)


def make_void(
    session: Session,
    pass_: Pass,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
    *,
    unless_used: bool = False,
) -> Pass:
    """Make a pass void; it can be made good again. With `unless_used`, one that was used meanwhile
    is left as it is: `CouponUsed`. Raises `PassErased`, `PassLost`."""
    held = _held(session, pass_)
    if unless_used and held.state == "used":
        raise CouponUsed
    return _decide(session, held, "pass.voided", "void", None, make_due, by, now)


def end(
    session: Session,
    pass_: Pass,
    at: datetime,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
) -> Pass:
    """End a pass at this moment, which may be past. Raises `PassErased`, `PassLost`."""
    state: PassState = "active" if at > now else "expired"
    return _decide(session, _held(session, pass_), "pass.ended", state, at, make_due, by, now)


def restore(
    session: Session,
    pass_: Pass,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
    *,
    only_if: PassState | None = None,
) -> Pass:
    """Make a void, ended or used pass good again; with `only_if`, one in this state alone: somebody
    who looks at a used coupon takes the use back, and nothing else that was decided meanwhile.
    Raises `PassErased`, `PassLost`."""
    held = _held(session, pass_)
    if only_if is not None and held.state != only_if:
        return held
    return _decide(session, held, "pass.restored", "active", None, make_due, by, now)


def renew_link(session: Session, pass_: Pass, by: Author, now: datetime) -> Pass:
    """Give a pass another link, see `issued.renew_link`, which says what it raises."""
    renewed = issued.renew_link(session, pass_)
    changes.note(session, by, "pass.link_replaced", of(renewed), now)
    return renewed


def of(pass_: Pass) -> ChangedThing:
    """The pass as the record of changes names it."""
    return ChangedThing("pass", pass_.serial, pass_.programme_id, pass_.member_id)


def _held(session: Session, pass_: Pass) -> Pass:
    members.lock(session, [pass_.member_id])
    (held,) = issued.lock(session, [pass_.id])
    return held


def _decide(
    session: Session,
    held: Pass,
    code: str,
    state: PassState,
    ends_at: datetime | None,
    make_due: Sequence[MakeDue],
    by: Author,
    now: datetime,
) -> Pass:
    """Set the state of a locked pass. Doing it again changes nothing, and phones are not told
    again. `code` is that of the change, in the record of them."""
    before = changes.facts(held)
    decided = issued.decide(session, held, state, ends_at, now)
    changes.note(session, by, code, of(decided), now, before, changes.facts(decided))
    return _shown(session, decided, make_due, now)


def _shown(session: Session, pass_: Pass, make_due: Sequence[MakeDue], now: datetime) -> Pass:
    refresh(session, [pass_.id], make_due, now)
    session.refresh(pass_)
    return pass_
