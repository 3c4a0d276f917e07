"""Who joined by which poster. Its address says where it hangs, by the codes of a store and of a
till: nothing personal is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, case, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base
from ledger.errors import StoreRefused
from ledger.people.members import Member
from ledger.programmes import stores
from ledger.programmes.stores import Store, Till

# In addresses: the code of a store, and by whom: the code of a till in it, or the poster that is of
# no store.
STORE, BY = "store", "by"
OF_PROGRAMME = "poster"

LATELY = timedelta(days=30)


class JoinedByPoster(Base):
    """A member who joined by the code of a poster; of the whole programme, if it names no store."""

    __tablename__ = "wallet_joined_by_poster"
    __table_args__ = (
        Index("ix_wallet_joined_by_poster_counted", "programme_id", "store_id", "till_id"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"), primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_store.id"))
    till_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_till.id"))


@dataclass(frozen=True, slots=True)
class PosterPlace:
    """Where a poster hangs; without a store, anywhere in the programme."""

    store: Store | None = None
    till: Till | None = None

    @property
    def asked(self) -> dict[str, str]:
        """What its address asks with."""
        if self.store is None:
            return {BY: OF_PROGRAMME}
        by = {} if self.till is None else {BY: self.till.code}
        return {STORE: self.store.code, **by}


@dataclass(frozen=True, slots=True)
class PosterCount:
    """How many joined by the posters of one place: in all, and in the last 30 days."""

    place: PosterPlace
    all: int
    lately: int


def place(session: Session, programme_id: int, store: str, by: str = "") -> PosterPlace | None:
    """The place that an address names. A store that is unknown or closed is no place; a till that
    is, leaves its store."""
    if not store:
        return PosterPlace() if by == OF_PROGRAMME else None
    found = stores.find_store(session, programme_id, _code(store))
    if found is None or found.closed:
        return None
    till = stores.find_till(session, found.id, _code(by)) if by else None
    return PosterPlace(found, None if till is None or till.closed else till)


def _code(typed: str) -> str:
    """What may be a code; empty, which none is, for what cannot be one."""
    try:
        return stores.checked_code(typed)
    except StoreRefused:
        return ""


def keep(session: Session, member: Member, asked: Mapping[str, str]) -> None:
    """Keep by which poster this new member joined. `asked`: as the address of the form has it; what
    it does not name is passed over, since nobody may fail to join by it."""
    found = place(session, member.programme_id, asked.get(STORE, ""), asked.get(BY, ""))
    if found is not None:
        session.add(
            JoinedByPoster(
                member_id=member.id,
                programme_id=member.programme_id,
                store_id=None if found.store is None else found.store.id,
                till_id=None if found.till is None else found.till.id,
            )
        )


def counts(session: Session, programme_id: int, now: datetime) -> Sequence[PosterCount]:
    """How many joined by posters of each place, the most first; places by which nobody did are left
    out."""
    number = func.count()
    lately = func.sum(case((Member.created_at > now - LATELY, 1), else_=0))
    rows = session.execute(
        select(JoinedByPoster.store_id, JoinedByPoster.till_id, number, lately)
        .join(Member, Member.id == JoinedByPoster.member_id)
        .where(JoinedByPoster.programme_id == programme_id)
        .group_by(JoinedByPoster.store_id, JoinedByPoster.till_id)
        .order_by(number.desc(), JoinedByPoster.store_id, JoinedByPoster.till_id)
    ).all()
    return [
        PosterCount(_placed(session, store_id, till_id), all_, int(late))
        for store_id, till_id, all_, late in rows
    ]


def of_member(session: Session, member_id: int) -> PosterPlace | None:
    """By the poster of which place this member joined; None for all who joined otherwise."""
    row = session.get(JoinedByPoster, member_id)
    return None if row is None else _placed(session, row.store_id, row.till_id)


def _placed(session: Session, store_id: int | None, till_id: int | None) -> PosterPlace:
    return PosterPlace(
        None if store_id is None else session.get_one(Store, store_id),
        None if till_id is None else session.get_one(Till, till_id),
    )
