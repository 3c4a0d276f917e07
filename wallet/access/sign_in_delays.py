"""How long whoever guesses must wait: longer after each wrong password or code.

What somebody does from elsewhere never keeps out a person who has not been wrong from where they
are; docs/decisions/0029 says why it is counted as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.access import networks
from wallet.configuration.keyring import KeyRing

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Delay:
    """How waits grow: after `free` times each further one doubles the wait, from `first` up to
    `longest`."""

    free: int
    first: timedelta
    longest: timedelta

    def after(self, times: int) -> timedelta:
        """How long to wait after so many times."""
        if times < self.free:
            return timedelta()
        grown: timedelta = min(self.first * 2 ** min(times - self.free, 20), self.longest)
        return grown


# Wrong ones for one address of e-mail, from one network address.
HERE = Delay(5, timedelta(seconds=2), timedelta(minutes=15))
# Wrong ones for one address of e-mail, from everywhere: it slows those who were wrong themselves.
EVERYWHERE = Delay(20, timedelta(seconds=1), timedelta(seconds=30))
# Wrong codes of the second step, from everywhere: who gets there knows the password.
CODES = Delay(10, timedelta(seconds=2), timedelta(minutes=15))
# Letters with a link, asked for by anybody: for one address of e-mail, from one network address.
LETTERS_TO = Delay(1, timedelta(minutes=1), timedelta(hours=1))
LETTERS_FROM = Delay(5, timedelta(seconds=10), timedelta(minutes=15))


class SignInFailure(Base):
    """What was counted, and when last: what went wrong at the door, and codes that people asked for
    to find their card. `who` tells apart by what it is counted and names neither people nor
    addresses."""

    __tablename__ = "wallet_sign_in_failure"

    who: Mapped[str] = mapped_column(String(43), primary_key=True)
    failures: Mapped[int] = mapped_column(Identifier)
    failed_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class Guesser:
    """By what guesses are counted: this address tried from here, this address tried from
    everywhere, and the codes of one person, if it is a code that is tried."""

    here: str
    everywhere: str
    codes: str | None = None


def who(keys: KeyRing, email: str, origin: str) -> Guesser:
    """Who tries this address of e-mail from this network address."""
    derive = keys.first.derive
    return Guesser(
        derive("sign in", email, networks.counted(origin)), derive("sign in everywhere", email)
    )


def with_code(keys: KeyRing, guesser: Guesser, employee_id: int) -> Guesser:
    """The same, with the code of an app that this person has."""
    return replace(guesser, codes=keys.first.derive("second step", str(employee_id)))


def wait(session: Session, guesser: Guesser, now: datetime) -> timedelta:
    """For how long nothing of theirs is checked; zero if they may try now."""
    waits = [timedelta()]
    if guesser.codes is not None:
        waits.append(left(session, guesser.codes, CODES, now))
    mine = session.get(SignInFailure, guesser.here)
    if mine is not None:
        others = session.get(SignInFailure, guesser.everywhere)
        longest = max(
            HERE.after(mine.failures), EVERYWHERE.after(0 if others is None else others.failures)
        )
        waits.append(mine.failed_at + longest - now)
    return max(waits)


def failed(session: Session, guesser: Guesser, now: datetime) -> None:
    """Count a wrong password or code."""
    counted = [guesser.here, guesser.everywhere]
    count(session, [*counted, guesser.codes] if guesser.codes else counted, now)


def succeeded(session: Session, guesser: Guesser) -> None:
    """Forget what was wrong from here: the right one came. That others are guessing elsewhere is
    not over with it."""
    forget(session, [guesser.here, guesser.codes or guesser.here])


@dataclass(frozen=True, slots=True)
class LetterAsker:
    """Who asks for a letter: to which address, from where, each as it is counted."""

    to: str
    origin: str


def who_asks(keys: KeyRing, email: str, origin: str) -> LetterAsker:
    """Who asks for a letter to this address from this network address."""
    derive = keys.first.derive
    return LetterAsker(derive("letter to", email), derive("letter from", networks.counted(origin)))


def wait_to_ask(session: Session, asker: LetterAsker, now: datetime) -> timedelta:
    """For how long nothing more is taken from there; zero if they may ask now."""
    return left(session, asker.origin, LETTERS_FROM, now)


def may_be_written_to(session: Session, asker: LetterAsker, now: datetime) -> bool:
    """Whether the address may be sent one more letter already."""
    return not left(session, asker.to, LETTERS_TO, now)


def asked(session: Session, asker: LetterAsker, now: datetime, *, written: bool) -> None:
    """Count that a letter was asked for, and, if it is `written`, that its address gets one."""
    count(session, [asker.origin, asker.to] if written else [asker.origin], now)


def left(session: Session, who: str, delay: Delay, now: datetime) -> timedelta:
    """For how long what is counted by this name must wait; zero if it need not."""
    known = session.get(SignInFailure, who)
    if known is None:
        return timedelta()
    return max(known.failed_at + delay.after(known.failures) - now, timedelta())


def forget(session: Session, counted: Sequence[str]) -> None:
    """What was counted by these names counts no more."""
    session.execute(delete(SignInFailure).where(SignInFailure.who.in_(counted)))


def count(session: Session, counted: Sequence[str], now: datetime) -> None:
    """Count once more by each of these names, which are derived by the key ring."""
    session.execute(delete(SignInFailure).where(SignInFailure.failed_at <= now - FORGOTTEN_AFTER))
    for one in sorted(counted):  # in one order: two who count at once must not wait for each other
        session.execute(
            insert_or(session, SignInFailure)
            .values(who=one, failures=1, failed_at=now)
            .on_conflict_do_update(
                index_elements=["who"],
                set_={"failures": SignInFailure.failures + 1, "failed_at": now},
            )
        )
