"""Whom a campaign is for: a tree of predicates as people and programs write it, and what it means
in SQL. Tiers are not among them: the ledger has none yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import Session

from ledger import segments
from ledger.people.members import Member
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from wallet.apple.devices import Registration
from wallet.fields import Body, Moment, Receipt
from wallet.google.mirror import GoogleObject
from wallet.passes.issuing import Pass

MOST_DEEP = 6
MOST_PARTS = 20

Days = Annotated[int, Field(ge=1, le=3_650)]
Bound = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Everyone(Body):
    kind: Literal["everyone"]


class Purchase(Body):
    """Bought something that earned points: since a moment, or within so many days of the start; in
    this store, if one is named. Turn it round with `not`."""

    kind: Literal["purchase"]
    since: Moment | None = None
    days: Days | None = None
    store: Receipt | None = None

    @model_validator(mode="after")
    def at_most_one(self) -> "Purchase":
        if self.since is not None and self.days is not None:
            raise PydanticCustomError("since_or_days", "give either since or days")
        return self


class Activity(Body):
    """Earned or spent points: since a moment, or within so many days of the start."""

    kind: Literal["activity"]
    since: Moment | None = None
    days: Days | None = None

    @model_validator(mode="after")
    def at_most_one(self) -> "Activity":
        if self.since is not None and self.days is not None:
            raise PydanticCustomError("since_or_days", "give either since or days")
        return self


class InPhone(Body):
    """Has the card in a phone's wallet."""

    kind: Literal["card"]
    wallet: Literal["any", "apple", "google"] = "any"


class Points(Body):
    """Has so many points to spend."""

    kind: Literal["balance"]
    at_least: Bound | None = None
    at_most: Bound | None = None


class All(Body):
    kind: Literal["all"]
    of: Annotated[list["Audience"], Field(min_length=1, max_length=MOST_PARTS)]


class AnyOf(Body):
    kind: Literal["any"]
    of: Annotated[list["Audience"], Field(min_length=1, max_length=MOST_PARTS)]


class Not(Body):
    kind: Literal["not"]
    of: "Audience"


Audience = Annotated[
    Everyone | Purchase | Activity | InPhone | Points | All | AnyOf | Not,
    Field(discriminator="kind"),
]
for _part in (All, AnyOf, Not):
    _part.model_rebuild()

TREE: TypeAdapter[Any] = TypeAdapter(Audience)
EVERYONE: dict[str, Any] = {"kind": "everyone"}


def depth(audience: Any) -> int:
    """How deep the tree is."""
    parts = audience.of if isinstance(audience, All | AnyOf | Not) else []
    return 1 + max(map(depth, parts if isinstance(parts, list) else [parts]), default=0)


def read(document: Any) -> Any:
    """The tree from plain data, as it is stored."""
    return TREE.validate_python(document, strict=False)


def stored(audience: Any) -> dict[str, Any]:
    kept: dict[str, Any] = TREE.dump_python(audience, mode="json", exclude_none=True)
    return kept


def condition(
    session: Session, programme: Programme, audience: Any, now: datetime
) -> ColumnElement[bool]:
    """The members of the programme who are meant, as a condition on `Member`. `now` is the moment
    that numbers of days count back from."""
    unit = units.named(session, programme.id, None)
    return and_(Member.programme_id == programme.id, segments.alive(), _of(audience, unit.id, now))


def members_of(
    session: Session, wanted: ColumnElement[bool], after_id: int, last_id: int, limit: int
) -> Sequence[Member]:
    """Those who fit, in order, from behind member `after_id` up to `last_id`."""
    return session.scalars(
        select(Member)
        .where(wanted, Member.id > after_id, Member.id <= last_id)
        .order_by(Member.id)
        .limit(limit)
    ).all()


def size(session: Session, programme: Programme, audience: Any, now: datetime) -> tuple[int, int]:
    """How many are meant, and how many of them have a card in a phone."""
    wanted = condition(session, programme, audience, now)
    found = select(func.count()).select_from(Member)
    all_ = session.scalar(found.where(wanted)) or 0
    reached = session.scalar(found.where(wanted, in_phone("any"))) or 0
    return all_, reached


def in_phone(wallet: Literal["any", "apple", "google"]) -> ColumnElement[bool]:
    """Whose card is in a phone, as far as Apple's phones and Google told us."""
    apple = exists(
        select(Registration.pass_id)
        .join(Pass, Pass.id == Registration.pass_id)
        .where(Pass.member_id == Member.id, Pass.offer_id.is_(None))
        .correlate(Member)
    )
    google = exists(
        select(GoogleObject.pass_id)
        .join(Pass, Pass.id == GoogleObject.pass_id)
        .where(Pass.member_id == Member.id, Pass.offer_id.is_(None), GoogleObject.saved.is_(True))
        .correlate(Member)
    )
    return {"any": or_(apple, google), "apple": apple, "google": google}[wallet]


def _of(audience: Any, unit_id: int, now: datetime) -> ColumnElement[bool]:
    match audience:
        case Everyone():
            return true()
        case Purchase():
            since = _since(audience.since, audience.days, now)
            return segments.did(unit_id, segments.PURCHASE, since, store=audience.store)
        case Activity():
            return segments.did(
                unit_id, segments.ACTIVITY, _since(audience.since, audience.days, now)
            )
        case InPhone():
            return in_phone(audience.wallet)
        case Points():
            return segments.has_points(unit_id, audience.at_least, audience.at_most)
        case All():
            return and_(*(_of(part, unit_id, now) for part in audience.of))
        case AnyOf():
            return or_(*(_of(part, unit_id, now) for part in audience.of))
        case Not():
            return not_(_of(audience.of, unit_id, now))
    raise ValueError(f"no such predicate: {audience!r}")


def _since(since: datetime | None, days: int | None, now: datetime) -> datetime | None:
    return now - timedelta(days=days) if days is not None else since
