"""Encrypted backups: whole, or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wallet.backups import encryption
from wallet.backups.encryption import BLOCK_BYTES, HEADER_BYTES, TAG_BYTES, Encrypting
from wallet.backups.manifest import BackupRefused
from wallet.configuration.keyring import KeyRing

OLD, NEW = "the-key-of-the-year-before", "the-key-of-this-year-and-on"
RING = KeyRing((NEW, OLD))
BLOCK = BLOCK_BYTES + TAG_BYTES


def encrypted(data: bytes, path: Path, ring: KeyRing = RING, piece: int = 100_000) -> Path:
    with path.open("wb") as file, Encrypting(file, ring.first) as encrypting:
        for start in range(0, len(data), piece):
            encrypting.write(data[start : start + piece])
    return path


def decrypted(path: Path, ring: KeyRing = RING) -> bytes:
    target = path.with_suffix(".plain")
    encryption.decrypt(path, ring, target)
    data = target.read_bytes()
    target.unlink()
    return data


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES, 3_333_333])
def test_what_went_in_comes_out(size: int, tmp_path: Path) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    file = encrypted(data[:size], tmp_path / "x")
    assert encryption.is_encrypted(file)
    assert decrypted(file) == data[:size]


def test_a_key_that_was_replaced_opens_what_it_closed(tmp_path: Path) -> None:
    file = encrypted(b"words", tmp_path / "x", KeyRing((OLD,)))
    assert decrypted(file) == b"words"
    with pytest.raises(BackupRefused, match="not in WALLET_SECRET_KEY") as refused:
        decrypted(file, KeyRing((NEW,)))
    assert refused.value.problem == "key_missing"
    assert not file.with_suffix(".plain").exists()


def test_the_same_twice_is_never_the_same_file(tmp_path: Path) -> None:
    files = [encrypted(b"words" * 100, tmp_path / name).read_bytes() for name in ("a", "b")]
    assert files[0][HEADER_BYTES:] != files[1][HEADER_BYTES:]
    assert all(b"words" not in one for one in files)


def _flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        _flipped(30),  # the salt
        _flipped(HEADER_BYTES),
        _flipped(-1),
        lambda data: data[:-1],
        lambda data: data[: HEADER_BYTES + BLOCK],  # ends where a block ends
        lambda data: data[: HEADER_BYTES + 2 * BLOCK],
        lambda data: data[:HEADER_BYTES],
        lambda data: data[:40],
        lambda data: data + b"x",
        lambda data: data + data[-100:],
        lambda data: data[:HEADER_BYTES] + data[HEADER_BYTES + BLOCK :],
        lambda data: (
            data[:HEADER_BYTES]
            + data[HEADER_BYTES + BLOCK : HEADER_BYTES + 2 * BLOCK]
            + data[HEADER_BYTES : HEADER_BYTES + BLOCK]
            + data[HEADER_BYTES + 2 * BLOCK :]
        ),
    ],
)
def test_what_was_cut_moved_or_changed_is_refused(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    file = encrypted(b"y" * (2 * BLOCK_BYTES + 5000), tmp_path / "x")
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(BackupRefused, match="not a whole backup"):
        decrypted(file)
    assert not file.with_suffix(".plain").exists()
