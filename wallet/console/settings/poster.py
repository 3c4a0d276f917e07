"""The poster: a sheet with the code of the form for joining, as it will be printed, its words, and
how many joined by which one."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, make_response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger import languages
from ledger.programmes import stores
from ledger.programmes.programmes import Programme
from ledger.programmes.stores import Store, Till
from ledger.words import N_
from wallet.console import choices, doing, pages
from wallet.console.forms import FormEntries
from wallet.console.pages import IN_PROGRAMME, needs
from wallet.console.settings import certificates
from wallet.delivery import programme_changes
from wallet.installation import current_installation
from wallet.outreach.posters import drawn, joined, layout, posters
from wallet.outreach.posters.joined import PosterPlace
from wallet.outreach.posters.layout import FORMATS, PosterFormat, PosterText
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "settings"
POSTER = "console/settings/poster.html"
MOST_STORES = 1000  # to choose from
MOST_TILLS = 500

FORMAT_WORDS: dict[PosterFormat, str] = {
    "a4": N_("A4, for a wall or a door"),
    "a6": N_("A6, for the counter"),
    "tent": N_("For a table (A4, folded)"),
}
TYPES = {"pdf": "application/pdf", "svg": "image/svg+xml"}

routes = Blueprint("poster", __name__)


@dataclass(frozen=True, slots=True)
class PosterChoice:
    """What the address of the page asks for, as far as it is there."""

    form: PosterFormat
    language: str
    place: PosterPlace

    @property
    def asked(self) -> dict[str, str]:
        """The same as an address has it."""
        place = self.place
        return {
            "format": self.form,
            "language": self.language,
            "store": "" if place.store is None else place.store.code,
            "till": "" if place.till is None else place.till.code,
        }


@routes.get(f"{IN_PROGRAMME}/poster")
@needs("stores:read")
def show() -> str:
    """A poster in the format and language, and of the store and the till, that the address
    names."""
    with current_installation().database.reading() as session:
        programme = pages.programme_row(session)
        typed = {
            f"poster_{tag}": posters.headline(session, programme, tag)
            for tag in programme.languages
        }
        return pages.show(POSTER, HERE, typed=typed, problems={}, **_around(session, programme))


@routes.post(f"{IN_PROGRAMME}/poster")
@needs("terms:write")
def save() -> Response:
    """Keep the words above the code."""
    entries, house = FormEntries(), current_installation()
    at_fault = ""

    def work(session: Session) -> None:
        nonlocal at_fault
        programme, now = pages.programme_row(session), house.clock()
        programme_changes.hold(session, programme)
        for tag in programme.languages:
            at_fault = f"poster_{tag}"
            text, by = entries[at_fault].strip(), pages.author()
            programme_changes.say(session, programme, "poster", tag, text, by, now)

    if not doing.done(entries, work, lambda _refusal: at_fault):
        with house.database.reading() as session:
            around = _around(session, pages.programme_row(session))
        return pages.show_again(POSTER, HERE, entries, typed=entries, **around)
    pages.say(_("Saved. Print the poster, and put it where people pay."))
    return pages.go("console.poster.show", **_asked_again())


@routes.get(f"{IN_PROGRAMME}/poster.<any(pdf,svg):ending>")
@needs("stores:read")
def drawing(ending: str) -> Response:
    """The poster as a file. 404 in a language whose letters we cannot print."""
    house = current_installation()
    with house.database.reading() as session:
        programme = pages.programme_row(session)
        choice = _choice(session, programme)
        poster = _poster(session, programme, choice)
    if posters.missing(poster):
        pages.not_there(HERE)
    sheet = layout.laid_out(poster, choice.form)
    made = (
        drawn.svg(sheet, poster.name)
        if ending == "svg"
        else drawn.pdf(sheet, poster.name, choice.language, house.clock())
    )
    answer = make_response(made)
    answer.headers["Content-Type"] = TYPES[ending]
    answer.headers["Cache-Control"] = "no-store"
    if "download" in request.args:
        parts = ["poster", programme.code, *filter(None, choice.asked.values())]
        name = quote(f"{'-'.join(parts)}.{ending}")
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return answer


def _choice(session: Session, programme: Programme) -> PosterChoice:
    asked, spoken = request.args, programme.languages
    usual = languages.best(spoken, language.current()) or spoken[0]
    wanted = asked.get("language", "")
    return PosterChoice(
        next((one for one in FORMATS if one == asked.get("format")), FORMATS[0]),
        wanted if wanted in spoken else usual,
        joined.place(session, programme.id, asked.get("store", ""), asked.get("till", ""))
        or PosterPlace(),
    )


def _asked_again() -> dict[str, str]:
    return {
        name: request.args[name]
        for name in ("format", "language", "store", "till")
        if name in request.args
    }


def _poster(session: Session, programme: Programme, choice: PosterChoice) -> PosterText:
    public_url = current_installation().settings.public_url
    return posters.poster(session, programme, choice.language, choice.place, public_url)


def _around(session: Session, programme: Programme) -> dict[str, object]:
    choice, house = _choice(session, programme), current_installation()
    poster = _poster(session, programme, choice)
    counts = joined.counts(session, programme.id, house.clock())
    found = stores.listed(session, programme.id, 0, MOST_STORES)
    open_ = sorted((one for one in found if not one.closed), key=_by_name)
    return {
        "spoken": [(tag, choices.language_name(tag)) for tag in programme.languages],
        "formats": [(one, _(words)) for one, words in FORMAT_WORDS.items()],
        "stores": [("", _("Anywhere")), *((one.code, one.name) for one in open_)] if open_ else [],
        "tills": _tills(session, choice.place.store),
        "choice": choice,
        "asked": choice.asked,
        "poster": poster,
        "missing": posters.missing(poster),
        "counts": [
            (posters.written(one.place, language.current()) or _("Anywhere"), one) for one in counts
        ],
        "is_local": certificates.is_local(house.settings.public_url),
    }


def _tills(session: Session, store: Store | None) -> Sequence[tuple[str, str]]:
    """The tills to choose from, once there is a store."""
    if store is None:
        return []
    found = stores.tills(session, store.programme_id, 0, MOST_TILLS, store.id)
    open_ = sorted((till for till, _code in found if not till.closed), key=_by_name)
    return [("", _("Any till")), *((one.code, one.name) for one in open_)] if open_ else []


def _by_name(one: Store | Till) -> str:
    return one.name.casefold()
