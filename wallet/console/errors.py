"""A page of the console for what went wrong: what happened, and what to do now."""

from collections.abc import Mapping

from flask import Response, make_response, render_template

from wallet.console.shell import PREFIX, Frame
from wallet.pages.language import gettext as _

# Icons of the sprite, by HTTP status.
ICONS: Mapping[int, str] = {403: "lock", 404: "search", 429: "clock", 503: "clock"}


def is_ours(path: str) -> bool:
    """Whether this path belongs to the console."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def error_page(status: int, frame: Frame | None = None) -> Response:
    """The page for this HTTP status, which no cache keeps; with the menu around it for somebody
    who is inside."""
    title, text = _words(status)
    home = frame.menu[0] if frame is not None and frame.menu else None
    page = make_response(
        render_template(
            "console/error.html",
            icon_name=ICONS.get(status, "alert-circle"),
            title=title,
            text=text,
            home=home,
            frame=frame,
        ),
        status,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _words(status: int) -> tuple[str, str]:
    if status == 404:
        return _("There is no such page"), _(
            "It may have been moved or deleted, or the address is incomplete."
        )
    if status == 403:
        return _("Your role does not include this"), _(
            "Ask an administrator of the programme if you need it for your work."
        )
    if status == 413:
        return _("That is too much at once"), _("Go back and send a smaller file or less text.")
    if status == 429:
        return _("Too many attempts"), _("Wait a minute, then try once more.")
    if status == 503:
        return _("We’ll be right back"), _(
            "Try again in a few minutes. Everything that you saved is kept."
        )
    if status >= 500:
        return _("Something broke on our side"), _(
            "It has been noted. Go back and try once more: everything that you saved is kept."
        )
    return _("That did not work"), _("Go back and try once more.")
