"""What the barcodes of a programme's cards contain: a choice of the programme."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, insert_or
from ledger.errors import TermsRefused
from wallet.errors import CodeNotCarried
from wallet.passes import codes
from wallet.passes.codes import CodeKind
from wallet.passes.content import Symbology

Numbers = Literal["accept", "refuse"]
AtGoogle = Literal["same", "rotating"]

MOST_RENEW_DAYS = 365
MOST_GRACE_HOURS = 720


class CodeTerms(Base):
    """The choice of one programme; see `BarcodeSettings`. `converted_to` is the last member, by id,
    whose code follows these terms already; null: all codes do."""

    __tablename__ = "wallet_code_terms"

    programme_id: Mapped[int] = mapped_column(ForeignKey("ledger_programme.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    numbers: Mapped[str] = mapped_column(String(10))
    at_google: Mapped[str] = mapped_column(String(10))
    renew_days: Mapped[int]
    grace_hours: Mapped[int]
    converted_to: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class BarcodeSettings:
    """What a programme has in its barcodes. `numbers`: whether a till may send a card's plain
    number, typed by hand, instead of a code. `at_google`: whether the card there shows a code that
    changes every half minute. A code is replaced after each scan and every `renew_days` (0: only
    after scans); the code before it is good once more for `grace_hours`."""

    kind: CodeKind = "plain"
    numbers: Numbers = "accept"
    at_google: AtGoogle = "same"
    renew_days: int = 7
    grace_hours: int = 24


def of(session: Session, programme_id: int) -> BarcodeSettings:
    """The choice of this programme; the default if it made none."""
    row = session.get(CodeTerms, programme_id)
    if row is None:
        return BarcodeSettings()
    return BarcodeSettings(
        kind=row.kind,  # type: ignore[arg-type] # checked when it was written
        numbers=row.numbers,  # type: ignore[arg-type]
        at_google=row.at_google,  # type: ignore[arg-type]
        renew_days=row.renew_days,
        grace_hours=row.grace_hours,
    )


def held(session: Session, programme_id: int) -> BarcodeSettings:
    """The choice of a programme, read under its lock: to be changed in this transaction."""
    _lock(session, programme_id)
    return of(session, programme_id)


def store(
    session: Session, programme_id: int, choice: BarcodeSettings, offered: Sequence[Symbology]
) -> bool:
    """Store the choice of a programme. `offered` are the barcodes of its cards, the wanted one
    first. True if cards that exist change by it. Raises `TermsRefused`, `CodeNotCarried`."""
    _check(choice)
    _require_carried(choice, offered)
    row = _lock(session, programme_id)
    before = of(session, programme_id)
    for name, value in asdict(choice).items():
        setattr(row, name, value)
    concerns_cards = replace(choice, numbers=before.numbers, grace_hours=before.grace_hours)
    if concerns_cards != before:
        row.converted_to = 0
    session.flush()
    return concerns_cards != before


def _lock(session: Session, programme_id: int) -> CodeTerms:
    """Two requests that change the terms at the same moment take turns here."""
    defaults = {"programme_id": programme_id, **asdict(BarcodeSettings())}
    session.execute(insert_or(session, CodeTerms).values(defaults).on_conflict_do_nothing())
    query = select(CodeTerms).where(CodeTerms.programme_id == programme_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def is_converting(session: Session, programme_id: int) -> bool:
    """Whether some cards of the programme do not follow its terms yet."""
    row = session.get(CodeTerms, programme_id)
    return row is not None and row.converted_to is not None


def unfinished(session: Session) -> CodeTerms | None:
    """Terms that not all cards of their programme follow yet, locked; None if there are none, or
    other workers have locked them."""
    return session.scalar(
        select(CodeTerms)
        .where(CodeTerms.converted_to.is_not(None))
        .order_by(CodeTerms.programme_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def require_carried(session: Session, programme_id: int, offered: Sequence[Symbology]) -> None:
    """Refuse a design whose barcodes cannot hold the programme's codes. Raises `CodeNotCarried`."""
    _require_carried(of(session, programme_id), offered)


def _require_carried(choice: BarcodeSettings, offered: Sequence[Symbology]) -> None:
    for symbology in offered:
        if choice.kind != "plain" and symbology not in codes.CARRIERS:
            raise CodeNotCarried(choice.kind, symbology, codes.CARRIERS)
    if choice.at_google == "rotating" and offered[0] not in codes.ROTATING_CARRIERS:
        raise CodeNotCarried("rotating", offered[0], codes.ROTATING_CARRIERS)


def _check(choice: BarcodeSettings) -> None:
    words: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("kind", choice.kind, get_args(CodeKind)),
        ("numbers", choice.numbers, get_args(Numbers)),
        ("at_google", choice.at_google, get_args(AtGoogle)),
    )
    for name, word, known in words:
        if word not in known:
            raise TermsRefused(name, "one of {known}.", known=", ".join(known))
    if choice.kind == "plain" and choice.numbers == "refuse":
        raise TermsRefused("numbers", "plain codes are numbers: they cannot be refused.")
    if not 0 <= choice.renew_days <= MOST_RENEW_DAYS:
        raise TermsRefused("renew_days", "from 0 to {most}.", most=MOST_RENEW_DAYS)
    if not 0 <= choice.grace_hours <= MOST_GRACE_HOURS:
        raise TermsRefused("grace_hours", "from 0 to {most}.", most=MOST_GRACE_HOURS)
