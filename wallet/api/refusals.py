"""What a request got wrong, field by field."""

from apiflask.exceptions import HTTPError
from flask import Response, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wallet import sentences
from wallet.problems import language, problem, refuse

# Calls whose body is a file.
TAKE_FILES = frozenset({"api.imports.add"})


def require_json() -> None:
    """415 for a body that does not say it is JSON. What takes none need not send one."""
    if request.endpoint in TAKE_FILES:
        return
    has_body = request.content_length or "chunked" in request.headers.get("Transfer-Encoding", "")
    if has_body and not request.is_json:
        refuse(415, "not_json", "Send the body as JSON, with Content-Type: application/json.")


def of_validation(error: HTTPError) -> Response:
    """422 `invalid_request`, with the name of every field at fault and what is wrong with it."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return problem(error.status_code, "bad_request", error.message or "The request failed.")
    return problem(*of_fields(cause))


def of_fields(error: ValidationError) -> tuple[int, str, str, dict[str, object]]:
    """Status, code, sentence and facts of a body that does not fit."""
    fields = [_described(one) for one in error.errors(include_url=False, include_input=False)]
    first = fields[0]
    detail = ": ".join(part for part in (first["field"], first["message"]) if part)
    return 422, "invalid_request", f"{detail}.", {"errors": fields}


def _described(error: ErrorDetails) -> dict[str, str]:
    return {
        "field": ".".join(str(part) for part in error["loc"]),
        "code": error["type"],
        "message": sentences.of_field(
            error["type"], error["msg"], error.get("ctx", {}), language()
        ),
    }
