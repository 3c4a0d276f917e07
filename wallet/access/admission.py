"""How people of the staff come in, and go: by a link for the first time and to set another
password, by address and password afterwards. A link is shown once, works once, and is kept as its
hash."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.contacts import email_address
from ledger.database.engine import Database
from ledger.database.tables import Base, Instant, insert_or
from wallet.access import passwords, staff, staff_sessions
from wallet.access.roles import Role
from wallet.access.sign_in_delays import SignInFailure
from wallet.access.staff import Employee, EmployeeRole
from wallet.access.staff_sessions import StaffSession
from wallet.errors import EmployeeRefused, StaffLinkClosed

LINK_LIVES = timedelta(days=3)


class StaffLink(Base):
    """A link that works once. `digest` is the SHA-256 of its token in hexadecimal. Without
    `employee_id` it makes the first administrator."""

    __tablename__ = "wallet_staff_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)


def add(
    session: Session, email: str, role: Role, now: datetime, programme_id: int | None = None
) -> str:
    """Give the person with this address a role, in one programme or in all. It replaces the role
    that they had there. Returns the token of a link by which they set a password. Raises `Unfit`
    if this is no address, and `EmployeeRefused` if the last administrator would lose the role."""
    email = email_address(email)
    staff.one_at_a_time(session)
    had_one = staff.has_administrator(session)
    session.execute(
        insert_or(session, Employee)
        .values(email=email, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    employee = staff.locked(session, Employee.email == email)
    if employee.removed_at is not None:
        employee.removed_at = employee.password_hash = None
    there = EmployeeRole.programme_id.is_not_distinct_from(programme_id)
    session.execute(delete(EmployeeRole).where(EmployeeRole.employee_id == employee.id, there))
    session.add(EmployeeRole(employee_id=employee.id, programme_id=programme_id, role=role))
    session.flush()
    _require_administrator(session, had_one=had_one)
    staff_sessions.end_all(session, employee.id)  # what they may do changed
    return invite(session, employee, now)


def invite(session: Session, employee: Employee, now: datetime) -> str:
    """The token of a new link by which this person sets a password. Older ones work no more."""
    session.execute(delete(StaffLink).where(StaffLink.employee_id == employee.id))
    return _new_link(session, employee.id, now)


def first_link(session: Session, now: datetime) -> str | None:
    """The token of a link that makes the first administrator; None if there is one already. Older
    ones work no more."""
    staff.one_at_a_time(session)
    session.execute(delete(StaffLink).where(StaffLink.employee_id.is_(None)))
    return None if staff.has_administrator(session) else _new_link(session, None, now)


def whose_link(session: Session, token: str, now: datetime) -> Employee | None:
    """Whose password a link sets; None if it makes the first administrator. Raises
    `StaffLinkClosed` if it works no more."""
    link = session.get(StaffLink, _digest(token))
    if link is None or link.expires_at <= now:
        raise StaffLinkClosed
    return None if link.employee_id is None else session.get_one(Employee, link.employee_id)


def set_password(session: Session, token: str, digest: str, now: datetime) -> Employee:
    """Set the password of the person whom the link is for, and use it up. `digest` is what `hashed`
    made of it. Everywhere else they are signed out. Raises `StaffLinkClosed`."""
    staff.one_at_a_time(session)
    employee_id = _used_up(session, token, now)
    if employee_id is None:
        raise StaffLinkClosed
    return _let_in(session, staff.locked(session, Employee.id == employee_id), digest)


def make_first(session: Session, token: str, email: str, digest: str, now: datetime) -> Employee:
    """Make the first administrator, and use the link up. Raises as `set_password`, and `Unfit` for
    what is no address."""
    email = email_address(email)
    staff.one_at_a_time(session)
    if _used_up(session, token, now) is not None or staff.has_administrator(session):
        raise StaffLinkClosed
    add(session, email, "administrator", now)
    return _let_in(session, staff.locked(session, Employee.email == email), digest)


def sign_in(database: Database, email: str, password: str, now: datetime) -> str | None:
    """Sign in who has this address, as `email_address` writes it, and this password. Returns the
    token of the session; None for nobody, which takes as long to find out."""
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
        if staff.locked(session, Employee.id == known.id).password_hash != digest:
            return None
        staff_sessions.forget_old(session, now)
        return staff_sessions.begin(session, known.id, now)


def remove(session: Session, email: str, now: datetime) -> None:
    """Let this person in no more, at once. Raises `UnknownEmployee`, and `EmployeeRefused` for the
    last administrator."""
    staff.one_at_a_time(session)
    had_one = staff.has_administrator(session)
    employee = staff.by_email(session, email)
    employee.removed_at, employee.password_hash = now, None
    session.flush()
    _require_administrator(session, had_one=had_one)
    session.execute(delete(EmployeeRole).where(EmployeeRole.employee_id == employee.id))
    session.execute(delete(StaffLink).where(StaffLink.employee_id == employee.id))
    staff_sessions.end_all(session, employee.id)


def reset(session: Session, email: str, now: datetime) -> str:
    """The token of a link by which this person sets another password. The old one works until then.
    Raises `UnknownEmployee`."""
    staff.one_at_a_time(session)
    return invite(session, staff.by_email(session, email), now)


def close_all(session: Session) -> None:
    """Sign everybody out, and let no link work any more: what was used or ended since a backup was
    taken must not come back with it."""
    for table in (StaffSession, StaffLink, SignInFailure):
        session.execute(delete(table))


def _let_in(session: Session, employee: Employee, digest: str) -> Employee:
    employee.password_hash = digest
    session.flush()
    staff_sessions.end_all(session, employee.id)
    if staff.has_administrator(session):
        session.execute(delete(StaffLink).where(StaffLink.employee_id.is_(None)))
    return employee


def _require_administrator(session: Session, *, had_one: bool) -> None:
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
    token = secrets.token_urlsafe(32)
    session.add(
        StaffLink(digest=_digest(token), employee_id=employee_id, expires_at=now + LINK_LIVES)
    )
    session.flush()
    return token


def _used_up(session: Session, token: str, now: datetime) -> int | None:
    """Delete the link: of two who use it at once, one finds none."""
    gone = session.execute(
        delete(StaffLink)
        .where(StaffLink.digest == _digest(token), StaffLink.expires_at > now)
        .returning(StaffLink.employee_id)
    ).first()
    if gone is None:
        raise StaffLinkClosed
    employee_id: int | None = gone.employee_id
    return employee_id


def _digest(token: str) -> str:
    """Tokens are 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
