"""Commands for badges: the official buttons of Apple's and Google's wallets."""

from pathlib import Path
from typing import get_args

import click

from ledger.languages import LANGUAGES
from wallet.access import changes
from wallet.access.changes import ChangedThing
from wallet.cli.database import author, on_database, open_records
from wallet.passes import badges
from wallet.passes.badges import BadgeOf

of_wallet = click.argument("wallet", type=click.Choice(get_args(BadgeOf)))
in_language = click.argument("language", type=click.Choice(LANGUAGES))


@click.group("badges")
def badges_group() -> None:
    """Official buttons of Apple and Google, for the pages.

    Where they come from, and where they are shown: docs/designs.md."""


@badges_group.command("set")
@of_wallet
@in_language
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@on_database
def set_badge(wallet: BadgeOf, language: str, file: Path) -> None:
    """Show FILE, an SVG or a PNG, in place of the plain button on pages in LANGUAGE.

    Take it from Apple or Google under your own account there, as it is."""
    records = open_records()
    data = file.read_bytes()
    with records.database.transaction() as session:
        now = records.clock()
        badge = badges.put(session, wallet, language, file.name, data, now)
        of = ChangedThing("badge", f"{wallet} {language}")
        changes.note(session, author(), "badge.set", of, now)
    click.echo(f"{wallet} {language}: pages show it from now on, {_shape(badge)}.")


@badges_group.command("list")
@on_database
def list_badges() -> None:
    """Which badges there are, and which are missing."""
    with open_records().database.reading() as session:
        found = {(one.wallet, one.language): one for one in badges.every(session)}
    for wallet in get_args(BadgeOf):
        for language in LANGUAGES:
            badge = found.get((wallet, language))
            said = (
                f"none: a plain button. `wallet badges set {wallet} {language} FILE`"
                if badge is None
                else f"{badge.media_type.partition('/')[2].partition('+')[0]}, {_shape(badge)}"
            )
            click.echo(f"{wallet} {language}: {said}")


@badges_group.command("remove")
@of_wallet
@in_language
@on_database
def remove_badge(wallet: BadgeOf, language: str) -> None:
    """Show a plain button again."""
    records = open_records()
    with records.database.transaction() as session:
        was_there = badges.remove(session, wallet, language)
        if was_there:
            of = ChangedThing("badge", f"{wallet} {language}")
            changes.note(session, author(), "badge.removed", of, records.clock())
    said = "pages show a plain button again" if was_there else "there was none"
    click.echo(f"{wallet} {language}: {said}.")


def _shape(badge: badges.Badge) -> str:
    return f"{badge.width_at(badges.SHOWN_HIGH)} by {badges.SHOWN_HIGH} points"
