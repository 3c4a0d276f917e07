"""Random tokens that open something. Whoever has one shows it; here lies only its hash."""

import hashlib
import secrets


def new() -> str:
    """43 URL-safe characters, 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a token: SHA-256 in hexadecimal. It cannot be turned back, and a slow hash
    would add nothing: nobody guesses 256 bits."""
    return hashlib.sha256(token.encode()).hexdigest()
