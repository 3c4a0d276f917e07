"""Who belongs to a segment, against a model in plain Python, on random members and random trees."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from clubs import Club
from pydantic import ValidationError
from sqlalchemy import select
from statements import recorded

from ledger import erasure
from ledger.book import roster
from ledger.database.compiled import within
from ledger.money import Money
from ledger.people.members import Member
from ledger.points import told
from ledger.points.causes import Cause
from ledger.points.resolving import Whom
from ledger.points.told import BalanceIs
from ledger.programmes import programmes
from ledger.segments import conditions, documents, membership, scope
from ledger.segments.registry import MOST_DEEP
from ledger.segments.scope import Scope

STORES = ("arbat", "tverskaya")
HOURS = 24 * 12
MOST_GRANTED = 60


@dataclass
class Account:
    """What stands on the account of one member: what happened when and where, and the points."""

    points: int = 0
    history: list[tuple[str, datetime, str | None]] = field(default_factory=list)


@dataclass
class Person:
    """A member as the model has them. `uses`: the place of the member whose account is theirs."""

    member: Member
    uses: int
    account: Account = field(default_factory=Account)
    state: str = "active"


class Village:
    """Members who do random things, in the ledger and in the model at once."""

    def __init__(self, club: Club, random: Random, size: int) -> None:
        self.club = club
        self.random = random
        self.people = [Person(club.join(f"member {n}"), n) for n in range(size)]

    def live(self, deeds: int) -> None:
        for _ in range(deeds):
            deed = self.random.choices(
                (self.grant, self.redeem, self.share, self.leave, self.merge, self.erase),
                (30, 12, 4, 2, 2, 2),
            )[0]
            deed()

    def active(self) -> list[int]:
        return [n for n, person in enumerate(self.people) if person.state == "active"]

    def account_of(self, n: int) -> Account:
        return self.people[self.people[n].uses].account

    def grant(self) -> None:
        n, points = self.random.choice(self.active()), self.random.randint(1, MOST_GRANTED)
        at, store = self._past(), self.random.choice((*STORES, None))
        self.club.grant(self.people[n].member, points, occurred_at=at, store=store)
        self._note(n, "accrual", at, store, points)

    def redeem(self) -> None:
        n = self.random.choice(self.active())
        points = self.account_of(n).points
        if points:
            at, spent = self._past(), self.random.randint(1, points)
            self.club.redeem(self.people[n].member, spent, occurred_at=at)
            self._note(n, "redemption", at, None, -spent)

    def share(self) -> None:
        """One who is alone joins the household of another."""
        n, head = self._pair()
        if self._is_alone(n) and self.people[head].uses == head:
            self.club.household(self.people[n].member, self.people[head].member)
            self._use_account_of(n, head)

    def leave(self) -> None:
        n = self.random.choice(self.active())
        if self.people[n].uses != n:
            self.club.leave(self.people[n].member)
            for one in self._merged_into(n):
                self.people[one].uses = n

    def merge(self) -> None:
        n, into = self._pair()
        if self._is_alone(n) and self.people[into].uses != self.people[n].uses:
            self.club.merge(self.people[n].member, self.people[into].member)
            self._use_account_of(n, self.people[into].uses)
            for one in self._merged_into(n):
                self.people[one].state = f"merged into {into}"

    def erase(self) -> None:
        n = self.random.choice(self.active())
        if self._is_alone(n) and len(self.active()) > 4:
            public_id, now = self.people[n].member.public_id, self.club.clock()
            self.club.database.run(lambda session: erasure.erase(session, public_id, now))
            for one in self._merged_into(n):
                self.people[one].state = "erased"

    def _note(self, n: int, kind: str, at: datetime, store: str | None, points: int) -> None:
        account = self.account_of(n)
        account.history.append((kind, at, store))
        account.points += points

    def _pair(self) -> list[int]:
        return self.random.sample(self.active(), 2)

    def _past(self) -> datetime:
        """Never at the very begin of a day ago: hours, and half an hour."""
        return self.club.clock() - timedelta(hours=self.random.randrange(HOURS), minutes=30)

    def _is_alone(self, n: int) -> bool:
        """Neither in a household nor the head of one."""
        shares = [one for one in self.active() if self.people[one].uses == self.people[n].uses]
        return shares == [n] and self.people[n].uses == n

    def _merged_into(self, n: int) -> list[int]:
        """The member, and everybody who was merged into them."""
        return [n, *(m for m, one in enumerate(self.people) if one.state == f"merged into {n}")]

    def _use_account_of(self, n: int, holder: int) -> None:
        given, taken = self.people[holder].account, self.people[n].account
        given.points, taken.points = given.points + taken.points, 0
        for one in self._merged_into(n):
            self.people[one].uses = holder


def belongs(village: Village, n: int, tree: dict, now: datetime) -> bool:
    """The model: what a document means for one active member."""
    account = village.account_of(n)
    match tree["kind"]:
        case "everyone":
            return True
        case "purchase":
            since = begin(tree, now)
            store = tree.get("store")
            return any(
                kind == "accrual" and at >= since and store in (None, place)
                for kind, at, place in account.history
            )
        case "activity":
            return any(at >= begin(tree, now) for _, at, _ in account.history)
        case "balance":
            least, most = tree.get("at_least", 0), tree.get("at_most", 2**53)
            return least <= account.points <= most
        case "all":
            return all(belongs(village, n, part, now) for part in tree["of"])
        case "any":
            return any(belongs(village, n, part, now) for part in tree["of"])
        case "not":
            return not belongs(village, n, tree["of"], now)
    raise AssertionError(tree)


def begin(tree: dict, now: datetime) -> datetime:
    if "days" in tree:
        return now - timedelta(days=tree["days"])
    if "since" in tree:
        return datetime.fromisoformat(tree["since"])
    return datetime.min.replace(tzinfo=now.tzinfo)


def some_period(random: Random, now: datetime) -> dict:
    at = now - timedelta(hours=random.randrange(HOURS))
    return random.choice(({}, {"days": random.randint(1, 12)}, {"since": at.isoformat()}))


def leaves(random: Random, now: datetime) -> list[dict]:
    """A document of each kind that has no others in it."""
    bound = random.randrange(MOST_GRANTED * 2)
    return [
        {"kind": "everyone"},
        {"kind": "purchase", **some_period(random, now)},
        {"kind": "purchase", **some_period(random, now), "store": random.choice(STORES)},
        {"kind": "activity", **some_period(random, now)},
        {"kind": "balance", "at_least": bound},
        {"kind": "balance", "at_most": bound},
        {"kind": "balance", "at_least": bound // 2, "at_most": bound},
        {"kind": "balance"},
    ]


def some_tree(random: Random, now: datetime, levels: int) -> dict:
    if levels == 1 or random.random() < 0.2:
        return random.choice(leaves(random, now))
    kind = random.choice(("all", "any", "not"))
    if kind == "not":
        return {"kind": "not", "of": some_tree(random, now, levels - 1)}
    parts = [some_tree(random, now, levels - 1) for _ in range(random.randint(1, 3))]
    return {"kind": kind, "of": parts}


def main_scope(club: Club) -> Scope:
    with club.database.reading() as session:
        programme = programmes.by_code(session, club.code)
        return scope.in_main_unit(session, programme, club.clock())


def members_of(club: Club, tree: dict) -> set[int]:
    """The ids of those who belong to the segment, asked for all at once."""
    wanted = membership.condition(documents.read(tree), main_scope(club))
    with club.database.reading() as session:
        ids = session.scalars(select(Member.id).where(wanted)).all()
        assert membership.count(session, wanted) == len(ids)
    return set(ids)


def stranger_of(club: Club) -> Member:
    """A member of another programme, with points from the same store."""
    other = Club(club.database, club.clock, "other")
    other.open()
    stranger = other.join()
    other.grant(stranger, 50, store=STORES[0])
    return stranger


def which(club: Club, member: Member, trees: Sequence[dict]) -> tuple[bool, ...]:
    """Which of the segments one member belongs to; asked for in one statement."""
    read, in_scope = [documents.read(tree) for tree in trees], main_scope(club)
    with club.database.reading() as session, recorded(club.database) as statements:
        answers = membership.which(session, in_scope, member, read)
    assert len(statements) == 1
    return answers


def a_few_of_each(village: Village, random: Random) -> list[int]:
    """Two members of each kind: to ask for all trees at once is dear, the sets have everybody."""
    kinds: dict[object, list[int]] = {}
    for n, person in enumerate(village.people):
        kind = (person.state.partition(" ")[0], person.uses != n)
        kinds.setdefault(kind, []).append(n)
    return [n for some in kinds.values() for n in random.sample(some, min(2, len(some)))]


@pytest.mark.parametrize("seed", range(3))
def test_a_segment_has_the_members_that_the_model_says(club: Club, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a seed repeats it
    stranger = stranger_of(club)
    village = Village(club, random, 14)
    village.live(90)
    now = club.clock()
    trees = [
        *itertools.chain.from_iterable(leaves(random, now) for _ in range(4)),
        *(some_tree(random, now, MOST_DEEP) for _ in range(40)),
    ]
    expected = {
        n: [n in village.active() and belongs(village, n, tree, now) for tree in trees]
        for n in range(len(village.people))
    }
    for place, tree in enumerate(trees):
        meant = {village.people[n].member.id for n in expected if expected[n][place]}
        assert members_of(club, tree) == meant, tree
    for n in a_few_of_each(village, random):
        person = village.people[n]
        assert which(club, person.member, trees) == tuple(expected[n]), person
    assert not any(which(club, stranger, trees))
    states = {person.state.partition(" ")[0] for person in village.people}
    assert states == {"active", "merged", "erased"}
    assert any(person.uses != n for n, person in enumerate(village.people))


@pytest.mark.parametrize("newest_first", [True, False])
def test_lists_are_looked_through_as_conditions_say(club: Club, monkeypatch, newest_first) -> None:
    """Some members at a time; and a second time later, when each period begins later as well."""
    monkeypatch.setattr(roster, "FIRST_LOOKED", 3)
    random = Random(newest_first)  # noqa: S311 - a seed repeats it
    stranger_of(club)
    Village(club, random, 14).live(60)
    trees = [*leaves(random, club.clock()), *(some_tree(random, club.clock(), 3) for _ in range(8))]
    for _ in range(2):
        for tree in trees:
            assert listed(club, tree, newest_first=newest_first) == fitting(
                club, tree, newest_first=newest_first
            )
        club.clock.advance(days=2)


def fitting(club: Club, tree: dict, *, newest_first: bool) -> list[str]:
    """The public ids of those who fulfil the condition, asked of all at once."""
    order = (Member.created_at, Member.id)
    wanted = membership.condition(documents.read(tree), main_scope(club))
    query = select(Member.public_id).where(wanted)
    with club.database.reading() as session:
        ordered = query.order_by(*(one.desc() if newest_first else one for one in order))
        return list(session.scalars(ordered))


def listed(club: Club, tree: dict, *, newest_first: bool) -> list[str]:
    """The public ids of those whom a list finds, two on each page."""
    in_scope, found = main_scope(club), list[str]()
    sieve = membership.sieve(documents.read(tree), in_scope.programme_id, in_scope.unit_id)
    after = None
    with club.database.reading() as session:
        while True:
            page = roster.sifted(
                session,
                in_scope.programme_id,
                club.code,
                sieve,
                after,
                roster.first_edge(in_scope.programme_id, after, newest_first=newest_first).answer(
                    within(session)
                ),
                2,
                club.clock(),
                people=False,
                newest_first=newest_first,
            )
            found += [one.id for one in page.members]
            if page.following is None and len(page.members) < 2:
                return found
            after = page.following or page.members[-1].place


def test_nothing_is_asked_of_the_database_for_no_segments(club, anna) -> None:
    in_scope = main_scope(club)
    with club.database.reading() as session, recorded(club.database) as statements:
        assert membership.which(session, in_scope, anna, []) == ()
    assert statements == []


@pytest.mark.parametrize("number", [1, 40, 200])
def test_many_segments_are_one_statement(club, anna, number: int) -> None:
    club.grant(anna, number)
    trees = [{"kind": "balance", "at_least": n} for n in range(1, number * 2 + 1)]
    assert which(club, anna, trees) == (True,) * number + (False,) * number


def test_days_count_back_from_the_moment_of_the_scope(club, anna) -> None:
    club.grant(anna, 5)
    club.clock.advance(days=3)
    edges = [{"kind": "purchase", "days": days} for days in (2, 3)]
    assert which(club, anna, edges) == (False, True)  # the moment itself is part of the period


def test_members_come_page_by_page_in_order(club) -> None:
    people = [club.join(f"member {n}") for n in range(7)]
    for person in people[::2]:
        club.grant(person, 10)
    wanted = membership.condition(
        documents.read({"kind": "balance", "at_least": 10}), main_scope(club)
    )
    expected = [person.id for person in people[::2]]
    with club.database.reading() as session:

        def page(after_id: int, last_id: int) -> list[int]:
            return [one.id for one in membership.page(session, wanted, after_id, last_id, 3)]

        assert page(0, people[-1].id) == expected[:3]
        assert page(expected[2], people[-1].id) == expected[3:]
        assert page(0, expected[1]) == expected[:2]


def test_points_that_came_with_a_merger_are_no_purchase(club, anna, boris) -> None:
    club.grant(boris, 10)
    club.merge(boris, anna)
    trees = [{"kind": "purchase"}, {"kind": "activity"}, {"kind": "balance", "at_least": 10}]
    assert which(club, anna, trees) == (False, False, True)
    assert which(club, boris, trees) == (False, False, False)


def test_conditions_bound_a_period_at_both_ends(club, anna) -> None:
    begin = club.clock()
    club.grant(anna, 5)
    end = club.clock.advance(days=1)
    in_scope = main_scope(club)

    def has_accrual(since: datetime, until: datetime) -> bool:
        condition = conditions.has_posting(in_scope, conditions.ACCRUAL, since, until)
        with club.database.reading() as session:
            return session.scalars(select(Member.id).where(condition)).all() == [anna.id]

    assert has_accrual(begin, end)
    assert not has_accrual(begin - timedelta(days=1), begin)


def rub(amount: str) -> Money:
    return Money(amount, "RUB")


class TestPurchases:
    """As soon as a programme is told of purchases, these are the purchases."""

    BOUGHT = ({"kind": "purchase"}, {"kind": "purchase", "days": 2})

    def test_from_the_first_on_points_alone_are_no_purchase(self, club, anna, boris) -> None:
        clara, dora = club.join("Клара"), club.join("Дора")
        club.grant(boris, 5)  # nobody knows whether for a purchase
        club.grant(anna, 5, purchase=rub("100"))
        club.grant(clara, 5)
        assert [which(club, one, self.BOUGHT) for one in (anna, boris, clara, dora)] == [
            (True, True),
            (True, True),
            (False, False),
            (False, False),
        ]
        club.clock.advance(days=3)
        assert [which(club, one, self.BOUGHT) for one in (anna, boris)] == [(True, False)] * 2

    def test_a_redemption_is_a_purchase_if_it_says_so(self, club, anna) -> None:
        club.grant(anna, 50, activates=0)
        club.clock.advance(days=3)
        club.redeem(anna, 20)
        assert which(club, anna, self.BOUGHT) == (True, False)
        club.redeem(anna, 20, purchase=rub("0"), store="arbat")
        stores = [{"kind": "purchase", "store": name} for name in ("arbat", "centre")]
        assert which(club, anna, [*self.BOUGHT, *stores]) == (True, True, True, False)

    def test_what_was_undone_whole_was_not_bought(self, club, anna) -> None:
        posting = club.grant(anna, 5, purchase=rub("100"))
        club.reverse(posting, 2)
        assert which(club, anna, self.BOUGHT) == (True, True)
        club.reverse(posting)
        assert which(club, anna, self.BOUGHT) == (False, False)

    def test_programmes_are_told_of_purchases_one_by_one(self, club, anna, database) -> None:
        other = Club(database, club.clock, "other")
        other.open()
        boris = other.join("Борис")
        club.grant(anna, 5, purchase=rub("100"))
        other.grant(boris, 5)
        assert which(other, boris, self.BOUGHT) == (True, True)

    def test_for_so_much_in_all(self, club, anna, boris) -> None:
        def least(amount: str, currency: str = "RUB", **more: object) -> dict:
            money = {"amount": amount, "currency": currency}
            return {"kind": "purchase", "at_least": money, **more}

        club.grant(boris, 5)
        club.grant(anna, 10, purchase=rub("100"), store="arbat")
        club.clock.advance(days=3)
        posting = club.grant(anna, 10, purchase=rub("50.50"))
        club.grant(anna, 1, purchase=Money("7000", "KZT"))
        trees = [
            least("150.50"),
            least("150.51"),
            least("50.50", days=2),
            least("100", days=2),
            least("100", store="arbat"),
            least("7000", "KZT"),
            least("1", "EUR"),
            {"kind": "not", "of": least("150.51")},
        ]
        expected = (True, False, True, False, True, True, False, True)
        assert which(club, anna, trees) == expected
        assert which(club, boris, trees) == (False,) * 7 + (True,)
        club.reverse(posting, 1)
        assert which(club, anna, trees[:1]) == (False,)

    @pytest.mark.parametrize("amount", ["1.001", "0", "-5", "9" * 30])
    def test_an_amount_that_nobody_can_have_paid_is_refused(self, amount) -> None:
        money = {"amount": amount, "currency": "RUB"}
        with pytest.raises(ValidationError):
            documents.read({"kind": "purchase", "at_least": money})

    def test_a_currency_that_there_is_not_is_refused(self) -> None:
        money = {"amount": "5", "currency": "XQZ"}
        with pytest.raises(ValidationError, match="ISO 4217"):
            documents.read({"kind": "purchase", "at_least": money})

    def test_a_household_buys_together(self, club, anna, boris) -> None:
        club.household(anna, boris)
        club.grant(anna, 5, purchase=rub("100"))
        assert [which(club, one, self.BOUGHT)[0] for one in (anna, boris)] == [True, True]
        club.leave(anna)
        assert [which(club, one, self.BOUGHT)[0] for one in (anna, boris)] == [False, True]

    def test_a_balance_that_was_told_is_no_purchase(self, club, anna) -> None:
        said = BalanceIs(50, "crm", Cause(occurred_at=club.clock()))
        club.database.run(
            lambda session: told.hear(session, Whom(member=anna.public_id), said, club.clock())
        )
        trees = [*self.BOUGHT, {"kind": "activity"}]
        assert which(club, anna, trees) == (False, False, True)
