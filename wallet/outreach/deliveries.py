"""Deliveries of messages to members: one row for each member and occasion, whatever crashes.

A message is delivered by writing its words on the member's card and storing the version, all in the
transaction that says so in this table (see `messages`); from there on the providers carry it, by
rows of their own. So no member gets a message twice from us, and none is missed. What became of a
message can be read from the versions that phones fetched: see `results`.

Lock order: campaign, deliveries, passes, news, then as everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from ledger.book.journal import Posting
from ledger.database.tables import Base, Identifier, Instant, insert_or
from wallet.passes import news
from wallet.passes.content import LONGEST_MESSAGE
from wallet.passes.versioning import PassVersion

# waiting: to be told. told: on the card. The others are final, and the member was not told:
# held_out (by the campaign's draw), no_consent (to be written to), capped (by the campaign's
# limit), no_card (in any phone), gone (since the audience was frozen), no_field (that shows it),
# refused (the points that belong to it could not be given), no_coupon (is to be had any more: the
# offer that belongs to it was over).
NotTold = Literal[
    "held_out", "no_consent", "capped", "no_card", "gone", "no_field", "refused", "no_coupon"
]
DeliveryState = Literal["waiting", "told"] | NotTold
# The kinds of built-in messages; a campaign's deliveries have the kind `CAMPAIGN`.
MessageKind = Literal["accrued", "spent", "burning", "birthday", "lapsed"]
CAMPAIGN = "campaign"
# Answers to what a member did just now. They are sent however many messages the member got.
ANSWERS = ("accrued", "spent")


class Delivery(Base):
    """A message to one member on one occasion. `posting_id`: what it tells of; `gift_posting_id`,
    `coupon_id`: what came with it, a posting or a pass. `version`: the version of the pass that
    carries it. `repeats`: the card said the same words before, and an iPhone does not announce a
    field that did not change. `text` is personal data."""

    __tablename__ = "outreach_delivery"
    __table_args__ = (
        UniqueConstraint("member_id", "occasion"),
        Index("ix_outreach_delivery_campaign", "campaign_id", "state", "id"),
        Index("ix_outreach_delivery_posting", "posting_id"),
        Index(
            "ix_outreach_delivery_told",
            "member_id",
            "told_at",
            postgresql_where=text("told_at IS NOT NULL"),
            sqlite_where=text("told_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"))
    campaign_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(12))
    occasion: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(10))
    posting_id: Mapped[int | None]
    gift_posting_id: Mapped[int | None]
    coupon_id: Mapped[int | None]
    pass_id: Mapped[int | None]
    version: Mapped[int | None]
    on_apple: Mapped[bool] = mapped_column(default=False)
    on_google: Mapped[bool] = mapped_column(default=False)
    repeats: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str | None] = mapped_column(String(LONGEST_MESSAGE))
    created_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)


# A condition on `Posting`: it came with a message, as a gift. The message has a name of its own,
# since the condition may stand in a query of deliveries.
_BRINGS = aliased(Delivery)
GIFT = exists(
    select(_BRINGS.id).where(
        _BRINGS.posting_id == Posting.id, *(_BRINGS.kind != kind for kind in ANSWERS)
    )
)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why one member is to be told something, once."""

    member_id: int
    kind: str
    occasion: str
    campaign_id: int | None = None
    state: DeliveryState = "waiting"
    posting_id: int | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of a delivery: the version of the pass that has the message, whether any field of
    it shows it, the wallets that the pass was in, and the words."""

    delivery_id: int
    pass_id: int
    version: PassVersion
    on_apple: bool
    on_google: bool
    text: str


def note(
    session: Session, programme_id: int, occasions: Sequence[Occasion], now: datetime
) -> dict[tuple[int, str], int]:
    """Add a row for each occasion that has none; returns the ids of the new rows, by member and
    occasion."""
    if not occasions:
        return {}
    noted = session.execute(
        insert_or(session, Delivery)
        .values([_row(programme_id, one, now) for one in occasions])
        .on_conflict_do_nothing(index_elements=["member_id", "occasion"])
        .returning(Delivery.id, Delivery.member_id, Delivery.occasion)
    )
    return {(row.member_id, row.occasion): row.id for row in noted}


def note_all(
    session: Session, programme_id: int, occasions: Sequence[Occasion], now: datetime
) -> None:
    """Add a row for each occasion that has none, without returning ids: quicker than `note` for
    many."""
    if occasions:
        statement = insert_or(session, Delivery).on_conflict_do_nothing(
            index_elements=["member_id", "occasion"]
        )
        rows = [_row(programme_id, one, now) for one in occasions]
        session.connection().execute(statement, rows)


def _row(programme_id: int, one: Occasion, now: datetime) -> dict[str, object]:
    return {
        "programme_id": programme_id,
        "member_id": one.member_id,
        "campaign_id": one.campaign_id,
        "kind": one.kind,
        "occasion": one.occasion,
        "state": one.state,
        "posting_id": one.posting_id,
        "on_apple": False,
        "on_google": False,
        "repeats": False,
        "created_at": now,
    }


def known(session: Session, occasions: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of these occasions, each a member and an occasion, that have a row."""
    rows = session.execute(
        select(Delivery.member_id, Delivery.occasion).where(
            Delivery.member_id.in_({member_id for member_id, _ in occasions}),
            Delivery.occasion.in_({occasion for _, occasion in occasions}),
        )
    )
    return {(row.member_id, row.occasion) for row in rows}


