"""Uploaded pictures are checked before a phone could stumble over them; missing ones are drawn."""

import io
import random
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from wallet.errors import ImageRefused
from wallet.passes import artwork


def png(width: int = 58, height: int = 58, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), options.pop("color", 0)).save(file, "PNG", **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=["PNG"])
    picture.load()
    return picture


def refused(name: str, data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        artwork.check(name, data)
    assert caught.value.name == name
    return caught.value


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [
        ("icon.png", 29, 29),
        ("icon.png", 38, 38),
        ("icon@2x.png", 58, 58),
        ("icon@2x.png", 60, 58),
        ("icon@3x.png", 114, 114),
        ("logo.png", 160, 50),
        ("logo@2x.png", 100, 100),
        ("logo@3x.png", 480, 60),
        ("strip.png", 375, 144),
        ("strip@2x.png", 640, 220),
        ("strip@3x.png", 1125, 432),
        ("strip@3x.png", 1127, 433),
    ],
)
def test_a_picture_of_a_fitting_size_is_taken(name: str, width: int, height: int) -> None:
    assert opened(artwork.check(name, png(width, height))).size == (width, height)


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [
        ("icon.png", 58, 58),
        ("icon@2x.png", 29, 29),
        ("icon@2x.png", 76, 58),
        ("icon@3x.png", 1024, 1024),
        ("logo.png", 161 + 1, 50),
        ("logo@2x.png", 100, 120),
        ("strip@3x.png", 375, 144),
        ("strip.png", 144, 375),
        ("icon.png", 1, 1),
    ],
)
def test_a_picture_of_another_size_is_refused_with_the_right_one(
    name: str, width: int, height: int
) -> None:
    refusal = refused(name, png(width, height))
    assert refusal.problem == "wrong_size"
    assert f"{width} × {height}" in str(refusal)
    assert "between" in str(refusal)


@pytest.mark.parametrize(
    "name",
    ["Icon.png", "icon@4x.png", "icon.PNG", "background.png", "../icon.png", "icon.png\n", ""],
)
def test_a_picture_nobody_knows_is_refused(name: str) -> None:
    assert refused(name, png()).problem == "unknown_name"


def test_what_only_calls_itself_png_is_refused() -> None:
    jpeg = io.BytesIO()
    Image.new("RGB", (58, 58)).save(jpeg, "JPEG")
    for data in (b"", b"not a picture", b"<svg/>", b"GIF89a", jpeg.getvalue()):
        refusal = refused("icon@2x.png", data)
        assert refusal.problem == "not_png"
        assert "PNG" in str(refusal)


@pytest.mark.parametrize("kept", [8, 20, 33, 50])
def test_a_png_that_breaks_off_is_refused(kept: int) -> None:
    assert refused("icon@2x.png", png()[:kept]).problem == "damaged"


def test_a_file_of_many_megabytes_is_refused_unread() -> None:
    assert refused("icon@2x.png", png() + bytes(artwork.MOST_BYTES)).problem == "too_large"


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_size() -> None:
    for side in (60_000, 9_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        bomb = artwork.PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b"") * 2
        assert refused("icon@2x.png", bomb).problem in ("wrong_size", "damaged")


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


@pytest.mark.filterwarnings("ignore:Invalid APNG")
def test_hostile_bytes_are_never_more_than_refused() -> None:
    noise = random.Random(7)  # noqa: S311 - any bytes will do
    kinds = [
        b"IHDR",
        b"PLTE",
        b"tRNS",
        b"iCCP",
        b"acTL",
        b"fcTL",
        b"fdAT",
        b"zTXt",
        b"eXIf",
        b"IDAT",
    ]
    whole = [png(mode=mode) for mode in ("RGB", "RGBA", "P", "LA", "1", "I;16")]
    for _ in range(800):
        data = noise.choice(whole)
        piece = chunk(noise.choice(kinds), noise.randbytes(noise.choice((0, 1, 8, 13, 26, 40))))
        place = noise.choice((8, 33, data.index(b"IDAT") - 4))
        spoilt = bytearray(data[:place] + piece + data[place:])
        if noise.random() < 0.5:
            spoilt[noise.randrange(8, len(spoilt))] = noise.randrange(256)
        try:
            opened(artwork.check("icon@2x.png", bytes(spoilt)))
        except ImageRefused as refusal:
            assert refusal.problem in ("damaged", "wrong_size")


