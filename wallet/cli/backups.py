"""Commands that keep everything in one file, and bring it back."""

from pathlib import Path

import click

from ledger.database.engine import Database
from wallet.backups import restoring, taking
from wallet.cli.context import environment
from wallet.cli.database import on_database
from wallet.configuration.clock import system_clock
from wallet.people import erasure


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--with-secrets",
    is_flag=True,
    help="Put the key ring, certificates and key files in as well. Off by default: whoever has"
    " that file can speak for the shop.",
)
@on_database
def backup(file: Path, *, with_secrets: bool) -> None:
    """Write everything into the one FILE, while the service is at work.

    It is encrypted with WALLET_SECRET_KEY, and without that key nobody can restore it. Secrets are
    not in it unless asked for: keep WALLET_SECRET_KEY and the certificates apart."""
    found = environment()
    database = Database(found.ledger)
    made = taking.take(database, found, file, system_clock(), with_secrets=with_secrets)
    database.close()
    secrets = "with" if with_secrets else "without"
    click.echo(
        f"{file}: {made.members} members, {made.passes} passes, {made.book.entries} entries,"
        f" {secrets} secrets. Checksum of the book: {made.book.sha256[:16]}"
    )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--decrypt-to",
    type=click.Path(path_type=Path, dir_okay=False, exists=False),
    metavar="ZIP",
    help="Restore nothing: write what is in the backup as a plain ZIP file.",
)
@on_database
def restore(file: Path, decrypt_to: Path | None) -> None:
    """Bring the backup FILE to life in an empty database. Stop the service first.

    A backup of SQLite is restored to PostgreSQL as well, if WALLET_DATABASE_URL names one."""
    found = environment()
    if decrypt_to is not None:
        restoring.decrypt(found, file, decrypt_to)
        click.echo(f"{decrypt_to}: readable for everybody who has it. Keep it as you keep secrets.")
        return
    done = restoring.restore(found, file, system_clock())
    made = done.manifest
    click.echo(
        f"{made.members} members, {made.passes} passes, {made.book.entries} entries, as of"
        f" {made.made_at:%F %T} UTC. Same checksum of the book: {made.book.sha256[:16]}"
    )
    for path in done.secrets:
        click.echo(f"{path}: put back.")
    for name in done.resting:
        click.echo(
            f"Receiver {name} is off, in case this is a copy. If it is the real one:"
            f" wallet receivers switch {name} on"
        )
    erased = found.data / erasure.ERASED_FILE
    if done.returned:
        click.echo(
            f"{done.returned} people who were erased since are back. Erase them again:"
            f" wallet members erase --from {erased}"
        )
    else:
        click.echo(
            "Whoever was erased since is back. If you have a newer list of them:"
            " wallet members erase --from LIST"
        )
