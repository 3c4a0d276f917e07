"""Badges: the buttons "Add to Apple Wallet" and "Add to Google Wallet" as the two draw them.

Both want their own artwork shown and nothing like it, and give it to whoever has an account there.
So none is in this repository: the operator uploads it, a file for each language. Until then pages
have plain buttons. Apple: "Add to Apple Wallet badge guidelines"; Google: "Brand guidelines"."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from PIL import Image
from sqlalchemy import LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from ledger.database.tables import Base, Instant, insert_or
from wallet.errors import ImageRefused
from wallet.passes import artwork, vectors
from wallet.passes.artwork import Bounds

BadgeOf = Literal["apple", "google"]

MOST_BYTES = 200_000
SVG, PNG = "image/svg+xml", "image/png"
# In points. Google wants at least 48, and as much as the button beside it has. Around it stays
# clear: for Google 8 points, for Apple a tenth of the height, see pages.css.
SHOWN_HIGH = 52
# Sharp where a point has two pixels; sizes in pixels.
IN_PIXELS = Bounds((160, 96), (2000, 600))
# Width to height. What is neither is no badge: an icon, a banner, a sheet with several of them.
NARROWEST, WIDEST = 2.0, 6.0


class BadgeRow(Base):
    """A badge in one language. `digest` is the beginning of the SHA-256 of `data`; `width` and
    `height` say its shape, in whatever the file counts."""

    __tablename__ = "wallet_badge"

    wallet: Mapped[BadgeOf] = mapped_column(String(10), primary_key=True)
    language: Mapped[str] = mapped_column(String(10), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(20))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge without its bytes."""

    wallet: BadgeOf
    language: str
    media_type: str
    digest: str
    width: int
    height: int

    @property
    def file(self) -> str:
        """A name that is another for other bytes."""
        return f"{self.wallet}-{self.language}-{self.digest}"

    def width_at(self, height: int) -> int:
        """How wide it is when it is so high."""
        return round(height * self.width / self.height)


_BADGE = (
    BadgeRow.wallet,
    BadgeRow.language,
    BadgeRow.media_type,
    BadgeRow.digest,
    BadgeRow.width,
    BadgeRow.height,
)


def put(
    session: Session, wallet: BadgeOf, language: str, name: str, data: bytes, now: datetime
) -> Badge:
    """From now on pages in this language show this badge. `data` is an SVG or a PNG, which is
    checked and kept byte for byte; `name` is that of the file. Raises `ImageRefused`."""
    media_type, (width, height) = _checked(name, data)
    if not NARROWEST <= width / height <= WIDEST:
        raise ImageRefused(
            name,
            "wrong_size",
            "it is {width} wide and {height} high; a badge is from {narrowest} to {widest} times as"
            " wide as high. Take the file of the horizontal badge, with nothing around it.",
            width=round(width),
            height=round(height),
            narrowest=round(NARROWEST),
            widest=round(WIDEST),
        )
    values = {
        "media_type": media_type,
        "data": data,
        "digest": hashlib.sha256(data).hexdigest()[:16],
        # Shapes are kept to a hundredth: a drawing may be 3.5 wide.
        "width": round(width * 100),
        "height": round(height * 100),
        "created_at": now,
    }
    session.execute(
        insert_or(session, BadgeRow)
        .values(wallet=wallet, language=language, **values)
        .on_conflict_do_update(index_elements=["wallet", "language"], set_=values)
    )
    (found,) = [one for one in every(session) if (one.wallet, one.language) == (wallet, language)]
    return found


def remove(session: Session, wallet: BadgeOf, language: str) -> bool:
    """Pages in this language have a plain button again; False if they had."""
    gone = delete(BadgeRow).where(BadgeRow.wallet == wallet, BadgeRow.language == language)
    return session.execute(gone.returning(BadgeRow.wallet)).first() is not None


def every(session: Session) -> Sequence[Badge]:
    """All badges."""
    rows = session.execute(select(*_BADGE).order_by(BadgeRow.wallet, BadgeRow.language))
    return [Badge(*row) for row in rows]


def of_language(session: Session, language: str) -> Mapping[BadgeOf, Badge]:
    """The badges for pages in this language. One in another language would not be read: then there
    is none."""
    rows = session.execute(select(*_BADGE).where(BadgeRow.language == language))
    return {badge.wallet: badge for badge in (Badge(*row) for row in rows)}


def data_of(session: Session, wallet: str, language: str, digest: str) -> tuple[str, bytes] | None:
    """Media type and bytes; None if there is no such badge, or another by now."""
    found = session.execute(
        select(BadgeRow.media_type, BadgeRow.data).where(
            BadgeRow.wallet == wallet, BadgeRow.language == language, BadgeRow.digest == digest
        )
    ).first()
    return None if found is None else (found.media_type, found.data)


def _checked(name: str, data: bytes) -> tuple[str, tuple[float, float]]:
    """Media type, and width and height in whatever the file counts."""
    if len(data) > MOST_BYTES:
        raise ImageRefused(
            name,
            "too_large",
            "the file has {size} KB; at most {most} are allowed, since every page shows it.",
            size=len(data) // 1000,
            most=MOST_BYTES // 1000,
        )
    if data.startswith(artwork.PNG_SIGNATURE):
        with Image.open(io.BytesIO(artwork.clean(name, data, IN_PIXELS))) as picture:
            return PNG, picture.size
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise ImageRefused(name, "not_svg", "this is neither an SVG nor a PNG.")
    return SVG, vectors.size(name, data)
