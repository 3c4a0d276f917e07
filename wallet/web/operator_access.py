"""Who may see how an installation does: this machine itself, or a key of the API that may do
everything."""

from flask import request

from wallet.access import apikeys
from wallet.access.apikeys import ALL
from wallet.installation import current_installation
from wallet.problems import refuse

LOOPBACK = ("127.0.0.1", "::1")


def require_operator() -> None:
    """A request that came through a proxy seems to come from this machine, but says otherwise."""
    forwarded = {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & {*map(str, request.headers.keys())}
    if request.remote_addr in LOOPBACK and not forwarded:
        return
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    caller = apikeys.recognise(
        current_installation().database, key, current_installation().settings.api_key
    )
    if caller is None or not caller.may(ALL):
        refuse(401, "key_missing", text="operator_key_missing")
