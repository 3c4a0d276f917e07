"""Save links: "add this object to my wallet", signed by us (Google Wallet, "JWTs").

The token only names the object, since the object is at Google already. So the link stays short and
has no personal data in it, and if Google refuses the card, we know before a member presses the
button."""

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
    """The address that adds the object to the wallet of the person who opens it."""
    claims = {
        "iss": account.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": [],  # needed only if Google's own script draws the button
        "payload": {PAYLOADS[kind]: [{"id": object_id, "classId": class_id}]},
    }
    token = jwt.encode(claims, account.key, algorithm="RS256", headers={"kid": account.key_id})
    return save_url + token
