"""What is sold, as promotions see it: the lines of a receipt, completed from the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.catalogue.goods import PRESETS, GoodsKind, Treatment
from ledger.promotions.arithmetic import THOUSAND

NO_PROPERTIES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class BasketLine:
    """A line of a receipt. Amounts are in the smallest pieces of the currency.

    `quantity`: in thousandths. `price`: of one. `full`: of the whole line, before anything is taken
    off. `floor`: the least that the whole line may cost. `given`: what the till gave already; with
    it, or if the till says so (`closed`), the line is closed to promotions that do not add to that.
    `categories`: codes, from the topmost to the line's own. `in_pieces`: of a line that is weighed
    or measured, all of it counts as one. `parent`: the line that this one modifies. `parts`: of a
    line that is priced together with what modifies it, all of these as they stand on the
    receipt."""

    id: str
    sku: str
    quantity: int
    price: int
    full: int
    floor: int = 0
    given: int = 0
    closed: bool = False
    kind: GoodsKind = "goods"
    treatment: Treatment = PRESETS["goods"]
    categories: tuple[str, ...] = ()
    brand: str | None = None
    model: str | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: NO_PROPERTIES)
    in_pieces: bool = True
    marked: bool = False
    parent: str | None = None
    parts: tuple["BasketLine", ...] = ()

    @property
    def extra(self) -> int:
        """What that which modifies it costs on the shelf."""
        return sum(part.full for part in self.parts[1:])

    def lowest(self, least: int) -> int:
        """The least that it may cost, if no line may cost less than so much, or than it did."""
        if self.parts:
            return sum(part.lowest(least) for part in self.parts)
        return max(self.floor, min(least, self.full - self.given))

    @property
    def units(self) -> int:
        """How many things this line is."""
        whole, part = divmod(self.quantity, THOUSAND)
        return whole if self.in_pieces and not part else 1

    @property
    def is_closed(self) -> bool:
        """Whether only promotions that add to the till's own discount may touch it."""
        return self.closed or self.given > 0


@dataclass(frozen=True, slots=True)
class Basket:
    """All lines of a receipt, in their order, in one currency."""

    lines: Sequence[BasketLine]
    currency: str
