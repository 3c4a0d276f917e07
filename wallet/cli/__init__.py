"""The `wallet` command: a module for each subject, and the table of them."""

import click

from wallet import __version__
from wallet.cli.lazy import LazyCommand


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="Kopilka")
def main() -> None:
    """Kopilka: loyalty cards in phones, kept true."""


# Name, place, and the first sentence of the command's own help: a test compares them.
COMMANDS = (
    LazyCommand(
        "run",
        "wallet.cli.run:run",
        "Everything on this machine: web, worker and, in the sandbox, the stand-ins.",
    ),
    LazyCommand(
        "web",
        "wallet.cli.web:web",
        "The web process; with the broker memory:// it holds the worker too.",
    ),
    LazyCommand(
        "worker", "wallet.cli.workers:worker", "A worker process; needs a Redis or RabbitMQ broker."
    ),
    LazyCommand(
        "beat", "wallet.cli.workers:beat", "The one process that wakes the pumps every few seconds."
    ),
    LazyCommand(
        "migrate",
        "wallet.cli.schema:migrate",
        "Bring the database to this release's schema, keeping the data.",
    ),
    LazyCommand(
        "doctor", "wallet.cli.health:examine", "What is well and what is missing, in words."
    ),
    LazyCommand(
        "backup",
        "wallet.cli.backups:backup",
        "Write everything into the one FILE, while the service is at work.",
    ),
    LazyCommand(
        "restore",
        "wallet.cli.backups:restore",
        "Bring the backup FILE to life in an empty database.",
    ),
    LazyCommand("programmes", "wallet.cli.programmes:programmes_group", "Loyalty programmes."),
    LazyCommand("members", "wallet.cli.people:members_group", "People with a card."),
    LazyCommand("staff", "wallet.cli.staff:staff_group", "People who use the console."),
    LazyCommand("keys", "wallet.cli.keys:keys_group", "API keys of integrations."),
    LazyCommand(
        "sources",
        "wallet.cli.sources:sources_group",
        "Systems that post balance changes by signed webhook.",
    ),
    LazyCommand(
        "receivers",
        "wallet.cli.receivers:receivers_group",
        "Systems that are told what happens, by signed webhook.",
    ),
    LazyCommand(
        "days",
        "wallet.cli.days:days_group",
        "The table of days, from which the console draws its figures.",
    ),
    LazyCommand(
        "ledger",
        "wallet.cli.book:ledger_group",
        "The book: does it keep its rules, and was anything changed behind its back?",
    ),
    LazyCommand(
        "design",
        "wallet.cli.designs:design_group",
        "How a programme's cards look: a folder with design.json and PNG files.",
    ),
    LazyCommand(
        "poster",
        "wallet.cli.posters:poster",
        "Write the poster of PROGRAMME into FILE: a PDF, or an SVG if its name ends in .svg.",
    ),
    LazyCommand(
        "badges",
        "wallet.cli.badges:badges_group",
        "Official buttons of Apple and Google, for the pages.",
    ),
    LazyCommand(
        "waves",
        "wallet.cli.waves:waves_group",
        "Changes for whole programmes, on their way to all cards.",
    ),
    LazyCommand(
        "promotions",
        "wallet.cli.promotions:promotions_group",
        "What purchases cost and earn.",
    ),
    LazyCommand(
        "import",
        "wallet.cli.imports:import_group",
        "Members, points, products, prices and stores from files (CSV, XLSX).",
    ),
    LazyCommand(
        "export",
        "wallet.cli.exports:export_group",
        "Members and postings of a programme as files.",
    ),
    LazyCommand(
        "changes",
        "wallet.cli.changes:changes_group",
        "Who changed what, and when.",
    ),
    LazyCommand("certs", "wallet.cli.certificates:certs", "Apple's certificates."),
    LazyCommand(
        "sandbox",
        "wallet.cli.sandbox:sandbox",
        "Apple's and Google's stand-ins and the virtual phones' page (part of `wallet run`).",
    ),
    LazyCommand(
        "conformance",
        "wallet.cli.conformance:conformance",
        "Hold a PassKit web service, any one, against Apple's rules.",
    ),
    LazyCommand(
        "phone",
        "wallet.cli.phone:phone",
        "A virtual phone: join, add the card, earn points, see the push come and the card change.",
    ),
)
for command in COMMANDS:
    main.add_command(command)
