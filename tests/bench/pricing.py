"""What it costs to price a receipt of twenty lines by 118 promotions of all kinds, for a member who
has bought before: the arithmetic by itself, and `POST /quotes`. CPU time, to that of a Flask view
that does nothing on gunicorn. And how much more it is when nine hundred and ninety promotions stand
beside ten, and have nothing to say of this receipt."""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import servers
import supermarket
from fetching import Served, nothing_served
from processes import answers, processes, wait_until
from selling import CLOCK, FIVE_PERCENT, rub

from ledger.promotions.baskets import Basket
from ledger.promotions.pricing import PricedSale, price
from ledger.promotions.promotions import Promotion, Shelf
from ledger.promotions.situations import SalePlace
from ledger.promotions.terms import USUAL, PromotionTerms
from wallet import migrations
from wallet.configuration import settings
from wallet.configuration.settings import DEMO
from wallet.running import garbage
from wallet.running.assembly import connect
from wallet.sandbox import certificates, demo

KEY = "bench-key-of-thirty-two-characters"
PROMOTIONS = 118
FEW, MANY = 10, 1_000
ROUNDS = 15
TIMES = 30  # receipts of a round
REQUESTS = 200
EMPTY = "/healthz"


def measure() -> dict[str, float]:
    """`pricing`: the arithmetic to a view that does nothing. `promotions_growth`: by a thousand
    promotions to by ten. `quote`: `POST /quotes` to the view. And what they are made of."""
    return {**_arithmetic(), **_growth(), **_served()}


def _sale(promotions: Sequence[Promotion]) -> PricedSale:
    """The member is whoever the promotions ask for, and pays with points."""
    asked = {question.key for one in promotions for question in one.rules.asks()}
    return PricedSale(
        Basket(supermarket.basket(), "RUB"),
        USUAL,
        SalePlace(store="centre"),
        CLOCK,
        facts={**dict.fromkeys(asked, 1), "purchases": 3, "purchases today": 0},
        codes=["SPRING"],
        paid_by=frozenset(["card"]),
        rates=FIVE_PERCENT,
        available=200,
        wish="most",
    )


def _cpu(sale: PricedSale, shelf: Shelf) -> float:
    """CPU seconds of one receipt."""
    price(sale, shelf)
    begun = time.process_time()
    for _ in range(TIMES):
        price(sale, shelf)
    return (time.process_time() - begun) / TIMES


def _arithmetic() -> dict[str, float]:
    promotions = supermarket.read(supermarket.promotions(PROMOTIONS))
    garbage.spare_what_stays()  # as the web does
    sale, shelf = _sale(promotions), Shelf(promotions)
    costs, ratios = [], []
    with nothing_served() as nothing:
        empty = nothing.cpu_at_once(EMPTY, {}, REQUESTS)
        for _ in range(ROUNDS):
            costs.append(_cpu(sale, shelf))
            before, empty = empty, nothing.cpu_at_once(EMPTY, {}, REQUESTS)
            ratios.append(2 * costs[-1] / (before + empty))
    modes = {
        f"pricing_{mode}_s": min(_cpu(_with_mode(sale, mode), shelf) for _ in range(3))
        for mode in ("all", "first")
    }
    return {"pricing": statistics.median(ratios), "pricing_s": statistics.median(costs), **modes}


def _with_mode(sale: PricedSale, mode: str) -> PricedSale:
    terms = PromotionTerms.model_validate({"lanes": [{"code": "main", "mode": mode}]})
    return replace(sale, terms=terms)


def _growth() -> dict[str, float]:
    few = supermarket.promotions(FEW)
    many = {**few, **supermarket.elsewhere(MANY - FEW)}
    shelves = [Shelf(supermarket.read(told)) for told in (few, many)]
    sale = replace(_sale(supermarket.read(many)), codes=())  # a code that is entered is asked for
    assert price(sale, shelves[0]) == price(sale, shelves[1])
    rounds = [[_cpu(sale, shelf) for shelf in shelves] for _ in range(2 * ROUNDS)]
    return {
        "promotions_growth": statistics.median(many / few for few, many in rounds),
        "pricing_by_ten_s": statistics.median(few for few, _ in rounds),
    }


