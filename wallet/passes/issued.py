"""The passes that were issued, as they are stored: a card for each member, and a coupon for each
offer that a member took.

Lock order: passes by ascending id, then the counter of tags (`versioning`)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, ForeignKey, Index, String, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import (
    EPOCH,
    Base,
    Identifier,
    Instant,
    JsonDocument,
    batched,
    dialect_of,
)
from ledger.offers.offers import OfferMember
from ledger.people import cards, members
from ledger.reports import tallies
from ledger.reports.figures import TalliedFigure
from ledger.reports.tallies import TallyRow
from wallet.configuration.keyring import CardLink, LinkPurpose
from wallet.errors import PassErased, PassLost, UnknownPass
from wallet.passes.content import NO_PASS_TYPE, Content, PassState

ASKS = "asks"

CARDS = text("offer_id IS NULL AND lost_at IS NULL")
COUPONS = text("offer_id IS NOT NULL AND lost_at IS NULL")

_CONTENT = TypeAdapter(Content)


class Pass(Base):
    """One card or coupon of a member. A pass that was lost stays beside the one that took its
    place. `content` is the stored version that phones are shown,
    rendered from `template_id`. `version` counts the contents from 1; `last_modified` is the second
    (since 1970) of the last change, `tag` its place among all changes of the pass type. `serial` is
    random, and `key_id` names the key from which its token is derived: both never change; nor does
    `pass_type` once there is one. Rows are never deleted."""

    __tablename__ = "wallet_pass"
    __table_args__ = (
        # A member has one card of each pass type, and one coupon of each offer, that are not lost.
        Index(
            "ux_wallet_pass_card",
            "member_id",
            "pass_type",
            unique=True,
            postgresql_where=CARDS,
            sqlite_where=CARDS,
        ),
        Index(
            "ux_wallet_pass_offer",
            "member_id",
            "offer_id",
            unique=True,
            postgresql_where=COUPONS,
            sqlite_where=COUPONS,
        ),
        # The coupons of an offer, as a list has them.
        Index(
            "ix_wallet_pass_of_offer",
            "offer_id",
            "id",
            postgresql_where=COUPONS,
            sqlite_where=COUPONS,
        ),
    )

    id: Mapped[int] = mapped_column(Identifier, primary_key=True)
    serial: Mapped[str] = mapped_column(String(32), unique=True)
    pass_type: Mapped[str] = mapped_column(String(155))
    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("ledger_member.id"))
    key_id: Mapped[str] = mapped_column(String(8))
    template_id: Mapped[int] = mapped_column(ForeignKey("wallet_template.id"))
    version: Mapped[int]
    tag: Mapped[int]
    last_modified: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JsonDocument)
    created_at: Mapped[datetime] = mapped_column(Instant)
    # What was decided about this one pass, and from which moment it is not valid.
    state: Mapped[PassState] = mapped_column(String(10), server_default="active")
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    # When a coupon was used, and who took it: null too for those that were used before this was
    # kept.
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    used_by_kind: Mapped[str | None] = mapped_column(String(12))
    used_by: Mapped[str | None] = mapped_column(String(254))
    # The offer that it is a coupon of; None for a member's card.
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_offer.id"))
    # None: it never asked its owner who they are. ASKS: it asks. Otherwise the SHA-256 of the token
    # with which the phone answered.
    enrolment: Mapped[str | None] = mapped_column(String(64))
    # Since when it is in wrong hands: void for good, and another pass has its place.
    lost_at: Mapped[datetime | None] = mapped_column(Instant)
    # A design that is tried on this one pass, until a newer one is published for all.
    trial_id: Mapped[int | None] = mapped_column(ForeignKey("wallet_template.id"))
    # How often its link was renewed: earlier links are refused.
    link_generation: Mapped[int] = mapped_column(default=0, server_default="0")

    @property
    def voided(self) -> bool:
        """Whether the stored content says that the pass is void for good, since its member was
        erased or the pass was lost."""
        return bool(self.content.get("voided"))

    @property
    def link(self) -> CardLink:
        """The link by which its owner finds it."""
        purpose: LinkPurpose = "card" if self.offer_id is None else "coupon"
        return CardLink(self.serial, purpose, self.link_generation)

    def require_present(self) -> None:
        """Raises `PassLost`, `PassErased` for a pass that is void for good."""
        if self.lost_at is not None:
            raise PassLost
        if self.voided:
            raise PassErased


def give_type(session: Session, pass_id: int, pass_type: str) -> None:
    """Give a pass that has none its pass type; one that has keeps it. No phone can have such a
    pass, so its tag begins anew: the one before was counted among passes without a type."""
    session.execute(
        update(Pass)
        .where(Pass.id == pass_id, Pass.pass_type == NO_PASS_TYPE)
        .values(pass_type=pass_type, tag=0)
        .execution_options(synchronize_session=False)
    )


def by_key(session: Session) -> Mapping[str, int]:
    """How many passes carry a token of which key: the ids of keys. It reads the whole table."""
    counted = select(Pass.key_id, func.count()).group_by(Pass.key_id)
    return dict(session.execute(counted).all())


def by_serial(session: Session, serial: str) -> Pass | None:
    """The pass with this serial number; None if there is none."""
    return session.scalar(select(Pass).where(Pass.serial == serial))


def named(session: Session, serial: str) -> Pass:
    """The pass with this serial number. Raises `UnknownPass`."""
    pass_ = by_serial(session, serial)
    if pass_ is None:
        raise UnknownPass
    return pass_


def card_of(session: Session, member_id: int) -> Pass:
    """The member's card, which must exist."""
    return session.scalars(
        select(Pass).where(
            Pass.member_id == member_id, Pass.offer_id.is_(None), Pass.lost_at.is_(None)
        )
    ).one()


