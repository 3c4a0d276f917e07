"""What the ledger needs from the environment. The program that is started reads it and hands it
down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """`database_url` is a SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`. `pool_size`
    counts connections of one process. `sqlite_synchronous` is SQLite's PRAGMA of that name."""

    database_url: str
    pool_size: int = 10
    sqlite_synchronous: str = "NORMAL"
