"""Whether a card can be read: the contrast of its texts to its background, by the Web Content
Accessibility Guidelines (WCAG 2.2, success criterion 1.4.3)."""

from collections.abc import Iterator

from wallet.errors import DesignRefused
from wallet.passes.content import Design

# As WCAG asks of large text. Values on a card are large; what is below this nobody reads at a till.
LEAST = 3.0
# As WCAG asks of all other text; labels are small.
GOOD = 4.5
TEXTS = ("foreground", "label_colour")


def ratio(one: str, other: str) -> float:
    """The contrast of two colours, `#rrggbb`: from 1 (the same) to 21 (black and white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def require(design: Design) -> None:
    """Refuse a design whose texts can hardly be told from the background. Raises
    `DesignRefused`."""
    for name, found in _ratios(design):
        if found < LEAST:
            raise DesignRefused(
                name,
                "nobody can read it on this background: the contrast is {found} to 1, and at least"
                " {least} is needed, better {good}. Make it lighter or darker.",
                found=_written(found),
                least=_written(LEAST),
                good=_written(GOOD),
            )


def weak(design: Design) -> list[tuple[str, str]]:
    """The colours of texts that some people will not be able to read: name, and contrast as it is
    written."""
    return [(name, _written(found)) for name, found in _ratios(design) if found < GOOD]


def _ratios(design: Design) -> Iterator[tuple[str, float]]:
    for name in TEXTS:
        yield name, ratio(getattr(design, name), design.background)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _written(found: float) -> str:
    """With one decimal place, and never as more than it is."""
    return f"{int(found * 10) / 10:.1f}"
