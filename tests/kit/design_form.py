"""The form of a design as a browser would send it, and pictures to send with it."""

import io
from html.parser import HTMLParser

from PIL import Image

Typed = dict[str, object]
SEVERAL = ("field", "link", "place", "languages")


def typed(page: str) -> Typed:
    """What a browser would send of the form of a design, as it stands on this page."""
    reader = _FormReader()
    reader.feed(page)
    return reader.found


def picture(width: int, height: int, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """A picture of this size, in a file of this kind."""
    file = io.BytesIO()
    Image.new(mode, (width, height), "#8a5a2b").save(file, kind)
    return file.getvalue()


class _FormReader(HTMLParser):
    """Reads the entries of the form whose id is `design`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Typed = {}
        self._inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("id") == "design"
        name = given.get("name") or ""
        if not self._inside:
            return
        if tag == "input" and name:
            self._take(name, given)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.found[self._select] = given["value"]
        elif tag == "textarea":
            self._area = name
            self.found[name] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[self._area] = f"{self.found[self._area]}{data}"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self.found[self._area] = str(self.found[self._area]).removeprefix("\n")
            self._area = ""

    def _take(self, name: str, given: dict[str, str | None]) -> None:
        if given.get("type") == "checkbox" and "checked" not in given:
            return
        value = given.get("value") or ""
        if name in SEVERAL:
            self.found.setdefault(name, []).append(value)  # type: ignore[union-attr]
        else:
            self.found[name] = value
