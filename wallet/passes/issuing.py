"""Passes: issued once per member, then only ever shown in new versions.

A pass has a version (its content changed), the second of that change (`last_modified`) and a tag
(its place among all changes of its pass type). Tags come from one counter row per pass type that is
locked until the commit, so a later tag is never visible before an earlier one.

Lock order: passes by ascending id, then the counter."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger import enrolment, languages, offers, words
from ledger.book import statements
from ledger.database.tables import (
    EPOCH,
    MICROSECOND,
    Base,
    Identifier,
    Instant,
    JsonDocument,
    insert_or,
)
from ledger.languages import Language
from ledger.limits import NEVER
from ledger.offers import Offer
from ledger.people import cards, members
from ledger.people.members import Member
from ledger.people.persons import Person, Profile
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme
from wallet import sentences
from wallet.configuration.keyring import KeyRing
from wallet.errors import (
    CodeForged,
    CouponOver,
    CouponUsed,
    NotACoupon,
    OfferNotShown,
    PassErased,
    UnknownPass,
)
from wallet.passes import barcode_settings, codes, news, renewal, templates
from wallet.passes.content import Content, Facts, OfferShown, PassState, Validity, render
from wallet.passes.templates import DesignPurpose

AHEAD_S = 3600
ASKS = "asks"


_CONTENT = TypeAdapter(Content)


class Pass(Base):
    __tablename__ = "wallet_pass"
    __table_args__ = (
        # A card of each pass type, and a coupon of each offer.
        Index(
            "ux_wallet_pass_card",
            "member_id",
            "pass_type",
            unique=True,
            postgresql_where=text("offer_id IS NULL"),
            sqlite_where=text("offer_id IS NULL"),
        ),
        Index(
            "ux_wallet_pass_offer",
            "member_id",
            "offer_id",
            unique=True,
            postgresql_where=text("offer_id IS NOT NULL"),
            sqlite_where=text("offer_id IS NOT NULL"),
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
    # What was decided about this one, and from when on it does not count.
    state: Mapped[PassState] = mapped_column(String(10), server_default="active")
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    # The offer that it is a coupon of; None for a member's card.
    offer_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_offer.id"))
    # None: it never asked whose it is. ASKS: it does. Else the digest of the answer.
    enrolment: Mapped[str | None] = mapped_column(String(64))

    @property
    def voided(self) -> bool:
        """Whether it says of itself that it counts no more: its member was erased."""
        return bool(self.content.get("voided"))


class PassTag(Base):
    """The newest tag of a pass type."""

    __tablename__ = "wallet_pass_tag"

    pass_type: Mapped[str] = mapped_column(String(155), primary_key=True)
    tag: Mapped[int]


@dataclass(frozen=True, slots=True)
class Change:
    """The next version of a pass."""

    pass_id: int
    pass_type: str
    version: int
    last_modified: int
    template_id: int
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a pass, as far as messages go: whether a field of it shows one."""

    number: int
    has_message: bool

    @classmethod
    def of(cls, number: int, stored: dict[str, Any]) -> "Version":
        return cls(number, bool(stored.get("message")))


def issue(session: Session, member: Member, pass_type: str, keys: KeyRing, now: datetime) -> Pass:
    """The member's pass, in its first version."""
    programme = programmes.by_id(session, member.programme_id)
    issue_all(session, programme, [member.id], pass_type, keys, now)
    return of_member(session, member.id)


