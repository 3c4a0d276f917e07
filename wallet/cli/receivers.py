"""Commands for receivers: systems that are told what happens."""

import click

from ledger.programmes import programmes
from wallet.access import grants
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import author, on_database, open_records
from wallet.receivers import log, receivers
from wallet.receivers.addresses import Allowed
from wallet.receivers.receivers import ReceiverTerms, Replay


@click.group("receivers")
def receivers_group() -> None:
    """Systems that are told what happens, by signed webhook."""


@receivers_group.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--programme", help="What happens in this one alone; without it, in all.")
@click.option(
    "--type",
    "types",
    multiple=True,
    help="May be given several times: a type, or a group such as points.*; without it, all.",
)
@click.option("--personal", is_flag=True, help="Tell what is known of people, too.")
@on_database
def add_receiver(
    name: str, url: str, programme: str | None, types: tuple[str, ...], *, personal: bool
) -> None:
    """Tell NAME at URL what happens from now on. Prints its secret, once."""
    records = open_records()
    allowed = Allowed(records.settings.receiver_networks)
    with records.database.transaction() as session:
        programme_id = None if programme is None else programmes.by_code(session, programme).id
        terms = ReceiverTerms(name, url, programme_id, types or None, personal)
        by = grants.operator(author())
        _, secret = receivers.add(session, records.keys, allowed, terms, by, records.clock())
    click.echo(secret)


@receivers_group.command("list")
@on_database
def list_receivers() -> None:
    """All receivers: name, address, what of, and how they do."""
    records = open_records()
    with records.database.reading() as session:
        found = receivers.every(session)
        for one in found:
            what = "everything" if one.types is None else ", ".join(one.types)
            where = (
                "all programmes"
                if one.programme_id is None
                else programmes.by_id(session, one.programme_id).code
            )
            state = "on" if one.enabled else "off"
            failing = f", failing since {one.failing_since:%F %T}" if one.failing_since else ""
            click.echo(f"{one.name}: {state}, {one.url}, {what}, {where}{failing}")
    if not found:
        click.echo("None. `wallet receivers add` tells a system what happens.")


@receivers_group.command("remove")
@click.argument("name")
@on_database
def remove_receiver(name: str) -> None:
    """Remove NAME and all that was kept of it."""
    records = open_records()
    with records.database.transaction() as session:
        public_id = receivers.named(session, name).public_id
        receivers.remove(session, public_id, author(), records.clock())
    click.echo(f"{name} is told nothing from now on.")


@receivers_group.command("switch")
@click.argument("name")
@click.argument("state", type=click.Choice(["on", "off"]))
@on_database
def switch_receiver(name: str, state: str) -> None:
    """Switch NAME on or off. Switched on, it is told what happens from then on."""
    records = open_records()
    allowed = Allowed(records.settings.receiver_networks)
    with records.database.transaction() as session:
        public_id, wanted = receivers.named(session, name).public_id, {"enabled": state == "on"}
        by = grants.operator(author())
        receivers.change(session, allowed, public_id, wanted, by, records.clock())
    click.echo(f"{name} is {state}.")


@receivers_group.command("rotate")
@click.argument("name")
@on_database
def rotate_receiver(name: str) -> None:
    """Make one more secret for NAME; events are signed with all until `wallet receivers retire`."""
    records = open_records()
    with records.database.transaction() as session:
        public_id = receivers.named(session, name).public_id
        secret = receivers.rotate(session, records.keys, public_id, author(), records.clock())
    click.echo(secret)


@receivers_group.command("retire")
@click.argument("name")
@on_database
def retire_receiver(name: str) -> None:
    """Delete all secrets of NAME but the newest."""
    records = open_records()
    with records.database.transaction() as session:
        public_id = receivers.named(session, name).public_id
        retired = receivers.retire(session, public_id, author(), records.clock())
    click.echo(f"Old secrets of {name} that sign nothing from now on: {retired}.")


@receivers_group.command("test")
@click.argument("name")
@on_database
def test_receiver(name: str) -> None:
    """Send a test event to NAME. What came of it: `wallet receivers attempts`."""
    records = open_records()
    with records.database.transaction() as session:
        public_id = receivers.named(session, name).public_id
        event = receivers.test(session, public_id, records.clock())
    click.echo(f"Event {event} is on its way.")


@receivers_group.command("attempts")
@click.argument("name")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@on_database
def list_attempts(name: str, *, failed: bool) -> None:
    """The newest attempts to reach NAME."""
    with open_records().database.reading() as session:
        receiver = receivers.named(session, name)
        found = log.attempts(session, receiver.id, None, MOST_ROWS_SHOWN, failed=failed)
        for one, event in found:
            what = "forgotten" if event is None else event.type
            outcome = "taken" if one.problem is None else one.problem
            status = "no answer" if one.status is None else str(one.status)
            click.echo(
                f"{one.sent_at:%F %T} {one.event_id} {what}: {outcome}, {status}, {one.took_ms} ms"
            )
    if not found:
        tried = "failed" if failed else "was made"
        click.echo(f"None {tried} yet. `wallet receivers test {name}` makes one.")


@receivers_group.command("replay")
@click.argument("name")
@click.option("--since", type=click.IntRange(min=1), help="Everything from this event on.")
@click.option("--event", type=click.IntRange(min=1), help="This event.")
@click.option("--given-up", is_flag=True, help="All that was given up.")
@on_database
def replay_receiver(name: str, since: int | None, event: int | None, *, given_up: bool) -> None:
    """Send events to NAME once more, under their own ids."""
    if (since is not None) + (event is not None) + given_up != 1:
        raise click.UsageError("Give one of --since, --event and --given-up.")
    records = open_records()
    with records.database.transaction() as session:
        public_id = receivers.named(session, name).public_id
        wanted = Replay(since, event, given_up)
        receivers.replay(session, public_id, wanted, author(), records.clock())
    click.echo(f"They go to {name} once more.")