def _served() -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as name,
        servers.postgres() as server,
        servers.redis() as redis_url,
    ):
        server.execute("CREATE DATABASE tills")
        folder, port = Path(name), servers.free_port()
        certificates.ensure_chain(folder / "certs", datetime.now(UTC))
        environment = {
            "PORT": str(port),
            "WALLET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "WALLET_DATA": name,
            "WALLET_DATABASE_URL": server.url("tills"),
            "WALLET_BROKER_URL": redis_url,
            "WALLET_APPLE_CERTS": str(folder / "certs"),
            "WALLET_APNS_URL": "https://127.0.0.1:9",
            "WALLET_API_KEY": KEY,
            "WALLET_SECRET_KEY": "bench-secret-of-thirty-two-characters",
            "WALLET_RATE_LIMITS": "api=1000000/second",
            "WEB_CONCURRENCY": "1",
        }
        installation = connect(settings.from_env(environment))
        migrations.upgrade(installation.database.engine)
        with installation.database.transaction() as session:
            demo.ensure(session, datetime.now(UTC))
        installation.database.close()
        with nothing_served() as nothing, processes(environment, folder) as started:
            web = started.start("web")
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the web to answer")
            body = folder / "receipt.json"
            body.write_text(json.dumps(_shop(port)))
            return _quotes(Served(port, web.pid), nothing, body)


def _quotes(ours: Served, nothing: Served, body: Path) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    costs, ratios = [], []
    empty = nothing.cpu_at_once(EMPTY, {}, REQUESTS)
    for _ in range(ROUNDS):
        costs.append(ours.cpu_at_once("/api/v1/quotes", headers, REQUESTS, body))
        before, empty = empty, nothing.cpu_at_once(EMPTY, {}, REQUESTS)
        ratios.append(2 * costs[-1] / (before + empty))
    return {"quote": statistics.median(ratios), "quote_s": statistics.median(costs)}


def _shop(port: int) -> dict[str, Any]:
    """The supermarket, made over the API. Returns the receipt that is priced."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"

        def call(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            url = f"http://127.0.0.1:{port}/api/v1/{path}"
            headers = {"Idempotency-Key": f"{path} {body.get('receipt', body.get('code'))}"}
            answer = session.request(method, url, json=body, headers=headers, timeout=30)
            assert answer.ok, answer.text
            found: dict[str, Any] = answer.json()
            return found

        of = {"programme": DEMO}
        terms = {"percent_back": "5", "percent_payable": "100", "point_worth": rub("1.00")}
        call("PUT", f"programmes/{DEMO}/base", {**terms, "live_days": 365})
        call("PUT", "stores/centre", of)
        call("PUT", "categories/food", {**of, "name": "Food"})
        for number in range(supermarket.SHELVES):
            shelf = {**of, "name": f"Shelf {number}", "parent": "food"}
            call("PUT", f"categories/shelf-{number}", shelf)
        products = [supermarket.product(number) for number in range(supermarket.LINES)]
        call("POST", "products/batch", {**of, "items": products})
        member = call("POST", "members", {**of, "name": "Olga", "birthday": "1990-05-20"})
        for number in range(20):
            accrual = {"member": member["id"], "points": 10, "receipt": str(number)}
            call("POST", "accruals", {**accrual, "purchase": rub("500.00")})
        for code, rules in supermarket.promotions(PROMOTIONS).items():
            call("POST", "promotions", {**of, "code": code, **rules})
            call("POST", f"promotions/{code}/publish", of)
        lines = [
            {"id": str(place), "sku": one["sku"], "quantity": supermarket.quantity(place)}
            for place, one in enumerate(products)
        ]
        receipt = {**of, "store": "centre", "member": member["id"], "lines": lines}
        told = {**receipt, "codes": ["SPRING"], "pay": {"points": "most"}}
        quote = call("POST", "quotes", told)
        assert any(one["outcome"] == "applied" for one in quote["promotions"])
        return told


if __name__ == "__main__":
    for name, figure in measure().items():
        sys.stdout.write(f"{name:20} {figure:10.5f}\n")
