"""What a wheel installs: every file of ours, and a service whose pages find all that they name.

An image installs a wheel, and whoever develops runs a checkout: what the build leaves out would be
missing in production alone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from processes import kill, wait_until
from servers import free_ports

from wallet.console.counter import offline

TOP = Path(__file__).parents[2]
PACKAGES = ("ledger", "wallet")

ANDROID = "Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/140.0 Mobile Safari/537.36"
STOP_S = 30

# What lies beside files of others for those who read the source.
ABOUT_FILES = {"LICENSE", "LICENSE-zxing-cpp", "NOTICE", "THIRD_PARTY.md", "vendor.lock.json"}


def repository() -> set[str]:
    """Our files as Git knows them: those that are about to be committed, too."""
    asked = ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *PACKAGES]
    listed = subprocess.run(asked, cwd=TOP, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (TOP / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from nothing but these files: a build that was made here before has no part in it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*repository(), "pyproject.toml", "README.md"):
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TOP / name, copy)
    build = ["wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    pip(*build, "-w", str(folder), str(folder / "source"))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel and the packages that ours need.

    Those are the ones of this environment, by a line in a .pth file. Python does not read further
    .pth files in a folder that it came to in this way: so our checkout, which is installed here by
    such a file, is not seen from there."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel))
    (found,) = folder.glob("lib/python*/site-packages")
    (found / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def pip(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments], check=True
    )


@dataclass
class Installed:
    """A service that was started from the wheel, in a folder that holds nothing of ours."""

    programs: Path
    folder: Path
    environment: Mapping[str, str]
    output: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def run(self, *command: str) -> str:
        program = [str(self.programs / command[0]), *command[1:]]
        said = subprocess.run(
            program, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout

    def address(self, label: str) -> str:
        """What the greeting says beside `label`."""
        return re.findall(rf"{label} +(\S+)", self.output.read_text())[0]


@pytest.fixture(scope="module")
def installed(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("elsewhere")
    ours = re.compile(r"WALLET_|PYTHON|PORT$|WEB_CONCURRENCY$")
    environment = {name: value for name, value in os.environ.items() if not ours.match(name)}
    environment |= {"WALLET_DATA": str(folder / "var"), "PORT": str(free_ports(5))}
    output = folder / "run.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "wallet"), "run"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: "ready http" in output.read_text() or process.poll() is not None, "a greeting"
        )
        assert process.poll() is None, output.read_text()
        yield Installed(programs, folder, environment, output)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            kill(process)


@dataclass(frozen=True)
class Named:
    """An address that a page or a stylesheet names, and what kind of thing it takes it for."""

    address: str
    kind: str


class Page(HTMLParser):
    """Collects what a browser fetches with a page, without being asked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.named: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "link" and "href" in has:
            self._link(has["rel"].split(), has)
        elif tag == "script" and "src" in has:
            self._add(has["src"], "text/javascript")
        elif tag == "use":
            self._add(has.get("href", "").partition("#")[0], "image/")
        elif tag in ("img", "source"):
            self._add(has.get("src", ""), "image/")
            for candidate in has.get("srcset", "").split(","):
                self._add(candidate.strip().partition(" ")[0], "image/")
        self.named += named_by_css(has.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.named += named_by_css(data)

    def _link(self, relations: list[str], has: dict[str, str]) -> None:
        for relation, kind in (
            ("stylesheet", "text/css"),
            ("icon", "image/"),
            ("apple-touch-icon", "image/"),
            ("manifest", "application/manifest+json"),
            ("modulepreload", "text/javascript"),
            ("preload", "font/" if has.get("as") == "font" else ""),
        ):
            if relation in relations:
                self._add(has["href"], kind)

    def _add(self, address: str, kind: str) -> None:
        if address and not address.startswith("data:"):
            self.named.append((address, kind))


def named_by_css(text: str) -> list[tuple[str, str]]:
    found = [(address, "text/css") for address in re.findall(r"@import\s+[\"']([^\"']+)", text)]
    for address in re.findall(r"url\(\s*[\"']?([^\"')]+)", text):
        if not address.startswith(("data:", "#")):
            is_font = urlsplit(address).path.endswith((".woff", ".woff2", ".ttf", ".otf"))
            found.append((address, "font/" if is_font else "image/"))
    return found


def named_by_script(text: str) -> list[tuple[str, str]]:
    wanted = r"^\s*(?:import|export)\b[^;\"']*[\"'](\.{0,2}/[^\"']+)"
    return [(address, "text/javascript") for address in re.findall(wanted, text, re.MULTILINE)]


def names(url: str, answer: requests.Response) -> set[Named]:
    """What this answer makes a browser fetch."""
    kind = answer.headers["Content-Type"]
    if kind.startswith("text/html"):
        found = Page(answer.text).named
    elif kind.startswith("text/css"):
        found = named_by_css(answer.text)
    elif kind.startswith("text/javascript"):
        found = named_by_script(answer.text)
    else:
        found = []
    return {Named(urljoin(url, address), kind) for address, kind in found}


def fetched(url: str, kind: str = "text/html", **headers: str) -> requests.Response:
    """The answer, which must be a whole one of that kind."""
    browser = {"Accept": "text/html,*/*;q=0.8", **headers}
    answer = requests.get(url, headers=browser, timeout=30)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    assert answer.headers["Content-Type"].startswith(kind), f"{url}: {answer.headers}"
    assert answer.content, f"{url} is empty"
    return answer


@pytest.fixture(scope="module")
def card(installed: Installed) -> str:
    """The page of a card, as whoever joins by the form gets to it."""
    with requests.Session() as browser:
        form = browser.get(f"{installed.url}/join/demo", timeout=30).text
        (token,) = re.findall(r'name="form_token" value="([^"]+)"', form)
        filled = {"form_token": token, "name": "Анна", "phone": "+79991234567", "consent": "yes"}
        shown = browser.post(f"{installed.url}/join/demo", data=filled, timeout=30)
    assert shown.status_code == 200
    return shown.url


@pytest.fixture(scope="module")
def coupon(installed: Installed, card: str) -> str:
    """The page of an offer that may be kept as a coupon."""
    told = (installed.folder / "var" / "sandbox.env").read_text()
    (key,) = re.findall(r"^WALLET_API_KEY=(.+)$", told, re.MULTILINE)
    offer = requests.post(
        f"{installed.url}/api/v1/offers",
        json={"programme": "demo", "title": "Latte"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    return f"{card}/offers/{offer.json()['id']}"


@pytest.fixture(scope="module")
def pages(installed: Installed, card: str, coupon: str) -> list[tuple[str, requests.Response]]:
    """What people see, in both languages, and a card on other devices too."""
    ours = [f"{installed.url}{path}" for path in ("/", "/join/demo", "/join/demo/privacy")]
    phones = installed.address("The virtual phones")
    spoken = [
        f"{page}?lang={language}"
        for page in (*ours, card, coupon, phones)
        for language in ("ru", "en")
    ]
    docs = f"{installed.url}/api/docs"
    found = [(url, fetched(url)) for url in (*spoken, docs)]
    on_android = fetched(card, **{"User-Agent": ANDROID})
    (google,) = re.findall(r'href="([^"]+/google)"', on_android.text)
    saved = fetched(urljoin(card, google), **{"User-Agent": ANDROID})
    console = requests.get(f"{installed.url}/console/nowhere", timeout=30)
    return [*found, (card, on_android), (saved.url, saved), (console.url, console)]


def behind_the_door(url: str) -> set[Named]:
    """The files that templates of the console name, and those that the counter fetches when it
    needs them: nobody comes in here to see its pages."""
    kinds = {
        ".css": "text/css",
        ".js": "text/javascript",
        ".svg": "image/",
        ".wasm": "application/wasm",
        ".woff2": "font/",
    }
    named = {
        name
        for template in (TOP / "wallet/console/templates").glob("**/*.html")
        for name in re.findall(r"console_file\(['\"]([^'\"]+)['\"]\)", template.read_text())
    }
    named.update(offline.LATER)
    return {Named(f"{url}/console/static/{name}", kinds[Path(name).suffix]) for name in named}


def test_every_file_of_ours_is_in_the_wheel(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert repository() == packed


def test_the_code_that_runs_is_the_wheels(programs: Path, installed: Installed) -> None:
    asked = "import ledger, wallet; print(ledger.__file__, wallet.__file__, sep='\\n')"
    for file in installed.run("python", "-c", asked).split():
        assert Path(file).is_relative_to(programs.parent)


def test_all_that_pages_name_is_there(installed: Installed, pages) -> None:
    waiting = {one for url, answer in pages for one in names(url, answer)}
    waiting |= behind_the_door(installed.url)
    seen: set[Named] = set()
    while waiting:
        seen |= waiting
        answers = [(one.address, fetched(one.address, one.kind)) for one in waiting]
        waiting = {new for url, answer in answers for new in names(url, answer)} - seen
    # A page that names less than it should, or a file that no page needs, would pass unnoticed.
    ours = {Path(name).name for name in repository() if "/static/" in name} - ABOUT_FILES
    assert ours <= {Path(urlsplit(one.address).path).name for one in seen}
    assert {"text/css", "text/javascript", "image/"} <= {one.kind for one in seen}


def test_pages_speak_the_language_that_was_asked_for(pages) -> None:
    titles: dict[str, set[str]] = {}
    for url, answer in pages:
        if "?lang=" in url:
            titles.setdefault(url.partition("?")[0], set()).update(
                re.findall(r"<title>\s*(.+?)\s*</title>", answer.text, re.DOTALL)
            )
    assert len(titles) == 6
    assert all(len(found) == 2 for found in titles.values()), titles


def test_a_page_that_is_not_there_says_so_with_its_looks(installed: Installed) -> None:
    url = f"{installed.url}/join/nowhere"
    answer = requests.get(url, timeout=30)
    assert answer.status_code == 404
    assert names(url, answer)
    for one in names(url, answer):
        fetched(one.address, one.kind)


def test_the_contract_is_there(installed: Installed) -> None:
    contract = fetched(f"{installed.url}/api/openapi.json", "application/json").json()
    assert len(contract["paths"]) > 20


def test_commands_work_on_the_schema_that_was_made(installed: Installed) -> None:
    assert "!!" not in installed.run("wallet", "ledger", "check")
    installed.run("wallet", "design", "export", "demo", str(installed.folder / "design"))
    assert (installed.folder / "design" / "design.json").exists()
