"""Who of the staff is signed in: a row for each browser, named by a token that the browser keeps in
a cookie and the row as its hash. A session ends after half an hour without a request, after twelve
hours in any case, and at once where its owner's password or roles change."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, String, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Instant
from wallet.access.rights import Actor, may
from wallet.access.roles import RIGHTS_OF, Role
from wallet.access.staff import Employee, EmployeeRole

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)  # each request would otherwise write


class StaffSession(Base):
    """One browser in which an employee is signed in. `digest` is the SHA-256 of its token in
    hexadecimal. `seen_at`: its last request, to the minute."""

    __tablename__ = "wallet_staff_session"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(Instant, index=True)
    seen_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An employee who is signed in. `roles`: which they have, each with the programme in which,
    None for all. `actors`: what they may do, once for each role."""

    employee_id: int
    email: str
    roles: tuple[tuple[Role, int | None], ...]
    actors: tuple[Actor, ...]

    def may(self, right: str, programme_id: int | None = None) -> bool:
        """Whether they have this right in this programme; without a programme, in any at all."""
        return any(may(actor, right, programme_id) for actor in self.actors)


def begin(session: Session, employee_id: int, now: datetime) -> str:
    """Sign an employee in, and return the token of the session."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(digest=_digest(token), employee_id=employee_id, began_at=now, seen_at=now)
    )
    session.flush()
    return token


def end(session: Session, token: str) -> None:
    """Sign this browser out; one that is not signed in changes nothing."""
    session.execute(delete(StaffSession).where(StaffSession.digest == _digest(token)))


def end_all(session: Session, employee_id: int) -> None:
    """Sign this person out everywhere."""
    session.execute(delete(StaffSession).where(StaffSession.employee_id == employee_id))


def forget_old(session: Session, now: datetime) -> None:
    """Delete the rows of sessions that have ended by themselves."""
    session.execute(delete(StaffSession).where(StaffSession.began_at <= now - LONGEST))


def recognise(database: Database, token: str, now: datetime) -> SignedIn | None:
    """Who is signed in with this token; None if nobody is, or no longer."""
    digest = _digest(token)
    rows = database.fetch(_LIVE, digest=digest, idle=now - IDLE, oldest=now - LONGEST)
    if not rows:
        return None
    if rows[0].seen_at <= now - NOTED_EVERY:
        with database.transaction() as session:
            session.execute(
                update(StaffSession).where(StaffSession.digest == digest).values(seen_at=now)
            )
    held = tuple((row.role, row.programme_id) for row in rows)
    return SignedIn(rows[0].id, rows[0].email, held, tuple(map(_actor, rows)))


# A row for each role of who is signed in.
_LIVE = Compiled(
    select(
        Employee.id,
        Employee.email,
        StaffSession.seen_at,
        EmployeeRole.role,
        EmployeeRole.programme_id,
    )
    .join(Employee, Employee.id == StaffSession.employee_id)
    .join(EmployeeRole, EmployeeRole.employee_id == Employee.id)
    .where(
        StaffSession.digest == bindparam("digest"),
        StaffSession.seen_at > bindparam("idle"),
        StaffSession.began_at > bindparam("oldest"),
        Employee.removed_at.is_(None),
    )
)


def _actor(row: Any) -> Actor:
    role: Role = row.role
    return Actor(f"employee {row.id}", RIGHTS_OF[role], row.programme_id)


def _digest(token: str) -> str:
    """Tokens are 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()
