"""The look of a card for which no picture was uploaded: icon, logo and strip are drawn.

Each is drawn much larger than it is shown and scaled down at the end, which makes edges smooth."""

import colorsys
import math
import unicodedata

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]
Size = tuple[int, int]

POINTS: dict[str, Size] = {"icon": (38, 38), "logo": (50, 50), "strip": (375, 144)}
LIGHT = 0.75  # of 1; a colour with more lightness counts as a light one
# Pixels to the point while drawing: letters need finer edges than soft shapes do.
LETTER_DENSITY = 24
SHAPE_DENSITY = 6

# Letters as strokes of a round pen, since neither Pillow nor every machine has a Cyrillic font.
# Strokes are separated by `;`. `x,y` is a point: y is 0 at a capital's top and 1 at its foot.
# `x,y,rx,ry,from,to` is an arc in degrees: 0 points right, 90 down.
ROUND_P = "0,0 .36,0 .36,.27,.27,.27,-90,90 0,.54"
ROUND_B = "0,.46 .34,.46 .34,.73,.28,.27,-90,90 0,1"
STRAIGHT_E = ".6,0 0,0 0,1 .6,1; 0,.49 .52,.49"
OPEN_I = "0,0 0,1 .7,0 .7,1"
RING = ".48,.5,.48,.5,0,360"
LETTERS = {
    "A": "0,1 .4,0 .8,1; .14,.66 .66,.66",
    "B": "0,1 0,0 .33,0 .33,.23,.25,.23,-90,90 0,.46; " + ROUND_B,
    "C": ".48,.5,.48,.5,-48,-312",
    "D": "0,0 .28,0 .28,.5,.48,.5,-90,90 0,1 0,0",
    "E": STRAIGHT_E,
    "F": ".58,0 0,0 0,1; 0,.49 .5,.49",
    "G": ".48,.5,.48,.5,-48,-360 .56,.5",
    "H": "0,0 0,1; .7,0 .7,1; 0,.5 .7,.5",
    "I": "0,0 0,1",
    "J": ".5,0 .5,.74 .25,.74,.25,.26,0,160",
    "K": "0,0 0,1; .62,0 0,.6; .22,.4 .66,1",
    "L": "0,0 0,1 .56,1",
    "M": "0,1 0,0 .43,.62 .86,0 .86,1",
    "N": "0,1 0,0 .7,1 .7,0",
    "O": RING,
    "P": "0,1 " + ROUND_P,
    "Q": RING + "; .64,.7 .96,1.04",
    "R": "0,1 " + ROUND_P + "; .34,.54 .62,1",
    "S": ".34,.25,.3,.25,-25,-270 .34,.75,.32,.25,-90,155",
    "T": "0,0 .74,0; .37,0 .37,1",
    "U": "0,0 0,.65 .35,.65,.35,.35,180,0 .7,0",
    "V": "0,0 .39,1 .78,0",
    "W": "0,0 .28,1 .56,.2 .84,1 1.12,0",
    "X": "0,0 .7,1; .7,0 0,1",
    "Y": "0,0 .37,.52 .74,0; .37,.52 .37,1",
    "Z": "0,0 .66,0 0,1 .66,1",
    "Б": ".58,0 0,0 0,1; " + ROUND_B,
    "Г": ".56,0 0,0 0,1",
    "Ґ": ".56,-.16 .56,0 0,0 0,1",
    "Д": "0,1.18 0,1 .88,1 .88,1.18; .1,1 .26,0 .74,0 .74,1",
    "Ё": STRAIGHT_E + "; .16,-.26; .46,-.26",
    "Є": ".48,.5,.48,.5,-48,-312; 0,.5 .6,.5",
    "Ж": ".48,0 .48,1; 0,0 .48,.5 0,1; .96,0 .48,.5 .96,1",
    "З": ".3,.24,.28,.24,-155,90 .2,.48; .3,.74,.31,.26,-90,155",
    "И": OPEN_I,
    "Й": OPEN_I + "; .35,-.26,.16,.12,165,15",
    "Ї": "0,0 0,1; -.16,-.26; .16,-.26",
    "Л": "0,1 .2,0 .7,0 .7,1",
    "П": "0,1 0,0 .68,0 .68,1",
    "У": "0,0 .37,.6; .74,0 .22,.86 .12,.96 0,1",
    "Ф": ".46,.47,.46,.31,0,360; .46,-.04 .46,1.04",
    "Ц": "0,0 0,1 .84,1 .84,1.18; .68,0 .68,1",
    "Ч": "0,0 0,.3 .28,.3,.28,.26,180,90 .66,.56; .66,0 .66,1",
    "Ш": "0,0 0,1 .96,1 .96,0; .48,0 .48,1",
    "Щ": "0,0 0,1 1.1,1 1.1,1.18; .47,0 .47,1; .94,0 .94,1",
    "Ъ": "0,0 .2,0 .2,1; .2,.46 .5,.46 .5,.73,.28,.27,-90,90 .2,1",
    "Ы": "0,0 0,1; " + ROUND_B + "; .9,0 .9,1",
    "Ь": "0,0 0,1; " + ROUND_B,
    "Э": ".42,.5,.46,.5,-132,132; .26,.5 .88,.5",
    "Ю": "0,0 0,1; 0,.5 .28,.5; .68,.5,.4,.5,0,360",
    "Я": ".62,1 .62,0 .27,0 .27,.27,.27,.27,-90,-270 .62,.54; .3,.54 0,1",
}
ALIKE = str.maketrans("АВЕКМНОРСТХІ", "ABEKMHOPCTXI")
# For names that begin with anything else.
STAR = ".5,0 .64,.36 1.03,.39 .73,.64 .83,1.01 .5,.8 .17,1.01 .27,.64 -.03,.39 .36,.36 .5,0"
LIKE_A_FIGURE = frozenset("З")  # alone it would be read as 3
BESIDE = 0.3  # between the letters of a mark of two, as a part of a capital's height
PEN = 0.145  # the width of the pen, as a part of a capital's height


