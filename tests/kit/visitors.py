"""Somebody who visits the console with a browser, signed in with a role or not."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from wallet.access import admission, staff, staff_sessions
from wallet.access.roles import Role
from wallet.access.staff import Employee
from wallet.console.door import door
from wallet.installation import Installation

FORM_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
HOME = "/console/programmes/demo/"


class Visitor:
    """A browser: it keeps cookies, and sends the token that a form had."""

    def __init__(self, client: FlaskClient, language: str = "en") -> None:
        self.client = client
        self.language = language

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"Accept-Language": self.language, **headers})

    def read(self, path: str) -> str:
        """The page, which must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def send(self, path: str, to: str | None = None, **entries: object) -> TestResponse:
        """Open the form of this address, fill it in and send it, to the same or to another."""
        found = FORM_TOKEN.search(self.get(path).text)
        assert found, "no form"
        return self.post(to or path, csrf_token=found[1], **entries)

    def post(self, path: str, **entries: object) -> TestResponse:
        return self.client.post(path, data=entries, headers={"Accept-Language": self.language})

    def sign_out(self) -> TestResponse:
        found = FORM_TOKEN.search(self.get(HOME).text)
        assert found
        return self.post("/console/sign-out", csrf_token=found[1])

    @property
    def is_in(self) -> bool:
        return self.get(HOME).status_code == 200


def signed_in(
    client: FlaskClient,
    installation: Installation,
    role: Role,
    programme_id: int | None = None,
    email: str = "",
    language: str = "en",
) -> Visitor:
    """Somebody with this role, in one programme or in all, who is inside. No password is hashed for
    it, which would take longer than most tests."""
    email, now = email or f"{role}@example.com", installation.clock()
    with installation.database.transaction() as session:
        admission.add(session, email, role, now, programme_id)
        employee = staff.locked(session, Employee.email == email)
        token = staff_sessions.begin(session, employee.id, now)
    by_https = installation.settings.public_url.startswith("https:")
    client.set_cookie(door.SAFE_COOKIE if by_https else door.COOKIE, token, secure=by_https)
    return Visitor(client, language)
