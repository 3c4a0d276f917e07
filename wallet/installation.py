"""One running installation: its settings and everything that was connected by them.

`wallet.running.assembly` builds it; edges receive it and build nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app

from ledger.database.engine import Database
from wallet.access.apikeys import KnownKeys
from wallet.access.posting import LetterSender
from wallet.apple import bundle
from wallet.apple.provider import AppleProvider
from wallet.apple.rotation import Certificates
from wallet.apple.signed_passes import SignedPasses
from wallet.apple.signing import Signer
from wallet.configuration.clock import Clock
from wallet.configuration.keyring import KeyRing
from wallet.configuration.settings import Settings
from wallet.delivery.providers import Provider
from wallet.delivery.refresh import MakeDue
from wallet.delivery.waves import Pace
from wallet.errors import DesignRefused
from wallet.finding.sending import CodeSender
from wallet.google.provider import GoogleProvider
from wallet.passes.content import NO_PASS_TYPE, Design
from wallet.passes.issued import Pass
from wallet.people.importing import Desk
from wallet.receivers.addresses import Allowed
from wallet.receivers.delivery import EventSender

EXTENSION = "kopilka"


@dataclass(frozen=True, slots=True)
class Installation:
    """The connected parts of an installation. `pass_type` is that of new cards, `NO_PASS_TYPE`
    without Apple. What is not set up is None: `apple` together with `signed_passes`; `google`;
    `letters`: links are then handed over by whoever made them."""

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyRing
    known_keys: KnownKeys
    certificates: Certificates
    pass_type: str
    apple: AppleProvider | None
    signed_passes: SignedPasses | None
    google: GoogleProvider | None
    events: EventSender
    letters: LetterSender | None
    codes: CodeSender

    @property
    def signers(self) -> dict[str, Signer]:
        """The certificate that signs at this moment, by pass type."""
        now = self.clock()
        pass_types = self.certificates.pass_types
        return {name: self.certificates.signing(name, now) for name in pass_types}

    def require_signable(self, design: Design) -> None:
        """Raises `DesignRefused` for a design that no phone would show, or that the certificates of
        this installation cannot sign; without Apple, for one that names a pass type."""
        signers = self.signers
        pass_type = design.pass_type or self.pass_type
        if pass_type == NO_PASS_TYPE:
            bundle.check(design)
            return
        if pass_type not in signers:
            raise DesignRefused(
                "pass_type",
                "there is no certificate for it; there are {known}.",
                known=", ".join(sorted(signers)) or "none",
            )
        bundle.check(design, signers[pass_type])

    @property
    def import_desk(self) -> Desk:
        """What `wallet.people.importing` needs of this installation."""
        return Desk(self.database, self.keys, self.pass_type, self.clock)

    @property
    def providers(self) -> Sequence[Provider]:
        """The wallet vendors that are set up, Apple first."""
        return [one for one in (self.apple, self.google) if one is not None]

    @property
    def make_due(self) -> Sequence[MakeDue]:
        """What is called, in the transaction that changed passes, to note it at each vendor."""
        return [provider.make_due for provider in self.providers]

    @property
    def receivers_at(self) -> Allowed:
        """Where receivers of events may be."""
        return Allowed(self.settings.receiver_networks)

    @property
    def pace(self) -> Pace:
        """How quickly changes for a whole programme go out."""
        return Pace(self.settings.wave_passes, AppleProvider.lag)

    def card_link(self, pass_: Pass) -> str:
        """The address of the card's page. It is for the card's owner alone: with it anybody can see
        the card."""
        token = self.keys.link_token(pass_.link)
        return f"{self.settings.public_url}/card/{token}"


def current_installation() -> Installation:
    """The installation that this request came to."""
    installation: Installation = current_app.extensions[EXTENSION]
    return installation
