"""The official badges of both wallets: which there are, and the form that takes one. They are those
of the whole installation: pages of every programme show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from ledger.languages import LANGUAGES, Language
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.console import choices, doing, pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.console.pages import needs
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


@routes.post("/badges")
@needs("designs:write")
def put() -> Response:
    """Show a badge from now on, in the place of a plain button."""
    entries, house = FormEntries(), current_installation()
    wallet, tag = _place(entries)
    field = f"{wallet}-{tag}"
    sent = request.files.get("badge")

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

    if not entries.fit or not doing.done(entries, work, field):
        return pages.show_again(PAGE, HERE, entries, **_around())
    pages.say(_("Pages show this badge from now on."))
    return pages.go("console.badges.show")


@routes.post("/badges/remove")
@needs("designs:write")
def remove() -> Response:
    """Show a plain button again."""
    entries, house = FormEntries(), current_installation()
    wallet, tag = _place(entries)

    def work(session: Session) -> None:
        if not pages.may_everywhere("designs:write"):
            entries.refuse(FORM, _all_programmes())
            raise FormRefused
        if badges.remove(session, wallet, tag):
            of = ChangedThing("badge", f"{wallet} {tag}")
            changes.note(session, pages.author(), "badge.removed", of, house.clock())

    if not entries.fit or not doing.done(entries, work):
        return pages.show_again(PAGE, HERE, entries, **_around())
    pages.say(_("Pages show a plain button again."))
    return pages.go("console.badges.show")


def _place(entries: FormEntries) -> tuple[BadgeOf, str]:
    """Of which wallet the badge is, and in which language."""
    wallet = entries.choice("wallet", get_args(BadgeOf))
    return cast(BadgeOf, wallet), entries.choice("language", LANGUAGES)


def _all_programmes() -> str:
    return _("Badges are those of all programmes: only who designs cards in all of them sets them.")


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
