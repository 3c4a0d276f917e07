"""The service account: our identity at Google. One key serves both the API and the save links."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from ledger import strict_json
from ledger.strict_json import JsonMalformed
from wallet.errors import SettingsError

SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
SETTING = "WALLET_GOOGLE_CREDENTIALS"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The account as its JSON file describes it. `key` signs save links; `credentials` get tokens
    for the API."""

    email: str
    key_id: str
    key: rsa.RSAPrivateKey = field(repr=False)
    credentials: service_account.Credentials = field(repr=False)


def load(path: Path) -> ServiceAccount:
    """Read the JSON file that the Cloud console gave out. Raises `SettingsError`, whose words say
    what to do."""
    try:
        info = strict_json.read(path.read_bytes())
    except OSError as error:
        raise SettingsError(SETTING, f"{path} cannot be read: {error.strerror}.") from error
    except JsonMalformed as error:
        raise SettingsError(SETTING, f"{path} is not JSON. {_ADVICE}") from error
    try:
        credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            info, scopes=[SCOPE]
        )
        key = load_pem_private_key(info["private_key"].encode(), None)
        key_id, email = str(info["private_key_id"]), str(info["client_email"])
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(SETTING, f"{path} is not a service account's key. {_ADVICE}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(SETTING, f"{path} holds a key that is not RSA. {_ADVICE}")
    return ServiceAccount(email, key_id, key, credentials)


_ADVICE = (
    "Make a key in the Google Cloud console (IAM, Service accounts, Keys, JSON) and give the file"
    " as it was downloaded."
)
