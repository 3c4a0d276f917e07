"""A mail server on this machine, which takes letters or is told to misbehave."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ssl import SSLContext
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from servers import free_port

USER, PASSWORD = "kopilka", "let me in"  # pragma: allowlist secret


@dataclass
class Mailing:
    """A running server. `answers`: what it says to the next letters, in their order; then it takes
    all of them. `letters` are those that it took."""

    port: int
    answers: list[str] = field(default_factory=list)
    letters: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith("250"):
            letter = message_from_bytes(envelope.content, policy=policy.default)
            self.letters.append(letter)  # type: ignore[arg-type]
        return answer

    def let_in(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        is_right = (data.login, data.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        return AuthResult(success=is_right)

    def url(self, user: str = "") -> str:
        return f"smtp://{user}127.0.0.1:{self.port}"


@contextlib.contextmanager
def mail_server(
    *, starttls: SSLContext | None = None, tls: SSLContext | None = None
) -> Iterator[Mailing]:
    """A server on a port of its own; it knows TLS once it is asked for it, or from the first byte,
    or not at all."""
    mailing = Mailing(free_port())
    controller = Controller(
        mailing,
        hostname="127.0.0.1",
        port=mailing.port,
        ssl_context=tls,
        tls_context=starttls,
        authenticator=mailing.let_in,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield mailing
    finally:
        controller.stop(no_assert=True)
