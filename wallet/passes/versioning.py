"""Versions of passes: a pass that would show something else gets the next version.

A pass has three marks of its last change: a version, which counts its contents; the second of the
change (`last_modified`); and a tag, its place among all changes of its pass type. Tags come from
one counter row for each pass type, which is locked until the commit, so a later tag is never
visible before an earlier one.

Lock order: passes by ascending id, then the counter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, case, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import EPOCH, MICROSECOND, Base, JsonDocument, insert_or
from ledger.offers.offers import Offer
from ledger.programmes import programmes
from ledger.programmes.programmes import Programme
from wallet.passes import issued, showing, templates
from wallet.passes.content import Content, Facts, render
from wallet.passes.issued import Pass
from wallet.passes.templates import DesignPurpose, Template

LEAP_AHEAD_S = 3600  # how far beyond now `leap` sets the dates of changes


class PassTag(Base):
    """The newest tag of a pass type. Its row is the counter from which tags are taken."""

    __tablename__ = "wallet_pass_tag"

    pass_type: Mapped[str] = mapped_column(String(155), primary_key=True)
    tag: Mapped[int]


@dataclass(frozen=True, slots=True)
class Change:
    """The next version of a pass. `last_modified` is in seconds since 1970; `content` is as
    stored."""

    pass_id: int
    pass_type: str
    version: int
    last_modified: int
    template_id: int
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PassVersion:
    """A version of a pass, and whether it shows a message."""

    number: int
    has_message: bool

    @classmethod
    def of(cls, number: int, stored: dict[str, Any]) -> "PassVersion":
        """Read from a version's stored content."""
        return cls(number, bool(stored.get("message")))


def changes(session: Session, passes: Sequence[Pass], now: datetime) -> list[Change]:
    """The next versions of those of these locked passes that would show something else than they do
    now."""
    found: list[Change] = []
    for programme_id in sorted({pass_.programme_id for pass_ in passes}):
        theirs = [pass_ for pass_ in passes if pass_.programme_id == programme_id]
        programme = programmes.by_id(session, programme_id)
        facts = showing.facts(session, programme, [pass_.member_id for pass_ in theirs], now)
        found += changes_to(session, programme, theirs, facts, now)
    return found


def changes_to(
    session: Session,
    programme: Programme,
    passes: Sequence[Pass],
    facts: Mapping[int, Facts],
    now: datetime,
) -> list[Change]:
    """The next versions of those passes of one programme that would show something else than they
    do now. `facts`, by member, were read after the passes were locked.

    Each version has a second of its own. HTTP dates have no smaller unit: with two versions in one
    second, a phone that has the first would get a 304 for the second."""
    return [
        Change(
            pass_.id,
            pass_.pass_type,
            pass_.version + 1,
            max(int(now.timestamp()), pass_.last_modified + 1),
            template_id,
            issued.stored_content(content),
        )
        for pass_, template_id, content in rendered(session, programme, passes, facts, now)
        if content != issued.content(pass_) or pass_.template_id != template_id
    ]


def rendered(
    session: Session,
    programme: Programme,
    passes: Sequence[Pass],
    facts: Mapping[int, Facts],
    now: datetime,
) -> list[tuple[Pass, int, Content]]:
    """Each of these passes of one programme with what it would show now, and from which template.
    `facts` are by member."""
    offers = _offers_of(session, passes)
    newest = {
        purpose: templates.current(session, programme.id, purpose)
        for purpose in sorted({_purpose(pass_) for pass_ in passes})
    }
    tried = _tried(session, passes)
    designs = {one.id: templates.design(one) for one in (*newest.values(), *tried.values())}
    found = []
    for pass_ in passes:
        template = newest[_purpose(pass_)]
        trial = tried.get(pass_.trial_id or 0)
        if trial is not None and trial.id > template.id:
            template = trial
        shown, validity = facts[pass_.member_id], showing.validity_of(pass_, programme)
        if pass_.lost_at is not None:
            shown = showing.nothing(programme)
        elif pass_.offer_id is None:
            shown = showing.of_card(shown, validity, now)
        else:
            offer = offers[pass_.offer_id]
            shown, validity = showing.of_coupon(
                pass_.serial, offer, shown, programme, validity, now
            )
        found.append((pass_, template.id, render(designs[template.id], shown, validity)))
    return found


def _tried(session: Session, passes: Sequence[Pass]) -> dict[int, Template]:
    """The designs that are tried on any of these passes, by id. What was published after one of
    them comes before it."""
    ids = {pass_.trial_id for pass_ in passes if pass_.trial_id is not None}
    if not ids:
        return {}
    return {one.id: one for one in session.scalars(select(Template).where(Template.id.in_(ids)))}


def _purpose(pass_: Pass) -> DesignPurpose:
    return "card" if pass_.offer_id is None else "offer"


def _offers_of(session: Session, passes: Sequence[Pass]) -> dict[int, Offer]:
    ids = {pass_.offer_id for pass_ in passes if pass_.offer_id is not None}
    if not ids:
        return {}
    return {one.id: one for one in session.scalars(select(Offer).where(Offer.id.in_(ids)))}


