"""Messages to members: one row for each member and occasion, whatever crashes.

To tell somebody is to write the words on their card and store the version, all in the transaction
that says so in this table; from there on the providers carry it, by rows of their own. So nobody is
told twice by us and nobody is missed, and what became of a message can be read from the versions
that phones fetched: see `results`.

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
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.book import statements
from ledger.database.tables import Base, Identifier, Instant, insert_or
from ledger.people import cards
from ledger.people.members import Member
from ledger.people.persons import Person
from ledger.programmes import units
from ledger.programmes.programmes import Programme
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.outreach import wording
from wallet.outreach.wording import Texts
from wallet.passes import issuing, news
from wallet.passes.content import LONGEST_MESSAGE
from wallet.passes.issuing import Pass
from wallet.passes.news import News, Word

# waiting: to be told. told: on the card. The others are final, and the member was not told:
# held_out by the campaign's draw, no_consent to be written to, capped by the campaign's limit,
# no_card in any phone, gone since the audience was frozen, no_field to show it in, refused the
# points that belong to it.
NotTold = Literal["held_out", "no_consent", "capped", "no_card", "gone", "no_field", "refused"]
DeliveryState = Literal["waiting", "told"] | NotTold
# A row of this kind, or `campaign`.
MessageKind = Literal["accrued", "spent", "burning", "birthday", "lapsed"]
CAMPAIGN = "campaign"
# What a person did this moment is answered whatever else they were told.
ANSWERS = ("accrued", "spent")


class Delivery(Base):
    """`version`: the version of the pass that carries it. `repeats`: the same words stood there
    before, and an iPhone does not speak of a field that did not change. `text` is personal data."""

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
    pass_id: Mapped[int | None]
    version: Mapped[int | None]
    on_apple: Mapped[bool] = mapped_column(default=False)
    on_google: Mapped[bool] = mapped_column(default=False)
    repeats: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str | None] = mapped_column(String(LONGEST_MESSAGE))
    created_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)


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
class Saying:
    """Words for one member. `about` fills the places that only this kind of message has, in each
    language; `tells_points`: the text speaks of the balance."""

    delivery_id: int
    member_id: int
    texts: Texts
    about: Mapping[str, Mapping[str, str]]
    tells_points: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """A member's pass, and in which wallets it is."""

    pass_id: int
    member_id: int
    apple: bool
    google: bool


def note(
    session: Session, programme_id: int, occasions: Sequence[Occasion], now: datetime
) -> dict[tuple[int, str], int]:
    """A row for each occasion that has none; their ids, by member and occasion."""
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
    """The same for many, of whom nobody needs to know who had a row already."""
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
    """Which of these (member, occasion) there is a row for."""
    rows = session.execute(
        select(Delivery.member_id, Delivery.occasion).where(
            Delivery.member_id.in_({member_id for member_id, _ in occasions}),
            Delivery.occasion.in_({occasion for _, occasion in occasions}),
        )
    )
    return {(row.member_id, row.occasion) for row in rows}


def reach(session: Session, member_ids: Sequence[int]) -> dict[int, Reach]:
    """The cards of these members who are not erased, locked; by member."""
    passes = issuing.lock(session, issuing.cards_of(session, member_ids))
    pass_ids = [pass_.id for pass_ in passes]
    apple = set(
        session.scalars(select(Registration.pass_id).where(Registration.pass_id.in_(pass_ids)))
    )
    google = set(
        session.scalars(
            select(GoogleObject.pass_id).where(
                GoogleObject.pass_id.in_(pass_ids), GoogleObject.saved.is_(True)
            )
        )
    )
    gone = set(
        session.scalars(
            select(Member.id).where(
                Member.id.in_(member_ids),
                Member.erased_at.is_not(None) | Member.merged_into_id.is_not(None),
            )
        )
    )
    return {
        pass_.member_id: Reach(pass_.id, pass_.member_id, pass_.id in apple, pass_.id in google)
        for pass_ in passes
        if pass_.member_id not in gone
    }


