"""What a purchase earns, and how much of it points may pay. Whole numbers in, whole numbers out;
each is rounded once, down. Pure."""

from dataclasses import dataclass

from ledger.money import WHOLE


@dataclass(frozen=True, slots=True)
class Rates:
    """`back` and `payable`: hundredths of a percent, of what is paid in money and of what a
    purchase costs. `worth`: what one whole point pays, in the smallest pieces of `currency`; a
    point has `scale` decimal places."""

    back: int
    payable: int
    worth: int
    currency: str
    scale: int = 0

    @property
    def _pieces(self) -> int:
        """How many pieces one whole point has."""
        return int(10**self.scale)

    def earned(self, paid: int) -> int:
        """The points that a purchase earns of which so much was paid in money, in the smallest
        pieces of the unit."""
        return paid * self.back * self._pieces // (WHOLE * self.worth)

    def most_points(self, total: int) -> int:
        """The most points that may pay of a purchase that costs so much, in the smallest pieces of
        the unit. What the member has is another matter."""
        return total * self.payable * self._pieces // (WHOLE * self.worth)

    def pays(self, points: int) -> int:
        """What so many pieces of the unit pay, in the smallest pieces of the currency."""
        return points * self.worth // self._pieces
