"""Several certificates side by side: of several pass types and teams, and of one pass type an old
one and its successor. The newest that is valid signs and pushes; what the one before signed stays
good.

Which is the newest is asked at every use: a process that lives for months sees one take over from
the other by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wallet.apple.push import Apns
from wallet.apple.signing import Signer, find_all_signers
from wallet.errors import CertificateProblem
from wallet.providers import Clock


@dataclass(frozen=True, slots=True)
class Certificates:
    """Pass type -> its signers, the newest first."""

    _by_type: Mapping[str, Sequence[Signer]]

    @classmethod
    def find(cls, root: Path, now: datetime) -> "Certificates":
        """Raises `CertificateProblem`, also where none of a pass type is valid at `now`."""
        found = cls(find_all_signers(root))
        for pass_type in found.pass_types:
            found.signing(pass_type, now)
        return found

    @property
    def pass_types(self) -> Sequence[str]:
        return sorted(self._by_type)

    @property
    def every(self) -> Iterator[Signer]:
        for pass_type in self.pass_types:
            yield from self._by_type[pass_type]

    def signing(self, pass_type: str, now: datetime) -> Signer:
        """Who signs at this moment. Raises `CertificateProblem`."""
        signers = self._by_type.get(pass_type, ())
        if not signers:
            raise CertificateProblem(
                "missing",
                f"There is no certificate for the pass type {pass_type}. Put its folder back, or"
                " these cards can no longer be updated.",
            )
        for signer in signers:
            if signer.is_valid(now):
                return signer
        signers[0].check(now)
        raise AssertionError("a signer that is not valid says why")

    def last(self, pass_type: str) -> Signer:
        """The one of a pass type that lives longest: when it ends, so do updates."""
        return max(self._by_type[pass_type], key=lambda signer: signer.not_after)

    def reminders(self, now: datetime) -> Iterator[tuple[Signer, str]]:
        """Pass types that need a new certificate, and what to do; those with a successor do not."""
        for pass_type in self.pass_types:
            signer = self.last(pass_type)
            if (words := signer.reminder(now)) is not None:
                yield signer, words


class Senders:
    """A sender for each certificate; that of a pass type is the one of whoever signs for it."""

    def __init__(
        self, certificates: Certificates, senders: Mapping[str, Apns], clock: Clock
    ) -> None:
        """`senders` by fingerprint."""
        self._certificates = certificates
        self._senders = senders
        self._clock = clock

    def get(self, pass_type: str) -> Apns | None:
        """None where there is no certificate that Apple would let in."""
        try:
            signer = self._certificates.signing(pass_type, self._clock())
        except CertificateProblem:
            return None
        return self._senders[signer.fingerprint]

    def close(self) -> None:
        for sender in self._senders.values():
            sender.close()
