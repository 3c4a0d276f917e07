"""What the ledger needs from the environment. Read by whoever starts it, handed down from there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """`database_url` is a SQLAlchemy URL: `sqlite:///…` or `postgresql+psycopg://…`."""

    database_url: str
    pool_size: int = 10
    sqlite_synchronous: str = "NORMAL"
