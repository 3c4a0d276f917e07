"""The pictures that Google fetches: a large square logo and a wide banner, made from those of a
design.

Sizes: Google Wallet, "Brand guidelines", loyalty cards. Google cuts the logo to a circle."""

import io
from collections.abc import Collection, Mapping

from PIL import Image, ImageOps

from wallet.passes import artwork, drawing
from wallet.passes.content import Design

LOGO = (660, 660)  # pixels
HERO = (1032, 336)  # pixels


def logo(design: Design, images: Mapping[str, bytes]) -> bytes:
    """The design's icon, as PNG. An icon that we drew is drawn again, since enlarged it would be
    blurred."""
    largest = _largest("icon", design, images)
    drawn = artwork.default(design.organization_name, design.background, design.foreground)
    if largest in drawn.values():
        return drawn_logo(design)
    return _fitted(_opened(largest), LOGO, drawing.colour(design.background))


def drawn_logo(design: Design) -> bytes:
    """The logo of a design for which nobody gave an icon."""
    base, ink = drawing.colour(design.background), drawing.colour(design.foreground)
    return _fitted(drawing.icon(design.organization_name, base, ink), LOGO)


def hero(design: Design, images: Mapping[str, bytes]) -> bytes:
    """The design's strip, cropped, as PNG."""
    return _fitted(
        _opened(_largest("strip", design, images)), HERO, drawing.colour(design.background)
    )


def poster(design: Design, images: Mapping[str, bytes]) -> bytes | None:
    """The design's poster as it is; None if it has none."""
    if not has_poster(images):
        return None
    return _largest("poster", design, images)


def has_poster(names: Collection[str]) -> bool:
    """Whether one of these names of pictures is that of a poster."""
    return any(artwork.kind(name) == "poster" for name in names)


def _largest(kind: str, design: Design, images: Mapping[str, bytes]) -> bytes:
    """The picture in its largest size. Every design has icon, logo and strip in at least one size.
    Google has one picture for all languages: it gets that of the design's default language."""
    return next(
        images[name]
        for suffix in ("@3x", "@2x", "")
        for folder in ("", f"{design.languages[0]}.lproj/")
        if (name := f"{folder}{kind}{suffix}.png") in images
    )


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=["PNG"])


def _fitted(
    picture: Image.Image, size: tuple[int, int], ground: drawing.Colour | None = None
) -> bytes:
    """The picture scaled to fill the size; what stands over is cut off evenly. `ground` is put
    behind it, since Google must not get transparent parts."""
    if ground is not None:
        layers = picture.convert("RGBA")
        picture = Image.new("RGBA", layers.size, (*ground, 255))
        picture.alpha_composite(layers)
    fitted = ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    fitted.save(file, "PNG", compress_level=8)
    return file.getvalue()
