"""Whose browser it is: who joined in it, or found their card in it, is led to their own card, and
makes no second one by mistake.

The cookie opens nothing by itself, is sent to the page of this one programme alone, and is worth
nothing once the card's link was renewed or the card is gone."""

from datetime import timedelta

from flask import request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.programmes.programmes import Programme
from wallet.configuration.keyring import CardLink
from wallet.installation import current_installation
from wallet.passes import issued, showing
from wallet.passes.issued import Pass

COOKIE, JOINED = "card", "joined"
LIVES = timedelta(days=365)
# For so long the page of a card speaks to somebody who has just joined in this browser.
JUST_JOINED_FOR = timedelta(hours=1)


def found(session: Session, programme: Programme) -> Pass | None:
    """The card of whoever joined in this browser; None if there is none that is good."""
    link = current_installation().keys.link_of_browser(request.cookies.get(COOKIE, ""))
    pass_ = None if link is None else issued.by_serial(session, link.serial)
    if link is None or pass_ is None or pass_.programme_id != programme.id:
        return None
    is_good = (
        pass_.link == link
        and showing.withheld(session, pass_) is None
        and issued.counts(pass_, current_installation().clock())
    )
    return pass_ if is_good else None


def remember(response: Response, code: str, link: CardLink, *, as_own: bool) -> None:
    """Somebody has just joined in this browser; `as_own`: it is the card that this browser leads
    to from now on."""
    keys = current_installation().keys
    card = url_for("pages.cards.show", token=keys.link_token(link))
    _set(response, JOINED, "yes", JUST_JOINED_FOR, card)
    if as_own:
        lead_to(response, code, link)


def lead_to(response: Response, code: str, link: CardLink) -> None:
    """This browser leads to this card from now on."""
    form = url_for("pages.join.ask", code=code)
    _set(response, COOKIE, current_installation().keys.browser_token(link), LIVES, form)


def has_just_joined(pass_: Pass) -> bool:
    """Whether the card of this page was made in this browser a moment ago."""
    is_new = current_installation().clock() - pass_.created_at < JUST_JOINED_FOR
    return is_new and JOINED in request.cookies


def _set(response: Response, name: str, value: str, lives: timedelta, path: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=lives,
        path=path,
        secure=current_installation().settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
