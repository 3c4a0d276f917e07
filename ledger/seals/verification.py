"""Walking a programme's chain: is every posting still what was sealed, in the order in which it was
sealed, and does every day still have the root that was signed? Does any posting lack a seal?

The walk goes in steps of bounded size, each of which may have a session of its own. So a chain of
any length is walked on a live system."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from ledger.book.journal import Posting
from ledger.programmes.programmes import Programme
from ledger.seals import hashes, sealing
from ledger.seals.hashes import MerkleTree, Record
from ledger.seals.sealing import Chain, Root, Seal, Sealing, Signatures

STEP = 1000  # postings read at a time
WINDOW = 5000  # ids looked through at a time
BEFORE_ALL = -(2**63)  # below every id, also below those of postings that were added by hand


@dataclass(frozen=True, slots=True)
class BrokenSeal:
    """Something that is not as it was sealed: in which programme, at which number, and what, in
    words."""

    programme: str
    sentence: str
    number: int | None = None
    posting: str | None = None

    def __str__(self) -> str:
        return f"{self.programme}: {self.sentence}"


class Walk:
    """One walk along a programme's chain. It begins at the first number of the day of `since`,
    since a root covers a whole day.

    `fault` is the first fault found; it ends the walk. Up to number `whole`, the end of a closed
    day, everything was found as it was sealed, and another walk may go on from there."""

    def __init__(self, programme: Programme, signatures: Signatures, since: int = 1) -> None:
        self.programme = programme
        self.fault: BrokenSeal | None = None
        self.postings = 0
        self.days = 0
        self.whole = 0
        self._signatures = signatures
        self._since = since
        self._next: Callable[[Session], bool] = self._begin
        self._end = 0
        self._number = 0
        self._head = hashes.NOTHING
        self._previous = hashes.NOTHING
        self._tree = MerkleTree()
        self._roots: list[Root] = []

    def step(self, session: Session) -> bool:
        """Walk one batch further. True if there is more to walk."""
        return self._next(session) and self.fault is None

    def _begin(self, session: Session) -> bool:
        """Read the end of the chain: everything is compared with the chain as it is at this
        moment."""
        chain = session.get(Chain, self.programme.id)
        self._end = 0 if chain is None else chain.number
        if past := _behind_the_end(session, self.programme.id):
            self._find(f"Number {past} stands behind the end of the chain.", past)
        if chain is None:
            return False
        self._chain = chain
        self._roots = list(
            session.scalars(
                select(Root)
                .where(Root.programme_id == self.programme.id, Root.last <= self._end)
                .order_by(Root.day)
            )
        )
        self._skip(session)
        self._next = self._walk
        return True

    def _skip(self, session: Session) -> None:
        """Go to the day of the number `since`. What stands before it is covered by the root of the
        day before."""
        before = None
        while self._roots and self._roots[0].last < self._since:
            before = self._roots.pop(0)
        if before is None:
            return
        self._judge_signature(before)
        self.whole = self._number = before.last
        self._head, self._previous = before.head, before.root
        stored = session.scalar(
            select(Seal.chain).where(
                Seal.programme_id == self.programme.id, Seal.number == before.last
            )
        )
        if stored != before.head:
            self._find(f"Number {before.last} is not what the root of its day says.", before.last)

    def _walk(self, session: Session) -> bool:
        page = session.scalars(
            select(Seal)
            .where(
                Seal.programme_id == self.programme.id,
                Seal.number > self._number,
                Seal.number <= self._end,
            )
            .order_by(Seal.number)
            .limit(STEP)
        ).all()
        records = sealing.load(session, [seal.posting_id for seal in page])
        for seal in page:
            if seal.number != self._number + 1 or not self._pass(session, seal, records):
                break
        walked = bool(page) and self._number == page[-1].number
        if self.fault is None and self._number < self._end and not walked:
            self._find_missing(session)
        if self._number == self._end:
            self._arrive()
            return False
        return True

    def _pass(self, session: Session, seal: Seal, records: Mapping[int, Record]) -> bool:
        fault = self._judge(seal, records.get(seal.posting_id))
        if fault is not None:
            # An erasure may have removed its words between the two readings: read both again.
            session.refresh(seal)
            again = sealing.load(session, [seal.posting_id])
            fault = self._judge(seal, again.get(seal.posting_id))
        if fault is not None:
            self._find(
                f"Posting {seal.public_id}, number {seal.number}, {fault}",
                seal.number,
                seal.public_id,
            )
            return False
        self._number, self._head = seal.number, seal.chain
        self._tree.add(seal.leaf)
        self.postings += 1
        if self._roots and self._roots[0].last == self._number:
            self._judge_root(self._roots.pop(0))
        return self.fault is None

    def _judge(self, seal: Seal, record: Record | None) -> str | None:
        """What is wrong with a posting or its seal; None if nothing is."""
        if record is None:
            return "was removed."
        note, words = _note(seal, record)
        leaf = hashes.leaf(hashes.facts(record, note))
        if hashes.link(self._head, leaf) == seal.chain:
            # It is the posting that was sealed here.
            sealed = (seal.leaf, seal.note_hash, seal.public_id)
            return words if sealed == (leaf, note, record.public_id) else "has a changed seal."
        if leaf == seal.leaf:
            return (
                f"does not follow number {seal.number - 1}: the order was changed, or the seal was."
            )
        if sum(one.amount for one in record.lines):
            return "was changed: an entry was changed, added or removed."
        return words or "was changed."

    def _judge_root(self, root: Root) -> None:
        merkle = self._tree.root()
        first = self._number + 1 - self._tree.size
        made = hashes.root_of(
            self.programme.code, root.day, first, root.last, self._head, merkle, self._previous
        )
        stored = (root.root, root.merkle, root.head, root.previous, root.first)
        if stored != (made, merkle, self._head, self._previous, first):
            self._find(
                f"The root of {root.day:%Y-%m-%d} (numbers {first} to {root.last}) was changed, or"
                " the one before it was removed.",
                root.last,
            )
            return
        self._judge_signature(root)
        self._previous, self._tree = root.root, MerkleTree()
        if self.fault is None:
            self.whole = root.last
            self.days += 1

    def _judge_signature(self, root: Root) -> None:
        if not self._signatures.is_good(root.key, root.message, root.signature):
            self._find(
                f"The root of {root.day:%Y-%m-%d} (up to number {root.last}) does not bear the"
                f" signature of a key that is known here; it names the key {root.key}.",
                root.last,
            )

    def _arrive(self) -> None:
        """Compare the end of the chain: its head, and the tree of the day that is open."""
        chain, first = self._chain, self._number + 1 - self._tree.size
        if self.fault is not None:
            return
        if self._head != chain.head:
            self._find(f"The head of the chain, number {chain.number}, was changed.", chain.number)
        elif first != chain.first:
            self._find(f"The root of a day from number {first} on was removed.", first)
        elif self._tree.peaks != chain.peaks:
            self._find("The tree of the open day was changed.", chain.number)

    def _find_missing(self, session: Session) -> None:
        """The next number is missing. If its posting still exists, the fault names it."""
        number = self._number + 1
        mark = session.scalars(select(Sealing.mark)).one()
        posting = session.scalar(
            select(Posting.public_id)
            .outerjoin(Seal, Seal.posting_id == Posting.id)
            .where(
                Posting.programme_id == self.programme.id,
                Posting.id <= mark,
                Seal.posting_id.is_(None),
            )
            .order_by(Posting.id)
            .limit(1)
        )
        left = "" if posting is None else f" Posting {posting} is without a seal."
        self._find(f"Number {number} was removed from the chain.{left}", number, posting)

    def _find(self, sentence: str, number: int, posting: str | None = None) -> None:
        if self.fault is None:
            self.fault = BrokenSeal(self.programme.code, sentence, number, posting)


def _note(seal: Seal, record: Record) -> tuple[bytes | None, str | None]:
    """The hash of a posting's words as they are now, and what is wrong with them. An erasure
    removes the words together with their salt; then only the seal knows the hash."""
    if record.reason is None:
        if seal.note_salt is None:
            return seal.note_hash, None
        return seal.note_hash, "lost its words, but not as words are taken off."
    if seal.note_salt is None:
        return seal.note_hash, "has words that it was not sealed with."
    made = hashes.note(seal.note_salt, record.reason)
    return made, None if made == seal.note_hash else "has other words than it was sealed with."


def _behind_the_end(session: Session, programme_id: int) -> int | None:
    """The number of a seal that lies beyond the end of the chain, as it is at this very moment."""
    end = select(Chain.number).where(Chain.programme_id == programme_id).scalar_subquery()
    return session.scalar(
        select(func.min(Seal.number)).where(
            Seal.programme_id == programme_id, Seal.number > func.coalesce(end, 0)
        )
    )


class Strays:
    """A search for postings that should have a seal by now and have none: they were not made in the
    ordinary way. It goes through all programmes together, by id."""

    def __init__(self) -> None:
        self.fault: BrokenSeal | None = None
        self._after = BEFORE_ALL

    def step(self, session: Session) -> bool:
        """Look through one window of ids. True if there is more to look through."""
        rows = session.execute(_WINDOW, {"after": self._after}).all()
        for row in rows:
            if row.stray:
                code = session.get_one(Programme, row.programme_id).code
                self.fault = BrokenSeal(
                    code,
                    f"Posting {row.public_id} was added behind the chain's back: it has no seal.",
                    None,
                    row.public_id,
                )
                return False
            self._after = row.id
        return len(rows) == WINDOW


# The limit stands in the text, as in the search of `sealing` for unsealed postings.
_WINDOW = text(
    f"""
    SELECT p.id, p.public_id, p.programme_id, s.posting_id IS NULL AS stray
    FROM (SELECT id, public_id, programme_id FROM ledger_posting
          WHERE id > :after AND id <= (SELECT mark FROM ledger_sealing)
          ORDER BY id LIMIT {WINDOW}) p
    LEFT JOIN ledger_seal s ON s.posting_id = p.id ORDER BY p.id"""  # noqa: S608 - our own number
)


def remember(session: Session, walk: Walk) -> None:
    """Note up to which number the programme's chain was found whole."""
    session.execute(
        update(Chain)
        .where(Chain.programme_id == walk.programme.id, Chain.verified < walk.whole)
        .values(verified=walk.whole)
        .execution_options(synchronize_session=False)
    )


def verified(session: Session, programme: Programme) -> int:
    """Up to which number the programme's chain was found whole by the last walk that was
    remembered."""
    return session.scalar(select(Chain.verified).where(Chain.programme_id == programme.id)) or 0
