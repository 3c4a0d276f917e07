"""Drawings in SVG that somebody uploads: what draws comes through as it is, and nothing else does.

Browsers run nothing in a picture. This also holds for whoever opens the file by itself. What would
draw and is not known here is refused and not left out, since a drawing without a part of it is
another drawing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from wallet.errors import ImageRefused

NAMESPACE = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
MOST_ELEMENTS = 5_000
MOST_COPIES = 20  # <use>: a few of them inside each other would draw without end
DEEPEST = 50

ELEMENTS = """
    svg g defs symbol use path rect circle ellipse line polyline polygon linearGradient
    radialGradient stop clipPath mask style title desc"""
SAYS_NOTHING = frozenset({"metadata"})
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
LEADS_AWAY = re.compile(r"url\s*\(\s*['\"]?(?!#)|@|\\|expression|javascript:", re.IGNORECASE)
LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)(?:px)?\s*")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing as it may be shown. `size` is its width and height, in whatever it counts."""

    data: bytes
    size: tuple[float, float]


def clean(name: str, data: bytes) -> Drawing:
    """The drawing in a file called `name`, written anew. Raises `ImageRefused`."""
    try:
        root = fromstring(data, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ImageRefused(
            name, "damaged", "it begins like an SVG but cannot be read. Export it again."
        ) from error
    if root.tag != f"{{{NAMESPACE}}}svg":
        raise ImageRefused(name, "not_svg", "this is neither an SVG nor a PNG.")
    _drop_what_draws_nothing(root)
    for element in _every(name, root):
        _check(name, element)
    size = _size(name, root)
    root.set("xmlns", NAMESPACE)
    return Drawing(tostring(root, encoding="utf-8"), size)


def _drop_what_draws_nothing(root: Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            plain = child.tag.removeprefix(f"{{{NAMESPACE}}}")
            if "}" in plain or plain in SAYS_NOTHING:
                parent.remove(child)


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
    """Give the element the names that it has in a file of its own. Raises `ImageRefused`."""
    element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    if element.tag not in KNOWN_ELEMENTS:
        raise ImageRefused(
            name,
            "not_only_drawn",
            "it has <{what}>, and only what is drawn is taken: shapes, colours and gradients."
            " Export it with letters as outlines, without scripts, pictures and effects.",
            what=element.tag,
        )
    if LINK in element.attrib:
        element.set("href", element.attrib.pop(LINK))
    for attribute, value in list(element.attrib.items()):
        if FOR_OTHERS.fullmatch(attribute):
            del element.attrib[attribute]
        elif attribute not in KNOWN_ATTRIBUTES:
            raise ImageRefused(
                name,
                "not_only_drawn",
                "<{what}> has {attribute}, which is not taken. Export it in a simpler form.",
                what=element.tag,
                attribute=attribute,
            )
        elif LEADS_AWAY.search(value) or (attribute == "href" and not value.startswith("#")):
            raise _leads_away(name, element)
    if element.tag == "style" and LEADS_AWAY.search(element.text or ""):
        raise _leads_away(name, element)


def _leads_away(name: str, element: Element) -> ImageRefused:
    return ImageRefused(
        name,
        "leads_away",
        "<{what}> leads to something outside of the file. Export it with all in it.",
        what=element.tag,
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
