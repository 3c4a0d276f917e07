"""Refusals as HTTP answers: `application/problem+json` (RFC 9457) with a stable `code`, and a
`detail` in one of our languages, as Accept-Language asks."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn

import orjson
from flask import Response, abort, current_app, request

from ledger import languages
from ledger.database.troubles import Trouble
from ledger.errors import Conflict, Invalid, NotAllowed, NotFound, Outdated, Refusal, SealBroken
from ledger.languages import Language
from wallet import sentences
from wallet.errors import CertificateProblem

MEDIA_TYPE = "application/problem+json"
# The page on which the `type` of each problem leads to what it means and what to do; its address is
# in the application's configuration under this name.
TYPES_PATH = "/api/docs/errors"
TYPES = "PROBLEM_TYPES"

STATUS: Mapping[type[Refusal], int] = {
    NotFound: 404,
    Conflict: 409,
    Outdated: 412,
    Invalid: 422,
    NotAllowed: 403,
}
# The caller can do nothing about these: the operator has to.
OF_THE_OPERATOR: Mapping[type[Refusal], int] = {SealBroken: 500, CertificateProblem: 503}


# What the framework refuses by itself: status -> code.
OF_FRAMEWORK: Mapping[int, str] = {
    400: "malformed_json",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "not_json",
    429: "too_many_requests",
}
BROKEN, FAILED = "internal_error", "bad_request"
# When to ask again what could not be done because of the database: in seconds.
ASK_AGAIN_S: Mapping[Trouble, int] = {Trouble.UNAVAILABLE: 5, Trouble.STORAGE_FULL: 60}


def language() -> Language:
    """The language in which the caller wants to read refusals."""
    return languages.ours(*languages.accepted(request.accept_languages))


def problem(
    status: int, code: str, detail: str, facts: Mapping[str, object] | None = None
) -> Response:
    """The answer to a request that is refused; `detail` is in the language that was asked for."""
    body = {
        "type": f"{current_app.config[TYPES]}#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(facts or {}),
    }
    text = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    response = Response(text, status=status, mimetype=MEDIA_TYPE)
    response.headers["Content-Language"] = language()
    response.vary.add("Accept-Language")
    return response


def refuse(
    status: int, code: str, facts: Mapping[str, object] | None = None, *, text: str | None = None
) -> NoReturn:
    """End the request here. The catalogue has the sentence by `code`, or by `text` where one code
    has several sentences."""
    detail = sentences.of_code(text or code, facts or {}, language())
    abort(problem(status, code, detail, facts))


def status_of_kind(kind: type[Refusal]) -> int:
    """The status of a class of refusals: that of its family, except for those that are the
    operator's to put right."""
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
    return problem(status_of(refusal), refusal.code, in_words(refusal), refusal.facts())


def of_status(status: int) -> Response:
    """The answer to what the framework refuses by itself."""
    code = BROKEN if status >= 500 else OF_FRAMEWORK.get(status, FAILED)
    return problem(status, code, sentences.of_code(code, {}, language()))


def of_trouble(trouble: Trouble) -> Response:
    """The answer to what the database cannot do now; it can be asked for again."""
    return problem(503, trouble, sentences.of_code(trouble, {}, language()))


def in_words(refusal: Refusal) -> str:
    """The sentence of a refusal, in the language asked for: for an answer that holds several
    refusals."""
    return refusal.sentence(language())
