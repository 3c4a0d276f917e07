"""Any picture made to fit a card: what people have (a photo, a logo as JPEG) is turned, cut and
scaled to the sizes of `artwork`, which then checks it as any other. Nothing is enlarged."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

from wallet.errors import ImageRefused
from wallet.passes import artwork

PictureKind = Literal["icon", "logo", "strip", "thumbnail", "poster"]
PixelSize = tuple[int, int]

_SHARE = r"[01](?:\.[0-9]{1,6})?"
_CROP = re.compile(" ".join([_SHARE] * 4))

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES = 12_000_000  # a photo as cameras write it
MOST_SIDE = 12_000  # pixels
MOST_PIXELS = 50_000_000  # 200 MB of memory
HEAVY = 400_000  # bytes of one picture; every change of a card sends it again


@dataclass(frozen=True, slots=True)
class PlaceForPicture:
    """A place on the card, in points. `size` is what the picture should be; with `whole`, nothing
    of it is cut away: it is made to fit into the place."""

    size: tuple[int, int]
    whole: bool = False
    scales: tuple[str, ...] = ("", "@2x", "@3x")


PLACES: Mapping[PictureKind, PlaceForPicture] = {
    "icon": PlaceForPicture((38, 38)),
    "logo": PlaceForPicture((160, 50), whole=True),
    "strip": PlaceForPicture((375, 144)),
    "thumbnail": PlaceForPicture((90, 90)),
    "poster": PlaceForPicture((1200, 1200), whole=True, scales=("",)),
}


@dataclass(frozen=True, slots=True)
class CropBox:
    """The part of a picture that somebody chose: its left upper corner, width and height, as shares
    of the upright picture, from 0 to 1."""

    left: float
    top: float
    width: float
    height: float

    def pixels(self, size: PixelSize) -> tuple[int, int, int, int]:
        """Left, upper, right and lower edge in a picture of this size: at least a pixel apart, and
        never outside."""
        left, top = round(self.left * size[0]), round(self.top * size[1])
        left, top = min(left, size[0] - 1), min(top, size[1] - 1)
        right, bottom = (
            round((self.left + self.width) * size[0]),
            round((self.top + self.height) * size[1]),
        )
        return left, top, min(max(right, left + 1), size[0]), min(max(bottom, top + 1), size[1])


def crop_box(written: str) -> CropBox | None:
    """The part that is written so: four numbers from 0 to 1 with spaces between them; None if it is
    written otherwise."""
    if _CROP.fullmatch(written) is None:
        return None
    sides = [float(side) for side in written.split(" ")]
    if any(side > 1 for side in sides) or not sides[2] or not sides[3]:
        return None
    return CropBox(*sides)


@dataclass(frozen=True, slots=True)
class FittedPicture:
    """A picture in the sizes that it is large enough for: name in a bundle -> PNG. `given` is the
    size of what was chosen of the file."""

    images: Mapping[str, bytes]
    given: PixelSize


def fit(kind: PictureKind, name: str, data: bytes, part: CropBox | None = None) -> FittedPicture:
    """The picture in the file called `name`, or this part of it, made to fit its place. Raises
    `ImageRefused`."""
    if len(data) > MOST_BYTES:
        raise ImageRefused(
            name,
            "too_large",
            "the file has {size} MB; at most {most} are allowed.",
            size=len(data) // 1_000_000,
            most=MOST_BYTES // 1_000_000,
        )
    picture = _opened(name, data)
    if part is not None:
        picture = picture.crop(part.pixels(picture.size))
    place = PLACES[kind]
    given = picture.size
    fitted: dict[str, bytes] = {}
    for suffix in place.scales:
        file = f"{kind}{suffix}.png"
        size = _target(kind, place, picture.size, artwork.SCALES[suffix])
        if size is None:
            continue
        png = _written(ImageOps.fit(picture, size, Image.Resampling.LANCZOS))
        # A photo in full sharpness may be more than phones should fetch again and again.
        if len(png) <= artwork.MOST_BYTES:
            fitted[file] = artwork.check(file, png)
    if not fitted:
        raise _refused(kind, name, place, given)
    return FittedPicture(fitted, given)


def _refused(
    kind: PictureKind, name: str, place: PlaceForPicture, given: PixelSize
) -> ImageRefused:
    width, height = artwork.BOUNDS[kind].least if place.whole else place.size
    size = f"{given[0]} × {given[1]}"
    if given[0] >= width and given[1] >= height:
        return ImageRefused(
            name,
            "wrong_size",
            "it has {size} pixels; made to fit its place it would be a thin line. Cut it first.",
            size=size,
        )
    return ImageRefused(
        name,
        "wrong_size",
        "it has {size} pixels; at least {least} are needed, or it would be a blur.",
        size=size,
        least=f"{width} × {height}",
    )


def _opened(name: str, data: bytes) -> Image.Image:
    """The picture, upright, as it is to be scaled. What its file says of itself is not trusted:
    its name least of all."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:5].lower() in (b"<svg ", b"<?xml", b"<html", b"<!doc"):
        raise ImageRefused(
            name, "not_picture", "this is a drawing or a page, not a picture. Save it as PNG."
        )
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
        # The size stands in the first bytes: a bomb is refused before it is unpacked.
        width, height = opened.size
    except Exception as error:  # on malformed bytes the decoders fail in a dozen ways
        raise ImageRefused(
            name, "not_picture", "this is no picture that can be read: PNG, JPEG or WebP."
        ) from error
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise ImageRefused(
            name,
            "too_many_pixels",
            "it has {size} pixels; make it smaller than {most} × {most}.",
            size=f"{width} × {height}",
            most=MOST_SIDE // 3,
        )
    try:
        with opened:
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Exception as error:
        raise ImageRefused(
            name, "damaged", "the picture is damaged or incomplete. Export it again."
        ) from error


def _target(
    kind: PictureKind, place: PlaceForPicture, given: PixelSize, scale: int
) -> PixelSize | None:
    """How large the picture is to be at this scale; None if it is too small for it."""
    width, height = place.size[0] * scale, place.size[1] * scale
    if not place.whole:
        return (width, height) if given[0] >= width and given[1] >= height else None
    by = min(width / given[0], height / given[1])
    if by > 1 and scale > 1:
        return None
    size = round(given[0] * min(by, 1)), round(given[1] * min(by, 1))
    return size if artwork.BOUNDS[kind].fit(size, scale) else None


def _written(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=8)
    return file.getvalue()
