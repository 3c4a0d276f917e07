"""The command that runs everything on one machine."""

import os
import sys

import click

from wallet.cli.context import as_far_as_understood, environment
from wallet.cli.database import on_database
from wallet.cli.preparation import prepared
from wallet.configuration.settings import DEFAULT_PORT
from wallet.sandbox.supervisor import supervise


@click.command()
@on_database
def run() -> None:
    """Everything on this machine: web, worker and, in the sandbox, the stand-ins."""
    # The port that the sandbox keeps is where the last run listened: that is for other commands.
    environ = {"PORT": str(DEFAULT_PORT), **os.environ}
    makes_what_is_missing = as_far_as_understood(environ)[0].in_sandbox
    sys.exit(supervise(environment(environ) if makes_what_is_missing else prepared(), environ))
