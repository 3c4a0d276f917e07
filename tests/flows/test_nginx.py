"""The nginx of deploy/, in front of a real web process."""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from processes import answers, processes, wait_until
from servers import free_port, free_ports

CONF = Path(__file__).parents[2] / "deploy/nginx/kopilka.conf"
NAME = "cards.example.com"
KEY = "sandbox-test-key-of-32-characters"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}"),
            *("-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"),
            *("-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"),
        ],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def front(environment: dict[str, str], house, tmp_path: Path) -> Iterator[str]:
    """The address of nginx, with a web process behind it."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not here (Debian: nginx-light)")
    port, plain, tls = free_ports(5), free_port(), free_port()
    _certificate(tmp_path)
    conf = CONF.read_text()
    for ours, here in (
        ("127.0.0.1:8080;", f"127.0.0.1:{port};"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
        (f"/etc/letsencrypt/live/{NAME}", str(tmp_path)),
        ("/var/log/nginx", str(tmp_path)),
    ):
        assert ours in conf
        conf = conf.replace(ours, here)
    conf = re.sub(r"^ *listen \[::\]:.*$", "", conf, flags=re.MULTILINE)
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = tmp_path / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # who may write into our folder
    whole.write_text(
        f"{user} daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;"
        f" events {{}} http {{ {temporary} {conf} }}"
    )
    more = {"PORT": str(port), "WALLET_PROXY_HOPS": "1"}
    with processes({**environment, **more}, tmp_path) as service:
        service.start("web")
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the web process")
        nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(whole)])
        try:
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", tls)) == 0, "nginx")
            yield f"https://localhost:{tls}"
        finally:
            nginx.terminate()
            nginx.wait(30)


def _outside(folder: Path) -> requests.Session:
    """Trusts the certificate of this nginx alone, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(folder / "fullchain.pem")
    return session


def test_the_outside_sees_the_service_and_nothing_of_the_operators(
    front: str, tmp_path: Path
) -> None:
    with _outside(tmp_path) as outside:
        assert outside.get(f"{front}/healthz").text == "ok\n"
        for closed in ("/metrics", "/health", "/readyz"):
            assert outside.get(f"{front}{closed}").status_code == 404
        page = outside.get(f"{front}/join/demo")
        assert page.status_code == 200
        header = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"}
        made = outside.post(
            f"{front}/api/v1/members",
            json={"programme": "demo", "name": "Анна"},
            headers={**header, "X-Forwarded-For": "127.0.0.1", "X-Request-Id": "mine-mine"},
        )
        assert made.status_code == 201
        assert made.headers["X-Request-Id"] != "mine-mine"
        token = re.search(r"/card/([^/]+)", made.json()["links"]["card"])[1]
        assert outside.get(f"{front}/card/{token}").status_code == 200
        # Larger than what Kopilka takes here, and larger than what nginx takes anywhere.
        for size in (2_000_000, 60_000_000):
            large = outside.post(
                f"{front}/api/v1/accruals",
                data=b"x" * size,
                headers={**header, "Content-Type": "application/json"},
            )
            assert large.status_code == 413
    assert token not in "".join(path.read_text() for path in tmp_path.glob("*.log"))


def test_slow_clients_are_held_by_nginx(front: str, tmp_path: Path) -> None:
    port = int(front.rpartition(":")[2])
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    slow = []
    try:
        for _ in range(30):
            plain = socket.create_connection(("127.0.0.1", port), timeout=20)
            line = context.wrap_socket(plain, server_hostname=NAME)
            line.sendall(b"POST /join/demo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            slow.append(line)
        with _outside(tmp_path) as outside:
            assert outside.get(f"{front}/healthz", timeout=30).status_code == 200
    finally:
        for line in slow:
            line.close()
