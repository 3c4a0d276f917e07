"""A service that brings texts to phones, which keeps what it was given."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CODE = re.compile(r"\b\d{6}\b")


class Gateway:
    """A service that brings texts to phones. `answers`: what it says to the next requests, in their
    order; then it takes all of them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        there = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                there.requests.append((self.command, self.path, dict(self.headers), body))
                self.send_response(there.answers.pop(0) if there.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_POST

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/send"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def codes(self) -> list[str]:
        """The codes among what it was given."""
        texts = [json.loads(body)["text"] for *_, body in self.requests]
        return [found[0] for text in texts if (found := CODE.search(text))]
