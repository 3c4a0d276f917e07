"""Sends the letters that wait. A mail server that is away neither blocks nor loses one: it is tried
again, later each time, until its link works no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit

import structlog
from babel import dates
from cryptography.fernet import InvalidToken
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import languages
from ledger.database.engine import Database
from ledger.languages import Language
from ledger.words import N_, day_in
from wallet import sentences
from wallet.access import admission, tokens
from wallet.access.letters import LETTERS, DueLetter, LetterKind, StaffLetter
from wallet.access.staff import Employee
from wallet.channels import letter_page
from wallet.channels.channel import NotTaken
from wallet.channels.mail import MailServer
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import MailSettings

BATCH = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=30)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LetterWords:
    """What a letter says; the same in both of its forms. Places are named in braces."""

    subject: str
    text: str
    button: str
    foot: str


WORDS: Mapping[LetterKind, LetterWords] = {
    "invitation": LetterWords(
        N_("Your invitation to Kopilka"),
        N_("You are invited to work with Kopilka at {host}. Choose a password to come in."),
        N_("Set the password"),
        N_(
            "The link works once, until {until}. If you did not expect this letter, you need not"
            " do anything."
        ),
    ),
    "reset": LetterWords(
        N_("Another password for Kopilka"),
        N_("An administrator of Kopilka at {host} asks you to choose another password."),
        N_("Choose another password"),
        N_("The link works once, until {until}. Your present password works until you choose one."),
    ),
    "forgotten": LetterWords(
        N_("Another password for Kopilka"),
        N_("Somebody, probably you, forgot the password for {email} in Kopilka at {host}."),
        N_("Choose another password"),
        N_(
            "The link works once, until {until}. If it was not you, you need not do anything: your"
            " password stays as it is."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claimed letter as it is sent."""

    due: DueLetter
    message: EmailMessage


class LetterSender:
    """What the pump knows of letters."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        mail: MailSettings,
        console_url: str,
        lease: timedelta,
    ) -> None:
        self._database, self._keys = database, keys
        self._mail, self._console_url, self._lease = mail, console_url, lease

    def deliver(self, clock: Clock) -> bool:
        """Send a batch of letters that are due. Whether there may be more."""
        now = clock()

        def claim(session: Session) -> list[DueLetter]:
            return LETTERS.claim(session, now, BATCH, self._lease)

        due = self._database.run(claim)
        if due:
            ready = self._database.run(lambda session: self._prepare(session, due, now))
            self._send(ready, clock)
        return len(due) == BATCH

    def _prepare(self, session: Session, due: Sequence[DueLetter], now: datetime) -> list[_Ready]:
        """The letters with their links. Those that nobody is to get any more are deleted."""
        ready = []
        for one in due:
            message = self._message(session, one, now)
            if message is None:
                LETTERS.finish(session, [one])
            else:
                ready.append(_Ready(one, message))
        return ready

    def _message(self, session: Session, due: DueLetter, now: datetime) -> EmailMessage | None:
        letter = session.get(StaffLetter, due.id)
        if letter is None:
            return None
        if letter.expires_at <= now:
            log.warning("letter_given_up", letter=letter.id, why=letter.last_reason)
            return None
        employee = session.scalar(
            select(Employee)
            .where(Employee.email == letter.email, Employee.removed_at.is_(None))
            .with_for_update()
        )
        token = None if employee is None else self._token(session, letter, employee)
        return None if token is None else written(letter, self._mail, self._console_url, token, now)

    def _token(self, session: Session, letter: StaffLetter, employee: Employee) -> str | None:
        """The token of the letter's link; None if it was used meanwhile, or ended by another."""
        if letter.sealed is None:
            token = tokens.new()
            admission.link_in_letter(session, token, employee, letter.expires_at)
            letter.sealed = self._keys.seal(token)
            session.flush()
            return token
        try:
            token = self._keys.unseal(letter.sealed)
        except InvalidToken:
            log.error("letter_unreadable", letter=letter.id)
            return None
        return token if admission.is_open(session, token) else None

    def _send(self, ready: Sequence[_Ready], clock: Clock) -> None:
        """One connection for all of them. What is left when half of the lease is over waits for the
        next turn: a slow server must not have a letter twice."""
        until = clock() + self._lease / 2
        left = list(ready)
        try:
            with MailServer(self._mail) as server:
                while left and clock() < until:
                    self._send_one(server, left[0], clock)
                    left.pop(0)
        except NotTaken as refused:
            for one in left:
                self._put_off(one, refused.why, clock())
        else:
            rest = [one.due for one in left]
            self._database.run(lambda session: LETTERS.let_go(session, rest))

    def _send_one(self, server: MailServer, one: _Ready, clock: Clock) -> None:
        try:
            server.send(one.message)
        except NotTaken as refused:
            self._put_off(one, refused.why, clock())
            return
        log.info("letter_sent", letter=one.due.id)
        self._database.run(lambda session: LETTERS.finish(session, [one.due]))

    def _put_off(self, one: _Ready, why: str, now: datetime) -> None:
        tried = one.due.attempts
        again_at = now + min(FIRST_WAIT * 2 ** min(tried, 20), LONGEST_WAIT)
        log.warning("letter_not_sent", letter=one.due.id, why=why, attempts=tried + 1)
        self._database.run(
            lambda session: LETTERS.defer(session, one.due, again_at, why, tried + 1)
        )


def written(
    letter: StaffLetter, mail: MailSettings, console_url: str, token: str, now: datetime
) -> EmailMessage:
    """The letter with this link, as text and as a page, in its language."""
    language = languages.ours(letter.language)
    host = urlsplit(console_url).netloc
    link = f"{console_url}/welcome/{token}"
    words = WORDS[letter.kind]

    def say(text: str) -> str:
        until = _moment(language, letter.expires_at)
        return sentences.of_text(text, language, host=host, email=letter.email, until=until)

    subject, text, foot = say(words.subject), say(words.text), say(words.foot)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = mail.sender
    message["To"] = letter.email
    message["Date"] = format_datetime(now)
    # The same at each try: who gets it twice sees it once.
    message["Message-ID"] = f"<{tokens.digest(token)[:32]}@{urlsplit(console_url).hostname}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{text}\n\n{link}\n\n{foot}\n")
    page = letter_page.drawn(language, subject, text, foot, link=link, button=say(words.button))
    message.add_alternative(page, subtype="html")
    message["Content-Language"] = language
    return message


def _moment(language: Language, moment: datetime) -> str:
    """A moment for somebody whose clock we do not know."""
    time = dates.format_time(moment, "short", tzinfo=UTC, locale=languages.locale(language))
    return f"{day_in(language, moment.astimezone(UTC).date())}, {time} UTC"
