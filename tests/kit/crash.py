"""Death at a place and not at a moment: a process that ends itself, and all that it started, before
its n-th step of a kind. However busy the machine is, it dies in the midst of the same work.

A step is a statement, a commit, or what makes sure that bytes are on the disk, or off it. The
process is killed as the kernel would kill it: nothing is rolled back, written or said any more."""

import itertools
import os
import re
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from ledger.database.compiled import DriverConnection
from ledger.database.engine import Database

# Whoever dies before a question leaves what is left before the next of these.
CHANGE = "^(INSERT|UPDATE|DELETE|WITH|COMMIT|WIPE|FSYNC)"
COMMIT, WIPE, FSYNC = "COMMIT", "WIPE", "FSYNC"


def before(words: str, number: int) -> None:
    """From now on this process, which leads a group of its own, dies with its children before step
    `number` of those in which the pattern `words` is found: in any of them, each counts from 1. In
    the output stands before what."""
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
