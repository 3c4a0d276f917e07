"""Commands that are known by name and help line before their modules are imported."""

from importlib import import_module
from typing import Any

import click


class LazyCommand(click.Command):
    """Stands for the command at `place` (`module:variable`), which is imported when it is called.

    Most commands need much of the service, and importing it takes longer than many of them run.
    Listing commands, correcting a misspelt name and completing one in a shell need no import."""

    def __init__(self, name: str, place: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self.module, _, self._variable = place.partition(":")

    def load(self) -> click.Command:
        """The command itself, whose module is imported by its name now."""
        command: click.Command = getattr(import_module(self.module), self._variable)
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of the command itself, which click then runs or completes."""
        return self.load().make_context(info_name, args, parent, **extra)
