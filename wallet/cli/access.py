"""Commands for those who call: API keys, and sources of webhooks."""

import click

from ledger import programmes
from wallet import apikeys, sources
from wallet.api.sources import KINDS
from wallet.cli.footing import at_work, in_words


@click.group("keys")
def keys_group() -> None:
    """API keys of integrations."""


@keys_group.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help=f"May be given several times: {', '.join(apikeys.SCOPES)}; or * for all.",
)
@in_words
def add_key(name: str, scopes: tuple[str, ...]) -> None:
    """Make a key for the integration NAME. It is shown now and never again."""
    installation = at_work()
    with installation.database.transaction() as session:
        key = apikeys.issue(session, name, scopes, installation.clock())
    click.echo(key)


@keys_group.command("list")
@in_words
def list_keys() -> None:
    """All keys: name, scopes, since when, until when."""
    with at_work().database.reading() as session:
        for key in apikeys.listed(session):
            until = f", revoked {key.revoked_at:%F}" if key.revoked_at else ""
            click.echo(f"{key.name}: {', '.join(key.scopes)}, since {key.created_at:%F}{until}")


@keys_group.command("revoke")
@click.argument("name")
@in_words
def revoke_key(name: str) -> None:
    """Refuse the key of NAME from now on."""
    installation = at_work()
    with installation.database.transaction() as session:
        apikeys.revoke(session, name, installation.clock())
    click.echo(f"The key of {name} is refused from now on.")


@click.group("sources")
def sources_group() -> None:
    """Systems that post balance changes by signed webhook."""


@sources_group.command("add")
@click.argument("name")
@click.argument("programme")
@click.option("--kind", default="generic", show_default=True, type=click.Choice(sorted(KINDS)))
@in_words
def add_source(name: str, programme: str, kind: str) -> None:
    """Let NAME post changes of PROGRAMME. Prints its address and its secret, once."""
    installation = at_work()
    secret = sources.new_secret()
    with installation.database.transaction() as session:
        programme_id = programmes.by_code(session, programme).id
        now = installation.clock()
        sources.add(session, installation.keys, name, kind, programme_id, secret, now)
    click.echo(f"{installation.settings.public_url}/webhooks/{name}")
    click.echo(secret)


@sources_group.command("list")
@in_words
def list_sources() -> None:
    """All sources: name, kind, programme, since when."""
    with at_work().database.reading() as session:
        for source in sources.listed(session):
            programme = programmes.by_id(session, source.programme_id).code
            click.echo(f"{source.name}: {source.kind}, {programme}, since {source.created_at:%F}")


@sources_group.command("rotate")
@click.argument("name")
@in_words
def rotate_source(name: str) -> None:
    """Make one more secret for NAME; the old one stays good until `wallet sources retire`."""
    installation = at_work()
    with installation.database.transaction() as session:
        click.echo(sources.rotate(session, installation.keys, name, installation.clock()))


@sources_group.command("retire")
@click.argument("name")
@in_words
def retire_source(name: str) -> None:
    """Refuse all secrets of NAME but the newest."""
    with at_work().database.transaction() as session:
        retired = sources.retire(session, name)
    click.echo(f"{retired} old secrets of {name} are refused from now on.")
