"""Erasing a person wherever the wallet keeps something of them.

Their pass becomes void: one last version without a name, a number or a barcode goes to the phones
by the usual way. If the pass were just not served any more, it would stay in the phone as it was,
with the name on it (Apple: a refusal leaves the pass as it is; Google: an object cannot be
deleted)."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger import erasure
from ledger.database.engine import Database
from ledger.erasure import Erased
from ledger.people import members
from wallet.access import adjustments, changes
from wallet.access.changes import Author, ChangedThing
from wallet.apple import complaints, devices
from wallet.apple.signed_passes import SealedPass
from wallet.delivery.refresh import MakeDue, refresh
from wallet.finding import codes
from wallet.google import mirror
from wallet.outreach import deliveries
from wallet.passes import issued, renewal
from wallet.passes.issued import Pass
from wallet.receivers import log as receiver_log

# Rows of these tables are deleted with their pass. A new table with personal data gets a line here.
ROWS_OF_A_PASS = (SealedPass.pass_id,)

ERASED_FILE = "erased.txt"

# For so long phones are told that their pass is void; a phone that is off for longer never hears of
# it.
TOLD_FOR = timedelta(days=30)

log = structlog.get_logger()


def erase(
    session: Session,
    public_id: str,
    make_due: Sequence[MakeDue],
    now: datetime,
    *,
    by: Author,
    write_off: bool = False,
) -> Erased:
    """Erase a person in the book and in the wallet, within this transaction. Raises
    `UnknownMember`, `HouseholdNotEmpty`."""
    erased = erasure.erase(session, public_id, now, write_off=write_off)
    changes.forget(session, erased.member_ids)
    adjustments.forget(session, erased.member_ids)
    if erased.points or not erased.is_repeated:
        programme_id = members.by_id(session, erased.member_ids[0]).programme_id
        of = ChangedThing("member", erased.id, programme_id, erased.member_ids[0])
        changes.note(session, by, "member.erased", of, now, None, {"written_off": erased.points})
    pass_ids = issued.every_id_of_members(session, erased.member_ids)
    # Whoever writes words on these cards at this moment holds them: what they write goes as well.
    issued.lock_out(session, pass_ids)
    deliveries.forget(session, erased.member_ids)
    receiver_log.forget_answers(session, erased.member_ids)
    codes.forget(session, erased.member_ids)
    refresh(session, pass_ids, make_due, now)
    for column in ROWS_OF_A_PASS:
        session.execute(delete(column.class_).where(column.in_(pass_ids)))
    renewal.forget(session, erased.member_ids)
    complaints.forget(session, _serials(session, pass_ids))
    mirror.forget_words(session, pass_ids)
    return erased


def carry_out(
    database: Database,
    data: Path,
    public_id: str,
    make_due: Sequence[MakeDue],
    now: datetime,
    *,
    by: Author,
    write_off: bool = False,
) -> Erased:
    """Erase a person to the last byte, and note the id in the data folder: a restored backup brings
    the person back, and this list says whom to erase again. If the process dies on the way, calling
    it again finishes the work. Raises what `erase` raises."""
    erased = database.run(
        lambda session: erase(session, public_id, make_due, now, by=by, write_off=write_off)
    )
    clean = database.wipe()
    _note(data, erased)
    log.info("member_erased", member=erased.id, members=len(erased.member_ids), clean=clean)
    return erased


def line(public_id: str, erased_at: datetime | None) -> str:
    """The line of an erased member in a list of them."""
    return f"{public_id} {erased_at.isoformat() if erased_at else ''}"


def listed(text: str) -> list[str]:
    """The ids in a list of erased members, each once."""
    return list(dict.fromkeys(line.split()[0] for line in text.splitlines() if line.strip()))


def forget_devices(session: Session, now: datetime, limit: int = 200) -> bool:
    """Forget phones that have had `TOLD_FOR` to hear that their pass is void; True if there may be
    more."""
    return devices.forget_untold(session, now - TOLD_FOR, now, limit) == limit


def _serials(session: Session, pass_ids: Sequence[int]) -> Sequence[str]:
    return session.scalars(select(Pass.serial).where(Pass.id.in_(pass_ids))).all()


def _note(data: Path, erased: Erased) -> None:
    data.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{line(id_, erased.erased_at)}\n" for id_ in erased.public_ids)
    with (data / ERASED_FILE).open("a") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
