"""The same request sent twice has one effect and one answer."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from flask import Response, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from ledger.database import idempotency
from wallet.api.auth import caller
from wallet.installation import current_installation
from wallet.problems import refuse

LONGEST_KEY = 255
MEDIA_TYPE = "application/json"

# What a request does: given the session and the moment, the answer to give with 201.
Effect = Callable[[Session, datetime], BaseModel]


def once(body: BaseModel, effect: Effect, *, key_required: bool) -> Response:
    """Carry out `effect` and answer 201, unless its Idempotency-Key was answered before."""
    key = sent_key(required=key_required)
    now = current_installation().clock()
    digest = hashlib.sha256(f"{request.path}\n{body.model_dump_json()}".encode()).digest()

    scope = f"key:{caller().name}"

    def work(session: Session) -> idempotency.StoredAnswer:
        answer = _answer(effect(session, now))
        if key:
            idempotency.keep(session, scope, key, digest, answer, now)
        return answer

    try:
        answer = current_installation().database.run(work, idempotent=bool(key))
    except Exception:
        # Whatever stopped it, nothing of it is left: if it was done before, it had to be stopped.
        first = _first(scope, key, digest) if key else None
        if first is None:
            raise
        answer = first
    return Response(answer.body, answer.status, mimetype=MEDIA_TYPE)


def _first(scope: str, key: str, digest: bytes) -> idempotency.StoredAnswer | None:
    with current_installation().database.reading() as session:
        return idempotency.recall(session, scope, key, digest)


def sent_key(*, required: bool) -> str:
    """The request's Idempotency-Key; empty if it has none and need not have one."""
    key = _as_sent(request.headers.get("Idempotency-Key", ""))
    if not key and required:
        refuse(
            400,
            "idempotency_key_missing",
            "Send an Idempotency-Key: any text that is new for each operation and the same when"
            " you repeat it.",
        )
    if len(key) > LONGEST_KEY or not key.isprintable():
        refuse(
            400,
            "idempotency_key_invalid",
            f"A key has at most {LONGEST_KEY} characters, and none that cannot be seen.",
        )
    return key


def _as_sent(header: str) -> str:
    """A header as text: HTTP hands bytes on as Latin-1, clients mostly mean UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _answer(model: BaseModel) -> idempotency.StoredAnswer:
    return idempotency.StoredAnswer(201, model.model_dump_json().encode())
