"""The cashier's page on a device of its own, and without a network: the script that keeps it, and
what a browser needs to install it."""

import orjson
from flask import Response, render_template

from wallet.console import shell
from wallet.pages import language

# What the page is made of; the rest of it is the folder of its own scripts and its style.
FILES = (
    "vendor/tabler-core-1.6.1/tabler.min.css",
    "vendor/htmx-2.0.11/htmx.min.js",
    "vendor/golos-text-5.3.0/cyrillic.woff2",
    "vendor/golos-text-5.3.0/latin.woff2",
    shell.SPRITE,
    "console.css",
    "console.js",
    "kept.js",
    "mark.svg",
)
FOLDER = "counter"
# What is not fetched before it is needed.
LATER = (
    "vendor/golos-text-5.3.0/cyrillic-ext.woff2",
    "vendor/golos-text-5.3.0/latin-ext.woff2",
    "vendor/zxing-wasm-3.1.6/zxing_reader.js",
    "vendor/zxing-wasm-3.1.6/zxing_reader.wasm",
)


def worker(page: str) -> Response:
    """The script that keeps the page with this address for when there is no network. Another file,
    or another content of one, makes another script, and browsers take that for a new version."""
    own = sorted(f"{FOLDER}/{file.name}" for file in (shell.STATIC / FOLDER).iterdir())
    script = render_template(
        "console/counter/worker.js",
        page=page,
        files=[shell.file_url(name) for name in (*FILES, *own)],
        later=[shell.file_url(name) for name in LATER],
        static_path=f"{shell.PREFIX}/static/",
    )
    response = Response(script, mimetype="text/javascript")
    response.headers["Service-Worker-Allowed"] = page
    response.headers["Cache-Control"] = "no-cache"
    return response


def manifest(page: str, name: str) -> Response:
    """What the page with this address is called on a home screen, and how it looks there (W3C, Web
    Application Manifest). `name` is that of the programme."""
    told = {
        "id": page,
        "name": name,
        "short_name": name,
        "lang": language.current(),
        "start_url": page,
        "scope": page,
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#1f3a5f",
        "icons": [{"src": shell.file_url("mark.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return Response(orjson.dumps(told), mimetype="application/manifest+json")
