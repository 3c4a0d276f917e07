"""The command that says how the service is."""

import sys

import click

from wallet.cli.context import as_far_as_understood
from wallet.cli.database import on_database
from wallet.configuration.clock import system_clock
from wallet.running import doctor


@click.command("doctor")
@on_database
def examine() -> None:
    """What is well and what is missing, in words. Exit code 1 if something is missing."""
    marks = {"good": "ok", "bad": "!!", "note": "--"}
    found, refused = as_far_as_understood()
    is_well = True
    for finding in doctor.examine(found, refused, system_clock):
        click.echo(f"{marks[finding.verdict]}  {finding.sentence}")
        is_well &= finding.verdict != "bad"
    sys.exit(not is_well)
