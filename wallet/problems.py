"""Refusals as HTTP answers: `application/problem+json` (RFC 9457) with a stable `code`, and a
`detail` in English or Russian, as Accept-Language asks."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NoReturn, cast

import orjson
from flask import Response, abort, request

from ledger.errors import LedgerError
from wallet import sentences
from wallet.errors import WalletError
from wallet.sentences import LANGUAGES, Language

MEDIA_TYPE = "application/problem+json"

# What is not named here is 422: the request was understood and cannot be carried out.
STATUS = {
    "unknown_programme": 404,
    "unknown_member": 404,
    "unknown_card": 404,
    "unknown_offer": 404,
    "unknown_campaign": 404,
    "unknown_message": 404,
    "campaign_not_ready": 409,
    "no_message_field": 409,
    "unknown_posting": 404,
    "unknown_hold": 404,
    "card_blocked": 409,
    "not_a_coupon": 409,
    "coupon_used": 409,
    "coupon_over": 409,
    "hold_closed": 409,
    "hold_expired": 409,
    "day_not_closed": 409,
    "holds_open": 409,
    "member_merged": 409,
    "not_reversible": 409,
    "other_programme": 409,
    "points_spent": 409,
    "pooled_member": 409,
    "reversal_too_large": 409,
    "same_member": 409,
    "member_erased": 404,
    "household_not_empty": 409,
    "external_id_taken": 409,
    "phone_taken": 409,
    "email_taken": 409,
    "insufficient_points": 409,
    "balance_too_large": 409,
    "idempotency_conflict": 409,
    "seal_broken": 500,
    "unknown_pass": 404,
    "pass_erased": 409,
    "offer_not_shown": 409,
    "unknown_import": 404,
    "import_repeated": 409,
    "import_replaced": 409,
    "import_not_ready": 409,
    "import_has_bad_rows": 409,
    "unknown_wave": 404,
    "wave_over": 409,
    "certificate_problem": 503,
    "code_not_carried": 409,
    "code_forged": 409,
    "code_outdated": 409,
    "code_used": 409,
    "number_not_accepted": 409,
}


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


def of_error(error: LedgerError | WalletError) -> Response:
    """A refusal of an operation, by its code."""
    return problem(STATUS.get(error.code, 422), error.code, str(error), error.facts())


def said(error: LedgerError | WalletError) -> str:
    """The sentence of a refusal, for an answer that holds several."""
    return sentences.of_refusal(error.code, str(error), error.facts(), language())
