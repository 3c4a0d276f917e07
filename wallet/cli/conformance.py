"""The command that holds a web service against Apple's rules."""

import sys

import click

from ledger.languages import LANGUAGES, Language
from wallet.cli.context import in_words
from wallet.sandbox.conformance import report
from wallet.sandbox.conformance.device import Pushes, card_from
from wallet.sandbox.conformance.inspection import Kit, inspect, shell_change
from wallet.sandbox.troubles import SandboxTrouble


@click.command()
@click.argument("cards", nargs=-1, required=True, metavar="CARD...")
@click.option(
    "--change",
    metavar="COMMAND",
    help="Makes the service change a card; {serial} in it stands for the serial number.",
)
@click.option(
    "--pushes",
    metavar="URL",
    help="Control address of Apple's stand-in that the service pushes to (see `wallet sandbox`).",
)
@click.option("--patience", default=20.0, show_default=True, help="Seconds a change may take.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES))
@in_words
def conformance(
    cards: tuple[str, ...],
    change: str | None,
    pushes: str | None,
    patience: float,
    lang: Language,
) -> None:
    """Hold a PassKit web service, any one, against Apple's rules.

    CARD is a pass of that service, as a file or an address; two of one type try more. Use test
    cards: a device is registered for them, and --change changes them."""
    try:
        kit = Kit(
            [card_from(card) for card in cards],
            None if change is None else shell_change(change),
            None if pushes is None else Pushes(pushes, patience),
            patience,
        )
        found = []
        for finding in inspect(kit):
            found.append(finding)
            for line in report.lines([finding], lang):
                click.echo(line)
    except SandboxTrouble as trouble:
        raise click.ClickException(trouble.sentence(lang)) from trouble
    for line in report.summary(found, lang):
        click.echo(line)
    sys.exit(any(finding.verdict == "broken" for finding in found))
