"""How people of the staff come in, and go: by a link for the first time and to set another
password, by address and password afterwards, and by a second factor if they have one. A link is
shown once, works once, and is kept as its hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.contacts import email_address
from ledger.database.engine import Database
from ledger.database.tables import Base, Instant
from ledger.languages import Language
from wallet.access import (
    letters,
    passkeys,
    passwords,
    second_factors,
    sign_in_delays,
    staff,
    staff_sessions,
    tokens,
)
from wallet.access.letters import LINK_LIVES, StaffLetter
from wallet.access.passkeys import Passkey, PasskeyChallenge
from wallet.access.roles import Role
from wallet.access.second_factors import SecondFactor, Shown
from wallet.access.sign_in_delays import Guesser, SignInFailure
from wallet.access.staff import Employee, EmployeeRole
from wallet.access.staff_sessions import FROM_ANYWHERE, StaffSession, Visit
from wallet.configuration.keyring import KeyRing
from wallet.errors import EmployeeRefused, StaffLinkClosed

SECOND_STEP_LIVES = timedelta(minutes=10)


class StaffLink(Base):
    """A link that works once. `digest` is that of its token. Without
    `employee_id` it makes the first administrator."""

    __tablename__ = "wallet_staff_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Somebody whose password was right at `at`, and who has a second factor to show yet. `proof`
    is another one once the password is."""

    employee_id: int
    proof: str
    at: datetime


def add(
    session: Session, email: str, role: Role, now: datetime, programme_id: int | None = None
) -> str:
    """Give the person with this address a role, in one programme or in all. It replaces the role
    that they had there. Returns the token of a link by which they set a password. Raises `Unfit`
    if this is no address, and `EmployeeRefused` if the last administrator would lose the role."""
    email = email_address(email)
    staff.one_at_a_time(session)
    had_one = staff.has_administrator(session)
    employee = staff.welcomed(session, email, now)
    there = EmployeeRole.programme_id.is_not_distinct_from(programme_id)
    session.execute(delete(EmployeeRole).where(EmployeeRole.employee_id == employee.id, there))
    session.add(EmployeeRole(employee_id=employee.id, programme_id=programme_id, role=role))
    session.flush()
    require_administrator(session, had_one=had_one)
    staff_sessions.end_all(session, employee.id)  # what they may do changed
    return invite(session, employee, now)


def invite(session: Session, employee: Employee, now: datetime) -> str:
    """The token of a new link by which this person sets a password. Older ones work no more."""
    _end_links(session, employee)
    return _new_link(session, employee.id, now)


def link_in_letter(session: Session, token: str, employee: Employee, expires_at: datetime) -> None:
    """Let a link with this token set the person's password: for somebody who has forgotten theirs.
    Other links of theirs go on working: a stranger who asks again and again ends none of them."""
    session.add(
        StaffLink(digest=tokens.digest(token), employee_id=employee.id, expires_at=expires_at)
    )
    session.flush()


def first_link(session: Session, now: datetime) -> str | None:
    """The token of a link that makes the first administrator; None if there is one already. Older
    ones work no more."""
    staff.one_at_a_time(session)
    session.execute(delete(StaffLink).where(StaffLink.employee_id.is_(None)))
    return None if staff.has_administrator(session) else _new_link(session, None, now)


def whose_link(session: Session, token: str, now: datetime) -> Employee | None:
    """Whose password a link sets; None if it makes the first administrator. Raises
    `StaffLinkClosed` if it works no more."""
    link = session.get(StaffLink, tokens.digest(token))
    if link is None or link.expires_at <= now:
        raise StaffLinkClosed
    return None if link.employee_id is None else session.get_one(Employee, link.employee_id)


def is_open(session: Session, token: str) -> bool:
    """Whether there still is a link with this token."""
    return session.get(StaffLink, tokens.digest(token)) is not None


def set_password(
    session: Session, token: str, digest: str, now: datetime, language: Language | None = None
) -> Employee:
    """Set the password of the person whom the link is for, and use it up. `digest` is what `hashed`
    made of it. Everywhere else they are signed out. `language`: what they read. Raises
    `StaffLinkClosed`."""
    staff.one_at_a_time(session)
    employee_id = _used_up(session, token, now)
    if employee_id is None:
        raise StaffLinkClosed
    return _let_in(session, staff.locked(session, Employee.id == employee_id), digest, language)


