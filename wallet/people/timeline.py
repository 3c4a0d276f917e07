"""What happened to one member, newest first: points, messages and whether they arrived, phones and
what they fetched, consents, cards, and what was changed by whom.

Each kind of news stands in a table of its own, which is read from its own place on, so that a page
costs the same however long the story is."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from ledger.book import accounts, statements
from ledger.book.statements import Filter
from ledger.database.tables import EPOCH, MICROSECOND, placed
from ledger.people import cards, consents
from ledger.people.cards import CardFilter
from ledger.people.members import Member
from ledger.programmes.units import Unit
from wallet.access import adjustments, changes
from wallet.access.adjustments import Adjustment
from wallet.access.changes import ChangeFilter
from wallet.apple.arrivals import Fetch
from wallet.apple.devices import Registration
from wallet.google.mirror import GoogleObject
from wallet.outreach import results
from wallet.passes.issued import Pass

# posting: points moved. message: something was said to the member. fetch: a phone fetched a version
# of the card. change: the staff, or an integration, changed something. fact: few and short, see
# `StoryFact`.
NewsKind = Literal["posting", "message", "fetch", "change", "fact"]
NEWS: tuple[NewsKind, ...] = get_args(NewsKind)

FactKind = Literal[
    "joined", "consent", "card_issued", "card_blocked", "phone_added", "google_saved"
]
_FACTS: tuple[FactKind, ...] = get_args(FactKind)

# Where a story goes on: how far each kind of news was told, as the moment and id of its last item.
# A kind that is missing was not told of yet.
TimelinePlace = Mapping[NewsKind, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class StoryFact:
    """Something that has no table of its own for news. `about` is the row that tells of it."""

    kind: FactKind
    about: Any = None


@dataclass(frozen=True, slots=True)
class StoryItem:
    """One item of the story. `about`: a `StatementLine`, `MessageResult`, `Fetch`, `ListedChange`
    or `StoryFact`. `by`: who of the staff made a posting, if one did. `place`: moment and id."""

    kind: NewsKind
    at: datetime
    about: Any
    place: tuple[int, int]
    by: Adjustment | None = None


@dataclass(frozen=True, slots=True)
class StoryFilter:
    """Which news are wanted. `kinds`: none means all. What is asked of `postings` leaves only
    those."""

    kinds: frozenset[NewsKind] = frozenset()
    postings: Filter = field(default_factory=Filter)

    def wants(self, kind: NewsKind) -> bool:
        """Whether news of this kind are wanted at all."""
        if self.postings != Filter():
            return kind == "posting"
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True)
class MemberStory:
    """A page of it, and where the next begins; None at the end."""

    news: Sequence[StoryItem]
    following: TimelinePlace | None


def page(
    session: Session,
    member: Member,
    unit: Unit,
    wanted: StoryFilter,
    after: TimelinePlace,
    limit: int,
    now: datetime,
) -> MemberStory:
    """What happened to the member in this unit and otherwise, newest first, from behind `after`."""
    told = _Told(session, member, unit, wanted, limit + 1, now)
    sources = [told.of(kind, after.get(kind)) for kind in NEWS if wanted.wants(kind)]
    merged = list(heapq.merge(*sources, key=lambda one: one.at, reverse=True))
    news = merged[:limit]
    following = None
    if len(merged) > limit:
        following = {**after, **{one.kind: one.place for one in news}}
    return MemberStory(_with_authors(session, news), following)


def _with_authors(session: Session, news: Sequence[StoryItem]) -> list[StoryItem]:
    ids = [one.about.id for one in news if one.kind == "posting"]
    made = adjustments.of_postings(session, ids) if ids else {}
    return [
        StoryItem(one.kind, one.at, one.about, one.place, made.get(one.about.id))
        if one.kind == "posting"
        else one
        for one in news
    ]


class _Told:
    """The news of one member, by kind, each newest first and at most `most`."""

    def __init__(
        self,
        session: Session,
        member: Member,
        unit: Unit,
        wanted: StoryFilter,
        most: int,
        now: datetime,
    ) -> None:
        self._session, self._member, self._unit = session, member, unit
        self._wanted, self._most, self._now = wanted, most, now

    def of(self, kind: NewsKind, after: tuple[int, int] | None) -> list[StoryItem]:
        read: Mapping[NewsKind, Callable[[tuple[int, int] | None], list[StoryItem]]] = {
            "posting": self._postings,
            "message": self._messages,
            "fetch": self._fetches,
            "change": self._changes,
            "fact": self._facts,
        }
        return read[kind](after)

    def _postings(self, after: tuple[int, int] | None) -> list[StoryItem]:
        account = accounts.account_id_of(self._session, self._unit.id, self._member.holder_id)
        before = None if after is None else after[1]
        lines = statements.statement(
            self._session, account or 0, self._wanted.postings, before, self._most
        )
        return [_news("posting", one.posted_at, one.posting_id, one) for one in lines]

    def _messages(self, after: tuple[int, int] | None) -> list[StoryItem]:
        before = None if after is None else after[1]
        told = results.of_member(self._session, self._member.id, before, self._most, self._now)
        return [
            _news("message", one.delivery.told_at or one.delivery.created_at, one.delivery.id, one)
            for one in told
        ]

    def _fetches(self, after: tuple[int, int] | None) -> list[StoryItem]:
        query = (
            select(Fetch)
            .where(Fetch.pass_id.in_(self._passes()))
            .order_by(Fetch.fetched_at.desc(), Fetch.version.desc())
            .limit(self._most)
        )
        if after is not None:
            query = query.where(tuple_(Fetch.fetched_at, Fetch.version) < placed(*_moment(after)))
        return [
            _news("fetch", one.fetched_at, one.version, one) for one in self._session.scalars(query)
        ]

    def _changes(self, after: tuple[int, int] | None) -> list[StoryItem]:
        before = None if after is None else _moment(after)
        wanted = ChangeFilter(kind="member", of=self._member.public_id, but=TOLD_BY_POSTINGS)
        found = changes.listed(self._session, wanted, before, self._most)
        return [_news("change", one.change.at, one.change.id, one) for one in found]

    def _facts(self, after: tuple[int, int] | None) -> list[StoryItem]:
        found = sorted(self._every_fact(), key=lambda one: one.place, reverse=True)
        return [one for one in found if after is None or one.place < after][: self._most]

    def _every_fact(self) -> Iterator[StoryItem]:
        member, session = self._member, self._session
        yield _fact("joined", member.created_at, member.id)
        for decided in consents.history(session, member.id):
            yield _fact("consent", decided.happened_at, decided.id, decided)
        wanted = CardFilter(member.programme_id, member.id)
        for number, one in enumerate(cards.listed(session, wanted, None, MOST_CARDS, self._now)):
            if number:  # the first came with the member
                yield _fact("card_issued", one.card.created_at, one.card.id, one.card)
            if one.card.blocked_at is not None:
                yield _fact("card_blocked", one.card.blocked_at, one.card.id, one.card)
        in_phones = select(Registration).where(Registration.pass_id.in_(self._passes()))
        for phone in session.scalars(in_phones):
            yield _fact("phone_added", phone.created_at, phone.device_id, phone)
        at_google = select(GoogleObject).where(
            GoogleObject.pass_id.in_(self._passes()), GoogleObject.saved.is_(True)
        )
        for saved in session.scalars(at_google):
            # When they asked for it: Google says until when an event is valid, not when it was.
            yield _fact("google_saved", saved.created_at, saved.pass_id, saved)

    def _passes(self) -> Any:
        return select(Pass.id).where(Pass.member_id == self._member.id)


MOST_CARDS = 100  # of one member, in their story
# Kinds of postings that people of the staff undo on a member's page.
UNDONE_BY_HAND = ("accrual", "redemption")
# Changes that a posting tells of, with who made it.
TOLD_BY_POSTINGS = ("adjustment.made", "adjustment.approved")


def _news(kind: NewsKind, at: datetime, id_: int, about: Any) -> StoryItem:
    return StoryItem(kind, at, about, ((at - EPOCH) // MICROSECOND, id_))


def _fact(kind: FactKind, at: datetime, id_: int, about: Any = None) -> StoryItem:
    """Ids are of several tables: the kind makes them differ."""
    return _news("fact", at, id_ * len(_FACTS) + _FACTS.index(kind), StoryFact(kind, about))


def _moment(place: tuple[int, int]) -> tuple[datetime, int]:
    return EPOCH + place[0] * MICROSECOND, place[1]
