"""The codes of cards, generation by generation. A photo of a card is worthless soon after the card
itself was scanned, and its owner does not notice any of this.

A code is replaced when a till has accepted it, and when it is old. The phone learns of the new code
as of any other change of the card. Until then, but not longer than a grace time, the code before is
good once more: a member whose phone was offline gets through, and a photo works once at most. If a
till is shown a code that is older still, the phone is told again.

Lock order: a transaction locks the row of a code last, except for the outbox."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import outbox
from ledger.database.engine import wake_after_commit
from ledger.database.tables import Base, Instant, batched, insert_or
from ledger.errors import Refusal
from ledger.events import CardOutdated, CardRenewed
from ledger.people import cards, members
from ledger.people.cards import Card
from ledger.people.members import Member
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.configuration.keyring import Key, KeyRing
from wallet.errors import CodeForged, CodeOutdated, CodeUsed, NumberNotAccepted
from wallet.passes import barcode_settings, codes, symbologies, templates
from wallet.passes.barcode_settings import BarcodeSettings, CodeTerms
from wallet.passes.codes import CodeKind, RotatingCode, SignedCode
from wallet.passes.templates import DesignPurpose

PURPOSE = "card codes"
PUMP = "upkeep"
PURPOSES: tuple[DesignPurpose, ...] = get_args(DesignPurpose)
TOTP_KEY_BYTES = 20  # as long as a SHA-1 hash (RFC 4226, 4)


class CardCode(Base):
    """What the barcode of a member's card says now (`text`), and what it said before (`previous`,
    good until `previous_until` unless `previous_used_at` is set). `generation` counts the codes of
    the card. `text` contains the number of the card, so the row is deleted with the person."""

    __tablename__ = "wallet_card_code"

    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    generation: Mapped[int]
    text: Mapped[str] = mapped_column(String(300))
    since: Mapped[datetime] = mapped_column(Instant)
    renew_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    previous: Mapped[str | None] = mapped_column(String(300))
    previous_until: Mapped[datetime | None] = mapped_column(Instant)
    previous_used_at: Mapped[datetime | None] = mapped_column(Instant)


class RotatingUse(Base):
    """The newest period (RFC 6238) whose value a till has accepted from this card."""

    __tablename__ = "wallet_rotating_use"

    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), primary_key=True)
    step: Mapped[int]


@dataclass(frozen=True, slots=True)
class Scan:
    """The member whose card was scanned. With a `refusal`, the till is not told the member; but the
    transaction must be committed all the same, since it tells the phone of the newer code."""

    member: Member
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class CheckingKey:
    """The key with which a till checks codes: a secret (HMAC) or a public key (Ed25519)."""

    id: str
    value: bytes


def change_terms(session: Session, programme: Programme, choice: BarcodeSettings) -> None:
    """Change what the barcodes of a programme contain. Cards that exist follow in bounded steps.
    Raises `TermsRefused`, `CodeNotCarried`."""
    designs = [templates.find(session, programme.id, purpose) for purpose in PURPOSES]
    offered = [
        symbology
        for template in designs
        if template is not None
        for symbology in symbologies.offered(templates.design(template))
    ]
    if barcode_settings.store(session, programme.id, choice, offered):
        wake_after_commit(session, PUMP)


def begin(
    session: Session,
    programme: Programme,
    member_ids: Sequence[int],
    keys: KeyRing,
    now: datetime,
) -> None:
    """Make the first code of each of these new members, if the programme has codes."""
    choice = barcode_settings.of(session, programme.id)
    if choice.kind != "plain":
        _add(session, programme.code, choice, member_ids, keys, now)


def shown(session: Session, member_ids: Sequence[int]) -> Mapping[int, str]:
    """The codes of these members by id; members without one are left out, their barcode is the
    number."""
    rows = session.execute(
        select(CardCode.member_id, CardCode.text).where(CardCode.member_id.in_(member_ids))
    )
    return {row.member_id: row.text for row in rows}


def accept(
    session: Session,
    keys: KeyRing,
    text: str,
    now: datetime,
    *,
    programme_id: int | None = None,
) -> Scan:
    """Read what a till scanned, or a number that was typed in. With `programme_id`, cards of other
    programmes are not known. Raises `UnknownCard`, `CardBlocked`, `CardVoid`, `CardExpired`,
    `CodeForged`, `NumberNotAccepted`. A refusal that has effects is not raised but returned in the
    `Scan`."""
    code = codes.read(text)
    if isinstance(code, SignedCode):
        return _accept_signed(session, keys, code, now, programme_id)
    if isinstance(code, RotatingCode):
        return _accept_rotating(session, keys, code, now, programme_id)
    if codes.is_code(text):
        raise CodeForged
    member = cards.owner(session, text, now, programme_id).member
    if barcode_settings.of(session, member.programme_id).numbers == "refuse":
        raise NumberNotAccepted
    return Scan(member)


def renew(session: Session, keys: KeyRing, member_id: int, now: datetime) -> None:
    """Replace the member's code at once, if they have one, because the number of their card
    changed."""
    row = _locked(session, member_id)
    if row is not None:
        member = session.get_one(Member, member_id)
        programme = programmes.by_id(session, member.programme_id)
        choice = barcode_settings.of(session, programme.id)
        _renew(session, keys, programme.code, choice, [row], now)


def turn(session: Session, keys: KeyRing, now: datetime, limit: int = 200) -> bool:
    """Work off one batch: cards that do not follow their programme's terms yet, or else codes that
    are old. True if there may be more."""
    terms = barcode_settings.unfinished(session)
    if terms is not None:
        _convert(session, keys, terms, now, limit)
        return True
    return _renew_old(session, keys, now, limit)


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Delete the codes of these members, who were erased."""
    for table in (CardCode, RotatingUse):
        session.execute(delete(table).where(table.member_id.in_(member_ids)))


