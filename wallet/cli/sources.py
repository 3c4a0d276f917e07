"""Commands for sources: systems that post balance changes by signed webhook."""

import click
from sqlalchemy.orm import Session

from ledger.programmes import programmes
from wallet.access import sources
from wallet.access.sources import KINDS
from wallet.cli.database import Records, author, on_database, open_records
from wallet.configuration.settings import DEMO


@click.group("sources")
def sources_group() -> None:
    """Systems that post balance changes by signed webhook."""


@sources_group.command("add")
@click.argument("name")
@click.argument("programme")
@click.option("--kind", default="generic", show_default=True, type=click.Choice(sorted(KINDS)))
@on_database
def add_source(name: str, programme: str, kind: str) -> None:
    """Let NAME post changes of PROGRAMME. Prints its address and its secret, once."""
    records = open_records()
    secret = sources.new_secret()
    with records.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        by, now = author(), records.clock()
        sources.add(session, records.keys, name, kind, programme_id, secret, by, now)
    click.echo(f"{records.settings.public_url}/webhooks/{name}")
    click.echo(secret)


@sources_group.command("list")
@on_database
def list_sources() -> None:
    """All sources: name, kind, programme, since when; that of the environment first."""
    records = open_records()
    with records.database.reading() as session:
        is_own = _environment_has_one(records, session)
        if is_own:
            click.echo(f"{DEMO}: generic, {DEMO}, with WALLET_WEBHOOK_SECRET of the environment")
        found = sources.listed(session)
        for source in found:
            programme = programmes.by_id(session, source.programme_id).code
            click.echo(f"{source.name}: {source.kind}, {programme}, since {source.created_at:%F}")
    if not found and not is_own:
        click.echo("None. `wallet sources add` lets a system post changes of points.")


@sources_group.command("remove")
@click.argument("name")
@on_database
def remove_source(name: str) -> None:
    """Refuse all that NAME sends from now on, and forget its secrets. What it posted stays.

    It may be added again under the same name: then messages that it sent before are still known,
    and nothing is done twice."""
    records = open_records()
    with records.database.transaction() as session:
        found = [one for one in sources.listed(session) if one.name == name]
        if not found and name == DEMO and _environment_has_one(records, session):
            raise click.ClickException(
                f"The source {DEMO} comes from WALLET_WEBHOOK_SECRET: take that out of the"
                " environment, and restart."
            )
        sources.remove(session, name, author(), records.clock())
    click.echo(f"{name} is refused from now on.")


def _environment_has_one(records: Records, session: Session) -> bool:
    """Whether webhooks signed with WALLET_WEBHOOK_SECRET find their programme."""
    return records.settings.webhook_secret is not None and programmes.exists(session, DEMO)


@sources_group.command("rotate")
@click.argument("name")
@on_database
def rotate_source(name: str) -> None:
    """Make one more secret for NAME; the old one stays good until `wallet sources retire`."""
    records = open_records()
    with records.database.transaction() as session:
        secret = sources.rotate(session, records.keys, name, author(), records.clock())
    click.echo(secret)


@sources_group.command("retire")
@click.argument("name")
@on_database
def retire_source(name: str) -> None:
    """Refuse all secrets of NAME but the newest."""
    records = open_records()
    with records.database.transaction() as session:
        retired = sources.retire(session, name, author(), records.clock())
    click.echo(f"Old secrets of {name} that are refused from now on: {retired}.")
