"""The programme that an address names."""

from sqlalchemy.orm import Session

from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.pages import language


def addressed(session: Session, code: str) -> Programme:
    """The programme, whose language the page speaks from now on, should nothing else be known.
    Raises `UnknownProgramme`."""
    programme = programmes.by_code(session, code)
    language.suggest(programme=programme.languages)
    return programme
