"""Troubles that tests and curious people can order: what Google does on its bad days."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

# `status` answers so and does nothing; `lost` does the work and never answers; `cut` does the work,
# of a batch the first half, and cuts the connection; `silent` does and answers nothing; `slow` does
# both, later; `shuffled` answers the calls of a batch in another order.
Manner = Literal["status", "lost", "cut", "silent", "slow", "shuffled"]
API = "/walletobjects/"
MANNERS: tuple[Manner, ...] = get_args(Manner)


@dataclass(slots=True)
class CallFault:
    """Strikes requests whose method and path contain `where`, so many times or without end."""

    manner: Manner
    where: str = API
    times: int | None = None
    status: int = 503
    reason: str = "backendError"
    retry_after_s: int | None = None
    delay_s: float = 0.0

    @classmethod
    def ordered(cls, order: Mapping[str, object]) -> "CallFault":
        """The fault in an order's JSON. Raises TypeError or ValueError for an order that makes no
        sense."""
        fault = cls(**order)  # type: ignore[arg-type]
        if fault.manner not in MANNERS:
            raise ValueError(f"manner is one of {', '.join(MANNERS)}")
        if not 400 <= fault.status < 600:
            raise ValueError("a status of a fault is 400 to 599")
        if not isinstance(fault.where, str):
            raise TypeError("where is a text")
        return fault


class Faults:
    """The faults that were ordered, oldest first. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: list[CallFault] = []

    def order(self, fault: CallFault) -> None:
        with self._lock:
            self._standing.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._standing.clear()

    def strike(self, request: str, manners: Collection[Manner] = MANNERS) -> CallFault | None:
        """The fault for this request (`PATCH /walletobjects/…`), or None. It is used up by one."""
        with self._lock:
            for fault in self._standing:
                if fault.times != 0 and fault.where in request and fault.manner in manners:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None
