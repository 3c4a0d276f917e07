"""What stands at an address where something went wrong: whose page it was, and where to go on, as
far as the address tells."""

from collections.abc import Callable
from functools import partial

import structlog
from flask import Response, request, url_for
from sqlalchemy.orm import Session

from ledger.errors import UnknownProgramme
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.installation import current_installation
from wallet.pages import designs, language
from wallet.pages.errors import IssuingShop, WayOn, error_page, without_apple_page
from wallet.pages.language import gettext as _
from wallet.passes import issued, showing, templates

# Addresses that name a programme by its code, and cards by their link.
OF_PROGRAMMES, OF_CARDS = ("join", "find", "joined"), "card"

log = structlog.get_logger()


def page(status: int) -> Response:
    """The page for this HTTP status at the address that was asked."""
    return _at_this_address(partial(error_page, status))


def without_apple() -> Response:
    """The page in the place of a pass for an iPhone, where Apple is not set up."""
    return _at_this_address(without_apple_page)


def shop(session: Session, programme: Programme) -> IssuingShop:
    """Whose page it is, for a page that knows its programme. From now on the page speaks the
    programme's language, unless its reader asked for another."""
    language.suggest(programme=programme.languages)
    tongue = language.current()
    operator = programmes.said(session, programme.id, "operator", tongue)
    return IssuingShop(
        name=programmes.name_in(session, programme, tongue),
        code=programme.code,
        look=designs.look(session, templates.current(session, programme.id).id),
        operator=operator.text if operator else "",
        finds_cards=programme.keeps_personal,
    )


def _at_this_address(drawn: Callable[[IssuingShop | None, WayOn | None], Response]) -> Response:
    """Something went wrong already: if nobody can be told whose page it was, it is nobody's."""
    try:
        with current_installation().database.reading() as session:
            return drawn(*_whose(session, request.path))
    except Exception:
        log.warning("error_page_is_nobodys", exc_info=True)
        return drawn(None, None)


def _whose(session: Session, path: str) -> tuple[IssuingShop | None, WayOn]:
    first, named, *_rest = *path.strip("/").split("/"), ""
    if not named.isprintable():
        return None, _to_start()
    if first in OF_PROGRAMMES and (programme := _coded(session, named)) is not None:
        return shop(session, programme), _to_form(first, programme)
    if first == OF_CARDS and (found := _opened(session, named)) is not None:
        way_on = WayOn(_("Open my card"), url_for("pages.cards.show", token=named))
        return shop(session, found), way_on
    only = _the_only_one(session)
    if only is None:
        return None, _to_start()
    its_shop = shop(session, only)  # in the language of the page, which the way on has as well
    is_found = first == OF_CARDS and only.keeps_personal
    return its_shop, _to_form("find", only) if is_found else _to_start()


def _coded(session: Session, code: str) -> Programme | None:
    try:
        return programmes.by_code(session, code)
    except UnknownProgramme:
        return None


def _opened(session: Session, token: str) -> Programme | None:
    """The programme of the card or coupon that this link opens; None if it opens nothing."""
    link = current_installation().keys.link_of(token)
    pass_ = issued.by_serial(session, link.serial) if link else None
    if link is None or pass_ is None or pass_.link != link:
        return None
    if showing.withheld(session, pass_) is not None:
        return None
    return programmes.by_id(session, pass_.programme_id)


def _the_only_one(session: Session) -> Programme | None:
    """Where there is but one programme, and it is no secret, whoever comes wants that."""
    known = programmes.every(session)
    return known[0] if len(known) == 1 and known[0].listed else None


def _to_form(which: str, programme: Programme) -> WayOn:
    if which != "join":
        return WayOn(_("Find my card"), url_for("pages.find.ask", code=programme.code))
    return WayOn(_("Get a card"), url_for("pages.join.ask", code=programme.code))


def _to_start() -> WayOn:
    return WayOn(_("To the start page"), url_for("pages.front.front"))
