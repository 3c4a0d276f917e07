"""The stand-in for Apple's push service that is no bottleneck, and h2load, which knows how fast it
can be asked. Both may be missing on a machine: then `missing()` says what to install."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

SOURCE = Path(__file__).parents[1] / "tools" / "fake_apns.c"
TOKEN = "ab" * 32
TOOLS = {"cc": "gcc libc6-dev libnghttp2-dev libssl-dev", "h2load": "nghttp2-client"}


def missing() -> str:
    """What to install; empty if nothing is."""
    packages = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not packages and not Path("/usr/include/nghttp2/nghttp2.h").exists():
        packages.append("libnghttp2-dev")
    return f"apt-get install {' '.join(packages)}" if packages else ""


@dataclass(frozen=True)
class FastApns:
    url: str
    pass_type: str
    control: str
    pid: int

    def accepted(self) -> int:
        return int(self._ask("GET", "/stats")["accepted"])

    def answer_after(self, milliseconds: int) -> None:
        self._ask("POST", f"/settings?latency_ms={milliseconds}")

    def forget(self) -> None:
        self._ask("POST", "/reset")

    def pushes(self, since: int) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self._ask("GET", f"/pushes?since={since}")["pushes"]
        return found

    def h2load(self, pushes: int) -> float:
        """Seconds that h2load takes for so many pushes over one connection."""
        with tempfile.NamedTemporaryFile() as body:
            body.write(b"{}")
            body.flush()
            command = ["h2load", f"-n{pushes}", "-c1", "-m1000", "-t1", f"-d{body.name}"]
            # h2load shows no client certificate, and the server insists on none.
            for name, value in (
                ("apns-topic", self.pass_type),
                ("apns-push-type", "background"),
                ("apns-priority", "5"),
                ("apns-expiration", "1999999999"),
                ("content-type", "application/json"),
            ):
                command += ["-H", f"{name}: {value}"]
            command.append(f"{self.url}/3/device/{TOKEN}")
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"{pushes} succeeded" in said, said
        seconds, unit = re.search(r"finished in ([0-9.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]
        return float(seconds) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[unit]

    def _ask(self, method: str, path: str) -> Any:
        with urlopen(Request(self.control + path, method=method), timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())


@contextlib.contextmanager
def serving(certificates: Path, pass_type: str) -> Iterator[FastApns]:
    # As Apple does, it knows its own intermediates: clients send their certificate alone.
    trusted = certificates / "trusted.pem"
    trusted.write_bytes(
        b"".join((certificates / f"{n}.pem").read_bytes() for n in ("root", "server"))
    )
    command = [
        _built(),
        *("--port", "0", "--control-port", "0", "--topics", pass_type, "--keep", "2000000"),
        *("--cert", certificates / "server.pem", "--key", certificates / "server.key"),
        *("--ca", trusted, "--die-with-parent"),
    ]
    server = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        places = (f"https://127.0.0.1:{said['port']}", f"http://127.0.0.1:{said['control_port']}")
        yield FastApns(places[0], pass_type, places[1], server.pid)
    finally:
        server.terminate()
        server.wait(10)


def _built() -> Path:
    """Compiled once for each version of the source."""
    name = f"fake_apns-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}-{os.getuid()}"
    binary = Path(tempfile.gettempdir()) / name
    if not binary.exists():
        part = binary.with_suffix(f".{os.getpid()}")
        libraries = ["-lnghttp2", "-lssl", "-lcrypto"]
        subprocess.run(["cc", "-O2", "-o", part, SOURCE, *libraries], check=True)
        part.replace(binary)
    return binary
