"""A page for what went wrong: what happened, and what to do now."""

from dataclasses import dataclass
from typing import Literal

from flask import Response, make_response, render_template, request, url_for

from wallet.pages.designs import Look
from wallet.pages.language import gettext as _

# Why the link to a card opens nothing.
LinkClosed = Literal["lost", "erased", "blocked", "void", "expired", "renewed"]
# Its owner has a card, or the same one, behind another link.
LEADS_TO_ANOTHER_LINK: frozenset[LinkClosed] = frozenset({"lost", "renewed"})


@dataclass(frozen=True, slots=True)
class WayOn:
    """Where a page for what went wrong leads; `is_plain`: it is not what its reader came for."""

    words: str
    url: str
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class IssuingShop:
    """Whose page it is: what the programme is called, its code, how its cards look, and who runs
    it, with an address to write to if they said so; whether people find their card there by phone
    or e-mail."""

    name: str
    code: str
    look: Look
    operator: str = ""
    finds_cards: bool = False


def error_page(
    status: int, shop: IssuingShop | None = None, way_on: WayOn | None = None
) -> Response:
    """The page for this HTTP status, which no cache and no search engine may keep. Without a shop
    it is the service's own, and leads to its start."""
    way_on = way_on or WayOn(_("To the start page"), url_for("pages.front.front"))
    return _page(status, *_words(status), shop=shop, way_on=way_on)


def closed_page(why: LinkClosed, shop: IssuingShop) -> Response:
    """The page behind a link to a card that opens nothing, with nothing of its owner: 403 while the
    card is only blocked, otherwise 410. It says whose card it was, and leads to the form where
    nothing is left that a second card would part from."""
    if why == "erased":
        way_on = WayOn(_("Get a card"), url_for("pages.join.ask", code=shop.code))
    elif why in LEADS_TO_ANOTHER_LINK and shop.finds_cards:
        way_on = _find(shop)
    else:
        rules = url_for("pages.privacy.rules", code=shop.code)
        way_on = WayOn(_("Rules of the programme"), rules, is_plain=True)
    status = 403 if why == "blocked" else 410
    return _page(status, *_words_of_closed(why), shop=shop, way_on=way_on)


def _find(shop: IssuingShop) -> WayOn:
    return WayOn(_("Find my card"), url_for("pages.find.ask", code=shop.code))


def without_apple_page(shop: IssuingShop | None, way_on: WayOn | None) -> Response:
    """The page in the place of a pass for an iPhone, where Apple is not set up: 404."""
    return _page(
        404,
        _("The card is not in Apple Wallet yet"),
        _(
            "The card is its page in the browser, and tills take it as it is. Go back to that page"
            " and add it to the home screen of your phone: it will open with one tap."
        ),
        shop=shop,
        way_on=way_on,
    )


def _page(
    status: int,
    title: str,
    text: str,
    *,
    shop: IssuingShop | None = None,
    way_on: WayOn | None = None,
) -> Response:
    look = None if shop is None else shop.look
    drawn = render_template(
        "pages/error.html", title=title, text=text, shop=shop, look=look, way_on=way_on
    )
    page = make_response(drawn, status)
    page.headers["Cache-Control"] = "no-store"
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _words(status: int) -> tuple[str, str]:
    if status == 404:
        return _("There is nothing here"), _(
            "The link may have been cut off on its way. Open it once more from the message, or ask"
            " for it at the till."
        )
    if status == 403:
        return _("This form came from another site"), _(
            "Open the page from the shop’s own link and fill in the form there."
        )
    if status == 413:
        return _("That is too much text"), _("Go back and write a little less.")
    if status == 429 and request.method == "POST":
        return _("Too fast"), _(
            "Wait a minute, go back and press the button once more. What you typed is still there."
        )
    if status == 429:
        return _("Too fast"), _("Wait a minute and open this page again.")
    if status == 503:
        return _("We’ll be right back"), _(
            "Try again in a few minutes. Nothing on your card is lost."
        )
    if status >= 500:
        return _("Something broke on our side"), _(
            "We have noted it. Try again in a few minutes. Nothing on your card is lost."
        )
    return _("That did not work"), _("Go back and try once more.")


def _words_of_closed(why: LinkClosed) -> tuple[str, str]:
    match why:
        case "lost":
            return _("This card is blocked"), _(
                "It was reported lost, and another card took its place. Is it yours? Ask for the"
                " new one at the till: everything that was on this card is on it."
            )
        case "blocked":
            return _("This card is blocked"), _(
                "Nobody can use it until its owner comes. Is it yours? Come to the till: they"
                " unblock it or give you a new one. Nothing on it is lost."
            )
        case "void":
            return _("This card is not valid any more"), _(
                "It was cancelled, and tills do not accept it. Ask at the till if you think that"
                " this is a mistake."
            )
        case "expired":
            return _("This card has expired"), _(
                "Tills do not accept it any more. Ask at the till for a new one."
            )
        case "renewed":
            return _("This link is not valid any more"), _(
                "The card itself is fine, but it has a new link. Ask for the link at the till."
            )
        case "erased":
            return _("This card is no longer there"), _(
                "It was deleted together with all that was known of its owner. You are welcome to"
                " join anew."
            )
