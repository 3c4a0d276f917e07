"""A page for what went wrong: what happened, and what to do now."""

from flask import Response, make_response, render_template

from wallet.pages.language import gettext as _


def error_page(status: int) -> Response:
    """The page for this HTTP status, which no cache and no search engine may keep."""
    title, text = _words(status)
    page = make_response(render_template("pages/error.html", title=title, text=text), status)
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
            "Open the page from the shop's own link and fill in the form there."
        )
    if status == 410:
        return _("This card is no longer there"), _(
            "It was deleted together with all that was known of its owner. You are welcome to join"
            " anew: ask at the till."
        )
    if status == 413:
        return _("That is too much text"), _("Go back and write a little less.")
    if status == 429:
        return _("Too fast"), _("Wait a minute and try again.")
    if status == 503:
        return _("We'll be right back"), _("Try again in a few minutes. Your points are safe.")
    if status >= 500:
        return _("Something broke on our side"), _(
            "We have noted it. Try again in a few minutes. Your points are safe."
        )
    return _("That did not work"), _("Go back and try once more.")
