"""The language a page speaks: the one asked for, else the member's, the browser's, the
programme's."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
from babel import Locale, numbers
from flask import Flask, g, request
from flask_babel import Babel
from jinja2 import Environment
from markupsafe import Markup
from werkzeug.wrappers import Response

import wallet
from ledger import languages, words
from ledger.languages import ENGLISH, LANGUAGES, Language
from ledger.programmes.units import Unit
from wallet.installation import current_installation

CATALOGUES = Path(wallet.__file__).parent / "locale"
# Each is offered in its own words.
# Babel would read the name of the language anew at each page.
LOCALES = {one: Locale.parse(one) for one in LANGUAGES}
OFFERED = {language: languages.own_name(language) for language in LANGUAGES}

COOKIE = "lang"
COOKIE_LIVES_S = 365 * 24 * 3600


def add_to(app: Flask) -> None:
    """Have pages speak the language that `_choose` finds for each request."""
    Babel(
        app,
        default_locale=ENGLISH,
        default_domain="wallet",
        default_translation_directories=str(CATALOGUES),
        locale_selector=_choose,
    )
    _speak_in(app.jinja_env)
    app.context_processor(lambda: {"language": current(), "languages": OFFERED})
    app.after_request(_remember)


def _speak_in(templates: Environment) -> None:
    """What templates say goes through `_texts`. The functions take the place of those that Jinja
    makes around such ones: with dozens of texts, these were a tenth of what a page costs."""
    said = {
        "gettext": lambda one, /, **facts: _marked(_texts().ugettext(one), facts),
        "ngettext": lambda one, many, num, /, **facts: _marked(
            _texts().ungettext(one, many, num), {"num": num, **facts}
        ),
        "pgettext": lambda context, one, /, **facts: _marked(
            _texts().upgettext(context, one), facts
        ),
        "npgettext": lambda context, one, many, num, /, **facts: _marked(
            _texts().unpgettext(context, one, many, num), {"num": num, **facts}
        ),
    }
    templates.install_gettext_callables(  # type: ignore[attr-defined] # of its extension i18n
        **said, newstyle=True
    )
    templates.globals.update(said, _=said["gettext"])


def _marked(text: str, facts: Mapping[str, object]) -> Markup:
    """A text of ours as a part of a page, with `facts` in its places, made harmless."""
    return Markup(text) % facts if "%" in text else Markup(text)  # noqa: S704 - it is ours


def _texts() -> Any:
    """The catalogue that this request speaks from. A page has dozens of texts, and Babel would look
    for it anew at each."""
    found = g.get("texts")
    if found is None:
        found = g.texts = flask_babel.get_translations()
    return found


def current() -> Language:
    """The language that this page speaks."""
    found: Language | None = g.get("tongue")
    if found is None:
        found = g.tongue = languages.ours(str(flask_babel.get_locale()))
    return found


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Within it the page speaks the language of this tag, or the nearest of ours: for a part of it
    that somebody else will read."""
    before = {name: g.pop(name, None) for name in ("texts", "tongue")}
    with flask_babel.force_locale(languages.ours(tag)):
        try:
            yield
        finally:
            for name, kept in before.items():
                g.pop(name, None)
                if kept is not None:
                    setattr(g, name, kept)


def gettext(sentence: str, **facts: str) -> str:
    """`sentence` as the page says it."""
    text: str = _texts().ugettext(sentence)
    return text % facts if facts else text


def ngettext(one: str, many: str, count: int) -> str:
    """The word for `count` things: Russian has three forms of it."""
    text: str = _texts().ungettext(one, many, count)
    return text % {"num": count}


def counted(one: str, many: str, count: int, **facts: str) -> str:
    """The phrase for `count` things, with the number in its place `%(count)s`."""
    text: str = _texts().ungettext(one, many, count)
    return text % {**facts, "num": count, "count": words.number_in(current(), count)}


def number(count: int) -> str:
    """A whole number as the page writes it."""
    return words.number_in(current(), count)


def roughly(count: int) -> str:
    """A large number that is not meant exactly, such as 1.2 million."""
    locale = languages.locale(current())
    return numbers.format_compact_decimal(
        count, format_type="long", locale=locale, fraction_digits=1
    )


def day(moment: datetime, timezone: str) -> str:
    """The calendar day of that moment in that zone, in words."""
    return words.day_in(current(), moment.astimezone(ZoneInfo(timezone)).date())


def unit_word(unit: Unit | None, count: int) -> str:
    """The word for `count` of a unit, beside a number; empty for money, which names itself."""
    if unit is not None and unit.kind == "money":
        return ""
    if unit is not None and unit.kind == "stamps":
        return ngettext("stamp", "stamps", count)
    return ngettext("point", "points", count)


def amount(unit: Unit | None, count: int) -> str:
    """So many of a unit, without the word: a number, or money with its sign."""
    return words.value_in(current(), count if unit is None else unit.amount(count))


def suggest(*, programme: Sequence[str], member: str | None = None) -> None:
    """What the page should speak unless its reader asked for something else: the member's language,
    or the first of the programme's that our own words are in."""
    g.language_of_member = member
    g.languages_of_programme = programme
    g.pop("texts", None)
    g.pop("tongue", None)
    flask_babel.refresh()  # it may have been chosen in this request before this was known


def to_write_in(spoken: Sequence[str]) -> str:
    """The language in which we shall write to the reader, of those that the programme speaks: the
    one they chose for our pages, or one that their browser asks for; else that of this page."""
    chosen = (request.args.get("lang"), request.cookies.get(COOKIE))
    asked = languages.accepted(request.accept_languages)
    return languages.best(spoken, *chosen, *asked) or current()


def wanted() -> Sequence[str | None]:
    """The languages that the reader asked for, or may understand, the best first. What others wrote
    may be in one that our own words are not in."""
    return (
        request.args.get("lang"),
        request.cookies.get(COOKIE),
        g.get("language_of_member"),
        *languages.accepted(request.accept_languages),
        *g.get("languages_of_programme", ()),
    )


def _choose() -> Locale:
    return LOCALES[languages.ours(*wanted())]


def _remember(response: Response) -> Response:
    """Keep the language that the reader chose. The cookie holds nothing else: it names no person
    and gives no access."""
    if not request.query_string:  # nearly always, and to parse it costs time at each request
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
