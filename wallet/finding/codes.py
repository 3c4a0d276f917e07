"""Codes that are sent, and good once. By one people find their card again: asked for by anybody,
sent to whom the address belongs. How one is asked for to spend points, and used, stands in
`wallet.counter.spend_codes`, and the link that makes two cards one in `second_cards`; they lie in
the same table, and are sent in the same way.

To ask for a card costs the same whether the address is a member's or not: it is written down, and
found out only when the code is sent (`sending`). So neither words nor time tell who is a member.

Lock order: members, then the row of the request; see docs/architecture.md."""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Index, String, UniqueConstraint, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.engine import wake_after_commit
from ledger.database.leases import LeasedQueue, LeasedRow
from ledger.database.tables import EPOCH, Base, Identifier, Instant, insert_or
from ledger.languages import Language
from ledger.people import members, persons
from ledger.people.members import Member
from ledger.programmes.programmes import Programme
from wallet.access import networks, sign_in_delays
from wallet.access.sign_in_delays import Delay
from wallet.channels.channel import AddressKind
from wallet.configuration.keyring import KeyRing

PUMP = "codes"

# card: to find it again. spend: points, by a member who shows no card (`wallet.counter`).
CodePurpose = Literal["card", "spend"]
# What is sent, and good once: a code, or the link that makes a second card one with the first.
RequestPurpose = CodePurpose | Literal["join"]
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
# For one member, by whichever of their addresses.
TO_MEMBER = Delay(6, timedelta(minutes=10), timedelta(hours=12))

NOT_A_DIGIT = re.compile(r"\D")


class CodeRequest(LeasedRow, Base):
    """That a code or a link was asked for, and where it went. There is one row for each address for
    which a card is looked for, one for each member who spends, and one for each address with which
    somebody joins: asking again ends the code before. `address_key` tells them apart and names no
    address.

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
        derive("card is looked for", place, kind, address),
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
    anew = {
        "sealed": keys.seal(by.address),
        "language": language,
        "nonce": secrets.token_urlsafe(16),
        "member_id": None,
        "tries": 0,
        "expires_at": now + LIVES,
        "due_at": now,
        "lease_until": EPOCH,
        "attempts": 0,
    }
    session.execute(
        insert_or(session, CodeRequest)
        .values(
            programme_id=programme.id,
            address_key=by.key,
            purpose="card",
            kind=by.kind,
            generation=1,
            **anew,
        )
        .on_conflict_do_update(
            index_elements=["programme_id", "address_key"],
            set_={**anew, "generation": CodeRequest.generation + 1},
        )
    )
    wake_after_commit(session, PUMP)
    return timedelta()


def code_of(keys: KeyRing, purpose: CodePurpose, nonce: str) -> str:
    """The code that is sent."""
    return _derived(keys.first.secret_for(DERIVED_FOR[purpose], nonce))


def fits(keys: KeyRing, purpose: CodePurpose, nonce: str, typed: str) -> bool:
    """Whether what was typed is this code, by any key of the ring."""
    said, label = _digits(typed), DERIVED_FOR[purpose]
    found = [hmac.compare_digest(_derived(one.secret_for(label, nonce)), said) for one in keys]
    return any(found)


def is_code(typed: str) -> bool:
    """Whether this can be a code, however its digits are set apart."""
    return len(_digits(typed)) == DIGITS


def redeem(
    session: Session, keys: KeyRing, programme: Programme, key: str, typed: str, now: datetime
) -> Member | Literal["wrong", "over"]:
    """The member whose code this is; it works no more then. Otherwise the try counts: `over` after
    the last one, and where there is no code that works. An address that is nobody's has tries and
    an end like any other."""
    row = session.scalar(
        select(CodeRequest)
        .where(
            CodeRequest.programme_id == programme.id,
            CodeRequest.address_key == key,
            CodeRequest.purpose == "card",
        )
        .with_for_update()
    )
    if row is None or row.expires_at <= now or row.tries >= MOST_TRIES:
        return "over"
    row.tries += 1
    member = _owner(session, row)
    is_right = fits(keys, "card", row.nonce, typed)
    if member is None or not is_right:
        session.flush()
        return "over" if row.tries >= MOST_TRIES else "wrong"
    session.delete(row)
    session.flush()
    return member


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
