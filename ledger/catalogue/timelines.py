"""Amounts that hold from a moment on, until the next one: what holds at a moment, which was the
lowest of a time, and what a new one changes. What has held is history: it stays as it was."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.errors import PriceIsHistory


@dataclass(frozen=True, slots=True)
class Held:
    """An amount in the smallest pieces of `currency`; None: from then on there is none."""

    amount: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class From:
    """What holds from `since` on."""

    since: datetime
    held: Held


Timeline = Sequence[From]  # in the order of time


def at(timeline: Timeline, moment: datetime) -> Held | None:
    """What holds at this moment; None if nothing does."""
    held = None
    for one in timeline:
        if one.since > moment:
            break
        held = one.held
    return None if held is None or held.amount is None else held


def first_of(timelines: Iterable[Timeline], moment: datetime) -> Held | None:
    """What holds at this moment in the first of these in which anything does."""
    return next(
        (held for timeline in timelines if (held := at(timeline, moment)) is not None), None
    )


def lowest(timelines: Sequence[Timeline], since: datetime, until: datetime) -> Held | None:
    """The lowest that held at any moment from `since` to `until`, both included, in the first of
    these timelines in which anything did; of amounts in the currency of the last. None if nothing
    held."""
    found = [held for held in _held(timelines, since, until) if held is not None]
    if not found:
        return None
    of_last = [held for held in found if held.currency == found[-1].currency]
    return min(of_last, key=lambda held: held.amount or 0)


def _held(timelines: Sequence[Timeline], since: datetime, until: datetime) -> Iterator[Held | None]:
    turns = {one.since for timeline in timelines for one in timeline if since < one.since <= until}
    for moment in [since, *sorted(turns)]:
        yield first_of(timelines, moment)


def begins(
    known: Mapping[datetime, Held], since: datetime | None, wanted: Held, now: datetime
) -> datetime | None:
    """From when on the wanted amount has to be noted, where `known` is noted already: all that is
    to come, what holds now, and what has held from the moment `since` on. Without `since` it is to
    hold at once, if it does not. None if nothing has to be. Raises `PriceIsHistory` for a moment
    that is past, and from which on something else has held."""
    latest = max((moment for moment in known if moment <= now), default=None)
    holds = Held(None, wanted.currency) if latest is None else known[latest]
    if since is None:
        return None if _is_same(holds, wanted) else now
    if since in known and _is_same(known[since], wanted):
        return None
    if since > now:
        return since
    if latest is not None and since <= latest:
        raise PriceIsHistory(since)
    return None if _is_same(holds, wanted) else since


def _is_same(one: Held, other: Held) -> bool:
    return one == other or (one.amount is None and other.amount is None)
