"""Brings what the console's pages use from others: exact versions from npm, their files and
licences copied, their hashes written down. `make vendor` runs it where Node is; nothing of Node
is needed to run Kopilka or to test it.

npm checks each package by the hash in package-lock.json, and none of their scripts runs."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VENDOR = HERE.parent / "wallet/console/static/vendor"
LOCK, LIST, LICENCE, NOTICE = "vendor.lock.json", "THIRD_PARTY.md", "LICENSE", "NOTICE"

# Names of Tabler's outlined icons.
ICONS = """
    address-book alert-circle alert-triangle arrow-down arrow-left arrow-merge arrow-right arrow-up
    ban bell bolt building building-store bulb calendar camera cash-register certificate chart-bar
    chart-line check checklist chevron-down chevron-left chevron-right circle-check circle-dot clock
    coin coins copy credit-card device-desktop device-mobile device-tablet discount dots
    dots-vertical download external-link eye file-spreadsheet file-text filter fingerprint flag gift
    help history home id inbox info-circle key keyboard language link list-check loader lock logout
    mail map-pin menu-2 palette pencil phone photo player-pause player-play player-stop plus printer
    qrcode receipt refresh rotate scan search send settings shield-lock tag target trash upload user
    user-circle user-plus users webhook world x
"""

# Licences that ask for nothing but that their text goes along, and a NOTICE if there is one.
ACCEPTED = {"0BSD", "Apache-2.0", "MIT", "OFL-1.1"}

# The tarball of Tabler has no text of its licence; the head of its stylesheet names the owners.
MIT = """MIT License

Copyright (c) 2018-2026 The Tabler Authors
Copyright (c) 2018-2026 codecalm.net Paweł Kuna

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """What is taken of a package of npm: files by their new names, and where we keep them.
    `licence_text` stands in for a text that the package itself lacks. `compiled_in` names what of
    others its files are made of, with the licence, whose text is in our folder `licences`."""

    npm: str
    name: str
    files: Mapping[str, str] = field(default_factory=dict)
    icons: Sequence[str] = ()
    licence_text: str | None = None
    compiled_in: Mapping[str, str] = field(default_factory=dict)


PACKAGES = (
    Package("htmx.org", "htmx", {"htmx.min.js": "dist/htmx.min.js"}),
    Package(
        "@tabler/core",
        "tabler-core",
        {"tabler.min.css": "dist/css/tabler.min.css"},
        licence_text=MIT,
    ),
    Package("@tabler/icons", "tabler-icons", icons=ICONS.split()),
    Package(
        "cropperjs",
        "cropperjs",
        {"cropper.min.js": "dist/cropper.min.js", "cropper.min.css": "dist/cropper.min.css"},
    ),
    Package("echarts", "echarts", {"echarts.min.js": "dist/echarts.esm.min.mjs"}),
    Package(
        "zxing-wasm",
        "zxing-wasm",
        {
            "zxing_reader.js": "dist/iife/reader/index.js",
            "zxing_reader.wasm": "dist/reader/zxing_reader.wasm",
        },
        compiled_in={"zxing-cpp": "Apache-2.0"},
    ),
    Package(
        "@fontsource-variable/golos-text",
        "golos-text",
        {
            f"{part}.woff2": f"files/golos-text-{part}-wght-normal.woff2"
            for part in ("cyrillic", "cyrillic-ext", "latin", "latin-ext")
        },
    ),
)


def main() -> None:
    """Replace the folder of vendored files by what package.json asks for."""
    with tempfile.TemporaryDirectory() as folder:
        modules = _installed(Path(folder))
        shutil.rmtree(VENDOR, ignore_errors=True)
        entries = [_copy(package, modules / package.npm) for package in PACKAGES]
    (VENDOR / LOCK).write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
    (VENDOR / LIST).write_text("".join(_list(entries)))


def _installed(folder: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "node_modules"


def _copy(package: Package, source: Path) -> dict[str, Any]:
    about = json.loads((source / "package.json").read_text())
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"][package.npm]
    if about["version"] != wanted:
        sys.exit(f"{package.npm}: {about['version']} came where {wanted} was asked for")
    if about["license"] not in ACCEPTED:
        sys.exit(f"{package.npm}: nobody has read the licence {about['license']}")
    folder = VENDOR / f"{package.name}-{wanted}"
    folder.mkdir(parents=True)
    for name, original in package.files.items():
        shutil.copyfile(source / original, folder / name)
    if package.icons:
        (folder / "icons.svg").write_text(_sprite(source / "icons/outline", package.icons))
    (folder / LICENCE).write_text(package.licence_text or _licence_of(source))
    if (source / NOTICE).is_file():
        shutil.copyfile(source / NOTICE, folder / NOTICE)
    for other in package.compiled_in:
        shutil.copyfile(HERE / "licences" / other, folder / f"{LICENCE}-{other}")
    return {
        "name": package.name,
        "npm": package.npm,
        "version": wanted,
        "licence": about["license"],
        **({"compiled_in": dict(package.compiled_in)} if package.compiled_in else {}),
        "files": {
            str(file.relative_to(VENDOR)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.iterdir())
        },
    }


def _licence_of(source: Path) -> str:
    if not (source / LICENCE).is_file():
        sys.exit(f"{source.name} brings no text of its licence: name one in PACKAGES")
    return (source / LICENCE).read_text()


def _sprite(folder: Path, names: Sequence[str]) -> str:
    """All icons in one file, each a symbol under its own name. Colour and width of the strokes are
    those of the place where an icon is used."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor">\n'
    return (
        head
        + "".join(_symbol(name, (folder / f"{name}.svg").read_text()) for name in names)
        + ("</svg>\n")
    )


def _symbol(name: str, icon: str) -> str:
    shapes = re.findall(r"<(?:path|circle|rect|line|ellipse|polyline)\b[^>]*>", icon)
    drawn = [" ".join(one.split()) for one in shapes if 'stroke="none"' not in one]
    if not drawn:
        sys.exit(f"{name}: nothing is drawn")
    strokes = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{name}" viewBox="0 0 24 24" {strokes}>{"".join(drawn)}</symbol>\n'


def _list(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "# What the console's pages bring from others\n\n"
    yield f"Made by `make vendor`. The hash of each file is in `{LOCK}`, each licence beside its\n"
    yield "files.\n\n| what | version | licence | npm package |\n| --- | --- | --- | --- |\n"
    for one in entries:
        licence = f"[{one['licence']}]({one['name']}-{one['version']}/{LICENCE})"
        yield f"| {one['name']} | {one['version']} | {licence} | `{one['npm']}` |\n"
        for other, its_licence in one.get("compiled_in", {}).items():
            text = f"{one['name']}-{one['version']}/{LICENCE}-{other}"
            yield f"| {other} | in {one['name']} | [{its_licence}]({text}) | `{one['npm']}` |\n"


if __name__ == "__main__":
    main()
