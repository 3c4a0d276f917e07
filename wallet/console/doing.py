"""What a form asks for is done in one transaction, or refused in the form's own words."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ledger.errors import Refusal
from wallet.console import pages
from wallet.console.forms import FORM, FormEntries, FormRefused
from wallet.installation import current_installation
from wallet.pages import language

MadeThing = TypeVar("MadeThing")
# At which field of the form a refusal is said: always at this one, or by what it is.
RefusedAt = str | Callable[[Refusal], str]


def made(
    entries: FormEntries, work: Callable[[Session], MadeThing], field: RefusedAt = FORM
) -> MadeThing | None:
    """What the work makes. None if it is refused, by the ledger or by the form itself
    (`FormRefused`): nothing is written then, and the entries say why. The work may be repeated, so
    it says nothing to the next page by itself."""
    try:
        return current_installation().database.run(work)
    except FormRefused:
        return None
    except Refusal as refusal:
        entries.refused(refusal, field if isinstance(field, str) else field(refusal))
        return None


def done(entries: FormEntries, work: Callable[[Session], Any], field: RefusedAt = FORM) -> bool:
    """Whether the work is done; what it makes is of no use here."""

    def whole(session: Session) -> bool:
        work(session)
        return True

    return made(entries, whole, field) is not None


def told(
    work: Callable[[Session], MadeThing], sentence: str | Callable[[MadeThing], str] = ""
) -> MadeThing | None:
    """The same for a button without a form of its own: the next page says this sentence, or why the
    work is refused. A sentence may be made of what the work made; an empty one is not said."""
    try:
        outcome = current_installation().database.run(work)
    except Refusal as refusal:
        pages.say(refusal.sentence(language.current()), "bad")
        return None
    if said := sentence if isinstance(sentence, str) else sentence(outcome):
        pages.say(said)
    return outcome
