"""What modifies a line (syrup in a coffee) is priced together with it: the two are one thing to
promotions and points. Afterwards each line of the receipt gets its part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ledger.promotions.arithmetic import shared_within
from ledger.promotions.baskets import Basket, BasketLine


class JoinedBasket:
    """A basket as promotions see it. `basket`: each line with all that modifies it. What is of
    another treatment than its line, such as a deposit, stays a line of its own."""

    def __init__(self, whole: Basket) -> None:
        self.whole = whole
        places = {line.id: place for place, line in enumerate(whole.lines)}
        groups: dict[int, list[int]] = {}
        for place in range(len(whole.lines)):
            groups.setdefault(_root(whole.lines, places, place), []).append(place)
        # Groups come in the order of their first line, which may be a modifier.
        self._groups = [[root, *(one for one in of if one != root)] for root, of in groups.items()]
        self.basket = whole
        if len(groups) < len(whole.lines):
            lines = [_joined([whole.lines[place] for place in of]) for of in self._groups]
            self.basket = Basket(lines, whole.currency)

    def places(self, line: int) -> Sequence[int]:
        """Where on the receipt the parts of a line of `basket` stand."""
        return self._groups[line]


def _root(lines: Sequence[BasketLine], places: Mapping[str, int], place: int) -> int:
    """The line that this one modifies in the end, as long as both are treated alike."""
    line, seen = lines[place], {place}
    while line.parent is not None:
        above = places[line.parent]
        if above in seen or lines[above].treatment != line.treatment:
            break
        seen.add(above)
        place, line = above, lines[above]
    return place


def _joined(parts: Sequence[BasketLine]) -> BasketLine:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        full=sum(part.full for part in parts),
        floor=sum(part.floor for part in parts),
        given=sum(part.given for part in parts),
        closed=any(part.closed for part in parts),
        parts=tuple(parts),
    )


def shares(line: BasketLine, offs: Iterable[int], least: int) -> list[list[int]]:
    """What is taken off a joined line, one amount after the other, parted among its parts: in
    proportion to what they cost then, and none below its lowest price."""
    remaining = [part.full - part.given for part in line.parts]
    lowest = [part.lowest(least) for part in line.parts]
    found = []
    for off in offs:
        rooms = [max(0, left - low) for left, low in zip(remaining, lowest, strict=True)]
        parts = shared_within(off, remaining, rooms)
        remaining = [left - part for left, part in zip(remaining, parts, strict=True)]
        found.append(parts)
    return found
