"""What every command stands on: the settings, and refusals in words."""

import errno
import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from ledger.errors import Refusal
from wallet.configuration import logs, settings
from wallet.configuration.settings import Settings
from wallet.errors import CertificateProblem, SettingsError

MOST_ROWS_SHOWN = 20
# What a folder may be, and nobody here did wrong: read-only, another's, no folder, full.
UNUSABLE = frozenset(
    {
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENOSPC,
        errno.EDQUOT,
    }
)

Command = Callable[..., None]


def in_words(command: Command) -> Command:
    """Decorate a command: refusals, and folders that cannot be used, are sentences on standard
    error and exit code 1, not traces."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CertificateProblem as error:
            raise click.ClickException(error.named()) from error
        except Refusal as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno not in UNUSABLE or error.filename is None:
                raise
            raise click.ClickException(
                f"{error.filename} cannot be used: {error.strerror}. WALLET_DATA must name a folder"
                " that may be written to."
            ) from error

    return wrapped


def as_far_as_understood(
    environ: Mapping[str, str] = os.environ,
) -> tuple[Settings, list[SettingsError]]:
    """The settings, and what is wrong with them; also sets the umask and begins logging. Raises
    `SettingsError` where mode or data folder are wrong: nothing else can be judged then."""
    os.umask(0o077)  # what we write holds names, phone numbers and keys
    found, refused = settings.read(environ)
    logs.configure(found.log_level, readable=found.in_sandbox)
    return found, refused


def environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings. Raises `SettingsError` with all that is wrong with them."""
    found, refused = as_far_as_understood(environ)
    if refused:
        raise SettingsError.together(refused)
    return found
