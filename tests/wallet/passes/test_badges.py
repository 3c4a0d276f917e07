"""Badges that operators upload: a drawing is kept as it is, whatever could do more is refused."""

import io
from datetime import UTC, datetime

import pytest
from PIL import Image

from wallet.errors import ImageRefused
from wallet.passes import badges, vectors

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)

# As drawing programs write them: a head, a comment, styles, names of an editor, a copied shape.
DRAWN = b"""<?xml version="1.0" encoding="utf-8"?>
<!-- Generator: a drawing program -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg version="1.1" id="badge" xmlns="http://www.w3.org/2000/svg" xmlns:editor="http://editor.example"
     xmlns:xlink="http://www.w3.org/1999/xlink" x="0px" y="0px" viewBox="0 0 180.5 50"
     style="enable-background:new 0 0 180.5 50;" xml:space="preserve" data-name="badge">
<style type="text/css">.a{fill:#A6A6A6;} .b{fill:url(#g);}</style>
<metadata><editor:secret>made by Ann</editor:secret></metadata>
<editor:grid spacing="10"/>
<defs><linearGradient id="g"><stop offset="0" style="stop-color:#FFF"/></linearGradient>
<rect id="r" width="20" height="20"/>
<clipPath id="c"><use xlink:href="#r" style="overflow:visible"/></clipPath></defs>
<g clip-path="url(#c)"><path class="a" d="M0 0h180v50H0z"/></g>
<circle class="b" cx="20" cy="25" r="10" editor:label="dot"/>
</svg>"""


def with_part(part: str, attributes: str = 'viewBox="0 0 180 50"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{part}</svg>'.encode()


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    picture.info["comment"] = "made by Ann"
    picture.save(file, "PNG")
    return file.getvalue()


def refused(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        badges._checked("badge.svg", data)
    return caught.value


def test_a_badge_is_kept_byte_for_byte(database) -> None:
    """With all that drawing programs write beside the drawing."""
    assert vectors.size("badge.svg", DRAWN) == (180.5, 50)
    for name, data in (("badge.svg", DRAWN), ("badge.png", png(360, 100))):
        with database.transaction() as session:
            badge = badges.put(session, "apple", "ru", name, data, NOW)
        with database.reading() as session:
            assert badges.data_of(session, "apple", "ru", badge.digest)[1] == data


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ("<script>alert(1)</script>", "not_only_drawn"),
        ("<foreignObject/>", "not_only_drawn"),
        ('<image href="https://example.com/a.png"/>', "not_only_drawn"),
        ('<a href="https://example.com"><path d="M0 0"/></a>', "not_only_drawn"),
        ("<text>Add to Wallet</text>", "not_only_drawn"),
        ('<animate attributeName="href"/>', "not_only_drawn"),
        ('<path onload="alert(1)" d="M0 0"/>', "not_only_drawn"),
        ('<path filter="url(#f)" d="M0 0"/>', "not_only_drawn"),
        ('<use href="https://example.com/a.svg#b"/>', "leads_away"),
        ('<use href="javascript:alert(1)"/>', "leads_away"),
        ('<path fill="url(https://example.com/a.svg#g)"/>', "leads_away"),
        ("<path style=\"fill:URL( 'http://example.com' )\"/>", "leads_away"),
        ("<style>@import 'https://example.com/a.css';</style>", "leads_away"),
        ("<style>.a{background:url(//example.com)}</style>", "leads_away"),
        (r"<style>.a{fill:\75rl(https://example.com)}</style>", "leads_away"),
        ('<path style="mask-image:image-set(&quot;x.png&quot; 1x)" d="M0 0"/>', "leads_away"),
        ('<g xml:base="https://example.com/"><use href="#b"/></g>', "leads_away"),
        ("<metadata><script>alert(1)</script></metadata>", "not_only_drawn"),
        ('<x:script xmlns:x="http://www.w3.org/1999/xhtml">a()</x:script>', "not_only_drawn"),
        ('<g xmlns=""><script>alert(1)</script></g>', "not_only_drawn"),
        ('<?xml-stylesheet href="https://example.com/a.css"?>', "not_only_drawn"),
        ('<g><use href="#a"/></g>' * 21, "too_large"),
        ("<g/>" * 5001, "too_large"),
        ("<g>" * 60 + "</g>" * 60, "too_large"),
        ("<g>" * 20_000 + "</g>" * 20_000, "too_large"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_what_is_more_than_a_drawing_is_refused(part: str, problem: str) -> None:
    assert refused(with_part(part)).problem == problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not_svg"),
        (b"GIF89a", "not_svg"),
        (b"<html></html>", "not_svg"),
        (b"<svg viewBox='0 0 180 50'/>", "not_svg"),  # of no namespace: browsers draw nothing
        (b"<svg", "damaged"),
        (b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>', "damaged"),
        (DRAWN.replace(b'"utf-8"', b'"utf-99"'), "damaged"),
        (DRAWN.replace(b'"utf-8"', b'"iso-8859-1"'), "damaged"),
        (b'<!DOCTYPE svg [<!ATTLIST g onload CDATA "a()">]>' + with_part("<g/>"), "not_only_drawn"),
        (with_part("", ""), "wrong_size"),
        (with_part("", 'width="100%" height="50"'), "wrong_size"),
        (with_part("", 'viewBox="0 0 180 0"'), "wrong_size"),
        (with_part("<!--" + "x" * 200_000 + "-->"), "too_large"),
        (b"\x89PNG\r\n\x1a\nnonsense", "damaged"),
        (png(100, 30), "wrong_size"),  # too small to be sharp
    ],
    ids=repr,
)
def test_what_cannot_be_shown_is_refused(data: bytes, problem: str) -> None:
    assert refused(data).problem == problem


def test_without_a_view_box_the_size_counts() -> None:
    assert vectors.size("b.svg", with_part("", 'width="180px" height="50"')) == (180, 50)


@pytest.mark.parametrize("size", [(400, 400), (100, 400), (900, 100)])
def test_what_has_not_the_shape_of_a_badge_is_refused(database, size) -> None:
    width, height = size
    data = with_part("", f'viewBox="0 0 {width} {height}"')
    with database.transaction() as session, pytest.raises(ImageRefused, match="as wide as high"):
        badges.put(session, "apple", "ru", "badge.svg", data, NOW)


def test_another_file_takes_the_place_of_the_first(database) -> None:
    with database.transaction() as session:
        first = badges.put(session, "apple", "ru", "badge.svg", DRAWN, NOW)
        second = badges.put(session, "apple", "ru", "badge.png", png(360, 100), NOW)
        other = badges.put(session, "google", "en", "badge.svg", DRAWN, NOW)
    assert first.width_at(52) == 188
    assert first.file != second.file
    with database.reading() as session:
        assert list(badges.every(session)) == [second, other]
        assert badges.data_of(session, "apple", "ru", first.digest) is None
        assert badges.of_language(session, "ru") == {"apple": second}
    with database.transaction() as session:
        assert [badges.remove(session, "apple", "ru") for _ in range(2)] == [True, False]
        assert list(badges.every(session)) == [other]