def checking_keys(keys: KeyRing, kind: CodeKind, programme: str) -> Sequence[CheckingKey]:
    """The keys with which tills of the programme check codes, the key in use first. For HMAC these
    are the secrets themselves; for plain codes there are none."""
    if kind == "hmac":
        return [CheckingKey(key.id, _hmac_secret(key, programme)) for key in keys]
    if kind == "ed25519":
        signing = keys.signing(PURPOSE, programme)
        public = ((key.id, signing.public_half(key.id)) for key in keys)
        return [CheckingKey(id_, half) for id_, half in public if half is not None]
    return []


def totp_secret(key: Key, card: str) -> bytes:
    """The secret from which Google draws the rotating code of the card with this number."""
    return key.secret_for("rotating code", card)[:TOTP_KEY_BYTES]


def _accept_signed(
    session: Session, keys: KeyRing, code: SignedCode, now: datetime, programme_id: int | None
) -> Scan:
    owner = cards.owner(session, code.card, now, programme_id)
    member = owner.member
    programme = programmes.by_id(session, member.programme_id)
    if not _is_genuine(keys, code, programme.code):
        raise CodeForged
    choice = barcode_settings.of(session, programme.id)
    owner_id = session.get_one(Card, owner.card_id).member_id
    row = _locked(session, owner_id)
    if row is None:
        # The programme has no codes any more, or not yet for this card: nothing to compare with.
        return Scan(member)
    if code.text == row.text or _is_forgotten(code, row, choice):
        row.generation = max(row.generation, code.generation)
        row.text = code.text
        _renew(session, keys, programme.code, choice, [row], now)
        return Scan(member)
    is_good_once_more = (
        code.text == row.previous
        and row.previous_used_at is None
        and row.previous_until is not None
        and now < row.previous_until
    )
    # The phone shows an older code: perhaps it never heard of the newer one.
    outbox.append(session, [CardOutdated(owner_id)], now)
    if not is_good_once_more:
        return Scan(member, CodeOutdated())
    row.previous_used_at = now
    session.flush()
    return Scan(member)


def _is_forgotten(code: SignedCode, row: CardCode, choice: BarcodeSettings) -> bool:
    """Whether this is a genuine code, of the kind used now, that is newer than the newest one we
    know: a backup was restored that is older than the code."""
    return code.generation > row.generation and code.kind == choice.kind


def _accept_rotating(
    session: Session, keys: KeyRing, code: RotatingCode, now: datetime, programme_id: int | None
) -> Scan:
    owner = cards.owner(session, code.card, now, programme_id)
    member = owner.member
    owner_id = session.get_one(Card, owner.card_id).member_id
    steps = (codes.step_of(totp_secret(key, code.card), code) for key in keys)
    step = next((step for step in steps if step is not None), None)
    if step is None or barcode_settings.of(session, member.programme_id).at_google != "rotating":
        raise CodeForged
    present = int(now.timestamp()) // codes.PERIOD_S
    if abs(step - present) > codes.WINDOW:
        return Scan(member, CodeOutdated())
    # A second scan in the same period finds it taken, at any till.
    taken = session.execute(
        insert_or(session, RotatingUse)
        .values(member_id=owner_id, step=step)
        .on_conflict_do_update(
            index_elements=["member_id"], set_={"step": step}, where=RotatingUse.step < step
        )
        .returning(RotatingUse.step)
    ).first()
    return Scan(member, None if taken else CodeUsed(codes.PERIOD_S))


def _is_genuine(keys: KeyRing, code: SignedCode, programme: str) -> bool:
    message = code.message(programme)
    if code.kind == "hmac":
        secrets = [_hmac_secret(key, programme) for key in keys]
        return any(codes.is_hmac(secret, message, code.signature) for secret in secrets)
    signing = keys.signing(PURPOSE, programme)
    return any(signing.is_good(key.id, message, code.signature) for key in keys)


