"""Passkeys of people of the staff (WebAuthn, level 2): a phone, a computer or a stick that signs
once its owner has shown it a finger, a face or a PIN. So a passkey is two factors by itself."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant
from wallet.access import staff
from wallet.access.staff import Employee

LONGEST_NAME = 60  # characters
LONGEST_ID = 1023  # bytes, as the standard has it


class Passkey(Base):
    """One passkey. `credential_id` is what its device calls it. `sign_count`: how often it had
    signed when it last signed for us; devices that share a key among themselves leave it at 0."""

    __tablename__ = "wallet_passkey"

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(LONGEST_ID), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int]
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    added_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class PasskeyChallenge(Base):
    """A challenge that was not answered yet. `digest` is that of the challenge. `employee_id`: who
    adds a passkey by it; null: somebody signs in."""

    __tablename__ = "wallet_passkey_challenge"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_employee.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class PasskeySite:
    """For which site passkeys are. `id` is the name of its host, which a passkey is bound to for
    good; `origin` is where its pages stand."""

    id: str
    origin: str


def site_of(public_url: str) -> PasskeySite | None:
    """The site of this installation; None where browsers know no passkeys: they want https, and a
    name in place of a number. This machine itself is `localhost` to them."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    if _is_this_machine(host):
        return PasskeySite("localhost", f"{parts.scheme}://localhost{port}")
    if parts.scheme != "https" or _is_number(host):
        return None
    return PasskeySite(host, f"{parts.scheme}://{parts.netloc.lower()}")


def of(session: Session, employee_id: int) -> Sequence[Passkey]:
    """The passkeys of this person, the oldest first."""
    return session.scalars(
        select(Passkey).where(Passkey.employee_id == employee_id).order_by(Passkey.id)
    ).all()


def remove(session: Session, employee_id: int, passkey_id: int) -> str | None:
    """Let nobody in by this passkey of the person any more. Returns its name; None if there is no
    such passkey."""
    staff.locked(session, Employee.id == employee_id)
    return session.scalar(
        delete(Passkey)
        .where(Passkey.id == passkey_id, Passkey.employee_id == employee_id)
        .returning(Passkey.name)
    )


def remove_all(session: Session, employee_id: int) -> int:
    """Remove all passkeys of the person, whose row the caller has locked; returns how many there
    were."""
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.employee_id == employee_id))
    gone = delete(Passkey).where(Passkey.employee_id == employee_id).returning(Passkey.id)
    return len(session.scalars(gone).all())


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    return _is_number(host) and ipaddress.ip_address(host).is_loopback


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