def coupons_of(session: Session, member_id: int) -> Mapping[int, Pass]:
    """The member's coupons by the id of their offer, valid or not."""
    rows = session.scalars(
        select(Pass).where(
            Pass.member_id == member_id, Pass.offer_id.is_not(None), Pass.lost_at.is_(None)
        )
    )
    return {pass_.offer_id: pass_ for pass_ in rows if pass_.offer_id is not None}


def all_of_member(session: Session, member_id: int) -> Sequence[Pass]:
    """The member's card and coupons, the oldest first; without those that were lost."""
    return session.scalars(
        select(Pass).where(Pass.member_id == member_id, Pass.lost_at.is_(None)).order_by(Pass.id)
    ).all()


def ids_of_members(session: Session, member_ids: Sequence[int]) -> Sequence[int]:
    """The ids of all passes of these members but those that were lost, which never change again."""
    return session.scalars(
        select(Pass.id).where(Pass.member_id.in_(member_ids), Pass.lost_at.is_(None))
    ).all()


def every_id_of_members(session: Session, member_ids: Sequence[int]) -> Sequence[int]:
    """The ids of all passes that these members have and had."""
    return session.scalars(select(Pass.id).where(Pass.member_id.in_(member_ids))).all()


def cards_with_coupons(session: Session, pass_ids: Sequence[int]) -> Sequence[int]:
    """The ids of the cards of those members of whom a coupon is among these passes."""
    owners = select(Pass.member_id).where(Pass.id.in_(pass_ids), Pass.offer_id.is_not(None))
    return session.scalars(
        select(Pass.id).where(
            Pass.member_id.in_(owners), Pass.offer_id.is_(None), Pass.lost_at.is_(None)
        )
    ).all()


def in_programme(session: Session, programme_id: int, after_id: int, limit: int) -> Sequence[int]:
    """Ids of the programme's passes, ascending, from behind pass `after_id`; without those that
    were lost."""
    return session.scalars(
        select(Pass.id)
        .where(Pass.programme_id == programme_id, Pass.id > after_id, Pass.lost_at.is_(None))
        .order_by(Pass.id)
        .limit(limit)
    ).all()


