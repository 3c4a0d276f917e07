"""What every command stands on: the settings, a database of this release, refusals in words."""

import functools
import os
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from ledger.errors import LedgerError
from wallet import doctor, logs, migrations, settings
from wallet.assembly import connect
from wallet.clock import system_clock
from wallet.errors import CertificateProblem, SettingsError, WalletError
from wallet.installation import Installation
from wallet.settings import Settings

MOST_ROWS_SHOWN = 20

Command = Callable[..., None]


def in_words(command: Command) -> Command:
    """Refusals are sentences on standard error and exit code 1, not traces."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CertificateProblem as error:
            raise click.ClickException(error.named()) from error
        except (LedgerError, WalletError) as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            raise click.ClickException(
                f"The database does not answer as it should ({type(error.orig).__name__})."
                " Look at WALLET_DATABASE_URL, and whether the server runs."
            ) from error

    return wrapped


def as_far_as_understood() -> tuple[Settings, list[SettingsError]]:
    """The settings, and what is wrong with them."""
    os.umask(0o077)  # what we write holds names, phone numbers and keys
    found, refused = settings.read(os.environ)
    logs.configure(found.log_level, readable=found.in_sandbox)
    return found, refused


def environment() -> Settings:
    found, refused = as_far_as_understood()
    if refused:
        raise SettingsError.together(refused)
    return found


def prepared() -> Settings:
    """The settings of an installation that can start. All that is missing is said at once."""
    found, refused = as_far_as_understood()
    if obstacles := doctor.obstacles(found, refused, system_clock):
        raise click.ClickException("\n".join(obstacles))
    return found


def at_work() -> Installation:
    """The installation, with a database that has this release's schema."""
    installation = connect(environment())
    if not migrations.is_current(installation.database.engine):
        raise click.ClickException("The database is not up to date. Run `wallet migrate` first.")
    return installation
