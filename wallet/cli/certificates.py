"""Commands for Apple's certificates."""

from pathlib import Path

import click

from wallet.apple import applying
from wallet.apple.rotation import Certificates
from wallet.cli.context import environment, in_words
from wallet.configuration.clock import system_clock
from wallet.running import credentials
from wallet.sandbox import certificates


@click.group()
def certs() -> None:
    """Apple's certificates."""


@certs.command("dev")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@in_words
def certs_dev(folder: Path | None) -> None:
    """Make sandbox certificates in FOLDER. Real phones refuse cards signed with them."""
    target = folder or environment().data / "certs"
    made = certificates.ensure_chain(target, system_clock())
    click.echo(f"{target}: {'made' if made else 'there already, still good'}.")


@certs.command("csr")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--email", required=True, help="Of the Apple developer account.")
@click.option("--name", required=True, help="Whose request it is.")
@in_words
def certs_csr(folder: Path, email: str, name: str) -> None:
    """Make a key in FOLDER and the request to upload to Apple."""
    made = applying.request(folder, email, name)
    click.echo(f"Upload {made} to Apple, download the answer, then run `wallet certs import`.")


@certs.command("import")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("answer", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("issuer", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@in_words
def certs_import(folder: Path, answer: Path, issuer: Path) -> None:
    """Put Apple's ANSWER (pass.cer) and the intermediate ISSUER beside the key in FOLDER."""
    now = system_clock()
    signer = applying.accept(folder, answer, issuer, now)
    click.echo(f"{signer.pass_type}: good. Team {signer.team}, {signer.days_left(now)} days left.")


@certs.command("check")
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False
)
@in_words
def certs_check(folder: Path | None) -> None:
    """Check the certificates in FOLDER, or those of the service, as a start of it would; and who
    issued them: Apple, by its roots and not by names, or the sandbox."""
    now = system_clock()
    if folder is None:
        settings = environment()
        if settings.apple_certs is None:
            click.echo(credentials.without_apple(settings))
            return
        certificates = credentials.read_certificates(settings, now)
    else:
        certificates = Certificates.find(folder, now)
    waning = {signer.fingerprint: words for signer, words in certificates.reminders(now)}
    for signer in certificates.every:
        signer.require_known_issuer()
        reminder = waning.get(signer.fingerprint)
        verdict = "good" if reminder is None else f"warning: {reminder}"
        if not signer.is_valid(now):
            verdict = f"not in use, valid from {signer.not_before:%F} to {signer.not_after:%F}"
        click.echo(
            f"{signer.pass_type}: {verdict}. Team {signer.team}, issued by {signer.issued_by},"
            f" {signer.days_left(now)} days left."
        )
        if signer.issued_by == "the sandbox":
            click.echo("Real phones refuse cards that are signed with it. See README, Going live.")
