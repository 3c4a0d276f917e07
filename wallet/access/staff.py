"""The people of the staff, and which roles they have in which programmes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, exists, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.contacts import email_address
from ledger.database.tables import Base, Identifier, Instant, dialect_of, insert_or
from wallet.access.roles import Role
from wallet.errors import UnknownEmployee

LONGEST_EMAIL = 254  # characters
LONGEST_COUNTER_NAME = 40


class Employee(Base):
    """A person who uses the console. Without `password_hash` they have not signed in yet. Once
    `removed_at` is set they cannot sign in; the row stays, since the record of changes names it.
    `language` is the one in which they chose their password: letters to them are in it.
    `counter_name` is what they are called at the counter, `pin` the digest of the digits by which
    they take over there, see `pins`."""

    __tablename__ = "wallet_employee"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    email: Mapped[str] = mapped_column(String(LONGEST_EMAIL), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    language: Mapped[str | None] = mapped_column(String(10))
    counter_name: Mapped[str | None] = mapped_column(String(LONGEST_COUNTER_NAME))
    pin: Mapped[str | None] = mapped_column(String(43))


class EmployeeRole(Base):
    """A role in one programme; without one, in all. Rows of an employee are written under the lock
    of their `Employee`."""

    __tablename__ = "wallet_employee_role"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_programme.id"))
    role: Mapped[Role] = mapped_column(String(20))


def listed(session: Session) -> Sequence[Employee]:
    """All who are let in, or are to come in, by their addresses."""
    return session.scalars(
        select(Employee).where(Employee.removed_at.is_(None)).order_by(Employee.email)
    ).all()


def roles_of(session: Session, employee_ids: Sequence[int]) -> Mapping[int, list[EmployeeRole]]:
    """The roles of these people, by their ids: those in all programmes first."""
    found: dict[int, list[EmployeeRole]] = {one: [] for one in employee_ids}
    roles = (
        select(EmployeeRole)
        .where(EmployeeRole.employee_id.in_(employee_ids))
        .order_by(EmployeeRole.programme_id.is_not(None), EmployeeRole.programme_id)
    )
    for role in session.scalars(roles):
        found[role.employee_id].append(role)
    return found


def by_email(session: Session, email: str) -> Employee:
    """The person with this address, locked. Raises `UnknownEmployee`, and `Unfit` for what is no
    address."""
    address = email_address(email)
    employee = session.scalar(
        select(Employee)
        .where(Employee.email == address, Employee.removed_at.is_(None))
        .with_for_update()
    )
    if employee is None:
        raise UnknownEmployee(address)
    return employee


def welcomed(session: Session, address: str, now: datetime) -> Employee:
    """The person with this address, locked; made if there is none, and let in again if they had
    been removed."""
    session.execute(
        insert_or(session, Employee)
        .values(email=address, created_at=now)
        .on_conflict_do_nothing(index_elements=["email"])
    )
    employee = locked(session, Employee.email == address)
    if employee.removed_at is not None:
        employee.removed_at = employee.password_hash = employee.pin = None
    return employee


def locked(session: Session, which: ColumnElement[bool]) -> Employee:
    """The one person who fulfils this, locked and as they are now."""
    return session.scalars(
        select(Employee).where(which).with_for_update().execution_options(populate_existing=True)
    ).one()


def one_at_a_time(session: Session) -> None:
    """Until the transaction ends nobody else invites, lets in or removes people: what is true of
    all of them, such as that one of them is an administrator, could not be held by locks of single
    rows. To be called before anything of theirs is read. Who signs in does not wait."""
    if dialect_of(session) == "postgresql":  # SQLite has one writer anyway
        session.execute(text(f"LOCK TABLE {Employee.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


def role_in(session: Session, email: str, programme_id: int | None) -> Role | None:
    """Which role the person with this address has in one programme; without one, in all."""
    return session.scalar(
        select(EmployeeRole.role)
        .join(Employee, Employee.id == EmployeeRole.employee_id)
        .where(
            Employee.email == email, EmployeeRole.programme_id.is_not_distinct_from(programme_id)
        )
    )


def has_administrator(session: Session) -> bool:
    """Whether there is an administrator of all programmes who has set a password."""
    administers = exists().where(
        EmployeeRole.employee_id == Employee.id,
        EmployeeRole.role == "administrator",
        EmployeeRole.programme_id.is_(None),
        Employee.removed_at.is_(None),
        Employee.password_hash.is_not(None),
    )
    return bool(session.scalar(select(administers)))
