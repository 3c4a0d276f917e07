"""Members: opaque ids to which points belong. Which member is meant by an id, and whose accounts
they use."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    and_,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Identifier, Instant, batched, only_where
from ledger.errors import MemberErased, UnknownMember

# Of somebody who was merged and then erased: erased.
MemberState = Literal["active", "merged", "erased"]

# The rows in each state, as the conditions of partial indexes; `in_state` asks by the same words.
_IN_STATE: dict[MemberState, str] = {
    "active": "erased_at IS NULL AND merged_into_id IS NULL",
    "merged": "merged_into_id IS NOT NULL AND erased_at IS NULL",
    "erased": "erased_at IS NOT NULL",
}


class Member(Base):
    """One member of one programme: an id without anything personal (that is in `Person`). Rows are
    never deleted, since the book refers to them."""

    __tablename__ = "ledger_member"
    __table_args__ = (
        Index("ix_ledger_member_erased_at", "erased_at", **only_where(_IN_STATE["erased"])),
        # For lists of a programme, all of it or those in one state, oldest first.
        Index("ix_ledger_member_listed", "programme_id", "created_at", "id"),
        *(
            Index(
                f"ix_ledger_member_{state}",
                "programme_id",
                "created_at",
                "id",
                **only_where(condition),
            )
            for state, condition in _IN_STATE.items()
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    # The head of the household whose accounts this member uses; null: their own.
    household_id: Mapped[int | None] = mapped_column(index=True)
    merged_into_id: Mapped[int | None] = mapped_column(index=True)
    # Since when the person is erased and the id stands for nobody. Never set back to null.
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    # Made at a counter, by somebody who typed what they were told: nobody knows yet whose phone
    # number that is. Such a member earns, spends nothing, and gets no advertising. Never set again
    # once it is false.
    unconfirmed: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def holder_id(self) -> int:
        """The member whose accounts this member uses, by id."""
        return self.household_id or self.id

    @property
    def state(self) -> MemberState:
        """Whether the id stands for a person, for one who is another member now, or for nobody."""
        return state_of(self.erased_at, self.merged_into_id)


def state_of(erased_at: datetime | None, merged_into_id: int | None) -> MemberState:
    """The state of a member with these facts."""
    if erased_at is not None:
        return "erased"
    return "active" if merged_into_id is None else "merged"


def in_state(state: MemberState) -> ColumnElement[bool]:
    """The condition that a row of `Member` is in this state. An index serves it."""
    erased, merged = Member.erased_at.is_not(None), Member.merged_into_id.is_not(None)
    if state == "erased":
        return erased
    return and_(~erased, merged if state == "merged" else ~merged)


def by_public_id(session: Session, public_id: str, *, include_erased: bool = False) -> Member:
    """The member with this public id. Raises `UnknownMember`, and `MemberErased` unless
    `include_erased`."""
    member = session.scalar(select(Member).where(Member.public_id == public_id))
    if member is None:
        raise UnknownMember
    if member.erased_at is not None and not include_erased:
        raise MemberErased
    return member


def by_public_ids(session: Session, public_ids: Sequence[str]) -> dict[str, Member]:
    """Members by their public ids, erased or not, read anew. Unknown ids are left out."""
    found: dict[str, Member] = {}
    for part in batched(sorted(set(public_ids))):
        rows = session.scalars(
            select(Member)
            .where(Member.public_id.in_(part))
            .execution_options(populate_existing=True)
        )
        found |= {member.public_id: member for member in rows}
    return found


def by_id(session: Session, member_id: int) -> Member:
    """The member with this id, which must exist."""
    return session.get_one(Member, member_id)


def by_ids(session: Session, member_ids: Sequence[int]) -> Sequence[Member]:
    """The members with these ids, in no particular order. Unknown ids are left out."""
    return session.scalars(select(Member).where(Member.id.in_(member_ids))).all()


def in_programme(
    session: Session, programme_id: int, before_id: int | None, limit: int
) -> Sequence[Member]:
    """Members of a programme, erased and merged ones among them, the newest first; with
    `before_id`, those who came before this one."""
    query = select(Member).where(Member.programme_id == programme_id)
    if before_id is not None:
        query = query.where(Member.id < before_id)
    return session.scalars(query.order_by(Member.id.desc()).limit(limit)).all()


def number_in_programme(session: Session, programme_id: int) -> int:
    """How many members a programme has, without those who were erased or merged into others. It
    reads them all."""
    query = select(func.count()).where(
        Member.programme_id == programme_id,
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
    )
    return session.scalars(query).one()


def public_ids(session: Session, member_ids: Collection[int | None]) -> dict[int | None, str]:
    """By member id, the public ids of these members; None is left out."""
    ids = {id_ for id_ in member_ids if id_ is not None}
    if not ids:
        return {}
    rows = session.execute(select(Member.id, Member.public_id).where(Member.id.in_(ids)))
    return {row.id: row.public_id for row in rows}


def resolve_merged(session: Session, member: Member) -> Member:
    """The member who stands for the person today: this one, or the member they were merged into."""
    if member.merged_into_id is None:
        return member
    return session.get_one(Member, member.merged_into_id, populate_existing=True)


def reread(session: Session, member: Member) -> Member:
    """The member, read again from the database."""
    return session.get_one(Member, member.id, populate_existing=True)


def lock(session: Session, member_ids: Collection[int]) -> list[int]:
    """Lock these members until the transaction ends, in ascending order. Merges and changes of
    households wait for this lock. Returns the ids."""
    return list(
        session.scalars(
            select(Member.id)
            .where(Member.id.in_(member_ids))
            .order_by(Member.id)
            .with_for_update(key_share=True)
        )
    )


def lock_present(session: Session, member_id: int) -> Member:
    """The member, locked until the transaction ends and read again. Who writes down something about
    a person calls it first, so that an erasure either waits for it or is seen. Raises
    `MemberErased`."""
    lock(session, [member_id])
    member = session.get_one(Member, member_id, populate_existing=True)
    if member.erased_at is not None:
        raise MemberErased
    return member


def lock_head(session: Session, member: Member) -> Member:
    """The member who stands for the person today, locked until the transaction ends and read again:
    no merge can change this any more. Raises `MemberErased`."""
    while True:
        head = resolve_merged(session, reread(session, member))
        if lock_present(session, head.id).merged_into_id is None:
            return head


def lock_person(session: Session, member: Member) -> tuple[Member, Sequence[Member]]:
    """The member who stands for the person today, and all members they ever were, by ascending id,
    locked until the transaction ends: no merge can change this any more."""
    ids: list[int] = []
    while True:
        member = reread(session, member)
        head = member.merged_into_id or member.id
        group = session.scalars(
            select(Member)
            .where((Member.id == head) | (Member.merged_into_id == head))
            .order_by(Member.id)
            .execution_options(populate_existing=True)
        ).all()
        if [one.id for one in group] == ids:
            return next(one for one in group if one.id == head), group
        # While we waited for the locks, a merge may have been committed: read once more.
        ids = lock(session, [one.id for one in group])


def lock_people(session: Session, *people: Member) -> Sequence[Member]:
    """The members who stand for these people today, each locked as by `lock_person`: all of them in
    one ascending order."""
    ids: list[int] = []
    while True:
        heads = [resolve_merged(session, reread(session, one)) for one in people]
        head_ids = [one.id for one in heads]
        group = session.scalars(
            select(Member.id)
            .where(Member.id.in_(head_ids) | Member.merged_into_id.in_(head_ids))
            .order_by(Member.id)
        ).all()
        if list(group) == ids:
            return heads
        ids = lock(session, group)


def confirm(session: Session, member: Member) -> Member | None:
    """The person has shown that they are the one for whom the card was made, and may spend. Returns
    the member who stands for them, locked; None where that was known already. Raises
    `MemberErased`."""
    if not reread(session, member).unconfirmed:
        return None
    head, group = lock_person(session, member)
    if head.erased_at is not None:
        raise MemberErased
    if not any(one.unconfirmed for one in group):
        return None
    mark_confirmed(session, head)
    return reread(session, head)


def mark_confirmed(session: Session, head: Member) -> None:
    """This member is confirmed, and so are all who were merged into them: it is one person. The
    caller has locked them."""
    session.execute(
        update(Member)
        .where((Member.id == head.id) | (Member.merged_into_id == head.id), Member.unconfirmed)
        .values(unconfirmed=False)
    )


def holders(session: Session, member_ids: Sequence[int]) -> dict[int, int]:
    """By member id, the member whose accounts each of these members uses, read anew."""
    found: dict[int, int] = {}
    for part in batched(member_ids):
        rows = session.execute(select(Member.id, Member.household_id).where(Member.id.in_(part)))
        found |= {row.id: row.household_id or row.id for row in rows}
    return found


def erased(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Which of these members are erased, read anew."""
    return set(
        session.scalars(
            select(Member.id).where(Member.id.in_(member_ids), Member.erased_at.is_not(None))
        )
    )


def existing_ids(session: Session, public_ids: Collection[str]) -> Sequence[str]:
    """Those of these public ids that a member has."""
    return session.scalars(
        select(Member.public_id).where(Member.public_id.in_(list(public_ids)))
    ).all()


def all_erased(session: Session) -> Sequence[Member]:
    """All members who were erased, in the order of their erasure."""
    return session.scalars(
        select(Member).where(Member.erased_at.is_not(None)).order_by(Member.erased_at, Member.id)
    ).all()


def using_accounts_of(session: Session, member_ids: Sequence[int]) -> Sequence[Member]:
    """These members, and all others who use the accounts of one of them, by ascending id."""
    return session.scalars(
        select(Member)
        .where(or_(Member.id.in_(member_ids), Member.household_id.in_(member_ids)))
        .order_by(Member.id)
    ).all()
