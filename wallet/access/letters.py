"""Letters to people of the staff that wait to be sent: invitations, and links by which they set
another password. They are rows, written in the transaction of what they tell of; `posting` sends
them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import languages
from ledger.database.engine import wake_after_commit
from ledger.database.leases import LeasedQueue, LeasedRow
from ledger.database.tables import EPOCH, Base, Identifier, Instant
from ledger.languages import Language
from wallet.access.staff import Employee
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import MailSettings

PUMP = "letters"

LINK_LIVES = timedelta(days=3)
FORGOTTEN_LIVES = timedelta(hours=2)  # anybody can have one sent

# Somebody is to come in; an administrator has them set another password; they forgot theirs.
LetterKind = Literal["invitation", "reset", "forgotten"]


class StaffLetter(LeasedRow, Base):
    """One letter that waits. `sealed`: the token of its link, sealed by the key ring. Of somebody
    who says that they forgot their password it is null at first: whether there is such a person is
    found out when it is sent, so that asking for one costs the same for everybody. It is given up
    at `expires_at`, when the link works no more."""

    __tablename__ = "wallet_letter"
    __table_args__ = (Index("ix_wallet_letter_due", "due_at"),)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    kind: Mapped[LetterKind] = mapped_column(String(12))
    email: Mapped[str] = mapped_column(String(254), index=True)
    language: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[str | None] = mapped_column(String(300))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    last_reason: Mapped[str | None] = mapped_column(String(100))


@dataclass(frozen=True, slots=True)
class DueLetter:
    """A claimed letter. It belongs to its worker until `lease_until`."""

    id: int
    generation: int
    attempts: int
    lease_until: datetime


LETTERS: LeasedQueue[DueLetter] = LeasedQueue(StaffLetter, DueLetter)


def send_link(
    session: Session,
    keys: KeyRing,
    mail: MailSettings | None,
    kind: Literal["invitation", "reset"],
    email: str,
    token: str,
    language: Language,
    now: datetime,
) -> bool:
    """Have a link sent, after the commit, to the person whose it is: in the language in which they
    chose their password, or else in this one. False where no mail server is set up: then it is for
    the caller to hand over."""
    if mail is None:
        return False
    theirs = session.scalar(select(Employee.language).where(Employee.email == email))
    read = languages.ours(theirs, language)
    _write(session, kind, email, read, now, now + LINK_LIVES, keys.seal(token))
    return True


def send_forgotten(session: Session, email: str, language: Language, now: datetime) -> None:
    """Have a link sent by which whoever has this address sets another password, if there is such a
    person."""
    _write(session, "forgotten", email, language, now, now + FORGOTTEN_LIVES, None)


def _write(
    session: Session,
    kind: LetterKind,
    email: str,
    language: Language,
    now: datetime,
    expires_at: datetime,
    sealed: str | None,
) -> None:
    session.add(
        StaffLetter(
            kind=kind,
            email=email,
            language=language,
            sealed=sealed,
            expires_at=expires_at,
            due_at=now,
            lease_until=EPOCH,
            generation=1,
            attempts=0,
        )
    )
    session.flush()
    wake_after_commit(session, PUMP)


def forget(session: Session, email: str) -> None:
    """Delete the letters to this address: their links work no more."""
    session.execute(delete(StaffLetter).where(StaffLetter.email == email))
