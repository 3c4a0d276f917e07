"""Codes that are good once. By one people find their card again: asked for by anybody, sent to whom
the address belongs, or told by somebody of the staff. How one is asked for to spend points, and
used, stands in `wallet.counter.spend_codes`, and the link that makes two cards one in
`second_cards`; they lie in the same table, and are sent in the same way.

To ask for a card costs the same whether the address is a member's or not: it is written down, and
found out only when the code is sent (`sending`). So neither words nor time tell who is a member.
For the same reason a code that opens nothing is answered in one way, whyever it does not: a code
that is told is there for members alone, and nobody may notice that it is.

Lock order: members, then the row of the request; see docs/architecture.md."""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Index, String, UniqueConstraint, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import languages
from ledger.database.engine import wake_after_commit
from ledger.database.leases import LeasedQueue, LeasedRow
from ledger.database.tables import EPOCH, Base, Identifier, Instant, insert_or
from ledger.errors import Conflict
from ledger.languages import Language
from ledger.people import members, persons
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.access import networks, sign_in_delays
from wallet.access.sign_in_delays import Delay
from wallet.channels.channel import AddressKind
from wallet.configuration.keyring import KeyRing

PUMP = "codes"

# card: to find it again. spend: points, by a member who shows no card (`wallet.counter`).
CodePurpose = Literal["card", "spend"]
# A row is for a code that is sent, for one to find a card that is told and not sent (`told`), or
# for the link that makes a second card one with the first.
RequestPurpose = CodePurpose | Literal["told", "join"]
OPENS_CARD: tuple[RequestPurpose, ...] = ("card", "told")
# What the key ring derives a code for: a code of one purpose is none of the other.
DERIVED_FOR: dict[CodePurpose, str] = {"card": "code to find a card", "spend": "code to spend"}

DIGITS = 6
LIVES = timedelta(minutes=10)
SPEND_LIVES = timedelta(minutes=5)
MOST_TRIES = 5

# For one address that is typed: who guesses all day gets a dozen codes on the first, two on others.
TO_ADDRESS = Delay(2, timedelta(minutes=1), timedelta(hours=12))
# From one network address: a shop's guests may all come from one.
FROM_NETWORK = Delay(30, timedelta(seconds=10), timedelta(minutes=15))
# For one member, by whichever of their addresses; and as many that are told.
TO_MEMBER = Delay(6, timedelta(minutes=10), timedelta(hours=12))

# A phone is at hand.
PREFERRED: tuple[AddressKind, ...] = ("phone", "email")

NOT_A_DIGIT = re.compile(r"\D")


class NoOwnAddress(Conflict):
    """The member has no phone number and no e-mail of their own, by which a code would be typed."""

    code = "no_own_address"


class CodesToldTooMany(Conflict):
    """So many codes were told to the member that the next has to wait for `minutes`."""

    code = "codes_told_too_many"

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes


