"""A request that is sent twice has one effect and one answer.

Calls of the API, webhooks and scans say by what they recognise a request (`Repeatable`) and hand
over the effect; `carry_out` opens the transaction and answers. Views of the API are decorated with
`@keyed` and answer with `created`."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, cast

from flask import Response, after_this_request, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ledger.database import idempotency
from ledger.database.idempotency import Repeatable, StoredAnswer
from ledger.errors import Refusal
from wallet.api import calls
from wallet.api.auth import caller
from wallet.api.calls import View
from wallet.installation import current_installation
from wallet.problems import refuse

LONGEST_KEY = 255  # characters
MEDIA_TYPE = "application/json"
REPLAYED = "Idempotent-Replayed"  # a header of answers that were given before

# What a request does, given the session and the moment. It may return a refusal instead of raising
# it: then its changes are committed, the refusal is answered, and the same request may succeed
# later.
Effect = Callable[[Session, datetime], StoredAnswer | Refusal]
# When a request takes its key. "first": a repeated request waits for the first one and then does
# nothing. "last": key and answer are written by one statement instead of two, but a repeated
# request does its work before it finds the key taken, and is rolled back. That suits calls that
# come all the time and are hardly ever repeated.
KeyTaken = Literal["first", "last"]


def carry_out(
    effect: Effect, repeatable: Repeatable | None, *, key_taken: KeyTaken = "first"
) -> StoredAnswer:
    """Carry out `effect` in a transaction of its own and answer what it does; a request that was
    answered before gets its first answer. `repeatable` is None for a request without a key: it is
    done each time it comes. Raises what `effect` raises or returns, `IdempotencyConflict` for a key
    that answered another request, `MemberErased` for an answer about a member who was erased."""
    now = current_installation().clock()
    if repeatable is None:
        outcome = current_installation().database.run(lambda session: effect(session, now))
    elif key_taken == "first":
        outcome = _key_first(effect, repeatable, now)
    else:
        outcome = _key_last(effect, repeatable, now)
    if isinstance(outcome, Refusal):
        raise outcome
    if outcome.replayed:
        after_this_request(_told_as_replayed)
    return outcome


def _told_as_replayed(response: Response) -> Response:
    response.headers[REPLAYED] = "true"
    return response


def _key_first(effect: Effect, repeatable: Repeatable, now: datetime) -> StoredAnswer | Refusal:
    return current_installation().database.run(
        lambda session: idempotency.key_first(session, repeatable, effect, now), idempotent=True
    )


def _key_last(effect: Effect, repeatable: Repeatable, now: datetime) -> StoredAnswer | Refusal:
    try:
        return current_installation().database.run(
            lambda session: idempotency.key_last(session, repeatable, effect, now), idempotent=True
        )
    except Exception:
        # The transaction was rolled back. If the key was used before, that may be the very reason
        # (the points are spent, the card is blocked since): answer what was answered then.
        with current_installation().database.reading() as session:
            first = idempotency.first_answer(session, repeatable)
        if first is None:
            raise
        return first


def created(
    body: BaseModel | None,
    effect: Callable[[Session, datetime], BaseModel],
    key: str | None,
    *,
    key_taken: KeyTaken = "first",
) -> Response:
    """Answer a call of the API with 201 and what `effect` returns. A call whose Idempotency-Key was
    answered before gets that first answer. `body` is the call's body, None where it takes none.
    Raises what `carry_out` raises."""

    def answered(session: Session, now: datetime) -> StoredAnswer:
        return StoredAnswer(201, effect(session, now).model_dump_json().encode())

    repeatable = None if key is None else _call(body, key)
    return as_response(carry_out(answered, repeatable, key_taken=key_taken))


def _call(body: BaseModel | None, key: str) -> Repeatable:
    """This call, recognised by its caller, its key, its address and its body."""
    sent = "{}" if body is None else body.model_dump_json()
    return Repeatable(f"key:{caller().name}", key, idempotency.digest(request.path, sent))


def as_response(answer: StoredAnswer) -> Response:
    """A stored answer as it is sent: the same bytes each time."""
    return Response(answer.body, answer.status, mimetype=MEDIA_TYPE)


def keyed(*, required: bool) -> Callable[[View], View]:
    """Decorate a view that takes an Idempotency-Key and gets it as `key`, None if none was sent.
    Refuses with 400: `idempotency_key_missing` where one is `required`, `idempotency_key_invalid`
    where it does not fit."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def with_key(*args: Any, **kwargs: Any) -> Any:
            return view(*args, key=_sent_key(required=required), **kwargs)

        return calls.declare(cast(View, with_key), key="required" if required else "optional")

    return decorate


def _sent_key(*, required: bool) -> str | None:
    """The Idempotency-Key of the request; None if it has none and need not have one."""
    key = _as_sent(request.headers.get("Idempotency-Key", ""))
    if not key and required:
        refuse(400, "idempotency_key_missing")
    if len(key) > LONGEST_KEY or not key.isprintable():
        refuse(400, "idempotency_key_invalid")
    return key or None


def _as_sent(header: str) -> str:
    """A header as text: HTTP hands bytes on as Latin-1, and most clients mean UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
