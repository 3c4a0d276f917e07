"""Commands that run the service, bring its database up to date and say how it is."""

import os
import sys

import click

from ledger.database import Database
from wallet import doctor, migrations
from wallet.cli.footing import as_far_as_understood, environment, in_words, prepared
from wallet.clock import system_clock
from wallet.sandbox.supervisor import supervise
from wallet.server import WebServer
from wallet.settings import Settings
from wallet.tasks import PUMP_NAMES
from wallet.worker import run_beat, run_worker


@click.command()
@in_words
def run() -> None:
    """Everything on this machine: web, worker and, in the sandbox, the stand-ins."""
    makes_what_is_missing = as_far_as_understood()[0].in_sandbox
    sys.exit(supervise(environment() if makes_what_is_missing else prepared(), os.environ))


@click.command()
@in_words
def web() -> None:
    """The web process; with the broker memory:// it holds the worker too."""
    WebServer(prepared()).run()


@click.command()
@click.option(
    "--queues",
    default=",".join(PUMP_NAMES),
    show_default=True,
    help="Which pumps this process works.",
)
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 64))
@in_words
def worker(queues: str, concurrency: int) -> None:
    """A worker process; needs a Redis or RabbitMQ broker."""
    found = prepared()
    _require_broker(found, "worker")
    names = tuple(name.strip() for name in queues.split(","))
    unknown = sorted(set(names) - set(PUMP_NAMES))
    if unknown:
        raise click.BadParameter(
            f"there is no queue {unknown[0]}; queues are {', '.join(PUMP_NAMES)}.",
            param_hint="--queues",
        )
    run_worker(found, names, concurrency)


@click.command()
@in_words
def beat() -> None:
    """The one process that wakes the pumps every few seconds."""
    found = prepared()
    _require_broker(found, "beat")
    run_beat(found)


def _require_broker(found: Settings, command: str) -> None:
    if found.embedded:
        raise click.ClickException(
            f"`wallet {command}` needs WALLET_BROKER_URL, for example redis://127.0.0.1:6379/0."
            " With memory:// the web process does this work itself: run `wallet web`."
        )


@click.command()
@in_words
def migrate() -> None:
    """Bring the database to this release's schema, keeping the data."""
    found = environment()
    found.data.mkdir(parents=True, exist_ok=True)
    database = Database(found.ledger)
    migrations.upgrade(database.engine)
    database.close()
    click.echo("The database is up to date.")


@click.command("doctor")
@in_words
def examine() -> None:
    """What is well and what is missing, in words. Exit code 1 if something is missing."""
    marks = {"good": "ok", "bad": "!!", "note": "--"}
    found, refused = as_far_as_understood()
    is_well = True
    for finding in doctor.examine(found, refused, system_clock):
        click.echo(f"{marks[finding.verdict]}  {finding.sentence}")
        is_well &= finding.verdict != "bad"
    sys.exit(not is_well)
