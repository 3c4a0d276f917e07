"""What an installation signs and pushes with: read from the files that its settings name, and
refused where it does not fit. Nothing here connects to anything."""

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime

from ledger.errors import Refusal
from wallet.apple.pushkey import ProviderTokens, PushKey
from wallet.apple.rotation import Certificates
from wallet.configuration.settings import WITHOUT_APPLE, GoogleSettings, Settings
from wallet.errors import SettingsError
from wallet.google import account
from wallet.passes.content import NO_PASS_TYPE


def read_certificates(settings: Settings, now: datetime) -> Certificates:
    """The certificates in the folder; none without Apple. Raises `CertificateProblem`, in
    production also for those that Apple did not issue; `SettingsError` for sandbox certificates
    there."""
    if settings.apple_certs is None:
        return Certificates({})
    certificates = Certificates.find(settings.apple_certs, now)
    _require_real(settings, certificates)
    return certificates


def _require_real(settings: Settings, certificates: Certificates) -> None:
    """Production signs with what Apple issued, and nothing else."""
    if settings.in_sandbox:
        return
    for signer in certificates.every:
        signer.require_known_issuer()
        if signer.issued_by == "the sandbox":
            raise SettingsError(
                "WALLET_APPLE_CERTS",
                f"holds the sandbox certificate of {signer.pass_type}; production needs one that"
                " Apple issued.",
            )


def require_fit(settings: Settings, certificates: Certificates, pass_type: str) -> None:
    """Refuse certificates that came while running if a start would refuse them. Raises
    `SettingsError`, `CertificateProblem`."""
    _require_real(settings, certificates)
    if pass_type_of_new_cards(settings, certificates) != pass_type:
        raise SettingsError(
            "WALLET_APPLE_PASS_TYPE",
            f"new cards have the pass type {pass_type}, and there is no certificate for it.",
        )


def pass_type_of_new_cards(settings: Settings, certificates: Certificates) -> str:
    """The pass type that settings name, or the only one that there is a certificate for; without
    Apple `NO_PASS_TYPE`. Raises `SettingsError` if it is not clear."""
    if settings.apple_certs is None:
        return NO_PASS_TYPE
    signers = certificates.pass_types
    if settings.apple_pass_type is not None:
        if settings.apple_pass_type not in signers:
            raise SettingsError(
                "WALLET_APPLE_PASS_TYPE",
                f"there is no certificate for {settings.apple_pass_type}, only for"
                f" {', '.join(sorted(signers)) or 'nothing'}.",
            )
        return settings.apple_pass_type
    if len(signers) != 1:
        raise SettingsError(
            "WALLET_APPLE_PASS_TYPE",
            f"say which pass type new cards get: {', '.join(sorted(signers))}.",
        )
    return signers[0]


def provider_tokens(settings: Settings, certificates: Certificates) -> ProviderTokens | None:
    """Tokens of the .p8 key, which all connections of this process share; None if there is no such
    key, or no Apple. Raises `SettingsError` if the key's team is not clear or has no
    certificate."""
    key = settings.apns_key
    if key is None or settings.apple_certs is None:
        return None
    teams = sorted({signer.team for signer in certificates.every})
    if key.team is None and len(teams) > 1:
        raise SettingsError(
            "WALLET_APNS_TEAM",
            f"say whose key WALLET_APNS_KEY is: there are certificates of {', '.join(teams)}. Pass"
            " types of the others go on using their certificates.",
        )
    team = key.team or teams[0]
    if team not in teams:
        raise SettingsError(
            "WALLET_APNS_TEAM",
            f"is {team}, but the certificates are of {', '.join(teams)}; a key can only push to"
            " the pass types of its own team.",
        )
    return ProviderTokens(PushKey.load(key.file, key.key_id, team))


def without_apple(settings: Settings) -> str:
    """What is missing without Apple's certificates, and what works meanwhile."""
    where = "on the web" if settings.google is None else "on the web and at Google"
    return (
        f"Apple: not set up yet (WALLET_APPLE_CERTS={WITHOUT_APPLE}). Cards are {where}; once there"
        " are certificates, all of them can go into Apple Wallet. See README, Going live."
    )


def google_of(settings: Settings) -> GoogleSettings | None:
    """How Google is reached; None if cards are not offered for it. A sandbox without its stand-in
    for Google offers cards for Apple alone."""
    google = settings.google
    if google is None or (settings.in_sandbox and not google.credentials.exists()):
        return None
    return google


def unfit(settings: Settings, known: Collection[str], now: datetime) -> list[Refusal]:
    """Everything besides the settings themselves that would make `connect` fail. `known`: names of
    settings that are wrong already; what depends on them is not looked at."""
    problems: list[Refusal] = []
    certificates = Certificates({})
    if "WALLET_APPLE_CERTS" not in known:
        with _noting(problems):
            certificates = read_certificates(settings, now)
    if certificates.pass_types:
        with _noting(problems):
            pass_type_of_new_cards(settings, certificates)
        with _noting(problems):
            provider_tokens(settings, certificates)
    if (google := google_of(settings)) is not None:
        with _noting(problems):
            account.load(google.credentials)
    return problems


@contextlib.contextmanager
def _noting(problems: list[Refusal]) -> Iterator[None]:
    try:
        yield
    except Refusal as problem:
        problems.append(problem)
