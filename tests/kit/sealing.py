"""Methods for what is sealed: turns of the sealing, closed days, verifications."""

from dataclasses import dataclass
from datetime import date

from clocks import StoppedClock
from sqlalchemy import func, select

from ledger.book.journal import Posting
from ledger.database.engine import Database
from ledger.programmes import programmes
from ledger.seals import inspection, proofs, sealing
from ledger.seals.sealing import Chain, Root, Seal, Sealing
from ledger.seals.verification import BrokenSeal, Strays, Walk
from wallet.configuration.keyring import KeyRing, SigningKeys

KEYS = KeyRing(("a-secret-for-the-roots-of-tests",)).roots


@dataclass
class Sealer:
    database: Database
    clock: StoppedClock
    keys: SigningKeys = KEYS

    def turn(self, limit: int = 500) -> bool:
        """One turn of the sealing; True if there may be more."""
        return self.database.run(
            lambda session: sealing.turn(session, self.keys, self.clock(), limit)
        )

    def run(self, limit: int = 500) -> None:
        while self.turn(limit):
            pass

    def close_the_day(self) -> None:
        """Seal what is there and let the day end."""
        self.run()
        self.clock.advance(days=1)
        self.turn()

    def sealing(self) -> Sealing:
        with self.database.reading() as session:
            return session.scalars(select(Sealing)).one()

    def chain(self) -> Chain:
        with self.database.reading() as session:
            return session.scalars(select(Chain)).one()

    def seals(self) -> list[Seal]:
        """All seals, in the order of the chain."""
        with self.database.reading() as session:
            return list(session.scalars(select(Seal).order_by(Seal.number)))

    def numbers(self) -> dict[str, int]:
        """The number in the chain, by the id of the posting."""
        return {seal.public_id: seal.number for seal in self.seals()}

    def unsealed(self) -> int:
        with self.database.reading() as session:
            postings = session.scalar(select(func.count()).select_from(Posting)) or 0
            return postings - (session.scalar(select(func.count()).select_from(Seal)) or 0)

    def roots(self, code: str = "club", since: date = date.min) -> list[Root]:
        with self.database.reading() as session:
            return list(proofs.roots(session, programmes.by_code(session, code), since))

    def fault(self, since: int = 1, code: str = "club") -> BrokenSeal | None:
        """The first fault that a whole verification finds."""
        with self.database.reading() as session:
            walk = Walk(programmes.by_code(session, code), self.keys, since)
        for one in (walk, Strays()):
            inspection.go(self.database, one)
            if one.fault is not None:
                return one.fault
        return None
