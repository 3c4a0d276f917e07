"""What every command stands on: the settings, and refusals in words."""

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from ledger.errors import Refusal
from wallet.configuration import logs, settings
from wallet.configuration.settings import Settings
from wallet.errors import CertificateProblem, SettingsError

MOST_ROWS_SHOWN = 20

Command = Callable[..., None]


def in_words(command: Command) -> Command:
    """Decorate a command: refusals are sentences on standard error and exit code 1, not traces."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CertificateProblem as error:
            raise click.ClickException(error.named()) from error
        except Refusal as error:
            raise click.ClickException(str(error)) from error

    return wrapped


def as_far_as_understood() -> tuple[Settings, list[SettingsError]]:
    """The settings, and what is wrong with them; also sets the umask and begins logging. Raises
    `SettingsError` where mode or data folder are wrong: nothing else can be judged then."""
    os.umask(0o077)  # what we write holds names, phone numbers and keys
    found, refused = settings.read(os.environ)
    logs.configure(found.log_level, readable=found.in_sandbox)
    return found, refused


def environment() -> Settings:
    """The settings. Raises `SettingsError` with all that is wrong with them."""
    found, refused = as_far_as_understood()
    if refused:
        raise SettingsError.together(refused)
    return found
