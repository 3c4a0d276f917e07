"""Certificates and keys with their days, and what is missing before phones accept the cards, step
by step. The files are the operator's: a page says what belongs where, and takes none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import Blueprint

from ledger.words import day_in
from wallet.apple.signing import Signer
from wallet.console import pages
from wallet.console.pages import needs
from wallet.errors import CertificateProblem
from wallet.installation import Installation, current_installation
from wallet.pages import language
from wallet.pages.language import gettext as _

HERE = "settings"
SOON_DAYS, WARN_DAYS = 14, 30
USUAL_FOLDER = Path("/etc/kopilka/certs")  # where a server keeps certificates

routes = Blueprint("certificates", __name__)


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A certificate: of which pass type and team, by whom, for how many days; `is_used`: it signs
    now. `state` is how it looks, `words` what is to be done about it."""

    name: str
    team: str
    issued_by: str
    days: int
    until: str
    is_used: bool
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class SetupStep:
    """Something without which phones do not accept the cards, or only some do. `commands` are for
    the operator's terminal."""

    words: str
    under: str
    is_done: bool
    commands: Sequence[str] = ()
    is_optional: bool = False


@routes.get("/certificates")
@needs("programmes:read")
def show() -> str:
    """Each certificate with its days, and the steps that are left."""
    house = current_installation()
    now = house.clock()
    steps = setup_steps(house, now)
    return pages.show(
        "console/settings/certificates.html",
        HERE,
        certificates=[_shown(house, one, now) for one in house.certificates.every],
        steps=steps,
        left=sum(not one.is_done and not one.is_optional for one in steps),
        push_key=house.settings.apns_key,
        google=house.settings.google if house.google is not None else None,
        sandbox=house.settings.in_sandbox,
        only_google=house.settings.apple_certs is None and house.google is not None,
    )


def setup_steps(house: Installation, now: datetime) -> list[SetupStep]:
    """What it takes until phones accept the cards, in the order in which it is done."""
    settings = house.settings
    folder = settings.apple_certs or USUAL_FOLDER
    place = () if settings.apple_certs else (f"WALLET_APPLE_CERTS={folder}",)
    issued = any(one.issued_by == "Apple" and one.is_valid(now) for one in house.certificates.every)
    has_google = house.google is not None and not settings.in_sandbox
    return [
        SetupStep(
            _("An address with https that phones can reach"),
            _(
                "Now it is %(url)s. Phones fetch every change of a card from there.",
                url=settings.public_url,
            ),
            settings.public_url.startswith("https:") and not is_local(settings.public_url),
            ("WALLET_PUBLIC_URL=https://cards.example.com",),
        ),
        SetupStep(
            _("A pass certificate from Apple"),
            _(
                "In Apple's developer account make a Pass Type ID, upload the request that the"
                " first command makes, download the answer, and let the second command put it in"
                " place. The key never leaves this machine."
            ),
            issued,
            (
                f'wallet certs csr {folder} --email you@example.com --name "Your company"',
                f"wallet certs import {folder} pass.cer AppleWWDRCAG4.cer",
                *place,
                "wallet certs check",
            ),
        ),
        SetupStep(
            _("Production instead of the sandbox"),
            _("It refuses to start as long as anything of this list is not right, and says what."),
            not settings.in_sandbox,
            ("WALLET_MODE=production", "wallet doctor"),
        ),
        SetupStep(
            "Google Wallet",
            _(
                "For Android: an issuer account at Google Pay & Wallet Console, and the key of a"
                " service account. Without it Android phones have the card in the browser."
            ),
            has_google,
            (
                "WALLET_GOOGLE_ISSUER=3388000000012345678",
                "WALLET_GOOGLE_CREDENTIALS=/etc/kopilka/google.json",
            ),
            is_optional=True,
        ),
    ]


def _shown(house: Installation, signer: Signer, now: datetime) -> ShownCertificate:
    days = signer.days_left(now)
    try:
        is_used = (
            house.certificates.signing(signer.pass_type, now).fingerprint == signer.fingerprint
        )
    except CertificateProblem:
        is_used = False
    last = house.certificates.last(signer.pass_type).fingerprint == signer.fingerprint
    state, words = "good", ""
    if not signer.is_valid(now):
        state = "bad" if last else "none"
        words = _("Not valid now.") if last else _("Another one has taken its place.")
    elif last and days <= WARN_DAYS:
        state = "bad" if days <= SOON_DAYS else "wait"
        words = _("Have a new one issued for the same pass type, and put it beside this one.")
    elif signer.issued_by != "Apple":
        state, words = "none", _("Real phones refuse cards that are signed with it.")
    return ShownCertificate(
        signer.pass_type,
        signer.team,
        _("the sandbox") if signer.issued_by == "the sandbox" else signer.issued_by,
        max(days, 0),
        day_in(language.current(), signer.not_after.date()),
        is_used,
        state,
        words,
    )


def is_local(url: str) -> bool:
    """Whether nobody but this computer finds that address."""
    return any(host in url for host in ("//127.0.0.1", "//localhost", "//[::1]"))
