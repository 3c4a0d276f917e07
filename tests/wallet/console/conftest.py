"""Pages of the console in a real browser, which tells what it refused and what it asked for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import browsers
import gallery
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select
from visitors import Visitor, signed_in
from werkzeug.serving import make_server

from wallet.access.changes import RecordedChange


@pytest.fixture
def app(app: Flask) -> Flask:
    """The product, and the gallery beside it."""
    gallery.add_to(app)
    return app


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the app answers a browser."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsers.chromium() as browser:
        yield browser


@dataclass
class Seen:
    """A page that a person sees, and what the browser had to say of it."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        return browsers.complaints(self.said)

    def hosts(self) -> set[str]:
        asked = map(urlsplit, self.asked)
        return {address.netloc for address in asked if address.scheme != "data"}

    def focus(self) -> str:
        """The id or the class of what has the focus."""
        return self.page.evaluate("document.activeElement.id || document.activeElement.className")


Look = Callable[..., AbstractContextManager[Seen]]


@pytest.fixture
def look(chromium: Browser, address: str) -> Look:
    """Open a page as somebody with such a screen and such wishes sees it."""

    @contextmanager
    def looked(
        path: str, *, width: int = 1440, language: str = "ru", scheme: str = "light"
    ) -> Iterator[Seen]:
        context = browsers.patient(
            chromium.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
                locale=language,
                reduced_motion="reduce",
            )
        )
        seen = Seen(context.new_page())
        seen.page.on("console", lambda line: seen.said.append(line.text))
        seen.page.on("pageerror", lambda error: seen.said.append(str(error)))
        seen.page.on("requestfailed", lambda one: seen.said.append(f"{one.url} {one.failure}"))
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        seen.page.goto(address + path)
        seen.page.evaluate("document.fonts.ready.then(() => null)")
        yield seen
        context.close()

    return looked


@pytest.fixture
def marketer(client, installation) -> Visitor:
    return signed_in(client, installation, "marketer")


@pytest.fixture
def anna(join) -> dict:
    return join(name="Анна Ёлкина", phone="+79161234509", email="anna@example.com")


@pytest.fixture
def noted(installation):
    def noted() -> list[tuple[str, str, str]]:
        with installation.database.reading() as session:
            rows = session.scalars(select(RecordedChange).order_by(RecordedChange.id))
            return [(one.code, one.author_kind, one.author_name) for one in rows]

    return noted
