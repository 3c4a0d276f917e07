"""Second cards: somebody joins with a phone number or an address that is another member's. Perhaps
it is the same person, who forgot their card; so a link goes to the address, by which the two become
one. See docs/decisions/0007.

To join costs the same whether the address is another's or not: it is written down, and found out
only when the link is sent (`sending`).

Lock order: members, then the row; see docs/architecture.md."""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import languages
from ledger.database.engine import wake_after_commit
from ledger.database.tables import EPOCH
from ledger.people import members, persons
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.programmes.programmes import Programme
from wallet.access import networks, sign_in_delays
from wallet.channels.channel import AddressKind
from wallet.configuration.keyring import Key, KeyRing
from wallet.finding.codes import FROM_NETWORK, PUMP, TO_ADDRESS, CodeRequest

LIVES = timedelta(hours=1)

# Letters and digits alone: programs that find links in texts leave out a dash at the end.
PROOF_BYTES = 16
TOKEN = re.compile(rf"([1-9][0-9]{{0,17}})\.([0-9a-f]{{{2 * PROOF_BYTES}}})")


@dataclass(frozen=True, slots=True)
class SecondCard:
    """What a link is about: `owner`, to whom the address belongs, and `joined`, who joined with
    it; each as the member who was written down, whatever became of them since."""

    kind: AddressKind
    address_key: str
    owner: Member
    joined: Member


def note(
    session: Session,
    keys: KeyRing,
    programme: Programme,
    joined: Member,
    origin: str,
    now: datetime,
    *,
    reaches: Collection[AddressKind],
) -> None:
    """Somebody has just joined, from this network address: have those told, after the commit, to
    whom what they typed belongs. Nothing is done for an address, or a network, for which that was
    done too often. `reaches`: what kinds of addresses there is a way to."""
    typed = _addresses(persons.profile_of(session, joined.id))
    derive, place = keys.first.derive, str(programme.id)
    network = derive("joins from", networks.counted(origin))
    if sign_in_delays.left(session, network, FROM_NETWORK, now):
        return
    counted = [network] if typed else []
    for kind, address in typed.items():
        to = derive("joins with", place, kind, address)
        if kind not in reaches or sign_in_delays.left(session, to, TO_ADDRESS, now):
            continue
        counted.append(to)
        session.add(
            CodeRequest(
                programme_id=programme.id,
                address_key=_key(keys.first, joined, kind, address),
                purpose="join",
                kind=kind,
                sealed=keys.seal(address),
                language=languages.ours(*programme.languages),
                nonce=secrets.token_urlsafe(16),
                joined_id=joined.id,
                tries=0,
                expires_at=now + LIVES,
                due_at=now,
                lease_until=EPOCH,
                generation=1,
                attempts=0,
            )
        )
        wake_after_commit(session, PUMP)
    session.flush()
    # Last, since whoever joins from the same network waits for it until the commit.
    sign_in_delays.count(session, counted, now)


def is_news(session: Session, keys: KeyRing, row: CodeRequest, owner: Member) -> bool:
    """Whether this member, to whom the address belongs, is to be told that somebody joined with it.
    Who joined with two addresses of theirs tells them once. The member is locked."""
    joined = None if row.joined_id is None else members.by_id(session, row.joined_id)
    if joined is None or joined.id == owner.id or not is_apart(session, keys, row, joined):
        return False
    told = select(CodeRequest.id).where(
        CodeRequest.joined_id == joined.id,
        CodeRequest.member_id == owner.id,
        CodeRequest.id != row.id,
    )
    return session.scalars(told.limit(1)).first() is None


def is_apart(
    session: Session, keys: KeyRing, card: CodeRequest | SecondCard, joined: Member
) -> bool:
    """Whether who joined is still there as a member of their own, with the address with which they
    joined, and known to be the person for whom their card was made."""
    if joined.state != "active" or joined.unconfirmed:
        return False
    address = _addresses(persons.profile_of(session, joined.id)).get(card.kind)
    return address is not None and any(
        hmac.compare_digest(_key(key, joined, card.kind, address), card.address_key) for key in keys
    )


def token(keys: KeyRing, row: CodeRequest) -> str:
    """What the link ends with."""
    return f"{row.id}.{_proof(keys.first, row)}"


def found(
    session: Session, keys: KeyRing, programme: Programme, token: str, now: datetime
) -> SecondCard | None:
    """What a link with this token is about; None for one that we did not make, or that works no
    more."""
    said = TOKEN.fullmatch(token)
    row = None if said is None else session.get(CodeRequest, int(said[1]), populate_existing=True)
    if said is None or row is None or row.purpose != "join" or row.programme_id != programme.id:
        return None
    is_ours = any(hmac.compare_digest(_proof(key, row), said[2]) for key in keys)
    if not is_ours or row.expires_at <= now or row.member_id is None or row.joined_id is None:
        return None
    owner, joined = (members.by_id(session, id_) for id_ in (row.member_id, row.joined_id))
    return SecondCard(row.kind, row.address_key, owner, joined)


def _addresses(known: Profile) -> dict[AddressKind, str]:
    both: dict[AddressKind, str | None] = {"phone": known.phone, "email": known.email}
    return {kind: address for kind, address in both.items() if address is not None}


def _key(key: Key, joined: Member, kind: AddressKind, address: str) -> str:
    return key.derive("joined with", str(joined.id), kind, address)


def _proof(key: Key, row: CodeRequest) -> str:
    return key.secret_for("link to a second card", str(row.id), row.nonce)[:PROOF_BYTES].hex()
