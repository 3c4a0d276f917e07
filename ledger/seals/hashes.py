"""How postings are hashed: the canonical form, the chain, the Merkle tree of a day (RFC 6962) and
its root. Told byte for byte in docs/ledger.md; pure, so that anybody can do it again."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

FORM = 1  # of everything here; what is hashed names it
HASH_BYTES = 32
NOTHING = bytes(HASH_BYTES)  # what the first link of a chain and the first root follow
BLOCK = 1024  # leaves; the hashes of so large subtrees are kept, so that a proof reads few leaves

# Which kind of thing is hashed: none can be passed off as another.
LEAF, NODE, LINK, ROOT, NOTE = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04"
SIGNED = b"kopilka ledger root\n"  # and the root: what is signed

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """An entry, with what its account is. A kind and a unit of None: there is no such account."""

    line: int
    account: int
    kind: str | None
    unit: str | None
    amount: int
    balance_after: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """A posting as it stands in the tables."""

    id: int
    public_id: str
    programme_id: int
    programme: str
    kind: str
    reason: str | None
    receipt: str | None
    store: str | None
    promotion: str | None
    card_id: int | None
    reverses: str | None
    undoes: int | None
    occurred_at: datetime
    posted_at: datetime
    lines: Sequence[EntryFacts]


def canonical(document: Mapping[str, Any]) -> bytes:
    """As in RFC 8785; our documents hold texts, integers below 2^53 and nulls alone."""
    return _canonical(document).encode()


def note(salt: bytes, reason: str) -> bytes:
    """Stands for the words of a posting, and tells nothing of them once the salt is gone."""
    return _hash(NOTE, salt, reason.encode())


def facts(record: Record, note_hash: bytes | None) -> dict[str, Any]:
    """What is sealed of a posting: everything but its words, and the hash of those."""
    return {
        "card": record.card_id,
        "entries": [
            {
                "account": one.account,
                "amount": one.amount,
                "balance_after": one.balance_after,
                "kind": one.kind,
                "line": one.line,
                "unit": one.unit,
            }
            for one in record.lines
        ],
        "form": FORM,
        "id": record.public_id,
        "kind": record.kind,
        "note": None if note_hash is None else note_hash.hex(),
        "occurred_at": _moment(record.occurred_at),
        "posted_at": _moment(record.posted_at),
        "programme": record.programme,
        "promotion": record.promotion,
        "receipt": record.receipt,
        "reverses": record.reverses,
        "store": record.store,
        "undoes": record.undoes,
    }


def leaf(sealed: Mapping[str, Any]) -> bytes:
    return _hash(LEAF, canonical(sealed))


def node(left: bytes, right: bytes) -> bytes:
    return _hash(NODE, left, right)


def link(previous: bytes, leaf: bytes) -> bytes:
    """The chain after one more leaf."""
    return _hash(LINK, previous, leaf)


def root_of(
    programme: str, day: date, first: int, last: int, head: bytes, merkle: bytes, previous: bytes
) -> bytes:
    """The root of a day: of its leaves, of the whole chain so far, and of the day before it."""
    document = {
        "day": day.isoformat(),
        "first": first,
        "form": FORM,
        "head": head.hex(),
        "last": last,
        "merkle": merkle.hex(),
        "previous": previous.hex(),
        "programme": programme,
    }
    return _hash(ROOT, canonical(document))


class MerkleTree:
    """A Merkle tree that grows leaf by leaf and keeps only the tops of its whole subtrees."""

    def __init__(self, size: int = 0, peaks: bytes = b"") -> None:
        self.size = size
        self._peaks = [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)]

    @property
    def peaks(self) -> bytes:
        """All there is to remember of it besides its size: a hash for each bit that is set."""
        return b"".join(self._peaks)

    def add(self, leaf: bytes) -> bytes | None:
        """The hash of the block that this leaf completes, if it does."""
        top, height, block = leaf, 1, None
        while self.size & height:
            top = node(self._peaks.pop(), top)
            height <<= 1
            if height == BLOCK:
                block = top
        self._peaks.append(top)
        self.size += 1
        return block

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256().digest()
        *others, top = self._peaks
        for peak in reversed(others):
            top = node(peak, top)
        return top


def leaves_for(index: int, size: int) -> list[range]:
    """Which leaves of a tree `path` looks at one by one: those of the block that the leaf stands
    in, and those after the last whole block."""
    block = index // BLOCK * BLOCK
    rest = size // BLOCK * BLOCK
    wanted = [range(block, min(block + BLOCK, size))]
    if rest not in (block, size):
        wanted.append(range(rest, size))
    return wanted


def path(
    index: int, size: int, leaves: Mapping[int, bytes], blocks: Mapping[int, bytes]
) -> list[bytes]:
    """The audit path of a leaf, from the bottom up. `leaves` are those of `leaves_for`, `blocks`
    the hashes of all whole blocks; both by the index of their first leaf."""

    def top(low: int, high: int) -> bytes:
        if high - low == 1:
            return leaves[low]
        if high - low == BLOCK and low in blocks:
            return blocks[low]
        middle = low + _left(high - low)
        return node(top(low, middle), top(middle, high))

    return _path(index, 0, size, top)


def _path(index: int, low: int, high: int, top: Callable[[int, int], bytes]) -> list[bytes]:
    if high - low == 1:
        return []
    middle = low + _left(high - low)
    if index < middle:
        return [*_path(index, low, middle, top), top(middle, high)]
    return [*_path(index, middle, high, top), top(low, middle)]


def climbed(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The top that a path leads to (RFC 9162, 2.1.3.2); None if it has not the length of one."""
    at, last, top = index, size - 1, leaf
    if not 0 <= at <= last:
        return None
    for step in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            top = node(step, top)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            top = node(top, step)
        at, last = at >> 1, last >> 1
    return top if last == 0 else None


def _left(size: int) -> int:
    """How many of so many leaves stand on the left: the largest power of two below."""
    return int(1 << ((size - 1).bit_length() - 1))


def _moment(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
