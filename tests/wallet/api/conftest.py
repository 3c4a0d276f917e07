"""What holds in every test of the API."""

from collections.abc import Iterator

import pytest
from flask import Response, current_app, request

from ledger.errors import Refusal
from wallet.api import calls, contract
from wallet.problems import OF_THE_OPERATOR
from wallet.web import app


@pytest.fixture(autouse=True)
def _every_refusal_is_declared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """How a view refuses a call stands at the view, and so in the document."""
    answer, undeclared = app.of_error, []

    def noted(refusal: Refusal) -> Response:
        if request.path.startswith(("/api/", "/webhooks/")):
            declaration = calls.of(current_app.view_functions[request.endpoint])
            if not isinstance(refusal, (*contract.refusals_of(declaration), *OF_THE_OPERATOR)):
                undeclared.append((request.endpoint, type(refusal).__name__))
        return answer(refusal)

    monkeypatch.setattr(app, "of_error", noted)
    yield
    assert undeclared == []
