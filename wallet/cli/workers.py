"""Commands that run the processes beside the web."""

import click

from wallet.cli.database import on_database
from wallet.cli.preparation import prepared
from wallet.configuration.settings import Settings
from wallet.running.pumps import PUMP_NAMES
from wallet.running.worker import run_beat, run_worker


@click.command()
@click.option(
    "--queues",
    default=",".join(PUMP_NAMES),
    show_default=True,
    help="Which pumps this process works.",
)
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 64))
@on_database
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
@on_database
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
