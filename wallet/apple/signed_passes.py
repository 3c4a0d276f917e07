"""Signed passes, kept for each version. A version is rendered and signed once, when it is first
asked for, and has the same bytes from then on."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, Row, String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.compiled import Compiled
from ledger.database.engine import Database
from ledger.database.tables import Base, Instant
from wallet.apple import arrivals, bundle, personalization
from wallet.apple.arrivals import Fetch
from wallet.apple.bundle import Archive, Identity, PassTemplate, Sealed
from wallet.apple.rotation import Certificates
from wallet.apple.signing import Signer
from wallet.configuration.keyring import KeyRing
from wallet.passes import issued, templates
from wallet.passes.content import NO_PASS_TYPE, Content
from wallet.passes.issued import Pass
from wallet.passes.templates import Template

PREPARED_TEMPLATES = 64  # kept in memory by each process

# How `fetched_after_s` measures: by the newest passes that were signed within this time.
RECENTLY = timedelta(seconds=10)
MOST_LOOKED_AT = 400  # passes
FEWEST_LOOKED_AT = 8  # passes; fewer say nothing


class SealedPass(Base):
    """The newest version of a pass that was asked for: the files that differ from pass to pass,
    without the pictures. `signed_by` is the fingerprint of the certificate."""

    __tablename__ = "apple_sealed_pass"

    pass_id: Mapped[int] = mapped_column(ForeignKey("wallet_pass.id"), primary_key=True)
    version: Mapped[int]
    template_id: Mapped[int] = mapped_column(ForeignKey("wallet_template.id"))
    signed_by: Mapped[str] = mapped_column(String(64))
    pass_json: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class StoredPass:
    """A pass with all that is needed to answer a phone: what it shows now, the signed bytes of this
    version if they are kept, and whether a phone is known to have it."""

    id: int
    serial: str
    pass_type: str
    key_id: str
    template_id: int
    version: int
    last_modified: int
    content: Content
    is_fetched: bool
    signed_by: str | None
    kept: Sealed | None

    def sealed_by(self, signer: Signer) -> Sealed | None:
        """The kept bytes, if this signer made them."""
        return self.kept if self.signed_by == signer.fingerprint else None


_FIND = Compiled(
    select(
        Pass.id,
        Pass.serial,
        Pass.pass_type,
        Pass.key_id,
        Pass.template_id,
        Pass.version,
        Pass.last_modified,
        Pass.content,
        SealedPass.signed_by,
        SealedPass.pass_json,
        SealedPass.manifest,
        SealedPass.signature,
        Fetch.version.label("fetched"),
    )
    .outerjoin_from(
        Pass, SealedPass, (SealedPass.pass_id == Pass.id) & (SealedPass.version == Pass.version)
    )
    .outerjoin(Fetch, (Fetch.pass_id == Pass.id) & (Fetch.version == Pass.version))
    .where(Pass.serial == bindparam("serial"))
)


def _keeping(insert: Any) -> Any:
    """An INSERT that keeps a signed pass only while its version is still the current one. The lock
    on the pass prevents another version until our commit."""
    given = {
        "pass_id": Pass.id,
        "version": Pass.version,
        "template_id": Pass.template_id,
        "signed_by": bindparam("signer", type_=String),
        "pass_json": bindparam("pass_json", type_=LargeBinary),
        "manifest": bindparam("manifest", type_=LargeBinary),
        "signature": bindparam("signature", type_=LargeBinary),
        "signed_at": bindparam("now", type_=Instant),
    }
    rows = (
        select(*given.values())
        .where(Pass.id == bindparam("id"), Pass.version == bindparam("of_version"))
        .with_for_update(read=True)
    )
    statement = insert(SealedPass).from_select(list(given), rows)
    fresh = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["pass_id"],
        set_={name: fresh[name] for name in given if name != "pass_id"},
        where=(SealedPass.version < fresh.version)
        | (SealedPass.signed_by != fresh.signed_by) & (SealedPass.version == fresh.version),
    ).returning(SealedPass.pass_id)


_KEEP = Compiled(_keeping)
_KEPT = Compiled(
    select(SealedPass.pass_json, SealedPass.manifest, SealedPass.signature).where(
        SealedPass.pass_id == bindparam("id"),
        SealedPass.version == bindparam("of_version"),
        SealedPass.signed_by == bindparam("signer"),
    )
)


class SignedPasses:
    """Bundles of every pass type for which there is a signer. `pass_type`: that of passes that have
    none yet, unless their design names one. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        certificates: Certificates,
        keys: KeyRing,
        public_url: str,
        pass_type: str,
    ) -> None:
        self._database = database
        self._certificates = certificates
        self._keys = keys
        self._web_service_url = f"{public_url}/apple"
        self._pass_type = pass_type
        # Revisions never change, so what is prepared from one stays right.
        self._prepared = functools.lru_cache(PREPARED_TEMPLATES)(self._prepare)

    def signed(self, pass_type: str, token: str, now: datetime) -> bytes:
        """The proof for a phone that its enrolment answer has arrived: its token, signed as a
        manifest is. Raises `CertificateProblem`."""
        return self._certificates.signing(pass_type, now).sign(token.encode())

    def find(self, serial: str) -> StoredPass | None:
        """The pass with this serial number; None if there is none. It is one query, since phones
        ask often."""
        rows = self._database.fetch(_FIND, serial=serial)
        return _stored_pass(rows[0]) if rows else None

    def token(self, pass_: Pass | StoredPass) -> str:
        """The authentication token of the pass. It never changes for a serial number."""
        return self._keys.key(pass_.key_id).derive("apple pass", pass_.pass_type, pass_.serial)

    def token_of_nobody(self, pass_type: str, serial: str) -> str:
        """A token for a serial number that does not exist. It takes as much time as `token`."""
        return self._keys.first.derive("no pass", pass_type, serial)

    def bundle(self, pass_: Pass, now: datetime) -> bytes:
        """The .pkpass of the current version, for a person who downloads it. Raises
        `CertificateProblem`."""
        found = self._existing(pass_.serial)
        if found.pass_type == NO_PASS_TYPE:
            found = self._with_type(found, now)
        return self._bundle(found, now)

    def _existing(self, serial: str) -> StoredPass:
        found = self.find(serial)
        assert found is not None  # noqa: S101 - passes are never deleted
        return found

    def _with_type(self, found: StoredPass, now: datetime) -> StoredPass:
        """A pass that was issued while Apple was not set up, with the pass type that it gets now,
        for good. It is done for each pass when somebody first asks for it, so that a million of
        them are no task of their own. Raises `CertificateProblem` before anything is written."""
        with self._database.reading() as session:
            design = templates.design(session.get_one(Template, found.template_id))
        pass_type = design.pass_type or self._pass_type
        self._certificates.signing(pass_type, now)
        self._database.run(lambda session: issued.give_type(session, found.id, pass_type))
        return self._existing(found.serial)

    def rendered(self, found: StoredPass, now: datetime) -> bytes:
        """The .pkpass of a version. Raises `CertificateProblem`."""
        return self._bundle(found, now)

    def arrived(self, found: StoredPass, now: datetime) -> None:
        """A phone has this version: written once, however often it asks."""
        if not found.is_fetched:
            arrivals.fetched(self._database, found.id, found.version, now)

    def _bundle(self, found: StoredPass, now: datetime) -> bytes:
        signer = self._certificates.signing(found.pass_type, now)
        archive = self._prepared(found.template_id, _asks(found, signer))[1]
        kept = found.sealed_by(signer)
        if kept is not None:
            return archive.assemble(kept)
        sealed = self._sign(found, signer)
        if not self._keep(found, signer, sealed, now):
            # Another request may have been faster: then its bytes are those of the version.
            sealed = self._kept(found, signer) or sealed
        return archive.assemble(sealed)

    def _keep(self, found: StoredPass, signer: Signer, sealed: Sealed, now: datetime) -> bool:
        """Keep the signed bytes; True if they are those of the version now. The first bytes of a
        version stay; those of a newer version or a renewed certificate replace them. If the version
        is outdated by now, nothing is kept: the bytes may name a person who was erased
        meanwhile."""
        rows = self._database.run_one(
            _KEEP,
            id=found.id,
            of_version=found.version,
            signer=signer.fingerprint,
            pass_json=sealed.pass_json,
            manifest=sealed.manifest,
            signature=sealed.signature,
            now=now,
        )
        return bool(rows)

    def _kept(self, found: StoredPass, signer: Signer) -> Sealed | None:
        rows = self._database.fetch(
            _KEPT, id=found.id, of_version=found.version, signer=signer.fingerprint
        )
        return Sealed(*rows[0]) if rows else None

    def bundles(self, passes: Sequence[Pass], now: datetime) -> bytes:
        """The first of these passes in one .pkpasses, as many as Apple allows. Raises
        `CertificateProblem`."""
        chosen: list[bytes] = []
        size = 0
        for pass_ in passes[: bundle.MOST_PASSES]:
            data = self.bundle(pass_, now)
            size += len(data) + bundle.LARGEST_RECORD
            if size > bundle.MOST_BYTES:
                break
            chosen.append(data)
        return bundle.several(chosen)

    def _sign(self, found: StoredPass, signer: Signer) -> Sealed:
        face, archive = self._prepared(found.template_id, _asks(found, signer))
        identity = Identity(
            pass_type=found.pass_type,
            team=signer.team,
            serial=found.serial,
            token=self.token(found),
            web_service_url=self._web_service_url,
        )
        pass_json = bundle.render(face, identity, found.content, nfc=signer.nfc)
        return bundle.seal(archive, pass_json, signer)

    def _prepare(self, template_id: int, asks: bool) -> tuple[PassTemplate, Archive]:  # noqa: FBT001 - one of two keys
        with self._database.reading() as session:
            design = templates.design(session.get_one(Template, template_id))
            images = templates.images(session, template_id)
        asking = personalization.files(design, images) if asks else {}
        files = {**bundle.files_of(design, images), **asking}
        return PassTemplate.prepare(design), Archive.prepare(files)


def _asks(found: StoredPass, signer: Signer) -> bool:
    """Whether the pass may ask its owner who they are. Phones reject a pass that asks unless its
    certificate is one for NFC."""
    return signer.nfc and found.content.asks


def fetched_after_s(session: Session, now: datetime) -> float | None:
    """How many seconds pass between a change of a card and its fetch at present, for the quickest
    quarter of phones: others may have been switched off for days. None if too few were fetched to
    tell."""
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


def _stored_pass(row: Row[Any]) -> StoredPass:
    kept = None
    if row.signed_by is not None:
        kept = Sealed(row.pass_json, row.manifest, row.signature)
    return StoredPass(
        id=row.id,
        serial=row.serial,
        pass_type=row.pass_type,
        key_id=row.key_id,
        template_id=row.template_id,
        version=row.version,
        last_modified=row.last_modified,
        content=issued.read_content(row.content),
        is_fetched=row.fetched is not None,
        signed_by=row.signed_by,
        kept=kept,
    )
