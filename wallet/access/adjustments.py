"""Points that people of the staff give a member, or take away, by hand.

Up to the programme's limit it is done at once; for more a second person is asked, who is never the
one who asks. Every such posting has a row here, which says who made it and who approved it.

All rows of a member are written under the lock of the member: of two who decide at once, the second
finds it decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, Index, String, bindparam, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from ledger.database.compiled import Compiled, Question
from ledger.database.tables import Base, Identifier, Instant, only_where
from ledger.people import members
from ledger.people.members import Member
from ledger.points import adjusting
from ledger.programmes import programmes
from ledger.programmes.units import Unit
from wallet.access import changes
from wallet.access.changes import Author, ChangedThing
from wallet.access.staff_sessions import SignedIn
from wallet.errors import AdjustmentDecided, OwnAdjustment, UnknownAdjustment

LIMIT_HOLDS_FOR = timedelta(days=1)  # what one person gave one member before counts so long
WAITS_FOR = timedelta(days=7)
LONGEST_REASON = 300  # characters

# What is usual is learned from so long ago, from so many at most. An odd one out of twenty is left
# out, and at least one: whoever gave a million by mistake does not make millions usual.
USUAL_FOR = timedelta(days=90)
USUAL_OF = 1_000
ODD_ONES = 20
FAR_OUT = 10  # times what is usual
USUAL_WITHOUT_HISTORY = {"points": 1_000, "money": 1_000, "stamps": 10}  # whole ones

StoredState = Literal["posted", "waiting", "declined", "withdrawn"]
AdjustmentState = Literal["posted", "waiting", "declined", "withdrawn", "expired"]


class Adjustment(Base):
    """So many points (negative: taken away) for a member, and why. `asked_by` and `decided_by` are
    addresses of the staff; nobody decided what was within the limit. `answer`: why it was declined.
    `posting`: the public id of what was posted. Reason and answer may name people and go with an
    erasure."""

    __tablename__ = "wallet_adjustment"
    __table_args__ = (
        Index(
            "ix_wallet_adjustment_waiting",
            "programme_id",
            "id",
            **only_where("state = 'waiting'"),
        ),
        Index("ix_wallet_adjustment_listed", "programme_id", "id"),
        Index("ix_wallet_adjustment_member", "member_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"))
    points: Mapped[int]
    reason: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    state: Mapped[StoredState] = mapped_column(String(10))
    asked_by: Mapped[str] = mapped_column(String(254))
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("wallet_employee.id"))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(254))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    answer: Mapped[str | None] = mapped_column(String(LONGEST_REASON))
    posting: Mapped[str | None] = mapped_column(String(36), index=True)

    def state_at(self, now: datetime) -> AdjustmentState:
        """What became of it by now: a request that nobody decided in time has expired."""
        is_late = self.state == "waiting" and self.expires_at <= now
        return "expired" if is_late else self.state


@dataclass(frozen=True, slots=True)
class AdjustmentWish:
    """What somebody of the staff wants: so many points of the main unit, negative to take them
    away, and why. `of_sum`: how many points are given or taken at once with it, where several
    members get some: the limit is for all of that."""

    points: int
    reason: str
    of_sum: int = 0

    @property
    def weighs(self) -> int:
        """How many points the limit is asked about."""
        return max(abs(self.points), self.of_sum)


def left_of_limit(session: Session, member: Member, employee_id: int, now: datetime) -> int | None:
    """How many points this person may still give the member today, or take, without asking
    anybody; None for any number."""
    limit = programmes.by_id(session, member.programme_id).adjust_limit
    if limit is None:
        return None
    query = select(func.coalesce(func.sum(func.abs(Adjustment.points)), 0)).where(
        Adjustment.member_id == member.id,
        Adjustment.asked_by_id == employee_id,
        Adjustment.state == "posted",
        Adjustment.decided_by.is_(None),
        Adjustment.asked_at > now - LIMIT_HOLDS_FOR,
    )
    return max(0, limit - int(session.scalars(query).one()))


def usual_most(session: Session, unit: Unit, now: datetime) -> int:
    """Up to how many points of this main unit people give or take by hand as a rule: the most of
    the last 90 days, the odd ones left out, or what is little anywhere."""
    counts: Sequence[int] = session.scalars(
        select(func.abs(Adjustment.points))
        .where(
            Adjustment.programme_id == unit.programme_id,
            Adjustment.state == "posted",
            Adjustment.asked_at > now - USUAL_FOR,
        )
        .order_by(Adjustment.id.desc())
        .limit(USUAL_OF)
    ).all()
    kept = sorted(counts)[: len(counts) - -(-len(counts) // ODD_ONES)]
    return max([little(unit), *kept[-1:]])


def little(unit: Unit) -> int:
    """So many points of a unit are nothing out of the way anywhere."""
    count: int = USUAL_WITHOUT_HISTORY[unit.kind] * 10**unit.scale
    return count


def is_far_out(session: Session, unit: Unit, points: int, now: datetime) -> bool:
    """Whether so many points are so far from what is usual that a slip of the finger is more
    likely. People are asked once more then; it is no limit."""
    return abs(points) > FAR_OUT * usual_most(session, unit, now)


def adjust(
    session: Session, member: Member, wish: AdjustmentWish, by: SignedIn, now: datetime
) -> Adjustment:
    """Do what somebody wants, or ask a second person to approve it where it is above the limit; the
    state says which. Raises `MemberErased`, `InsufficientPoints`, `BalanceTooLarge`."""
    member = members.lock_present(session, member.id)
    left = left_of_limit(session, member, by.employee_id, now)
    row = Adjustment(
        public_id=str(uuid7()),
        programme_id=member.programme_id,
        member_id=member.id,
        points=wish.points,
        reason=wish.reason,
        state="waiting",
        asked_by=by.email,
        asked_by_id=by.employee_id,
        asked_at=now,
        expires_at=now + WAITS_FOR,
    )
    if left is None or wish.weighs <= left:
        _post(session, member, row, now)
    session.add(row)
    session.flush()
    code = "adjustment.made" if row.state == "posted" else "adjustment.asked"
    _note(session, by, code, member, row, now, {"reason": wish.reason})
    return row


def approve(session: Session, public_id: str, by: SignedIn, now: datetime) -> Adjustment:
    """Let a request be done. Raises `UnknownAdjustment`, `AdjustmentDecided`, `OwnAdjustment`,
    `MemberErased`, and what `adjust` raises for the points: then it waits on."""
    member, row = _waiting(session, public_id, now)
    if row.asked_by_id == by.employee_id:
        raise OwnAdjustment
    _post(session, member, row, now)
    _decided(session, row, by, now)
    _note(session, by, "adjustment.approved", member, row, now, {"asked_by": row.asked_by})
    return row


def decline(
    session: Session, public_id: str, answer: str, by: SignedIn, now: datetime
) -> Adjustment:
    """Refuse a request, and say why. Who asked takes it back so. Raises as `approve`, but for
    `OwnAdjustment`."""
    member, row = _waiting(session, public_id, now)
    is_own = row.asked_by_id == by.employee_id
    row.state, row.answer = "withdrawn" if is_own else "declined", answer or None
    _decided(session, row, by, now)
    code = "adjustment.withdrawn" if is_own else "adjustment.declined"
    _note(session, by, code, member, row, now, {"answer": row.answer})
    return row


def find(session: Session, public_id: str) -> Adjustment:
    """The request with this public id. Raises `UnknownAdjustment`."""
    found = session.scalar(select(Adjustment).where(Adjustment.public_id == public_id))
    if found is None:
        raise UnknownAdjustment
    return found


def waiting(session: Session, programme_id: int, now: datetime) -> Sequence[Adjustment]:
    """What waits for a second person, the oldest first."""
    return session.scalars(
        select(Adjustment)
        .where(
            Adjustment.programme_id == programme_id,
            Adjustment.state == "waiting",
            Adjustment.expires_at > now,
        )
        .order_by(Adjustment.id)
    ).all()


def number_waiting(programme_id: int, now: datetime) -> Question[int]:
    """How many wait."""
    values = {"programme": programme_id, "now": now}
    return Question(_NUMBER_WAITING, values, lambda rows: int(rows[0][0]))


_NUMBER_WAITING = Compiled(
    select(func.count()).where(
        Adjustment.programme_id == bindparam("programme"),
        Adjustment.state == "waiting",
        Adjustment.expires_at > bindparam("now", type_=Instant),
    )
)


def listed(
    session: Session, programme_id: int, before_id: int | None, limit: int
) -> Sequence[Adjustment]:
    """All that was given and taken by hand, or asked for, newest first, from before `before_id`."""
    query = select(Adjustment).where(Adjustment.programme_id == programme_id)
    if before_id is not None:
        query = query.where(Adjustment.id < before_id)
    return session.scalars(query.order_by(Adjustment.id.desc()).limit(limit)).all()


def of_member(session: Session, member_id: int) -> Sequence[Adjustment]:
    """All of one member, newest first."""
    return session.scalars(
        select(Adjustment).where(Adjustment.member_id == member_id).order_by(Adjustment.id.desc())
    ).all()


def of_postings(session: Session, postings: Sequence[str]) -> dict[str, Adjustment]:
    """Those that made these postings, by the public id of the posting."""
    rows = session.scalars(select(Adjustment).where(Adjustment.posting.in_(postings)))
    return {row.posting: row for row in rows if row.posting is not None}


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Members are erased: what was said of them goes, and what waits is not done any more. The
    caller has locked them."""
    session.execute(
        update(Adjustment)
        .where(Adjustment.member_id.in_(member_ids), Adjustment.state == "waiting")
        .values(state="withdrawn")
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Adjustment)
        .where(Adjustment.member_id.in_(member_ids))
        .values(reason=None, answer=None)
        .execution_options(synchronize_session=False)
    )


def _waiting(session: Session, public_id: str, now: datetime) -> tuple[Member, Adjustment]:
    """The request and its member, who is locked."""
    member = members.lock_present(session, find(session, public_id).member_id)
    row = session.scalars(
        select(Adjustment)
        .where(Adjustment.public_id == public_id)
        .execution_options(populate_existing=True)
    ).one()
    if (state := row.state_at(now)) != "waiting":
        raise AdjustmentDecided(state)
    return member, row


def _post(session: Session, member: Member, row: Adjustment, now: datetime) -> None:
    done = adjusting.adjust(session, member, row.points, row.reason or "", now)
    row.state, row.posting = "posted", done.posting_id


def _decided(session: Session, row: Adjustment, by: SignedIn, now: datetime) -> None:
    row.decided_by, row.decided_at = by.email, now
    session.flush()


def _note(
    session: Session,
    by: SignedIn,
    code: str,
    member: Member,
    row: Adjustment,
    now: datetime,
    more: dict[str, str | None],
) -> None:
    of = ChangedThing("member", member.public_id, member.programme_id, member.id)
    told = {"points": row.points, "adjustment": row.public_id, **more}
    changes.note(session, Author("employee", by.email), code, of, now, None, told)