def versions_after(passes: Sequence[Pass], changes: Sequence[Change]) -> dict[int, PassVersion]:
    """The versions of these passes, by pass id, once the changes to them are stored."""
    before = {pass_.id: PassVersion.of(pass_.version, pass_.content) for pass_ in passes}
    after = {change.pass_id: PassVersion.of(change.version, change.content) for change in changes}
    return before | after


def versions(session: Session, pass_ids: Sequence[int]) -> dict[int, PassVersion]:
    """The stored versions of these passes, by pass id."""
    rows = session.execute(select(Pass.id, Pass.version, Pass.content).where(Pass.id.in_(pass_ids)))
    return {row.id: PassVersion.of(row.version, row.content) for row in rows}


def store(session: Session, changes: Sequence[Change]) -> None:
    """Store the new versions and give each its tag. Call it last in the transaction: the counter
    stays locked until the commit."""
    tags = _next_tags(session, {change.pass_id: change.pass_type for change in changes})
    table = Pass.__table__
    session.connection().execute(
        table.update()  # type: ignore[attr-defined]
        .where(table.c.id == bindparam("pass_id"))
        .values(
            version=bindparam("new_version"),
            tag=bindparam("new_tag"),
            last_modified=bindparam("new_last_modified"),
            template_id=bindparam("new_template_id"),
            content=bindparam("new_content", type_=JsonDocument),
        ),
        [
            {
                "pass_id": change.pass_id,
                "new_version": change.version,
                "new_tag": tags[change.pass_id],
                "new_last_modified": change.last_modified,
                "new_template_id": change.template_id,
                "new_content": change.content,
            }
            for change in changes
        ],
    )


def move_tags(session: Session, pass_ids: Sequence[int]) -> None:
    """Give these passes the newest tags of their types, so that every phone that asks is told of
    them."""
    rows = session.execute(
        select(Pass.id, Pass.pass_type)
        .where(Pass.id.in_(pass_ids))
        .order_by(Pass.id)
        .with_for_update(key_share=True)
    ).all()
    tags = _next_tags(session, {row.id: row.pass_type for row in rows})
    table = Pass.__table__
    session.connection().execute(
        table.update()  # type: ignore[attr-defined]
        .where(table.c.id == bindparam("pass_id"))
        .values(tag=bindparam("new_tag")),
        [{"pass_id": pass_id, "new_tag": tag} for pass_id, tag in tags.items()],
    )


def newest_tag(pass_type: ColumnElement[str]) -> ColumnElement[int]:
    """The newest tag of a pass type as a part of a query; 0 if there is none."""
    newest = select(PassTag.tag).where(PassTag.pass_type == pass_type).scalar_subquery()
    return func.coalesce(newest, 0)


def leap(session: Session, now: datetime) -> None:
    """After a backup was restored: make every pass newer than all that phones can have heard of
    since the backup was taken.

    Tags count changes. Microseconds since 1970 are more than any tag that was given, and more than
    an earlier leap gave. Dates of changes are set an hour ahead: a pass that changed more than once
    a second has a date beyond the clock, and it is not known any more how far."""
    newest = max(session.scalars(select(PassTag.tag)).all(), default=0)
    base = max(newest, (now - EPOCH) // MICROSECOND)
    moment = int(now.timestamp()) + LEAP_AHEAD_S
    later = case(
        (Pass.last_modified >= moment, Pass.last_modified + 1),
        else_=moment,
    )
    session.execute(
        update(Pass)
        .values(version=Pass.version + 1, last_modified=later, tag=base + Pass.id)
        .execution_options(synchronize_session=False)
    )
    last = base + (session.scalar(select(func.max(Pass.id))) or 0)
    for pass_type in session.scalars(select(Pass.pass_type).distinct()).all():
        session.execute(
            insert_or(session, PassTag)
            .values(pass_type=pass_type, tag=last)
            .on_conflict_do_update(index_elements=["pass_type"], set_={"tag": last})
        )


def _next_tags(session: Session, passes: Mapping[int, str]) -> dict[int, int]:
    """Fresh tags for these passes, by their types; within a type they ascend with the pass id."""
    tags: dict[int, int] = {}
    for pass_type in sorted(set(passes.values())):
        theirs = sorted(pass_id for pass_id, its_type in passes.items() if its_type == pass_type)
        first = _take_tags(session, pass_type, len(theirs)) - len(theirs) + 1
        tags |= {pass_id: first + place for place, pass_id in enumerate(theirs)}
    return tags


def _take_tags(session: Session, pass_type: str, count: int) -> int:
    """Take `count` fresh tags and return the last. Until the commit this transaction has the
    counter locked."""
    statement = insert_or(session, PassTag).values(pass_type=pass_type, tag=count)
    return int(
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["pass_type"], set_={"tag": PassTag.tag + count}
            ).returning(PassTag.tag)
        ).scalar_one()
    )
