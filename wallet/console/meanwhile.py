"""Two people at one form: who comes second is told who changed what meanwhile, and keeps all that
was typed. A form remembers the last line of the record of changes at the moment it was opened."""

from collections.abc import Sequence

from babel.lists import format_list
from sqlalchemy.orm import Session

from ledger import languages
from ledger.words import N_
from wallet.access import changes
from wallet.access.changes import ChangedThing, RecordedChange
from wallet.console import pages
from wallet.console.forms import FORM, FormEntries
from wallet.pages import language
from wallet.pages.language import gettext as _

OPENED = "opened"  # the field of a form that remembers
# What recorded fields are called in forms.
FIELDS = {
    "back": N_("percent back"),
    "payable": N_("share payable with points"),
    "worth": N_("worth of a point"),
    "currency": N_("currency"),
    "welcome_gift": N_("gift for joining"),
    "welcome_live_days": N_("life of the gift"),
    "live_days": N_("life of points"),
    "gift": N_("gift"),
    "gift_live_days": N_("life of the gift"),
    "days": N_("number of days"),
    "texts": N_("words of the message"),
    "is_on": N_("whether the message is on"),
    "name": N_("what it is called"),
    "operator": N_("operator"),
    "privacy": N_("privacy notice"),
    "poster": N_("words of the poster"),
    "group": N_("group"),
    "timezone": N_("time zone"),
    "closed": N_("open or closed"),
    "languages": N_("languages"),
    "country": N_("country"),
    "grace_days": N_("days of grace"),
    "overdrawn": N_("what happens at a return"),
    "listed": N_("whether it is shown to everybody"),
    "keeps_personal": N_("whether personal data is kept"),
    "called": N_("what a member is called"),
    "trade": N_("trade"),
    "skipped": N_("steps that are not needed"),
}


class StaleForm(Exception):
    """Somebody changed what the form is about since it was opened; nothing is written."""


def opened(session: Session, things: Sequence[ChangedThing]) -> int:
    """What the form remembers."""
    return changes.newest(session, things)


def require_fresh(session: Session, entries: FormEntries, things: Sequence[ChangedThing]) -> None:
    """Say above the form who changed these things since it was opened. The caller has locked them.
    Raises `StaleForm`."""
    written = entries[OPENED]
    known = int(written) if written.isascii() and written.isdecimal() and len(written) < 19 else 0
    if noted := changes.since(session, things, known):
        entries.refuse(FORM, _sentence(noted))
        raise StaleForm


def _sentence(noted: Sequence[RecordedChange]) -> str:
    who = list(dict.fromkeys(_who(one) for one in noted))
    what = list(dict.fromkeys(_what(name) for one in noted for name in one.fields))
    return _(
        "%(who)s changed this while you were here: %(what)s. What you typed is still below."
        " Compare, and save once more if it is to stay.",
        who=format_list(who, locale=languages.locale(language.current())),
        what=", ".join(what) or _("something else"),
    )


def _who(noted: RecordedChange) -> str:
    return _("You, in another window") if _is_own(noted) else noted.author_name


def _is_own(noted: RecordedChange) -> bool:
    return noted.author_kind == "employee" and noted.author_name == pages.person().email


def _what(field: str) -> str:
    """A field of the record in the words of the forms; texts are recorded as `name in ru`."""
    name, _in, tag = field.partition(" in ")
    words = _(FIELDS.get(name, name))
    return f"{words} ({tag})" if tag else words
