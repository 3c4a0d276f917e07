"""Commands for API keys."""

import click

from ledger.programmes import programmes
from wallet.access import apikeys
from wallet.cli.database import on_database, open_records


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
@click.option(
    "--programme",
    metavar="CODE",
    help="The one programme that the key is for: all else is not there for it. Without, all.",
)
@on_database
def add_key(name: str, scopes: tuple[str, ...], programme: str | None) -> None:
    """Make a key for the integration NAME. It is shown now and never again."""
    records = open_records()
    with records.database.transaction() as session:
        only = None if programme is None else programmes.by_code(session, programme).id
        key = apikeys.issue(session, name, scopes, records.clock(), only)
    click.echo(key)


@keys_group.command("list")
@on_database
def list_keys() -> None:
    """All keys: name, programme, scopes, since when, until when."""
    with open_records().database.reading() as session:
        for key in apikeys.listed(session):
            until = f", revoked {key.revoked_at:%F}" if key.revoked_at else ""
            where = "all programmes"
            if key.programme_id is not None:
                where = f"programme {programmes.by_id(session, key.programme_id).code}"
            scopes = ", ".join(key.scopes)
            click.echo(f"{key.name}: {where}, {scopes}, since {key.created_at:%F}{until}")


@keys_group.command("revoke")
@click.argument("name")
@on_database
def revoke_key(name: str) -> None:
    """Refuse the key of NAME from now on."""
    records = open_records()
    with records.database.transaction() as session:
        apikeys.revoke(session, name, records.clock())
    click.echo(f"The key of {name} is refused from now on.")
