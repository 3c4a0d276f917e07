"""The shop's side of the sandbox: what a till does, through the API that every till uses."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wallet.sandbox.exchanges import ExchangeCaller, Journal, ServiceAnswer
from wallet.sandbox.troubles import SandboxTrouble

API = "/api/v1"
AGENT = "Kopilka sandbox till"
UNAUTHORISED = 401
LONGEST_NUMBER = 32  # characters; what is longer is a signed code


@dataclass(frozen=True, slots=True)
class Customer:
    """A member as the till knows them. `apple`: the address of their pass. `google`: their link to
    Google Wallet, None if the service offers none."""

    id: str
    programme: str
    card: str
    apple: str
    google: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What the service answered, and the moment when the answer had arrived."""

    points: int
    at: datetime


class Shop:
    """Talks to the service at `url`. Refusals are `SandboxTrouble`."""

    def __init__(self, url: str, api_key: str, journal: Journal) -> None:
        self._url = url.rstrip("/") + API
        self._key = api_key
        self._caller = ExchangeCaller("till", AGENT, journal)

    def join(self, programme: str, name: str, locale: str) -> Customer:
        """A new customer, who agrees to messages: whoever tries the service sends one to them."""
        body = {
            "programme": programme,
            "name": name,
            "locale": locale,
            "consents": [{"purpose": "marketing", "given": True}],
        }
        return _customer(self._post("members", body, "join").json())

    def scan(self, barcode: str) -> str:
        """The number of the card with this barcode. A plain number needs no request: only a longer
        text is a code that may be forged or used up."""
        if len(barcode) <= LONGEST_NUMBER:
            return barcode
        found = self._post("scans", {"barcode": barcode}, "scan").json()
        return str(found["card"]["number"])

    def find(self, card: str) -> Customer:
        """The member whose card has this number."""
        found = self._ask("GET", f"members?card={quote(card, safe='')}", None, "find").json()
        if not found["items"]:
            raise SandboxTrouble("card_of_others")
        return _customer(found["items"][0])

    def accrue(self, card: str, points: int, reason: str) -> Sale:
        """`Sale.points` is the balance after it."""
        body = {"card": card, "points": points, "reason": reason}
        return self._balance(self._post("accruals", body, "accrue"))

    def redeem(self, card: str, points: int, reason: str) -> Sale:
        body = {"card": card, "points": points, "reason": reason}
        return self._balance(self._post("redemptions", body, "redeem"))

    def offer(self, customer: Customer, title: str, text: str) -> datetime:
        """Publish an offer for this customer alone; returns when that was answered."""
        body = {
            "programme": customer.programme,
            "title": title,
            "text": text,
            "member": customer.id,
        }
        return self._post("offers", body, "offer").at

    @staticmethod
    def _balance(answer: ServiceAnswer) -> Sale:
        return Sale(int(answer.json()["balance"]["available"]), answer.at)

    def _post(self, path: str, body: dict[str, Any], purpose: str) -> ServiceAnswer:
        return self._ask("POST", path, body, purpose)

    def _ask(self, method: str, path: str, body: object, purpose: str) -> ServiceAnswer:
        headers = {"Authorization": f"Bearer {self._key}"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        answer = self._caller.ask(
            method, f"{self._url}/{path}", purpose, headers=headers, body=body
        )
        if answer.status == UNAUTHORISED:
            raise SandboxTrouble("key_unknown")
        if answer.status >= 400:
            raise _refusal(answer)
        return answer


def _customer(found: dict[str, Any]) -> Customer:
    links = found["links"]
    return Customer(
        found["id"], found["programme"], found["card"]["barcode"], links["apple"], links["google"]
    )


def _refusal(answer: ServiceAnswer) -> SandboxTrouble:
    """A refusal in the sandbox's own words where it has them in the reader's language, otherwise in
    the service's."""
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (KeyError, TypeError, ValueError):
        return SandboxTrouble("api_failed", status=answer.status)
    if code == "insufficient_points":
        return SandboxTrouble("insufficient_points")
    if code == "unknown_card":
        return SandboxTrouble("card_of_others")
    return SandboxTrouble("api_refused", status=answer.status, detail=detail)
