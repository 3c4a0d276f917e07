"""Save links: "add this object to my wallet", signed by us (Google Wallet, "JWTs").

The token names the object and nothing else, since the object is at Google already: so the link
stays short, carries no personal data, and what Google thinks of the card is known before a customer
meets it."""

from collections.abc import Mapping
from datetime import datetime

import jwt

from wallet.google.account import ServiceAccount
from wallet.passes.content import PassKind

PAYLOADS: Mapping[PassKind, str] = {
    "loyalty": "loyaltyObjects",
    "offer": "offerObjects",
    "gift_card": "giftCardObjects",
    "generic": "genericObjects",
}


def save_link(
    save_url: str,
    account: ServiceAccount,
    kind: PassKind,
    object_id: str,
    class_id: str,
    now: datetime,
) -> str:
    claims = {
        "iss": account.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": [],  # asked for only where Google's own script draws the button
        "payload": {PAYLOADS[kind]: [{"id": object_id, "classId": class_id}]},
    }
    token = jwt.encode(claims, account.key, algorithm="RS256", headers={"kid": account.key_id})
    return save_url + token
