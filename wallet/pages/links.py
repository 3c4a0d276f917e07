"""Which card an address opens, and what stands there if it opens none."""

from typing import NoReturn

from flask import abort
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.people import members
from ledger.programmes import programmes
from wallet.installation import current_installation
from wallet.pages import lost_way
from wallet.pages.errors import LinkClosed, closed_page
from wallet.passes import issued, showing
from wallet.passes.issued import Pass


def private(response: Response) -> Response:
    """Anybody with the link sees the card, so no copy of it may stay in a cache or a search
    engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    # Our own forms may say on which page they stood; other sites never learn the address.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def any_pass(session: Session, token: str) -> Pass:
    """The pass that this link opens, valid or not: a wallet shows which. Ends the request with 404
    for a link that we did not make, and with a page that says why for one that opens nothing any
    more."""
    link = current_installation().keys.link_of(token)
    pass_ = issued.by_serial(session, link.serial) if link else None
    if link is None or pass_ is None:
        abort(404)
    why: LinkClosed | None = showing.withheld(session, pass_)
    if why is None and link.generation != pass_.link_generation:
        why = "renewed"
    if why is not None:
        _close(session, pass_, why)
    return pass_


def card(session: Session, token: str) -> Pass:
    """The valid card that this link opens, as `any_pass` does; 404 for the link of a coupon, which
    opens the coupon alone."""
    pass_ = any_pass(session, token)
    if pass_.offer_id is not None:
        abort(404)
    if not issued.counts(pass_, current_installation().clock()):
        _close(session, pass_, "void" if issued.content(pass_).state == "void" else "expired")
    return pass_


def coupon(session: Session, token: str) -> Pass | None:
    """The coupon that this link opens, good or not, as `any_pass` does; None for the link of a
    card."""
    pass_ = any_pass(session, token)
    return None if pass_.offer_id is None else pass_


def held_card(session: Session, token: str) -> Pass:
    """The card as `card` finds it, for a request that changes something: member and card are
    locked, so that a link that is refused meanwhile does nothing more, and leads to nothing."""
    found = card(session, token)
    members.lock(session, [found.member_id])
    issued.lock(session, [found.id])
    return card(session, token)


def _close(session: Session, pass_: Pass, why: LinkClosed) -> NoReturn:
    """End the request with the page that says why, in the language of its reader."""
    programme = programmes.by_id(session, pass_.programme_id)
    abort(closed_page(why, lost_way.shop(session, programme)))
