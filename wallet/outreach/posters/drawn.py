"""A sheet as a file: SVG with outlines, or PDF with the letters it uses."""

import base64
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from fpdf import FPDF

from wallet.outreach.posters import letters
from wallet.outreach.posters.layout import (
    LINE,
    PAPER,
    Drawing,
    Panel,
    PlacedCode,
    PlacedPicture,
    PosterSheet,
    Words,
)
from wallet.passes import drawing

POINTS = 72 / 25.4  # to the millimetre
HAIR = 0.25  # how thick thin lines are
TICK = 6.0  # how long the marks of a fold are
FONT = "Golos"


def svg(sheet: PosterSheet, title: str) -> str:
    """The sheet as an SVG in its own size. It needs no font."""
    width, height = f"{sheet.width:g}", f"{sheet.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
        f' viewBox="0 0 {width} {height}" role="img"><title>{escape(title)}</title>'
        f'<path fill="{PAPER}" d="M0 0h{width}v{height}h-{width}z"/>'
    ]
    for side in sheet.sides:
        turned = side.turned
        turn = f' transform="rotate(180 {turned[0]:g} {turned[1]:g})"' if turned else ""
        parts.append(f"<g{turn}>{''.join(map(_svg, side.drawings))}</g>")
    parts += [
        f'<path stroke="{LINE}" stroke-width="{HAIR}" d="M{x:g} {y:g}h{length:g}"/>'
        for x, y, length in _ticks(sheet)
    ]
    return "".join([*parts, "</svg>"])


def _svg(one: Drawing) -> str:
    match one:
        case Panel():
            edge = f' stroke="{one.edge}" stroke-width="{HAIR}"' if one.edge else ""
            return (
                f'<rect x="{one.x:.3f}" y="{one.y:.3f}" width="{one.width:.3f}"'
                f' height="{one.height:.3f}" rx="{one.radius:.3f}" fill="{one.colour}"{edge}/>'
            )
        case Words():
            path = letters.outline(one.text, one.weight, one.x, one.y, one.size)
            return f'<path fill="{one.colour}" d="{path}"/>'
        case PlacedPicture():
            data = base64.b64encode(one.png).decode()
            return (
                f'<image x="{one.x:.3f}" y="{one.y:.3f}" width="{one.width:.3f}"'
                f' height="{one.height:.3f}" href="data:image/png;base64,{data}"/>'
            )
        case PlacedCode():
            runs = "".join(
                f"M{column} {row}h{length}v1h-{length}z" for column, row, length in one.runs
            )
            place = f"translate({one.x:.3f} {one.y:.3f}) scale({one.module:.5f})"
            return f'<path fill="#000" transform="{place}" d="{runs}"/>'


def pdf(sheet: PosterSheet, title: str, language: str, now: datetime) -> bytes:
    """The sheet as a PDF of one page. It holds the letters that it shows, so they can be searched
    and copied."""
    file = FPDF(unit="mm", format=(sheet.width, sheet.height))
    file.set_auto_page_break(auto=False)
    file.set_title(title)
    file.set_creator("Kopilka")
    file.set_creation_date(now)
    if language:
        file.set_lang(language)
    file.add_font(FONT, "", letters.FILES["regular"])
    file.add_font(FONT, "B", letters.FILES["bold"])
    file.add_page()
    file.set_line_width(HAIR)
    for side in sheet.sides:
        if side.turned is None:
            _put_all(file, side.drawings)
            continue
        with file.rotation(180, *side.turned):
            _put_all(file, side.drawings)
    file.set_draw_color(*drawing.colour(LINE))
    for x, y, length in _ticks(sheet):
        file.line(x, y, x + length, y)
    return bytes(file.output())


def _put_all(file: FPDF, drawings: Sequence[Drawing]) -> None:
    for one in drawings:
        _put(file, one)


def _put(file: FPDF, one: Drawing) -> None:
    match one:
        case Panel():
            file.set_fill_color(*drawing.colour(one.colour))
            file.set_draw_color(*drawing.colour(one.edge or one.colour))
            file.rect(
                one.x,
                one.y,
                one.width,
                one.height,
                style="DF" if one.edge else "F",
                round_corners=True,
                corner_radius=one.radius,
            )
        case Words():
            file.set_font(FONT, "B" if one.weight == "bold" else "", one.size * POINTS)
            file.set_text_color(*drawing.colour(one.colour))
            file.text(one.x, one.y, one.text)
        case PlacedPicture():
            file.image(io.BytesIO(one.png), one.x, one.y, one.width, one.height)
        case PlacedCode():
            # One path, filled at once: between two that touch, viewers show a hair of white.
            with file.new_path() as path:
                path.style.fill_color, path.style.stroke_color = "#000", None
                for column, row, length in one.runs:
                    path.rectangle(
                        one.x + column * one.module,
                        one.y + row * one.module,
                        length * one.module,
                        one.module,
                    )


def _ticks(sheet: PosterSheet) -> Iterator[tuple[float, float, float]]:
    """The marks that say where to fold: x, y, length."""
    if sheet.fold is not None:
        yield 0, sheet.fold, TICK
        yield sheet.width - TICK, sheet.fold, TICK