def say(
    session: Session, programme: Programme, sayings: Sequence[Saying], now: datetime
) -> dict[int, str]:
    """Write the words on the cards; the text of each delivery. The caller holds the passes, renders
    them, and settles."""
    texts = words(session, programme, sayings)
    before = _said_now(session, [one.member_id for one in sayings])
    spoken_of = [one.member_id for one in sayings if one.tells_points]
    balances = _balances(session, programme, spoken_of)
    news.say(
        session,
        [
            Word(
                one.member_id,
                str(one.delivery_id),
                texts[one.delivery_id],
                balances[one.member_id] if one.tells_points else None,
            )
            for one in sayings
        ],
        now,
    )
    repeated = [
        one.delivery_id for one in sayings if before.get(one.member_id) == texts[one.delivery_id]
    ]
    if repeated:
        session.execute(update(Delivery).where(Delivery.id.in_(repeated)).values(repeats=True))
    return texts


def words(session: Session, programme: Programme, sayings: Sequence[Saying]) -> dict[int, str]:
    """What each is told, in the member's language: by delivery."""
    member_ids = [one.member_id for one in sayings]
    people = {
        row.member_id: row
        for row in session.execute(
            select(Person.member_id, Person.name, Person.locale).where(
                Person.member_id.in_(member_ids)
            )
        )
    }
    numbers = cards.numbers_of(session, member_ids)
    spoken_of = [one.member_id for one in sayings if wording.mentions(one.texts, "points")]
    balances = _balances(session, programme, spoken_of)
    unit = units.named(session, programme.id, None)
    texts: dict[int, str] = {}
    for one in sayings:
        person = people.get(one.member_id)
        language = wording.language_for(
            one.texts, person.locale if person else None, programme.locale
        )
        known = {
            "name": (person.name or "") if person else "",
            "points": wording.amount(unit.amount(balances.get(one.member_id, 0)), language),
            "card": numbers.get(one.member_id, ""),
            "programme": programme.name,
            **one.about.get(language, {}),
        }
        texts[one.delivery_id] = wording.fill(one.texts[language], known)
    return texts


def settle(
    session: Session, told: Mapping[int, Reach], texts: Mapping[int, str], now: datetime
) -> int:
    """These deliveries are on the cards, which have been rendered; how many there were. One whose
    words no field of the card shows was not told."""
    versions = {
        row.id: (row.version, row.content.get("message"))
        for row in session.execute(
            select(Pass.id, Pass.version, Pass.content).where(
                Pass.id.in_([one.pass_id for one in told.values()])
            )
        )
    }
    rows = []
    for delivery_id, one in told.items():
        version, shown = versions[one.pass_id]
        rows.append(
            {
                "the_id": delivery_id,
                "the_state": "told" if shown else "no_field",
                "the_pass": one.pass_id,
                "the_version": version,
                "the_apple": one.apple,
                "the_google": one.google,
                "the_text": texts.get(delivery_id),
                "the_moment": now if shown else None,
            }
        )
    if rows:
        session.connection().execute(_SETTLE, rows)
    return sum(row["the_state"] == "told" for row in rows)


def end(session: Session, delivery_ids: Sequence[int], state: DeliveryState) -> None:
    """These members are not told."""
    if delivery_ids:
        session.execute(update(Delivery).where(Delivery.id.in_(delivery_ids)).values(state=state))


def came_with(session: Session, postings: Mapping[int, int]) -> None:
    """These messages (by delivery) tell of these postings, so that nothing else does."""
    for delivery_id, posting_id in postings.items():
        session.execute(
            update(Delivery).where(Delivery.id == delivery_id).values(posting_id=posting_id)
        )


def told_since(session: Session, member_ids: Sequence[int], since: datetime) -> dict[int, int]:
    """How many messages each was told since then, but for answers to what they did."""
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
    """Let go of the words. That there was a message stays: totals do not change."""
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


def _said_now(session: Session, member_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(News.member_id, News.text).where(News.member_id.in_(member_ids)))
    return {row.member_id: row.text for row in rows}


def _balances(session: Session, programme: Programme, member_ids: Sequence[int]) -> dict[int, int]:
    if not member_ids:
        return {}
    people = session.scalars(select(Member).where(Member.id.in_(member_ids))).all()
    found = statements.main_balances(session, programme.id, people)
    return {member_id: balance.available for member_id, balance in found.items()}
