"""Public texts go out packed: documents, styles, scripts, and programs for browsers. Nothing else
does: where an answer has a secret or what is known of a person, its packed length tells something
of it (BREACH)."""

import functools
import gzip

from flask import Flask, request
from werkzeug.wrappers import Response

# What everybody gets alike.
PUBLIC_ENDPOINTS = {"openapi.spec", "api_docs.show", "api_docs.guide", "api_docs.errors"}
STATIC = ".static"
FEWEST_BYTES = 1024
LEVEL = 6
MOST_KEPT = 64  # packed texts, by what they are made of
TEXTS = ("text/", "application/json", "application/wasm", "image/svg+xml")


def add_to(app: Flask) -> None:
    """Pack public texts for whoever takes gzip."""

    @app.after_request
    def _pack(response: Response) -> Response:
        if not _is_public(request.endpoint or "") or not (response.mimetype or "").startswith(
            TEXTS
        ):
            return response
        response.vary.add("Accept-Encoding")
        if response.status_code != 200 or not request.accept_encodings["gzip"]:
            return response
        response.direct_passthrough = False
        data = response.get_data()
        if len(data) >= FEWEST_BYTES:
            response.set_data(_packed(data))
            response.headers["Content-Encoding"] = "gzip"
            if (tag := response.get_etag()[0]) is not None:
                response.set_etag(tag, weak=True)  # the same text, other bytes
        return response


def _is_public(endpoint: str) -> bool:
    return endpoint in PUBLIC_ENDPOINTS or endpoint.endswith(STATIC)


@functools.lru_cache(MOST_KEPT)
def _packed(data: bytes) -> bytes:
    return gzip.compress(data, LEVEL, mtime=0)
