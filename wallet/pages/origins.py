"""On which site a form stood that was sent to us."""

from urllib.parse import urlsplit

from flask import request

from wallet.installation import current_installation

# Which sites may send a form: our own, or none (the person typed the address).
OWN_SITES = ("same-origin", "none")


def from_our_page() -> bool:
    """Whether a browser says that the form stood on our own page; True for a client that says
    nothing.

    No form here depends on a cookie, so another site gains nothing by having a visitor send one
    that it could not gain by sending it itself. But it could have thousands of visitors send
    one."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own_hosts = {request.host, urlsplit(current_installation().settings.public_url).netloc}
    return urlsplit(origin).netloc in own_hosts
