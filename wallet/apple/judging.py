"""Whether a token is wrong, or topic or environment are: then Apple calls every token bad, and to
believe it would forget every phone, which nobody can undo.

No single answer tells, and no batch: where little happens, each batch is one phone. So what Apple
said is kept in rows, for all processes: of a device whether a push to its token was ever accepted,
and since when the token is called bad; of a pass type whether Apple has accepted anything since.

State of the pass type                   A token that Apple calls bad
---------------------------------------  -------------------------------------------------------
Apple accepts other pushes               waits; after a second word some time later it is dead
Apple has accepted none yet              waits; the operator is told
Apple calls tokens of several members    waits, and so do all pushes; a few are tried now and then;
bad that it accepted before, and has     the operator is told
accepted none since

Tokens that were never accepted cannot stop anything: whoever holds a card can register them."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import String, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.tables import EPOCH, Base, Instant, batched, dialect_of, insert_or
from wallet.apple.answers import BAD_TOKEN, DOUBTS
from wallet.apple.device_secrets import DeviceSecrets
from wallet.apple.devices import Device, DuePush, Registration
from wallet.configuration.keyring import KeyRing, Undecipherable
from wallet.delivery.outcome import Deferred, Outcome
from wallet.passes.issued import Pass

# Members whose tokens were good, and are called bad with no acceptance in between: no accident.
FEWEST_WITNESSES = 5
MOST_WITNESSES = 1000  # devices that are looked at to count them
# From the first word about a token to the one that is believed.
BELIEVED_AFTER = timedelta(hours=1)
BELIEVED_OF_GOOD_AFTER = timedelta(days=1)  # a token that Apple accepted before
LONGEST_FAULT = 100  # characters


class Topic(Base):
    """How Apple treats the pushes of a pass type, which it calls a topic. `accepted_at` is when it
    first accepted one after `doubted_at`, when it last called a token bad. `fault` is its reason
    while nothing gets through and an operator has to look."""

    __tablename__ = "apple_topic"

    pass_type: Mapped[str] = mapped_column(String(155), primary_key=True)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    doubted_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[str | None] = mapped_column(String(LONGEST_FAULT))
    fault_since: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def is_suspected(self) -> bool:
        """Whether Apple calls tokens bad that are known to be good."""
        return _is_suspected(self.fault, self.accepted_at)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a batch says together. `dead`: devices to be forgotten. `suspects`: the reason for which
    all pushes of the pass type must wait. `is_news`: the operator has not been told yet."""

    dead: frozenset[int] = frozenset()
    suspects: str | None = None
    unproven: str | None = None
    is_news: bool = False


Answered = Sequence[tuple[DuePush, Outcome]]

# Both are asked for every batch.
_FIND = Compiled(
    select(Topic.accepted_at, Topic.doubted_at, Topic.fault).where(
        Topic.pass_type == bindparam("pass_type")
    )
)
_AT_FAULT = Compiled(
    select(Topic.pass_type, Topic.fault, Topic.accepted_at).where(Topic.fault.is_not(None))
)


class _Known(NamedTuple):
    """What is known of a pass type; see `Topic`."""

    accepted_at: datetime | None = None
    doubted_at: datetime | None = None
    fault: str | None = None

    @property
    def has_doubts(self) -> bool:
        """Whether something was wrong since Apple last was known to accept a push."""
        return (
            self.fault is not None
            or self.accepted_at is None
            or (self.doubted_at is not None and self.doubted_at >= self.accepted_at)
        )


def judge(
    session: Session,
    keys: KeyRing,
    pass_type: str,
    sent: Sequence[DuePush],
    others: Answered,
    now: datetime,
) -> Judgement:
    """Remember what Apple said of these pushes of one pass type, those that it accepted and the
    others, and judge the tokens that it calls bad. Call it before anything else is recorded: it
    locks devices."""
    known = next((_Known(*row) for row in _FIND.execute(session, pass_type=pass_type)), _Known())
    doubted = {
        push: outcome.reason
        for push, outcome in others
        if isinstance(outcome, Deferred) and outcome.reason in DOUBTS
    }
    news = [push for push in sent if push.is_doubted or not push.is_proven]
    if news:
        _accept(session, news, now)
    proven_at = now if sent else known.accepted_at
    dead = _doubt(session, doubted, proven_at, now) if doubted else frozenset()
    suspects = unproven = None
    if doubted and proven_at is None:
        unproven = next(iter(doubted.values()))
    elif doubted and not sent:
        suspects = _suspected(session, keys, pass_type, doubted, proven_at)
    fault = suspects or unproven or _fault(outcome for _, outcome in others)
    is_news = _remember(
        session,
        pass_type,
        known,
        None if sent else fault,
        now,
        accepted=bool(sent),
        doubted=bool(doubted),
    )
    return Judgement(dead, suspects, unproven, is_news)


def suspected(session: Session) -> frozenset[str]:
    """The pass types whose pushes wait since Apple calls tokens bad that are known to be good."""
    return frozenset(
        row.pass_type
        for row in _AT_FAULT.execute(session)
        if _is_suspected(row.fault, row.accepted_at)
    )


def faults(session: Session) -> Sequence[Topic]:
    """The pass types of which no push gets through until an operator looks."""
    return session.scalars(
        select(Topic).where(Topic.fault.is_not(None)).order_by(Topic.pass_type)
    ).all()


def _is_suspected(fault: str | None, accepted_at: datetime | None) -> bool:
    return fault in DOUBTS and accepted_at is not None


