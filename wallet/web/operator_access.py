"""Who may see how an installation does: this machine itself, or a key of the API with all
scopes in all programmes."""

from flask import request

from wallet.access.rights import ALL, may_everywhere
from wallet.installation import current_installation
from wallet.problems import refuse

LOOPBACK = ("127.0.0.1", "::1")


def require_operator() -> None:
    """Refuse everybody else with 401 `key_missing`. A request through a proxy on this machine seems
    to come from here, but its headers tell that it was forwarded."""
    forwarded = {"X-Forwarded-For", "Forwarded", "X-Real-Ip"} & {*map(str, request.headers.keys())}
    if request.remote_addr in LOOPBACK and not forwarded:
        return
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    house = current_installation()
    caller = house.known_keys.recognise(key, house.clock(), only_reads=True)
    if isinstance(caller, str) or not may_everywhere(caller, ALL):
        refuse(401, "key_missing", text="operator_key_missing")
