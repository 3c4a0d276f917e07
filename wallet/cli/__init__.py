"""The `wallet` command: a module for each subject, put together here."""

import click

from wallet.cli.access import keys_group, sources_group
from wallet.cli.book import ledger_group
from wallet.cli.certificates import certs
from wallet.cli.designs import design_group, waves_group
from wallet.cli.imports import import_group
from wallet.cli.keeping import backup, restore
from wallet.cli.people import members_group
from wallet.cli.programmes import programmes_group
from wallet.cli.running import beat, examine, migrate, run, web, worker
from wallet.cli.trying import conformance, phone, sandbox


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kopilka", prog_name="wallet")
def main() -> None:
    """Kopilka: loyalty cards in phones, kept true."""


for command in (
    run,
    web,
    worker,
    beat,
    migrate,
    examine,
    backup,
    restore,
    programmes_group,
    members_group,
    keys_group,
    sources_group,
    ledger_group,
    design_group,
    waves_group,
    import_group,
    certs,
    sandbox,
    conformance,
    phone,
):
    main.add_command(command)
