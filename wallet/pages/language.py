"""The language a page speaks: the one asked for, else the member's, the browser's, the
programme's."""

from datetime import datetime
from zoneinfo import ZoneInfo

import flask_babel
from flask import Flask, g, request
from flask_babel import Babel
from werkzeug.wrappers import Response

from wallet.installation import current_installation

# Each is offered in its own words: people look for theirs.
LANGUAGES = {"ru": "Русский", "en": "English"}
DEFAULT = "en"

COOKIE = "lang"
COOKIE_LIVES_S = 365 * 24 * 3600


def add_to(app: Flask) -> None:
    Babel(
        app,
        default_locale=DEFAULT,
        default_translation_directories="pages/translations",
        locale_selector=_choose,
    )
    app.context_processor(lambda: {"language": current(), "languages": LANGUAGES})
    app.after_request(_remember)


def current() -> str:
    return str(flask_babel.get_locale())


def gettext(sentence: str, **facts: str) -> str:
    """`sentence` as the page says it."""
    return str(flask_babel.gettext(sentence, **facts))


def ngettext(one: str, many: str, count: int) -> str:
    """The word for `count` things: Russian has three."""
    return str(flask_babel.ngettext(one, many, count))


def day(moment: datetime, timezone: str) -> str:
    """The calendar day of that moment in that zone, in words."""
    return str(flask_babel.format_date(moment.astimezone(ZoneInfo(timezone)).date(), "long"))


def suggest(*, member: str | None = None, programme: str | None = None) -> None:
    """What the page should speak unless its reader asked for something else."""
    g.language_of_member = member
    g.language_of_programme = programme
    flask_babel.refresh()  # whoever spoke before us in this request did not know


def _choose() -> str:
    for tag in (
        request.args.get("lang"),
        request.cookies.get(COOKIE),
        g.get("language_of_member"),
        request.accept_languages.best_match(LANGUAGES),
        g.get("language_of_programme"),
    ):
        language = (tag or "").replace("_", "-").partition("-")[0]
        if language in LANGUAGES:
            return language
    return DEFAULT


def _remember(response: Response) -> Response:
    """Keep what somebody chose on a page. The cookie holds a language and nothing else: it names
    nobody and opens nothing."""
    if not request.query_string:  # nearly always, and to read it costs each request something
        return response
    chosen = request.args.get("lang")
    if chosen in LANGUAGES and response.mimetype == "text/html":
        response.set_cookie(
            COOKIE,
            chosen,
            max_age=COOKIE_LIVES_S,
            secure=current_installation().settings.public_url.startswith("https:"),
            httponly=True,
            samesite="Lax",
        )
    return response
