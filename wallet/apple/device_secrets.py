"""How the secrets of a device lie in the database: encrypted, each in one form.

Who reads the device library identifier may ask what is on the phone (`PassKit Web Service`: that
request shows no other proof), and who reads a push token knows where the phone is reached."""

from wallet.configuration.keyring import KEY_ID_BYTES, SIV_BYTES, KeyRing

LONGEST_SECRET = 200  # characters
LONGEST_ENCRYPTED = KEY_ID_BYTES + SIV_BYTES + LONGEST_SECRET  # bytes


class DeviceSecrets:
    """Encrypts and reads the identifiers and tokens of devices. An identifier belongs to the pass
    type of its row, a token to the encrypted identifier beside it."""

    def __init__(self, keys: KeyRing) -> None:
        self._library_ids = keys.cipher("apple_device.library_id")
        self._push_tokens = keys.cipher("apple_device.push_token")

    def library_ids(self, library_id: str, pass_type: str) -> list[bytes]:
        """As what this identifier may lie in the database: by each key of the ring. New rows get
        the first of them."""
        return self._library_ids.forms(library_id, pass_type.encode())

    def push_token(self, token: str, library_id: bytes) -> bytes:
        """The token as it lies beside this encrypted identifier."""
        return self._push_tokens.encrypt(token, library_id)

    def read_push_token(self, push_token: bytes, library_id: bytes) -> str:
        """Raises `Undecipherable`."""
        return self._push_tokens.decrypt(push_token, library_id)

    def encrypted(self, library_id: str, token: str, pass_type: str) -> tuple[bytes, bytes]:
        """Identifier and token of a device as they lie in its row, by the first key."""
        encrypted_id = self._library_ids.encrypt(library_id, pass_type.encode())
        return encrypted_id, self.push_token(token, encrypted_id)

    def read(self, library_id: bytes, push_token: bytes, pass_type: str) -> tuple[str, str]:
        """Identifier and token of a device. Raises `Undecipherable`."""
        token = self.read_push_token(push_token, library_id)
        return self._library_ids.decrypt(library_id, pass_type.encode()), token

    def older(self) -> list[tuple[bytes, bytes]]:
        """For each key but the first the bounds between which the identifiers lie that it
        encrypted; with the token it is the same key."""
        return self._library_ids.older()
