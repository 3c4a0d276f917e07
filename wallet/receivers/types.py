"""Which events there are, and what each says. Pure.

A name is `<group>.<what happened>`. A receiver asks for names, or for a whole group by
`<group>.*`."""

from collections.abc import Collection, Mapping, Sequence

# What a posting is called outside, by its kind.
OF_POSTINGS: Mapping[str, str] = {
    "accrual": "points.accrued",
    "redemption": "points.redeemed",
    "expiry": "points.expired",
    "reversal": "points.reversed",
    "transfer": "points.transferred",
    "merge": "points.moved",
    "opening": "points.opened",
    "repayment": "points.repaid",
    "gift": "points.given",
}
FETCHED = "message.fetched"
CONFIRMED = "receipt.confirmed"
TEST = "receiver.tested"  # to one receiver, which asked for it

TYPES: Sequence[str] = (
    "member.joined",
    "member.changed",
    "member.merged",
    "member.erased",
    "card.added",
    "card.removed",
    *OF_POSTINGS.values(),
    "points.burning",
    "balance.changed",
    "coupon.used",
    "message.told",
    FETCHED,
    CONFIRMED,
)
GROUPS: Sequence[str] = tuple(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in TYPES))
# Events of which a receiver that is given personal data is told what is known of the person.
WITH_PERSON = frozenset({"member.joined", "member.changed"})


def unknown(asked: Collection[str]) -> list[str]:
    """Those of these that are neither a type nor a group."""
    return sorted(set(asked) - {*TYPES, *GROUPS})


def meant(asked: Collection[str]) -> list[str]:
    """The types that are meant by these types and groups."""
    return [name for name in TYPES if name in asked or f"{name.partition('.')[0]}.*" in asked]
