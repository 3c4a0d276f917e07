"""The programme that an address names."""

from sqlalchemy.orm import Session

from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.pages import language


def addressed(session: Session, code: str) -> Programme:
    """The programme of this code. From now on the page speaks its language, unless its reader asked
    for another. Raises `UnknownProgramme`."""
    programme = programmes.by_code(session, code)
    language.suggest(programme=programme.languages)
    return programme
