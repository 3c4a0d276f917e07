"""The proof that a posting is in the book as it was sealed."""

from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import POSTING_ID, Example, shows


class SealedEntry(AnswerBody):
    """One entry of a posting. `account` is a number that only the book uses; `kind` says whose
    account it is."""

    account: int
    amount: int
    balance_after: int | None
    kind: str
    line: int
    unit: str


class SealedFacts(AnswerBody):
    """What was sealed of a posting. `note` is a hash that stands for its words."""

    card: int | None
    entries: list[SealedEntry]
    form: int
    id: str
    kind: str
    note: str | None
    occurred_at: str
    posted_at: str
    programme: str
    promotion: str | None
    receipt: str | None
    reverses: str | None
    store: str | None
    undoes: int | None


class SealedWords(AnswerBody):
    """The words of a posting, and the salt that `note` was hashed with."""

    reason: str
    salt: str


class RootOut(AnswerBody):
    """The root of a closed day, and all that it is made of."""

    programme: str
    day: str
    first: int
    last: int
    head: str
    merkle: str
    previous: str
    root: str
    key: str
    signature: str


# A real proof: docs/verify_statement.py accepts it.
PROOF: Example = {
    "form": 1,
    "facts": {
        "card": 17,
        "entries": [
            {
                "account": 5,
                "amount": 100,
                "balance_after": 170,
                "kind": "member",
                "line": 0,
                "unit": "points",
            },
            {
                "account": 2,
                "amount": -100,
                "balance_after": None,
                "kind": "issued",
                "line": 1,
                "unit": "points",
            },
        ],
        "form": 1,
        "id": POSTING_ID,
        "kind": "accrual",
        "note": "fca7c1eb4fcc9f5f3704ce7960a15c314af268285273bc1538842d40d3a4358d",
        "occurred_at": "2026-11-24T12:00:00.000000Z",
        "posted_at": "2026-11-24T12:00:01.000000Z",
        "programme": "demo",
        "promotion": None,
        "receipt": "1001",
        "reverses": None,
        "store": "arbat-1",
        "undoes": None,
    },
    "words": {"reason": "Coffee and cake", "salt": "8f1d3c5a7e9b0246813579bdf02468ac"},
    "index": 2,
    "path": ["dee7cf6d67314a64d58e463b62c319453265cc69679fe205013479f06d10959f"],
    "root": {
        "programme": "demo",
        "day": "2026-11-24",
        "first": 1001,
        "last": 1003,
        "head": "3f39a96b15e2c4d3c6a16cd4491b2ef80e24227a41fb3a83ee116f7b510dded7",
        "merkle": "850eef9809f75cdfe520f6af525c7635797219485f5cf1d14e635841f9d5ba5d",
        "previous": "97776898fb7c66f7eb0e92761b138161490482bb0fc0f79c8559a72b8c9e6500",
        "root": "2ae37f5bd8996e58351233213b63fdcb478a9cc29ca32ea6c8fb0b040b433d30",
        "key": "8c9ed674920decf9",
        "signature": (
            "d7af4f7490e3d3443535e1cf982c7af255f4c2897af6d9154f39094e69e681f6"
            "5cbda3de4fed82dda8c7a4408e1461e04b4c707f1d3377093c7630e81b72cf07"
        ),
    },
}


class ProofOut(AnswerBody):
    """A posting as it was sealed, its place in the Merkle tree of its day (`index` and `path`), and
    the signed root of that day. `words` is null if the posting has none, or none any more."""

    model_config = shows(PROOF)

    form: int
    facts: SealedFacts
    words: SealedWords | None
    index: int
    path: list[str]
    root: RootOut
