"""Where a form that was sent to us stood."""

from urllib.parse import urlsplit

from flask import request

from wallet.installation import current_installation

# Whose pages may send a form: our own, or nobody's (somebody typed the address).
OWN_SITES = ("same-origin", "none")


def from_our_page() -> bool:
    """Whether a browser says that the form stood on our own page.

    Nothing here hangs on a cookie, so another site gains nothing by sending a form that it could
    not get by sending it itself; but it could make its visitors do so in thousands."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own_hosts = {request.host, urlsplit(current_installation().settings.public_url).netloc}
    return urlsplit(origin).netloc in own_hosts
