"""The command that is a virtual phone."""

import click

from ledger.languages import LANGUAGES, Language
from ledger.limits import MOST_POINTS
from wallet.cli.context import environment, in_words
from wallet.sandbox import story
from wallet.sandbox.telling import WALLETS, StoryWish, Wallet
from wallet.sandbox.troubles import SandboxTrouble


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
        wish = StoryWish(url or found.public_url, lang, card, points, repeat, wallet)
        story.tell(found, wish, click.echo)
    except SandboxTrouble as trouble:
        raise click.ClickException(trouble.sentence(lang)) from trouble
