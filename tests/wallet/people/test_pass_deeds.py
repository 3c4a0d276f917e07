"""Two people at one coupon: on PostgreSQL, in every order that matters."""

from collections.abc import Iterator
from typing import Any

import pytest
from interleaving import Stage, stage
from sqlalchemy import select

from ledger.database.engine import Database
from wallet.access.changes import Author
from wallet.errors import CouponOver, CouponUsed
from wallet.installation import Installation
from wallet.passes import issued
from wallet.passes.issued import Pass
from wallet.people import pass_deeds


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def scene(installation: Installation) -> Iterator[Stage]:
    with stage(installation.database) as there:
        yield there


class Counter:
    """Whoever has a member's coupon before them."""

    def __init__(self, house: Any, api: Any, member: dict) -> None:
        self.database: Database = house.installation.database
        self.make_due, self.clock = house.installation.make_due, house.clock
        self.api, self.member = api, member
        self.serial = ""

    def hand_out(self) -> None:
        """Another coupon, which nobody has used."""
        offer = self.api.post("offers", {"programme": "demo", "title": "Чай"}).get_json()
        made = self.api.post(f"offers/{offer['id']}/passes", {"member": self.member["id"]})
        self.serial = made.get_json()["id"]

    def use(self, name: str = "olga@example.com") -> str:
        """Use it; who took it."""

        def work(session: Any) -> str:
            pass_ = issued.named(session, self.serial)
            by = Author("employee", name)
            used = pass_deeds.use(session, pass_, self.make_due, by, self.clock())
            return used.used_by or ""

        return self.database.run(work)

    def use_too(self) -> str:
        """The same, by somebody else."""
        return self.use("ivan@example.com")

    def make_void(self) -> str:
        """Make it void, as a page that shows it as unused does."""

        def work(session: Any) -> str:
            pass_ = issued.named(session, self.serial)
            by = Author("employee", "manager@example.com")
            pass_deeds.make_void(session, pass_, self.make_due, by, self.clock(), unless_used=True)
            return "void"

        return self.database.run(work)

    def kept(self) -> tuple[str, str | None, bool]:
        """Its state, who took it, and whether it is known when."""
        with self.database.reading() as session:
            pass_ = session.scalars(select(Pass).where(Pass.serial == self.serial)).one()
            return pass_.state, pass_.used_by, pass_.used_at is not None


@pytest.fixture
def counter(house: Any, api: Any, member: dict) -> Counter:
    counter = Counter(house, api, member)
    counter.hand_out()
    counter.use()  # what is compiled and kept once is there from now on
    return counter


def test_of_two_who_use_it_one_does(counter: Counter, scene: Stage) -> None:
    counter.hand_out()
    for at in range(1, scene.statements_of(counter.use) + 1):
        counter.hand_out()
        met = scene.meet(counter.use, counter.use_too, at)
        outcomes = (met.first, met.second)
        (taker,) = [one for one in outcomes if isinstance(one, str)]
        assert [type(one) for one in outcomes if one != taker] == [CouponUsed], at
        assert counter.kept() == ("used", taker, True), at


@pytest.mark.parametrize("first", ["use", "make_void"])
def test_it_is_used_or_void_and_never_both(counter: Counter, scene: Stage, first: str) -> None:
    one, other = counter.use, counter.make_void
    if first == "make_void":
        one, other = other, one
    counter.hand_out()
    for at in range(1, scene.statements_of(one) + 1):
        counter.hand_out()
        met = scene.meet(one, other, at)
        outcomes = [met.first, met.second]
        if "void" in outcomes:
            outcomes.remove("void")
            assert isinstance(outcomes[0], CouponOver), (at, outcomes)
            assert counter.kept() == ("void", None, False)
        else:
            assert {type(one) for one in outcomes} == {str, CouponUsed}, (at, outcomes)
            assert counter.kept() == ("used", "olga@example.com", True)
