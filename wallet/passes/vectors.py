"""Drawings in SVG that somebody uploads. They are shown as they are, byte for byte: Apple and
Google want it so of their badges. So whatever could do more than draw is refused, and nothing is
left out.

Browsers run nothing in a picture. This also holds for whoever opens the file by itself. What could
draw and is not known here is refused too: it may be a part that browsers fetch."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from wallet.errors import ImageRefused

NAMESPACE = "http://www.w3.org/2000/svg"
# Elements of other namespaces are notes of drawing programs, and browsers pass them over; but for
# these, which they would show.
LIVELY = ("http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML")
BASE = "{http://www.w3.org/XML/1998/namespace}base"  # where all links of the file begin
LINK = "{http://www.w3.org/1999/xlink}href"
MOST_ELEMENTS = 5_000
MOST_COPIES = 20  # <use>: a few of them inside each other would draw without end
DEEPEST = 50

ELEMENTS = """
    svg g defs symbol use path rect circle ellipse line polyline polygon linearGradient
    radialGradient stop clipPath mask style title desc metadata"""
ATTRIBUTES = """
    id class style type version baseProfile width height viewBox preserveAspectRatio transform
    href d points x y x1 y1 x2 y2 cx cy r rx ry fx fy offset pathLength fill fill-opacity
    fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin
    stroke-miterlimit stroke-dasharray stroke-dashoffset opacity color display visibility
    overflow stop-color stop-opacity gradientUnits gradientTransform spreadMethod clip-path
    clip-rule clipPathUnits mask mask-type maskUnits maskContentUnits vector-effect
    shape-rendering paint-order enable-background role aria-label aria-labelledby focusable"""
KNOWN_ELEMENTS, KNOWN_ATTRIBUTES = frozenset(ELEMENTS.split()), frozenset(ATTRIBUTES.split())
# For editors and programs: they draw nothing.
FOR_OTHERS = re.compile(r"data-[\w-]+|\{.*")
# Styles lead nowhere but into the drawing itself, and bring nothing along.
LEADS_AWAY = re.compile(
    r"url\s*\(\s*['\"]?(?!#)|@|\\|//|image-set|expression|javascript:", re.IGNORECASE
)
# An instruction for whoever reads the file, such as the address of a stylesheet. Its first line is
# none.
INSTRUCTION = re.compile(r"<\?(?!xml\s)")
ENCODING = re.compile(r"\s*<\?xml[^>]*?encoding\s*=\s*['\"]([\w.-]+)")
LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)(?:px)?\s*")


def size(name: str, data: bytes) -> tuple[float, float]:
    """Width and height of the drawing in a file called `name`, in whatever it counts. Raises
    `ImageRefused` for what is no drawing alone."""
    text = _text(name, data)
    try:
        root = fromstring(text.encode(), forbid_dtd=False, forbid_entities=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _damaged(name) from error
    if root.tag != f"{{{NAMESPACE}}}svg":
        raise ImageRefused(name, "not_svg", "this is neither an SVG nor a PNG.")
    if INSTRUCTION.search(text):
        raise ImageRefused(
            name,
            "not_only_drawn",
            "it has instructions for other programs (<?…?>). Export it in a simpler form.",
        )
    for element in _every(name, root):
        _check(name, element)
    return _size(name, root)


def _text(name: str, data: bytes) -> str:
    """The file as browsers are told to read it: in another encoding it would be another file."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _damaged(name) from error
    encoding = ENCODING.match(text)
    if encoding is not None and encoding[1].lower() not in ("utf-8", "us-ascii"):
        raise _damaged(name)
    return text


def _damaged(name: str) -> ImageRefused:
    return ImageRefused(
        name, "damaged", "it begins like an SVG but cannot be read. Export it again, as UTF-8."
    )


def _every(name: str, root: Element) -> Iterator[Element]:
    """All elements, without recursion: a file of a thousand levels breaks nothing."""
    copies, seen, waiting = 0, 0, [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        seen += 1
        copies += element.tag == f"{{{NAMESPACE}}}use"
        if depth > DEEPEST or seen > MOST_ELEMENTS or copies > MOST_COPIES:
            raise ImageRefused(
                name, "too_large", "the drawing has too many parts. Export it in a simpler form."
            )
        waiting += [(child, depth + 1) for child in element]
        yield element


def _check(name: str, element: Element) -> None:
    """Refuse an element that could do more than draw. Raises `ImageRefused`."""
    namespace, _, tag = element.tag.removeprefix("{").rpartition("}")
    if namespace not in (NAMESPACE, *LIVELY, ""):
        return
    if namespace != NAMESPACE or tag not in KNOWN_ELEMENTS:
        raise ImageRefused(
            name,
            "not_only_drawn",
            "it has <{what}>, and only what is drawn is taken: shapes, colours and gradients."
            " Export it with letters as outlines, without scripts, pictures and effects.",
            what=tag,
        )
    for attribute, value in element.attrib.items():
        plain = "href" if attribute == LINK else attribute
        if attribute == BASE:
            raise _leads_away(name, tag)
        if FOR_OTHERS.fullmatch(plain):
            continue
        if plain not in KNOWN_ATTRIBUTES:
            raise ImageRefused(
                name,
                "not_only_drawn",
                "<{what}> has {attribute}, which is not taken. Export it in a simpler form.",
                what=tag,
                attribute=plain,
            )
        if LEADS_AWAY.search(value) or (plain == "href" and not value.startswith("#")):
            raise _leads_away(name, tag)
    if tag == "style" and LEADS_AWAY.search("".join(element.itertext())):
        raise _leads_away(name, tag)


def _leads_away(name: str, tag: str) -> ImageRefused:
    return ImageRefused(
        name,
        "leads_away",
        "<{what}> leads to something outside of the file. Export it with all in it.",
        what=tag,
    )


def _size(name: str, root: Element) -> tuple[float, float]:
    box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    sides = box[2:] if len(box) == 4 else [root.get("width", ""), root.get("height", "")]
    found = [LENGTH.fullmatch(side) for side in sides]
    if len(found) != 2 or None in found:
        raise ImageRefused(
            name, "wrong_size", "it does not say how wide and high it is: give it a viewBox."
        )
    width, height = (float(one[1]) for one in found if one is not None)
    if not width or not height:
        raise ImageRefused(
            name, "wrong_size", "it does not say how wide and high it is: give it a viewBox."
        )
    return width, height
