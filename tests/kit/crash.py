"""A process that dies at a chosen place, not at a moment: it ends itself, and all that it started,
before its n-th step of a kind. However busy the machine is, it dies in the middle of the same work.

A step is a statement, a commit, or a call that makes sure that bytes are on the disk, or deleted
from it. The process is killed as the kernel would kill it: nothing is rolled back, written or said
any more."""

import itertools
import os
import re
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database

# A process that dies before a query leaves the same behind as one that dies before the next of
# these.
CHANGE = "^(INSERT|UPDATE|DELETE|WITH|COMMIT|WIPE|FSYNC)"
COMMIT, WIPE, FSYNC = "COMMIT", "WIPE", "FSYNC"


def before(words: str, number: int) -> None:
    """From now on this process, which leads a process group, dies with its children before step
    `number` of those in which the pattern `words` is found; if there are several patterns, each
    counts from 1. The output says before which step."""
    passed = itertools.count(1)
    group = os.getpid()  # its children may work for it; all die

    def take(step: str) -> None:
        step = " ".join(step.split())
        if re.search(words, step) and next(passed) == number:
            os.write(2, f"died before step {number}: {step[:80]}\n".encode())
            os.killpg(group, signal.SIGKILL)

    def watched(do: Callable[..., Any], step: str | None = None) -> Callable[..., Any]:
        def done(*given: Any, **options: Any) -> Any:
            take(step or given[1])
            return do(*given, **options)

        return done

    DriverConnection.execute = watched(DriverConnection.execute)  # type: ignore[method-assign]
    Database.wipe = watched(Database.wipe, WIPE)  # type: ignore[method-assign]
    os.fsync = watched(os.fsync, FSYNC)
    event.listen(Engine, "before_cursor_execute", lambda _c, _d, statement, *_: take(statement))
    event.listen(Engine, "commit", lambda _: take(COMMIT))