def number_in_programme(session: Session, programme_id: int) -> int:
    """How many passes the programme has, coupons and void ones included, without those that were
    lost."""
    query = select(func.count()).where(Pass.programme_id == programme_id, Pass.lost_at.is_(None))
    return session.scalars(query).one()


def number_of_kind(session: Session, programme_id: int, *, coupons: bool) -> int:
    """How many cards the programme has, or how many coupons, void ones included, without those that
    were lost."""
    is_coupon = Pass.offer_id.is_not(None) if coupons else Pass.offer_id.is_(None)
    query = select(func.count()).where(
        Pass.programme_id == programme_id, is_coupon, Pass.lost_at.is_(None)
    )
    return session.scalars(query).one()


def programmes_of(
    session: Session, pass_ids: Collection[int], *, cards_only: bool = False
) -> dict[int, int]:
    """By pass, the programme of each of these; with `cards_only`, coupons are left out."""
    found: dict[int, int] = {}
    for part in batched(list(pass_ids)):
        query = select(Pass.id, Pass.programme_id).where(Pass.id.in_(part))
        if cards_only:
            query = query.where(Pass.offer_id.is_(None))
        found |= {row.id: row.programme_id for row in session.execute(query)}
    return found


def tally(
    session: Session,
    wallet: str,
    passes: Mapping[TalliedFigure, Sequence[int]],
    now: datetime,
) -> None:
    """Note in the tallies of days what became of these passes at a wallet, by figure; a pass counts
    as often as it is named."""
    for figure, ids in passes.items():
        if not ids:
            continue
        if dialect_of(session) == "postgresql":
            told = f"{{{','.join(map(str, ids))}}}"  # the driver takes longer to write a list
            session.connection().exec_driver_sql(_TALLIED, (figure, wallet, now, told))
        else:
            known = programmes_of(session, ids)
            of_programmes = tallies.counted(known[one] for one in ids if one in known)
            tallies.note(session, figure, wallet, of_programmes, now)


# Pushes come by the thousand: PostgreSQL gets them as an array, and finds their programmes itself.
_TALLIED = (
    f"INSERT INTO {TallyRow.__tablename__} (programme_id, figure, of, at, amount)"  # noqa: S608 - our own name
    " SELECT p.programme_id, %s, %s, %s, count(*) FROM unnest(%s::bigint[]) AS told (id)"
    " JOIN wallet_pass p ON p.id = told.id GROUP BY p.programme_id"
)


def number_of_audience(session: Session, offer_id: int) -> int:
    """How many passes the members have for whom this offer was written down, counted as in
    `number_in_programme`."""
    query = (
        select(func.count())
        .select_from(OfferMember)
        .join(Pass, Pass.member_id == OfferMember.member_id)
        .where(OfferMember.offer_id == offer_id, Pass.lost_at.is_(None))
    )
    return session.scalars(query).one()


def lock(session: Session, pass_ids: Sequence[int]) -> Sequence[Pass]:
    """Lock passes in ascending order and read them anew. Facts that are read after this are newer
    than every version that exists."""
    return _lock(session, Pass.id.in_(pass_ids))


def lock_cards(session: Session, member_ids: Sequence[int]) -> Sequence[Pass]:
    """Lock the cards of these members, without coupons, in ascending order, and read them anew.
    Facts that are read after this are newer than every version that exists."""
    return _lock(
        session,
        Pass.member_id.in_(member_ids) & Pass.offer_id.is_(None) & Pass.lost_at.is_(None),
    )


def lock_out(session: Session, pass_ids: Sequence[int]) -> Sequence[Pass]:
    """Lock passes as `lock` does, for a change that no phone may miss. A phone that registers at
    the same moment waits, and then sees the change, or is waited for, and then is told of it."""
    return _lock(session, Pass.id.in_(pass_ids), beside_registrations=False)


def _lock(
    session: Session, wanted: ColumnElement[bool], *, beside_registrations: bool = True
) -> Sequence[Pass]:
    return session.scalars(
        select(Pass)
        .where(wanted)
        .order_by(Pass.id)
        # A registration refers to its pass, and a weak lock lets it.
        .with_for_update(key_share=beside_registrations)
        .execution_options(populate_existing=True)
    ).all()


