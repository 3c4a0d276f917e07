"""Kinds that come from installed packages: a distribution names its classes as entry points of the
group `kopilka.promotions`. See docs/promotions.md."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ledger.promotions.conditions.registry import CONDITIONS
from ledger.promotions.rewards.registry import REWARDS, Discount, PointsReward, PresentReward

GROUP = "kopilka.promotions"
WORDS = ("model_fields", "WORDS", "told")
EXAMPLE = '{"kind"'


def register_installed() -> None:
    """Add the kinds of all installed packages to the registries. Raises RuntimeError for one that
    cannot be used, by the name of its entry point: nobody wants a shop to open without it."""
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            _register(point.load())
        except Exception as error:
            raise RuntimeError(f"{_of(point)}: {error}") from error


def _register(kind: Any) -> None:
    _require_words(kind)
    if hasattr(kind, "unmet"):
        CONDITIONS.register(kind)
    elif issubclass(kind, Discount | PointsReward | PresentReward):
        REWARDS.register(kind)
    else:
        raise TypeError("it is neither a condition nor a reward")


def _require_words(kind: Any) -> None:
    """Whoever lists the kinds has to be able to say what this one is."""
    missing = [name for name in WORDS if not hasattr(kind, name)]
    if missing:
        raise TypeError(f"it has no {', '.join(missing)}")
    if EXAMPLE not in (kind.__doc__ or ""):
        raise TypeError("its docstring does not end with an example")


def _of(point: EntryPoint) -> str:
    package = point.dist.name if point.dist is not None else point.value
    return f"the kind {point.name} of the package {package}"


# Before any promotion is read: the registries close then.
register_installed()
