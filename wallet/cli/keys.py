"""Commands for API keys."""

from datetime import UTC, datetime, timedelta

import click

from ledger.programmes import programmes
from wallet.access import apikeys, grants
from wallet.access.apikeys import ApiKey
from wallet.access.grants import KeyTerms
from wallet.cli.database import author, on_database, open_records


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
@click.option(
    "--expires",
    "last_day",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day (UTC) on which it is accepted, such as 2027-06-30. Without, for good.",
)
@on_database
def add_key(
    name: str, scopes: tuple[str, ...], programme: str | None, last_day: datetime | None
) -> None:
    """Make a key for the integration NAME. It is shown now and never again."""
    records = open_records()
    ends_at = None if last_day is None else last_day.replace(tzinfo=UTC) + timedelta(days=1)
    with records.database.transaction() as session:
        only = None if programme is None else programmes.by_code(session, programme).id
        terms = KeyTerms(name, scopes, only, ends_at)
        key = grants.issue_key(session, grants.operator(author()), terms, records.clock())
    click.echo(key)


@keys_group.command("list")
@on_database
def list_keys() -> None:
    """All keys: name, programme, scopes, since when, until when; that of the environment first."""
    records = open_records()
    if records.settings.api_key:
        click.echo("WALLET_API_KEY, of the environment: all programmes, *")
    with records.database.reading() as session:
        found = apikeys.listed(session)
        for key in found:
            where = "all programmes"
            if key.programme_id is not None:
                where = f"programme {programmes.by_id(session, key.programme_id).code}"
            scopes = ", ".join(key.scopes)
            until = _until(key, records.clock())
            click.echo(f"{key.name}: {where}, {scopes}, since {key.created_at:%F}{until}")
    if not found:
        click.echo("No other keys. `wallet keys add` makes one for each integration.")


def _until(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f", revoked {key.revoked_at:%F}"
    if key.expires_at is None:
        return ""
    last_day = key.expires_at - timedelta.resolution
    return f", {'until' if key.is_live(now) else 'ended'} {last_day:%F}"


@keys_group.command("revoke")
@click.argument("name")
@on_database
def revoke_key(name: str) -> None:
    """Refuse the key of NAME from now on."""
    records = open_records()
    with records.database.transaction() as session:
        grants.revoke_key(session, grants.operator(author()), name, records.clock())
    click.echo(f"The key of {name} is refused from now on.")
