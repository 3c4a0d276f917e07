"""Letters to people of the staff, by a real mail server."""

import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from mailing import PASSWORD, USER, Mailing, mail_server
from sqlalchemy import select

from wallet.access import admission, letters
from wallet.access.letters import StaffLetter
from wallet.access.posting import LetterSender
from wallet.channels.channel import NotTaken
from wallet.channels.mail import MailServer
from wallet.configuration.settings import MailSettings

ANNA = "anna@example.com"
CONSOLE_URL = "http://localhost:8080/console"
NOBODY = 9  # a port where nobody listens
LINK = re.compile(r"http://localhost:8080/console/welcome/([\w-]{43})")


@pytest.fixture
def mail() -> Iterator[Mailing]:
    with mail_server() as mailing:
        yield mailing


@pytest.fixture
def environment(environment: dict[str, str], mail: Mailing) -> dict[str, str]:
    return {
        **environment,
        "WALLET_SMTP_URL": mail.url(),
        "WALLET_MAIL_FROM": "Копилка <kopilka@example.com>",
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


class Office:
    """Where letters are written, and sent when the pump runs."""

    def __init__(self, installation, house) -> None:
        self.house, self.database = house, installation.database
        self.keys, self.mail = installation.keys, installation.settings.mail
        self.sender = installation.letters

    def invite(self, email: str = ANNA, language: str = "ru") -> str:
        """The token of a link that goes by letter."""
        with self.database.transaction() as session:
            now = self.house.clock()
            token = admission.add(session, email, "administrator", now)
            assert letters.send_link(
                session, self.keys, self.mail, "invitation", email, token, language, now
            )
        return token

    def forgot(self, email: str = ANNA) -> None:
        with self.database.transaction() as session:
            letters.send_forgotten(session, email, "en", self.house.clock())

    def take_up(self, token: str) -> None:
        with self.database.transaction() as session:
            admission.set_password(session, token, "digest", self.house.clock(), "en")

    def opens(self, token: str) -> bool:
        with self.database.reading() as session:
            return admission.is_open(session, token)

    def post(self) -> None:
        while self.sender.deliver(self.house.clock):
            pass

    def go_to(self, port: int, *login: str) -> None:
        """Send by another server from now on."""
        user, password = login or (None, None)
        server = MailSettings("127.0.0.1", port, "none", user, password, "kopilka@example.com")
        lease = timedelta(seconds=60)
        self.sender = LetterSender(self.database, self.keys, server, CONSOLE_URL, lease)

    def waiting(self) -> list[StaffLetter]:
        with self.database.reading() as session:
            return list(session.scalars(select(StaffLetter).order_by(StaffLetter.id)))


@pytest.fixture
def office(installation, house) -> Office:
    return Office(installation, house)


def parts(letter) -> tuple[str, str]:
    """A letter as text and as a page."""
    return tuple(letter.get_body((kind,)).get_content() for kind in ("plain", "html"))


def test_an_invitation_is_sent_as_text_and_page_in_the_persons_language(office, mail) -> None:
    token = office.invite()
    office.house.run("letters")
    (letter,) = mail.letters
    assert (letter["To"], letter["Auto-Submitted"]) == (ANNA, "auto-generated")
    assert letter["From"].addresses[0].addr_spec == "kopilka@example.com"
    assert re.search("[а-я]", letter["Subject"])
    for part in parts(letter):
        assert LINK.findall(part)[-1] == token
        assert re.search("[а-я]", part)
        assert "{" not in part
    assert office.waiting() == []


def test_another_link_is_in_the_language_of_whoever_chose_a_password(office, mail) -> None:
    office.take_up(office.invite())
    with office.database.transaction() as session:
        token = admission.reset(session, ANNA, office.house.clock())
        letters.send_link(
            session, office.keys, office.mail, "reset", ANNA, token, "ru", office.house.clock()
        )
    office.post()
    (letter,) = mail.letters
    assert letter["Subject"] == "Another password for Kopilka"
    assert letter["Content-Language"] == "en"


def test_who_forgot_their_password_gets_a_link_that_works(office, mail) -> None:
    office.take_up(office.invite())
    office.forgot()
    office.post()
    (letter,) = mail.letters
    (token,) = LINK.findall(parts(letter)[0])
    assert office.opens(token)
    office.take_up(token)
    assert not office.opens(token)


def test_nobody_gets_a_letter_who_does_not_work_here(office, mail) -> None:
    office.forgot("stranger@example.com")
    assert len(office.waiting()) == 1
    office.post()
    assert (mail.letters, office.waiting()) == ([], [])


def test_asking_again_ends_no_link_that_was_sent(office, mail) -> None:
    office.take_up(office.invite())
    for _ in range(2):
        office.forgot()
    office.post()
    sent = [LINK.findall(parts(letter)[0])[0] for letter in mail.letters]
    assert len(set(sent)) == 2
    assert all(map(office.opens, sent))
    office.take_up(sent[0])
    assert not office.opens(sent[1])


def test_a_server_that_is_away_loses_none(office, mail, house) -> None:
    office.invite()
    mail.answers += ["451 not now", "451 not now"]
    office.post()
    (waiting,) = office.waiting()
    assert (waiting.attempts, waiting.last_reason) == (1, "SMTPDataError 451")
    for _ in range(2):
        house.clock.advance(minutes=5)
        office.post()
    assert len(mail.letters) == 1
    assert office.waiting() == []


def test_a_server_that_is_gone_holds_nobody_up(office, mail, house) -> None:
    office.invite()
    office.go_to(NOBODY)
    office.post()
    assert office.waiting()[0].last_reason == "ConnectionRefusedError"
    house.clock.advance(minutes=5)
    office.go_to(mail.port)
    office.post()
    assert len(mail.letters) == 1


def test_one_that_is_refused_does_not_stop_the_next(office, mail) -> None:
    office.invite()
    office.invite("boris@example.com")
    mail.answers += ["550 no"]
    office.post()
    assert [letter["To"] for letter in mail.letters] == ["boris@example.com"]


def test_it_is_given_up_with_its_link(office, mail, house) -> None:
    office.invite()
    mail.answers += ["451 not now"] * 1000
    house.clock.advance(seconds=letters.LINK_LIVES.total_seconds())
    office.post()
    assert (mail.letters, office.waiting()) == ([], [])


def test_what_was_used_or_ended_meanwhile_is_not_sent(office, mail) -> None:
    office.take_up(office.invite())
    office.invite("boris@example.com")
    with office.database.transaction() as session:
        admission.remove(session, "boris@example.com", office.house.clock())
    office.post()
    assert mail.letters == []


def test_a_worker_that_died_is_followed_by_another_with_the_same_letter(
    office, mail, house
) -> None:
    office.invite()
    with office.database.transaction() as session:
        assert letters.LETTERS.claim(session, house.clock(), 10, timedelta(seconds=60))
    office.post()
    assert mail.letters == []
    house.clock.advance(seconds=61)
    office.post()
    assert len(mail.letters) == 1


def test_no_token_lies_in_the_database_or_reaches_the_log(office, mail, capfd) -> None:
    token = office.invite()
    (waiting,) = office.waiting()
    assert token not in waiting.sealed
    mail.answers += ["451 not now"]
    office.post()
    said = "".join(capfd.readouterr())
    assert "letter_not_sent" in said
    assert not [one for one in (token, ANNA) if one in said]


def test_the_server_is_shown_name_and_password(office, mail) -> None:
    office.go_to(mail.port, USER, PASSWORD)
    office.invite()
    office.post()
    assert (mail.logins, len(mail.letters)) == ([USER], 1)


class TestTls:
    """What is said to a server stays between the two."""

    @pytest.fixture
    def context(self, chain: Path) -> ssl.SSLContext:
        """A server's side, with a certificate for this machine by our own authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain / "server.pem", chain / "server.key")
        return context

    def send(self, port: int, security: str) -> str:
        """Hand over a letter with name and password; what became of it."""
        server = MailSettings("127.0.0.1", port, security, USER, PASSWORD, "a@example.com")
        letter = EmailMessage()
        letter["From"], letter["To"] = "a@example.com", ANNA
        letter.set_content("Hello")
        try:
            with MailServer(server) as connected:
                connected.send(letter)
        except NotTaken as refused:
            return refused.why
        return "taken"

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_it_is_asked_for_and_the_server_must_be_who_it_says(
        self, context, chain: Path, monkeypatch: pytest.MonkeyPatch, security: str
    ) -> None:
        with mail_server(**{security: context}) as mail:
            assert self.send(mail.port, security) == "SSLCertVerificationError"
            assert mail.logins == []
            monkeypatch.setenv("SSL_CERT_FILE", str(chain / "root.pem"))
            assert self.send(mail.port, security) == "taken"
            assert mail.logins == [USER]

    def test_a_server_that_knows_none_is_told_nothing(self, mail) -> None:
        assert self.send(mail.port, "starttls") == "SMTPNotSupportedError"
        assert (mail.logins, mail.letters) == ([], [])
