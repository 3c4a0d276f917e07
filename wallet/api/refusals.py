"""What a request got wrong, field by field; and refusals that many calls share, for `refuses`."""

from apiflask.exceptions import HTTPError
from flask import Response, abort, current_app, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ledger.errors import (
    AmountTooLarge,
    CardBlocked,
    CardExpired,
    CardVoid,
    LanguageNotSpoken,
    MemberErased,
    NotMoney,
    Refusal,
    TooManyDecimals,
    UnknownCard,
    UnknownMember,
    WrongCurrency,
)
from ledger.fields import Body
from wallet import sentences
from wallet.api import calls
from wallet.errors import PlaceholderMalformed, PluralFormsWrong, TextMissing, UnknownPlaceholder
from wallet.problems import FAILED, in_words, language, problem, refuse, status_of

# Of a member who is named by id; of a card; of a member who is named by card or by id.
MEMBER = (UnknownMember, MemberErased)
CARD = (UnknownCard, CardBlocked, CardVoid, CardExpired)
WHOM = (*CARD, *MEMBER)
# Of money that is given in place of points.
MONEY = (NotMoney, WrongCurrency, TooManyDecimals, AmountTooLarge)
# Of the texts of a message.
TEXTS = (
    TextMissing,
    LanguageNotSpoken,
    UnknownPlaceholder,
    PluralFormsWrong,
    PlaceholderMalformed,
)


class NoBody(Body):
    """What a call may be sent that takes no body."""


def require_json() -> None:
    """415 `not_json` for a body whose Content-Type is not JSON. A body that may be left out is then
    read as an empty one. 422 `invalid_request` for names in the body of a call that takes none:
    it would be a wish that nobody hears."""
    view = current_app.view_functions[request.endpoint or ""]
    declaration = calls.of(view)
    if not declaration.takes_json:
        return
    has_body = request.content_length or "chunked" in request.headers.get("Transfer-Encoding", "")
    if has_body and not request.is_json:
        refuse(415, "not_json")
    if has_body and request.method != "GET" and calls.takes_no_body(view):
        try:
            NoBody.model_validate(request.get_json())
        except ValidationError as error:
            abort(problem(*of_fields(error)))
    if declaration.optional and not has_body:
        request._cached_json = ({}, {})


def of_validation(error: HTTPError) -> Response:
    """422 `invalid_request`, with the name of every field at fault and what is wrong with it."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        refuse(error.status_code, FAILED)
    return problem(*of_fields(cause))


def of_fields(error: ValidationError) -> tuple[int, str, str, dict[str, object]]:
    """Status, code, sentence and facts of a body that does not fit."""
    fields = [
        _field_problem(details) for details in error.errors(include_url=False, include_input=False)
    ]
    first = fields[0]
    detail = ": ".join(part for part in (first["field"], first["message"]) if part)
    return 422, "invalid_request", f"{detail}.", {"errors": fields}


def told_alone(error: Refusal | ValidationError) -> dict[str, object]:
    """Status, code and sentence for the one item of a batch that is refused; of one that does not
    fit, also every field at fault."""
    if isinstance(error, ValidationError):
        status, code, detail, facts = of_fields(error)
        return {"status": status, "code": code, "detail": detail, **facts}
    return {"status": status_of(error), "code": error.code, "detail": in_words(error)}


def _field_problem(error: ErrorDetails) -> dict[str, str]:
    return {
        "field": _path(error),
        "code": sentences.code_of_field(error),
        "message": sentences.of_field(error, language()),
    }


def _path(error: ErrorDetails) -> str:
    """Where the fault is. Of several fields that do not go together it is the first; of the whole
    body or query, that word."""
    path = [str(part) for part in error["loc"]]
    facts = error.get("ctx", {})
    first = facts.get("field", facts.get("one"))
    if first is not None and path[-1:] != [first]:
        path.append(str(first))
    return ".".join(path) or ("query" if request.method in ("GET", "DELETE") else "body")
