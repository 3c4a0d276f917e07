"""The command that runs the stand-ins, which need no account."""

import click

from wallet.cli.context import environment, in_words
from wallet.sandbox import process


@click.command()
@in_words
def sandbox() -> None:
    """Apple's and Google's stand-ins and the virtual phones' page (part of `wallet run`)."""
    process.run(environment())
