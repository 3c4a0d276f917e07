"""A programme without a wallet, and methods that do things in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from clocks import StoppedClock
from sqlalchemy import func, select

from ledger import enrolment
from ledger.book import holds, reversals, statements
from ledger.book.accounts import Account, Balance
from ledger.book.journal import Entry
from ledger.book.lots import Lot
from ledger.book.statements import Filter, StatementLine
from ledger.database.engine import Database
from ledger.people.members import Member
from ledger.people.persons import Profile
from ledger.points import accruals, corrections, households, redemptions, transfers, upkeep
from ledger.points.accruals import Grant
from ledger.points.causes import Cause
from ledger.points.corrections import Reversal
from ledger.points.redemptions import Spend
from ledger.points.transfers import Gift
from ledger.programmes import programmes, units
from ledger.programmes.programmes import Terms
from ledger.segments import conditions, scope


@dataclass
class Club:
    """A programme, and methods that do things in it. Each call is a transaction of its own."""

    database: Database
    clock: StoppedClock
    code: str = "club"

    def open(self, **terms: Any) -> None:
        """Create the programme; `terms` as in `Terms`."""
        with self.database.transaction() as session:
            programmes.create(session, Terms(self.code, "Клуб", **terms), self.clock())

    def join(self, name: str = "Анна") -> Member:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, self.code)
            return enrolment.join(session, programme, Profile(name=name), self.clock()).member

    def days(self, days: float) -> datetime:
        """The moment that is so many days from now by the stopped clock."""
        return self.clock() + timedelta(days=days)

    def grant(self, member: Member, points: int, **terms: Any) -> str:
        """Give points; returns the posting's id. `expires` and `activates` are in days from now;
        other terms as in `Cause` and `Grant`."""
        told = {name: terms.pop(name) for name in list(terms) if name in Cause.__slots__}
        for name in ("activates", "expires"):
            if name in terms:
                terms[f"{name}_at"] = self.days(terms.pop(name))
        grant = Grant(points, Cause(**told), **terms)
        return self.database.run(
            lambda session: accruals.grant(
                session, self._again(session, member), grant, self.clock()
            )
        ).posting_id

    def redeem(self, member: Member, points: int, **told: Any) -> str:
        """Spend points; returns the posting's id. `told` as in `Cause`, and `unit`."""
        unit = told.pop("unit", None)
        spend = Spend(points, Cause(**told), unit)
        return self.database.run(
            lambda session: redemptions.redeem(
                session, self._again(session, member), spend, self.clock()
            )
        ).posting_id

    def hold(self, member: Member, points: int, minutes: float = 30, **told: Any) -> str:
        lasts = timedelta(minutes=minutes)
        spend = Spend(points, Cause(**told))
        return self.database.run(
            lambda session: (
                redemptions.hold(
                    session, self._again(session, member), spend, lasts, self.clock()
                ).hold.public_id
            )
        )

    def capture(self, hold: str, points: int | None = None) -> str:
        return self.database.run(
            lambda session: redemptions.capture(
                session, holds.find(session, hold), points, self.clock()
            )
        ).posting_id

    def release(self, hold: str) -> None:
        self.database.run(
            lambda session: redemptions.release(session, holds.find(session, hold), self.clock())
        )

    def reverse(self, posting: str, points: int | None = None, **terms: Any) -> str:
        return self.database.run(
            lambda session: corrections.reverse(
                session,
                reversals.find(session, posting),
                Reversal(points, **terms),
                self.clock(),
            )
        ).posting_id

    def transfer(self, giver: Member, taker: Member, points: int) -> str:
        return self.database.run(
            lambda session: transfers.transfer(
                session,
                self._again(session, giver),
                self._again(session, taker),
                Gift(points),
                self.clock(),
            )
        ).giver.posting_id

    def household(self, member: Member, head: Member) -> None:
        self.database.run(
            lambda session: households.join(
                session, self._again(session, member), self._again(session, head), self.clock()
            )
        )

    def leave(self, member: Member) -> None:
        self.database.run(
            lambda session: households.leave(session, self._again(session, member), self.clock())
        )

    def merge(self, member: Member, into: Member) -> None:
        self.database.run(
            lambda session: households.merge(
                session, self._again(session, member), self._again(session, into), self.clock()
            )
        )

    def settle(self) -> None:
        while self.database.run(lambda session: upkeep.turn(session, self.clock(), limit=2)):
            pass

    def turn(self, **passed: float) -> None:
        """Let time pass, and do what it brings."""
        self.clock.advance(**passed)
        self.settle()
        while self.database.run(
            lambda session: upkeep.release_stale_holds(session, self.clock(), limit=2)
        ):
            pass

    def balance(self, member: Member, unit: str | None = None) -> Balance:
        with self.database.reading() as session:
            found = statements.all_balances(session, self._again(session, member), self.clock())
            return next(
                balance for of, balance in found if (of.main if unit is None else of.code == unit)
            )

    def belongs(self, member: Member, points: dict[str, int]) -> bool:
        """Whether the member has so many points to spend, as a segment asks."""
        with self.database.reading() as session:
            programme = programmes.by_code(session, self.code)
            in_scope = scope.in_main_unit(session, programme, self.clock())
            condition = conditions.has_points(in_scope, **points)
            return session.scalar(select(Member.id).where(Member.id == member.id, condition)) == (
                member.id
            )

    def has(self, member: Member) -> tuple[int, int, int, int]:
        """The balance as a tuple: available, pending, held, owed."""
        found = self.balance(member)
        return found.available, found.pending, found.held, found.debt

    def lots(self, member: Member) -> list[tuple[int, int]]:
        """What remains of each lot, and how much of that is held, in the order in which lots were
        made; empty lots are left out."""
        rows = select(Lot.remaining, Lot.held).where(
            Lot.account_id == self.balance(member).account_id, Lot.remaining > 0
        )
        with self.database.reading() as session:
            return [(row.remaining, row.held) for row in session.execute(rows.order_by(Lot.id))]

    def own(self) -> dict[str, int]:
        """The balances of the programmes' own accounts, by kind."""
        rows = (
            select(Account.kind, func.sum(Entry.amount))
            .join(Entry, Entry.account_id == Account.id)
            .where(Account.member_id == 0)
            .group_by(Account.kind)
        )
        with self.database.reading() as session:
            return {kind: int(amount) for kind, amount in session.execute(rows)}

    def lines(self, member: Member, wanted: Filter | None = None) -> list[StatementLine]:
        """The statement, newest first."""
        account_id = self.balance(member).account_id
        with self.database.reading() as session:
            return statements.statement(session, account_id, wanted or Filter(), None, 1000)

    def story(self, member: Member, wanted: Filter | None = None) -> list[tuple[str, int, int]]:
        """The statement, oldest first."""
        lines = reversed(self.lines(member, wanted))
        return [(line.kind, line.points, line.balance_after) for line in lines]

    def add_unit(self, terms: units.UnitTerms) -> None:
        with self.database.transaction() as session:
            programme = programmes.by_code(session, self.code)
            units.add(session, programme.id, terms)

    @staticmethod
    def _again(session: Any, member: Member) -> Member:
        return session.get_one(Member, member.id)
