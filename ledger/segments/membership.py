"""Who belongs to a segment: asked for all members at once, or for one member and many segments."""

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from ledger.book.roster import Sieve
from ledger.people.members import Member
from ledger.segments import conditions, documents
from ledger.segments.registry import Segment
from ledger.segments.scope import AnyScope, LaterScope, Scope


def condition(tree: Segment, scope: AnyScope) -> ColumnElement[bool]:
    """A condition on `Member`: the programme's active members who belong to the segment."""
    return and_(
        Member.programme_id == scope.programme_id, conditions.is_active(), tree.condition(scope)
    )


def sieve(tree: Segment, programme_id: int, unit_id: int) -> Sieve:
    """The same to look through lists of members with, at any moment. It is built at its first use:
    to build the statement takes as long as to have it answered."""
    return _sieve(json.dumps(documents.stored(tree)), programme_id, unit_id)


@lru_cache(512)
def _sieve(document: str, programme_id: int, unit_id: int) -> Sieve:
    scope = LaterScope(programme_id, unit_id)
    return Sieve(condition(documents.read(json.loads(document)), scope), scope.ago)


def count(session: Session, wanted: ColumnElement[bool]) -> int:
    """How many members fulfil this condition."""
    return session.scalars(select(func.count()).select_from(Member).where(wanted)).one()


def page(
    session: Session, wanted: ColumnElement[bool], after_id: int, last_id: int, limit: int
) -> Sequence[Member]:
    """The next members who fulfil this condition, by ascending id, after `after_id` and up to
    `last_id`, which is included."""
    return session.scalars(
        select(Member)
        .where(wanted, Member.id > after_id, Member.id <= last_id)
        .order_by(Member.id)
        .limit(limit)
    ).all()


def which(
    session: Session, scope: Scope, member: Member, trees: Sequence[Segment]
) -> tuple[bool, ...]:
    """For each of these segments, whether the member belongs to it. This is one statement for any
    number of segments, since a till waits for the answer. A member who was erased, was merged into
    another or is in another programme belongs to none."""
    if not trees:
        return ()
    row = session.execute(
        select(*(tree.condition(scope).label(f"in_{n}") for n, tree in enumerate(trees)))
        .select_from(Member)
        .where(
            Member.id == member.id,
            Member.programme_id == scope.programme_id,
            conditions.is_active(),
        )
    ).one_or_none()
    return tuple(map(bool, row)) if row is not None else (False,) * len(trees)
