"""Every two operations that touch one account, at once, on PostgreSQL: what comes of them is what
would have come of them one after the other. So no point is lost, none is doubled, all of them are
where their members look, and nobody is refused for a reason that never was.

The first operation stops before each of its statements in turn while the second comes in between
(`interleaving`). Tried are the places that matter, both ways round where an operation changes whose
accounts are used; with `LEDGER_PAIRS=all` every place of every pair (`make proofs`)."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from books import check_books
from clocks import StoppedClock
from interleaving import EVERYWHERE, Stage, stage
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger import enrolment, erasure
from ledger.book import accounts, holds, reversals, statements
from ledger.book.lots import Lot
from ledger.database.engine import Database
from ledger.database.idempotency import StoredAnswer
from ledger.errors import AlreadyReversed, Refusal, UnknownCard
from ledger.imports import reading, steps, store
from ledger.imports.columns import RowContent
from ledger.imports.reading import SourceFile
from ledger.imports.store import Row, Tally
from ledger.money import Money
from ledger.people import members
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import (
    accruals,
    batches,
    corrections,
    households,
    redemptions,
    told,
    transfers,
    upkeep,
)
from ledger.points.accruals import Grant
from ledger.points.batches import Item
from ledger.points.causes import Cause
from ledger.points.corrections import Reversal
from ledger.points.redemptions import Spend
from ledger.points.resolving import Whom
from ledger.points.told import BalanceIs
from ledger.points.transfers import Gift
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Programme, Terms
from ledger.programmes.units import UnitTerms
from ledger.settings import LedgerSettings

HALF_AN_HOUR = timedelta(minutes=30)
names = itertools.count()


@pytest.fixture(scope="module")
def database(postgres) -> Iterator[Database]:
    postgres.copy("template_empty", "at_once")
    database = Database(LedgerSettings(postgres.url("at_once")))
    yield database
    database.close()
    postgres.execute("DROP DATABASE at_once WITH (FORCE)")


@pytest.fixture(scope="module")
def scene(database: Database) -> Iterator[Stage]:
    with stage(database) as there:
        yield there


@pytest.fixture(scope="module")
def races(database: Database, scene: Stage) -> "Races":
    return Races(database, scene)


@dataclass
class World:
    """Two members: the first earned 100 points and spent 40, the second has 50. The rest is there
    if it is needed: ten points of the first that are held, ten that run out before the race."""

    database: Database
    clock: StoppedClock
    programme: Programme
    first: Member
    second: Member
    earned: str
    spent: str
    held: str | None = None
    import_id: int | None = None
    card: str = ""
    holds_end: bool = False  # before the outcome is looked at

    def do(self, work: Callable[[Session], Any]) -> Any:
        return self.database.run(work, idempotent=True)

    def member(self, session: Session, which: Member) -> Member:
        return members.by_public_id(session, which.public_id)


def build(database: Database, *needed: str) -> World:
    clock = StoppedClock()
    with database.transaction() as session:
        code = f"club-{next(names)}"
        club = programmes.create(session, Terms(code, "Клуб", overdrawn="debt"), clock())
        people = [
            enrolment.join(session, club, Profile(name=n), clock()) for n in ("Анна", "Борис")
        ]
        first, second = (one.member for one in people)

        def grant(member: Member, points: int, **terms: Any) -> str:
            return accruals.grant(session, member, Grant(points, **terms), clock()).posting_id

        earned = grant(first, 100, cause=Cause(purchase=Money("1000", "RUB")))
        spent = redemptions.redeem(session, first, Spend(40), clock()).posting_id
        grant(second, 50)
        world = World(database, clock, club, first, second, earned, spent)
        world.card = people[0].card.number
        if "stamps" in needed:
            units.add(session, club.id, UnitTerms("stamps", "stamps"))
        if "household" in needed:
            households.join(session, first, second, clock())
        if "hold" in needed:
            placed = redemptions.hold(session, first, Spend(10), HALF_AN_HOUR, clock())
            world.held = placed.hold.public_id
        if "import" in needed:
            world.import_id = _import(session, world)
        if "due" in needed:
            grant(first, 10, expires_at=clock() + timedelta(minutes=1))
    world.holds_end = "holds end" in needed
    clock.advance(minutes=2)
    return world


def _import(session: Session, world: World) -> int:
    """Five points for the first, as a file says that was checked already."""
    unit = units.named(session, world.programme.id, None)
    file = SourceFile(f"{next(names):064}", 1, "csv")
    wanted = store.ImportRequest(world.programme.code, "accrual")
    begun = reading.begin(session, world.programme.id, unit.id, wanted, file, world.clock())
    reading.let_read(session, begun.id)
    claimed = reading.claim(session, begun.id, world.clock())
    assert claimed is not None
    rows = [Row(2, RowContent(card=world.card, points=5))]
    reading.keep(session, claimed, rows, [], Tally(rows=1))
    reading.finish(session, claimed)
    store.start(session, begun.id, world.clock(), skip_bad=False)
    return begun.id


@dataclass(frozen=True)
class Operation:
    """What is done to the first member. `needs` stands before the race; `moves`: it changes whose
    accounts are used."""

    act: Callable[[World, Session], Any]
    needs: tuple[str, ...] = ()
    moves: bool = False


def grant(world: World, session: Session) -> None:
    accruals.grant(session, world.member(session, world.first), Grant(7), world.clock())


def grant_by_card(world: World, session: Session) -> None:
    accruals.grant(session, Whom(world.card), Grant(7), world.clock())


def grant_stamps(world: World, session: Session) -> None:
    """The first that they ever had."""
    accruals.grant(session, Whom(world.card), Grant(7, unit="stamps"), world.clock())


def redeem(world: World, session: Session) -> None:
    redemptions.redeem(session, Whom(world.card), Spend(60), world.clock())


def hold(world: World, session: Session) -> None:
    whom = world.member(session, world.first)
    redemptions.hold(session, whom, Spend(20), HALF_AN_HOUR, world.clock())


def capture(world: World, session: Session) -> None:
    redemptions.capture(session, holds.find(session, world.held or ""), 6, world.clock())


def release(world: World, session: Session) -> None:
    redemptions.release(session, holds.find(session, world.held or ""), world.clock())


def time_out(world: World, session: Session) -> None:
    upkeep.release_stale_holds(session, world.clock() + HALF_AN_HOUR)


def undo_earning(world: World, session: Session) -> None:
    posting = reversals.find(session, world.earned)
    corrections.reverse(session, posting, Reversal(100), world.clock())


def undo_spending(world: World, session: Session) -> None:
    posting = reversals.find(session, world.spent)
    corrections.reverse(session, posting, Reversal(40), world.clock())


def is_now(world: World, session: Session) -> None:
    """Another system says that the first has 80."""
    cause = Cause(occurred_at=world.clock())
    said = BalanceIs(80, "crm", cause)
    told.hear(session, Whom(world.card), said, world.clock())


def give(world: World, session: Session) -> None:
    giver, taker = (world.member(session, one) for one in (world.first, world.second))
    transfers.transfer(session, giver, taker, Gift(30), world.clock())


def take(world: World, session: Session) -> None:
    giver, taker = (world.member(session, one) for one in (world.second, world.first))
    transfers.transfer(session, giver, taker, Gift(30), world.clock())


def batch(world: World, session: Session) -> None:
    items = [
        Item(f"{next(names)}", b"a" * 32, Whom(world.card), Grant(9)),
        Item(f"{next(names)}", b"b" * 32, Whom(member=world.first.public_id), Spend(3)),
    ]
    made = batches.post(
        session, world.programme.code, items, lambda _: StoredAnswer(201, b"{}"), world.clock()
    )
    for one in made:
        if isinstance(one, Refusal):
            raise one


def apply_import(world: World, session: Session) -> None:
    step = steps.step(session, world.import_id, world.clock())
    if step is None or step.is_last or step.import_.left_out:
        raise UnknownCard  # nothing to do, or they were erased: as with the others, all is undone


def expire(world: World, session: Session) -> None:
    upkeep.turn(session, world.clock())


def merge(world: World, session: Session) -> None:
    one, other = (world.member(session, one) for one in (world.first, world.second))
    households.merge(session, one, other, world.clock())


def merge_back(world: World, session: Session) -> None:
    one, other = (world.member(session, one) for one in (world.second, world.first))
    households.merge(session, one, other, world.clock())


def join(world: World, session: Session) -> None:
    one, other = (world.member(session, one) for one in (world.first, world.second))
    households.join(session, one, other, world.clock())


def join_back(world: World, session: Session) -> None:
    one, other = (world.member(session, one) for one in (world.second, world.first))
    households.join(session, one, other, world.clock())


def leave(world: World, session: Session) -> None:
    households.leave(session, world.member(session, world.first), world.clock())


def erase(world: World, session: Session) -> None:
    erasure.erase(session, world.first.public_id, world.clock())


OPERATIONS = {
    "grant": Operation(grant),
    "grant_by_card": Operation(grant_by_card),
    "grant_stamps": Operation(grant_stamps, ("stamps",)),
    "redeem": Operation(redeem),
    "hold": Operation(hold),
    "capture": Operation(capture, ("hold",)),
    "release": Operation(release, ("hold",)),
    "time_out": Operation(time_out, ("hold",)),
    "undo_earning": Operation(undo_earning),
    "undo_spending": Operation(undo_spending),
    "is_now": Operation(is_now),
    "give": Operation(give),
    "take": Operation(take),
    "batch": Operation(batch),
    "import": Operation(apply_import, ("import",)),
    "expire": Operation(expire, ("due",)),
    "merge": Operation(merge, moves=True),
    "merge_back": Operation(merge_back, moves=True),
    "join": Operation(join, moves=True),
    "join_back": Operation(join_back, moves=True),
    "leave": Operation(leave, ("household",), moves=True),
    "erase": Operation(erase, moves=True),
}


def meets(first: str, second: str) -> bool:
    if EVERYWHERE or OPERATIONS[first].moves or OPERATIONS[second].moves:
        return True
    order = list(OPERATIONS)
    return order.index(first) <= order.index(second)


def run(world: World, name: str) -> Callable[[], Any]:
    return lambda: world.do(lambda session: OPERATIONS[name].act(world, session))


def has(world: World) -> list[tuple[str, int, int, int, int]]:
    """What both members have of each unit, on the account that they use, when time has done what is
    due: available, pending, held and owed."""
    if world.holds_end:
        world.clock.advance(minutes=30)
        world.do(partial(upkeep.release_stale_holds, now=world.clock()))
    world.do(partial(upkeep.turn, now=world.clock()))
    with world.database.reading() as session:
        return [
            (unit.code, one.available, one.pending, one.held, one.debt)
            for member in (world.first, world.second)
            for unit, one in statements.all_balances(
                session, members.reread(session, member), world.clock()
            )
            if one.total or one.debt
        ]


@pytest.mark.parametrize("first", OPERATIONS)
def test_whatever_the_order_no_point_is_lost(
    database: Database, races: "Races", first: str
) -> None:
    for second in OPERATIONS:
        if meets(first, second):
            races.run(first, second)
    with database.reading() as session:
        check_books(session)


Outcome = dict[str, Any]


class Races:
    """What comes of two operations one after the other is found out once for both ways round, how
    many statements one has too; and where one takes its first lock is where it is looked for
    next time."""

    def __init__(self, database: Database, scene: Stage) -> None:
        self._database = database
        self._scene = scene
        self._allowed: dict[frozenset[str], list[Outcome]] = {}
        self._lengths: dict[tuple[str, frozenset[str]], int] = {}
        self._places: dict[str, tuple[int, int]] = {}

    def run(self, first: str, second: str) -> None:
        """Everywhere; or after all that the first reads and before its first lock, which is the
        place that matters most, right after that lock, and before the commit. Once the second has
        to wait for the first it has to at all later places."""
        needed = frozenset((*OPERATIONS[first].needs, *OPERATIONS[second].needs))
        if {first, second} == {"hold", "erase"}:
            # An erasure frees all holds but one that is placed at that very moment: that one times
            # out.
            needed |= {"holds end"}
        last = self._length(first, needed)
        allowed = self._one_after_the_other(first, second, needed)

        def waits(at: int) -> bool:
            world = build(self._database, *needed)
            met = self._scene.meet(run(world, first), run(world, second), at)
            came_of_it = outcome(world, first, met.first, second, met.second)
            assert came_of_it in allowed, f"{first} before statement {at}, {second} in between"
            return met.waited

        if EVERYWHERE:
            for at in range(1, last + 1):
                waits(at)
            return
        waits(last)
        free, taken = 1, last  # before the first statement nothing has begun
        # What the first locks first is most often the same whoever comes in between.
        for at in self._places.get(first, ()):
            if free < at < taken:
                free, taken = (free, at) if waits(at) else (at, taken)
        while taken - free > 1:
            at = (free + taken) // 2
            free, taken = (free, at) if waits(at) else (at, taken)
        self._places[first] = (free, taken)

    def _length(self, name: str, needed: frozenset[str]) -> int:
        if (name, needed) not in self._lengths:
            operation = run(build(self._database, *needed), name)
            self._lengths[name, needed] = self._scene.statements_of(operation)
        return self._lengths[name, needed]

    def _one_after_the_other(
        self, first: str, second: str, needed: frozenset[str]
    ) -> list[Outcome]:
        pair = frozenset((first, second))
        if pair not in self._allowed:
            orders = [(first, second), (second, first)]
            self._allowed[pair] = [self._in_order(order, needed) for order in orders]
        return self._allowed[pair]

    def _in_order(self, order: tuple[str, str], needed: frozenset[str]) -> Outcome:
        world = build(self._database, *needed)
        results = []
        for name in order:
            try:
                results.append(run(world, name)())
            except Refusal as refusal:
                results.append(refusal)
        return outcome(world, order[0], results[0], order[1], results[1])


def outcome(world: World, one: str, came: Any, other: str, of_it: Any) -> Outcome:
    said = sorted((name, said_of(result)) for name, result in ((one, came), (other, of_it)))
    return {"said": said, "has": has(world)}


def said_of(result: Any) -> str:
    if isinstance(result, Exception):
        return repr(result)
    return "done"


@pytest.mark.parametrize("posting", ["earned", "spent"])
def test_a_posting_is_undone_once_whoever_leaves_a_household_meanwhile(
    database: Database, scene: Stage, posting: str
) -> None:
    """Who leaves uses another account, which the first reversal knows nothing of; the second is
    decided by that account."""

    def undo(world: World) -> Callable[[], Any]:
        def work(session: Session) -> Any:
            found = reversals.find(session, getattr(world, posting))
            return corrections.reverse(session, found, Reversal(), world.clock())

        return lambda: world.do(work)

    def leave_and_undo(world: World) -> Callable[[], Any]:
        def work(session: Session) -> None:
            households.leave(session, world.member(session, world.first), world.clock())

        def both() -> Any:
            world.do(work)
            return undo(world)()

        return both

    last = scene.statements_of(undo(build(database, "household")))
    for at in range(1, last + 1):
        world = build(database, "household")
        met = scene.meet(undo(world), leave_and_undo(world), at)
        refused = [one for one in (met.first, met.second) if isinstance(one, AlreadyReversed)]
        assert len(refused) == 1, f"stopped before statement {at}"
    with database.reading() as session:
        check_books(session)


def test_an_accrual_has_the_terms_of_before_or_of_afterwards(
    database: Database, scene: Stage
) -> None:
    """Nobody waits for the change of terms, and nothing of both comes of it."""

    def accrue(world: World) -> Callable[[], Any]:
        return lambda: world.do(
            lambda session: accruals.grant(session, Whom(world.card), Grant(7), world.clock())
        )

    def change(world: World, live_days: int) -> Callable[[], Any]:
        programme_id = world.programme.id
        return lambda: world.do(
            lambda session: units.change_terms(session, programme_id, "points", live_days)
        )

    def ends(world: World) -> list[int]:
        """In how many days the newest points end, and all others."""
        with database.reading() as session:
            account_id = accounts.account_id_of(
                session, units.named(session, world.programme.id, None).id, world.first.id
            )
            lots_ = session.scalars(
                select(Lot.expires_at).where(Lot.account_id == account_id).order_by(Lot.id)
            ).all()
        return [(one - world.clock()).days for one in lots_]

    last = scene.statements_of(accrue(build(database)))
    found = set()
    for at in range(1, last + 1):
        world = build(database)
        change(world, 30)()
        met = scene.meet(accrue(world), change(world, 60), at)
        assert not met.waited
        earned, newest = ends(world)
        assert earned > 1000  # from when points lived for ever
        found.add(newest)
        accrue(world)()
        assert ends(world)[-1] == 60
    assert found == {30, 60}
    with database.reading() as session:
        check_books(session)
