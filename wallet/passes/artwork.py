"""Pictures of a card: uploaded ones are checked and cleaned, missing ones are drawn.

Names and sizes in points: Apple's "Wallet Developer Guide", Pass Design and Creation, and today's
Human Interface Guidelines; `@2x` and `@3x` have two and three pixels to the point."""

import functools
import io
import re
from dataclasses import dataclass

from PIL import Image

from wallet.errors import ImageRefused
from wallet.passes import drawing

MOST_BYTES = 1_000_000
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NAME = re.compile(r"(icon|logo|strip)(?:@([23])x)?\.png")
SCALES = {"": 1, "@2x": 2, "@3x": 3}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which sizes fit, in points. Phones scale to fill and crop: a point more or less is fine."""

    least: tuple[int, int]
    most: tuple[int, int]
    square: bool = False

    def refusal(self, width: int, height: int, scale: int) -> str | None:
        """What is wrong with a picture of so many pixels, if something is."""
        least_w, least_h = (side * scale for side in self.least)
        most_w, most_h = (side * scale for side in self.most)
        fits = (
            least_w - scale <= width <= most_w + scale
            and least_h - scale <= height <= most_h + scale
        )
        if fits and (not self.square or abs(width - height) <= scale):
            return None
        wanted = f"between {least_w} × {least_h} and {most_w} × {most_h}"
        if self.square:
            wanted += " and square"
        return f"it has {width} × {height} pixels; it should be {wanted}."


BOUNDS = {
    "icon": Bounds((29, 29), (38, 38), square=True),
    "logo": Bounds((20, 15), (160, 50)),
    "strip": Bounds((320, 98), (375, 144)),
}


def check(name: str, data: bytes) -> bytes:
    """An uploaded picture as it may go into a pass: decoded and written anew, so that nothing but
    its pixels is left. Raises `ImageRefused`.

    Phones turn down a whole pass for one picture they cannot read, and do not say which."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ImageRefused(
            name,
            "unknown_name",
            "pictures are called icon.png, logo.png and strip.png, also with @2x or @3x as in "
            "icon@2x.png.",
        )
    if len(data) > MOST_BYTES:
        raise ImageRefused(
            name,
            "too_large",
            f"the file has {len(data) // 1000} KB; at most {MOST_BYTES // 1000} are allowed. "
            "Each change of a card sends all its pictures again.",
        )
    if not data.startswith(PNG_SIGNATURE):
        raise ImageRefused(name, "not_png", "this is not a PNG. Export the picture as PNG.")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            # Known from the first bytes: a bomb is turned away before it is unpacked.
            refusal = BOUNDS[match[1]].refusal(*picture.size, scale=int(match[2] or 1))
            if refusal is None:
                return _png(_pixels(picture))
    # Given bytes that lie about themselves, the decoder fails in a dozen ways, asserts among them.
    except Exception as error:
        raise ImageRefused(
            name, "damaged", "the file begins like a PNG but cannot be read. Export it again."
        ) from error
    raise ImageRefused(name, "wrong_size", refusal)


def default(organization: str, background: str, foreground: str) -> dict[str, bytes]:
    """Icon, logo and strip in all three scales, in the colours (`#rrggbb`) of the design: name ->
    PNG. The same arguments give the same bytes.

    Icon and logo show the organisation's first letter, Latin or Cyrillic, else a star."""
    return dict(_drawn(organization, background, foreground))


# Drawing takes half a second, and a design is often stored again with another word in it.
@functools.lru_cache(maxsize=16)
def _drawn(organization: str, background: str, foreground: str) -> tuple[tuple[str, bytes], ...]:
    base, ink = drawing.colour(background), drawing.colour(foreground)
    masters = {
        "icon": drawing.icon(organization, base, ink),
        "logo": drawing.logo(organization, base, ink),
        "strip": drawing.strip(base),
    }
    pictures = []
    for kind, master in masters.items():
        width, height = drawing.POINTS[kind]
        for suffix, scale in SCALES.items():
            size = width * scale, height * scale
            picture = master.resize(size, Image.Resampling.LANCZOS)
            pictures.append((f"{kind}{suffix}.png", _png(picture)))
    return tuple(pictures)


def _pixels(picture: Image.Image) -> Image.Image:
    """Eight bits a channel, with transparency where there was some; no metadata, no palette."""
    if picture.mode.startswith("I"):
        # 16 bits of grey: converted directly, everything above 255 would be white.
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    converted = picture.convert(mode)
    return Image.frombytes(mode, converted.size, converted.tobytes())


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    # Level 9 would save one part in fifty for twice the time.
    picture.save(file, "PNG", compress_level=8)
    return file.getvalue()
