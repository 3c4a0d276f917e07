"""How to ask tables of work: empty at one moment, a hundred thousand rows at the next.

PostgreSQL plans by what it counted last, and a connection keeps its plans. One made while a queue
was empty reads and sorts all of the table for every batch, which costs nothing then and ten times
the work a minute later. So what claims and settles the rows of a queue is written such that it can
be done by following indexes alone, and `by_index` rules everything else out."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from ledger.database.tables import dialect_of

_RULED_OUT = ("enable_seqscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "jit")
_BY_INDEX = "; ".join(f"SET LOCAL {name} = off" for name in _RULED_OUT)
_AS_USUAL = "; ".join(f"SET LOCAL {name} TO DEFAULT" for name in _RULED_OUT)


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """What is asked in here is planned without a look at how many rows there may be: by indexes,
    one row of one table leading to those of the next."""
    if dialect_of(session) != "postgresql":
        yield
        return
    connection = session.connection()
    connection.exec_driver_sql(_BY_INDEX)
    yield
    # After an error there is nothing to undo: it ends with the transaction.
    connection.exec_driver_sql(_AS_USUAL)