def settle(session: Session, settlements: Sequence[Settlement], now: datetime) -> None:
    """These messages are on the cards: mark their deliveries as told. A message that no field of
    the card shows was not delivered."""
    if settlements:
        session.connection().execute(_SETTLE, [_settled(each, now) for each in settlements])


def _settled(settlement: Settlement, now: datetime) -> dict[str, object]:
    is_shown = settlement.version.has_message
    return {
        "the_id": settlement.delivery_id,
        "the_state": "told" if is_shown else "no_field",
        "the_pass": settlement.pass_id,
        "the_version": settlement.version.number,
        "the_apple": settlement.on_apple,
        "the_google": settlement.on_google,
        "the_text": settlement.text,
        "the_moment": now if is_shown else None,
    }


def mark_repeats(session: Session, delivery_ids: Sequence[int]) -> None:
    """Note that the card said the same words before these deliveries."""
    if delivery_ids:
        session.execute(update(Delivery).where(Delivery.id.in_(delivery_ids)).values(repeats=True))


def end(session: Session, ended: Mapping[NotTold, Sequence[int]]) -> None:
    """End deliveries whose members get no message; they stand under the reason."""
    for reason, delivery_ids in ended.items():
        session.execute(update(Delivery).where(Delivery.id.in_(delivery_ids)).values(state=reason))


def came_with(session: Session, postings: Mapping[int, int]) -> None:
    """Note the gift, a posting, that came with each of these deliveries (delivery -> posting)."""
    for delivery_id, posting_id in postings.items():
        session.execute(
            update(Delivery).where(Delivery.id == delivery_id).values(gift_posting_id=posting_id)
        )


def came_with_coupons(session: Session, coupons: Mapping[int, int]) -> None:
    """Note the coupon, a pass, that came with each of these deliveries (delivery -> pass)."""
    if coupons:
        rows = [{"the_id": one, "the_coupon": coupon} for one, coupon in coupons.items()]
        session.connection().execute(_WITH_COUPON, rows)


def told_since(session: Session, member_ids: Sequence[int], since: datetime) -> dict[int, int]:
    """How many messages each member was told since then; answers to what they did do not count."""
    rows = session.execute(
        select(Delivery.member_id, func.count())
        .where(
            Delivery.member_id.in_(member_ids),
            Delivery.told_at > since,
            Delivery.kind.not_in(ANSWERS),
        )
        .group_by(Delivery.member_id)
    )
    return {row[0]: row[1] for row in rows}


def forget(session: Session, member_ids: Sequence[int]) -> None:
    """Delete the words of messages to these members, and end those that wait. The rows stay, so
    that totals do not change."""
    news.forget(session, member_ids)
    session.execute(
        update(Delivery)
        .where(Delivery.member_id.in_(member_ids), Delivery.text.is_not(None))
        .values(text=None)
    )
    session.execute(
        update(Delivery)
        .where(Delivery.member_id.in_(member_ids), Delivery.state == "waiting")
        .values(state="gone")
    )


_TABLE = Delivery.__table__
_SETTLE = (
    _TABLE.update()  # type: ignore[attr-defined]
    .where(_TABLE.c.id == bindparam("the_id"))
    .values(
        state=bindparam("the_state"),
        pass_id=bindparam("the_pass"),
        version=bindparam("the_version"),
        on_apple=bindparam("the_apple"),
        on_google=bindparam("the_google"),
        text=bindparam("the_text"),
        told_at=bindparam("the_moment", type_=Instant()),
    )
)
_WITH_COUPON = (
    _TABLE.update()  # type: ignore[attr-defined]
    .where(_TABLE.c.id == bindparam("the_id"))
    .values(coupon_id=bindparam("the_coupon"))
)
