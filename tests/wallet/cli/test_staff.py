"""The people who use the console, from the command line."""

import re
from urllib.parse import urlsplit

import pyotp
from sqlalchemy import select

from wallet.access import admission, second_factors, staff
from wallet.access.letters import StaffLetter

LINK = re.compile(r"http://localhost:\d+/console/welcome/[\w-]{43}")


def test_somebody_is_invited_shown_and_let_go(wallet, client) -> None:
    first = wallet("staff", "add", "head@example.com", "--role", "administrator")
    assert LINK.fullmatch(first.output.strip()), first.output
    added = wallet("staff", "add", "Anna@Example.com", "--role", "marketer", "--programme", "demo")
    page = urlsplit(added.output.strip()).path
    shown = wallet("staff", "list").output.splitlines()
    assert shown == [
        "anna@example.com: marketer in demo; has not come in yet",
        "head@example.com: administrator in all programmes; has not come in yet",
    ]
    assert client.get(page).status_code == 200
    assert LINK.fullmatch(wallet("staff", "reset", "anna@example.com").output.strip())
    assert client.get(page).status_code == 404


def test_who_invited_and_removed_whom_is_recorded(wallet) -> None:
    wallet("staff", "add", "head@example.com", "--role", "administrator")
    wallet("staff", "add", "anna@example.com", "--role", "marketer", "--programme", "demo")
    wallet("staff", "reset", "anna@example.com")
    said = wallet("changes", "list", "--kind", "employee").output
    for one in ("wallet staff add", "employee.invited", "employee.link_made", "marketer"):
        assert one in said, said
    assert "/welcome/" not in said


def test_who_lost_their_phone_gets_a_link_and_no_second_step(wallet, installation, house) -> None:
    wallet("staff", "add", "anna@example.com", "--role", "administrator")
    secret = second_factors.new_secret()
    with installation.database.transaction() as session:
        anna = staff.by_email(session, "anna@example.com").id
        code = pyotp.TOTP(secret).at(house.clock())
        second_factors.set_up(session, installation.keys, anna, secret, code, house.clock())
    assert "; with a second factor" in wallet("staff", "list").output
    assert LINK.fullmatch(wallet("staff", "reset", "anna@example.com").output.strip())
    with installation.database.reading() as session:
        assert second_factors.state(session, anna)
    told = wallet("staff", "reset", "anna@example.com", "--without-second-factor")
    assert LINK.fullmatch(told.output.strip())
    with installation.database.reading() as session:
        assert second_factors.state(session, anna) is None
    said = wallet("changes", "list", "--kind", "employee").output
    assert "employee.second_factor_removed" in said


def test_with_a_mail_server_a_link_goes_by_letter_too(wallet, installation) -> None:
    mail = {"WALLET_SMTP_URL": "smtp://localhost:9", "WALLET_MAIL_FROM": "a@example.com"}
    added = wallet(
        "staff", "add", "anna@example.com", "--role", "viewer", "--language", "ru", **mail
    )
    link, *_ = added.stdout.splitlines()
    assert LINK.fullmatch(link)
    assert "A letter with it is on its way to anna@example.com." in added.stderr
    with installation.database.reading() as session:
        (letter,) = session.scalars(select(StaffLetter)).all()
    assert (letter.kind, letter.language) == ("invitation", "ru")
    assert installation.keys.unseal(letter.sealed) == link.rpartition("/")[2]


def test_what_cannot_be_is_said_in_words(wallet) -> None:
    for words, said in (
        (("add", "anna", "--role", "viewer"), "anna is no address of e-mail."),
        (("add", "a@b.ru", "--role", "king"), "'king' is not one of"),
        (("add", "a@b.ru", "--role", "viewer", "--programme", "none"), "none"),
        (
            ("reset", "nobody@example.com"),
            "Nobody of the staff has the address nobody@example.com.",
        ),
        (
            ("remove", "nobody@example.com"),
            "Nobody of the staff has the address nobody@example.com.",
        ),
    ):
        answer = wallet("staff", *words)
        assert answer.exit_code != 0
        assert said in answer.output, answer.output


def test_the_last_administrator_stays(wallet, installation, house) -> None:
    added = wallet("staff", "add", "head@example.com", "--role", "administrator")
    token = added.output.strip().rpartition("/")[2]
    digest = admission.hashed("a long enough one")
    with installation.database.transaction() as session:
        admission.set_password(session, token, digest, house.clock())
    refused = wallet("staff", "remove", "head@example.com")
    assert refused.exit_code == 1
    assert "there must be an administrator" in refused.output
