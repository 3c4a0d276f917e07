"""The pages as a browser meets them: over HTTP, drawn by Chromium, read by a till's scanner."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse


@dataclass
class JoinForm:
    """Somebody with the form of the demo programme before them."""

    client: FlaskClient
    address: str = "/join/demo"

    def token(self) -> str:
        page = self.client.get(self.address).text
        return re.search(r'name="form_token" value="([^"]+)"', page)[1]

    def forget(self) -> None:
        """Take away the cookie by which the browser of somebody who joined is known."""
        self.client.delete_cookie("card", path=self.address.partition("?")[0])

    def sent(self, *, token: str | None = None, consent: str = "yes", headers=None, **entries: str):
        """The form, sent from a browser in which nobody has joined."""
        self.forget()
        data = {"form_token": token or self.token(), "consent": consent, **entries}
        return self.client.post(self.address, data=data, headers=headers)


@dataclass
class CardPage:
    """A card's page, held by whoever has its link."""

    client: FlaskClient
    path: str

    def get(self, below: str = "", **options) -> TestResponse:
        return self.client.get(self.path + below, **options)

    def state(self) -> dict:
        return self.get("/state").get_json()

    def number(self) -> str:
        shown = re.search(r'class="number">([^<]+)<', self.get().text)[1]
        return shown.replace("\u00a0", "")


@pytest.fixture
def form(client: FlaskClient) -> JoinForm:
    return JoinForm(client)


@pytest.fixture
def card(form: JoinForm, client: FlaskClient) -> CardPage:
    """Anna's card, just made by the form."""
    return CardPage(client, form.sent(name="Анна", phone="+79991234567").location)


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Put an app on a port of its own; answers its address."""
    servers = []

    def served(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield served
    for server in servers:
        server.shutdown()


@dataclass
class Browser:
    """Chromium without a window, a fresh one each time."""

    program: str
    folder: Path

    def draw(self, url: str, *, width: int = 390, height: int = 1400) -> Path:
        """A picture of the page."""
        picture = self.folder / "page.png"
        self._run(url, f"--window-size={width},{height}", f"--screenshot={picture}")
        return picture

    def after(self, url: str, seconds: int) -> str:
        """The document as it stands when so many seconds of the page's time are over."""
        return self._run(url, f"--virtual-time-budget={seconds * 1000}", "--dump-dom")

    def _run(self, url: str, *options: str) -> str:
        with _emptied(self.folder / "profile") as profile:
            return subprocess.run(
                [
                    self.program,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--no-first-run",
                    "--hide-scrollbars",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    f"--user-data-dir={profile}",
                    *options,
                    url,
                ],
                capture_output=True,
                text=True,
                check=True,
                timeout=120,
            ).stdout


@contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _program(names: tuple[str, ...], package: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"this test needs {names[0]}: apt-get install {package}"
    return found


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    names = ("chromium", "chromium-browser", "google-chrome")
    return Browser(_program(names, "chromium"), tmp_path)


@pytest.fixture
def scan() -> Callable[[Path], list[str]]:
    """What a scanner reads in a picture."""
    zbarimg = _program(("zbarimg",), "zbar-tools")

    def scanned(picture: Path) -> list[str]:
        command = [zbarimg, "--quiet", "--raw", str(picture)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.split()

    return scanned
