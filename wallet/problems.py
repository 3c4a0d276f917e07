"""Refusals as HTTP answers: `application/problem+json` (RFC 9457) with a stable `code`, and a
`detail` in English or Russian, as Accept-Language asks."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn, cast

import orjson
from flask import Response, abort, request

from ledger.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal, SealBroken
from wallet import sentences
from wallet.errors import CertificateProblem
from wallet.sentences import LANGUAGES, Language

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[Refusal], int] = {NotFound: 404, Conflict: 409, Invalid: 422, NotAllowed: 403}
# Nothing that the caller could do: the operator has to look into it.
OF_THE_OPERATOR: Mapping[type[Refusal], int] = {SealBroken: 500, CertificateProblem: 503}


def language() -> Language:
    """The language that the caller wants to be refused in."""
    return cast(Language, request.accept_languages.best_match(LANGUAGES, default="en"))


def problem(
    status: int, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> Response:
    """The answer to a request that is refused; `detail` is the English sentence."""
    facts = facts or {}
    tongue = language()
    body = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentences.of_refusal(code, detail, facts, tongue),
        **facts,
    }
    response = Response(orjson.dumps(body), status=status, mimetype=MEDIA_TYPE)
    response.headers["Content-Language"] = tongue
    response.vary.add("Accept-Language")
    return response


def refuse(
    status: int, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> NoReturn:
    """End the request here with a problem."""
    abort(problem(status, code, detail, facts))


def status_of_kind(kind: type[Refusal]) -> int:
    """The status of a class of refusals: that of its family, but for what is the operator's."""
    return next(
        status
        for family, status in {**OF_THE_OPERATOR, **STATUS}.items()
        if issubclass(kind, family)
    )


def status_of(refusal: Refusal) -> int:
    """The status of a refusal: that of its class."""
    return status_of_kind(type(refusal))


def of_error(refusal: Refusal) -> Response:
    """The answer to a refusal of an operation."""
    return problem(status_of(refusal), refusal.code, str(refusal), refusal.facts())


def said(refusal: Refusal) -> str:
    """The sentence of a refusal, for an answer that holds several."""
    return sentences.of_refusal(refusal.code, str(refusal), refusal.facts(), language())