def _signer(keys: KeyRing, kind: CodeKind, programme: str) -> codes.SignCode:
    if kind == "hmac":
        return codes.hmac_of(_hmac_secret(keys.first, programme))
    return keys.signing(PURPOSE, programme).sign


def _hmac_secret(key: Key, programme: str) -> bytes:
    return key.secret_for(PURPOSE, programme)


def _locked(session: Session, member_id: int) -> CardCode | None:
    return session.scalar(
        select(CardCode)
        .where(CardCode.member_id == member_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _add(
    session: Session,
    programme: str,
    choice: BarcodeSettings,
    member_ids: Iterable[int],
    keys: KeyRing,
    now: datetime,
) -> None:
    sign = _signer(keys, choice.kind, programme)
    numbers = cards.numbers_of(session, list(member_ids))
    rows = [
        {
            "member_id": member_id,
            "kind": choice.kind,
            "generation": 1,
            "text": codes.mint(choice.kind, programme, number, 1, sign),
            "since": now,
            "renew_at": _next_renewal(choice, member_id, now),
        }
        for member_id, number in numbers.items()
    ]
    for part in batched(rows):
        session.execute(insert_or(session, CardCode).values(part).on_conflict_do_nothing())


def _renew(
    session: Session,
    keys: KeyRing,
    programme: str,
    choice: BarcodeSettings,
    rows: Sequence[CardCode],
    now: datetime,
) -> None:
    """Give each of these locked rows the next generation. They belong to one programme that has
    codes."""
    sign = _signer(keys, choice.kind, programme)
    numbers = cards.numbers_of(session, [row.member_id for row in rows])
    for row in rows:
        row.previous, row.previous_used_at = row.text, None
        row.previous_until = now + timedelta(hours=choice.grace_hours)
        row.kind = choice.kind
        row.generation += 1
        row.text = codes.mint(choice.kind, programme, numbers[row.member_id], row.generation, sign)
        row.since = now
        row.renew_at = _next_renewal(choice, row.member_id, now)
    session.flush()
    outbox.append(session, [CardRenewed(row.member_id) for row in rows], now)


def _next_renewal(choice: BarcodeSettings, member_id: int, now: datetime) -> datetime | None:
    """Cards that were issued together must not all be renewed together: each has a moment of its
    own, in the second half of `renew_days`."""
    if not choice.renew_days:
        return None
    half = timedelta(days=choice.renew_days) / 2
    return now + half + half * (member_id * 7919 % 1000 / 1000)


def _convert(session: Session, keys: KeyRing, terms: CodeTerms, now: datetime, limit: int) -> None:
    """Let the next members of the programme follow its terms."""
    programme = programmes.by_id(session, terms.programme_id)
    choice = barcode_settings.of(session, programme.id)
    member_ids = session.scalars(
        select(Member.id)
        .where(Member.programme_id == programme.id, Member.id > (terms.converted_to or 0))
        .order_by(Member.id)
        .limit(limit)
    ).all()
    terms.converted_to = member_ids[-1] if len(member_ids) == limit else None
    # Locked, so that no member is erased while a code that contains their number is written.
    living = session.scalars(
        select(Member.id)
        .where(Member.id.in_(member_ids), Member.erased_at.is_(None))
        .order_by(Member.id)
        .with_for_update(read=True)
    ).all()
    rows = session.scalars(
        select(CardCode)
        .where(CardCode.member_id.in_(living))
        .order_by(CardCode.member_id)
        .with_for_update()
    ).all()
    changed: set[int]
    if choice.kind == "plain":
        session.execute(delete(CardCode).where(CardCode.member_id.in_(living)))
        changed = set(living)
    else:
        others = [row for row in rows if row.kind != choice.kind]
        _renew(session, keys, programme.code, choice, others, now)
        new = set(living) - {row.member_id for row in rows}
        _add(session, programme.code, choice, sorted(new), keys, now)
        for row in rows:
            row.renew_at = _next_renewal(choice, row.member_id, now)
        changed = set(living) - {row.member_id for row in others}
    session.flush()
    outbox.append(session, [CardRenewed(member_id) for member_id in sorted(changed)], now)


def _renew_old(session: Session, keys: KeyRing, now: datetime, limit: int) -> bool:
    rows = session.scalars(
        select(CardCode)
        .where(CardCode.renew_at <= now)
        .order_by(CardCode.renew_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    owners = {member.id: member for member in members.by_ids(session, [r.member_id for r in rows])}
    for programme_id in sorted({member.programme_id for member in owners.values()}):
        programme = programmes.by_id(session, programme_id)
        choice = barcode_settings.of(session, programme_id)
        theirs = [row for row in rows if owners[row.member_id].programme_id == programme_id]
        _renew(session, keys, programme.code, choice, theirs, now)
    return len(rows) == limit
