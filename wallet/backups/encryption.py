"""Backups as they lie on a disk: encrypted as a whole, so that they show nothing to who has only
the file, and so that whatever is cut off, moved or changed is noticed before it is restored.

    kopilka backup 1        16 bytes
    the key's id in the ring 8 bytes, ASCII
    salt                    32 bytes, random
    blocks                  1 MiB each, the last one shorter, and behind each its tag of 16 bytes

The key of a file is HKDF-SHA256 (RFC 5869) of the ring's key and the salt, with the first line as
`info`. Blocks are AES-256-GCM with the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár
2015): the nonce is seven zeros, the number of the block in four bytes, and 1 for the last block,
else 0. What stands before the blocks is authenticated with each."""

import io
import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wallet.backups.manifest import BackupRefused
from wallet.configuration.keyring import Key, KeyRing

MAGIC = b"kopilka backup 1"
ID_BYTES, SALT_BYTES, TAG_BYTES = 8, 32, 16
HEADER_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES
BLOCK_BYTES = 1024 * 1024


class Encrypting(io.RawIOBase):
    """Writes what it is given to `file`, encrypted with `key`. Only what was closed is whole."""

    def __init__(self, file: BinaryIO, key: Key) -> None:
        salt = os.urandom(SALT_BYTES)
        self._file = file
        self._blocks = _Blocks(key, salt)
        self._waiting = bytearray()
        file.write(self._blocks.header)

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        """Encrypt it when a block is full. Returns its size in bytes."""
        view = memoryview(data)  # type: ignore[arg-type]
        self._waiting += view
        # A block is written when there is more: the last one must be known to be the last.
        while len(self._waiting) > BLOCK_BYTES:
            self._file.write(self._blocks.encrypt(bytes(self._waiting[:BLOCK_BYTES]), last=False))
            del self._waiting[:BLOCK_BYTES]
        return view.nbytes

    def close(self) -> None:
        """Write the last block."""
        if not self.closed:
            self._file.write(self._blocks.encrypt(bytes(self._waiting), last=True))
        super().close()


class _Blocks:
    """The blocks of one file, in their order."""

    def __init__(self, key: Key, salt: bytes) -> None:
        self.header = MAGIC + key.id.encode() + salt
        derived = HKDF(algorithm=SHA256(), length=32, salt=salt, info=MAGIC).derive(key.secret)
        self._cipher = AESGCM(derived)
        self._number = 0

    def encrypt(self, block: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), block, self.header)

    def decrypt(self, block: bytes, *, last: bool) -> bytes:
        """Raises `InvalidTag`."""
        return self._cipher.decrypt(self._nonce(last=last), block, self.header)

    def _nonce(self, *, last: bool) -> bytes:
        nonce = bytes(7) + self._number.to_bytes(4) + bytes([last])
        self._number += 1
        return nonce


def is_encrypted(source: Path) -> bool:
    """Whether the file is one of these. Backups of earlier releases are plain ZIP files."""
    with source.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def decrypt(source: Path, ring: KeyRing, target: Path) -> None:
    """Write what is in the backup to `target`, which must not exist. Raises `BackupRefused`, and
    then there is no `target`."""
    with source.open("rb") as file, target.open("xb") as plain:
        try:
            _decrypt(file, ring, plain)
        except (InvalidTag, BackupRefused) as error:
            target.unlink()
            if isinstance(error, BackupRefused):
                raise
            raise BackupRefused(
                "unreadable",
                f"{source} is not a whole backup: it was cut short, or changed.",
            ) from error


def _decrypt(file: BinaryIO, ring: KeyRing, plain: BinaryIO) -> None:
    header = file.read(HEADER_BYTES)
    key_id = header[len(MAGIC) : len(MAGIC) + ID_BYTES].decode("ascii", "replace")
    if len(header) < HEADER_BYTES:
        raise InvalidTag
    if key_id not in ring:
        raise BackupRefused(
            "key_missing",
            f"The backup was encrypted with the key {key_id}, which is not in WALLET_SECRET_KEY.",
        )
    blocks = _Blocks(ring.key(key_id), header[-SALT_BYTES:])
    block = file.read(BLOCK_BYTES + TAG_BYTES)
    is_last = False
    while not is_last:
        following = file.read(BLOCK_BYTES + TAG_BYTES)
        is_last = not following
        plain.write(blocks.decrypt(block, last=is_last))
        block = following
