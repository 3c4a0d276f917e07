"""Codes by which a member spends who shows no card: who names a phone number is found by it, and
anybody can name one.

The code stands on the page of the member's card, and goes to a phone number or an address that
belongs to them. The page shows it to nobody who is not confirmed: so whoever knows the code of such
a member was reached by what stands on the card, and is confirmed by it.

A code is tried in two transactions, so that wrong tries stay counted whatever becomes of the sale,
and a sale that fails leaves the code as good as it was:

1. `try_code`, in a transaction that is committed. It counts, and returns what is wrong.
2. `redeem`, in the transaction that spends, before it spends. It counts nothing: if it raises, or
   the spending does, all is undone, and the code is there for the next attempt.

Lock order: members, then the row of the code, then accounts; see docs/architecture.md."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from ledger.errors import Conflict
from ledger.languages import Language
from ledger.people import members
from ledger.people.members import Member
from ledger.programmes.programmes import Programme, SpendByPhone
from wallet.access import sign_in_delays
from wallet.access.changes import Author
from wallet.access.sign_in_delays import Delay
from wallet.channels.channel import AddressKind
from wallet.configuration.keyring import KeyRing
from wallet.finding import codes
from wallet.finding.codes import MOST_TRIES, SPEND_LIVES, CodeRequest
from wallet.people import deeds

# How somebody spends at a counter: without a code, with one, or not at all.
SpendRule = Literal["free", "code", "never"]
RULES: dict[SpendByPhone, SpendRule] = {"allowed": "free", "code": "code", "never": "never"}

# Codes for one member between two purchases: a cashier who mistypes the amount asks once more, who
# guesses gets some dozens a day.
FOR_MEMBER = Delay(5, timedelta(minutes=1), timedelta(hours=1))


class SpendCodeWrong(Conflict):
    """Another code was sent to the member. `tries`: how many are left."""

    code = "spend_code_wrong"

    def __init__(self, tries: int) -> None:
        self.tries = tries


class SpendCodeOver(Conflict):
    """There is no code that works: it was used or cancelled, its time is over, or it was wrong too
    often."""

    code = "spend_code_over"


class SpendCodeForLess(Conflict):
    """The code is right, and good for fewer points, for `most` of them."""

    code = "spend_code_for_less"

    def __init__(self, most: int) -> None:
        self.most = most


class SpendCodesTooMany(Conflict):
    """So many codes were asked for that the next has to wait for `minutes`."""

    code = "spend_codes_too_many"

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes


Objection = SpendCodeWrong | SpendCodeOver | SpendCodeForLess


@dataclass(frozen=True, slots=True)
class AskedCode:
    """A code that was asked for, for at most so many points. `on_page`: the page of the card shows
    it. `sent_by`: by what kind of address it goes out as well; None where nothing reaches the
    member. Where neither is so, the member has to open the page and accept the rules there."""

    points: int
    expires_at: datetime
    on_page: bool
    sent_by: AddressKind | None


@dataclass(frozen=True, slots=True)
class LiveSpendCode:
    """A code as its member sees it, and for how many points it is."""

    code: str
    points: int
    expires_at: datetime


def rule(session: Session, programme: Programme, *, scanned: bool) -> SpendRule:
    """How a member spends, by the programme's term as it is now. `scanned`: their card was."""
    if scanned:
        return "free"
    term = select(Programme.spend_by_phone).where(Programme.id == programme.id)
    return RULES[session.scalars(term).one()]


