"""Passwords of the staff: argon2id, as OWASP's Password Storage Cheat Sheet advises it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10  # characters
LONGEST = 200

# 46 MiB and two passes: some tenths of a second, and memory that nobody has for millions of guesses
# at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
# So many at a time in one process, and nobody waits for long: a crowd at the door must take neither
# its memory nor all its threads.
_AT_ONCE = threading.BoundedSemaphore(2)
PATIENCE_S = 2.0


class TooManyAtOnce(Exception):
    """Others are having their passwords looked at. It may be tried again in a few seconds."""


def hashed(password: str) -> str:
    """The password as it may lie in the database. Raises `TooManyAtOnce`."""
    with _in_turn():
        return _HASHER.hash(password)


# Checked where there is no password, so that it takes as long as where there is one. Nobody has or
# knows the password that it was made of. Written down, since each process would hash it as it
# starts.
_NOBODYS = (
    "$argon2id$v=19$m=47104,t=2,p=1$xG0n1ZZzoNCCxKx+0SGUfQ$"
    "4K0oyAFg1X0xE3EuTj3u5kcRx4h50VzeKyFBpgWAo/Q"  # pragma: allowlist secret
)


def fits(password: str, digest: str | None) -> bool:
    """Whether it is this password. Without a digest it is not, and that takes as long to find
    out. Raises `TooManyAtOnce`."""
    with _in_turn():
        try:
            is_right = _HASHER.verify(digest or _NOBODYS, password)
        except (VerificationError, InvalidHashError):
            return False
    return is_right and digest is not None


@contextmanager
def _in_turn() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=PATIENCE_S):
        raise TooManyAtOnce
    try:
        yield
    finally:
        _AT_ONCE.release()