class CodeRequest(LeasedRow, Base):
    """That a code or a link was asked for, and where it went. There is one row for each address for
    which a card is looked for, one for each member who spends, and one for each address with which
    somebody joins: asking again, or telling a code, ends the code before. `address_key` tells them
    apart and names no address.

    The code or the link is derived from `nonce` by the key ring, so it stands nowhere, and is the
    same each time it has to be sent. `sealed` is the address, until it was written to. `member_id`
    is null while nobody has looked, and for an address that is nobody's. `joined_id` is the member
    who joined with it, for a link. At `expires_at` the row is deleted."""

    __tablename__ = "wallet_code_request"
    __table_args__ = (
        UniqueConstraint("programme_id", "address_key"),
        Index("ix_wallet_code_request_due", "due_at"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(Identifier)
    address_key: Mapped[str] = mapped_column(String(43))
    purpose: Mapped[RequestPurpose] = mapped_column(String(5), server_default="card")
    # For how many points at most it is good, if they are to be spent.
    points: Mapped[int | None] = mapped_column(Identifier)
    kind: Mapped[AddressKind] = mapped_column(String(5))
    sealed: Mapped[str | None] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(10))
    nonce: Mapped[str] = mapped_column(String(43))
    member_id: Mapped[int | None] = mapped_column(Identifier, index=True)
    joined_id: Mapped[int | None] = mapped_column(Identifier, index=True)
    tries: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(Instant)
    last_reason: Mapped[str | None] = mapped_column(String(100))


@dataclass(frozen=True, slots=True)
class DueCode:
    """A claimed request. It belongs to its worker until `lease_until`."""

    id: int
    generation: int
    attempts: int
    lease_until: datetime


CODES: LeasedQueue[DueCode] = LeasedQueue(CodeRequest, DueCode)


@dataclass(frozen=True, slots=True)
class CodeAsker:
    """An address that somebody typed, and from where, each as it is counted. `key` stands for the
    address on pages."""

    kind: AddressKind
    address: str
    key: str
    counted: str
    network: str


def asked(
    keys: KeyRing, programme: Programme, kind: AddressKind, address: str, origin: str
) -> CodeAsker:
    """Who asks for a code in this programme, from this network address."""
    derive, place = keys.first.derive, str(programme.id)
    return CodeAsker(
        kind,
        address,
        _place(keys, programme, kind, address),
        derive("code to", place, kind, address),
        derive("code from", networks.counted(origin)),
    )


def ask(
    session: Session,
    keys: KeyRing,
    programme: Programme,
    by: CodeAsker,
    language: Language,
    now: datetime,
) -> timedelta:
    """Have a code sent to this address, after the commit, if it is a member's; the code before
    works no more. Returns how long to wait where too many were asked for: then nothing is done."""
    wait = max(
        sign_in_delays.left(session, by.counted, TO_ADDRESS, now),
        sign_in_delays.left(session, by.network, FROM_NETWORK, now),
    )
    if wait:
        return wait
    sign_in_delays.count(session, [by.counted, by.network], now)
    write_down(
        session,
        programme.id,
        by.key,
        "card",
        by.kind,
        language,
        now,
        now + LIVES,
        sealed=keys.seal(by.address),
    )
    return timedelta()


@dataclass(frozen=True, slots=True)
class ToldCode:
    """A code to be read out. It opens the card for who types it together with the address of this
    kind that is on the card."""

    code: str
    kind: AddressKind
    expires_at: datetime


def tell(session: Session, keys: KeyRing, member: Member, now: datetime) -> ToldCode:
    """Make a code to find the card that is told to its owner, by somebody who has made sure that
    it is they. Nothing is sent; the code before, sent or told, works no more. Raises
    `MemberErased`, `NoOwnAddress`, `CodesToldTooMany`."""
    head = members.lock_head(session, member)
    programme = programmes.by_id(session, head.programme_id)
    # Apart from those that are sent: who knows the address must not use up what helps its owner.
    counted = keys.first.derive("codes told to", str(head.id))
    if wait := sign_in_delays.left(session, counted, TO_MEMBER, now):
        raise CodesToldTooMany(-(-wait // timedelta(minutes=1)))
    own = own_address(session, head, PREFERRED) if programme.keeps_personal else None
    if own is None:
        raise NoOwnAddress
    sign_in_delays.count(session, [counted], now)
    (kind, address), expires_at = own, now + LIVES
    nonce = write_down(
        session,
        programme.id,
        _place(keys, programme, kind, address),
        "told",
        kind,
        languages.ours(*programme.languages),
        now,
        expires_at,
        member_id=head.id,
    )
    return ToldCode(code_of(keys, "card", nonce), kind, expires_at)


def write_down(
    session: Session,
    programme_id: int,
    address_key: str,
    purpose: RequestPurpose,
    kind: AddressKind,
    language: Language,
    now: datetime,
    expires_at: datetime,
    *,
    sealed: str | None = None,
    member_id: int | None = None,
    points: int | None = None,
) -> str:
    """Write a request down, in the place of the one with this key that may be there; returns the
    text from which its code is derived. It is sent after the commit to the address that is
    `sealed`. Of two who do so at once the second stays, and a code of the first that is on its way
    opens nothing."""
    anew = {
        "purpose": purpose,
        "points": points,
        "kind": kind,
        "sealed": sealed,
        "language": language,
        "nonce": secrets.token_urlsafe(16),
        "member_id": member_id,
        "tries": 0,
        "expires_at": expires_at,
        # What goes nowhere waits for its end alone.
        "due_at": expires_at if sealed is None else now,
        "lease_until": EPOCH,
        "attempts": 0,
        "last_reason": None,
    }
    session.execute(
        insert_or(session, CodeRequest)
        .values(programme_id=programme_id, address_key=address_key, generation=1, **anew)
        .on_conflict_do_update(
            index_elements=["programme_id", "address_key"],
            set_={**anew, "generation": CodeRequest.generation + 1},
        )
    )
    wake_after_commit(session, PUMP)
    return str(anew["nonce"])


def code_of(keys: KeyRing, purpose: CodePurpose, nonce: str) -> str:
    """The code that is sent, shown or told."""
    return _derived(keys.first.secret_for(DERIVED_FOR[purpose], nonce))


def fits(keys: KeyRing, purpose: CodePurpose, nonce: str, typed: str) -> bool:
    """Whether what was typed is this code, by any key of the ring."""
    said, label = _digits(typed), DERIVED_FOR[purpose]
    found = [hmac.compare_digest(_derived(one.secret_for(label, nonce)), said) for one in keys]
    return any(found)


def is_code(typed: str) -> bool:
    """Whether this can be a code, however its digits are set apart."""
    return len(_digits(typed)) == DIGITS


@dataclass(frozen=True, slots=True)
class FoundByCode:
    """The member whose card a code opens. `reached`: the code was sent to what stands on the card,
    so its owner was reached by it; one that was told proves no address."""

    member: Member
    reached: bool


def redeem(
    session: Session, keys: KeyRing, programme: Programme, key: str, typed: str, now: datetime
) -> FoundByCode | None:
    """Whose card this code opens; it works no more then. Otherwise the try counts. None for a code
    that is wrong, for one that works no more, and where there is none: an address that is nobody's
    is answered like any other."""
    row = session.scalar(
        select(CodeRequest)
        .where(
            CodeRequest.programme_id == programme.id,
            CodeRequest.address_key == key,
            CodeRequest.purpose.in_(OPENS_CARD),
        )
        .with_for_update()
    )
    if row is None or row.expires_at <= now or row.tries >= MOST_TRIES:
        return None
    row.tries += 1
    member = _owner(session, row)
    is_right = fits(keys, "card", row.nonce, typed)
    if member is None or not is_right:
        session.flush()
        return None
    session.delete(row)
    session.flush()
    return FoundByCode(member, row.purpose == "card")


def redeem_told(
    session: Session, keys: KeyRing, programme: Programme, by: CodeAsker, typed: str, now: datetime
) -> FoundByCode | timedelta | None:
    """The same for who types an address and the code that they were told with it: nobody there
    has asked for anything before, so each try counts as asking does. How long to wait where there
    were too many from one network address: then nothing is looked at."""
    if wait := sign_in_delays.left(session, by.network, FROM_NETWORK, now):
        return wait
    sign_in_delays.count(session, [by.network], now)
    return redeem(session, keys, programme, by.key, typed, now)


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Delete the codes and links of these members, who are being erased."""
    of_them = or_(CodeRequest.member_id.in_(member_ids), CodeRequest.joined_id.in_(member_ids))
    session.execute(delete(CodeRequest).where(of_them))


def owner(session: Session, programme_id: int, kind: AddressKind, address: str) -> Member | None:
    """The member to whom this address belongs; of several who typed it the one who came first."""
    phone, email = (address, None) if kind == "phone" else (None, address)
    return persons.owner_of_address(session, programme_id, phone=phone, email=email)


def is_own(session: Session, member: Member, kind: AddressKind, address: str) -> bool:
    """Whether the address belongs to this member, and not to another one who came before."""
    found = owner(session, member.programme_id, kind, address)
    return found is not None and found.id == member.id


def own_address(
    session: Session, member: Member, kinds: Collection[AddressKind]
) -> tuple[AddressKind, str] | None:
    """A phone number, or else an e-mail, that is the member's own, of these kinds; never one that
    they share with whoever has it. None if there is none."""
    known = persons.profile_of(session, member.id)
    theirs: dict[AddressKind, str | None] = {"phone": known.phone, "email": known.email}
    for kind in PREFERRED:
        value = theirs[kind]
        if kind in kinds and value is not None and is_own(session, member, kind, value):
            return kind, value
    return None


def _place(keys: KeyRing, programme: Programme, kind: AddressKind, address: str) -> str:
    """Where the code of an address stands."""
    return keys.first.derive("card is looked for", str(programme.id), kind, address)


def _owner(session: Session, row: CodeRequest) -> Member | None:
    if row.member_id is None:
        return None
    member = members.resolve_merged(session, members.by_id(session, row.member_id))
    return member if member.erased_at is None else None


def _digits(typed: str) -> str:
    """The digits of what was typed: with spaces, with a dash, or in signs of full width."""
    return NOT_A_DIGIT.sub("", unicodedata.normalize("NFKC", typed))


def _derived(secret: bytes) -> str:
    return f"{int.from_bytes(secret) % 10**DIGITS:0{DIGITS}d}"
