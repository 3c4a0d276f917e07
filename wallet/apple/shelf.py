"""Signed passes, kept per version: a version is rendered and signed once, when somebody first asks
for it, and is the same bytes ever after."""

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database import Base, Database, Instant, insert_or
from wallet.apple import bundle, enrolment
from wallet.apple.bundle import Archive, Face, Identity, Sealed
from wallet.apple.rotation import Certificates
from wallet.apple.signing import Signer
from wallet.keyring import KeyRing
from wallet.passes import artwork, issuing, templates
from wallet.passes.issuing import Pass
from wallet.passes.templates import Template

PREPARED_TEMPLATES = 64
NOT_SHOWN = ("poster", "enrolment")  # pictures that are none of a pass by itself

RECENTLY = timedelta(seconds=10)
MOST_LOOKED_AT = 400
FEWEST_LOOKED_AT = 8


class SealedPass(Base):
    """The newest version that was asked for: what is one pass's own, without the pictures."""

    __tablename__ = "apple_sealed_pass"

    pass_id: Mapped[int] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    version: Mapped[int]
    template_id: Mapped[int] = mapped_column(ForeignKey("wallet_template.id"))
    signed_by: Mapped[str] = mapped_column(String(64))
    pass_json: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Shelf:
    """Bundles of every pass type there is a signer for. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        certificates: Certificates,
        keys: KeyRing,
        public_url: str,
    ) -> None:
        self._database = database
        self._certificates = certificates
        self._keys = keys
        self._web_service_url = f"{public_url}/apple"
        # Revisions never change, so what was prepared from one stays right for ever.
        self._prepared = functools.lru_cache(PREPARED_TEMPLATES)(self._prepare)

    def signed(self, pass_type: str, token: str, now: datetime) -> bytes:
        """What proves to a phone that its answer reached us: the token, signed as a manifest is."""
        return self._certificates.signing(pass_type, now).sign(token.encode())

    def token(self, pass_: Pass) -> str:
        """The pass's authentication token; the same for a serial number for ever."""
        return self._keys.key(pass_.key_id).derive("apple pass", pass_.pass_type, pass_.serial)

    def token_of_nobody(self, pass_type: str, serial: str) -> str:
        """As much work as `token`, for a serial number that does not exist."""
        return self._keys.first.derive("no pass", pass_type, serial)

    def bundle(self, pass_: Pass, now: datetime) -> bytes:
        """The .pkpass of the pass's current version. Raises `CertificateProblem`."""
        signer = self._certificates.signing(pass_.pass_type, now)
        with self._database.reading() as session:
            kept = _kept(session, pass_, signer)
        if kept is None:
            kept = self._sign(pass_, signer)
            with self._database.transaction() as session:
                if not _keep(session, pass_, signer, kept, now):
                    # Somebody else may have been faster; theirs is the one true bundle then.
                    kept = _kept(session, pass_, signer) or kept
        asks = _asks(pass_, signer)
        return self._prepared(pass_.template_id, asks)[1].assemble(kept)

    def bundles(self, passes: Sequence[Pass], now: datetime) -> bytes:
        """The first of these passes in one .pkpasses, as many as Apple takes."""
        chosen: list[bytes] = []
        size = 0
        for pass_ in passes[: bundle.MOST_PASSES]:
            data = self.bundle(pass_, now)
            size += len(data) + bundle.LARGEST_RECORD
            if size > bundle.MOST_BYTES:
                break
            chosen.append(data)
        return bundle.several(chosen)

    def _sign(self, pass_: Pass, signer: Signer) -> Sealed:
        face, archive = self._prepared(pass_.template_id, _asks(pass_, signer))
        identity = Identity(
            pass_type=pass_.pass_type,
            team=signer.team,
            serial=pass_.serial,
            token=self.token(pass_),
            web_service_url=self._web_service_url,
        )
        pass_json = bundle.render(face, identity, issuing.content(pass_), nfc=signer.nfc)
        return bundle.seal(archive, pass_json, signer)

    def _prepare(self, template_id: int, asks: bool) -> tuple[Face, Archive]:  # noqa: FBT001 - one of two keys
        with self._database.reading() as session:
            design = templates.design(session.get_one(Template, template_id))
            images = templates.images(session, template_id)
        asking = enrolment.files(design, images) if asks else {}
        shown = {name: data for name, data in images.items() if artwork.kind(name) not in NOT_SHOWN}
        files = {**shown, **bundle.strings(design), **asking}
        return Face.prepare(design), Archive.prepare(files)


def _asks(pass_: Pass, signer: Signer) -> bool:
    """Phones refuse a pass that asks, unless its certificate is one for NFC."""
    return signer.nfc and issuing.content(pass_).asks


def fetched_after_s(session: Session, now: datetime) -> float | None:
    """How many seconds after their change cards are fetched now, by the quickest quarter of phones:
    the others may have been switched off for days. None if too few were for telling."""
    recent = session.execute(
        select(SealedPass.signed_at, Pass.last_modified)
        .join(Pass, (Pass.id == SealedPass.pass_id) & (Pass.version == SealedPass.version))
        .where(SealedPass.signed_at > now - RECENTLY, SealedPass.version > 1)
        .order_by(SealedPass.signed_at.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    if len(recent) < FEWEST_LOOKED_AT:
        return None
    delays = sorted(signed_at.timestamp() - changed_at for signed_at, changed_at in recent)
    return delays[len(delays) // 4]


def _kept(session: Session, pass_: Pass, signer: Signer) -> Sealed | None:
    row = session.execute(
        select(SealedPass.pass_json, SealedPass.manifest, SealedPass.signature).where(
            SealedPass.pass_id == pass_.id,
            SealedPass.version == pass_.version,
            SealedPass.signed_by == signer.fingerprint,
        )
    ).first()
    return Sealed(*row) if row is not None else None


def _keep(session: Session, pass_: Pass, signer: Signer, sealed: Sealed, now: datetime) -> bool:
    """True if this is now the version's bundle. The first one of a version stays; a newer version,
    or a renewed certificate, replaces. What became outdated while it was being signed is not kept:
    it may name a person erased since."""
    newest = session.scalar(
        select(Pass.version).where(Pass.id == pass_.id).with_for_update(read=True)
    )
    if newest != pass_.version:
        return False
    values = {
        "version": pass_.version,
        "template_id": pass_.template_id,
        "signed_by": signer.fingerprint,
        "pass_json": sealed.pass_json,
        "manifest": sealed.manifest,
        "signature": sealed.signature,
        "signed_at": now,
    }
    stored = session.execute(
        insert_or(session, SealedPass)
        .values(pass_id=pass_.id, **values)
        .on_conflict_do_update(
            index_elements=["pass_id"],
            set_=values,
            where=(SealedPass.version < pass_.version)
            | (SealedPass.signed_by != signer.fingerprint) & (SealedPass.version == pass_.version),
        )
        .returning(SealedPass.pass_id)
    )
    return stored.first() is not None
