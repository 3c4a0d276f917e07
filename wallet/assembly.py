"""Settings -> a connected installation. Nothing else builds databases, signers or senders."""

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from ledger.database import Database, Wake
from wallet.apple.provider import AppleProvider
from wallet.apple.push import Apns, Credential, TokenCredential
from wallet.apple.pushkey import ProviderTokens, PushKey
from wallet.apple.rotation import Certificates, Senders, Source
from wallet.apple.shelf import Shelf
from wallet.apple.signing import Signer, look_at
from wallet.clock import Clock, system_clock
from wallet.errors import SettingsError, WalletError
from wallet.google import account
from wallet.google.provider import GoogleProvider
from wallet.installation import Installation
from wallet.keyring import KeyRing
from wallet.settings import GoogleSettings, Settings


def connect(
    settings: Settings, wake: Wake | None = None, clock: Clock = system_clock
) -> Installation:
    """Raises `SettingsError` or `CertificateProblem` in words that say what to do."""
    # Seen before it is read: what comes in between is found by the next look.
    seen = look_at(settings.apple_certs)
    certificates = _certificates(settings, clock())
    pass_type = _pass_type(settings, certificates)
    certificates.follow(
        Source(
            settings.apple_certs,
            seen,
            lambda found: _require_fit(settings, found, pass_type),
            clock(),
        )
    )
    tokens = _provider_tokens(settings, certificates)
    database = Database(settings.ledger, wake)
    keys = KeyRing(settings.secret_keys)
    senders = Senders(certificates, lambda signer: _sender(settings, signer, tokens), clock)
    return Installation(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        certificates=certificates,
        pass_type=pass_type,
        shelf=Shelf(database, certificates, keys, settings.public_url),
        apple=AppleProvider(
            database, senders, keys, settings.public_url, timedelta(seconds=settings.lease_s)
        ),
        google=_google(settings, database, keys),
    )


def unfit(settings: Settings, known: Collection[str], now: datetime) -> list[WalletError]:
    """Everything beyond the settings themselves that would keep `connect` from its work. `known`
    are settings that are wrong already: what they lead to is not looked at."""
    problems: list[WalletError] = []
    certificates = Certificates({})
    if "WALLET_APPLE_CERTS" not in known:
        with _noting(problems):
            certificates = _certificates(settings, now)
    if certificates.pass_types:
        with _noting(problems):
            _pass_type(settings, certificates)
        with _noting(problems):
            _provider_tokens(settings, certificates)
    if (google := google_of(settings)) is not None:
        with _noting(problems):
            account.load(google.credentials)
    return problems


def google_of(settings: Settings) -> GoogleSettings | None:
    """How Google is reached, if cards are offered for it: a sandbox without its stand-in for Google
    is one for Apple alone."""
    google = settings.google
    if google is None or (settings.in_sandbox and not google.credentials.exists()):
        return None
    return google


@contextlib.contextmanager
def _noting(problems: list[WalletError]) -> Iterator[None]:
    try:
        yield
    except WalletError as problem:
        problems.append(problem)


def _certificates(settings: Settings, now: datetime) -> Certificates:
    certificates = Certificates.find(settings.apple_certs, now)
    _require_real(settings, certificates)
    return certificates


def _require_real(settings: Settings, certificates: Certificates) -> None:
    for signer in certificates.every:
        if signer.is_sandbox and not settings.in_sandbox:
            raise SettingsError(
                "WALLET_APPLE_CERTS",
                f"holds the sandbox certificate of {signer.pass_type}; production needs one that"
                " Apple issued.",
            )


def _require_fit(settings: Settings, certificates: Certificates, pass_type: str) -> None:
    """What a start would refuse is not taken up while running. Raises `SettingsError`,
    `CertificateProblem`."""
    _require_real(settings, certificates)
    if _pass_type(settings, certificates) != pass_type:
        raise SettingsError(
            "WALLET_APPLE_PASS_TYPE",
            f"new cards have the pass type {pass_type}, and there is no certificate for it.",
        )


def _pass_type(settings: Settings, certificates: Certificates) -> str:
    """The pass type of new cards."""
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


def _google(settings: Settings, database: Database, keys: KeyRing) -> GoogleProvider | None:
    google = google_of(settings)
    if google is None:
        return None
    return GoogleProvider(
        database,
        google,
        account.load(google.credentials),
        keys,
        settings.public_url,
        timedelta(seconds=settings.lease_s),
    )


def _provider_tokens(settings: Settings, certificates: Certificates) -> ProviderTokens | None:
    """Those of the .p8 key, if there is one: all connections of this process share them."""
    key = settings.apns_key
    if key is None:
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


def _sender(settings: Settings, signer: Signer, tokens: ProviderTokens | None) -> Apns:
    credential: Credential | TokenCredential
    if tokens is not None and tokens.team == signer.team:
        credential = TokenCredential(signer.pass_type, tokens)
    else:
        credential = Credential(signer.pass_type, *signer.in_pem())
    return Apns(settings.apns_url, settings.apns_ca, credential)
