"""Settings -> a connected installation. Nothing else builds databases, signers or senders."""

import time
from datetime import timedelta
from functools import partial

from ledger.database.engine import Database, Wake
from wallet.access.apikeys import KnownKeys
from wallet.access.posting import LetterSender
from wallet.apple.provider import AppleProvider
from wallet.apple.push import Apns, Credential, TokenCredential
from wallet.apple.pushkey import ProviderTokens
from wallet.apple.rotation import CertificateFolder, Certificates, Senders
from wallet.apple.signed_passes import SignedPasses
from wallet.apple.signing import Signer, look_at
from wallet.channels.channel import AddressKind, Channel
from wallet.channels.gateway import GatewayChannel
from wallet.channels.inbox import SandboxInbox
from wallet.channels.mail import MailChannel
from wallet.configuration.clock import Clock, system_clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import Settings
from wallet.finding.sending import CodeSender
from wallet.google import account
from wallet.google.provider import GoogleProvider, Pause
from wallet.installation import Installation
from wallet.receivers.addresses import Allowed
from wallet.receivers.calling import Poster
from wallet.receivers.delivery import EventSender
from wallet.running import credentials


def connect(
    settings: Settings,
    wake: Wake | None = None,
    clock: Clock = system_clock,
    pause: Pause = time.sleep,
) -> Installation:
    """An installation with all its parts. `wake` is called after commits that asked for pumps;
    `pause` waits for so many seconds of `clock`. Raises `SettingsError` or `CertificateProblem`, in
    words that say what to do."""
    certificates, pass_type = _certificates(settings, clock)
    tokens = credentials.provider_tokens(settings, certificates)
    database = Database(settings.ledger, wake)
    keys = KeyRing(settings.secret_keys)
    return Installation(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        known_keys=KnownKeys(database, settings.api_key),
        certificates=certificates,
        pass_type=pass_type,
        apple=_apple(settings, database, keys, certificates, tokens, clock),
        signed_passes=_signed_passes(settings, database, keys, certificates, pass_type),
        google=_google(settings, database, keys, pause),
        events=EventSender(
            database,
            keys,
            partial(Poster, Allowed(settings.receiver_networks)),
            timedelta(seconds=settings.lease_s),
        ),
        letters=_letters(settings, database, keys),
        codes=CodeSender(
            database,
            keys,
            _channels(settings),
            settings.public_url,
            timedelta(seconds=settings.lease_s),
        ),
    )


def _certificates(settings: Settings, clock: Clock) -> tuple[Certificates, str]:
    """The certificates, which follow their folder, and the pass type of new cards."""
    root = settings.apple_certs
    # Looked at before it is read, so that the next look finds a change in between.
    seen = look_at(root) if root is not None else frozenset()
    certificates = credentials.read_certificates(settings, clock())
    pass_type = credentials.pass_type_of_new_cards(settings, certificates)
    if root is not None:
        certificates.follow(
            CertificateFolder(
                root,
                seen,
                lambda found: credentials.require_fit(settings, found, pass_type),
                clock(),
                timedelta(seconds=settings.certs_look_s),
            )
        )
    return certificates, pass_type


def _apple(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    certificates: Certificates,
    tokens: ProviderTokens | None,
    clock: Clock,
) -> AppleProvider | None:
    if settings.apple_certs is None:
        return None
    senders = Senders(certificates, lambda signer: _sender(settings, signer, tokens), clock)
    lease = timedelta(seconds=settings.lease_s)
    return AppleProvider(database, senders, keys, settings.public_url, lease)


def _signed_passes(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    certificates: Certificates,
    pass_type: str,
) -> SignedPasses | None:
    if settings.apple_certs is None:
        return None
    return SignedPasses(database, certificates, keys, settings.public_url, pass_type)


def _letters(settings: Settings, database: Database, keys: KeyRing) -> LetterSender | None:
    if settings.mail is None:
        return None
    lease = timedelta(seconds=settings.lease_s)
    return LetterSender(database, keys, settings.mail, settings.console_url, lease)


def _channels(settings: Settings) -> dict[AddressKind, Channel]:
    """By what kind of address messages reach people. In the sandbox the inbox takes what no channel
    is set up for."""
    found: dict[AddressKind, Channel] = {}
    if settings.in_sandbox:
        inbox = SandboxInbox(settings.sandbox.phone)
        found |= {"email": inbox, "phone": inbox}
    if settings.mail is not None:
        found["email"] = MailChannel(settings.mail)
    if settings.sms is not None:
        found["phone"] = GatewayChannel(settings.sms)
    return found


def _google(
    settings: Settings, database: Database, keys: KeyRing, pause: Pause
) -> GoogleProvider | None:
    google = credentials.google_of(settings)
    if google is None:
        return None
    return GoogleProvider(
        database,
        google,
        account.load(google.credentials),
        keys,
        settings.public_url,
        timedelta(seconds=settings.lease_s),
        pause,
    )


def _sender(settings: Settings, signer: Signer, tokens: ProviderTokens | None) -> Apns:
    credential: Credential | TokenCredential
    if tokens is not None and tokens.team == signer.team:
        credential = TokenCredential(signer.pass_type, tokens)
    else:
        credential = Credential(signer.pass_type, *signer.in_pem())
    return Apns(settings.apns_url, settings.apns_ca, credential)
