"""Whom a message is for: the segments of the ledger, and the kinds of them that the wallet knows.

The wallet's kinds are registered here and nowhere else. Modules of `wallet` that read trees take
their type from here, and so are imported after the registration. What came with a message is no
purchase, which is said here as well. Tiers are not among the kinds: the
ledger has none yet."""

from sqlalchemy.orm import Session

from ledger.segments import conditions, membership, named, registry
from ledger.segments.kinds.balance import Points
from ledger.segments.registry import KINDS, Segment
from ledger.segments.scope import Scope
from wallet.outreach import deliveries
from wallet.outreach.in_phone import InPhone

KINDS.register(InPhone, before=Points)
conditions.GIFTS.append(deliveries.GIFT)

Audience = registry.Tree
AudienceOrSegment = named.TreeOrNamed


def size(session: Session, tree: Segment, scope: Scope) -> tuple[int, int]:
    """How many members are meant, and how many of them have their card in a phone."""
    everyone = membership.condition(tree, scope)
    in_phone = InPhone(kind="card").condition(scope)
    return membership.count(session, everyone), membership.count(session, everyone & in_phone)
