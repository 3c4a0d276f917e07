"""The whole ledger against a small model of it, over random histories.

The model knows lots, holds, debts and dates, and nothing of databases. After every step the two
must agree on every balance, and the book must keep its own rules."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.book import audit
from ledger.database.engine import Database
from ledger.errors import InsufficientPoints, Refusal
from ledger.limits import NEVER
from ledger.people.members import Member
from ledger.settings import LedgerSettings

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "25"))
# Shrinking a history means living it again hundreds of times: only where somebody waits for it.
PHASES = tuple(Phase) if "LEDGER_SHRINK" in os.environ else (Phase.explicit, Phase.generate)
STEPS = int(os.environ.get("LEDGER_STEPS", "30"))

# After so many histories a new database: the rules of the book are asked of all that is in it.
PART = 50

amounts = st.integers(1, 40)
people = st.integers(0, 2)


class Refused(Exception):
    """The model says no; the code that the ledger must give."""


@dataclass(eq=False)
class ModelLot:
    amount: int
    activates_at: datetime
    expires_at: datetime
    remaining: int
    held: int = 0
    expired: int = 0
    active: bool = True
    origin: "ModelLot | None" = None

    @property
    def free(self) -> int:
        return self.remaining - self.held

    @property
    def first(self) -> "ModelLot":
        """The lot that its points were in first, before a merge or a household moved them."""
        return self.origin or self


@dataclass(eq=False)
class ModelAccount:
    lots: list[ModelLot] = field(default_factory=list)
    debt: int = 0

    @property
    def available(self) -> int:
        return sum(lot.free for lot in self.lots if lot.active)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots)

    def seen(self, now: datetime) -> tuple[int, int, int, int]:
        """What whoever reads at this moment is told: available, pending, held, owed. What time has
        brought counts, whether somebody has settled the account or not."""
        usable = sum(lot.free for lot in self.lots if lot.activates_at <= now < lot.expires_at)
        pending = sum(lot.remaining for lot in self.lots if lot.activates_at > now)
        repaid = min(self.debt, usable)
        return usable - repaid, pending, self.held, self.debt - repaid


@dataclass
class ModelPosting:
    """`giver` and `taker` are members: whose own account was used."""

    kind: str
    amount: int
    giver: int | None = None
    taken: list[tuple[ModelLot, int]] = field(default_factory=list)
    taker: int | None = None
    made: list[ModelLot] = field(default_factory=list)
    undone: int = 0
    counted: int = 0


@dataclass
class ModelHold:
    account: ModelAccount
    parts: list[tuple[ModelLot, int]]
    expires_at: datetime
    state: str = "open"

    @property
    def amount(self) -> int:
        return sum(part for _, part in self.parts)


class Model:
    """What the ledger ought to do."""

    def __init__(self, now: datetime, grace_days: int, overdrawn: str) -> None:
        self.now = now
        self.grace = timedelta(days=grace_days)
        self.overdrawn = overdrawn
        self.accounts = [ModelAccount() for _ in range(3)]
        self.holder = [0, 1, 2]  # whose account a member uses
        self.into: list[int | None] = [None, None, None]  # whom they were merged into

    def settle(self, account: ModelAccount) -> None:
        for lot in account.lots:
            lot.active = lot.active or lot.activates_at <= self.now
            if lot.expires_at <= self.now and lot.free:
                lot.expired += lot.free
                lot.remaining = lot.held
        self.repay(account)

    def repay(self, account: ModelAccount) -> None:
        amount = min(account.debt, account.available)
        self.take(account, amount)
        account.debt -= amount

    @staticmethod
    def spendable(account: ModelAccount) -> list[ModelLot]:
        return sorted(
            (lot for lot in account.lots if lot.active and lot.free),
            key=lambda lot: (lot.expires_at, account.lots.index(lot)),
        )

    def parts(self, account: ModelAccount, amount: int) -> list[tuple[ModelLot, int]]:
        found = []
        for lot in self.spendable(account):
            part = min(amount, lot.free)
            amount -= part
            if part:
                found.append((lot, part))
        return found

    def take(self, account: ModelAccount, amount: int) -> list[tuple[ModelLot, int]]:
        found = self.parts(account, amount)
        for lot, part in found:
            lot.remaining -= part
        return found

    def grant(self, at: int, amount: int, activates_in: int, lives: int | None) -> ModelPosting:
        holder = self.holder[at]
        account = self.accounts[holder]
        self.settle(account)
        activates_at = self.now + timedelta(days=activates_in)
        expires_at = NEVER if lives is None else activates_at + timedelta(days=lives)
        lot = ModelLot(amount, activates_at, expires_at, amount, active=activates_in == 0)
        account.lots.append(lot)
        self.repay(account)
        return ModelPosting("accrual", amount, taker=holder, made=[lot])

    def redeem(self, at: int, amount: int) -> ModelPosting:
        holder = self.holder[at]
        account = self.accounts[holder]
        self.settle(account)
        if account.available < amount:
            raise Refused("insufficient_points")
        return ModelPosting("redemption", amount, giver=holder, taken=self.take(account, amount))

    def transfer(self, at: int, to: int, amount: int) -> ModelPosting:
        self.require_two(at, to)
        giver, taker = self.accounts[self.holder[at]], self.accounts[self.holder[to]]
        self.settle(giver)
        if giver.available < amount:
            raise Refused("insufficient_points")
        self.settle(taker)
        taken = self.take(giver, amount)
        made = [ModelLot(part, lot.activates_at, lot.expires_at, part) for lot, part in taken]
        taker.lots += made
        self.repay(taker)
        return ModelPosting("transfer", amount, self.holder[at], taken, self.holder[to], made)

    def require_two(self, one: int, other: int) -> None:
        if self.holder[one] == self.holder[other]:
            raise Refused("same_member")
        if self.into[one] is not None or self.into[other] is not None:
            raise Refused("member_merged")

    def household(self, at: int, head: int) -> None:
        self.require_two(at, head)
        self.require_single(at)
        if self.holder[head] != head:
            raise Refused("pooled_member")
        self.move_all(at, head)
        self.use(at, head)

    def leave(self, at: int) -> None:
        if self.into[at] is not None:
            raise Refused("member_merged")
        self.use(at, at)

    def merge(self, at: int, to: int) -> None:
        self.require_two(at, to)
        self.require_single(at)
        self.move_all(at, self.holder[to])
        self.use(at, self.holder[to])
        self.into = [to if one == at or into == at else into for one, into in enumerate(self.into)]

    def require_single(self, at: int) -> None:
        others = [
            one for one, holder in enumerate(self.holder) if holder == at and self.into[one] is None
        ]
        if self.holder[at] != at or others != [at]:
            raise Refused("pooled_member")

    def use(self, at: int, holder: int) -> None:
        self.holder = [
            holder if one == at or self.into[one] == at else of
            for one, of in enumerate(self.holder)
        ]

    def move_all(self, at: int, to: int) -> None:
        giver, taker = self.accounts[at], self.accounts[to]
        self.settle(giver)
        if giver.held:
            raise Refused("holds_open")
        self.settle(taker)
        for lot in sorted(
            (lot for lot in giver.lots if lot.free),
            key=lambda lot: (lot.expires_at, giver.lots.index(lot)),
        ):
            taker.lots.append(self.again(lot, lot.free, lot.expires_at))
            lot.remaining = 0
        taker.debt += giver.debt
        giver.debt = 0
        self.repay(taker)

    @staticmethod
    def again(lot: ModelLot, amount: int, expires_at: datetime) -> ModelLot:
        """Points of a lot as a new one."""
        return ModelLot(
            amount, lot.activates_at, expires_at, amount, active=lot.active, origin=lot.first
        )

    def hold(self, at: int, amount: int, lasts: timedelta) -> ModelHold:
        account = self.accounts[self.holder[at]]
        self.settle(account)
        if account.available < amount:
            raise Refused("insufficient_points")
        parts = self.parts(account, amount)
        for lot, part in parts:
            lot.held += part
        return ModelHold(account, parts, self.now + lasts)

    def capture(self, hold: ModelHold, amount: int | None) -> ModelPosting:
        wanted = hold.amount if amount is None else amount
        if wanted > hold.amount:
            raise Refused("capture_too_large")
        self.settle(hold.account)
        if hold.state != "open":
            raise Refused("hold_closed")
        if hold.expires_at <= self.now:
            raise Refused("hold_expired")
        taken = []
        missing = wanted
        for lot, part in sorted(
            hold.parts, key=lambda one: (one[0].expires_at, hold.account.lots.index(one[0]))
        ):
            lot.held -= part
            spent = min(part, missing)
            missing -= spent
            lot.remaining -= spent
            if spent:
                taken.append((lot, spent))
        hold.state = "captured"
        self.settle(hold.account)
        at = self.accounts.index(hold.account)
        return ModelPosting("redemption", wanted, giver=at, taken=taken)

    def release(self, hold: ModelHold) -> None:
        self.settle(hold.account)
        if hold.state != "open":
            raise Refused("hold_closed")
        for lot, part in hold.parts:
            lot.held -= part
        hold.state = "released"
        self.settle(hold.account)

    def reverse(self, posting: ModelPosting, points: int | None) -> None:
        members = [one for one in (posting.giver, posting.taker) if one is not None]
        touched = [self.accounts[self.holder[one]] for one in members]
        if len(set(touched)) < len(touched):
            raise Refused("not_reversible")
        for account in touched:
            self.settle(account)
        left = posting.amount - posting.undone
        amount = left if points is None else points
        if left == 0:
            raise Refused("already_reversed")
        if not 0 < amount <= left:
            raise Refused("reversal_too_large")
        if posting.taker is not None:
            self.take_back(posting, self.accounts[self.holder[posting.taker]], amount)
        if posting.giver is not None:
            self.give_back(posting, posting.giver, amount)
        posting.undone += amount
        for account in touched:
            self.settle(account)

    def give_back(self, posting: ModelPosting, giver: int, amount: int) -> None:
        account = self.accounts[self.holder[giver]]
        for lot, part in self.from_the_end(posting.taken, posting.undone, amount):
            late = lot.expires_at <= self.now and self.grace
            until = self.now + self.grace if late else lot.expires_at
            if account is self.accounts[giver]:
                lot.remaining += part
                lot.expires_at = until
            else:
                account.lots.append(self.again(lot, part, until))

    @staticmethod
    def from_the_end(
        parts: list[tuple[ModelLot, int]], skip: int, amount: int
    ) -> list[tuple[ModelLot, int]]:
        found = []
        for lot, size in reversed(parts):
            skipped = min(skip, size)
            skip -= skipped
            part = min(size - skipped, amount)
            amount -= part
            if part:
                found.append((lot, part))
        return found

    def take_back(self, posting: ModelPosting, account: ModelAccount, amount: int) -> None:
        parts = self.from_the_end(
            [(lot, lot.amount) for lot in posting.made], posting.undone, amount
        )
        taken = []
        for made, part in parts:
            for lot in sorted(
                (lot for lot in account.lots if lot.first is made and lot.free),
                key=lambda lot: (lot.expires_at, account.lots.index(lot)),
            ):
                share = min(part, lot.free)
                part -= share
                if share:
                    taken.append((lot, share))
        missing = amount - sum(part for _, part in taken)
        ran_out = sum(
            lot.expired
            for account in self.accounts
            for lot in account.lots
            if lot.first in posting.made
        )
        gone = min(missing, ran_out - posting.counted)
        missing -= gone
        touched = [id(lot) for lot, part in taken if part]
        for lot in self.spendable(account):
            if id(lot) not in touched and missing:
                part = min(missing, lot.free)
                taken.append((lot, part))
                missing -= part
        if missing and self.overdrawn == "refuse":
            raise Refused("points_spent")
        for lot, part in taken:
            lot.remaining -= part
        account.debt += missing
        posting.counted += gone


class Histories(RuleBasedStateMachine):
    """Random deeds, done to the ledger and to the model."""

    clubs: Iterator[Any]

    @initialize(grace=st.sampled_from([0, 0, 5]), overdrawn=st.sampled_from(["debt", "refuse"]))
    def begin(self, grace: int, overdrawn: str) -> None:
        self.club = next(self.clubs)
        self.club.open(grace_days=grace, overdrawn=overdrawn)
        self.members: list[Member] = [self.club.join(name) for name in ("Анна", "Борис", "Вера")]
        self.model = Model(self.club.clock(), grace, overdrawn)
        self.postings: list[tuple[str, ModelPosting]] = []
        self.holds: list[tuple[str, ModelHold]] = []

    def both(self, real: Any, ideal: Any) -> tuple[Any, Any] | None:
        """Do it in both worlds: both succeed, or both refuse with the same code."""
        try:
            expected = ideal()
        except Refused as refusal:
            with pytest.raises(Refusal) as refused:
                real()
            assert refused.value.code == str(refusal)
            return None
        return real(), expected

    @rule(
        at=people,
        amount=amounts,
        activates=st.sampled_from([0, 0, 0, 3]),
        lives=st.sampled_from([None, 2, 5, 9]),
    )
    def grant(self, at: int, amount: int, activates: int, lives: int | None) -> None:
        terms: dict[str, Any] = {"activates": activates} if activates else {}
        if lives is not None:
            terms["expires"] = activates + lives
        done = self.both(
            lambda: self.club.grant(self.members[at], amount, **terms),
            lambda: self.model.grant(at, amount, activates, lives),
        )
        self.remember(done)

    @rule(at=people, amount=amounts)
    def redeem(self, at: int, amount: int) -> None:
        self.remember(
            self.both(
                lambda: self.club.redeem(self.members[at], amount),
                lambda: self.model.redeem(at, amount),
            )
        )

    @rule(at=people, to=people, amount=amounts)
    def transfer(self, at: int, to: int, amount: int) -> None:
        self.remember(
            self.both(
                lambda: self.club.transfer(self.members[at], self.members[to], amount),
                lambda: self.model.transfer(at, to, amount),
            )
        )

    @rule(at=people, amount=amounts, minutes=st.sampled_from([30, 60 * 24 * 4]))
    def hold(self, at: int, amount: int, minutes: int) -> None:
        done = self.both(
            lambda: self.club.hold(self.members[at], amount, minutes),
            lambda: self.model.hold(at, amount, timedelta(minutes=minutes)),
        )
        if done is not None:
            self.holds.append(done)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=st.none() | amounts)
    def capture(self, data: st.DataObject, amount: int | None) -> None:
        hold, ideal = data.draw(st.sampled_from(self.holds))
        self.remember(
            self.both(
                lambda: self.club.capture(hold, amount), lambda: self.model.capture(ideal, amount)
            )
        )

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold, ideal = data.draw(st.sampled_from(self.holds))
        self.both(lambda: self.club.release(hold), lambda: self.model.release(ideal))

    @precondition(lambda self: self.postings)
    @rule(data=st.data(), amount=st.none() | amounts)
    def reverse(self, data: st.DataObject, amount: int | None) -> None:
        posting, ideal = data.draw(st.sampled_from(self.postings))
        self.both(
            lambda: self.club.reverse(posting, amount), lambda: self.model.reverse(ideal, amount)
        )

    @rule(at=people, to=people)
    def household(self, at: int, to: int) -> None:
        self.both(
            lambda: self.club.household(self.members[at], self.members[to]),
            lambda: self.model.household(at, to),
        )

    @rule(at=people)
    def leave(self, at: int) -> None:
        self.both(lambda: self.club.leave(self.members[at]), lambda: self.model.leave(at))

    # Two merges leave one member of three: a history has one of them late, if any.
    @precondition(lambda self: len(self.postings) > 3)
    @rule(at=people, to=people)
    def merge(self, at: int, to: int) -> None:
        self.both(
            lambda: self.club.merge(self.members[at], self.members[to]),
            lambda: self.model.merge(at, to),
        )

    @rule(hours=st.sampled_from([1, 24, 24, 72]))
    def time_passes(self, hours: int) -> None:
        self.club.clock.advance(hours=hours)
        self.model.now = self.club.clock()

    @rule(at=people)
    def what_is_shown_can_be_spent(self, at: int) -> None:
        """All of it, and no more; whoever selects members by their points sees the same."""
        member, shown = self.members[at], self.club.balance(self.members[at]).available
        if self.model.into[at] is None:
            assert self.club.belongs(member, {"at_least": shown, "at_most": shown})
        with pytest.raises(InsufficientPoints) as refused:
            self.club.redeem(member, shown + 1)
        assert refused.value.available == shown
        if shown:
            self.redeem(at, shown)

    @rule()
    def sweep(self) -> None:
        self.club.turn()
        for account in self.model.accounts:
            self.model.settle(account)
        for _, hold in self.holds:
            if hold.state == "open" and hold.expires_at <= self.model.now:
                self.model.release(hold)

    def remember(self, done: tuple[str, ModelPosting] | None) -> None:
        if done is not None:
            self.postings.append(done)

    @invariant()
    def the_two_agree(self) -> None:
        for member, holder in zip(self.members, self.model.holder, strict=True):
            account = self.model.accounts[holder]
            assert self.club.has(member) == account.seen(self.model.now)

    @invariant()
    def the_book_is_sound(self) -> None:
        with self.club.database.reading() as session:
            assert audit.check(session) == []


@pytest.mark.parametrize("first", range(0, EXAMPLES, PART))
def test_random_histories_agree_with_the_model(
    database_url: str, make_club: Any, first: int
) -> None:
    database = Database(LedgerSettings(database_url))
    Histories.clubs = make_club(database)
    try:
        run_state_machine_as_test(
            Histories,
            settings=settings(
                max_examples=min(PART, EXAMPLES - first),
                stateful_step_count=STEPS,
                deadline=None,
                print_blob=True,
                phases=PHASES,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        database.close()