def issue_offer(
    session: Session, member: Member, offer: Offer, pass_type: str, key_id: str, now: datetime
) -> Pass:
    """The member's coupon of this offer: there is one, however often it is asked for. Raises
    `OfferNotShown` if the offer is not one that the member is shown now."""
    if offer.id not in {one.id for one in _shown_offers(session, member, now)}:
        raise OfferNotShown
    programme = programmes.by_id(session, member.programme_id)
    template = templates.for_offers(session, programme, now)
    design = templates.design(template)
    known = facts(session, programme, [member.id], now)[member.id]
    serial = secrets.token_hex(16)
    shown, standing = _coupon(serial, offer, known, programme, Validity(), now)
    session.execute(
        insert_or(session, Pass)
        .values(
            serial=serial,
            pass_type=design.pass_type or pass_type,
            programme_id=programme.id,
            member_id=member.id,
            offer_id=offer.id,
            key_id=key_id,
            template_id=template.id,
            version=1,
            tag=0,
            last_modified=int(now.timestamp()),
            content=_CONTENT.dump_python(render(design, shown, standing), mode="json"),
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(Pass).where(Pass.member_id == member.id, Pass.offer_id == offer.id)
    ).one()


def _shown_offers(session: Session, member: Member, now: datetime) -> Sequence[Offer]:
    return offers.shown(session, member.programme_id, [member.id], now)[member.id]


def issue_all(
    session: Session,
    programme: Programme,
    member_ids: Sequence[int],
    pass_type: str,
    keys: KeyRing,
    now: datetime,
) -> None:
    """A pass for each of these members of one programme, in its first version."""
    renewal.begin(session, programme, member_ids, keys, now)
    template = templates.current(session, programme.id)
    design = templates.design(template)
    known = facts(session, programme, member_ids, now)
    asking = _unknown_people(session, member_ids) if design.enrolment is not None else set()
    session.execute(
        insert(Pass),
        [
            {
                "serial": secrets.token_hex(16),
                "pass_type": design.pass_type or pass_type,
                "programme_id": programme.id,
                "member_id": member_id,
                "key_id": keys.first.id,
                "template_id": template.id,
                "version": 1,
                "tag": 0,
                "last_modified": int(now.timestamp()),
                "content": _CONTENT.dump_python(
                    render(design, known[member_id], Validity(asks=member_id in asking)),
                    mode="json",
                ),
                "created_at": now,
                "enrolment": ASKS if member_id in asking else None,
            }
            for member_id in member_ids
        ],
    )


def join(
    session: Session,
    programme: Programme,
    profile: Profile,
    pass_type: str,
    keys: KeyRing,
    now: datetime,
    *,
    checked: bool = True,
) -> Pass:
    """A person joins the programme and gets a card. Raises as `enrolment.join` does."""
    joined = enrolment.join(session, programme, profile, now, checked=checked)
    return issue(session, joined.member, pass_type, keys, now)


def by_serial(session: Session, serial: str) -> Pass | None:
    return session.scalar(select(Pass).where(Pass.serial == serial))


def of_member(session: Session, member_id: int) -> Pass:
    """The member's card."""
    return session.scalars(
        select(Pass).where(Pass.member_id == member_id, Pass.offer_id.is_(None))
    ).one()


def named(session: Session, serial: str) -> Pass:
    """Raises `UnknownPass`."""
    pass_ = by_serial(session, serial)
    if pass_ is None:
        raise UnknownPass
    return pass_


def all_of_member(session: Session, member_id: int) -> Sequence[Pass]:
    """The oldest first."""
    return session.scalars(select(Pass).where(Pass.member_id == member_id).order_by(Pass.id)).all()


def coupons_of(session: Session, member_id: int) -> Mapping[int, Pass]:
    """The member's coupons, whether they count or not, by the offer."""
    rows = session.scalars(
        select(Pass).where(Pass.member_id == member_id, Pass.offer_id.is_not(None))
    )
    return {pass_.offer_id: pass_ for pass_ in rows if pass_.offer_id is not None}


def counting(session: Session, member_id: int, now: datetime) -> Sequence[Pass]:
    """The member's passes that count at this moment: the card, then coupons, the newest first."""
    found = session.scalars(
        select(Pass)
        .where(Pass.member_id == member_id, Pass.state == "active")
        .order_by(Pass.offer_id.is_not(None), Pass.id.desc())
    ).all()
    return [pass_ for pass_ in found if counts(pass_, now)]


def counts(pass_: Pass, now: datetime) -> bool:
    """Whether what the pass shows is good at this moment."""
    shown = content(pass_)
    if shown.voided or shown.state != "active":
        return False
    return not shown.expires or datetime.fromisoformat(shown.expires) > now


def decide(session: Session, pass_: Pass, state: PassState, ends_at: datetime | None) -> Pass:
    """Say whether the pass counts, and until when. What phones show follows with `refresh`.
    Raises `PassErased`."""
    (locked,) = lock(session, [pass_.id])
    if locked.voided:
        raise PassErased
    if (locked.state, locked.ends_at) != (state, ends_at) and not _is_over(locked, state):
        locked.state, locked.ends_at = state, ends_at
        session.flush()
    return locked


def use(session: Session, pass_: Pass, now: datetime) -> Pass:
    """Use a coupon up: of several tills one does. What phones show follows with `refresh`. Raises
    `PassErased`, `NotACoupon`, `CouponUsed`, `CouponOver`."""
    (locked,) = lock(session, [pass_.id])
    if locked.voided:
        raise PassErased
    state = coupon_state(session, locked, now)
    if state == "used":
        raise CouponUsed
    if state != "active":
        raise CouponOver(state)
    locked.state = "used"
    session.flush()
    return locked


def coupon_of(session: Session, serial: str, member: Member) -> Pass:
    """The coupon that this member shows, or somebody who became one with them. Raises
    `CodeForged`."""
    pass_ = by_serial(session, serial)
    if pass_ is None or pass_.offer_id is None:
        raise CodeForged
    owner = members.by_id(session, pass_.member_id)
    if member.id not in (owner.id, owner.merged_into_id):
        raise CodeForged
    return pass_


def coupon_state(session: Session, pass_: Pass, now: datetime) -> PassState:
    """Whether a till may take the coupon at this moment, whatever a phone shows yet. Raises
    `NotACoupon`."""
    if pass_.offer_id is None:
        raise NotACoupon
    offer = session.get_one(Offer, pass_.offer_id)
    if pass_.state != "active":
        return pass_.state
    if offer.withdrawn_at is not None:
        return "void"
    if (shown := content(pass_).state) != "active":
        return shown
    ends_at = pass_.ends_at or offer.ends_at
    return "active" if now < ends_at and counts(pass_, now) else "expired"


def _is_over(pass_: Pass, state: PassState) -> bool:
    """Whether it ended and is to end once more: the first moment stays."""
    return pass_.state == "expired" and state == "expired"


def changed_at(pass_: Pass) -> datetime:
    return EPOCH + timedelta(seconds=pass_.last_modified)


def content(pass_: Pass) -> Content:
    return read_content(pass_.content)


def read_content(stored: dict[str, Any]) -> Content:
    return _CONTENT.validate_python(stored)


def lock(session: Session, pass_ids: Sequence[int]) -> Sequence[Pass]:
    """Passes in ascending order, locked and read anew: what is read after this is newer than every
    version that exists."""
    return _lock(session, Pass.id.in_(pass_ids))


def lock_cards(session: Session, member_ids: Sequence[int]) -> Sequence[Pass]:
    """The cards of these members, without coupons, in ascending order, locked and read anew: what
    is read after this is newer than every version that exists."""
    return _lock(session, Pass.member_id.in_(member_ids) & Pass.offer_id.is_(None))


def _lock(session: Session, wanted: ColumnElement[bool]) -> Sequence[Pass]:
    return session.scalars(
        select(Pass)
        .where(wanted)
        .order_by(Pass.id)
        .with_for_update(key_share=True)  # weak enough to let a phone register meanwhile
        .execution_options(populate_existing=True)
    ).all()


def changes(session: Session, passes: Sequence[Pass], now: datetime) -> list[Change]:
    """The next versions of those locked passes that would show something else than they do now."""
    found: list[Change] = []
    for programme_id in sorted({pass_.programme_id for pass_ in passes}):
        theirs = [pass_ for pass_ in passes if pass_.programme_id == programme_id]
        programme = programmes.by_id(session, programme_id)
        known = facts(session, programme, [pass_.member_id for pass_ in theirs], now)
        found += changes_to(session, programme, theirs, known, now)
    return found


def changes_to(
    session: Session,
    programme: Programme,
    passes: Sequence[Pass],
    known: Mapping[int, Facts],
    now: datetime,
) -> list[Change]:
    """The next versions of those passes of one programme that would show something else than they
    do now. `known`, by member, are facts that were read after the passes were locked.

    Each version has a second of its own: HTTP dates know no smaller unit, and two versions in one
    second would let the later hide behind a 304."""
    published = _offers_of(session, passes)
    current = {
        purpose: templates.current(session, programme.id, purpose)
        for purpose in sorted({_purpose(pass_) for pass_ in passes})
    }
    looks = {purpose: templates.design(template) for purpose, template in current.items()}
    found: list[Change] = []
    for pass_ in passes:
        template, design = current[_purpose(pass_)], looks[_purpose(pass_)]
        standing, shown = _standing(pass_, programme), known[pass_.member_id]
        if pass_.offer_id is not None:
            offer = published[pass_.offer_id]
            shown, standing = _coupon(pass_.serial, offer, shown, programme, standing, now)
        fresh = render(design, shown, standing)
        if fresh == content(pass_) and pass_.template_id == template.id:
            continue
        found.append(
            Change(
                pass_.id,
                pass_.pass_type,
                pass_.version + 1,
                max(int(now.timestamp()), pass_.last_modified + 1),
                template.id,
                _CONTENT.dump_python(fresh, mode="json"),
            )
        )
    return found


def versions_after(passes: Sequence[Pass], changes: Sequence[Change]) -> dict[int, Version]:
    """The versions of these passes, by pass, once the changes to them are stored."""
    before = {pass_.id: Version.of(pass_.version, pass_.content) for pass_ in passes}
    after = {change.pass_id: Version.of(change.version, change.content) for change in changes}
    return before | after


def versions(session: Session, pass_ids: Sequence[int]) -> dict[int, Version]:
    """The versions of these passes as they are stored, by pass."""
    rows = session.execute(select(Pass.id, Pass.version, Pass.content).where(Pass.id.in_(pass_ids)))
    return {row.id: Version.of(row.version, row.content) for row in rows}


def _purpose(pass_: Pass) -> DesignPurpose:
    return "card" if pass_.offer_id is None else "offer"


def _offers_of(session: Session, passes: Sequence[Pass]) -> dict[int, Offer]:
    ids = {pass_.offer_id for pass_ in passes if pass_.offer_id is not None}
    if not ids:
        return {}
    return {one.id: one for one in session.scalars(select(Offer).where(Offer.id.in_(ids)))}


def _coupon(
    serial: str,
    offer: Offer,
    known: Facts,
    programme: Programme,
    standing: Validity,
    now: datetime,
) -> tuple[Facts, Validity]:
    """What the coupon of an offer shows of its member and of nothing else; it ends with the offer,
    and is void when that was withdrawn."""
    if known.voided:
        return known, standing
    shown = _offer_shown(offer, languages.ours(*programme.languages), programme)
    if standing.state == "active" and offer.withdrawn_at is not None:
        standing = replace(standing, state="void")
    if not standing.expires and offer.ends_at != NEVER:
        is_over = standing.state == "active" and offer.ends_at <= now
        standing = replace(
            standing,
            state="expired" if is_over else standing.state,
            expires=_local(offer.ends_at, programme),
        )
    barcode = codes.of_coupon(serial, known.barcode)
    return replace(known, offers=(shown,), barcode=barcode), standing


def _local(moment: datetime, programme: Programme) -> str:
    return moment.astimezone(ZoneInfo(programme.timezone)).isoformat(timespec="seconds")


def _standing(pass_: Pass, programme: Programme) -> Validity:
    ends = _local(pass_.ends_at, programme) if pass_.ends_at is not None else ""
    return Validity(pass_.state, ends, asks=pass_.enrolment == ASKS)


def store(session: Session, changes: Sequence[Change]) -> None:
    """Write the new versions and give each its tag. Call it last in the transaction: the counter
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
    """Make these passes the newest of their types: every phone that asks is told of them."""
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


def leap(session: Session, now: datetime) -> None:
    """After a backup was restored: make every pass the newest, beyond all that phones can have
    heard since the backup.

    Tags count changes, so microseconds since 1970 are more than were ever given, and more than any
    earlier leap gave. Dates lie an hour ahead: a pass that changed more than once a second has run
    ahead of the clock, and how far is not known any more."""
    newest = max(session.scalars(select(PassTag.tag)).all(), default=0)
    base = max(newest, (now - EPOCH) // MICROSECOND)
    moment = int(now.timestamp()) + AHEAD_S
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


def newest_tag(pass_type: ColumnElement[str]) -> ColumnElement[int]:
    """As a part of a question; 0 if there is none."""
    newest = select(PassTag.tag).where(PassTag.pass_type == pass_type).scalar_subquery()
    return func.coalesce(newest, 0)


def in_programme(session: Session, programme_id: int, after_id: int, limit: int) -> Sequence[int]:
    """Ids of the programme's passes, ascending, from behind pass `after_id`."""
    return session.scalars(
        select(Pass.id)
        .where(Pass.programme_id == programme_id, Pass.id > after_id)
        .order_by(Pass.id)
        .limit(limit)
    ).all()


def number_in_programme(session: Session, programme_id: int) -> int:
    query = select(func.count()).where(Pass.programme_id == programme_id)
    return session.scalars(query).one()


def cards_with_coupons(session: Session, pass_ids: Sequence[int]) -> Sequence[int]:
    """The cards of the members whose coupons are among these passes."""
    owners = select(Pass.member_id).where(Pass.id.in_(pass_ids), Pass.offer_id.is_not(None))
    return session.scalars(
        select(Pass.id).where(Pass.member_id.in_(owners), Pass.offer_id.is_(None))
    ).all()


def of_members(session: Session, member_ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(select(Pass.id).where(Pass.member_id.in_(member_ids))).all()


def facts(
    session: Session, programme: Programme, member_ids: Sequence[int], now: datetime
) -> dict[int, Facts]:
    """What cards of these members of one programme may show now; of an erased one nothing."""
    gone = members.erased(session, member_ids)
    people = _people(session, member_ids)
    numbers = cards.numbers_of(session, member_ids)
    balances = statements.main_balances(session, programme.id, members.by_ids(session, member_ids))
    shown = offers.shown(session, programme.id, member_ids, now)
    messages = news.of_members(session, member_ids)
    unit = units.find(session, programme.id, None)
    scale, currency = (unit.scale, unit.currency) if unit is not None else (0, None)
    barcodes = renewal.shown(session, member_ids)
    rotating = barcode_settings.of(session, programme.id).at_google == "rotating"
    blank = Facts(programme.name, card_number="", barcode="", name="", points=0, voided=True)
    return {
        member_id: blank
        if member_id in gone
        else Facts(
            programme=programme.name,
            card_number=numbers[member_id],
            barcode=barcodes.get(member_id, numbers[member_id]),
            name=people[member_id].name or "",
            points=balances[member_id].available,
            scale=scale if currency is not None else 0,
            currency=currency,
            rotating=rotating,
            offers=tuple(
                _offer_shown(
                    offer, languages.ours(people[member_id].locale, *programme.languages), programme
                )
                for offer in shown[member_id]
            ),
            message=messages.get(member_id),
            locale=people[member_id].locale,
        )
        for member_id in member_ids
    }


def _offer_shown(offer: Offer, language: Language, programme: Programme) -> OfferShown:
    """As the member reads it: the day in their language, by the programme's clock."""
    if offer.ends_at == NEVER:
        return OfferShown(offer.title, offer.text)
    day = offer.ends_at.astimezone(ZoneInfo(programme.timezone)).date()
    until = sentences.CATALOGUE.text(language, "until %(day)s")
    return OfferShown(offer.title, offer.text, until % {"day": words.day_in(language, day)})


def _unknown_people(session: Session, member_ids: Sequence[int]) -> set[int]:
    """Those of whom nothing is known."""
    nothing = (Person.name.is_(None), Person.phone.is_(None), Person.email.is_(None))
    return set(
        session.scalars(select(Person.member_id).where(Person.member_id.in_(member_ids), *nothing))
    )


def _people(session: Session, member_ids: Sequence[int]) -> Mapping[int, Profile]:
    """Name and language of each; of who was erased neither."""
    rows = session.execute(
        select(Person.member_id, Person.name, Person.locale).where(Person.member_id.in_(member_ids))
    )
    known = {row.member_id: Profile(name=row.name, locale=row.locale) for row in rows}
    return {member_id: known.get(member_id, Profile()) for member_id in member_ids}


def _next_tags(session: Session, passes: Mapping[int, str]) -> dict[int, int]:
    """Fresh tags for these passes, by their types; a later pass has a later one."""
    tags: dict[int, int] = {}
    for pass_type in sorted(set(passes.values())):
        theirs = sorted(pass_id for pass_id, its_type in passes.items() if its_type == pass_type)
        first = _take_tags(session, pass_type, len(theirs)) - len(theirs) + 1
        tags |= {pass_id: first + place for place, pass_id in enumerate(theirs)}
    return tags


def _take_tags(session: Session, pass_type: str, count: int) -> int:
    """The last of `count` fresh tags. From here to the commit this counter is ours alone."""
    statement = insert_or(session, PassTag).values(pass_type=pass_type, tag=count)
    return int(
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["pass_type"], set_={"tag": PassTag.tag + count}
            ).returning(PassTag.tag)
        ).scalar_one()
    )
