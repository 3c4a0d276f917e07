"""Commands for the table of days."""

import click

from ledger.reports import days
from wallet.cli.database import on_database, open_records
from wallet.running.pumps import COUNTED_AGAIN


@click.group("days")
def days_group() -> None:
    """The table of days, from which the console draws its figures."""


@days_group.command("rebuild")
@on_database
def rebuild_days() -> None:
    """Count everything anew that can be: postings, purchases, members and fetches, by the calendar
    and zone that programmes have now. Cards and pushes leave no rows behind; they stay as they
    were counted. The service may run meanwhile, and if this dies, a worker goes on."""
    records = open_records()
    database = records.database
    database.run(days.begin_anew)
    counted = 0
    while database.run(
        lambda session: days.turn(session, COUNTED_AGAIN, records.clock(), wait=True)
    ):
        counted += days.BATCH
        click.echo(f"    {counted} postings counted")
    click.echo("ok  the table of days was counted anew")
