"""The roots of closed days and the key that signs them, for people who want to check that we change
nothing; and the keys that signed barcodes are checked with.

Who may call: anybody. A root reveals nothing of its postings, and how many a day had is not told
here."""

from datetime import date

import orjson
from flask import Blueprint, Response, request

from ledger.programmes import programmes
from ledger.seals import proofs
from wallet.installation import current_installation
from wallet.passes import renewal
from wallet.problems import refuse

JSON_LINES = "application/x-ndjson"
FOR_A_WHILE = "public, max-age=300"

routes = Blueprint("roots", __name__, url_prefix="/ledger")
codes = Blueprint("codes", __name__, url_prefix="/codes")


@routes.get("/key")
def key() -> Response:
    """The public keys that roots are signed with, the one in use first."""
    body = orjson.dumps({"keys": current_installation().keys.roots.public()})
    return _public(Response(body, mimetype="application/json"))


@routes.get("/roots/<programme>")
def roots(programme: str) -> Response:
    """The closed days of a programme, oldest first, one JSON object a line; with `since`, from that
    day on. 422 `date_invalid`."""
    since = _day(request.args.get("since"))
    with current_installation().database.reading() as session:
        found = programmes.by_code(session, programme)
        lines = [proofs.published(found, root) for root in proofs.roots(session, found, since)]
    body = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
    return _public(Response(body, mimetype=JSON_LINES))


@codes.get("/<programme>/keys")
def code_keys(programme: str) -> Response:
    """The public keys of the programme's cards, the one in use first: with them a till recognises a
    forged barcode of the kind ed25519 without a network."""
    with current_installation().database.reading() as session:
        found = programmes.by_code(session, programme)
    keys = renewal.checking_keys(current_installation().keys, "ed25519", found.code)
    body = {
        "programme": found.code,
        "kind": "ed25519",
        "keys": [{"id": key.id, "public_key": key.value.hex()} for key in keys],
    }
    return _public(Response(orjson.dumps(body), mimetype="application/json"))


def _day(asked: str | None) -> date:
    if asked is None:
        return date.min
    try:
        return date.fromisoformat(asked)
    except ValueError:
        refuse(422, "date_invalid")


def _public(response: Response) -> Response:
    response.headers["Cache-Control"] = FOR_A_WHILE
    return response
