"""Several certificates side by side: of several pass types and teams, and of one pass type an old
one and its successor. The newest that is valid signs and pushes. Passes that the older one signed
stay valid.

Which certificate is the newest is decided at every use, so that a process that lives for months
changes to a successor by itself. From time to time it also looks whether the folder has changed; it
takes up all new certificates together, or none."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from ledger.errors import Refusal
from wallet.apple.push import Apns
from wallet.apple.signing import FolderState, Signer, find_all_signers, look_at
from wallet.configuration.clock import Clock
from wallet.errors import CertificateProblem

log = structlog.get_logger()


class Certificates:
    """Pass type -> its signers, the newest first. Safe to share between threads."""

    def __init__(self, by_type: Mapping[str, Sequence[Signer]]) -> None:
        self._by_type = by_type
        self._source: CertificateFolder | None = None
        self._looking = threading.Lock()

    @classmethod
    def find(cls, root: Path, now: datetime) -> "Certificates":
        """All certificates in a folder. Raises `CertificateProblem`, also if a pass type has none
        that is valid at `now`."""
        found = cls(find_all_signers(root))
        for pass_type in found.pass_types:
            found.signing(pass_type, now)
        return found

    def follow(self, source: "CertificateFolder") -> None:
        """From now on take up changes in the folder of `source`."""
        self._source = source

    @property
    def pass_types(self) -> Sequence[str]:
        """The pass types that have a certificate, sorted."""
        return sorted(self._by_type)

    @property
    def every(self) -> Iterator[Signer]:
        """All signers, also those that are not valid now."""
        for pass_type in self.pass_types:
            yield from self._by_type[pass_type]

    def signing(self, pass_type: str, now: datetime) -> Signer:
        """The signer to use for this pass type at this moment. Raises `CertificateProblem`."""
        self._look_again(now)
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
        """The signer of a pass type that is valid longest: when it ends, updates end."""
        return max(self._by_type[pass_type], key=lambda signer: signer.not_after)

    def reminders(self, now: datetime) -> Iterator[tuple[Signer, str]]:
        """Signers of pass types that need a new certificate, and what to do. Pass types with a
        successor are left out."""
        self._look_again(now)
        for pass_type in self.pass_types:
            signer = self.last(pass_type)
            if (words := signer.reminder(now)) is not None:
                yield signer, words

    def _look_again(self, now: datetime) -> None:
        """Take up changes in the folder if it is time to look. If another thread is looking, go on
        with what there is."""
        source = self._source
        if source is None or not source.is_due(now) or not self._looking.acquire(blocking=False):
            return
        try:
            if (found := source.news(self, now)) is not None:
                self._by_type = found._by_type
                log.info("certificates_taken_up", pass_types=self.pass_types)
        finally:
            self._looking.release()


class CertificateFolder:
    """A folder of certificates that is looked at again and again, with a pause of `every`. `seen`
    is what was in it at the start. `accept` raises for certificates with which this installation
    could not work, as it does at a start."""

    def __init__(
        self,
        root: Path,
        seen: FolderState,
        accept: Callable[[Certificates], None],
        now: datetime,
        every: timedelta,
    ) -> None:
        self._root = root
        self._accept = accept
        self._seen = seen
        self._looked_at = now
        self._every = every

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to look at the folder again."""
        return abs(now - self._looked_at) >= self._every  # clocks are set back as well

    def news(self, before: Certificates, now: datetime) -> Certificates | None:
        """The certificates in the folder, if they have changed since the last look and all can be
        used. If they cannot, the problem is logged once and None returned until the folder changes
        again: perhaps the operator is still copying files."""
        self._looked_at = now
        seen = look_at(self._root)
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            found = Certificates(find_all_signers(self._root))
            self._accept(found)
            for pass_type in before.pass_types:
                _require_no_worse(pass_type, before, found, now)
        except (Refusal, OSError) as problem:
            log.error("certificates_not_taken_up", problem=_named(problem))
            return None
        return found


def _named(problem: Exception) -> str:
    return problem.named() if isinstance(problem, CertificateProblem) else str(problem)


def _require_no_worse(
    pass_type: str, before: Certificates, found: Certificates, now: datetime
) -> None:
    """Raises `CertificateProblem` if a pass type that could be signed until now no longer could."""
    if any(signer.is_valid(now) for signer in before._by_type[pass_type]):
        found.signing(pass_type, now)


class Senders:
    """A sender for each certificate. A pass type uses the sender of the certificate that signs for
    it. One pump uses this object, so it needs no lock."""

    def __init__(
        self, certificates: Certificates, make: Callable[[Signer], Apns], clock: Clock
    ) -> None:
        self._certificates = certificates
        self._make = make
        self._clock = clock
        # By fingerprint.
        self._senders = {signer.fingerprint: make(signer) for signer in certificates.every}

    def get(self, pass_type: str) -> Apns | None:
        """The sender for this pass type; None if there is no certificate that Apple would
        accept."""
        try:
            signer = self._certificates.signing(pass_type, self._clock())
        except CertificateProblem:
            return None
        sender = self._senders.get(signer.fingerprint)
        if sender is None:
            sender = self._senders[signer.fingerprint] = self._make(signer)
            self._close_former()
        return sender

    def _close_former(self) -> None:
        present = {signer.fingerprint for signer in self._certificates.every}
        for fingerprint in [one for one in self._senders if one not in present]:
            self._senders.pop(fingerprint).close()

    def close(self) -> None:
        """Close the connections of all senders."""
        for sender in self._senders.values():
            sender.close()
