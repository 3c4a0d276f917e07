"""What every answer is, and what a refusal looks like."""

from pydantic import BaseModel, ConfigDict


class AnswerBody(BaseModel):
    """The base of everything that the API answers."""

    model_config = ConfigDict(
        from_attributes=True, serialize_by_alias=True, validate_by_name=True, validate_by_alias=True
    )


class FieldProblem(AnswerBody):
    """What is wrong with one field. `field` is its path in the body, joined by dots; `code` is
    stable; `message` is for people."""

    field: str
    code: str
    message: str


class Problem(AnswerBody):
    """A refusal (RFC 9457). `code` is stable; `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None
