"""Two people who change one thing at once: the second is told, instead of undoing what the first
did without knowing. A form carries a mark of what it was opened with; who saves compares it, under
the lock, with what is there."""

import hashlib
import json

from sqlalchemy.orm import Session

from wallet.access.changes import ChangeFilter, RecordedFacts, ThingKind
from wallet.console import change_lines
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
    return _(
        "%(author)s changed this meanwhile: %(what)s. Look at it once more, then save.",
        author=line.author,
        what="; ".join(f"{one.name}: {one.before} → {one.after}" for one in line.fields)
        or line.sentence,
    )
