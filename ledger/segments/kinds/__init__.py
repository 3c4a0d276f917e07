"""The ledger's kinds of nodes, each in a file of its own. A new kind is a file here and a name in
the list below. The list has the order in which documents and refusals list the kinds."""

from ledger.segments.kinds.activity import Activity
from ledger.segments.kinds.agreed import Agreed
from ledger.segments.kinds.all_of import All
from ledger.segments.kinds.any_of import AnyOf
from ledger.segments.kinds.balance import Points
from ledger.segments.kinds.everyone import Everyone
from ledger.segments.kinds.joined import JoinedSince
from ledger.segments.kinds.listed import Listed
from ledger.segments.kinds.negation import Not
from ledger.segments.kinds.purchase import Purchase
from ledger.segments.registry import KINDS

KINDS.register(
    Everyone,
    Purchase,
    Activity,
    Points,
    JoinedSince,
    Agreed,
    Listed,
    All,
    AnyOf,
    Not,
)
