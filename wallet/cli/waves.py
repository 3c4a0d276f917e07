"""Commands for waves: changes on their way to all cards of a programme."""

from collections.abc import Callable
from datetime import datetime

import click
from sqlalchemy.orm import Session

from ledger.programmes import programmes
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import author, on_database, open_records
from wallet.delivery import waves
from wallet.delivery.waves import Wave


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
    _do(wave_id, "wave.paused", lambda session, _: waves.pause(session, wave_id))


@waves_group.command("resume")
@click.argument("wave_id", metavar="ID")
@on_database
def resume_wave(wave_id: str) -> None:
    """Let a paused one go on, slowly at first."""
    _do(wave_id, "wave.resumed", lambda session, now: waves.resume(session, wave_id, now))


@waves_group.command("cancel")
@click.argument("wave_id", metavar="ID")
@on_database
def cancel_wave(wave_id: str) -> None:
    """Stop one for good: cards that it has not come to stay as they are."""
    _do(wave_id, "wave.cancelled", lambda session, now: waves.cancel(session, wave_id, now))


def _do(wave_id: str, code: str, act: Callable[[Session, datetime], Wave]) -> None:
    """`code` is that of the change, in the record of them."""
    records = open_records()
    with records.database.transaction() as session:
        now = records.clock()
        before = changes.held(session, waves.find(session, wave_id))
        wave = act(session, now)
        of = ChangedThing("wave", wave_id, wave.programme_id)
        changes.note(session, author(), code, of, now, before, changes.facts(wave))
        click.echo(_wave(wave))


def _wave(wave: Wave) -> str:
    line = f"{wave.public_id} {wave.state}: {wave.seen} of {wave.total}, {wave.changed} changed"
    if wave.expected_at is not None:
        line += f", {wave.pace} a second, done about {wave.expected_at:%F %T} UTC"
    return line
