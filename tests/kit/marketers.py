"""Somebody who writes promotions: each call is a transaction of its own."""

from dataclasses import dataclass
from typing import Any

from clocks import StoppedClock
from sqlalchemy.orm import Session

from ledger.database.engine import Database
from ledger.programmes import programmes
from ledger.promotions.promotions import PromotionRules
from ledger.promotions.terms import PromotionTerms
from ledger.sales import published
from ledger.sales.published import DecidedBy, PublishedPromotions, Publishing

SOMEBODY = DecidedBy("staff", "anna@example.com")


def percent(size: int, **more: Any) -> PromotionRules:
    gives = [{"kind": "percent", "percent": str(size)}]
    return PromotionRules.model_validate({"name": f"{size} %", "gives": gives, **more})


@dataclass
class Marketer:
    """What people do to promotions."""

    database: Database
    clock: StoppedClock
    code: str

    def _run(self, work: Any) -> Any:
        def within(session: Session) -> Any:
            return work(session, programmes.by_code(session, self.code).id)

        return self.database.run(within)

    def make(self, code: str, rules: PromotionRules) -> None:
        self._run(lambda session, of: published.make(session, of, code, rules, self.clock()))

    def put(self, code: str, rules: PromotionRules, known: int | None = None) -> int:
        def work(session: Session, of: int) -> int:
            made = published.put(session, of, code, rules, self.clock(), known)
            return made.promotion.revision

        return self._run(work)

    def publish(self, code: str, **where: Any) -> tuple[int, str] | None:
        """The version, and its rules as they stand in the table: so as they were published."""

        def work(session: Session, of: int) -> tuple[int, str] | None:
            found = published.named(session, of, code)
            wanted = Publishing(**where)
            made = published.publish(session, found, wanted, SOMEBODY, self.clock())
            if made is None:
                return None
            (version,) = (
                one for one in published.versions(session, found) if one.number == made.version
            )
            return made.version, version.rules["name"]

        return self._run(work)

    def end(self, code: str) -> bool:
        def work(session: Session, of: int) -> bool:
            found = published.named(session, of, code)
            return published.end(session, found, SOMEBODY, self.clock()) is not None

        return self._run(work)

    def terms(self, *lanes: str, known: int | None = None) -> int:
        wanted = PromotionTerms.model_validate(
            {"lanes": [{"code": lane, "mode": "all"} for lane in lanes]}
        )
        return self._run(
            lambda session, of: (
                published.put_terms(session, of, wanted, self.clock(), known).revision
            )
        )

    def lanes(self) -> list[str]:
        return self._run(
            lambda session, of: [one.code for one in published.terms(session, of)[0].lanes]
        )

    def draft(self, code: str) -> dict[str, Any] | None:
        def work(session: Session, of: int) -> dict[str, Any] | None:
            found = published.find(session, of, code)
            return None if found is None else found.draft

        return self._run(work)

    def versions(self, code: str) -> list[tuple[int, str]]:
        def work(session: Session, of: int) -> list[tuple[int, str]]:
            found = published.versions(session, published.named(session, of, code))
            return [(one.number, one.rules["name"]) for one in found]

        return self._run(work)

    def stages(self, code: str) -> list[tuple[int, str]]:
        def work(session: Session, of: int) -> list[tuple[int, str]]:
            found = published.stages(session, published.named(session, of, code))
            return [(one.version, one.stage) for one in found]

        return self._run(work)

    def given(self, store: str | None = None, *, tests: bool = False) -> dict[str, int]:
        """Which version of each promotion is given now."""

        def work(session: Session, of: int) -> dict[str, int]:
            found: PublishedPromotions = published.of(session, of)
            shelf = found.shelf(store, self.clock(), tests=tests)
            return {one.code: one.version for one in shelf.all}

        return self._run(work)
