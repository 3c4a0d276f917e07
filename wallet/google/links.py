"""Save links: "add this object to my wallet", signed by us (Google Wallet, "JWTs").

As a rule the token only names the object, since the object is at Google already. So the link stays
short and has no personal data in it, and if Google refuses the card, we know before a member
presses the button. While Google's API does not answer, the token can bring the object itself, if
that is short enough."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from jwt import PyJWS

from wallet.google.account import ServiceAccount
from wallet.google.objects import GoogleBody
from wallet.passes.content import PassKind

PAYLOADS: Mapping[PassKind, tuple[str, str]] = {
    "loyalty": ("loyaltyClasses", "loyaltyObjects"),
    "offer": ("offerClasses", "offerObjects"),
    "gift_card": ("giftCardClasses", "giftCardObjects"),
    "generic": ("genericClasses", "genericObjects"),
}
LONGEST_TOKEN = 1800  # characters; browsers may cut longer links (Google Wallet, "JWTs")

_JWS = PyJWS()


def save_link(
    save_url: str,
    account: ServiceAccount,
    kind: PassKind,
    object_id: str,
    class_id: str,
    now: datetime,
) -> str:
    """The address that adds the object to the wallet of the person who opens it. Google has the
    object."""
    body = {"id": object_id, "classId": class_id}
    return save_url + _token(account, {PAYLOADS[kind][1]: [body]}, now)


def link_that_brings(
    save_url: str,
    account: ServiceAccount,
    kind: PassKind,
    bodies: Sequence[GoogleBody],
    class_: GoogleBody | None,
    now: datetime,
) -> str | None:
    """The address that brings the object to Google when it is opened, with its class if Google does
    not have that: the first of these `bodies` with which the token is short enough, None if there
    is none."""
    classes, objects = PAYLOADS[kind]
    for body in bodies:
        payload = {objects: [body], **({} if class_ is None else {classes: [class_]})}
        token = _token(account, payload, now)
        if len(token) <= LONGEST_TOKEN:
            return save_url + token
    return None


def _token(account: ServiceAccount, payload: Mapping[str, object], now: datetime) -> str:
    claims = {
        "iss": account.email,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(now.timestamp()),
        "origins": [],  # needed only if Google's own script draws the button
        "payload": payload,
    }
    # The claims in UTF-8 as they are: escaped, a Russian letter would be three times as long.
    return _JWS.encode(
        orjson.dumps(claims),
        account.key,
        algorithm="RS256",
        headers={"typ": "JWT", "kid": account.key_id},
    )
