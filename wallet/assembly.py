"""Settings -> a connected installation. Nothing else builds databases, signers or senders."""

from datetime import UTC, datetime, timedelta

from ledger.database import Database, Wake
from wallet.apple.provider import AppleProvider
from wallet.apple.push import Apns, Credential
from wallet.apple.shelf import Shelf
from wallet.apple.signing import CERTIFICATE_FILE, KEY_FILE, Signer, find_signers
from wallet.errors import SettingsError
from wallet.google import account
from wallet.google.provider import GoogleProvider
from wallet.installation import Installation
from wallet.keyring import KeyRing
from wallet.providers import Clock
from wallet.settings import Settings


def system_clock() -> datetime:
    return datetime.now(UTC)


def connect(
    settings: Settings, wake: Wake | None = None, clock: Clock = system_clock
) -> Installation:
    """Raises `SettingsError` or `CertificateProblem` in words that say what to do."""
    signers = find_signers(settings.apple_certs, clock())
    pass_type = _pass_type(settings, signers)
    database = Database(settings.ledger, wake)
    keys = KeyRing(settings.secret_keys)
    senders = {signer.pass_type: _sender(settings, signer) for signer in signers.values()}
    return Installation(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        signers=signers,
        pass_type=pass_type,
        shelf=Shelf(database, signers, keys, settings.public_url),
        apple=AppleProvider(
            database, senders, keys, settings.public_url, timedelta(seconds=settings.lease_s)
        ),
        google=_google(settings, database, keys),
    )


def _pass_type(settings: Settings, signers: dict[str, Signer]) -> str:
    """The pass type of new cards."""
    if not settings.in_sandbox:
        for signer in signers.values():
            if signer.is_sandbox:
                raise SettingsError(
                    "WALLET_APPLE_CERTS",
                    f"holds the sandbox certificate of {signer.pass_type}; production needs one"
                    " that Apple issued.",
                )
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
    return next(iter(signers))


def _google(settings: Settings, database: Database, keys: KeyRing) -> GoogleProvider | None:
    google = settings.google
    if google is None or (settings.in_sandbox and not google.credentials.exists()):
        # A sandbox without its stand-in for Google is one for Apple alone.
        return None
    return GoogleProvider(
        database,
        google,
        account.load(google.credentials),
        keys,
        settings.public_url,
        timedelta(seconds=settings.lease_s),
    )


def _sender(settings: Settings, signer: Signer) -> Apns:
    credential = Credential(
        signer.pass_type, signer.folder / CERTIFICATE_FILE, signer.folder / KEY_FILE
    )
    return Apns(settings.apns_url, settings.apns_ca, credential)
