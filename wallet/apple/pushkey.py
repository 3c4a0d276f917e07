"""The .p8 key that is used towards Apple's push service instead of a certificate, and its tokens.

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

# Apple refuses a token older than an hour, and a team that changes tokens more than once in 20
# minutes.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TURN = timedelta(minutes=30)  # tokens are issued for each full half hour of the clock
SHORTEST_USE = timedelta(minutes=20)
CLOCKS_DIFFER = timedelta(minutes=1)  # by so much our clock may be ahead of Apple's


class _RepeatableES256(ECAlgorithm):
    """Signs the same claims with the same bytes (RFC 6979). Other signers use random numbers."""

    def __init__(self) -> None:
        super().__init__(ECAlgorithm.SHA256, ec.SECP256R1)

    def sign(self, msg: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        signed = key.sign(msg, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return der_to_raw_signature(signed, key.curve)


_JWS = PyJWS(algorithms=[])
_JWS.register_algorithm(ALGORITHM, _RepeatableES256())


@dataclass(frozen=True, slots=True)
class PushKey:
    """The push key of a team. `key_id` is the name that Apple gave it."""

    key_id: str
    team: str
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def load(cls, file: Path, key_id: str, team: str) -> "PushKey":
        """The key in a .p8 file. Raises `SettingsError`, whose words say what to do."""
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
        """The public half, with which a stand-in for Apple checks tokens."""
        return self._key.public_key()

    def token(self, issued_at: datetime) -> str:
        """A provider token (a JWT) as it is sent with each push; the same bytes for the same
        moment."""
        claims = orjson.dumps({"iss": self.team, "iat": int(issued_at.timestamp())})
        return _JWS.encode(claims, self._key, ALGORITHM, {"kid": self.key_id})


class ProviderTokens:
    """The provider token of the moment, for every connection of this process. Safe in any thread.

    Apple wants few different tokens, and does not say whether it counts them by connection, address
    or team. So tokens are issued for the half hours of the clock and signed repeatably: all
    processes of an installation send the same token, also a process that is restarted again and
    again. A token is used for 20 to 50 minutes and is never older than 51."""

    def __init__(self, key: PushKey) -> None:
        self._key = key
        self._lock = threading.Lock()
        self._token = ""
        self._issued_at = self._taken_at = self._renewed_at = EPOCH

    @property
    def team(self) -> str:
        """The team whose key signs these tokens."""
        return self._key.team

    def current(self, now: datetime) -> str:
        """The token to send at this moment. It stays the same for at least `SHORTEST_USE`."""
        with self._lock:
            # If our clock is a little fast, the token must not lie in Apple's future.
            moment = now - CLOCKS_DIFFER
            turn = moment - (moment - EPOCH) % TURN
            used_long = now - self._taken_at >= SHORTEST_USE
            if not self._token or (turn > self._issued_at and used_long):
                self._take(turn, now)
            return self._token

    def renew(self, refused: str, now: datetime) -> bool:
        """Replace a token that Apple calls expired by a token of this very moment.

        False if that was done less than 20 minutes ago: then the clock of this machine is wrong,
        and more tokens would only be refused because they are many."""
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
