"""The command that runs everything on one machine."""

import os
import sys

import click

from wallet.cli.context import as_far_as_understood, environment
from wallet.cli.database import on_database
from wallet.cli.preparation import prepared
from wallet.sandbox.supervisor import supervise


@click.command()
@on_database
def run() -> None:
    """Everything on this machine: web, worker and, in the sandbox, the stand-ins."""
    makes_what_is_missing = as_far_as_understood()[0].in_sandbox
    sys.exit(supervise(environment() if makes_what_is_missing else prepared(), os.environ))
