"""Pictures of a card: uploaded ones are checked and cleaned, missing ones are drawn.

Names and sizes in points: Apple's "Wallet Developer Guide", Pass Design and Creation, and today's
Human Interface Guidelines; `@2x` and `@3x` have two and three pixels to the point."""

import functools
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PIL import Image

from ledger.words import N_
from wallet.errors import ImageRefused
from wallet.passes import drawing

MOST_BYTES = 1_000_000  # of one uploaded file
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NAME = re.compile(r"(icon|logo|strip|thumbnail|poster|enrolment)(?:@([23])x)?\.png")
# A picture for one language alone.
FOLDER = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.lproj/(.+)")
TRANSLATABLE = ("logo", "strip")
SCALES = {"": 1, "@2x": 2, "@3x": 3}  # pixels to the point


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which sizes fit, as (width, height) in points. Phones scale a picture to fill its place and
    crop it, so one point more or less does not matter."""

    least: tuple[int, int]
    most: tuple[int, int]
    square: bool = False

    def fit(self, size: tuple[int, int], scale: int) -> bool:
        """Whether a picture of `size` pixels can be used; `scale` is in pixels to the point."""
        return (not self.square or abs(size[0] - size[1]) <= scale) and all(
            (least - 1) * scale <= side <= (most + 1) * scale
            for side, least, most in zip(size, self.least, self.most, strict=True)
        )

    def refused(self, name: str, size: tuple[int, int], scale: int) -> ImageRefused:
        """The refusal of a picture that does not fit."""
        reason = N_("it has {size} pixels; it should be between {least} and {most}.")
        if self.square:
            reason = N_("it has {size} pixels; it should be between {least} and {most} and square.")
        sides = {
            "size": size,
            "least": tuple(side * scale for side in self.least),
            "most": tuple(side * scale for side in self.most),
        }
        written = {what: f"{width} × {height}" for what, (width, height) in sides.items()}
        return ImageRefused(name, "wrong_size", reason, **written)


BOUNDS = {
    "icon": Bounds((29, 29), (38, 38), square=True),
    "logo": Bounds((20, 15), (160, 50)),
    "strip": Bounds((320, 98), (375, 144)),
    "thumbnail": Bounds((60, 60), (90, 90)),  # beside the primary field of a generic card
    "enrolment": Bounds((20, 15), (150, 40)),  # above the question who the owner is
    "poster": Bounds((200, 100), (1200, 1200)),  # among the details, at Google alone
}


def check(name: str, data: bytes) -> bytes:
    """An uploaded picture as it may go into a pass. It is decoded and written again, so that only
    its pixels are left. Raises `ImageRefused`.

    A phone rejects the whole pass for one picture that it cannot read, and does not say which."""
    match = check_name(name)
    if len(data) > MOST_BYTES:
        raise ImageRefused(
            name,
            "too_large",
            "the file has {size} KB; at most {most} are allowed. Each change of a card sends all"
            " its pictures again.",
            size=len(data) // 1000,
            most=MOST_BYTES // 1000,
        )
    return clean(name, data, BOUNDS[match[1]], int(match[2] or 1))


def clean(name: str, data: bytes, bounds: Bounds, scale: int = 1) -> bytes:
    """A PNG, decoded and written again, if its size fits; `scale` is in pixels to the point. Raises
    `ImageRefused`."""
    if not data.startswith(PNG_SIGNATURE):
        raise ImageRefused(name, "not_png", "this is not a PNG. Export the picture as PNG.")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            # The size stands in the first bytes: a bomb is refused before it is unpacked.
            size = picture.size
            if bounds.fit(size, scale):
                return _png(_pixels(picture))
    # On malformed bytes the decoder fails in a dozen ways, also with AssertionError.
    except Exception as error:
        raise ImageRefused(
            name, "damaged", "the file begins like a PNG but cannot be read. Export it again."
        ) from error
    raise bounds.refused(name, size, scale)


def check_name(name: str) -> re.Match[str]:
    """The parts of a picture's name: its kind, and its scale. Raises `ImageRefused`."""
    language, plain = split(name)
    match = NAME.fullmatch(plain)
    if match is None:
        raise ImageRefused(
            name,
            "unknown_name",
            "pictures are called icon.png, logo.png, strip.png, thumbnail.png, poster.png and "
            "enrolment.png, also with @2x or @3x as in icon@2x.png.",
        )
    if language is not None and match[1] not in TRANSLATABLE:
        raise ImageRefused(
            name,
            "not_translatable",
            "{kind} is one for all languages; those that may differ: {kinds}.",
            kind=match[1],
            kinds=", ".join(TRANSLATABLE),
        )
    return match


