"""What a till asks first: whose card is this?"""

import hashlib

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from ledger import idempotency, members, offers
from ledger.errors import UnknownCard
from ledger.idempotency import Answer
from ledger.members import Member
from wallet.api.auth import caller, needs
from wallet.api.bodies import OfferSeen, ScanIn, ScanOut
from wallet.api.members import described
from wallet.api.once import sent_key
from wallet.installation import here
from wallet.passes import codes, renewal
from wallet.passes.renewal import Scan

routes = APIBlueprint("scans", __name__, tag="Scans")


@routes.post("/scans")
@needs("scans:write")
@routes.input(ScanIn)
@routes.output(ScanOut)
def scan(json_data: ScanIn) -> ScanOut:
    """Tell a till whose card this is. Spaces in the number do not count.

    A code that is good once is used up by it; the same request again, with the same
    Idempotency-Key, is the same scan."""
    text, key = members.plain(json_data.barcode), sent_key(required=False)
    if codes.is_code(text):
        scan = here().database.run(lambda session: _scanned(session, text, key))
    elif not members.may_be_card(text):
        raise UnknownCard
    else:
        with here().database.reading() as session:
            scan = renewal.accept(session, here().keys, text, here().clock())
    if scan.refusal is not None:
        raise scan.refusal
    with here().database.reading() as session:
        return _seen(session, scan.member)


def _scanned(session: Session, text: str, key: str) -> Scan:
    """What is remembered of a scan is whose card it was, and nothing of the person."""
    now, keys = here().clock(), here().keys
    if not key:
        return renewal.accept(session, keys, text, now)
    scope, digest = f"scan:{caller().name}", hashlib.sha256(text.encode()).digest()
    first = idempotency.claim(session, scope, key, digest, now)
    if first is not None:
        return Scan(members.by_public_id(session, first.body.decode()))
    scan = renewal.accept(session, keys, text, now)
    if scan.refusal is None:
        idempotency.remember(session, scope, key, Answer(200, scan.member.public_id.encode()))
    else:
        idempotency.let_go(session, scope, [key])
    return scan


def _seen(session: Session, member: Member) -> ScanOut:
    shown = offers.shown(session, member.programme_id, [member.id], here().clock())[member.id]
    return ScanOut(
        **described(session, member).model_dump(),
        name=members.person(session, member.id).name,
        offers=[OfferSeen(id=offer.public_id, title=offer.title) for offer in shown],
    )
