"""Commands for waves: changes on their way to all cards of a programme."""

import click

from ledger.programmes import programmes
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import on_database, open_records
from wallet.delivery import waves


@click.group("waves")
def waves_group() -> None:
    """Changes for whole programmes, on their way to all cards."""


@waves_group.command("list")
@click.option("--programme", help="Default: those of all.")
@click.option("--all", "over", is_flag=True, help="Those that are over too.")
@on_database
def list_waves(programme: str | None, *, over: bool) -> None:
    """How far each has come, newest first."""
    with open_records().database.reading() as session:
        programme_id = programmes.by_code(session, programme).id if programme else None
        found = waves.listed(session, programme_id, None, MOST_ROWS_SHOWN, on_their_way=not over)
        for wave in found:
            click.echo(_wave(wave))
    if not found and over:
        click.echo("None yet. A new design or an offer for all members begins one.")
    elif not found:
        click.echo("Nothing is on its way. `wallet waves list --all` shows those that are over.")


@waves_group.command("pause")
@click.argument("wave_id", metavar="ID")
@on_database
def pause_wave(wave_id: str) -> None:
    """Stop one until it is resumed."""
    with open_records().database.transaction() as session:
        click.echo(_wave(waves.pause(session, wave_id)))


@waves_group.command("resume")
@click.argument("wave_id", metavar="ID")
@on_database
def resume_wave(wave_id: str) -> None:
    """Let a paused one go on, slowly at first."""
    records = open_records()
    with records.database.transaction() as session:
        click.echo(_wave(waves.resume(session, wave_id, records.clock())))


@waves_group.command("cancel")
@click.argument("wave_id", metavar="ID")
@on_database
def cancel_wave(wave_id: str) -> None:
    """Stop one for good: cards that it has not come to stay as they are."""
    records = open_records()
    with records.database.transaction() as session:
        click.echo(_wave(waves.cancel(session, wave_id, records.clock())))


def _wave(wave: waves.Wave) -> str:
    line = f"{wave.public_id} {wave.state}: {wave.seen} of {wave.total}, {wave.changed} changed"
    if wave.expected_at is not None:
        line += f", {wave.pace} a second, done about {wave.expected_at:%F %T} UTC"
    return line
