"""Commands to try things with no account: the stand-ins, the virtual phones, and the device that
holds a service against Apple's rules."""

import sys

import click

from ledger.points import MOST_POINTS
from wallet.cli.footing import environment, in_words
from wallet.sandbox import process, story
from wallet.sandbox.conformance import report
from wallet.sandbox.conformance.device import Pushes, card_from
from wallet.sandbox.conformance.inspection import Kit, inspect, shell_change
from wallet.sandbox.telling import WALLETS, Wallet, Wish
from wallet.sandbox.troubles import SandboxTrouble
from wallet.sandbox.words import LANGUAGES, Language


@click.command()
@in_words
def sandbox() -> None:
    """Apple's and Google's stand-ins and the virtual phones' page (part of `wallet run`)."""
    process.run(environment())


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


@click.command()
@click.option(
    "--card", metavar="URL", help="Follow this card: its page, or what adds it to a wallet."
)
@click.option("--points", default=100, show_default=True, type=click.IntRange(1, MOST_POINTS))
@click.option("--repeat", default=1, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--url", help="Where the service is. Default: WALLET_PUBLIC_URL.")
@click.option("--lang", default="en", show_default=True, type=click.Choice(LANGUAGES))
@click.option("--wallet", default="apple", show_default=True, type=click.Choice(WALLETS))
@in_words
def phone(
    card: str | None, points: int, repeat: int, url: str | None, lang: Language, wallet: Wallet
) -> None:
    """A virtual phone: join, add the card, earn points, see the push come and the card change."""
    found = environment()
    try:
        wish = Wish(url or found.public_url, lang, card, points, repeat, wallet)
        story.tell(found, wish, click.echo)
    except SandboxTrouble as trouble:
        raise click.ClickException(trouble.sentence(lang)) from trouble
