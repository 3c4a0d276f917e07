"""Commands for receivers: systems that are told what happens."""

import click
from sqlalchemy.orm import Session

from ledger.programmes import programmes
from wallet.access import changes
from wallet.access.changes import ChangedThing, RecordedFacts
from wallet.cli.context import MOST_ROWS_SHOWN
from wallet.cli.database import author, on_database, open_records
from wallet.configuration.clock import Clock
from wallet.receivers import log, receivers
from wallet.receivers.addresses import Allowed
from wallet.receivers.receivers import Receiver, ReceiverTerms


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
        made, secret = receivers.add(session, records.keys, allowed, terms, records.clock())
        _note(session, records.clock, "receiver.added", made, {}, changes.facts(made))
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
        receiver = receivers.locked(session, receivers.named(session, name).public_id)
        was = changes.facts(receiver)
        _note(session, records.clock, "receiver.removed", receiver, was, {})
        receivers.remove(session, receiver.public_id)
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
        receiver = receivers.locked(session, receivers.named(session, name).public_id)
        before, wanted = changes.facts(receiver), {"enabled": state == "on"}
        receivers.change(session, allowed, receiver.public_id, wanted, records.clock())
        after = changes.facts(receiver)
        _note(session, records.clock, "receiver.changed", receiver, before, after)
    click.echo(f"{name} is {state}.")


@receivers_group.command("rotate")
@click.argument("name")
@on_database
def rotate_receiver(name: str) -> None:
    """Make one more secret for NAME; events are signed with all until `wallet receivers retire`."""
    records = open_records()
    with records.database.transaction() as session:
        receiver = receivers.named(session, name)
        secret = receivers.rotate(session, records.keys, receiver.public_id, records.clock())
        _note(session, records.clock, "receiver.secret_added", receiver)
    click.echo(secret)


@receivers_group.command("retire")
@click.argument("name")
@on_database
def retire_receiver(name: str) -> None:
    """Delete all secrets of NAME but the newest."""
    records = open_records()
    with records.database.transaction() as session:
        receiver = receivers.named(session, name)
        retired = receivers.retire(session, receiver.public_id)
        if retired:
            _note(session, records.clock, "receiver.secrets_retired", receiver)
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
        if since is not None:
            replayed = receivers.replay_since(session, public_id, since)
        elif event is not None:
            replayed = receivers.replay_one(session, public_id, event, records.clock())
        else:
            replayed = receivers.replay_given_up(session, public_id, records.clock())
        given = {"since": since, "event": event, "given_up": given_up or None}
        _note(session, records.clock, "receiver.replayed", replayed, {}, given)
    click.echo(f"They go to {name} once more.")


def _note(
    session: Session,
    clock: Clock,
    code: str,
    receiver: Receiver,
    before: RecordedFacts | None = None,
    after: RecordedFacts | None = None,
) -> None:
    of = ChangedThing("receiver", receiver.public_id, receiver.programme_id)
    changes.note(session, author(), code, of, clock(), before, after)
