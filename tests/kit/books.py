"""The book's invariants: what must hold after anything at all."""

from sqlalchemy.orm import Session

from ledger.book import audit


def check_books(session: Session) -> None:
    """Fail with the names of the rules that do not hold."""
    assert audit.check(session) == []
