"""What browsers may do with our answers, and who may keep them: no more than is needed. A page that
needs something else says so itself, before."""

from flask import Flask, request
from werkzeug.wrappers import Response

PAGE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "browsing-topics=(), camera=(), display-capture=(), geolocation=(),"
    " microphone=(), payment=(), usb=()",
    # Whoever opened a page of ours, or was opened by one, cannot reach into it.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
# The cashier's page reads codes with the camera, by a program of WebAssembly.
COUNTER = "console.counter.show"
AT_THE_COUNTER = {
    **PAGE,
    "Content-Security-Policy": PAGE["Content-Security-Policy"].replace(
        "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
    ),
    "Permissions-Policy": PAGE["Permissions-Policy"].replace("camera=()", "camera=(self)"),
}
A_YEAR = "max-age=31536000"  # without other names of the domain: those are not ours to speak for


def add_to(app: Flask, public_url: str) -> None:
    """Send the headers with every answer. Browsers that were here once come by https alone from
    then on, if that is how they came."""
    by_https = public_url.startswith("https:")

    @app.after_request
    def _send(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Referrer-Policy", "no-referrer")
        if by_https:
            headers["Strict-Transport-Security"] = A_YEAR
        if headers.get("Content-Type", "").startswith("text/html"):
            page = AT_THE_COUNTER if request.endpoint == COUNTER else PAGE
            for name, value in page.items():
                headers.setdefault(name, value)
            response.vary.update(("Accept-Language", "Cookie"))  # either chooses the language
        elif request.path.startswith("/api/v1/"):
            headers.setdefault("Cache-Control", "no-store")
        return response
