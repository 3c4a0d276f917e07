"""What can be shown to people who do not trust us: the roots of closed days, and proofs that a
posting is among those of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.book.journal import Posting
from ledger.errors import DayNotClosed, SealBroken
from ledger.programmes.programmes import Programme
from ledger.seals import hashes, sealing
from ledger.seals.sealing import Block, Chain, Root, Seal


def roots(session: Session, programme: Programme, since: date = date.min) -> Sequence[Root]:
    """The roots of closed days, from day `since` on."""
    return session.scalars(
        select(Root).where(Root.programme_id == programme.id, Root.day >= since).order_by(Root.day)
    ).all()


def published(programme: Programme, root: Root) -> dict[str, str]:
    """What everybody may know of a closed day, as texts. The number of its postings is left out: it
    is the shop's own affair, and a proof shows it only to the member whom it concerns."""
    return {
        "programme": programme.code,
        "day": root.day.isoformat(),
        "previous": root.previous.hex(),
        "root": root.root.hex(),
        "key": root.key,
        "signature": root.signature.hex(),
    }


@dataclass(frozen=True, slots=True)
class PostingProof:
    """Proof that a posting is among those of a closed day: its facts and words, its place in the
    tree of the day, the path up, and what the root of the day is made of. Hashes are in hex."""

    facts: dict[str, Any]
    words: dict[str, str] | None
    index: int
    path: list[str]
    root: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """The proof as JSON, in the form that docs/ledger.md describes."""
        return {
            "form": hashes.FORM,
            "facts": self.facts,
            "words": self.words,
            "index": self.index,
            "path": self.path,
            "root": self.root,
        }


def proof(session: Session, posting: Posting) -> PostingProof:
    """The proof for a posting. Raises `DayNotClosed`, `SealBroken`."""
    seal = session.get(Seal, posting.id)
    if seal is None:
        raise DayNotClosed(None)
    root = session.scalar(
        select(Root).where(
            Root.programme_id == seal.programme_id,
            Root.first <= seal.number,
            Root.last >= seal.number,
        )
    )
    if root is None:
        chain = session.get_one(Chain, seal.programme_id)
        raise DayNotClosed(chain.closes_at)
    record = sealing.load(session, [posting.id])[posting.id]
    facts = hashes.facts(record, seal.note_hash)
    index, size = seal.number - root.first, root.last + 1 - root.first
    try:
        path = hashes.path(index, size, _leaves(session, root, index), _blocks(session, root))
    except KeyError as missing:
        raise SealBroken from missing
    if hashes.climbed(hashes.leaf(facts), index, size, path) != root.merkle:
        raise SealBroken
    words = None
    if record.reason is not None:
        if seal.note_salt is None or hashes.note(seal.note_salt, record.reason) != seal.note_hash:
            raise SealBroken
        words = {"reason": record.reason, "salt": seal.note_salt.hex()}
    return PostingProof(
        facts=facts,
        words=words,
        index=index,
        path=[step.hex() for step in path],
        root={
            "programme": record.programme,
            "day": root.day.isoformat(),
            "first": root.first,
            "last": root.last,
            "head": root.head.hex(),
            "merkle": root.merkle.hex(),
            "previous": root.previous.hex(),
            "root": root.root.hex(),
            "key": root.key,
            "signature": root.signature.hex(),
        },
    )


def _leaves(session: Session, root: Root, index: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for wanted in hashes.leaves_for(index, root.last + 1 - root.first):
        rows = session.execute(
            select((Seal.number - root.first).label("at"), Seal.leaf).where(
                Seal.programme_id == root.programme_id,
                Seal.number >= root.first + wanted.start,
                Seal.number < root.first + wanted.stop,
            )
        )
        found |= {row.at: row.leaf for row in rows}
    return found


def _blocks(session: Session, root: Root) -> dict[int, bytes]:
    rows = session.execute(
        select((Block.first - root.first).label("at"), Block.hash).where(
            Block.programme_id == root.programme_id,
            Block.first >= root.first,
            Block.first + hashes.BLOCK <= root.last + 1,
        )
    )
    return {row.at: row.hash for row in rows}
