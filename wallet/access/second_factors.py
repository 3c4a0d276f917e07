"""The second factor of people of the staff: an app that shows another code every half a minute
(TOTP, RFC 6238), and ten codes on paper for the day on which the phone is lost.

The secret of the app lies sealed by the key ring. Of the codes on paper only hashes by the ring
lie here: whoever has the database alone can neither read nor guess them. All of it is decided under
the lock of the person's row."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyotp
from cryptography.fernet import InvalidToken
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import ForeignKey, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant
from wallet.access import staff
from wallet.access.staff import Employee
from wallet.configuration.keyring import KeyRing
from wallet.errors import EmployeeRefused

ISSUER = "Kopilka"
STEPS_ASIDE = 1  # clocks of phones are wrong by up to half a minute
DIGITS = 6

RECOVERY_CODES = 10
# Letters and digits that nobody takes for each other; twelve of them are sixty random bits.
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # pragma: allowlist secret
RECOVERY_SIGNS, GROUP = 12, 4

# What somebody showed besides the password.
Shown = Literal["code", "recovery_code"]


class SecondFactor(Base):
    """The app of one person. `sealed`: its secret in Base32, sealed by the key ring. `last_step`:
    the half minute since 1970 of the last code that was taken; no code of it or before it counts
    any more."""

    __tablename__ = "wallet_second_factor"

    employee_id: Mapped[int] = mapped_column(
        Identifier, ForeignKey("wallet_employee.id"), primary_key=True, autoincrement=False
    )
    sealed: Mapped[str] = mapped_column(String(300))
    last_step: Mapped[int]
    set_at: Mapped[datetime] = mapped_column(Instant)


class RecoveryCode(Base):
    """One code on paper that was not used yet."""

    __tablename__ = "wallet_recovery_code"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    hash: Mapped[str] = mapped_column(String(43))


@dataclass(frozen=True, slots=True)
class FactorState:
    """Since when a person has an app, and how many codes on paper are left."""

    set_at: datetime
    recovery_codes: int


def new_secret() -> str:
    """A secret for an app, in Base32 as such apps take it."""
    return pyotp.random_base32()


def address(secret: str, email: str) -> str:
    """What the QR code for the app holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def state(session: Session, employee_id: int) -> FactorState | None:
    """What this person has; None without an app."""
    factor = session.get(SecondFactor, employee_id)
    if factor is None:
        return None
    left = session.scalars(
        select(func.count()).where(RecoveryCode.employee_id == employee_id)
    ).one()
    return FactorState(factor.set_at, left)


def set_up(
    session: Session, keys: KeyRing, employee_id: int, secret: str, code: str, now: datetime
) -> list[str]:
    """Have this person sign in with an app from now on. `code` is what the app shows. Returns the
    codes for paper, which cannot be read again. Raises `EmployeeRefused` if they have an app
    already, or if the code is not right."""
    staff.locked(session, Employee.id == employee_id)
    if session.get(SecondFactor, employee_id) is not None:
        raise EmployeeRefused("an app is set up already: remove it first.")
    step = _step_of(secret, code, now)
    if step is None:
        raise EmployeeRefused("this code is not right. Type the one that the app shows now.")
    session.add(
        SecondFactor(employee_id=employee_id, sealed=keys.seal(secret), last_step=step, set_at=now)
    )
    session.flush()
    return renew_recovery_codes(session, keys, employee_id)


def renew_recovery_codes(session: Session, keys: KeyRing, employee_id: int) -> list[str]:
    """Make ten codes for paper; those before work no more. They cannot be read again. Raises
    `EmployeeRefused` for somebody without an app."""
    staff.locked(session, Employee.id == employee_id)
    if session.get(SecondFactor, employee_id) is None:
        raise EmployeeRefused("set up an app first.")
    session.execute(delete(RecoveryCode).where(RecoveryCode.employee_id == employee_id))
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(
            employee_id=employee_id,
            hash=keys.first.derive("recovery code", str(employee_id), plain(code)),
        )
        for code in codes
    )
    session.flush()
    return codes


def use(
    session: Session, keys: KeyRing, employee_id: int, written: str, now: datetime
) -> Shown | None:
    """Take a code that was written, of the app or from paper, and use it up. None if it is not
    right, or was used before. The caller holds the lock of the person's row."""
    if is_recovery_code(written):
        return "recovery_code" if _use_recovery_code(session, keys, employee_id, written) else None
    factor = session.get(SecondFactor, employee_id, populate_existing=True)
    if factor is None:
        return None
    try:
        secret = keys.unseal(factor.sealed)
    except InvalidToken:
        return None  # `wallet doctor` names whom this befell
    step = _step_of(secret, written, now)
    if step is None or step <= factor.last_step:
        return None
    factor.last_step = step
    factor.sealed = keys.seal(secret)  # so it comes to the first key of the ring by itself
    session.flush()
    return "code"


def is_recovery_code(written: str) -> bool:
    """Whether this looks like a code from paper: those of the app are shorter."""
    return len(plain(written)) > DIGITS


def plain(code: str) -> str:
    """A code as it is compared: people add spaces and dashes, and write small letters."""
    return "".join(sign for sign in code.upper() if sign.isalnum())


def take_away(session: Session, employee_id: int) -> bool:
    """Have this person sign in without app and codes. Whether they had one. The caller holds the
    lock of the person's row."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.employee_id == employee_id))
    gone = session.execute(
        delete(SecondFactor)
        .where(SecondFactor.employee_id == employee_id)
        .returning(SecondFactor.employee_id)
    ).first()
    return gone is not None


def unreadable(session: Session, keys: KeyRing) -> list[str]:
    """The addresses of people whose secret no key of the ring sealed: their codes are refused."""
    found = session.execute(
        select(Employee.email, SecondFactor.sealed)
        .join(SecondFactor, SecondFactor.employee_id == Employee.id)
        .where(Employee.removed_at.is_(None))
        .order_by(Employee.email)
    )
    return [row.email for row in found if not keys.can_unseal(row.sealed)]


def _step_of(secret: str, written: str, now: datetime) -> int | None:
    """The half minute since 1970 of which this is the code; None if it is of none about now."""
    code = plain(written)
    if len(code) != DIGITS:
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=now, valid_window=STEPS_ASIDE
        )
    except OTPVerificationError:
        return None


def _new_recovery_code() -> str:
    signs = "".join(secrets.choice(SIGNS) for _ in range(RECOVERY_SIGNS))
    return "-".join(signs[at : at + GROUP] for at in range(0, RECOVERY_SIGNS, GROUP))


def _use_recovery_code(session: Session, keys: KeyRing, employee_id: int, written: str) -> bool:
    hashes = [key.derive("recovery code", str(employee_id), plain(written)) for key in keys]
    gone = session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.employee_id == employee_id, RecoveryCode.hash.in_(hashes))
        .returning(RecoveryCode.id)
    ).first()
    return gone is not None
