"""Two people who change one thing at once: the second is told, instead of undoing what the first
did without knowing. A form carries a mark of what it was opened with; who saves compares it, under
the lock, with what is there. Where a form is about several things, the mark is the last line that
the record of changes had of any of them."""

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy.orm import Session

from wallet.access import change_words, changes
from wallet.access.change_words import ToldField
from wallet.access.changes import Author, ChangedThing, ChangeFilter, RecordedFacts, ThingKind
from wallet.console import change_lines
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.pages import language
from wallet.pages.language import gettext as _

FIELD = "opened"  # in forms


def mark(facts: RecordedFacts) -> str:
    """A mark of these facts: another one, once any of them differs."""
    written = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def meanwhile(session: Session, kind: ThingKind, of_id: str) -> str:
    """That the thing was changed since, by whom and how, for the head of the form."""
    found = change_lines.lines(session, ChangeFilter(kind=kind, of=of_id), None, 1)
    if not found:
        return _("Somebody else changed this meanwhile. Look at it once more, then save.")
    line = found[0]
    return _told(line.author, _differences(line.fields) or line.sentence)


def last_change(session: Session, things: Sequence[ChangedThing]) -> int:
    """The mark of a form about these things."""
    return changes.newest(session, things)


def require_fresh(session: Session, entries: FormEntries, things: Sequence[ChangedThing]) -> None:
    """Say above the form who changed these things since it was opened, and what. The caller has
    locked them. Raises `FormRefused`."""
    written = entries[FIELD]
    known = int(written) if written.isascii() and written.isdecimal() and len(written) < 19 else 0
    noted = changes.since(session, things, known)
    if not noted:
        return
    tongue = language.current()
    by = Author(noted[-1].author_kind, noted[-1].author_name)
    told = [change_words.fields(one.fields, tongue, change_lines.moment) for one in noted]
    what = "; ".join(filter(None, map(_differences, told)))
    done = what or change_words.sentence(noted[-1], tongue)
    entries.refuse(FORM, _told(change_words.author(by, tongue), done))
    raise FormRefused


def _differences(fields: Sequence[ToldField]) -> str:
    return "; ".join(f"{one.name}: {one.before} → {one.after}" for one in fields)


def _told(author: str, what: str) -> str:
    return _(
        "%(author)s changed this meanwhile: %(what)s. Look at it once more, then save.",
        author=author,
        what=what,
    )
