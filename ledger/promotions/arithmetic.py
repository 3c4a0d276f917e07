"""Exact shares of whole pieces: nothing is lost, and nobody rounds anywhere else."""

from collections.abc import Sequence

from ledger.money import WHOLE

THOUSAND = 1000  # a quantity of one, in thousandths


def half_up(numerator: int, denominator: int) -> int:
    """The quotient to the nearest whole, a half upwards; neither may be negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def percent_of(amount: int, hundredths: int) -> int:
    """So many hundredths of a percent of an amount, to the nearest piece."""
    return half_up(amount * hundredths, WHOLE)


def price_of(price: int, quantity: int) -> int:
    """What a quantity in thousandths costs at this price, as fiscal devices count it."""
    return half_up(price * quantity, THOUSAND)


def quantity_text(quantity: int) -> str:
    """A quantity in thousandths as it is written: "2", "1.25"."""
    whole, part = divmod(quantity, THOUSAND)
    return f"{whole}.{part:03}".rstrip("0") if part else str(whole)


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """The total in proportion to the weights. Odd pieces go to those with the largest remainder,
    then in order. Where all weights are 0, nothing is shared."""
    whole = sum(weights)
    if not whole or not total:
        return [0] * len(weights)
    if len(weights) == 1:
        return [total]
    parts = [total * weight // whole for weight in weights]
    odd = total - sum(parts)
    if odd:
        for place in _by_remainder(total, weights, whole)[:odd]:
            parts[place] += 1
    return parts


def _by_remainder(total: int, weights: Sequence[int], whole: int) -> list[int]:
    """The places of the weights, those with the largest remainder first, then in order."""
    remainders = [total * weight % whole for weight in weights]
    return sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)


def shared_by_units(
    total: int, weights: Sequence[int], units: Sequence[int]
) -> list[tuple[int, int]]:
    """The same among groups of so many units that each have this weight: what each unit of a group
    gets at least, and how many of its units get one piece more."""
    whole = sum(weight * number for weight, number in zip(weights, units, strict=True))
    if not whole or not total:
        return [(0, 0)] * len(weights)
    least = [total * weight // whole for weight in weights]
    odd = total - sum(part * number for part, number in zip(least, units, strict=True))
    more = [0] * len(weights)
    if odd:
        for place in _by_remainder(total, weights, whole):
            more[place] = min(odd, units[place])
            odd -= more[place]
    return list(zip(least, more, strict=True))


def shared_within(total: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """The same, but nobody gets more than their room: what is left over is shared among those who
    have room, until it is spent or there is no more room."""
    parts = shared(total, weights)
    full = {place for place, part in enumerate(parts) if part > rooms[place]}
    if not full:
        return parts
    while True:
        left = total - sum(rooms[place] for place in full)
        others = [place for place in range(len(weights)) if place not in full and weights[place]]
        shares = shared(max(0, left), [weights[place] for place in others])
        over = {place for place, part in zip(others, shares, strict=True) if part > rooms[place]}
        if not over:
            break
        full |= over
    parts = [rooms[place] if place in full else 0 for place in range(len(weights))]
    for place, part in zip(others, shares, strict=True):
        parts[place] = part
    return parts
