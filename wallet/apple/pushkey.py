"""The .p8 key that may speak to Apple's push service in place of a certificate, and its tokens.

The rules are those of Apple's "Establishing a token-based connection to APNs"."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm
from jwt.api_jws import PyJWS
from jwt.utils import der_to_raw_signature

from wallet.errors import SettingsError

SETTING = "WALLET_APNS_KEY"
ALGORITHM = "ES256"

# Apple refuses tokens older than an hour, and whoever changes theirs more than once in 20 minutes.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TURN = timedelta(minutes=30)
SHORTEST_USE = timedelta(minutes=20)
CLOCKS_DIFFER = timedelta(minutes=1)


class _RepeatableES256(ECAlgorithm):
    """The same bytes for the same claims (RFC 6979); other signers put chance into them."""

    def __init__(self) -> None:
        super().__init__(ECAlgorithm.SHA256, ec.SECP256R1)

    def sign(self, msg: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        signed = key.sign(msg, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return der_to_raw_signature(signed, key.curve)


_JWS = PyJWS(algorithms=[])
_JWS.register_algorithm(ALGORITHM, _RepeatableES256())


@dataclass(frozen=True, slots=True)
class PushKey:
    """A key of a team, by the name that Apple gave it."""

    key_id: str
    team: str
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def load(cls, file: Path, key_id: str, team: str) -> "PushKey":
        """Raises `SettingsError` in words that say what to do."""
        try:
            key = load_pem_private_key(file.read_bytes(), None)
        except OSError as error:
            raise SettingsError(SETTING, f"{file} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                SETTING, f"{file} is not a key as Apple gives it. {_ADVICE}"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise SettingsError(SETTING, f"{file} is a key of another kind. {_ADVICE}")
        return cls(key_id, team, key)

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        return self._key.public_key()

    def token(self, issued_at: datetime) -> str:
        claims = orjson.dumps({"iss": self.team, "iat": int(issued_at.timestamp())})
        return _JWS.encode(claims, self._key, ALGORITHM, {"kid": self.key_id})


class ProviderTokens:
    """The token of the moment, for every connection of this process. Safe in any thread.

    Apple wants few different tokens, and does not say whether it counts them by connection, address
    or team. So they are issued for the half hours of the clock and signed repeatably: all processes
    of an installation, and one that starts again and again, bring the same token. It is changed
    after 20 to 50 minutes and is never older than 51."""

    def __init__(self, key: PushKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._token = ""
        self._issued_at = self._taken_at = self._renewed_at = EPOCH

    @property
    def team(self) -> str:
        return self._key.team

    def current(self, now: datetime) -> str:
        with self._lock:
            # A clock that is a little fast must not bring a token from Apple's future.
            moment = now - CLOCKS_DIFFER
            turn = moment - (moment - EPOCH) % TURN
            used_long = now - self._taken_at >= SHORTEST_USE
            if not self._token or (turn > self._issued_at and used_long):
                self._take(turn, now)
            return self._token

    def renew(self, refused: str, now: datetime) -> bool:
        """Take a token of this very moment in place of one that Apple calls expired.

        False if that was done less than 20 minutes ago: then this machine's clock is wrong, and
        many tokens would only be refused for being many."""
        with self._lock:
            if self._token != refused:
                return True  # another connection was here first
            if now - self._renewed_at < SHORTEST_USE:
                return False
            self._renewed_at = now
            self._take(now, now)
            return True

    def _take(self, issued_at: datetime, now: datetime) -> None:
        self._token = self._key.token(issued_at)
        self._issued_at, self._taken_at = issued_at, now


_ADVICE = (
    "Make one in Apple's developer portal (Keys, Apple Push Notifications service) and give the"
    " AuthKey_….p8 file as it was downloaded."
)
