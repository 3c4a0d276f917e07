"""PINs: by them cashiers take turns at one device, each in two taps. A PIN opens the counter alone,
whatever else its owner may do, and only where somebody has signed in by a password today.

A PIN is kept as a digest that takes the key ring to make: whoever has the database alone cannot try
out ten thousand of them."""

import hmac
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ledger.contacts import Unfit, readable
from wallet.access import networks, sign_in_delays, staff, staff_sessions
from wallet.access.roles import ROLES, allows
from wallet.access.sign_in_delays import Delay
from wallet.access.staff import Employee, EmployeeRole
from wallet.access.staff_sessions import SignedIn, Visit
from wallet.configuration.keyring import Key, KeyRing
from wallet.errors import EmployeeRefused

FEWEST_DIGITS, MOST_DIGITS = 4, 8
AT_COUNTER = "scans:write"  # who has it serves

# Wrong PINs of one cashier, and from one network address: a shop has several devices.
OF_CASHIER = Delay(5, timedelta(seconds=30), timedelta(hours=1))
FROM_NETWORK = Delay(30, timedelta(seconds=10), timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class CounterColleague:
    """Somebody who may take over at the counter. `name`: as they want to be called there."""

    employee_id: int
    name: str


def choose(
    session: Session, keys: KeyRing, employee_id: int, name: str, pin: str | None
) -> Employee:
    """Set what somebody is called at the counter, and, unless it is None, their PIN; an empty one
    takes it away. Raises `EmployeeRefused`."""
    fit_name = _fit_name(name)
    if pin and (not FEWEST_DIGITS <= len(pin) <= MOST_DIGITS or not _is_digits(pin)):
        raise EmployeeRefused(
            "a PIN has from {least} to {most} digits.", least=FEWEST_DIGITS, most=MOST_DIGITS
        )
    if pin and _is_plain(pin):
        raise EmployeeRefused("everybody would try this PIN first: choose another one.")
    employee = staff.locked(session, Employee.id == employee_id)
    employee.counter_name = fit_name
    if pin is not None:
        employee.pin = _digest(keys.first, employee_id, pin) if pin else None
    session.flush()
    return employee


def colleagues(session: Session, programme_id: int) -> Sequence[CounterColleague]:
    """Who may take over at a counter of this programme, by name."""
    serving = [role for role in ROLES if allows(role, AT_COUNTER)]
    people = session.scalars(
        select(Employee)
        .where(
            Employee.removed_at.is_(None),
            Employee.pin.is_not(None),
            select(EmployeeRole.id)
            .where(
                EmployeeRole.employee_id == Employee.id,
                EmployeeRole.role.in_(serving),
                or_(
                    EmployeeRole.programme_id.is_(None),
                    EmployeeRole.programme_id == programme_id,
                ),
            )
            .exists(),
        )
        .order_by(Employee.counter_name, Employee.id)
    )
    return [CounterColleague(one.id, called(one)) for one in people]


def called(employee: Employee) -> str:
    """What somebody is called at the counter: the beginning of their address, until they say it."""
    return employee.counter_name or employee.email.partition("@")[0]


def take_over(
    session: Session,
    keys: KeyRing,
    present: SignedIn,
    employee_id: int,
    programme_id: int,
    pin: str,
    visit: Visit,
    now: datetime,
) -> str | timedelta | None:
    """Have a colleague serve where `present` did: the token of their session, which opens the
    counter alone; that of `present` is over. None if the PIN is wrong, which counts; or how long to
    wait, where too many were."""
    of_cashier = keys.first.derive("pin of", str(employee_id))
    of_network = keys.first.derive("pin from", networks.counted(visit.origin))
    wait = max(
        sign_in_delays.left(session, of_cashier, OF_CASHIER, now),
        sign_in_delays.left(session, of_network, FROM_NETWORK, now),
    )
    if wait:
        return wait
    known = {one.employee_id for one in colleagues(session, programme_id)}
    employee = session.get(Employee, employee_id) if employee_id in known else None
    if employee is None or not _fits(keys, employee, pin):
        sign_in_delays.count(session, [of_cashier, of_network], now)
        return None
    sign_in_delays.forget(session, [of_cashier])
    return staff_sessions.begin_at_counter(session, present, employee_id, now, visit)


def _fits(keys: KeyRing, employee: Employee, pin: str) -> bool:
    stored = employee.pin or ""
    return any(hmac.compare_digest(_digest(key, employee.id, pin), stored) for key in keys)


def _digest(key: Key, employee_id: int, pin: str) -> str:
    return key.derive("pin", str(employee_id), pin)


def _is_digits(pin: str) -> bool:
    return pin.isascii() and pin.isdigit()


def _is_plain(pin: str) -> bool:
    """Whether everybody would try it first: one digit alone, or digits in a row."""
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(pin)}
    return len(steps) == 1 and steps <= {0, 1, 9}


def _fit_name(name: str) -> str | None:
    try:
        fit = readable(name)
    except Unfit:
        fit = None
    if fit is None or len(fit) > staff.LONGEST_COUNTER_NAME:
        raise EmployeeRefused(
            "a name has at most {most} characters.", most=staff.LONGEST_COUNTER_NAME
        )
    return fit or None
