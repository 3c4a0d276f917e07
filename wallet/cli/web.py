"""The command that runs the web process."""

import click

from wallet.cli.database import on_database
from wallet.cli.preparation import prepared
from wallet.web.server import WebServer


@click.command()
@on_database
def web() -> None:
    """The web process; with the broker memory:// it holds the worker too."""
    WebServer(prepared()).run()