def test_nothing_but_the_pixels_is_kept() -> None:
    secret = PngImagePlugin.PngInfo()
    secret.add_text("Author", "somebody's name")
    exif = Image.Exif()
    exif[0x010E] = "somebody's place"
    data = png(pnginfo=secret, exif=exif.tobytes(), icc_profile=b"profile" * 40, dpi=(72, 72))
    assert b"somebody" in data
    cleaned = artwork.check("icon@2x.png", data + b"hidden behind the end")
    assert b"somebody" not in cleaned
    assert b"hidden" not in cleaned
    assert opened(cleaned).info == {}


@pytest.mark.parametrize(
    ("mode", "colour", "kept_mode", "pixel"),
    [
        ("RGB", (10, 20, 30), "RGB", (10, 20, 30)),
        ("RGBA", (10, 20, 30, 40), "RGBA", (10, 20, 30, 40)),
        ("L", 99, "RGB", (99, 99, 99)),
        ("LA", (99, 50), "RGBA", (99, 99, 99, 50)),
        ("1", 1, "RGB", (255, 255, 255)),
        ("I;16", 0x8000, "RGB", (128, 128, 128)),
    ],
)
def test_every_kind_of_png_keeps_its_colours(
    mode: str, colour: object, kept_mode: str, pixel: tuple[int, ...]
) -> None:
    cleaned = opened(artwork.check("icon@2x.png", png(mode=mode, color=colour)))
    assert cleaned.mode == kept_mode
    assert cleaned.getpixel((5, 5)) == pixel


def test_a_palette_with_transparency_keeps_it() -> None:
    picture = Image.new("P", (58, 58), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=1)
    cleaned = opened(artwork.check("icon@2x.png", file.getvalue()))
    assert cleaned.getpixel((5, 5)) == (200, 100, 50, 0)


# --- what is drawn when nothing was uploaded


@pytest.mark.parametrize("organization", ["Ромашка", "Coffee House", ""])
def test_drawn_pictures_are_complete_and_fit_in_a_pass(organization: str) -> None:
    pictures = artwork.default(organization, "#1f3a5f", "#ffffff")
    assert set(pictures) == {
        f"{kind}{scale}.png" for kind in ("icon", "logo", "strip") for scale in ("", "@2x", "@3x")
    }
    for name, data in pictures.items():
        artwork.check(name, data)
    assert sum(map(len, pictures.values())) < 250_000


def test_drawing_again_gives_the_same_bytes() -> None:
    first = artwork.default("Ромашка", "#0b6b3a", "#ffffff")
    artwork._drawn.cache_clear()
    assert artwork.default("Ромашка", "#0b6b3a", "#ffffff") == first


def test_a_caller_cannot_spoil_what_the_next_one_gets() -> None:
    artwork.default("Ромашка", "#1f3a5f", "#ffffff").clear()
    assert len(artwork.default("Ромашка", "#1f3a5f", "#ffffff")) == 9


@pytest.mark.parametrize("background", ["#000000", "#ffffff", "#1f3a5f", "#ffe08a", "#ff0000"])
def test_the_strip_stays_calm_where_the_value_is_written(background: str) -> None:
    strip = opened(artwork.default("Ромашка", background, "#808080")["strip.png"])
    base = tuple(bytes.fromhex(background[1:]))
    for x, y in ((8, 40), (8, 72), (60, 72), (90, 110)):
        pixel = strip.getpixel((x, y))
        assert isinstance(pixel, tuple)
        assert max(abs(a - b) for a, b in zip(pixel, base, strict=True)) < 24


def test_a_logo_has_nothing_around_it() -> None:
    logo = opened(artwork.default("Ромашка", "#1f3a5f", "#ffffff")["logo@2x.png"])
    assert logo.getchannel("A").getpixel((0, 0)) == 0
    assert logo.getpixel((50, 12)) == (255, 255, 255, 255)
