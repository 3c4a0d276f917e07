"""A TypeScript client, made from the OpenAPI document by openapi-typescript: a program that uses it
is accepted by the strict compiler, and works against a running service."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

SOURCE = Path(__file__).parent / "typescript_client"
AS_THE_GUIDE_SAYS = ("--default-non-nullable=false", "--output", "kopilka.d.ts")
KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def folder(npm_folder: Callable[[Path], Path], client: FlaskClient, tmp_path: Path) -> Path:
    """A project that has the types of the contract."""
    installed = npm_folder(SOURCE)
    for name in ("package.json", "tsconfig.json", "story.ts"):
        shutil.copy(installed / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    (tmp_path / "openapi.json").write_bytes(client.get("/api/openapi.json").data)
    node(tmp_path, "openapi-typescript", "openapi.json", *AS_THE_GUIDE_SAYS)
    return tmp_path


def node(folder: Path, tool: str, *arguments: str) -> str:
    """What a tool of the project says; it has to succeed."""
    done = subprocess.run(
        [f"node_modules/.bin/{tool}", *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_made_client_joins_accrues_and_reads(folder: Path, address: str) -> None:
    node(folder, "tsc")
    done = subprocess.run(
        ["node", "story.js", address, KEY], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "available": 100,
        "lines": [[100, "1001"]],
        "refused": [409, "insufficient_points", 100],
    }