def icon(organization: str, base: Colour, ink: Colour) -> Image.Image:
    """The organisation's letter on a full square: phones round the corners themselves."""
    side = POINTS["icon"][0] * LETTER_DENSITY
    picture = _gradient((side, side), _shade(base, 0.06), _shade(base, -0.06), (0.3, 1.0))
    _put_mark(picture, organization, ink, side * 0.46)
    return picture


def logo(organization: str, base: Colour, ink: Colour) -> Image.Image:
    """A disc in the foreground colour with the organisation's letter cut into it, on a transparent
    ground."""
    side = POINTS["logo"][0] * LETTER_DENSITY
    picture = Image.new("RGBA", (side, side), (*ink, 0))
    edge = side * 0.06
    ImageDraw.Draw(picture).ellipse((edge, edge, side - edge, side - edge), fill=(*ink, 255))
    _put_mark(picture, organization, base, side * 0.42)
    return picture


def strip(base: Colour) -> Image.Image:
    """Light from the upper right over a few large soft coins. The left stays calm, since the phone
    writes the card's main value there in large letters."""
    width, height = (side * SHAPE_DENSITY for side in POINTS["strip"])
    glow = _glow(base)
    picture = _gradient((width, height), base, glow, (1.0, -0.35))
    for x, y, radius, strength in (
        (0.66, 1.18, 0.62, 0.10),
        (0.985, 0.86, 0.66, 0.15),
        (0.82, 0.22, 0.40, 0.17),
    ):
        _put_coin(picture, (x * width, y * height), radius * height, _shade(glow, 0.3), strength)
    return picture


def colour(text: str) -> Colour:
    """`#rrggbb` as three numbers from 0 to 255."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue


def _put_mark(picture: Image.Image, organization: str, ink: Colour, cap_height: float) -> None:
    """Draw the organisation's letter in the middle; capitals are `cap_height` pixels high."""
    strokes = _mark(organization)
    xs = [x for stroke in strokes for x, _ in stroke]
    ys = [y for stroke in strokes for _, y in stroke]
    # A wide letter or one with an accent gets smaller; it must not touch the edge.
    scale = cap_height / max(1.0, (max(xs) - min(xs)) / 1.0, (max(ys) - min(ys)) / 1.15)
    left = picture.width / 2 - scale * (max(xs) + min(xs)) / 2
    top = picture.height / 2 - scale * (max(ys) + min(ys)) / 2
    mask = Image.new("L", picture.size)
    pen, radius = ImageDraw.Draw(mask), PEN * scale / 2
    for stroke in strokes:
        dots = [(left + x * scale, top + y * scale) for x, y in stroke]
        pen.line(dots, fill=255, width=round(radius * 2) + 1)
        for x, y in dots:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    picture.paste(ink, mask=mask)


def _mark(organization: str) -> list[list[Point]]:
    """The strokes of the first letter; with the second beside it, where the first alone would be
    taken for a figure."""
    letters = [char for char in organization if char.isalpha()]
    first = _letter(letters[0]) if letters else ""
    strokes = _strokes(LETTERS.get(first, STAR))
    second = _letter(letters[1]) if first in LIKE_A_FIGURE and len(letters) > 1 else ""
    if second not in LETTERS:
        return strokes
    right = max(x for stroke in strokes for x, _ in stroke) + BESIDE
    beside = _strokes(LETTERS[second])
    return [*strokes, *([(x + right, y) for x, y in stroke] for stroke in beside)]


