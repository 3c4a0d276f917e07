"""For commands that need the database and no more: no certificate is read, and neither Apple nor
Google is set up."""

import functools
from dataclasses import dataclass
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from ledger.database import troubles
from ledger.database.engine import Database
from wallet import migrations
from wallet.access.changes import Author
from wallet.cli.context import Command, environment, in_words
from wallet.configuration.clock import Clock, system_clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import Settings


@dataclass(frozen=True, slots=True)
class Records:
    """The database of an installation, and the keys to what is sealed in it."""

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyRing


def on_database(command: Command) -> Command:
    """Decorate a command that works on the database: as with `in_words`, and a database that does
    not answer is a sentence too."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except DBAPIError as error:
            raise click.ClickException(
                f"The database does not answer as it should. {troubles.why(error)} Look at"
                " WALLET_DATABASE_URL."
            ) from error

    return in_words(wrapped)


def open_records() -> Records:
    """The records of the installation that the environment describes. Raises `SettingsError`, and
    `ClickException` if the schema is that of another release."""
    settings = environment()
    database = Database(settings.ledger)
    require_current(database)
    return Records(settings, system_clock, database, KeyRing(settings.secret_keys))


def require_current(database: Database) -> None:
    """Raises `ClickException` if the schema is that of another release."""
    if not migrations.is_current(database.engine):
        raise click.ClickException("The database is not up to date. Run `wallet migrate` first.")


def author() -> Author:
    """The command that runs, as the author of what it changes: `wallet keys add`."""
    names = []
    context: click.Context | None = click.get_current_context()
    while context is not None and context.parent is not None:
        names.append(context.info_name or "")
        context = context.parent
    return Author("command", " ".join(["wallet", *reversed(names)]))