def ask(
    session: Session,
    keys: KeyRing,
    member: Member,
    points: int,
    language: Language,
    now: datetime,
    *,
    reaches: Collection[AddressKind],
) -> AskedCode:
    """Make a code for so many points of the main unit, to be shown and sent after the commit; the
    code before works no more. `language`: for whoever is known to speak no other. `reaches`: what
    kinds of addresses codes can be sent to. Raises `MemberErased`, `SpendCodesTooMany`."""
    head = members.lock_head(session, member)
    counted = _counted(keys, head)
    if wait := sign_in_delays.left(session, counted, FOR_MEMBER, now):
        raise SpendCodesTooMany(-(-wait // timedelta(minutes=1)))
    sign_in_delays.count(session, [counted], now)
    own, expires_at = codes.own_address(session, head, reaches), now + SPEND_LIVES
    codes.write_down(
        session,
        head.programme_id,
        _place(head),
        "spend",
        "phone" if own is None else own[0],
        language,
        now,
        expires_at,
        sealed=None if own is None else keys.seal(own[1]),
        member_id=head.id,
        points=points,
    )
    return AskedCode(points, expires_at, not head.unconfirmed, None if own is None else own[0])


def try_code(
    session: Session, keys: KeyRing, member: Member, typed: str, points: int, now: datetime
) -> Objection | None:
    """What is wrong with a code that was typed to spend so many points; None if it is right. What
    cannot be a code is no try. To be committed before `redeem`, whatever it says."""
    row = _row(session, members.resolve_merged(session, members.reread(session, member)))
    objection = _objection(keys, row, typed, points, now)
    if row is None or not isinstance(objection, SpendCodeWrong) or not codes.is_code(typed):
        return objection
    row.tries += 1
    session.flush()
    return _objection(keys, row, typed, points, now)


def redeem(
    session: Session, keys: KeyRing, member: Member, typed: str, points: int, now: datetime
) -> None:
    """The code is used, in the transaction that spends so many points; the member is confirmed, if
    they were not. Of two who do so at once the second is refused. It counts no wrong try:
    `try_code` comes before it. Raises `SpendCodeWrong`, `SpendCodeOver`, `SpendCodeForLess`,
    `MemberErased`."""
    head = members.lock_head(session, member)
    row = _row(session, head)
    objection = _objection(keys, row, typed, points, now)
    if objection is not None:
        raise objection
    session.delete(row)
    sign_in_delays.forget(session, [_counted(keys, head)])
    deeds.confirm(session, head, Author("member", head.public_id), now)
    session.flush()


def shown(session: Session, keys: KeyRing, member: Member, now: datetime) -> LiveSpendCode | None:
    """The code that works now, as the page of the member's card shows it; nothing of it to whoever
    is not confirmed."""
    head = members.resolve_merged(session, member)
    row = session.scalar(select(CodeRequest).where(*_is_of(head)))
    if row is None or head.unconfirmed or not _works(row, now):
        return None
    return LiveSpendCode(codes.code_of(keys, "spend", row.nonce), row.points or 0, row.expires_at)


def cancel(session: Session, member: Member) -> None:
    """The member is buying nothing: their code works no more."""
    session.execute(delete(CodeRequest).where(*_is_of(members.lock_head(session, member))))


def _place(head: Member) -> str:
    """Where the code of a member stands among those of addresses: there is one for each member."""
    return f"spend {head.id}"


def _is_of(head: Member) -> tuple[ColumnElement[bool], ...]:
    return (
        CodeRequest.programme_id == head.programme_id,
        CodeRequest.address_key == _place(head),
        CodeRequest.purpose == "spend",
    )


def _row(session: Session, head: Member) -> CodeRequest | None:
    return session.scalar(
        select(CodeRequest)
        .where(*_is_of(head))
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _works(row: CodeRequest, now: datetime) -> bool:
    return row.expires_at > now and row.tries < MOST_TRIES


def _objection(
    keys: KeyRing, row: CodeRequest | None, typed: str, points: int, now: datetime
) -> Objection | None:
    if row is None or not _works(row, now):
        return SpendCodeOver()
    if not codes.fits(keys, "spend", row.nonce, typed):
        return SpendCodeWrong(MOST_TRIES - row.tries)
    most = row.points or 0
    return SpendCodeForLess(most) if points > most else None


def _counted(keys: KeyRing, head: Member) -> str:
    return keys.first.derive("spend codes of", str(head.id))
