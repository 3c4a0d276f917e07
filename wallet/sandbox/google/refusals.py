"""Google's refusals: a status, a reason, and a body in the form that clients know."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import Refusal
from ledger.languages import Language

NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    504: "DEADLINE_EXCEEDED",
}
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
DOMAIN = "walletobjects"


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field, by its path in the body."""

    field: str
    description: str


class GoogleRefusal(Refusal):
    """`reason` is Google's word for machines; violations say which fields are meant."""

    code = "google_refusal"

    def __init__(
        self, status: int, reason: str, message: str, violations: Sequence[Violation] = ()
    ) -> None:
        super().__init__()
        self.status = status
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)

    def sentence(self, language: Language) -> str:
        """In English for every reader, as Google answers."""
        return self.message

    def body(self) -> dict[str, object]:
        error: dict[str, object] = {
            "code": self.status,
            "message": self.message,
            "errors": [{"message": self.message, "domain": DOMAIN, "reason": self.reason}],
            "status": NAMES.get(self.status, "UNAVAILABLE"),
        }
        if self.violations:
            fields = [
                {"field": one.field, "description": one.description} for one in self.violations
            ]
            error["details"] = [{"@type": BAD_REQUEST, "fieldViolations": fields}]
        return {"error": error}


def invalid(*violations: Violation) -> GoogleRefusal:
    """400 for a body with these faults."""
    message = " ".join(one.description for one in violations)
    return GoogleRefusal(400, "badRequest", message, violations)
