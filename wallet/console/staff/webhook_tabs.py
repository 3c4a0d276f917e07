"""Other systems: the tabs of those that are told what happens, and of those that post points."""

from collections.abc import Sequence

from wallet.console import pages
from wallet.console.shell import ConsoleLink
from wallet.pages.language import gettext as _

READ, WRITE = "receivers:read", "receivers:write"
SOURCES = "sources:write"


def tabs(here: str) -> Sequence[ConsoleLink]:
    """The tabs that the reader may see; `here` is the one that is shown."""
    views = (
        ("receivers", READ, _("They are told what happens")),
        ("sources", SOURCES, _("They post points")),
    )
    return [
        ConsoleLink(words, pages.url(f"console.{view}.show"), "", view == here)
        for view, right, words in views
        if pages.may(right)
    ]
