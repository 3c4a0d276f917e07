"""Segments in words, as a part of a promotion's sentence: what a member did, or is."""

import orjson

from ledger.promotions.telling import Voice
from ledger.segments import documents
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
from ledger.segments.registry import Segment


def said(tree: Segment, say: Voice) -> str:
    """A segment in words. What is no kind of the ledger is shown as it is written, unless
    the voice has words for it."""
    if say.segment is not None:
        return say.segment(tree, say.language)
    match tree:
        case Not():
            return say("not: ({segment})", segment=said(tree.of, say))
        case All():
            return say("all of these: ({parts})", parts=_parts(tree, say))
        case AnyOf():
            return say("one of these: ({parts})", parts=_parts(tree, say))
        case Listed():
            return say("is on the list {name}", name=say.name(tree.list))
        case Points():
            return say.joined([say("points"), *_bounds(tree, say)])
        case Purchase():
            return say.joined([say("bought"), *_bought(tree, say)])
    return _other(tree, say)


def _other(tree: Segment, say: Voice) -> str:
    match tree:
        case Everyone():
            return say("any member")
        case Agreed():
            return say("agreed to messages")
        case Activity():
            return say.joined([say("earned or spent points"), _period(tree, say)])
        case JoinedSince():
            return say.joined([say("joined the programme"), _period(tree, say)])
    return orjson.dumps(documents.stored(tree)).decode()


def _parts(tree: All | AnyOf, say: Voice) -> str:
    return "; ".join(said(one, say) for one in tree.of)


def _bounds(tree: Points, say: Voice) -> list[str]:
    least, most = tree.at_least, tree.at_most
    return [
        say("at least {number}", number=least) if least is not None else "",
        say("at most {number}", number=most) if most is not None else "",
    ]


def _bought(tree: Purchase, say: Voice) -> list[str]:
    amount, store = tree.at_least, tree.store
    return [
        say("for at least {money}", money=say.money(amount)) if amount is not None else "",
        _period(tree, say),
        say("in store {name}", name=say.name(store)) if store is not None else "",
    ]


def _period(tree: Purchase | Activity | JoinedSince, say: Voice) -> str:
    if tree.days is not None:
        return say.many("in the last {number} day", "in the last {number} days", tree.days)
    return say("since {day}", day=say.begin(tree.since)) if tree.since is not None else ""
