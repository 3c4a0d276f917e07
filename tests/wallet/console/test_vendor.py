"""Files of others: as they came, with their licences, and fetching nothing from anywhere else."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import wallet.console

TOP = Path(__file__).parents[3]
CONSOLE = Path(wallet.console.__file__).parent
VENDOR = CONSOLE / "static/vendor"
LOCK = json.loads((VENDOR / "vendor.lock.json").read_text())
HASHES = {name: digest for package in LOCK for name, digest in package["files"].items()}
TEXTS = [
    file
    for folder in (CONSOLE / "static", CONSOLE / "templates")
    for file in sorted(folder.rglob("*"))
    if file.suffix in (".css", ".js", ".svg", ".html")
]

# Names of XML's own, owners and licences named in a comment, and where zxing-wasm would look for
# its program if `scanner.js` did not say where ours is: no browser asks there.
NAMED_ONLY = re.compile(
    r"https://fastly\.jsdelivr\.net/npm/zxing-wasm@"
    r"|http://www\.w3\.org/(?:1999/xlink|2000/svg|2000/xmlns/|XML/1998/namespace)"
    r"|/\*[!\n].*?\*/",
    re.DOTALL,
)
OUTSIDE = re.compile(r"""(?:https?:|["'(\s=])//[\w-]+\.\w|@import""")


@pytest.mark.parametrize("name", HASHES)
def test_a_file_is_as_it_came(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == HASHES[name]


def test_nothing_lies_there_that_the_lock_does_not_name() -> None:
    ours = {"vendor.lock.json", "THIRD_PARTY.md"}
    found = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert found == set(HASHES) | ours


def test_what_lies_there_is_what_npm_is_asked_for() -> None:
    asked = json.loads((TOP / "frontend/package.json").read_text())["dependencies"]
    locked = json.loads((TOP / "frontend/package-lock.json").read_text())["packages"]
    assert {package["npm"]: package["version"] for package in LOCK} == asked
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked[f"node_modules/{name}"]["version"] == version


def test_each_has_its_licence_and_a_line_in_the_list() -> None:
    listed = (VENDOR / "THIRD_PARTY.md").read_text()
    for package in LOCK:
        folder = f"{package['name']}-{package['version']}"
        assert len((VENDOR / folder / "LICENSE").read_text()) > 500
        assert f"{package['name']} | {package['version']} | [{package['licence']}]" in listed
        for other, licence in package.get("compiled_in", {}).items():
            assert len((VENDOR / folder / f"LICENSE-{other}").read_text()) > 500
            assert f"{other} | in {package['name']} | [{licence}]" in listed


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_no_file_fetches_from_another_host(file: Path) -> None:
    text = NAMED_ONLY.sub("", file.read_text())
    assert OUTSIDE.findall(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "url(//cdn.example/x)",
        'src="https://cdn.example/x"',
        "@import 'x'",
        "fetch('//a.example')",
        'href="//a.example"',
    ],
)
def test_a_fetch_from_another_host_would_be_found(text: str) -> None:
    assert OUTSIDE.search(text)


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    (sprite,) = VENDOR.glob("tabler-icons-*/icons.svg")
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite.read_text()))
    for file in (CONSOLE / "templates").rglob("*.html"):
        named = set(re.findall(r'\bicon\("([\w-]+)"', file.read_text()))
        assert named <= there, file