def split(name: str) -> tuple[str | None, str]:
    """The language of a picture (None: it is for all languages), and its name without the
    language."""
    found = FOLDER.fullmatch(name)
    return (found[1], found[2]) if found is not None else (None, name)


def kind(name: str) -> str:
    """`logo` of `ru.lproj/logo@2x.png`."""
    return split(name)[1].partition("@")[0].removesuffix(".png")


def check_languages(names: Collection[str], languages: Sequence[str]) -> None:
    """A picture that has languages must exist in all of them, in the same sizes, and not for all
    languages as well: phones would show that one. Raises `ImageRefused`."""
    sizes: dict[str, dict[str | None, set[str]]] = {}
    for name in names:
        language, plain = split(name)
        if language is not None and language not in languages:
            raise ImageRefused(
                name,
                "unknown_language",
                "cards of this design speak {known}; add {language} to languages, or leave this"
                " picture out.",
                known=", ".join(languages),
                language=language,
            )
        sizes.setdefault(kind(name), {}).setdefault(language, set()).add(plain)
    for name, found in sizes.items():
        if found.keys() == {None}:
            continue
        if None in found:
            raise ImageRefused(
                f"{name}.png",
                "for_all_and_for_some",
                "is there for all languages and for single ones; phones would show everybody the "
                "first. Keep one of the two.",
            )
        wanted = set.union(*found.values())
        for language in languages:
            if missing := sorted(wanted - found.get(language, set())):
                raise ImageRefused(
                    f"{language}.lproj/{missing[0]}",
                    "missing",
                    "is missing; a picture in several languages needs all of them, in the same "
                    "sizes.",
                )


def default(organization: str, background: str, foreground: str) -> dict[str, bytes]:
    """Icon, logo and strip in all three scales, in the colours (`#rrggbb`) of the design: name ->
    PNG. The same arguments give the same bytes.

    Icon and logo show the organisation's first letter, Latin or Cyrillic; for any other, a star."""
    return dict(_drawn(organization, background, foreground))


def is_drawn(kind: str) -> bool:
    """Whether there is a drawing in place of a picture of this kind that nobody gave."""
    return kind in drawing.POINTS


@functools.lru_cache(maxsize=64)
def one_drawn(kind: str, organization: str, background: str, foreground: str) -> bytes:
    """One of the pictures that `default` draws, for screens with two pixels to the point: a preview
    asks for it while somebody tries colours."""
    width, height = drawing.POINTS[kind]
    master = _master(kind, organization, background, foreground)
    return _png(master.resize((width * 2, height * 2), Image.Resampling.LANCZOS))


def _master(kind: str, organization: str, background: str, foreground: str) -> Image.Image:
    base, ink = drawing.colour(background), drawing.colour(foreground)
    match kind:
        case "icon":
            return drawing.icon(organization, base, ink)
        case "logo":
            return drawing.logo(organization, base, ink)
    return drawing.strip(base)


# Kept, since drawing takes half a second, and a design is often stored again with only a word
# changed.
@functools.lru_cache(maxsize=16)
def _drawn(organization: str, background: str, foreground: str) -> tuple[tuple[str, bytes], ...]:
    pictures = []
    for kind, (width, height) in drawing.POINTS.items():
        master = _master(kind, organization, background, foreground)
        for suffix, scale in SCALES.items():
            size = width * scale, height * scale
            picture = master.resize(size, Image.Resampling.LANCZOS)
            pictures.append((f"{kind}{suffix}.png", _png(picture)))
    return tuple(pictures)


def _pixels(picture: Image.Image) -> Image.Image:
    """The picture with eight bits a channel, and transparency if it had some; without metadata or
    palette."""
    if picture.mode.startswith("I"):
        # 16 bits of grey: with a direct conversion, every value above 255 would become white.
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    converted = picture.convert(mode)
    return Image.frombytes(mode, converted.size, converted.tobytes())


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    # Level 9 would save one part in fifty for twice the time.
    picture.save(file, "PNG", compress_level=8)
    return file.getvalue()