def _fault(outcomes: Iterable[Outcome]) -> str | None:
    """Why Apple turned away the whole batch, if it is for an operator to mend."""
    for outcome in outcomes:
        if isinstance(outcome, Deferred) and outcome.needs_operator:
            return outcome.reason[:LONGEST_FAULT]
    return None


# The rows are found by their keys and locked in that order; on SQLite it is one row after another.
_ACCEPT = {
    "postgresql": """
    UPDATE apple_device SET accepted_at = :now, doubted_at = NULL WHERE ctid = ANY (ARRAY (
        SELECT held.ctid FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS bytea[]))
            AS given (id, token)
        CROSS JOIN LATERAL (
            SELECT ctid FROM apple_device
            WHERE id = given.id AND push_token = given.token FOR UPDATE) held))""",
    "sqlite": """
    UPDATE apple_device SET accepted_at = :now, doubted_at = NULL
    WHERE id = :id AND push_token = :token""",
}


def _accept(session: Session, pushes: Iterable[DuePush], now: datetime) -> None:
    """These tokens are good. A device that has sent another token since is left alone."""
    dialect = dialect_of(session)
    tokens = {push.device_id: push.push_token for push in pushes}
    ids = sorted(tokens)
    statement = text(_ACCEPT[dialect])
    if dialect == "postgresql":
        given = {"now": now, "ids": ids, "tokens": [tokens[one] for one in ids]}
        session.connection().execute(statement, given)
        return
    moment = Instant().process_bind_param(now, session.get_bind().dialect)
    session.connection().execute(
        statement, [{"now": moment, "id": one, "token": tokens[one]} for one in ids]
    )


def _doubt(
    session: Session, doubted: dict[DuePush, str], proven_at: datetime | None, now: datetime
) -> frozenset[int]:
    """Keep the first word about each of these tokens. Returns the devices whose tokens are dead:
    Apple said it before, and has accepted other pushes since. A token of another topic is none of
    them: it may be another's fault."""
    said = {push.device_id: (push.push_token, reason) for push, reason in doubted.items()}
    dead = set()
    for ids in batched(sorted(said)):
        rows = select(Device).where(Device.id.in_(ids)).order_by(Device.id).with_for_update()
        for device in session.scalars(rows.execution_options(populate_existing=True)):
            token, reason = said[device.id]
            if device.push_token != token:
                continue
            if device.doubted_at is None:
                device.doubted_at = now
            elif reason == BAD_TOKEN and _is_believed(device, proven_at, now):
                dead.add(device.id)
    session.flush()
    return frozenset(dead)


def _is_believed(device: Device, proven_at: datetime | None, now: datetime) -> bool:
    doubted_at = device.doubted_at
    if doubted_at is None or proven_at is None or proven_at <= doubted_at:
        return False
    known = device.accepted_at is not None
    return now - doubted_at >= (BELIEVED_OF_GOOD_AFTER if known else BELIEVED_AFTER)


def _suspected(
    session: Session,
    keys: KeyRing,
    pass_type: str,
    doubted: dict[DuePush, str],
    proven_at: datetime | None,
) -> str | None:
    """Apple's reason, if it cannot be the tokens: of so many members they were good, and are called
    bad since Apple last accepted a push."""
    good = [reason for push, reason in doubted.items() if push.is_proven]
    if not good:
        return None
    devices = (
        select(Device.id, Device.library_id, Device.push_token)
        .where(
            Device.pass_type == pass_type,
            Device.doubted_at > (proven_at or EPOCH),
            Device.accepted_at.is_not(None),
        )
        .limit(MOST_WITNESSES)
        .subquery()
    )
    rows = session.execute(
        select(devices.c.library_id, devices.c.push_token, Pass.member_id)
        .join(Registration, Registration.device_id == devices.c.id)
        .join(Pass, Pass.id == Registration.pass_id)
    ).all()
    # One phone may have many cards, and one card may be on many phones: neither makes a crowd.
    tokens = _tokens(keys, {(row.push_token, row.library_id) for row in rows})
    members = {row.member_id for row in rows}
    return good[0] if min(len(tokens), len(members)) >= FEWEST_WITNESSES else None


def _tokens(keys: KeyRing, encrypted: Iterable[tuple[bytes, bytes]]) -> set[str]:
    """The different tokens among these: each device has its own form of a token that it shares."""
    secrets = DeviceSecrets(keys)
    found = set()
    for push_token, library_id in encrypted:
        with contextlib.suppress(Undecipherable):
            found.add(secrets.read_push_token(push_token, library_id))
    return found


def _remember(
    session: Session,
    pass_type: str,
    known: _Known,
    fault: str | None,
    now: datetime,
    *,
    accepted: bool,
    doubted: bool,
) -> bool:
    """Write what changed about the pass type; where all is well that is nothing. True if there is a
    fault that was not known."""
    changes: dict[str, object] = {}
    if doubted:
        changes["doubted_at"] = now
    if accepted and (doubted or known.has_doubts):
        changes |= {"accepted_at": now, "fault": None, "fault_since": None}
    is_news = fault is not None and known.fault != fault
    if is_news:
        changes |= {"fault": fault, "fault_since": now}
    if changes:
        session.execute(
            insert_or(session, Topic)
            .values(pass_type=pass_type, **changes)
            .on_conflict_do_update(index_elements=["pass_type"], set_=changes)
        )
    return is_news
