"""Letters by the mail server (RFC 5321). Only the transport: no rows, no words."""

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from types import TracebackType
from typing import Self

from wallet.channels.channel import NotTaken, Outgoing
from wallet.configuration.settings import MailSettings

LIMIT_S = 10.0  # of each exchange with the server


class MailServer:
    """A connection for as long as it is entered; it takes one letter after the other. Entering
    raises `NotTaken` if the server is not there or does not let us in."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        try:
            self._connection = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise NotTaken(_why(error)) from error
        return self

    def _connected(self) -> smtplib.SMTP:
        where, tls = self._settings, ssl.create_default_context()
        if where.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                where.host, where.port, timeout=LIMIT_S, context=tls
            )
        else:
            server = smtplib.SMTP(where.host, where.port, timeout=LIMIT_S)
        try:
            if where.security == "starttls":
                server.starttls(context=tls)
            if where.user is not None:
                server.login(where.user, where.password or "")
        except BaseException:
            server.close()
            raise
        return server

    def send(self, letter: EmailMessage) -> None:
        """Hand over a letter. Raises `NotTaken`; others may be tried after it."""
        assert self._connection is not None  # noqa: S101 - entered
        try:
            self._connection.send_message(letter)
        except (OSError, smtplib.SMTPException) as error:
            raise NotTaken(_why(error)) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._connection is None:
            return
        try:
            self._connection.quit()
        except (OSError, smtplib.SMTPException):
            self._connection.close()


class MailChannel:
    """Messages as letters, a connection for each."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, message: Outgoing) -> None:
        """As `Channel.send`."""
        letter = EmailMessage(policy=SMTP)
        letter["Subject"] = message.subject
        letter["From"] = self._settings.sender
        letter["To"] = message.to
        letter["Date"] = format_datetime(datetime.now(UTC))
        host = parseaddr(self._settings.sender)[1].rpartition("@")[2]
        letter["Message-ID"] = f"<{message.id}@{host}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        letter.add_alternative(message.page, subtype="html")
        letter["Content-Language"] = message.language
        with MailServer(self._settings) as server:
            server.send(letter)


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        numbers = [code for code, _ in error.recipients.values()]
        return f"recipient_refused {numbers[0]}" if numbers else "recipient_refused"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return type(error).__name__