def make_first(
    session: Session,
    token: str,
    email: str,
    digest: str,
    now: datetime,
    language: Language | None = None,
) -> Employee:
    """Make the first administrator, and use the link up. Raises as `set_password`, and `Unfit` for
    what is no address."""
    email = email_address(email)
    staff.one_at_a_time(session)
    if _used_up(session, token, now) is not None or staff.has_administrator(session):
        raise StaffLinkClosed
    add(session, email, "administrator", now)
    return _let_in(session, staff.locked(session, Employee.email == email), digest, language)


def change_password(session: Session, employee_id: int, old: str, digest: str) -> bool:
    """Set another password in place of the one whose digest is `old`; everywhere they are signed
    out, and links of theirs work no more. False if it is another one by now."""
    staff.one_at_a_time(session)
    employee = staff.locked(session, Employee.id == employee_id)
    if employee.removed_at is not None or employee.password_hash != old:
        return False
    _let_in(session, employee, digest, None)
    return True


def sign_in(
    database: Database, email: str, password: str, now: datetime, visit: Visit = FROM_ANYWHERE
) -> str | HalfWay | None:
    """Sign in who has this address, as `email_address` writes it, and this password. Returns the
    token of the session, or, for somebody with a second factor, that they are half way in; None
    for nobody, which takes as long to find out."""
    with database.reading() as session:
        known = session.execute(
            select(Employee.id, Employee.password_hash).where(
                Employee.email == email, Employee.removed_at.is_(None)
            )
        ).first()
    digest = None if known is None else known.password_hash
    if not passwords.fits(password, digest) or known is None:
        return None
    with database.transaction() as session:
        # The password was checked without a lock, as that takes long: it may be another by now.
        employee = staff.locked(session, Employee.id == known.id)
        if employee.password_hash != digest:
            return None
        return after_password(session, employee, now, visit)


def after_password(
    session: Session, employee: Employee, now: datetime, visit: Visit
) -> str | HalfWay:
    """What comes after a right password, or a new one: the token of a session, or that a second
    factor is to be shown yet. The caller holds the lock of the person's row."""
    staff_sessions.forget_old(session, now)
    if second_factors.state(session, employee.id) is None:
        return staff_sessions.begin(session, employee.id, now, visit)
    return HalfWay(employee.id, _proof(employee), now)


def whose_step(session: Session, half: HalfWay, now: datetime) -> Employee | None:
    """Who is half way in; None if that was too long ago, or if the password is another by now."""
    employee = session.get(Employee, half.employee_id)
    is_good = (
        employee is not None
        and employee.removed_at is None
        and _proof(employee) == half.proof
        and now < half.at + SECOND_STEP_LIVES
    )
    return employee if is_good else None


@dataclass(frozen=True, slots=True)
class Stepped:
    """What came of the second step. `token` is that of the session, and `shown` what let them in;
    without, the code was not right, or was not looked at for another `wait`."""

    employee: Employee
    token: str = ""
    shown: Shown | None = None
    wait: timedelta = timedelta()


def finish(
    session: Session,
    keys: KeyRing,
    half: HalfWay,
    written: str,
    origin: str,
    now: datetime,
    visit: Visit,
) -> Stepped | None:
    """Take the second step with this code, from this network address. Waiting, judging and counting
    are one: codes are short, and whoever tries a thousand at once tries one. None if they must
    begin anew with the password."""
    staff.locked(session, Employee.id == half.employee_id)
    employee = whose_step(session, half, now)
    if employee is None:
        return None
    guesser = code_guesser(keys, employee, written, origin)
    wait = sign_in_delays.wait(session, guesser, now)
    if wait:
        return Stepped(employee, wait=wait)
    shown = second_factors.use(session, keys, employee.id, written, now)
    if shown is None:
        sign_in_delays.failed(session, guesser, now)
        return Stepped(employee)
    sign_in_delays.succeeded(session, guesser)
    token = staff_sessions.begin(session, employee.id, now, visit, strong=True)
    return Stepped(employee, token, shown)


def code_guesser(keys: KeyRing, employee: Employee, written: str, origin: str) -> Guesser:
    """By what wrong codes are counted. Codes from paper are too long to be guessed, so whoever
    guesses those of the app from elsewhere keeps nobody from using one."""
    guesser = sign_in_delays.who(keys, employee.email, origin)
    if second_factors.is_recovery_code(written):
        return guesser
    return sign_in_delays.with_code(keys, guesser, employee.id)


