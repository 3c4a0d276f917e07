"""The sandbox's service account at Google: its key file, and the check of what is signed with it.

The file has the form in which a person downloads it from Google's console, so the service need not
read another one."""

import hashlib
import json
import os
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key

from wallet.sandbox.google.refusals import GoogleRefusal

ACCOUNT_FILE = Path("google/account.json")  # among the sandbox's data
EMAIL = "kopilka@sandbox.iam.gserviceaccount.com"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

TOKEN_LIFE = timedelta(hours=1)  # of an assertion at the most, and of a bearer token
CLOCKS_DIFFER = timedelta(minutes=5)  # at the most
REMEMBERED_TOKENS = 1000
LONGEST_TOKEN = 1800  # characters of a save link's token: browsers carry so many for certain


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """The account that may call, known by the public half of its key."""

    email: str
    key: RSAPublicKey

    @classmethod
    def read(cls, path: Path) -> "SandboxAccount":
        document = json.loads(path.read_text())
        private = serialization.load_pem_private_key(document["private_key"].encode(), None)
        public = private.public_key()
        if not isinstance(public, RSAPublicKey):
            raise ValueError("a service account has an RSA key")
        return cls(document["client_email"], public)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims in a token that the account signed. Raises ValueError. The caller judges times
        and audience, by a clock that tests can move."""
        try:
            found: dict[str, Any] = jwt.decode(
                token,
                self.key,
                algorithms=["RS256"],
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise ValueError("Invalid JWT Signature.") from error
        if found.get("iss") != self.email:
            raise ValueError("Invalid issuer: not the service account that signed.")
        return found


def token_uri(port: int) -> str:
    """Where a stand-in on this port gives out tokens."""
    return f"http://127.0.0.1:{port}/token"


def ensure_account(path: Path, token_uri: str, now: datetime) -> bool:
    """Make the key file unless it is there; True if it was written. If the stand-in has moved to
    another port, the file is written with that port and the old key: saved cards were signed with
    it."""
    if path.exists():
        document = json.loads(path.read_text())
        if document["token_uri"] == token_uri:
            return False
        document["token_uri"] = token_uri
    else:
        document = _new_document(token_uri, now)
    write_private(path, json.dumps(document, indent=2))
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def _new_document(token_uri: str, now: datetime) -> dict[str, str]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "type": "service_account",
        "project_id": "kopilka-sandbox",
        "private_key_id": hashlib.sha256(public).hexdigest()[:40],
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "client_id": f"1{int(now.timestamp()):020d}",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "universe_domain": "googleapis.com",
    }


class Doorkeeper:
    """Gives out bearer tokens for signed assertions, and recognises them later."""

    def __init__(self, account: SandboxAccount) -> None:
        self._account = account
        self._tokens: OrderedDict[str, datetime] = OrderedDict()

    def grant(self, form: Mapping[str, str], own_uri: str, now: datetime) -> dict[str, object]:
        """A token for an hour from `now`. Raises ValueError with what Google would say of the
        assertion. The assertion's times are judged by the machine's clock, since google-auth signs
        them by that one, even where a test has moved `now`."""
        if form.get("grant_type") != GRANT_TYPE:
            raise ValueError("Invalid grant_type.")
        claims = self._account.claims(form.get("assertion", ""))
        # google-auth signs for Google's own address, wherever it then sends the assertion.
        if claims.get("aud") not in (GOOGLE_TOKEN_URI, own_uri):
            raise ValueError("Invalid JWT: wrong audience.")
        if SCOPE not in str(claims.get("scope", "")).split():
            raise ValueError("Invalid OAuth scope or ID token audience provided.")
        issued, expires = claims.get("iat"), claims.get("exp")
        at = datetime.now(UTC).timestamp()
        if not isinstance(issued, int) or not isinstance(expires, int):
            raise ValueError("Invalid JWT: iat and exp are seconds.")
        slack = CLOCKS_DIFFER.total_seconds()
        is_timely = issued <= at + slack and at - slack < expires
        if not is_timely or not 0 < expires - issued <= TOKEN_LIFE.total_seconds():
            raise ValueError("Invalid JWT: Token must be a short-lived token (60 minutes).")
        token = secrets.token_urlsafe(48)
        self._tokens[token] = now + TOKEN_LIFE
        while len(self._tokens) > REMEMBERED_TOKENS:
            self._tokens.popitem(last=False)
        life_s = int(TOKEN_LIFE.total_seconds())
        return {"access_token": token, "expires_in": life_s, "token_type": "Bearer"}

    def admit(self, authorization: str, now: datetime) -> None:
        """Raises a refusal with 401 for a header without a token that is good now."""
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or self._tokens.get(token, now) <= now:
            raise GoogleRefusal(
                401,
                "authError",
                "Request had invalid authentication credentials. Expected OAuth 2 access token,"
                " login cookie or other valid authentication credential.",
            )

    def forget(self) -> None:
        """Make all tokens worthless from now on."""
        self._tokens.clear()


KNOWN = tuple(
    f"{kind}{what}"
    for kind in ("loyalty", "offer", "giftCard", "generic")
    for what in ("Classes", "Objects")
)


def save_claims(
    account: SandboxAccount, token: str, now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """The payload of a save link's token. Raises a refusal with 400 for a token that Google would
    not take."""
    try:
        claims = account.claims(token)
    except ValueError as error:
        raise _bad_token(str(error)) from error
    for name, wanted in (("aud", "google"), ("typ", "savetowallet")):
        if claims.get(name) != wanted:
            raise _bad_token(f"the claim {name} must be {wanted!r}.")
    issued = claims.get("iat")
    if not isinstance(issued, int) or isinstance(issued, bool):
        raise _bad_token("the claim iat must be a number of seconds.")
    if issued > (now + CLOCKS_DIFFER).timestamp():
        raise _bad_token("the claim iat lies in the future.")
    payload = claims.get("payload")
    if not isinstance(payload, dict) or not any(payload.values()):
        raise _bad_token("the claim payload holds no class or object.")
    for name, ones in payload.items():
        if name not in KNOWN:
            raise _bad_token(f"this stand-in knows {', '.join(KNOWN)}, not {name}.")
        if not isinstance(ones, list) or not all(isinstance(one, dict) for one in ones):
            raise _bad_token(f"{name} must be a list of objects.")
    return payload


def _bad_token(what: str) -> GoogleRefusal:
    return GoogleRefusal(400, "invalid", f"Invalid JWT: {what}")
