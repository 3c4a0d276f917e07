"""The official badges of both wallets: which there are, and the form that takes one. They are those
of the whole installation: pages of every programme show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.languages import LANGUAGES, Language
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.console import choices, doing, pages
from wallet.console.forms import FormEntries, FormRefused
from wallet.console.pages import needs
from wallet.errors import ImageRefused
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.passes import badges
from wallet.passes.badges import BadgeOf

HERE = "cards"
PAGE = "console/cards/badges.html"
UPLOAD = "console.badges.put"
MOST_SENT_BYTES = 64 * 1024 * 1024  # more is refused before it is read
NAMES = {"apple": "Apple Wallet", "google": "Google Wallet"}

routes = Blueprint("badges", __name__)


@dataclass(frozen=True, slots=True)
class BadgePlace:
    """A badge, or the place of one. `url` is empty while there is none."""

    wallet: BadgeOf
    language: Language
    name: str
    language_words: str
    url: str
    width: int
    height: int


@routes.get("/badges")
@needs("designs:write")
def show() -> str:
    """The badges by wallet and language."""
    return pages.show(PAGE, HERE, problems={}, **_around())


@routes.post("/badges/<any(apple,google):wallet>/<tag>")
@needs("designs:write")
def put(wallet: BadgeOf, tag: str) -> Response:
    """Show a badge from now on, in the place of a plain button."""
    entries, house = FormEntries(), current_installation()
    field = f"{wallet}-{tag}"
    sent = request.files.get("badge")
    _require_spoken(tag)

    def work(session: Session) -> None:
        if not pages.may_everywhere("designs:write"):
            entries.refuse(field, _all_programmes())
            raise FormRefused
        if sent is None or not sent.filename:
            entries.refuse(field, _("Choose a file: SVG or PNG."))
            raise FormRefused
        sent.stream.seek(0)
        data, now = sent.stream.read(badges.MOST_BYTES + 1), house.clock()
        badges.put(session, wallet, tag, sent.filename[-100:], data, now)
        of = ChangedThing("badge", f"{wallet} {tag}")
        changes.note(session, pages.author(), "badge.set", of, now)

    try:
        is_done = doing.done(entries, work, field)
    except ImageRefused as refusal:
        entries.refused(refusal, field)
        is_done = False
    if not is_done:
        return pages.show_again(PAGE, HERE, entries, **_around())
    pages.say(_("Pages show this badge from now on."))
    return pages.go("console.badges.show")


@routes.post("/badges/<any(apple,google):wallet>/<tag>/remove")
@needs("designs:write")
def remove(wallet: BadgeOf, tag: str) -> Response:
    """Show a plain button again."""
    house = current_installation()
    _require_spoken(tag)
    if not pages.may_everywhere("designs:write"):
        pages.say(_all_programmes(), "bad")
        return pages.go("console.badges.show")

    def work(session: Session) -> None:
        if badges.remove(session, wallet, tag):
            of = ChangedThing("badge", f"{wallet} {tag}")
            changes.note(session, pages.author(), "badge.removed", of, house.clock())

    house.database.run(work)
    pages.say(_("Pages show a plain button again."))
    return pages.go("console.badges.show")


def _all_programmes() -> str:
    return _("Badges are those of all programmes: only who designs cards in all of them sets them.")


def _require_spoken(tag: str) -> None:
    if tag not in LANGUAGES:
        pages.not_there(HERE)


def _around() -> dict[str, object]:
    with current_installation().database.reading() as session:
        known = {(one.wallet, one.language): one for one in badges.every(session)}
    places: Sequence[tuple[BadgeOf, Language]] = [
        (wallet, tag) for wallet in get_args(BadgeOf) for tag in LANGUAGES
    ]
    shown = []
    for wallet, tag in places:
        badge = known.get((wallet, tag))
        url = "" if badge is None else url_for("pages.badges.file", name=badge.file)
        width = 0 if badge is None else badge.width_at(badges.SHOWN_HIGH)
        words = choices.language_name(tag)
        shown.append(BadgePlace(wallet, tag, NAMES[wallet], words, url, width, badges.SHOWN_HIGH))
    return {"badges": shown, "may_change": pages.may_everywhere("designs:write")}