def _letter(char: str) -> str:
    """The letter under which a character is drawn."""
    letter = char.upper()[:1].translate(ALIKE)
    if letter not in LETTERS:
        # Without its accents: É is drawn as E. (Ё and Й have drawings of their own.)
        letter = unicodedata.normalize("NFD", letter)[:1].translate(ALIKE)
    return letter


def _strokes(letter: str) -> list[list[Point]]:
    return [_line(stroke) for stroke in letter.split(";")]


def _line(stroke: str) -> list[Point]:
    """A stroke as points that are close enough together to look round."""
    points: list[Point] = []
    for step in stroke.split():
        numbers = [float(number) for number in step.split(",")]
        if len(numbers) == 2:
            points.append((numbers[0], numbers[1]))
            continue
        x, y, rx, ry, start, end = numbers
        pieces = max(2, round(abs(end - start) / 4))
        for piece in range(pieces + 1):
            angle = math.radians(start + (end - start) * piece / pieces)
            points.append((x + rx * math.cos(angle), y + ry * math.sin(angle)))
    return points


def _put_coin(
    picture: Image.Image, centre: Point, radius: float, colour: Colour, strength: float
) -> None:
    """A disc that is brightest at its upper left, with a fine rim inside and a soft shadow."""
    x, y = centre
    disc = _disc(picture.size, centre, radius)
    shadow = _disc(picture.size, (x, y + radius * 0.08), radius)
    shadow = shadow.filter(ImageFilter.GaussianBlur(radius * 0.12))
    shadow = ImageChops.multiply(shadow, ImageChops.invert(disc))
    picture.paste((0, 0, 0), mask=_scaled(shadow, 0.10))
    side = math.ceil(radius * 2)
    light = Image.new("L", picture.size)
    light.paste(_ramp((side, side), (-0.6, -0.8)), (round(x - radius), round(y - radius)))
    body = Image.blend(disc, ImageChops.multiply(disc, light), 0.76)
    picture.paste(colour, mask=_scaled(body, strength * 2))
    rim = ImageChops.subtract(
        _disc(picture.size, centre, radius * 0.84), _disc(picture.size, centre, radius * 0.815)
    )
    picture.paste(colour, mask=_scaled(rim, strength * 1.3))


def _disc(size: Size, centre: Point, radius: float) -> Image.Image:
    mask = Image.new("L", size)
    x, y = centre
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


def _scaled(mask: Image.Image, by: float) -> Image.Image:
    return mask.point([min(255, round(value * by)) for value in range(256)])


def _gradient(size: Size, start: Colour, end: Colour, direction: Point) -> Image.Image:
    return Image.composite(
        Image.new("RGB", size, end), Image.new("RGB", size, start), _ramp(size, direction)
    )


def _ramp(size: Size, direction: Point) -> Image.Image:
    """From black to white along `direction`, with smooth ends."""
    width, height = max(2, size[0] // 12), max(2, size[1] // 12)
    dx, dy = direction
    lowest, span = min(dx, 0) + min(dy, 0), abs(dx) + abs(dy)
    values = bytearray()
    for row in range(height):
        for column in range(width):
            along = dx * column / (width - 1) + dy * row / (height - 1)
            part = (along - lowest) / span
            values.append(round(255 * part * part * (3 - 2 * part)))
    coarse = Image.frombytes("L", (width, height), bytes(values))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def _shade(colour: Colour, by: float) -> Colour:
    """The colour lighter by a part of the whole range, or darker if `by` is negative. A light
    colour cannot become much lighter, so it goes the other way."""
    hue, light, saturation = _parts(colour)
    if light > LIGHT:
        by = -by
    return _whole(colorsys.hls_to_rgb(hue, min(max(light + by, 0.0), 1.0), saturation))


def _glow(base: Colour) -> Colour:
    """The colour that the strip fades into: lighter, and of the neighbouring hue. A light colour
    becomes a little darker and keeps its hue; otherwise yellow would look like lemon."""
    hue, light, saturation = _parts(base)
    if light > LIGHT:
        return _shade(base, 0.1)
    return _whole(colorsys.hls_to_rgb((hue + 0.035) % 1, light + 0.16, saturation))


def _parts(colour: Colour) -> tuple[float, float, float]:
    """Hue, lightness and saturation, each from 0 to 1."""
    red, green, blue = colour
    return colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)


def _whole(parts: tuple[float, float, float]) -> Colour:
    red, green, blue = (round(part * 255) for part in parts)
    return red, green, blue
