"""Systems that post balance changes, each in words of its own. A kind of source is a module with
`read(payload, zone)`, which returns a `PointsCommand`; a new kind is a module and a line here."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from wallet.api.sources import generic, onec
from wallet.api.sources.command import PointsCommand

Read = Callable[[bytes, ZoneInfo], PointsCommand]

KINDS: dict[str, Read] = {"generic": generic.read, "1c": onec.read}
