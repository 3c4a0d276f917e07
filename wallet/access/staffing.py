"""What people of the staff decide about others of the staff: who comes in, with which roles, and
who goes. It is decided, programme by programme, by those who have `staff:write` there; nobody gives
or takes a role that exceeds their own, and nobody takes that right from themselves, so somebody
always has it. Everything is noted in the record of changes.

A link for a password opens all that its owner may do. So it is made for those alone over whom one
decides entirely: whoever administers one programme could otherwise take over a colleague who
administers all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, false, func, or_, select
from sqlalchemy.orm import Session

from ledger.contacts import email_address
from wallet.access import admission, changes, grants, staff, staff_sessions
from wallet.access.admission import StaffLink
from wallet.access.changes import ChangedThing
from wallet.access.grants import Doer
from wallet.access.rights import Actor, may_give
from wallet.access.roles import RIGHTS_OF, Role
from wallet.access.staff import Employee, EmployeeRole
from wallet.access.staff_sessions import Attendance
from wallet.errors import BeyondOwnRights, EmployeeRefused, RolesChangedMeanwhile, UnknownEmployee

STAFF = "staff:write"
MOST_ROLES = 100  # of one person


@dataclass(frozen=True, slots=True, order=True)
class HeldRole:
    """A role in one programme; without one, in all."""

    role: Role
    programme_id: int | None = None


HeldRoles = frozenset[HeldRole]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the staff, as a colleague sees them. `roles`: those in all programmes, and in the
    ones that the colleague decides in; `elsewhere`: they have more. `link_until`: until when a link
    for their password works."""

    employee: Employee
    roles: Sequence[HeldRole]
    elsewhere: bool
    attendance: Attendance | None
    link_until: datetime | None
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who was invited. `token`: of the link by which they set a password; None if they have one, or
    if it is for somebody else to make the link."""

    employee: Employee
    token: str | None


# --- Who is there -------------------------------------------------------------------------------


def colleagues(
    session: Session,
    actors: Collection[Actor],
    now: datetime,
    *,
    search: str = "",
    after_id: int | None = None,
    limit: int = 50,
) -> Sequence[Colleague]:
    """Whom somebody with these actors sees, by their addresses, from behind the one of this id.
    `search` is a part of the address."""
    query = select(Employee).where(*_found(actors, search)).order_by(Employee.email).limit(limit)
    if after_id is not None:
        behind = select(Employee.email).where(Employee.id == after_id).scalar_subquery()
        query = query.where(Employee.email > behind)
    return _as_seen(session, actors, session.scalars(query).all(), now)


def count(session: Session, actors: Collection[Actor], search: str = "") -> int:
    """How many `colleagues` there are."""
    return session.scalars(select(func.count(Employee.id)).where(*_found(actors, search))).one()


def colleague(
    session: Session, actors: Collection[Actor], employee_id: int, now: datetime
) -> Colleague:
    """One of `colleagues`. Raises `UnknownEmployee`."""
    (one,) = _as_seen(session, actors, [_visible(session, actors, employee_id)], now)
    return one


def decides_over(actors: Collection[Actor], roles: Collection[HeldRole]) -> bool:
    """Whether somebody with these actors may give and take all of these roles."""
    return all(may_give(actors, {STAFF, *RIGHTS_OF[one.role]}, one.programme_id) for one in roles)


# --- Deciding -----------------------------------------------------------------------------------


def invite(
    session: Session, by: Doer, email: str, wanted: Collection[HeldRole], now: datetime
) -> Invitation:
    """Give the person with this address these roles, beside those that they have. Raises `Unfit` if
    this is no address, `EmployeeRefused` for no role, or if they have all of them already, and
    `BeyondOwnRights`."""
    address = email_address(email)
    staff.one_at_a_time(session)
    by = grants.as_now(session, by)
    if not wanted:
        raise EmployeeRefused("choose at least one role.")
    _require_decides(by, wanted)
    employee = staff.welcomed(session, address, now)
    had = _roles_of(session, employee.id)
    new = set(wanted) - had
    if not new:
        raise EmployeeRefused("{email} has this role already.", email=address)
    _give(session, employee.id, new)
    code = "employee.role_given" if had else "employee.invited"
    _note(session, by, employee, code, new, now)
    staff_sessions.end_all(session, employee.id)  # what they may do changed
    token = None
    if employee.password_hash is None and decides_over(by.actors, had | new):
        token = admission.invite(session, employee, now)
    return Invitation(employee, token)


def change_roles(
    session: Session,
    by: Doer,
    employee_id: int,
    opened_with: HeldRoles,
    wanted: HeldRoles,
    now: datetime,
) -> Employee:
    """Give this person these roles instead of those that they have where `by` decides.
    `opened_with`: the roles that the form showed. Raises `UnknownEmployee`, `BeyondOwnRights`,
    `RolesChangedMeanwhile`, and `EmployeeRefused` for who would be left without any role, or would
    take the right to decide from themselves."""
    staff.one_at_a_time(session)
    by = grants.as_now(session, by)
    employee = _decided_over(session, by, employee_id)
    every = _roles_of(session, employee.id)
    held = frozenset(one for one in every if by.may(STAFF, one.programme_id))
    if held != opened_with:
        raise RolesChangedMeanwhile
    given, taken = wanted - held, held - wanted
    _require_decides(by, given | taken)
    if not wanted and held == every:
        raise EmployeeRefused("without a role nobody comes in: remove them instead.")
    _keep_oneself(by, employee.id, taken)
    had_one = staff.has_administrator(session)
    _take(session, employee.id, taken)
    _give(session, employee.id, given)
    admission.require_administrator(session, had_one=had_one)
    if given or taken:
        staff_sessions.end_all(session, employee.id)
    _note(session, by, employee, "employee.role_taken", taken, now)
    _note(session, by, employee, "employee.role_given", given, now)
    return employee


def link(session: Session, by: Doer, employee_id: int, now: datetime) -> Invitation:
    """Make a new link by which this person sets a password; older ones work no more. Raises
    `UnknownEmployee`, and `BeyondOwnRights` if they may do what `by` may not."""
    staff.one_at_a_time(session)
    by = grants.as_now(session, by)
    employee = _decided_over(session, by, employee_id)
    _require_decides(by, _roles_of(session, employee.id))
    token = admission.invite(session, employee, now)
    of = ChangedThing("employee", employee.email)
    changes.note(session, by.author, "employee.link_made", of, now)
    return Invitation(employee, token)


def sign_out(session: Session, by: Doer, employee_id: int, now: datetime) -> Employee:
    """Sign this person out in every browser. Raises as `link`."""
    by = grants.as_now(session, by)
    employee = _decided_over(session, by, employee_id)
    _require_decides(by, _roles_of(session, employee.id))
    if staff_sessions.end_all(session, employee.id):
        of = ChangedThing("employee", employee.email)
        changes.note(session, by.author, "employee.signed_out", of, now)
    return employee


def take_away_factors(session: Session, by: Doer, employee_id: int, now: datetime) -> Employee:
    """Have this person, who has lost their phone, sign in with the password alone; they are signed
    out. Raises as `link`, and `EmployeeRefused` for oneself: who sits before one's browser must
    show first that it is oneself."""
    by = grants.as_now(session, by)
    employee = _decided_over(session, by, employee_id)
    _require_decides(by, _roles_of(session, employee.id))
    if employee.id == by.employee_id:
        raise EmployeeRefused("your own second step is on your own page.")
    if admission.take_away_factors(session, employee):
        of = ChangedThing("employee", employee.email)
        changes.note(session, by.author, "employee.second_factor_removed", of, now)
    return employee


def remove(session: Session, by: Doer, employee_id: int, now: datetime) -> Employee:
    """Take all roles from this person that `by` decides over; whoever has none left is let in no
    more. Raises `UnknownEmployee`, `BeyondOwnRights`, and `EmployeeRefused` for oneself and for the
    last administrator."""
    staff.one_at_a_time(session)
    by = grants.as_now(session, by)
    employee = _decided_over(session, by, employee_id)
    if employee.id == by.employee_id:
        raise EmployeeRefused("you cannot remove yourself: another administrator can.")
    every = _roles_of(session, employee.id)
    taken = frozenset(one for one in every if by.may(STAFF, one.programme_id))
    _require_decides(by, taken or every)
    if taken == every:
        admission.remove(session, employee.email, now)
        of = ChangedThing("employee", employee.email)
        changes.note(session, by.author, "employee.removed", of, now)
        return employee
    _take(session, employee.id, taken)
    staff_sessions.end_all(session, employee.id)
    _note(session, by, employee, "employee.role_taken", taken, now)
    return employee


# --- What these are made of ---------------------------------------------------------------------


def _found(actors: Collection[Actor], search: str) -> list[ColumnElement[bool]]:
    found = [Employee.removed_at.is_(None), *_seen(actors)]
    if search:
        found.append(Employee.email.contains(search.strip().lower(), autoescape=True))
    return found


def _seen(actors: Collection[Actor]) -> list[ColumnElement[bool]]:
    """What is true of the people whom somebody with these actors sees: their colleagues in the
    programmes in which they decide."""
    programme_ids = grants.within_reach(actors, STAFF)
    if programme_ids is None:
        return []
    return [_has_role(_counts_in(programme_ids)) if programme_ids else false()]


def _counts_in(programme_ids: Collection[int]) -> ColumnElement[bool]:
    return or_(EmployeeRole.programme_id.is_(None), EmployeeRole.programme_id.in_(programme_ids))


def _has_role(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(EmployeeRole.employee_id == Employee.id, which)


def _visible(session: Session, actors: Collection[Actor], employee_id: int) -> Employee:
    employee = session.scalar(
        select(Employee).where(
            Employee.id == employee_id, Employee.removed_at.is_(None), *_seen(actors)
        )
    )
    if employee is None:
        raise UnknownEmployee(str(employee_id))
    return employee


def _as_seen(
    session: Session, actors: Collection[Actor], employees: Sequence[Employee], now: datetime
) -> list[Colleague]:
    ids = [one.id for one in employees]
    programme_ids = grants.within_reach(actors, STAFF)
    roles = staff.roles_of(session, ids)
    attendances = staff_sessions.attendances(session, ids, now)
    links = _links(session, ids, now)
    stronger = admission.with_second_factor(session, ids)

    def seen(one: EmployeeRole) -> bool:
        return programme_ids is None or one.programme_id in (None, *programme_ids)

    return [
        Colleague(
            one,
            [HeldRole(held.role, held.programme_id) for held in roles[one.id] if seen(held)],
            not all(map(seen, roles[one.id])),
            attendances.get(one.id),
            links.get(one.id),
            one.id in stronger,
        )
        for one in employees
    ]


def _links(session: Session, ids: Sequence[int], now: datetime) -> Mapping[int, datetime]:
    rows = session.execute(
        select(StaffLink.employee_id, StaffLink.expires_at).where(
            StaffLink.employee_id.in_(ids), StaffLink.expires_at > now
        )
    )
    return {id_: expires_at for id_, expires_at in rows if id_ is not None}


def _decided_over(session: Session, by: Doer, employee_id: int) -> Employee:
    """The person, locked. Raises `UnknownEmployee` for whom `by` does not see."""
    _visible(session, by.actors, employee_id)
    return staff.locked(session, Employee.id == employee_id)


def _require_decides(by: Doer, roles: Collection[HeldRole]) -> None:
    if not decides_over(by.actors, roles):
        raise BeyondOwnRights


def _keep_oneself(by: Doer, employee_id: int, taken: Collection[HeldRole]) -> None:
    """Raises `EmployeeRefused` for who would not decide over the staff any more."""
    deciding = [one for one in taken if {STAFF, "*"} & RIGHTS_OF[one.role]]
    if employee_id == by.employee_id and deciding:
        raise EmployeeRefused(
            "you cannot take your own right to manage the staff: another administrator can."
        )


def _roles_of(session: Session, employee_id: int) -> HeldRoles:
    rows = staff.roles_of(session, [employee_id])[employee_id]
    return frozenset(HeldRole(one.role, one.programme_id) for one in rows)


def _give(session: Session, employee_id: int, roles: Collection[HeldRole]) -> None:
    if len(_roles_of(session, employee_id)) + len(roles) > MOST_ROLES:
        raise EmployeeRefused("nobody has more than {most} roles.", most=MOST_ROLES)
    session.add_all(
        EmployeeRole(employee_id=employee_id, programme_id=one.programme_id, role=one.role)
        for one in roles
    )
    session.flush()


def _take(session: Session, employee_id: int, roles: Collection[HeldRole]) -> None:
    for one in roles:
        session.execute(
            delete(EmployeeRole).where(
                EmployeeRole.employee_id == employee_id,
                EmployeeRole.role == one.role,
                EmployeeRole.programme_id.is_not_distinct_from(one.programme_id),
            )
        )


def _note(
    session: Session,
    by: Doer,
    employee: Employee,
    code: str,
    roles: Collection[HeldRole],
    now: datetime,
) -> None:
    """A line for each role, in its programme."""
    is_taken = code == "employee.role_taken"
    for one in sorted(roles, key=lambda held: (held.role, held.programme_id or 0)):
        of = ChangedThing("employee", employee.email, one.programme_id)
        fact = {"role": one.role}
        before, after = (fact, {}) if is_taken else ({}, fact)
        changes.note(session, by.author, code, of, now, before, after)
