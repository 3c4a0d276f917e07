"""Who is asking."""

import hmac

from flask import g, request

from wallet.installation import here
from wallet.problems import refuse

ENVIRONMENT_KEY = "key:environment"


def require_key() -> None:
    """Refuse a request without a good key; note whose it is as the scope of idempotency keys."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        refuse(401, "key_missing", "Send your API key as Authorization: Bearer <key>.")
    if not hmac.compare_digest(key.encode(), here().settings.api_key.encode()):
        refuse(401, "key_unknown", "This API key is not known, or was revoked.")
    g.scope = ENVIRONMENT_KEY
