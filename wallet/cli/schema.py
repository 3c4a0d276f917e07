"""The command that brings the database up to date."""

import click

from ledger.database.engine import Database
from wallet import migrations
from wallet.cli.context import environment
from wallet.cli.database import on_database
from wallet.configuration.keyring import KeyRing


@click.command()
@on_database
def migrate() -> None:
    """Bring the database to this release's schema, keeping the data."""
    found = environment()
    found.data.mkdir(parents=True, exist_ok=True)
    database = Database(found.ledger)
    migrations.upgrade(database.engine, keys=KeyRing(found.secret_keys))
    database.wipe()  # of what the migrations encrypted
    database.close()
    click.echo("The database is up to date.")
