"""How long a person who guesses passwords must wait: longer after each wrong one. Guesses are
counted by e-mail address and network address together, so a stranger who guesses blocks only
himself."""

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.configuration.keyring import KeyRing

FREE = 5  # wrong passwords without a wait
FIRST_WAIT = timedelta(seconds=2)  # it doubles with each further one
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
HALF_OF_IPV6 = 64  # bits


class SignInFailure(Base):
    """Wrong passwords since the last right one. `who` tells pairs of address and origin apart and
    names neither."""

    __tablename__ = "wallet_sign_in_failure"

    who: Mapped[str] = mapped_column(String(43), primary_key=True)
    failures: Mapped[int] = mapped_column(Identifier)
    failed_at: Mapped[datetime] = mapped_column(Instant, index=True)


def who(keys: KeyRing, email: str, origin: str) -> str:
    """By what guesses are counted: this address, tried from this network address. Of an address of
    IPv6 the first half counts: whoever has one has all that begin alike."""
    return keys.first.derive("sign in", email, _network(origin))


def wait(session: Session, guesser: str, now: datetime) -> timedelta:
    """For how long their passwords are not checked; zero if they may try now."""
    known = session.get(SignInFailure, guesser)
    if known is None or known.failures < FREE:
        return timedelta()
    longest: timedelta = min(FIRST_WAIT * 2 ** min(known.failures - FREE, 20), LONGEST_WAIT)
    return max(known.failed_at + longest - now, timedelta())


def failed(session: Session, guesser: str, now: datetime) -> None:
    """Count a wrong password."""
    session.execute(delete(SignInFailure).where(SignInFailure.failed_at <= now - FORGOTTEN_AFTER))
    session.execute(
        insert_or(session, SignInFailure)
        .values(who=guesser, failures=1, failed_at=now)
        .on_conflict_do_update(
            index_elements=["who"],
            set_={"failures": SignInFailure.failures + 1, "failed_at": now},
        )
    )


def succeeded(session: Session, guesser: str) -> None:
    """Forget the wrong ones: the right one came."""
    session.execute(delete(SignInFailure).where(SignInFailure.who == guesser))


def _network(origin: str) -> str:
    try:
        address = ipaddress.ip_address(origin)
    except ValueError:
        return origin
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, HALF_OF_IPV6), strict=False))
