"""How postings are hashed: the canonical form, the chain, the Merkle tree of a day (RFC 6962) and
its root. docs/ledger.md describes it byte for byte. Pure, so that others can compute it again."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

FORM = 1  # the version of everything here; it is part of what is hashed
HASH_BYTES = 32
NOTHING = bytes(HASH_BYTES)  # stands before the first link of a chain and before the first root
BLOCK = 1024  # leaves; hashes of subtrees of this size are kept, so that a proof reads few leaves

# The first byte of what is hashed says what kind of thing it is, so that none passes for another.
LEAF, NODE, LINK, ROOT, NOTE = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04"
SIGNED = b"kopilka ledger root\n"  # this and the root after it are what is signed

_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """An entry, with the kind and the unit of its account. Both are None if there is no such
    account."""

    line: int
    account: int
    kind: str | None
    unit: str | None
    amount: int
    balance_after: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """A posting with its entries, as they stand in the tables."""

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
    """The canonical form of a document (RFC 8785). Ours hold only texts, integers below 2^53 and
    nulls."""
    return _canonical(document).encode()


def note(salt: bytes, reason: str) -> bytes:
    """The hash that stands for the words of a posting. It tells nothing of them once the salt is
    deleted."""
    return _hash(NOTE, salt, reason.encode())


def facts(record: Record, note_hash: bytes | None) -> dict[str, Any]:
    """The sealed document of a posting: everything but its words, and the hash of those."""
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
    """The leaf of the tree for a sealed document (`facts`)."""
    return _hash(LEAF, canonical(sealed))


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees, as in RFC 6962."""
    return _hash(NODE, left, right)


def link(previous: bytes, leaf: bytes) -> bytes:
    """The head of the chain after this leaf."""
    return _hash(LINK, previous, leaf)


def root_of(
    programme: str, day: date, first: int, last: int, head: bytes, merkle: bytes, previous: bytes
) -> bytes:
    """The root of a day. It covers the day's leaves (`merkle`), the chain up to its end (`head`),
    and the root of the day before. `first` and `last` are numbers of postings."""
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
        """All that has to be kept of the tree besides its size: the top of each whole subtree, one
        for each bit that is set in the size."""
        return b"".join(self._peaks)

    def add(self, leaf: bytes) -> bytes | None:
        """Add a leaf. Returns the hash of the block that this leaf completes, or None."""
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
        """The top of the tree as RFC 6962 defines it; of an empty tree the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256().digest()
        *others, top = self._peaks
        for peak in reversed(others):
            top = node(peak, top)
        return top


def leaves_for(index: int, size: int) -> list[range]:
    """Which leaves `path` reads one by one: those of the block in which the leaf stands, and those
    after the last whole block."""
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
    the hashes of all whole blocks; both by the index of their first leaf. Raises KeyError if one is
    missing."""

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
    """The top to which a path leads (RFC 9162, 2.1.3.2); None if the path does not have the right
    length."""
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
    """How many of so many leaves are in the left subtree: the largest power of two below `size`."""
    return int(1 << ((size - 1).bit_length() - 1))


def _moment(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()