def decide(
    session: Session,
    pass_: Pass,
    state: PassState,
    ends_at: datetime | None,
    now: datetime,
) -> Pass:
    """Decide whether the pass is valid, and until when. What is decided about a card holds for the
    number that it shows: tills refuse it as long as the card is not valid. What phones show follows
    with `refresh`. Raises `PassErased`, `PassLost`."""
    members.lock(session, [pass_.member_id])
    (locked,) = lock(session, [pass_.id])
    locked.require_present()
    if (locked.state, locked.ends_at) != (state, ends_at) and not _is_over(locked, state):
        locked.state, locked.ends_at = state, ends_at
        if state == "active":
            locked.used_at = locked.used_by_kind = locked.used_by = None
        session.flush()
        if locked.offer_id is None:
            _decide_number(session, locked, now)
    return locked


def _decide_number(session: Session, card: Pass, now: datetime) -> None:
    if card.state == "void":
        cards.make_void(session, card.member_id, now)
        return
    if card.state == "active":
        cards.restore(session, card.member_id)
    if card.ends_at is not None:
        cards.end(session, card.member_id, card.ends_at)


def try_on(session: Session, pass_: Pass, template_id: int | None) -> Pass:
    """Have this one pass show a design that is tried, or with None that of all others again. What
    phones show follows with `refresh`. Raises `PassErased`, `PassLost`."""
    (locked,) = lock(session, [pass_.id])
    locked.require_present()
    locked.trial_id = template_id
    session.flush()
    return locked


def trying(session: Session, programme_id: int, newer_than: int, limit: int) -> Sequence[Pass]:
    """The passes of a programme on which a design is tried that is newer than this template, the
    newest first."""
    return session.scalars(
        select(Pass)
        .where(Pass.programme_id == programme_id, Pass.trial_id > newer_than)
        .order_by(Pass.trial_id.desc(), Pass.id.desc())
        .limit(limit)
    ).all()


def renew_link(session: Session, pass_: Pass) -> Pass:
    """Give the pass another link; the one before is refused from now on. The pass in phones stays
    as it is. Raises `PassErased`, `PassLost`."""
    (locked,) = lock(session, [pass_.id])
    locked.require_present()
    locked.link_generation += 1
    session.flush()
    return locked


def _is_over(pass_: Pass, state: PassState) -> bool:
    """Whether the pass ended before and is to end once more: then the first moment stays."""
    return pass_.state == "expired" and state == "expired"


def counting(session: Session, member_id: int, now: datetime) -> Sequence[Pass]:
    """The member's passes that are valid at this moment: the card, then coupons, the newest
    first."""
    found = session.scalars(
        select(Pass)
        .where(Pass.member_id == member_id, Pass.state == "active", Pass.lost_at.is_(None))
        .order_by(Pass.offer_id.is_not(None), Pass.id.desc())
    ).all()
    return [pass_ for pass_ in found if counts(pass_, now)]


def counts(pass_: Pass, now: datetime) -> bool:
    """Whether the stored content is valid at this moment."""
    shown = content(pass_)
    if shown.voided or shown.state != "active":
        return False
    return not shown.expires or datetime.fromisoformat(shown.expires) > now


def changed_at(pass_: Pass) -> datetime:
    """When the pass changed last, to the second."""
    return EPOCH + timedelta(seconds=pass_.last_modified)


def content(pass_: Pass) -> Content:
    """What the pass shows: its stored version."""
    return read_content(pass_.content)


def read_content(stored: Mapping[str, Any]) -> Content:
    """The content in a value of `Pass.content`."""
    return _CONTENT.validate_python(stored)


def stored_content(content: Content) -> dict[str, Any]:
    """The content as `Pass.content` holds it."""
    stored: dict[str, Any] = _CONTENT.dump_python(content, mode="json", exclude_none=True)
    return stored
