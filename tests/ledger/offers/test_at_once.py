"""What may be done with an offer at the same moment, on PostgreSQL, stopped at every place: what
comes of it is what would have come of the one after the other."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from clocks import StoppedClock
from interleaving import Stage, stage
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import enrolment, erasure
from ledger.database.engine import Database
from ledger.database.outbox import OutboxRow
from ledger.errors import OfferOver, Refusal
from ledger.offers import audiences, offers
from ledger.offers.offers import Offer, OfferDraft, OfferMember
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import households, upkeep
from ledger.programmes import programmes
from ledger.programmes.programmes import Terms
from ledger.settings import LedgerSettings

EVERYBODY = {"kind": "everyone"}
names = itertools.count()


@pytest.fixture(scope="module")
def database(postgres) -> Iterator[Database]:
    postgres.copy("template_empty", "offers_at_once")
    database = Database(LedgerSettings(postgres.url("offers_at_once")))
    yield database
    database.close()
    postgres.execute("DROP DATABASE offers_at_once WITH (FORCE)")


@pytest.fixture(scope="module")
def scene(database: Database) -> Iterator[Stage]:
    with stage(database) as there:
        yield there


@dataclass
class World:
    """Two members, and an offer for all or for an audience that is to be written down."""

    database: Database
    clock: StoppedClock
    programme_id: int
    first: Member
    second: Member
    offer_id: str

    def do(self, work: Callable[[Session], Any]) -> Any:
        return self.database.run(work, idempotent=True)

    def offer(self) -> Offer:
        with self.database.reading() as session:
            return offers.by_public_id(session, self.offer_id)

    def shown_to(self, member: Member) -> list[str]:
        with self.database.reading() as session:
            found = offers.shown(session, self.programme_id, [member.id], self.clock())
        return [offer.titles["ru"] for offer in found[member.id]]

    def listed(self) -> set[int]:
        with self.database.reading() as session:
            own = select(OfferMember.member_id).where(OfferMember.offer_id == self.offer().id)
            return set(session.scalars(own))

    # What may be done

    def change(self, title: str = "Другой") -> str:
        changed = self.do(
            lambda session: offers.change(
                session, self.offer_id, {"titles": {"ru": title}}, self.clock()
            ).titles["ru"]
        )
        return str(changed)

    def withdraw(self) -> None:
        self.do(lambda session: offers.withdraw(session, self.offer_id, self.clock()) and None)

    def write_down(self) -> bool:
        return bool(self.do(lambda session: audiences.write_down(session, self.clock())))

    def turn(self) -> None:
        self.do(lambda session: upkeep.turn(session, self.clock()))

    def merge(self) -> None:
        self.do(
            lambda session: households.merge(
                session,
                session.get_one(Member, self.first.id),
                session.get_one(Member, self.second.id),
                self.clock(),
            )
        )

    def erase(self) -> None:
        self.do(lambda session: erasure.erase(session, self.first.public_id, self.clock()) and None)


def build(database: Database, *, audience: bool = False) -> World:
    clock = StoppedClock()
    with database.transaction() as session:
        session.execute(OutboxRow.__table__.delete())
        session.execute(Offer.__table__.update().values(turns_at=clock() + timedelta(days=9_999)))
        club = programmes.create(session, Terms(f"club-{next(names)}", "Клуб"), clock())
        first, second = (
            enrolment.join(session, club, Profile(name=name), clock()).member
            for name in ("Анна", "Борис")
        )
        draft = OfferDraft({"ru": "Кекс"}, audience=EVERYBODY if audience else None)
        offer = offers.publish(session, club.id, None, draft, clock())
        return World(database, clock, club.id, first, second, offer.public_id)


def every_place(
    scene: Stage, database: Database, first: str, second: str, **terms: Any
) -> Iterator[tuple[World, Any, Any]]:
    """The world after both, for each statement before which the first was stopped."""
    number = scene.statements_of(getattr(build(database, **terms), first))
    assert number > 2
    for at in range(1, number + 1):
        world = build(database, **terms)
        met = scene.meet(getattr(world, first), getattr(world, second), at)
        for result in (met.first, met.second):
            if isinstance(result, Exception) and not isinstance(result, Refusal):
                raise result
        yield world, met.first, met.second


@pytest.mark.parametrize(("first", "second"), [("change", "withdraw"), ("withdraw", "change")])
def test_one_that_is_withdrawn_is_not_changed_after_it(scene, database, first, second) -> None:
    refusals = 0
    for world, *results in every_place(scene, database, first, second):
        changed = results[first != "change"]
        refused = isinstance(changed, OfferOver)
        refusals += refused
        assert world.offer().withdrawn_at is not None
        assert world.offer().titles["ru"] == ("Кекс" if refused else "Другой")
        assert world.shown_to(world.first) == []
    assert refusals or first == "change"


def test_of_two_changes_one_comes_after_the_other(scene, database) -> None:
    for world, first, second in every_place(scene, database, "change", "change"):
        assert (first, second) == ("Другой", "Другой")
        assert world.offer().revision == 2  # the second one found nothing to change


@pytest.mark.parametrize("second", ["change", "turn", "write_down"])
def test_a_list_is_made_once_whatever_happens_to_the_offer(scene, database, second) -> None:
    for world, *_ in every_place(scene, database, "write_down", second, audience=True):
        assert not world.write_down()
        assert world.listed() == {world.first.id, world.second.id}
        title = "Другой" if second == "change" else "Кекс"
        assert world.shown_to(world.first) == world.shown_to(world.second) == [title]


@pytest.mark.parametrize(
    ("first", "second"), [("write_down", "withdraw"), ("withdraw", "write_down")]
)
def test_one_that_is_withdrawn_while_its_list_is_made_is_shown_to_nobody(
    scene, database, first, second
) -> None:
    for world, *_ in every_place(scene, database, first, second, audience=True):
        assert not world.write_down()
        assert world.shown_to(world.first) == []


@pytest.mark.parametrize(("first", "second"), [("write_down", "merge"), ("merge", "write_down")])
def test_who_is_merged_meanwhile_is_shown_it(scene, database, first, second) -> None:
    for world, *_ in every_place(scene, database, first, second, audience=True):
        assert world.shown_to(world.second) == ["Кекс"]
        assert world.second.id in world.listed()


@pytest.mark.parametrize(("first", "second"), [("write_down", "erase"), ("erase", "write_down")])
def test_who_is_erased_meanwhile_is_in_no_list(scene, database, first, second) -> None:
    for world, *_ in every_place(scene, database, first, second, audience=True):
        assert world.listed() == {world.second.id}
