"""Devices as rows, their secrets encrypted as the service encrypts them, and read again."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from wallet.apple.device_secrets import DeviceSecrets
from wallet.apple.devices import Device
from wallet.configuration.keyring import KeyRing


class PlainDevice(NamedTuple):
    id: int
    library_id: str
    token: str


def row(
    keys: KeyRing, library_id: str, token: str, pass_type: str, now: datetime
) -> dict[str, object]:
    """The values of a row of `Device`, without its id."""
    encrypted_id, push_token = DeviceSecrets(keys).encrypted(library_id, token, pass_type)
    return {
        "library_id": encrypted_id,
        "pass_type": pass_type,
        "push_token": push_token,
        "refreshed_at": now,
    }


def plain(session: Session, keys: KeyRing) -> Sequence[PlainDevice]:
    """All devices, the first one first, with what is encrypted of them."""
    secrets = DeviceSecrets(keys)
    columns = (Device.id, Device.library_id, Device.push_token, Device.pass_type)
    rows = session.execute(select(*columns).order_by(Device.id)).all()
    return [PlainDevice(id_, *secrets.read(*encrypted)) for id_, *encrypted in rows]


def fill(session: Session, keys: KeyRing, devices: Iterable[tuple[int, str, str]], of: str) -> None:
    """Very many devices at once, on PostgreSQL: their ids, identifiers and tokens; `of` is the
    pass type."""
    secrets, now = DeviceSecrets(keys), datetime.now(UTC)
    driver: Any = session.connection().connection.driver_connection
    columns = "id, library_id, pass_type, push_token, refreshed_at"
    with driver.cursor().copy(f"COPY apple_device ({columns}) FROM STDIN") as rows:
        for id_, name, token in devices:
            library_id, push_token = secrets.encrypted(name, token, of)
            rows.write_row((id_, library_id, of, push_token, now))
