"""The cashier's page itself, and what a browser asks of it by itself: what keeps it open without a
network, and receipts that waited for one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import orjson
from flask import Blueprint, Response, request, url_for
from flask_wtf.csrf import generate_csrf
from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from sqlalchemy.orm import Session

from ledger import strict_json
from ledger.errors import IdempotencyConflict, Refusal
from ledger.money import Money
from ledger.points import checkout
from ledger.programmes import units
from ledger.strict_json import JsonMalformed
from wallet.access.counter_deeds import LONGEST_KEY, CounterDeed
from wallet.console import pages
from wallet.console.counter import offline, places, refusals
from wallet.console.counter.places import COUNTER, SERVES
from wallet.console.pages import needs
from wallet.counter import serving
from wallet.counter.serving import LONGEST_TYPED, LateSale
from wallet.installation import current_installation
from wallet.pages.language import gettext as _
from wallet.passes import renewal

routes = Blueprint("counter", __name__)

EARNS = "points:write"
MOST_AT_ONCE = 50


class KeptReceipt(BaseModel):
    """A receipt that waited in a browser. `at`: by the clock of the device."""

    key: Annotated[str, Field(min_length=8, max_length=LONGEST_KEY)]
    card: Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$")]
    at: AwareDatetime


class KeptReceipts(BaseModel):
    """Receipts that waited; `now`: what the clock of the device says at this moment."""

    now: AwareDatetime
    entries: Annotated[list[KeptReceipt], Field(max_length=MOST_AT_ONCE)]


@routes.get(COUNTER)
@needs(SERVES)
def show() -> str:
    """The page between two guests. It says nothing of any."""
    return pages.show("console/counter/page.html", "counter", **places.around())


@routes.get(f"{COUNTER}/worker.js")
@needs(SERVES)
def worker() -> Response:
    """The script that keeps the page for when there is no network."""
    return offline.worker(_address())


@routes.get(f"{COUNTER}/app.webmanifest")
@needs(SERVES)
def manifest() -> Response:
    """What the page is called on a home screen."""
    return offline.manifest(_address(), pages.programme().name)


@routes.get(f"{COUNTER}/token")
@needs(SERVES)
def token() -> Response:
    """The token of this browser's forms, for a page that was open while somebody signed in anew."""
    return _json({"csrf": generate_csrf()})


@routes.get(f"{COUNTER}/keys")
@needs(SERVES)
def keys() -> Response:
    """The public keys by which a browser tells forged codes of cards without a network, as
    `/codes/<programme>/keys` publishes them."""
    code = pages.programme().code
    found = renewal.checking_keys(current_installation().keys, "ed25519", code)
    public = [{"id": key.id, "public_key": key.value.hex()} for key in found]
    return _json({"programme": code, "kind": "ed25519", "keys": public})


@routes.post(f"{COUNTER}/queue")
@needs(EARNS)
def send_kept() -> Response:
    """Settle the receipts that waited, each by itself and once. 422 for what no page of ours
    sends."""
    try:
        sent = KeptReceipts.model_validate(strict_json.read(request.get_data()))
    except (ValidationError, JsonMalformed):
        return _json({"outcomes": []}, 422)
    house = current_installation()
    clock_is_off = house.clock() - sent.now
    outcomes = [_settle(one, one.at + clock_is_off) for one in sent.entries]
    return _json({"outcomes": outcomes})


def _settle(kept: KeptReceipt, at: datetime) -> dict[str, str]:
    house = current_installation()

    def late(session: Session) -> LateSale:
        unit = units.named(session, pages.programme().id, None)
        rates = checkout.rates_of(session, unit)
        currency = unit.currency or "RUB" if rates is None else rates.currency
        return LateSale(kept.key, kept.card, Money(kept.amount, currency), at)

    def settle(session: Session) -> CounterDeed:
        programme, by = pages.programme_row(session), places.at_counter(session)
        now = house.clock()
        return serving.sell_late(session, house.keys, programme, late(session), by, now)

    def refuse(session: Session) -> CounterDeed:
        by = places.at_counter(session)
        return serving.refuse_late(session, late(session), refused.code, by, house.clock())

    try:
        deed, words = house.database.run(settle), _("This receipt was refused before.")
    except Refusal as refusal:
        refused, words = refusal, refusals.in_short(refusal)[0]
        if isinstance(refusal, IdempotencyConflict):  # the row under this key is another receipt's
            return {"key": kept.key, "outcome": "refused", "words": words}
        deed = house.database.run(refuse)
    if deed.state == "refused":
        return {"key": kept.key, "outcome": "refused", "words": words}
    return {"key": kept.key, "outcome": "done", "words": ""}


def _address() -> str:
    return url_for("console.counter.show", programme=pages.programme().code)


def _json(told: dict[str, str | Sequence[dict[str, str]]], status: int = 200) -> Response:
    response = Response(orjson.dumps(told), status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
