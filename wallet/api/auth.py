"""Who is asking, and whether they may."""

import functools
from collections.abc import Callable
from typing import Any, cast

from flask import g, request
from sqlalchemy.orm import Session

from wallet.access import apikeys
from wallet.access.changes import Author
from wallet.access.grants import Doer
from wallet.access.rights import Actor, may
from wallet.api import calls
from wallet.api.calls import View
from wallet.errors import ScopeMissing
from wallet.installation import current_installation
from wallet.problems import refuse

PERSONAL = "personal:read"


def require_key() -> None:
    """Refuse a request without a live key (401 `key_missing`, `key_unknown` or `key_expired`), and
    note whose key it came with."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        refuse(401, "key_missing")
    house = current_installation()
    only_reads = request.method in ("GET", "HEAD")
    known = house.known_keys.recognise(key, house.clock(), only_reads=only_reads)
    if known == "key_expired":
        refuse(401, "key_expired")
    if known == "key_unknown":
        refuse(401, "key_unknown")
    g.caller = known


def caller() -> Actor:
    """Whose key this request came with; `require_key` has noted it."""
    return cast(Actor, g.caller)


def author(session: Session) -> Author:
    """The caller as the author of what this request changes."""
    return apikeys.author(session, caller())


def doer(session: Session) -> Doer:
    """The caller as who does something, with what they may do."""
    return Doer(author(session), (caller(),))


def right() -> str:
    """The scope that this call needs; `needs` has noted it."""
    return cast(str, g.right)


def sees_people() -> bool:
    """Whether the caller may see what is known of people. A link to a card shows it as well."""
    return may(caller(), PERSONAL)


def require(scope: str) -> None:
    """Raises `ScopeMissing` for a caller without this scope."""
    if not may(caller(), scope):
        raise ScopeMissing(scope)


def needs(scope: str, *, or_else: str | None = None) -> Callable[[View], View]:
    """Decorate a view that only keys with this scope may call; it raises `ScopeMissing` for
    others. Keys with the scope `or_else` may call it as well. In which programmes they may,
    `lookup` asks."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.right = scope
            if or_else is not None and not may(caller(), scope) and may(caller(), or_else):
                g.right = or_else
            require(g.right)
            return view(*args, **kwargs)

        return calls.declare(cast(View, guarded), scope=scope)

    return decorate