def with_second_factor(session: Session, employee_ids: Sequence[int]) -> frozenset[int]:
    """Which of these people have an app or a passkey."""
    apps = select(SecondFactor.employee_id).where(SecondFactor.employee_id.in_(employee_ids))
    keys = select(Passkey.employee_id).where(Passkey.employee_id.in_(employee_ids))
    return frozenset(session.scalars(apps.union(keys)))


def take_away_factors(session: Session, employee: Employee) -> bool:
    """Have this person sign in with the password alone: the phone is lost, say. Whether they had
    anything else. They are signed out. The caller holds the lock of their row."""
    had_app = second_factors.take_away(session, employee.id)
    had_passkeys = passkeys.remove_all(session, employee.id) > 0
    if had_app or had_passkeys:
        staff_sessions.end_all(session, employee.id)
    return had_app or had_passkeys


def remove(session: Session, email: str, now: datetime) -> None:
    """Let this person in no more, at once. Raises `UnknownEmployee`, and `EmployeeRefused` for the
    last administrator."""
    staff.one_at_a_time(session)
    had_one = staff.has_administrator(session)
    employee = staff.by_email(session, email)
    employee.removed_at, employee.password_hash = now, None
    session.flush()
    require_administrator(session, had_one=had_one)
    session.execute(delete(EmployeeRole).where(EmployeeRole.employee_id == employee.id))
    _end_links(session, employee)
    take_away_factors(session, employee)
    staff_sessions.end_all(session, employee.id)


def reset(session: Session, email: str, now: datetime) -> str:
    """The token of a link by which this person sets another password. The old one works until then.
    Raises `UnknownEmployee`."""
    staff.one_at_a_time(session)
    return invite(session, staff.by_email(session, email), now)


def close_all(session: Session) -> None:
    """Sign everybody out, and let no link work any more, nor write letters with them: what was used
    or ended since a backup was taken must not come back with it."""
    for table in (StaffSession, StaffLink, SignInFailure, PasskeyChallenge, StaffLetter):
        session.execute(delete(table))


def _let_in(
    session: Session, employee: Employee, digest: str, language: Language | None
) -> Employee:
    employee.password_hash = digest
    employee.language = language or employee.language
    session.flush()
    staff_sessions.end_all(session, employee.id)
    _end_links(session, employee)
    if staff.has_administrator(session):
        session.execute(delete(StaffLink).where(StaffLink.employee_id.is_(None)))
    return employee


def _end_links(session: Session, employee: Employee) -> None:
    session.execute(delete(StaffLink).where(StaffLink.employee_id == employee.id))
    letters.forget(session, employee.email)


def _proof(employee: Employee) -> str:
    return tokens.digest(employee.password_hash or "")


def require_administrator(session: Session, *, had_one: bool) -> None:
    """Who runs an installation alone must not lock themselves out. Where none has come in yet,
    nothing is lost."""
    if had_one and not staff.has_administrator(session):
        raise EmployeeRefused("there must be an administrator: make another one first.")


def hashed(password: str) -> str:
    """The password as it may be stored. It takes a while: no transaction should wait for it. Raises
    `EmployeeRefused` for one that is too short or too long, and `passwords.TooManyAtOnce`."""
    if len(password) < passwords.SHORTEST:
        raise EmployeeRefused(
            "a password has at least {fewest} characters.", fewest=passwords.SHORTEST
        )
    if len(password) > passwords.LONGEST:
        raise EmployeeRefused("a password has at most {most} characters.", most=passwords.LONGEST)
    return passwords.hashed(password)


def _new_link(session: Session, employee_id: int | None, now: datetime) -> str:
    token = tokens.new()
    session.add(
        StaffLink(digest=tokens.digest(token), employee_id=employee_id, expires_at=now + LINK_LIVES)
    )
    session.flush()
    return token


def _used_up(session: Session, token: str, now: datetime) -> int | None:
    """Delete the link: of two who use it at once, one finds none."""
    gone = session.execute(
        delete(StaffLink)
        .where(StaffLink.digest == tokens.digest(token), StaffLink.expires_at > now)
        .returning(StaffLink.employee_id)
    ).first()
    if gone is None:
        raise StaffLinkClosed
    employee_id: int | None = gone.employee_id
    return employee_id
