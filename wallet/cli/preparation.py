"""For commands that start processes of the service: settings that it can start with."""

import click

from wallet.cli.context import as_far_as_understood
from wallet.configuration.clock import system_clock
from wallet.configuration.settings import Settings
from wallet.running import doctor


def prepared() -> Settings:
    """The settings of an installation that can start. Raises `ClickException` with all that is
    missing, a line for each."""
    found, refused = as_far_as_understood()
    if obstacles := doctor.obstacles(found, refused, system_clock):
        raise click.ClickException("\n".join(obstacles))
    return found
