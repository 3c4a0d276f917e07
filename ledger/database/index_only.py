"""How to query tables of work, which are empty at one moment and have a hundred thousand rows at
the next.

PostgreSQL plans by the row counts that it last took, and a connection keeps its plans. A plan that
was made while a queue was empty reads and sorts the whole table for every batch. That costs nothing
then, and ten times the work a minute later. So statements that claim and settle the rows of a queue
are written in a way that indexes alone suffice, and `by_index` forbids every other plan."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from ledger.database.compiled import driver_connection
from ledger.database.tables import dialect_of

_RULED_OUT = ("enable_seqscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "jit")
_BY_INDEX = "SELECT " + ", ".join(f"set_config('{name}', 'off', true)" for name in _RULED_OUT)
_AS_USUAL = [f"SET LOCAL {name} TO DEFAULT" for name in _RULED_OUT]


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Statements in this block are planned to use indexes only, whatever PostgreSQL believes about
    the number of rows: one row of a table leads to the rows of the next."""
    by_index_from_here(session)
    yield
    # After an error nothing has to be undone: SET LOCAL ends with the transaction.
    if dialect_of(session) == "postgresql":
        for setting in _AS_USUAL:
            driver_connection(session).ahead(setting)


def by_index_from_here(session: Session) -> None:
    """The same for all statements of the transaction that follow."""
    if dialect_of(session) == "postgresql":
        driver_connection(session).ahead(_BY_INDEX)
