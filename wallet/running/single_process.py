"""Only one process may work on an embedded database. Without a broker two processes know nothing of
each other: each would send the pushes of the other once more, and neither would expect the other's
changes."""

import fcntl
import os
from pathlib import Path
from typing import IO

from sqlalchemy import make_url

from wallet.configuration.settings import Settings
from wallet.errors import SettingsError

SUFFIX = ".lock"


def hold(settings: Settings) -> IO[str] | None:
    """Take the lock. It is held while the file that is returned is open, in this process or in a
    child; the kernel lets go of it however they end. None where several processes may work. Raises
    `SettingsError` if another process holds it."""
    database = make_url(settings.ledger.database_url)
    if not settings.embedded or database.get_backend_name() != "sqlite" or not database.database:
        return None
    path = Path(f"{database.database}{SUFFIX}")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "just started"
        file.close()
        raise SettingsError(
            "WALLET_DATA",
            f"another Kopilka (process {holder}) is at work in {path.parent} already. Stop it, or"
            " choose another folder with WALLET_DATA=….",
        ) from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def require_free(settings: Settings) -> None:
    """Raises `SettingsError` if another process holds the lock; does not take it."""
    held = hold(settings)
    if held is not None:
        held.close()
